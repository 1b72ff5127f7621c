//! Eventloom: the generated bank on the store.

use eventloom_runtime::Decimal;
use eventloom_runtime::projection::{PostgresReadDatabase, Projector};
use eventloom_runtime::repository::NewEvents;
use eventloom_runtime::store::postgres::{PostgresDatabase, PostgresStore};

use self::account::{AccountOpened, AccountRepository, Balances, Deposit, MoneyDeposited, MoneyWithdrawn};

eventloom_runtime::include_ontology!();

pub(crate) struct Bank {
    accounts: AccountRepository<PostgresStore>,
    balances: Projector<Balances, PostgresStore, PostgresReadDatabase>,
}

impl Bank {
    pub(crate) async fn open(url: &str) -> Self {
        let database = PostgresDatabase::at(url).expect("an address");
        let store = PostgresStore::open(&database).await.expect("a store");
        let rows = PostgresReadDatabase::open(&database).await.expect("rows");
        let accounts = AccountRepository::builder().cache_size(10_000).open(store.clone());
        let balances = Projector::open(store, rows).await.expect("a projector");
        Self { accounts: accounts.await.expect("the accounts"), balances }
    }

    pub(crate) async fn fill(&self, accounts: usize, length: usize) {
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

    pub(crate) async fn deposit(&self, account: usize) {
        let deposit = Deposit { amount: Decimal::new(1050, 2) };
        self.accounts.execute(format!("A{account}"), deposit).await.expect("a deposit");
    }

    /// The one account, from its first event on.
    pub(crate) async fn replay(&self) {
        let store = self.accounts.store().clone();
        let accounts = AccountRepository::builder().cache_size(0).open(store).await.expect("the accounts");
        let loaded = accounts.load("A0").await.expect("the account");
        assert_eq!(loaded.sequence as usize, crate::LONG);
    }

    /// All balances.
    pub(crate) async fn rows(&self) -> Vec<(String, Decimal)> {
        let rows = self.balances.read_model().page(None, usize::MAX).await.expect("rows");
        rows.into_iter().map(|row| (row.account_id, row.balance)).collect()
    }

    pub(crate) async fn rebuild(&self) {
        self.balances.rebuild(|_| {}).await.expect("a rebuild");
    }
}
