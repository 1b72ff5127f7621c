//! Events that can't be folded: never skipped silently, never overtaken, never an endless loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eventloom_runtime::codec::DecodeError;
use eventloom_runtime::projection::{
    Column, Consistency, Poison, Projection, ProjectionError, Projector, ProjectorError, Retried,
    Value,
};
use eventloom_runtime::store::{AllPage, EventFilter};
use eventloom_runtime::testing::intercept::{Intercepted, Interceptor};
use eventloom_runtime::testing::spans::capture_async;
use eventloom_runtime::{EventStore, Metadata, Position, StoreError};
use tokio::sync::Notify;

use super::ledger::{Balance, Balances, Entry, Moves, TILL, Tags, of_ledger};
use super::rig::{
    Place, SOON, append, append_raw, append_to, batches, everywhere, moved, open, open_with,
    opened, raw_event, tagged,
};
use super::unreliable::Unreliable;

everywhere!(
    poison_parks_its_stream_and_others_go_on,
    parked_streams_stay_parked_after_a_restart,
    data_that_cannot_be_read_is_poison,
    poison_of_another_projection_is_none_of_ours,
    a_mended_event_is_retried_with_all_that_was_held_back,
    a_retry_that_fails_again_parks_at_the_event_that_failed,
    a_skipped_event_stays_skipped_when_the_rows_are_rebuilt,
    a_retry_folds_a_long_stream_in_pages,
    there_is_no_poison_where_there_is_none,
    an_event_is_told_to_be_skipped_when_it_is,
    without_streams_of_its_own_a_projection_stops,
    a_stopped_projection_goes_on_after_a_skip,
    a_key_that_cannot_be_told_stops_a_projection_too,
    so_much_poison_is_no_accident,
    poison_found_on_a_wrong_guess_is_found_again,
    waiting_for_a_parked_event_is_told_so,
    a_stream_of_another_aggregate_is_not_taken_for_the_parked_one,
    waiting_behind_a_stop_is_told_so,
    a_parked_event_is_not_told_to_be_shown_while_others_are_folded,
    that_an_event_is_parked_is_not_taken_back_by_older_news,
    an_event_is_skipped_where_a_runner_is_always_faster,
);

fn summary(poison: &Poison) -> (&str, u64, u64, bool) {
    (poison.stream_id.as_str(), poison.position, poison.sequence, poison.stops)
}

async fn status<P: Projection, L: Place>(place: &L) -> (u64, Vec<Poison>) {
    let status = open::<P, L>(place).await.status().await.expect("a status");
    (status.position, status.poison)
}

async fn poison_parks_its_stream_and_others_go_on<L: Place>(place: L) {
    append(place.store(), "a", 0, &[moved(1), opened("Ada"), moved(2)]).await;
    append(place.store(), "b", 0, &[opened("Bob"), moved(3)]).await;
    let balances = open_with::<Balances, L>(&place, 2).await;

    assert_eq!(balances.catch_up().await, Ok(5));

    let rows = balances.read_model();
    let bob = rows.get(&"b".to_owned()).await.expect("an answer").expect("a row");
    assert_eq!(bob.amount, 3.into());
    assert_eq!(rows.get(&"a".to_owned()).await, Ok(None), "later events must not overtake");
    let (_, poison) = status::<Balances, L>(&place).await;
    assert_eq!(poison.iter().map(summary).collect::<Vec<_>>(), [("a", 1, 1, false)]);
    assert_eq!(poison[0].event_type, "Moved");
    assert!(poison[0].reason.contains("there is no such row"), "{}", poison[0].reason);
}

async fn parked_streams_stay_parked_after_a_restart<L: Place>(place: L) {
    append(place.store(), "a", 0, &[moved(1)]).await;
    open::<Balances, L>(&place).await.catch_up().await.expect("it catches up");
    append(place.store(), "a", 1, &[opened("Ada")]).await;

    let restarted = open::<Balances, L>(&place).await;
    restarted.catch_up().await.expect("it catches up");

    assert_eq!(restarted.read_model().count().await, Ok(0));
    assert_eq!(status::<Balances, L>(&place).await.1.len(), 1);
}

