//! The scalar types of the language.

mod time;

pub use rust_decimal::Decimal;
pub use time::{Duration, Timestamp};
pub use uuid::Uuid;

/// A calendar date.
pub type Date = jiff::civil::Date;

/// A run of bytes; base64 in JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bytes(pub Vec<u8>);
