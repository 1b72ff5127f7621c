//! Rows that were built anew in place are on the disk when that is told: nobody does it again, while other rows are folded
//! again with their checkpoint after a power failure.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use eventloom_runtime::projection::{Projector, Selection, SqliteReadDatabase};
use eventloom_runtime::store::sqlite::{SqliteDatabase, SqliteStore};
use eventloom_runtime::testing::block_on;
use generated_example::bank_account::{AccountBalanceView, BankAccountRepository, OpenAccount};

use super::{ROUNDS, library, synced_before_acknowledged};

const FOLDER: &str = "EVENTLOOM_SYNC_ROWS";

/// The child: rows are built anew, with a line in the log after each time. Nothing where this is run as a test among others.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    block_on(async {
        let database = SqliteDatabase::open(folder.join("bank.db")).expect("a database");
        let store = SqliteStore::open(&database).await.expect("a store");
        let accounts =
            BankAccountRepository::builder().open(store.clone()).await.expect("accounts");
        let open = OpenAccount { customer_id: "C1".into(), initial_balance: 7.into() };
        accounts.execute("A1", open).await.expect("an account");
        let rows = SqliteReadDatabase::open(&database).await.expect("a read database");
        let balances = Projector::<AccountBalanceView, _, _>::open(store, rows).await;
        let balances = balances.expect("it opens");
        balances.catch_up().await.expect("it catches up");
        let log = OpenOptions::new().append(true).open(folder.join("log"));
        let mut log = log.expect("the log, which the library has made");
        for _ in 0..ROUNDS {
            let built = balances.rebuild_streams(&Selection::default(), |_| {}).await;
            assert_eq!(built, Ok(1));
            log.write_all(b"acknowledged\n").expect("a line");
        }
    });
}

/// The story: `bank rebuild --account A1` had said that a row was mended, the power failed, and the row was as it had been:
/// a runner goes on from the checkpoint, and does not mend it again.
#[test]
fn rows_built_anew_in_place_are_synced_before_that_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "sync_before_ack::rows::child"])
        .env(FOLDER, folder.path())
        .env("SYNC_LOG", folder.path().join("log"))
        .env("LD_PRELOAD", library(folder.path()))
        .output()
        .expect("a child");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let log = std::fs::read_to_string(folder.path().join("log")).expect("the log");
    assert_eq!(synced_before_acknowledged(&log), Ok(()));
}
