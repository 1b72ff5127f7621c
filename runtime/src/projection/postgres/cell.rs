//! Values of columns in PostgreSQL: what people see who open a read table with an SQL tool.
//!
//! | type | stored as |
//! |---|---|
//! | text, enum | `text`, sorted by its bytes |
//! | integer | `bigint` |
//! | decimal | `numeric` |
//! | boolean | `boolean` |
//! | timestamp | `timestamptz` |
//! | date | `date` |
//! | duration | `interval`, in microseconds |
//! | uuid | `uuid` |
//! | bytes | `bytea` |
//! | lists and records | `json` |

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

use super::fault::Fault;
use crate::projection::{Column, ColumnType, ReadDatabaseError, Value};
use crate::store::postgres::{Time, text};
use crate::values::{Bytes, Date, Decimal, Duration, Uuid};

/// The type of a column without what it sorts by.
pub(super) fn sql_type(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Text => "text",
        ColumnType::Integer => "bigint",
        ColumnType::Decimal => "numeric",
        ColumnType::Boolean => "boolean",
        ColumnType::Timestamp => "timestamptz",
        ColumnType::Date => "date",
        ColumnType::Duration => "interval",
        ColumnType::Uuid => "uuid",
        ColumnType::Bytes => "bytea",
        ColumnType::Json => "json",
    }
}

/// The declared type of a column.
pub(super) fn declared_type(column_type: ColumnType) -> String {
    match column_type {
        ColumnType::Text => "text COLLATE \"C\"".to_owned(),
        other => sql_type(other).to_owned(),
    }
}

/// A value as a parameter.
pub(super) struct Cell<'v>(pub(super) &'v Value);

impl std::fmt::Debug for Cell<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

type Written = Result<IsNull, Box<dyn Error + Sync + Send>>;

impl ToSql for Cell<'_> {
    fn to_sql(&self, of: &Type, out: &mut BytesMut) -> Written {
        match self.0 {
            Value::Null => Ok(IsNull::Yes),
            Value::Text(value) => text::stored(value).to_sql(of, out),
            Value::Json(value) => {
                out.extend_from_slice(text::stored(value).as_bytes());
                Ok(IsNull::No)
            }
            Value::Integer(value) => value.to_sql(of, out),
            Value::Decimal(value) => value.normalize().to_sql(of, out),
            Value::Boolean(value) => value.to_sql(of, out),
            Value::Timestamp(value) => Time(*value).to_sql(of, out),
            Value::Date(value) => Day(*value).to_sql(of, out),
            Value::Duration(value) => Span(*value).to_sql(of, out),
            Value::Uuid(value) => value.to_sql(of, out),
            Value::Bytes(value) => value.0.to_sql(of, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        // Statements name the type of each parameter by its column.
        true
    }

    to_sql_checked!();
}

/// A day as PostgreSQL has it: `date`, in days since 2000-01-01.
#[derive(Debug)]
struct Day(Date);

const EPOCH: Date = Date::constant(2000, 1, 1);

impl ToSql for Day {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Written {
        let days = (self.0 - EPOCH).get_days();
        out.extend_from_slice(&days.to_be_bytes());
        Ok(IsNull::No)
    }

    accepts!(DATE);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Day {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let days = i32::from_be_bytes(raw.try_into()?);
        let span = jiff::Span::new().try_days(days)?;
        Ok(Self(EPOCH.checked_add(span)?))
    }

    accepts!(DATE);
}

/// A span of time as PostgreSQL has it: `interval`, of which only the microseconds are used.
#[derive(Debug)]
struct Span(Duration);

/// Microseconds of a day, as PostgreSQL counts them where somebody wrote days.
const DAY: i64 = 86_400_000_000;

impl ToSql for Span {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Written {
        out.extend_from_slice(&self.0.as_micros().to_be_bytes());
        out.extend_from_slice(&[0; 8]);
        Ok(IsNull::No)
    }

    accepts!(INTERVAL);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Span {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let (micros, rest) = raw.split_at_checked(8).ok_or("too short for an interval")?;
        let (days, months) = rest.split_at_checked(4).ok_or("too short for an interval")?;
        let months = i32::from_be_bytes(months.try_into()?);
        if months != 0 {
            return Err("a duration has months, of which nobody knows how long they are".into());
        }
        let days = i64::from(i32::from_be_bytes(days.try_into()?)).checked_mul(DAY);
        let micros = i64::from_be_bytes(micros.try_into()?);
        let micros = days.and_then(|days| days.checked_add(micros)).ok_or("too long a duration")?;
        Ok(Self(Duration::from_micros(micros)))
    }

    accepts!(INTERVAL);
}

/// The values of a column of several rows, as an array.
#[derive(Debug)]
pub(super) struct Cells<'v>(pub(super) Vec<Cell<'v>>);

impl ToSql for Cells<'_> {
    fn to_sql(&self, of: &Type, out: &mut BytesMut) -> Written {
        self.0.as_slice().to_sql(of, out)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// Reads a value back from its column.
pub(super) fn read(column: &Column, row: &Row, index: usize) -> Result<Value, Fault> {
    let wrong = |error: tokio_postgres::Error| {
        let reason =
            error.into_source().map_or_else(|| "it is null".to_owned(), |it| it.to_string());
        Fault::Database(ReadDatabaseError::Corrupt(format!(
            "column `{}` does not hold a {:?}: {reason}",
            column.name, column.column_type
        )))
    };
    let value = match column.column_type {
        ColumnType::Text => row
            .try_get::<_, Option<&str>>(index)
            .map(|it| it.map(|it| Value::Text(text::read(it).into_owned()))),
        ColumnType::Json => row
            .try_get::<_, Option<Raw<'_>>>(index)
            .map(|it| it.map(|it| Value::Json(text::read(it.0).into_owned()))),
        ColumnType::Integer => row.try_get(index).map(|it: Option<_>| it.map(Value::Integer)),
        ColumnType::Decimal => row
            .try_get(index)
            .map(|it: Option<Decimal>| it.map(|it| Value::Decimal(it.normalize()))),
        ColumnType::Boolean => row.try_get(index).map(|it: Option<_>| it.map(Value::Boolean)),
        ColumnType::Timestamp => {
            row.try_get(index).map(|it: Option<Time>| it.map(|it| Value::Timestamp(it.0)))
        }
        ColumnType::Date => {
            row.try_get(index).map(|it: Option<Day>| it.map(|it| Value::Date(it.0)))
        }
        ColumnType::Duration => {
            row.try_get(index).map(|it: Option<Span>| it.map(|it| Value::Duration(it.0)))
        }
        ColumnType::Uuid => row.try_get(index).map(|it: Option<Uuid>| it.map(Value::Uuid)),
        ColumnType::Bytes => {
            row.try_get(index).map(|it: Option<Vec<u8>>| it.map(|it| Value::Bytes(Bytes(it))))
        }
    };
    match value.map_err(wrong)? {
        Some(value) => Ok(value),
        None if column.optional => Ok(Value::Null),
        None => Err(ReadDatabaseError::Corrupt(format!("column `{}` is null", column.name)).into()),
    }
}

/// JSON as it stands.
struct Raw<'r>(&'r str);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(std::str::from_utf8(raw)?))
    }

    accepts!(JSON);
}
