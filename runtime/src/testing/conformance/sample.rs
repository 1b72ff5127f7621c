//! Sample appends and the reads that look at their traces.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::metadata::{Metadata, Position, Sequence, StreamId};
use crate::store::{
    AllPage, Append, CommandRecord, Direction, EventFilter, EventStore, KeyClaim, NewEvent,
    PAGE_BYTES, Page, Snapshot, StreamKey, StreamRead,
};
use crate::testing::clock::START;
use crate::testing::failure::{Check, Failure, ensure};
use crate::values::{Timestamp, Uuid};

pub(super) const ACCOUNT: &str = "Account";
pub(super) const CUSTOMER: &str = "Customer";
pub(super) const OPENED: &str = "Opened";
pub(super) const MOVED: &str = "Moved";

/// More events than any sample has.
pub(super) const ALL: usize = 1_000_000;

pub(super) fn account(id: &str) -> StreamKey {
    StreamKey { aggregate: ACCOUNT, id: StreamId::from(id) }
}

pub(super) fn customer(id: &str) -> StreamKey {
    StreamKey { aggregate: CUSTOMER, id: StreamId::from(id) }
}

/// An event id never given before in this process.
pub(super) fn new_id() -> Uuid {
    static GIVEN: AtomicU64 = AtomicU64::new(1);
    Uuid::from_u128(u128::from(GIVEN.fetch_add(1, Ordering::Relaxed)))
}

pub(super) fn metadata(stream: &StreamKey, sequence: Sequence) -> Metadata {
    let seconds = i64::try_from(sequence).unwrap_or(0) * 1_000_000;
    Metadata {
        event_id: new_id(),
        stream_id: stream.id.clone(),
        sequence,
        at: Timestamp::from_micros(START.as_micros() + seconds),
        recorded_at: Timestamp::from_micros(START.as_micros() + seconds + 7),
        actor: Some(Arc::from("teller 3")),
        correlation_id: Some(Arc::from("request-1")),
        causation_id: Some(Arc::from("command-1")),
        traceparent: Some(Arc::from("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")),
    }
}

