//! [`PostgresDatabase`]: bounded numbers of connections to one database.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, Runtime};
use tokio_postgres::{NoTls, SimpleQueryMessage};

use super::fault::Fault;
use super::migrations::Migrations;
use super::options::{self, Address, PostgresOptions};
use crate::store::StoreError;

/// A connection, lent out by its pool.
pub(crate) type Client = Object;

/// A PostgreSQL database, version 13 or later. Cheap to clone; clones share their connections.
///
/// The connections belong to the tokio runtime in which they are first used: what is done with them in another one works
/// only as long as that runtime does. A connection that breaks is made anew when it is next asked for.
#[derive(Clone)]
pub struct PostgresDatabase {
    inner: Arc<Inner>,
}

struct Inner {
    address: Address,
    options: PostgresOptions,
    /// Appends, one at a time.
    writer: Pool,
    /// Reads of events.
    readers: Pool,
    /// Rows of read models.
    rows: Pool,
    copies: bool,
    /// How often a connection was made: what is known of numbers in the tables may be of another server.
    made: Arc<AtomicU64>,
    appending: Arc<Appending>,
}

/// The connection that appends.
#[derive(Default)]
struct Appending {
    /// How often it was made.
    times: AtomicU64,
    /// When it was made last.
    made: Mutex<Option<Instant>>,
}

impl Appending {
    fn begins(&self) {
        *self.made.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.times.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether a connection was made before it, and may be of another server.
    fn is_newer_than(&self, other: Instant) -> bool {
        let made = *self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.is_some_and(|made| made > other)
    }
}

/// What a pool of connections is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Appends,
    /// What is read is what appends go by: no connection may be of another server than that which appends.
    Events,
    Other,
}

/// What every connection is told. Where the server would confirm commits that are not on its disk, or let a transaction
/// see what was before it waited, that is not for events; and a program that vanishes must not hold a lock for long.
const SESSION: &str = "
    SET default_transaction_isolation TO 'read committed';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
    SET jit TO off;
    SET idle_in_transaction_session_timeout TO '30s';
    SET tcp_keepalives_idle TO 10; SET tcp_keepalives_interval TO 5; SET tcp_keepalives_count TO 3;";

/// What every connection asks but those by which a store is copied into this database: whether there is but a part of one.
/// Nobody can begin a copy as long as there is a connection that has found none: the lock is held until it ends.
const WHOLE: &str = "
    DO $$
    DECLARE
        unfinished record;
    BEGIN
        PERFORM pg_advisory_lock_shared(7311146993704727190);
        IF EXISTS (
            SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'eventloom' AND c.relname = 'unfinished_copy'
        ) THEN
            BEGIN
                SELECT * INTO unfinished FROM eventloom.unfinished_copy;
            EXCEPTION
                -- The copy has ended while this waited to read of it.
                WHEN undefined_table THEN
                    RETURN;
            END;
            RAISE EXCEPTION '% %', unfinished.copied, unfinished.head USING ERRCODE = 'EVCPY';
        END IF;
    END
    $$";

/// Reads of events find everything by an index; a table that has just grown is known to the planner as a small one,
/// which it would read whole.
const EVENTS: &str = "SET enable_seqscan TO off; SET enable_bitmapscan TO off;";

/// The plans of appends are the same whatever is appended, and to make them anew takes longer than to carry them out.
const APPENDS: &str = "SET plan_cache_mode TO force_generic_plan";

/// A plan that was made when there were few rows is no plan for many.
const READS: &str = "SET plan_cache_mode TO force_custom_plan";

/// Asks whether a connection was made while the database could only be read, by a setting that it keeps when others may
/// write again. Such a one is made anew.
pub(super) const READ_ONLY: &str = "SHOW default_transaction_read_only";

/// Bytes of a name; PostgreSQL cuts longer ones off.
pub(crate) const LONGEST_NAME: usize = 63;

/// Statements that a connection for rows keeps prepared; then it begins anew. Each rebuilt table and each form of a query
/// has its own.
const PREPARED: usize = 200;

/// A connection that was used so long ago is taken to be there still.
const FRESH: Duration = Duration::from_millis(500);
/// How often a connection that can only read is made anew for that. Where each of them can, as those of a role that may only
/// read, it would be made for every question.
const READ_ONLY_FOR: Duration = Duration::from_secs(10);
/// How long an older one has to show that it is, before another is made.
const PATIENCE_WITH_OLD: Duration = Duration::from_secs(5);

/// What a role may do with an event store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted {
    /// What a program does: append and read. It can't change or delete an event.
    Program,
    /// Read only.
    Reader,
    /// Read, and archive what has aged out: it alone can let events leave, and it can't append or change one.
    Archiver,
}

