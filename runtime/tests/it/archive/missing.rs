//! An archive that is not there, or not what it was: reads that need it say so, and none gives out less.

use std::fs;

use eventloom_runtime::store::archive::{ArchiveError, ArchiveStore as _};
use eventloom_runtime::store::{Direction, StreamRead};
use eventloom_runtime::testing::block_on;
use eventloom_runtime::{EventStore as _, StoreError};

use super::{Rig, files};
use crate::archiving::{
    all, archive, archiver, days_ago, events, live, of_stream, seen, snapshot, stream, whole,
};

fn is_unavailable(error: &StoreError) -> bool {
    matches!(error, StoreError::ArchivedHistoryUnavailable { .. })
}

/// Every read that needs the archive, through a store that has been opened anew; all fail alike.
async fn errors(rig: &Rig) -> Vec<StoreError> {
    let store = rig.again(Some(&rig.archive())).await;
    let a = stream("a");
    vec![
        all(&store, &whole(), 7).await.expect_err("the global order"),
        of_stream(&store, &a, Direction::Forwards, 0, 7).await.expect_err("forwards"),
        of_stream(&store, &a, Direction::Forwards, 3, 1).await.expect_err("from the middle"),
        of_stream(&store, &a, Direction::Backwards, 100, 100).await.expect_err("backwards"),
        of_stream(&store, &a, Direction::Backwards, 5, 2).await.expect_err("all archived"),
    ]
}

#[test]
fn a_store_without_its_archive_answers_what_it_can_and_refuses_the_rest() {
    block_on(async {
        let rig = Rig::filled().await;
        let before = seen(&rig.store).await;
        archive(&rig.store).await;
        let store = rig.again(None).await;

        // What is live, in whatever direction.
        let read = StreamRead {
            stream: stream("a"),
            after: 16,
            direction: Direction::Forwards,
            limit: 100,
            metadata: true,
        };
        assert_eq!(store.read_stream(read.clone()).await.expect("the live ones").len(), 8);
        let back = StreamRead { after: 25, direction: Direction::Backwards, limit: 8, ..read };
        assert_eq!(store.read_stream(back.clone()).await.expect("the live ones").len(), 8);
        let c = of_stream(&store, &stream("c"), Direction::Forwards, 0, 100).await;
        assert_eq!(c.expect("it is live").len(), 24);
        assert!(store.read_all(48, &whole(), 100).await.expect("the live ones").events.at_end());
        assert_eq!(store.head().await, Ok(before.head));
        assert!(store.snapshot(&stream("a"), crate::archiving::RULE.meaning, 24).await.is_ok());

        let longer = StreamRead { limit: 9, ..back };
        let error = store.read_stream(longer).await.expect_err("an archived one is wanted");
        assert!(is_unavailable(&error), "{error:?}");
        let error = all(&store, &whole(), 1).await.expect_err("the first is archived");
        assert!(is_unavailable(&error), "{error:?}");
        let told = error.to_string();
        assert!(told.contains("the events after position 0 (positions 1 to"), "{told}");
        assert!(told.contains("opened without its archive"), "{told}");
    });
}

#[test]
fn a_missing_file_or_folder_is_unavailable_until_it_is_back() {
    block_on(async {
        let rig = Rig::filled().await;
        let before = seen(&rig.store).await;
        archive(&rig.store).await;
        let [file] = files(&rig.archive()).try_into().expect("one file");
        let (aside, gone) = (rig.beside("file"), rig.beside("folder"));

        fs::rename(&file, &aside).expect("a file");
        for error in errors(&rig).await {
            assert!(is_unavailable(&error), "{error:?}");
            assert!(error.to_string().contains(&file.display().to_string()), "{error}");
        }
        fs::rename(&aside, &file).expect("a file");
        fs::rename(rig.archive(), &gone).expect("a folder");
        for error in errors(&rig).await {
            assert!(is_unavailable(&error), "{error:?}");
        }
        let moved = rig.again(Some(&gone)).await;
        assert_eq!(seen(&moved).await, before, "the archive was moved");
    });
}

#[test]
fn a_cut_file_is_damaged() {
    block_on(async {
        let rig = Rig::filled().await;
        archive(&rig.store).await;
        let [file] = files(&rig.archive()).try_into().expect("one file");
        let bytes = fs::read(&file).expect("a file");
        for length in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            fs::write(&file, &bytes[..length]).expect("a file");
            for error in errors(&rig).await {
                assert!(matches!(error, StoreError::Corrupt { .. }), "{length}: {error:?}");
                assert!(error.to_string().contains("it ends at byte"), "{error}");
            }
        }
    });
}

/// Wherever a bit has turned, no event is given out for it.
#[test]
fn a_flipped_byte_is_damaged() {
    block_on(async {
        let rig = Rig::filled().await;
        let before = seen(&rig.store).await;
        archive(&rig.store).await;
        let [file] = files(&rig.archive()).try_into().expect("one file");
        let bytes = fs::read(&file).expect("a file");
        for at in (0..bytes.len()).step_by(97) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 4;
            fs::write(&file, &flipped).expect("a file");
            for error in errors(&rig).await {
                assert!(matches!(error, StoreError::Corrupt { .. }), "{at}: {error:?}");
                assert!(error.to_string().contains("SHA-256"), "{error}");
            }
        }
        fs::write(&file, &bytes).expect("a file");
        let store = rig.again(Some(&rig.archive())).await;
        assert_eq!(seen(&store).await, before);
    });
}

