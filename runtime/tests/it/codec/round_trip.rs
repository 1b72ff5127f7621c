//! What is written is read back, byte for byte and value for value.

use eventloom_runtime::codec::{check, decode, encode, key_text};
use eventloom_runtime::values::decimal;
use eventloom_runtime::{Bytes, Date, Decimal, Duration, Timestamp, Uuid};
use proptest::prelude::*;

use super::{Everything, Kind, Line};

fn json(value: &impl eventloom_runtime::codec::Value) -> String {
    let mut out = Vec::new();
    encode(value, &mut out);
    String::from_utf8(out).expect("the writer writes UTF-8")
}

fn decimals() -> impl Strategy<Value = Decimal> {
    (any::<i64>(), any::<u32>(), 0..=28_u32).prop_map(|(high, low, scale)| {
        Decimal::from_i128_with_scale((i128::from(high) << 32) | i128::from(low), scale)
    })
}

fn times() -> impl Strategy<Value = Timestamp> {
    (Timestamp::MIN.as_micros()..=Timestamp::MAX.as_micros()).prop_map(Timestamp::from_micros)
}

fn dates() -> impl Strategy<Value = Date> {
    (-9999..=9999_i16, 1..=12_i8, 1..=28_i8)
        .prop_map(|(year, month, day)| jiff::civil::date(year, month, day))
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let line = (any::<String>(), decimals()).prop_map(|(sku, price)| Line { sku, price });
    prop::collection::vec(line, 0..4)
}

prop_compose! {
    fn everything()(
        (text, integer, decimal, boolean) in (any::<String>(), any::<i64>(), decimals(), any::<bool>()),
        (time, date, duration, id) in (times(), dates(), any::<i64>(), any::<u128>()),
        (bytes, large, note, lines) in
            (any::<Vec<u8>>(), any::<bool>(), any::<Option<String>>(), lines()),
        grid in prop::collection::vec(prop::collection::vec(any::<Option<i64>>(), 0..3), 0..3),
        retries in any::<i64>(),
    ) -> Everything {
        Everything {
            text, integer, decimal, boolean, time, date,
            duration: Duration::from_micros(duration),
            id: Uuid::from_u128(id), bytes: Bytes(bytes),
            kind: if large { Kind::Large } else { Kind::Small },
            note, lines, grid, retries,
        }
    }
}

proptest! {
    #[test]
    fn every_value_survives(value in everything()) {
        let text = json(&value);
        prop_assert_eq!(&decode::<Everything>(text.as_bytes()).unwrap(), &value);
        // An independent parser agrees that it is JSON.
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
    }

    #[test]
    fn text_is_escaped_as_serde_json_escapes_it(text in any::<String>()) {
        prop_assert_eq!(serde_json::from_str::<String>(&json(&text)).unwrap(), text);
    }

    #[test]
    fn times_agree_with_the_calendar_library(time in times()) {
        if let Ok(other) = jiff::Timestamp::from_microsecond(time.as_micros()) {
            prop_assert_eq!(time.to_string(), other.to_string());
            prop_assert_eq!(time.date(), other.to_zoned(jiff::tz::TimeZone::UTC).date());
        }
        prop_assert_eq!(time.to_string().parse::<Timestamp>().unwrap(), time);
    }

    #[test]
    fn decimals_agree_with_their_library(value in decimals()) {
        let text = decimal::canonical(&value);
        prop_assert_eq!(&text, &value.normalize().to_string());
        prop_assert_eq!(decimal::parse(&text).unwrap(), value);
    }
}

#[test]
fn the_form_is_fixed() {
    let value = Everything {
        text: "a \"quote\", a \\, a\nline, a \u{1}, 日本".into(),
        integer: -7,
        decimal: Decimal::new(1300, 2),
        boolean: true,
        time: Timestamp::from_micros(1_795_253_400_250_000),
        date: Date::constant(2026, 11, 21),
        duration: Duration::from_micros(5_400_000_000),
        id: Uuid::from_u128(1),
        bytes: Bytes(vec![0xff, 0]),
        kind: Kind::Large,
        note: None,
        lines: vec![Line { sku: "S".into(), price: Decimal::NEGATIVE_ONE }],
        grid: vec![vec![], vec![None, Some(1)]],
        retries: 0,
    };
    assert_eq!(
        json(&value),
        concat!(
            r#"{"text":"a \"quote\", a \\, a\nline, a \u0001, 日本","integer":-7,"decimal":"13","#,
            r#""boolean":true,"time":"2026-11-21T09:30:00.25Z","date":"2026-11-21","#,
            r#""duration":"PT1H30M","id":"00000000-0000-0000-0000-000000000001","bytes":"/wA=","#,
            r#""kind":"Large","note":null,"lines":[{"sku":"S","price":"-1"}],"#,
            r#""grid":[[],[null,1]],"retries":0}"#
        )
    );
}

#[test]
fn fields_come_in_any_order_with_white_space_and_defaults() {
    let text = r#" { "price" : "1.50" , "sku" : "S" } "#;
    assert_eq!(
        decode::<Line>(text.as_bytes()),
        Ok(Line { sku: "S".into(), price: Decimal::new(15, 1) })
    );
}

#[test]
fn a_key_is_the_bare_text_of_its_value() {
    assert_eq!(key_text(&"a\"b".to_owned()), "a\"b");
    assert_eq!(key_text(&Decimal::new(100, 2)), "1");
    assert_eq!(key_text(&7_i64), "7");
    assert_eq!(key_text(&Kind::Small), "Small");
    assert_eq!(key_text(&Uuid::nil()), "00000000-0000-0000-0000-000000000000");
}

#[test]
fn the_calendar_ends_where_it_says() {
    assert_eq!(Timestamp::MIN.to_string(), "0000-01-01T00:00:00Z");
    assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
    assert_eq!(Timestamp::from_micros(i64::MAX), Timestamp::MAX);
    assert!(Timestamp::try_from_micros(i64::MIN).is_err());
    assert_eq!(Timestamp::MAX.checked_add(Duration::from_micros(1)), None);
    assert_eq!(
        Duration::from_micros(i64::MIN).to_string().parse(),
        Ok(Duration::from_micros(i64::MIN))
    );
}

#[test]
fn digits_are_counted_without_trailing_zeros() {
    let fits = |text: &str| check::digits(&decimal::parse(text).unwrap(), "amount", 5, 2);
    for text in ["0", "-0.01", "999.99", "-999.99", "1.5000", "0.10"] {
        assert_eq!(fits(text), Ok(()), "{text}");
    }
    assert_eq!(
        fits("0.001").unwrap_err().to_string(),
        "amount: 0.001 has 3 digits after the point, decimal(5,2) allows 2"
    );
    assert_eq!(
        fits("-1000").unwrap_err().to_string(),
        "amount: -1000 has 4 digits before the point, decimal(5,2) allows 3"
    );
}
