//! The tables of a database, and how they came to be what they are.
//!
//! Each version of them is a script that is run once, in one transaction with the note that it was. Programs that open a
//! database at the same time wait for each other.

use std::time::Duration;

use tokio_postgres::error::SqlState;

use super::database::{Client, PostgresDatabase};
use super::fault::Fault;
use super::{locks, store};
use crate::store::StoreError;

/// The scripts of one part of Eventloom in a database.
#[derive(Clone, Copy)]
pub(crate) struct Migrations {
    /// What the part is called in the database.
    pub(crate) part: &'static str,
    /// The scripts, the first version first.
    pub(crate) scripts: &'static [&'static str],
}

/// How long a migration waits for a table at a time: behind it waits everybody who wants to read it.
const WAIT_FOR_TABLES: &str = "SET LOCAL lock_timeout TO '2s'";
/// How often it is tried, and how long others have their way in between.
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

const BEGIN: &str = "
    CREATE TABLE IF NOT EXISTS eventloom.migrations (
        part text COLLATE \"C\" NOT NULL,
        version integer NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (part, version)
    )";

impl PostgresDatabase {
    /// Whether somebody has opened an event store in it. To open one makes it: who only wants to ask can look first whether
    /// the address is the right one. Nothing is made.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn has_event_store(&self) -> Result<bool, StoreError> {
        let found = async {
            let client = if self.copies() { self.reader().await? } else { self.rows().await? };
            Ok(store::MIGRATIONS.version(&client).await? > 0)
        };
        found.await.map_err(|fault| self.explained(fault))
    }
}

impl Migrations {
    /// Brings the tables to the version of this program. Where they are, nothing is written, so that a user without the
    /// right to make tables may open them.
    pub(crate) async fn run(self, client: &mut Client) -> Result<(), Fault> {
        let encoding: String =
            client.query_one("SELECT current_setting('server_encoding')", &[]).await?.try_get(0)?;
        if encoding != "UTF8" {
            return Err(StoreError::Foreign(format!(
                "the database has the encoding {encoding}, in which texts can't be kept as they are; create one with \
                 `ENCODING 'UTF8'`"
            ))
            .into());
        }
        let newest = i32::try_from(self.scripts.len()).unwrap_or(i32::MAX);
        // Who may only use the tables may not even ask for them to be made.
        let version = self.version(client).await?;
        if version == newest {
            return Ok(());
        }
        self.check(version, newest)?;
        for _ in 0..TRIES {
            match self.migrate(client, newest).await {
                Err(fault)
                    if fault.gave_way() || fault.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) =>
                {
                    tokio::time::sleep(BETWEEN_TRIES).await;
                }
                done => return done,
            }
        }
        Err(self.in_use().into())
    }

    /// Runs the scripts that are missing, all or none.
    async fn migrate(self, client: &mut Client, newest: i32) -> Result<(), Fault> {
        let transaction = client.transaction().await?;
        // First: of two that make the schema at the same time, the second would be told that it is there twice.
        transaction.query_one("SELECT pg_advisory_xact_lock($1)", &[&locks::MIGRATIONS]).await?;
        // To ask for a schema that is there takes a right that nobody needs who was given one.
        let schema = "SELECT 1 FROM pg_namespace WHERE nspname = 'eventloom'";
        if transaction.query_opt(schema, &[]).await?.is_none() {
            transaction.batch_execute("CREATE SCHEMA IF NOT EXISTS eventloom").await?;
        }
        transaction.batch_execute(WAIT_FOR_TABLES).await?;
        transaction.batch_execute(BEGIN).await?;
        // Others may have been first.
        let version: i32 = transaction
            .query_one(
                "SELECT coalesce(max(version), 0) FROM eventloom.migrations WHERE part = $1",
                &[&self.part],
            )
            .await?
            .try_get(0)?;
        self.check(version, newest)?;
        for (version, script) in (1..).zip(self.scripts).skip(usize::try_from(version).unwrap_or(0))
        {
            transaction.batch_execute(script).await?;
            transaction
                .execute(
                    "INSERT INTO eventloom.migrations (part, version) VALUES ($1, $2)",
                    &[&self.part, &version],
                )
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Refuses tables of a newer program.
    fn check(self, version: i32, newest: i32) -> Result<(), StoreError> {
        if version <= newest {
            return Ok(());
        }
        Err(StoreError::Foreign(format!(
            "its {} have version {version} and this program knows {newest}: a newer program made them; run that one",
            self.part
        )))
    }

    /// Somebody holds the tables for longer than one waits for them.
    fn in_use(self) -> StoreError {
        StoreError::Unavailable(format!(
            "the tables of its {} are to be changed for this program, and another session holds them; nothing was changed: \
             look in `pg_stat_activity` for a dump, or for a transaction that was left open, let it end, and try again",
            self.part
        ))
    }

    /// The version of the tables, 0 where there are none.
    async fn version(self, client: &Client) -> Result<i32, Fault> {
        let found = client
            .query_one(
                "SELECT coalesce(max(version), 0) FROM eventloom.migrations WHERE part = $1",
                &[&self.part],
            )
            .await;
        match found {
            Ok(row) => Ok(row.try_get(0)?),
            Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(0),
            Err(error) if error.code() == Some(&SqlState::INVALID_SCHEMA_NAME) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }
}
