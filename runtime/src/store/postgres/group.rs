//! Group commit: the appends of many callers in one transaction, each with its own outcome.
//!
//! Callers queue their appends; one task takes what has gathered, as far as it has nothing in common, and sends it. What
//! comes meanwhile is the next group. An answer is given after the commit, and never before.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use super::append::{Appender, Outcome};
use super::batch::{self, Apart};
use super::database::PostgresDatabase;
use crate::metadata::Position;
use crate::store::{Append, StoreError};

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
    queue: mpsc::UnboundedSender<Waiting>,
    room: Arc<Semaphore>,
}

struct Waiting {
    append: Arc<Append>,
    answer: oneshot::Sender<Outcome>,
    _room: Option<OwnedSemaphorePermit>,
}

impl Groups {
    /// Starts the task that appends, which lives as long as this. `head` is told of each position.
    pub(super) fn start(database: &PostgresDatabase, head: watch::Sender<Position>) -> Self {
        let (queue, arriving) = mpsc::unbounded_channel();
        let appender = Appender::new(database);
        tokio::spawn(work(appender, arriving, head));
        Self { queue, room: Arc::new(Semaphore::new(QUEUED)) }
    }

    /// Appends, together with whoever else is appending.
    pub(super) async fn append(&self, append: &Arc<Append>) -> Outcome {
        if let Err(error) = batch::check(append) {
            return Outcome::Failed(error);
        }
        // The semaphore is never closed; if it were, appends would merely not be limited.
        let room = Arc::clone(&self.room).acquire_owned().await.ok();
        let (answer, outcome) = oneshot::channel();
        let waiting = Waiting { append: Arc::clone(append), answer, _room: room };
        if self.queue.send(waiting).is_err() {
            return Outcome::Failed(ended());
        }
        // Whoever sends answers all; if not, nobody knows how far it came.
        let unknown = || StoreError::OutcomeUnknown("the append was never answered".to_owned());
        outcome.await.unwrap_or_else(|_| Outcome::Failed(unknown()))
    }
}

async fn work(
    mut appender: Appender,
    mut arriving: mpsc::UnboundedReceiver<Waiting>,
    head: watch::Sender<Position>,
) {
    let mut waiting = VecDeque::new();
    let mut before = 0;
    loop {
        if waiting.is_empty() {
            match arriving.recv().await {
                Some(append) => waiting.push_back(append),
                None => return,
            }
        }
        gather(&mut waiting, &mut arriving, before).await;
        let group = take(&mut waiting);
        before = group.len();
        let appends: Vec<&Append> = group.iter().map(|waiting| &*waiting.append).collect();
        let outcomes = appender.append(&appends).await;
        for (waiting, outcome) in group.into_iter().zip(outcomes) {
            if let Outcome::Appended(position) = outcome {
                head.send_if_modified(|known| {
                    std::mem::replace(known, position.max(*known)) < position
                });
            }
            // The caller may be gone; the append counts all the same.
            let _ = waiting.answer.send(outcome);
        }
    }
}

/// Takes in what has arrived. Who was answered last is likely to come again: one commit for all of them is worth a few
/// turns of waiting.
async fn gather(
    waiting: &mut VecDeque<Waiting>,
    arriving: &mut mpsc::UnboundedReceiver<Waiting>,
    before: usize,
) {
    for _ in 0..TURNS {
        while let Ok(append) = arriving.try_recv() {
            waiting.push_back(append);
        }
        if waiting.len() >= before.min(GROUP) {
            return;
        }
        tokio::task::yield_now().await;
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

fn ended() -> StoreError {
    StoreError::Unavailable(
        "the tokio runtime in which the store was opened has ended, and its connections with it; nothing was changed: \
         open the store in the runtime that uses it"
            .to_owned(),
    )
}