impl PostgresDatabase {
    /// The database at an address such as `postgres://bank:secret@db.example.com/accounts`. No connection is made
    /// before one is needed.
    ///
    /// Other hosts than this one must speak TLS and have a certificate that the system trusts, or that the file of
    /// `sslrootcert=…` has; `sslmode=disable` in the address leaves the connection open for others to read.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] where the address can't be read, or its certificates can't.
    pub fn at(url: &str) -> Result<Self, StoreError> {
        Self::with(url, PostgresOptions::default())
    }

    /// As [`Self::at`], with options.
    ///
    /// # Errors
    /// As [`Self::at`].
    pub fn with(url: &str, options: PostgresOptions) -> Result<Self, StoreError> {
        Self::new(url, options, false)
    }

    /// The database at an address, to copy a store into it ([`copy`](crate::store::whole::copy)). Where a copy into a
    /// database is unfinished, it can be used in no other way; then it can be read, and nothing can be written but by a
    /// copy. The address is that of the user who owns the tables of the event store: no grant is enough to copy.
    ///
    /// # Errors
    /// As [`Self::at`].
    pub fn open_for_copy(url: &str) -> Result<Self, StoreError> {
        Self::new(url, PostgresOptions::default(), true)
    }

    fn new(url: &str, options: PostgresOptions, copies: bool) -> Result<Self, StoreError> {
        let address = options::address(url)?;
        let (made, appending) = (Arc::default(), Arc::default());
        let connections = options.connections.max(1);
        let pool = |size, purpose, told, copies| {
            pool(&address, options, size, (purpose, told, copies), (&made, &appending))
        };
        let inner = Inner {
            // Who may copy writes nothing else into a part.
            writer: pool(1, Purpose::Appends, &[SESSION, EVENTS, APPENDS], false)?,
            readers: pool(connections, Purpose::Events, &[SESSION, EVENTS, READS], copies)?,
            rows: pool(connections, Purpose::Other, &[SESSION, READS], false)?,
            address,
            copies,
            options,
            made,
            appending,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Lets a role use the event store. To be called by the user who owns its tables: who opened it first.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] where no role can have that name; a failure of the database.
    pub async fn grant(&self, role: &str, granted: Granted) -> Result<(), StoreError> {
        if role.len() > LONGEST_NAME {
            // Cut off, it would be another role's.
            return Err(StoreError::Unsupported(format!(
                "no role of PostgreSQL has the name `{role}`, which is longer than {LONGEST_NAME} bytes"
            )));
        }
        let role = format!("\"{}\"", role.replace('"', "\"\""));
        let mut sql = format!(
            "GRANT USAGE ON SCHEMA eventloom TO {role};
             GRANT SELECT ON eventloom.migrations, eventloom.shapes, eventloom.streams, eventloom.events, \
             eventloom.unique_fields, eventloom.unique_keys, eventloom.commands, eventloom.snapshots, \
             eventloom.event_log, eventloom.archive_segments, eventloom.archive_blocks, eventloom.archive_ranges, \
             eventloom.archive_store TO {role};"
        );
        if granted == Granted::Program {
            sql.push_str(&format!(
                "GRANT EXECUTE ON FUNCTION eventloom.append, eventloom.append_event, eventloom.save_snapshot, \
                 eventloom.discard_snapshot, eventloom.begin_append, eventloom.number_shapes, eventloom.register, \
                 eventloom.number_fields TO {role};"
            ));
        }
        if granted == Granted::Archiver {
            sql.push_str(&format!(
                "GRANT EXECUTE ON FUNCTION eventloom.archive, eventloom.archive_identity, eventloom.archive_moved \
                 TO {role};"
            ));
        }
        let granted = async { Ok(self.rows().await?.batch_execute(&sql).await?) };
        granted.await.map_err(|fault| self.explained(fault))
    }

    /// Whether two ways lead to one database.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let (one, other) = (&self.inner.address, &other.inner.address);
        one.to_string() == other.to_string()
    }

    /// Whether it was opened to copy a store into it.
    pub(super) fn copies(&self) -> bool {
        self.inner.copies
    }

    pub(super) fn address(&self) -> &Address {
        &self.inner.address
    }

    /// A number that is another one after a connection was made.
    pub(super) fn generation(&self) -> u64 {
        self.inner.made.load(Ordering::SeqCst)
    }

    /// A number that is another one after the connection that appends was made.
    pub(super) fn epoch(&self) -> u64 {
        self.inner.appending.times.load(Ordering::SeqCst)
    }

    /// The connection that appends.
    pub(super) async fn writer(&self) -> Result<Client, Fault> {
        Ok(self.inner.writer.get().await?)
    }

    /// A connection that reads events.
    pub(super) async fn reader(&self) -> Result<Client, Fault> {
        Ok(self.inner.readers.get().await?)
    }

