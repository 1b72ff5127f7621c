//! What expressions are evaluated to, as JSON.

use super::super::json::json;
use super::{Constant, Known, evaluate};
use crate::model::{Aggregate, Expression, ExpressionKind};
use crate::source::Sources;
use crate::{load, resolve};

const ORDER: &str = r#"
types:
  Line: {sku: string, price: decimal, gift: string?}
aggregateRoot: Order
state:
  out: TYPE
  count: integer = 7
  most: integer = 9223372036854775807
  total: decimal = 10.5
  tiny: decimal = 0.0000000000000000000000000001
  huge: decimal = 9999999999999999999999999999
  status: enum[Open, Paid]
  paid: boolean = true
  owner: 'string? = "Zoë"'
  heir: string?
  names: 'list<string> = ["a", "b"]'
  nobody: list<string>
  line: 'Line = Line { sku: "s", price: 2.50, gift: "g" }'
  last: Line?
events:
  Added:
    version: v1
    schema: {orderId: string, amount: decimal, at: timestamp}
    apply: {out: 'EXPRESSION'}
eventStore: {partitionKey: orderId}
"#;

/// An expression of a type, evaluated in the initial state for an event with an amount of -0.25.
fn evaluated(of: &str, expression: &str) -> Option<String> {
    let yaml = ORDER.replace("TYPE", of).replace("EXPRESSION", expression);
    let aggregate = aggregate(&yaml);
    let state = aggregate.state.expect("the state is declared");
    let state: Vec<Constant> = state
        .into_iter()
        .filter_map(|field| Some((field.name, evaluate(&field.default?, &Known::default())?)))
        .collect();
    let event = &aggregate.events[0];
    let amount = ExpressionKind::Decimal("-0.25".to_owned());
    let amount = Expression { kind: amount, result: event.fields[1].field_type.clone() };
    let event_fields = [("amount".to_owned(), amount)];
    let apply = event.apply.as_ref().expect("the fold is declared");
    json(&evaluate(&apply[0].value, &Known::new(&state, &event_fields))?)
}

fn aggregate(yaml: &str) -> Aggregate {
    let sources = Sources::from_texts([("test.yaml", yaml)]);
    let loaded = load::load(&sources);
    let (model, found) = resolve::resolve(&loaded.ontology, &sources);
    let mut model = model.unwrap_or_else(|| panic!("{found:#?}"));
    model.aggregates.remove(0)
}

#[track_caller]
fn table(of: &str, rows: &[(&str, Option<&str>)]) {
    for (expression, expected) in rows {
        assert_eq!(evaluated(of, expression).as_deref(), *expected, "{expression}");
    }
}

#[test]
fn integers_are_checked() {
    table(
        "integer",
        &[
            ("count + 1", Some("8")),
            ("count - 10", Some("-3")),
            ("count * count", Some("49")),
            ("-count / 2", Some("-3")),
            ("-count % 2", Some("-1")),
            ("most + 1", None),
            ("most * 2", None),
            ("-most - 2", None),
            ("count / (count - 7)", None),
            ("count % (count - 7)", None),
            ("meta.sequence", None),
        ],
    );
}

#[test]
fn decimals_are_exact_or_not_told() {
    table(
        "decimal",
        &[
            ("total + event.amount", Some("\"10.25\"")),
            ("total - 10.5", Some("\"0\"")),
            ("total * 2", Some("\"21\"")),
            ("event.amount * event.amount", Some("\"0.0625\"")),
            ("-event.amount", Some("\"0.25\"")),
            ("-(total - total)", Some("\"0\"")),
            ("total + count", Some("\"17.5\"")),
            ("huge - 1", Some("\"9999999999999999999999999998\"")),
            ("huge + 1", None),
            ("huge + tiny", None),
            ("huge * huge", None),
            ("tiny * tiny", None),
            ("tiny + tiny", Some("\"0.0000000000000000000000000002\"")),
            ("total.round(0)", None),
        ],
    );
}