/// Nothing more is archived to a folder that is not this store's archive, or lacks some of it.
#[test]
fn another_folder_is_refused() {
    block_on(async {
        let rig = Rig::filled().await;
        let other = Rig::filled().await;
        archive(&rig.store).await;
        archive(&other.store).await;

        let strange = rig.again(Some(&other.archive())).await;
        let error = archiver(&strange).run(|_| {}).await.expect_err("it is another store's");
        assert!(matches!(error, ArchiveError::OtherStore { .. }), "{error:?}");
        let empty = rig.again(Some(&rig.beside("empty"))).await;
        let error = archiver(&empty).run(|_| {}).await.expect_err("it lacks the first file");
        assert!(matches!(error, ArchiveError::Incomplete { .. }), "{error:?}");
        fs::create_dir(rig.beside("empty")).expect("a folder");
        let error = archiver(&empty).run(|_| {}).await.expect_err("it lacks the first file");
        assert!(matches!(error, ArchiveError::Incomplete { .. }), "{error:?}");
        let said = error.to_string();
        let written = rig.archive().display().to_string();
        assert!(said.contains("000001.ndjson.gz") && said.contains(&written), "{said}");
        let left = fs::read_dir(rig.beside("empty")).expect("a folder").count();
        assert_eq!(left, 0, "another store may have the folder");
        let none = rig.again(None).await;
        let error = archiver(&none).run(|_| {}).await.expect_err("there is no folder");
        assert!(matches!(error, ArchiveError::NoFolder), "{error:?}");
    });
}

/// A dry run looked at no folder: it told what would be archived, and the run after it was refused.
#[test]
fn a_dry_run_tells_what_is_wrong_with_the_folder() {
    block_on(async {
        let (rig, other) = (Rig::filled().await, Rig::filled().await);
        archive(&rig.store).await;
        archive(&other.store).await;
        let told = async |folder: &std::path::Path| {
            let store = rig.again(Some(folder)).await;
            let dry = archiver(&store).dry_run(true).run(|_| {}).await.err();
            let run = archiver(&store).run(|_| {}).await.err();
            assert_eq!(format!("{dry:?}"), format!("{run:?}"));
            dry
        };

        let error = told(&other.archive()).await;
        assert!(matches!(error, Some(ArchiveError::OtherStore { .. })), "{error:?}");
        let error = told(&rig.beside("empty")).await;
        assert!(matches!(error, Some(ArchiveError::Incomplete { .. })), "{error:?}");
        assert!(!rig.beside("empty").exists());
        assert!(told(&rig.archive()).await.is_none());
        fs::write(rig.archive().join("000007.ndjson.gz"), "of a copy").expect("a file");
        let dry = archiver(&rig.store).dry_run(true).run(|_| {}).await.expect("a report");
        assert_eq!(dry.unknown_files, ["000007.ndjson.gz"]);
        fs::write(&files(&rig.archive())[0], "short").expect("a file");
        let error = told(&rig.archive()).await;
        assert!(matches!(error, Some(ArchiveError::Incomplete { .. })), "{error:?}");

        let fresh = Rig::filled().await;
        for (folder, is_refused) in [
            (other.archive(), true),
            (rig.archive().join("archive.json"), true),
            (rig.archive().join("archive.json").join("below"), true),
            (rig.beside("new").join("folder"), false),
        ] {
            let store = fresh.again(Some(&folder)).await;
            let dry = archiver(&store).dry_run(true).run(|_| {}).await;
            assert_eq!(dry.is_err(), is_refused, "{}: {dry:?}", folder.display());
        }
        assert!(!rig.beside("new").exists());
        assert_eq!(fresh.store.remembered().await, Ok(None), "nothing was noted");
    });
}

/// After an archive was moved, a run that had nothing to archive did not remember where it is: whoever asked the store for the
/// folder was told the old one until something aged out.
#[test]
fn a_moved_archive_is_remembered_though_nothing_is_archived() {
    block_on(async {
        let rig = Rig::filled().await;
        assert_eq!(rig.store.archived_to().await, Ok(None));
        archive(&rig.store).await;
        assert_eq!(rig.store.archived_to().await, Ok(Some(rig.archive())));
        let moved = rig.beside("moved");
        fs::rename(rig.archive(), &moved).expect("a folder");

        let store = rig.again(Some(&moved)).await;
        assert_eq!(archiver(&store).dry_run(true).run(|_| {}).await.expect("one").events(), 0);
        assert_eq!(store.archived_to().await, Ok(Some(rig.archive())), "a dry run notes nothing");
        assert_eq!(archive(&store).await.events(), 0);

        assert_eq!(rig.store.archived_to().await, Ok(Some(moved)));
        // A folder that is refused is not remembered.
        let wrong = rig.again(Some(&rig.beside("wrong"))).await;
        archiver(&wrong).run(|_| {}).await.expect_err("it has nothing of it");
        assert_eq!(rig.store.archived_to().await, store.archived_to().await);
    });
}

/// Where a part of a stream is neither live nor archived, it is not read as if it had never been.
#[test]
fn a_folder_of_another_store_is_no_archive() {
    block_on(async {
        let rig = Rig::filled().await;
        let other = Rig::new().await;
        let mut append = events("a", 0, 30, days_ago(90));
        append.snapshot = Some(snapshot(30));
        other.store.append(append).await.expect("an append");
        archive(&rig.store).await;
        archive(&other.store).await;

        let strange = rig.again(Some(&other.archive())).await;

        let read = of_stream(&strange, &stream("a"), Direction::Forwards, 0, 100).await;
        let error = read.expect_err("these are another store's events");
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
        assert_eq!(live(&strange).await, 47);
        assert_eq!(strange.segments().await.expect("segments").len(), 1);
    });
}
