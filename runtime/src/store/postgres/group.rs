//! Group commit: the appends of many callers in one transaction, each with its own outcome.
//!
//! Callers queue their appends; one task takes what has gathered, as far as it has nothing in common, and sends it. What
//! comes meanwhile is the next group. An answer is given after the commit, and never before.
//!
//! Who appends while nobody else does sends the append itself: to hand it to the task and to be woken by it would cost more
//! than it saves.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::runtime::{self, Handle};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::task::spawn_blocking;

use super::append::{Appender, Outcome};
use super::batch::{self, Apart};
use super::database::PostgresDatabase;
use super::fault::Fault;
use super::immediate::OpenTransaction;
use super::reads::Known;
use super::watch::{Head, tell_own};
use crate::store::immediate::is_same;
use crate::store::{Append, ImmediateFold, StoreError};

/// Appends that may wait; more make their callers wait.
const QUEUED: usize = 4096;
/// Appends that one transaction takes at most.
const GROUP: usize = 512;
/// Bytes of data after which a transaction takes no further append.
const GROUP_BYTES: usize = 4 * 1024 * 1024;
/// How often other tasks get a turn to bring the next appends, after a group was answered.
const TURNS: usize = 16;

/// The way into the store for appends.
pub(super) struct Groups {
    queue: mpsc::UnboundedSender<Order>,
    room: Arc<Semaphore>,
    appending: Arc<Mutex<Appending>>,
    head: watch::Sender<Head>,
    /// The connections belong to it.
    runtime: runtime::Id,
}

/// What appends need. Whoever has it appends, one group at a time.
struct Appending {
    appender: Appender,
    folds: Vec<Arc<dyn ImmediateFold>>,
    /// How many appends the last group had.
    before: usize,
}

/// What the task is to do.
enum Order {
    Append(Waiting),
    Fold(Arc<dyn ImmediateFold>, oneshot::Sender<Result<(), StoreError>>),
}

struct Waiting {
    append: Arc<Append>,
    answer: oneshot::Sender<Outcome>,
    _room: Option<OwnedSemaphorePermit>,
}

impl Groups {
    /// Starts the task that appends, which lives as long as this. `head` is told of each position.
    pub(super) fn start(
        database: &PostgresDatabase,
        known: &Arc<Known>,
        head: watch::Sender<Head>,
    ) -> Self {
        let (queue, orders) = mpsc::unbounded_channel();
        let appender = Appender::new(database, known);
        let appending = Appending { appender, folds: Vec::new(), before: 0 };
        let appending = Arc::new(Mutex::new(appending));
        let writer = Writer {
            database: database.clone(),
            known: Arc::clone(known),
            appending: Arc::clone(&appending),
            orders,
            waiting: VecDeque::new(),
            head: head.clone(),
        };
        tokio::spawn(writer.work());
        let room = Arc::new(Semaphore::new(QUEUED));
        Self { queue, room, appending, head, runtime: Handle::current().id() }
    }

    /// Appends, together with whoever else is appending.
    pub(super) async fn append(&self, append: &Arc<Append>) -> Outcome {
        if let Err(error) = batch::check(append) {
            return error.into();
        }
        if let Some(outcome) = self.alone(append).await {
            return outcome;
        }
        // The semaphore is never closed; if it were, appends would merely not be limited.
        let room = Arc::clone(&self.room).acquire_owned().await.ok();
        let (answer, outcome) = oneshot::channel();
        let waiting = Waiting { append: Arc::clone(append), answer, _room: room };
        if self.queue.send(Order::Append(waiting)).is_err() {
            return ended().into();
        }
        // Whoever sends answers all; if not, nobody knows how far it came.
        outcome.await.unwrap_or_else(|_| unknown("the append was never answered").into())
    }

    /// Appends at once, where nobody else does and nobody did just now: of many callers the first to come again would
    /// otherwise have a commit of its own, for which the others wait.
    ///
    /// Who does not wait for the answer leaves the append to the server, as a queued one is left to the task.
    async fn alone(&self, append: &Append) -> Option<Outcome> {
        let is_at_home = Handle::try_current().is_ok_and(|here| here.id() == self.runtime);
        if !is_at_home || self.queue.is_closed() {
            return None;
        }
        let mut appending = self.appending.try_lock().ok()?;
        if appending.before > 1 || !appending.folds.is_empty() {
            return None;
        }
        let outcome = appending.appender.append(&[append]).await.pop()?;
        if let Outcome::Appended(position) = outcome {
            tell_own(&self.head, position);
        }
        Some(outcome)
    }

    /// Runs a fold inside every append from now on, in place of an earlier one of its projection.
    pub(super) async fn fold(&self, fold: Arc<dyn ImmediateFold>) -> Result<(), StoreError> {
        let (answer, opened) = oneshot::channel();
        if self.queue.send(Order::Fold(fold, answer)).is_err() {
            return Err(ended());
        }
        opened.await.unwrap_or_else(|_| Err(ended()))
    }
}

/// The task that appends.
struct Writer {
    database: PostgresDatabase,
    known: Arc<Known>,
    appending: Arc<Mutex<Appending>>,
    orders: mpsc::UnboundedReceiver<Order>,
    waiting: VecDeque<Waiting>,
    head: watch::Sender<Head>,
}

