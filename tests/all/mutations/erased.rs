//! Interceptors of one Rust type, whatever they do: the suite is then compiled once and not once for
//! every broken store, which cost minutes and gigabytes.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use eventloom_runtime::event::EventShape;
use eventloom_runtime::store::{
    AllPage, Append, AppendError, Appended, EventFilter, ImmediateFold, KeyClaim, MemoryStore,
    Page, RecordedCommand, Snapshot, StoreError, StreamKey, StreamRead, TakenKey,
};
use eventloom_runtime::testing::intercept::Interceptor;
use eventloom_runtime::{Position, Sequence, StreamId};

/// An interceptor behind a pointer.
#[derive(Clone, Copy)]
pub(super) struct Erased(pub(super) &'static dyn Boxed);

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type Stored<T> = Result<T, StoreError>;

/// [`Interceptor`] with its futures in boxes.
pub(super) trait Boxed: Send + Sync {
    fn register<'a>(
        &'a self,
        store: &'a MemoryStore,
        aggregate: &'static str,
        shapes: &'static [EventShape],
    ) -> Answer<'a, Stored<()>>;
    fn append<'a>(
        &'a self,
        store: &'a MemoryStore,
        append: Append,
    ) -> Answer<'a, Result<Appended, AppendError>>;
    fn read_stream<'a>(
        &'a self,
        store: &'a MemoryStore,
        read: StreamRead,
    ) -> Answer<'a, Stored<Page>>;
    fn read_all<'a>(
        &'a self,
        store: &'a MemoryStore,
        after: Position,
        filter: &'a EventFilter,
        limit: usize,
    ) -> Answer<'a, Stored<AllPage>>;
    fn snapshot<'a>(
        &'a self,
        store: &'a MemoryStore,
        stream: &'a StreamKey,
        meaning: u64,
        at_most: Sequence,
    ) -> Answer<'a, Stored<Option<Snapshot>>>;
    fn save_snapshot<'a>(
        &'a self,
        store: &'a MemoryStore,
        stream: &'a StreamKey,
        snapshot: Snapshot,
    ) -> Answer<'a, Stored<()>>;
    fn discard_snapshot<'a>(
        &'a self,
        store: &'a MemoryStore,
        stream: &'a StreamKey,
        meaning: u64,
    ) -> Answer<'a, Stored<()>>;
    fn command<'a>(
        &'a self,
        store: &'a MemoryStore,
        id: &'a str,
    ) -> Answer<'a, Stored<Option<RecordedCommand>>>;
    fn taken_key<'a>(
        &'a self,
        store: &'a MemoryStore,
        stream: &'a StreamKey,
        claims: &'a [KeyClaim],
    ) -> Answer<'a, Stored<Option<TakenKey>>>;
    fn streams<'a>(
        &'a self,
        store: &'a MemoryStore,
        aggregate: &'static str,
        after: Option<&'a StreamId>,
        limit: usize,
    ) -> Answer<'a, Stored<Vec<StreamId>>>;
    fn head<'a>(&'a self, store: &'a MemoryStore) -> Answer<'a, Stored<Position>>;
    fn fold_immediately<'a>(
        &'a self,
        store: &'a MemoryStore,
        fold: Arc<dyn ImmediateFold>,
    ) -> Answer<'a, Stored<()>>;
    fn changed<'a>(&'a self, store: &'a MemoryStore, after: Position) -> Answer<'a, ()>;
}

