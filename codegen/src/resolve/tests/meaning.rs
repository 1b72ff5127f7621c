//! Meaning hashes: what changes a result changes them, what does not leaves them alone.

use super::{aggregate, bank};
use crate::model::Aggregate;

const VIEW: &str = "projections:
  View:
    source: [MoneyDeposited]
    target: db.view
    columns: {accountId: string, sum: decimal}
    on: {MoneyDeposited: {upsert: {sum: row.sum + amount}}}
commands:
  DepositMoney: {input: {amount: decimal, transactionId: string}, reject: {Bad: amount < 0}, emit: MoneyDeposited}
invariants: [Balance cannot be negative]
";

fn changed(from: &str, to: &str) -> (bool, bool) {
    let before = bank(VIEW);
    assert!(before.contains(from), "{from}");
    let meanings = |account: &Aggregate| (account.meaning, account.projections[0].meaning);
    let (state, rows) = meanings(&aggregate(&before));
    let (new_state, new_rows) = meanings(&aggregate(&before.replacen(from, to, 1)));
    (state != new_state, rows != new_rows)
}

#[test]
fn what_is_said_to_people_has_no_meaning() {
    for (from, to) in [
        ("aggregateRoot: BankAccount\n", "aggregateRoot: BankAccount\ndescription: An account.\n"),
        ("    version: v1\n", "    version: v1\n    description: It begins.\n"),
        ("{Bad: amount < 0}", "{Bad: {when: amount < 0, message: 'no {amount}'}}"),
        ("{Bad: amount < 0}", "{Worse: amount < 5}"),
        ("Balance cannot be negative", "Balance must be at most 5"),
        (
            "eventStore: {partitionKey: accountId}",
            "eventStore: {partitionKey: accountId, snapshotStrategy: every 5 events}",
        ),
        ("target: db.view", "target: other.table"),
        (
            "columns: {accountId: string, sum: decimal}",
            "key: accountId\n    columns: {accountId: string, sum: decimal}",
        ),
        (
            "schema: {accountId: string, amount: decimal, transactionId: string, depositedAt: timestamp}",
            "schema: {depositedAt: timestamp, accountId: string, transactionId: string, amount: decimal}",
        ),
    ] {
        assert_eq!(changed(from, to), (false, false), "{to}");
    }
}

#[test]
fn what_changes_a_result_changes_the_meaning() {
    for (from, to, expected) in [
        ("balance + amount", "balance - amount", (true, false)),
        ("balance: decimal\n", "balance: decimal = 1\n", (true, false)),
        ("balance: decimal\n", "balance: decimal(9,2)\n", (true, false)),
        ("enum[Unopened, Open, Closed]", "enum[Unopened, Open]", (true, false)),
        ("enum[Unopened, Open, Closed]", "enum[Open, Unopened, Closed]", (true, false)),
        ("row.sum + amount", "row.sum - amount", (false, true)),
        ("sum: decimal}", "sum: decimal = 1}", (false, true)),
        ("upsert:", "update:", (false, true)),
        ("amount: decimal, transactionId", "amount: 'decimal(9,2)', transactionId", (true, true)),
        (
            "    schema: {accountId: string, owner",
            "    storedAs: Opened\n    schema: {accountId: string, owner",
            (true, false),
        ),
    ] {
        assert_eq!(changed(from, to), expected, "{to}");
    }
}

#[test]
fn an_upcast_has_meaning() {
    let shop = |upcast: &str| {
        aggregate(&format!(
            "aggregateRoot: Shop
state: {{total: integer}}
events:
  Sold:
    version: v2
    schema: {{price: integer}}
    apply: {{total: total + price}}
    history: {{v1: {{schema: {{}}, upcast: {{price: {upcast}}}}}}}
eventStore: {{partitionKey: shopId}}
"
        ))
        .meaning
    };
    assert_ne!(shop("1"), shop("2"));
    assert_eq!(shop("1"), shop(" 1 "));
}
