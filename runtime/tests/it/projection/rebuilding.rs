//! Rebuilding beside the rows that serve, and changing places.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eventloom_runtime::projection::{
    Commit, Projector, ProjectorError, ReadDatabase, ReadDatabaseError, Rebuild, RebuildProgress,
    RowChange, Switched, TableSpec,
};
use eventloom_runtime::store::{AllPage, EventFilter, PAGE_POSITIONS, StoreError};
use eventloom_runtime::testing::intercept::{Intercepted, Interceptor};
use eventloom_runtime::{EventStore, Position};

use super::ledger::{Balances, Moves, Tags, of_ledger};
use super::rig::{Place, append, batches, everywhere, moved, open, open_with, opened, tagged};
use super::unreliable::{Fate, Unreliable};

everywhere!(
    rebuilt_rows_are_the_rows_there_were,
    a_rebuild_mends_rows_that_were_tampered_with,
    progress_ends_at_the_head,
    several_readers_are_as_good_as_one,
    a_reader_that_fails_leaves_the_rows_as_they_are,
    several_projections_share_one_reading,
    rows_are_read_and_kept_up_to_date_meanwhile,
    rows_never_go_back_when_they_are_switched,
    a_rebuild_started_anew_wins,
    a_rebuild_that_was_overtaken_finds_its_rows_gone,
    two_rebuilds_at_once_do_not_mix_their_rows,
    a_rebuild_that_fails_leaves_the_rows_as_they_are,
    a_rebuild_that_was_dropped_leaves_the_rows_as_they_are,
    poison_is_found_anew,
    wrong_guesses_in_one_projection_do_not_hurt_its_companion,
    what_is_skipped_during_a_rebuild_stays_skipped,
    rebuilding_rows_that_are_ahead_of_their_store_is_refused,
);

async fn fill<L: Place>(place: &L, streams: u64, moves: u64) -> u64 {
    for stream in 0..streams {
        let mut entries = vec![opened(&format!("owner {stream}"))];
        entries.extend(
            (0..moves).map(|number| {
                moved(i64::try_from(stream * moves + number).expect("a small number"))
            }),
        );
        append(place.store(), &format!("s{stream}"), 0, &entries).await;
    }
    place.store().head().await.expect("a head")
}

async fn rebuilt_rows_are_the_rows_there_were<L: Place>(place: L) {
    fill(&place, 5, 7).await;
    let balances = open_with::<Balances, L>(&place, 4).await;
    balances.catch_up().await.expect("it catches up");
    let before = balances.read_model().page(None, 100).await.expect("a page");

    balances.rebuild(|_| {}).await.expect("it is rebuilt");

    assert_eq!(before.len(), 5);
    assert_eq!(balances.read_model().page(None, 100).await, Ok(before));
    append(place.store(), "s0", 8, &[moved(1_000)]).await;
    balances.catch_up().await.expect("it goes on where the rebuild ended");
    let first = balances.read_model().get(&"s0".to_owned()).await.expect("an answer");
    assert_eq!(first.expect("a row").moves, 8);
}

async fn a_rebuild_mends_rows_that_were_tampered_with<L: Place>(place: L) {
    fill(&place, 2, 3).await;
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");
    let spec = TableSpec::of::<Balances>();
    let state = place.rows().open(spec).await.expect("a table");
    let gone = RowChange::Delete(vec![(&"s0".to_owned()).into()]);
    let tampered = Commit { rows: vec![gone], ..Commit::unchanged(&state) };
    place.rows().commit(tampered).await.expect("a commit");
    assert_eq!(balances.read_model().count().await, Ok(1));

    balances.rebuild(|_| {}).await.expect("it is rebuilt");

    assert_eq!(balances.read_model().count().await, Ok(2));
}

async fn progress_ends_at_the_head<L: Place>(place: L) {
    let head = fill(&place, 3, 9).await;
    let balances = open_with::<Balances, L>(&place, 8).await;
    let mut seen: Vec<RebuildProgress> = Vec::new();

    balances.rebuild(|progress| seen.push(progress)).await.expect("it is rebuilt");

    assert!(seen.len() >= 3, "one for every batch: {seen:?}");
    assert!(seen.is_sorted_by_key(|progress| progress.position), "{seen:?}");
    let last = seen.last().expect("progress");
    assert_eq!((last.position, last.head, last.events), (head, head, 30));
}

