//! The rows of one table: the statements that read and write them.

use std::fmt::Write;

use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use super::cell::{self, Cell, Cells};
use super::fault::Fault;
use super::names::quoted;
use crate::projection::{Column, ColumnType, RowChange, RowValues, TableSpec, Value};
use crate::store::postgres::Client;

/// The row of a key.
pub(super) async fn get(
    client: &Client,
    spec: &TableSpec,
    table: &str,
    key: &[Value],
) -> Result<Option<RowValues>, Fault> {
    let keys = &spec.columns[..spec.key_columns];
    let sql = format!(
        "SELECT {} FROM {table} WHERE ({}) = ({})",
        list(spec.columns),
        list(keys),
        marks(keys, 1)
    );
    let found = query(client, &sql, &cells(key)).await?;
    found.first().map(|row| read(spec.columns, row)).transpose()
}

/// The rows that exist of the keys.
pub(super) async fn load(
    client: &Client,
    spec: &TableSpec,
    table: &str,
    keys: &[RowValues],
) -> Result<Vec<RowValues>, Fault> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let of = &spec.columns[..spec.key_columns];
    let sql = format!(
        "SELECT {} FROM {} JOIN {table} AS r ON {}",
        listed(spec.columns, "r."),
        unnested(of),
        on(of)
    );
    let arrays = arrays(keys.iter().map(Vec::as_slice), of.len());
    let found = query(client, &sql, &arrays).await?;
    found.iter().map(|row| read(spec.columns, row)).collect()
}

/// Rows after a key, in the order of keys.
pub(super) async fn page(
    client: &Client,
    spec: &TableSpec,
    table: &str,
    after: Option<&RowValues>,
    limit: usize,
) -> Result<Vec<RowValues>, Fault> {
    let keys = &spec.columns[..spec.key_columns];
    let key = list(keys);
    let beyond = match after {
        Some(_) => format!("WHERE ({key}) > ({})", marks(keys, 1)),
        None => String::new(),
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let after = after.map_or(&[][..], Vec::as_slice);
    let sql = format!(
        "SELECT {} FROM {table} {beyond} ORDER BY {key} LIMIT ${}",
        list(spec.columns),
        after.len() + 1
    );
    let statement = client.prepare_cached(&sql).await?;
    let cells = cells(after);
    let mut all = parameters(&cells);
    all.push(&limit);
    let found = client.query(&statement, &all).await?;
    found.iter().map(|row| read(spec.columns, row)).collect()
}

pub(super) async fn count(client: &Client, table: &str) -> Result<u64, Fault> {
    let found = query::<Cell<'_>>(client, &format!("SELECT count(*) FROM {table}"), &[]).await?;
    let count: i64 = found.first().map_or(Ok(0), |row| row.try_get(0))?;
    Ok(count.unsigned_abs())
}

/// Writes changes, of which no two have the same key; fails with [`Fault::RowExists`] where a row to be inserted
/// exists.
pub(super) async fn write(
    client: &Client,
    spec: &TableSpec,
    table: &str,
    changes: &[RowChange],
) -> Result<(), Fault> {
    let (mut inserted, mut put, mut deleted) = (Vec::new(), Vec::new(), Vec::new());
    for change in changes {
        match change {
            RowChange::Insert(row) => inserted.push(row.as_slice()),
            RowChange::Put(row) => put.push(row.as_slice()),
            RowChange::Delete(key) => deleted.push(key.as_slice()),
        }
    }
    let (keys, others) = spec.columns.split_at(spec.key_columns);
    let insert = format!(
        "INSERT INTO {table} ({}) SELECT {} FROM {}",
        list(spec.columns),
        given(spec.columns),
        unnested(spec.columns)
    );
    if !deleted.is_empty() {
        let sql = format!("DELETE FROM {table} AS r USING {} WHERE {}", unnested(keys), on(keys));
        execute(client, &sql, &arrays(deleted.into_iter(), keys.len())).await?;
    }
    if !inserted.is_empty() {
        let rows = arrays(inserted.into_iter(), spec.columns.len());
        execute(client, &insert, &rows).await.map_err(row_exists)?;
    }
    if !put.is_empty() {
        let sql = format!("{insert} ON CONFLICT ({}) {}", list(keys), update(others));
        execute(client, &sql, &arrays(put.into_iter(), spec.columns.len())).await?;
    }
    Ok(())
}

/// The statement that makes the table. Rows are rewritten often, and stay where they are while there is room.
pub(super) fn create(spec: &TableSpec, table: &str) -> String {
    let mut sql = format!("CREATE TABLE {table} (");
    for column in spec.columns {
        let declared = cell::declared_type(column.column_type);
        let null = if column.optional { "" } else { " NOT NULL" };
        // Writing into a String can't fail.
        let _ = write!(sql, "{} {declared}{null}, ", quoted(column.name));
    }
    let key = list(&spec.columns[..spec.key_columns]);
    let _ = write!(sql, "PRIMARY KEY ({key})) WITH (fillfactor = 80)");
    sql
}

/// The values of a row that was read with these columns.
pub(super) fn read(columns: &[Column], row: &Row) -> Result<RowValues, Fault> {
    columns.iter().enumerate().map(|(index, column)| cell::read(column, row, index)).collect()
}

/// Values as parameters.
pub(super) fn cells(values: &[Value]) -> Vec<Cell<'_>> {
    values.iter().map(Cell).collect()
}

