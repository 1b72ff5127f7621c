//! Several runners of one projection: one does the work, the others stand by and take its place.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration as Time;

use eventloom_runtime::Position;
use eventloom_runtime::projection::{Projector, ProjectorError, ProjectorOptions};
use eventloom_runtime::testing::intercept::Intercepted;
use tokio::time::sleep;

use super::catching_up::Switch;
use super::ledger::{Balances, of_ledger};
use super::rig::{Place, SOON, append, everywhere, moved, opened};
use super::unreliable::{Fate, Unreliable};

everywhere!(
    one_runner_does_the_work,
    who_stops_lets_another_go_on_at_once,
    who_stops_in_the_middle_of_its_work_says_so_too,
    who_has_nothing_to_do_keeps_its_place,
    who_is_gone_without_a_word_is_replaced,
    who_comes_back_late_is_refused_and_stands_by,
    what_an_operator_does_meanwhile_takes_no_place,
    who_stands_by_says_that_the_store_lost_events,
    who_takes_over_looks_whether_the_store_is_the_one_it_was,
);

type Balance<L> = Projector<Balances, <L as Place>::Store, Unreliable<<L as Place>::Rows>>;

/// So long that a test which waits for it fails.
const FOR_EVER: Time = Time::from_secs(3_600);

/// A runner of another program, and its read database, which counts what it commits.
async fn runner<L: Place>(
    place: &L,
    plan: impl IntoIterator<Item = Fate>,
    lease: Time,
) -> (Balance<L>, Unreliable<L::Rows>) {
    let store = place.store_of_another_program().await;
    let rows = Unreliable::new(place.rows().clone(), plan);
    let options = ProjectorOptions { lease, ..ProjectorOptions::default() };
    let projector = Projector::open_with(store, rows.clone(), options).await;
    (projector.expect("it opens"), rows)
}

fn commits<D>(rows: &Unreliable<D>) -> usize {
    rows.commits.load(Ordering::SeqCst)
}

async fn moves<L: Place>(balances: &Balance<L>) -> i64 {
    let ada = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
    ada.expect("a row").moves
}

async fn one_runner_does_the_work<L: Place>(place: L) {
    let position = append(place.store(), "a", 0, &[opened("Ada")]).await;
    let (first, its) = runner(&place, [], FOR_EVER).await;
    let (second, others) = runner(&place, [], FOR_EVER).await;
    let working = first.spawn();
    first.wait_for(position, SOON).await.expect("the rows get there");
    let standing_by = second.spawn();

    for sequence in 1..=20 {
        let position = append(place.store(), "a", sequence, &[moved(1)]).await;
        second.wait_for(position, SOON).await.expect("the rows get there");
    }

    assert_eq!(moves::<L>(&second).await, 20);
    assert!(commits(&its) > 0);
    assert_eq!(commits(&others), 0, "it stands by");
    standing_by.stop().await.expect("it stops");
    let position = append(place.store(), "a", 21, &[moved(1)]).await;
    assert_eq!(first.wait_for(position, SOON).await, Ok(()), "who stood by takes nothing along");
    working.stop().await.expect("it stops");
}

async fn who_stops_lets_another_go_on_at_once<L: Place>(place: L) {
    let position = append(place.store(), "a", 0, &[opened("Ada")]).await;
    let (first, _) = runner(&place, [], FOR_EVER).await;
    let (second, _) = runner(&place, [], FOR_EVER).await;
    let working = first.spawn();
    first.wait_for(position, SOON).await.expect("the rows get there");
    let standing_by = second.spawn();
    working.stop().await.expect("it stops");

    let position = append(place.store(), "a", 1, &[moved(1)]).await;

    assert_eq!(second.wait_for(position, SOON).await, Ok(()));
    standing_by.stop().await.expect("it stops");
}

/// A commit that was under way when the runner stopped landed after it had looked whether it led: nobody was told, and all
/// others waited for the length of a lease.
async fn who_stops_in_the_middle_of_its_work_says_so_too<L: Place>(place: L) {
    let mut position = append(place.store(), "a", 0, &[opened("Ada")]).await;
    let mut sequence = 1;
    for _ in 0..10 {
        let (first, _) = runner(&place, [], FOR_EVER).await;
        let working = first.spawn();
        first.wait_for(position, SOON).await.expect("the rows get there");
        let stop = async {
            tokio::task::yield_now().await;
            working.stop().await.expect("it stops");
        };
        let appends = async {
            for sequence in sequence..sequence + 5 {
                position = append(place.store(), "a", sequence, &[moved(1)]).await;
            }
        };
        tokio::join!(appends, stop);
        sequence += 5;
    }
    let (last, _) = runner(&place, [], FOR_EVER).await;
    let working = last.spawn();
    assert_eq!(last.wait_for(position, SOON).await, Ok(()));
    working.stop().await.expect("it stops");
}

async fn who_has_nothing_to_do_keeps_its_place<L: Place>(place: L) {
    let lease = Time::from_millis(20);
    let position = append(place.store(), "a", 0, &[opened("Ada")]).await;
    let (first, _) = runner(&place, [], lease).await;
    let (second, others) = runner(&place, [], lease).await;
    let working = first.spawn();
    first.wait_for(position, SOON).await.expect("the rows get there");
    let standing_by = second.spawn();

    sleep(lease * 5).await;

    assert_eq!(commits(&others), 0, "there was nothing that anybody could have done");
    standing_by.stop().await.expect("it stops");
    working.stop().await.expect("it stops");
}

