//! cqrs-es with postgres-es: its event store, and its view of one row an account.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{GenericQuery, PersistedEventStore, QueryReplay};
use cqrs_es::{Aggregate, DomainEvent, EventEnvelope, EventStore, View};
use postgres_es::{
    PostgresCqrs, PostgresEventRepository, PostgresViewRepository, default_postgress_pool, postgres_cqrs,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::{Pool, Postgres};

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type")]
pub(crate) enum Event {
    AccountOpened { account_id: String, owner: String, currency: String, at: DateTime<Utc> },
    MoneyDeposited { account_id: String, amount: Decimal, at: DateTime<Utc> },
    MoneyWithdrawn { account_id: String, amount: Decimal, at: DateTime<Utc> },
}

impl DomainEvent for Event {
    fn event_type(&self) -> String {
        match self {
            Self::AccountOpened { .. } => "AccountOpened",
            Self::MoneyDeposited { .. } => "MoneyDeposited",
            Self::MoneyWithdrawn { .. } => "MoneyWithdrawn",
        }
        .to_owned()
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

pub(crate) enum Command {
    Open,
    Deposit(Decimal),
}

#[derive(Debug)]
pub(crate) struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Account {
    account_id: String,
    owner: String,
    balance: Decimal,
    open: bool,
}

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    type Command = Command;
    type Event = Event;
    type Error = Refused;
    type Services = ();

    async fn handle(&mut self, command: Command, _: &(), sink: &EventSink<Self>) -> Result<(), Refused> {
        let (account_id, at) = (self.account_id.clone(), Utc::now());
        let event = match command {
            Command::Open if !self.open => Event::AccountOpened {
                account_id: "A".to_owned(),
                owner: "Ada Lovelace".to_owned(),
                currency: "EUR".to_owned(),
                at,
            },
            Command::Deposit(amount) if self.open && amount > Decimal::ZERO => {
                Event::MoneyDeposited { account_id, amount, at }
            }
            _ => return Err(Refused),
        };
        sink.write(event, self).await;
        Ok(())
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::AccountOpened { account_id, owner, .. } => {
                (self.account_id, self.owner, self.open) = (account_id, owner, true);
            }
            Event::MoneyDeposited { amount, .. } => self.balance += amount,
            Event::MoneyWithdrawn { amount, .. } => self.balance -= amount,
        }
    }
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Balance {
    account_id: String,
    balance: Decimal,
}

impl View<Account> for Balance {
    fn update(&mut self, event: &EventEnvelope<Account>) {
        match &event.payload {
            Event::AccountOpened { account_id, .. } => self.account_id.clone_from(account_id),
            Event::MoneyDeposited { amount, .. } => self.balance += amount,
            Event::MoneyWithdrawn { amount, .. } => self.balance -= amount,
        }
    }
}

/// The tables of its documentation.
const TABLES: &str = "
    CREATE TABLE events (aggregate_type text NOT NULL, aggregate_id text NOT NULL,
        sequence bigint CHECK (sequence >= 0) NOT NULL, event_type text NOT NULL, event_version text NOT NULL,
        payload json NOT NULL, metadata json NOT NULL, PRIMARY KEY (aggregate_type, aggregate_id, sequence));
    CREATE TABLE balance_view (view_id text NOT NULL, version bigint CHECK (version >= 0) NOT NULL,
        payload json NOT NULL, PRIMARY KEY (view_id));";

pub(crate) struct Bank {
    pool: Pool<Postgres>,
    cqrs: PostgresCqrs<Account>,
    accounts: std::sync::atomic::AtomicUsize,
}

impl Bank {
    pub(crate) async fn open(url: &str) -> Self {
        let pool = default_postgress_pool(url).await;
        sqlx::raw_sql(TABLES).execute(&pool).await.expect("tables");
        let cqrs = postgres_cqrs(pool.clone(), vec![], ());
        Self { pool, cqrs, accounts: Default::default() }
    }

    pub(crate) async fn fill(&self, accounts: usize, length: usize) {
        self.cqrs.execute("first", Command::Open).await.expect("an account");
        self.cqrs.execute("first", Command::Deposit(Decimal::new(1050, 2))).await.expect("a deposit");
        let copy = format!(
            "INSERT INTO events SELECT aggregate_type, 'A' || a, s, event_type, event_version, payload, metadata \
             FROM generate_series(0, {accounts} - 1) a, generate_series(1, {length}) s \
             JOIN events ON aggregate_id = 'first' AND sequence = least(s, 2); \
             DELETE FROM events WHERE aggregate_id = 'first'; ANALYZE events"
        );
        sqlx::raw_sql(&copy).execute(&self.pool).await.expect("events");
        self.accounts.store(accounts, std::sync::atomic::Ordering::Relaxed);
    }

    pub(crate) async fn deposit(&self, account: usize) {
        let deposit = Command::Deposit(Decimal::new(1050, 2));
        self.cqrs.execute(&format!("A{account}"), deposit).await.expect("a deposit");
    }

    pub(crate) async fn replay(&self) {
        let events = PostgresEventRepository::new(self.pool.clone());
        let store = PersistedEventStore::<_, Account>::new_event_store(events);
        let context = store.load_aggregate("A0").await.expect("an account");
        assert_eq!(context.current_sequence, crate::LONG);
    }

    pub(crate) async fn rebuild(&self) {
        sqlx::raw_sql("TRUNCATE balance_view").execute(&self.pool).await.expect("an empty table");
        let views = PostgresViewRepository::<Balance, Account>::new("balance_view", self.pool.clone());
        let query = GenericQuery::new(Arc::new(views));
        let replay = QueryReplay::new(PostgresEventRepository::new(self.pool.clone()), query);
        for account in 0..self.accounts.load(std::sync::atomic::Ordering::Relaxed) {
            replay.replay(&format!("A{account}")).await.expect("a replay");
        }
    }
}
