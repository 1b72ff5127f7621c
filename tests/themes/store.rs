//! The store under test: one in memory, with an interceptor that breaks what the mutation says.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eventloom_runtime::projection::MemoryReadDatabase;
use eventloom_runtime::store::{
    AllPage, Append, AppendError, Appended, Direction, EventFilter, EventStore, KeyClaim,
    MemoryStore, NewEvent, Page, RecordedCommand, Snapshot, StoreError, StoredEvent, StoredShape,
    StreamKey, StreamRead, TakenKey,
};
use eventloom_runtime::testing::intercept::{Intercepted, Interceptor};
use eventloom_runtime::testing::{Check, START, StoreKind, WithReads};
use eventloom_runtime::{Aggregate, DomainEvent, Metadata, Position, Sequence, Timestamp};
use eventloom_tests::goldens::bank::bank_account as sound;

use crate::bank::{BankAccount, BankAccountEvent, set_time};
use crate::mutations::Mutation as M;
use crate::reads::ReadsUnderTest;

/// The kind of store that every test of the harness runs on.
#[derive(Clone, Copy)]
pub(crate) struct UnderTest;

/// Where a store under test lies.
#[derive(Default)]
pub(crate) struct Place {
    store: MemoryStore,
    reads: MemoryReadDatabase,
    opened: AtomicBool,
}

impl StoreKind for UnderTest {
    const NAME: &'static str = "the store under test";
    const CASES: u32 = 24;

    type Store = Intercepted<MemoryStore, Mutant>;
    type Place = Place;

    fn new_place(self) -> Place {
        Place::default()
    }

    async fn open(self, place: &Place) -> Result<Self::Store, StoreError> {
        let reopened = place.opened.swap(true, Ordering::SeqCst);
        Ok(Intercepted::new(place.store.clone(), Mutant { reopened }))
    }
}

impl WithReads for UnderTest {
    type ReadDatabase = ReadsUnderTest;

    async fn open_with_reads(self, place: &Place) -> Check<(Self::Store, ReadsUnderTest)> {
        Ok((self.open(place).await?, ReadsUnderTest(place.reads.clone())))
    }
}

/// What stands before the store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mutant {
    /// Whether the store was opened before, as by a program that has been restarted.
    reopened: bool,
}

type Stored<T> = Result<T, StoreError>;

