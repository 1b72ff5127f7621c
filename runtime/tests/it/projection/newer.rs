//! A newer program runs beside this one and writes events that this one does not know: it halts before
//! them, and neither parks nor passes them.

use eventloom_runtime::projection::{Projector, ProjectorError, ReadDatabase, UnknownEvent};
use eventloom_runtime::store::{AppendError, NewEvent};
use eventloom_runtime::{Duration, EventStore, Position};

use super::ledger::{Balances, ImmediateBalances, LEDGER, Tags, of_ledger};
use super::rig::{
    Place, append, append_raw, batches, clock, everywhere, later, moved, open, open_with, opened,
    raw_event, tagged, try_append,
};

everywhere!(
    a_version_from_the_future_halts_and_parks_nothing,
    a_type_from_the_future_halts_and_parks_nothing,
    a_type_that_is_new_between_two_reads_is_not_passed,
    a_projection_halts_before_what_another_one_folds_past,
    a_rebuild_halts_before_a_type_from_the_future,
    a_type_from_the_future_counts_as_lag,
    what_is_known_and_no_source_is_passed_in_any_version,
    the_future_of_another_aggregate_is_none_of_ours,
    an_unknown_event_of_a_parked_stream_is_held_back_with_it,
    a_program_is_halted_by_what_is_next_and_not_held_back,
    a_halted_projection_cannot_be_immediate,
    an_immediate_projection_refuses_a_type_from_the_future,
);

/// An event of a type that only the newer program has.
fn frozen(stream: &str, sequence: u64) -> NewEvent {
    raw_event(stream, sequence, "Frozen", 1, br#"{"cents":100}"#.to_vec())
}

fn halted_by(stream: &str, event_type: &str, version: u32, position: Position) -> UnknownEvent {
    UnknownEvent { position, stream_id: stream.into(), event_type: event_type.to_owned(), version }
}

fn unknown(
    projection: &'static str,
    event_type: &str,
    version: u32,
    position: Position,
) -> ProjectorError {
    let (projection, event_type) = (of_ledger(projection), event_type.to_owned());
    ProjectorError::UnknownVersion { projection, event_type, version, position }
}

async fn a_version_from_the_future_halts_and_parks_nothing<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada"), moved(1)]).await;
    let future = raw_event("a", 3, "Moved", 2, br#"{"cents":100}"#.to_vec());
    append_raw(place.store(), "a", 2, vec![future]).await;
    append(place.store(), "b", 0, &[opened("Bob")]).await;
    let balances = open::<Balances, L>(&place).await;

    let halted = balances.catch_up().await;

    assert_eq!(halted, Err(unknown("Balances", "Moved", 2, 3)));
    let status = balances.status().await.expect("a status");
    assert_eq!((status.position, status.poison), (2, vec![]));
    assert_eq!(status.halted_by, Some(halted_by("a", "Moved", 2, 3)));
    let running = balances.run(std::future::pending()).await;
    assert!(matches!(running, Err(ProjectorError::UnknownVersion { .. })), "{running:?}");
}

/// The types of a projection's events were all that was read for it: what a newer program put on the same
/// balances by a type of its own was passed in silence, and the balances went on without it.
async fn a_type_from_the_future_halts_and_parks_nothing<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada"), moved(1)]).await;
    append_raw(place.store(), "a", 2, vec![frozen("a", 3)]).await;
    append(place.store(), "a", 3, &[moved(2)]).await;
    append(place.store(), "b", 0, &[opened("Bob")]).await;

    for batch in [1, 2, 100] {
        let balances = open_with::<Balances, L>(&place, batch).await;
        for _ in 0..2 {
            assert_eq!(balances.catch_up().await, Err(unknown("Balances", "Frozen", 1, 3)));
        }
        let status = balances.status().await.expect("a status");
        assert_eq!(status.halted_by, Some(halted_by("a", "Frozen", 1, 3)));
        assert_eq!((status.position, status.complete, status.poison), (2, false, vec![]));
        let running = balances.run(std::future::pending()).await;
        assert_eq!(running, Err(unknown("Balances", "Frozen", 1, 3)));
    }
}

