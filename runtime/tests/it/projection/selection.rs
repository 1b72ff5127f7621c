//! Rows of some streams, built anew in place.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eventloom_runtime::projection::{
    Commit, Projection, Projector, ProjectorError, ProjectorOptions, ReadDatabase, RowChange,
    Selection, TableSpec,
};
use eventloom_runtime::store::{Page, StreamRead};
use eventloom_runtime::testing::intercept::{Intercepted, Interceptor};
use eventloom_runtime::{Decimal, EventStore, StoreError};

use super::ledger::{Balance, Balances, Entry, Tags, of_ledger};
use super::rig::{
    Place, SOON, append, append_raw, everywhere, later, moved, new_event, open, open_with, opened,
    raw_event, tagged,
};
use super::unreliable::Unreliable;

everywhere!(
    the_rows_of_one_stream_are_mended,
    streams_are_found_by_what_happened_to_them,
    streams_are_found_by_when_it_happened,
    a_row_that_is_gone_comes_back,
    a_row_that_should_not_be_there_goes,
    a_long_stream_is_folded_in_pages,
    a_parked_stream_is_tried_again,
    what_is_skipped_stays_skipped,
    what_lies_behind_the_checkpoint_is_left_to_the_runner,
    rows_are_kept_up_to_date_meanwhile,
    rows_of_several_streams_are_refused,
    a_stream_that_is_not_there_has_no_rows,
    a_stream_that_takes_longer_than_a_lease_is_built,
    a_runner_that_is_always_faster_stands_by,
    a_row_goes_of_whose_events_all_are_skipped,
);

type Balancing<L> = Projector<Balances, <L as Place>::Store, <L as Place>::Rows>;

async fn amount<L: Place>(balances: &Balancing<L>, stream: &str) -> Option<Decimal> {
    let row = balances.read_model().get(&stream.to_owned()).await.expect("an answer");
    row.map(|row| row.amount)
}

/// Puts a wrong amount into the rows of these streams, as somebody with an SQL prompt would.
async fn tamper<L: Place>(place: &L, balances: &Balancing<L>, streams: &[&str]) {
    let rows = balances.read_model();
    let mut changes = Vec::new();
    for stream in streams {
        let mut row = rows.get(&(*stream).to_owned()).await.expect("an answer").expect("a row");
        row.amount = 999.into();
        changes.push(RowChange::Put(Balances::row_values(&row)));
    }
    change(place, changes).await;
}

async fn change<L: Place>(place: &L, rows: Vec<RowChange>) {
    let state = place.rows().open(TableSpec::of::<Balances>()).await.expect("a table");
    let commit = Commit { rows, ..Commit::unchanged(&state) };
    place.rows().commit(commit).await.expect("a commit");
}

/// Three streams, with one event of another type at the second.
async fn three<L: Place>(place: &L) -> Balancing<L> {
    append(place.store(), "a", 0, &[opened("Ada"), moved(1)]).await;
    append(place.store(), "b", 0, &[opened("Bob")]).await;
    append(place.store(), "c", 0, &[opened("Cid"), moved(3)]).await;
    let balances = open::<Balances, L>(place).await;
    balances.catch_up().await.expect("it catches up");
    balances
}

async fn amounts<L: Place>(balances: &Balancing<L>) -> Vec<Option<Decimal>> {
    let mut amounts = Vec::new();
    for stream in ["a", "b", "c"] {
        amounts.push(amount::<L>(balances, stream).await);
    }
    amounts
}

fn wrong() -> Option<Decimal> {
    Some(999.into())
}

fn of(number: i64) -> Option<Decimal> {
    Some(number.into())
}

async fn the_rows_of_one_stream_are_mended<L: Place>(place: L) {
    let balances = three(&place).await;
    tamper(&place, &balances, &["a", "c"]).await;

    let selection = Selection { stream: Some("a".into()), ..Selection::default() };
    let built = balances.rebuild_streams(&selection, |_| {}).await;

    assert_eq!(built, Ok(1));
    assert_eq!(amounts::<L>(&balances).await, [of(1), of(0), wrong()]);
}