impl Writer {
    async fn work(mut self) {
        loop {
            let mut first = None;
            if self.waiting.is_empty() {
                first = self.orders.recv().await;
                if first.is_none() {
                    return;
                }
            }
            let mut appending = Arc::clone(&self.appending).lock_owned().await;
            if let Some(order) = first {
                self.take_in(order, &mut appending).await;
            }
            self.gather(&mut appending).await;
            let group = take(&mut self.waiting);
            appending.before = group.len();
            if !group.is_empty() {
                self.append(group, &mut appending).await;
            }
        }
    }

    async fn append(&mut self, group: Vec<Waiting>, appending: &mut Appending) {
        let outcomes = match appending.folds.is_empty() {
            true => {
                let appends: Vec<&Append> = group.iter().map(|waiting| &*waiting.append).collect();
                appending.appender.append(&appends).await
            }
            false => self.append_folding(&group, appending).await,
        };
        for (waiting, outcome) in group.into_iter().zip(outcomes) {
            if let Outcome::Appended(position) = outcome {
                tell_own(&self.head, position);
            }
            // The caller may be gone; the append counts all the same.
            let _ = waiting.answer.send(outcome);
        }
    }

    /// Folds block their thread, so they get one.
    async fn append_folding(&self, group: &[Waiting], appending: &mut Appending) -> Vec<Outcome> {
        let fresh = Appender::new(&self.database, &self.known);
        let mut appender = std::mem::replace(&mut appending.appender, fresh);
        let appends: Vec<Arc<Append>> =
            group.iter().map(|waiting| Arc::clone(&waiting.append)).collect();
        let (folds, runtime) = (appending.folds.clone(), Handle::current());
        let done = spawn_blocking(move || {
            let appends: Vec<&Append> = appends.iter().map(|append| &**append).collect();
            let outcomes = appender.append_folding(&appends, &folds, &runtime);
            (appender, outcomes)
        });
        match done.await {
            Ok((appender, outcomes)) => {
                appending.appender = appender;
                outcomes
            }
            Err(error) => {
                let error = unknown(&format!("the append came to no end: {error}"));
                vec![error.into(); group.len()]
            }
        }
    }

    async fn take_in(&mut self, order: Order, appending: &mut Appending) {
        match order {
            Order::Append(waiting) => self.waiting.push_back(waiting),
            Order::Fold(fold, answer) => {
                let opened = self.open(&fold).await;
                if opened.is_ok() {
                    appending.folds.retain(|known| !is_same(&**known, &*fold));
                    appending.folds.push(fold);
                }
                // Who asked may be gone.
                let _ = answer.send(opened);
            }
        }
    }

    /// Brings the rows of a fold up to the last event, while nothing is appended.
    async fn open(&self, fold: &Arc<dyn ImmediateFold>) -> Result<(), StoreError> {
        let client =
            self.database.writer().await.map_err(|fault| self.database.explained(fault))?;
        let (fold, database) = (Arc::clone(fold), self.database.clone());
        let archive = Arc::clone(&self.known.archive);
        let runtime = Handle::current();
        let opened = spawn_blocking(move || {
            let told = |fault: Fault| database.explained(fault);
            let open =
                OpenTransaction::begin(client, &database, &archive, &runtime).map_err(told)?;
            let opened = open.hold_appends().map_err(told).and_then(|()| fold.open(&open));
            match opened {
                Ok(()) => open.commit().map_err(told),
                Err(error) => {
                    open.undo();
                    Err(error)
                }
            }
        });
        opened.await.unwrap_or_else(|error| {
            Err(unknown(&format!("the projection was not opened: {error}")))
        })
    }

    /// Takes in what has arrived. Who was answered last is likely to come again: one commit for all of them is worth a
    /// few turns of waiting.
    async fn gather(&mut self, appending: &mut Appending) {
        for _ in 0..TURNS {
            while let Ok(order) = self.orders.try_recv() {
                self.take_in(order, appending).await;
            }
            if self.waiting.len() >= appending.before.min(GROUP) {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}

/// Takes the appends of the next transaction: the first that waits, and all that have nothing in common with those
/// before them.
fn take(waiting: &mut VecDeque<Waiting>) -> Vec<Waiting> {
    let (mut apart, mut bytes) = (Apart::default(), 0);
    let mut chosen = vec![false; waiting.len()];
    let mut count = 0;
    for (waiting, chosen) in waiting.iter().zip(&mut chosen) {
        let size: usize = waiting.append.events.iter().map(|event| event.data.len()).sum();
        if count == GROUP || count > 0 && bytes + size > GROUP_BYTES {
            break;
        }
        if apart.takes(&waiting.append) {
            *chosen = true;
            count += 1;
            bytes += size;
        }
    }
    if count == waiting.len() {
        return waiting.drain(..).collect();
    }
    let all = std::mem::take(waiting);
    let mut group = Vec::with_capacity(count);
    for (append, chosen) in all.into_iter().zip(chosen) {
        if chosen {
            group.push(append);
        } else {
            waiting.push_back(append);
        }
    }
    group
}

fn unknown(reason: &str) -> StoreError {
    StoreError::OutcomeUnknown(reason.to_owned())
}

fn ended() -> StoreError {
    StoreError::Unavailable(
        "the tokio runtime in which the store was opened has ended, and its connections with it; nothing was changed: \
         open the store in the runtime that uses it"
            .to_owned(),
    )
}
