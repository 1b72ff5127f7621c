//! Folding what is in the store, exactly once, whatever happens in between.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;

use eventloom_runtime::projection::{Projector, ProjectorError, ReadDatabase};
use eventloom_runtime::store::{AllPage, EventFilter, PAGE_BYTES};
use eventloom_runtime::testing::intercept::{Intercepted, Interceptor};
use eventloom_runtime::{EventStore, Position, StoreError};

use super::ledger::{Balance, Balances, Moves, TILL, Tags, of_ledger};
use super::rig::{
    Place, append, append_raw, append_to, batches, everywhere, moved, new_event, open, open_with,
    opened, tagged,
};
use super::unreliable::{Fate, Unreliable};

everywhere!(
    rows_follow_their_events,
    a_row_that_goes_is_gone,
    a_later_batch_finds_the_rows_of_an_earlier_one,
    an_insert_finds_a_row_of_an_earlier_batch,
    an_insert_after_a_restart_finds_the_row_that_is_there,
    an_upsert_that_was_guessed_new_is_not,
    a_delete_finds_a_row_of_an_earlier_batch,
    nothing_to_fold_moves_the_checkpoint_all_the_same,
    the_checkpoint_is_never_past_what_was_read,
    a_commit_that_was_lost_is_made_up_for,
    a_commit_whose_answer_was_lost_is_not_made_twice,
    two_runners_at_once_fold_each_event_once,
    rows_ahead_of_their_store_are_refused,
    large_events_make_small_pages,
    a_store_that_lost_events_stops_the_runner,
    rows_of_lost_events_are_refused_however_many_came_since,
    a_store_that_lost_events_and_grew_stops_the_runner,
);

fn row(id: &str, owner: &str, amount: i64, moves: i64) -> Balance {
    Balance { id: id.to_owned(), owner: owner.to_owned(), amount: amount.into(), moves }
}

async fn rows_follow_their_events<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada"), moved(100), moved(-30)]).await;
    append(place.store(), "b", 0, &[opened("Bob")]).await;
    let balances = open::<Balances, L>(&place).await;

    assert_eq!(balances.catch_up().await, Ok(4));

    let rows = balances.read_model();
    assert_eq!(rows.get(&"a".to_owned()).await, Ok(Some(row("a", "Ada", 70, 2))));
    assert_eq!(rows.get(&"c".to_owned()).await, Ok(None));
    assert_eq!(rows.count().await, Ok(2));
}

async fn a_row_that_goes_is_gone<L: Place>(place: L) {
    let entries = [opened("Ada"), moved(5), super::ledger::Entry::Closed];
    append(place.store(), "a", 0, &entries).await;
    let balances = open_with::<Balances, L>(&place, 2).await;

    balances.catch_up().await.expect("it catches up");

    assert_eq!(balances.read_model().count().await, Ok(0));
    append(place.store(), "a", 3, &[opened("Eve")]).await;
    balances.catch_up().await.expect("it catches up");
    let again = balances.read_model().get(&"a".to_owned()).await;
    assert_eq!(again, Ok(Some(row("a", "Eve", 0, 0))));
}

async fn a_later_batch_finds_the_rows_of_an_earlier_one<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    for sequence in 1..20 {
        append(place.store(), "a", sequence, &[moved(1)]).await;
    }
    let balances = open_with::<Balances, L>(&place, 3).await;

    balances.catch_up().await.expect("it catches up");

    let ada = balances.read_model().get(&"a".to_owned()).await;
    assert_eq!(ada, Ok(Some(row("a", "Ada", 19, 19))));
}

/// While a table is built, keys not seen before are taken for new ones. A second insert of the same
/// key, batches later, must be found out all the same.
async fn an_insert_finds_a_row_of_an_earlier_batch<L: Place>(place: L) {
    append(place.store(), "a", 0, &[moved(1), moved(2), moved(3)]).await;
    append(place.store(), "b", 0, &[moved(4), moved(5), moved(3)]).await;
    let moves = open_with::<Moves, L>(&place, 2).await;

    let stopped = moves.catch_up().await;

    let Err(ProjectorError::Stopped { poison, .. }) = stopped else {
        panic!("the second row of 3 must stop it: {stopped:?}");
    };
    assert_eq!((poison.position, poison.sequence), (6, 3));
    let state = moves.status().await.expect("a status");
    assert_eq!(state.position, 5, "what came before it is there");
}

