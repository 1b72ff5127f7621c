//! What a [`super::MemoryStore`] holds: the events in order, and what is found by stream, key and
//! command id. Every check comes before any change.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::event::EventShape;
use crate::metadata::{Metadata, Position, Sequence, StreamId};
use crate::store::{
    AllPage, Append, AppendError, Direction, EventFilter, KeyClaim, NewEvent, PAGE_POSITIONS, Page,
    RecordedCommand, Snapshot, StoreError, StoredShape, StreamKey, StreamRead, TakenKey,
};

/// The log and its indexes.
#[derive(Default)]
pub(super) struct Log {
    /// The event at position p lies at index p - 1.
    events: Vec<Stored>,
    /// Indexes into `events`: the event with sequence s lies at s - 1.
    streams: BTreeMap<StreamKey, Vec<usize>>,
    keys: HashMap<KeyScope, TakenKey>,
    commands: HashMap<Arc<str>, RecordedCommand>,
    snapshots: HashMap<(StreamKey, u64), Snapshot>,
    shapes: BTreeMap<(&'static str, &'static str, u32), RegisteredShape>,
}

struct Stored {
    shape: Arc<StoredShape>,
    meta: Metadata,
    data: Vec<u8>,
}

#[derive(Default)]
struct RegisteredShape {
    shape: Option<&'static str>,
    stored: Option<Arc<StoredShape>>,
}

/// Where a key must be unique: in its stream, or in its aggregate type.
#[derive(PartialEq, Eq, Hash)]
struct KeyScope {
    aggregate: &'static str,
    stream: Option<StreamId>,
    field: &'static str,
    value: String,
}

impl KeyScope {
    fn new(stream: &StreamKey, claim: &KeyClaim) -> Self {
        Self {
            aggregate: stream.aggregate,
            stream: (!claim.across_all).then(|| stream.id.clone()),
            field: claim.field,
            value: claim.value.clone(),
        }
    }
}

impl Log {
    pub(super) fn register(
        &mut self,
        aggregate: &'static str,
        shapes: &'static [EventShape],
    ) -> Result<(), StoreError> {
        for shape in shapes {
            let key = (aggregate, shape.event_type, shape.version);
            let known = self.shapes.get(&key).and_then(|known| known.shape);
            if let Some(stored) = known.filter(|known| *known != shape.shape) {
                return Err(StoreError::shape_mismatch(shape, shapes, stored));
            }
        }
        for shape in shapes {
            let key = (aggregate, shape.event_type, shape.version);
            self.shapes.entry(key).or_default().shape = Some(shape.shape);
        }
        Ok(())
    }

    pub(super) fn head(&self) -> Position {
        self.events.len() as Position
    }

    /// Checks in the order that every store keeps: command id, unique keys, expected sequence.
    pub(super) fn check(&self, append: &Append) -> Result<(), AppendError> {
        if let Some(known) = append.command.as_ref().and_then(|command| self.command(&command.id)) {
            return Err(AppendError::CommandKnown(Box::new(known.clone())));
        }
        let frees = |taken: &TakenKey| {
            taken.stream == append.stream && append.released.contains(&taken.claim)
        };
        let claims = append.keys.iter().chain(&append.passing);
        let mut taken = claims.filter_map(|claim| self.held(&append.stream, claim));
        if let Some(taken) = taken.find(|taken| !frees(taken)).cloned() {
            return Err(AppendError::DuplicateKey(Box::new(taken)));
        }
        let actual = self.sequence(&append.stream);
        if actual != append.expected {
            return Err(AppendError::Conflict { expected: append.expected, actual });
        }
        Ok(())
    }

    /// Appends what has passed [`Self::check`]; gives the position of the last event.
    pub(super) fn append(&mut self, append: Append) -> Position {
        let Append { stream, expected, events, released, keys, content, command, snapshot, .. } =
            append;
        for claim in released {
            if self.held(&stream, &claim).is_some_and(|taken| taken.stream == stream) {
                self.keys.remove(&KeyScope::new(&stream, &claim));
            }
        }
        let range =
            (!events.is_empty()).then(|| (expected + 1, expected + events.len() as Sequence));
        for claim in keys {
            let events = range.unwrap_or((expected + 1, expected));
            let refusal = command.as_ref().and_then(|command| command.refusal.clone());
            let taken = TakenKey { claim, content, stream: stream.clone(), events, refusal };
            self.keys.insert(KeyScope::new(&stream, &taken.claim), taken);
        }
        if let Some(command) = command {
            let (stream, events) = (stream.clone(), range.or(command.repeats));
            let known = RecordedCommand { content, stream, events, refusal: command.refusal };
            self.commands.insert(command.id, known);
        }
        if let Some(snapshot) = snapshot {
            self.save_snapshot(&stream, snapshot);
        }
        self.append_events(stream, events);
        self.head()
    }

