//! Copies of whole stores: everything is there, whatever it is named, and a copy that was cut off goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[cfg(feature = "testing-postgres")]
use eventloom_runtime::store::postgres::{PostgresDatabase, PostgresStore};
use eventloom_runtime::store::sqlite::{SqliteDatabase, SqliteStore};
use eventloom_runtime::store::whole::{
    self, CopyError, CopyId, Copying, Part, Record, RecordPage, ShapeRecord, WholeStore,
};
use eventloom_runtime::store::{
    Append, AppendError, CommandRecord, EventFilter, KeyClaim, NewEvent, Snapshot, StreamKey,
};
#[cfg(feature = "testing-postgres")]
use eventloom_runtime::testing::Postgres;
use eventloom_runtime::testing::{Sqlite, StoreKind, block_on};
use eventloom_runtime::{EventShape, EventStore, Metadata, Position, StoreError, Timestamp, Uuid};

mod marks;

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
                epoch: None,
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
                epoch: None,
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
        epoch: None,
    };
    let taken = store.append(append(vec![key("a", false)], None)).await;
    assert!(matches!(taken, Err(AppendError::DuplicateKey(taken)) if taken.events == (1, 3)));
    let id = Some(CommandRecord { id: "a Account".into(), refusal: None, repeats: None });
    let known = store.append(append(Vec::new(), id)).await;
    assert!(matches!(known, Err(AppendError::CommandKnown(known)) if known.content == [9; 16]));
    let landed = store.append(append(vec![key("new", true)], None)).await;
    assert_eq!(landed.map(|it| it.position), Ok(head + 1));
}

/// A kind of store that can be copied into.
pub(crate) trait CopyKind: StoreKind<Store: WholeStore> {
    async fn open_for_copy(self, place: &Self::Place) -> Self::Store;
}

impl CopyKind for Sqlite {
    async fn open_for_copy(self, place: &Self::Place) -> SqliteStore {
        let file = place.path().join("events.db");
        let database = SqliteDatabase::open_for_copy(file).expect("a file");
        SqliteStore::open(&database).await.expect("a store")
    }
}

#[cfg(feature = "testing-postgres")]
impl CopyKind for Postgres {
    async fn open_for_copy(self, place: &Self::Place) -> Self::Store {
        let database = PostgresDatabase::open_for_copy(&place.url().await).expect("an address");
        PostgresStore::open(&database).await.expect("a store")
    }
}

async fn is_copied<A: CopyKind, B: CopyKind>(a: A, b: B) {
    let (first, from) = a.open_new().await.expect("a store");
    let second = b.new_place();
    fill(&from).await;
    let mut steps = 0;
    let filled = b.open_for_copy(&second).await;
    let copied = whole::copy(&from, &filled, |_| steps += 1).await.expect("a copy");
    assert_eq!(copied.events, from.head().await.expect("a head"));
    assert!(steps > 2 && copied.records > 60, "{copied:?}");
    // Once more changes nothing.
    assert_eq!(whole::copy(&from, &filled, |_| ()).await, Ok(copied));
    let to = b.open(&second).await.expect("a whole store");
    let stream = StreamKey { aggregate: "Account", id: "a".into() };
    assert_eq!(to.snapshot(&stream, 7, u64::MAX).await, Ok(None), "snapshots are made anew");
    goes_on(&to).await;
    drop(from);
    let back = whole::copy(&to, &a.open_for_copy(&first).await, |_| ()).await;
    assert!(back.is_ok(), "what is ahead may be copied back: {back:?}");
    let from = a.open(&first).await.expect("a whole store");
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
        epoch: None,
    };
    to.append(own).await.expect("an append");
    let other = whole::copy(&from, &filled, |_| ()).await;
    assert!(matches!(other, Err(CopyError::OtherHistory { .. })), "{other:?}");
    to.head().await.expect("what has events of its own is as usable as it was");
}

#[test]
fn a_file_is_copied_to_a_file() {
    block_on(is_copied(Sqlite, Sqlite));
}

#[cfg(feature = "testing-postgres")]
#[test]
fn a_file_is_copied_to_a_server_and_a_server_to_a_file() {
    block_on(async {
        is_copied(Sqlite, Postgres).await;
        is_copied(Postgres, Sqlite).await;
    });
}

/// A store that fails after so many parts were written, and that may tell an earlier head than it has.
#[derive(Clone)]
struct Failing<S> {
    store: S,
    left: Arc<AtomicUsize>,
    head: Position,
}

