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

use rusqlite::Statement;
use rusqlite::types::{Null, ValueRef};

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

/// Binds values to a statement, the first of them to parameter 1.
pub(super) fn bind(statement: &mut Statement<'_>, values: &[Value]) -> rusqlite::Result<()> {
    for (index, value) in (1..).zip(values) {
        match value {
            Value::Null => statement.raw_bind_parameter(index, Null),
            Value::Text(text) | Value::Json(text) => statement.raw_bind_parameter(index, text),
            Value::Integer(number) => statement.raw_bind_parameter(index, number),
            Value::Decimal(number) => {
                statement.raw_bind_parameter(index, decimal::canonical(number))
            }
            Value::Boolean(truth) => statement.raw_bind_parameter(index, truth),
            Value::Timestamp(time) => statement.raw_bind_parameter(index, time.sortable().as_str()),
            Value::Date(date) => statement.raw_bind_parameter(index, date.to_string()),
            Value::Duration(span) => statement.raw_bind_parameter(index, span.as_micros()),
            Value::Uuid(id) => statement.raw_bind_parameter(index, id.to_string()),
            Value::Bytes(bytes) => statement.raw_bind_parameter(index, bytes.0.as_slice()),
        }?;
    }
    Ok(())
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