async fn streams_are_found_by_what_happened_to_them<L: Place>(place: L) {
    let balances = three(&place).await;
    tamper(&place, &balances, &["a", "b", "c"]).await;
    let mut told = Vec::new();

    let selection = Selection { event_types: vec!["Moved"], ..Selection::default() };
    let built = balances.rebuild_streams(&selection, |built| told.push(built)).await;

    assert_eq!((built, told), (Ok(2), vec![1, 2]));
    assert_eq!(amounts::<L>(&balances).await, [of(1), wrong(), of(3)]);
    let everything = balances.rebuild_streams(&Selection::default(), |_| {}).await;
    assert_eq!(everything, Ok(3));
    assert_eq!(amounts::<L>(&balances).await, [of(1), of(0), of(3)]);
}

async fn streams_are_found_by_when_it_happened<L: Place>(place: L) {
    for (at, stream) in [(10, "a"), (20, "b"), (30, "c")] {
        let mut event = new_event(stream, 1, &opened("Ada"));
        event.meta.recorded_at = later(at);
        append_raw(place.store(), stream, 0, vec![event]).await;
    }
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");
    tamper(&place, &balances, &["a", "b", "c"]).await;

    let (from, until) = (Some(later(20)), Some(later(30)));
    let selection = Selection { from, until, ..Selection::default() };
    let built = balances.rebuild_streams(&selection, |_| {}).await;

    assert_eq!(built, Ok(1), "from then on, and before then");
    assert_eq!(amounts::<L>(&balances).await, [wrong(), of(0), wrong()]);
    let both = Selection { stream: Some("a".into()), from, ..Selection::default() };
    assert_eq!(balances.rebuild_streams(&both, |_| {}).await, Ok(0), "all must hold");
}

async fn a_row_that_is_gone_comes_back<L: Place>(place: L) {
    let balances = three(&place).await;
    change(&place, vec![RowChange::Delete(vec![(&"a".to_owned()).into()])]).await;
    assert_eq!(amount::<L>(&balances, "a").await, None);

    let selection = Selection { stream: Some("a".into()), ..Selection::default() };
    balances.rebuild_streams(&selection, |_| {}).await.expect("it is built");

    assert_eq!(amount::<L>(&balances, "a").await, of(1));
}

async fn a_row_that_should_not_be_there_goes<L: Place>(place: L) {
    let balances = three(&place).await;
    let row = balances.read_model().get(&"a".to_owned()).await.expect("an answer").expect("a row");
    append(place.store(), "a", 2, &[Entry::Closed]).await;
    balances.catch_up().await.expect("it catches up");
    assert_eq!(amount::<L>(&balances, "a").await, None);
    change(&place, vec![RowChange::Put(Balances::row_values(&row))]).await;

    balances.rebuild_streams(&Selection::default(), |_| {}).await.expect("they are built");

    assert_eq!(amounts::<L>(&balances).await, [None, of(0), of(3)]);
}

async fn a_long_stream_is_folded_in_pages<L: Place>(place: L) {
    let mut entries: Vec<Entry> = vec![opened("Ada")];
    entries.extend((1..=25).map(moved));
    append(place.store(), "a", 0, &entries).await;
    let balances = open_with::<Balances, L>(&place, 4).await;
    balances.catch_up().await.expect("it catches up");
    tamper(&place, &balances, &["a"]).await;

    balances.rebuild_streams(&Selection::default(), |_| {}).await.expect("it is built");

    assert_eq!(amount::<L>(&balances, "a").await, of(325));
}

