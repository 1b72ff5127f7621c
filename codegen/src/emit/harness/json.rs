//! How a constant stands in JSON: a second opinion on the runtime's writer, none of whose code is here.

use crate::calendar::rfc3339;
use crate::model::{Expression, ExpressionKind};

/// An object of these fields, without white space, in this order. None where a value is no constant.
pub(super) fn object<'v>(
    fields: impl IntoIterator<Item = (&'v str, &'v Expression)>,
) -> Option<String> {
    let fields: Option<Vec<String>> = fields
        .into_iter()
        .map(|(name, value)| Some(format!("{}:{}", text(name), json(value)?)))
        .collect();
    Some(format!("{{{}}}", fields?.join(",")))
}

/// A constant as JSON.
pub(super) fn json(value: &Expression) -> Option<String> {
    Some(match &value.kind {
        ExpressionKind::String(value) => text(value),
        ExpressionKind::Integer(value) => value.to_string(),
        ExpressionKind::Widen(inner) => match inner.kind {
            ExpressionKind::Integer(value) => text(&value.to_string()),
            _ => return None,
        },
        ExpressionKind::Decimal(value) => text(value),
        ExpressionKind::Boolean(value) => value.to_string(),
        ExpressionKind::Duration(micros) => text(&duration(*micros)),
        ExpressionKind::Timestamp(micros) => text(&rfc3339(*micros)),
        ExpressionKind::Date(value) | ExpressionKind::Uuid(value) => text(value),
        ExpressionKind::Bytes(bytes) => text(&base64(bytes)),
        ExpressionKind::None => "null".to_owned(),
        ExpressionKind::Some(inner) | ExpressionKind::Wrap(inner) => json(inner)?,
        ExpressionKind::Variant(name) => text(name),
        ExpressionKind::Record(fields, None) => {
            object(fields.iter().map(|(name, value)| (name.as_str(), value)))?
        }
        ExpressionKind::List(items) => {
            let items: Option<Vec<String>> = items.iter().map(json).collect();
            format!("[{}]", items?.join(","))
        }
        ExpressionKind::Set(members) => {
            let members: Option<Vec<String>> = members.iter().map(json).collect();
            format!("[{}]", members?.join(","))
        }
        ExpressionKind::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                let key = json(key)?;
                let key = if key.starts_with('"') { key } else { text(&key) };
                Some(format!("{key}:{}", json(value)?))
            });
            format!("{{{}}}", entries.collect::<Option<Vec<_>>>()?.join(","))
        }
        _ => return None,
    })
}

fn text(value: &str) -> String {
    let mut json = String::from("\"");
    for c in value.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            c if c < ' ' => json.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

fn fraction_text(micros: u64) -> String {
    match micros {
        0 => String::new(),
        micros => format!(".{}", format!("{micros:06}").trim_end_matches('0')),
    }
}

/// ISO 8601 in hours, minutes and seconds.
fn duration(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let (seconds, fraction) =
        (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let fraction = fraction_text(fraction);
    let mut parts = String::new();
    if hours > 0 {
        parts.push_str(&format!("{hours}H"));
    }
    if minutes > 0 {
        parts.push_str(&format!("{minutes}M"));
    }
    if seconds > 0 || !fraction.is_empty() || parts.is_empty() {
        parts.push_str(&format!("{seconds}{fraction}S"));
    }
    format!("{sign}PT{parts}")
}

/// Base64 of RFC 4648 with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let [a, b, c] = group;
        let digits = [a >> 2, (a & 3) << 4 | b >> 4, (b & 15) << 2 | c >> 6, c & 63];
        for (index, digit) in digits.into_iter().enumerate() {
            let kept = index <= chunk.len();
            text.push(if kept { char::from(ALPHABET[usize::from(digit)]) } else { '=' });
        }
    }
    text
}
