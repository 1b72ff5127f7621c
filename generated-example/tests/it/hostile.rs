//! What nobody should type and somebody will: odd arguments, places that are taken, outputs that take
//! nothing. Each is told in words, and nothing is changed.

use std::fs;
use std::process::Stdio;

use crate::bank::{Bank, Ran, soon};
use crate::file::HEADER;

/// An argument is shown in the message about it. One that clears the screen must not, and one of ten
/// thousand characters must not fill it.
#[test]
fn an_argument_is_shown_harmless_and_short() {
    let bank = Bank::with_account();
    let long = "x".repeat(10_000);
    let cases = [
        vec!["balance", "A\u{1b}[2J1"],
        vec!["balance", "A\n1"],
        vec!["balance", &long],
        vec!["deposit", "A1", "1\u{1b}[2J"],
        vec!["deposit", "A1", &long],
        vec!["deposit", "A1", "5", "--transaction", "\u{7}"],
        vec!["as-of", "A1", "--time", &long],
        vec!["as-of", "A1", "--time", "\u{1b}[2J"],
        vec!["as-of", "A1", "--sequence", "\u{1b}[2J"],
        vec!["\u{1b}[2J"],
        vec!["--\u{1b}[2J"],
    ];
    for arguments in cases {
        let ran = bank.run(&arguments).ended_with(2);
        assert!(!ran.stderr.contains(['\u{1b}', '\u{7}']), "{ran:?}");
        assert!(ran.stderr.len() < 600, "{ran:?}");
        assert!(!ran.stderr.contains("A\n1"), "{ran:?}");
    }
    assert_eq!(bank.events().len(), 1);
}

/// A program that asked wrongly got text on standard error, although it had asked for JSON.
#[test]
fn a_wrong_question_is_answered_with_json_where_json_is_asked_for() {
    let bank = Bank::with_account();
    let cases = [
        vec!["--json", "nonsense"],
        vec!["--json", "balance"],
        vec!["balance", "", "--json"],
        vec!["deposit", "A1", "ten", "--json"],
        vec!["deposit", "A1", "5", "--nonsense", "--json"],
        vec!["as-of", "A1", "--json"],
        vec!["as-of", "A1", "--sequence", "1", "--time", "2026-01-01T00:00:00Z", "--json"],
        vec!["import", "nowhere.csv", "--json"],
        vec!["import", ".", "--json"],
        vec!["balance", "A1", "--db", "nowhere.db", "--json"],
    ];
    for arguments in cases {
        let ran = bank.run(&arguments).ended_with(2);
        let told = ran.json();
        assert_eq!((&told["outcome"], &told["error"]), (&"failed".into(), &"Usage".into()));
        let message = told["message"].as_str().expect("a message");
        assert!(!message.is_empty() && !message.contains("error:"), "{arguments:?}: {message}");
        assert_eq!(ran.stderr, "", "{arguments:?}");
    }
    assert!(bank.run(["--help", "--json"]).succeeded().stdout.contains("Usage: bank"));
}

#[test]
fn amounts_that_are_none_are_told_and_nothing_is_appended() {
    let bank = Bank::with_account();
    let digits = "1234567890".repeat(4);
    let none =
        ["1e5", ".5", "5.", "1,000", &digits, "NaN", "inf", "+5", " 5", "0x10", "", "٣", "--5"];
    for amount in none {
        bank.run(["deposit", "A1", amount]).ended_with(2).said(&["is not an amount"]);
    }
    for amount in ["-1", "0", "-0", "0.00"] {
        bank.run(["deposit", "A1", amount]).ended_with(1).said(&["AmountNotPositive"]);
    }
    bank.run(["deposit", "A1", "79228162514264337593543950335"])
        .ended_with(1)
        .said(&["ArithmeticOverflow"]);
    assert_eq!(bank.json(["balance", "A1"])["balance"], "1000");
}

#[test]
fn odd_ids_are_ids() {
    let bank = Bank::new();
    for id in ["a b", "\"quoted\"", "'; DROP TABLE events; --", "💰", "--json", "%00", "../x"] {
        bank.run(["open", &format!("--customer={id}"), "--", id]).succeeded();
        bank.run(["deposit", &format!("--transaction={id}"), "--", id, "5"]).succeeded();
        let mut asked = bank.command(["--json", "balance", "--", id]);
        let balance = Ran::from(asked.output().expect("the binary runs")).succeeded().json();
        assert_eq!((&balance["accountId"], &balance["balance"]), (&id.into(), &"5".into()));
        bank.run(["history", "--", id]).succeeded();
    }
}

/// `bank import /dev/stdin` wrote its rejected rows to /dev, and one of a pipe that nobody wrote to
/// waited for ever.
#[cfg(unix)]
#[test]
fn what_can_not_be_read_twice_is_not_imported() {
    let bank = Bank::new();
    for path in ["/dev/null", "/dev/zero", "/dev/stdin"] {
        let mut import = bank.command(["import", path]);
        import.stdin(Stdio::piped());
        Ran::from(import.output().expect("the binary runs"))
            .ended_with(2)
            .said(&["can't be read again"]);
    }
    bank.run(["import", "."]).ended_with(2).said(&["is a folder"]);
    assert!(!bank.path("bank.db").exists());
}

