//! The writing connection: where transactions begin and are committed, and what is known of the
//! write-ahead log that they go to.
//!
//! A system tells of a failed sync once. What was in the log before it, such as commits that were not
//! to be synced, may be lost for all that a later sync says, and a commit that follows it in the log
//! would be lost with it. So after a commit that the disk failed, nothing is written before the log
//! has been copied into the file, which is synced, and begun anew. So it is with a log that is there
//! when the file is opened, where nobody else has it open: its writer may have ended over a failed sync.

use std::cell::Cell;
use std::ops::Deref;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, Error, Transaction, TransactionBehavior};

use super::{Synchronous, copying, fault, open};
use crate::store::StoreError;

/// Pages in the log that make it worth moving into the file: 16 MiB.
const LOG_PAGES: u32 = 4096;
/// Pages by which a log has to grow that readers kept from being moved.
const LOG_GROWTH: u32 = 1024;

/// The writing connection. Transactions on it begin and end by its own methods alone.
pub(super) struct WritingConnection {
    connection: Connection,
    log: Arc<Log>,
    /// Why the disk may lack something of the log, if it may.
    in_doubt: Cell<Option<Doubt>>,
    /// How commits are to be synced, where they still are not.
    unsynced: Cell<Option<i64>>,
    /// Whether copies may be made by it.
    copies: bool,
}

/// Why the disk may lack something of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It failed.
    Failed,
    /// The log was there when the file was opened, and could not be moved.
    Found,
}

/// Pages of the write-ahead log after the last commit, and from how many on it is to be moved.
struct Log {
    pages: AtomicU32,
    due: AtomicU32,
}

impl WritingConnection {
    pub(super) fn new(mut connection: Connection, copies: bool) -> rusqlite::Result<Self> {
        let log = Arc::new(Log { pages: AtomicU32::new(0), due: AtomicU32::new(LOG_PAGES) });
        log.watch(&mut connection)?;
        let (in_doubt, unsynced) = (Cell::new(None), Cell::new(None));
        let opened = Self { connection, log, in_doubt, unsynced, copies };
        if let Err(error) = open::without_waiting(|| opened.checkpoint(CheckpointMode::TRUNCATE)) {
            opened.doubt_found_log(&error);
        }
        Ok(opened)
    }

    /// Others that have the file open may be reading for long, and nothing could be written meanwhile: with
    /// them the log is taken as it is. Of a program that writes, each failed sync is known to itself alone,
    /// and it moves the log before it writes again; what this one writes before that may be lost with it.
    fn doubt_found_log(&self, error: &Error) {
        if fault::leaves_found_log(error) {
            self.in_doubt.set(Some(Doubt::Found));
        }
    }

    /// Runs a job in a transaction and commits it.
    pub(super) fn in_transaction<T, E: From<StoreError>>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.committed(self.begin()?, job)
    }

    /// As [`Self::in_transaction`], for what a copy does, which goes on where one is unfinished.
    pub(super) fn in_copy<T, E: From<StoreError>>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = if self.copies { self.begin_on_any()? } else { self.begin()? };
        self.committed(transaction, job)
    }

    fn committed<T, E: From<StoreError>>(
        &self,
        transaction: Transaction<'_>,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let value = job(&transaction)?;
        self.commit(transaction).map_err(|error| fault::commit_error(self, &error))?;
        Ok(value)
    }

    /// Runs work whose commits are not synced, and goes back to how they were synced before, also
    /// where the work panics. Where that fails, nothing is written before it has worked: whatever comes
    /// next may be an append, which would be acknowledged before it is durable.
    pub(super) fn without_sync<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        self.go_back().map_err(|error| fault::left_open(self, &error))?;
        let before = self.stop_syncing().map_err(|error| fault::store_error(self, &error))?;
        let result = panic::catch_unwind(AssertUnwindSafe(work));
        self.unsynced.set(Some(before));
        if let Err(error) = self.go_back() {
            tracing::error!(%error, "commits can't be synced; nothing is written until they can");
        }
        result.unwrap_or_else(|panic| panic::resume_unwind(panic))
    }

    fn stop_syncing(&self) -> rusqlite::Result<i64> {
        let before = self.pragma_query_value(None, "synchronous", |row| row.get(0))?;
        self.pragma_update(None, "synchronous", open::level(Synchronous::Normal))?;
        Ok(before)
    }

    /// Ends a transaction that could not be rolled back, within which SQLite does not change how
    /// commits are synced, and goes back to how they are to be.
    fn go_back(&self) -> rusqlite::Result<()> {
        if !self.is_autocommit() {
            self.execute_batch("ROLLBACK")?;
        }
        if let Some(level) = self.unsynced.get() {
            self.pragma_update(None, "synchronous", level)?;
            self.unsynced.set(None);
        }
        Ok(())
    }

    /// Begins a transaction, or refuses where what it commits might not last, or where a copy is unfinished: also to who
    /// copies, whose handle on the file can do more than that.
    pub(super) fn begin(&self) -> Result<Transaction<'_>, StoreError> {
        let transaction = self.begin_on_any()?;
        copying::refuse_part(&transaction).map_err(|error| error.into_store_error(self))?;
        Ok(transaction)
    }

    fn begin_on_any(&self) -> Result<Transaction<'_>, StoreError> {
        self.go_back().map_err(|error| fault::left_open(self, &error))?;
        self.leave_no_doubt()?;
        Transaction::new_unchecked(self, TransactionBehavior::Immediate)
            .map_err(|error| fault::store_error(self, &error))
    }

    /// Commits a transaction.
    pub(super) fn commit(&self, transaction: Transaction<'_>) -> rusqlite::Result<()> {
        transaction.commit().inspect_err(|error| self.doubt_after(error))
    }

    fn doubt_after(&self, error: &Error) {
        if fault::leaves_doubt(error) {
            self.in_doubt.set(Some(Doubt::Failed));
        }
    }

    fn leave_no_doubt(&self) -> Result<(), StoreError> {
        if let Some(doubt) = self.in_doubt.get() {
            self.checkpoint(CheckpointMode::TRUNCATE)
                .map_err(|error| fault::in_doubt(self, doubt, &error))?;
            self.in_doubt.set(None);
        }
        Ok(())
    }

    fn checkpoint(&self, mode: CheckpointMode) -> rusqlite::Result<()> {
        self.wal_checkpoint_v2(Some("main"), mode).map(|_| ())
    }

    /// Whether it is worth moving the log into the file.
    pub(super) fn log_is_due(&self) -> bool {
        self.log.pages.load(Ordering::Relaxed) >= self.log.due.load(Ordering::Relaxed)
    }

    /// Moves what no reader needs. Where that fails, the log stays and goes on growing; the next
    /// attempt comes when it has.
    pub(super) fn move_log_into_file(&self) {
        if let Err(error) = self.checkpoint(CheckpointMode::PASSIVE) {
            self.doubt_after(&error);
            let path = self.path();
            tracing::warn!(path, %error, "the write-ahead log could not be moved into the file");
        }
        let pages = self.log.pages.load(Ordering::Relaxed);
        self.log.due.store(pages + LOG_GROWTH, Ordering::Relaxed);
    }
}

impl Deref for WritingConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Log {
    fn watch(self: &Arc<Self>, connection: &mut Connection) -> rusqlite::Result<()> {
        let log = Arc::clone(self);
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: i32| {
            let pages = pages.unsigned_abs();
            log.pages.store(pages, Ordering::Relaxed);
            if pages < LOG_PAGES {
                log.due.store(LOG_PAGES, Ordering::Relaxed);
            }
            Ok(())
        }))
    }
}
