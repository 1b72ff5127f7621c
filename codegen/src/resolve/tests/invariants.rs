//! Invariants: what sentences mean.

use super::{aggregate, bank, show};
use crate::model::{Invariant, Rule};

fn shown(invariant: &Invariant) -> String {
    let rule = match &invariant.rule {
        Rule::State(check) => format!("state {}", show(check)),
        Rule::Event { events, check } => format!("event {events:?} {}", show(check)),
        Rule::Behavior { method, method_type, check } => {
            format!("behavior {method} {method_type:?} {}", show(check))
        }
        other => format!("{other:?}"),
    };
    match &invariant.tolerated {
        Some(tolerated) => format!("{}: {rule} or {}", invariant.refusal, show(tolerated)),
        None => format!("{}: {rule}", invariant.refusal),
    }
}

fn rules(yaml: &str) -> Vec<String> {
    aggregate(yaml).invariants.iter().map(shown).collect()
}

const SHOP: &str = "
aggregateRoot: ShopFront
state:
  status: enum[Draft, Open, Closed]
  stock: integer
  limit: decimal?
  rate: decimal = 5
  since: timestamp?
  tags: list<string>
events:
  Sold: {version: v1, schema: {shopId: string, price: decimal, buyer: string, invoiceNumber: string}, apply: {}}
  Returned: {version: v1, schema: {price: decimal?, invoiceNumber: string?}, apply: {}}
eventStore: {partitionKey: shopId}
invariants:
";

#[test]
fn sentences_about_values_bind_the_state_or_each_event() {
    for (sentence, expected) in [
        (
            "Stock cannot be negative",
            "StockCannotBeNegative: state (GreaterOrEqual state.stock 0) or (GreaterOrEqual state.stock before.stock)",
        ),
        (
            "stock must be at least 10, else TooFew",
            "TooFew: state (GreaterOrEqual state.stock 10) or (And (NotEqual before.stock 0) (GreaterOrEqual state.stock before.stock))",
        ),
        (
            "Rate must be at most 7.5",
            "RateMustBeAtMost7Point5: state (LessOrEqual state.rate 7.5d) or (LessOrEqual state.rate before.rate)",
        ),
        (
            "Rate must be less than stock",
            "RateMustBeLessThanStock: state (Less state.rate (widen state.stock))",
        ),
        (
            "The limit must be positive",
            "TheLimitMustBePositive: state (match state.limit [Some($value) (Greater $value 0d)] [None true]) or (match state.limit [Some($value) (match before.limit [Some($earlier) (GreaterOrEqual $value $earlier)] [None false])] [None true])",
        ),
        (
            "'Since must be greater than \"2026-01-01T00:00:00Z\"'",
            "SinceMustBeGreaterThan20260101T000000Z: state (match state.since [Some($value) (Greater $value time 1767225600000000)] [None true])",
        ),
        ("Tags must not be empty", "TagsMustNotBeEmpty: state (not (ListIsEmpty state.tags))"),
        (
            "Buyer must not be empty",
            "BuyerMustNotBeEmpty: event [\"Sold\"] (not (StringIsEmpty event.buyer))",
        ),
        (
            "Stock must never decrease",
            "StockMustNeverDecrease: event [] (GreaterOrEqual state.stock before.stock)",
        ),
        (
            "Since must never decrease",
            "SinceMustNeverDecrease: event [] (match before.since [Some($earlier) (match state.since [Some($later) (GreaterOrEqual $later $earlier)] [None false])] [None true])",
        ),
        (
            "Status moves Draft → Open, Open → Closed",
            "StatusTransitionNotAllowed: event [] (Or (Or (Equal state.status before.status) (And (Equal before.status 'Draft) (Equal state.status 'Open))) (And (Equal before.status 'Open) (Equal state.status 'Closed)))",
        ),
        ("Events must be ordered by timestamp", "OutOfOrder: OrderedByTime"),
        (
            "Sold must precede Returned",
            "SoldMustPrecedeReturned: Precedes { first: \"Sold\", then: \"Returned\" }",
        ),
        (
            "Sold cannot follow Returned",
            "SoldCannotFollowReturned: CannotFollow { event: \"Sold\", after: \"Returned\" }",
        ),
        (
            "Nothing can follow Returned",
            "NothingCanFollowReturned: NothingFollows { event: \"Returned\" }",
        ),
    ] {
        assert_eq!(rules(&format!("{SHOP}  - {sentence}\n")), [expected], "{sentence}");
    }
    assert_eq!(
        rules(&format!("{SHOP}  - Price must be positive\n")),
        [
            "PriceMustBePositive: event [\"Sold\"] (Greater event.price 0d)",
            "PriceMustBePositive: event [\"Returned\"] (match event.price [Some($value) (Greater $value 0d)] [None true])",
        ]
    );
}