impl Interceptor<MemoryStore> for Mutant {
    async fn append(
        &self,
        store: &MemoryStore,
        mut append: Append,
    ) -> Result<Appended, AppendError> {
        if M::an_event_is_lost.is_on() && append.expected == 2 {
            return Ok(Appended { position: store.head().await? + 1 });
        }
        if M::two_writers_win_a_sequence.is_on() {
            let actual = length(store, &append.stream).await?;
            if actual != append.expected {
                return Err(AppendError::Conflict { expected: append.expected, actual });
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
            append.expected = length(store, &append.stream).await?;
            for (sequence, event) in (append.expected + 1..).zip(&mut append.events) {
                event.meta.sequence = sequence;
            }
        }
        self.break_append(&mut append);
        let (content, head) = (append.content, store.head().await?);
        match store.append(append).await {
            Err(AppendError::Conflict { .. }) if M::a_conflict_is_swallowed.is_on() => {
                Ok(Appended { position: head })
            }
            Err(AppendError::DuplicateKey(taken)) if M::a_key_is_taken_for_its_command.is_on() => {
                Err(AppendError::DuplicateKey(Box::new(TakenKey { content, ..*taken })))
            }
            Err(AppendError::CommandKnown(known))
                if M::a_command_id_is_taken_for_its_command.is_on() =>
            {
                Err(AppendError::CommandKnown(Box::new(RecordedCommand { content, ..*known })))
            }
            outcome => outcome,
        }
    }

    async fn read_stream(&self, store: &MemoryStore, mut read: StreamRead) -> Stored<Page> {
        if M::a_page_skips_an_event.is_on() && read.after > 0 {
            read.after += u64::from(read.after + 1 < length(store, &read.stream).await?);
        }
        if M::a_future_snapshot_is_used.is_on() && read.after > length(store, &read.stream).await? {
            let sequence = read.after + 1;
            let last = StreamRead { after: sequence, direction: Direction::Backwards, ..read };
            let last = store.read_stream(StreamRead { limit: 1, ..last }).await?;
            let mut page = changed(&last, |meta| meta.sequence = sequence);
            page.end();
            return Ok(page);
        }
        // The snapshot's own last event, and nothing after it.
        if M::the_tail_of_a_snapshot_is_skipped.is_on() && read.after % 100 == 99 {
            let mut page = store.read_stream(StreamRead { limit: 1, ..read }).await?;
            page.end();
            return Ok(page);
        }
        store.read_stream(read).await
    }

    async fn read_all(
        &self,
        store: &MemoryStore,
        after: Position,
        filter: &EventFilter,
        limit: usize,
    ) -> Stored<AllPage> {
        let after = match M::on() {
            Some(M::a_page_skips_an_event) if after > 0 => {
                after + u64::from(after + 1 < store.head().await?)
            }
            _ => after,
        };
        let mut page = store.read_all(after, filter, limit).await?;
        match M::on() {
            Some(M::the_last_event_is_lost_in_a_crash) if self.reopened && page.events.at_end() => {
                page.events.truncate(page.events.len().saturating_sub(1));
                page.events.end();
            }
            Some(M::an_event_is_delivered_twice) => {
                let twice = page.events.iter().flat_map(|event| [event, event]);
                page.events = mapped(&page.events, twice, |_| ());
            }
            Some(M::events_come_in_another_order) => {
                page.events = mapped(&page.events, page.events.iter().rev(), |_| ());
            }
            Some(M::rows_are_told_no_correlation) => {
                page.events = changed(&page.events, |meta| meta.correlation_id = None);
            }
            Some(M::rows_are_told_no_cause) => {
                page.events = changed(&page.events, |meta| meta.causation_id = None);
            }
            Some(M::rows_are_told_no_trace) => {
                page.events = changed(&page.events, |meta| meta.traceparent = None);
            }
            Some(M::rows_are_told_of_another_event) => {
                page.events = changed(&page.events, |meta| meta.event_id = Default::default());
            }
            _ => {}
        }
        Ok(page)
    }

    async fn snapshot(
        &self,
        store: &MemoryStore,
        stream: &StreamKey,
        meaning: u64,
        at_most: Sequence,
    ) -> Stored<Option<Snapshot>> {
        let found = store.snapshot(stream, meaning, at_most).await?;
        Ok(found.filter(|found| !M::a_bad_snapshot_is_hidden.is_on() || !found.data.is_empty()))
    }

    async fn save_snapshot(
        &self,
        store: &MemoryStore,
        stream: &StreamKey,
        mut snapshot: Snapshot,
    ) -> Stored<()> {
        if M::a_bad_snapshot_is_never_replaced.is_on() && state_of(&snapshot).is_some() {
            return Ok(());
        }
        if M::a_snapshot_of_another_meaning_is_used.is_on() {
            snapshot.meaning = BankAccount::MEANING;
        }
        store.save_snapshot(stream, snapshot).await
    }

    async fn command(&self, store: &MemoryStore, id: &str) -> Stored<Option<RecordedCommand>> {
        if self.forgets(M::a_command_id_is_forgotten_in_a_restart) {
            return Ok(None);
        }
        store.command(id).await
    }

    async fn taken_key(
        &self,
        store: &MemoryStore,
        stream: &StreamKey,
        claims: &[KeyClaim],
    ) -> Stored<Option<TakenKey>> {
        if self.forgets(M::a_key_is_forgotten_in_a_restart) {
            return Ok(None);
        }
        let taken = store.taken_key(stream, claims).await?;
        if M::a_refused_command_takes_its_key.is_on() && taken.is_none() {
            let claiming = Append {
                stream: stream.clone(),
                expected: length(store, stream).await?,
                events: Vec::new(),
                released: Vec::new(),
                passing: Vec::new(),
                keys: claims.to_vec(),
                content: [0; 16],
                command: None,
                snapshot: None,
                epoch: None,
            };
            // Whether it lands or not: the look at the key goes on.
            let _ = store.append(claiming).await;
        }
        Ok(taken)
    }
}

impl Mutant {
    fn forgets(self, mutation: M) -> bool {
        self.reopened && mutation.is_on()
    }

