//! [`SqliteDatabase`]: one file, one writing thread, a few reading connections.
//!
//! It knows transactions and nothing of events: the event store and the read models both stand on it,
//! on one file or on two. Its neighbours are [`super::open`] (the file), [`super::writer`] (the
//! thread) and [`super::readers`] (the pool).

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, Transaction};
use tokio::sync::oneshot;

use super::connection::WritingConnection;
use super::fault::JobError;
use super::readers::Readers;
use super::writer::{Job, Turn, Writer};
use super::{copying, open};
use crate::store::StoreError;

/// When a commit counts as durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// Every commit is synced to the disk before it is acknowledged: it survives a power failure.
    #[default]
    Full,
    /// Commits are synced at checkpoints only: faster, and never corrupt, but a power failure or a
    /// crash of the operating system may lose the last acknowledged commits. A crash of the program
    /// loses nothing.
    Normal,
}

/// How a [`SqliteDatabase`] is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqliteOptions {
    /// When a commit counts as durable.
    pub synchronous: Synchronous,
    /// How long to wait for another program's lock before giving up.
    pub busy_timeout: Duration,
    /// At most so many reads at a time; at least one.
    pub readers: usize,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { synchronous: Synchronous::Full, busy_timeout: Duration::from_secs(5), readers: 4 }
    }
}

/// An SQLite file that is open for reading and writing. Cheap to clone; clones share the file.
///
/// The last clone to be dropped runs what is queued, moves the write-ahead log into the file and
/// closes it, which may take a moment.
#[derive(Clone)]
pub struct SqliteDatabase {
    inner: Arc<Inner>,
}

/// Fields are dropped in this order: the writer closes last, and so moves the log into the file.
struct Inner {
    readers: Readers,
    writer: Writer,
    path: PathBuf,
    copies: bool,
}

