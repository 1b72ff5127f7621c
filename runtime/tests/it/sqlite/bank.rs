//! Events, appends and stores for the tests beside.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use eventloom_runtime::event::EventShape;
use eventloom_runtime::store::sqlite::{SqliteDatabase, SqliteStore};
use eventloom_runtime::store::{
    Append, AppendError, Appended, CommandRecord, Direction, KeyClaim, NewEvent, Page, StreamKey,
    StreamRead,
};
use eventloom_runtime::{EventStore, Metadata, StoreError, Timestamp, Uuid};
use tempfile::TempDir;

pub(crate) const ACCOUNT: &str = "Account";
pub(crate) const SHAPES: &[EventShape] = &[
    EventShape { event_type: "Opened", version: 1, shape: "{owner: string}" },
    EventShape { event_type: "Deposited", version: 1, shape: "{amount: decimal}" },
];

/// A store in a folder of its own, which goes with it.
pub(crate) struct Bank {
    pub(crate) store: SqliteStore,
    pub(crate) folder: TempDir,
}

pub(crate) async fn bank() -> Bank {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = open(&folder.path().join("bank.db")).await;
    Bank { store, folder }
}

pub(crate) async fn open(path: &Path) -> SqliteStore {
    let database = SqliteDatabase::open(path).expect("a database");
    let store = SqliteStore::open(&database).await.expect("a store");
    store.register(ACCOUNT, SHAPES).await.expect("the shapes");
    store
}

pub(crate) fn key(id: &str) -> StreamKey {
    StreamKey { aggregate: ACCOUNT, id: id.into() }
}

/// An id of its own for every event, in the order in which they are made.
fn event_id() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Uuid::from_u128(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)))
}

pub(crate) fn event(id: &str, sequence: u64) -> NewEvent {
    let at = Timestamp::from_micros(1_700_000_000_000_000 + sequence.cast_signed());
    NewEvent {
        event_type: if sequence == 1 { "Opened" } else { "Deposited" },
        version: 1,
        data: format!(r#"{{"of":"{id}","number":{sequence}}}"#).into_bytes(),
        meta: Metadata {
            event_id: event_id(),
            stream_id: id.into(),
            sequence,
            at,
            recorded_at: at,
            actor: None,
            correlation_id: None,
            causation_id: None,
            traceparent: None,
        },
    }
}

/// An append of so many events to a stream that is at `expected`.
pub(crate) fn append(id: &str, expected: u64, count: u64) -> Append {
    Append {
        stream: key(id),
        expected,
        events: (1..=count).map(|number| event(id, expected + number)).collect(),
        released: Vec::new(),
        passing: Vec::new(),
        keys: Vec::new(),
        content: [7; 16],
        command: None,
        snapshot: None,
        epoch: None,
    }
}

/// The same, with a key per stream.
pub(crate) fn with_key(mut append: Append, value: &str) -> Append {
    append.keys.push(KeyClaim {
        field: "transactionId",
        value: value.to_owned(),
        across_all: false,
    });
    append
}

/// The same, with a command id.
pub(crate) fn with_command(mut append: Append, id: &str) -> Append {
    append.command = Some(CommandRecord { id: Arc::from(id), refusal: None, repeats: None });
    append
}

/// Gives the writer a job that has begun when this returns, and ends when it is told to.
pub(crate) async fn keep_busy(
    store: &SqliteStore,
) -> (std::sync::mpsc::Sender<()>, tokio::task::JoinHandle<Result<bool, StoreError>>) {
    let (begin, begun) = tokio::sync::oneshot::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let database = store.database().clone();
    let busy = tokio::spawn(async move {
        let wait = move |_: &rusqlite::Transaction<'_>| {
            begin.send(()).expect("somebody waits for the beginning");
            Ok(released.recv().is_ok())
        };
        database.write(wait).await
    });
    begun.await.expect("the job begins");
    (release, busy)
}

/// Appends all in one group, in this order: they queue up while a job keeps the writer busy.
pub(crate) async fn together(
    store: &SqliteStore,
    appends: Vec<Append>,
) -> Vec<Result<Appended, AppendError>> {
    let (release, busy) = keep_busy(store).await;
    let mut running = Vec::new();
    for append in appends {
        let store = store.clone();
        running.push(tokio::spawn(async move { store.append(append).await }));
        // Each needs a few turns to get into the queue.
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
    }
    release.send(()).expect("the writer waits");
    assert_eq!(busy.await.expect("no panic"), Ok(true));
    let mut outcomes = Vec::new();
    for append in running {
        outcomes.push(append.await.expect("no panic"));
    }
    outcomes
}

pub(crate) fn read(id: &str, after: u64, limit: usize) -> StreamRead {
    StreamRead { stream: key(id), after, direction: Direction::Forwards, limit, metadata: true }
}

pub(crate) fn sequences(page: &Page) -> Vec<u64> {
    page.iter().map(|event| event.meta.sequence).collect()
}
