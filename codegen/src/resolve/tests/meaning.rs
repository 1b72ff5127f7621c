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
            "projections:\n",
            "scenarios:\n  nothing is deposited: {when: {DepositMoney: {amount: -1, transactionId: T}}, then: {error: Bad}}\nprojections:\n",
        ),
        (
            "schema: {accountId: string, amount: decimal, transactionId: string, depositedAt: timestamp}",
            "schema: {depositedAt: timestamp, accountId: string, transactionId: string, amount: decimal}",
        ),
    ] {
        assert_eq!(changed(from, to), (false, false), "{to}");
    }
}

/// Sorting the keys of a file threw every snapshot and table away.
#[test]
fn the_order_of_keys_has_no_meaning() {
    let written = |state: [&str; 2], apply: [&str; 2], events: [&str; 2], row: [&str; 2]| {
        let event = |name: &str| {
            format!(
                "  {name}: {{version: v1, schema: {{n: integer}}, apply: {{{}, {}}}}}\n",
                apply[0], apply[1]
            )
        };
        let rule = |name: &str| format!("      {name}: {{upsert: {{{}, {}}}}}\n", row[0], row[1]);
        let shop = aggregate(&format!(
            "aggregateRoot: Shop\nstate: {{{}, {}}}\nevents:\n{}{}eventStore: {{partitionKey: shopId}}
projections:
  View:
    source: [{}, {}]
    target: db.view
    columns: {{shopId: string, x: integer, y: integer}}
    on:\n{}{}",
            state[0], state[1], event(events[0]), event(events[1]), events[0], events[1],
            rule(events[0]), rule(events[1]),
        ));
        (shop.meaning, shop.projections[0].meaning)
    };
    let (state, apply) = (["a: integer", "b: integer"], ["a: b + n", "b: a"]);
    let (events, row) = (["Bought", "Sold"], ["x: row.y", "y: n"]);
    let swapped = |[first, second]: [&'static str; 2]| [second, first];
    let sorted = written(state, apply, events, row);
    assert_eq!(written(swapped(state), apply, events, row), sorted);
    assert_eq!(written(state, swapped(apply), events, row), sorted);
    assert_eq!(written(state, apply, swapped(events), row), sorted);
    assert_eq!(written(state, apply, events, swapped(row)), sorted);
    let others = written(state, ["a: a + n", "b: a"], events, ["x: row.x", "y: n"]);
    assert!(others.0 != sorted.0 && others.1 != sorted.1, "what the keys hold has");
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

/// What an aggregate is changes its rows; that it is one and no line of a rule does not.
#[test]
fn an_aggregate_means_what_its_line_means() {
    let view = VIEW.split_once("    columns").and_then(|(_, rest)| rest.split_once("commands"));
    let written = format!("    columns{}", view.expect("a view").0);
    let aggregate = |of: &str| {
        format!(
            "    columns: {{accountId: string, sum: {of}}}\n    on: {{MoneyDeposited: {{upsert: {{}}}}}}\n"
        )
    };
    for (of, differs) in [
        ("sum(MoneyDeposited.amount)", false),
        ("count(MoneyDeposited)", true),
        ("max(MoneyDeposited.amount)", true),
        ("'average(MoneyDeposited.amount, 2)'", true),
    ] {
        assert_eq!(changed(&written, &aggregate(of)), (false, differs), "{of}");
    }
}

#[test]
fn an_upcast_has_meaning() {
    let shop = |price: &str, upcast: &str| {
        let shop = aggregate(&format!(
            "aggregateRoot: Shop
state: {{total: decimal}}
events:
  Sold:
    version: v2
    schema: {{price: '{price}'}}
    apply: {{total: total + price}}
    history: {{v1: {{schema: {{}}, upcast: {{price: {upcast}}}}}}}
eventStore: {{partitionKey: shopId}}
projections:
  View:
    source: [Sold]
    target: db.view
    columns: {{shopId: string, total: decimal}}
    on: {{Sold: {{upsert: {{total: row.total + price}}}}}}
"
        ));
        (shop.meaning, shop.projections[0].meaning)
    };
    let plain = shop("decimal", "1");
    assert_eq!(plain, shop("decimal", " 1 "));
    // What an upcast says, and what the shape that it leads to has it check.
    for other in [shop("decimal", "2"), shop("decimal(6,2)", "1"), shop("decimal(6,3)", "1")] {
        assert!(plain.0 != other.0 && plain.1 != other.1);
    }
    assert_ne!(shop("decimal(6,2)", "1"), shop("decimal(6,3)", "1"));
}

#[test]
fn a_function_has_meaning() {
    let shop = |function: &str| {
        let shop = aggregate(&format!(
            "aggregateRoot: Shop
state: {{prices: list<decimal>}}
events:
  Sold: {{version: v1, schema: {{price: decimal}}, apply: {{prices: 'prices.push(price).{function}'}}}}
eventStore: {{partitionKey: shopId}}
projections:
  View:
    source: [Sold]
    target: db.view
    columns: {{shopId: string, prices: list<decimal>}}
    on: {{Sold: {{upsert: {{prices: 'row.prices.{function}'}}}}}}
"
        ));
        (shop.meaning, shop.projections[0].meaning)
    };
    let plain = shop("filter(|price| price > 1)");
    assert_eq!(plain, shop("filter( |price|  price > 1 )"));
    for other in ["filter(|price| price > 2)", "remove_where(|price| price > 1)"] {
        let other = shop(other);
        assert!(plain.0 != other.0 && plain.1 != other.1);
    }
}

/// An expression that got a name threw every snapshot away; one that had a name could change and kept
/// them.
#[test]
fn a_derived_value_means_what_it_stands_for() {
    let shop = |derived: &str, apply: &str| {
        aggregate(&format!(
            "aggregateRoot: Shop
state: {{prices: list<decimal>, total: decimal}}
derived: {{{derived}}}
events:
  Sold: {{version: v1, schema: {{price: decimal}}, apply: {{total: '{apply}'}}}}
eventStore: {{partitionKey: shopId}}
"
        ))
        .meaning
    };
    let plain = shop("", "prices.sum() + price");
    assert_eq!(shop("all: prices.sum()", "all + price"), plain, "a name is a name only");
    assert_eq!(shop("all: prices.sum(), more: all + 1", "state.all + price"), plain);
    assert_ne!(shop("all: prices.sum() + 1", "all + price"), plain);
    let with = |value: &str| {
        let with =
            format!("with: {{input: {{price: decimal}}, value: {value}}}, all: prices.sum()");
        shop(&with, "with(price)")
    };
    assert_ne!(with("all + price"), with("all - price"));
    let called = |name: &str| {
        let with = format!(
            "{name}: {{input: {{price: decimal}}, value: all + price}}, all: prices.sum(), \
             twice: {{input: {{of: decimal, and: decimal}}, value: {name}(of) * 2 + {name}(and)}}"
        );
        [shop(&with, &format!("{name}(price)")), shop(&with, "twice(price, price + 1)")]
    };
    assert_eq!(called("with"), called("another"), "what is asked with values has a name only, too");
    let through = |value: &str| shop(&format!("all: half * 2, half: {value}"), "all + price");
    assert_ne!(through("prices.sum()"), through("prices.sum() + 1"), "what it names counts, too");
}

/// Two aggregates that look alike, each with a projection that looks like the other's: the rows of both
/// had one meaning, and with it one table, though they are of different streams.
#[test]
fn the_aggregate_of_the_rows_is_part_of_their_meaning() {
    let account = bank(VIEW);
    let other = account.replacen("BankAccount", "Wallet", 1);
    let meaning = |yaml: &str| aggregate(yaml).projections[0].meaning;
    assert_ne!(meaning(&account), meaning(&other));
}
