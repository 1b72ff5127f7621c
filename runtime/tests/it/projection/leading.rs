//! Whoever takes a runner's place for a while, and gives it back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eventloom_runtime::projection::{
    Projection, Projector, ProjectorError, ProjectorOptions, ReadDatabase, ReadDatabaseError,
    Retried, Selection, TableSpec,
};
use eventloom_runtime::store::{AllPage, EventFilter};
use eventloom_runtime::testing::intercept::{Intercepted, Interceptor};
use eventloom_runtime::{EventStore, Position, StoreError};

use super::ledger::{Balances, ImmediateBalances};
use super::rebuild_lacking::{Strict, amount};
use super::rig::{Place, SOON, append, everywhere, moved, open, opened};
use super::selection::Slow;
use super::unreliable::{Elsewhere, Fate, Unreliable};

everywhere!(
    who_took_no_place_gives_none_back,
    a_runner_of_the_same_program_stands_by,
    a_decision_is_made_whether_or_not_the_place_is_given_back,
    a_place_that_was_taken_late_is_given_back,
    a_decision_that_takes_longer_than_a_lease_is_made,
    a_rebuild_that_takes_longer_than_a_lease_is_switched,
    of_two_who_lead_at_once_one_gives_way,
    appends_are_in_the_way_of_a_decision_for_a_while,
    appends_that_never_end_are_told,
    who_is_slower_for_ever_hears_how_far_the_rows_are,
);

type Balance<L> = Projector<Balances, <L as Place>::Store, Unreliable<<L as Place>::Rows>>;

async fn balances<L: Place>(place: &L, rows: Unreliable<L::Rows>) -> Balance<L> {
    Projector::open(place.store().clone(), rows).await.expect("it opens")
}

async fn runner<L: Place>(place: &L) -> Option<eventloom_runtime::Uuid> {
    let state = place.rows().open(TableSpec::of::<Balances>()).await.expect("a table");
    state.runner
}

/// A selection of nothing had taken nobody's place, and wrote that it gave it back against a runner that was faster for ever.
async fn who_took_no_place_gives_none_back<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    let rows = Unreliable::new(place.rows().clone(), []).with_a_faster_runner();
    let slower = balances(&place, rows).await;

    let nobody = Selection { stream: Some("nobody".into()), ..Selection::default() };

    assert_eq!(slower.rebuild_streams(&nobody, |_| {}).await, Ok(0));
    assert!(runner(&place).await.is_some(), "whoever runs it goes on");
}

