//! [`PostgresReadDatabase`]: rows in PostgreSQL, in the event store's database or in one of their own.
//!
//! Each projection and meaning has its table, `eventloom.rows_` and a number; a view with the target's name shows the
//! newest one that is complete. A newer program builds its own table while an older one keeps the other up to date, and
//! the view moves forward only.

mod cell;
mod fault;
mod indexes;
mod names;
mod poison;
mod query;
mod registry;
mod rows;
mod view;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_postgres::error::SqlState;

use self::fault::Fault;
use self::view::View;
use super::{
    Checkpoint, Commit, Committed, Condition, Query, ReadDatabase, ReadDatabaseError,
    ReadTransaction, RowValues, RowsVersion, Skip, Summary, Switched, Table, TableSpec, TableState,
};
use crate::metadata::Position;
use crate::store::AppendTransaction;
use crate::store::postgres::{Begun, Client, Migrations, OpenTransaction, PostgresDatabase};
use crate::values::Uuid;

const MIGRATIONS: Migrations = Migrations {
    part: "read models",
    scripts: &[include_str!("schema.sql"), include_str!("runner.sql")],
};

/// Where the views are, if nothing else is said.
const PUBLIC: &str = "public";

/// Attempts at what waits for readers. Who waits for them keeps those who come later waiting too.
struct Attempts {
    left: u32,
}

impl Attempts {
    /// How long readers are let go first.
    const BETWEEN: Duration = Duration::from_secs(1);
    /// How often it is tried to drop rows that have readers: a quarter of an hour.
    const DROP: Self = Self { left: 750 };
    /// How often a view is tried to be pointed at its rows, which are read and kept up to date without it.
    const SHOW: Self = Self { left: 5 };

    /// Lets those who were in the way go first, where somebody was.
    async fn again(&mut self, fault: Fault) -> Result<(), Fault> {
        if self.left == 0 || !Self::is_in_the_way(&fault) {
            return Err(fault);
        }
        self.left -= 1;
        tokio::time::sleep(Self::BETWEEN).await;
        Ok(())
    }

    /// Whether somebody else was in the way, and nothing failed.
    fn is_in_the_way(fault: &Fault) -> bool {
        let in_the_way = [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED];
        in_the_way.iter().any(|code| fault.is(code))
    }
}

/// Rows of projections in a PostgreSQL database. Cheap to clone; clones share their connections.
///
/// `immediate` projections need the event store's database: open both on one [`PostgresDatabase`].
#[derive(Clone)]
pub struct PostgresReadDatabase {
    database: PostgresDatabase,
    schema: Arc<str>,
    /// Targets whose views may not show the newest rows, and when that was last looked at.
    unshown: Arc<Mutex<HashMap<&'static str, Instant>>>,
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
        Ok(Self { database: database.clone(), schema: schema.into(), unshown: Arc::default() })
    }

    /// The database.
    pub fn database(&self) -> &PostgresDatabase {
        &self.database
    }

    async fn client(&self) -> Result<Client, ReadDatabaseError> {
        self.database.rows().await.map_err(|fault| Fault::from(fault).explained(&self.database))
    }

    async fn begin(&self) -> Result<Begun, ReadDatabaseError> {
        let begun = Begun::on(self.client().await?).await;
        begun.map_err(|fault| Fault::from(fault).explained(&self.database))
    }

    fn told<T>(&self, done: Result<T, Fault>) -> Result<T, ReadDatabaseError> {
        done.map_err(|fault| fault.explained(&self.database))
    }

    /// Points the view of a target at its newest rows, where it shows others. The rows are right without it: where that
    /// fails, it is tried again beside later commits.
    async fn show(&self, target: &'static str) {
        let mut attempts = Attempts::SHOW;
        let error = loop {
            match self.try_show(target).await {
                Ok(()) => {
                    self.unshown().remove(target);
                    return;
                }
                Err(fault) => match attempts.again(fault).await {
                    Ok(()) => {}
                    Err(fault) => break fault.explained(&self.database),
                },
            }
        };
        tracing::warn!(%error, view = target, "the view does not show the newest rows yet");
        self.unshown().insert(target, Instant::now());
    }

    /// Tries again what failed a while ago.
    async fn show_late(&self, target: &'static str) {
        let is_due = |at: &Instant| at.elapsed() > Attempts::BETWEEN;
        if !self.unshown().get(target).is_some_and(is_due) {
            return;
        }
        match self.try_show(target).await {
            Ok(()) => self.unshown().remove(target),
            Err(error) => {
                tracing::debug!(%error, view = target, "the view does not show the newest rows yet");
                self.unshown().insert(target, Instant::now())
            }
        };
    }

    fn unshown(&self) -> MutexGuard<'_, HashMap<&'static str, Instant>> {
        self.unshown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn try_show(&self, target: &str) -> Result<(), Fault> {
        let client = self.database.rows().await?;
        let view = View { schema: &self.schema, target };
        if view::is_right(&client, view).await? {
            return Ok(());
        }
        let begun = Begun::on(client).await?;
        let shown = async {
            registry::hold(&begun).await?;
            registry::give_way(&begun).await?;
            view::show_newest(&begun, view).await
        };
        let shown = shown.await;
        begun.end(shown).await
    }

    async fn try_commit(&self, commit: &Commit) -> Result<Written, Fault> {
        let begun = Begun::on(self.database.rows().await?).await?;
        let written = async {
            if commit.table.shadow {
                // What is lost with the server is built again; nobody has read it.
                begun.batch_execute("SET LOCAL synchronous_commit TO off").await?;
            }
            write(&begun, commit).await
        };
        let written = written.await;
        begun.end(written).await
    }

    async fn try_finish(
        &self,
        shadow: Table,
        revision: u64,
        left_out: &[Position],
    ) -> Result<Switched, Fault> {
        let begun = Begun::on(self.database.rows().await?).await?;
        let switched = async {
            registry::hold(&begun).await?;
            registry::finish_rebuild(&begun, &self.schema, (shadow, revision), left_out).await
        };
        let switched = switched.await;
        begun.end(switched).await
    }

    async fn try_discard(&self, version: &RowsVersion) -> Result<bool, Fault> {
        let begun = Begun::on(self.database.rows().await?).await?;
        let discarded = async {
            registry::hold(&begun).await?;
            registry::discard(&begun, version).await
        };
        let discarded = discarded.await;
        begun.end(discarded).await
    }

    /// What is read of complete rows alone. That they are is asked first: they don't cease to be.
    async fn answer<T>(
        &self,
        client: &Client,
        table: Table,
        read: impl Future<Output = Result<T, Fault>> + Send,
    ) -> Result<T, ReadDatabaseError> {
        self.told(registry::check_complete(client, table).await)?;
        self.told(read.await.map_err(|fault| registry::unless_gone(table, fault)))
    }
}

