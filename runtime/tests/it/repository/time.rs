//! Time: fixed while deciding, never before the stream's last event, and what states are asked by.

use eventloom_runtime::repository::{NewEvents, Recorded};
use eventloom_runtime::testing::{JumpingClock, block_on};
use eventloom_runtime::{CommandContext, Duration, Repository, Timestamp};

use super::{Bench, after, moved, new_store, put, refusal};
use crate::tab::Tab;
use crate::wallet::{Moved, Named, Open, PutTwice, Wallet, WalletEvent, dec};

fn at(time: Timestamp) -> CommandContext {
    CommandContext::new().at(time)
}

fn times(executed: &eventloom_runtime::Executed<Wallet>) -> Vec<Timestamp> {
    let time = |recorded: &Recorded<WalletEvent>| match &recorded.event {
        WalletEvent::Moved(Moved { at, .. }) => *at,
        _ => recorded.meta.at,
    };
    executed.events.iter().map(time).collect()
}

#[test]
fn now_never_lies_before_the_last_event() {
    block_on(async {
        let bench = Bench::new().await;
        bench.clock.set(after(100));
        bench.put("W", "E1", "1").await.unwrap();
        bench.clock.set(after(40));
        for bench in [&bench, &bench.elsewhere().await] {
            let entry = format!("E{}", bench.events().await + 1);
            let executed = bench.put("W", &entry, "1").await.unwrap();
            assert_eq!(times(&executed), [after(100)]);
            assert_eq!(executed.events[0].meta.at, after(100));
            assert_eq!(
                executed.events[0].meta.recorded_at,
                after(40),
                "the record tells the clock"
            );
        }
        let elsewhere = bench.put("V", "E1", "1").await.unwrap();
        assert_eq!(times(&elsewhere), [after(40)], "other streams are not held back");
    });
}

#[test]
fn a_supplied_time_is_taken_as_it_is_or_refused() {
    block_on(async {
        let bench = Bench::new().await;
        let first = bench.wallets.execute_with("W", put("E1", "1"), at(after(50))).await.unwrap();
        assert_eq!(times(&first), [after(50)]);
        let earlier = bench.wallets.execute_with("W", put("E2", "1"), at(after(49))).await;
        assert_eq!(refusal(&earlier), "OutOfOrder");
        let equal = bench.wallets.execute_with("W", put("E2", "1"), at(after(50))).await.unwrap();
        assert_eq!(times(&equal), [after(50)]);
        let named =
            bench.wallets.execute_with("V", Open { name: "mine".into() }, at(after(7))).await;
        assert_eq!(times(&named.unwrap()), [after(7)], "without a timestamp it is the metadata's");
        assert_eq!(bench.events().await, 3);
    });
}

#[test]
fn a_decision_has_one_time() {
    block_on(async {
        let clock = JumpingClock::new(vec![5, -3, 11]);
        let wallets = Repository::<Wallet, _>::builder().clock(clock);
        let (_place, store) = new_store().await;
        let wallets = wallets.open(store).await.unwrap();
        let mut last = Timestamp::MIN;
        for entry in 0..20 {
            let twice = PutTwice { entry: entry.to_string(), amount: dec("1") };
            let times = times(&wallets.execute("W", twice).await.unwrap());
            assert_eq!(times[0], times[1]);
            assert!(times[0] >= last);
            last = times[0];
        }
    });
}

#[test]
fn a_state_is_asked_by_the_time_of_its_events() {
    block_on(async {
        let bench = Bench::new().await;
        for number in 1..=25_i64 {
            bench.clock.set(after(1_000_000));
            let entry = format!("E{number}");
            bench.wallets.record("W", moved(&entry, "1", after(number * 10))).await.unwrap();
        }
        for (micros, balance) in [(0, 0), (9, 0), (10, 1), (19, 1), (100, 10), (249, 24), (999, 25)]
        {
            let loaded = bench.wallets.load_as_of("W", after(micros)).await.unwrap();
            assert_eq!((loaded.state.movements, loaded.sequence), (balance, balance as u64));
        }
    });
}

/// The sentence that events must be ordered by time may be younger than the events: of a stream that is
/// not ordered, a state as of a time was one thing with a snapshot and another without.
#[test]
fn a_state_of_a_stream_that_is_older_than_its_order_is_one_that_it_had() {
    block_on(async {
        let bench = Bench::new().await;
        let times = [10, 20, 30, 40, 200, 60, 70, 80, 90, 100, 210, 300, 220];
        for (sequence, micros) in (1..).zip(times) {
            let at = after(micros);
            let data = format!(r#"{{"entry":"E{sequence}","amount":"1","at":"{at}"}}"#);
            bench.smuggle("W", sequence, "Moved", 1, &data).await;
        }
        for with_snapshot in [false, true] {
            for (micros, length) in [(9, 0), (40, 4), (150, 4), (205, 10), (250, 11), (300, 13)] {
                let loaded = bench.wallets.load_as_of("W", after(micros)).await.unwrap();
                let found = (loaded.sequence, loaded.state.movements);
                assert_eq!(found, (length, length as i64), "{micros}, {with_snapshot}");
                let same = bench.wallets.load_as_of("W", length).await.unwrap();
                assert_eq!(loaded, same, "a state that it had");
            }
            bench.wallets.load("W").await.unwrap();
        }
    });
}

/// Events later than the time were passed over and those after them folded all the same: onto a state that
/// never was, which a sound stream was called corrupt for.
#[test]
fn a_state_of_a_stream_without_order_is_one_that_it_had() {
    block_on(async {
        let (_place, store) = new_store().await;
        let tabs = Repository::<Tab, _>::open(store).await.unwrap();
        let name = NewEvents::new().with(Named { name: "mine".to_owned() });
        tabs.record_with("W", name, at(after(10))).await.unwrap();
        for (entry, micros) in [("E1", 5), ("E2", 20), ("E3", 15)] {
            let (entry, at) = (entry.to_owned(), after(micros));
            let moved = NewEvents::new().with(Moved { entry, amount: dec("1"), at });
            tabs.record("W", moved).await.unwrap();
        }
        for (micros, length) in [(4, 0), (7, 0), (10, 2), (17, 2), (20, 4)] {
            let loaded = tabs.load_as_of("W", after(micros)).await.unwrap();
            assert_eq!(
                (loaded.sequence, loaded.state.len()),
                (length, length as usize),
                "{micros}"
            );
        }
    });
}

#[test]
fn a_clock_that_went_far_back_is_no_reason_to_fail() {
    block_on(async {
        let bench = Bench::new().await;
        bench.clock.set(Timestamp::MAX);
        bench.put("W", "E1", "1").await.unwrap();
        bench.clock.set(Timestamp::MIN);
        bench.clock.advance(Duration::from_micros(1));
        assert_eq!(times(&bench.put("W", "E2", "1").await.unwrap()), [Timestamp::MAX]);
        let loaded = bench.wallets.load("W").await.unwrap();
        assert_eq!(loaded.last_time, Some(Timestamp::MAX));
    });
}
