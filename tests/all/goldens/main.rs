//! What the generated code of `data/ok` does: decisions, folds, upcasts and rows, each tried out where
//! it is easy to get wrong.

mod aggregates;
mod config;
mod deciding;
mod expressions;
mod folding;
mod hand_written;
mod newtypes;
mod releasing;
mod retrying;
mod rows;
mod rules;
mod versions;

use std::fmt::Debug;

use eventloom_runtime::testing::TestClock;
use eventloom_runtime::{
    Aggregate, Command, ExecuteError, Executed, MemoryStore, Metadata, Refusal, Repository,
    Sequence, Timestamp, Uuid,
};

/// The stream that every test works on.
const STREAM: &str = "s";

/// A repository in memory, at noon of 2026-11-21.
struct Bench<A: Aggregate> {
    repository: Repository<A, MemoryStore>,
    clock: TestClock,
}

impl<A: Aggregate> Bench<A>
where
    A::State: Debug,
{
    async fn new() -> Self {
        let clock = TestClock::at(time("2026-11-21T12:00:00Z"));
        let builder = Repository::builder().clock(clock.clone());
        Self { repository: builder.open(MemoryStore::new()).await.expect("an empty store"), clock }
    }

    /// Carries out a command that must not be refused.
    async fn done<C: Command<A>>(&self, command: C) -> Executed<A> {
        let outcome = self.repository.execute(STREAM, command).await;
        outcome.unwrap_or_else(|error| panic!("{}: {error}", C::NAME))
    }

    /// The name and message of the refusal of a command.
    async fn refused<C: Command<A>>(&self, command: C) -> (&'static str, String) {
        match self.failed(command).await {
            ExecuteError::Refused(refusal) => (refusal.name(), refusal.message().to_owned()),
            error => panic!("{} is not refused but fails: {error}", C::NAME),
        }
    }

    async fn failed<C: Command<A>>(&self, command: C) -> ExecuteError<A::Error> {
        match self.repository.execute(STREAM, command).await {
            Ok(done) => panic!("{} is carried out: {:?}", C::NAME, done.events.len()),
            Err(error) => error,
        }
    }

    async fn state(&self) -> A::State {
        self.repository.load(STREAM).await.expect("a stream that loads").state
    }
}

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time in RFC 3339")
}

/// Metadata of an event of the stream.
fn meta(sequence: Sequence) -> Metadata {
    Metadata {
        event_id: Uuid::from_u128(sequence.into()),
        stream_id: STREAM.into(),
        sequence,
        at: time("2026-11-21T12:00:00Z"),
        recorded_at: time("2026-11-21T12:00:00Z"),
        actor: None,
        correlation_id: None,
        causation_id: None,
        traceparent: None,
    }
}
