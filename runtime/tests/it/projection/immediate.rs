//! Rows that change in the append's own transaction.

use std::sync::Arc;

use eventloom_runtime::EventStore;
use eventloom_runtime::projection::{
    Commit, MemoryReadDatabase, Projection, Projector, ProjectorError, ReadDatabase, Retried,
    TableSpec,
};
use eventloom_runtime::store::{
    AppendError, AppendTransaction, AppendedEvents, FoldError, FoldedChange, ImmediateFold,
    StoreError,
};

use super::ledger::{
    Balance, Entry, ImmediateBalances, ImmediateNamesakes, ImmediateTags, LEDGER, TILL,
};
use super::rig::{
    InMemory, Place, SOON, append, append_to, everywhere, moved, new_event, open, open_with,
    opened, tagged, try_append,
};

everywhere!(
    rows_are_there_when_the_append_is,
    history_is_folded_when_it_is_opened,
    an_append_that_cannot_be_folded_is_refused_alone,
    appends_of_many_callers_land_in_the_rows,
    a_conflict_leaves_the_rows_alone,
    many_appends_of_no_concern_move_the_checkpoint,
    appends_of_no_concern_are_never_held_back,
    one_waits_for_nothing,
    it_runs_until_it_is_told_to_stop,
    a_rebuild_changes_places_between_two_appends,
    a_parked_stream_takes_no_appends_until_somebody_decides,
    rows_are_written_with_all_others_or_not_at_all,
    projections_of_one_name_are_both_folded,
);

/// The projections of two aggregates had one name: the one that was opened last was folded in the place
/// of the other, whose rows stood still from then on.
async fn projections_of_one_name_are_both_folded<L: Place>(place: L) {
    let balances = open::<ImmediateBalances, L>(&place).await;
    let namesakes = open::<ImmediateNamesakes, L>(&place).await;
    append(place.store(), "a", 0, &[opened("Ada"), moved(1)]).await;
    append_to(TILL, place.store(), "a", &[opened("Eve"), moved(2), moved(3)]).await;

    let (ours, theirs) = (balances.read_model(), namesakes.read_model());

    let ours = ours.get(&"a".to_owned()).await.expect("an answer").expect("a row");
    let theirs = theirs.get(&"a".to_owned()).await.expect("an answer").expect("a row");
    assert_eq!((&*ours.owner, ours.moves), ("Ada", 1));
    assert_eq!((&*theirs.owner, theirs.moves), ("Eve", 2));
}

/// A fold whose change goes wrong for streams of some names.
struct Misbehaving;

impl ImmediateFold for Misbehaving {
    fn aggregate(&self) -> &'static str {
        LEDGER
    }

    fn name(&self) -> &'static str {
        "Misbehaving"
    }

    fn open(&self, _: &dyn AppendTransaction) -> Result<(), StoreError> {
        Ok(())
    }

    fn fold(
        &self,
        _: &dyn AppendTransaction,
        events: &AppendedEvents<'_>,
    ) -> Result<FoldedChange, FoldError> {
        let id = events.stream.id.to_string();
        Ok(Box::new(move |_| {
            assert_ne!(id, "panics", "on purpose");
            match id.as_str() {
                "fails" => Err(StoreError::Unwritable("on purpose".to_owned())),
                _ => Ok(()),
            }
        }))
    }
}

async fn balance<L: Place>(place: &L, id: &str) -> Option<Balance> {
    let rows = place.rows();
    let table = rows.open(TableSpec::of::<ImmediateBalances>()).await.expect("a table").table;
    let values = rows.get(table, vec![(&id.to_owned()).into()]).await.expect("an answer");
    values.map(|values| ImmediateBalances::row(values).expect("a row"))
}

async fn rows_are_there_when_the_append_is<L: Place>(place: L) {
    let _balances = open::<ImmediateBalances, L>(&place).await;

    append(place.store(), "a", 0, &[opened("Ada"), moved(5)]).await;

    assert_eq!(balance(&place, "a").await.map(|row| row.moves), Some(1));
    append(place.store(), "a", 2, &[tagged("x"), moved(5)]).await;
    assert_eq!(balance(&place, "a").await.map(|row| row.amount), Some(10.into()));
    append(place.store(), "a", 4, &[Entry::Closed]).await;
    assert_eq!(balance(&place, "a").await, None);
}

async fn history_is_folded_when_it_is_opened<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada"), moved(1), moved(2), tagged("x")]).await;

    let balances = open_with::<ImmediateBalances, L>(&place, 2).await;

    let ada = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
    assert_eq!(ada.map(|row| row.moves), Some(2));
    append(place.store(), "a", 4, &[moved(4)]).await;
    assert_eq!(balance(&place, "a").await.map(|row| row.amount), Some(7.into()));
}

