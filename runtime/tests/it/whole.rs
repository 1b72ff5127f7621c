//! Copies of whole stores: everything is there, whatever it is named, and a copy that was cut off goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use eventloom_runtime::store::whole::{
    self, CopyError, Part, Record, RecordPage, ShapeRecord, WholeStore,
};
use eventloom_runtime::store::{
    Append, AppendError, CommandRecord, KeyClaim, NewEvent, Snapshot, StreamKey,
};
use eventloom_runtime::testing::{Sqlite, StoreKind, block_on};
use eventloom_runtime::{EventShape, EventStore, Metadata, Position, StoreError, Timestamp, Uuid};

const SHAPES: &[EventShape] = &[
    EventShape { event_type: "Moved", version: 1, shape: r#"{"of":"string"}"# },
    EventShape { event_type: "Never", version: 3, shape: "{}" },
];

fn event(stream: &StreamKey, sequence: u64, event_type: &'static str) -> NewEvent {
    NewEvent {
        event_type,
        version: 1,
        data: format!(r#"{{"of":{:?},"number":{sequence}}}"#, stream.id.as_str()).into_bytes(),
        meta: Metadata {
            event_id: Uuid::now_v7(),
            stream_id: stream.id.clone(),
            sequence,
            at: Timestamp::from_micros(-7),
            recorded_at: Timestamp::MAX,
            actor: Some("O'Neil\0".into()),
            correlation_id: sequence.is_multiple_of(2).then(|| "c".into()),
            causation_id: Some("c".into()),
            traceparent: None,
        },
    }
}

fn key(value: &str, across_all: bool) -> KeyClaim {
    KeyClaim { field: "transactionId", value: value.to_owned(), across_all }
}

/// Streams, keys and commands of every kind.
async fn fill(store: &impl EventStore) {
    store.register("Account", SHAPES).await.expect("shapes");
    let long = "long ".repeat(800);
    let mut random = fastrand::Rng::with_seed(3);
    let noise: String = (0..2_500).map(|_| random.alphanumeric()).collect();
    let names =
        ["", "a", "a\0b", "\u{1}", "Ä", "' \" \\ ;", "k1 2 3", &long[..1_500], &noise[..900]];
    for (number, name) in (1..).zip(names) {
        for aggregate in ["Account", "Other \0 aggregate"] {
            let stream = StreamKey { aggregate, id: name.into() };
            let count = number % 3 + 1;
            let events: Vec<_> = (1..=count).map(|it| event(&stream, it, "Moved")).collect();
            let refusal = (number % 2 == 0).then(|| (format!("No\0{number}"), name.to_owned()));
            let append = Append {
                stream: stream.clone(),
                expected: 0,
                events,
                released: Vec::new(),
                passing: Vec::new(),
                keys: vec![
                    key(name, false),
                    key(&format!("{aggregate} {name}"), true),
                    key(&format!("{long}{number}"), true),
                    key(&format!("{noise}{number}"), false),
                ],
                content: [u8::try_from(number).expect("a small number"); 16],
                command: Some(CommandRecord {
                    id: Arc::from(format!("{noise}{name}{aggregate}")),
                    refusal,
                    repeats: None,
                }),
                snapshot: Some(Snapshot { sequence: count, meaning: 7, data: vec![0xff] }),
            };
            store.append(append).await.expect("an append");
            // A refusal without events, and a command without a key.
            let refused = Append {
                stream: stream.clone(),
                expected: count,
                events: Vec::new(),
                released: Vec::new(),
                passing: Vec::new(),
                keys: Vec::new(),
                content: [9; 16],
                command: Some(CommandRecord {
                    id: Arc::from(format!("{name} {aggregate}")),
                    refusal: Some(("No".to_owned(), String::new())),
                    repeats: None,
                }),
                snapshot: None,
            };
            store.append(refused).await.expect("a record");
        }
    }
}

/// What was decided before is known in the copy, and what comes after it is appended as ever.
async fn goes_on(store: &impl EventStore) {
    store.register("Account", SHAPES).await.expect("the same shapes");
    let stream = StreamKey { aggregate: "Account", id: "a".into() };
    let head = store.head().await.expect("a head");
    let append = |keys, command| Append {
        stream: stream.clone(),
        expected: 3,
        events: vec![event(&stream, 4, "Moved")],
        released: Vec::new(),
        passing: Vec::new(),
        keys,
        content: [1; 16],
        command,
        snapshot: None,
    };
    let taken = store.append(append(vec![key("a", false)], None)).await;
    assert!(matches!(taken, Err(AppendError::DuplicateKey(taken)) if taken.events == (1, 3)));
    let id = Some(CommandRecord { id: "a Account".into(), refusal: None, repeats: None });
    let known = store.append(append(Vec::new(), id)).await;
    assert!(matches!(known, Err(AppendError::CommandKnown(known)) if known.content == [9; 16]));
    let landed = store.append(append(vec![key("new", true)], None)).await;
    assert_eq!(landed.map(|it| it.position), Ok(head + 1));
}

async fn is_copied(from: impl WholeStore, to: impl WholeStore) {
    fill(&from).await;
    let mut steps = 0;
    let copied = whole::copy(&from, &to, |_| steps += 1).await.expect("a copy");
    assert_eq!(copied.events, from.head().await.expect("a head"));
    assert!(steps > 2 && copied.records > 60, "{copied:?}");
    // Once more changes nothing.
    assert_eq!(whole::copy(&from, &to, |_| ()).await, Ok(copied));
    let stream = StreamKey { aggregate: "Account", id: "a".into() };
    assert_eq!(to.snapshot(&stream, 7, u64::MAX).await, Ok(None), "snapshots are made anew");
    goes_on(&to).await;
    let differs = whole::copy(&to, &from, |_| ()).await;
    assert!(differs.is_ok(), "what is ahead may be copied back: {differs:?}");
    let mine = StreamKey { aggregate: "Account", id: "mine".into() };
    let own = Append {
        stream: mine.clone(),
        expected: 0,
        events: vec![event(&mine, 1, "Moved")],
        released: Vec::new(),
        passing: Vec::new(),
        keys: Vec::new(),
        content: [1; 16],
        command: None,
        snapshot: None,
    };
    to.append(own).await.expect("an append");
    let other = whole::copy(&from, &to, |_| ()).await;
    assert!(matches!(other, Err(CopyError::OtherHistory { .. })), "{other:?}");
}

#[test]
fn a_file_is_copied_to_a_file() {
    block_on(async {
        let (_one, from) = Sqlite.open_new().await.expect("a store");
        let (_other, to) = Sqlite.open_new().await.expect("a store");
        is_copied(from, to).await;
    });
}

#[cfg(feature = "testing-postgres")]
#[test]
fn a_file_is_copied_to_a_server_and_a_server_to_a_file() {
    use eventloom_runtime::testing::Postgres;
    block_on(async {
        let (_one, file) = Sqlite.open_new().await.expect("a store");
        let (_other, server) = Postgres.open_new().await.expect("a store");
        is_copied(file, server).await;
        let (_one, file) = Sqlite.open_new().await.expect("a store");
        let (_other, server) = Postgres.open_new().await.expect("a store");
        is_copied(server, file).await;
    });
}

/// A store that fails after so many parts were written.
#[derive(Clone)]
struct Failing<S> {
    store: S,
    left: Arc<AtomicUsize>,
}

macro_rules! passes_on {
    ($($name:ident($($argument:ident: $of:ty),*) -> $result:ty;)+) => {$(
        async fn $name(&self, $($argument: $of),*) -> $result {
            self.store.$name($($argument),*).await
        }
    )+};
}

impl<S: EventStore> EventStore for Failing<S> {
    passes_on! {
        register(aggregate: &'static str, shapes: &'static [EventShape]) -> Result<(), StoreError>;
        append(append: Append) -> Result<eventloom_runtime::store::Appended, AppendError>;
        read_stream(read: eventloom_runtime::store::StreamRead) -> Result<eventloom_runtime::store::Page, StoreError>;
        read_all(after: Position, filter: &eventloom_runtime::store::EventFilter, limit: usize) -> Result<eventloom_runtime::store::AllPage, StoreError>;
        head() -> Result<Position, StoreError>;
        snapshot(stream: &StreamKey, meaning: u64, at_most: u64) -> Result<Option<Snapshot>, StoreError>;
        save_snapshot(stream: &StreamKey, snapshot: Snapshot) -> Result<(), StoreError>;
        discard_snapshot(stream: &StreamKey, meaning: u64) -> Result<(), StoreError>;
        command(id: &str) -> Result<Option<eventloom_runtime::store::RecordedCommand>, StoreError>;
        taken_key(stream: &StreamKey, claims: &[KeyClaim]) -> Result<Option<eventloom_runtime::store::TakenKey>, StoreError>;
        streams(aggregate: &'static str, after: Option<&eventloom_runtime::StreamId>, limit: usize) -> Result<Vec<eventloom_runtime::StreamId>, StoreError>;
        changed(after: Position) -> ();
    }
}

impl<S: WholeStore> WholeStore for Failing<S> {
    passes_on! {
        shapes() -> Result<Vec<ShapeRecord>, StoreError>;
        records(after: Option<&str>, limit: usize) -> Result<RecordPage, StoreError>;
    }

    async fn restore(&self, part: Part) -> Result<(), StoreError> {
        let left = self.left.load(Ordering::SeqCst);
        if left == 0 {
            return Err(StoreError::Unavailable("enough".to_owned()));
        }
        self.left.store(left - 1, Ordering::SeqCst);
        self.store.restore(part).await
    }
}

#[test]
fn a_copy_that_was_cut_off_goes_on() {
    block_on(async {
        let (_one, from) = Sqlite.open_new().await.expect("a store");
        let (_other, to) = Sqlite.open_new().await.expect("a store");
        let stream = StreamKey { aggregate: "Account", id: "long".into() };
        for round in 0..6 {
            let (first, last) = (round * 500 + 1, (round + 1) * 500);
            let append = Append {
                stream: stream.clone(),
                expected: first - 1,
                events: (first..=last).map(|it| event(&stream, it, "Moved")).collect(),
                released: Vec::new(),
                passing: Vec::new(),
                keys: (first..=last).map(|it| key(&it.to_string(), it % 2 == 0)).collect(),
                content: [2; 16],
                command: None,
                snapshot: None,
            };
            from.append(append).await.expect("an append");
        }
        let mut tries = 0;
        let copied = loop {
            tries += 1;
            let failing = Failing { store: to.clone(), left: Arc::new(AtomicUsize::new(tries)) };
            match whole::copy(&from, &failing, |_| ()).await {
                Ok(copied) => break copied,
                Err(CopyError::To(StoreError::Unavailable(_))) => {}
                Err(error) => panic!("{error}"),
            }
        };
        assert!(tries > 3, "{tries}");
        assert_eq!((copied.events, copied.records), (3_000, 3_000));
    });
}

#[test]
fn what_can_not_be_restored_is_told() {
    block_on(async {
        let (_place, store) = Sqlite.open_new().await.expect("a store");
        fill(&store).await;
        let (_other, source) = Sqlite.open_new().await.expect("a store");
        source
            .register("Account", &[EventShape { event_type: "Moved", version: 1, shape: "{}" }])
            .await
            .expect("a shape");
        let other = whole::copy(&store, &source, |_| ()).await.expect_err("another shape");
        assert!(other.to_string().contains("Account.Moved v1 is"), "{other}");
        let page = store.records(None, 3).await.expect("records");
        assert!(page.records.iter().all(|it| matches!(it, Record::Key { .. })));
        let odd = store.records(Some("x"), 3).await.expect_err("no place");
        assert!(odd.to_string().contains("`x` is no place"), "{odd}");
    });
}