impl SqliteDatabase {
    /// Opens a file with the default options, creating it where there is none.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] for a file of another program or a later format,
    /// [`StoreError::Corrupt`] for a damaged one, [`StoreError::UnfinishedCopy`] for a part of another,
    /// [`StoreError::Unwritable`] or [`StoreError::Unavailable`] where it cannot be written, opened or locked.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, SqliteOptions::default())
    }

    /// Opens a file, creating it where there is none.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, StoreError> {
        Self::open_as(path.as_ref(), options, false)
    }

    /// Opens a file to copy a store into it ([`copy`](crate::store::whole::copy)), creating it where there is none. Where
    /// a copy into a file is unfinished, it can be opened in no other way; then it can be read, and nothing can be
    /// written but by a copy.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_for_copy(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_as(path.as_ref(), SqliteOptions::default(), true)
    }

    fn open_as(path: &Path, options: SqliteOptions, copies: bool) -> Result<Self, StoreError> {
        if path == Path::new(":memory:") {
            let reason = "a database in memory could not be shared between its connections; \
                          name a file, or use MemoryStore";
            return Err(StoreError::Unsupported(reason.to_owned()));
        }
        // An absolute path is never one of SQLite's special names, such as `:memory:`.
        let path = std::path::absolute(path).map_err(|error| {
            StoreError::Foreign(format!("{path:?} is no path of a file: {error}"))
        })?;
        let connection = open::open_writer(&path, &options)?;
        if !copies {
            copying::refuse_part(&connection)
                .map_err(|error| error.into_store_error(&connection))?;
        }
        let writer = Writer::start(connection, copies).map_err(|error| {
            StoreError::Unavailable(format!("{} cannot be written: {error}", path.display()))
        })?;
        let readers = Readers::new(path.clone(), options, copies);
        Ok(Self { inner: Arc::new(Inner { readers, writer, path, copies }) })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Whether it was opened to copy a store into it.
    pub(super) fn copies(&self) -> bool {
        self.inner.copies
    }

    /// Runs a job in a writing transaction of its own, after those that are queued. It is committed,
    /// durably, before this returns; on an error or a panic of the job it is rolled back.
    ///
    /// # Errors
    /// What the job failed with, or a failure of the commit.
    pub async fn write<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, JobError> + Send + 'static,
    {
        self.try_write(|transaction| {
            job(transaction).map_err(|error| error.into_store_error(transaction))
        })
        .await
    }

    /// As [`Self::write`], for what a copy does, which goes on where one is unfinished.
    pub(super) async fn write_in_copy<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, JobError> + Send + 'static,
    {
        self.with_writer(|connection| {
            connection.in_copy(|transaction| {
                job(transaction).map_err(|error| error.into_store_error(transaction))
            })
        })
        .await
    }

    /// As [`Self::write`], for jobs with an error type of their own.
    ///
    /// # Errors
    /// What the job failed with, or a failure of the commit.
    pub async fn try_write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        self.with_writer(|connection| connection.in_transaction(job)).await
    }

    /// As [`Self::try_write`], without waiting for the disk. A power failure may undo the commit,
    /// together with all that came after it and nothing that came before; the next synced commit
    /// makes it durable. For what can be worked out again, such as read models.
    ///
    /// # Errors
    /// As [`Self::try_write`].
    pub async fn write_unsynced<T, E, F>(&self, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        self.with_writer(|connection| connection.without_sync(|| connection.in_transaction(job)))
            .await
    }

    /// Runs a job on one of the reading connections, off the caller's thread.
    ///
    /// Statements of the job see the database as it is when each begins; a job that needs one view
    /// for all of them opens a transaction (`connection.unchecked_transaction()`).
    ///
    /// # Errors
    /// What the job failed with.
    pub async fn read<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, JobError> + Send + 'static,
    {
        self.try_read(|connection| {
            job(connection).map_err(|error| error.into_store_error(connection))
        })
        .await
    }

    /// As [`Self::read`], for jobs with an error type of their own.
    ///
    /// # Errors
    /// What the job failed with.
    pub async fn try_read<T, E, F>(&self, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        let permit = self.inner.readers.permit().await;
        let inner = Arc::clone(&self.inner);
        let task = tokio::task::spawn_blocking(move || {
            let result = inner.readers.with(job);
            drop(permit);
            result
        });
        match task.await {
            Ok(result) => result,
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => panic::resume_unwind(panic),
                Err(_) => Err(self.closed().into()),
            },
        }
    }

    /// Runs a job on the writing connection, after those that are queued.
    pub(super) async fn with_writer<T, E, F>(&self, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&WritingConnection) -> Result<T, E> + Send + 'static,
    {
        let (answer, outcome) = oneshot::channel();
        let job = Box::new(move |turn: &Turn<'_>| {
            let result = panic::catch_unwind(AssertUnwindSafe(|| job(turn.connection)));
            // Nobody may be waiting any more; the job counts all the same.
            let _ = answer.send(result);
        });
        self.inner.writer.submit(job).await;
        match outcome.await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => panic::resume_unwind(panic),
            Err(_) => Err(self.closed().into()),
        }
    }

    /// Queues a job of which only so many can be under way.
    pub(super) fn submit_now(&self, job: Job) {
        self.inner.writer.submit_now(job);
    }

    /// Runs a job on the caller's thread if nothing else runs, or tells that something does. It may
    /// take as long as a sync.
    pub(super) fn run_here<T>(&self, job: impl FnOnce(&WritingConnection) -> T) -> Option<T> {
        self.inner.writer.run_here(job)
    }

    /// What a caller is told whose work was dropped. The writing thread runs what is queued and the
    /// last clone outlives it, so that only a runtime that shuts down brings this about.
    pub(super) fn closed(&self) -> StoreError {
        StoreError::Unavailable(format!("{} is being closed", self.inner.path.display()))
    }
}

impl fmt::Debug for SqliteDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteDatabase").field("path", &self.inner.path).finish_non_exhaustive()
    }
}
