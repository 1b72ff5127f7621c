//! Group commit: the appends of many callers in one transaction, each with its own outcome.
//!
//! Callers queue their appends here and one job of the writing thread takes what has gathered. An
//! answer is given after the commit, and never before.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use super::append::{Appender, Failed, OpenTransaction};
use super::catalog::Catalog;
use super::fault;
use super::numbers::Numbers;
use crate::metadata::Position;
use crate::store::{Append, AppendError, Appended, ImmediateFold, StoreError};

/// Appends that may wait; more make their callers wait.
const QUEUED: usize = 4096;
/// Appends that one transaction takes at most.
const GROUP: usize = 512;
/// Bytes of data after which a transaction takes no further append.
const GROUP_BYTES: usize = 4 * 1024 * 1024;

/// The outcome of one append.
pub(super) type Outcome = Result<Appended, AppendError>;

/// Appends on their way into one store, and what the writing thread knows of it.
pub(super) struct Groups {
    queue: Mutex<Queue>,
    room: Arc<Semaphore>,
    pub(super) catalog: Catalog,
    pub(super) writing: Mutex<Writing>,
    pub(super) head: watch::Sender<Position>,
}

/// State of the writing thread.
#[derive(Default)]
pub(super) struct Writing {
    numbers: Numbers,
    folds: Vec<Arc<dyn ImmediateFold>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    jobs: usize,
}

struct Waiting {
    append: Append,
    answer: oneshot::Sender<Outcome>,
    _room: Option<OwnedSemaphorePermit>,
}

impl Groups {
    /// Nothing is queued and nothing known.
    pub(super) fn new() -> Self {
        Self {
            queue: Mutex::default(),
            room: Arc::new(Semaphore::new(QUEUED)),
            catalog: Catalog::new(),
            writing: Mutex::default(),
            head: watch::Sender::new(0),
        }
    }

    /// Queues an append. Where this says so, the caller submits another job that calls
    /// [`Self::commit_next`].
    pub(super) async fn queue(&self, append: Append) -> (oneshot::Receiver<Outcome>, bool) {
        // The semaphore is never closed; if it were, appends would merely not be limited.
        let room = Arc::clone(&self.room).acquire_owned().await.ok();
        let (answer, outcome) = oneshot::channel();
        let mut queue = lock(&self.queue);
        queue.waiting.push_back(Waiting { append, answer, _room: room });
        let needs_job = queue.waiting.len() > queue.jobs * GROUP;
        queue.jobs += usize::from(needs_job);
        (outcome, needs_job)
    }

    /// Commits what is queued, up to a group, and answers.
    pub(super) fn commit_next(&self, connection: &Connection) {
        let mut writing = lock(&self.writing);
        let mut taken = self.take();
        while !taken.is_empty() {
            let rest = taken.split_off(by_bytes(&taken));
            self.commit(connection, &mut writing, taken);
            taken = rest;
        }
    }

    /// Runs a fold inside every append from now on, in place of the one of its name.
    pub(super) fn add_fold(&self, fold: Arc<dyn ImmediateFold>) {
        let folds = &mut lock(&self.writing).folds;
        folds.retain(|known| known.name() != fold.name());
        folds.push(fold);
    }

    fn take(&self) -> Vec<Waiting> {
        let mut queue = lock(&self.queue);
        queue.jobs -= 1;
        let count = queue.waiting.len().min(GROUP);
        queue.waiting.drain(..count).collect()
    }

    fn commit(&self, connection: &Connection, writing: &mut Writing, group: Vec<Waiting>) {
        let appends: Vec<&Append> = group.iter().map(|waiting| &waiting.append).collect();
        let outcomes = match self.attempt(connection, writing, &appends) {
            Ok(outcomes) => outcomes,
            Err(error) if appends.len() > 1 && may_be_of_one(&error) => {
                appends.iter().map(|append| self.alone(connection, writing, append)).collect()
            }
            Err(error) => vec![Err(error); appends.len()],
        };
        drop(appends);
        for (waiting, outcome) in group.into_iter().zip(outcomes) {
            // The caller may be gone; the append counts all the same.
            let _ = waiting.answer.send(outcome);
        }
    }

    fn alone(&self, connection: &Connection, writing: &mut Writing, append: &Append) -> Outcome {
        self.attempt(connection, writing, &[append])?.remove(0)
    }

    /// One transaction: the outcome of each append, or the failure of all.
    fn attempt(
        &self,
        connection: &Connection,
        writing: &mut Writing,
        appends: &[&Append],
    ) -> Result<Vec<Outcome>, AppendError> {
        writing
            .numbers
            .learn(connection, appends.iter().copied())
            .map_err(|error| error.into_store_error(connection))?;
        let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)
            .map_err(|error| fault::store_error(connection, &error))?;
        let open = OpenTransaction { connection, catalog: &self.catalog };
        let mut appender = Appender::new(open, &writing.numbers, &writing.folds)
            .map_err(|error| error.into_store_error(connection))?;
        let outcomes = appends
            .iter()
            .map(|append| match appender.append(append) {
                Ok(appended) => Ok(Ok(appended)),
                Err(Failed::Refused(error)) => Ok(Err(error)),
                Err(Failed::Transaction(error)) => Err(error),
            })
            .collect::<Result<_, AppendError>>()?;
        let head = appender.head();
        transaction.commit().map_err(|error| fault::commit_error(connection, &error))?;
        self.head.send_if_modified(|known| mem::replace(known, head.max(*known)) < head);
        Ok(outcomes)
    }
}

/// How many of the appends make up one transaction by the size of their data; at least one.
fn by_bytes(appends: &[Waiting]) -> usize {
    let mut bytes = 0;
    let fits = appends.iter().take_while(|waiting| {
        let before = bytes;
        bytes += waiting.append.events.iter().map(|event| event.data.len()).sum::<usize>();
        before == 0 || bytes <= GROUP_BYTES
    });
    fits.count()
}

/// Whether the appends are worth trying one by one: a lock or a broken disk would stop each of them.
fn may_be_of_one(error: &AppendError) -> bool {
    !matches!(error, AppendError::Store(StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_)))
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
