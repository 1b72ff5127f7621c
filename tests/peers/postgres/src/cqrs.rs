//! cqrs-es with postgres-es: its event store, and its view of one row an account.

use std::sync::Arc;

use common::cqrs::{Account, Balance, Command};
use cqrs_es::EventStore;
use cqrs_es::persist::{GenericQuery, PersistedEventStore, QueryReplay};
use postgres_es::{
    PostgresCqrs, PostgresEventRepository, PostgresViewRepository, default_postgress_pool,
    postgres_cqrs,
};
use rust_decimal::Decimal;
use sqlx::{Pool, Postgres};

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
    store: PersistedEventStore<PostgresEventRepository, Account>,
    accounts: std::sync::atomic::AtomicUsize,
}

impl Bank {
    pub(crate) async fn open(url: &str) -> Self {
        let pool = default_postgress_pool(url).await;
        sqlx::raw_sql(TABLES).execute(&pool).await.expect("tables");
        let cqrs = postgres_cqrs(pool.clone(), vec![], ());
        let events = PostgresEventRepository::new(pool.clone());
        let store = PersistedEventStore::new_event_store(events);
        Self { pool, cqrs, store, accounts: Default::default() }
    }

    pub(crate) async fn fill(&self, accounts: usize, length: usize) {
        self.cqrs.execute("first", Command::Open).await.expect("an account");
        self.cqrs
            .execute("first", Command::Deposit(Decimal::new(1050, 2)))
            .await
            .expect("a deposit");
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

    pub(crate) async fn load(&self, account: usize, length: usize) {
        let context = self.store.load_aggregate(&format!("A{account}")).await;
        let context = context.expect("an account");
        let loaded = (context.current_sequence, context.aggregate.balance());
        assert_eq!(loaded, (length, Decimal::new(1050, 2) * Decimal::from(length - 1)));
    }

    pub(crate) async fn rebuild(&self) {
        sqlx::raw_sql("TRUNCATE balance_view").execute(&self.pool).await.expect("an empty table");
        let views =
            PostgresViewRepository::<Balance, Account>::new("balance_view", self.pool.clone());
        let query = GenericQuery::new(Arc::new(views));
        let replay = QueryReplay::new(PostgresEventRepository::new(self.pool.clone()), query);
        for account in 0..self.accounts.load(std::sync::atomic::Ordering::Relaxed) {
            replay.replay(&format!("A{account}")).await.expect("a replay");
        }
    }
}
