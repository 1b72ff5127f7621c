//! Values of columns in SQLite: what people see who open a read table with an SQL tool.
//!
//! | type | stored as |
//! |---|---|
//! | text, enum | `TEXT` |
//! | integer | `INTEGER` |
//! | decimal | canonical `TEXT`, ordered as a number by the collation `decimal` |
//! | boolean | `INTEGER`, 0 or 1 |
//! | timestamp | `TEXT`, RFC 3339 in UTC with six digits of the fraction: sorts as the times do |
//! | date | `TEXT`, such as `2026-11-21` |
//! | duration | `INTEGER`, microseconds |
//! | uuid | `TEXT` |
//! | bytes | `BLOB` |
//! | lists and records | `TEXT`, JSON |

use std::str;

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::projection::{Column, ColumnType, ReadDatabaseError, Value};
use crate::store::sqlite::DECIMAL_COLLATION;
use crate::values::{Bytes, Duration, RangeError, Timestamp, decimal, parse_date, parse_uuid};

/// The declared type of a column.
pub(super) fn declared_type(column_type: ColumnType) -> String {
    match column_type {
        ColumnType::Integer | ColumnType::Boolean | ColumnType::Duration => "INTEGER".to_owned(),
        ColumnType::Bytes => "BLOB".to_owned(),
        ColumnType::Decimal => format!("TEXT COLLATE {DECIMAL_COLLATION}"),
        ColumnType::Text
        | ColumnType::Timestamp
        | ColumnType::Date
        | ColumnType::Uuid
        | ColumnType::Json => "TEXT".to_owned(),
    }
}

/// A value on its way into a statement.
pub(super) struct Cell<'a>(pub(super) &'a Value);

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Text(text) | Value::Json(text) => text.as_str().into(),
            Value::Integer(number) => (*number).into(),
            Value::Decimal(number) => decimal::canonical(number).into(),
            Value::Boolean(truth) => i64::from(*truth).into(),
            Value::Timestamp(time) => time.sortable().as_str().to_owned().into(),
            Value::Date(date) => date.to_string().into(),
            Value::Duration(span) => span.as_micros().into(),
            Value::Uuid(id) => id.to_string().into(),
            Value::Bytes(bytes) => bytes.0.as_slice().into(),
        })
    }
}

/// Reads a value back from its column.
pub(super) fn read(column: &Column, stored: ValueRef<'_>) -> Result<Value, ReadDatabaseError> {
    let wrong = |reason: &str| {
        ReadDatabaseError::Corrupt(format!(
            "column `{}` does not hold a {:?}: {reason}",
            column.name, column.column_type
        ))
    };
    match (stored, column.column_type) {
        (ValueRef::Null, _) if column.optional => Ok(Value::Null),
        (ValueRef::Integer(number), ColumnType::Integer) => Ok(Value::Integer(number)),
        (ValueRef::Integer(number @ (0 | 1)), ColumnType::Boolean) => {
            Ok(Value::Boolean(number == 1))
        }
        (ValueRef::Integer(micros), ColumnType::Duration) => {
            Ok(Value::Duration(Duration::from_micros(micros)))
        }
        (ValueRef::Blob(bytes), ColumnType::Bytes) => Ok(Value::Bytes(Bytes(bytes.to_vec()))),
        (ValueRef::Text(text), column_type) => {
            let text = str::from_utf8(text).map_err(|_| wrong("it is not UTF-8"))?;
            read_text(column_type, text).map_err(|error| wrong(&error.to_string()))
        }
        (other, _) => Err(wrong(&format!("it holds {}", other.data_type()))),
    }
}

fn read_text(column_type: ColumnType, text: &str) -> Result<Value, RangeError> {
    Ok(match column_type {
        ColumnType::Text => Value::Text(text.to_owned()),
        ColumnType::Json => Value::Json(text.to_owned()),
        ColumnType::Decimal => Value::Decimal(decimal::parse(text)?),
        ColumnType::Timestamp => Value::Timestamp(text.parse::<Timestamp>()?),
        ColumnType::Date => Value::Date(parse_date(text)?),
        ColumnType::Uuid => Value::Uuid(parse_uuid(text)?),
        _ => return Err(RangeError::new("it holds text")),
    })
}