async fn who_is_gone_without_a_word_is_replaced<L: Place>(place: L) {
    let position = append(place.store(), "a", 0, &[opened("Ada")]).await;
    let (first, _) = runner(&place, [], FOR_EVER).await;
    let (second, others) = runner(&place, [], Time::from_millis(40)).await;
    {
        // A run that is dropped is what a program that is killed leaves behind.
        let run = pin!(first.run(std::future::pending()));
        tokio::select! {
            ended = run => panic!("it ended: {ended:?}"),
            there = first.wait_for(position, SOON) => there.expect("the rows get there"),
        }
    }
    let standing_by = second.spawn();

    let position = append(place.store(), "a", 1, &[moved(1)]).await;

    assert_eq!(second.wait_for(position, SOON).await, Ok(()));
    assert!(commits(&others) > 0);
    standing_by.stop().await.expect("it stops");
}

/// A runner is stopped in front of its commit, for longer than its lease: another has folded the same events when it
/// comes back.
async fn who_comes_back_late_is_refused_and_stands_by<L: Place>(place: L) {
    let position = append(place.store(), "a", 0, &[opened("Ada")]).await;
    let (first, its) = runner(&place, [Fate::Written, Fate::Held], FOR_EVER).await;
    let (second, others) = runner(&place, [], Time::from_millis(40)).await;
    let late = first.spawn();
    first.wait_for(position, SOON).await.expect("the rows get there");
    let position = append(place.store(), "a", 1, &[moved(1)]).await;
    while commits(&its) < 2 {
        sleep(Time::from_millis(1)).await;
    }
    let working = second.spawn();
    second.wait_for(position, SOON).await.expect("another takes its place");

    its.gate.add_permits(1);
    for sequence in 2..=10 {
        let position = append(place.store(), "a", sequence, &[moved(1)]).await;
        first.wait_for(position, SOON).await.expect("the rows get there");
    }

    assert_eq!(moves::<L>(&first).await, 10, "nothing is folded twice");
    assert_eq!(commits(&its), 2, "the late one stands by");
    assert!(commits(&others) > 1);
    assert!(late.is_running());
    late.stop().await.expect("it stops");
    working.stop().await.expect("it stops");
}

/// A commit of somebody who doesn't run the projection sends its runner back to the checkpoint, and nobody away.
async fn what_an_operator_does_meanwhile_takes_no_place<L: Place>(place: L) {
    append(place.store(), "b", 0, &[moved(1), opened("Bob")]).await;
    let position = append(place.store(), "a", 0, &[opened("Ada")]).await;
    let (first, _) = runner(&place, [], FOR_EVER).await;
    let (second, others) = runner(&place, [], FOR_EVER).await;
    let working = first.spawn();
    first.wait_for(position, SOON).await.expect("the rows get there");
    let standing_by = second.spawn();
    let operator = super::rig::open::<Balances, L>(&place).await;
    operator.skip_poison(1, "Olga", "opened too late").await.expect("it is skipped");

    let position = append(place.store(), "a", 1, &[moved(1)]).await;

    assert_eq!(second.wait_for(position, SOON).await, Ok(()));
    assert_eq!(commits(&others), 0, "it stands by");
    standing_by.stop().await.expect("it stops");
    working.stop().await.expect("it stops");
}

/// A runner that went without a word, so that others stand by for it.
async fn gone<L: Place>(place: &L, position: Position) {
    let (first, _) = runner(place, [], FOR_EVER).await;
    let run = pin!(first.run(std::future::pending()));
    tokio::select! {
        ended = run => panic!("it ended: {ended:?}"),
        there = first.wait_for(position, SOON) => there.expect("the rows get there"),
    }
}

/// How a runner ends that stood by while its store was put in the place of another.
async fn restored_while_standing_by<L: Place>(
    place: &L,
    restored: &L,
    lease: Time,
) -> Result<(), ProjectorError> {
    let switch = Switch { to: restored.store().clone(), switched: Arc::default() };
    let store = Intercepted::new(place.store().clone(), switch.clone());
    let options = ProjectorOptions { lease, ..ProjectorOptions::default() };
    let second = Projector::<Balances, _, _>::open_with(store, place.rows().clone(), options).await;
    let second = second.expect("it opens");
    switch.switched.store(true, Ordering::SeqCst);
    second.run(sleep(SOON)).await
}

/// The store was restored from a backup in front of the rows, whose runner was gone. Who stood by took rows that were ahead
/// for rows that were up to date, and waited for ever.
async fn who_stands_by_says_that_the_store_lost_events<L: Place>(place: L) {
    let position = append(place.store(), "a", 0, &[opened("Ada"), moved(1), moved(2)]).await;
    gone(&place, position).await;
    let restored = L::new().await;
    append(restored.store(), "a", 0, &[opened("Ada")]).await;

    let ended = restored_while_standing_by(&place, &restored, FOR_EVER).await;

    let (projection, position, head) = (of_ledger("Balances"), 3, 1);
    assert_eq!(ended, Err(ProjectorError::AheadOfStore { projection, position, head }));
}

/// The restored store had grown beyond the rows. Who took over went by what it had known when it was started, and folded
/// what came after the checkpoint: the new events in front of that were never folded.
async fn who_takes_over_looks_whether_the_store_is_the_one_it_was<L: Place>(place: L) {
    let position = append(place.store(), "a", 0, &[opened("Ada"), moved(1)]).await;
    gone(&place, position).await;
    let restored = L::new().await;
    append(restored.store(), "a", 0, &[opened("Ada"), moved(5), moved(7)]).await;

    let ended = restored_while_standing_by(&place, &restored, Time::from_millis(20)).await;

    assert!(matches!(ended, Err(ProjectorError::OtherHistory { .. })), "{ended:?}");
    let (reader, _) = runner(&place, [], FOR_EVER).await;
    assert_eq!(moves::<L>(&reader).await, 1, "nothing of the other history was folded");
}
