//! Reading: serde_json drives, generated code supplies the slots.
//!
//! The seeds are not generic over the types they fill: every slot is reached through [`Slot`], so
//! that a hundred event types cost one instance of the machinery. Errors leave serde's hands at once
//! and gather their path on the way out.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::error::DecodeError;
use super::value::Value;

/// One JSON value on its way into a [`Value`].
pub enum Token<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number that is an integer of 64 bits.
    Integer(i64),
    /// Any other number.
    Number,
    /// Text.
    Text(&'a str),
    /// A list, to be read item by item.
    List(Items<'a>),
    /// An object, to be read as fields.
    Object(Fields<'a>),
}

impl Token<'_> {
    /// The error of a token that stands where something else was `expected`, for example
    /// `a decimal as text`.
    pub fn mismatch(&self, expected: &str) -> DecodeError {
        let found = match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Number => "a number with a fraction, an exponent or more than 64 bits",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        };
        DecodeError::Invalid(format!("expected {expected}, found {found}"))
    }
}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Bool(value) => f.debug_tuple("Bool").field(value).finish(),
            Self::Integer(value) => f.debug_tuple("Integer").field(value).finish(),
            Self::Number => f.write_str("Number"),
            Self::Text(value) => f.debug_tuple("Text").field(value).finish(),
            Self::List(_) => f.write_str("List"),
            Self::Object(_) => f.write_str("Object"),
        }
    }
}

/// A place that a value is read into: an `Option` of a [`Value`], none until it is read.
pub trait Slot {
    /// Reads a value.
    ///
    /// # Errors
    /// [`DecodeError`] where the token is not such a value, or the slot has one.
    fn fill(&mut self, token: Token<'_>) -> Result<(), DecodeError>;
}

impl<T: Value> Slot for Option<T> {
    fn fill(&mut self, token: Token<'_>) -> Result<(), DecodeError> {
        if self.is_some() {
            return Err(doubled());
        }
        *self = Some(T::read_value(token)?);
        Ok(())
    }
}

/// The value of a field that must be there.
///
/// # Errors
/// [`DecodeError`] where the field was missing.
pub fn required<T>(slot: Option<T>, name: &str) -> Result<T, DecodeError> {
    slot.ok_or_else(|| missing(name))
}

/// The value of an optional field: none where it was missing or `null`.
pub fn optional<T>(slot: Option<Option<T>>) -> Option<T> {
    slot.flatten()
}

/// The value of a field with a default for data that does not have the field.
pub fn or_default<T>(slot: Option<T>, default: impl FnOnce() -> T) -> T {
    slot.unwrap_or_else(default)
}

#[cold]
fn doubled() -> DecodeError {
    DecodeError::Invalid("the field comes twice".to_owned())
}

#[cold]
fn missing(name: &str) -> DecodeError {
    DecodeError::Invalid(format!("the field `{name}` is missing"))
}

/// The fields of an object that is being read.
pub struct Fields<'a>(&'a mut dyn FieldSource);

impl Fields<'_> {
    /// Reads all fields into the slots of their names. To be called once.
    ///
    /// # Errors
    /// [`DecodeError`] for a field that has no slot, one that comes twice, or one whose value is not
    /// what its slot takes. Missing fields leave their slots empty: see [`required`].
    pub fn read(&mut self, slots: &mut [(&str, &mut dyn Slot)]) -> Result<(), DecodeError> {
        self.0.read(slots)
    }

    /// Reads the next field of an object whose names are keys: its name, and its value into an empty
    /// slot; false at the end of the object.
    ///
    /// # Errors
    /// [`DecodeError`] where the value is not what the slot takes.
    pub fn next_entry(
        &mut self,
        name: &mut String,
        slot: &mut dyn Slot,
    ) -> Result<bool, DecodeError> {
        self.0.next_entry(name, slot)
    }
}

/// The items of a list that is being read.
pub struct Items<'a>(&'a mut dyn ItemSource);

impl Items<'_> {
    /// Reads the next item into an empty slot; false at the end of the list.
    ///
    /// # Errors
    /// [`DecodeError`] where the item is not what the slot takes.
    pub fn next(&mut self, slot: &mut dyn Slot) -> Result<bool, DecodeError> {
        self.0.next(slot)
    }
}

/// Reads a whole document into a slot.
pub(super) fn read_document(data: &[u8], slot: &mut dyn Slot) -> Result<(), DecodeError> {
    // Checked once for the whole document, it need not be checked for every text in it.
    let text = str::from_utf8(data)
        .map_err(|error| DecodeError::Invalid(format!("not valid JSON: {error}")))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let mut failure = None;
    Fill { slot, failure: &mut failure }
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|error| reason(failure, &error))
}

/// What went wrong: a slot's own reason, else the parser's.
#[cold]
fn reason(failure: Option<DecodeError>, error: &dyn fmt::Display) -> DecodeError {
    failure.unwrap_or_else(|| DecodeError::Invalid(format!("not valid JSON: {error}")))
}

