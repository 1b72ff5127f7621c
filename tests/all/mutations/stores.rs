//! Stores that break a promise of the conformance suite: each promise is broken by at least one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use eventloom_runtime::event::EventShape;
use eventloom_runtime::metadata::Metadata;
use eventloom_runtime::store::{
    AllPage, Append, AppendError, AppendTransaction, Appended, AppendedEvents, CommandRecord,
    Direction, EventFilter, EventStore, FoldError, FoldedChange, ImmediateFold, KeyClaim,
    MemoryStore, Page, RecordedCommand, Snapshot, StoreError, StoredEvent, StoredShape, StreamKey,
    StreamRead, TakenKey,
};
use eventloom_runtime::testing::StoreKind;
use eventloom_runtime::testing::conformance::{keeps, promises};
use eventloom_runtime::testing::intercept::{Intercepted, Interceptor};
use eventloom_runtime::{Position, Sequence, StreamId, Timestamp};

use super::erased::Erased;

/// Stores in memory behind an interceptor.
#[derive(Clone, Copy)]
struct Broken<I>(I);

impl<I: Interceptor<MemoryStore> + Copy> StoreKind for Broken<I> {
    const NAME: &'static str = "a broken store";
    const CASES: u32 = 24;

    type Store = Intercepted<MemoryStore, I>;
    type Place = MemoryStore;

    fn new_place(self) -> MemoryStore {
        MemoryStore::new()
    }

    async fn open(self, place: &MemoryStore) -> Result<Self::Store, StoreError> {
        Ok(Intercepted::new(place.clone(), self.0))
    }
}

/// Stores that forget everything when they are closed.
#[derive(Clone, Copy)]
struct Forgetful;

impl StoreKind for Forgetful {
    const NAME: &'static str = "a forgetful store";
    const CASES: u32 = 24;

    type Store = MemoryStore;
    type Place = ();

    fn new_place(self) {}

    async fn open(self, (): &()) -> Result<MemoryStore, StoreError> {
        Ok(MemoryStore::new())
    }
}

fn is_caught(kind: impl StoreKind, promises: &[&str]) {
    for promise in promises {
        assert!(keeps(kind, promise).is_err(), "`{promise}` holds for a store that breaks it");
    }
}