async fn an_append_that_cannot_be_folded_is_refused_alone<L: Place>(place: L) {
    let _balances = open::<ImmediateBalances, L>(&place).await;
    append(place.store(), "b", 0, &[opened("Bob")]).await;
    let appends = ["a", "b", "c", "b", "d"].map(|stream| {
        let (store, expected) = (place.store().clone(), u64::from(stream == "b"));
        let event = if stream == "b" { moved(1) } else { moved(2) };
        let event = if stream == "d" { opened("Dan") } else { event };
        let events = vec![new_event(stream, expected + 1, &event)];
        tokio::spawn(async move { (stream, try_append(&store, stream, expected, events).await) })
    });
    let mut landed = Vec::new();

    for append in appends {
        match append.await.expect("no panic") {
            (stream, Ok(_)) => landed.push(stream),
            (_, Err(AppendError::Projection { projection, reason })) => {
                assert_eq!(projection, "Ledger.ImmediateBalances");
                assert!(reason.contains("there is no such row"), "{reason}");
            }
            (_, Err(AppendError::Conflict { .. })) => {}
            other => panic!("{other:?}"),
        }
    }

    assert_eq!(landed, ["b", "d"], "of two appends to b at the same version one lands");
    assert_eq!(balance(&place, "b").await.map(|row| row.moves), Some(1));
    assert_eq!(balance(&place, "a").await, None);
    assert_eq!(place.store().head().await, Ok(3));
}

async fn appends_of_many_callers_land_in_the_rows<L: Place>(place: L) {
    let balances = open::<ImmediateBalances, L>(&place).await;
    let callers = (0..8).map(|caller| {
        let store = place.store().clone();
        tokio::spawn(async move {
            let stream = format!("s{caller}");
            append(&store, &stream, 0, &[opened("Ada")]).await;
            for sequence in 1..20 {
                append(&store, &stream, sequence, &[moved(1)]).await;
            }
        })
    });

    for caller in callers.collect::<Vec<_>>() {
        caller.await.expect("no panic");
    }

    let rows = balances.read_model().page(None, 100).await.expect("a page");
    assert_eq!(rows.iter().map(|row| row.moves).collect::<Vec<_>>(), [19; 8]);
}

async fn a_conflict_leaves_the_rows_alone<L: Place>(place: L) {
    let _balances = open::<ImmediateBalances, L>(&place).await;
    append(place.store(), "a", 0, &[opened("Ada")]).await;

    let late = try_append(place.store(), "a", 0, vec![new_event("a", 1, &opened("Eve"))]).await;

    assert!(matches!(late, Err(AppendError::Conflict { .. })), "{late:?}");
    assert_eq!(balance(&place, "a").await.map(|row| row.owner), Some("Ada".to_owned()));
}

/// Each such append is of no concern, and yet the next one of concern must not have to look through
/// all of them.
async fn many_appends_of_no_concern_move_the_checkpoint<L: Place>(place: L) {
    let balances = open::<ImmediateBalances, L>(&place).await;
    for sequence in 0..15 {
        append(place.store(), "a", sequence * 100, &vec![tagged("x"); 100]).await;
    }

    let status = balances.status().await.expect("a status");

    assert!(status.lag.events <= 1_000, "{status:?}");
    append(place.store(), "b", 0, &[opened("Bob")]).await;
    assert_eq!(balances.status().await.expect("a status").lag.events, 0);
}

/// Where enough of them had come for the checkpoint to be moved, the stream's poison refused them.
async fn appends_of_no_concern_are_never_held_back<L: Place>(place: L) {
    append(place.store(), "a", 0, &[moved(1)]).await;
    let balances = open::<ImmediateBalances, L>(&place).await;

    for sequence in 0..15 {
        append(place.store(), "a", 1 + sequence * 100, &vec![tagged("x"); 100]).await;
    }

    let status = balances.status().await.expect("a status");
    assert!(status.lag.events <= 1_000, "{status:?}");
}

async fn one_waits_for_nothing<L: Place>(place: L) {
    let balances = open::<ImmediateBalances, L>(&place).await;
    let of_concern = append(place.store(), "a", 0, &[opened("Ada")]).await;
    assert_eq!(balances.wait_for(of_concern, SOON).await, Ok(()));
    let of_none = append(place.store(), "a", 1, &[tagged("x")]).await;
    assert_eq!(balances.wait_for(of_none, SOON).await, Ok(()));
}

async fn it_runs_until_it_is_told_to_stop<L: Place>(place: L) {
    let balances = open::<ImmediateBalances, L>(&place).await;
    let running = balances.spawn();
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    assert!(running.is_running());
    assert_eq!(running.stop().await, Ok(()));
    append(place.store(), "a", 1, &[moved(1)]).await;
    assert_eq!(balance(&place, "a").await.map(|row| row.moves), Some(1), "appends go on folding");
}

async fn a_rebuild_changes_places_between_two_appends<L: Place>(place: L) {
    let balances = open_with::<ImmediateBalances, L>(&place, 4).await;
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    let store = place.store().clone();
    let appends = tokio::spawn(async move {
        for sequence in 1..300 {
            append(&store, "a", sequence, &[moved(1)]).await;
        }
    });
    let mut rebuilds = 0;
    while !appends.is_finished() {
        balances.rebuild(|_| {}).await.expect("it is rebuilt");
        rebuilds += 1;
    }
    appends.await.expect("no append is refused");

    assert!(rebuilds > 0);
    assert_eq!(balance(&place, "a").await.map(|row| row.moves), Some(299));
}