async fn a_parked_stream_is_tried_again<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada"), moved(1)]).await;
    let broken = raw_event("a", 3, "Moved", 1, br#"{"text":"much"}"#.to_vec());
    append_raw(place.store(), "a", 2, vec![broken]).await;
    append(place.store(), "a", 3, &[moved(4)]).await;
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");
    let parked = balances.status().await.expect("a status").poison;
    tamper(&place, &balances, &["a"]).await;

    let selection = Selection { stream: Some("a".into()), ..Selection::default() };
    balances.rebuild_streams(&selection, |_| {}).await.expect("it is built");

    assert_eq!(amount::<L>(&balances, "a").await, of(1), "what lies behind it is held back");
    let again = balances.status().await.expect("a status").poison;
    assert_eq!(again.len(), 1);
    assert_eq!((again[0].position, &again[0].reason), (parked[0].position, &parked[0].reason));
}

async fn what_is_skipped_stays_skipped<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada"), moved(1)]).await;
    let broken = raw_event("a", 3, "Moved", 1, br#"{"text":"much"}"#.to_vec());
    append_raw(place.store(), "a", 2, vec![broken]).await;
    append(place.store(), "a", 3, &[moved(4)]).await;
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");
    balances.skip_poison(3, "Olga", "unreadable").await.expect("it is skipped");
    tamper(&place, &balances, &["a"]).await;

    balances.rebuild_streams(&Selection::default(), |_| {}).await.expect("it is built");

    assert_eq!(amount::<L>(&balances, "a").await, of(5));
    assert_eq!(balances.status().await.expect("a status").poison, []);
}

async fn what_lies_behind_the_checkpoint_is_left_to_the_runner<L: Place>(place: L) {
    let balances = three(&place).await;
    append(place.store(), "a", 2, &[moved(10)]).await;

    balances.rebuild_streams(&Selection::default(), |_| {}).await.expect("they are built");

    assert_eq!(amount::<L>(&balances, "a").await, of(1));
    balances.catch_up().await.expect("it catches up");
    assert_eq!(amount::<L>(&balances, "a").await, of(11), "once, and not twice");
}

/// Rows are built anew by one program while another keeps them up to date: nothing is folded twice or left out.
async fn rows_are_kept_up_to_date_meanwhile<L: Place>(place: L) {
    let balances = three(&place).await;
    let elsewhere = open::<Balances, L>(&place).await;
    let running = elsewhere.spawn();
    let done = AtomicBool::new(false);
    let rebuilds = async {
        for _ in 0..20 {
            let built = balances.rebuild_streams(&Selection::default(), |_| {}).await;
            assert_eq!(built, Ok(3));
        }
        done.store(true, Ordering::SeqCst);
    };
    let appends = async {
        let mut sequence = 2;
        while !done.load(Ordering::SeqCst) {
            append(place.store(), "a", sequence, &[moved(1)]).await;
            sequence += 1;
        }
        sequence
    };

    let ((), sequence) = tokio::join!(rebuilds, appends);

    let head = place.store().head().await.expect("a head");
    balances.wait_for(head, SOON).await.expect("the runner goes on");
    running.stop().await.expect("it stops");
    assert_eq!(
        amount::<L>(&balances, "a").await.map(|it| it.to_string()),
        Some((sequence - 1).to_string())
    );
}

async fn rows_of_several_streams_are_refused<L: Place>(place: L) {
    append(place.store(), "a", 0, &[tagged("x")]).await;
    let tags = open::<Tags, L>(&place).await;

    let built = tags.rebuild_streams(&Selection::default(), |_| {}).await;

    assert_eq!(built, Err(ProjectorError::NotByStream(of_ledger("tags"))));
}

async fn a_stream_that_is_not_there_has_no_rows<L: Place>(place: L) {
    let balances = three(&place).await;

    let selection = Selection { stream: Some("nobody".into()), ..Selection::default() };
    assert_eq!(balances.rebuild_streams(&selection, |_| {}).await, Ok(0));

    assert_eq!(amounts::<L>(&balances).await, [of(1), of(0), of(3)]);
    assert_eq!(balances.read_model().count().await, Ok(3));
}

/// A store that takes its time to read a stream.
#[derive(Clone)]
pub(super) struct Slow(pub(super) Duration);

impl<S: EventStore> Interceptor<S> for Slow {
    async fn read_stream(&self, store: &S, read: StreamRead) -> Result<Page, StoreError> {
        tokio::time::sleep(self.0).await;
        store.read_stream(read).await
    }
}

