//! Whoever takes a runner's place for a while, and gives it back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eventloom_runtime::projection::{
    Projector, ProjectorError, ProjectorOptions, ReadDatabase, ReadDatabaseError, Retried,
    Selection, TableSpec,
};
use eventloom_runtime::testing::intercept::Intercepted;

use super::ledger::Balances;
use super::rebuild_lacking::Strict;
use super::rig::{Place, SOON, append, everywhere, moved, open, opened};
use super::selection::Slow;
use super::unreliable::{Fate, Unreliable};

everywhere!(
    who_took_no_place_gives_none_back,
    a_runner_of_the_same_program_stands_by,
    a_decision_is_made_whether_or_not_the_place_is_given_back,
    a_place_that_was_taken_late_is_given_back,
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
    let head = eventloom_runtime::EventStore::head(place.store()).await.expect("a head");
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
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    let rows = Unreliable::new(place.rows().clone(), []);
    let balances = balances(&place, rows.clone()).await;
    balances.catch_up().await.expect("it catches up");
    rows.lose_a_claim();

    let failed = balances.rebuild_streams(&Selection::default(), |_| {}).await;

    let unknown = ReadDatabaseError::OutcomeUnknown("as planned".to_owned());
    assert_eq!(failed, Err(ProjectorError::Database(unknown)));
    rows.land().await;
    assert_eq!(runner(&place).await, None, "runners may go on");
}
