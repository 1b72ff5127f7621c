//! Databases that aren't there, aren't ours, are damaged, locked or can't be written; and company.

use std::fs;

use serde_json::Value;

use crate::bank::{Bank, Ran};

#[test]
fn a_question_to_a_bank_that_is_not_there_creates_none() {
    let bank = Bank::new();
    for question in [
        vec!["balance", "A1"],
        vec!["history", "A1"],
        vec!["timeline", "A1"],
        vec!["export"],
        vec!["rebuild"],
        vec!["deposit", "A1", "5"],
        vec!["as-of", "A1", "--sequence", "1"],
    ] {
        bank.run(question).ended_with(2).said(&["there is no database at bank.db"]);
    }
    assert!(!bank.path("bank.db").exists());
}

#[test]
fn an_account_that_is_not_there_is_a_refusal() {
    let bank = Bank::with_account();
    for question in [
        vec!["balance", "A2"],
        vec!["history", "A2"],
        vec!["timeline", "A2"],
        vec!["export", "A2"],
        vec!["deposit", "A2", "5"],
        vec!["as-of", "A2", "--sequence", "1"],
    ] {
        bank.run(question).ended_with(1).said(&["BankAccountNotFound", "A2"]);
    }
}

#[test]
fn a_file_that_is_no_database_is_told_and_left_alone() {
    let bank = Bank::new();
    let text = "Dear diary, today I opened an account. ".repeat(200);
    bank.write("bank.db", &text);
    let failed = bank.run(["open", "A1", "--customer", "C1"]).ended_with(3);
    failed.said(&["bank.db"]);
    assert_eq!(bank.read("bank.db"), text);
}

#[test]
fn a_failure_of_the_store_is_json_where_json_is_asked_for() {
    let bank = Bank::new();
    bank.write("bank.db", "Dear diary, ".repeat(500));
    let failed = bank.run(["export", "--json"]).ended_with(3).json();
    assert_eq!(failed["outcome"], "failed");
    assert!(failed["error"].is_string() && failed["message"].is_string());
}

#[test]
fn a_database_in_a_folder_that_is_not_there_is_told() {
    let bank = Bank::new();
    bank.run(["open", "A1", "--customer", "C1", "--db", "nowhere/bank.db"])
        .ended_with(3)
        .said(&["nowhere"]);
}

#[test]
fn a_truncated_database_is_told() {
    let bank = Bank::with_account();
    let file = fs::OpenOptions::new().write(true).open(bank.path("bank.db")).expect("the database");
    let length = file.metadata().expect("the database").len();
    file.set_len(length / 2 + 100).expect("it can be cut");
    let failed = bank.run(["deposit", "A1", "5"]);
    assert_eq!(failed.code, Some(3), "{failed:?}");
}

/// Root may write anything, so the file system has to be asked whether this can be tested.
#[cfg(unix)]
#[test]
fn a_database_that_can_not_be_written_is_told() {
    use std::os::unix::fs::PermissionsExt;

    let bank = Bank::with_account();
    let path = bank.path("bank.db");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).expect("own file");
    let privileged = fs::OpenOptions::new().write(true).open(&path).is_ok();
    let ran = bank.run(["deposit", "A1", "5"]);
    if privileged {
        ran.succeeded();
    } else {
        ran.ended_with(3).said(&["bank.db"]);
    }
}

/// Both send the same hundred deposits and each a hundred of its own: every one lands once.
#[test]
fn two_processes_share_a_bank() {
    let bank = Bank::with_account();
    let at = crate::bank::soon(0);
    let commands = |own: &str| {
        let mut rows = format!("{}\n", crate::file::HEADER);
        for row in 0..100 {
            rows += &format!("A1,,T{row},deposit,1,{at}\n");
            rows += &format!("A1,,{own}{row},deposit,1,{at}\n");
        }
        rows
    };
    bank.write("left.csv", commands("L"));
    bank.write("right.csv", commands("R"));
    let start = |file: &str| {
        let mut command = bank.command(["import", file, "--json"]);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        command.spawn().expect("the binary runs")
    };
    let running = [start("left.csv"), start("right.csv")];
    let reports: Vec<Value> = running
        .into_iter()
        .map(|run| Ran::from(run.wait_with_output().expect("the binary ends")).succeeded().json())
        .collect();

    let sum = |field: &str| -> u64 {
        reports.iter().map(|report| report[field].as_u64().expect("a number")).sum()
    };
    assert_eq!((sum("applied"), sum("unchanged"), sum("refused")), (300, 100, 0));
    assert_eq!(bank.json(["balance", "A1"])["balance"], "1300");
    assert_eq!(bank.events().len(), 301);
}

#[test]
fn a_file_is_imported_by_one_process_at_a_time() {
    let bank = Bank::new();
    bank.write("rows.csv", format!("{}\n", crate::file::HEADER));
    let partial = fs::File::create(bank.path("rows.rejected.csv.partial")).expect("a file");
    partial.try_lock().expect("nobody else has it");
    bank.run(["import", "rows.csv"])
        .ended_with(3)
        .said(&["another import of this file is running"]);
    drop(partial);
    bank.run(["import", "rows.csv"]).succeeded();
}
