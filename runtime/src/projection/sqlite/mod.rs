//! [`SqliteReadDatabase`]: rows in SQLite, in the event store's file or in one of their own.
//!
//! Each projection and meaning has its table, `account_balance__` and the meaning; a view with the
//! target's name, `account_balance`, shows the newest one that is complete. A newer program builds
//! its own table while an older one keeps the other up to date, and the view moves forward only.

mod cell;
mod fault;
mod names;
mod poison;
mod query;
mod registry;
mod rows;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Transaction};

use self::fault::Fault;
use self::rows::RowStatements;
use super::{
    Checkpoint, Commit, Committed, Condition, Query, ReadDatabase, ReadDatabaseError,
    ReadTransaction, RowValues, RowsVersion, Skip, Summary, Switched, Table, TableSpec, TableState,
};
use crate::metadata::Position;
use crate::store::AppendTransaction;
use crate::store::sqlite::SqliteDatabase;
use crate::values::Uuid;

/// Rows of projections in an SQLite file. Cheap to clone; clones share the file.
///
/// `immediate` projections need the event store's file: open both on one [`SqliteDatabase`].
#[derive(Clone)]
pub struct SqliteReadDatabase {
    database: SqliteDatabase,
    tables: Tables,
}

/// The statements of the tables in use.
#[derive(Clone, Default)]
struct Tables {
    statements: Arc<Mutex<HashMap<TableKey, Arc<RowStatements>>>>,
}

/// Target, meaning, and whether it is being rebuilt: what a table is named by.
type TableKey = (&'static str, u64, bool);

impl Tables {
    fn of(&self, table: Table) -> Arc<RowStatements> {
        let key = (table.spec.name, table.spec.meaning, table.shadow);
        let mut statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        let made = statements
            .entry(key)
            .or_insert_with(|| Arc::new(RowStatements::new(&table.spec, &names::rows_of(&table))));
        Arc::clone(made)
    }

    fn commit(&self, connection: &Connection, commit: &Commit) -> Result<Committed, Fault> {
        if !registry::is_at(connection, commit.table, commit.revision)? {
            return Ok(Committed::Moved);
        }
        self.of(commit.table).write(connection, &commit.rows)?;
        registry::record(connection, commit)?;
        Ok(Committed::Done)
    }
}

impl SqliteReadDatabase {
    /// Opens the read models of a database, creating what they need where it is not there yet.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn open(database: &SqliteDatabase) -> Result<Self, ReadDatabaseError> {
        let database = Self { database: database.clone(), tables: Tables::default() };
        let create = |connection: &Connection| {
            connection.execute_batch(include_str!("schema.sql"))?;
            registry::add_columns(connection)
        };
        database.write(move |connection, _| create(connection)).await?;
        Ok(database)
    }

    /// The database.
    pub fn database(&self) -> &SqliteDatabase {
        &self.database
    }

    async fn write<T, F>(&self, job: F) -> Result<T, ReadDatabaseError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Tables) -> Result<T, Fault> + Send + 'static,
    {
        Ok(self.try_write(Durable::Soon, job).await?)
    }

    async fn try_write<T, F>(&self, durable: Durable, job: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Tables) -> Result<T, Fault> + Send + 'static,
    {
        let tables = self.tables.clone();
        let job = move |connection: &Transaction<'_>| {
            job(connection, &tables).map_err(|fault| fault.explained(connection))
        };
        match durable {
            Durable::Now => self.database.try_write(job).await,
            Durable::Soon => self.database.write_unsynced(job).await,
        }
    }

    async fn read<T, F>(&self, job: F) -> Result<T, ReadDatabaseError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Tables) -> Result<T, Fault> + Send + 'static,
    {
        let tables = self.tables.clone();
        let job = move |connection: &Connection| {
            job(connection, &tables).map_err(|fault| fault.explained(connection))
        };
        Ok(self.database.try_read(job).await?)
    }

    /// Reads complete rows.
    async fn read_rows<T, F>(&self, table: Table, job: F) -> Result<T, ReadDatabaseError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &RowStatements) -> Result<T, Fault> + Send + 'static,
    {
        self.read(move |connection, tables| {
            let view = connection.unchecked_transaction()?;
            registry::check_complete(&view, table)?;
            job(&view, &tables.of(table))
        })
        .await
    }
}

/// When a commit must be safe from a power failure.
#[derive(Clone, Copy)]
enum Durable {
    /// Before it is acknowledged: it holds what nobody could work out again.
    Now,
    /// At some time: rows that are undone are folded again, for their checkpoint goes with them.
    Soon,
}

impl fmt::Debug for SqliteReadDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqliteReadDatabase").field(&self.database).finish()
    }
}

impl ReadDatabase for SqliteReadDatabase {
    async fn open(&self, spec: TableSpec) -> Result<TableState, ReadDatabaseError> {
        self.write(move |connection, _| registry::open(connection, spec)).await
    }

    async fn state(&self, table: Table) -> Result<TableState, ReadDatabaseError> {
        self.read(move |connection, _| {
            let view = connection.unchecked_transaction()?;
            registry::state(&view, table)
        })
        .await
    }

    async fn checkpoint(&self, table: Table) -> Result<Checkpoint, ReadDatabaseError> {
        self.read(move |connection, _| registry::checkpoint(connection, table)).await
    }

    async fn load(
        &self,
        table: Table,
        keys: Vec<RowValues>,
    ) -> Result<Vec<RowValues>, ReadDatabaseError> {
        self.read(move |connection, tables| {
            let view = connection.unchecked_transaction()?;
            let rows = tables.of(table).load(&view, &keys);
            rows.map_err(|fault| registry::unless_gone(&view, table.spec, table.shadow, fault))
        })
        .await
    }