/// The other program starts while this one runs: what this one has learned of the store by then must
/// not hide the new type from it.
async fn a_type_that_is_new_between_two_reads_is_not_passed<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada"), moved(1), tagged("x")]).await;
    let balances = open::<Balances, L>(&place).await;
    assert_eq!(balances.catch_up().await, Ok(3));
    let newer = place.store_of_another_program().await;
    append_raw(&newer, "a", 3, vec![frozen("a", 4)]).await;
    append(&newer, "a", 4, &[moved(2)]).await;

    assert_eq!(balances.catch_up().await, Err(unknown("Balances", "Frozen", 1, 4)));

    let ada = balances.read_model().get(&"a".to_owned()).await.expect("an answer").expect("a row");
    assert_eq!(ada.amount, 1.into(), "the rows stay as they are");
    let restarted = open::<Balances, L>(&place).await;
    assert_eq!(restarted.catch_up().await, Err(unknown("Balances", "Frozen", 1, 4)));
}

async fn a_projection_halts_before_what_another_one_folds_past<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada"), tagged("x")]).await;
    append_raw(place.store(), "b", 0, vec![frozen("b", 1)]).await;
    append(place.store(), "a", 2, &[tagged("x")]).await;

    let tags = open::<Tags, L>(&place).await;

    assert_eq!(tags.catch_up().await, Err(unknown("tags", "Frozen", 1, 3)));
    assert_eq!(tags.status().await.expect("a status").position, 2);
}

async fn a_rebuild_halts_before_a_type_from_the_future<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada"), moved(1)]).await;
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");
    append_raw(place.store(), "a", 2, vec![frozen("a", 3)]).await;

    assert_eq!(balances.rebuild(|_| {}).await, Err(unknown("Balances", "Frozen", 1, 3)));

    assert_eq!(balances.read_model().count().await, Ok(1), "the old rows serve");
}

async fn a_type_from_the_future_counts_as_lag<L: Place>(place: L) {
    let clock = clock();
    append(place.store(), "a", 0, &[opened("Ada"), moved(1)]).await;
    let options = eventloom_runtime::projection::ProjectorOptions {
        clock: std::sync::Arc::new(clock.clone()),
        ..batches(10)
    };
    let (store, rows) = (place.store().clone(), place.rows().clone());
    let balances = Projector::<Balances, _, _>::open_with(store, rows, options).await;
    let balances = balances.expect("it opens");
    balances.catch_up().await.expect("it catches up");
    append_raw(place.store(), "a", 2, vec![frozen("a", 3)]).await;
    clock.set(later(2_000_000));

    let lag = balances.lag().await.expect("a lag");

    assert_eq!((lag.events, lag.time), (1, Duration::from_micros(2_000_000)));
}

async fn what_is_known_and_no_source_is_passed_in_any_version<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada"), tagged("x")]).await;
    let tag = raw_event("a", 3, "Tagged", 2, br#"{"tags":["x"]}"#.to_vec());
    append_raw(place.store(), "a", 2, vec![tag]).await;
    append(place.store(), "a", 3, &[moved(1)]).await;

    let balances = open::<Balances, L>(&place).await;

    assert_eq!(balances.catch_up().await, Ok(4));
}

async fn the_future_of_another_aggregate_is_none_of_ours<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    let mut other = super::rig::appending("a", 0, vec![frozen("a", 1)]);
    other.stream.aggregate = "Customer";
    assert_ne!(LEDGER, other.stream.aggregate);
    place.store().append(other).await.expect("the append lands");

    let balances = open::<Balances, L>(&place).await;

    assert_eq!(balances.catch_up().await, Ok(2));
}

/// Whoever decides about the stream meets it then.
async fn an_unknown_event_of_a_parked_stream_is_held_back_with_it<L: Place>(place: L) {
    append(place.store(), "a", 0, &[moved(1)]).await;
    append_raw(place.store(), "a", 1, vec![frozen("a", 2)]).await;
    append(place.store(), "b", 0, &[opened("Bob")]).await;
    let balances = open::<Balances, L>(&place).await;
    assert_eq!(balances.catch_up().await, Ok(3));

    let skipped = balances.skip_poison(1, "Olga", "opened too late").await;

    assert_eq!(skipped, Err(unknown("Balances", "Frozen", 1, 2)));
    let poison = balances.status().await.expect("a status").poison;
    assert_eq!(poison.iter().map(|it| it.position).collect::<Vec<_>>(), [1], "nothing is decided");
}

