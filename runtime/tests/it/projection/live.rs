//! Running along: soon after every append, stopping when told, saying how late it is.

use std::sync::Arc;
use std::time::Duration as Time;

use eventloom_runtime::Duration;
use eventloom_runtime::projection::{Lag, Projector, ProjectorError, ProjectorOptions};
use eventloom_runtime::store::PAGE_POSITIONS;
use eventloom_runtime::testing::spans::capture;
use eventloom_runtime::testing::{TestClock, block_on};

use super::ledger::{Balances, PromptBalances, of_ledger};
use super::rig::{
    InMemory, Place, SOON, append, clock, everywhere, later, moved, open, opened, tagged,
};
use super::unreliable::{Fate, Unreliable};

everywhere!(
    a_running_projection_follows_appends,
    it_stops_when_it_is_told,
    it_goes_on_after_failures_that_pass,
    waiting_gives_up_in_time,
    waiting_for_ever_is_no_overflow,
    a_wait_sees_a_runner_in_another_program,
    events_of_no_concern_are_waited_for_too,
    lag_is_counted_in_events_and_time,
    lag_is_told_of_an_event_far_ahead,
    a_stream_released_elsewhere_is_read_up_to_date,
    a_restart_finds_the_checkpoint_of_what_was_of_no_concern,
);

async fn a_running_projection_follows_appends<L: Place>(place: L) {
    let balances = open::<Balances, L>(&place).await;
    let running = balances.spawn();
    for sequence in 0..20 {
        let entry = if sequence == 0 { opened("Ada") } else { moved(1) };
        let position = append(place.store(), "a", sequence, &[entry]).await;
        balances.wait_for(position, SOON).await.expect("the rows get there");
        let ada = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
        assert_eq!(
            ada.expect("a row").moves.unsigned_abs(),
            sequence,
            "one reads one's own writes"
        );
    }
    assert!(running.is_running());
    running.stop().await.expect("it stops");
}

async fn it_stops_when_it_is_told<L: Place>(place: L) {
    let balances = open::<Balances, L>(&place).await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let run = balances.run(async move { stopped.await.unwrap_or_default() });
    let tell = async move {
        tokio::time::sleep(Time::from_millis(20)).await;
        drop(stop);
    };

    let (ended, ()) = tokio::join!(run, tell);

    assert_eq!(ended, Ok(()));
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    assert_eq!(balances.status().await.expect("a status").position, 0, "nobody runs it");
}

async fn it_goes_on_after_failures_that_pass<L: Place>(place: L) {
    let plan = [Fate::Lost, Fate::Unanswered, Fate::Lost];
    let rows = Unreliable::new(place.rows().clone(), plan);
    let store = place.store().clone();
    let balances = Projector::<Balances, _, _>::open(store, rows).await.expect("it opens");
    let running = balances.spawn();

    for sequence in 0..6 {
        let entry = if sequence == 0 { opened("Ada") } else { moved(1) };
        let position = append(place.store(), "a", sequence, &[entry]).await;
        balances.wait_for(position, SOON).await.expect("the rows get there");
    }

    running.stop().await.expect("it stops");
    let ada = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
    assert_eq!(ada.expect("a row").moves, 5);
}

async fn waiting_gives_up_in_time<L: Place>(place: L) {
    let position = append(place.store(), "a", 0, &[opened("Ada")]).await;
    let balances = open::<Balances, L>(&place).await;

    let waited = balances.wait_for(position, Time::from_millis(30)).await;

    let (projection, position, wanted) = (of_ledger("Balances"), 0, 1);
    assert_eq!(waited, Err(ProjectorError::TimedOut { projection, position, wanted }));
}

/// The longest time there is means for ever, and was a panic: the clock could not be added to it.
async fn waiting_for_ever_is_no_overflow<L: Place>(place: L) {
    let position = append(place.store(), "a", 0, &[opened("Ada")]).await;
    let balances = open::<Balances, L>(&place).await;

    let (waited, caught_up) =
        tokio::join!(balances.wait_for(position, Time::MAX), balances.catch_up());

    assert_eq!((waited, caught_up), (Ok(()), Ok(position)));
}

async fn a_wait_sees_a_runner_in_another_program<L: Place>(place: L) {
    let position = append(place.store(), "a", 0, &[opened("Ada")]).await;
    let waiting = open::<Balances, L>(&place).await;
    let other = open::<Balances, L>(&place).await;
    let catch_up = async {
        tokio::time::sleep(Time::from_millis(20)).await;
        other.catch_up().await
    };

    let (waited, caught_up) = tokio::join!(waiting.wait_for(position, SOON), catch_up);

    assert_eq!((waited, caught_up), (Ok(()), Ok(1)));
}

async fn events_of_no_concern_are_waited_for_too<L: Place>(place: L) {
    let balances = open::<Balances, L>(&place).await;
    let running = balances.spawn();
    let position = append(place.store(), "a", 0, &[tagged("x"), tagged("y")]).await;

    assert_eq!(balances.wait_for(position, SOON).await, Ok(()));

    running.stop().await.expect("it stops");
}

/// While only events of no concern come in no checkpoint is written for each, but soon one is.
async fn a_restart_finds_the_checkpoint_of_what_was_of_no_concern<L: Place>(place: L) {
    let balances = open::<Balances, L>(&place).await;
    let running = balances.spawn();
    let position = append(place.store(), "a", 0, &[tagged("x")]).await;

    let other = open::<Balances, L>(&place).await;

    assert_eq!(other.wait_for(position, SOON).await, Ok(()));
    running.stop().await.expect("it stops");
}