fn failing<S: Clone>(store: &S, left: usize) -> Failing<S> {
    Failing { store: store.clone(), left: Arc::new(AtomicUsize::new(left)), head: Position::MAX }
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
        snapshot(stream: &StreamKey, meaning: u64, at_most: u64) -> Result<Option<Snapshot>, StoreError>;
        save_snapshot(stream: &StreamKey, snapshot: Snapshot) -> Result<(), StoreError>;
        discard_snapshot(stream: &StreamKey, meaning: u64) -> Result<(), StoreError>;
        command(id: &str) -> Result<Option<eventloom_runtime::store::RecordedCommand>, StoreError>;
        taken_key(stream: &StreamKey, claims: &[KeyClaim]) -> Result<Option<eventloom_runtime::store::TakenKey>, StoreError>;
        streams(aggregate: &'static str, after: Option<&eventloom_runtime::StreamId>, limit: usize) -> Result<Vec<eventloom_runtime::StreamId>, StoreError>;
        changed(after: Position) -> ();
    }

    async fn head(&self) -> Result<Position, StoreError> {
        Ok(self.store.head().await?.min(self.head))
    }
}

impl<S: WholeStore> WholeStore for Failing<S> {
    passes_on! {
        shapes() -> Result<Vec<ShapeRecord>, StoreError>;
        records(after: Option<&str>, limit: usize) -> Result<RecordPage, StoreError>;
        place() -> Result<String, StoreError>;
        unfinished_copy() -> Result<Option<Position>, StoreError>;
        begin_copy(copy: Copying) -> Result<(), StoreError>;
        end_copy(copy: &CopyId) -> Result<(), StoreError>;
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

/// A stream of 3,000 events with a key each.
async fn fill_long(store: &impl EventStore) {
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
            epoch: None,
        };
        store.append(append).await.expect("an append");
    }
}

