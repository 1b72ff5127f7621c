//! [`PostgresReadDatabase`]: rows in PostgreSQL, in the event store's database or in one of their own.
//!
//! Each projection and meaning has its table, `eventloom.rows_` and a number; a view with the target's name shows the
//! newest one that is complete. A newer program builds its own table while an older one keeps the other up to date, and
//! the view moves forward only.

mod cell;
mod fault;
mod names;
mod query;
mod registry;
mod rows;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future;
use tokio_postgres::error::SqlState;

use self::fault::Fault;
use super::{
    Checkpoint, Commit, Committed, Condition, Query, ReadDatabase, ReadDatabaseError,
    ReadTransaction, RowValues, RowsVersion, Summary, Switched, Table, TableSpec, TableState,
};
use crate::store::AppendTransaction;
use crate::store::postgres::{Client, Migrations, OpenTransaction, PostgresDatabase};

const MIGRATIONS: Migrations =
    Migrations { part: "read models", scripts: &[include_str!("schema.sql")] };

/// Where the views are, if nothing else is said.
const PUBLIC: &str = "public";

/// How long a rebuilt table waits for readers of the old one, before it lets those who came after it go first; and how
/// often it tries.
const SWITCH: (&str, u32) = ("SET LOCAL lock_timeout TO '200ms'", 150);
/// How long it lets them.
const BETWEEN: Duration = Duration::from_millis(50);

/// Rows of projections in a PostgreSQL database. Cheap to clone; clones share their connections.
///
/// `immediate` projections need the event store's database: open both on one [`PostgresDatabase`].
#[derive(Clone)]
pub struct PostgresReadDatabase {
    database: PostgresDatabase,
    schema: Arc<str>,
}

impl PostgresReadDatabase {
    /// Opens the read models of a database, creating what they need where it is not there yet. Their views are in the
    /// schema `public`.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn open(database: &PostgresDatabase) -> Result<Self, ReadDatabaseError> {
        Self::open_in(database, PUBLIC).await
    }

    /// The same, with the views in a schema of this name, which is there.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn open_in(
        database: &PostgresDatabase,
        schema: &str,
    ) -> Result<Self, ReadDatabaseError> {
        database.migrate(MIGRATIONS).await?;
        Ok(Self { database: database.clone(), schema: schema.into() })
    }

    /// The database.
    pub fn database(&self) -> &PostgresDatabase {
        &self.database
    }

    async fn client(&self) -> Result<Client, ReadDatabaseError> {
        self.database.rows().await.map_err(|fault| Fault::from(fault).explained(&self.database))
    }

    fn told<T>(&self, done: Result<T, Fault>) -> Result<T, ReadDatabaseError> {
        done.map_err(|fault| fault.explained(&self.database))
    }

    async fn try_commit(&self, commit: &Commit) -> Result<Committed, Fault> {
        let begun = Begun::on(self.database.rows().await?).await?;
        let written = async {
            if commit.skips.is_empty() {
                // Rows that are undone are folded again, for their checkpoint goes with them.
                begun.batch_execute("SET LOCAL synchronous_commit TO off").await?;
            }
            write(&begun, &self.schema, commit).await
        };
        let written = written.await;
        begun.end(written).await
    }

    async fn try_finish(&self, shadow: Table, revision: u64) -> Result<Switched, Fault> {
        let begun = Begun::on(self.database.rows().await?).await?;
        let switched = async {
            begun.batch_execute(SWITCH.0).await?;
            registry::hold(&begun).await?;
            registry::finish_rebuild(&begun, &self.schema, shadow, revision).await
        };
        let switched = switched.await;
        begun.end(switched).await
    }
}

/// Writes a commit within a transaction.
async fn write(client: &Client, schema: &str, commit: &Commit) -> Result<Committed, Fault> {
    let Some(was_complete) = registry::move_on(client, commit).await? else {
        return Ok(Committed::Moved);
    };
    let table = commit.table;
    rows::write(client, &table.spec, &names::rows_of(&table), &commit.rows).await?;
    registry::record(client, commit).await?;
    if commit.complete && !was_complete && !table.shadow {
        registry::hold(client).await?;
        registry::show_newest(client, schema, table.spec.name).await?;
    }
    Ok(Committed::Done)
}

/// A transaction on a connection. Where it is dropped before its end, the connection goes with it.
struct Begun {
    client: Option<Client>,
}

impl Begun {
    async fn on(client: Client) -> Result<Self, Fault> {
        let this = Self { client: Some(client) };
        this.batch_execute("BEGIN").await?;
        Ok(this)
    }

