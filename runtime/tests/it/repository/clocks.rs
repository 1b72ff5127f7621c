//! Programs whose clocks disagree by hours, and clocks that are set while a program runs.

use eventloom_runtime::clock::Clock;
use eventloom_runtime::store::EventFilter;
use eventloom_runtime::testing::{START, TestClock, block_on};
use eventloom_runtime::{CommandContext, Duration, EventStore, Repository, Timestamp};

use super::{Bench, Store, put, refusal};
use crate::wallet::Wallet;

const HOUR: i64 = 3_600_000_000;

/// A time so many hours after the clock's start.
fn hour(hours: i64) -> Timestamp {
    Timestamp::from_micros(START.as_micros() + hours * HOUR)
}

/// The same store in another process, whose machine has a clock of its own.
async fn machine(bench: &Bench, clock: &TestClock) -> Repository<Wallet, Store> {
    let wallets = Repository::builder().clock(clock.clone()).page_size(3);
    wallets.open(bench.store.clone()).await.expect("the same shapes")
}

/// Two machines disagree by ten hours, and one is set back by two days in between. What one of them appended lay in the
/// other's future: the next event came before it, or was refused as out of order, or the order of all was that of the times.
#[test]
fn machines_whose_clocks_disagree_append_in_one_order() {
    block_on(async {
        let bench = Bench::new().await;
        let clocks = [TestClock::at(hour(5)), TestClock::at(hour(-5))];
        let machines = [machine(&bench, &clocks[0]).await, machine(&bench, &clocks[1]).await];
        let (mut last, mut expected) = (Timestamp::MIN, Vec::new());
        for number in 0..24_u64 {
            let at = usize::from(number % 2 == 1);
            if number == 12 {
                clocks[at].set(hour(-48));
            }
            clocks[at].advance(Duration::from_micros(HOUR / 4));
            let now = clocks[at].now();
            let done = machines[at].execute("W", put(&format!("E{number}"), "1")).await.unwrap();
            let meta = &done.events[0].meta;
            assert_eq!(meta.at, now.max(last), "never earlier than the one before");
            assert_eq!(meta.recorded_at, now, "the record tells the machine's own clock");
            last = meta.at;
            let stream = format!("V{number}");
            let other = machines[at].execute(stream.as_str(), put("E", "1")).await.unwrap();
            assert_eq!(other.events[0].meta.at, now, "other streams are not held back");
            expected.extend([("W".to_owned(), number + 1), (stream, 1)]);
        }
        let page = bench.store.read_all(0, &EventFilter::default(), 1_000).await.unwrap();
        let found: Vec<_> = page
            .events
            .iter()
            .map(|it| (it.meta.stream_id.to_string(), it.meta.sequence))
            .collect();
        assert_eq!(found, expected, "the order is that of the positions, not of the times");
        for machine in &machines {
            let loaded = machine.load("W").await.unwrap();
            assert_eq!((loaded.sequence, loaded.last_time), (24, Some(last)));
        }
    });
}

/// A time that a caller supplies is no clock's: one before the last event is refused by the machine whose clock is behind
/// as by that whose clock is ahead, and recorded by neither.
#[test]
fn a_supplied_time_is_judged_alike_by_all_machines() {
    block_on(async {
        let bench = Bench::new().await;
        let behind = machine(&bench, &TestClock::at(hour(-30))).await;
        let ahead = machine(&bench, &TestClock::at(hour(30))).await;
        let at = |hours| CommandContext::new().at(hour(hours));
        behind.execute_with("W", put("E1", "1"), at(10)).await.unwrap();
        for machine in [&behind, &ahead] {
            for hours in [9, 0, -30, -48] {
                let refused = machine.execute_with("W", put("E2", "1"), at(hours)).await;
                assert_eq!(refusal(&refused), "OutOfOrder", "{hours}");
            }
        }
        assert_eq!(bench.events().await, 1);
        let later = behind.execute_with("W", put("E2", "1"), at(11)).await.unwrap();
        assert_eq!(later.events[0].meta.at, hour(11), "it is taken as it is, whatever the clock");
        let now = behind.execute("W", put("E3", "1")).await.unwrap();
        assert_eq!(now.events[0].meta.at, hour(11), "the clock is behind");
        let now = ahead.execute("W", put("E4", "1")).await.unwrap();
        assert_eq!(now.events[0].meta.at, hour(30));
    });
}

/// What a state was at a time was asked of the clock: the same question got another answer after the clock was set, or on
/// another machine.
#[test]
fn states_of_the_past_are_the_same_on_all_machines() {
    block_on(async {
        let bench = Bench::new().await;
        let clock = TestClock::at(hour(0));
        let writer = machine(&bench, &clock).await;
        for (number, hours) in (1..).zip([0, 6, -20, 7, -40, 8]) {
            clock.set(hour(hours));
            writer.execute("W", put(&format!("E{number}"), "1")).await.unwrap();
        }
        let (behind, ahead) = (TestClock::at(hour(-300)), TestClock::at(hour(300)));
        let machines = [writer, machine(&bench, &behind).await, machine(&bench, &ahead).await];
        for set in [0, -1_000, 1_000] {
            for clock in [&clock, &behind, &ahead] {
                clock.set(hour(set));
            }
            for machine in &machines {
                for (hours, length) in [(-41, 0), (-1, 0), (0, 1), (5, 1), (6, 3), (7, 5), (8, 6)] {
                    let loaded = machine.load_as_of("W", hour(hours)).await.unwrap();
                    assert_eq!(loaded.sequence, length, "as of {hours}");
                    let same = machine.load_as_of("W", length).await.unwrap();
                    assert_eq!(loaded, same);
                }
            }
        }
    });
}