    /// Changes what is written.
    fn break_append(self, append: &mut Append) {
        let last = append.expected + append.events.len() as Sequence;
        match M::on() {
            Some(M::a_command_id_is_not_recorded) => append.command = None,
            Some(M::a_command_id_is_forgotten_in_a_restart) if self.reopened => {
                append.command = None;
            }
            Some(M::a_key_is_forgotten_in_a_restart) if self.reopened => append.keys.clear(),
            Some(M::a_key_is_not_stored) => append.keys.clear(),
            Some(M::a_key_is_claimed_in_the_wrong_scope) => {
                append.keys.iter_mut().for_each(|key| key.across_all = !key.across_all);
            }
            Some(M::a_snapshot_is_not_taken) => append.snapshot = None,
            Some(M::a_snapshot_is_taken_with_every_event) if append.snapshot.is_none() => {
                let meaning = BankAccount::MEANING;
                append.snapshot = Some(Snapshot { sequence: last, meaning, data: Vec::new() });
            }
            Some(M::a_snapshot_is_taken_an_event_late) => {
                if let Some(snapshot) = &mut append.snapshot {
                    snapshot.sequence += 1;
                }
            }
            Some(M::a_snapshot_is_built_by_applying_twice) => apply_again(append),
            Some(M::an_append_loses_its_conversation) => {
                tracing::Span::current().record("messaging.message.conversation_id", "lost");
            }
            Some(M::a_store_stamps_its_own_time) if append.expected > 0 => {
                append.events.iter_mut().for_each(stamp);
            }
            _ => append.events.iter_mut().for_each(|event| break_metadata(&mut event.meta)),
        }
    }
}

fn break_metadata(meta: &mut Metadata) {
    match M::on() {
        Some(M::an_event_loses_its_correlation) => meta.correlation_id = None,
        Some(M::an_event_loses_its_cause) => meta.causation_id = None,
        Some(M::an_event_loses_its_trace) => meta.traceparent = None,
        Some(M::an_event_loses_its_actor) => meta.actor = None,
        // Of which its sender says neither: both are the command's id.
        Some(M::an_uncalled_event_loses_its_cause) if meta.causation_id == meta.correlation_id => {
            meta.causation_id = None;
        }
        _ => {}
    }
}

/// The state of a snapshot that can be read, with the line before it.
fn state_of(snapshot: &Snapshot) -> Option<(Vec<u8>, sound::BankAccountState)> {
    let end = snapshot.data.iter().position(|byte| *byte == b'\n')?;
    let (beside, state) = snapshot.data.split_at(end + 1);
    Some((beside.to_vec(), sound::BankAccount::read_state(state).ok()?))
}

fn apply_again(append: &mut Append) {
    let Some(snapshot) = &mut append.snapshot else { return };
    let Some((mut data, mut state)) = state_of(snapshot) else { return };
    for event in &append.events {
        sound::BankAccount::apply(&mut state, &read(event), &event.meta)
            .expect("what was applied once is applied again");
    }
    sound::BankAccount::write_state(&state, &mut data);
    snapshot.data = data;
}

fn read(event: &NewEvent) -> sound::BankAccountEvent {
    let NewEvent { event_type, version, data, meta } = event;
    let read = BankAccountEvent::read(event_type, *version, data, meta);
    read.expect("an event on its way into the store can be read").0
}

/// Gives an event an hour before everything else for its time.
fn stamp(event: &mut NewEvent) {
    let mut stamped = read(event);
    set_time(&mut stamped, Timestamp::from_micros(START.as_micros() - 3_600_000_000));
    event.data.clear();
    stamped.write(&mut event.data);
}

async fn length(store: &MemoryStore, stream: &StreamKey) -> Stored<Sequence> {
    let read = StreamRead {
        stream: stream.clone(),
        after: Sequence::MAX,
        direction: Direction::Backwards,
        limit: 1,
        metadata: false,
    };
    let page = store.read_stream(read).await?;
    Ok(page.iter().next().map_or(0, |event| event.meta.sequence))
}

fn push(page: &mut Page, event: StoredEvent<'_>, meta: Metadata) {
    let shape = StoredShape {
        aggregate: event.aggregate.to_owned(),
        event_type: event.event_type.to_owned(),
        version: event.version,
    };
    page.push(Arc::new(shape), event.position, meta, event.data);
}

/// These events in the place of the page's own.
fn mapped<'p>(
    page: &'p Page,
    events: impl Iterator<Item = StoredEvent<'p>>,
    change: impl Fn(&mut Metadata),
) -> Page {
    let mut out = Page::default();
    for event in events {
        let mut meta = event.meta.clone();
        change(&mut meta);
        push(&mut out, event, meta);
    }
    if page.at_end() {
        out.end();
    }
    out
}

fn changed(page: &Page, change: impl Fn(&mut Metadata)) -> Page {
    mapped(page, page.iter(), change)
}