async fn data_that_cannot_be_read_is_poison<L: Place>(place: L) {
    let broken = raw_event("a", 2, "Moved", 1, br#"{"text":"much"}"#.to_vec());
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    append_raw(place.store(), "a", 1, vec![broken]).await;
    append(place.store(), "a", 2, &[moved(2)]).await;

    open::<Balances, L>(&place).await.catch_up().await.expect("it catches up");

    let (_, poison) = status::<Balances, L>(&place).await;
    assert_eq!(poison.iter().map(summary).collect::<Vec<_>>(), [("a", 2, 2, false)]);
    assert!(poison[0].reason.contains("no amount"), "{}", poison[0].reason);
}

/// Several projections share one decoding: what one of them does not fold must not hurt it.
async fn poison_of_another_projection_is_none_of_ours<L: Place>(place: L) {
    let broken = raw_event("a", 2, "Moved", 1, br#"{"text":"much"}"#.to_vec());
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    append_raw(place.store(), "a", 1, vec![broken]).await;
    append(place.store(), "a", 2, &[tagged("x")]).await;
    let tags = open::<Tags, L>(&place).await;
    let balances = open::<Balances, L>(&place).await;

    let both = eventloom_runtime::projection::Rebuild::of(&balances).and(&tags);
    both.run(|_| {}).await.expect("both are rebuilt");

    assert_eq!(status::<Tags, L>(&place).await.1, []);
    assert_eq!(status::<Balances, L>(&place).await.1.len(), 1);
    assert_eq!(tags.read_model().count().await, Ok(1));
}

static MENDED: AtomicBool = AtomicBool::new(false);

/// A projection whose fold fails until its cause is mended: a program that was mended without a
/// change of meaning, or a database whose bytes were.
#[derive(Debug)]
struct Mendable;

impl Projection for Mendable {
    const NAME: &'static str = "Mendable";
    const DATABASE: &'static str = "read_db";
    const TABLE: &'static str = "Mendable";
    const CONSISTENCY: Consistency = Consistency::Eventual { window: None };
    const MEANING: u64 = 77;
    const AGGREGATE: &'static str = Balances::AGGREGATE;
    const SOURCES: &'static [&'static str] = Balances::SOURCES;
    const COLUMNS: &'static [Column] = Balances::COLUMNS;
    const KEY_COLUMNS: usize = 1;
    const KEY_IS_STREAM: bool = true;
    const READS_METADATA: bool = false;

    type Event = Entry;
    type Key = String;
    type Row = Balance;

    fn key(event: &Entry, meta: &Metadata) -> Result<Option<String>, ProjectionError> {
        Balances::key(event, meta)
    }

    fn fold(
        row: &mut Option<Balance>,
        event: &Entry,
        meta: &Metadata,
    ) -> Result<(), ProjectionError> {
        if *event == moved(666) && !MENDED.load(Ordering::SeqCst) {
            return Err(ProjectionError::Custom("not mended yet".to_owned()));
        }
        Balances::fold(row, event, meta)
    }

    fn key_values(key: &String) -> Vec<Value> {
        Balances::key_values(key)
    }

    fn row_values(row: &Balance) -> Vec<Value> {
        Balances::row_values(row)
    }

    fn row(values: Vec<Value>) -> Result<Balance, DecodeError> {
        Balances::row(values)
    }

    fn key_of(row: &Balance) -> String {
        Balances::key_of(row)
    }
}

/// One test at a time mends.
static MENDING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn a_mended_event_is_retried_with_all_that_was_held_back<L: Place>(place: L) {
    let _alone = MENDING.lock().await;
    MENDED.store(false, Ordering::SeqCst);
    append(place.store(), "a", 0, &[opened("Ada"), moved(1)]).await;
    append(place.store(), "b", 0, &[opened("Bob")]).await;
    append(place.store(), "a", 2, &[moved(666), moved(2), moved(4)]).await;
    let mendable = open_with::<Mendable, L>(&place, 2).await;
    mendable.catch_up().await.expect("it catches up");
    append(place.store(), "a", 5, &[moved(8)]).await;
    let unmended = mendable.retry_poison(4).await;
    assert!(matches!(unmended, Ok(Retried::Parked(ref it)) if it.position == 4), "{unmended:?}");
    MENDED.store(true, Ordering::SeqCst);

    assert_eq!(mendable.retry_poison(4).await, Ok(Retried::Released));
    mendable.catch_up().await.expect("it catches up");

    let ada = mendable.read_model().get(&"a".to_owned()).await.expect("an answer").expect("a row");
    assert_eq!((ada.amount, ada.moves), ((1 + 666 + 2 + 4 + 8).into(), 5));
    assert_eq!(status::<Mendable, L>(&place).await.1, []);
}

async fn a_retry_that_fails_again_parks_at_the_event_that_failed<L: Place>(place: L) {
    append(place.store(), "a", 0, &[moved(1), opened("Ada"), moved(2), opened("Eve")]).await;
    append(place.store(), "a", 4, &[moved(4)]).await;
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");

    let Ok(Retried::Parked(next)) = balances.skip_poison(1, "Olga", "opened too late").await else {
        panic!("the second opening is poison too");
    };

    assert_eq!(summary(&next), ("a", 4, 4, false));
    let ada = balances.read_model().get(&"a".to_owned()).await.expect("an answer").expect("a row");
    assert_eq!((ada.owner.as_str(), ada.amount), ("Ada", 2.into()));
    assert_eq!(
        balances.skip_poison(4, "Olga", "opened twice").await,
        Ok(Retried::Released),
        "nothing else is wrong"
    );
    let ada = balances.read_model().get(&"a".to_owned()).await.expect("an answer").expect("a row");
    assert_eq!((ada.owner.as_str(), ada.amount), ("Ada", 6.into()));
}

async fn a_skipped_event_stays_skipped_when_the_rows_are_rebuilt<L: Place>(place: L) {
    append(place.store(), "a", 0, &[moved(1), opened("Ada"), moved(2)]).await;
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");
    balances.skip_poison(1, "Olga", "opened too late").await.expect("it is skipped");
    let skips = balances.skips().await.expect("decisions");
    let [skip] = &*skips else { panic!("one decision: {skips:?}") };
    assert_eq!((skip.position, skip.stream_id.as_str(), skip.sequence), (1, "a", 1));
    assert_eq!((&*skip.event_type, skip.version), ("Moved", 1));
    assert_eq!((&*skip.operator, &*skip.reason), ("Olga", "opened too late"));
    assert!(skip.failure.contains("no such row"), "{skip:?}");

    balances.rebuild(|_| {}).await.expect("it is rebuilt");

    let status = balances.status().await.expect("a status");
    assert_eq!((status.poison, status.skipped), (vec![], vec![1]));
    assert_eq!(balances.skips().await.expect("decisions"), skips, "who decided and why is kept");
    let ada = balances.read_model().get(&"a".to_owned()).await.expect("an answer").expect("a row");
    assert_eq!(ada.amount, 2.into());
}

async fn a_retry_folds_a_long_stream_in_pages<L: Place>(place: L) {
    let mut entries = vec![moved(1), opened("Ada")];
    entries.extend((0..50).map(|_| moved(1)));
    append(place.store(), "a", 0, &entries).await;
    let balances = open_with::<Balances, L>(&place, 7).await;
    balances.catch_up().await.expect("it catches up");

    let skipped = balances.skip_poison(1, "Olga", "opened too late").await;

    assert_eq!(skipped, Ok(Retried::Released));
    let ada = balances.read_model().get(&"a".to_owned()).await.expect("an answer").expect("a row");
    assert_eq!((ada.amount, ada.moves), (50.into(), 50));
}

async fn there_is_no_poison_where_there_is_none<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");

    let none = ProjectorError::NoSuchPoison { projection: of_ledger("Balances"), position: 1 };

    assert_eq!(balances.retry_poison(1).await, Err(none.clone()));
    assert_eq!(balances.skip_poison(1, "Olga", "why not").await, Err(none));
}

