//! What is decided while rows are rebuilt, at any moment: the rebuilt rows leave it out, or take nobody's place.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use eventloom_runtime::projection::{
    Projection, Projector, ProjectorError, ReadDatabase, Rebuild, Retried, TableSpec,
};
use eventloom_runtime::store::ImmediateFold;
use eventloom_runtime::testing::intercept::{Intercepted, Interceptor};
use eventloom_runtime::{EventStore, StoreError};

use super::ledger::{Balances, ImmediateBalances, Tags, of_ledger};
use super::rebuild_lacking::{Strict, amount};
use super::rebuild_poison;
use super::rig::{Place, append, everywhere, moved, open, opened, tagged};
use super::unreliable::{Elsewhere, Fate, Unreliable};

everywhere!(
    what_is_skipped_while_a_rebuild_waits_is_left_out,
    what_is_skipped_while_a_rebuild_heeds_another_skip_is_left_out,
    what_a_mended_program_has_folded_is_left_out,
    what_is_skipped_in_the_last_moment_is_left_out,
    what_is_folded_into_rows_of_several_streams_gives_the_rebuild_up,
    what_is_folded_into_rows_of_several_streams_at_the_last_is_told,
    what_stops_a_rebuild_is_skipped_meanwhile,
    who_was_overtaken_is_named,
);

/// Has an event skipped in the program that parked it.
async fn skip<P: Projection, S: EventStore, D: ReadDatabase>(
    projector: &Projector<P, S, D>,
    position: u64,
) {
    let skipped = projector.skip_poison(position, "Olga", "damaged").await;
    assert_eq!(skipped, Ok(Retried::Released));
}

/// The third event of one stream and the second of another are unlucky, and parked by a program that folds less.
async fn parked<L: Place, P>(place: &L) -> Projector<Strict<P>, L::Store, L::Rows>
where
    Strict<P>: Projection,
    P: Projection,
{
    append(place.store(), "a", 0, &[opened("Ada"), moved(10), moved(13), moved(2)]).await;
    append(place.store(), "b", 0, &[opened("Bob"), moved(13), moved(1)]).await;
    let strict = open::<Strict<P>, L>(place).await;
    strict.catch_up().await.expect("it parks the streams");
    assert_eq!(strict.status().await.expect("a status").poison.len(), 2);
    strict
}

/// A rebuild by a program that shares the rows with the one that parked streams. The first time that it asks what was decided
/// there is a decision about `b`, and right after it has heard of that, one about `a`.
async fn rebuilt_meanwhile<L: Place, P>(
    place: &L,
) -> (Projector<P, L::Store, Unreliable<L::Rows>>, Projector<Strict<Balances>, L::Store, L::Rows>)
where
    P: Projection,
{
    let strict = parked::<L, Balances>(place).await;
    let elsewhere = strict.clone();
    let rows = Unreliable::new(place.rows().clone(), []).with_decisions(move |times| {
        let strict = elsewhere.clone();
        Box::pin(async move {
            match times {
                0 => skip(&strict, 6).await,
                1 => skip(&strict, 3).await,
                _ => {}
            }
        })
    });
    let rebuilding = Projector::<P, _, _>::open(place.store().clone(), rows).await;
    (rebuilding.expect("it opens"), strict)
}

/// What was decided by the time the rebuild had left another event out was taken for left out too, and waited for for ever.
async fn what_is_skipped_while_a_rebuild_heeds_another_skip_is_left_out<L: Place>(place: L) {
    let (rebuilding, strict) = rebuilt_meanwhile::<L, Strict<Balances>>(&place).await;

    rebuilding.rebuild(|_| {}).await.expect("it is rebuilt without the events");

    assert_eq!(strict.status().await.expect("a status").poison, vec![]);
    assert_eq!(amount(&strict).await, 12.into());
}

/// The same, in a program that could fold the event: the rows had it in them, and the decision said that they don't.
async fn what_a_mended_program_has_folded_is_left_out<L: Place>(place: L) {
    let (rebuilding, strict) = rebuilt_meanwhile::<L, Balances>(&place).await;

    rebuilding.rebuild(|_| {}).await.expect("it is rebuilt without the events");

    assert_eq!(strict.skips().await.expect("decisions").len(), 2);
    assert_eq!(amount(&strict).await, 12.into());
}

