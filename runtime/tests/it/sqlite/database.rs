//! The file under the embedded store: opening, jobs, shutdown, and every file that is not ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use eventloom_runtime::StoreError;
use eventloom_runtime::store::sqlite::{JobError, SqliteDatabase, SqliteOptions};
use rusqlite::Connection;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

async fn count(database: &SqliteDatabase) -> i64 {
    database
        .read(
            |connection| Ok(connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0))?),
        )
        .await
        .expect("a count")
}

async fn with_table(path: &Path) -> SqliteDatabase {
    let database = SqliteDatabase::open(path).expect("a database");
    database
        .write(|tx| Ok(tx.execute_batch("CREATE TABLE IF NOT EXISTS t (a TEXT) STRICT")?))
        .await
        .expect("a table");
    database
}

fn refused(path: &Path) -> StoreError {
    SqliteDatabase::open(path).expect_err("the file must be refused")
}

#[tokio::test]
async fn jobs_commit_or_roll_back_as_a_whole() {
    let folder = folder();
    let database = with_table(&folder.path().join("a.db")).await;
    database.write(|tx| Ok(tx.execute("INSERT INTO t VALUES ('1')", [])?)).await.expect("a row");
    let failed: Result<(), StoreError> = database
        .write(|tx| {
            tx.execute("INSERT INTO t VALUES ('2')", [])?;
            Err(JobError::Store(StoreError::Unavailable("changed my mind".to_owned())))
        })
        .await;
    assert_eq!(failed, Err(StoreError::Unavailable("changed my mind".to_owned())));
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn a_panicking_job_is_the_callers_panic_and_nobody_elses() {
    let folder = folder();
    let database = with_table(&folder.path().join("a.db")).await;
    let clone = database.clone();
    let panicked = tokio::spawn(async move {
        clone
            .write(|tx| -> Result<(), JobError> {
                tx.execute("INSERT INTO t VALUES ('2')", [])?;
                panic!("a defect in the job")
            })
            .await
    })
    .await;
    assert!(panicked.expect_err("a panic").is_panic());
    let clone = database.clone();
    let panicked =
        tokio::spawn(
            async move { clone.read(|_| -> Result<(), JobError> { panic!("again") }).await },
        )
        .await;
    assert!(panicked.expect_err("a panic").is_panic());
    database.write(|tx| Ok(tx.execute("INSERT INTO t VALUES ('3')", [])?)).await.expect("a row");
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn readers_cannot_write_and_leave_no_transaction_behind() {
    let folder = folder();
    let database = with_table(&folder.path().join("a.db")).await;
    let written = database.read(|c| Ok(c.execute("INSERT INTO t VALUES ('1')", [])?)).await;
    assert!(matches!(written, Err(StoreError::Unwritable(_))), "{written:?}");
    let left_open = database.read(|c| Ok(c.execute_batch("BEGIN; SELECT * FROM t")?)).await;
    left_open.expect("a read");
    database.write(|tx| Ok(tx.execute("INSERT INTO t VALUES ('1')", [])?)).await.expect("a row");
    for _ in 0..8 {
        assert_eq!(count(&database).await, 1);
    }
}

#[tokio::test]
async fn decimal_columns_are_compared_as_numbers() {
    let folder = folder();
    let database = SqliteDatabase::open(folder.path().join("a.db")).expect("a database");
    let sorted = database
        .write(|tx| {
            tx.execute_batch(
                "CREATE TABLE d (v TEXT COLLATE decimal) STRICT;
                 CREATE INDEX by_value ON d (v);
                 INSERT INTO d VALUES ('10'), ('9'), ('-1.5'), ('-10'), ('9.05'), ('100');",
            )?;
            let mut sorted = tx.prepare("SELECT v FROM d WHERE v > '-2' ORDER BY v")?;
            let sorted = sorted.query_map([], |row| row.get::<_, String>(0))?;
            Ok(sorted.collect::<Result<Vec<_>, _>>()?)
        })
        .await
        .expect("rows");
    assert_eq!(sorted, ["-1.5", "9", "9.05", "10", "100"]);
}

#[tokio::test]
async fn the_last_drop_runs_what_is_queued_and_leaves_one_file() {
    let folder = folder();
    let path = folder.path().join("a.db");
    let database = with_table(&path).await;
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let database = database.clone();
        callers.spawn(async move {
            database.write(|tx| Ok(tx.execute("INSERT INTO t VALUES ('1')", [])?)).await
        });
    }
    tokio::task::yield_now().await;
    callers.shutdown().await;
    drop(database);
    let names: Vec<_> = fs::read_dir(folder.path())
        .expect("a folder")
        .map(|e| e.expect("a file").file_name())
        .collect();
    assert_eq!(names, ["a.db"]);
    assert_eq!(count(&with_table(&path).await).await, 40);
}

/// The writing thread must not wait for itself to end.
#[tokio::test]
async fn a_database_may_be_dropped_by_its_own_job() {
    let folder = folder();
    let path = folder.path().join("a.db");
    let database = with_table(&path).await;
    let (waiter, last) = (database.clone(), database.clone());
    let task = tokio::spawn(async move {
        let job = move |tx: &rusqlite::Transaction<'_>| {
            std::thread::sleep(Duration::from_millis(50));
            tx.execute("INSERT INTO t VALUES ('1')", [])?;
            drop(last);
            Ok(())
        };
        waiter.write(job).await
    });
    tokio::time::sleep(Duration::from_millis(10)).await;
    drop(database);
    task.abort();
    assert!(task.await.expect_err("an aborted task").is_cancelled());
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(!folder.path().join("a.db-wal").exists(), "the writer has closed the file");
    assert_eq!(count(&with_table(&path).await).await, 1);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = folder();
    for (name, content) in [
        ("text", b"account_id,amount\nA1,100\n".repeat(100)),
        ("short", b"x".to_vec()),
        ("zeros", vec![0; 8192]),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, &content).expect("a file");
        let error = refused(&path);
        assert!(matches!(error, StoreError::Foreign(_)), "{name}: {error}");
        assert!(error.to_string().contains(name), "{error}");
        assert_eq!(fs::read(&path).expect("the file"), content);
    }
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    let folder = folder();
    let path = folder.path().join("other.db");
    let other = Connection::open(&path).expect("a database");
    other.execute_batch("CREATE TABLE accounts (id TEXT)").expect("a table");
    drop(other);
    let before = fs::read(&path).expect("the file");
    let error = refused(&path);
    assert!(matches!(error, StoreError::Foreign(_)), "{error}");
    assert!(error.to_string().contains("another program"), "{error}");
    assert_eq!(fs::read(&path).expect("the file"), before);
}