/// Each broken store: how it breaks, and the promises that notice.
macro_rules! broken_stores {
    ($($(#[doc = $story:literal])+ $name:ident { $($body:item)+ } caught by $($promise:ident),+;)+) => {
        $($(#[doc = $story])+ mod $name {
            use super::*;

            #[derive(Clone, Copy)]
            struct Mutant;

            impl Interceptor<MemoryStore> for Mutant { $($body)+ }

            #[test]
            fn is_caught() {
                super::is_caught(Broken(Erased(&Mutant)), &[$(stringify!($promise)),+]);
            }
        })+

        /// Promises that a broken store is caught by.
        const CAUGHT: &[&str] = &[$($(stringify!($promise)),+),+];
    };
}

/// Promises that a store breaks that forgets.
const CAUGHT_FORGETTING: &[&str] = &[
    "everything_is_there_after_a_restart",
    "a_restarted_store_still_refuses",
    "positions_go_on_growing_after_a_restart",
    "two_handles_show_one_store",
    "a_reader_is_woken_by_another_handle",
    "shapes_are_kept_over_a_restart",
];

#[test]
fn forgetting_is_caught() {
    is_caught(Forgetful, CAUGHT_FORGETTING);
}

/// A promise that no broken store is caught by may hold for no reason at all.
#[test]
fn every_promise_can_be_broken() {
    let caught: BTreeSet<&str> = CAUGHT.iter().chain(CAUGHT_FORGETTING).copied().collect();
    let all: BTreeSet<&str> = promises::<Forgetful>().iter().map(|(name, _)| *name).collect();
    let unbroken: Vec<_> = all.difference(&caught).collect();
    assert!(unbroken.is_empty(), "no broken store is caught by {unbroken:#?}");
}

/// The interceptor itself breaks nothing.
#[test]
fn a_store_with_nothing_in_between_keeps_every_promise() {
    #[derive(Clone, Copy)]
    struct Nothing;
    impl Interceptor<MemoryStore> for Nothing {}
    for (name, _) in promises::<Broken<Erased>>() {
        keeps(Broken(Erased(&Nothing)), name).unwrap();
    }
}

type StoreResult<T> = Result<T, StoreError>;

/// The page with every event changed.
fn changed(page: &Page, change: impl Fn(StoredEvent<'_>) -> (Position, Metadata, Vec<u8>)) -> Page {
    let mut out = Page::default();
    for event in page.iter() {
        let (position, meta, data) = change(event);
        out.push(shape(event), position, meta, &data);
    }
    ended_like(out, page)
}

fn with_metadata(page: &Page, change: impl Fn(&mut Metadata)) -> Page {
    changed(page, |event| {
        let mut meta = event.meta.clone();
        change(&mut meta);
        (event.position, meta, event.data.to_vec())
    })
}

fn unended(page: &Page) -> Page {
    let mut out = Page::default();
    push_all(&mut out, page);
    out
}

fn reversed(page: &Page) -> Page {
    let mut out = Page::default();
    for event in page.iter().rev() {
        out.push(shape(event), event.position, event.meta.clone(), event.data);
    }
    ended_like(out, page)
}

fn push_all(out: &mut Page, page: &Page) {
    for event in page.iter() {
        out.push(shape(event), event.position, event.meta.clone(), event.data);
    }
}

fn ended_like(mut out: Page, page: &Page) -> Page {
    if page.at_end() {
        out.end();
    }
    out
}

fn shape(event: StoredEvent<'_>) -> Arc<StoredShape> {
    Arc::new(StoredShape {
        aggregate: event.aggregate.to_owned(),
        event_type: event.event_type.to_owned(),
        version: event.version,
    })
}

async fn length(store: &MemoryStore, stream: &StreamKey) -> StoreResult<Sequence> {
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

fn with_id(stream: &StreamKey, change: impl Fn(&str) -> String) -> StreamKey {
    StreamKey { id: StreamId::from(change(stream.id.as_str())), ..stream.clone() }
}

broken_stores! {
    /// A conflict that is reported as success.
    swallows_conflicts {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            match store.append(append).await {
                Err(AppendError::Conflict { .. }) => Ok(Appended { position: store.head().await? }),
                outcome => outcome,
            }
        }
    } caught by
        an_outdated_expectation_is_a_conflict,
        an_expectation_ahead_of_the_stream_is_a_conflict,
        a_stream_is_created_only_once,
        a_new_stream_expects_nothing,
        each_sequence_of_a_stream_has_one_winner;

    /// The stream's end is looked up first, and the append goes to wherever it is then.
    checks_before_it_appends {
        async fn append(&self, store: &MemoryStore, mut append: Append) -> Result<Appended, AppendError> {
            let actual = length(store, &append.stream).await?;
            if actual != append.expected {
                return Err(AppendError::Conflict { expected: append.expected, actual });
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
            append.expected = length(store, &append.stream).await?;
            store.append(append).await
        }
    } caught by
        each_sequence_of_a_stream_has_one_winner,
        the_command_is_checked_first_then_keys_then_the_sequence;

    /// Every event is an append of its own.
    appends_piece_by_piece {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            let mut appended = Appended { position: store.head().await? };
            for (offset, event) in (0..).zip(append.events.clone()) {
                let piece = Append {
                    expected: append.expected + offset,
                    events: vec![event],
                    keys: Vec::new(),
                    snapshot: None,
                    ..append.clone()
                };
                appended = store.append(piece).await?;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Ok(appended)
        }
    } caught by
        an_append_given_up_by_its_caller_lands_whole_or_not_at_all,
        a_stream_is_read_whole_while_others_write;

    /// The snapshot is written before anything is checked.
    writes_the_snapshot_first {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            if let Some(snapshot) = append.snapshot.clone() {
                store.save_snapshot(&append.stream, snapshot).await?;
            }
            store.append(append).await
        }
    } caught by
        a_taken_key_leaves_nothing_behind,
        a_known_command_leaves_nothing_behind,
        an_outdated_expectation_is_a_conflict;

    /// One refused append takes the next one with it.
    refuses_the_neighbour_too {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            let marker = StreamKey { aggregate: "Marker", id: StreamId::from("refused") };
            let refused = store.snapshot(&marker, 0, 1).await?.is_some_and(|it| it.data == b"yes");
            let outcome = if refused {
                Err(StoreError::Unavailable("the transaction failed".to_owned()).into())
            } else {
                store.append(append).await
            };
            let data = if outcome.is_err() && !refused { b"yes".to_vec() } else { Vec::new() };
            store.save_snapshot(&marker, Snapshot { sequence: 1, meaning: 0, data }).await?;
            outcome
        }
    } caught by one_refused_append_is_not_its_neighbours;

    /// Every second append is acknowledged and lost.
    loses_every_second_append {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            if append.expected % 2 == 1 {
                return Ok(Appended { position: store.head().await? });
            }
            store.append(append).await
        }
    } caught by sequences_go_on_without_a_gap, appends_to_many_streams_all_land;

    /// Sequences are kept in sixteen bits.
    counts_in_sixteen_bits {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            store.append(append).await.map_err(|error| match error {
                AppendError::Conflict { expected, actual } => {
                    AppendError::Conflict { expected, actual: actual & 0xffff }
                }
                error => error,
            })
        }
    } caught by a_stream_outgrows_sixteen_bits;

    /// Positions count per append.
    gives_every_append_position_one {
        async fn head(&self, store: &MemoryStore) -> StoreResult<Position> {
            Ok(store.head().await?.min(1))
        }

        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            store.append(append).await.map(|_| Appended { position: 1 })
        }
    } caught by positions_grow_across_streams, the_global_order_is_the_order_of_the_appends;

    /// Streams are found by their id alone.
    forgets_the_aggregate_type {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            let stream = StreamKey { aggregate: "Account", ..append.stream };
            store.append(Append { stream, ..append }).await
        }
    } caught by
        same_ids_of_different_aggregates_are_different_streams,
        a_read_tells_aggregate_type_and_metadata;

    /// Ids are trimmed and compared without case.
    tidies_up_ids {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            let stream = with_id(&append.stream, |id| id.trim().to_lowercase());
            let command = append.command.map(|command| CommandRecord {
                id: Arc::from(command.id.trim().to_lowercase()),
                ..command
            });
            store.append(Append { stream, command, ..append }).await
        }

        async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> StoreResult<Page> {
            let stream = with_id(&read.stream, |id| id.trim().to_lowercase());
            store.read_stream(StreamRead { stream, ..read }).await
        }
    } caught by strange_ids_are_just_ids, command_ids_are_compared_as_they_are;

    /// Data is cut off at a limit of the column.
    cuts_off_big_data {
        async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> StoreResult<Page> {
            let page = store.read_stream(read).await?;
            Ok(changed(&page, |event| {
                let kept = event.data.len().min(65_535);
                (event.position, event.meta.clone(), event.data[..kept].to_vec())
            }))
        }
    } caught by big_events_and_big_appends_land;

    /// The trace context has no column.
    drops_the_traceparent {
        async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> StoreResult<Page> {
            let page = store.read_stream(read).await?;
            Ok(with_metadata(&page, |meta| meta.traceparent = None))
        }
    } caught by an_event_comes_back_as_it_went_in;

    /// A read without texts gives the texts of somebody else.
    mixes_up_texts {
        async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> StoreResult<Page> {
            let bare = !read.metadata;
            let page = store.read_stream(read).await?;
            Ok(with_metadata(&page, |meta| {
                if bare {
                    meta.actor = Some(Arc::from("somebody else"));
                }
            }))
        }
    } caught by metadata_may_come_back_without_its_texts;

    /// An absent text comes back empty.
    makes_absent_texts_empty {
        async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> StoreResult<Page> {
            let page = store.read_stream(read).await?;
            Ok(with_metadata(&page, |meta| {
                meta.actor.get_or_insert_with(|| Arc::from(""));
            }))
        }
    } caught by absent_texts_of_the_metadata_stay_absent;

    /// Times are kept to the second.
    rounds_times {
        async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> StoreResult<Page> {
            let page = store.read_stream(read).await?;
            Ok(with_metadata(&page, |meta| {
                let seconds = meta.at.as_micros() / 1_000_000;
                meta.at = Timestamp::from_micros(seconds * 1_000_000);
            }))
        }
    } caught by times_far_from_now_come_back;

    /// Keys are not claimed.
    ignores_keys {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            store.append(Append { keys: Vec::new(), ..append }).await
        }
    } caught by
        a_key_is_taken_once_in_its_stream,
        a_key_across_all_is_taken_for_the_whole_aggregate_type,
        a_taken_key_leaves_nothing_behind,
        a_racing_key_is_taken_once;

    /// Every key is unique across all streams.
    takes_every_key_across_all {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            let keys = append.keys.into_iter().map(|key| KeyClaim { across_all: true, ..key });
            store.append(Append { keys: keys.collect(), ..append }).await
        }
    } caught by a_key_of_a_stream_is_free_in_another;

    /// No key is unique across all streams.
    takes_every_key_per_stream {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            let keys = append.keys.into_iter().map(|key| KeyClaim { across_all: false, ..key });
            store.append(Append { keys: keys.collect(), ..append }).await
        }
    } caught by a_key_across_all_is_taken_for_the_whole_aggregate_type;

    /// Keys are compared without case and blanks.
    tidies_up_keys {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            let keys = append.keys.into_iter().map(|key| KeyClaim {
                value: key.value.trim().to_lowercase(),
                ..key
            });
            store.append(Append { keys: keys.collect(), ..append }).await
        }
    } caught by scopes_fields_and_values_of_keys_are_kept_apart;

    /// It forgets whose key it is.
    forgets_who_holds_a_key {
        async fn taken_key(
            &self,
            store: &MemoryStore,
            stream: &StreamKey,
            claims: &[KeyClaim],
        ) -> StoreResult<Option<TakenKey>> {
            let taken = store.taken_key(stream, claims).await?;
            Ok(taken.map(|taken| TakenKey { events: (0, 0), ..taken }))
        }
    } caught by a_taken_key_tells_who_holds_it;

    /// The last taken key of several is found.
    looks_up_keys_backwards {
        async fn taken_key(
            &self,
            store: &MemoryStore,
            stream: &StreamKey,
            claims: &[KeyClaim],
        ) -> StoreResult<Option<TakenKey>> {
            let claims: Vec<_> = claims.iter().rev().cloned().collect();
            store.taken_key(stream, &claims).await
        }
    } caught by the_first_taken_key_of_several_is_found;

    /// Command ids are not recorded.
    ignores_command_ids {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            store.append(Append { command: None, ..append }).await
        }
    } caught by
        a_command_is_recorded_with_its_events,
        a_command_id_is_used_once_in_the_whole_store,
        a_known_command_leaves_nothing_behind,
        a_racing_command_lands_once;

    /// A command's refusal is not kept.
    forgets_refusals {
        async fn command(&self, store: &MemoryStore, id: &str) -> StoreResult<Option<RecordedCommand>> {
            let known = store.command(id).await?;
            Ok(known.map(|known| RecordedCommand { refusal: None, ..known }))
        }
    } caught by
        a_refused_command_is_recorded_without_events,
        a_refused_command_may_keep_events,
        a_refusal_is_recorded_for_an_absent_stream;

    /// A refusal is recorded whatever it was decided on.
    records_refusals_unchecked {
        async fn append(&self, store: &MemoryStore, mut append: Append) -> Result<Appended, AppendError> {
            if append.events.is_empty() {
                append.expected = length(store, &append.stream).await?;
            }
            store.append(append).await
        }
    } caught by a_refusal_decided_on_an_outdated_state_is_a_conflict;

    /// Snapshots of appends are dropped.
    drops_snapshots {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            store.append(Append { snapshot: None, ..append }).await
        }
    } caught by a_snapshot_lands_with_its_append;

    /// The first snapshot of a stream stays for ever.
    keeps_the_first_snapshot {
        async fn append(&self, store: &MemoryStore, mut append: Append) -> Result<Appended, AppendError> {
            if append.expected > 0 {
                append.snapshot = None;
            }
            store.append(append).await
        }

        async fn save_snapshot(&self, store: &MemoryStore, stream: &StreamKey, snapshot: Snapshot) -> StoreResult<()> {
            match store.snapshot(stream, snapshot.meaning, Sequence::MAX).await? {
                Some(_) => Ok(()),
                None => store.save_snapshot(stream, snapshot).await,
            }
        }
    } caught by the_latest_snapshot_is_found, a_saved_snapshot_replaces_the_one_before;

    /// A snapshot is given whatever it stands for.
    gives_any_snapshot {
        async fn snapshot(
            &self,
            store: &MemoryStore,
            stream: &StreamKey,
            _meaning: u64,
            _at_most: Sequence,
        ) -> StoreResult<Option<Snapshot>> {
            for meaning in [0, 1, 7] {
                if let Some(found) = store.snapshot(stream, meaning, Sequence::MAX).await? {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        }
    } caught by
        a_snapshot_above_the_asked_sequence_is_not_given,
        a_snapshot_of_another_meaning_is_never_given;

    /// Snapshots are found by the stream's id alone.
    mixes_up_snapshots {
        async fn save_snapshot(&self, store: &MemoryStore, stream: &StreamKey, snapshot: Snapshot) -> StoreResult<()> {
            store.save_snapshot(&StreamKey { aggregate: "Account", ..stream.clone() }, snapshot).await
        }
    } caught by snapshots_of_streams_are_kept_apart;

    /// An absent stream is a failure.
    fails_on_absent_streams {
        async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> StoreResult<Page> {
            match store.read_stream(read).await? {
                page if page.is_empty() => Err(StoreError::Unavailable("no such stream".to_owned())),
                page => Ok(page),
            }
        }
    } caught by an_absent_stream_is_empty;

    /// A page starts with the event it should start after.
    starts_one_too_early {
        async fn read_stream(&self, store: &MemoryStore, mut read: StreamRead) -> StoreResult<Page> {
            read.after = match read.direction {
                Direction::Forwards => read.after.saturating_sub(1),
                Direction::Backwards => read.after.saturating_add(1),
            };
            store.read_stream(read).await
        }
    } caught by
        a_read_starts_beyond_where_it_is_told,
        a_stream_is_read_forwards_in_pages;

    /// A backwards read gives its page forwards.
    reads_backwards_pages_forwards {
        async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> StoreResult<Page> {
            let backwards = read.direction == Direction::Backwards;
            let page = store.read_stream(read).await?;
            Ok(if backwards { reversed(&page) } else { page })
        }
    } caught by a_stream_is_read_backwards_in_pages;

    /// Streams are listed from the end.
    lists_streams_backwards {
        async fn streams(
            &self,
            store: &MemoryStore,
            aggregate: &'static str,
            after: Option<&StreamId>,
            limit: usize,
        ) -> StoreResult<Vec<StreamId>> {
            let mut found = store.streams(aggregate, after, limit).await?;
            found.reverse();
            Ok(found)
        }
    } caught by streams_are_listed_in_order_in_pages, strange_ids_are_just_ids;

    /// The end is never reported.
    never_ends {
        async fn read_all(
            &self,
            store: &MemoryStore,
            after: Position,
            filter: &EventFilter,
            limit: usize,
        ) -> StoreResult<AllPage> {
            let page = store.read_all(after, filter, limit).await?;
            Ok(AllPage { events: unended(&page.events), ..page })
        }

        async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> StoreResult<Page> {
            Ok(unended(&store.read_stream(read).await?))
        }
    } caught by
        an_empty_store_is_read_at_once,
        a_page_leads_past_what_its_filter_left_out,
        the_end_of_a_stream_is_told_and_never_guessed;

    /// Every page is the last.
    ends_at_every_page {
        async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> StoreResult<Page> {
            let mut page = store.read_stream(read).await?;
            page.end();
            Ok(page)
        }
    } caught by
        the_end_of_a_stream_is_told_and_never_guessed,
        big_events_end_a_page_of_a_stream_early;

    /// A page of big events leads to the head.
    skips_what_a_big_page_left_out {
        async fn read_all(
            &self,
            store: &MemoryStore,
            after: Position,
            filter: &EventFilter,
            limit: usize,
        ) -> StoreResult<AllPage> {
            let page = store.read_all(after, filter, limit).await?;
            let next = if page.events.len() < limit { store.head().await? } else { page.next };
            Ok(AllPage { next, ..page })
        }
    } caught by big_events_end_a_page_of_the_global_order_early;

    /// Pages are bounded by their number of events alone.
    reads_on_whatever_the_size {
        async fn read_stream(&self, store: &MemoryStore, mut read: StreamRead) -> StoreResult<Page> {
            let mut all = Page::default();
            loop {
                let page = store.read_stream(read.clone()).await?;
                push_all(&mut all, &page);
                read.limit -= page.len();
                match page.iter().next_back() {
                    Some(last) if read.limit > 0 => read.after = last.meta.sequence,
                    _ => break,
                }
            }
            all.end();
            Ok(all)
        }

        async fn read_all(
            &self,
            store: &MemoryStore,
            after: Position,
            filter: &EventFilter,
            limit: usize,
        ) -> StoreResult<AllPage> {
            let mut all = AllPage { events: Page::default(), next: after };
            while all.events.len() < limit && !all.events.at_end() {
                let page = store.read_all(all.next, filter, limit - all.events.len()).await?;
                push_all(&mut all.events, &page.events);
                all.next = page.next;
                if page.events.at_end() {
                    all.events.end();
                }
            }
            Ok(all)
        }
    } caught by
        big_events_end_a_page_of_a_stream_early,
        big_events_end_a_page_of_the_global_order_early;

    /// Events of a page come in another order than that of their positions.
    turns_pages_around {
        async fn read_all(
            &self,
            store: &MemoryStore,
            after: Position,
            filter: &EventFilter,
            limit: usize,
        ) -> StoreResult<AllPage> {
            let page = store.read_all(after, filter, limit).await?;
            Ok(AllPage { events: reversed(&page.events), ..page })
        }
    } caught by
        the_global_order_is_the_order_of_the_appends,
        a_reader_misses_nothing_while_others_write;

    /// The filter is left out.
    gives_events_that_nobody_asked_for {
        async fn read_all(
            &self,
            store: &MemoryStore,
            after: Position,
            filter: &EventFilter,
            limit: usize,
        ) -> StoreResult<AllPage> {
            let filter = EventFilter { types: Vec::new(), ..filter.clone() };
            store.read_all(after, &filter, limit).await
        }
    } caught by
        a_filter_gives_its_events_and_no_others,
        a_filtered_reader_misses_nothing_while_others_write;

    /// A page leads to the head, whether or not it came that far.
    leads_to_the_head {
        async fn read_all(
            &self,
            store: &MemoryStore,
            after: Position,
            filter: &EventFilter,
            limit: usize,
        ) -> StoreResult<AllPage> {
            let page = store.read_all(after, filter, limit).await?;
            Ok(AllPage { next: store.head().await?, ..page })
        }
    } caught by a_page_never_leads_past_an_event_it_did_not_give, beyond_the_head_there_is_nothing;

    /// The first event after a position is left out.
    skips_the_next_event {
        async fn read_all(
            &self,
            store: &MemoryStore,
            after: Position,
            filter: &EventFilter,
            limit: usize,
        ) -> StoreResult<AllPage> {
            let after = if after > 0 { after + 1 } else { 0 };
            store.read_all(after, filter, limit).await
        }
    } caught by reading_on_from_any_position_misses_nothing;

    /// The position of an event depends on how it is read.
    numbers_streams_by_themselves {
        async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> StoreResult<Page> {
            let page = store.read_stream(read).await?;
            Ok(changed(&page, |event| {
                (event.meta.sequence, event.meta.clone(), event.data.to_vec())
            }))
        }
    } caught by a_stream_and_the_global_order_agree;

    /// Nobody who waits is ever told.
    never_wakes {
        async fn changed(&self, _store: &MemoryStore, _after: Position) {
            std::future::pending::<()>().await;
        }
    } caught by waiting_ends_when_an_event_is_there;

    /// Whoever waits is told all the time.
    wakes_for_nothing {
        async fn changed(&self, _store: &MemoryStore, _after: Position) {
            tokio::task::yield_now().await;
        }
    } caught by waiting_for_nothing_does_not_spin;

    /// Every program is let in.
    takes_any_shape {
        async fn register(
            &self,
            _store: &MemoryStore,
            _aggregate: &'static str,
            _shapes: &'static [EventShape],
        ) -> StoreResult<()> {
            Ok(())
        }
    } caught by a_changed_shape_is_refused, new_versions_and_types_are_added;

    /// A program is let in only once.
    takes_shapes_only_once {
        async fn register(
            &self,
            store: &MemoryStore,
            aggregate: &'static str,
            shapes: &'static [EventShape],
        ) -> StoreResult<()> {
            let marker = StreamKey { aggregate: "Marker", id: StreamId::from(aggregate) };
            if store.snapshot(&marker, 0, 1).await?.is_some() {
                return Err(StoreError::Unsupported("it was registered before".to_owned()));
            }
            store.save_snapshot(&marker, Snapshot { sequence: 1, meaning: 0, data: Vec::new() }).await?;
            store.register(aggregate, shapes).await
        }
    } caught by the_same_shapes_are_welcome_again;

    /// Shapes are recorded one by one, until one is refused.
    records_shapes_of_a_refused_program {
        async fn register(
            &self,
            store: &MemoryStore,
            aggregate: &'static str,
            shapes: &'static [EventShape],
        ) -> StoreResult<()> {
            for shape in shapes {
                store.register(aggregate, std::slice::from_ref(shape)).await?;
            }
            Ok(())
        }
    } caught by a_refused_program_leaves_no_shapes;

    /// Shapes are compared without the aggregate type.
    mixes_up_shapes {
        async fn register(
            &self,
            store: &MemoryStore,
            _aggregate: &'static str,
            shapes: &'static [EventShape],
        ) -> StoreResult<()> {
            store.register("Account", shapes).await
        }
    } caught by shapes_of_aggregates_are_kept_apart;

    /// Folds are accepted and never run.
    never_folds {
        async fn fold_immediately(
            &self,
            _store: &MemoryStore,
            _fold: Arc<dyn ImmediateFold>,
        ) -> StoreResult<()> {
            Ok(())
        }
    } caught by an_immediate_fold_sees_every_event_once;

    /// A fold that refuses is not listened to.
    folds_what_is_refused {
        async fn fold_immediately(&self, store: &MemoryStore, fold: Arc<dyn ImmediateFold>) -> StoreResult<()> {
            store.fold_immediately(Arc::new(Deaf { fold, name: None })).await
        }
    } caught by a_refusing_fold_refuses_its_append_alone;

    /// The fold is asked before the sequence is checked.
    folds_before_it_checks {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            match store.append(append).await {
                Err(AppendError::Conflict { .. }) => Err(AppendError::Projection {
                    projection: "journal".to_owned(),
                    reason: "not this one".to_owned(),
                }),
                outcome => outcome,
            }
        }
    } caught by a_conflicting_append_is_not_folded;

    /// A fold that is registered again runs twice.
    folds_twice {
        async fn fold_immediately(&self, store: &MemoryStore, fold: Arc<dyn ImmediateFold>) -> StoreResult<()> {
            static COUNT: AtomicU64 = AtomicU64::new(0);
            let name = Some(format!("fold {}", COUNT.fetch_add(1, Ordering::Relaxed)));
            store.fold_immediately(Arc::new(Deaf { fold, name })).await
        }
    } caught by a_fold_registered_again_replaces_itself;
}

/// A fold whose refusals go unheard, under another name where there is one.
struct Deaf {
    fold: Arc<dyn ImmediateFold>,
    name: Option<String>,
}

impl ImmediateFold for Deaf {
    fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.fold.name())
    }

    fn open(&self, transaction: &dyn AppendTransaction) -> StoreResult<()> {
        self.fold.open(transaction)
    }

    fn fold(
        &self,
        transaction: &dyn AppendTransaction,
        events: &AppendedEvents<'_>,
    ) -> Result<FoldedChange, FoldError> {
        self.fold.fold(transaction, events).or_else(|_| Ok(Box::new(|_| Ok(()))))
    }
}
