//! The event store in memory: for tests, examples and trying things out. It keeps every promise of
//! [`EventStore`] but durability: what it holds ends with the process.

mod log;
mod undo;

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use self::log::Log;
pub use self::undo::UndoLog;
use super::immediate;
use super::{
    AllPage, Append, AppendError, AppendTransaction, Appended, AppendedEvents, EventFilter,
    EventStore, ImmediateFold, KeyClaim, Page, RecordedCommand, Snapshot, StoreError, StreamKey,
    StreamRead, TakenKey,
};
use crate::event::EventShape;
use crate::metadata::{Position, StreamId};

/// An event store in memory. Clones share one store.
#[derive(Clone, Default)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    contents: Mutex<Contents>,
    head: watch::Sender<Position>,
}

#[derive(Default)]
struct Contents {
    log: Log,
    folds: Vec<Arc<dyn ImmediateFold>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// The log is changed only after every fold has returned, so that it is whole after any panic.
    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.shared.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("events", &self.contents().log.head()).finish()
    }
}

impl EventStore for MemoryStore {
    async fn register(
        &self,
        aggregate: &'static str,
        shapes: &'static [EventShape],
    ) -> Result<(), StoreError> {
        self.contents().log.register(aggregate, shapes)
    }

    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        append.check_epoch(self.epoch())?;
        let position = self.contents().append(append)?;
        self.shared.head.send_if_modified(|head| {
            let grown = position > *head;
            *head = position.max(*head);
            grown
        });
        Ok(Appended { position })
    }

    async fn read_stream(&self, read: StreamRead) -> Result<Page, StoreError> {
        Ok(self.contents().log.read_stream(&read))
    }

    async fn read_all(
        &self,
        after: Position,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<AllPage, StoreError> {
        Ok(self.contents().log.read_all(after, filter, limit))
    }

    async fn head(&self) -> Result<Position, StoreError> {
        Ok(self.contents().log.head())
    }

    async fn snapshot(
        &self,
        stream: &StreamKey,
        meaning: u64,
        at_most: u64,
    ) -> Result<Option<Snapshot>, StoreError> {
        Ok(self.contents().log.snapshot(stream, meaning, at_most))
    }

    async fn save_snapshot(
        &self,
        stream: &StreamKey,
        snapshot: Snapshot,
    ) -> Result<(), StoreError> {
        self.contents().log.save_snapshot(stream, snapshot);
        Ok(())
    }

    async fn discard_snapshot(&self, stream: &StreamKey, meaning: u64) -> Result<(), StoreError> {
        self.contents().log.discard_snapshot(stream, meaning);
        Ok(())
    }

    async fn command(&self, id: &str) -> Result<Option<RecordedCommand>, StoreError> {
        Ok(self.contents().log.command(id).cloned())
    }

    async fn taken_key(
        &self,
        stream: &StreamKey,
        claims: &[KeyClaim],
    ) -> Result<Option<TakenKey>, StoreError> {
        Ok(self.contents().log.taken_key(stream, claims))
    }

    async fn streams(
        &self,
        aggregate: &'static str,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamId>, StoreError> {
        Ok(self.contents().log.streams(aggregate, after, limit))
    }

    async fn fold_immediately(&self, fold: Arc<dyn ImmediateFold>) -> Result<(), StoreError> {
        let mut contents = self.contents();
        let transaction = Transaction::new(&contents.log);
        fold.open(&transaction)?;
        transaction.commit();
        contents.folds.retain(|other| !immediate::is_same(&**other, &*fold));
        contents.folds.push(fold);
        Ok(())
    }

    async fn changed(&self, after: Position) {
        let mut head = self.shared.head.subscribe();
        // The sender lives as long as `self`, so waiting can't fail.
        let _ = head.wait_for(|head| *head > after).await;
    }
}

impl Contents {
    fn append(&mut self, append: Append) -> Result<Position, AppendError> {
        self.log.check(&append)?;
        self.fold(&append)?;
        Ok(self.log.append(append))
    }

    /// Lets every fold refuse before any writes. What one has written is taken back if another fails.
    fn fold(&self, append: &Append) -> Result<(), AppendError> {
        if append.events.is_empty() {
            return Ok(());
        }
        let before = self.log.head();
        let events = AppendedEvents {
            stream: &append.stream,
            events: &append.events,
            before,
            first: before + 1,
        };
        let transaction = Transaction::new(&self.log);
        let mut changes = Vec::with_capacity(self.folds.len());
        for fold in &self.folds {
            let change = immediate::compute(&**fold, &transaction, &events);
            changes.push(change.map_err(|error| error.of(&**fold))?);
        }
        for (fold, change) in self.folds.iter().zip(changes) {
            immediate::write(change, &transaction).map_err(|error| error.of(&**fold))?;
        }
        transaction.commit();
        Ok(())
    }
}

/// Dropped without a commit, it takes back what has been written in it.
struct Transaction<'a> {
    log: &'a Log,
    undo: UndoLog,
}

impl<'a> Transaction<'a> {
    fn new(log: &'a Log) -> Self {
        Self { log, undo: UndoLog::default() }
    }

    fn commit(self) {
        self.undo.keep();
    }
}

impl AppendTransaction for Transaction<'_> {
    fn read_all(
        &self,
        after: Position,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<AllPage, StoreError> {
        Ok(self.log.read_all(after, filter, limit))
    }

    fn database(&self) -> &dyn Any {
        &self.undo
    }
}
