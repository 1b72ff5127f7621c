//! Runs that end in the middle, and runs at the same time: every event stays where it can be read, and stays one.

use std::fs;
use std::panic::AssertUnwindSafe;
use std::sync::mpsc;

use eventloom_runtime::StoreError;
use eventloom_runtime::store::archive::{ArchiveError, ArchiveStep, ArchiveStore as _};
use eventloom_runtime::testing::block_on;

use super::{Rig, Store, files};
use crate::archiving::{archive, archiver, live, seen};

/// Archives until the progress has come so many times, and ends there as a crash would. Tells the step, if there was one.
fn crash(store: &Store, after: usize) -> Option<ArchiveStep> {
    let (mut told, mut step) = (0, None);
    let run = AssertUnwindSafe(|| {
        block_on(archiver(store).segment_events(9).run(|progress| {
            told += 1;
            if told == after {
                step = Some(progress.step);
                std::panic::resume_unwind(Box::new("a crash"));
            }
        }))
    });
    let ended = std::panic::catch_unwind(run);
    assert_eq!(ended.is_err(), step.is_some(), "{ended:?}");
    step
}

/// Wherever a run ends, nothing is lost and nothing is there twice, and the next run does what it left.
#[test]
fn a_run_that_is_cut_off_loses_and_doubles_nothing() {
    let mut steps = Vec::new();
    for after in 1.. {
        let rig = block_on(Rig::filled());
        let before = block_on(seen(&rig.store));
        let Some(step) = crash(&rig.store, after) else { break };
        steps.push(step);

        let store = block_on(rig.again(Some(&rig.archive())));

        assert_eq!(block_on(seen(&store)), before, "after {step:?}, {after}");
        let report = block_on(archive(&store));
        assert_eq!(block_on(live(&store)), 47, "after {step:?}, {after}");
        assert_eq!(block_on(seen(&store)), before, "after {step:?}, {after}");
        let is_named = matches!(step, ArchiveStep::Named | ArchiveStep::Verified);
        assert_eq!(report.unknown_files.len(), usize::from(is_named), "after {step:?}, {after}");
        for file in report.unknown_files {
            assert!(rig.archive().join(file).exists(), "it is left as it is");
        }
        let drafts = fs::read_dir(rig.archive()).expect("a folder").filter(|it| {
            let path = it.as_ref().expect("a file").path();
            path.extension().is_some_and(|it| it == "tmp")
        });
        assert_eq!(drafts.count(), 0);
    }
    use ArchiveStep::{Left, Looked, Named, Verified, Written};
    let file = [Written, Named, Verified, Left];
    let expected: Vec<ArchiveStep> =
        file.into_iter().chain(file).chain([Looked]).chain(file).collect();
    assert_eq!(steps, expected);
}

/// What the disk gives back is looked at before any event goes.
#[test]
fn nothing_goes_for_a_file_that_is_not_what_was_written() {
    block_on(async {
        let rig = Rig::filled().await;
        let before = seen(&rig.store).await;
        let changes: [fn(&mut Vec<u8>); 3] = [
            |bytes| {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            },
            |bytes| bytes.truncate(bytes.len() - 1),
            |bytes| bytes.push(0),
        ];
        for change in changes {
            let folder = rig.archive();
            let run = archiver(&rig.store).run(|progress| {
                if progress.step == ArchiveStep::Named {
                    let file = files(&folder).pop().expect("a file");
                    let mut bytes = fs::read(&file).expect("a file");
                    change(&mut bytes);
                    fs::write(&file, bytes).expect("a file");
                }
            });
            let error = run.await.expect_err("it is not what was written");
            let ArchiveError::LeftBehind { error: why, files, .. } = &error else {
                panic!("{error:?}")
            };
            assert!(matches!(**why, ArchiveError::Store(StoreError::Corrupt { .. })), "{error:?}");
            assert_eq!(files.len(), 1);
            assert_eq!(live(&rig.store).await, 72);
        }
        assert_eq!(seen(&rig.store).await, before);
        let report = archive(&rig.store).await;
        assert_eq!((report.events(), report.unknown_files.len()), (25, 3));
        assert_eq!(seen(&rig.store).await, before);
    });
}

