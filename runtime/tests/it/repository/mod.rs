//! The repository, through its public API, on a store in memory.

mod commands;

use eventloom_runtime::repository::{Executed, NewEvents};
use eventloom_runtime::testing::{CountingIds, TestClock};
use eventloom_runtime::{
    CommandContext, EventStore, ExecuteError, MemoryStore, Repository, Timestamp,
};

use crate::wallet::{Moved, Put, Take, Wallet, WalletError, dec};

pub(crate) type Outcome = Result<Executed<Wallet>, ExecuteError<WalletError>>;

/// A repository with a clock and ids of the test's own.
pub(crate) struct Bench<S = MemoryStore> {
    pub(crate) wallets: Repository<Wallet, S>,
    pub(crate) clock: TestClock,
    pub(crate) store: S,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::on(MemoryStore::new()).await
    }
}

impl<S: EventStore> Bench<S> {
    pub(crate) async fn on(store: S) -> Self {
        let clock = TestClock::default();
        let builder = Repository::builder().clock(clock.clone()).ids(CountingIds::default());
        let wallets = builder.page_size(7).open(store.clone()).await.expect("the same shapes");
        Self { wallets, clock, store }
    }

    pub(crate) async fn put(&self, stream: &str, entry: &str, amount: &str) -> Outcome {
        self.wallets.execute(stream, put(entry, amount)).await
    }

    pub(crate) async fn take(&self, stream: &str, entry: &str, amount: &str) -> Outcome {
        self.wallets.execute(stream, take(entry, amount)).await
    }

    /// Number of events of all streams.
    pub(crate) async fn events(&self) -> u64 {
        self.store.head().await.expect("a head")
    }
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

/// Name of the refusal that an outcome is.
pub(crate) fn refusal(outcome: &Outcome) -> &'static str {
    use eventloom_runtime::Refusal;
    match outcome {
        Err(error) => error.refusal().map_or("no refusal", Refusal::name),
        Ok(_) => "no refusal",
    }
}