    async fn load_matching(
        &self,
        table: Table,
        condition: Condition,
        limit: usize,
    ) -> Result<Vec<RowValues>, ReadDatabaseError> {
        self.read(move |connection, _| {
            let Table { spec, shadow, .. } = table;
            let query = Query { limit, ..Query::all(condition) };
            let found = query::find(connection, &spec, &names::rows_of(&table), &query);
            found.map_err(|fault| registry::unless_gone(connection, spec, shadow, fault))
        })
        .await
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, ReadDatabaseError> {
        let must_last = commit.durable || !commit.skips.is_empty();
        let durable = if must_last { Durable::Now } else { Durable::Soon };
        let job =
            move |connection: &Connection, tables: &Tables| tables.commit(connection, &commit);
        match self.try_write(durable, job).await {
            Err(Fault::RowExists) => Ok(Committed::RowExists),
            written => Ok(written?),
        }
    }

    async fn claim(&self, table: Table, runner: Uuid) -> Result<TableState, ReadDatabaseError> {
        self.write(move |connection, _| registry::claim(connection, table, runner)).await
    }

    async fn get(
        &self,
        table: Table,
        key: RowValues,
    ) -> Result<Option<RowValues>, ReadDatabaseError> {
        self.read_rows(table, move |connection, rows| rows.get(connection, &key)).await
    }

    async fn page(
        &self,
        table: Table,
        after: Option<RowValues>,
        limit: usize,
    ) -> Result<Vec<RowValues>, ReadDatabaseError> {
        self.read_rows(table, move |connection, rows| rows.page(connection, after.as_ref(), limit))
            .await
    }

    async fn find(&self, table: Table, query: Query) -> Result<Vec<RowValues>, ReadDatabaseError> {
        self.read_rows(table, move |connection, _| {
            query::find(connection, &table.spec, &names::rows_of(&table), &query)
        })
        .await
    }

    async fn summarize(
        &self,
        table: Table,
        summary: Summary,
    ) -> Result<Vec<RowValues>, ReadDatabaseError> {
        self.read_rows(table, move |connection, _| {
            query::summarize(connection, &table.spec, &names::rows_of(&table), &summary)
        })
        .await
    }

    async fn count(&self, table: Table) -> Result<u64, ReadDatabaseError> {
        self.read_rows(table, |connection, rows| rows.count(connection)).await
    }

    async fn begin_rebuild(&self, spec: TableSpec) -> Result<TableState, ReadDatabaseError> {
        self.write(move |connection, _| registry::begin_rebuild(connection, spec)).await
    }

    async fn finish_rebuild(
        &self,
        shadow: Table,
        revision: u64,
        left_out: Vec<Position>,
    ) -> Result<Switched, ReadDatabaseError> {
        self.write(move |connection, _| {
            registry::finish_rebuild(connection, shadow, revision, &left_out)
        })
        .await
    }

    async fn abandon_rebuild(&self, shadow: Table) -> Result<(), ReadDatabaseError> {
        self.write(move |connection, _| match shadow.shadow {
            true => registry::abandon_rebuild(connection, shadow),
            false => Ok(()),
        })
        .await
    }

    async fn versions(&self) -> Result<Vec<RowsVersion>, ReadDatabaseError> {
        self.read(|connection, _| registry::versions(connection)).await
    }

    async fn discard(&self, version: &RowsVersion) -> Result<bool, ReadDatabaseError> {
        let version = version.clone();
        self.write(move |connection, _| registry::discard(connection, &version)).await
    }

    async fn skips(&self, table: Table) -> Result<Vec<Skip>, ReadDatabaseError> {
        self.read(move |connection, _| poison::skips(connection, table.spec)).await
    }

    fn within<'a>(
        &self,
        transaction: &'a dyn AppendTransaction,
    ) -> Result<Box<dyn ReadTransaction + 'a>, String> {
        let Some(connection) = transaction.database().downcast_ref::<Connection>() else {
            return Err("its rows lie in SQLite and its events don't".to_owned());
        };
        let (rows, events) = (self.database.path(), connection.path().unwrap_or_default());
        if !is_same_file(rows, Path::new(events)) {
            return Err(format!(
                "its rows lie in {} and its events in {events}, and no transaction holds both; \
                 open the read database on the event store's file",
                rows.display()
            ));
        }
        Ok(Box::new(Within { connection, tables: self.tables.clone() }))
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let canonical = |path: &Path| path.canonicalize().ok();
    one == other || (canonical(one).is_some() && canonical(one) == canonical(other))
}

/// The rows within a transaction of the event store.
struct Within<'a> {
    connection: &'a Connection,
    tables: Tables,
}

impl Within<'_> {
    fn run<T>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, ReadDatabaseError> {
        Ok(job(self.connection).map_err(|fault| fault.explained(self.connection))?)
    }
}

impl ReadTransaction for Within<'_> {
    fn state(&self, table: Table) -> Result<TableState, ReadDatabaseError> {
        self.run(|connection| registry::state(connection, table))
    }

    fn checkpoint(&self, table: Table) -> Result<Checkpoint, ReadDatabaseError> {
        self.run(|connection| registry::checkpoint(connection, table))
    }

    fn load(&self, table: Table, keys: &[RowValues]) -> Result<Vec<RowValues>, ReadDatabaseError> {
        self.run(|connection| self.tables.of(table).load(connection, keys))
    }

    fn commit(&self, commit: Commit) -> Result<Committed, ReadDatabaseError> {
        self.run(|connection| self.tables.commit(connection, &commit))
    }

    fn finish_rebuild(
        &self,
        shadow: Table,
        revision: u64,
        left_out: &[Position],
    ) -> Result<Switched, ReadDatabaseError> {
        self.run(|connection| registry::finish_rebuild(connection, shadow, revision, left_out))
    }
}