#[test]
fn a_folder_that_cannot_be_written_keeps_every_event_live() {
    block_on(async {
        let rig = Rig::filled().await;
        fs::write(rig.archive(), "a file").expect("a file");
        let error = archiver(&rig.store).run(|_| {}).await.expect_err("it is no folder");
        assert!(matches!(error, ArchiveError::Unwritable { .. }), "{error:?}");
        fs::remove_file(rig.archive()).expect("a file");
        fs::create_dir_all(rig.archive().join("000001.ndjson.gz.tmp")).expect("a folder");
        archiver(&rig.store).run(|_| {}).await.expect_err("its name is taken");
        fs::remove_dir(rig.archive().join("000001.ndjson.gz.tmp")).expect("a folder");
        // Somebody puts a file there in the middle of it: it is not replaced.
        let taken = rig.archive().join("000001.ndjson.gz");
        let error = archiver(&rig.store).run(|progress| {
            if progress.step == ArchiveStep::Written {
                fs::write(&taken, "somebody's").expect("a file");
            }
        });
        let error = error.await.expect_err("its name is taken");
        assert!(matches!(error, ArchiveError::Unwritable { .. }), "{error:?}");
        assert_eq!(fs::read_to_string(&taken).expect("a file"), "somebody's");
        assert!(!rig.archive().join("000001.ndjson.gz.tmp").exists(), "the draft is removed");
        assert_eq!(live(&rig.store).await, 72);
        assert!(rig.store.segments().await.expect("segments").is_empty());
    });
}

/// A disk that was full told of a draft of a manifest, and not of the file of some megabytes that nobody needed from then on.
/// Here it can't be written for another reason.
#[test]
fn a_failure_names_the_file_that_it_leaves_behind() {
    block_on(async {
        let rig = Rig::filled().await;
        let before = seen(&rig.store).await;
        let folder = rig.archive();
        let obstacle = folder.join("000002.manifest.json.tmp");

        let run = archiver(&rig.store).segment_events(9).run(|progress| {
            if progress.step == ArchiveStep::Written && !folder.join("000001.ndjson.gz").exists() {
                fs::create_dir(&obstacle).expect("a folder");
            }
        });

        let error = run.await.expect_err("the second manifest can't be written");
        let ArchiveError::LeftBehind { error: why, files, folder: told, .. } = &error else {
            panic!("{error:?}")
        };
        assert!(matches!(**why, ArchiveError::Unwritable { .. }), "{error:?}");
        assert_eq!((files.as_slice(), told), (&["000002.ndjson.gz".to_owned()][..], &folder));
        let said = error.to_string();
        assert!(said.contains("000002.manifest.json.tmp can't be used"), "{said}");
        assert!(said.contains("no event has left for them, and they may be deleted"), "{said}");
        assert_eq!(live(&rig.store).await, 72 - 9);
        fs::remove_dir(&obstacle).expect("a folder");
        fs::remove_file(folder.join(&files[0])).expect("a file");
        assert_eq!(seen(&rig.store).await, before);
        assert_eq!(archive(&rig.store).await.events(), 25 - 9);
        assert_eq!(seen(&rig.store).await, before);
    });
}

