//! The one connection that writes, and the thread that runs jobs on it from a bounded queue.
//!
//! SQLite has one writer at a time; a queue in front of it is fairer and faster than many
//! connections that wait for each other's locks. What is queued is run, also at shutdown. The thread
//! also moves the write-ahead log into the file when it has grown, between jobs and not, as SQLite
//! would by itself, before the commit that fills it is acknowledged.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::WritingConnection;

/// Jobs that may wait; more make their callers wait.
const QUEUED: usize = 256;

/// A piece of work for the writing connection. It must leave no transaction open.
pub(super) type Job = Box<dyn FnOnce(&Turn<'_>) + Send>;

/// A job's turn on the writing connection.
pub(super) struct Turn<'a> {
    /// The connection.
    pub(super) connection: &'a WritingConnection,
    shared: &'a Shared,
}

/// The writing connection and its thread. Dropping it runs what is queued and closes the connection.
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    connection: Mutex<WritingConnection>,
    queue: Mutex<Queue>,
    filled: Condvar,
    room: Arc<Semaphore>,
}

struct Queue {
    jobs: VecDeque<(Job, Option<OwnedSemaphorePermit>)>,
    open: bool,
}

impl Writer {
    /// Starts the thread, which may be one that copies into the file.
    pub(super) fn start(connection: Connection, copies: bool) -> Result<Self, StartError> {
        let shared = Arc::new(Shared {
            connection: Mutex::new(WritingConnection::new(connection, copies)?),
            queue: Mutex::new(Queue { jobs: VecDeque::new(), open: true }),
            filled: Condvar::new(),
            room: Arc::new(Semaphore::new(QUEUED)),
        });
        let worker = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("eventloom-writer".to_owned())
            .spawn(move || worker.work())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Queues a job, waiting for room.
    pub(super) async fn submit(&self, job: Job) {
        // The semaphore is never closed; if it were, the job would merely not wait.
        let room = Arc::clone(&self.shared.room).acquire_owned().await.ok();
        self.shared.push(job, room);
    }

    /// Queues a job whose number is bounded elsewhere.
    pub(super) fn submit_now(&self, job: Job) {
        self.shared.push(job, None);
    }

    /// Runs a job on the caller's thread if nothing else runs, or tells that something does.
    pub(super) fn run_here<T>(&self, job: impl FnOnce(&WritingConnection) -> T) -> Option<T> {
        let connection = match self.shared.connection.try_lock() {
            Ok(connection) => connection,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let value = job(&connection);
        if connection.log_is_due() {
            // The thread looks after the log when it has run a job, and be it none.
            self.submit_now(Box::new(|_| ()));
        }
        Some(value)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        lock(&self.shared.queue).open = false;
        self.shared.filled.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            // Jobs catch their own panics; nothing is left to be told.
            let _ = thread.join();
        }
    }
}

impl Turn<'_> {
    /// Whether a job that could go on should rather make way.
    pub(super) fn is_over(&self) -> bool {
        self.connection.log_is_due() || !lock(&self.shared.queue).jobs.is_empty()
    }

    /// Queues a job behind those that wait.
    pub(super) fn queue(&self, job: Job) {
        self.shared.push(job, None);
    }
}

impl Shared {
    fn push(&self, job: Job, room: Option<OwnedSemaphorePermit>) {
        lock(&self.queue).jobs.push_back((job, room));
        self.filled.notify_one();
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            let connection = lock(&self.connection);
            let turn = || {
                job(&Turn { connection: &connection, shared: self });
                if connection.log_is_due() {
                    connection.move_log_into_file();
                }
            };
            // Without this thread nobody would be answered any more. Jobs catch their own panics; of
            // any other, the panic hook has told.
            let _ = catch_unwind(AssertUnwindSafe(turn));
        }
    }

    fn next(&self) -> Option<Job> {
        let mut queue = lock(&self.queue);
        loop {
            if let Some((job, _room)) = queue.jobs.pop_front() {
                return Some(job);
            }
            if !queue.open {
                return None;
            }
            queue = self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Why there is no writer.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    /// SQLite failed.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// The system gave no thread.
    #[error("the writing thread could not be started: {0}")]
    Thread(#[from] std::io::Error),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