#[test]
fn a_later_format_is_refused() {
    let folder = folder();
    let path = folder.path().join("later.db");
    drop(SqliteDatabase::open(&path).expect("a database"));
    let raw = Connection::open(&path).expect("a database");
    raw.pragma_update(None, "user_version", 3).expect("a pragma");
    drop(raw);
    let error = refused(&path);
    assert!(matches!(error, StoreError::Foreign(_)), "{error}");
    assert!(error.to_string().contains("newer program"), "{error}");
}

#[tokio::test]
async fn a_truncated_file_is_corrupt_and_says_what_to_do() {
    let folder = folder();
    let whole = folder.path().join("whole.db");
    let database = with_table(&whole).await;
    database
        .write(|tx| {
            for _ in 0..1000 {
                tx.execute("INSERT INTO t VALUES (?1)", ["x".repeat(100)])?;
            }
            Ok(())
        })
        .await
        .expect("rows");
    drop(database);
    let content = fs::read(&whole).expect("the file");
    for length in [0, 1, 50, 100, 2000, 4096, 5000, content.len() / 2, content.len() - 1] {
        let path = folder.path().join(format!("cut-{length}.db"));
        fs::write(&path, &content[..length]).expect("a file");
        let error = refused(&path);
        let told = matches!(error, StoreError::Corrupt { .. } | StoreError::Foreign(_));
        assert!(told && error.to_string().contains("backup"), "{length}: {error}");
        assert_eq!(fs::read(&path).expect("the file"), &content[..length], "{length}");
    }
}

#[test]
fn folders_that_are_missing_or_in_the_way_are_named() {
    let folder = folder();
    let missing: PathBuf = folder.path().join("no/such/folder/a.db");
    let error = refused(&missing);
    assert!(error.to_string().contains("create it first"), "{error}");
    let error = refused(folder.path());
    assert!(error.to_string().contains("is a folder"), "{error}");
    let file = folder.path().join("file");
    fs::write(&file, "x").expect("a file");
    let error = refused(&file.join("a.db"));
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
}