/// The runner still took the stream for parked, held the next event back, and let those who waited
/// for it read a row without it.
async fn a_stream_released_elsewhere_is_read_up_to_date<L: Place>(place: L) {
    append(place.store(), "a", 0, &[moved(1), opened("Ada")]).await;
    let balances = open::<Balances, L>(&place).await;
    let running = balances.spawn();
    balances.wait_for(0, SOON).await.expect("it runs");
    while balances.status().await.expect("a status").poison.is_empty() {
        tokio::time::sleep(Time::from_millis(1)).await;
    }
    let elsewhere = open::<Balances, L>(&place).await;
    elsewhere.skip_poison(1, "Olga", "opened too late").await.expect("it is skipped");

    let position = append(place.store(), "a", 2, &[moved(2)]).await;
    balances.wait_for(position, SOON).await.expect("the rows get there");

    let ada = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
    assert_eq!(ada.expect("a row").moves, 1);
    running.stop().await.expect("it stops");
}

async fn at<L: Place>(
    place: &L,
    clock: &TestClock,
) -> Projector<PromptBalances, L::Store, L::Rows> {
    let options = ProjectorOptions { clock: Arc::new(clock.clone()), ..Default::default() };
    let (store, rows) = (place.store().clone(), place.rows().clone());
    Projector::open_with(store, rows, options).await.expect("the projection opens")
}

async fn lag_is_counted_in_events_and_time<L: Place>(place: L) {
    let clock = clock();
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    let balances = at(&place, &clock).await;
    balances.catch_up().await.expect("it catches up");
    assert_eq!(balances.lag().await, Ok(Lag { events: 0, time: Duration::ZERO }));
    append(place.store(), "a", 1, &[tagged("x"), moved(1)]).await;
    clock.set(later(2_000_000));

    let status = balances.status().await.expect("a status");

    let lag = Lag { events: 2, time: Duration::from_micros(2_000_000) };
    assert_eq!((status.lag, status.head, status.position), (lag, 3, 1));
    assert!(!status.is_within_window(), "half a second was promised");
    assert_eq!(balances.lag().await, Ok(lag));
    balances.catch_up().await.expect("it catches up");
    append(place.store(), "a", 3, &[tagged("x")]).await;
    let status = balances.status().await.expect("a status");
    assert_eq!(status.lag.time, Duration::ZERO, "the tag is of no concern");
    assert!(status.is_within_window());
}

/// The story: a page that had looked at enough and found nothing was taken for the end of the store,
/// and a projection that was hours late for none at all.
async fn lag_is_told_of_an_event_far_ahead<L: Place>(place: L) {
    let clock = clock();
    let balances = at(&place, &clock).await;
    let tags = vec![tagged("x"); 2048];
    let mut head = 0;
    while head <= PAGE_POSITIONS {
        head = append(place.store(), "a", head, &tags).await;
    }
    let head = append(place.store(), "b", 0, &[opened("Ada")]).await;
    clock.set(later(2_000_000));

    let lag = Lag { events: head, time: Duration::from_micros(2_000_000) };
    assert_eq!(balances.lag().await, Ok(lag));
    balances.catch_up().await.expect("it catches up");

    assert_eq!(balances.lag().await, Ok(Lag { events: 0, time: Duration::ZERO }));
    assert!(balances.read_model().get(&"b".to_owned()).await.is_ok_and(|row| row.is_some()));
}

#[test]
fn rows_later_than_promised_are_reported_once() {
    let (_, captured) = capture(|| {
        block_on(async {
            let (place, clock) = (InMemory::new().await, clock());
            let balances = at(&place, &clock).await;
            balances.catch_up().await.expect("the empty store is caught up with");
            clock.set(later(600_000));
            for sequence in 0..3 {
                let entry = if sequence == 0 { opened("Ada") } else { moved(1) };
                append(place.store(), "a", sequence, &[entry]).await;
                balances.catch_up().await.expect("it catches up");
            }
            clock.set(later(0));
            append(place.store(), "a", 3, &[moved(1)]).await;
            balances.catch_up().await.expect("it catches up");
        });
    });

    let said = |text: &str| {
        let messages = captured.iter().filter_map(|it| it.field("message"));
        messages.filter(|message| message.contains(text)).count()
    };
    assert_eq!(said("later than consistencyWindow promises"), 1);
    assert_eq!(said("within consistencyWindow again"), 1);
}

#[test]
fn each_event_has_a_span_with_what_led_to_it() {
    let (_, captured) = capture(|| {
        block_on(async {
            let place = InMemory::new().await;
            append(place.store(), "a", 0, &[opened("Ada"), moved(1), tagged("x")]).await;
            open::<Balances, _>(&place).await.catch_up().await.expect("it catches up");
        });
    });

    let spans: Vec<_> = captured.iter().filter(|it| it.name == "eventloom.project").collect();
    assert_eq!(spans.len(), 2, "one for each event that is folded: {captured:?}");
    let last = spans[1];
    assert_eq!(last.field("projection"), Some("Balances"));
    assert_eq!(last.field("correlation_id"), Some("request-1"));
    assert_eq!(last.field("causation_id"), Some("command-1"));
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert_eq!(last.field("traceparent"), Some(traceparent));
    assert_eq!(last.field("sequence"), Some("2"));
}
