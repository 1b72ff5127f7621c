//! The repository: typed aggregates on top of a store's bytes.
//!
//! It loads a state from snapshot and events (`load`), decides commands and appends what they lead
//! to (`execute`), recognises what was sent before (`outcome`), and shows what happened (`history`).
//! It knows no ontology and no database: those are [`Aggregate`] and [`EventStore`].

mod append;
mod cache;
mod context;
mod error;
mod execute;
mod folded;
mod history;
mod load;
mod one_stream;
mod outcome;
mod pages;
mod record;
mod recorded;
mod request;
mod settings;
mod snapshot;
mod spans;
mod verdict;

use std::sync::Arc;

pub use context::CommandContext;
pub use error::ExecuteError;
pub use history::TimelineEntry;
pub use load::{AsOf, Loaded};
pub use one_stream::OneStream;
pub use record::NewEvents;
pub use recorded::{Executed, Recorded};
pub use settings::{RepositoryBuilder, RetryPolicy};

use self::cache::Cache;
use self::request::{Asked, Attempt, Request};
use self::settings::Settings;
use crate::aggregate::Aggregate;
use crate::command::Command;
use crate::metadata::StreamId;
use crate::store::{EventStore, StoreError, StreamKey};

/// Loads and changes the aggregates of one type in a store. Cheap to clone; clones share their cache.
pub struct Repository<A: Aggregate, S> {
    store: S,
    settings: Arc<Settings>,
    config: Arc<A::Config>,
    cache: Arc<Cache<A>>,
}

impl<A: Aggregate, S: Clone> Clone for Repository<A, S> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            settings: Arc::clone(&self.settings),
            config: Arc::clone(&self.config),
            cache: Arc::clone(&self.cache),
        }
    }
}

impl<A: Aggregate, S: EventStore> Repository<A, S> {
    /// Opens a repository with the system's clock and random ids.
    ///
    /// # Errors
    /// [`StoreError::ShapeMismatch`] where the store holds other shapes for the events of this
    /// program, or a failure of the store.
    pub async fn open(store: S) -> Result<Self, StoreError> {
        Self::builder().open(store).await
    }

    /// Opens a repository with another clock, other ids or other limits.
    pub fn builder() -> RepositoryBuilder<A, S> {
        RepositoryBuilder::default()
    }

    /// The store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The state of a stream now; the initial state where the stream has no events.
    ///
    /// # Errors
    /// A failure of the store, [`StoreError::Corrupt`] with the place of an event that can't be read
    /// or applied, [`StoreError::UnknownVersion`] for an event of a newer program.
    pub async fn load(&self, stream: impl Into<StreamId>) -> Result<Loaded<A>, StoreError> {
        let stream = StreamKey { aggregate: A::NAME, id: stream.into() };
        let folded = self.load_folded(&stream).await?;
        Ok(Loaded::new(stream, folded))
    }

    /// The state of a stream as of a time, by the events' own timestamps, or as of a sequence; see
    /// [`AsOf`] for events that were recorded out of the order of their times.
    ///
    /// # Errors
    /// As for [`Self::load`].
    pub async fn load_as_of(
        &self,
        stream: impl Into<StreamId>,
        moment: impl Into<AsOf>,
    ) -> Result<Loaded<A>, StoreError> {
        let stream = StreamKey { aggregate: A::NAME, id: stream.into() };
        let folded = self.load_folded_as_of(&stream, moment.into()).await?;
        Ok(Loaded::new(stream, folded))
    }

    /// Carries a command out.
    ///
    /// # Errors
    /// [`ExecuteError::Refused`] where the domain refuses; see there for the rest.
    pub async fn execute<C: Command<A>>(
        &self,
        stream: impl Into<StreamId>,
        command: C,
    ) -> Result<Executed<A>, ExecuteError<A::Error>> {
        self.execute_with(stream, command, CommandContext::default()).await
    }

    /// Carries a command out, with what the caller says about it.
    ///
    /// # Errors
    /// As for [`Self::execute`], and [`ExecuteError::CommandIdReused`].
    pub async fn execute_with<C: Command<A>>(
        &self,
        stream: impl Into<StreamId>,
        command: C,
        context: CommandContext,
    ) -> Result<Executed<A>, ExecuteError<A::Error>> {
        self.attempt(stream.into(), &Asked(command), context).await
    }

    /// Records events that were decided elsewhere, for imports and tests. The rules of the aggregate
    /// hold for them too: invariants, order and unique keys.
    ///
    /// # Errors
    /// As for [`Self::execute`].
    pub async fn record(
        &self,
        stream: impl Into<StreamId>,
        events: NewEvents<A>,
    ) -> Result<Executed<A>, ExecuteError<A::Error>> {
        self.record_with(stream, events, CommandContext::default()).await
    }

    /// As [`Self::record`], with what the caller says about the events.
    ///
    /// # Errors
    /// As for [`Self::execute_with`].
    pub async fn record_with(
        &self,
        stream: impl Into<StreamId>,
        events: NewEvents<A>,
        context: CommandContext,
    ) -> Result<Executed<A>, ExecuteError<A::Error>> {
        self.attempt(stream.into(), &events, context).await
    }

    async fn attempt(
        &self,
        stream: StreamId,
        command: &dyn Attempt<A>,
        context: CommandContext,
    ) -> Result<Executed<A>, ExecuteError<A::Error>> {
        let request = Request::new(stream, command, context, &*self.settings.ids);
        self.run(request).await
    }
}