#[test]
fn conditions_choose() {
    table(
        "boolean",
        &[
            ("count < 8 && total >= 10.5", Some("true")),
            ("count > 7 || total <= 10.49", Some("false")),
            ("!paid || total != 10.5", Some("false")),
            ("paid || most + 1 > 0", Some("true")),
            ("!paid && most + 1 > 0", Some("false")),
            ("paid && most + 1 > 0", None),
            ("status == Open", Some("true")),
            ("owner == heir", Some("false")),
            ("heir.is_none() && owner.is_some()", Some("true")),
            ("names.is_empty()", Some("false")),
            ("nobody.is_empty()", Some("true")),
            ("last == none", Some("true")),
        ],
    );
    table(
        "integer",
        &[
            ("if paid { 1 } else { most + 1 }", Some("1")),
            ("if most + 1 > 0 { 1 } else { 2 }", None),
            ("match status { Open => 1, Paid => 2 }", Some("1")),
            ("match status { Paid => 1, _ => 2 }", Some("2")),
            ("{ let twice = count * 2; twice + count }", Some("21")),
            ("{ let lost = most + 1; if paid { 1 } else { lost } }", None),
            ("names.len() + nobody.len()", Some("2")),
        ],
    );
}

#[test]
fn functions_are_asked_item_by_item() {
    table(
        "list<string>",
        &[
            ("names.filter(|name| name == \"b\")", Some(r#"["b"]"#)),
            ("names.remove_where(|name| name == \"b\")", Some(r#"["a"]"#)),
            ("names.extend(names).remove_first(|name| name == \"b\")", Some(r#"["a","a","b"]"#)),
            ("names.replace_where(|name| name == \"b\", |_| line.sku)", Some(r#"["a","s"]"#)),
            ("names.upsert_by(|name| name, \"b\", |_| line.sku)", Some(r#"["a","s"]"#)),
            ("names.upsert_by(|name| name, \"c\", |_| line.sku)", Some(r#"["a","b","c"]"#)),
            ("nobody.map(|name| name.trim())", Some("[]")),
            ("names.map(|name| name.trim())", None),
        ],
    );
    table(
        "integer",
        &[
            ("names.count(|name| name == \"b\")", Some("1")),
            ("names.sum(|_| count)", Some("14")),
            ("names.sum(|_| most)", None),
            ("names.map(|_| count).sum()", Some("14")),
            ("names.fold(1, |product, _| product * count)", Some("49")),
            ("names.fold(1, |product, _| product * most)", None),
            ("nobody.sum(|_| count)", Some("0")),
        ],
    );
    table(
        "boolean",
        &[
            ("names.any(|name| name == \"a\" || most + 1 > 0)", Some("true")),
            ("names.any(|name| name == \"b\" || most + 1 > 0)", None),
            ("names.all(|name| name == \"b\" && most + 1 > 0)", Some("false")),
            ("nobody.all(|_| most + 1 > 0)", Some("true")),
            ("owner.is_some_and(|name| name == \"Zoë\")", Some("true")),
            ("heir.is_some_and(|_| most + 1 > 0)", Some("false")),
        ],
    );
    table(
        "string?",
        &[
            ("names.find(|name| name != \"a\")", Some(r#""b""#)),
            ("names.find(|name| name == line.sku)", Some("null")),
            ("owner.map(|_| line.sku)", Some(r#""s""#)),
            ("owner.and_then(|_| line.gift)", Some(r#""g""#)),
            ("heir.and_then(|_| line.gift)", Some("null")),
        ],
    );
}

#[test]
fn optionals_records_and_lists_are_taken_apart() {
    table(
        "string",
        &[
            ("match owner { Some(name) => name, None => line.sku }", Some("\"Zoë\"")),
            ("match heir { Some(name) => name, None => line.sku }", Some("\"s\"")),
            ("match names.first() { Some(name) => name, None => line.sku }", Some("\"a\"")),
            ("heir.unwrap_or(names.last().unwrap_or(line.sku))", Some("\"b\"")),
            ("last.sku.unwrap_or(line.sku)", Some("\"s\"")),
            ("line.gift.unwrap_or(line.sku)", Some("\"g\"")),
            ("line.sku.concat(line.sku)", None),
            ("meta.actor.unwrap_or(line.sku)", None),
        ],
    );
    table(
        "list<string>",
        &[
            ("names.push(line.sku)", Some(r#"["a","b","s"]"#)),
            ("names.extend(names)", Some(r#"["a","b","a","b"]"#)),
            ("[line.sku]", Some(r#"["s"]"#)),
            ("nobody", Some("[]")),
        ],
    );
    table(
        "Line?",
        &[
            ("line", Some(r#"{"sku":"s","price":"2.5","gift":"g"}"#)),
            ("last", Some("null")),
            ("Line { price: total, ..line }", Some(r#"{"sku":"s","price":"10.5","gift":"g"}"#)),
            (
                "Line { sku: line.sku, price: count, gift: none }",
                Some(r#"{"sku":"s","price":"7","gift":null}"#),
            ),
        ],
    );
}