trait FieldSource {
    fn read(&mut self, slots: &mut [(&str, &mut dyn Slot)]) -> Result<(), DecodeError>;

    fn next_entry(&mut self, name: &mut String, slot: &mut dyn Slot) -> Result<bool, DecodeError>;
}

trait ItemSource {
    fn next(&mut self, slot: &mut dyn Slot) -> Result<bool, DecodeError>;
}

struct ObjectReader<A>(A);

impl<'de, A: MapAccess<'de>> ObjectReader<A> {
    fn next_key(
        &mut self,
        slots: &[(&str, &mut dyn Slot)],
        likely: usize,
    ) -> Result<Option<usize>, DecodeError> {
        match self.0.next_key_seed(FindSlot { slots, likely }) {
            Ok(Some(Found::Slot(index))) => Ok(Some(index)),
            Ok(Some(Found::Unknown(name))) => Err(unknown(&name, slots)),
            Ok(None) => Ok(None),
            Err(error) => Err(reason(None, &error)),
        }
    }
}

impl<'de, A: MapAccess<'de>> FieldSource for ObjectReader<A> {
    fn read(&mut self, slots: &mut [(&str, &mut dyn Slot)]) -> Result<(), DecodeError> {
        let mut likely = 0;
        while let Some(index) = self.next_key(slots, likely)? {
            let (name, slot) = &mut slots[index];
            let mut failure = None;
            self.0
                .next_value_seed(Fill { slot: &mut **slot, failure: &mut failure })
                .map_err(|error| reason(failure, &error).in_field(name))?;
            likely = index + 1;
        }
        Ok(())
    }

    fn next_entry(&mut self, name: &mut String, slot: &mut dyn Slot) -> Result<bool, DecodeError> {
        match self.0.next_key_seed(ReadName(name)) {
            Ok(Some(())) => {}
            Ok(None) => return Ok(false),
            Err(error) => return Err(reason(None, &error)),
        }
        let mut failure = None;
        self.0
            .next_value_seed(Fill { slot, failure: &mut failure })
            .map_err(|error| reason(failure, &error).in_entry(name))?;
        Ok(true)
    }
}

#[cold]
fn unknown(name: &str, slots: &[(&str, &mut dyn Slot)]) -> DecodeError {
    let names: Vec<&str> = slots.iter().map(|(name, _)| *name).collect();
    DecodeError::Invalid(match names.as_slice() {
        [] => format!("unknown field `{name}`; there are no fields"),
        names => format!("unknown field `{name}`; the fields are {}", names.join(", ")),
    })
}

struct ListReader<A> {
    items: A,
    index: usize,
}

impl<'de, A: SeqAccess<'de>> ItemSource for ListReader<A> {
    fn next(&mut self, slot: &mut dyn Slot) -> Result<bool, DecodeError> {
        let mut failure = None;
        let read = self
            .items
            .next_element_seed(Fill { slot, failure: &mut failure })
            .map_err(|error| reason(failure, &error).in_item(self.index))?;
        self.index += 1;
        Ok(read.is_some())
    }
}

/// Finds the slot of a key, trying the one after the last key's first.
struct FindSlot<'a, 's, 'n> {
    slots: &'a [(&'n str, &'s mut dyn Slot)],
    likely: usize,
}

enum Found {
    Slot(usize),
    Unknown(String),
}

impl<'de> DeserializeSeed<'de> for FindSlot<'_, '_, '_> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for FindSlot<'_, '_, '_> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E>(self, key: &str) -> Result<Found, E> {
        if self.slots.get(self.likely).is_some_and(|(name, _)| *name == key) {
            return Ok(Found::Slot(self.likely));
        }
        let place = self.slots.iter().position(|(name, _)| *name == key);
        Ok(place.map_or_else(|| Found::Unknown(key.to_owned()), Found::Slot))
    }
}

/// Keeps the name of a field, whatever it is.
struct ReadName<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for ReadName<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for ReadName<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, name: &str) -> Result<(), E> {
        name.clone_into(self.0);
        Ok(())
    }
}

/// Reads one value into a slot. The slot's error is kept aside: serde would make text of it.
struct Fill<'a> {
    slot: &'a mut dyn Slot,
    failure: &'a mut Option<DecodeError>,
}

impl Fill<'_> {
    fn fill<E: serde::de::Error>(self, token: Token<'_>) -> Result<(), E> {
        self.slot.fill(token).map_err(|error| {
            *self.failure = Some(error);
            E::custom("")
        })
    }
}

impl<'de> DeserializeSeed<'de> for Fill<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Fill<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.fill(Token::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.fill(Token::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.fill(Token::Integer(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.fill(i64::try_from(value).map_or(Token::Number, Token::Integer))
    }

    #[expect(clippy::disallowed_types, reason = "serde's signature; the value is refused unread")]
    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.fill(Token::Number)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.fill(Token::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
        self.fill(Token::List(Items(&mut ListReader { items, index: 0 })))
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<(), A::Error> {
        self.fill(Token::Object(Fields(&mut ObjectReader(fields))))
    }
}