/// What came of a commit.
enum Written {
    Done { is_first: bool },
    Moved,
}

/// Writes a commit within a transaction.
async fn write(client: &Client, commit: &Commit) -> Result<Written, Fault> {
    let Some(was_complete) = registry::move_on(client, commit).await? else {
        return Ok(Written::Moved);
    };
    let table = commit.table;
    rows::write(client, &table.spec, &names::rows_of(&table), &commit.rows).await?;
    poison::record(client, commit).await?;
    Ok(Written::Done { is_first: commit.complete && !was_complete && !table.shadow })
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
                && registry::is_ready(&client, &self.schema, &table).await?
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
        let opened = self.told(opened.await)?;
        self.show(spec.name).await;
        Ok(opened)
    }

    async fn state(&self, table: Table) -> Result<TableState, ReadDatabaseError> {
        let begun = self.begin().await?;
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
            Ok(Written::Moved) => Ok(Committed::Moved),
            Ok(Written::Done { is_first }) => {
                let target = commit.table.spec.name;
                match is_first {
                    true => self.show(target).await,
                    false => self.show_late(target).await,
                }
                Ok(Committed::Done)
            }
            Err(Fault::RowExists) => Ok(Committed::RowExists),
            Err(fault) => {
                if commit.complete && !commit.table.shadow {
                    // It may have been done all the same.
                    self.unshown().insert(commit.table.spec.name, Instant::now());
                }
                let fault = registry::unless_gone(commit.table, fault);
                Err(fault.explained_of(&commit.table.spec, &self.database))
            }
        }
    }

    async fn claim(&self, table: Table, runner: Uuid) -> Result<TableState, ReadDatabaseError> {
        let begun = self.begin().await?;
        let claimed = async {
            registry::claim(&begun, table, runner).await?;
            registry::state(&begun, table).await
        };
        let claimed = claimed.await;
        self.told(begun.end(claimed).await)
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
        let begun = self.begin().await?;
        let made = async {
            registry::hold(&begun).await?;
            let shadow = registry::begin_rebuild(&begun, &self.schema, spec).await?;
            registry::state(&begun, shadow).await
        };
        let made = made.await;
        self.told(begun.end(made).await)
    }

    async fn finish_rebuild(
        &self,
        shadow: Table,
        revision: u64,
        left_out: Vec<Position>,
    ) -> Result<Switched, ReadDatabaseError> {
        let switched = match self.try_finish(shadow, revision, &left_out).await {
            Err(fault) if Attempts::is_in_the_way(&fault) => Switched::Busy,
            switched => self.told(switched)?,
        };
        if switched == Switched::Done {
            self.show(shadow.spec.name).await;
        }
        Ok(switched)
    }

    async fn abandon_rebuild(&self, shadow: Table) -> Result<(), ReadDatabaseError> {
        if !shadow.shadow {
            return Ok(());
        }
        let begun = self.begin().await?;
        let dropped = async {
            registry::hold(&begun).await?;
            registry::abandon_rebuild(&begun, shadow).await
        };
        let dropped = dropped.await;
        self.told(begun.end(dropped).await)
    }

    async fn versions(&self) -> Result<Vec<RowsVersion>, ReadDatabaseError> {
        self.told(registry::versions(&self.client().await?).await)
    }

    async fn discard(&self, version: &RowsVersion) -> Result<bool, ReadDatabaseError> {
        let mut attempts = Attempts::DROP;
        loop {
            match self.try_discard(version).await {
                Err(fault) => self.told(attempts.again(fault).await)?,
                Ok(discarded) => return Ok(discarded),
            }
        }
    }

    async fn skips(&self, table: Table) -> Result<Vec<Skip>, ReadDatabaseError> {
        let client = self.client().await?;
        self.told(poison::skips(&client, table.spec).await)
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

/// The rows within a transaction of the event store.
struct Within<'a> {
    open: &'a OpenTransaction,
    schema: Arc<str>,
}