async fn an_insert_after_a_restart_finds_the_row_that_is_there<L: Place>(place: L) {
    append(place.store(), "a", 0, &[moved(1)]).await;
    open::<Moves, L>(&place).await.catch_up().await.expect("it catches up");
    append(place.store(), "b", 0, &[moved(1)]).await;

    let stopped = open::<Moves, L>(&place).await.catch_up().await;

    assert!(matches!(stopped, Err(ProjectorError::Stopped { .. })), "{stopped:?}");
}

/// An upsert of an absent row is an insert, so a wrong guess shows only at the commit.
async fn an_upsert_that_was_guessed_new_is_not<L: Place>(place: L) {
    append(place.store(), "a", 0, &[tagged("x"), tagged("y"), tagged("x"), tagged("z")]).await;
    append(place.store(), "a", 4, &[tagged("x"), tagged("x"), tagged("v"), tagged("y")]).await;
    let tags = open_with::<Tags, L>(&place, 2).await;

    tags.catch_up().await.expect("it catches up");

    let rows = tags.read_model().page(None, 10).await.expect("a page");
    let rows: Vec<_> = rows.iter().map(|row| (row.tag.as_str(), row.uses)).collect();
    assert_eq!(rows, [("v", 1), ("x", 4), ("y", 2), ("z", 1)]);
}

/// Deleting an absent row changes nothing, so a wrong guess would never show.
async fn a_delete_finds_a_row_of_an_earlier_batch<L: Place>(place: L) {
    append(place.store(), "a", 0, &[tagged("x"), tagged("y"), tagged("X"), tagged("z")]).await;
    let tags = open_with::<Tags, L>(&place, 2).await;

    tags.catch_up().await.expect("it catches up");

    let rows = tags.read_model().page(None, 10).await.expect("a page");
    assert_eq!(rows.iter().map(|row| row.tag.as_str()).collect::<Vec<_>>(), ["y", "z"]);
}

async fn nothing_to_fold_moves_the_checkpoint_all_the_same<L: Place>(place: L) {
    append(place.store(), "a", 0, &[tagged("x"), tagged("y")]).await;

    assert_eq!(open::<Balances, L>(&place).await.catch_up().await, Ok(2));

    let status = open::<Balances, L>(&place).await.status().await.expect("a status");
    assert_eq!((status.position, status.complete), (2, true));
}

/// A page that ends before the store does covers no more than it says, also where the events that
/// follow it are of no concern.
async fn the_checkpoint_is_never_past_what_was_read<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada"), moved(1), tagged("x"), moved(2)]).await;
    let filter = EventFilter { types: vec![("Ledger", "Moved")], ..EventFilter::default() };
    let page = place.store().read_all(0, &filter, 1).await.expect("a page");
    assert!(page.next < 4 && !page.events.at_end(), "this test needs a page that ends early");

    for batch in 1..5 {
        let place = L::new().await;
        append(place.store(), "a", 0, &[opened("Ada"), moved(1), tagged("x"), moved(2)]).await;
        let plan = [Fate::Written, Fate::Lost];
        let rows = Unreliable::new(place.rows().clone(), plan);
        let store = place.store().clone();
        let cut_off = Projector::<Balances, _, _>::open_with(store, rows, batches(batch)).await;
        let _ = cut_off.expect("the projection opens").catch_up().await;

        let balances = open::<Balances, L>(&place).await;
        balances.catch_up().await.expect("it catches up");

        let ada = balances.read_model().get(&"a".to_owned()).await;
        assert_eq!(ada, Ok(Some(row("a", "Ada", 3, 2))), "batches of {batch}");
    }
}