/// The rejected file was written through a link that lay in its place, into a file of somebody else's.
#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_the_rejected_file_is_not_followed() {
    let bank = Bank::with_account();
    bank.write("rows.csv", format!("{HEADER}\nnonsense\n"));
    let precious = bank.write("precious", "precious");
    let partial = bank.path("rows.rejected.csv.partial");
    std::os::unix::fs::symlink(&precious, &partial).expect("a link");
    bank.run(["import", "rows.csv"]).ended_with(3).said(&["rows.rejected.csv.partial", "link"]);
    fs::remove_file(&partial).expect("the link");

    std::os::unix::fs::symlink(&precious, bank.path("rows.rejected.csv")).expect("a link");
    bank.run(["import", "rows.csv"]).succeeded();
    assert_eq!(bank.read("precious"), "precious");
    assert_eq!(bank.read("rows.rejected.csv").lines().count(), 2);
}

/// A folder in the place of the rejected file was met when every row was decided, and not before.
#[test]
fn a_folder_in_the_place_of_the_rejected_file_is_met_before_a_row_is_decided() {
    let bank = Bank::with_account();
    bank.write("rows.csv", format!("{HEADER}\nA1,,T1,deposit,5,{}\n", soon(0)));
    fs::create_dir(bank.path("rows.rejected.csv")).expect("a folder");
    bank.run(["import", "rows.csv"]).ended_with(3).said(&["rows.rejected.csv", "folder"]);
    assert_eq!(bank.events().len(), 1);
}

/// With `--json` a full disk was told nowhere: the failure went where the output had failed to go.
#[cfg(target_os = "linux")]
#[test]
fn an_output_that_takes_nothing_is_told_on_standard_error() {
    let bank = Bank::with_account();
    for arguments in [vec!["balance", "A1"], vec!["balance", "A1", "--json"], vec!["export"]] {
        let full = fs::File::options().write(true).open("/dev/full").expect("/dev/full");
        let mut command = bank.command(&arguments);
        command.stdout(full);
        let ran = Ran::from(command.stderr(Stdio::piped()).output().expect("the binary runs"));
        ran.ended_with(3).said(&["can't write the output"]);
    }
}

#[test]
fn money_that_comes_in_while_a_file_is_imported_is_neither_lost_nor_in_the_way() {
    let bank = Bank::with_account();
    let at = soon(0);
    let rows: String = (0..400).map(|row| format!("A1,,T{row},deposit,1,{at}\n")).collect();
    bank.write("rows.csv", format!("{HEADER}\n{rows}"));
    let mut import = bank.command(["import", "rows.csv", "--json"]);
    let import = import.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut refused = 0;
    for number in 0..8 {
        let transaction = format!("D{number}");
        let deposit = bank.run(["deposit", "A1", "10", "--transaction", &transaction]);
        // A command of now happens no earlier than the account's last event, be that ahead of the clock.
        refused += u64::from(deposit.code != Some(0));
    }
    let report = Ran::from(import.wait_with_output().expect("it ends")).succeeded().json();
    assert_eq!((&report["applied"], refused), (&400.into(), 0));
    assert_eq!(bank.json(["balance", "A1"])["balance"], "1480");
    assert_eq!(bank.events().len(), 409);
}

#[test]
fn a_rebuild_that_is_killed_leaves_the_old_rows_and_can_be_run_again() {
    let bank = Bank::with_account();
    let at = soon(0);
    let rows: String = (0..500).map(|row| format!("A1,,T{row},deposit,1,{at}\n")).collect();
    bank.write("rows.csv", format!("{HEADER}\n{rows}"));
    bank.run(["import", "rows.csv"]).succeeded();
    for milliseconds in [1, 10, 30, 60] {
        let mut rebuild = bank.command(["rebuild"]);
        let mut rebuild =
            rebuild.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("runs");
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        rebuild.kill().expect("own child");
        rebuild.wait().expect("own child");
        assert_eq!(bank.json(["balance", "A1"])["balance"], "1500");
    }
    assert_eq!(bank.json(["rebuild"])["events"], 501);
    assert_eq!(bank.json(["history", "A1"]).as_array().map(Vec::len), Some(500));
}

/// A bank was begun in `bank.db-wal`. It was gone when `bank.db` was next opened: SQLite takes a file of that name for its
/// log, and cut it.
#[test]
fn no_bank_lies_where_another_has_its_log() {
    let bank = Bank::with_account();
    for name in ["bank.db-wal", "bank.db-shm", "other.db-journal"] {
        let ran = bank.run(["open", "B1", "--customer", "C1", "--db", name]);
        ran.ended_with(3).said(&[name, "a file of its own", "name another one"]);
        assert!(!bank.path(name).exists(), "{name}");
    }
    bank.run(["balance", "A1"]).succeeded();
}

/// `A1` with a character of no width in it was another account than `A1` and looked the same; one that turns the direction of
/// writing around made an id look like any other.
#[test]
fn an_id_has_nothing_that_is_not_seen() {
    let bank = Bank::with_account();
    for (id, shown) in [
        ("A\u{200b}1", "A\\u{200b}1"),
        ("A\u{202e}1", "A\\u{202e}1"),
        ("\u{feff}A1", "\\u{feff}A1"),
        ("A\u{200d}1", "A\\u{200d}1"),
        ("A\u{200c}1", "A\\u{200c}1"),
        ("A\u{ad}1", "A\\u{ad}1"),
        ("A\u{2028}1", "A\\u{2028}1"),
        ("A\u{2029}1", "A\\u{2029}1"),
        ("A\u{3164}1", "A\\u{3164}1"),
        ("A\u{e0031}1", "A\\u{e0031}1"),
    ] {
        let ran = bank.run(["open", id, "--customer", "C1"]);
        ran.ended_with(2).said(&[shown, "others that are not seen"]);
    }
    assert_eq!(bank.events().len(), 1);
    // Scripts that need joiners, and faces made of several, are names as any other.
    bank.run(["open", "\u{646}\u{200c}\u{645}", "--customer", "\u{1f469}\u{200d}\u{1f4bb}"])
        .succeeded();
}
