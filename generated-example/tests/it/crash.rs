//! kill -9 in the middle of an import, again and again: what is resumed ends like what was never cut.

use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::bank::Bank;
use crate::file::{self, Shape};
use crate::import::data;

/// Times the import is killed before it may run to its end.
const KILLS: u32 = 10;

/// What a run has decided the next one need not decide, so that each is killed at another point of the
/// file. The seed is printed, and taken from `BANK_SEED` where that is set.
#[test]
fn an_import_that_is_killed_and_resumed_ends_like_one_that_was_not() {
    let seed = match std::env::var("BANK_SEED") {
        Ok(seed) => seed.parse().expect("BANK_SEED is a number"),
        Err(_) => fastrand::u64(..),
    };
    println!("BANK_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let shape = Shape { rows: 3_000, accounts: 40, trouble: 8 };
    let (undisturbed, killed) = banks(shape, random.u64(..));
    let started = Instant::now();
    let expected = undisturbed.json(["import", "rows.csv"]);
    let whole = started.elapsed();

    for _ in 0..KILLS {
        kill_within(&killed, whole / 4 * random.u32(..100) / 100);
    }
    let resumed = killed.json(["import", "rows.csv"]);

    same(&killed, &undisturbed, shape);
    for field in ["rows", "refused", "malformed"] {
        assert_eq!(resumed[field], expected[field], "{field}");
    }
}

/// The rejected file is put in its place before the read models are brought up to date: a kill between
/// the two must leave neither behind.
#[test]
fn kills_behind_the_last_row_leave_nothing_undone() {
    let shape = Shape { rows: 600, accounts: 20, trouble: 4 };
    for seed in 0..3 {
        let (undisturbed, killed) = banks(shape, seed);
        undisturbed.run(["import", "rows.csv"]).succeeded();
        kill_when_rejected(&killed);
        if seed == 0 {
            // Not even another import is needed for what is shown to be up to date.
            assert_eq!(killed.json(["balance", "A1"]), undisturbed.json(["balance", "A1"]));
        }
        killed.run(["import", "rows.csv"]).succeeded();
        same(&killed, &undisturbed, shape);
    }
}

/// Two banks with the same file to import.
fn banks(shape: Shape, seed: u64) -> (Bank, Bank) {
    let mut rows = Vec::new();
    file::write(&mut rows, shape, seed).expect("a Vec takes it");
    let banks = (Bank::new(), Bank::new());
    banks.0.write("rows.csv", &rows);
    banks.1.write("rows.csv", &rows);
    banks
}

/// The same events, balances, movements and rejected rows.
fn same(killed: &Bank, undisturbed: &Bank, shape: Shape) {
    assert_eq!(data(killed), data(undisturbed));
    assert_eq!(killed.read("rows.rejected.csv"), undisturbed.read("rows.rejected.csv"));
    for account in (0..shape.accounts).map(|number| format!("A{number}")) {
        for question in ["balance", "history"] {
            let [a, b] = [killed, undisturbed].map(|bank| bank.json([question, &account]));
            assert_eq!(a, b, "{question} {account}");
        }
    }
}

/// Runs the import and kills it after a while, sooner where it had ended by then.
fn kill_within(bank: &Bank, mut time: Duration) {
    loop {
        let mut import = start(bank);
        sleep(time);
        if kill(&mut import) {
            return println!("killed after {time:?}");
        }
        time /= 2;
    }
}

/// Runs the import and kills it as soon as the rejected file is in its place.
fn kill_when_rejected(bank: &Bank) {
    let rejected = bank.path("rows.rejected.csv");
    let mut import = start(bank);
    while !rejected.exists() && import.try_wait().expect("own child").is_none() {
        std::thread::yield_now();
    }
    kill(&mut import);
    assert!(rejected.exists());
}

/// Kills it; tells whether it had not ended before.
fn kill(import: &mut Child) -> bool {
    import.kill().expect("own child");
    !import.wait().expect("own child").success()
}

fn start(bank: &Bank) -> Child {
    bank.command(["import", "rows.csv"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs")
}