async fn a_commit_that_was_lost_is_made_up_for<L: Place>(_: L) {
    for healthy in 0..3 {
        crash_and_resume::<L>(healthy, Fate::Lost).await;
    }
}

/// The commit is written, and its runner dies before it hears of it.
async fn a_commit_whose_answer_was_lost_is_not_made_twice<L: Place>(_: L) {
    for healthy in 0..3 {
        crash_and_resume::<L>(healthy, Fate::Unanswered).await;
    }
}

/// So many commits go well, then one doesn't; both the same runner and a new one can go on.
async fn crash_and_resume<L: Place>(healthy: usize, fate: Fate) {
    let place = L::new().await;
    append(place.store(), "a", 0, &[opened("Ada"), moved(1), moved(2), moved(4), moved(8)]).await;
    let plan = vec![Fate::Written; healthy].into_iter().chain([fate, Fate::Written, fate]);
    let rows = Unreliable::new(place.rows().clone(), plan);
    let store = place.store().clone();
    let balances = Projector::<Balances, _, _>::open_with(store, rows, batches(1)).await;
    let balances = balances.expect("the projection opens");

    let failed = balances.catch_up().await;
    assert!(matches!(failed, Err(ProjectorError::Database(_))), "{failed:?}");
    let failed = balances.catch_up().await;
    assert!(matches!(failed, Err(ProjectorError::Database(_))), "{failed:?}");
    let restarted = open_with::<Balances, L>(&place, 2).await;
    restarted.catch_up().await.expect("it catches up");

    let ada = restarted.read_model().get(&"a".to_owned()).await;
    assert_eq!(ada, Ok(Some(row("a", "Ada", 15, 4))), "{fate:?} after {healthy}");
}

async fn two_runners_at_once_fold_each_event_once<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    let one = open_with::<Balances, L>(&place, 1).await;
    let other = open_with::<Balances, L>(&place, 3).await;
    let (one, other) = (one.spawn(), other.spawn());
    for sequence in 1..200 {
        append(place.store(), "a", sequence, &[moved(1)]).await;
    }
    let reader = open::<Balances, L>(&place).await;
    reader.wait_for(200, super::rig::SOON).await.expect("they get there");
    one.stop().await.expect("it stops");
    other.stop().await.expect("it stops");

    let ada = reader.read_model().get(&"a".to_owned()).await;

    assert_eq!(ada, Ok(Some(row("a", "Ada", 199, 199))));
}

/// A store that was restored from an older backup, or rows that belong to another one.
async fn rows_ahead_of_their_store_are_refused<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada"), moved(1)]).await;
    open::<Balances, L>(&place).await.catch_up().await.expect("it catches up");
    let restored = L::new().await;
    append(restored.store(), "a", 0, &[opened("Ada")]).await;

    let refused = Projector::<Balances, _, _>::open(restored.store().clone(), place.rows().clone());

    let error = refused.await.map(|_| ()).expect_err("it must be refused");
    assert_eq!(
        error,
        ProjectorError::AheadOfStore { projection: of_ledger("Balances"), position: 2, head: 1 }
    );
    assert!(error.to_string().contains("restored from an older backup"), "{error}");
}

/// Pages of large events end early: the rows must not.
async fn large_events_make_small_pages<L: Place>(place: L) {
    let owner = "A".repeat(PAGE_BYTES / 4);
    for stream in 0..10 {
        append(place.store(), &format!("s{stream}"), 0, &[opened(&owner), moved(1)]).await;
    }
    let balances = open::<Balances, L>(&place).await;

    assert_eq!(balances.catch_up().await, Ok(20));

    let rows = balances.read_model().page(None, 100).await.expect("a page");
    assert_eq!(rows.iter().map(|row| row.moves).collect::<Vec<_>>(), [1; 10]);
}

