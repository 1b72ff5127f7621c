//! Every command: what it answers to people and to programs, and its exit code.

use serde_json::json;

use crate::bank::Bank;

#[test]
fn money_comes_and_goes() {
    let bank = Bank::with_account();
    bank.run(["deposit", "A1", "500", "--transaction", "T1"]).succeeded();
    bank.run(["withdraw", "A1", "200.50", "--transaction", "T2"]).succeeded();

    let balance = bank.json(["balance", "A1"]);
    assert_eq!(balance["balance"], "1299.5");
    assert_eq!(balance["version"], 3);
    assert_eq!(balance["customerId"], "C1");
}

#[test]
fn an_overdraft_is_refused_and_nothing_is_appended() {
    let bank = Bank::with_account();
    let refused = bank.run(["withdraw", "A1", "1000.01"]).ended_with(1);
    refused.said(&["refused", "InsufficientFunds", "balance 1000 is less than 1000.01"]);
    assert_eq!(bank.events().len(), 1);
}

#[test]
fn a_refusal_is_json_where_json_is_asked_for() {
    let bank = Bank::with_account();
    let refused = bank.run(["withdraw", "A1", "5000", "--json"]).ended_with(1);
    assert_eq!(
        refused.json(),
        json!({
            "outcome": "refused",
            "error": "InsufficientFunds",
            "message": "balance 1000 is less than 5000",
        })
    );
    assert_eq!(refused.stderr, "");
}

#[test]
fn the_same_transaction_is_done_once() {
    let bank = Bank::with_account();
    let deposit = ["deposit", "A1", "500", "--transaction", "T1"];
    assert_eq!(bank.json(deposit)["outcome"], "applied");
    let again = bank.json(deposit);
    assert_eq!(again["outcome"], "unchanged");
    assert_eq!(again["balance"], "1500");
    let said = bank.run(deposit).succeeded().stdout;
    assert!(said.contains("nothing was appended"), "{said}");
    assert_eq!(bank.events().len(), 2);
}

#[test]
fn the_same_transaction_with_another_amount_is_refused() {
    let bank = Bank::with_account();
    bank.run(["deposit", "A1", "500", "--transaction", "T1"]).succeeded();
    bank.run(["deposit", "A1", "501", "--transaction", "T1"])
        .ended_with(1)
        .said(&["DuplicateTransactionId"]);
}

#[test]
fn a_command_id_has_one_outcome_refusals_included() {
    let bank = Bank::with_account();
    let withdraw = ["withdraw", "A1", "1500", "--transaction", "T1", "--command-id", "K1"];
    bank.run(withdraw).ended_with(1).said(&["InsufficientFunds"]);
    bank.run(["deposit", "A1", "1000"]).succeeded();
    // It could be paid now, but the caller was told no.
    bank.run(withdraw).ended_with(1).said(&["InsufficientFunds", "balance 1000"]);
    bank.run(["withdraw", "A1", "1", "--command-id", "K1"])
        .ended_with(1)
        .said(&["CommandIdReused"]);
    bank.run(["withdraw", "A1", "1500", "--transaction", "T1"]).succeeded();
}

#[test]
fn an_account_closes_when_it_is_empty() {
    let bank = Bank::with_account();
    bank.run(["close", "A1", "--reason", "moved"]).ended_with(1).said(&["BalanceNotZero"]);
    bank.run(["withdraw", "A1", "1000"]).succeeded();
    assert_eq!(bank.json(["close", "A1", "--reason", "moved"])["status"], "Closed");
    bank.run(["deposit", "A1", "1"]).ended_with(1).said(&["AccountNotOpen"]);
}