/// The log told of a skipped event that was none, or before the decision was stored, and it never was.
async fn an_event_is_told_to_be_skipped_when_it_is<L: Place>(place: L) {
    append(place.store(), "a", 0, &[moved(1)]).await;
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");

    for (position, expected) in [(2, 0), (1, 1), (1, 0)] {
        let skip = balances.skip_poison(position, "Olga", "opened too late");
        let (skipped, captured) = capture_async(skip).await;
        let told = captured.iter().filter(|it| it.field("message") == Some("an event is skipped"));
        assert_eq!(skipped.is_ok(), expected == 1, "{skipped:?}");
        assert_eq!(told.count(), expected, "{captured:?}");
    }
}

async fn without_streams_of_its_own_a_projection_stops<L: Place>(place: L) {
    append(place.store(), "a", 0, &[moved(1), moved(2)]).await;
    append(place.store(), "b", 0, &[moved(1), moved(3)]).await;
    let moves = open_with::<Moves, L>(&place, 3).await;

    for _ in 0..2 {
        let stopped = moves.catch_up().await.expect_err("it must stop");
        assert!(matches!(stopped, ProjectorError::Stopped { .. }), "{stopped:?}");
        assert!(stopped.to_string().contains("stopped before position 3"), "{stopped}");
    }

    let (position, poison) = status::<Moves, L>(&place).await;
    assert_eq!(position, 2);
    assert_eq!(poison.iter().map(summary).collect::<Vec<_>>(), [("b", 3, 1, true)]);
    let unread = moves.read_model().count().await;
    assert!(unread.is_err(), "rows that never caught up are not to be read: {unread:?}");
}

