//! What an archive leaves in an SQLite file, and who may open it then.

use eventloom_runtime::EventStore as _;
use eventloom_runtime::store::sqlite::{SqliteDatabase, SqliteStore};
use rusqlite::Connection;

use crate::archiving::{archive, days_ago, events, seen, snapshot};

/// A program from before there were archives would take what is live for all there is. It refuses files of a later
/// format than its own, which was 1.
#[tokio::test]
async fn a_file_has_another_format_from_the_first_archived_event_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.db");
    let format = || {
        let raw = Connection::open(&path).expect("a file");
        raw.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).expect("a number")
    };
    let open = async || {
        let database = SqliteDatabase::open(&path).expect("a database");
        let archive = folder.path().join("archive");
        SqliteStore::open_with_archive(&database, archive).await.expect("a store")
    };
    let store = open().await;
    let mut append = events("a", 0, 20, days_ago(90));
    store.append(append.clone()).await.expect("an append");
    assert_eq!(archive(&store).await.events(), 0);
    drop(store);
    assert_eq!(format(), 1, "nothing has left");
    let store = open().await;
    (append.expected, append.events) = (20, Vec::new());
    append.snapshot = Some(snapshot(10));
    store.append(append).await.expect("a snapshot");
    let before = seen(&store).await;

    assert_eq!(archive(&store).await.events(), 9);

    drop(store);
    assert_eq!(format(), 2);
    assert_eq!(seen(&open().await).await, before);
}

/// What the tables were before the first release, they do not say what segments hold. Those of a file that archived nothing
/// are made anew; the others' archives can't be read.
#[tokio::test]
async fn tables_of_before_the_first_release_are_made_anew_where_nothing_is_archived() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.db");
    let open = async || {
        let database = SqliteDatabase::open(&path).expect("a database");
        SqliteStore::open_with_archive(&database, folder.path().join("archive")).await
    };
    let of_before = || {
        let raw = Connection::open(&path).expect("a file");
        let columns = "ALTER TABLE archive_segments DROP COLUMN aggregate; ALTER TABLE archive_store DROP COLUMN folder";
        raw.execute_batch(columns).expect("tables of before");
    };
    let store = open().await.expect("a store");
    let mut append = events("a", 0, 20, days_ago(90));
    append.snapshot = Some(snapshot(20));
    store.append(append).await.expect("an append");
    let before = seen(&store).await;
    drop(store);
    of_before();

    let store = open().await.expect("tables made anew");

    assert_eq!(seen(&store).await, before);
    assert_eq!(archive(&store).await.events(), 19);
    assert_eq!(seen(&store).await, before);
    drop(store);
    of_before();
    let refused = open().await.map(drop).expect_err("an archive of before").to_string();
    assert!(refused.contains("from before the first release"), "{refused}");
}

/// A table that names a file beyond the folder leads nowhere.
#[tokio::test]
async fn only_files_of_the_archive_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.db");
    let database = SqliteDatabase::open(&path).expect("a database");
    let store = SqliteStore::open_with_archive(&database, folder.path().join("archive")).await;
    let store = store.expect("a store");
    let mut append = events("a", 0, 20, days_ago(90));
    append.snapshot = Some(snapshot(20));
    store.append(append).await.expect("an append");
    archive(&store).await;
    let file = "UPDATE archive_segments SET file = '../archive/000001.ndjson.gz'";
    database.write(|it| Ok(it.execute(file, [])?)).await.expect("a change");

    let read = store.read_all(0, &crate::archiving::whole(), 10).await;

    let error = read.expect_err("it is no file of an archive").to_string();
    assert!(error.contains("is no name of an archive's file"), "{error}");
}

/// What is noted of a block is compared with the block: a note that lacks a type would let readers pass over its events.
#[tokio::test]
async fn a_block_of_other_types_than_noted_is_damaged() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = SqliteDatabase::open(folder.path().join("events.db")).expect("a database");
    let open = || SqliteStore::open_with_archive(&database, folder.path().join("archive"));
    let store = open().await.expect("a store");
    let mut append = events("a", 0, 20, days_ago(90));
    append.snapshot = Some(snapshot(20));
    store.append(append).await.expect("an append");
    archive(&store).await;
    for change in [
        "UPDATE archive_blocks SET types = '[\"Moved\"]'",
        "UPDATE archive_blocks SET types = '[\"Moved\",\"Named\"]'",
        "UPDATE archive_segments SET aggregate = 'Order'",
        "UPDATE archive_blocks SET types = 'Moved'",
    ] {
        database.write(|it| Ok(it.execute(change, [])?)).await.expect("a change");
        let store = open().await.expect("a store");
        let read = store.read_all(0, &crate::archiving::whole(), 10).await;
        assert_eq!(read.is_ok(), change.contains("Named"), "{change}: {read:?}");
    }
}
