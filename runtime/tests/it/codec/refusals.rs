//! What is not of its shape is refused, with the place and the reason, and never with a panic.

use eventloom_runtime::codec::{DecodeError, Record, Value, decode};
use eventloom_runtime::values::decimal;
use eventloom_runtime::{Bytes, Date, Decimal, Duration, Timestamp, Uuid};
use proptest::prelude::*;

use super::{Everything, Kind, Line};

/// An order, to have lines inside something.
#[derive(Debug, PartialEq)]
struct Order {
    lines: Vec<Line>,
}

impl Record for Order {
    fn write(&self, out: &mut eventloom_runtime::codec::Writer) {
        out.field("lines", &self.lines);
    }

    fn read(fields: &mut eventloom_runtime::codec::Fields<'_>) -> Result<Self, DecodeError> {
        let mut lines = None;
        fields.read(&mut [("lines", &mut lines)])?;
        Ok(Self { lines: eventloom_runtime::codec::required(lines, "lines")? })
    }
}

fn refusal<T: Value + std::fmt::Debug>(text: &str) -> String {
    decode::<T>(text.as_bytes()).expect_err(text).to_string()
}

#[test]
fn a_refusal_names_the_place() {
    let cases = [
        (
            r#"{"lines":[{"sku":"A","price":"1"},{"sku":"B","price":1}]}"#,
            "lines[1].price: expected a decimal as text, found an integer",
        ),
        (r#"{"lines":[{"sku":"A"}]}"#, "lines[0]: the field `price` is missing"),
        (
            r#"{"lines":[{"sku":"A","price":"1","prize":"2"}]}"#,
            "lines[0]: unknown field `prize`; the fields are sku, price",
        ),
        (r#"{"lines":[{"sku":"A","sku":"B","price":"1"}]}"#, "lines[0].sku: the field comes twice"),
        (r#"{"lines":{}}"#, "lines: expected a list, found an object"),
        (r#"{"lines":[7]}"#, "lines[0]: expected an object, found an integer"),
        ("{}", "the field `lines` is missing"),
        ("[]", "expected an object, found a list"),
    ];
    for (text, message) in cases {
        assert_eq!(refusal::<Order>(text), message);
    }
}

#[test]
fn what_is_not_json_is_refused_as_such() {
    for text in
        ["", "{", r#"{"lines":[}"#, r#"{"lines":[]} x"#, "{\"lines\":[]}\0", "nul", "{lines:[]}"]
    {
        let message = refusal::<Order>(text);
        assert!(message.contains("not valid JSON: "), "{text}: {message}");
    }
    let deep = "[".repeat(100_000);
    assert!(refusal::<Vec<Vec<String>>>(&deep).contains("expected text"));
    assert!(decode::<String>(b"\"\xff\"").is_err());
}

#[test]
fn numbers_are_integers_or_refused() {
    let found =
        "expected an integer, found a number with a fraction, an exponent or more than 64 bits";
    for text in ["1.0", "1e2", "9223372036854775808", "-9223372036854775809", "1e999", "0.1"] {
        let message = refusal::<i64>(text);
        assert!(message == found || message.contains("number out of range"), "{text}: {message}");
    }
    assert_eq!(decode::<i64>(b"9223372036854775807"), Ok(i64::MAX));
    assert_eq!(refusal::<Decimal>("1.5"), found.replace("an integer", "a decimal as text"));
    assert_eq!(refusal::<bool>("1"), "expected true or false, found an integer");
}

#[test]
fn decimals_are_exact_or_refused() {
    for text in ["", "-", ".5", "5.", "+1", "1e5", "1_000", " 1", "1,5", "--1", "1.2.3", "٣", "NaN"]
    {
        assert!(decimal::parse(text).is_err(), "{text}");
    }
    assert!(decimal::parse("79228162514264337593543950336").is_err());
    assert!(decimal::parse("0.00000000000000000000000000001").is_err());
    assert!(decimal::parse(&"9".repeat(10_000)).is_err());
    assert_eq!(decimal::parse("79228162514264337593543950335"), Ok(Decimal::MAX));
    assert_eq!(decimal::parse("-0.00").map(|zero| zero.to_string()), Ok("0".into()));
    assert_eq!(decimal::parse(&format!("1.{}", "0".repeat(100))), Ok(Decimal::ONE));
}

#[test]
fn times_are_rfc_3339_or_refused() {
    let refused = [
        "2026-11-21",
        "2026-11-21T09:30:00",
        "2026-11-21 09:30:00Z",
        "2026-11-21T09:30Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-11-31T00:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T23:60:00Z",
        "2026-12-31T23:59:60Z",
        "2026-11-21T09:30:00.Z",
        "2026-11-21T09:30:00.1234567Z",
        "2026-11-21T09:30:00+0100",
        "2026-11-21T09:30:00+24:00",
        "2026-11-21T09:30:00Z ",
        "-026-11-21T09:30:00Z",
        "9999-12-31T23:59:59-00:01",
        "0000-01-01T00:00:00+00:01",
        "2026-11-21T09:30:00[UTC]",
        "2026-1１-21T09:30:00Z",
        "",
    ];
    for text in refused {
        assert!(text.parse::<Timestamp>().is_err(), "{text}");
    }
    let noon = "2026-11-21T12:00:00Z".parse::<Timestamp>().unwrap();
    for text in
        ["2026-11-21T13:30:00+01:30", "2026-11-21t12:00:00.0000000z", "2026-11-20T14:00:00-22:00"]
    {
        assert_eq!(text.parse(), Ok(noon), "{text}");
    }
    assert!("2024-02-29T00:00:00Z".parse::<Timestamp>().is_ok());
}

#[test]
fn the_other_texts_have_one_form_each() {
    for text in [
        "2026-11-21T00:00:00",
        "2026-2-1",
        "2026-02-30",
        "20261121",
        "+002026-11-21",
        "-2026-11-21",
        "-000000-01-01",
        "-010000-01-01",
    ] {
        assert!(decode::<Date>(format!("\"{text}\"").as_bytes()).is_err(), "{text}");
    }
    for text in ["1h", "P1Y", "PT", "", "PT0.0000001S", "PT9223372036855S"] {
        assert!(text.parse::<Duration>().is_err(), "{text}");
    }
    for text in ["{00000000-0000-0000-0000-000000000000}", "00000000000000000000000000000000"] {
        assert!(decode::<Uuid>(format!("\"{text}\"").as_bytes()).is_err(), "{text}");
    }
    for text in
        ["A", "AA", "AA=", "A===", "AB==", "AAB=", "AA=A", "AA\n=", "AA__", "====", "AAAA===="]
    {
        assert!(text.parse::<Bytes>().is_err(), "{text}");
    }
    assert_eq!(refusal::<Kind>("\"Medium\""), "unknown name `Medium`; the names are Small, Large");
    assert_eq!(refusal::<Kind>("{}"), "expected a name as text, found an object");
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in any::<Vec<u8>>()) {
        let _ = decode::<Everything>(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        let _ = (decimal::parse(&text), text.parse::<Timestamp>(), text.parse::<Duration>());
        let _ = text.parse::<Bytes>();
    }

    /// Text that is nearly right reaches further than random bytes.
    #[test]
    fn near_misses_never_panic(
        text in r#"\{("(text|lines|time|grid|decimal)":("-?[0-9.:TZ+-]{0,30}"|\[\{?"sku":\]|-?[0-9.eE]{1,25}|null|\[\]),?){0,4}\}?"#,
        time in "[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:]{8}(\\.[0-9]{0,9})?(Z|[+-][0-9:]{5})?",
        amount in "-?[0-9]{0,40}(\\.[0-9]{0,40})?",
        span in "-?P[0-9.DTHMS]{0,30}",
    ) {
        let _ = decode::<Everything>(text.as_bytes());
        let _ = (time.parse::<Timestamp>(), decimal::parse(&amount), span.parse::<Duration>());
    }
}
