//! How each type of the language stands in JSON.

use super::error::DecodeError;
use super::label::Label;
use super::reader::{Fields, Token};
use super::writer::Writer;
use crate::values::{Bytes, Date, Decimal, Duration, RangeError, Timestamp, Uuid, decimal};

/// A type with fields: an event, a state, a command, a record of the ontology.
pub trait Record: Sized {
    /// Writes the fields, by [`Writer::field`].
    fn write(&self, out: &mut Writer);

    /// Reads the fields, by [`Fields::read`].
    ///
    /// # Errors
    /// [`DecodeError`] where the object is not such a record.
    fn read(fields: &mut Fields<'_>) -> Result<Self, DecodeError>;

    /// Writes the whole. Provided: an object.
    #[doc(hidden)]
    fn write_whole(&self, out: &mut Writer) {
        out.object(|out| self.write(out));
    }

    /// Reads the whole. Provided: an object.
    #[doc(hidden)]
    fn read_whole(token: Token<'_>) -> Result<Self, DecodeError> {
        match token {
            Token::Object(mut fields) => Self::read(&mut fields),
            other => Err(other.mismatch("an object")),
        }
    }
}

/// Anything that can stand in a field.
pub trait Value: Sized {
    /// Writes it as JSON.
    fn write_value(&self, out: &mut Writer);

    /// Reads it.
    ///
    /// # Errors
    /// [`DecodeError`] where the token is not such a value.
    fn read_value(token: Token<'_>) -> Result<Self, DecodeError>;

    /// Its canonical text as a key: text as it is, everything else as in JSON, without quotes.
    fn key_text(&self) -> String {
        let mut out = Writer::default();
        self.write_value(&mut out);
        let json = String::from_utf8_lossy(&out.into_bytes()).into_owned();
        match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(text) => text.to_owned(),
            None => json,
        }
    }
}

/// What has a canonical text as a key: every [`Value`], and borrowed text.
pub trait KeyText {
    /// The text.
    fn key_text(&self) -> String;
}

impl<T: Value> KeyText for T {
    fn key_text(&self) -> String {
        Value::key_text(self)
    }
}

impl KeyText for str {
    fn key_text(&self) -> String {
        self.to_owned()
    }
}

impl<T: Record> Value for T {
    fn write_value(&self, out: &mut Writer) {
        self.write_whole(out);
    }

    fn read_value(token: Token<'_>) -> Result<Self, DecodeError> {
        T::read_whole(token)
    }
}

/// Coherence allows one blanket implementation of [`Value`], so labels reach it as records that
/// stand in JSON as their name.
impl<T: Label> Record for T {
    /// A label has no fields.
    fn write(&self, _: &mut Writer) {}

    fn read(_: &mut Fields<'_>) -> Result<Self, DecodeError> {
        Err(DecodeError::invalid("expected a name as text, found an object"))
    }

    fn write_whole(&self, out: &mut Writer) {
        out.text(self.name());
    }

    fn read_whole(token: Token<'_>) -> Result<Self, DecodeError> {
        match token {
            Token::Text(name) => T::from_name(name).ok_or_else(|| unknown_name(name, T::NAMES)),
            other => Err(other.mismatch("a name as text")),
        }
    }
}

#[cold]
fn unknown_name(name: &str, names: &[&str]) -> DecodeError {
    DecodeError::Invalid(format!("unknown name `{name}`; the names are {}", names.join(", ")))
}

impl Value for String {
    fn write_value(&self, out: &mut Writer) {
        out.text(self);
    }

    fn read_value(token: Token<'_>) -> Result<Self, DecodeError> {
        match token {
            Token::Text(text) => Ok(text.to_owned()),
            other => Err(other.mismatch("text")),
        }
    }

    fn key_text(&self) -> String {
        self.clone()
    }
}

impl Value for bool {
    fn write_value(&self, out: &mut Writer) {
        out.raw(if *self { b"true" } else { b"false" });
    }

    fn read_value(token: Token<'_>) -> Result<Self, DecodeError> {
        match token {
            Token::Bool(value) => Ok(value),
            other => Err(other.mismatch("true or false")),
        }
    }
}

impl Value for i64 {
    fn write_value(&self, out: &mut Writer) {
        out.raw(self.to_string().as_bytes());
    }

    fn read_value(token: Token<'_>) -> Result<Self, DecodeError> {
        match token {
            Token::Integer(value) => Ok(value),
            other => Err(other.mismatch("an integer")),
        }
    }
}

/// Reads a value that stands in JSON as text.
fn from_text<T>(
    token: &Token<'_>,
    expected: &str,
    parse: impl FnOnce(&str) -> Result<T, RangeError>,
) -> Result<T, DecodeError> {
    match token {
        Token::Text(text) => parse(text)
            .map_err(|error| DecodeError::Invalid(format!("`{text}` is not {expected}: {error}"))),
        other => Err(other.mismatch(expected)),
    }
}

impl Value for Decimal {
    fn write_value(&self, out: &mut Writer) {
        out.plain_text(decimal::Text::new(self).as_bytes());
    }

    fn read_value(token: Token<'_>) -> Result<Self, DecodeError> {
        from_text(&token, "a decimal as text", decimal::parse)
    }
}

impl Value for Timestamp {
    fn write_value(&self, out: &mut Writer) {
        out.plain_text(self.rfc3339().as_bytes());
    }

    fn read_value(token: Token<'_>) -> Result<Self, DecodeError> {
        from_text(&token, "a time in RFC 3339", str::parse)
    }
}

impl Value for Duration {
    fn write_value(&self, out: &mut Writer) {
        out.plain_text(self.to_string().as_bytes());
    }

    fn read_value(token: Token<'_>) -> Result<Self, DecodeError> {
        from_text(&token, "a duration in ISO 8601", str::parse)
    }
}

impl Value for Date {
    fn write_value(&self, out: &mut Writer) {
        out.plain_text(self.to_string().as_bytes());
    }

    fn read_value(token: Token<'_>) -> Result<Self, DecodeError> {
        from_text(&token, "a date as year-month-day", crate::values::parse_date)
    }
}

impl Value for Uuid {
    fn write_value(&self, out: &mut Writer) {
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        out.plain_text(self.hyphenated().encode_lower(&mut text).as_bytes());
    }

    fn read_value(token: Token<'_>) -> Result<Self, DecodeError> {
        from_text(&token, "a UUID", crate::values::parse_uuid)
    }
}

impl Value for Bytes {
    fn write_value(&self, out: &mut Writer) {
        out.plain_text(self.to_string().as_bytes());
    }

    fn read_value(token: Token<'_>) -> Result<Self, DecodeError> {
        from_text(&token, "bytes in base64", str::parse)
    }
}

impl<T: Value> Value for Option<T> {
    fn write_value(&self, out: &mut Writer) {
        match self {
            Some(value) => value.write_value(out),
            None => out.raw(b"null"),
        }
    }

    fn read_value(token: Token<'_>) -> Result<Self, DecodeError> {
        match token {
            Token::Null => Ok(None),
            token => T::read_value(token).map(Some),
        }
    }
}

impl<T: Value> Value for Vec<T> {
    fn write_value(&self, out: &mut Writer) {
        out.list(self);
    }

    fn read_value(token: Token<'_>) -> Result<Self, DecodeError> {
        let Token::List(mut items) = token else {
            return Err(token.mismatch("a list"));
        };
        let mut values = Self::new();
        let mut slot = None;
        while items.next(&mut slot)? {
            values.extend(slot.take());
        }
        Ok(values)
    }
}