    /// Keeps what was written, or takes it back where the job failed.
    async fn end<T>(mut self, done: Result<T, Fault>) -> Result<T, Fault> {
        let statement = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = self.batch_execute(statement).await;
        let Err(error) = ended else {
            // The connection is as it was: it goes back to its pool.
            self.client = None;
            return done;
        };
        let fault = crate::store::postgres::Fault::from(error);
        match done {
            Err(first) => Err(first),
            Ok(_) if fault.is_answer() => Err(fault.into()),
            Ok(_) => Err(Fault::Unknown(fault)),
        }
    }
}

impl Deref for Begun {
    type Target = Client;

    fn deref(&self) -> &Client {
        let Some(client) = &self.client else { unreachable!("it is there until the end") };
        client
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            drop(Client::take(client));
        }
    }
}

impl fmt::Debug for PostgresReadDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresReadDatabase").field(&self.database).finish()
    }
}

impl ReadDatabase for PostgresReadDatabase {
    async fn open(&self, spec: TableSpec) -> Result<TableState, ReadDatabaseError> {
        spec.check_key()?;
        names::check(&spec)?;
        let opened = async {
            let client = self.database.rows().await?;
            // Where all is there, nobody is held off, and no right to make tables is needed.
            if let Some(table) = registry::find(&client, spec, false).await?
                && registry::is_ready(&client, &table).await?
            {
                return registry::state(&client, table).await;
            }
            let begun = Begun::on(client).await?;
            let made = async {
                registry::hold(&begun).await?;
                let table = registry::open(&begun, &self.schema, spec).await?;
                registry::state(&begun, table).await
            };
            let made = made.await;
            begun.end(made).await
        };
        self.told(opened.await)
    }

    async fn state(&self, table: Table) -> Result<TableState, ReadDatabaseError> {
        let begun = self.told(Begun::on(self.client().await?).await)?;
        let view = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let read = async {
            begun.batch_execute(view).await?;
            registry::state(&begun, table).await
        };
        let read = read.await;
        self.told(begun.end(read).await)
    }

    async fn checkpoint(&self, table: Table) -> Result<Checkpoint, ReadDatabaseError> {
        self.told(registry::checkpoint(&self.client().await?, table).await)
    }

    async fn load(
        &self,
        table: Table,
        keys: Vec<RowValues>,
    ) -> Result<Vec<RowValues>, ReadDatabaseError> {
        let client = self.client().await?;
        let loaded = rows::load(&client, &table.spec, &names::rows_of(&table), &keys).await;
        self.told(loaded.map_err(|fault| registry::unless_gone(table, fault)))
    }

