//! kill -9 in the middle of an import, again and again: what is resumed ends like what was never cut.

use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::bank::Bank;
use crate::file::{self, Shape};
use crate::import::data;

/// Times the import is killed before it may run to its end.
const KILLS: u32 = 5;

#[test]
fn an_import_that_is_killed_and_resumed_ends_like_one_that_was_not() {
    let shape = Shape { rows: 3_000, accounts: 40, trouble: 8 };
    let mut rows = Vec::new();
    file::write(&mut rows, shape, 7).expect("a Vec takes it");
    let (undisturbed, killed) = (Bank::new(), Bank::new());
    undisturbed.write("rows.csv", &rows);
    killed.write("rows.csv", &rows);
    let started = Instant::now();
    let expected = undisturbed.json(["import", "rows.csv"]);
    let whole = started.elapsed();

    let mut random = fastrand::Rng::with_seed(11);
    for _ in 0..KILLS {
        kill_after(&killed, whole * random.u32(..1_000) / 1_000);
    }
    let resumed = killed.json(["import", "rows.csv"]);

    assert_eq!(data(&killed), data(&undisturbed));
    assert_eq!(killed.read("rows.rejected.csv"), undisturbed.read("rows.rejected.csv"));
    for field in ["rows", "refused", "malformed"] {
        assert_eq!(resumed[field], expected[field], "{field}");
    }
    for account in (0..shape.accounts).map(|number| format!("A{number}")) {
        let [a, b] = [&killed, &undisturbed].map(|bank| bank.json(["balance", &account]));
        assert_eq!(a, b, "{account}");
    }
}

/// Runs the import and kills it after a while, unless it has ended by then.
fn kill_after(bank: &Bank, time: Duration) {
    let mut import = bank
        .command(["import", "rows.csv"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    sleep(time);
    import.kill().expect("own child");
    import.wait().expect("own child");
}
