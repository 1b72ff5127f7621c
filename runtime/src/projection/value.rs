//! Columns and their values: what a row is to a read database.

use crate::codec::{self, DecodeError, Label};
use crate::values::{Bytes, Date, Decimal, Duration, Timestamp, Uuid};

/// The type of a column, as read databases store it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8 text; enums by name.
    Text,
    /// Signed 64-bit integer.
    Integer,
    /// Exact decimal.
    Decimal,
    /// True or false.
    Boolean,
    /// UTC time in microseconds.
    Timestamp,
    /// Calendar date.
    Date,
    /// Span of time in microseconds.
    Duration,
    /// 128-bit id.
    Uuid,
    /// Bytes.
    Bytes,
    /// Lists and records, as JSON text.
    Json,
}

/// A column of a read model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// The ontology's name; read databases use it as it is, quoted.
    pub name: &'static str,
    /// The type.
    pub column_type: ColumnType,
    /// Whether it may be absent.
    pub optional: bool,
}

/// A value of a column.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Value {
    /// Absent.
    Null,
    /// [`ColumnType::Text`]
    Text(String),
    /// [`ColumnType::Integer`]
    Integer(i64),
    /// [`ColumnType::Decimal`]
    Decimal(Decimal),
    /// [`ColumnType::Boolean`]
    Boolean(bool),
    /// [`ColumnType::Timestamp`]
    Timestamp(Timestamp),
    /// [`ColumnType::Date`]
    Date(Date),
    /// [`ColumnType::Duration`]
    Duration(Duration),
    /// [`ColumnType::Uuid`]
    Uuid(Uuid),
    /// [`ColumnType::Bytes`]
    Bytes(Bytes),
    /// [`ColumnType::Json`]
    Json(String),
}

/// A Rust type that a column can hold.
pub trait ColumnValue: Sized {
    /// The value as a column holds it.
    fn to_value(&self) -> Value;

    /// The value back from its column; none where the column holds another type.
    fn from_value(value: Value) -> Option<Self>;
}

macro_rules! column_values {
    ($($rust:ty => $variant:ident),* $(,)?) => {$(
        impl ColumnValue for $rust {
            fn to_value(&self) -> Value {
                Value::$variant(self.clone())
            }

            fn from_value(value: Value) -> Option<Self> {
                match value {
                    Value::$variant(value) => Some(value),
                    _ => None,
                }
            }
        }
    )*};
}

column_values! {
    String => Text,
    i64 => Integer,
    Decimal => Decimal,
    bool => Boolean,
    Timestamp => Timestamp,
    Date => Date,
    Duration => Duration,
    Uuid => Uuid,
    Bytes => Bytes,
}

impl<T: ColumnValue> ColumnValue for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, ColumnValue::to_value)
    }

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl<T: ColumnValue> From<&T> for Value {
    fn from(value: &T) -> Self {
        value.to_value()
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Value {
    /// An enum as a column holds it: by name.
    pub fn from_label<L: Label>(label: L) -> Self {
        Self::Text(label.name().to_owned())
    }

    /// A list or record as a column holds it: as JSON.
    pub fn json<T: codec::Value>(value: &T) -> Self {
        let mut data = Vec::new();
        codec::encode(value, &mut data);
        Self::Json(String::from_utf8_lossy(&data).into_owned())
    }
}

/// Takes the values of a row apart, column by column.
pub struct Values {
    values: std::vec::IntoIter<Value>,
    columns: std::slice::Iter<'static, Column>,
}

impl Values {
    /// The values of one row, in the order of the columns.
    pub fn new(values: Vec<Value>, columns: &'static [Column]) -> Self {
        Self { values: values.into_iter(), columns: columns.iter() }
    }

    /// The next column's value.
    ///
    /// # Errors
    /// [`DecodeError`] where the column is missing or of another type.
    pub fn take<T: ColumnValue>(&mut self) -> Result<T, DecodeError> {
        self.take_with(T::from_value)
    }

    /// The next column's value, an enum.
    ///
    /// # Errors
    /// [`DecodeError`] where the column is missing or names no variant.
    pub fn take_label<L: Label>(&mut self) -> Result<L, DecodeError> {
        self.take_with(|value| L::from_name(&String::from_value(value)?))
    }

    /// The next column's value, an enum that may be absent.
    ///
    /// # Errors
    /// [`DecodeError`] where the column is missing or names no variant.
    pub fn take_optional_label<L: Label>(&mut self) -> Result<Option<L>, DecodeError> {
        self.take_with(|value| match value {
            Value::Null => Some(None),
            value => L::from_name(&String::from_value(value)?).map(Some),
        })
    }

    /// The next column's value, a list or record.
    ///
    /// # Errors
    /// [`DecodeError`] where the column is missing or holds something else.
    pub fn take_json<T: codec::Value>(&mut self) -> Result<T, DecodeError> {
        codec::decode(self.take_json_text()?.as_bytes())
    }

    /// The next column's value, JSON as it stands.
    ///
    /// # Errors
    /// [`DecodeError`] where the column is missing or holds something else.
    pub fn take_json_text(&mut self) -> Result<String, DecodeError> {
        self.take_with(json_text)
    }

    /// The next column's value, a list or record that may be absent.
    ///
    /// # Errors
    /// [`DecodeError`] where the column is missing or holds something else.
    pub fn take_optional_json<T: codec::Value>(&mut self) -> Result<Option<T>, DecodeError> {
        let text = self.take_with(|value| match value {
            Value::Null => Some(None),
            value => json_text(value).map(Some),
        })?;
        text.map(|text| codec::decode(text.as_bytes())).transpose()
    }

    fn take_with<T>(&mut self, read: impl FnOnce(Value) -> Option<T>) -> Result<T, DecodeError> {
        let column = self.columns.next().map_or("(none)", |column| column.name);
        let value = self.values.next();

        value.and_then(read).ok_or_else(|| {
            DecodeError::Invalid(format!("column `{column}` does not hold a value of its type"))
        })
    }
}

fn json_text(value: Value) -> Option<String> {
    match value {
        Value::Json(text) => Some(text),
        _ => None,
    }
}
