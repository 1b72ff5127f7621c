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
        pub(super) const CAUGHT: &[&str] = &[$($(stringify!($promise)),+),+];
    };
}

mod appends;
mod commands;
mod global;
mod immediate;
mod keys;
mod reads;
mod shapes;
mod snapshots;
mod table;

/// Promises that a store breaks that forgets.
const CAUGHT_FORGETTING: &[&str] = &[
    "everything_is_there_after_a_restart",
    "a_restarted_store_still_refuses",
    "positions_go_on_growing_after_a_restart",
    "two_handles_show_one_store",
    "a_reader_is_woken_by_another_handle",
    "shapes_are_kept_over_a_restart",
];

/// Promises that some broken store is caught by.
const CAUGHT: &[&[&str]] = &[
    appends::CAUGHT,
    keys::CAUGHT,
    commands::CAUGHT,
    snapshots::CAUGHT,
    reads::CAUGHT,
    global::CAUGHT,
    shapes::CAUGHT,
    immediate::CAUGHT,
    CAUGHT_FORGETTING,
];

#[test]
fn forgetting_is_caught() {
    is_caught(Forgetful, CAUGHT_FORGETTING);
}

/// A promise that no broken store is caught by may hold for no reason at all.
#[test]
fn every_promise_can_be_broken() {
    let caught: BTreeSet<&str> = CAUGHT.iter().copied().flatten().copied().collect();
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