#[test]
fn the_history_lists_movements_in_their_order() {
    let bank = Bank::with_account();
    // By name, T10 comes before T2.
    bank.run(["deposit", "A1", "2", "--transaction", "T2"]).succeeded();
    bank.run(["withdraw", "A1", "1", "--transaction", "T10"]).succeeded();
    bank.run(["open", "A10", "--customer", "C2", "--balance", "5"]).succeeded();
    bank.run(["deposit", "A10", "7", "--transaction", "T1"]).succeeded();

    let history = bank.json(["history", "A1"]);
    let rows = history.as_array().expect("an array");
    let transactions: Vec<_> = rows.iter().map(|row| &row["transactionId"]).collect();
    assert_eq!(transactions, ["T2", "T10"]);
    assert_eq!(rows[1]["kind"], "Withdrawal");

    let drawn = bank.run(["history", "A1"]).succeeded().stdout;
    assert_eq!(drawn.lines().count(), 6, "{drawn}");
    assert!(drawn.contains("│ # │"), "{drawn}");
}

/// The history of an account with as many movements as are read at a time never ended where the next
/// account had as many: the page after its last row was full of rows that were not its own.
#[test]
fn a_history_that_ends_with_a_page_ends() {
    let bank = Bank::new();
    let mut rows = format!("{}\n", crate::file::HEADER);
    for account in ["A1", "A2"] {
        rows += &format!("{account},C1,,open,0,2026-01-01T00:00:00Z\n");
        for row in 0..500 {
            rows += &format!("{account},,T{row},deposit,1,2026-01-02T00:00:00Z\n");
        }
    }
    bank.write("rows.csv", rows);
    bank.run(["import", "rows.csv"]).succeeded();

    for account in ["A1", "A2"] {
        assert_eq!(bank.json(["history", account]).as_array().expect("an array").len(), 500);
    }
}

#[test]
fn a_long_history_is_complete() {
    let bank = Bank::new();
    let mut rows = format!("{}\nA1,C1,,open,0,2026-01-01T00:00:00Z\n", crate::file::HEADER);
    for row in 0..1_201 {
        rows += &format!("A1,,T{row},deposit,1,2026-01-02T00:00:00Z\n");
    }
    rows += "A2,C2,,open,0,2026-01-01T00:00:00Z\nA2,,T0,deposit,1,2026-01-02T00:00:00Z\n";
    bank.write("rows.csv", rows);
    bank.run(["import", "rows.csv"]).succeeded();

    assert_eq!(bank.json(["history", "A1"]).as_array().expect("an array").len(), 1_201);
    assert_eq!(bank.json(["history", "A2"]).as_array().expect("an array").len(), 1);
    assert_eq!(bank.json(["timeline", "A1"]).as_array().expect("an array").len(), 1_202);
    assert_eq!(bank.run(["export", "A1"]).succeeded().stdout.lines().count(), 1_202);
    assert_eq!(bank.events().len(), 1_204);
    assert_eq!(bank.run(["timeline", "A1"]).succeeded().stdout.lines().count(), 1_202 + 4);
}

#[test]
fn an_account_is_shown_as_it_was() {
    let bank = Bank::with_account();
    bank.run(["deposit", "A1", "500"]).succeeded();

    assert_eq!(bank.json(["as-of", "A1", "--sequence", "1"])["balance"], "1000");
    assert_eq!(bank.json(["as-of", "A1", "--sequence", "99"])["balance"], "1500");
    assert_eq!(bank.json(["as-of", "A1", "--time", "2999-01-01T00:00:00Z"])["sequence"], 2);
    bank.run(["as-of", "A1", "--time", "1999-01-01T00:00:00Z"])
        .ended_with(1)
        .said(&["did not exist yet"]);
    bank.run(["as-of", "A1"]).ended_with(2);
    bank.run(["as-of", "A1", "--time", "yesterday"]).ended_with(2).said(&["yesterday"]);
}

#[test]
fn the_timeline_tells_everything_in_words() {
    let bank = Bank::with_account();
    bank.run(["withdraw", "A1", "1000"]).succeeded();
    bank.run(["close", "A1", "--reason", "moved"]).succeeded();
    let types: Vec<String> = bank
        .json(["timeline", "A1"])
        .as_array()
        .expect("an array")
        .iter()
        .map(|entry| entry["type"].as_str().expect("text").to_owned())
        .collect();
    assert_eq!(types, ["AccountOpened", "MoneyWithdrawn", "AccountClosed"]);
}