async fn a_stopped_projection_goes_on_after_a_skip<L: Place>(place: L) {
    append(place.store(), "a", 0, &[moved(1), moved(2)]).await;
    append(place.store(), "b", 0, &[moved(1), moved(3)]).await;
    let moves = open::<Moves, L>(&place).await;
    moves.catch_up().await.expect_err("it stops");
    let again = moves.retry_poison(3).await;
    assert!(matches!(again, Err(ProjectorError::Stopped { .. })), "{again:?}");

    assert_eq!(moves.skip_poison(3, "Olga", "a double").await, Ok(Retried::Released));

    let (position, poison) = status::<Moves, L>(&place).await;
    assert_eq!((position, poison), (4, vec![]));
    assert_eq!(moves.read_model().count().await, Ok(3));
}

async fn a_key_that_cannot_be_told_stops_a_projection_too<L: Place>(place: L) {
    append(place.store(), "a", 0, &[tagged("x"), tagged(""), tagged("y")]).await;
    let tags = open::<Tags, L>(&place).await;

    let stopped = tags.catch_up().await.expect_err("it must stop");

    assert!(stopped.to_string().contains("a tag has no name"), "{stopped}");
}

/// A fold with a defect makes poison of everything: it must not fill memory with parked streams.
async fn so_much_poison_is_no_accident<L: Place>(place: L) {
    for stream in 0..1_100 {
        append(place.store(), &format!("s{stream}"), 0, &[moved(1)]).await;
    }
    let balances = open::<Balances, L>(&place).await;

    let stopped = balances.catch_up().await;

    assert!(matches!(stopped, Err(ProjectorError::Stopped { .. })), "{stopped:?}");
    let (position, poison) = status::<Balances, L>(&place).await;
    assert_eq!((position, poison.len()), (1_000, 1_001));
}

/// A page was folded twice, the first time on a wrong guess, and the streams that the first time had
/// parked were held back in the second, without their poison being recorded anywhere.
async fn poison_found_on_a_wrong_guess_is_found_again<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada"), moved(1), moved(2), moved(3)]).await;
    append(place.store(), "a", 4, &[opened("Eve")]).await;
    append(place.store(), "b", 0, &[opened("Bob"), opened("Bea")]).await;

    open_with::<Balances, L>(&place, 4).await.catch_up().await.expect("it catches up");

    let (_, poison) = status::<Balances, L>(&place).await;
    let poison: Vec<_> = poison.iter().map(summary).collect();
    assert_eq!(poison, [("a", 5, 5, false), ("b", 7, 2, false)]);
}

async fn waiting_for_a_parked_event_is_told_so<L: Place>(place: L) {
    append(place.store(), "a", 0, &[moved(1)]).await;
    let parked = append(place.store(), "a", 1, &[opened("Ada")]).await;
    let other = append(place.store(), "b", 0, &[opened("Bob")]).await;
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");

    let waited = balances.wait_for(parked, SOON).await;

    assert!(matches!(waited, Err(ProjectorError::Parked { .. })), "{waited:?}");
    assert_eq!(balances.wait_for(other, SOON).await, Ok(()));
}

/// Whoever waited for an event of another aggregate, in a stream that has the id of a parked one, was told
/// that it was parked, and to mend what had nothing to do with it.
async fn a_stream_of_another_aggregate_is_not_taken_for_the_parked_one<L: Place>(place: L) {
    append(place.store(), "a", 0, &[moved(1)]).await;
    append_to(TILL, place.store(), "a", &[opened("Eve")]).await;
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");

    assert_eq!(balances.wait_for(2, SOON).await, Ok(()));

    let waited = balances.wait_for(1, SOON).await;
    assert!(matches!(waited, Err(ProjectorError::Parked { .. })), "{waited:?}");
}