async fn a_halted_projection_cannot_be_immediate<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    append_raw(place.store(), "a", 1, vec![frozen("a", 2)]).await;

    let (store, rows) = (place.store().clone(), place.rows().clone());
    let opened = Projector::<ImmediateBalances, _, _>::open(store, rows).await.map(|_| ());

    assert_eq!(opened, Err(unknown("ImmediateBalances", "Frozen", 1, 2)));
}

/// An append of events whose type the projection's own program does not know can't be folded either.
async fn an_immediate_projection_refuses_a_type_from_the_future<L: Place>(place: L) {
    let _balances = open::<ImmediateBalances, L>(&place).await;
    append(place.store(), "a", 0, &[opened("Ada")]).await;

    let refused = try_append(place.store(), "a", 1, vec![frozen("a", 2)]).await;

    let Err(AppendError::Projection { projection, reason }) = refused else {
        panic!("the rows would go on without it: {refused:?}");
    };
    assert_eq!(projection, "Ledger.ImmediateBalances");
    assert!(reason.contains("Frozen v1 is not known to this program"), "{reason}");
    assert_eq!(place.store().head().await, Ok(1));
}

/// The older of two programs on one file: what it appends can't be folded after what the newer one has
/// appended, and is refused before anything is stored, while other appends go on.
#[cfg(feature = "sqlite")]
#[test]
fn an_immediate_projection_refuses_appends_after_a_type_from_the_future() {
    use super::rig::InSqlite;
    use eventloom_runtime::projection::TableSpec;

    eventloom_runtime::testing::block_on(async {
        let place = InSqlite::new().await;
        let _balances = open::<ImmediateBalances, _>(&place).await;
        append(place.store(), "a", 0, &[opened("Ada"), moved(1)]).await;
        let newer = place.store_of_another_program().await;
        append_raw(&newer, "a", 2, vec![frozen("a", 3)]).await;

        for stream in ["a", "b"] {
            let expected = if stream == "a" { 3 } else { 0 };
            let event = super::rig::new_event(stream, expected + 1, &opened("Bob"));
            let refused = try_append(place.store(), stream, expected, vec![event]).await;
            let Err(AppendError::Projection { reason, .. }) = refused else {
                panic!("the rows would go on without what came before: {refused:?}");
            };
            assert!(reason.contains("halts before position 3: Frozen v1"), "{reason}");
        }

        assert_eq!(place.store().head().await, Ok(3), "nothing is stored");
        let spec = TableSpec::of::<ImmediateBalances>();
        let table = place.rows().open(spec).await.expect("a table").table;
        let row = place.rows().get(table, vec![(&"a".to_owned()).into()]).await;
        assert_eq!(row.expect("an answer").expect("a row")[3], (&1_i64).into());
        // So many that the projection would look again.
        for sequence in 0..15 {
            append(place.store(), "c", sequence * 100, &vec![tagged("x"); 100]).await;
        }
        assert_eq!(place.store().head().await, Ok(1_503));
    });
}

/// While a newer program's event stood in the way, every append of no concern read a page of what came after
/// it, within the one transaction that writes, decoded all of it, loaded its rows, and threw them away.
#[cfg(feature = "sqlite")]
#[test]
fn a_halted_immediate_projection_is_no_work_for_appends_of_no_concern() {
    use eventloom_runtime::testing::intercept::Intercepted;

    use super::rig::InSqlite;

    eventloom_runtime::testing::block_on(async {
        let place = InSqlite::new().await;
        let reads = Reads::default();
        let store = Intercepted::new(place.store().clone(), reads.clone());
        let rows = place.rows().clone();
        let balances =
            Projector::<ImmediateBalances, _, _>::open_with(store, rows, batches(100)).await;
        let balances = balances.expect("it opens");
        append(place.store(), "a", 0, &[opened("Ada"), moved(1)]).await;
        let newer = place.store_of_another_program().await;
        append_raw(&newer, "a", 2, vec![frozen("a", 3)]).await;
        append(&newer, "b", 0, &[opened("Bob")]).await;
        append(&newer, "b", 1, &vec![moved(1); 1_200]).await;

        let mut read = Vec::new();
        for sequence in 0..4 {
            append(place.store(), "c", sequence, &[tagged("x")]).await;
            read.push(reads.take());
        }
        for _ in 0..2 {
            let event = super::rig::new_event("d", 1, &opened("Dan"));
            let refused = try_append(place.store(), "d", 0, vec![event]).await;
            assert!(matches!(refused, Err(AppendError::Projection { .. })), "{refused:?}");
            read.push(reads.take());
        }

        assert_eq!(read, [100, 0, 0, 0, 1, 1]);
        assert_eq!(balances.status().await.expect("a status").position, 2);
    });
}