/// The runner that stood by took whoever built a long stream for dead, wrote in its place, and so it went a hundred times,
/// until it was told that others kept writing.
async fn a_stream_that_takes_longer_than_a_lease_is_built<L: Place>(place: L) {
    let lease = Duration::from_millis(100);
    append(place.store(), "a", 0, &[opened("Ada"), moved(1), moved(2)]).await;
    let options = |batch| ProjectorOptions { lease, batch, ..ProjectorOptions::default() };
    let store = place.store_of_another_program().await;
    let runner = Projector::<Balances, _, _>::open_with(store, place.rows().clone(), options(99));
    let runner = runner.await.expect("it opens");
    runner.catch_up().await.expect("it catches up");
    tamper(&place, &runner, &["a"]).await;
    let store = Intercepted::new(place.store().clone(), Slow(lease));
    let slow = Projector::<Balances, _, _>::open_with(store, place.rows().clone(), options(1));
    let slow = slow.await.expect("it opens");
    let running = runner.spawn();
    let built = AtomicBool::new(false);
    let appends = async {
        let mut sequence = 0;
        while !built.load(Ordering::SeqCst) {
            let entry = if sequence == 0 { opened("Bob") } else { moved(1) };
            append(place.store(), "b", sequence, &[entry]).await;
            sequence += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        sequence
    };
    let rebuild = async {
        let selection = Selection { stream: Some("a".into()), ..Selection::default() };
        let done = slow.rebuild_streams(&selection, |_| {}).await;
        built.store(true, Ordering::SeqCst);
        done
    };

    let (done, moves) = tokio::join!(rebuild, appends);

    assert_eq!(done, Ok(1));
    assert_eq!(amount::<L>(&runner, "a").await, of(3));
    let last = place.store().head().await.expect("a head");
    runner.wait_for(last, SOON).await.expect("the runner goes on");
    let bob = runner.read_model().get(&"b".to_owned()).await.expect("an answer");
    assert_eq!(bob.expect("a row").moves.unsigned_abs() + 1, moves);
    running.stop().await.expect("it stops");
}

/// On a busy machine the runner committed between each look at the table and the attempt to take its place: after a hundred of
/// them it was told that others kept writing.
async fn a_runner_that_is_always_faster_stands_by<L: Place>(place: L) {
    let balances = three(&place).await;
    tamper(&place, &balances, &["a", "c"]).await;
    let rows = Unreliable::new(place.rows().clone(), []).with_a_faster_runner();
    let slower = Projector::<Balances, _, _>::open(place.store().clone(), rows).await;

    let built = slower.expect("it opens").rebuild_streams(&Selection::default(), |_| {}).await;

    assert_eq!(built, Ok(3));
    assert_eq!(amounts::<L>(&balances).await, [of(1), of(0), of(3)]);
    assert_eq!(balances.status().await.expect("a status").runner, None, "runners may go on");
}

/// Nothing was written over the row, since no event that is left was folded into it: it went on to show what somebody had decided
/// to leave out.
async fn a_row_goes_of_whose_events_all_are_skipped<L: Place>(place: L) {
    append(place.store(), "a", 0, &[moved(1)]).await;
    append(place.store(), "b", 0, &[opened("Bob")]).await;
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");
    balances.skip_poison(1, "Olga", "never opened").await.expect("it is skipped");
    let bob = balances.read_model().get(&"b".to_owned()).await.expect("an answer").expect("a row");
    let row = Balance { id: "a".to_owned(), ..bob };
    change(&place, vec![RowChange::Put(Balances::row_values(&row))]).await;
    assert_eq!(amount::<L>(&balances, "a").await, of(0));

    let selection = Selection { stream: Some("a".into()), ..Selection::default() };
    assert_eq!(balances.rebuild_streams(&selection, |_| {}).await, Ok(1));

    assert_eq!(amount::<L>(&balances, "a").await, None);
}