#[tokio::test]
async fn a_locked_database_is_unavailable_and_works_again_afterwards() {
    let folder = folder();
    let path = folder.path().join("a.db");
    drop(with_table(&path).await);
    let options = SqliteOptions { busy_timeout: Duration::from_millis(50), ..Default::default() };
    let database = SqliteDatabase::open_with(&path, options).expect("a database");
    let other = Connection::open(&path).expect("a connection");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    let insert = |database: SqliteDatabase| async move {
        database.write(|tx| Ok(tx.execute("INSERT INTO t VALUES ('1')", [])?)).await
    };
    let error = insert(database.clone()).await.expect_err("a lock");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(error.to_string().contains("locked by another program"), "{error}");
    assert_eq!(count(&database).await, 0);
    other.execute_batch("ROLLBACK").expect("a rollback");
    insert(database.clone()).await.expect("a row");
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn an_exclusively_locked_file_cannot_be_opened() {
    let folder = folder();
    let path = folder.path().join("a.db");
    drop(SqliteDatabase::open(&path).expect("a database"));
    let other = Connection::open(&path).expect("a connection");
    other
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE x (a)")
        .expect("a lock");
    let options = SqliteOptions { busy_timeout: Duration::from_millis(50), ..Default::default() };
    let error = SqliteDatabase::open_with(&path, options).expect_err("a lock");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
}

/// How commits are synced: 2 is FULL, 1 is NORMAL.
async fn synchronous(database: &SqliteDatabase) -> i64 {
    let level = database
        .write(|tx| Ok(tx.pragma_query_value(None, "synchronous", |row| row.get(0))?))
        .await;
    level.expect("a level")
}

/// Read models need not wait for the disk; the appends that come after them must.
#[tokio::test]
async fn commits_are_synced_again_after_one_that_need_not_be() {
    let folder = folder();
    let database = with_table(&folder.path().join("test.db")).await;

    let within = database
        .write_unsynced(|tx| {
            tx.execute("INSERT INTO t VALUES ('unsynced')", []).expect("a row");
            let level = tx.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0));
            Ok::<_, StoreError>(level.expect("a level"))
        })
        .await;

    assert_eq!(within, Ok(1));
    assert_eq!(synchronous(&database).await, 2);
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn commits_are_synced_again_after_a_job_that_failed_or_panicked() {
    let folder = folder();
    let database = with_table(&folder.path().join("test.db")).await;

    let failure = StoreError::Unavailable("on purpose".to_owned());
    let fails = failure.clone();
    assert_eq!(database.write_unsynced::<(), _, _>(|_| Err(fails)).await, Err(failure));
    assert_eq!(synchronous(&database).await, 2);
    let panicking = database.clone();
    let panicked = tokio::spawn(async move {
        panicking.write_unsynced::<(), StoreError, _>(|_| panic!("on purpose")).await
    });
    assert!(panicked.await.is_err(), "a panic of the job is the caller's");

    assert_eq!(synchronous(&database).await, 2);
}

/// The story: "it survives a power failure" was untrue on macOS, where an ordinary sync leaves what
/// was written in the disk's own memory. Elsewhere the settings mean nothing.
#[tokio::test]
async fn syncs_reach_the_disk_itself_where_the_system_tells_the_difference() {
    use eventloom_runtime::store::sqlite::Synchronous;
    for (synchronous, expected) in [(Synchronous::Full, (1, 1)), (Synchronous::Normal, (0, 1))] {
        let folder = folder();
        let options = SqliteOptions { synchronous, ..Default::default() };
        let database = SqliteDatabase::open_with(folder.path().join("a.db"), options);
        let database = database.expect("a database");
        let job = |tx: &rusqlite::Transaction<'_>| {
            let is_on = |name: &str| tx.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
            Ok((is_on("fullfsync")?, is_on("checkpoint_fullfsync")?))
        };
        assert_eq!(database.write(job).await, Ok(expected), "{synchronous:?}");
    }
}

/// The story: a transaction could not be rolled back, SQLite refuses to change how commits are synced
/// within one, and the writer asked again each second, for ever: no append was answered any more.
#[tokio::test]
async fn a_transaction_that_cannot_be_ended_is_told_to_all_who_write() {
    let folder = folder();
    let database = with_table(&folder.path().join("test.db")).await;
    let failure = StoreError::Unavailable("on purpose".to_owned());
    let fails = failure.clone();

    // As long as an interrupted statement has not come to its end, SQLite runs no other.
    let failed: Result<(), _> = database
        .write_unsynced(|tx| {
            tx.execute_batch("INSERT INTO t VALUES ('1'), ('2')").expect("rows");
            let mut endless = tx.prepare("SELECT * FROM t").expect("a query");
            let mut rows = endless.query([]).expect("rows");
            assert!(rows.next().expect("a row").is_some());
            std::mem::forget(rows);
            std::mem::forget(endless);
            tx.get_interrupt_handle().interrupt();
            Err(fails)
        })
        .await;
    assert_eq!(failed, Err(failure));

    for _ in 0..2 {
        let synced = database.write(|tx| Ok(tx.execute("INSERT INTO t VALUES ('3')", [])?)).await;
        let unsynced = database.write_unsynced(|_| Ok::<_, StoreError>(0)).await;
        for refused in [synced, unsynced] {
            let Err(StoreError::Unavailable(told)) = &refused else { panic!("{refused:?}") };
            assert!(told.contains("test.db") && told.contains("open the file anew"), "{told}");
        }
    }
    assert_eq!(count(&database).await, 0);
}
