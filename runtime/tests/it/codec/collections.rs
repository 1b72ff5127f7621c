//! Sets and maps: one form for what is in them, whatever way it came there.

use std::collections::{BTreeMap, BTreeSet};

use eventloom_runtime::codec::{Value, decode, encode};
use eventloom_runtime::testing::shape::conforms;
use eventloom_runtime::{Date, Decimal, Uuid};
use proptest::collection::{btree_map, btree_set};
use proptest::prelude::*;

use super::{Kind, Line};

type Lines = BTreeMap<String, Vec<Line>>;

fn json(value: &impl Value) -> String {
    let mut out = Vec::new();
    encode(value, &mut out);
    String::from_utf8(out).expect("the writer writes UTF-8")
}

fn refusal<T: Value + std::fmt::Debug>(text: &str) -> String {
    decode::<T>(text.as_bytes()).expect_err(text).to_string()
}

/// The same members put in by another order.
fn reordered<T: Ord + Clone>(members: &[T]) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    for member in members.iter().rev().chain(members) {
        set.insert(member.clone());
    }
    set
}

proptest! {
    #[test]
    fn what_is_in_a_set_alone_decides_what_is_written(members in any::<Vec<String>>()) {
        let set: BTreeSet<String> = members.iter().cloned().collect();
        prop_assert_eq!(json(&set), json(&reordered(&members)));
        prop_assert_eq!(decode::<BTreeSet<String>>(json(&set).as_bytes()).unwrap(), set);
    }

    #[test]
    fn what_is_in_a_map_alone_decides_what_is_written(
        entries in btree_map(any::<i64>(), any::<Option<String>>(), 0..8),
        texts in btree_map(any::<String>(), btree_set(any::<u128>(), 0..4), 0..4),
    ) {
        let backwards: BTreeMap<i64, Option<String>> = entries.clone().into_iter().rev().collect();
        prop_assert_eq!(json(&entries), json(&backwards));
        let back = decode::<BTreeMap<i64, Option<String>>>(json(&entries).as_bytes()).unwrap();
        prop_assert_eq!(back, entries);
        let texts: BTreeMap<String, BTreeSet<Uuid>> = texts
            .into_iter()
            .map(|(key, ids)| (key, ids.into_iter().map(Uuid::from_u128).collect()))
            .collect();
        let written = json(&texts);
        prop_assert_eq!(conforms("map<string, set<uuid>>", written.as_bytes()), Ok(()));
        prop_assert_eq!(decode::<BTreeMap<String, BTreeSet<Uuid>>>(written.as_bytes()).unwrap(), texts);
    }

    /// Whatever stands there, it is read or refused, and never a panic.
    #[test]
    fn garbage_is_refused(text in any::<String>()) {
        let _ = decode::<BTreeMap<Date, BTreeSet<i64>>>(text.as_bytes());
        let _ = decode::<BTreeMap<i64, Decimal>>(format!("{{{text:?}:\"1\"}}").as_bytes());
    }
}

#[test]
fn the_form_is_fixed() {
    let days = BTreeMap::from([
        (jiff::civil::date(2026, 11, 21), BTreeSet::from([Kind::Large, Kind::Small])),
        (jiff::civil::date(2025, 1, 2), BTreeSet::new()),
    ]);
    assert_eq!(json(&days), r#"{"2025-01-02":[],"2026-11-21":["Small","Large"]}"#);
    // By their order as numbers, not as texts.
    assert_eq!(
        json(&BTreeMap::from([(10, true), (9, false), (-1, true)])),
        r#"{"-1":true,"9":false,"10":true}"#
    );
    assert_eq!(json(&BTreeMap::from([("a\"b\n".to_owned(), 1)])), r#"{"a\"b\n":1}"#);
}

#[test]
fn another_order_is_read_and_a_second_of_the_same_refused() {
    assert_eq!(decode(b"[3, 1,2 ]"), Ok(BTreeSet::from([1, 2, 3])));
    assert_eq!(
        decode(br#"{"b":2,"a":1}"#),
        Ok(BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]))
    );
    assert_eq!(refusal::<BTreeSet<i64>>("[1,2,1]"), "[2]: the member comes twice");
    assert_eq!(
        refusal::<BTreeMap<String, i64>>(r#"{"a":1,"b":2,"a":1}"#),
        r#"["a"]: the key comes twice"#
    );
    // Written otherwise, it is the same id.
    let id = "abcdefab-0000-0000-0000-000000000000";
    let doubled = format!(r#"{{"{id}":1,"{}":2}}"#, id.to_uppercase());
    assert!(refusal::<BTreeMap<Uuid, i64>>(&doubled).ends_with("the key comes twice"));
}

#[test]
fn a_refusal_names_the_place() {
    let cases = [
        (
            r#"{"A":[{"sku":"a","price":"1"},{"sku":"b","price":1}]}"#,
            r#"["A"][1].price: expected a decimal as text, found an integer"#,
        ),
        (r#"{"A":7}"#, r#"["A"]: expected a list, found an integer"#),
        ("[]", "expected an object, found a list"),
        ("null", "expected an object, found null"),
    ];
    for (text, message) in cases {
        assert_eq!(refusal::<Lines>(text), message);
    }
    assert_eq!(refusal::<BTreeSet<i64>>("{}"), "expected a list, found an object");
    for key in ["07", "+7", "", "7.0", " 7"] {
        let message = refusal::<BTreeMap<i64, i64>>(&format!(r#"{{"{key}":1}}"#));
        assert_eq!(message, format!("[\"{key}\"]: `{key}` is not an integer as text"));
    }
    assert_eq!(
        refusal::<BTreeMap<Kind, i64>>(r#"{"Tiny":1}"#),
        r#"["Tiny"]: unknown name `Tiny`; the names are Small, Large"#
    );
}

#[test]
fn a_shape_of_sets_and_maps_is_checked_to_the_last_value() {
    let shape = "{tags: set<string>, rates: map<integer, {sku: string, price: decimal}>}";
    let fits = |json: &str| conforms(shape, json.as_bytes());
    assert_eq!(fits(r#"{"tags":["a","b"],"rates":{"1":{"sku":"s","price":"1"}}}"#), Ok(()));
    for wrong in [
        r#"{"tags":["a","a"],"rates":{}}"#,
        r#"{"tags":[1],"rates":{}}"#,
        r#"{"tags":{},"rates":{}}"#,
        r#"{"tags":[],"rates":[]}"#,
        r#"{"tags":[],"rates":{"x":{"sku":"s","price":"1"}}}"#,
        r#"{"tags":[],"rates":{"01":{"sku":"s","price":"1"}}}"#,
        r#"{"tags":[],"rates":{"1":{"sku":"s"}}}"#,
    ] {
        assert!(fits(wrong).is_err(), "{wrong}");
    }
}
