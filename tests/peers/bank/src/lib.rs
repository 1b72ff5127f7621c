//! Eventloom: the generated bank, on whatever store.

use common::ACCOUNTS;
use eventloom_runtime::projection::{Projector, ReadDatabase, Rebuild};
use eventloom_runtime::repository::NewEvents;
use eventloom_runtime::{Decimal, EventStore};

use self::account::{
    AccountOpened, AccountRepository, Balances, Deposit, MoneyDeposited, MoneyWithdrawn,
};

eventloom_runtime::include_ontology!();

pub struct Bank<S: EventStore, D: ReadDatabase> {
    accounts: AccountRepository<S>,
    /// The same, without a cache of states.
    uncached: AccountRepository<S>,
    balances: Projector<Balances, S, D>,
}

impl<S: EventStore + Clone, D: ReadDatabase> Bank<S, D> {
    pub async fn open(store: S, rows: D) -> Self {
        let accounts = AccountRepository::builder().cache_size(10_000).open(store.clone());
        let uncached = AccountRepository::builder().cache_size(0).open(store.clone());
        let balances = Projector::open(store, rows).await.expect("a projector");
        let accounts = accounts.await.expect("the accounts");
        Self { accounts, uncached: uncached.await.expect("the accounts"), balances }
    }

    pub async fn fill(&self, accounts: usize, length: usize) {
        let now = eventloom_runtime::Timestamp::now();
        for number in 0..accounts {
            let account_id = format!("A{number}");
            let mut events = NewEvents::new();
            events.push(AccountOpened {
                account_id: account_id.clone(),
                owner: "Ada Lovelace".to_owned(),
                currency: "EUR".to_owned(),
                opened_at: now,
            });
            for at in 1..length {
                let account_id = account_id.clone();
                if at % 3 == 2 {
                    let amount = Decimal::new(1050, 2);
                    events.push(MoneyWithdrawn { account_id, amount, withdrawn_at: now });
                } else {
                    let amount = Decimal::new(if at == 1 { 1_000_000 } else { 1051 }, 2);
                    events.push(MoneyDeposited { account_id, amount, deposited_at: now });
                }
                if at % 1_000 == 0 {
                    let full = std::mem::take(&mut events);
                    self.accounts.record(format!("A{number}"), full).await.expect("events");
                }
            }
            self.accounts.record(account_id, events).await.expect("events");
        }
    }

    pub async fn deposit(&self, account: usize) {
        let deposit = Deposit { amount: Decimal::new(1050, 2) };
        self.accounts.execute(format!("A{account}"), deposit).await.expect("a deposit");
    }

    /// A deposit for which the stream is read, as peers read it; to accounts behind those that the cache knows, of which it is told
    /// nothing.
    pub async fn deposit_uncached(&self, account: usize) {
        let deposit = Deposit { amount: Decimal::new(1050, 2) };
        let account = format!("A{}", ACCOUNTS + account);
        self.uncached.execute(account, deposit).await.expect("a deposit");
    }

    /// An account of so many events that [`Self::fill`] made, from its first event on. The cache is for commands.
    pub async fn load(&self, account: usize, length: usize) {
        let loaded = self.accounts.load(format!("A{account}")).await.expect("the account");
        assert_eq!((loaded.sequence as usize, loaded.state.balance), (length, filled(length)));
    }

    /// So many accounts have a row, with what [`Self::fill`] leaves them.
    pub async fn check_rows(&self, accounts: usize, length: usize) {
        let (rows, balance) = (self.rows().await, filled(length));
        assert_eq!(rows.len(), accounts);
        assert!(rows.iter().all(|row| row.1 == balance), "each balance is {balance}");
    }

    /// All balances.
    pub async fn rows(&self) -> Vec<(String, Decimal)> {
        let rows = self.balances.read_model().page(None, usize::MAX).await.expect("rows");
        rows.into_iter().map(|row| (row.account_id, row.balance)).collect()
    }

    /// With so many readers at once.
    pub async fn rebuild(&self, readers: usize) {
        let rebuild = Rebuild::of(&self.balances).parallel(readers);
        rebuild.run(|_| {}).await.expect("a rebuild");
    }
}

/// The balance that [`Bank::fill`] leaves an account of so many events.
fn filled(length: usize) -> Decimal {
    let cents = (1..length).map(|at| match at {
        1 => 1_000_000,
        at if at % 3 == 2 => -1050,
        _ => 1051,
    });
    Decimal::new(cents.sum(), 2)
}
