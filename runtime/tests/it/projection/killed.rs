//! Rebuilds in a process that is killed: whatever moment that comes at, the rows that serve stay whole.
//!
//! The test starts this very binary again to run [`child`] alone.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use eventloom_runtime::projection::{Projector, SqliteReadDatabase};
use eventloom_runtime::store::sqlite::{SqliteDatabase, SqliteStore};
use eventloom_runtime::testing::block_on;

use super::ledger::Balances;
use super::rig::{append, batches, moved, opened};

const FILE: &str = "EVENTLOOM_TEST_REBUILD";
const STREAMS: u64 = 40;

type Open = (SqliteStore, Projector<Balances, SqliteStore, SqliteReadDatabase>);

async fn open(file: &Path) -> Open {
    let database = SqliteDatabase::open(file).expect("a database");
    let store = SqliteStore::open(&database).await.expect("a store");
    let rows = SqliteReadDatabase::open(&database).await.expect("a read database");
    let balances = Projector::open_with(store.clone(), rows, batches(16)).await;
    (store, balances.expect("the projection opens"))
}

/// Rebuilds for ever, and tells of every page; nothing where this is run as a test among others.
#[test]
fn child() {
    let Ok(file) = std::env::var(FILE) else { return };
    block_on(async {
        let (_, balances) = open(Path::new(&file)).await;
        loop {
            let told = balances.rebuild(|progress| println!("page {}", progress.position));
            told.await.expect("it is rebuilt");
            println!("page 0");
        }
    });
}

/// A child that has passed so many pages of its rebuilds.
fn rebuilding(file: &Path, pages: usize) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("this binary"))
        .env(FILE, file)
        .args(["--exact", "projection::killed::child", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let output = BufReader::new(child.stdout.take().expect("its output"));
    let told = output.lines().map(|line| line.expect("a line")).filter(|it| it.contains("page "));
    assert_eq!(told.take(pages).count(), pages, "the child goes on until it is killed");
    child
}

/// Some of these kills come in the middle of a page, some around the change of places; appends go on
/// before and after each.
#[test]
fn a_rebuild_that_is_killed_harms_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ledger.db");
    block_on(async {
        let (store, balances) = open(&file).await;
        for stream in 0..STREAMS {
            append(&store, &format!("s{stream}"), 0, &[opened("Ada"), moved(1), moved(2)]).await;
        }
        balances.catch_up().await.expect("it catches up");
    });
    for (round, pages) in (0..).zip([1, 5, 8, 9, 10, 17, 18]) {
        let mut child = rebuilding(&file, pages);
        child.kill().expect("a kill");
        child.wait().expect("its end");
        block_on(async {
            let (store, balances) = open(&file).await;
            let rows = balances.read_model().page(None, 100).await.expect("the rows that serve");
            let moves: Vec<_> = rows.iter().map(|row| row.moves).collect();
            let mut expected = vec![2; 40];
            expected[0] += round;
            assert_eq!(moves, expected, "after {pages} pages");
            append(&store, "s0", 3 + round.unsigned_abs(), &[moved(3)]).await;
            balances.catch_up().await.expect("it goes on where it was");
        });
    }
    block_on(async {
        let (_, balances) = open(&file).await;
        let before = balances.read_model().page(None, 100).await.expect("the rows that serve");
        balances.rebuild(|_| {}).await.expect("what was cut off is in nobody's way");
        assert_eq!(balances.read_model().page(None, 100).await, Ok(before));
    });
    let sql = rusqlite::Connection::open(&file).expect("an SQLite file");
    let left = "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%__rebuild'";
    let left: i64 = sql.query_row(left, (), |row| row.get(0)).expect("a count");
    assert_eq!(left, 0);
}
