//! The scalar types of the language, each with one text form that is read strictly.

mod bytes;
pub mod decimal;
pub mod rule;
mod time;

pub use bytes::Bytes;
pub use rust_decimal::Decimal;
pub use time::{Duration, Timestamp};
pub use uuid::Uuid;

pub use jiff::civil::date;

/// A calendar date.
pub type Date = jiff::civil::Date;

/// A text or number is not a value of its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RangeError(pub(crate) String);

impl RangeError {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// Reads a date in its one form, `2026-11-21`; a year before 0 as `-000044-03-15`.
pub(crate) fn parse_date(text: &str) -> Result<Date, RangeError> {
    let bytes = text.as_bytes();
    let parts = match bytes {
        [b'-', b'0', b'0', rest @ ..] => time::parse_ymd(rest).filter(|[year, ..]| *year > 0),
        _ => time::parse_ymd(bytes),
    };
    let [year, month, day] =
        parts.ok_or_else(|| RangeError::new("expected the form 2026-11-21"))?;
    // Four digits and two digits fit their types.
    let (year, month, day) = (year as i16, month as i8, day as i8);
    Date::new(if bytes[0] == b'-' { -year } else { year }, month, day)
        .map_err(|_| RangeError::new("there is no such day"))
}

/// Reads a UUID in its one form, with hyphens.
pub(crate) fn parse_uuid(text: &str) -> Result<Uuid, RangeError> {
    let hyphenated = || RangeError::new("expected 32 hexadecimal digits, hyphenated 8-4-4-4-12");
    if text.len() != uuid::fmt::Hyphenated::LENGTH {
        return Err(hyphenated());
    }
    Uuid::try_parse(text).map_err(|_| hyphenated())
}
