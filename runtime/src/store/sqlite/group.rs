//! Group commit: the appends of many callers in one transaction, each with its own outcome.
//!
//! Callers queue their appends here, and whoever's turn it is commits what has gathered: a job of
//! the writing thread, or, where a caller is alone and commits are quick, the caller itself, which
//! spares two changes of thread. An answer is given after the commit, and never before.

use std::collections::VecDeque;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use super::append::{Appender, Failed, OpenTransaction};
use super::catalog::Catalog;
use super::connection::WritingConnection;
use super::database::SqliteDatabase;
use super::numbers::Numbers;
use super::open;
use super::writer::Turn;
use crate::metadata::Position;
use crate::store::archive::Archive;
use crate::store::immediate::{is_same, message_of};
use crate::store::{Append, AppendError, Appended, ImmediateFold, StoreError};

/// Appends that may wait; more make their callers wait.
const QUEUED: usize = 4096;
/// Appends that one transaction takes at most.
const GROUP: usize = 512;
/// Bytes of data after which a transaction takes no further append.
const GROUP_BYTES: usize = 4 * 1024 * 1024;
/// A caller commits on its own thread only while commits take no longer than this: about as long as
/// a task may keep its thread from other tasks.
const QUICK: Duration = Duration::from_micros(250);
/// The longest wait for callers that have just been answered and are likely to come again.
const GATHER: Duration = Duration::from_millis(2);

/// The outcome of one append.
pub(super) type Outcome = Result<Appended, AppendError>;

/// Appends on their way into one store, and what is known of it.
pub(super) struct Groups {
    pub(super) catalog: Catalog,
    pub(super) head: watch::Sender<Position>,
    queue: Mutex<Queue>,
    room: Arc<Semaphore>,
    arrived: Condvar,
    callers: AtomicUsize,
    writing: Mutex<Writing>,
    /// Whether anything is folded within appends.
    folds: AtomicBool,
    /// How long a commit takes, in microseconds: an average that forgets.
    pace: AtomicU64,
}

/// What those who commit know, one at a time.
#[derive(Default)]
struct Writing {
    numbers: Numbers,
    folds: Vec<Arc<dyn ImmediateFold>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// Whether somebody is going to commit what waits.
    attended: bool,
    /// How many have to wait to wake who gathers.
    wanted: usize,
}

struct Waiting {
    append: Append,
    answer: oneshot::Sender<Outcome>,
    _room: Option<OwnedSemaphorePermit>,
}

impl Groups {
    /// Nothing is queued and nothing known.
    pub(super) fn new(archive: Archive) -> Self {
        Self {
            catalog: Catalog::new(archive),
            head: watch::Sender::new(0),
            queue: Mutex::default(),
            room: Arc::new(Semaphore::new(QUEUED)),
            arrived: Condvar::new(),
            callers: AtomicUsize::new(0),
            writing: Mutex::default(),
            folds: AtomicBool::new(false),
            pace: AtomicU64::new(0),
        }
    }

    /// Appends, together with whoever else is appending.
    pub(super) async fn append(self: &Arc<Self>, to: &SqliteDatabase, append: Append) -> Outcome {
        let _caller = Caller::enter(&self.callers);
        // The semaphore is never closed; if it were, appends would merely not be limited.
        let room = Arc::clone(&self.room).acquire_owned().await.ok();
        // Lets others come in that are ready: who is alone after that is likely to be alone.
        tokio::task::yield_now().await;
        let (answer, outcome) = oneshot::channel();
        if self.enqueue(Waiting { append, answer, _room: room }) {
            self.attend(to);
        }
        // Whoever commits answers all; if not, nobody knows how far it came.
        outcome.await.unwrap_or_else(|_| Err(unknown("the append was never answered")))
    }