/// The runner of the same program waited for its turn, and wrote at once as if nobody had taken its place: for each stream it
/// had to be taken anew.
async fn a_runner_of_the_same_program_stands_by<L: Place>(place: L) {
    for stream in ["a", "b", "c"] {
        append(place.store(), stream, 0, &[opened("Ada"), moved(1)]).await;
    }
    let rows = Unreliable::new(place.rows().clone(), []);
    let claims = Arc::clone(&rows.claims);
    let store = Intercepted::new(place.store().clone(), Slow(Duration::from_millis(20)));
    let options = ProjectorOptions { lease: SOON * 60, ..ProjectorOptions::default() };
    let balances = Projector::<Balances, _, _>::open_with(store, rows, options).await;
    let balances = balances.expect("it opens");
    let running = balances.spawn();
    balances.wait_for(6, SOON).await.expect("it runs");
    let built = AtomicBool::new(false);
    let appends = async {
        let mut sequence = 2;
        while !built.load(Ordering::SeqCst) {
            append(place.store(), "a", sequence, &[moved(1)]).await;
            sequence += 1;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        sequence
    };
    let rebuild = async {
        let done = balances.rebuild_streams(&Selection::default(), |_| {}).await;
        built.store(true, Ordering::SeqCst);
        done
    };

    let (done, sequence) = tokio::join!(rebuild, appends);

    assert_eq!(done, Ok(3));
    assert_eq!(claims.load(Ordering::SeqCst), 1, "its place is taken once");
    let head = place.store().head().await.expect("a head");
    balances.wait_for(head, SOON).await.expect("it goes on");
    let ada = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
    assert_eq!(ada.expect("a row").moves.unsigned_abs() + 1, sequence);
    running.stop().await.expect("it stops");
}

/// The third event is unlucky, and parked.
async fn parked<L: Place>(place: &L) {
    append(place.store(), "a", 0, &[opened("Ada"), moved(10), moved(13), moved(2)]).await;
    open::<Strict<Balances>, L>(place).await.catch_up().await.expect("it parks the stream");
}

/// A decision was written, and the disk was full when the runner's place was to be given back. It was said that nothing had
/// been changed, and who tried again was told that there was nothing to decide.
async fn a_decision_is_made_whether_or_not_the_place_is_given_back<L: Place>(place: L) {
    parked(&place).await;
    let plan = [Fate::Written, Fate::Written, Fate::Written, Fate::Written, Fate::Lost];
    let rows = Unreliable::new(place.rows().clone(), plan).with_a_faster_runner();
    let slower = balances(&place, rows).await;

    assert_eq!(slower.skip_poison(3, "Olga", "damaged").await, Ok(Retried::Released));

    assert!(runner(&place).await.is_some(), "runners stand by until a lease is over");
}

/// The connection was lost with a claim on its way, which landed after it had been looked whether there was anything to give
/// back: all runners stood by for the length of a lease.
async fn a_place_that_was_taken_late_is_given_back<L: Place>(place: L) {
    parked(&place).await;
    let rows = Unreliable::new(place.rows().clone(), []).with_a_faster_runner();
    let slower = balances(&place, rows.clone()).await;
    rows.lose_a_claim();

    let failed = slower.skip_poison(3, "Olga", "damaged").await;

    let unknown = ReadDatabaseError::OutcomeUnknown("as planned".to_owned());
    assert_eq!(failed, Err(ProjectorError::Database(unknown)));
    rows.land().await;
    assert_eq!(runner(&place).await, None, "runners may go on");
}

/// A lease that is soon over.
const LEASE: Duration = Duration::from_millis(100);

/// A projector of a store that takes its time, event by event.
async fn slow<L: Place, P: Projection>(
    place: &L,
    takes: Duration,
) -> Projector<P, Intercepted<L::Store, Slow>, L::Rows> {
    let store = Intercepted::new(place.store().clone(), Slow(takes));
    let options = ProjectorOptions { lease: LEASE, batch: 1, ..ProjectorOptions::default() };
    let slow = Projector::open_with(store, place.rows().clone(), options).await;
    slow.expect("it opens")
}

/// To fold what an event held back took longer than a lease. The runner took whoever did it for dead and wrote in its place,
/// and so it went for ever, while the projection hardly moved.
async fn a_decision_that_takes_longer_than_a_lease_is_made<L: Place>(place: L) {
    parked(&place).await;
    let slow = slow::<L, Strict<Balances>>(&place, LEASE).await;
    let store = place.store_of_another_program().await;
    let options = ProjectorOptions { lease: LEASE, ..ProjectorOptions::default() };
    let runner =
        Projector::<Strict<Balances>, _, _>::open_with(store, place.rows().clone(), options).await;
    let runner = runner.expect("it opens");
    let running = runner.spawn();
    let decided = AtomicBool::new(false);
    let appends = async {
        let mut sequence = 0;
        while !decided.load(Ordering::SeqCst) {
            let entry = if sequence == 0 { opened("Bob") } else { moved(1) };
            append(place.store(), "b", sequence, &[entry]).await;
            sequence += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let decide = async {
        let skipped = slow.skip_poison(3, "Olga", "damaged");
        let skipped = tokio::time::timeout(SOON, skipped).await;
        decided.store(true, Ordering::SeqCst);
        skipped
    };

    let (skipped, ()) = tokio::join!(decide, appends);

    assert_eq!(skipped, Ok(Ok(Retried::Released)));
    assert_eq!(amount(&runner).await, 12.into());
    let head = place.store().head().await.expect("a head");
    runner.wait_for(head, SOON).await.expect("the runner goes on");
    running.stop().await.expect("it stops");
}

/// A store whose answers are old when they come.
#[derive(Clone)]
struct Late(Duration);

impl<S: EventStore> Interceptor<S> for Late {
    async fn read_all(
        &self,
        store: &S,
        after: Position,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<AllPage, StoreError> {
        let page = store.read_all(after, filter, limit).await;
        tokio::time::sleep(self.0).await;
        page
    }
}

/// Over a slow link a rebuild was behind a busy runner at each attempt. It took the runner's place, which was taken back while it
/// read what there was, and so it went for ever.
async fn a_rebuild_that_takes_longer_than_a_lease_is_switched<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    let options = || ProjectorOptions { lease: LEASE, ..ProjectorOptions::default() };
    let store = place.store_of_another_program().await;
    let runner = Projector::<Balances, _, _>::open_with(store, place.rows().clone(), options());
    let runner = runner.await.expect("it opens");
    runner.catch_up().await.expect("it catches up");
    let running = runner.spawn();
    let store = Intercepted::new(place.store().clone(), Late(2 * LEASE));
    let late = Projector::<Balances, _, _>::open_with(store, place.rows().clone(), options());
    let late = late.await.expect("it opens");
    let rebuilt = AtomicBool::new(false);
    let appends = async {
        let mut sequence = 1;
        while !rebuilt.load(Ordering::SeqCst) {
            append(place.store(), "a", sequence, &[moved(1)]).await;
            sequence += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        sequence
    };
    let rebuild = async {
        let done = tokio::time::timeout(SOON, late.rebuild(|_| {})).await;
        rebuilt.store(true, Ordering::SeqCst);
        done
    };

    let (done, sequence) = tokio::join!(rebuild, appends);

    assert_eq!(done, Ok(Ok(())));
    let head = place.store().head().await.expect("a head");
    runner.wait_for(head, SOON).await.expect("the runner goes on");
    let ada = runner.read_model().get(&"a".to_owned()).await.expect("an answer");
    assert_eq!(ada.expect("a row").moves.unsigned_abs() + 1, sequence);
    running.stop().await.expect("it stops");
}

/// Each took the other's place while that one worked, and found its own work refused: neither ended.
async fn of_two_who_lead_at_once_one_gives_way<L: Place>(place: L) {
    let entries = [opened("Ada"), moved(1), moved(2), moved(3), moved(4), moved(5)];
    append(place.store(), "a", 0, &entries).await;
    append(place.store(), "b", 0, &entries).await;
    open::<Balances, L>(&place).await.catch_up().await.expect("it catches up");
    let one = slow::<L, Balances>(&place, LEASE / 4).await;
    let other = slow::<L, Balances>(&place, LEASE / 4).await;
    let of = |stream: &str| Selection { stream: Some(stream.into()), ..Selection::default() };
    let (a, b) = (of("a"), of("b"));
    let in_the_middle = async {
        tokio::time::sleep(LEASE).await;
        other.rebuild_streams(&b, |_| {}).await
    };

    let built = tokio::join!(one.rebuild_streams(&a, |_| {}), in_the_middle);

    assert_eq!(built, (Ok(1), Ok(1)));
    assert_eq!(runner(&place).await, None, "runners may go on");
}

/// A projector of `immediate` rows with a parked stream, at which somebody appends before each of the first commits.
async fn appended_to<L: Place>(
    place: &L,
    appends: usize,
) -> (
    Projector<Strict<ImmediateBalances>, L::Store, Unreliable<L::Rows>>,
    Arc<std::sync::atomic::AtomicUsize>,
) {
    append(place.store(), "a", 0, &[opened("Ada"), moved(10), moved(13), moved(2)]).await;
    let store = place.store().clone();
    let rows = Unreliable::new(place.rows().clone(), []).with_commits_first(move |times| {
        let store = store.clone();
        Box::pin(async move {
            assert!(times < 500, "it is tried for ever");
            let entry = if times == 0 { opened("Cid") } else { moved(1) };
            if times < appends {
                append(&store, "c", times as u64, &[entry]).await;
            }
        }) as Elsewhere
    });
    let claims = Arc::clone(&rows.claims);
    let strict = Projector::open(place.store().clone(), rows).await.expect("it opens");
    (strict, claims)
}

/// Appends look at nobody's place: to take it made each of them faster still.
async fn appends_are_in_the_way_of_a_decision_for_a_while<L: Place>(place: L) {
    let (strict, claims) = appended_to(&place, 20).await;

    assert_eq!(strict.skip_poison(3, "Olga", "damaged").await, Ok(Retried::Released));

    assert_eq!(claims.load(Ordering::SeqCst), 0, "nobody would stand by");
    assert_eq!(amount(&strict).await, 12.into());
    let cid = strict.read_model().get(&"c".to_owned()).await.expect("an answer");
    assert_eq!(cid.expect("a row").moves, 19);
    assert_eq!(strict.rebuild_streams(&Selection::default(), |_| {}).await, Ok(2));
    assert_eq!(claims.load(Ordering::SeqCst), 0);
}

/// With an append between each look and each attempt to write it was tried for ever.
async fn appends_that_never_end_are_told<L: Place>(place: L) {
    let (strict, _) = appended_to(&place, usize::MAX).await;

    let skipped = strict.skip_poison(3, "Olga", "damaged").await;
    let ada = Selection { stream: Some("a".into()), ..Selection::default() };
    let built = strict.rebuild_streams(&ada, |_| {}).await;

    for contended in [skipped.map(|_| 0), built] {
        let error = contended.expect_err("others are faster");
        let ProjectorError::Contended { stream, .. } = &error else { panic!("{error:?}") };
        assert_eq!(stream.as_str(), "a");
        assert!(error.to_string().contains("whoever appends"), "{error}");
    }
    assert_eq!(strict.skips().await, Ok(vec![]), "nothing is decided");
}

/// Who caught up beside a busy runner was refused each time that it wrote, and went on for ever.
async fn who_is_slower_for_ever_hears_how_far_the_rows_are<L: Place>(place: L) {
    let store = place.store().clone();
    let faster = open::<Balances, L>(&place).await;
    let rows = Unreliable::new(place.rows().clone(), []).with_commits_first(move |times| {
        let (store, faster, before) = (store.clone(), faster.clone(), 2 * times as u64);
        Box::pin(async move {
            assert!(times < 9, "it is left to be slower for ever");
            append(&store, "a", 1 + before, &[moved(1)]).await;
            faster.catch_up().await.expect("it catches up");
            append(&store, "a", 2 + before, &[moved(1)]).await;
        }) as Elsewhere
    });
    let slower = balances(&place, rows).await;
    append(place.store(), "a", 0, &[opened("Ada")]).await;

    let reached = slower.catch_up().await.expect("the rows are complete");

    assert!(reached >= 3, "as far as the events were when it looked: {reached}");
    assert_eq!(slower.wait_for(reached, Duration::ZERO).await, Ok(()));
}
