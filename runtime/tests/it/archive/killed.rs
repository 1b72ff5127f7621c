//! An archiver in a process that is killed: whatever moment that comes at, nothing is lost or doubled, and the next run
//! finishes what it left.
//!
//! The test starts this very binary again to run [`child`] alone.

use std::env;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use eventloom_runtime::testing::block_on;

use super::{Kind, Rig};
use crate::archiving::{ArchiveKind as _, archive, archiver, live, seen};

const PLACE: &str = "EVENTLOOM_TEST_ARCHIVED_STORE";
const FOLDER: &str = "EVENTLOOM_TEST_ARCHIVE";
const STEPS: &str = "EVENTLOOM_TEST_ARCHIVE_STEPS";

/// Archives, tells of every step, and stands still after so many of them; nothing where this is run as a test among others.
#[test]
fn child() {
    let (Ok(place), Some(folder)) = (env::var(PLACE), env::var_os(FOLDER)) else { return };
    let stop: usize = env::var(STEPS).expect("steps").parse().expect("a number");
    block_on(async {
        let store = Kind.open_at(&place, Some(&PathBuf::from(folder))).await.expect("a store");
        let mut steps = 0;
        let run = archiver(&store).segment_events(9).run(|progress| {
            steps += 1;
            say(&format!("step {:?}", progress.step));
            if steps == stop {
                loop {
                    std::thread::park();
                }
            }
        });
        run.await.expect("an archive");
        say("the end");
    });
}

fn say(line: &str) {
    println!("{line}");
    std::io::stdout().flush().expect("an output");
}

/// Kills an archiver after so many steps: tells the last of them, or none where it had come to its end.
fn killed(place: &str, folder: &Path, steps: usize) -> Option<String> {
    let (_, module) = module_path!().split_once("::").expect("a path");
    let mut child = Command::new(env::current_exe().expect("this binary"))
        .env(PLACE, place)
        .env(FOLDER, folder)
        .env(STEPS, steps.to_string())
        .args(["--exact", &format!("{module}::child"), "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let output = BufReader::new(child.stdout.take().expect("its output"));
    let mut told = output.lines().map(|line| line.expect("a line"));
    let mut last = None;
    for _ in 0..steps {
        last = told.find(|line| line.starts_with("step ") || line == "the end");
        if last.as_ref().is_none_or(|line| line == "the end") {
            break;
        }
    }
    child.kill().expect("a kill");
    child.wait().expect("its end");
    last.expect("a step").strip_prefix("step ").map(str::to_owned)
}

#[test]
fn an_archiver_that_is_killed_loses_and_doubles_nothing() {
    let mut seen_steps = Vec::new();
    for steps in 1.. {
        let rig = block_on(Rig::filled());
        let (before, place) =
            block_on(async { (seen(&rig.store).await, Kind.address(&rig.place).await) });
        let Some(step) = killed(&place, &rig.archive(), steps) else { break };

        assert_eq!(block_on(seen(&rig.store)), before, "{steps}: {step}");
        let is_orphaned = step == "Named" || step == "Verified";
        block_on(async {
            let dry = archiver(&rig.store).dry_run(true).run(|_| {}).await.expect("a report");
            assert_eq!(dry.unknown_files.len(), usize::from(is_orphaned), "{steps}: {step}");
            let report = archive(&rig.store).await;
            assert_eq!(report.unknown_files, dry.unknown_files, "{steps}: {step}");
            assert_eq!(live(&rig.store).await, 47, "{steps}: {step}");
            assert_eq!(seen(&rig.store).await, before, "{steps}: {step}");
            // What is told of no event is in may be deleted, as is said.
            for file in report.unknown_files {
                std::fs::remove_file(rig.archive().join(file)).expect("a file");
            }
            let store = rig.again(Some(&rig.archive())).await;
            assert_eq!(seen(&store).await, before, "{steps}: {step}");
            assert_eq!(archive(&store).await.events(), 0, "{steps}: {step}");
        });
        seen_steps.push(step);
    }
    let file = ["Written", "Named", "Verified", "Left"];
    let expected: Vec<&str> = file.into_iter().chain(file).chain(["Looked"]).chain(file).collect();
    assert_eq!(seen_steps, expected);
}