    /// A connection for rows.
    pub(crate) async fn rows(&self) -> Result<Client, Fault> {
        let client = self.inner.rows.get().await?;
        if client.statement_cache.size() > PREPARED {
            client.statement_cache.clear();
        }
        Ok(client)
    }

    /// Closes connections that have found no copy, so that this program is not in the way of one that it begins itself.
    pub(super) fn make_way(&self) {
        for pool in [&self.inner.writer, &self.inner.rows] {
            drop(pool.retain(|_, _| false));
        }
    }

    /// A connection of its own, for what holds it for long: nobody waits for it, and it ends with who has it.
    pub(super) async fn alone(&self) -> Result<Client, Fault> {
        let Inner { address, options, copies, .. } = &*self.inner;
        let kind = (Purpose::Other, &[SESSION, READS] as &[_], *copies);
        let pool = pool(address, *options, 1, kind, (&Arc::default(), &Arc::default()));
        Ok(pool.map_err(Fault::from)?.get().await?)
    }

    /// Makes the tables of a part of Eventloom what this program takes them for.
    pub(crate) async fn migrate(&self, migrations: Migrations) -> Result<(), StoreError> {
        let migrated = async {
            let mut client = if self.copies() { self.reader().await? } else { self.rows().await? };
            migrations.run(&mut client).await
        };
        migrated.await.map_err(|fault| self.explained(fault))
    }

    /// A failure in words, with the address.
    pub(crate) fn explained(&self, fault: Fault) -> StoreError {
        fault.at(&self.inner.address)
    }
}

/// Host, port and name of the database.
impl fmt::Display for PostgresDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.inner.address, f)
    }
}

impl fmt::Debug for PostgresDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresDatabase").field(&self.inner.address).finish()
    }
}

fn pool(
    address: &Address,
    options: PostgresOptions,
    size: usize,
    (purpose, told, copies): (Purpose, &'static [&'static str], bool),
    (made, appending): (&Arc<AtomicU64>, &Arc<Appending>),
) -> Result<Pool, StoreError> {
    let config = address.config.clone();
    let manager = match &address.tls {
        Some(tls) => Manager::from_config(config, tls.clone(), ManagerConfig::default()),
        None => Manager::from_config(config, NoTls, ManagerConfig::default()),
    };
    let (made, begun) = (Arc::clone(made), Arc::clone(appending));
    let tell = Hook::async_fn(move |client, _| {
        made.fetch_add(1, Ordering::SeqCst);
        if purpose == Purpose::Appends {
            begun.begins();
        }
        Box::pin(async move {
            let tell = async {
                for told in told {
                    client.batch_execute(told).await?;
                }
                if copies { Ok(()) } else { client.batch_execute(WHOLE).await }
            };
            in_time(tell).await
        })
    });
    // After a while the server may have been restarted, or the way to it broken, without a word.
    let (renewed, appending) = (Arc::new(Mutex::new(None)), Arc::clone(appending));
    let look = Hook::async_fn(move |client, metrics| {
        let is_fresh = metrics.last_used() < FRESH;
        let is_old = purpose == Purpose::Events && appending.is_newer_than(metrics.created);
        let renewed = Arc::clone(&renewed);
        Box::pin(async move {
            if is_old {
                return Err(HookError::message("the connection that appends is newer"));
            }
            if is_fresh {
                return Ok(());
            }
            match in_time(client.simple_query(READ_ONLY)).await {
                Ok(told) if is_read_only(&told) && is_due(&renewed) => {
                    Err(HookError::message("it can only read"))
                }
                told => told.map(drop),
            }
        })
    });
    Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(options.patience))
        .create_timeout(Some(options.patience))
        .post_create(tell)
        .pre_recycle(look)
        .build()
        .map_err(|error| StoreError::Unsupported(format!("no connections can be made: {error}")))
}

/// Whether connections that can only read have not been made anew for a while, which is noted to be done now.
fn is_due(renewed: &Mutex<Option<Instant>>) -> bool {
    let mut last = renewed.lock().unwrap_or_else(PoisonError::into_inner);
    let is_due = last.is_none_or(|last| last.elapsed() >= READ_ONLY_FOR);
    if is_due {
        *last = Some(Instant::now());
    }
    is_due
}

/// Whether the last answer to [`READ_ONLY`] is that it can.
pub(super) fn is_read_only(told: &[SimpleQueryMessage]) -> bool {
    let rows = told.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    rows.last() == Some("on")
}

/// What a connection must answer soon, or it is taken for dead.
async fn in_time<T>(
    asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, HookError> {
    match tokio::time::timeout(PATIENCE_WITH_OLD, asked).await {
        Ok(answered) => answered.map_err(HookError::Backend),
        Err(_) => Err(HookError::message("the server does not answer")),
    }
}