/// Readers take the log in stretches, some of which hold every event, some few, and some none of concern.
async fn several_readers_are_as_good_as_one<L: Place>(place: L) {
    let (tags, mut sequence) = (vec![tagged("x"); 2_048], 0);
    append(place.store(), "a", 0, &[opened("Ada"), moved(1)]).await;
    while place.store().head().await.expect("a head") <= 2 * PAGE_POSITIONS {
        append(place.store(), "t", sequence, &tags).await;
        sequence += 2_048;
    }
    append(place.store(), "a", 2, &[moved(2)]).await;
    append(place.store(), "b", 0, &[opened("Bob"), moved(3)]).await;
    let balances = open_with::<Balances, L>(&place, 3_000).await;
    let uses = open_with::<Tags, L>(&place, 3_000).await;
    balances.catch_up().await.expect("it catches up");
    uses.catch_up().await.expect("it catches up");
    let before = balances.read_model().page(None, 9).await.expect("a page");

    for readers in [1, 2, 3, 8] {
        let mut told: Vec<RebuildProgress> = Vec::new();
        let rebuild = Rebuild::of::<Balances>(&balances).and::<Tags>(&uses).parallel(readers);
        rebuild.run(|progress| told.push(progress)).await.expect("it is rebuilt");

        assert!(told.is_sorted_by_key(|progress| progress.position), "{readers}: {told:?}");
        let last = told.last().expect("progress");
        assert_eq!((last.position, last.events), (last.head, sequence + 5), "{readers}");
        assert_eq!(balances.read_model().page(None, 9).await, Ok(before.clone()), "{readers}");
        let page = uses.read_model().page(None, 9).await.expect("a page");
        assert_eq!(page[0].uses.unsigned_abs(), sequence, "{readers}");
        Rebuild::of::<Balances>(&balances).parallel(readers).run(|_| {}).await.expect("rebuilt");
        assert_eq!(balances.read_model().page(None, 9).await, Ok(before.clone()), "{readers}");
    }
}

/// A store of which one read fails: that whose page begins behind a position.
#[derive(Clone)]
struct Failing {
    after: Position,
    failed: Arc<AtomicBool>,
}

impl<S: EventStore> Interceptor<S> for Failing {
    async fn read_all(
        &self,
        store: &S,
        after: Position,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<AllPage, StoreError> {
        // One event alone is asked for where it is looked whether the store is still the same.
        if limit > 1 && after == self.after && !self.failed.swap(true, Ordering::SeqCst) {
            return Err(StoreError::Unavailable("as planned".to_owned()));
        }
        store.read_all(after, filter, limit).await
    }
}

/// What a reader ahead does not get is missing, and not the end.
async fn a_reader_that_fails_leaves_the_rows_as_they_are<L: Place>(place: L) {
    let (tags, mut sequence) = (vec![tagged("x"); 2_048], 0);
    while place.store().head().await.expect("a head") <= 2 * PAGE_POSITIONS {
        append(place.store(), "t", sequence, &tags).await;
        sequence += 2_048;
    }
    let second = PAGE_POSITIONS + 3_000;
    for after in [3_000, 6_000, second, second + 3_000] {
        let failing = Failing { after, failed: Arc::default() };
        let store = Intercepted::new(place.store().clone(), failing);
        let options = batches(3_000);
        let uses = Projector::<Tags, _, _>::open_with(store, place.rows().clone(), options).await;
        let uses = uses.expect("it opens");
        open::<Tags, L>(&place).await.catch_up().await.expect("it catches up");

        let rebuilt = Rebuild::of(&uses).parallel(3).run(|_| {}).await;

        let failure = StoreError::Unavailable("as planned".to_owned());
        assert_eq!(rebuilt, Err(ProjectorError::Store(failure)), "after {after}");
        let page = uses.read_model().page(None, 9).await.expect("a page");
        assert_eq!(page[0].uses.unsigned_abs(), sequence, "after {after}");
    }
}

async fn several_projections_share_one_reading<L: Place>(place: L) {
    let head = fill(&place, 3, 5).await;
    append(place.store(), "t", 0, &[tagged("x"), tagged("x")]).await;
    let (balances, tags) = (open_with(&place, 4).await, open_with(&place, 4).await);
    let moves = open_with::<Moves, L>(&place, 4).await;
    let mut events = 0;

    Rebuild::of::<Balances>(&balances)
        .and::<Tags>(&tags)
        .and(&moves)
        .run(|progress| events = progress.events)
        .await
        .expect("all are rebuilt");

    assert_eq!(events, head + 2, "each event is read once");
    assert_eq!(balances.read_model().count().await, Ok(3));
    assert_eq!(moves.read_model().count().await, Ok(15));
    assert_eq!(tags.read_model().page(None, 9).await.expect("a page")[0].uses, 2);
}

async fn rows_are_read_and_kept_up_to_date_meanwhile<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    let balances = open_with::<Balances, L>(&place, 3).await;
    balances.catch_up().await.expect("it catches up");
    let running = balances.spawn();
    let done = AtomicBool::new(false);
    let rebuilds = async {
        for _ in 0..10 {
            balances.rebuild(|_| {}).await.expect("it is rebuilt");
        }
        done.store(true, Ordering::SeqCst);
    };
    let appends = async {
        let (rows, mut sequence) = (balances.read_model(), 1);
        while !done.load(Ordering::SeqCst) {
            let position = append(place.store(), "a", sequence, &[moved(1)]).await;
            balances.wait_for(position, super::rig::SOON).await.expect("the rows get there");
            let ada = rows.get(&"a".to_owned()).await.expect("an answer").expect("a row");
            assert_eq!(ada.moves.unsigned_abs(), sequence, "rows must never go back");
            sequence += 1;
        }
        sequence - 1
    };

