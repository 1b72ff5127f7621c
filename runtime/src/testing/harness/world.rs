//! One aggregate in one store: commands of any type are sent to it, and what is stored is read back.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::aggregate::{Aggregate, Refusal};
use crate::clock::Clock;
use crate::codec::FieldError;
use crate::command::Command;
use crate::event::DomainEvent;
use crate::metadata::{Metadata, Position, Sequence, StreamId};
use crate::repository::{
    CommandContext, ExecuteError, Executed, NewEvents, Repository, RetryPolicy,
};
use crate::store::{EventFilter, EventStore, StreamKey};
use crate::testing::failure::{Check, Failure, shortened};
use crate::testing::fold::{Any, caller};
use crate::testing::subject::{AnyCommand, EventOf, RefusalOf, StateOf, Subject, Visit};

/// Pages small enough that most histories need several.
const PAGE: usize = 3;

/// A repository of the subject's aggregate.
pub(super) type RepositoryOf<S, E> = Repository<<S as Subject>::Aggregate, E>;

/// What a command came to.
pub(super) enum Sent<A: Aggregate> {
    /// It was carried out.
    Done(Executed<A>),
    /// It was refused.
    Refused(A::Error),
    /// A value did not fit its type.
    Invalid(FieldError),
    /// A hand-written part failed.
    Failed(String),
    /// An immediate projection did not take its events: whether it may, its own rules must say.
    Unfolded(String),
}

impl<A: Aggregate> Sent<A> {
    pub(super) fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal) => Some(refusal.name()),
            _ => None,
        }
    }

    /// The outcome in a few words.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Done(executed) => {
                let events: Vec<_> =
                    executed.events.iter().map(|recorded| &recorded.event).collect();
                let again = if executed.duplicate { ", again" } else { "" };
                let events = shortened(&format!("{events:?}"));
                format!("{events} up to sequence {}{again}", executed.sequence)
            }
            Self::Refused(refusal) => format!("{}: {}", refusal.name(), refusal.message()),
            Self::Invalid(error) => format!("invalid {error}"),
            Self::Failed(reason) | Self::Unfolded(reason) => format!("failed: {reason}"),
        }
    }
}

/// Opens a repository that takes its time from a clock.
pub(super) async fn repository<S: Subject, E: EventStore>(
    store: E,
    clock: impl Clock,
) -> Check<RepositoryOf<S, E>> {
    let opened = Repository::builder()
        .clock(clock)
        .page_size(PAGE)
        .retries(RetryPolicy {
            attempts: 1_000,
            first_pause: Duration::from_micros(100),
            longest_pause: Duration::from_millis(5),
        })
        .open(store)
        .await;
    opened.map_err(|error| Failure::new(format!("a repository cannot be opened: {error}")))
}

/// The same without a cache: what it knows, it has read.
pub(super) async fn uncached<S: Subject, E: EventStore>(
    store: E,
    clock: impl Clock,
) -> Check<RepositoryOf<S, E>> {
    let opened = Repository::builder().clock(clock).page_size(PAGE).cache_size(0).open(store).await;
    opened.map_err(|error| Failure::new(format!("a repository cannot be opened: {error}")))
}

/// What a test says of a command; the rest as a fold reads it.
pub(super) fn with_caller(said: CommandContext) -> CommandContext {
    let caller = caller();
    CommandContext {
        actor: said.actor.or(caller.actor),
        correlation_id: said.correlation_id.or(caller.correlation_id),
        causation_id: said.causation_id.or(caller.causation_id),
        ..said
    }
}

/// Sends a command.
pub(super) async fn send<S: Subject, E: EventStore>(
    repository: &RepositoryOf<S, E>,
    stream: &str,
    command: &S::Command,
    context: CommandContext,
) -> Check<Sent<S::Aggregate>> {
    send_saying::<S, E>(repository, stream, command, with_caller(context)).await
}

