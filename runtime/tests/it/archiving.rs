//! Stores with an archive, for the tests of it: how they are opened, filled, and looked at through every read there is.

use std::path::Path;

use eventloom_runtime::aggregate::Retention;
use eventloom_runtime::projection::ReadDatabase;
use eventloom_runtime::store::archive::{ArchiveReport, ArchiveRule, ArchiveStore, Archiver};
#[cfg(feature = "testing-postgres")]
use eventloom_runtime::store::postgres::{PostgresDatabase, PostgresOptions, PostgresStore};
#[cfg(feature = "sqlite")]
use eventloom_runtime::store::sqlite::{SqliteDatabase, SqliteOptions, SqliteStore};
use eventloom_runtime::store::whole::{EventRecord, WholeStore};
use eventloom_runtime::store::{
    Append, Direction, EventFilter, NewEvent, Snapshot, StreamKey, StreamRead,
};
use eventloom_runtime::testing::{StoreKind, TestClock};
use eventloom_runtime::values::Duration;
use eventloom_runtime::{
    Aggregate, DomainEvent, EventStore, Metadata, Position, Sequence, StoreError, Timestamp, Uuid,
};

use crate::wallet::{Wallet, WalletEvent};

/// The clock of all of these tests stands here.
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
/// Wallets' events stay for a month.
pub(crate) const RULE: ArchiveRule =
    ArchiveRule { retention: Retention::Days(30), ..ArchiveRule::of::<Wallet>() };

/// So many days before now.
pub(crate) fn days_ago(days: i64) -> Timestamp {
    NOW.checked_sub(Duration::from_micros(days * 86_400_000_000)).expect("a time")
}

/// A kind of store that can be opened with an archive, or without.
pub(crate) trait ArchiveKind: StoreKind<Store: ArchiveStore + WholeStore> {
    /// Read models in the store's own database.
    type Rows: ReadDatabase;

    async fn rows(self, store: &Self::Store) -> Self::Rows;

    async fn open_with(
        self,
        place: &Self::Place,
        archive: Option<&Path>,
    ) -> Result<Self::Store, StoreError>;

    /// By what another process finds a store.
    async fn address(self, place: &Self::Place) -> String;

    /// The store at an address.
    async fn open_at(
        self,
        address: &str,
        archive: Option<&Path>,
    ) -> Result<Self::Store, StoreError>;

    /// As [`Self::open_with`], with one connection that reads.
    async fn open_with_one_reader(
        self,
        place: &Self::Place,
        archive: Option<&Path>,
    ) -> Result<Self::Store, StoreError>;
}

#[cfg(feature = "sqlite")]
impl ArchiveKind for eventloom_runtime::testing::Sqlite {
    type Rows = eventloom_runtime::projection::SqliteReadDatabase;

    async fn rows(self, store: &Self::Store) -> Self::Rows {
        Self::Rows::open(store.database()).await.expect("a read database")
    }

    async fn open_with(
        self,
        place: &Self::Place,
        archive: Option<&Path>,
    ) -> Result<Self::Store, StoreError> {
        open_file(place.path(), archive, SqliteOptions::default()).await
    }

    async fn address(self, place: &Self::Place) -> String {
        place.path().to_str().expect("a path in UTF-8").to_owned()
    }

    async fn open_at(
        self,
        address: &str,
        archive: Option<&Path>,
    ) -> Result<Self::Store, StoreError> {
        open_file(Path::new(address), archive, SqliteOptions::default()).await
    }

    async fn open_with_one_reader(
        self,
        place: &Self::Place,
        archive: Option<&Path>,
    ) -> Result<Self::Store, StoreError> {
        open_file(place.path(), archive, SqliteOptions { readers: 1, ..Default::default() }).await
    }
}

#[cfg(feature = "testing-postgres")]
impl ArchiveKind for eventloom_runtime::testing::Postgres {
    type Rows = eventloom_runtime::projection::PostgresReadDatabase;

    async fn rows(self, store: &Self::Store) -> Self::Rows {
        Self::Rows::open(store.database()).await.expect("a read database")
    }

    async fn open_with(
        self,
        place: &Self::Place,
        archive: Option<&Path>,
    ) -> Result<Self::Store, StoreError> {
        open_server(&place.url().await, archive, PostgresOptions::default()).await
    }

    async fn address(self, place: &Self::Place) -> String {
        place.url().await
    }

    async fn open_at(
        self,
        address: &str,
        archive: Option<&Path>,
    ) -> Result<Self::Store, StoreError> {
        open_server(address, archive, PostgresOptions::default()).await
    }

    async fn open_with_one_reader(
        self,
        place: &Self::Place,
        archive: Option<&Path>,
    ) -> Result<Self::Store, StoreError> {
        let options = PostgresOptions { connections: 1, ..Default::default() };
        open_server(&place.url().await, archive, options).await
    }
}

#[cfg(feature = "sqlite")]
async fn open_file(
    folder: &Path,
    archive: Option<&Path>,
    options: SqliteOptions,
) -> Result<SqliteStore, StoreError> {
    let database = SqliteDatabase::open_with(folder.join("events.db"), options)?;
    match archive {
        Some(folder) => SqliteStore::open_with_archive(&database, folder).await,
        None => SqliteStore::open(&database).await,
    }
}

#[cfg(feature = "testing-postgres")]
async fn open_server(
    url: &str,
    archive: Option<&Path>,
    options: PostgresOptions,
) -> Result<PostgresStore, StoreError> {
    let database = PostgresDatabase::with(url, options)?;
    match archive {
        Some(folder) => PostgresStore::open_with_archive(&database, folder).await,
        None => PostgresStore::open(&database).await,
    }
}

