//! cqrs-es with sqlite-es: its event store, and its view of one row an account.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::cqrs::{Account, Balance, Command};
use cqrs_es::persist::{GenericQuery, PersistedEventStore, QueryReplay};
use cqrs_es::{AggregateError, EventStore};
use rust_decimal::Decimal;
use sqlite_es::{SqliteCqrs, SqliteEventRepository, SqliteViewRepository, sqlite_cqrs};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Pool, Sqlite};

/// The tables of its documentation.
const TABLES: &str = "
    CREATE TABLE events (aggregate_type text NOT NULL, aggregate_id text NOT NULL,
        sequence integer CHECK (sequence >= 0) NOT NULL, event_type text NOT NULL, event_version text NOT NULL,
        payload text NOT NULL, metadata text NOT NULL, PRIMARY KEY (aggregate_type, aggregate_id, sequence)) STRICT;
    CREATE TABLE balance_view (view_id text NOT NULL, version integer CHECK (version >= 0) NOT NULL,
        payload text NOT NULL, PRIMARY KEY (view_id)) STRICT;";

pub(crate) struct Bank {
    pool: Pool<Sqlite>,
    cqrs: SqliteCqrs<Account>,
    store: PersistedEventStore<SqliteEventRepository, Account>,
    accounts: AtomicUsize,
}

impl Bank {
    /// Its own pool has `synchronous=NORMAL`, and is like this one otherwise.
    pub(crate) async fn open(path: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new()
            .max_connections(10)
            .connect_with(options)
            .await
            .expect("a pool");
        sqlx::raw_sql(TABLES).execute(&pool).await.expect("tables");
        let cqrs = sqlite_cqrs(pool.clone(), vec![], ());
        let events = SqliteEventRepository::new(pool.clone());
        let store = PersistedEventStore::new_event_store(events);
        Self { pool, cqrs, store, accounts: AtomicUsize::new(0) }
    }

    /// One stream of two events by the peer itself, copied so often and so far.
    pub(crate) async fn fill(&self, accounts: usize, length: usize) {
        self.cqrs.execute("first", Command::Open).await.expect("an account");
        self.cqrs
            .execute("first", Command::Deposit(Decimal::new(1050, 2)))
            .await
            .expect("a deposit");
        let copy = format!(
            "WITH RECURSIVE a(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM a WHERE n < {accounts} - 1), \
             s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {length}) \
             INSERT INTO events SELECT aggregate_type, 'A' || a.n, s.n, event_type, event_version, payload, metadata \
             FROM a, s JOIN events ON aggregate_id = 'first' AND sequence = min(s.n, 2); \
             DELETE FROM events WHERE aggregate_id = 'first'; ANALYZE"
        );
        sqlx::raw_sql(&copy).execute(&self.pool).await.expect("events");
        self.accounts.store(accounts, Ordering::Relaxed);
    }

    /// Where another connection writes, it is refused at once and the caller comes again.
    pub(crate) async fn deposit(&self, account: usize) {
        let deposit = || Command::Deposit(Decimal::new(1050, 2));
        while let Err(error) = self.cqrs.execute(&format!("A{account}"), deposit()).await {
            let is_busy = matches!(&error, AggregateError::DatabaseConnectionError(busy) | AggregateError::UnexpectedError(busy)
                if busy.to_string().contains("locked"));
            assert!(is_busy, "{error:?}");
        }
    }

    pub(crate) async fn load(&self, account: usize, length: usize) {
        let context = self.store.load_aggregate(&format!("A{account}")).await;
        let context = context.expect("an account");
        let loaded = (context.current_sequence, context.aggregate.balance());
        assert_eq!(loaded, (length, Decimal::new(1050, 2) * Decimal::from(length - 1)));
    }

    pub(crate) async fn rebuild(&self) {
        sqlx::raw_sql("DELETE FROM balance_view")
            .execute(&self.pool)
            .await
            .expect("an empty table");
        let views =
            SqliteViewRepository::<Balance, Account>::new("balance_view", self.pool.clone());
        let query = GenericQuery::new(Arc::new(views));
        let replay = QueryReplay::new(SqliteEventRepository::new(self.pool.clone()), query);
        for account in 0..self.accounts.load(Ordering::Relaxed) {
            replay.replay(&format!("A{account}")).await.expect("a replay");
        }
    }

    /// So many accounts have a row, with what [`Self::fill`] leaves them.
    pub(crate) async fn check_rows(&self, accounts: usize, length: usize) {
        let rows = "SELECT payload->>'balance' FROM balance_view";
        let rows: Vec<String> = sqlx::query_scalar(rows).fetch_all(&self.pool).await.expect("rows");
        common::check_balances(rows.iter().map(String::as_str), accounts, length);
    }
}
