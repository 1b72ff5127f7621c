//! The rows of one table: the statements that read and write them.

use std::fmt::Write;

use rusqlite::{Connection, ErrorCode, Statement, ffi};

use super::cell;
use super::fault::Fault;
use super::names::quoted;
use crate::projection::{Column, ColumnType, RowChange, RowValues, TableSpec, Value};

/// The statements of one table, as SQL.
#[derive(Debug)]
pub(super) struct RowStatements {
    columns: &'static [Column],
    insert: String,
    put: String,
    delete: String,
    get: String,
    first_page: String,
    next_page: String,
    count: String,
}

impl RowStatements {
    /// The statements for the rows of `spec` in the table of that name.
    pub(super) fn new(spec: &TableSpec, table: &str) -> Self {
        let table = quoted(table);
        let (keys, others) = spec.columns.split_at(spec.key_columns);
        let (columns, key) = (list(spec.columns), list(keys));
        let insert = format!("INSERT INTO {table} ({columns}) VALUES ({})", marks(spec.columns));
        let put = format!("{insert} ON CONFLICT ({key}) {}", update(others));
        let at_key = format!("({key}) = ({})", marks(keys));
        let after_key = format!("({key}) > ({})", marks(keys));
        Self {
            columns: spec.columns,
            put,
            delete: format!("DELETE FROM {table} WHERE {at_key}"),
            get: format!("SELECT {columns} FROM {table} WHERE {at_key}"),
            first_page: format!("SELECT {columns} FROM {table} ORDER BY {key} LIMIT ?"),
            next_page: format!(
                "SELECT {columns} FROM {table} WHERE {after_key} ORDER BY {key} LIMIT ?"
            ),
            count: format!("SELECT count(*) FROM {table}"),
            insert,
        }
    }

    pub(super) fn get(
        &self,
        connection: &Connection,
        key: &[Value],
    ) -> Result<Option<RowValues>, Fault> {
        self.get_with(&mut *connection.prepare_cached(&self.get)?, key)
    }

    /// The rows that exist of the keys.
    pub(super) fn load(
        &self,
        connection: &Connection,
        keys: &[RowValues],
    ) -> Result<Vec<RowValues>, Fault> {
        let mut statement = connection.prepare_cached(&self.get)?;
        keys.iter().filter_map(|key| self.get_with(&mut statement, key).transpose()).collect()
    }

    fn get_with(
        &self,
        statement: &mut Statement<'_>,
        key: &[Value],
    ) -> Result<Option<RowValues>, Fault> {
        cell::bind(statement, key)?;
        statement.raw_query().next()?.map(|row| self.read(row)).transpose()
    }

    /// Rows after a key, in the order of keys.
    pub(super) fn page(
        &self,
        connection: &Connection,
        after: Option<&RowValues>,
        limit: usize,
    ) -> Result<Vec<RowValues>, Fault> {
        let sql = if after.is_some() { &self.next_page } else { &self.first_page };
        let mut statement = connection.prepare_cached(sql)?;
        let key = after.map_or(&[][..], Vec::as_slice);
        cell::bind(&mut statement, key)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        statement.raw_bind_parameter(key.len() + 1, limit)?;
        let mut rows = statement.raw_query();
        let mut page = Vec::new();
        while let Some(row) = rows.next()? {
            page.push(self.read(row)?);
        }
        Ok(page)
    }

    pub(super) fn count(&self, connection: &Connection) -> Result<u64, Fault> {
        let count: i64 = connection.prepare_cached(&self.count)?.query_row((), |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    fn read(&self, row: &rusqlite::Row<'_>) -> Result<RowValues, Fault> {
        read(self.columns, row)
    }

    /// Writes changes in their order; fails with [`Fault::RowExists`] where a row to be inserted
    /// exists.
    pub(super) fn write(
        &self,
        connection: &Connection,
        changes: &[RowChange],
    ) -> Result<(), Fault> {
        let mut insert = connection.prepare_cached(&self.insert)?;
        let mut put = connection.prepare_cached(&self.put)?;
        let mut delete = connection.prepare_cached(&self.delete)?;
        for change in changes {
            let (statement, values) = match change {
                RowChange::Insert(row) => (&mut insert, row),
                RowChange::Put(row) => (&mut put, row),
                RowChange::Delete(key) => (&mut delete, key),
            };
            cell::bind(statement, values)?;
            statement.raw_execute().map_err(row_exists)?;
        }
        Ok(())
    }
}

/// The statement that makes the table. Rows are found by their key alone, so they lie in its order
/// where they are small; large values are better kept out of a tree of keys.
pub(super) fn create(spec: &TableSpec, table: &str) -> String {
    let mut sql = format!("CREATE TABLE {} (", quoted(table));
    for column in spec.columns {
        let declared = cell::declared_type(column.column_type);
        let null = if column.optional { "" } else { " NOT NULL" };
        // Writing into a String can't fail.
        let _ = write!(sql, "{} {declared}{null}, ", quoted(column.name));
    }
    let large =
        |column: &Column| matches!(column.column_type, ColumnType::Json | ColumnType::Bytes);
    let order = if spec.columns.iter().any(large) { "" } else { ", WITHOUT ROWID" };
    let _ = write!(sql, "PRIMARY KEY ({})) STRICT{order}", list(&spec.columns[..spec.key_columns]));
    sql
}

/// The values of a row that was read with all columns.
pub(super) fn read(columns: &[Column], row: &rusqlite::Row<'_>) -> Result<RowValues, Fault> {
    let cells = columns.iter().enumerate();
    cells.map(|(index, column)| Ok(cell::read(column, row.get_ref(index)?)?)).collect()
}

/// The columns, quoted, with commas.
pub(super) fn list(columns: &[Column]) -> String {
    let names: Vec<_> = columns.iter().map(|column| quoted(column.name)).collect();
    names.join(", ")
}

fn marks(columns: &[Column]) -> String {
    vec!["?"; columns.len()].join(", ")
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

fn row_exists(error: rusqlite::Error) -> Fault {
    match error {
        rusqlite::Error::SqliteFailure(ffi::Error { code, extended_code }, _)
            if code == ErrorCode::ConstraintViolation
                && matches!(
                    extended_code,
                    ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_UNIQUE
                ) =>
        {
            Fault::RowExists
        }
        error => error.into(),
    }
}