/// Nobody looked any more what was decided after the last look and before the switch.
async fn what_is_skipped_in_the_last_moment_is_left_out<L: Place>(place: L) {
    let strict = parked::<L, Balances>(&place).await;
    let elsewhere = strict.clone();
    let rows = Unreliable::new(place.rows().clone(), []).with_somebody_else(move || {
        let strict = elsewhere.clone();
        Box::pin(async move {
            if strict.skips().await.expect("decisions").is_empty() {
                skip(&strict, 3).await;
            }
        })
    });
    let mended = Projector::<Balances, _, _>::open(place.store().clone(), rows).await;

    mended.expect("it opens").rebuild(|_| {}).await.expect("it is rebuilt without the event");

    assert_eq!(amount(&strict).await, 12.into());
    let status = strict.status().await.expect("a status");
    assert_eq!((status.poison, status.skipped, status.runner), (vec![], vec![3], None));
}

/// A store in which somebody does something else just before it is known how it ended that rows took the place of others.
#[derive(Clone)]
struct Doubtful {
    does: Arc<dyn Fn() -> Elsewhere + Send + Sync>,
    times: Arc<AtomicUsize>,
}

impl<S: EventStore> Interceptor<S> for Doubtful {
    async fn fold_immediately(
        &self,
        store: &S,
        fold: Arc<dyn ImmediateFold>,
    ) -> Result<(), StoreError> {
        // The first time it is opened.
        if self.times.fetch_add(1, Ordering::SeqCst) == 1 {
            (self.does)().await;
            return Err(StoreError::OutcomeUnknown("as planned".to_owned()));
        }
        store.fold_immediately(fold).await
    }
}

/// A rebuild waited for those who read the old rows. An event was skipped meanwhile; the rebuild, which held its stream back,
/// took it for left out, and looked for ever whether somebody had decided.
async fn what_is_skipped_while_a_rebuild_waits_is_left_out<L: Place>(place: L) {
    let strict = parked::<L, ImmediateBalances>(&place).await;
    let elsewhere = strict.clone();
    let does = move || -> Elsewhere {
        let strict = elsewhere.clone();
        Box::pin(async move { skip(&strict, 3).await })
    };
    let store = Doubtful { does: Arc::new(does), times: Arc::default() };
    let store = Intercepted::new(place.store().clone(), store);
    let rows = Unreliable::new(place.rows().clone(), []);
    let waiting = Projector::<Strict<ImmediateBalances>, _, _>::open(store, rows).await;

    waiting.expect("it opens").rebuild(|_| {}).await.expect("it is rebuilt without the event");

    assert_eq!(amount(&strict).await, 12.into());
    let poison = strict.status().await.expect("a status").poison;
    assert_eq!(poison.iter().map(|it| it.position).collect::<Vec<_>>(), [6]);
}

/// Tags of which the second is bad, and stops a program that folds less.
async fn stopped<L: Place>(place: &L) -> Projector<rebuild_poison::Strict, L::Store, L::Rows> {
    append(place.store(), "a", 0, &[tagged("x"), tagged("bad"), tagged("x")]).await;
    let strict = open::<rebuild_poison::Strict, L>(place).await;
    strict.catch_up().await.expect_err("it stops");
    strict
}

async fn tags<P, S: EventStore, D: ReadDatabase>(tags: &Projector<P, S, D>) -> Vec<(String, i64)>
where
    P: Projection<Key = String, Row = super::ledger::Tag>,
{
    let rows = tags.read_model().page(None, 9).await.expect("a page");
    rows.into_iter().map(|row| (row.tag, row.uses)).collect()
}

fn decided_meanwhile() -> Result<(), ProjectorError> {
    Err(ProjectorError::DecidedMeanwhile { projection: of_ledger("tags"), position: 2 })
}

