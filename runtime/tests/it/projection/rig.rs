//! An event store and a read database to test projections on, and events to fill them with.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use eventloom_runtime::clock::Clock;
use eventloom_runtime::projection::{
    MemoryReadDatabase, Projection, Projector, ProjectorOptions, ReadDatabase,
};
use eventloom_runtime::store::{Append, MemoryStore, NewEvent, StreamKey};
use eventloom_runtime::testing::TestClock;
use eventloom_runtime::{DomainEvent, EventStore, Metadata, Position, Sequence, Timestamp, Uuid};

use super::ledger::{Entry, LEDGER};

/// A place with a store and a read database.
pub(crate) trait Place: Sized + Send + Sync {
    type Store: EventStore;
    type Rows: ReadDatabase;

    fn new() -> impl Future<Output = Self> + Send;

    fn store(&self) -> &Self::Store;

    fn rows(&self) -> &Self::Rows;

    /// The same store as another program has it open.
    fn store_of_another_program(&self) -> impl Future<Output = Self::Store> + Send;
}

/// All of it in memory.
pub(crate) struct InMemory {
    store: MemoryStore,
    rows: MemoryReadDatabase,
}

impl Place for InMemory {
    type Store = MemoryStore;
    type Rows = MemoryReadDatabase;

    async fn new() -> Self {
        Self { store: MemoryStore::new(), rows: MemoryReadDatabase::new() }
    }

    fn store(&self) -> &MemoryStore {
        &self.store
    }

    fn rows(&self) -> &MemoryReadDatabase {
        &self.rows
    }

    async fn store_of_another_program(&self) -> MemoryStore {
        self.store.clone()
    }
}

#[cfg(feature = "sqlite")]
pub(crate) use sqlite::InSqlite;

#[cfg(feature = "sqlite")]
mod sqlite {
    use eventloom_runtime::Decimal;
    use eventloom_runtime::projection::SqliteReadDatabase;
    use eventloom_runtime::store::sqlite::{
        SqliteDatabase, SqliteOptions, SqliteStore, Synchronous,
    };
    use tempfile::TempDir;

    use super::Place;

    /// All of it in one SQLite file.
    pub(crate) struct InSqlite {
        store: SqliteStore,
        rows: SqliteReadDatabase,
        pub(crate) folder: TempDir,
    }

    impl InSqlite {
        /// The same file, opened as another program would.
        pub(crate) async fn open_again(&self) -> (SqliteStore, SqliteReadDatabase) {
            let database = SqliteDatabase::open(self.store.database().path()).expect("a database");
            let store = SqliteStore::open(&database).await.expect("a store");
            (store, SqliteReadDatabase::open(&database).await.expect("a read database"))
        }

        /// The file, opened with an SQL tool that knows nothing of Eventloom, but has the collation
        /// `decimal`, as SQLite's own command line does.
        pub(crate) fn sql(&self) -> rusqlite::Connection {
            let path = self.store.database().path();
            let connection = rusqlite::Connection::open(path).expect("an SQLite file");
            let number = |text: &str| text.parse::<Decimal>().unwrap_or_default();
            connection
                .create_collation("decimal", move |one, other| number(one).cmp(&number(other)))
                .expect("a collation");
            connection
        }
    }

    impl Place for InSqlite {
        type Store = SqliteStore;
        type Rows = SqliteReadDatabase;

        async fn new() -> Self {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let options =
                SqliteOptions { synchronous: Synchronous::Normal, ..SqliteOptions::default() };
            let database = SqliteDatabase::open_with(folder.path().join("ledger.db"), options)
                .expect("a database");
            let store = SqliteStore::open(&database).await.expect("a store");
            let rows = SqliteReadDatabase::open(&database).await.expect("a read database");
            Self { store, rows, folder }
        }

        fn store(&self) -> &SqliteStore {
            &self.store
        }

        fn rows(&self) -> &SqliteReadDatabase {
            &self.rows
        }

        async fn store_of_another_program(&self) -> SqliteStore {
            self.open_again().await.0
        }
    }
}

#[cfg(feature = "testing-postgres")]
pub(crate) use postgres::InPostgres;

#[cfg(feature = "testing-postgres")]
mod postgres {
    use eventloom_runtime::projection::PostgresReadDatabase;
    use eventloom_runtime::store::postgres::{PostgresDatabase, PostgresStore};
    use eventloom_runtime::testing::postgres::TestDatabase;

    use super::Place;

    /// All of it in one PostgreSQL database.
    pub(crate) struct InPostgres {
        store: PostgresStore,
        rows: PostgresReadDatabase,
        pub(crate) place: TestDatabase,
    }

    impl InPostgres {
        /// All of it in a database of a test's own.
        pub(crate) async fn at(place: TestDatabase) -> Self {
            let database = PostgresDatabase::at(&place.url().await).expect("an address");
            let store = PostgresStore::open(&database).await.expect("a store");
            let rows = PostgresReadDatabase::open(&database).await.expect("a read database");
            Self { store, rows, place }
        }

        /// The same database, opened as another program would.
        pub(crate) async fn open_again(&self) -> (PostgresStore, PostgresReadDatabase) {
            let database = PostgresDatabase::at(&self.place.url().await).expect("an address");
            let store = PostgresStore::open(&database).await.expect("a store");
            (store, PostgresReadDatabase::open(&database).await.expect("a read database"))
        }
    }

    impl Place for InPostgres {
        type Store = PostgresStore;
        type Rows = PostgresReadDatabase;

        async fn new() -> Self {
            Self::at(TestDatabase::default()).await
        }

        fn store(&self) -> &PostgresStore {
            &self.store
        }