async fn a_parked_stream_takes_no_appends_until_somebody_decides<L: Place>(place: L) {
    append(place.store(), "a", 0, &[moved(1)]).await;
    let balances = open::<ImmediateBalances, L>(&place).await;
    append(place.store(), "b", 0, &[opened("Bob")]).await;

    let held_back =
        try_append(place.store(), "a", 1, vec![new_event("a", 2, &opened("Ada"))]).await;

    let Err(AppendError::Projection { reason, .. }) = held_back else {
        panic!("rows that lag behind would not be immediate: {held_back:?}");
    };
    assert!(reason.contains("holds stream `a` back since position 1"), "{reason}");
    let skipped = balances.skip_poison(1, "Olga", "opened too late").await;
    assert_eq!(skipped, Ok(Retried::Released));
    append(place.store(), "a", 1, &[opened("Ada")]).await;
    assert_eq!(balance(&place, "a").await.map(|row| row.owner), Some("Ada".to_owned()));
}

/// The story: the rows of one projection were written, those of the next could not be, and the append
/// failed. The rows told of a deposit that never was; the next one came on top of it.
async fn rows_are_written_with_all_others_or_not_at_all<L: Place>(place: L) {
    append(place.store(), "fails", 0, &[opened("Ada"), moved(5)]).await;
    append(place.store(), "panics", 0, &[opened("Eve"), moved(6)]).await;
    append(place.store(), "goes well", 0, &[opened("Bob")]).await;
    let balances = open::<ImmediateBalances, L>(&place).await;
    place.store().fold_immediately(Arc::new(Misbehaving)).await.expect("a fold");

    for (id, reason) in [("fails", "on purpose"), ("panics", "its fold panicked")] {
        let before = (balance(&place, id).await, balances.status().await.expect("a status"));
        for event in [moved(7), moved(7), Entry::Closed] {
            let outcome = try_append(place.store(), id, 2, vec![new_event(id, 3, &event)]).await;
            let error = outcome.expect_err("the other fold");
            assert!(error.to_string().contains(reason), "{error:?}");
        }
        let after = (balance(&place, id).await, balances.status().await.expect("a status"));
        assert_eq!(after, before);
    }

    append(place.store(), "goes well", 1, &[moved(3)]).await;
    assert_eq!(balance(&place, "goes well").await.map(|row| row.moves), Some(1));
    assert_eq!(place.store().head().await, Ok(6));
}

/// Its rows are not the stream's alone: two appends to different streams would meet in one row.
#[test]
fn a_key_that_is_not_the_streams_cannot_be_immediate() {
    let refused = eventloom_runtime::testing::block_on(async {
        let place = InMemory::new().await;
        let (store, rows) = (place.store().clone(), place.rows().clone());
        Projector::<ImmediateTags, _, _>::open(store, rows).await.map(|_| ())
    });

    let error = refused.expect_err("it must be refused");
    assert!(matches!(error, ProjectorError::NotImmediate { .. }), "{error:?}");
    assert!(error.to_string().contains("its key is not the partition key"), "{error}");
}

/// A decision that falls between what an append changes is worked out and written.
struct Decision(MemoryReadDatabase);

impl ImmediateFold for Decision {
    fn aggregate(&self) -> &'static str {
        LEDGER
    }

    fn name(&self) -> &'static str {
        "a decision"
    }

    fn open(&self, _: &dyn AppendTransaction) -> Result<(), StoreError> {
        Ok(())
    }

    fn fold(
        &self,
        _: &dyn AppendTransaction,
        _: &AppendedEvents<'_>,
    ) -> Result<FoldedChange, FoldError> {
        let rows = self.0.clone();
        let decides = std::thread::spawn(move || {
            eventloom_runtime::testing::block_on(async {
                let state = rows.open(TableSpec::of::<ImmediateBalances>()).await.expect("a table");
                rows.commit(Commit::unchanged(&state)).await.expect("it is written");
            });
        });
        decides.join().expect("it is decided");
        Ok(Box::new(|_| Ok(())))
    }
}

/// Rows in memory are no part of an append's transaction: somebody decided something while events were appended, and who
/// appended was told that the rows are damaged.
#[test]
fn a_decision_in_the_middle_of_an_append_damages_nothing() {
    let refused = eventloom_runtime::testing::block_on(async {
        let place = InMemory::new().await;
        let _balances = open::<ImmediateBalances, _>(&place).await;
        let decision = Arc::new(Decision(place.rows().clone()));
        place.store().fold_immediately(decision).await.expect("a fold");
        try_append(place.store(), "a", 0, vec![new_event("a", 1, &opened("Ada"))]).await
    });

    let unavailable = matches!(refused, Err(AppendError::Store(StoreError::Unavailable(_))));
    assert!(unavailable, "it may be tried again: {refused:?}");
}
