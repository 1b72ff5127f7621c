//! `bank rebuild` meets an event that can't be folded: it is listed, and an operator decides what the next rebuild does.

use serde_json::json;

use crate::bank::{Bank, Ran};

const VIEW: &str = "TransactionHistoryView";

/// A bank whose rows are complete, and whose first deposit, the event at position 2, was damaged after that.
fn damaged(bank: &Bank, damage: impl FnOnce(&str)) {
    bank.run(["open", "A1", "--customer", "C1", "--balance", "10"]).succeeded();
    bank.run(["deposit", "A1", "7", "--transaction", "T1"]).succeeded();
    bank.run(["deposit", "A1", "8", "--transaction", "T2"]).succeeded();
    bank.run(["history", "A1"]).succeeded();
    assert_eq!(bank.json(["balance", "A1"])["balance"], "25");
    damage(r#"data = replace(data, '"amount":"7"', '"amount":"much"')"#);
}

fn transactions(bank: &Bank) -> Vec<String> {
    let history = bank.json(["history", "A1"]);
    let all = history.as_array().expect("a list").iter();
    all.map(|it| it["transactionId"].as_str().expect("an id").to_owned()).collect()
}

/// The story: the rebuild failed and told to skip an event, and `bank poison` showed none.
fn what_stops_a_rebuild_is_decided_about(bank: &Bank) {
    let before = transactions(bank);
    assert_eq!(before, ["T1", "T2"]);

    let stopped = bank.run(["rebuild"]).ended_with(3);
    stopped.said(&["the rebuild of BankAccount.", VIEW, "position 2", "`bank poison`"]);

    let listed = bank.json(["poison"]);
    assert_eq!(listed["poison"], json!([]), "the rows lack nothing");
    let of_rebuild = &listed["stoppedRebuilds"];
    assert_eq!(of_rebuild.as_array().map(Vec::len), Some(1), "{listed}");
    let found = (&of_rebuild[0]["projection"], &of_rebuild[0]["position"]);
    assert_eq!(found, (&json!(VIEW), &json!(2)));
    let drawn = bank.run(["poison"]).succeeded().stdout;
    assert!(drawn.contains("its rebuild") && drawn.contains("MoneyDeposited v1"), "{drawn}");
    // It was told as done, by the exit code.
    let again = bank.run(["poison", "retry", "--all"]).ended_with(3).stdout;
    assert!(again.contains("the next `bank rebuild` tries it again"), "{again}");
    let again = bank.run(["poison", "retry", "2", "--json"]).ended_with(3).json();
    assert_eq!(again[0]["outcome"], "atNextRebuild");
    let shown = bank.run(["projections"]).succeeded().stdout;
    assert!(shown.contains("rebuild stopped TransactionHistoryView: position 2"), "{shown}");
    assert!(shown.contains("`bank poison`"), "{shown}");
    let shown = &bank.json(["projections"])[1];
    assert_eq!((&shown["rebuildStoppedBy"]["position"], &shown["parked"]), (&json!(2), &json!([])));

    let skipped = skip(bank).succeeded().stdout;
    assert!(skipped.contains("the next `bank rebuild` leaves it out"), "{skipped}");
    skip(bank).ended_with(2).said(&["no poison event is at position 2"]);
    assert_eq!(transactions(bank), before, "nobody has built them anew");
    assert_eq!(bank.json(["balance", "A1"])["balance"], "25", "nobody has built it anew");
    let listed = bank.json(["poison"]);
    let undecided = (&listed["poison"], &listed["stoppedRebuilds"]);
    assert_eq!(undecided, (&json!([]), &json!([])));
    assert_eq!(listed["skipped"][0]["position"], 2);

    rows_that_would_show_less_wait_for_a_decision(bank);

    assert_eq!(transactions(bank), ["T2"]);
    assert_eq!(bank.json(["balance", "A1"])["balance"], "18", "it was decided");
}

/// The story: the rebuild told of a success, and a balance that was complete was held back from then on.
fn rows_that_would_show_less_wait_for_a_decision(bank: &Bank) {
    let stopped = bank.run(["rebuild"]).ended_with(3);
    stopped.said(&["the rebuild of BankAccount.", "position 2", "`bank poison`"]);
    assert_eq!(bank.json(["balance", "A1"])["balance"], "25", "it is as it was");
    let listed = bank.json(["poison"]);
    assert_eq!(listed["poison"], json!([]), "the rows lack nothing");
    assert_eq!(listed["stoppedRebuilds"][0]["position"], 2, "{listed}");
    skip(bank).succeeded();
    bank.run(["rebuild"]).succeeded();
}

fn skip(bank: &Bank) -> Ran {
    bank.run(["poison", "skip", "2", "--reason", "damaged", "--operator", "Olga"])
}

#[test]
fn what_stops_a_rebuild_is_decided_about_on_a_file() {
    let bank = Bank::new();
    damaged(&bank, |set| {
        let sql = rusqlite::Connection::open(bank.path("bank.db")).expect("an SQLite file");
        sql.execute(&format!("UPDATE events SET {set}"), ()).expect("it is damaged");
    });
    what_stops_a_rebuild_is_decided_about(&bank);
}

#[cfg(feature = "testing-postgres")]
#[test]
fn what_stops_a_rebuild_is_decided_about_on_a_server() {
    use eventloom_runtime::testing::block_on;
    use eventloom_runtime::testing::postgres::TestDatabase;

    let database = TestDatabase::default();
    let bank = Bank::on(&block_on(database.url()));
    damaged(&bank, |set| {
        block_on(database.sql(&format!("UPDATE eventloom.events SET {set}")));
    });
    what_stops_a_rebuild_is_decided_about(&bank);
}
