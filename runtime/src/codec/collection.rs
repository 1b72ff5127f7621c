//! Sets and maps: in JSON, arrays and objects in the order of their members and keys.
//!
//! What is written depends on what is in them alone. What is read may stand in any order, but a member
//! or key that comes twice is refused: keeping one of two amounts would be a guess.

use std::collections::{BTreeMap, BTreeSet};

use super::error::DecodeError;
use super::label::Label;
use super::reader::Token;
use super::value::Value;
use super::writer::Writer;
use crate::values::{Date, Uuid};

/// What can be a member of a set or the key of a map.
pub trait Key: Value + Ord {
    /// Reads what [`Value::key_text`] gives. Provided for what stands in JSON as text.
    ///
    /// # Errors
    /// [`DecodeError`] where the text is no such key.
    fn read_key(text: &str) -> Result<Self, DecodeError> {
        Self::read_value(Token::Text(text))
    }
}

impl Key for String {}

impl Key for Date {}

impl Key for Uuid {}

impl<T: Label + Ord> Key for T {}

impl Key for i64 {
    /// In its one form: `7`, and neither `+7` nor `07`.
    fn read_key(text: &str) -> Result<Self, DecodeError> {
        let number = text.parse().ok().filter(|number: &Self| number.to_string() == text);
        number.ok_or_else(|| DecodeError::Invalid(format!("`{text}` is not an integer as text")))
    }
}

impl<T: Key> Value for BTreeSet<T> {
    fn write_value(&self, out: &mut Writer) {
        out.list(self);
    }

    fn read_value(token: Token<'_>) -> Result<Self, DecodeError> {
        let Token::List(mut items) = token else {
            return Err(token.mismatch("a list"));
        };
        let mut set = Self::new();
        let mut slot = None;
        for index in 0.. {
            if !items.next(&mut slot)? {
                break;
            }
            if slot.take().is_some_and(|member| !set.insert(member)) {
                return Err(doubled("the member comes twice").in_item(index));
            }
        }
        Ok(set)
    }
}

impl<K: Key, V: Value> Value for BTreeMap<K, V> {
    fn write_value(&self, out: &mut Writer) {
        out.object(|out| {
            for (key, value) in self {
                out.name(&key.key_text());
                value.write_value(out);
            }
        });
    }

    fn read_value(token: Token<'_>) -> Result<Self, DecodeError> {
        let Token::Object(mut fields) = token else {
            return Err(token.mismatch("an object"));
        };
        let mut map = Self::new();
        let (mut text, mut slot) = (String::new(), None);
        while fields.next_entry(&mut text, &mut slot)? {
            let key = K::read_key(&text).map_err(|error| error.in_entry(&text))?;
            if slot.take().is_some_and(|value| map.insert(key, value).is_some()) {
                return Err(doubled("the key comes twice").in_entry(&text));
            }
        }
        Ok(map)
    }
}

#[cold]
fn doubled(reason: &str) -> DecodeError {
    DecodeError::Invalid(reason.to_owned())
}
