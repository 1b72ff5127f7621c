//! [`PostgresDatabase`]: bounded numbers of connections to one database.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, Runtime};
use tokio_postgres::NoTls;

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
    /// Appends, one at a time.
    writer: Pool,
    /// Reads of events.
    readers: Pool,
    /// Rows of read models.
    rows: Pool,
}

/// What every connection is told. Where the server would confirm commits that are not on its disk, or let a transaction
/// see what was before it waited, that is not for events.
const SESSION: &str = "
    SET default_transaction_isolation TO 'read committed';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
    SET jit TO off;";

/// Reads of events find everything by an index; a table that has just grown is known to the planner as a small one,
/// which it would read whole.
const EVENTS: &str = "SET enable_seqscan TO off; SET enable_bitmapscan TO off;";

/// A plan that was made when there were few rows is no plan for many.
const ROWS: &str = "SET plan_cache_mode TO force_custom_plan";

/// A connection that was used so long ago is taken to be there still.
const FRESH: Duration = Duration::from_millis(500);
/// How long an older one has to show that it is, before another is made.
const PATIENCE_WITH_OLD: Duration = Duration::from_secs(5);

/// What a role may do with an event store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted {
    /// What a program does: append and read. It can't change or delete an event.
    Program,
    /// Read only.
    Reader,
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
        let address = options::address(url)?;
        let events: &'static [&'static str] = &[SESSION, EVENTS];
        let inner = Inner {
            writer: pool(&address, options, 1, events)?,
            readers: pool(&address, options, options.connections.max(1), events)?,
            rows: pool(&address, options, options.connections.max(1), &[SESSION, ROWS])?,
            address,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Lets a role use the event store. To be called by the user who owns its tables: who opened it first.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn grant(&self, role: &str, granted: Granted) -> Result<(), StoreError> {
        let role = format!("\"{}\"", role.replace('"', "\"\""));
        let mut sql = format!(
            "GRANT USAGE ON SCHEMA eventloom TO {role};
             GRANT SELECT ON eventloom.migrations, eventloom.shapes, eventloom.streams, eventloom.events, \
             eventloom.unique_fields, eventloom.unique_keys, eventloom.commands, eventloom.snapshots, \
             eventloom.event_log TO {role};"
        );
        if granted == Granted::Program {
            sql.push_str(&format!(
                "GRANT EXECUTE ON FUNCTION eventloom.append, eventloom.save_snapshot, \
                 eventloom.discard_snapshot, eventloom.begin_append, eventloom.number_shapes, eventloom.register, \
                 eventloom.number_fields TO {role};"
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

    pub(super) fn address(&self) -> &Address {
        &self.inner.address
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
        Ok(self.inner.rows.get().await?)
    }

    /// Makes the tables of a part of Eventloom what this program takes them for.
    pub(crate) async fn migrate(&self, migrations: Migrations) -> Result<(), StoreError> {
        let migrated = async {
            let mut client = self.rows().await?;
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
    told: &'static [&'static str],
) -> Result<Pool, StoreError> {
    let config = address.config.clone();
    let manager = match &address.tls {
        Some(tls) => Manager::from_config(config, tls.clone(), ManagerConfig::default()),
        None => Manager::from_config(config, NoTls, ManagerConfig::default()),
    };
    let tell = Hook::async_fn(move |client, _| {
        Box::pin(async move {
            for told in told {
                client.batch_execute(told).await.map_err(HookError::Backend)?;
            }
            Ok(())
        })
    });
    // After a while the server may have been restarted, or the way to it broken, without a word.
    let look = Hook::async_fn(|client, metrics| {
        let is_fresh = metrics.last_used() < FRESH;
        Box::pin(async move {
            if !is_fresh {
                client.simple_query("").await.map_err(HookError::Backend)?;
            }
            Ok(())
        })
    });
    Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(options.patience))
        .create_timeout(Some(options.patience))
        .recycle_timeout(Some(PATIENCE_WITH_OLD))
        .pre_recycle(look)
        .post_create(tell)
        .build()
        .map_err(|error| StoreError::Unsupported(format!("no connections can be made: {error}")))
}