    let ((), moves) = tokio::join!(rebuilds, appends);

    running.stop().await.expect("it stops");
    let ada = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
    assert_eq!(ada.expect("a row").moves.unsigned_abs(), moves);
}

/// The rows that serve went on while others were rebuilt: readers have seen what those lack.
async fn rows_never_go_back_when_they_are_switched<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    let spec = TableSpec::of::<Balances>();
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");
    let shadow = place.rows().begin_rebuild(spec).await.expect("a shadow");

    let behind = place.rows().finish_rebuild(shadow.table, shadow.revision, vec![]).await;

    assert_eq!(behind, Ok(Switched::Behind));
    assert_eq!(balances.read_model().count().await, Ok(1));
}

async fn a_rebuild_started_anew_wins<L: Place>(place: L) {
    fill(&place, 2, 4).await;
    let balances = open_with::<Balances, L>(&place, 2).await;
    balances.catch_up().await.expect("it catches up");
    let spec = TableSpec::of::<Balances>();
    let first = place.rows().begin_rebuild(spec).await.expect("a shadow");
    let second = place.rows().begin_rebuild(spec).await.expect("another shadow");

    let late = place.rows().finish_rebuild(first.table, first.revision, vec![]).await;

    assert_eq!(late, Ok(Switched::Moved));
    place.rows().abandon_rebuild(first.table).await.expect("nothing is left to drop");
    let state = place.rows().state(second.table).await;
    assert!(state.is_ok(), "the second one is untouched: {state:?}");
}

/// Of two rebuilds the one that was started later had ended first. The other one looked for a row that it
/// had written, and told the operator that the database was corrupt: there was no such table any more.
async fn a_rebuild_that_was_overtaken_finds_its_rows_gone<L: Place>(place: L) {
    let spec = TableSpec::of::<Balances>();
    place.rows().open(spec).await.expect("a table");
    let first = place.rows().begin_rebuild(spec).await.expect("a shadow");
    let second = place.rows().begin_rebuild(spec).await.expect("another shadow");
    let switched = place.rows().finish_rebuild(second.table, second.revision, vec![]).await;
    assert_eq!(switched, Ok(Switched::Done));

    let rows = place.rows().load(first.table, vec![vec![(&"a".to_owned()).into()]]).await;

    assert_eq!(rows, Err(ReadDatabaseError::Gone(of_ledger("Balances"))));
}

async fn two_rebuilds_at_once_do_not_mix_their_rows<L: Place>(place: L) {
    fill(&place, 3, 9).await;
    let balances = open_with::<Balances, L>(&place, 1).await;
    balances.catch_up().await.expect("it catches up");
    let before = balances.read_model().page(None, 100).await.expect("a page");

    let (one, other) = tokio::join!(balances.rebuild(|_| {}), balances.rebuild(|_| {}));

    let overtaken = |rebuilt: &Result<(), ProjectorError>| {
        matches!(
            rebuilt,
            Err(ProjectorError::Superseded { .. }
                | ProjectorError::Database(ReadDatabaseError::Gone(_)))
        )
    };
    assert!([&one, &other].iter().all(|it| it.is_ok() || overtaken(it)), "{one:?}, {other:?}");
    assert!(one.is_ok() || other.is_ok(), "{one:?}, {other:?}");
    assert_eq!(balances.read_model().page(None, 100).await, Ok(before));
}

