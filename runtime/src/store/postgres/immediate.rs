//! A transaction in which appends take place, as immediate projections see it: they are no futures, and wait.

use std::any::Any;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Handle;

use super::database::{Client, PostgresDatabase};
use super::fault::Fault;
use super::reads::{self, Known};
use super::transaction::COMMIT;
use crate::metadata::Position;
use crate::store::{AllPage, AppendTransaction, EventFilter, StoreError};

/// A transaction that was begun on a connection. It is rolled back unless it is committed.
pub(crate) struct OpenTransaction {
    client: Client,
    database: PostgresDatabase,
    known: Known,
    runtime: Handle,
    is_ended: AtomicBool,
}

impl OpenTransaction {
    /// Begins one, on a thread that may be blocked.
    pub(super) fn begin(
        client: Client,
        database: &PostgresDatabase,
        runtime: &Handle,
    ) -> Result<Self, Fault> {
        let this = Self {
            client,
            database: database.clone(),
            // What is read may be taken back, and is not to be known to others.
            known: Known::new(),
            runtime: runtime.clone(),
            is_ended: AtomicBool::new(false),
        };
        this.wait(this.client.batch_execute("BEGIN"))?;
        Ok(this)
    }

    /// Keeps what was written. Where the server does not answer, nobody knows whether it is kept.
    pub(super) fn commit(self) -> Result<(), Fault> {
        self.wait(self.client.batch_execute(COMMIT))?;
        self.is_ended.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Lets no append come in between from here to the end.
    pub(super) fn hold_appends(&self) -> Result<(), Fault> {
        Ok(self.wait(self.client.batch_execute("SELECT eventloom.begin_append()"))?)
    }

    /// Waits for something that is asked on the connection.
    pub(crate) fn wait<F: Future>(&self, asked: F) -> F::Output {
        self.runtime.block_on(asked)
    }

    /// The connection.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The database.
    pub(crate) fn postgres(&self) -> &PostgresDatabase {
        &self.database
    }
}

impl Drop for OpenTransaction {
    fn drop(&mut self) {
        if !self.is_ended.load(Ordering::Relaxed) {
            // Where that fails the connection is gone, and the transaction with it.
            let _ = self.wait(self.client.batch_execute("ROLLBACK"));
        }
    }
}

impl AppendTransaction for OpenTransaction {
    fn read_all(
        &self,
        after: Position,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<AllPage, StoreError> {
        self.wait(reads::read_all(&self.client, &self.known, after, filter, limit))
            .map_err(|fault| self.database.explained(fault))
    }

    fn database(&self) -> &dyn Any {
        self
    }
}
