//! Projections: keys, rows and what inserts complete.

use super::{aggregate, assigned, bank, show};
use crate::model::{Projection, Verb};

fn projection(yaml: &str) -> Projection {
    let lines: String = yaml.lines().map(|line| format!("    {line}\n")).collect();
    aggregate(&bank(&format!("projections:\n  View:\n{lines}"))).projections.remove(0)
}

#[test]
fn the_key_is_the_stream_where_the_partition_key_is_a_column() {
    let rest = "source: [MoneyDeposited]\ntarget: db.view\non: {MoneyDeposited: {upsert: {}}}\n";
    for (key, shown, is_stream) in [
        ("", "accountId=stream", true),
        ("key: accountId\n", "accountId=stream", true),
        ("key: {accountId: event.accountId}\n", "accountId=stream", true),
        ("key: {accountId: meta.streamId}\n", "accountId=stream", true),
        ("key: {accountId: transactionId}\n", "accountId=event.transactionId", false),
        (
            "key: {accountId: accountId, day: depositedAt.date()}\n",
            "accountId=stream day=(TimestampDate event.depositedAt)",
            false,
        ),
    ] {
        let found = projection(&format!(
            "{rest}{key}columns: {{accountId: string, day: date = \"2026-01-01\"}}"
        ));
        assert_eq!(assigned(&found.key), shown, "{key}");
        assert_eq!(found.key_is_stream, is_stream, "{key}");
    }
}

#[test]
fn an_insert_completes_the_row_and_an_update_does_not() {
    let view = projection(
        "source: [AccountOpened, MoneyDeposited]
target: db.view
key: accountId
columns:
  accountId: string
  owner: string
  note: string?
  count: integer = 1
  last: decimal = 0
on:
  AccountOpened: {insert: {..: event}}
  MoneyDeposited:
    - {when: row.count > 100, delete: row}
    - {update: {last: amount, count: row.count + 1}, onMissing: skip}",
    );
    let on = view.on.expect("declared");
    let [(_, opened), (_, deposited)] = on.as_slice() else { panic!("two events") };
    assert_eq!(assigned(&opened[0].columns), "owner=event.owner note=none count=1 last=0d");
    let [delete, update] = deposited.as_slice() else { panic!("two cases") };
    assert_eq!((delete.verb, update.verb), (Verb::Delete, Verb::Update));
    assert_eq!(delete.when.as_ref().map(show).as_deref(), Some("(Greater row.count 100)"));
    assert_eq!(assigned(&update.columns), "last=event.amount count=(Add row.count 1)");
    assert!(update.skip_missing && !delete.skip_missing);
}

#[test]
fn a_rule_may_find_another_row() {
    let view = projection(
        "source: [AccountOpened, MoneyDeposited]
target: db.view
key: {name: event.owner}
columns: {name: string, count: integer}
on:
  AccountOpened: {upsert: {count: row.count + 1}}
  MoneyDeposited: {upsert: {count: row.count + 1}, key: {name: transactionId}}",
    );
    let on = view.on.expect("declared");
    assert_eq!(assigned(&view.key), "name=event.owner", "of the event that has one");
    let key = on[1].1[0].key.as_ref().expect("a key of its own");
    assert_eq!(assigned(key), "name=event.transactionId");
    assert!(!view.key_is_stream);
}

#[test]
fn settings_are_read() {
    let view = projection(
        "source: [MoneyDeposited]
target: read_db.view
updateStrategy: eventually_consistent
consistencyWindow: 500ms",
    );
    assert_eq!((view.database.as_str(), view.table.as_str()), ("read_db", "view"));
    assert_eq!((view.immediate, view.window_micros), (false, Some(500_000)));
    assert!(view.key.is_empty() && view.on.is_none() && view.columns.is_none());
    let view = projection(
        "source: [MoneyDeposited]
target: read_db.view
updateStrategy: immediate
columns: {accountId: string, balance: decimal}
mirrors: {balance: state.balance}",
    );
    assert!(view.immediate && view.key_is_stream && view.on.is_none());
    assert_eq!(assigned(&view.mirrors), "balance=state.balance");
}
