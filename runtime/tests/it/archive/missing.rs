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