/// While a runner was up its store was restored from a backup. The runner waited beyond the store's new
/// end, and of the events that came next it would have skipped as many as had got lost.
async fn a_store_that_lost_events_stops_the_runner<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada"), moved(1), moved(2)]).await;
    let restored = L::new().await;
    append(restored.store(), "a", 0, &[opened("Ada")]).await;
    let switch = Switch { to: restored.store().clone(), switched: Arc::default() };
    let store = Intercepted::new(place.store().clone(), switch.clone());
    let balances = Projector::<Balances, _, _>::open(store, place.rows().clone()).await;
    let balances = balances.expect("it opens");
    balances.catch_up().await.expect("it catches up");

    switch.switched.store(true, SeqCst);

    let (projection, position, head) = (of_ledger("Balances"), 3, 1);
    let ahead = Err(ProjectorError::AheadOfStore { projection, position, head });
    let stop = tokio::time::sleep(super::rig::SOON);
    assert_eq!(balances.run(stop).await, ahead);
    assert_eq!(balances.catch_up().await, ahead.map(|()| 0));
}

/// A store was restored from an older backup, and had grown beyond the checkpoint of the rows when their runner
/// came back: it went on from its checkpoint, and the new events at the old positions were never folded. That
/// the lost one was of no concern to the rows made no difference.
async fn rows_of_lost_events_are_refused_however_many_came_since<L: Place>(place: L) {
    let first = new_event("a", 1, &opened("Ada"));
    append_raw(place.store(), "a", 0, vec![first.clone()]).await;
    append_to(TILL, place.store(), "t", &[opened("Tim")]).await;
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");
    let restored = L::new().await;
    append_raw(restored.store(), "a", 0, vec![first]).await;
    append(restored.store(), "a", 1, &[moved(5), moved(7)]).await;
    let open = || {
        let (store, rows) = (restored.store().clone(), place.rows().clone());
        Projector::<Balances, _, _>::open(store, rows)
    };

    let error = open().await.map(|_| ()).expect_err("it must be refused");

    let at = match &error {
        ProjectorError::OtherHistory { position, seen, found, .. } if seen != found => *position,
        other => panic!("{other:?}"),
    };
    assert_eq!(at, 2);
    assert!(error.to_string().contains("has got new events since"), "{error}");
    for version in place.rows().versions().await.expect("versions") {
        place.rows().discard(&version).await.expect("it is discarded");
    }
    let anew = open().await.expect("what is built anew is built from this store");
    anew.catch_up().await.expect("it catches up");
    let ada = anew.read_model().get(&"a".to_owned()).await;
    assert_eq!(ada, Ok(Some(row("a", "Ada", 12, 2))));
}

/// The same while the runner was up.
async fn a_store_that_lost_events_and_grew_stops_the_runner<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada"), moved(1)]).await;
    let restored = L::new().await;
    append(restored.store(), "a", 0, &[opened("Ada"), moved(2)]).await;
    let switch = Switch { to: restored.store().clone(), switched: Arc::default() };
    let store = Intercepted::new(place.store().clone(), switch.clone());
    let balances = Projector::<Balances, _, _>::open(store, place.rows().clone()).await;
    let balances = balances.expect("it opens");
    balances.catch_up().await.expect("it catches up");

    switch.switched.store(true, SeqCst);

    let stop = tokio::time::sleep(super::rig::SOON);
    let stopped = balances.run(stop).await;
    assert!(
        matches!(stopped, Err(ProjectorError::OtherHistory { position: 2, .. })),
        "{stopped:?}"
    );
}

/// A store that becomes another while programs have it open, as when it is restored from a backup.
#[derive(Clone)]
pub(super) struct Switch<S> {
    pub(super) to: S,
    pub(super) switched: Arc<AtomicBool>,
}

impl<S: EventStore> Interceptor<S> for Switch<S> {
    async fn head(&self, store: &S) -> Result<Position, StoreError> {
        if self.switched.load(SeqCst) { self.to.head().await } else { store.head().await }
    }

    async fn read_all(
        &self,
        store: &S,
        after: Position,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<AllPage, StoreError> {
        let store = if self.switched.load(SeqCst) { &self.to } else { store };
        store.read_all(after, filter, limit).await
    }
}