#[test]
fn a_check_reads_the_state_before_and_one_event() {
    assert_eq!(
        rules(&format!(
            "{SHOP}  - {{name: Calm, check: stock - before.stock < 10, message: 'too fast from {{before.stock}}'}}
  - {{name: Cheap, check: event.price < 10 || rate > 5, after: [Sold]}}
"
        )),
        [
            "Calm: state (Less (Subtract state.stock before.stock) 10)",
            "Cheap: event [\"Sold\"] (Or (Less event.price 10d) (Greater state.rate 5d))",
        ]
    );
}

#[test]
fn unique_fields_are_those_of_every_event_that_has_them() {
    let shop =
        aggregate(&format!("{SHOP}  - Invoice number must be unique across all shop fronts\n"));
    let unique: Vec<(&str, bool, bool)> = shop
        .events
        .iter()
        .flat_map(|event| &event.unique)
        .map(|unique| (unique.field.as_str(), unique.across_all, unique.idempotent))
        .collect();
    assert_eq!(unique, [("invoiceNumber", true, false), ("invoiceNumber", true, false)]);
    for plural in ["fronts", "shopfronts", "Shop Fronts"] {
        let rule = format!("  - InvoiceNumber must be unique (idempotency) across all {plural}\n");
        assert!(aggregate(&format!("{SHOP}{rule}")).events[0].unique[0].idempotent);
    }
    for (noun, plural) in
        [("Shelf", "shelves"), ("Roof", "roofs"), ("Knife", "knives"), ("Ferry", "ferries")]
    {
        let rule = format!("  - InvoiceNumber must be unique across all {plural}\n");
        let text = format!("{SHOP}{rule}").replace("ShopFront", noun);
        assert!(aggregate(&text).events[0].unique[0].across_all);
    }
}

#[test]
fn a_state_by_hand_shows_what_the_rules_ask_for() {
    let yaml = "
aggregateRoot: Shop
events: {Sold: {version: v1, schema: {price: decimal}}}
eventStore: {partitionKey: shopId}
invariants:
  - Open orders cannot be negative
  - Open orders must be at most 10, else TooMany
  - Owner must not be empty
  - Price must be positive
";
    assert_eq!(
        rules(yaml),
        [
            "OpenOrdersCannotBeNegative: behavior openOrders Decimal(None) (GreaterOrEqual $openOrders 0d) or (GreaterOrEqual $openOrders $before openOrders)",
            "TooMany: behavior openOrders Decimal(None) (LessOrEqual $openOrders 10d) or (LessOrEqual $openOrders $before openOrders)",
            "OwnerMustNotBeEmpty: behavior owner String (not (StringIsEmpty $owner))",
            "PriceMustBePositive: event [\"Sold\"] (Greater event.price 0d)",
        ]
    );
}

#[test]
fn a_broken_rule_says_with_which_value() {
    let shop = aggregate(&bank("invariants: [Balance cannot be negative]\n"));
    assert_eq!(
        show(&shop.invariants[0].message),
        "(format \"Balance cannot be negative, but would be \" state.balance)"
    );
}
