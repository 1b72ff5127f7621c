//! Time: fixed while deciding, never before the stream's last event, and what states are asked by.

use eventloom_runtime::repository::Recorded;
use eventloom_runtime::testing::{JumpingClock, block_on};
use eventloom_runtime::{CommandContext, Duration, Repository, Timestamp};

use super::{Bench, after, moved, new_store, put, refusal};
use crate::wallet::{Moved, Open, PutTwice, Wallet, WalletEvent, dec};

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
