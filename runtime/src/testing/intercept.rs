//! A store with something in between: the ground of [`super::faults`], and of tests that show what a
//! broken store is caught at.

use std::future::Future;
use std::sync::Arc;

use crate::event::EventShape;
use crate::metadata::{Position, Sequence, StreamId};
use crate::store::{
    AllPage, Append, AppendError, Appended, EventFilter, EventStore, ImmediateFold, KeyClaim, Page,
    RecordedCommand, Snapshot, StoreError, StreamKey, StreamRead, TakenKey,
};

type StoreResult<T> = Result<T, StoreError>;

/// What happens to the calls of a store. Every method passes its call on, unless it is replaced.
#[allow(clippy::missing_errors_doc)] // what the store fails with
pub trait Interceptor<S: EventStore>: Clone + Send + Sync + 'static {
    /// See [`EventStore::register`].
    fn register(
        &self,
        store: &S,
        aggregate: &'static str,
        shapes: &'static [EventShape],
    ) -> impl Future<Output = StoreResult<()>> + Send {
        store.register(aggregate, shapes)
    }

    /// See [`EventStore::append`].
    fn append(
        &self,
        store: &S,
        append: Append,
    ) -> impl Future<Output = Result<Appended, AppendError>> + Send {
        store.append(append)
    }

    /// See [`EventStore::read_stream`].
    fn read_stream(
        &self,
        store: &S,
        read: StreamRead,
    ) -> impl Future<Output = StoreResult<Page>> + Send {
        store.read_stream(read)
    }

    /// See [`EventStore::read_all`].
    fn read_all(
        &self,
        store: &S,
        after: Position,
        filter: &EventFilter,
        limit: usize,
    ) -> impl Future<Output = StoreResult<AllPage>> + Send {
        store.read_all(after, filter, limit)
    }

    /// See [`EventStore::snapshot`].
    fn snapshot(
        &self,
        store: &S,
        stream: &StreamKey,
        meaning: u64,
        at_most: Sequence,
    ) -> impl Future<Output = StoreResult<Option<Snapshot>>> + Send {
        store.snapshot(stream, meaning, at_most)
    }

    /// See [`EventStore::save_snapshot`].
    fn save_snapshot(
        &self,
        store: &S,
        stream: &StreamKey,
        snapshot: Snapshot,
    ) -> impl Future<Output = StoreResult<()>> + Send {
        store.save_snapshot(stream, snapshot)
    }

    /// See [`EventStore::discard_snapshot`].
    fn discard_snapshot(
        &self,
        store: &S,
        stream: &StreamKey,
        meaning: u64,
    ) -> impl Future<Output = StoreResult<()>> + Send {
        store.discard_snapshot(stream, meaning)
    }

    /// See [`EventStore::command`].
    fn command(
        &self,
        store: &S,
        id: &str,
    ) -> impl Future<Output = StoreResult<Option<RecordedCommand>>> + Send {
        store.command(id)
    }

    /// See [`EventStore::taken_key`].
    fn taken_key(
        &self,
        store: &S,
        stream: &StreamKey,
        claims: &[KeyClaim],
    ) -> impl Future<Output = StoreResult<Option<TakenKey>>> + Send {
        store.taken_key(stream, claims)
    }

    /// See [`EventStore::streams`].
    fn streams(
        &self,
        store: &S,
        aggregate: &'static str,
        after: Option<&StreamId>,
        limit: usize,
    ) -> impl Future<Output = StoreResult<Vec<StreamId>>> + Send {
        store.streams(aggregate, after, limit)
    }

    /// See [`EventStore::epoch`].
    fn epoch(&self, store: &S) -> u64 {
        store.epoch()
    }

    /// See [`EventStore::head`].
    fn head(&self, store: &S) -> impl Future<Output = StoreResult<Position>> + Send {
        store.head()
    }

    /// See [`EventStore::fold_immediately`].
    fn fold_immediately(
        &self,
        store: &S,
        fold: Arc<dyn ImmediateFold>,
    ) -> impl Future<Output = StoreResult<()>> + Send {
        store.fold_immediately(fold)
    }

    /// See [`EventStore::changed`].
    fn changed(&self, store: &S, after: Position) -> impl Future<Output = ()> + Send {
        store.changed(after)
    }
}

/// A store whose calls pass through an [`Interceptor`].
#[derive(Clone, Debug)]
pub struct Intercepted<S, I> {
    store: S,
    interceptor: I,
}

impl<S, I> Intercepted<S, I> {
    /// A store with an interceptor in front of it.
    pub fn new(store: S, interceptor: I) -> Self {
        Self { store, interceptor }
    }
}

impl<S: EventStore, I: Interceptor<S>> EventStore for Intercepted<S, I> {
    fn register(
        &self,
        aggregate: &'static str,
        shapes: &'static [EventShape],
    ) -> impl Future<Output = StoreResult<()>> + Send {
        self.interceptor.register(&self.store, aggregate, shapes)
    }

    fn epoch(&self) -> u64 {
        self.interceptor.epoch(&self.store)
    }

    fn append(&self, append: Append) -> impl Future<Output = Result<Appended, AppendError>> + Send {
        self.interceptor.append(&self.store, append)
    }

    fn read_stream(&self, read: StreamRead) -> impl Future<Output = StoreResult<Page>> + Send {
        self.interceptor.read_stream(&self.store, read)
    }

    fn read_all(
        &self,
        after: Position,
        filter: &EventFilter,
        limit: usize,
    ) -> impl Future<Output = StoreResult<AllPage>> + Send {
        self.interceptor.read_all(&self.store, after, filter, limit)
    }

    fn head(&self) -> impl Future<Output = StoreResult<Position>> + Send {
        self.interceptor.head(&self.store)
    }

    fn snapshot(
        &self,
        stream: &StreamKey,
        meaning: u64,
        at_most: Sequence,
    ) -> impl Future<Output = StoreResult<Option<Snapshot>>> + Send {
        self.interceptor.snapshot(&self.store, stream, meaning, at_most)
    }

    fn save_snapshot(
        &self,
        stream: &StreamKey,
        snapshot: Snapshot,
    ) -> impl Future<Output = StoreResult<()>> + Send {
        self.interceptor.save_snapshot(&self.store, stream, snapshot)
    }

    fn discard_snapshot(
        &self,
        stream: &StreamKey,
        meaning: u64,
    ) -> impl Future<Output = StoreResult<()>> + Send {
        self.interceptor.discard_snapshot(&self.store, stream, meaning)
    }

    fn command(
        &self,
        id: &str,
    ) -> impl Future<Output = StoreResult<Option<RecordedCommand>>> + Send {
        self.interceptor.command(&self.store, id)
    }

    fn taken_key(
        &self,
        stream: &StreamKey,
        claims: &[KeyClaim],
    ) -> impl Future<Output = StoreResult<Option<TakenKey>>> + Send {
        self.interceptor.taken_key(&self.store, stream, claims)
    }

    fn streams(
        &self,
        aggregate: &'static str,
        after: Option<&StreamId>,
        limit: usize,
    ) -> impl Future<Output = StoreResult<Vec<StreamId>>> + Send {
        self.interceptor.streams(&self.store, aggregate, after, limit)
    }

    fn fold_immediately(
        &self,
        fold: Arc<dyn ImmediateFold>,
    ) -> impl Future<Output = StoreResult<()>> + Send {
        self.interceptor.fold_immediately(&self.store, fold)
    }

    fn changed(&self, after: Position) -> impl Future<Output = ()> + Send {
        self.interceptor.changed(&self.store, after)
    }
}
