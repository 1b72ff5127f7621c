//! An append is acknowledged after the disk has it: the sync returns before the answer. And where the
//! disk fails, [`failing`] shows what is told.
//!
//! Killing a process can't show a missing sync, for the operating system keeps what was written. So
//! a child process runs with a small C library between it and the kernel that logs every write and
//! sync of the write-ahead log; the child adds a line for every acknowledgement.

mod failing;
mod rows;

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use eventloom_runtime::store::sqlite::{SqliteDatabase, SqliteOptions, SqliteStore, Synchronous};
use eventloom_runtime::store::{Append, NewEvent, StreamKey};
use eventloom_runtime::{EventStore, Metadata, Timestamp, Uuid};

const FOLDER: &str = "EVENTLOOM_SYNC_FOLDER";
const CALLERS: &str = "EVENTLOOM_SYNC_CALLERS";
const WEAKENED: &str = "EVENTLOOM_SYNC_WEAKENED";
const ROUNDS: u64 = 50;

/// The child: rounds of appends by so many callers at once, with a line in the log after each.
/// Nothing where this is run as a test among others.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let callers = std::env::var(CALLERS).expect("callers").parse().expect("a number");
    let weakened = std::env::var_os(WEAKENED).is_some();
    let synchronous = if weakened { Synchronous::Normal } else { Synchronous::Full };
    eventloom_runtime::testing::block_on(async {
        let options = SqliteOptions { synchronous, ..SqliteOptions::default() };
        let database = SqliteDatabase::open_with(folder.join("bank.db"), options);
        let store = SqliteStore::open(&database.expect("a database")).await.expect("a store");
        let log = OpenOptions::new().append(true).open(folder.join("log"));
        let mut log = log.expect("the log, which the library has made");
        for round in 0..ROUNDS {
            append_at_once(&store, callers, round).await;
            log.write_all(b"acknowledged\n").expect("a line");
        }
    });
}

async fn append_at_once(store: &SqliteStore, callers: u64, round: u64) {
    let mut running = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let store = store.clone();
        running.spawn(async move { store.append(append(caller, round)).await });
    }
    for outcome in running.join_all().await {
        outcome.expect("an append");
    }
}

fn append(caller: u64, round: u64) -> Append {
    let stream = StreamKey { aggregate: "Account", id: format!("A{caller}").into() };
    let meta = Metadata {
        event_id: Uuid::from_u128(u128::from(caller) << 64 | u128::from(round)),
        stream_id: stream.id.clone(),
        sequence: round + 1,
        at: Timestamp::from_micros(0),
        recorded_at: Timestamp::from_micros(0),
        actor: None,
        correlation_id: None,
        causation_id: None,
        traceparent: None,
    };
    let event = NewEvent { event_type: "Opened", version: 1, data: b"{}".to_vec(), meta };
    Append {
        stream,
        expected: round,
        events: vec![event],
        released: Vec::new(),
        passing: Vec::new(),
        keys: Vec::new(),
        content: [0; 16],
        command: None,
        snapshot: None,
        epoch: None,
    }
}

/// Runs the child and gives its log.
fn logged(callers: u64, weakened: bool) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    command
        .args(["--exact", "sync_before_ack::child"])
        .env(FOLDER, folder.path())
        .env(CALLERS, callers.to_string())
        .env("SYNC_LOG", folder.path().join("log"))
        .env("LD_PRELOAD", library(folder.path()));
    if weakened {
        command.env(WEAKENED, "1");
    }
    let output = command.output().expect("a child");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    fs::read_to_string(folder.path().join("log")).expect("the log")
}

/// Compiles the library with the C compiler that the bundled SQLite needed, too.
fn library(folder: &Path) -> PathBuf {
    let library = folder.join("disk.so");
    let compiler = std::env::var_os("CC").unwrap_or_else(|| OsString::from("cc"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("all/sync_before_ack/disk.c");
    let output = Command::new(&compiler)
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .output()
        .expect("a C compiler");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    library
}

/// Whether at every acknowledgement all that was written had been synced, and something had been.
fn synced_before_acknowledged(log: &str) -> Result<(), String> {
    let (mut unsynced, mut synced, mut acknowledged) = (0, 0, 0);
    for line in log.lines() {
        match line {
            "written" => unsynced += 1,
            "synced" => (unsynced, synced) = (0, synced + 1),
            "acknowledged" if unsynced > 0 => {
                return Err(format!("round {acknowledged}: {unsynced} writes were not yet synced"));
            }
            "acknowledged" if synced == 0 => {
                return Err(format!("round {acknowledged}: nothing was synced"));
            }
            "acknowledged" => (synced, acknowledged) = (0, acknowledged + 1),
            "file synced" | "begun anew" => {}
            line => return Err(format!("`{line}` is no line of the log")),
        }
    }
    if acknowledged == ROUNDS { Ok(()) } else { Err(format!("{acknowledged} rounds only")) }
}

#[test]
fn a_lone_append_is_synced_before_it_is_acknowledged() {
    assert_eq!(synced_before_acknowledged(&logged(1, false)), Ok(()));
}

#[test]
fn grouped_appends_are_synced_before_they_are_acknowledged() {
    assert_eq!(synced_before_acknowledged(&logged(8, false)), Ok(()));
}

/// The mutation: a store that leaves the sync to a later moment must not pass.
#[test]
fn the_check_notices_a_missing_sync() {
    for callers in [1, 8] {
        let found = synced_before_acknowledged(&logged(callers, true));
        assert!(found.is_err_and(|found| found.contains("not yet synced")), "{callers} callers");
    }
}
