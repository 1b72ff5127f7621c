//! Read models over archived events: whoever is behind gets every one of them, and a rebuild from nothing is what it was.

use eventloom_runtime::aggregate::Retention;
use eventloom_runtime::projection::{MemoryReadDatabase, Projector};
use eventloom_runtime::store::Snapshot;
use eventloom_runtime::store::archive::{ArchiveRule, Archiver};
use eventloom_runtime::testing::{TestClock, block_on};
use eventloom_runtime::values::Duration;
use eventloom_runtime::{EventStore as _, StoreError};

use super::{Kind, Rig, Store};
use crate::archiving::ArchiveKind as _;
use crate::projection::ledger::{Balance, Balances, Entry, ImmediateBalances, LEDGER};
use crate::projection::rig::{appending, batches, moved, new_event, opened};

const STREAMS: u64 = 7;
pub(super) const RULE: ArchiveRule =
    ArchiveRule { aggregate: LEDGER, meaning: 5, retention: Retention::Days(1) };

/// Appends to some accounts in turn, each time with a snapshot of what is there but for the last few.
pub(super) async fn fill(store: &Store, rounds: std::ops::Range<u64>) {
    for round in rounds {
        for stream in 0..STREAMS {
            let (id, expected) = (format!("s{stream}"), round * 3);
            let entries: [Entry; 3] = match round {
                0 => [opened("Ada"), moved(1), moved(2)],
                _ => [moved(3), moved(4), moved(5)],
            };
            let events = (expected + 1..).zip(&entries);
            let events = events.map(|(sequence, entry)| new_event(&id, sequence, entry)).collect();
            let mut append = appending(&id, expected, events);
            let sequence = (expected + 3).saturating_sub(stream);
            let is_covered = stream != 4 && sequence > 0;
            let data = b"{}\n{}".to_vec();
            append.snapshot =
                is_covered.then_some(Snapshot { sequence, meaning: RULE.meaning, data });
            store.append(append).await.expect("an append");
        }
    }
}

pub(super) async fn archive(store: &Store) -> u64 {
    let clock = TestClock::default();
    clock.advance(Duration::from_micros(2 * 86_400_000_000));
    let run = Archiver::new(store).rule(RULE).clock(clock).segment_events(20).run(|_| {});
    run.await.expect("an archive").events()
}

/// The rows of a projection that is built from nothing.
pub(super) async fn built(store: &Store, batch: usize) -> Vec<Balance> {
    let (store, rows) = (store.clone(), MemoryReadDatabase::new());
    let balances = Projector::<Balances, _, _>::open_with(store, rows, batches(batch)).await;
    let balances = balances.expect("it opens");
    balances.catch_up().await.expect("it catches up");
    rows_of(&balances).await
}

async fn rows_of<D: eventloom_runtime::projection::ReadDatabase>(
    balances: &Projector<Balances, Store, D>,
) -> Vec<Balance> {
    let mut rows = Vec::new();
    for stream in 0..STREAMS {
        let row = balances.read_model().get(&format!("s{stream}")).await.expect("an answer");
        rows.push(row.expect("a row"));
    }
    rows
}

#[test]
fn a_projection_that_is_built_from_nothing_has_the_rows_that_it_had() {
    block_on(async {
        let rig = Rig::new().await;
        fill(&rig.store, 0..8).await;
        let before = built(&rig.store, 8_192).await;

        assert!(archive(&rig.store).await > 100);

        for batch in [1, 5, 8_192] {
            assert_eq!(built(&rig.store, batch).await, before, "by {batch}");
        }
    });
}

/// It was stopped in the middle of what is archived now.
#[test]
fn a_projection_that_is_behind_gets_every_event() {
    block_on(async {
        let rig = Rig::new().await;
        let rows = Kind.rows(&rig.store).await;
        fill(&rig.store, 0..3).await;
        let open =
            || Projector::<Balances, _, _>::open_with(rig.store.clone(), rows.clone(), batches(4));
        let early = open().await.expect("it opens");
        early.catch_up().await.expect("it catches up");
        fill(&rig.store, 3..8).await;
        let whole = built(&rig.store, 100).await;

        assert!(archive(&rig.store).await > 100);
        fill(&rig.store, 8..9).await;

        let late = open().await.expect("it opens");
        late.catch_up().await.expect("it catches up");
        let after = rows_of(&late).await;
        for (row, before) in after.iter().zip(whole) {
            assert_eq!((&row.owner, row.moves), (&before.owner, before.moves + 3));
        }
        late.rebuild(|_| {}).await.expect("it is rebuilt");
        assert_eq!(rows_of(&late).await, after);
    });
}

/// It is folded within the append's transaction, on whatever thread that is.
#[test]
fn an_immediate_projection_is_filled_from_the_archive() {
    block_on(async {
        let rig = Rig::new().await;
        fill(&rig.store, 0..8).await;
        let expected = built(&rig.store, 100).await;
        assert!(archive(&rig.store).await > 100);

        let rows = Kind.rows(&rig.store).await;
        let immediate = Projector::<ImmediateBalances, _, _>::open(rig.store.clone(), rows).await;
        let immediate = immediate.expect("it opens");

        for before in expected {
            let row = immediate.read_model().get(&before.id).await.expect("an answer");
            assert_eq!(row, Some(before));
        }
    });
}

/// A projection that needs the archive stops where it is, and never passes what it can't see.
#[test]
fn a_projection_without_the_archive_stands_still() {
    block_on(async {
        let rig = Rig::new().await;
        fill(&rig.store, 0..8).await;
        let expected = built(&rig.store, 100).await;
        assert!(archive(&rig.store).await > 100);
        let (without, rows) = (rig.again(None).await, MemoryReadDatabase::new());
        let open =
            |store: Store| Projector::<Balances, _, _>::open_with(store, rows.clone(), batches(10));

        let balances = open(without).await.expect("it opens");
        let error = balances.catch_up().await.expect_err("it needs the archive");

        let told = error.to_string();
        assert!(told.contains("they are archived in"), "{told}");
        let again = open(rig.store.clone()).await.expect("it opens");
        again.catch_up().await.expect("it catches up");
        assert_eq!(rows_of(&again).await, expected);
        let read = rig.again(None).await.read_all(0, &crate::archiving::whole(), 10).await;
        assert!(matches!(read, Err(StoreError::ArchivedHistoryUnavailable { .. })));
    });
}