/// Sends a command, saying no more of it than this.
pub(super) async fn send_saying<S: Subject, E: EventStore>(
    repository: &RepositoryOf<S, E>,
    stream: &str,
    command: &S::Command,
    context: CommandContext,
) -> Check<Sent<S::Aggregate>> {
    let stream = StreamId::from(stream);
    let outcome = command.visit(Execute { repository, stream, context }).await;
    sent::<S>(outcome, || format!("{command:?}"))
}

/// Records events without a command.
pub(super) async fn record<S: Subject, E: EventStore>(
    repository: &RepositoryOf<S, E>,
    stream: &str,
    events: impl IntoIterator<Item = EventOf<S>>,
    context: CommandContext,
) -> Check<Sent<S::Aggregate>> {
    let mut new = NewEvents::new();
    for event in events {
        new.push(Any(event));
    }
    let outcome = repository.record_with(stream, new, with_caller(context)).await;
    sent::<S>(outcome, || "recording events".to_owned())
}

fn sent<S: Subject>(
    outcome: Result<Executed<S::Aggregate>, ExecuteError<RefusalOf<S>>>,
    what: impl FnOnce() -> String,
) -> Check<Sent<S::Aggregate>> {
    match outcome {
        Ok(executed) => Ok(Sent::Done(executed)),
        Err(ExecuteError::Refused(refusal)) => Ok(Sent::Refused(refusal)),
        Err(ExecuteError::Invalid(error)) => Ok(Sent::Invalid(error)),
        Err(ExecuteError::Failed(reason)) => Ok(Sent::Failed(reason)),
        Err(ExecuteError::Projection { projection, reason }) => {
            Ok(Sent::Unfolded(format!("{projection}: {reason}")))
        }
        Err(error) => Err(Failure::new(format!("{} failed: {error}", what()))),
    }
}

type Future_<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Carries a command out, whatever its type.
pub(super) struct Execute<'a, A: Aggregate, E> {
    pub(super) repository: &'a Repository<A, E>,
    pub(super) stream: StreamId,
    pub(super) context: CommandContext,
}

impl<'a, A: Aggregate, E: EventStore> Visit<A> for Execute<'a, A, E> {
    type Output = Future_<'a, Result<Executed<A>, ExecuteError<A::Error>>>;

    fn visit<C: Command<A>>(self, command: &C) -> Self::Output {
        let command = command.clone();
        let Self { repository, stream, context } = self;
        Box::pin(async move { repository.execute_with(stream, command, context).await })
    }
}

/// An event as it lies in a store, read into its type.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stored<E> {
    pub(super) event: E,
    pub(super) meta: Metadata,
    pub(super) position: Position,
}

/// Every event of the subject's aggregate, in the order of the store.
pub(super) async fn stored<S: Subject>(store: &impl EventStore) -> Check<Vec<Stored<EventOf<S>>>> {
    let types = <EventOf<S> as DomainEvent>::TYPES;
    let name = <S::Aggregate as Aggregate>::NAME;
    let types = types.iter().map(|of| (name, *of)).collect();
    let filter = EventFilter { types, metadata: true, ..EventFilter::default() };
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let page = store.read_all(after, &filter, 100).await?;
        for event in page.events.iter() {
            let read = EventOf::<S>::read(event.event_type, event.version, event.data, event.meta);
            let read = read.map_err(|error| {
                Failure::new(format!(
                    "the event at position {} cannot be read: {error}",
                    event.position
                ))
            })?;
            all.push(Stored { event: read, meta: event.meta.clone(), position: event.position });
        }
        after = page.next;
        if page.events.at_end() {
            return Ok(all);
        }
    }
}

/// The state of a stream, loaded.
pub(super) async fn loaded<S: Subject, E: EventStore>(
    repository: &RepositoryOf<S, E>,
    stream: &str,
) -> Check<(Sequence, StateOf<S>)> {
    let loaded = repository.load(stream).await?;
    Ok((loaded.sequence, loaded.state))
}

/// The stream of the subject's aggregate with this id.
pub(super) fn stream_key<S: Subject>(id: &str) -> StreamKey {
    StreamKey { aggregate: <S::Aggregate as Aggregate>::NAME, id: StreamId::from(id) }
}