/// Archives what has aged out by now.
pub(crate) fn archiver<S: ArchiveStore>(store: &S) -> Archiver<'_, S> {
    Archiver::new(store).rule(RULE).clock(TestClock::at(NOW))
}

pub(crate) async fn archive<S: ArchiveStore>(store: &S) -> ArchiveReport {
    archiver(store).run(|_| {}).await.expect("an archive")
}

pub(crate) fn stream(id: &str) -> StreamKey {
    StreamKey { aggregate: Wallet::NAME, id: id.into() }
}

/// An event with what its texts may be.
pub(crate) fn event(id: &str, sequence: Sequence, recorded_at: Timestamp) -> NewEvent {
    let texts = sequence.is_multiple_of(3);
    NewEvent {
        event_type: WalletEvent::TYPES[usize::from(sequence.is_multiple_of(5))],
        version: 1,
        data: format!(r#"{{"of":{id:?},  "number":{sequence},"amount":1.10}}"#).into_bytes(),
        meta: Metadata {
            event_id: Uuid::now_v7(),
            stream_id: id.into(),
            sequence,
            at: Timestamp::from_micros(-7),
            recorded_at,
            actor: texts.then(|| "O'Neil \"\u{1}\n".into()),
            correlation_id: Some("c".into()),
            causation_id: texts.then(|| "c".into()),
            traceparent: texts.then(|| "00-4b-01".into()),
        },
    }
}

/// So many events of a stream, recorded at one time.
pub(crate) fn events(id: &str, expected: Sequence, count: u64, recorded_at: Timestamp) -> Append {
    Append {
        stream: stream(id),
        expected,
        events: (expected + 1..=expected + count).map(|it| event(id, it, recorded_at)).collect(),
        released: Vec::new(),
        passing: Vec::new(),
        keys: Vec::new(),
        content: [1; 16],
        command: None,
        snapshot: None,
        epoch: None,
    }
}

/// A snapshot by the fold of this program.
pub(crate) fn snapshot(sequence: Sequence) -> Snapshot {
    Snapshot { sequence, meaning: Wallet::MEANING, data: b"{}\n{}".to_vec() }
}

/// All events in the global order, read in pages of a size.
pub(crate) async fn all(
    store: &impl EventStore,
    filter: &EventFilter,
    limit: usize,
) -> Result<Vec<EventRecord>, StoreError> {
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let page = store.read_all(after, filter, limit).await?;
        assert!(page.events.len() <= limit);
        assert!(page.next > after || page.events.at_end(), "it leads further");
        found.extend(page.events.iter().map(EventRecord::from));
        after = page.next;
        if page.events.at_end() {
            return Ok(found);
        }
    }
}

pub(crate) fn whole() -> EventFilter {
    EventFilter { metadata: true, ..EventFilter::default() }
}

/// The events of a stream from one place on, read in pages of a size.
pub(crate) async fn of_stream(
    store: &impl EventStore,
    stream: &StreamKey,
    direction: Direction,
    mut after: Sequence,
    limit: usize,
) -> Result<Vec<EventRecord>, StoreError> {
    let mut found = Vec::new();
    loop {
        let read = StreamRead { stream: stream.clone(), after, direction, limit, metadata: true };
        let page = store.read_stream(read).await?;
        assert!(page.len() <= limit);
        found.extend(page.iter().map(EventRecord::from));
        if page.at_end() {
            return Ok(found);
        }
        after = page.iter().next_back().expect("a page that is not the last").meta.sequence;
    }
}

/// All that a store says of its events, through every read.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) head: Position,
    pub(crate) events: Vec<EventRecord>,
    pub(crate) named: Vec<EventRecord>,
    pub(crate) streams: Vec<String>,
    pub(crate) pages: Vec<Vec<EventRecord>>,
}

pub(crate) async fn seen(store: &impl EventStore) -> Seen {
    let events = all(store, &whole(), 1_000).await.expect("events");
    for limit in [1, 7] {
        assert_eq!(all(store, &whole(), limit).await.expect("events"), events, "by {limit}");
    }
    let filter = EventFilter {
        types: vec![(Wallet::NAME, WalletEvent::TYPES[1])],
        ..EventFilter::default()
    };
    let named = all(store, &filter, 3).await.expect("events");
    let ids = store.streams(Wallet::NAME, None, 1_000).await.expect("streams");
    let mut pages = Vec::new();
    for id in &ids {
        let key = StreamKey { aggregate: Wallet::NAME, id: id.clone() };
        let last = events.iter().filter(|it| it.meta.stream_id == *id).count() as u64;
        for after in [0, 1, last / 2, last.saturating_sub(1), last, last + 3] {
            for limit in [3, 100] {
                for direction in [Direction::Forwards, Direction::Backwards] {
                    let read = of_stream(store, &key, direction, after, limit).await;
                    pages.push(read.expect("a stream"));
                }
            }
        }
    }
    Seen {
        head: store.head().await.expect("a head"),
        events,
        named,
        streams: ids.iter().map(ToString::to_string).collect(),
        pages,
    }
}

/// How many events are live, by what a store that has no archive at hand can tell.
pub(crate) async fn live(store: &impl ArchiveStore) -> usize {
    let live = store.candidates(Wallet::NAME, Wallet::MEANING, (0, Position::MAX), 1_000_000).await;
    live.expect("the live events").len()
}