    fn append_events(&mut self, stream: StreamKey, events: Vec<NewEvent>) {
        if events.is_empty() {
            return;
        }
        let first = self.events.len();
        let indexes = first..first + events.len();
        for event in events {
            let shape = self.stored_shape(&stream, &event);
            self.events.push(Stored { shape, meta: event.meta, data: event.data });
        }
        self.streams.entry(stream).or_default().extend(indexes);
    }

    fn stored_shape(&mut self, stream: &StreamKey, event: &NewEvent) -> Arc<StoredShape> {
        let key = (stream.aggregate, event.event_type, event.version);
        let shape = self.shapes.entry(key).or_default().stored.get_or_insert_with(|| {
            Arc::new(StoredShape {
                aggregate: stream.aggregate.to_owned(),
                event_type: event.event_type.to_owned(),
                version: event.version,
            })
        });
        Arc::clone(shape)
    }

    fn sequence(&self, stream: &StreamKey) -> Sequence {
        self.streams.get(stream).map_or(0, |events| events.len() as Sequence)
    }

    pub(super) fn read_stream(&self, read: &StreamRead) -> Page {
        let events = self.streams.get(&read.stream).map_or(&[][..], Vec::as_slice);
        let after = usize::try_from(read.after).unwrap_or(usize::MAX);
        match read.direction {
            Direction::Forwards => self.page(events.iter().skip(after), read),
            Direction::Backwards => {
                let below = after.saturating_sub(1).min(events.len());
                self.page(events[..below].iter().rev(), read)
            }
        }
    }

    fn page<'a>(&self, events: impl Iterator<Item = &'a usize>, read: &StreamRead) -> Page {
        let mut page = Page::default();
        for index in events {
            if page.is_full(read.limit) {
                return page;
            }
            self.push(&mut page, *index, read.metadata);
        }
        page.end();
        page
    }

    pub(super) fn read_all(&self, after: Position, filter: &EventFilter, limit: usize) -> AllPage {
        let mut page = AllPage { events: Page::default(), next: after };
        let start = usize::try_from(after).unwrap_or(usize::MAX);
        let most = if filter.is_everything() { u64::MAX } else { PAGE_POSITIONS };
        for (index, event) in self.events.iter().enumerate().skip(start) {
            if page.events.is_full(limit.max(1)) || page.next - after >= most {
                return page;
            }
            page.next = index as Position + 1;
            if filter.passes(&event.shape.aggregate, &event.shape.event_type) {
                self.push(&mut page.events, index, filter.metadata);
            }
        }
        page.events.end();
        page
    }

    fn push(&self, page: &mut Page, index: usize, metadata: bool) {
        let Stored { shape, meta, data } = &self.events[index];
        let meta = if metadata { meta.clone() } else { without_texts(meta) };
        page.push(Arc::clone(shape), index as Position + 1, meta, data);
    }

    pub(super) fn snapshot(
        &self,
        stream: &StreamKey,
        meaning: u64,
        at_most: Sequence,
    ) -> Option<Snapshot> {
        let snapshot = self.snapshots.get(&(stream.clone(), meaning))?;
        (snapshot.sequence <= at_most).then(|| snapshot.clone())
    }

    pub(super) fn save_snapshot(&mut self, stream: &StreamKey, snapshot: Snapshot) {
        self.snapshots.insert((stream.clone(), snapshot.meaning), snapshot);
    }

    pub(super) fn discard_snapshot(&mut self, stream: &StreamKey, meaning: u64) {
        self.snapshots.remove(&(stream.clone(), meaning));
    }

    pub(super) fn command(&self, id: &str) -> Option<&RecordedCommand> {
        self.commands.get(id)
    }

    pub(super) fn taken_key(&self, stream: &StreamKey, claims: &[KeyClaim]) -> Option<TakenKey> {
        claims.iter().find_map(|claim| self.held(stream, claim)).cloned()
    }

    fn held(&self, stream: &StreamKey, claim: &KeyClaim) -> Option<&TakenKey> {
        self.keys.get(&KeyScope::new(stream, claim))
    }

    pub(super) fn streams(
        &self,
        aggregate: &'static str,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Vec<StreamId> {
        let start = StreamKey { aggregate, id: after.cloned().unwrap_or_else(|| "".into()) };
        self.streams
            .range(start..)
            .map(|(stream, _)| stream)
            .take_while(|stream| stream.aggregate == aggregate)
            .filter(|stream| Some(&stream.id) != after)
            .map(|stream| stream.id.clone())
            .take(limit)
            .collect()
    }
}

fn without_texts(meta: &Metadata) -> Metadata {
    Metadata {
        stream_id: meta.stream_id.clone(),
        actor: None,
        correlation_id: None,
        causation_id: None,
        traceparent: None,
        ..*meta
    }
}