/// Parameters as the driver takes them.
pub(super) fn parameters<T: ToSql + Sync>(values: &[T]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

async fn query<T: ToSql + Sync>(
    client: &Client,
    sql: &str,
    values: &[T],
) -> Result<Vec<Row>, Fault> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query(&statement, &parameters(values)).await?)
}

async fn execute<T: ToSql + Sync>(client: &Client, sql: &str, values: &[T]) -> Result<(), Fault> {
    let statement = client.prepare_cached(sql).await?;
    client.execute(&statement, &parameters(values)).await?;
    Ok(())
}

/// Each column of some rows.
fn arrays<'v>(rows: impl Iterator<Item = &'v [Value]>, columns: usize) -> Vec<Cells<'v>> {
    let mut arrays: Vec<_> = (0..columns).map(|_| Cells(Vec::new())).collect();
    for row in rows {
        for (array, value) in arrays.iter_mut().zip(row) {
            array.0.push(Cell(value));
        }
    }
    arrays
}

/// The columns, quoted, with commas.
pub(super) fn list(columns: &[Column]) -> String {
    listed(columns, "")
}

fn listed(columns: &[Column], before: &str) -> String {
    let names: Vec<_> =
        columns.iter().map(|column| format!("{before}{}", quoted(column.name))).collect();
    names.join(", ")
}

/// The columns of what was given, each by its number.
fn given(columns: &[Column]) -> String {
    let columns = (0..columns.len()).map(|number| format!("k.c{number}"));
    columns.collect::<Vec<_>>().join(", ")
}

/// Arrays of these columns as rows.
fn unnested(columns: &[Column]) -> String {
    let arrays = columns.iter().zip(1..);
    let arrays =
        arrays.map(|(it, number)| format!("${number}::{}[]", cell::sql_type(it.column_type)));
    let names = (0..columns.len()).map(|number| format!("c{number}"));
    let (arrays, names) = (arrays.collect::<Vec<_>>(), names.collect::<Vec<_>>());
    format!("unnest({}) AS k ({})", arrays.join(", "), names.join(", "))
}

/// That a row has a key that was given.
fn on(keys: &[Column]) -> String {
    let equal = keys.iter().enumerate();
    let equal = equal.map(|(number, key)| format!("r.{} = k.c{number}", quoted(key.name)));
    equal.collect::<Vec<_>>().join(" AND ")
}

/// Parameters of these columns, the first with this number.
pub(super) fn marks(columns: &[Column], first: usize) -> String {
    let marks = columns.iter().zip(first..);
    let marks = marks.map(|(it, number)| format!("${number}::{}", cell::sql_type(it.column_type)));
    marks.collect::<Vec<_>>().join(", ")
}

fn update(columns: &[Column]) -> String {
    let names = columns.iter().map(|column| quoted(column.name));
    let sets: Vec<_> = names.map(|name| format!("{name} = excluded.{name}")).collect();
    if sets.is_empty() {
        "DO NOTHING".to_owned()
    } else {
        format!("DO UPDATE SET {}", sets.join(", "))
    }
}

fn row_exists(fault: Fault) -> Fault {
    if fault.is(&SqlState::UNIQUE_VIOLATION) { Fault::RowExists } else { fault }
}

/// Whether a column can't be compared or sorted as it is.
pub(super) fn is_json(column: &Column) -> bool {
    column.column_type == ColumnType::Json
}
