//! A projection with every type of column.

use eventloom_runtime::codec::DecodeError;
use eventloom_runtime::projection::{
    Column, ColumnType, Consistency, Projection, ProjectionError, Value,
};
use eventloom_runtime::{Bytes, Date, Decimal, Duration, Metadata, Timestamp, Uuid};

use super::ledger::Entry;

/// A projection of every type of column there is.
#[derive(Debug)]
pub(crate) struct Everything;

const fn any(name: &'static str, column_type: ColumnType, optional: bool) -> Column {
    Column { name, column_type, optional }
}

impl Projection for Everything {
    const NAME: &'static str = "Everything";
    const DATABASE: &'static str = "read_db";
    const TABLE: &'static str = "everything";
    const CONSISTENCY: Consistency = Consistency::Eventual { window: None };
    const MEANING: u64 = 1;
    const AGGREGATE: &'static str = "Ledger";
    const SOURCES: &'static [&'static str] = &["Moved"];
    const COLUMNS: &'static [Column] = &[
        any("text", ColumnType::Text, false),
        any("integer", ColumnType::Integer, false),
        any("decimal", ColumnType::Decimal, false),
        any("boolean", ColumnType::Boolean, false),
        any("timestamp", ColumnType::Timestamp, false),
        any("date", ColumnType::Date, false),
        any("duration", ColumnType::Duration, false),
        any("uuid", ColumnType::Uuid, false),
        any("bytes", ColumnType::Bytes, false),
        any("json", ColumnType::Json, true),
        any("none", ColumnType::Decimal, true),
    ];
    const KEY_COLUMNS: usize = 9;
    const KEY_IS_STREAM: bool = false;
    const READS_METADATA: bool = false;

    type Event = Entry;
    type Key = ();
    type Row = ();

    fn key(_: &Entry, _: &Metadata) -> Result<Option<()>, ProjectionError> {
        Ok(None)
    }

    fn fold(_: &mut Option<()>, _: &Entry, _: &Metadata) -> Result<(), ProjectionError> {
        Ok(())
    }

    fn key_values((): &()) -> Vec<Value> {
        Vec::new()
    }

    fn row_values((): &()) -> Vec<Value> {
        Vec::new()
    }

    fn row(_: Vec<Value>) -> Result<(), DecodeError> {
        Ok(())
    }

    fn key_of((): &()) {}
}

/// A row of it.
pub(crate) fn everything(at: i64, decimal: Decimal) -> Vec<Value> {
    let day = Date::new(2026, 11, 21).expect("a day");
    vec![
        Value::Text("it's\0\"all\"; --".to_owned()),
        Value::Integer(i64::MIN),
        Value::Decimal(decimal),
        Value::Boolean(true),
        Value::Timestamp(Timestamp::from_micros(at)),
        Value::Date(day),
        Value::Duration(Duration::from_micros(-1)),
        Value::Uuid(Uuid::from_u128(7)),
        Value::Bytes(Bytes(vec![0, 255])),
        Value::Json(r#"["a"]"#.to_owned()),
        Value::Null,
    ]
}