    async fn load_matching(
        &self,
        table: Table,
        condition: Condition,
        limit: usize,
    ) -> Result<Vec<RowValues>, ReadDatabaseError> {
        let client = self.client().await?;
        let query = Query { limit, ..Query::all(condition) };
        let found = query::find(&client, &table.spec, &names::rows_of(&table), &query).await;
        self.told(found.map_err(|fault| registry::unless_gone(table, fault)))
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, ReadDatabaseError> {
        match self.try_commit(&commit).await {
            Err(Fault::RowExists) => Ok(Committed::RowExists),
            // Its rows went away after its checkpoint was found.
            Err(fault) if fault.is(&SqlState::UNDEFINED_TABLE) => Ok(Committed::Moved),
            done => self.told(done),
        }
    }

    async fn get(
        &self,
        table: Table,
        key: RowValues,
    ) -> Result<Option<RowValues>, ReadDatabaseError> {
        let (client, rows) = (self.client().await?, names::rows_of(&table));
        self.answer(&client, table, rows::get(&client, &table.spec, &rows, &key)).await
    }

    async fn page(
        &self,
        table: Table,
        after: Option<RowValues>,
        limit: usize,
    ) -> Result<Vec<RowValues>, ReadDatabaseError> {
        let (client, rows) = (self.client().await?, names::rows_of(&table));
        self.answer(&client, table, rows::page(&client, &table.spec, &rows, after.as_ref(), limit))
            .await
    }

    async fn find(&self, table: Table, query: Query) -> Result<Vec<RowValues>, ReadDatabaseError> {
        let (client, rows) = (self.client().await?, names::rows_of(&table));
        self.answer(&client, table, query::find(&client, &table.spec, &rows, &query)).await
    }

    async fn summarize(
        &self,
        table: Table,
        summary: Summary,
    ) -> Result<Vec<RowValues>, ReadDatabaseError> {
        let (client, rows) = (self.client().await?, names::rows_of(&table));
        self.answer(&client, table, query::summarize(&client, &table.spec, &rows, &summary)).await
    }

    async fn count(&self, table: Table) -> Result<u64, ReadDatabaseError> {
        let (client, rows) = (self.client().await?, names::rows_of(&table));
        self.answer(&client, table, rows::count(&client, &rows)).await
    }

    async fn begin_rebuild(&self, spec: TableSpec) -> Result<TableState, ReadDatabaseError> {
        let begun = self.told(Begun::on(self.client().await?).await)?;
        let made = async {
            registry::hold(&begun).await?;
            let shadow = registry::begin_rebuild(&begun, spec).await?;
            registry::state(&begun, shadow).await
        };
        let made = made.await;
        self.told(begun.end(made).await)
    }

    async fn finish_rebuild(
        &self,
        shadow: Table,
        revision: u64,
    ) -> Result<Switched, ReadDatabaseError> {
        let mut tried = 0;
        loop {
            match self.try_finish(shadow, revision).await {
                // Readers of the old rows are not done. Who waits for them keeps those who come later waiting too.
                Err(fault) if fault.is(&SqlState::LOCK_NOT_AVAILABLE) && tried < SWITCH.1 => {
                    tried += 1;
                    tokio::time::sleep(BETWEEN).await;
                }
                done => return self.told(done),
            }
        }
    }

    async fn abandon_rebuild(&self, shadow: Table) -> Result<(), ReadDatabaseError> {
        if !shadow.shadow {
            return Ok(());
        }
        let begun = self.told(Begun::on(self.client().await?).await)?;
        let dropped = async {
            registry::hold(&begun).await?;
            registry::drop_table(&begun, shadow).await
        };
        let dropped = dropped.await;
        self.told(begun.end(dropped).await)
    }

    async fn versions(&self) -> Result<Vec<RowsVersion>, ReadDatabaseError> {
        self.told(registry::versions(&self.client().await?).await)
    }

    async fn discard(&self, version: &RowsVersion) -> Result<bool, ReadDatabaseError> {
        let begun = self.told(Begun::on(self.client().await?).await)?;
        let discarded = async {
            registry::hold(&begun).await?;
            registry::discard(&begun, &self.schema, version).await
        };
        let discarded = discarded.await;
        self.told(begun.end(discarded).await)
    }

    fn within<'a>(
        &self,
        transaction: &'a dyn AppendTransaction,
    ) -> Result<Box<dyn ReadTransaction + 'a>, String> {
        let Some(open) = transaction.database().downcast_ref::<OpenTransaction>() else {
            return Err("its rows lie in PostgreSQL and its events don't".to_owned());
        };
        let (rows, events) = (&self.database, open.postgres());
        if !rows.is_same(events) {
            return Err(format!(
                "its rows lie in {rows} and its events in {events}, and no transaction holds both; open the read \
                 database on the event store's database"
            ));
        }
        Ok(Box::new(Within { open, schema: Arc::clone(&self.schema) }))
    }
}

impl PostgresReadDatabase {
    /// What is read, of complete rows alone: both are asked at once.
    async fn answer<T>(
        &self,
        client: &Client,
        table: Table,
        read: impl Future<Output = Result<T, Fault>> + Send,
    ) -> Result<T, ReadDatabaseError> {
        let (complete, read) = future::join(registry::check_complete(client, table), read).await;
        self.told(complete)?;
        self.told(read.map_err(|fault| registry::unless_gone(table, fault)))
    }
}

/// The rows within a transaction of the event store.
struct Within<'a> {
    open: &'a OpenTransaction,
    schema: Arc<str>,
}

impl Within<'_> {
    fn run<T>(&self, job: impl Future<Output = Result<T, Fault>>) -> Result<T, ReadDatabaseError> {
        self.open.wait(job).map_err(|fault| fault.explained(self.open.postgres()))
    }
}

impl ReadTransaction for Within<'_> {
    fn state(&self, table: Table) -> Result<TableState, ReadDatabaseError> {
        self.run(registry::state(self.open.client(), table))
    }

    fn checkpoint(&self, table: Table) -> Result<Checkpoint, ReadDatabaseError> {
        self.run(registry::checkpoint(self.open.client(), table))
    }

    fn load(&self, table: Table, keys: &[RowValues]) -> Result<Vec<RowValues>, ReadDatabaseError> {
        self.run(rows::load(self.open.client(), &table.spec, &names::rows_of(&table), keys))
    }

    fn commit(&self, commit: Commit) -> Result<Committed, ReadDatabaseError> {
        self.run(write(self.open.client(), &self.schema, &commit))
    }

    fn finish_rebuild(&self, shadow: Table, revision: u64) -> Result<Switched, ReadDatabaseError> {
        self.run(async {
            registry::hold(self.open.client()).await?;
            registry::finish_rebuild(self.open.client(), &self.schema, shadow, revision).await
        })
    }
}
