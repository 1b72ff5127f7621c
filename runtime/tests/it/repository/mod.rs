//! The repository, through its public API, on the kind of store that the module around this one names.

mod clocks;
mod commands;
mod costs;
mod history;
mod idempotency;
mod loading;
mod properties;
mod races;
mod recording;
mod snapshots;
mod spans;
mod time;
mod unknown_outcomes;

use std::sync::Arc;

use eventloom_runtime::metadata::Metadata;
use eventloom_runtime::repository::{Executed, NewEvents, RetryPolicy};
use eventloom_runtime::store::{Append, NewEvent, StreamKey};
use eventloom_runtime::testing::{CountingIds, START, StoreKind, TestClock};
use eventloom_runtime::{
    CommandContext, EventStore, ExecuteError, Refusal, Repository, Sequence, Timestamp, Uuid,
};

use super::Kind;
use crate::wallet::{Moved, Put, Take, Wallet, WalletError, dec};

pub(crate) type Store = <Kind as StoreKind>::Store;
pub(crate) type Place = Arc<<Kind as StoreKind>::Place>;

pub(crate) type Outcome = Result<Executed<Wallet>, ExecuteError<WalletError>>;

/// A repository with a clock and ids of the test's own.
pub(crate) struct Bench<S = Store> {
    pub(crate) wallets: Repository<Wallet, S>,
    pub(crate) clock: TestClock,
    pub(crate) store: S,
    /// What the store lies in goes with it.
    place: Place,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let (place, store) = new_store().await;
        Self::on(store, place).await
    }
}

impl<S: EventStore> Bench<S> {
    pub(crate) async fn on(store: S, place: Place) -> Self {
        let (clock, ids) = (TestClock::default(), CountingIds::default());
        let wallets = open(store.clone(), &clock, &ids).await;
        Self { wallets, clock, store, place }
    }

    /// Another repository on the same store, as in another process.
    pub(crate) async fn elsewhere(&self) -> Self {
        let clock = self.clock.clone();
        let wallets = Repository::builder().clock(clock.clone()).page_size(7);
        let wallets = wallets.open(self.store.clone()).await.expect("the same shapes");
        Self { wallets, clock, store: self.store.clone(), place: self.place.clone() }
    }

    pub(crate) async fn put(&self, stream: &str, entry: &str, amount: &str) -> Outcome {
        self.wallets.execute(stream, put(entry, amount)).await
    }

    pub(crate) async fn take(&self, stream: &str, entry: &str, amount: &str) -> Outcome {
        self.wallets.execute(stream, take(entry, amount)).await
    }

    /// Puts one into the wallet so many times.
    pub(crate) async fn fill(&self, stream: &str, times: u64) {
        for time in 1..=times {
            self.put(stream, &format!("fill-{time}"), "1").await.expect("a movement");
        }
    }

    /// Number of events of all streams.
    pub(crate) async fn events(&self) -> u64 {
        self.store.head().await.expect("a head")
    }

    /// Appends bytes that no program of ours wrote.
    pub(crate) async fn smuggle(
        &self,
        stream: &str,
        sequence: Sequence,
        event_type: &'static str,
        version: u32,
        data: &str,
    ) {
        let event = NewEvent {
            event_type,
            version,
            data: data.as_bytes().to_vec(),
            meta: meta(stream, sequence),
        };
        let append = Append {
            stream: wallet(stream),
            expected: sequence - 1,
            events: vec![event],
            released: Vec::new(),
            passing: Vec::new(),
            keys: Vec::new(),
            content: [0; 16],
            command: None,
            snapshot: None,
            epoch: None,
        };
        self.store.append(append).await.expect("an append");
    }
}

pub(crate) async fn new_store() -> (Place, Store) {
    let (place, store) = Kind.open_new().await.expect("a new store");
    (Arc::new(place), store)
}

async fn open<S: EventStore>(
    store: S,
    clock: &TestClock,
    ids: &CountingIds,
) -> Repository<Wallet, S> {
    let builder = Repository::builder().clock(clock.clone()).ids(ids.clone());
    let retries = RetryPolicy { attempts: 6, ..RetryPolicy::default() };
    builder.page_size(7).retries(retries).open(store).await.expect("the same shapes")
}

pub(crate) fn meta(stream: &str, sequence: Sequence) -> Metadata {
    Metadata {
        event_id: Uuid::from_u128(u128::from(sequence)),
        stream_id: stream.into(),
        sequence,
        at: START,
        recorded_at: START,
        actor: None,
        correlation_id: None,
        causation_id: None,
        traceparent: None,
    }
}

pub(crate) fn wallet(id: &str) -> StreamKey {
    StreamKey { aggregate: "Wallet", id: id.into() }
}

pub(crate) fn put(entry: &str, amount: &str) -> Put {
    Put { entry: entry.into(), amount: dec(amount) }
}

pub(crate) fn take(entry: &str, amount: &str) -> Take {
    Take { entry: entry.into(), amount: dec(amount) }
}

pub(crate) fn id(id: &str) -> CommandContext {
    CommandContext::new().command_id(id)
}

pub(crate) fn moved(entry: &str, amount: &str, at: Timestamp) -> NewEvents<Wallet> {
    NewEvents::new().with(Moved { entry: entry.into(), amount: dec(amount), at })
}

/// Microseconds after the clock's start.
pub(crate) fn after(micros: i64) -> Timestamp {
    Timestamp::from_micros(START.as_micros() + micros)
}

/// Name of the refusal that an outcome is.
pub(crate) fn refusal(outcome: &Outcome) -> &'static str {
    match outcome {
        Err(error) => error.refusal().map_or("no refusal", Refusal::name),
        Ok(_) => "no refusal",
    }
}