        fn rows(&self) -> &PostgresReadDatabase {
            &self.rows
        }

        async fn store_of_another_program(&self) -> PostgresStore {
            self.open_again().await.0
        }
    }
}

/// Runs tests that are written once on every kind of place.
macro_rules! everywhere {
    ($($test:ident),* $(,)?) => {
        mod in_memory {
            $(#[test]
            fn $test() {
                eventloom_runtime::testing::block_on(async {
                    super::$test(<crate::projection::rig::InMemory as crate::projection::rig::Place>::new().await).await;
                });
            })*
        }

        #[cfg(feature = "testing-postgres")]
        mod in_postgres {
            $(#[test]
            fn $test() {
                eventloom_runtime::testing::block_on(async {
                    super::$test(<crate::projection::rig::InPostgres as crate::projection::rig::Place>::new().await).await;
                });
            })*
        }

        #[cfg(feature = "sqlite")]
        mod in_sqlite {
            $(#[test]
            fn $test() {
                eventloom_runtime::testing::block_on(async {
                    super::$test(<crate::projection::rig::InSqlite as crate::projection::rig::Place>::new().await).await;
                });
            })*
        }
    };
}
pub(crate) use everywhere;

/// When the events of these tests are recorded: where test clocks start.
pub(crate) fn clock() -> TestClock {
    TestClock::default()
}

/// Options with so many events per batch.
pub(crate) fn batches(batch: usize) -> ProjectorOptions {
    ProjectorOptions { batch, ..ProjectorOptions::default() }
}

/// Opens a projection of a place.
pub(crate) async fn open<P: Projection, L: Place>(place: &L) -> Projector<P, L::Store, L::Rows> {
    open_with(place, 8_192).await
}

/// Opens a projection of a place that folds so many events at a time.
pub(crate) async fn open_with<P: Projection, L: Place>(
    place: &L,
    batch: usize,
) -> Projector<P, L::Store, L::Rows> {
    Projector::open_with(place.store().clone(), place.rows().clone(), batches(batch))
        .await
        .expect("the projection opens")
}

/// An event on its way into the store.
pub(crate) fn new_event(stream: &str, sequence: Sequence, entry: &Entry) -> NewEvent {
    let mut data = Vec::new();
    entry.write(&mut data);
    raw_event(stream, sequence, entry.event_type(), 1, data)
}

/// An event of any bytes.
pub(crate) fn raw_event(
    stream: &str,
    sequence: Sequence,
    event_type: &'static str,
    version: u32,
    data: Vec<u8>,
) -> NewEvent {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let now = clock().now();
    NewEvent {
        event_type,
        version,
        data,
        meta: Metadata {
            event_id: Uuid::from_u128(u128::from(NEXT.fetch_add(1, Ordering::Relaxed))),
            stream_id: stream.into(),
            sequence,
            at: now,
            recorded_at: now,
            actor: None,
            correlation_id: Some("request-1".into()),
            causation_id: Some("command-1".into()),
            traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
        },
    }
}

/// Appends events to a stream that is at `expected`; gives the last one's position.
pub(crate) async fn append_raw<S: EventStore>(
    store: &S,
    stream: &str,
    expected: Sequence,
    events: Vec<NewEvent>,
) -> Position {
    try_append(store, stream, expected, events).await.expect("the append lands")
}

/// As [`append_raw`], where the append may be refused.
pub(crate) async fn try_append<S: EventStore>(
    store: &S,
    stream: &str,
    expected: Sequence,
    events: Vec<NewEvent>,
) -> Result<Position, eventloom_runtime::store::AppendError> {
    store.append(appending(stream, expected, events)).await.map(|appended| appended.position)
}

/// An append of events to a stream that is at `expected`.
pub(crate) fn appending(stream: &str, expected: Sequence, events: Vec<NewEvent>) -> Append {
    Append {
        stream: StreamKey { aggregate: LEDGER, id: stream.into() },
        expected,
        events,
        released: Vec::new(),
        passing: Vec::new(),
        keys: Vec::new(),
        content: [0; 16],
        command: None,
        snapshot: None,
        epoch: None,
    }
}

/// Appends entries to a stream that is at `expected`; gives the last one's position.
pub(crate) async fn append<S: EventStore>(
    store: &S,
    stream: &str,
    expected: Sequence,
    entries: &[Entry],
) -> Position {
    let events = (expected + 1..).zip(entries);
    let events = events.map(|(sequence, entry)| new_event(stream, sequence, entry)).collect();
    append_raw(store, stream, expected, events).await
}

/// Appends entries to a new stream of an aggregate.
pub(crate) async fn append_to<S: EventStore>(
    aggregate: &'static str,
    store: &S,
    stream: &str,
    entries: &[Entry],
) {
    let events = (1..).zip(entries);
    let events = events.map(|(sequence, entry)| new_event(stream, sequence, entry)).collect();
    let mut append = appending(stream, 0, events);
    append.stream.aggregate = aggregate;
    store.append(append).await.expect("the append lands");
}

pub(crate) fn opened(owner: &str) -> Entry {
    Entry::Opened { owner: owner.to_owned() }
}

pub(crate) fn moved(amount: i64) -> Entry {
    Entry::Moved { amount: amount.into() }
}

pub(crate) fn tagged(tag: &str) -> Entry {
    Entry::Tagged { tag: tag.to_owned() }
}

/// A time that no test waits for.
pub(crate) const SOON: std::time::Duration = std::time::Duration::from_secs(30);

/// The time at which events are recorded, so much later.
pub(crate) fn later(micros: i64) -> Timestamp {
    Timestamp::from_micros(clock().now().as_micros() + micros)
}