async fn waiting_behind_a_stop_is_told_so<L: Place>(place: L) {
    append(place.store(), "a", 0, &[tagged("")]).await;
    let position = append(place.store(), "b", 0, &[tagged("x")]).await;
    let tags = open::<Tags, L>(&place).await;
    tags.catch_up().await.expect_err("it stops");
    let reader: Projector<Tags, _, _> = open(&place).await;

    let waited = reader.wait_for(position, SOON).await;

    assert!(matches!(waited, Err(ProjectorError::Stopped { .. })), "{waited:?}");
}

/// Until the runner had folded everything else, those who waited for an event that it had just parked
/// were told that the rows show it.
async fn a_parked_event_is_not_told_to_be_shown_while_others_are_folded<L: Place>(place: L) {
    append(place.store(), "b", 0, &[opened("Bob")]).await;
    let blocked = Blocked { after: 3, lifted: Arc::default() };
    let store = Intercepted::new(place.store().clone(), blocked.clone());
    let rows = place.rows().clone();
    let balances = Projector::<Balances, _, _>::open_with(store, rows, batches(1)).await;
    let balances = balances.expect("it opens");
    balances.catch_up().await.expect("it catches up");
    let parked = append(place.store(), "a", 0, &[moved(1)]).await;
    // A page is told when the next one has been read: the runner stands at the page after that.
    append(place.store(), "b", 1, &[moved(1)]).await;
    let other = append(place.store(), "b", 2, &[moved(1)]).await;
    let running = balances.spawn();

    let waited = balances.wait_for(parked, SOON).await;

    assert!(matches!(waited, Err(ProjectorError::Parked { .. })), "{waited:?}");
    blocked.lifted.notify_one();
    assert_eq!(balances.wait_for(other, SOON).await, Ok(()));
    running.stop().await.expect("it stops");
}

/// Somebody who waited had read the checkpoint before an event was parked, and heard of it after that: that nothing was
/// parked then was taken for news, and who waited for the parked event was told that the rows show it.
async fn that_an_event_is_parked_is_not_taken_back_by_older_news<L: Place>(place: L) {
    append(place.store(), "b", 0, &[opened("Bob")]).await;
    let rows = Unreliable::new(place.rows().clone(), []);
    let balances = Projector::<Balances, _, _>::open(place.store().clone(), rows.clone()).await;
    let balances = balances.expect("it opens");
    balances.catch_up().await.expect("it catches up");
    rows.hold_checkpoints();
    let before = rows.looks.load(Ordering::SeqCst);
    let looked = async |times: usize| {
        while rows.looks.load(Ordering::SeqCst) < before + times {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let waiting = balances.clone();
    let waiting = tokio::spawn(async move { waiting.wait_for(99, SOON).await });
    looked(1).await;
    let parked = append(place.store(), "a", 0, &[moved(1)]).await;
    balances.catch_up().await.expect("it catches up");

    rows.gate.add_permits(1);
    // When it looks again, it has told what it had read.
    looked(2).await;

    let waited = balances.wait_for(parked, SOON).await;
    assert!(matches!(waited, Err(ProjectorError::Parked { .. })), "{waited:?}");
    waiting.abort();
}

/// Reads nothing after a position until that is lifted.
#[derive(Clone)]
struct Blocked {
    after: Position,
    lifted: Arc<Notify>,
}

impl<S: EventStore> Interceptor<S> for Blocked {
    async fn read_all(
        &self,
        store: &S,
        after: Position,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<AllPage, StoreError> {
        // Only runners filter by type; those who wait look at one event whatever it is.
        if after == self.after && !filter.types.is_empty() {
            self.lifted.notified().await;
        }
        store.read_all(after, filter, limit).await
    }
}

/// A decision is based on the checkpoint, which a busy runner had moved each time it was to be written: the operator waited as
/// long as events came in.
async fn an_event_is_skipped_where_a_runner_is_always_faster<L: Place>(place: L) {
    append(place.store(), "a", 0, &[moved(1), opened("Ada"), moved(2)]).await;
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");
    let rows = Unreliable::new(place.rows().clone(), []).with_a_faster_runner();
    let slower = Projector::<Balances, _, _>::open(place.store().clone(), rows).await;

    let skipped = slower.expect("it opens").skip_poison(1, "Olga", "opened too late").await;

    assert_eq!(skipped, Ok(Retried::Released));
    let ada = balances.read_model().get(&"a".to_owned()).await.expect("an answer").expect("a row");
    assert_eq!(ada.amount, 2.into());
    assert_eq!(balances.status().await.expect("a status").runner, None, "runners may go on");
}