#[test]
fn an_export_has_the_event_form() {
    let bank = Bank::with_account();
    bank.run(["deposit", "A1", "500", "--transaction", "T1", "--command-id", "K1"]).succeeded();
    let deposit = bank.events().remove(1);
    assert_eq!(deposit["type"], "MoneyDeposited");
    assert_eq!(deposit["version"], 1);
    assert_eq!(deposit["aggregateId"], "A1");
    assert_eq!(deposit["sequence"], 2);
    assert_eq!(deposit["data"]["amount"], "500");
    assert_eq!(deposit["meta"]["causationId"], "K1");
    assert!(deposit["meta"]["at"].as_str().expect("a time").ends_with('Z'));
}

#[test]
fn an_export_into_a_closed_pipe_ends_quietly() {
    let bank = Bank::new();
    let mut rows = format!("{}\nA1,C1,,open,0,2026-01-01T00:00:00Z\n", crate::file::HEADER);
    for row in 0..600 {
        rows += &format!("A1,,T{row},deposit,1,2026-01-02T00:00:00Z\n");
    }
    bank.write("rows.csv", rows);
    bank.run(["import", "rows.csv"]).succeeded();

    let mut export = bank
        .command(["export"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the binary runs");
    drop(export.stdout.take());
    let ended = export.wait_with_output().expect("the binary ends");
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}

#[test]
fn a_rebuild_leaves_the_read_models_as_they_were() {
    let bank = Bank::with_account();
    bank.run(["deposit", "A1", "500"]).succeeded();
    let before = (bank.json(["balance", "A1"]), bank.json(["history", "A1"]));
    let rebuilt = bank.json(["rebuild"]);
    assert_eq!((&rebuilt["events"], &rebuilt["poison"]), (&json!(2), &json!(0)));
    assert_eq!((bank.json(["balance", "A1"]), bank.json(["history", "A1"])), before);
}

#[test]
fn the_balances_of_some_accounts_are_rebuilt_in_place() {
    let bank = Bank::with_account();
    bank.run(["deposit", "A1", "500"]).succeeded();
    bank.run(["open", "A2", "--customer", "C2", "--balance", "7"]).succeeded();
    let before = (bank.json(["balance", "A1"]), bank.json(["balance", "A2"]));

    assert_eq!(bank.json(["rebuild", "--account", "A1"])["accounts"], 1);
    assert_eq!(bank.json(["rebuild", "--event", "MoneyDeposited"])["accounts"], 1);
    let all = bank.json(["rebuild", "--event", "MoneyDeposited", "--event", "AccountOpened"]);
    assert_eq!(all["accounts"], 2);
    assert_eq!(bank.json(["rebuild", "--until", "2020-01-01T00:00:00Z"])["accounts"], 0);
    let told = bank.run(["rebuild", "--from", "2020-01-01T00:00:00Z"]).succeeded().stdout;
    assert!(told.contains("AccountBalanceView of 2 accounts"), "{told}");
    assert_eq!((bank.json(["balance", "A1"]), bank.json(["balance", "A2"])), before);

    bank.run(["rebuild", "--account", "A9"]).ended_with(1).said(&["there is no account `A9`"]);
    let unknown = bank.run(["rebuild", "--event", "MoneyLost"]).ended_with(2);
    unknown.said(&["an account has no event `MoneyLost`", "MoneyWithdrawn"]);
    bank.run(["rebuild", "--account", "A1", "--parallel", "2"]).ended_with(2);
    bank.run(["rebuild", "--parallel", "0"]).ended_with(2);
    assert_eq!(bank.json(["rebuild", "--parallel", "3"])["events"], 3);
}

#[test]
fn amounts_are_exact_or_refused() {
    let bank = Bank::with_account();
    let usage = ["ten", "1e3", "1,5", "", "0.12345678901234567890123456789", "NaN", "1_000", " 5"];
    for amount in usage {
        bank.run(["deposit", "A1", amount]).ended_with(2).said(&["is not an amount"]);
    }
    bank.run(["deposit", "A1", "-5"]).ended_with(1).said(&["AmountNotPositive"]);
    bank.run(["deposit", "A1", "0"]).ended_with(1).said(&["AmountNotPositive"]);
    bank.run(["withdraw", "A1", "-0.01"]).ended_with(1).said(&["AmountNotPositive"]);
    bank.run(["deposit", "A1", "79228162514264337593543950335"])
        .ended_with(1)
        .said(&["ArithmeticOverflow"]);
    bank.run(["open", "A2", "--customer", "C2", "--balance", "-1"])
        .ended_with(1)
        .said(&["InitialBalanceNegative"]);
    assert_eq!(bank.events().len(), 1, "nothing was appended");
    bank.run(["deposit", "A1", "0.000000000000000000000001"]).succeeded();
    assert_eq!(bank.json(["balance", "A1"])["balance"], "1000.000000000000000000000001");
}

#[test]
fn ids_are_checked() {
    let bank = Bank::with_account();
    for id in ["", "  ", "a\u{1b}[2Jb", &"x".repeat(201)] {
        bank.run(["open", id, "--customer", "C1"]).ended_with(2);
    }
    assert_eq!(bank.events().len(), 1, "nothing was appended");
}

#[test]
fn what_customers_type_does_not_drive_the_terminal() {
    let bank = Bank::with_account();
    bank.run(["withdraw", "A1", "1000"]).succeeded();
    bank.run(["close", "A1", "--reason", "a\u{1b}[2Jb\nc"]).succeeded();
    let told = bank.run(["timeline", "A1"]).succeeded().stdout;
    assert!(!told.contains('\u{1b}'), "{told:?}");
    assert_eq!(told.lines().count(), 3 + 4, "{told}");
}

#[test]
fn every_command_has_help_with_an_example() {
    let bank = Bank::new();
    let commands = [
        "demo",
        "open",
        "deposit",
        "withdraw",
        "close",
        "balance",
        "history",
        "as-of",
        "timeline",
        "export",
        "projections",
        "run-projections",
        "rebuild",
        "import",
        "copy",
        "archive",
    ];
    let overview = bank.run(["--help"]).succeeded().stdout;
    for command in commands {
        assert!(overview.contains(command), "{command} is not in the overview");
        let help = bank.run([command, "--help"]).succeeded().stdout;
        assert!(help.contains("Example") && help.contains(&format!("bank {command}")), "{help}");
        assert!(help.contains("--db") && help.contains("--json"), "{help}");
    }
}

#[test]
fn an_unknown_command_is_a_mistake_of_the_caller() {
    Bank::new().run(["despoit", "A1", "5"]).ended_with(2).said(&["deposit"]);
}

/// A span that ends before it begins selected nothing, and said that it had built nothing anew.
#[test]
fn a_span_that_ends_before_it_begins_is_refused_with_both_ends() {
    let bank = Bank::with_account();
    let (late, early) = ("2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z");
    for (from, until) in [(late, early), (late, late)] {
        let ran = bank.run(["rebuild", "--from", from, "--until", until]);
        let said = format!("--from {from} is not before --until {until}");
        ran.ended_with(2).said(&[&said]);
    }
}

/// It asked for a position, and said nothing of the other way.
#[test]
fn who_retries_nothing_is_told_of_both_ways() {
    let bank = Bank::with_account();
    bank.run(["poison", "retry"]).ended_with(2).said(&["<POSITION|--all>"]);
    bank.run(["poison", "retry", "1", "--all"]).ended_with(2).said(&["cannot be used with"]);
    // What is missing is told before a bank is looked for.
    let nowhere = Bank::new();
    nowhere.run(["poison", "skip", "1"]).ended_with(2).said(&["--reason <TEXT>"]);
    nowhere.run(["rebuild", "--from", "x"]).ended_with(2).said(&["`x` is not a time"]);
}