    /// Runs a fold inside every append from now on, in place of an earlier one of its projection.
    pub(super) fn add_fold(&self, fold: Arc<dyn ImmediateFold>) {
        let folds = &mut lock(&self.writing).folds;
        folds.retain(|known| !is_same(&**known, &*fold));
        folds.push(fold);
        self.folds.store(true, Ordering::Relaxed);
    }

    /// Whether appends may need what is archived.
    pub(super) fn folds_beside_an_archive(&self) -> bool {
        self.folds.load(Ordering::Relaxed) && self.catalog.archive.folder().is_some()
    }

    /// Queues an append, and tells the caller where it is to see to the commit.
    fn enqueue(&self, append: Waiting) -> bool {
        let mut queue = lock(&self.queue);
        queue.waiting.push_back(append);
        if queue.attended && queue.waiting.len() == queue.wanted {
            self.arrived.notify_one();
        }
        !mem::replace(&mut queue.attended, true)
    }

    fn attend(self: &Arc<Self>, to: &SqliteDatabase) {
        let alone = self.callers.load(Ordering::Relaxed) == 1;
        let quick = Duration::from_micros(self.pace.load(Ordering::Relaxed)) <= QUICK;
        let committed = alone
            && quick
            && to.run_here(|connection| self.commit_here(connection)).is_some_and(|done| done);
        if !committed {
            let groups = Arc::clone(self);
            to.submit_now(Box::new(move |turn| groups.commit_all(turn)));
        }
    }

    /// Commits what waits on a caller's own thread, where that means no wait for another program.
    /// Tells whether nothing is left to be done.
    fn commit_here(&self, connection: &WritingConnection) -> bool {
        let group = self.take();
        match open::without_waiting(|| self.attempt(connection, &group)) {
            Err(AppendError::Store(StoreError::Unavailable(_))) => {
                let mut queue = lock(&self.queue);
                for append in group.into_iter().rev() {
                    queue.waiting.push_front(append);
                }
                return false;
            }
            outcomes => self.settle(connection, group, outcomes),
        }
        self.leave()
    }

    /// Commits groups as long as there are any and nobody else wants the connection.
    fn commit_all(self: Arc<Self>, turn: &Turn<'_>) {
        loop {
            let callers = self.callers.load(Ordering::Relaxed);
            let group = self.take();
            let outcomes = self.attempt(turn.connection, &group);
            self.settle(turn.connection, group, outcomes);
            if turn.is_over() {
                if !self.leave() {
                    turn.queue(Box::new(move |turn| self.commit_all(turn)));
                }
                return;
            }
            self.gather(callers);
            if self.leave() {
                return;
            }
        }
    }

    /// Waits until as many appends are there as there were callers, but not for long: one commit for
    /// all of them is worth half the time of another.
    fn gather(&self, callers: usize) {
        if callers <= 1 {
            return;
        }
        let pace = Duration::from_micros(self.pace.load(Ordering::Relaxed));
        let mut queue = lock(&self.queue);
        queue.wanted = callers.min(GROUP);
        let (mut queue, _) = self
            .arrived
            .wait_timeout_while(queue, (pace / 2).min(GATHER), |queue| {
                queue.waiting.len() < queue.wanted
            })
            .unwrap_or_else(PoisonError::into_inner);
        queue.wanted = 0;
    }

    /// Stops attending if nothing waits; tells whether that is so.
    fn leave(&self) -> bool {
        let mut queue = lock(&self.queue);
        queue.attended = !queue.waiting.is_empty();
        !queue.attended
    }

    fn take(&self) -> Vec<Waiting> {
        let mut queue = lock(&self.queue);
        let count = by_size(&queue.waiting);
        queue.waiting.drain(..count).collect()
    }