/// Counts the events that immediate projections read within appends.
#[cfg(feature = "sqlite")]
#[derive(Clone, Default)]
struct Reads(std::sync::Arc<std::sync::atomic::AtomicUsize>);

#[cfg(feature = "sqlite")]
mod reads {
    use std::any::Any;
    use std::sync::Arc;
    use std::sync::atomic::Ordering;

    use eventloom_runtime::store::{
        AllPage, AppendTransaction, AppendedEvents, EventFilter, FoldError, FoldedChange,
        ImmediateFold,
    };
    use eventloom_runtime::testing::intercept::Interceptor;
    use eventloom_runtime::{EventStore, Position, StoreError};

    use super::Reads;

    impl Reads {
        /// How many since this was last asked.
        pub(super) fn take(&self) -> usize {
            self.0.swap(0, Ordering::Relaxed)
        }
    }

    impl<S: EventStore> Interceptor<S> for Reads {
        async fn fold_immediately(
            &self,
            store: &S,
            fold: Arc<dyn ImmediateFold>,
        ) -> Result<(), StoreError> {
            store.fold_immediately(Arc::new(Counted { fold, reads: self.clone() })).await
        }
    }

    struct Counted {
        fold: Arc<dyn ImmediateFold>,
        reads: Reads,
    }

    impl ImmediateFold for Counted {
        fn aggregate(&self) -> &str {
            self.fold.aggregate()
        }

        fn name(&self) -> &str {
            self.fold.name()
        }

        fn open(&self, transaction: &dyn AppendTransaction) -> Result<(), StoreError> {
            self.fold.open(transaction)
        }

        fn fold(
            &self,
            transaction: &dyn AppendTransaction,
            events: &AppendedEvents<'_>,
        ) -> Result<FoldedChange, FoldError> {
            self.fold.fold(&Within { transaction, reads: &self.reads }, events)
        }
    }

    struct Within<'a> {
        transaction: &'a dyn AppendTransaction,
        reads: &'a Reads,
    }

    impl AppendTransaction for Within<'_> {
        fn read_all(
            &self,
            after: Position,
            filter: &EventFilter,
            limit: usize,
        ) -> Result<AllPage, StoreError> {
            let page = self.transaction.read_all(after, filter, limit)?;
            self.reads.0.fetch_add(page.events.len(), Ordering::Relaxed);
            Ok(page)
        }

        fn database(&self) -> &dyn Any {
            self.transaction.database()
        }
    }
}

/// A program that was only behind was told to be halted by an event that it had not come to, or by one that its
/// parked stream holds back.
async fn a_program_is_halted_by_what_is_next_and_not_held_back<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    append(place.store(), "b", 0, &[moved(1)]).await;
    append_raw(place.store(), "b", 1, vec![frozen("b", 2)]).await;
    let balances = open::<Balances, L>(&place).await;
    assert_eq!(balances.status().await.expect("a status").halted_by, None, "it is behind");
    balances.catch_up().await.expect("what is unknown is held back");
    append_raw(place.store(), "b", 2, vec![frozen("b", 3)]).await;
    assert_eq!(balances.status().await.expect("a status").halted_by, None, "it is parked");
    append_raw(place.store(), "a", 1, vec![frozen("a", 2)]).await;

    balances.catch_up().await.expect_err("it halts");

    let status = balances.status().await.expect("a status");
    assert_eq!(status.halted_by, Some(halted_by("a", "Frozen", 1, 5)));
    let skip = balances.skip_poison(5, "Olga", "nobody needs it").await;
    assert!(matches!(skip, Err(ProjectorError::NoSuchPoison { .. })), "{skip:?}");
}