#[test]
fn a_copy_that_was_cut_off_goes_on() {
    block_on(async {
        let (_one, from) = Sqlite.open_new().await.expect("a store");
        let place = Sqlite.new_place();
        let to = Sqlite.open_for_copy(&place).await;
        fill_long(&from).await;
        let mut tries = 0;
        let copied = loop {
            tries += 1;
            let cut = failing(&to, tries);
            match whole::copy(&from, &cut, |_| ()).await {
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
        let place = Sqlite.new_place();
        let source = Sqlite.open_for_copy(&place).await;
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

/// A copy that was cut off left a store with a part of the events, on which everything worked: a balance was the sum of the
/// movements that had been copied so far, and nothing said that others were missing.
async fn a_part_is_refused<K: CopyKind>(kind: K) {
    let (_one, from) = kind.open_new().await.expect("a store");
    fill_long(&from).await;
    let place = kind.new_place();
    let to = kind.open_for_copy(&place).await;
    // The mark, the shapes and a part of the events are written.
    let cut = failing(&to, 2);
    let cut_off = whole::copy(&from, &cut, |_| ()).await.expect_err("it is cut off");
    assert!(matches!(cut_off, CopyError::To(_)), "{cut_off}");
    let refused = match kind.open(&place).await {
        Ok(_) => panic!("a part is no store"),
        Err(refused) => refused,
    };
    let is_part = matches!(refused, StoreError::UnfinishedCopy { copied: 1_000, of: 3_000, .. });
    assert!(is_part, "{refused}");
    for part in ["up to position 1000 of 3000", "run the copy again"] {
        assert!(refused.to_string().contains(part), "{refused}");
    }
    drop((cut, to));

    let to = kind.open_for_copy(&place).await;
    whole::copy(&from, &to, |_| ()).await.expect("the rest");
    let whole = kind.open(&place).await.expect("a whole store");
    assert_eq!(whole.head().await, Ok(3_000));
}

#[test]
fn a_part_of_a_store_is_refused_in_a_file() {
    block_on(a_part_is_refused(Sqlite));
}

#[cfg(feature = "testing-postgres")]
#[test]
fn a_part_of_a_store_is_refused_on_a_server() {
    block_on(a_part_is_refused(Postgres));
}

/// A program had the file open, empty, when the copy began: it read the events as they came.
#[test]
fn who_has_a_file_open_sees_no_part_of_a_copy_either() {
    block_on(async {
        let (_one, from) = Sqlite.open_new().await.expect("a store");
        fill_long(&from).await;
        let (place, open) = Sqlite.open_new().await.expect("a store");
        assert_eq!(open.head().await, Ok(0));
        let to = Sqlite.open_for_copy(&place).await;
        let cut = failing(&to, 2);
        whole::copy(&from, &cut, |_| ()).await.expect_err("it is cut off");

        let stream = StreamKey { aggregate: "Account", id: "mine".into() };
        let append = Append {
            stream: stream.clone(),
            expected: 0,
            events: vec![event(&stream, 1, "Moved")],
            released: Vec::new(),
            passing: Vec::new(),
            keys: Vec::new(),
            content: [1; 16],
            command: None,
            snapshot: None,
            epoch: None,
        };
        let appended = open.append(append.clone()).await;
        let is_refused = matches!(
            appended,
            Err(AppendError::Store(StoreError::UnfinishedCopy { copied: 1_000, .. }))
        );
        assert!(is_refused, "{appended:?}");
        let read = open.read_all(0, &EventFilter::default(), 10).await.map(|page| page.next);
        assert!(matches!(read, Err(StoreError::UnfinishedCopy { .. })), "{read:?}");
        let registered = open.register("Account", SHAPES).await;
        assert!(matches!(registered, Err(StoreError::UnfinishedCopy { .. })), "{registered:?}");

        whole::copy(&from, &to, |_| ()).await.expect("the rest");
        assert_eq!(open.head().await, Ok(3_000), "it is whole now");
        open.append(append).await.expect("an append");
    });
}

/// A program had the database open, empty, when the copy began: it read the events as they came.
#[cfg(feature = "testing-postgres")]
#[test]
fn no_copy_begins_into_a_database_that_others_have_open() {
    block_on(async {
        let (_one, from) = Sqlite.open_new().await.expect("a store");
        fill_long(&from).await;
        let (place, open) = Postgres.open_new().await.expect("a store");
        let to = Postgres.open_for_copy(&place).await;
        let refused = whole::copy(&from, &to, |_| ()).await.expect_err("it is in use");
        assert!(matches!(refused, CopyError::NotBegun(_)), "{refused}");
        for part in ["other programs have the database open", "nothing was changed"] {
            assert!(refused.to_string().contains(part), "{refused}");
        }
        assert_eq!(open.head().await, Ok(0));
        drop(open);
        whole::copy(&from, &to, |_| ()).await.expect("nobody has it open any more");
    });
}

/// Two copies went into one store, each after what the other had written.
async fn the_later_copy_goes_on_alone<K: CopyKind>(kind: K) {
    let (_one, from) = kind.open_new().await.expect("a store");
    fill_long(&from).await;
    let place = kind.new_place();
    let (to, other) = (kind.open_for_copy(&place).await, kind.open_for_copy(&place).await);
    let id = CopyId::unique();
    to.begin_copy(Copying { id: id.clone(), after: 0, of: 3_000 }).await.expect("a first copy");
    let part = || Part { copy: Some(id.clone()), ..Part::default() };
    to.restore(part()).await.expect("it goes on");

    let second = CopyId::unique();
    let copying = Copying { id: second.clone(), after: 0, of: 3_000 };
    other.begin_copy(copying).await.expect("another copy");
    let outrun = [to.restore(part()).await, to.end_copy(&id).await];
    for refused in outrun {
        let refused = refused.expect_err("another is at it").to_string();
        assert!(refused.contains("another copy into the same store has begun"), "{refused}");
    }
    other.end_copy(&second).await.expect("it ends");
    let ended = to.restore(part()).await.expect_err("there is no copy");
    assert!(ended.to_string().contains("another copy"), "{ended}");
    whole::copy(&from, &to, |_| ()).await.expect("a copy");
}

#[test]
fn of_two_copies_into_a_file_the_later_goes_on() {
    block_on(the_later_copy_goes_on_alone(Sqlite));
}

#[cfg(feature = "testing-postgres")]
#[test]
fn of_two_copies_into_a_database_the_later_goes_on() {
    block_on(the_later_copy_goes_on_alone(Postgres));
}

/// A store was named twice, by other paths or addresses, and was "copied" onto itself.
#[test]
fn no_store_is_copied_onto_itself() {
    block_on(async {
        let (place, store) = Sqlite.open_new().await.expect("a store");
        fill_long(&store).await;
        let mut ways = vec![place.path().join(".").join("events.db")];
        #[cfg(unix)]
        {
            ways.push(place.path().join("link.db"));
            let file = place.path().join("events.db");
            std::os::unix::fs::symlink(file, &ways[1]).expect("a link");
        }
        for way in ways {
            let database = SqliteDatabase::open_for_copy(way).expect("a file");
            let to = SqliteStore::open(&database).await.expect("a store");
            let itself = whole::copy(&store, &to, |_| ()).await;
            assert_eq!(itself, Err(CopyError::Itself));
        }
        assert_eq!(store.head().await, Ok(3_000));
    });
}

#[cfg(feature = "testing-postgres")]
#[test]
fn no_database_is_copied_onto_itself() {
    block_on(async {
        let (place, store) = Postgres.open_new().await.expect("a store");
        fill_long(&store).await;
        let address = place.url().await;
        let sign = if address.contains('?') { '&' } else { '?' };
        let address = format!("{address}{sign}application_name=other");
        let database = PostgresDatabase::open_for_copy(&address).expect("an address");
        let to = PostgresStore::open(&database).await.expect("a store");
        assert_eq!(whole::copy(&store, &to, |_| ()).await, Err(CopyError::Itself));
        assert_eq!(store.head().await, Ok(3_000));
    });
}
