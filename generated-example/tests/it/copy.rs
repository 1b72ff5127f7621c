//! `bank copy`: what a copy that was cut off leaves is used by nobody, and no bank is copied onto itself.

use std::path::Path;

use eventloom_runtime::block_on;
use eventloom_runtime::store::sqlite::{SqliteDatabase, SqliteStore};
use eventloom_runtime::store::whole::{CopyId, Copying, WholeStore as _};

use crate::bank::Bank;

/// A file into which a copy of three events has begun, and no more.
fn part(path: &Path) {
    block_on(async {
        let database = SqliteDatabase::open_for_copy(path).expect("a file");
        let store = SqliteStore::open(&database).await.expect("a store");
        let copying = Copying { id: CopyId::unique(), after: 0, of: 3 };
        store.begin_copy(copying).await.expect("a copy");
    });
}

/// A copy was cut off, and each command worked on the part that was there: `balance` told what a part of the movements came
/// to, and `deposit` added to it.
#[test]
fn every_command_refuses_a_part_of_a_bank() {
    let bank = Bank::with_account();
    bank.run(["deposit", "A1", "5", "--transaction", "T1"]).succeeded();
    bank.write("rows.csv", "account_id,customer_id,transaction_id,kind,amount,at\n");
    part(&bank.path("part.db"));
    let commands: &[&[&str]] = &[
        &["open", "A2", "--customer", "C1"],
        &["deposit", "A1", "5"],
        &["withdraw", "A1", "5"],
        &["close", "A1", "--reason", "moved"],
        &["balance", "A1"],
        &["history", "A1"],
        &["as-of", "A1", "--sequence", "1"],
        &["timeline", "A1"],
        &["export"],
        &["projections"],
        &["poison"],
        &["run-projections"],
        &["rebuild"],
        &["import", "rows.csv"],
        &["archive", "--to", "old"],
    ];
    for command in commands {
        let ran = bank.run(command.iter().chain(&["--db", "part.db"]));
        ran.ended_with(3).said(&[
            "part.db has a part of another store alone",
            "up to position 0 of 3",
            "run the copy again",
        ]);
    }
    let source = bank.run(["copy", "--from", "part.db", "--to", "other.db"]);
    source.ended_with(3).said(&["part.db has a part of another store alone"]);
    assert!(!bank.path("other.db").exists(), "nothing was written");

    bank.run(["copy", "--from", "bank.db", "--to", "part.db"]).succeeded();
    assert_eq!(bank.json(["balance", "A1", "--db", "part.db"]), bank.json(["balance", "A1"]));
}

/// A bank was copied onto itself by another path.
#[cfg(unix)]
#[test]
fn no_bank_is_copied_onto_itself() {
    let bank = Bank::with_account();
    std::os::unix::fs::symlink(bank.path("bank.db"), bank.path("link.db")).expect("a link");
    for to in ["bank.db", "./bank.db", "link.db"] {
        let ran = bank.run(["copy", "--from", "bank.db", "--to", to]);
        ran.ended_with(2).said(&["are the same", "nothing was changed"]);
    }
    bank.run(["balance", "A1"]).succeeded();
}
