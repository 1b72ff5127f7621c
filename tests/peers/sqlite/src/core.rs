//! eventcore on SQLite, and a projector that writes a row for every event.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use common::core::Happened;
use eventcore::sqlite::SqliteEventStore;
use eventcore::sqlite::rusqlite::{self, Connection, params};
use eventcore::{Event, ProjectionConfig, Projector, StreamPosition, run_projection};
use rust_decimal::Decimal;

/// The table of balances, in a file beside the events.
struct Table {
    name: String,
    rows: Arc<Mutex<Connection>>,
    folded: Arc<AtomicUsize>,
}

impl Projector for Table {
    type Event = Happened;
    type Error = rusqlite::Error;
    type Context = ();

    fn apply(
        &mut self,
        event: Happened,
        _: StreamPosition,
        (): &mut (),
    ) -> Result<(), rusqlite::Error> {
        let (id, rows) = (event.stream_id().to_string(), locked(&self.rows));
        let known = rows
            .prepare_cached("SELECT balance FROM balances WHERE id = ?1")?
            .query_row([&id], |row| row.get::<_, String>(0));
        let known: Decimal = match known {
            Ok(known) => known.parse().expect("a balance"),
            Err(rusqlite::Error::QueryReturnedNoRows) => Decimal::ZERO,
            Err(error) => return Err(error),
        };
        rows.prepare_cached(
            "INSERT INTO balances VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET balance = ?2",
        )?
        .execute(params![id, (known + event.change()).to_string()])?;
        self.folded.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn name(&self) -> &str {
        &self.name
    }
}

pub(crate) struct Bank {
    store: SqliteEventStore,
    /// To fill its tables beside it.
    tables: Mutex<Connection>,
    rows: Arc<Mutex<Connection>>,
    events: AtomicUsize,
    rebuilds: AtomicUsize,
}

fn connection(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("a file");
    connection.pragma_update(None, "journal_mode", "wal").expect("a log");
    connection.pragma_update(None, "synchronous", "full").expect("a setting");
    connection
}

fn locked(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().expect("nobody panics with it")
}

impl Bank {
    pub(crate) async fn open(path: &Path) -> Self {
        let store = SqliteEventStore::from_connection(connection(path));
        store.migrate().await.expect("tables");
        let rows = connection(&path.with_extension("rows"));
        rows.execute_batch(
            "CREATE TABLE balances (id text PRIMARY KEY, balance text NOT NULL) STRICT",
        )
        .expect("a table");
        Self {
            store,
            tables: Mutex::new(connection(path)),
            rows: Arc::new(Mutex::new(rows)),
            events: AtomicUsize::new(0),
            rebuilds: AtomicUsize::new(0),
        }
    }

    /// One stream of two events by the peer itself, copied so often and so far.
    pub(crate) async fn fill(&self, accounts: usize, length: usize) {
        common::core::open(&self.store, "first").await;
        common::core::deposit(&self.store, "first").await;
        let copy = format!(
            "WITH RECURSIVE a(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM a WHERE n < {accounts} - 1), \
             s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {length}) \
             INSERT INTO eventcore_events (event_id, stream_id, stream_version, event_type, event_data) \
             SELECT printf('00000000-0000-7000-8000-%012x', a.n * {length} + s.n), 'A' || a.n, s.n, event_type, \
             replace(event_data, '\"first\"', '\"A' || a.n || '\"') \
             FROM a, s JOIN eventcore_events ON stream_id = 'first' AND stream_version = min(s.n, 2); \
             DELETE FROM eventcore_events WHERE stream_id = 'first'; ANALYZE"
        );
        locked(&self.tables).execute_batch(&copy).expect("events");
        self.events.store(accounts * length, Ordering::Relaxed);
    }

    pub(crate) async fn deposit(&self, account: usize) {
        common::core::deposit(&self.store, &format!("A{account}")).await;
    }

    pub(crate) async fn load(&self, account: usize, length: usize) {
        common::core::load(&self.store, &format!("A{account}"), length).await;
    }

    /// Under a name that has no checkpoint yet. A run takes a thousand events.
    pub(crate) async fn rebuild(&self) {
        locked(&self.rows).execute_batch("DELETE FROM balances").expect("an empty table");
        let name = format!("balances {}", self.rebuilds.fetch_add(1, Ordering::Relaxed));
        let (folded, events) = (Arc::new(AtomicUsize::new(0)), self.events.load(Ordering::Relaxed));
        while folded.load(Ordering::Relaxed) < events {
            let table = Table {
                name: name.clone(),
                rows: Arc::clone(&self.rows),
                folded: Arc::clone(&folded),
            };
            let config = ProjectionConfig::default().poll_interval(Duration::from_millis(1));
            run_projection(table, &self.store, config).await.expect("a rebuild");
        }
    }

    /// So many accounts have a row, with what [`Self::fill`] leaves them.
    pub(crate) fn check_rows(&self, accounts: usize, length: usize) {
        let rows = locked(&self.rows);
        let mut rows = rows.prepare("SELECT balance FROM balances").expect("a statement");
        let rows = rows.query_map([], |row| row.get::<_, String>(0)).expect("rows");
        let rows: Vec<String> = rows.map(|row| row.expect("a row")).collect();
        common::check_balances(rows.iter().map(String::as_str), accounts, length);
    }
}
