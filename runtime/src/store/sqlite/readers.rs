//! A small pool of reading connections, opened as they are needed.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::open::{self, Role};
use super::{SqliteOptions, copying};
use crate::store::StoreError;

/// The pool. Idle connections wait here; one that is in use belongs to its reader.
pub(super) struct Readers {
    path: PathBuf,
    options: SqliteOptions,
    /// Whether they may read where a copy is unfinished.
    copies: bool,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// An empty pool.
    pub(super) fn new(path: PathBuf, options: SqliteOptions, copies: bool) -> Self {
        let permits = Arc::new(Semaphore::new(options.readers.max(1)));
        Self { path, options, copies, idle: Mutex::new(Vec::new()), permits }
    }

    /// Waits until another read may run.
    pub(super) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed; if it were, reads would merely not be limited.
        Arc::clone(&self.permits).acquire_owned().await.ok()
    }

    /// Runs a job on a connection. A connection that the job left in a transaction, or in which it
    /// panicked, is closed.
    pub(super) fn with<T, E: From<StoreError>>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open::connect(&self.path, Role::Reader, &self.options)?,
        };
        let allowed = || match self.copies {
            true => Ok(()),
            false => copying::refuse_part(&connection)
                .map_err(|error| error.into_store_error(&connection).into()),
        };
        // Afterwards too: a copy may begin or end between what the job reads.
        let result = allowed().and_then(|()| {
            let read = job(&connection);
            allowed().and(read)
        });
        if connection.is_autocommit() {
            self.idle().push(connection);
        }
        result
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
