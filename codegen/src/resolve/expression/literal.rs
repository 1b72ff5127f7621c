//! Numbers, spans of time and texts as they are written in an expression.
//!
//! Exact or refused: nothing here rounds, wraps or goes through a float.

use rust_decimal::Decimal;

use super::tree::NodeKind;

/// Units of a duration with their length in microseconds, the longest name first.
const UNITS: &[(&str, i64)] = &[
    ("us", 1),
    ("ms", 1_000),
    ("s", 1_000_000),
    ("m", 60_000_000),
    ("h", 3_600_000_000),
    ("d", 86_400_000_000),
    ("w", 604_800_000_000),
];

/// The units as they are listed to people.
pub(crate) const UNIT_LIST: &str = "us, ms, s, m, h, d and w";

/// Why a number is none: what is wrong, and what to do.
pub(super) type Fault = (String, String);

/// A number without a point: an integer, or with a unit a duration.
pub(super) fn integer(digits: &str, suffix: &str, written: &str) -> Result<NodeKind, Fault> {
    if written.starts_with("0x") || written.starts_with("0o") || written.starts_with("0b") {
        return Err((
            format!("`{written}` is not in decimal digits"),
            "write the number in decimal digits".into(),
        ));
    }
    let Ok(number) = digits.parse::<u128>() else { return Err(too_large(written)) };
    if suffix.is_empty() {
        return Ok(NodeKind::Integer(number));
    }
    let Some((_, micros)) = UNITS.iter().find(|(unit, _)| *unit == suffix) else {
        return Err((
            format!("`{suffix}` is no unit of time"),
            format!("the units are {UNIT_LIST}; a number has none"),
        ));
    };
    let span = i64::try_from(number).ok().and_then(|number| number.checked_mul(*micros));
    span.map(NodeKind::Duration).ok_or_else(|| too_large(written))
}

/// A number with a point.
pub(super) fn decimal(digits: &str, suffix: &str, written: &str) -> Result<NodeKind, Fault> {
    if !suffix.is_empty() {
        return Err((
            format!("`{written}` has a unit and a point"),
            "write a duration in whole units, as `90m` for an hour and a half".into(),
        ));
    }
    if written.contains(['e', 'E']) {
        return Err((
            format!("`{written}` has an exponent"),
            "write all the digits: a decimal says exactly what it is".into(),
        ));
    }
    if digits.ends_with('.') {
        return Err((
            format!("`{written}` ends in a point"),
            "write the digits after the point, or leave the point out".into(),
        ));
    }
    canonical_decimal(digits).map(NodeKind::Decimal).ok_or_else(|| too_large(written))
}

/// The canonical text of a decimal, or none where it is no decimal or has too many digits.
pub(crate) fn canonical_decimal(digits: &str) -> Option<String> {
    let plain = digits.strip_prefix('-').unwrap_or(digits);
    let mut parts = plain.splitn(2, '.');
    let sound = parts.next().is_some_and(all_digits) && parts.next().is_none_or(all_digits);
    // Zeros at the end take digits in parsing, but none in the value.
    let significant = match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.'),
        false => digits,
    };
    let number = sound.then(|| Decimal::from_str_exact(significant).ok())??;
    Some(number.normalize().to_string())
}

/// A span of time as in `500ms`, in microseconds.
pub(crate) fn duration_micros(text: &str) -> Option<i64> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at(unit_at);
    let (_, micros) = UNITS.iter().find(|(name, _)| *name == unit)?;
    digits.parse::<i64>().ok()?.checked_mul(*micros)
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn too_large(written: &str) -> Fault {
    (
        format!("`{written}` is too large"),
        "an integer has 64 bits, a decimal 28 digits, a duration 292,000 years".into(),
    )
}
