//! JSON for generated types, without derives: generated code hands over names and slots.
//!
//! The JSON form of each type: decimals, timestamps (RFC 3339), dates, durations (ISO 8601), ids and
//! bytes (base64) are strings; integers are JSON integers; enums are their variant's name; an absent
//! optional is `null`; lists and sets are arrays, sets in their order; maps are objects whose keys are
//! the text of their values. A JSON number with a fraction or exponent is never accepted.
//!
//! Generated code implements [`Record`] and [`Label`]; [`Value`] says how everything else stands in
//! a field. Reading is driven by serde_json (`reader`), which parses; this module neither parses
//! JSON itself nor guesses: unknown, doubled and missing fields are errors that name their place.

pub mod check;
mod collection;
pub(crate) mod custom;
mod error;
mod label;
mod reader;
mod value;
mod writer;

use std::mem;

pub use collection::Key;
pub(crate) use custom::is_news;
pub use custom::{DeserializeOwned, Serialize, decode_custom, encode_custom};
pub use error::{DecodeError, FieldError};
pub use label::Label;
pub use reader::{Fields, Items, Slot, Token, optional, or_default, required};
pub use value::{KeyText, Record, Value};
pub use writer::Writer;

/// Appends a value as JSON.
pub fn encode<T: Value>(value: &T, out: &mut Vec<u8>) {
    let mut writer = Writer::from(mem::take(out));
    value.write_value(&mut writer);
    *out = writer.into_bytes();
}

/// Reads a value from JSON; nothing but white space may follow it.
///
/// # Errors
/// [`DecodeError::Invalid`] with the place and the reason, for example
/// ``lines[2].price: expected a decimal as text, found a number``.
pub fn decode<T: Value>(data: &[u8]) -> Result<T, DecodeError> {
    let mut slot = None;
    reader::read_document(data, &mut slot)?;
    slot.ok_or_else(|| DecodeError::invalid("the document holds no value"))
}

/// The canonical text of a value that serves as a key: text as it is, everything else as in JSON.
pub fn key_text<T: KeyText + ?Sized>(value: &T) -> String {
    value.key_text()
}
