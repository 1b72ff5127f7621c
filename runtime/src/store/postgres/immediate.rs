//! A transaction in which appends take place, as immediate projections see it: they are no futures, and wait.

use std::any::Any;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;

use super::append::LONGEST;
use super::database::{Client, PostgresDatabase};
use super::fault::Fault;
use super::reads::{self, Known};
use super::transaction::Begun;
use crate::metadata::Position;
use crate::store::archive::Archive;
use crate::store::{AllPage, AppendTransaction, EventFilter, StoreError};

/// How long a server may take to take back what was written, before the connection goes with it.
const PATIENCE: Duration = Duration::from_secs(5);

/// A transaction that was begun on a connection. Unless it is brought to an end, the connection goes with it.
pub(crate) struct OpenTransaction {
    begun: Begun,
    database: PostgresDatabase,
    known: Known,
    runtime: Handle,
    /// Whether something in it was ended for the sake of another transaction.
    gave_way: AtomicBool,
}

impl OpenTransaction {
    /// Begins one, on a thread that may be blocked.
    pub(super) fn begin(
        client: Client,
        database: &PostgresDatabase,
        archive: &Arc<Archive>,
        runtime: &Handle,
    ) -> Result<Self, Fault> {
        Ok(Self {
            begun: in_time(runtime, Begun::on(client))?,
            database: database.clone(),
            // What is read may be taken back, and is not to be known to others.
            known: Known::new(archive),
            runtime: runtime.clone(),
            gave_way: AtomicBool::new(false),
        })
    }

    /// Keeps what was written. Where the server does not answer, nobody knows whether it is kept.
    pub(super) fn commit(self) -> Result<(), Fault> {
        match in_time(&self.runtime, self.begun.end(Ok(()))) {
            Err(Fault::NoAnswer) => Err(Fault::Unknown(Box::new(Fault::NoAnswer))),
            ended => ended,
        }
    }

    /// Takes back what was written. The connection is kept where it answers: one that was made anew would put all in doubt that is
    /// known of streams.
    pub(super) fn undo(self) {
        let Self { begun, runtime, .. } = self;
        // Otherwise it goes with what was begun on it, and the server takes that back.
        let _ = runtime.block_on(async { tokio::time::timeout(PATIENCE, begun.undo()).await });
    }

    /// Lets no append come in between from here to the end.
    pub(super) fn hold_appends(&self) -> Result<(), Fault> {
        self.wait(async { Ok(self.begun.batch_execute("SELECT eventloom.begin_append()").await?) })
    }

    /// Waits for something that is asked on the connection.
    pub(crate) fn wait<T, E: From<Fault>>(
        &self,
        asked: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        in_time(&self.runtime, asked)
    }

    /// A fault of something that was asked in it, in words.
    pub(crate) fn explained(&self, fault: Fault) -> StoreError {
        self.note(&fault);
        self.database.explained(fault)
    }

    /// Remembers a fault after which the transaction may be tried again.
    pub(crate) fn note(&self, fault: &Fault) {
        self.gave_way.fetch_or(fault.gave_way(), Ordering::Relaxed);
    }

    /// Whether something in it was ended for the sake of another transaction, so that the whole may be tried again.
    pub(super) fn gave_way(&self) -> bool {
        self.gave_way.load(Ordering::Relaxed)
    }

    /// The connection.
    pub(crate) fn client(&self) -> &Client {
        &self.begun
    }

    /// The database.
    pub(crate) fn postgres(&self) -> &PostgresDatabase {
        &self.database
    }
}

/// Waits for an answer, for as long as one may take.
fn in_time<T, E: From<Fault>>(
    runtime: &Handle,
    asked: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let answered = runtime.block_on(async { tokio::time::timeout(LONGEST, asked).await });
    answered.unwrap_or_else(|_| Err(Fault::NoAnswer.into()))
}

impl AppendTransaction for OpenTransaction {
    fn read_all(
        &self,
        after: Position,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<AllPage, StoreError> {
        self.wait(reads::read_all_within(&self.begun, &self.known, after, filter, limit))
            .map_err(|fault| self.explained(fault))
    }

    fn database(&self) -> &dyn Any {
        self
    }
}
