//! The repository of an aggregate that is one stream: nobody says which.

use super::history::TimelineEntry;
use super::{AsOf, CommandContext, ExecuteError, Executed, Loaded, NewEvents, Repository};
use crate::aggregate::Aggregate;
use crate::command::Command;
use crate::metadata::{Sequence, StreamId};
use crate::store::{EventStore, Page, StoreError};

/// Loads and changes the one stream of an aggregate with `partitionKey: none`. Its id is the aggregate's
/// name. Cheap to clone; clones share their cache.
///
/// It is the only way in: a [`Repository`] of the same aggregate would take any id, and what it writes to
/// another stream is no part of this one, though projections fold it too. So another clock, other ids or other
/// limits come with a repository that has them:
/// `OneStream::from(Repository::builder().cache_size(1).open(store).await?)`.
pub struct OneStream<A: Aggregate, S> {
    repository: Repository<A, S>,
}

impl<A: Aggregate, S: Clone> Clone for OneStream<A, S> {
    fn clone(&self) -> Self {
        Self { repository: self.repository.clone() }
    }
}

impl<A: Aggregate, S> From<Repository<A, S>> for OneStream<A, S> {
    fn from(repository: Repository<A, S>) -> Self {
        Self { repository }
    }
}

impl<A: Aggregate, S: EventStore> OneStream<A, S> {
    /// As [`Repository::open`].
    ///
    /// # Errors
    /// As there.
    pub async fn open(store: S) -> Result<Self, StoreError> {
        Repository::open(store).await.map(Self::from)
    }

    /// The id of the stream.
    #[must_use]
    pub fn stream_id() -> StreamId {
        StreamId::from(A::NAME)
    }

    /// The store.
    pub fn store(&self) -> &S {
        self.repository.store()
    }

    /// As [`Repository::load`].
    ///
    /// # Errors
    /// As there.
    pub async fn load(&self) -> Result<Loaded<A>, StoreError> {
        self.repository.load(Self::stream_id()).await
    }

    /// As [`Repository::load_as_of`].
    ///
    /// # Errors
    /// As there.
    pub async fn load_as_of(&self, moment: impl Into<AsOf>) -> Result<Loaded<A>, StoreError> {
        self.repository.load_as_of(Self::stream_id(), moment).await
    }

    /// As [`Repository::execute`].
    ///
    /// # Errors
    /// As there.
    pub async fn execute<C: Command<A>>(
        &self,
        command: C,
    ) -> Result<Executed<A>, ExecuteError<A::Error>> {
        self.repository.execute(Self::stream_id(), command).await
    }

    /// As [`Repository::execute_with`].
    ///
    /// # Errors
    /// As there.
    pub async fn execute_with<C: Command<A>>(
        &self,
        command: C,
        context: CommandContext,
    ) -> Result<Executed<A>, ExecuteError<A::Error>> {
        self.repository.execute_with(Self::stream_id(), command, context).await
    }

    /// As [`Repository::record`].
    ///
    /// # Errors
    /// As there.
    pub async fn record(
        &self,
        events: NewEvents<A>,
    ) -> Result<Executed<A>, ExecuteError<A::Error>> {
        self.repository.record(Self::stream_id(), events).await
    }

    /// As [`Repository::record_with`].
    ///
    /// # Errors
    /// As there.
    pub async fn record_with(
        &self,
        events: NewEvents<A>,
        context: CommandContext,
    ) -> Result<Executed<A>, ExecuteError<A::Error>> {
        self.repository.record_with(Self::stream_id(), events, context).await
    }

    /// As [`Repository::timeline`].
    ///
    /// # Errors
    /// As there.
    pub async fn timeline(
        &self,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        self.repository.timeline(Self::stream_id(), after, limit).await
    }

    /// As [`Repository::history`].
    ///
    /// # Errors
    /// As there.
    pub async fn history(&self, after: Sequence, limit: usize) -> Result<Page, StoreError> {
        self.repository.history(Self::stream_id(), after, limit).await
    }
}