/// The event of that sequence: the first of a stream is `Opened`, all others are `Moved`.
pub(super) fn event(stream: &StreamKey, sequence: Sequence) -> NewEvent {
    NewEvent {
        event_type: if sequence == 1 { OPENED } else { MOVED },
        version: 1,
        data: format!(r#"{{"stream":{:?},"sequence":{sequence}}}"#, stream.id.as_str())
            .into_bytes(),
        meta: metadata(stream, sequence),
    }
}

/// An append of `count` events after `expected`.
pub(super) fn append(stream: &StreamKey, expected: Sequence, count: u64) -> Append {
    Append {
        stream: stream.clone(),
        expected,
        events: (1..=count).map(|offset| event(stream, expected + offset)).collect(),
        released: Vec::new(),
        passing: Vec::new(),
        keys: Vec::new(),
        content: content(1),
        command: None,
        snapshot: None,
        epoch: None,
    }
}

/// Makes each event of an append as big as a quarter of a page: by its data, or by its metadata.
pub(super) fn big(mut append: Append) -> Append {
    let text = "x".repeat(PAGE_BYTES / 4);
    for event in &mut append.events {
        if event.meta.sequence % 2 == 0 {
            event.data = format!("{{\"text\":\"{text}\"}}").into_bytes();
        } else {
            event.meta.actor = Some(Arc::from(text.as_str()));
        }
    }
    append
}

/// Checks that a page of [`big`] events holds no more than it may.
pub(super) fn is_bounded(page: &Page) -> Check {
    ensure!(page.len() <= 5, "{} events of a quarter of a page are in one page", page.len());
    Ok(())
}

pub(super) fn content(number: u8) -> [u8; 16] {
    [number; 16]
}

pub(super) fn command(id: &str) -> Option<CommandRecord> {
    Some(CommandRecord { id: Arc::from(id), refusal: None, repeats: None })
}

pub(super) fn key(value: &str) -> KeyClaim {
    KeyClaim { field: "transactionId", value: value.to_owned(), across_all: false }
}

pub(super) fn key_across_all(value: &str) -> KeyClaim {
    KeyClaim { across_all: true, ..key(value) }
}

pub(super) fn snapshot(sequence: Sequence, meaning: u64, data: &str) -> Snapshot {
    Snapshot { sequence, meaning, data: data.as_bytes().to_vec() }
}

/// A read of a whole stream.
pub(super) fn whole(stream: &StreamKey) -> StreamRead {
    StreamRead {
        stream: stream.clone(),
        after: 0,
        direction: Direction::Forwards,
        limit: ALL,
        metadata: true,
    }
}

pub(super) fn sequences(page: &Page) -> Vec<Sequence> {
    page.iter().map(|event| event.meta.sequence).collect()
}

/// Checks that a stream holds exactly the events 1 to `last`, whole.
pub(super) async fn holds(
    store: &impl EventStore,
    stream: &StreamKey,
    last: Sequence,
) -> Check<Page> {
    let page = store.read_stream(whole(stream)).await?;
    let found = sequences(&page);
    ensure!(
        found.iter().copied().eq(1..=last),
        "stream {stream:?} must hold the sequences 1 to {last}, but holds {found:?}"
    );
    Ok(page)
}

pub(super) fn everything() -> EventFilter {
    EventFilter { metadata: true, ..EventFilter::default() }
}

pub(super) fn only(types: &[(&'static str, &'static str)]) -> EventFilter {
    EventFilter { types: types.to_vec(), ..everything() }
}

/// The events of the global order by position, stream and sequence.
pub(super) type Seen = Vec<(Position, String, Sequence)>;

pub(super) fn seen(page: &AllPage) -> Seen {
    page.events
        .iter()
        .map(|event| {
            let stream = format!("{} {}", event.aggregate, event.meta.stream_id);
            (event.position, stream, event.meta.sequence)
        })
        .collect()
}

/// Reads the global order to its end in pages of `limit`, as a projection would.
pub(super) async fn read_to_end(
    store: &impl EventStore,
    filter: &EventFilter,
    limit: usize,
) -> Check<Seen> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let page = store.read_all(after, filter, limit).await?;
        ensure!(
            page.events.len() <= limit,
            "a page of at most {limit} events holds {}",
            page.events.len()
        );
        ensure!(
            page.events.at_end() || page.next > after,
            "a page after position {after} is not the last, but leads no further ({})",
            page.next
        );
        all.extend(seen(&page));
        after = page.next;
        if page.events.at_end() {
            return Ok(all);
        }
    }
}

/// Everything that an append could leave behind, to compare before and after one that was refused.
#[derive(Debug, PartialEq)]
pub(super) struct Traces {
    head: Position,
    events: Vec<(Position, Vec<u8>)>,
    command: Option<crate::store::RecordedCommand>,
    key: Option<crate::store::TakenKey>,
    snapshot: Option<Snapshot>,
    streams: Vec<StreamId>,
}

/// What [`leaving_traces`] of an append would be seen in.
pub(super) async fn traces(store: &impl EventStore, stream: &StreamKey) -> Check<Traces> {
    let all = store.read_all(0, &everything(), ALL).await?;
    Ok(Traces {
        head: store.head().await?,
        events: all.events.iter().map(|event| (event.position, event.data.to_vec())).collect(),
        command: store.command("traced").await?,
        key: store.taken_key(stream, &[key("traced"), key_across_all("traced")]).await?,
        snapshot: store.snapshot(stream, TRACED_MEANING, Sequence::MAX).await?,
        streams: store.streams(stream.aggregate, None, ALL).await?,
    })
}

const TRACED_MEANING: u64 = 99;

/// An append that would leave every kind of trace: events, keys, a command and a snapshot.
pub(super) fn leaving_traces(stream: &StreamKey, expected: Sequence) -> Append {
    Append {
        keys: vec![key("traced"), key_across_all("traced")],
        command: command("traced"),
        snapshot: Some(snapshot(expected + 2, TRACED_MEANING, "traced")),
        ..append(stream, expected, 2)
    }
}

/// Fails with what an append returned instead of the refusal that was due.
pub(super) fn unexpected(due: &str, found: &impl std::fmt::Debug) -> Failure {
    Failure::new(format!("the append must be refused with {due}"))
        .with("found", format!("{found:?}"))
}