/// A mended program had folded the event into the new rows by the time it was skipped, and nothing can be taken out of a row
/// again that is made of several streams: the rows showed what somebody had decided to leave out.
async fn what_is_folded_into_rows_of_several_streams_gives_the_rebuild_up<L: Place>(place: L) {
    let strict = stopped(&place).await;
    let elsewhere = strict.clone();
    let rows = Unreliable::new(place.rows().clone(), []).with_decisions(move |times| {
        let strict = elsewhere.clone();
        Box::pin(async move {
            if times == 0 {
                skip(&strict, 2).await;
            }
        })
    });
    let mended = Projector::<Tags, _, _>::open(place.store().clone(), rows).await;
    let mended = mended.expect("it opens");

    let given_up = mended.rebuild(|_| {}).await;

    assert_eq!(given_up, decided_meanwhile());
    assert_eq!(tags(&mended).await, [("x".to_owned(), 2)], "they are as they were");
    mended.rebuild(|_| {}).await.expect("it is rebuilt without the event");
    assert_eq!(tags(&mended).await, [("x".to_owned(), 2)]);
}

/// The same in the last moment, in which the rows were to take their place.
async fn what_is_folded_into_rows_of_several_streams_at_the_last_is_told<L: Place>(place: L) {
    let strict = stopped(&place).await;
    let elsewhere = strict.clone();
    let rows = Unreliable::new(place.rows().clone(), []).with_somebody_else(move || {
        let strict = elsewhere.clone();
        Box::pin(async move {
            if strict.skips().await.expect("decisions").is_empty() {
                skip(&strict, 2).await;
            }
        })
    });
    let mended = Projector::<Tags, _, _>::open(place.store().clone(), rows).await;
    let mended = mended.expect("it opens");

    let given_up = mended.rebuild(|_| {}).await;

    assert_eq!(given_up, decided_meanwhile());
    assert_eq!(tags(&mended).await, [("x".to_owned(), 2)], "they are as they were");
    mended.rebuild(|_| {}).await.expect("it is rebuilt without the event");
    assert_eq!(tags(&mended).await, [("x".to_owned(), 2)]);
}

/// Waits until a commit is held, does something, and lets it through.
async fn meanwhile<D>(rows: &Unreliable<D>, does: impl Future<Output = ()>) {
    while rows.commits.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    does.await;
    rows.gate.add_permits(1);
}

/// A rebuild stopped before an event that had been skipped while it ran, and said that it was to be skipped; who did so was
/// told that there was nothing to decide.
async fn what_stops_a_rebuild_is_skipped_meanwhile<L: Place>(place: L) {
    let strict = stopped(&place).await;
    append(place.store(), "b", 0, &[opened("Bob"), moved(1), tagged("y")]).await;
    let rows = Unreliable::new(place.rows().clone(), [Fate::Held]);
    let store = place.store().clone();
    let first = Projector::<Balances, _, _>::open(store.clone(), rows.clone()).await;
    let second = Projector::<rebuild_poison::Strict, _, _>::open(store, rows.clone()).await;
    let (first, second) = (first.expect("it opens"), second.expect("it opens"));
    let rebuild = Rebuild::of(&first).and(&second).run(|_| {});

    let (rebuilt, ()) = tokio::join!(rebuild, meanwhile(&rows, skip(&strict, 2)));

    assert_eq!(rebuilt, Ok(()));
    assert_eq!(tags(&strict).await, [("x".to_owned(), 2), ("y".to_owned(), 1)]);
    let status = strict.status().await.expect("a status");
    assert_eq!((status.poison, status.rebuild_stopped_by), (vec![], None));
    let bob = first.read_model().get(&"b".to_owned()).await.expect("an answer");
    assert_eq!(bob.expect("a row").moves, 1, "nothing is folded twice");
}

/// Of several projections that are rebuilt at once, the first was said to be rebuilt elsewhere too, whichever it was.
async fn who_was_overtaken_is_named<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada"), tagged("x")]).await;
    let rows = Unreliable::new(place.rows().clone(), [Fate::Held]);
    let store = place.store().clone();
    let first = Projector::<Balances, _, _>::open(store.clone(), rows.clone()).await;
    let second = Projector::<Tags, _, _>::open(store, rows.clone()).await;
    let (first, second) = (first.expect("it opens"), second.expect("it opens"));
    let rebuild = Rebuild::of(&first).and(&second).run(|_| {});
    let overtakes = async {
        place.rows().begin_rebuild(TableSpec::of::<Tags>()).await.expect("another rebuild");
    };

    let (rebuilt, ()) = tokio::join!(rebuild, meanwhile(&rows, overtakes));

    assert_eq!(rebuilt, Err(ProjectorError::Superseded { projection: of_ledger("tags") }));
}
