//! The one thread that writes: it runs jobs from a bounded queue on its own connection.
//!
//! SQLite has one writer at a time; a queue in front of it is fairer and faster than many
//! connections that wait for each other's locks. What is queued is run, also at shutdown.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Jobs that may wait; more make their callers wait.
const QUEUED: usize = 256;

/// A piece of work for the writing connection. It must leave no transaction open.
pub(super) type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The writing thread; dropping it runs what is queued, closes the connection and ends the thread.
pub(super) struct Writer {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    room: Arc<Semaphore>,
}

struct State {
    jobs: VecDeque<(Job, Option<OwnedSemaphorePermit>)>,
    open: bool,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(connection: Connection) -> std::io::Result<Self> {
        let queue = Arc::new(Queue {
            state: Mutex::new(State { jobs: VecDeque::new(), open: true }),
            filled: Condvar::new(),
            room: Arc::new(Semaphore::new(QUEUED)),
        });
        let shared = Arc::clone(&queue);
        let thread = thread::Builder::new()
            .name("eventloom-writer".to_owned())
            .spawn(move || shared.work(connection))?;
        Ok(Self { queue, thread: Some(thread) })
    }

    /// Queues a job, waiting for room.
    pub(super) async fn submit(&self, job: Job) {
        // The semaphore is never closed; if it were, the job would merely not wait.
        let room = Arc::clone(&self.queue.room).acquire_owned().await.ok();
        self.queue.push(job, room);
    }

    /// Queues a job whose number is bounded elsewhere.
    pub(super) fn submit_now(&self, job: Job) {
        self.queue.push(job, None);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.lock().open = false;
        self.queue.filled.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            // Jobs catch their own panics; nothing is left to be told.
            let _ = thread.join();
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: Job, room: Option<OwnedSemaphorePermit>) {
        self.lock().jobs.push_back((job, room));
        self.filled.notify_one();
    }

    fn work(&self, connection: Connection) {
        while let Some(job) = self.next() {
            job(&connection);
        }
    }

    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some((job, _room)) = state.jobs.pop_front() {
                return Some(job);
            }
            if !state.open {
                return None;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