impl Within<'_> {
    /// A fault that the append is told of too.
    fn noted(&self, fault: Fault) -> Fault {
        if let Fault::Postgres(fault) = &fault {
            self.open.note(fault);
        }
        fault
    }

    fn run<T>(&self, job: impl Future<Output = Result<T, Fault>>) -> Result<T, ReadDatabaseError> {
        self.open.wait(job).map_err(|fault| self.noted(fault).explained(self.open.postgres()))
    }
}

impl Within<'_> {
    /// Points the view at the newest rows, or leaves it to who opens the projection next: appends wait meanwhile.
    async fn show(&self, target: &str) -> Result<(), Fault> {
        let client = self.open.client();
        let view = View { schema: &self.schema, target };
        if view::is_right(client, view).await? {
            return Ok(());
        }
        client.batch_execute("SAVEPOINT showing").await?;
        let shown = async {
            registry::hold_briefly(client).await?;
            registry::give_way(client).await?;
            view::show_newest(client, view).await
        };
        match shown.await {
            Ok(()) => {
                let go_on = "SET LOCAL lock_timeout TO DEFAULT; RELEASE SAVEPOINT showing";
                client.batch_execute(go_on).await?;
            }
            Err(error) => {
                client.batch_execute("ROLLBACK TO SAVEPOINT showing").await?;
                tracing::warn!(%error, view = target, "the view does not show the newest rows yet");
            }
        }
        Ok(())
    }
}

impl ReadTransaction for Within<'_> {
    fn state(&self, table: Table) -> Result<TableState, ReadDatabaseError> {
        let client = self.open.client();
        self.run(async {
            registry::hold_table(client, table).await?;
            registry::state(client, table).await
        })
    }

    fn checkpoint(&self, table: Table) -> Result<Checkpoint, ReadDatabaseError> {
        let client = self.open.client();
        self.run(async {
            registry::hold_table(client, table).await?;
            registry::checkpoint(client, table).await
        })
    }

    fn load(&self, table: Table, keys: &[RowValues]) -> Result<Vec<RowValues>, ReadDatabaseError> {
        self.run(rows::load(self.open.client(), &table.spec, &names::rows_of(&table), keys))
    }

    /// What is refused is taken back, and nothing else: appends of no concern go on in the same transaction.
    fn commit(&self, commit: Commit) -> Result<Committed, ReadDatabaseError> {
        let (spec, client) = (commit.table.spec, self.open.client());
        let written = self.open.wait(async {
            client.batch_execute("SAVEPOINT writing").await?;
            let written = match write(client, &commit).await {
                Ok(written) => written,
                Err(fault) => {
                    client.batch_execute("ROLLBACK TO SAVEPOINT writing").await?;
                    return Err(fault);
                }
            };
            client.batch_execute("RELEASE SAVEPOINT writing").await?;
            if matches!(written, Written::Done { is_first: true }) {
                self.show(spec.name).await?;
            }
            Ok::<_, Fault>(written)
        });
        match written {
            Ok(Written::Done { .. }) => Ok(Committed::Done),
            Ok(Written::Moved) => Ok(Committed::Moved),
            Err(fault) => Err(self.noted(fault).explained_of(&spec, self.open.postgres())),
        }
    }

    fn finish_rebuild(
        &self,
        shadow: Table,
        revision: u64,
        left_out: &[Position],
    ) -> Result<Switched, ReadDatabaseError> {
        let client = self.open.client();
        self.run(async {
            registry::hold_briefly(client).await?;
            let rebuilt = (shadow, revision);
            let switched =
                registry::finish_rebuild(client, &self.schema, rebuilt, left_out).await?;
            if switched == Switched::Done {
                self.show(shadow.spec.name).await?;
            }
            Ok(switched)
        })
    }
}