async fn a_rebuild_that_fails_leaves_the_rows_as_they_are<L: Place>(place: L) {
    fill(&place, 2, 4).await;
    open::<Balances, L>(&place).await.catch_up().await.expect("it catches up");
    let rows = Unreliable::new(place.rows().clone(), [Fate::Written, Fate::Lost]);
    let store = place.store().clone();
    let failing = Projector::<Balances, _, _>::open_with(store, rows, batches(3)).await;

    let failed = failing.expect("it opens").rebuild(|_| {}).await;

    assert!(matches!(failed, Err(ProjectorError::Database(_))), "{failed:?}");
    let balances = open::<Balances, L>(&place).await;
    assert_eq!(balances.read_model().count().await, Ok(2));
    balances.rebuild(|_| {}).await.expect("the next one is not in its way");
}

async fn a_rebuild_that_was_dropped_leaves_the_rows_as_they_are<L: Place>(place: L) {
    fill(&place, 2, 40).await;
    let balances = open_with::<Balances, L>(&place, 1).await;
    balances.catch_up().await.expect("it catches up");
    let (started, begun) = tokio::sync::oneshot::channel();
    let mut started = Some(started);
    let rebuild = balances.rebuild(move |_| {
        started.take().map(|started| started.send(()));
    });

    tokio::select! {
        biased;
        _ = begun => {}
        ended = rebuild => ended.expect("no failure"),
    }

    assert_eq!(balances.read_model().count().await, Ok(2));
    balances.rebuild(|_| {}).await.expect("the next one is not in its way");
    balances.catch_up().await.expect("it goes on");
    assert_eq!(balances.read_model().count().await, Ok(2));
}

async fn poison_is_found_anew<L: Place>(place: L) {
    append(place.store(), "a", 0, &[moved(1), opened("Ada")]).await;
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");
    let before = balances.status().await.expect("a status").poison;

    balances.rebuild(|_| {}).await.expect("it is rebuilt");

    let after = balances.status().await.expect("a status").poison;
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_eq!(before[0].position, after[0].position);
}

async fn wrong_guesses_in_one_projection_do_not_hurt_its_companion<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada"), tagged("x"), moved(1), tagged("x")]).await;
    append(place.store(), "a", 4, &[moved(2), tagged("x"), moved(3), tagged("X")]).await;
    append(place.store(), "a", 8, &[tagged("x"), moved(4)]).await;
    let (balances, tags) = (open_with(&place, 2).await, open_with(&place, 2).await);

    let both = Rebuild::of::<Balances>(&balances).and::<Tags>(&tags);
    both.run(|_| {}).await.expect("both are rebuilt");

    let ada = balances.read_model().get(&"a".to_owned()).await.expect("an answer").expect("a row");
    assert_eq!((ada.amount, ada.moves), (10.into(), 4));
    assert_eq!(tags.read_model().page(None, 9).await.expect("a page")[0].uses, 1);
}

async fn what_is_skipped_during_a_rebuild_stays_skipped<L: Place>(place: L) {
    append(place.store(), "a", 0, &[moved(1), opened("Ada"), moved(2)]).await;
    let balances = open_with::<Balances, L>(&place, 2).await;
    balances.catch_up().await.expect("it catches up");
    let operator = balances.clone();
    let (begun, begins) = tokio::sync::oneshot::channel();
    let mut begun = Some(begun);
    let rebuild = balances.rebuild(move |_| {
        let _ = begun.take().map(|begun| begun.send(()));
    });
    let skip = async move {
        begins.await.expect("it begins");
        operator.skip_poison(1, "Olga", "opened too late").await
    };

    let (rebuilt, skipped) = tokio::join!(rebuild, skip);

    rebuilt.expect("it is rebuilt");
    skipped.expect("it is skipped");
    let status = balances.status().await.expect("a status");
    assert_eq!((status.poison, status.skipped), (vec![], vec![1]));
    let ada = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
    assert_eq!(ada.expect("a row").amount, 2.into());
}

async fn rebuilding_rows_that_are_ahead_of_their_store_is_refused<L: Place>(place: L) {
    fill(&place, 1, 1).await;
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");
    let state = place.rows().open(TableSpec::of::<Balances>()).await.expect("a table");
    let ahead = Commit { position: 9, ..Commit::unchanged(&state) };
    place.rows().commit(ahead).await.expect("a commit");

    let refused = balances.rebuild(|_| {}).await;

    let (projection, position, head) = (of_ledger("Balances"), 9, 2);
    assert_eq!(refused, Err(ProjectorError::AheadOfStore { projection, position, head }));
}