    /// Answers all. Where the whole transaction failed for what may be the fault of one append, each
    /// is tried alone.
    fn settle(
        &self,
        connection: &WritingConnection,
        group: Vec<Waiting>,
        outcomes: Result<Vec<Outcome>, AppendError>,
    ) {
        match outcomes {
            Ok(outcomes) => {
                for (append, outcome) in group.into_iter().zip(outcomes) {
                    append.answer(outcome);
                }
            }
            Err(error) if group.len() > 1 && may_be_of_one(&error) => {
                for append in group {
                    let group = [append];
                    let outcomes = self.attempt(connection, &group);
                    let [append] = group;
                    append.answer(outcomes.and_then(|mut outcomes| outcomes.remove(0)));
                }
            }
            Err(error) => {
                for append in group {
                    append.answer(Err(error.clone()));
                }
            }
        }
    }

    /// One transaction: the outcome of each append, or the failure of all. A panic in it is such a
    /// failure: nobody else's append may be left waiting for ever.
    fn attempt(
        &self,
        connection: &WritingConnection,
        group: &[Waiting],
    ) -> Result<Vec<Outcome>, AppendError> {
        let commit = || self.commit(connection, group);
        catch_unwind(AssertUnwindSafe(commit)).unwrap_or_else(|panic| {
            Err(unknown(&format!("the append panicked: {}", message_of(&*panic))))
        })
    }

    fn commit(
        &self,
        connection: &WritingConnection,
        group: &[Waiting],
    ) -> Result<Vec<Outcome>, AppendError> {
        let mut writing = lock(&self.writing);
        let Writing { numbers, folds } = &mut *writing;
        numbers
            .learn(connection, group.iter().map(|waiting| &waiting.append))
            .map_err(|error| error.into_store_error(connection))?;
        let started = Instant::now();
        let (outcomes, head) = connection.in_transaction(|transaction| {
            let open = OpenTransaction { connection: transaction, catalog: &self.catalog };
            let mut appender = Appender::new(open, numbers, folds)
                .map_err(|error| error.into_store_error(transaction))?;
            let append = |waiting: &Waiting| match appender.append(&waiting.append) {
                Ok(appended) => Ok(Ok(appended)),
                Err(Failed::Refused(error)) => Ok(Err(error)),
                Err(Failed::Transaction(error)) => Err(error),
            };
            let outcomes = group.iter().map(append).collect::<Result<_, AppendError>>()?;
            Ok::<_, AppendError>((outcomes, appender.head()))
        })?;
        self.keep_pace(started.elapsed());
        self.head.send_if_modified(|known| mem::replace(known, head.max(*known)) < head);
        Ok(outcomes)
    }

    fn keep_pace(&self, commit: Duration) {
        let latest = u64::try_from(commit.as_micros()).unwrap_or(u64::MAX).min(1_000_000);
        let before = self.pace.load(Ordering::Relaxed);
        self.pace.store((before * 7 + latest) / 8, Ordering::Relaxed);
    }
}

impl Waiting {
    fn answer(self, outcome: Outcome) {
        // The caller may be gone; the append counts all the same.
        let _ = self.answer.send(outcome);
    }
}

/// Counts a caller as long as it appends.
struct Caller<'a>(&'a AtomicUsize);

impl<'a> Caller<'a> {
    fn enter(callers: &'a AtomicUsize) -> Self {
        callers.fetch_add(1, Ordering::Relaxed);
        Self(callers)
    }
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many of the appends make up one transaction.
fn by_size(waiting: &VecDeque<Waiting>) -> usize {
    let mut bytes = 0;
    let fits = waiting.iter().take(GROUP).take_while(|waiting| {
        let before = bytes;
        bytes += waiting.append.events.iter().map(|event| event.data.len()).sum::<usize>();
        before == 0 || bytes <= GROUP_BYTES
    });
    fits.count()
}

fn unknown(reason: &str) -> AppendError {
    StoreError::OutcomeUnknown(reason.to_owned()).into()
}

/// Whether the appends are worth trying one by one: a lock or a broken disk would stop each of them.
fn may_be_of_one(error: &AppendError) -> bool {
    !matches!(error, AppendError::Store(StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_)))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