/// While one archives, another is turned away, by the folder or by the store.
#[test]
fn a_second_archiver_is_turned_away() {
    block_on(async {
        let rig = Rig::filled().await;
        let before = seen(&rig.store).await;
        fs::create_dir(rig.archive()).expect("a folder");
        let lock = fs::File::create(rig.archive().join("archive.lock")).expect("a file");
        lock.lock().expect("a lock");
        let error = archiver(&rig.store).run(|_| {}).await.expect_err("another one is at it");
        assert!(matches!(error, ArchiveError::Busy { .. }), "{error:?}");
        assert_eq!(live(&rig.store).await, 72);
        drop(lock);

        let other = rig.again(Some(&rig.archive())).await;
        let both = tokio::join!(
            archiver(&rig.store).segment_events(3).run(|_| {}),
            archiver(&other).segment_events(3).run(|_| {}),
        );

        for run in [both.0, both.1] {
            match run {
                Ok(_) | Err(ArchiveError::Busy { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        archive(&rig.store).await;
        assert_eq!(live(&rig.store).await, 47);
        assert_eq!(seen(&other).await, before);
    });
}

/// A dry run took the file of a run that was at work for one that nobody needs: its events left for it a moment later, and the
/// operator had been told to delete it.
#[test]
fn a_dry_run_tells_of_no_file_that_a_run_is_at() {
    let rig = block_on(Rig::filled());
    let before = block_on(seen(&rig.store));
    fs::create_dir(rig.archive()).expect("a folder");
    fs::write(rig.archive().join("000007.ndjson.gz"), "of a run before").expect("a file");
    let other = block_on(rig.again(Some(&rig.archive())));
    let dry = || block_on(archiver(&other).dry_run(true).run(|_| {})).expect("a report");
    assert_eq!(dry().unknown_files, ["000007.ndjson.gz"]);
    assert!(!rig.archive().join("archive.lock").exists(), "a dry run changes nothing");
    let (go, waits) = mpsc::channel::<()>();
    let (verified, told) = mpsc::channel::<()>();
    let store = rig.store.clone();
    let run = std::thread::spawn(move || {
        block_on(archiver(&store).run(move |progress| {
            if progress.step == ArchiveStep::Verified {
                verified.send(()).expect("a test that waits");
                waits.recv().expect("a test that goes on");
            }
        }))
    });
    told.recv().expect("a file that is verified");

    let meanwhile = dry();

    go.send(()).expect("somebody who waits");
    let report = run.join().expect("a thread").expect("it archives");
    assert_eq!((report.events(), meanwhile.unknown_files), (25, Vec::<String>::new()));
    assert_eq!(dry().unknown_files, ["000007.ndjson.gz"]);
    assert_eq!(block_on(seen(&other)), before);
}

/// Two that archive the same events to two folders know nothing of each other's files: the second to come is told that
/// the events have gone, and its file is of no use.
#[test]
fn two_folders_at_once_double_nothing() {
    let rig = block_on(Rig::filled());
    let before = block_on(seen(&rig.store));
    let other = block_on(rig.again(Some(&rig.beside("other"))));
    let (go, waits) = mpsc::channel::<()>();
    let (verified, told) = mpsc::channel::<()>();
    let store = rig.store.clone();
    let slow = std::thread::spawn(move || {
        block_on(archiver(&store).run(move |progress| {
            if progress.step == ArchiveStep::Verified {
                verified.send(()).expect("a test that waits");
                waits.recv().expect("a test that goes on");
            }
        }))
    });
    told.recv().expect("a file that is verified");

    let quick = block_on(archiver(&other).run(|_| {}));

    go.send(()).expect("somebody who waits");
    let slow = slow.join().expect("a thread");
    assert_ne!(quick.is_ok(), slow.is_ok(), "{quick:?} {slow:?}");
    let failed = quick.as_ref().err().or(slow.as_ref().err()).expect("a failure");
    let said = failed.to_string();
    let told = "this run has left 000001.ndjson.gz in ";
    // On some stores the second is turned away before it has written anything.
    let is_told = said.contains(told) && said.contains("they may be deleted");
    assert!(is_told || matches!(failed, ArchiveError::Busy { .. }), "{said}");
    let folder = if quick.is_ok() { rig.beside("other") } else { rig.archive() };
    let store = block_on(rig.again(Some(&folder)));
    assert_eq!(block_on(seen(&store)), before);
    assert_eq!(block_on(live(&store)), 47);
}