impl<I: Interceptor<MemoryStore>> Boxed for I {
    fn register<'a>(
        &'a self,
        store: &'a MemoryStore,
        aggregate: &'static str,
        shapes: &'static [EventShape],
    ) -> Answer<'a, Stored<()>> {
        Box::pin(Interceptor::register(self, store, aggregate, shapes))
    }
    fn append<'a>(
        &'a self,
        store: &'a MemoryStore,
        append: Append,
    ) -> Answer<'a, Result<Appended, AppendError>> {
        Box::pin(Interceptor::append(self, store, append))
    }
    fn read_stream<'a>(
        &'a self,
        store: &'a MemoryStore,
        read: StreamRead,
    ) -> Answer<'a, Stored<Page>> {
        Box::pin(Interceptor::read_stream(self, store, read))
    }
    fn read_all<'a>(
        &'a self,
        store: &'a MemoryStore,
        after: Position,
        filter: &'a EventFilter,
        limit: usize,
    ) -> Answer<'a, Stored<AllPage>> {
        Box::pin(Interceptor::read_all(self, store, after, filter, limit))
    }
    fn snapshot<'a>(
        &'a self,
        store: &'a MemoryStore,
        stream: &'a StreamKey,
        meaning: u64,
        at_most: Sequence,
    ) -> Answer<'a, Stored<Option<Snapshot>>> {
        Box::pin(Interceptor::snapshot(self, store, stream, meaning, at_most))
    }
    fn save_snapshot<'a>(
        &'a self,
        store: &'a MemoryStore,
        stream: &'a StreamKey,
        snapshot: Snapshot,
    ) -> Answer<'a, Stored<()>> {
        Box::pin(Interceptor::save_snapshot(self, store, stream, snapshot))
    }
    fn discard_snapshot<'a>(
        &'a self,
        store: &'a MemoryStore,
        stream: &'a StreamKey,
        meaning: u64,
    ) -> Answer<'a, Stored<()>> {
        Box::pin(Interceptor::discard_snapshot(self, store, stream, meaning))
    }
    fn command<'a>(
        &'a self,
        store: &'a MemoryStore,
        id: &'a str,
    ) -> Answer<'a, Stored<Option<RecordedCommand>>> {
        Box::pin(Interceptor::command(self, store, id))
    }
    fn taken_key<'a>(
        &'a self,
        store: &'a MemoryStore,
        stream: &'a StreamKey,
        claims: &'a [KeyClaim],
    ) -> Answer<'a, Stored<Option<TakenKey>>> {
        Box::pin(Interceptor::taken_key(self, store, stream, claims))
    }
    fn streams<'a>(
        &'a self,
        store: &'a MemoryStore,
        aggregate: &'static str,
        after: Option<&'a StreamId>,
        limit: usize,
    ) -> Answer<'a, Stored<Vec<StreamId>>> {
        Box::pin(Interceptor::streams(self, store, aggregate, after, limit))
    }
    fn head<'a>(&'a self, store: &'a MemoryStore) -> Answer<'a, Stored<Position>> {
        Box::pin(Interceptor::head(self, store))
    }
    fn fold_immediately<'a>(
        &'a self,
        store: &'a MemoryStore,
        fold: Arc<dyn ImmediateFold>,
    ) -> Answer<'a, Stored<()>> {
        Box::pin(Interceptor::fold_immediately(self, store, fold))
    }
    fn changed<'a>(&'a self, store: &'a MemoryStore, after: Position) -> Answer<'a, ()> {
        Box::pin(Interceptor::changed(self, store, after))
    }
}

impl Interceptor<MemoryStore> for Erased {
    async fn register(
        &self,
        store: &MemoryStore,
        aggregate: &'static str,
        shapes: &'static [EventShape],
    ) -> Stored<()> {
        self.0.register(store, aggregate, shapes).await
    }
    async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
        self.0.append(store, append).await
    }
    async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> Stored<Page> {
        self.0.read_stream(store, read).await
    }
    async fn read_all(
        &self,
        store: &MemoryStore,
        after: Position,
        filter: &EventFilter,
        limit: usize,
    ) -> Stored<AllPage> {
        self.0.read_all(store, after, filter, limit).await
    }
    async fn snapshot(
        &self,
        store: &MemoryStore,
        stream: &StreamKey,
        meaning: u64,
        at_most: Sequence,
    ) -> Stored<Option<Snapshot>> {
        self.0.snapshot(store, stream, meaning, at_most).await
    }
    async fn save_snapshot(
        &self,
        store: &MemoryStore,
        stream: &StreamKey,
        snapshot: Snapshot,
    ) -> Stored<()> {
        self.0.save_snapshot(store, stream, snapshot).await
    }
    async fn discard_snapshot(
        &self,
        store: &MemoryStore,
        stream: &StreamKey,
        meaning: u64,
    ) -> Stored<()> {
        self.0.discard_snapshot(store, stream, meaning).await
    }
    async fn command(&self, store: &MemoryStore, id: &str) -> Stored<Option<RecordedCommand>> {
        self.0.command(store, id).await
    }
    async fn taken_key(
        &self,
        store: &MemoryStore,
        stream: &StreamKey,
        claims: &[KeyClaim],
    ) -> Stored<Option<TakenKey>> {
        self.0.taken_key(store, stream, claims).await
    }
    async fn streams(
        &self,
        store: &MemoryStore,
        aggregate: &'static str,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Stored<Vec<StreamId>> {
        self.0.streams(store, aggregate, after, limit).await
    }
    async fn head(&self, store: &MemoryStore) -> Stored<Position> {
        self.0.head(store).await
    }
    async fn fold_immediately(
        &self,
        store: &MemoryStore,
        fold: Arc<dyn ImmediateFold>,
    ) -> Stored<()> {
        self.0.fold_immediately(store, fold).await
    }
    async fn changed(&self, store: &MemoryStore, after: Position) {
        self.0.changed(store, after).await
    }
}
