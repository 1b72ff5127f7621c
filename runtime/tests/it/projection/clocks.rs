//! Read models where the clocks of those who append and of those who follow disagree by hours.

use eventloom_runtime::clock::Clock;
use eventloom_runtime::projection::{Lag, Projector, ProjectorOptions};
use eventloom_runtime::testing::TestClock;
use eventloom_runtime::{Duration, Timestamp};

use super::ledger::{Balances, PromptBalances};
use super::rig::{Place, append_raw, clock, everywhere, moved, new_event, opened};

everywhere!(lag_is_never_negative, rows_follow_positions_and_not_times,);

const HOUR: i64 = 3_600_000_000;

fn hour(hours: i64) -> Timestamp {
    Timestamp::from_micros(clock().now().as_micros() + hours * HOUR)
}

/// The clock of a runner was behind those of the programs that append, or was set back: its events came from the future and
/// had a negative age, which no alarm was made for.
async fn lag_is_never_negative<L: Place>(place: L) {
    let clock = TestClock::at(hour(0));
    let options = ProjectorOptions {
        clock: std::sync::Arc::new(clock.clone()),
        ..ProjectorOptions::default()
    };
    let (store, rows) = (place.store().clone(), place.rows().clone());
    let prompt = Projector::<PromptBalances, _, _>::open_with(store, rows, options).await;
    let prompt = prompt.expect("a projector");
    for (number, hours) in (0..).zip([5, -5, 3]) {
        let mut event =
            new_event("a", number + 1, &if number == 0 { opened("Ada") } else { moved(1) });
        event.meta.recorded_at = hour(hours);
        append_raw(place.store(), "a", number, vec![event]).await;
    }
    for (now, time) in [
        (hour(0), Duration::ZERO),
        (hour(-100), Duration::ZERO),
        (Timestamp::MIN, Duration::ZERO),
        (hour(5), Duration::ZERO),
        (hour(7), Duration::from_micros(2 * HOUR)),
        (Timestamp::MAX, Timestamp::MAX.since(hour(5))),
    ] {
        clock.set(now);
        assert_eq!(prompt.lag().await, Ok(Lag { events: 3, time }), "{now}");
        let status = prompt.status().await.expect("a status");
        assert_eq!(status.lag.time, time);
        assert_eq!(status.is_within_window(), time == Duration::ZERO);
    }
    prompt.catch_up().await.expect("it catches up");
    for now in [hour(-100), hour(100), Timestamp::MIN, Timestamp::MAX] {
        clock.set(now);
        let none = Lag { events: 0, time: Duration::ZERO };
        assert_eq!(prompt.lag().await, Ok(none), "where nothing is left, nothing is late");
    }
}

/// Events whose times go backwards are folded in the order in which they were appended, and one that lies in the future is
/// not waited for.
async fn rows_follow_positions_and_not_times<L: Place>(place: L) {
    let options = ProjectorOptions {
        clock: std::sync::Arc::new(TestClock::at(hour(-24))),
        batch: 2,
        ..Default::default()
    };
    let (store, rows) = (place.store().clone(), place.rows().clone());
    let balances = Projector::<Balances, _, _>::open_with(store, rows, options).await;
    let balances = balances.expect("a projector");
    for (number, hours) in (0..).zip([48, -48, 24, -24, 12, 0, -12]) {
        let mut event =
            new_event("a", number + 1, &if number == 0 { opened("Ada") } else { moved(1) });
        event.meta.recorded_at = hour(hours);
        event.meta.at = hour(hours);
        append_raw(place.store(), "a", number, vec![event]).await;
        balances.catch_up().await.expect("a row is opened before it is moved");
        let row = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
        assert_eq!(row.map(|row| row.moves.unsigned_abs()), Some(number));
    }
    balances.rebuild(|_| {}).await.expect("it is rebuilt");
    let row = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
    assert_eq!(row.map(|row| row.moves), Some(6));
}
