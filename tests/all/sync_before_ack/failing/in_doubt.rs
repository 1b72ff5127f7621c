//! After a failed sync. Systems tell of it once: what was in the log before and had not been synced may
//! be lost, and whatever follows it in the log is lost with it, however well it is synced itself. So
//! nothing is acknowledged before the log has been copied into the file and begun anew.

use std::fs;
use std::path::Path;

use eventloom_runtime::StoreError;
use eventloom_runtime::store::sqlite::SqliteStore;
use rusqlite::Connection;

use super::{ACKNOWLEDGED, Disk, FAILING, at_once, note, round, run, told_of};

/// The child: an append fails, and more are sent while the disk fails and when it works again. There
/// are rows in the log that were not synced.
pub(super) async fn go_on(store: &SqliteStore, disk: &Disk, callers: u64) {
    at_once(store, callers, 0).await;
    write(store, "CREATE TABLE side (text TEXT)").await;
    disk.fails();
    at_once(store, 1, 1).await;
    for _ in 0..2 {
        at_once(store, callers, 1).await;
        write(store, "INSERT INTO side VALUES ('unsynced')").await;
        let synced = store.database().write(|_| Ok(())).await;
        println!("{}", told_of(&synced.expect_err("the disk fails")));
    }
    disk.works();
    at_once(store, callers, 1).await;
}

/// The child: the disk fails no commit, but the sync with which the log begins to be moved.
pub(super) async fn go_on_unsynced(store: &SqliteStore, disk: &Disk, callers: u64) {
    write(store, "CREATE TABLE side (text TEXT)").await;
    disk.fails();
    for _ in 0..6 {
        write(store, "INSERT INTO side VALUES (hex(zeroblob(2000000)))").await;
    }
    disk.works();
    at_once(store, callers, 0).await;
}

/// The child: somebody reads what the log has, and so keeps it from beginning anew.
pub(super) async fn go_on_beside_a_reader(store: &SqliteStore, disk: &Disk) {
    at_once(store, 1, 0).await;
    let reader = Connection::open(store.database().path()).expect("a connection");
    let sql = "BEGIN; SELECT count(*) FROM events";
    reader.execute_batch(sql).expect("a view");
    disk.fails();
    at_once(store, 1, 1).await;
    disk.works();
    at_once(store, 1, 1).await;
    reader.execute_batch("COMMIT").expect("its end");
    at_once(store, 1, 1).await;
}

/// The child: first the log can't be synced, then the file can't.
pub(super) async fn go_on_with_the_log_alone(store: &SqliteStore, disk: &Disk) {
    at_once(store, 1, 0).await;
    disk.fails();
    at_once(store, 1, 1).await;
    disk.works();
    let file = Disk { plan: disk.plan.clone(), fault: "settle".to_owned() };
    file.fails();
    at_once(store, 1, 1).await;
    file.works();
    at_once(store, 1, 1).await;
}

/// The child: a plain connection, which goes on as if nothing had been.
pub(super) fn go_on_without_the_store(folder: &Path, disk: &Disk) {
    let connection = Connection::open(folder.join("bank.db")).expect("a connection");
    let start = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (a)";
    connection.execute_batch(start).expect("a table");
    disk.fails();
    connection.execute("INSERT INTO t VALUES (1)", []).expect_err("the disk fails");
    disk.works();
    connection.execute("INSERT INTO t VALUES (2)", []).expect("a row");
    note(ACKNOWLEDGED);
}

/// As a read model would: without waiting for the disk.
async fn write(store: &SqliteStore, sql: &'static str) {
    let written = store.database().write_unsynced(|transaction| {
        transaction.execute_batch(sql).expect("sound SQL");
        Ok::<_, StoreError>(())
    });
    println!("{}", written.await.map_or_else(|error| told_of(&error), |()| "appended"));
}

/// Whether after the failure, before anything was acknowledged, the file was synced, then the log begun
/// anew, and then a commit written and synced.
fn begun_anew_before_acknowledged(folder: &Path) -> Result<(), String> {
    let log = fs::read_to_string(folder.join("log")).expect("the log");
    let mut due = ["file synced", "begun anew", "written", "synced", ACKNOWLEDGED].into_iter();
    let mut next = due.next();
    for line in log.lines().skip_while(|line| *line != FAILING) {
        if Some(line) == next {
            next = due.next();
        } else if line == ACKNOWLEDGED && next.is_some() {
            return Err(format!("acknowledged, and {next:?} is still due in {log}"));
        }
    }
    next.map_or(Ok(()), |due| Err(format!("{due} never came in {log}")))
}

/// The story: the sync failed, and the next append was acknowledged, at the end of a log whose middle
/// the disk did not have.
#[test]
fn after_a_failed_sync_the_log_begins_anew_before_anything_is_acknowledged() {
    for callers in [1, 8] {
        let folder = tempfile::tempdir().expect("a folder");
        let told = run(folder.path(), "go on", "sync", callers);
        let refused = [round(callers, "in doubt", callers), vec!["in doubt".to_owned(); 2]];
        let expected = [
            round(callers, "appended", callers),
            vec!["appended".to_owned()],
            round(1, "unknown", callers),
            refused.concat(),
            refused.concat(),
            round(callers, "appended", callers * 2),
        ];
        assert_eq!(told, expected.concat(), "{callers} callers");
        assert_eq!(begun_anew_before_acknowledged(folder.path()), Ok(()), "{callers} callers");
    }
}

/// The log's frames were never synced by a commit; the failure is the checkpoint's alone.
#[test]
fn after_a_log_that_could_not_be_moved_for_its_sync_it_begins_anew_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = run(folder.path(), "go on unsynced", "sync", 1);
    let (written, refused) =
        told.split_at(told.iter().position(|word| word == "in doubt").unwrap());
    assert!(written.iter().all(|word| word == "appended"), "{told:?}");
    assert!(refused.ends_with(&round(1, "appended", 1)), "{told:?}");
    assert_eq!(begun_anew_before_acknowledged(folder.path()), Ok(()));
}

#[test]
fn a_reader_of_the_log_holds_writes_back_and_is_told_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = run(folder.path(), "go on beside a reader", "sync", 1);
    let expected = [
        round(1, "appended", 1),
        round(1, "unknown", 1),
        round(1, "in use", 1),
        round(1, "appended", 2),
    ];
    assert_eq!(told, expected.concat());
    assert_eq!(begun_anew_before_acknowledged(folder.path()), Ok(()));
}

/// A file that holds the log's pages and has not been synced is no better than the log.
#[test]
fn the_log_is_not_begun_anew_before_the_file_is_synced() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = run(folder.path(), "go on with the log alone", "sync", 1);
    let expected = [
        round(1, "appended", 1),
        round(1, "unknown", 1),
        round(1, "in doubt", 1),
        round(1, "appended", 2),
    ];
    assert_eq!(told, expected.concat());
    assert_eq!(begun_anew_before_acknowledged(folder.path()), Ok(()));
}

/// The story: the program ended over the failure, as it was told to, and its next run went on in the
/// same log.
#[test]
fn a_log_that_a_program_left_behind_begins_anew_before_anything_is_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    run(folder.path(), "die", "sync", 1);
    fs::remove_file(folder.path().join("plan")).expect("the disk works");
    let told = run(folder.path(), "append", "none", 1);
    assert_eq!(told, round(1, "appended", 3));
    assert_eq!(begun_anew_before_acknowledged(folder.path()), Ok(()));
}

/// The mutation: what SQLite does by itself must not pass.
#[test]
fn the_check_notices_a_log_that_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    run(folder.path(), "plain", "sync", 1);
    let found = begun_anew_before_acknowledged(folder.path());
    assert!(found.is_err_and(|found| found.contains("is still due")));
}
