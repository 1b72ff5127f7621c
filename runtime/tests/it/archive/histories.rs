//! Whoever uses a store by its repository, or copies it, finds what was there before.

use std::sync::Arc;

use eventloom_runtime::repository::{CommandContext, Repository};
use eventloom_runtime::store::Direction;
use eventloom_runtime::store::whole::{self, EventRecord};
use eventloom_runtime::testing::{StoreKind as _, TestClock, block_on};
use eventloom_runtime::values::Duration;
use eventloom_runtime::{EventStore, ExecuteError, Refusal as _};

use super::{Kind, Rig, Store};
use crate::archiving::{
    NOW, all, archive, archiver, days_ago, live, of_stream, seen, stream, whole as whole_filter,
};
use crate::wallet::{Put, Wallet, WalletError, dec};
use crate::whole::CopyKind as _;

type Wallets = Repository<Wallet, Store>;

async fn open(store: &Store, clock: &TestClock) -> Wallets {
    let wallets = Repository::builder().clock(clock.clone()).page_size(7);
    wallets.open(store.clone()).await.expect("the same shapes")
}

fn put(entry: &str) -> Put {
    Put { entry: entry.to_owned(), amount: dec("1.10") }
}

/// Wallets of some lengths, a command a day; the last of them now.
async fn fill(wallets: &Wallets, clock: &TestClock) {
    clock.set(days_ago(100));
    for number in 1..=60 {
        for (id, last) in [("long", 60), ("short", 7), ("middle", 25)] {
            if number <= last {
                let context = CommandContext::new().command_id(format!("{id} {number}"));
                let entry = put(&format!("entry {number}"));
                wallets.execute_with(id, entry, context).await.expect("a movement");
            }
        }
        clock.advance(Duration::from_micros(86_400_000_000));
    }
    clock.set(NOW);
}

/// What is known of a wallet.
#[derive(Debug, PartialEq)]
struct Known {
    now: String,
    at_sequence: Vec<String>,
    at_time: Vec<String>,
    timeline: Vec<String>,
    history: Vec<EventRecord>,
}

async fn known(wallets: &Wallets, id: &str) -> Known {
    let now = format!("{:?}", wallets.load(id).await.expect("a wallet"));
    let (mut at_sequence, mut at_time) = (Vec::new(), Vec::new());
    for sequence in [0_u64, 1, 9, 10, 11, 19, 30, 59, 60, 61] {
        let state = wallets.load_as_of(id, sequence).await.expect("a wallet");
        at_sequence.push(format!("{state:?}"));
    }
    for days in [200, 100, 95, 90, 80, 60, 41, 40, 0] {
        let state = wallets.load_as_of(id, days_ago(days)).await.expect("a wallet");
        at_time.push(format!("{state:?}"));
    }
    let timeline = wallets.timeline(id, 0, 100).await.expect("a timeline");
    let history = wallets.history(id, 0, 100).await.expect("a history");
    Known {
        now,
        at_sequence,
        at_time,
        timeline: timeline.iter().map(|it| format!("{it:?}")).collect(),
        history: history.iter().map(EventRecord::from).collect(),
    }
}

#[test]
fn states_timelines_and_the_past_are_as_before() {
    block_on(async {
        let (rig, clock) = (Rig::new().await, TestClock::at(NOW));
        fill(&open(&rig.store, &clock).await, &clock).await;
        let wallets = open(&rig.store, &clock).await;
        let mut before = Vec::new();
        for id in ["long", "short", "middle", "never"] {
            before.push(known(&wallets, id).await);
        }
        let all = seen(&rig.store).await;

        let report = archive(&rig.store).await;

        // Of the long one what is 30 days old and before the snapshot at 60, of the middle one before that at 20.
        assert_eq!(report.events(), 59 + 19, "{report:?}");
        let store = rig.again(Some(&rig.archive())).await;
        let wallets = open(&store, &clock).await;
        for (id, before) in ["long", "short", "middle", "never"].into_iter().zip(before) {
            assert_eq!(known(&wallets, id).await, before, "{id}");
        }
        assert_eq!(seen(&store).await, all);
    });
}

/// Loads read the event again that their snapshot ends with. It had left, so that whoever had no archive at hand could not
/// even deposit.
#[test]
fn what_is_young_is_used_without_the_archive() {
    block_on(async {
        let (rig, clock) = (Rig::new().await, TestClock::at(NOW));
        fill(&open(&rig.store, &clock).await, &clock).await;
        archive(&rig.store).await;

        let store = rig.again(None).await;
        let wallets = open(&store, &clock).await;

        assert_eq!(wallets.load("long").await.expect("a wallet").state.movements, 60);
        assert_eq!(wallets.load("middle").await.expect("a wallet").state.movements, 25);
        for id in ["long", "middle", "short"] {
            wallets.execute(id, put("new")).await.expect("a movement");
        }
        let error = wallets.timeline("long", 0, 100).await.expect_err("it needs the archive");
        let told = error.to_string();
        assert!(told.contains("Wallet long (positions 1 to"), "{told}");
        assert!(told.contains("archived in 000001.ndjson.gz"), "{told}");
        assert!(told.contains(&rig.archive().display().to_string()), "{told}");
        wallets.load_as_of("long", 15_u64).await.expect_err("it needs the archive");
    });
}

/// A program without the archive had a state at hand. Others appended behind its last event, which was archived then: to see
/// whether that was the one it knew, it asked for it, and could not do anything with the wallet until it was started again.
#[test]
fn a_state_at_hand_is_loaded_anew_where_its_last_event_is_archived() {
    block_on(async {
        let (rig, clock) = (Rig::new().await, TestClock::at(NOW));
        let elsewhere = open(&rig.store, &clock).await;
        let wallets = open(&rig.again(None).await, &clock).await;
        clock.set(days_ago(100));
        for number in 1..=60 {
            let by = if number == 59 { &wallets } else { &elsewhere };
            by.execute("long", put(&format!("entry {number}"))).await.expect("a movement");
            clock.advance(Duration::from_micros(86_400_000_000));
        }
        clock.set(NOW);
        assert_eq!(archive(&rig.store).await.events(), 59);

        let executed = wallets.execute("long", put("new")).await.expect("a movement");

        assert_eq!((executed.sequence, executed.state.movements), (61, 61));
    });
}

/// A command that is sent again is the first one again, a key that was claimed is taken, though their events have left.
#[test]
fn keys_and_commands_are_known_as_before() {
    block_on(async {
        let (rig, clock) = (Rig::new().await, TestClock::at(NOW));
        fill(&open(&rig.store, &clock).await, &clock).await;
        archive(&rig.store).await;
        let store = rig.again(Some(&rig.archive())).await;
        let wallets = open(&store, &clock).await;
        let head = store.head().await;

        let context = CommandContext::new().command_id("long 3");
        let again = wallets.execute_with("long", put("entry 3"), context).await.expect("known");
        let by_key = wallets.execute("long", put("entry 4")).await.expect("the same content");
        let other = Put { entry: "entry 5".to_owned(), amount: dec("7") };
        let refused = wallets.execute("long", other).await.expect_err("the key is taken");

        assert_eq!(again.events[0].meta.sequence, 3);
        assert_eq!(by_key.events[0].meta.sequence, 4);
        assert_eq!(refused.refusal().map(WalletError::name), Some("DuplicateEntry"));
        assert_eq!(store.head().await, head, "nothing was appended");
        let store = rig.again(None).await;
        let wallets = open(&store, &clock).await;
        let context = CommandContext::new().command_id("long 3");
        let lost = wallets.execute_with("long", put("entry 3"), context).await;
        let lost = lost.expect_err("its events are not at hand");
        assert!(matches!(lost, ExecuteError::Store(_)), "{lost:?}");
        assert_eq!(store.head().await, head, "nothing was appended");
    });
}

#[test]
fn a_copy_is_the_same_before_and_after() {
    block_on(async {
        let (rig, clock) = (Rig::new().await, TestClock::at(NOW));
        fill(&open(&rig.store, &clock).await, &clock).await;
        let first_place = Kind.new_place();
        let first = Kind.open_for_copy(&first_place).await;
        let before = whole::copy(&rig.store, &first, |_| {}).await.expect("a copy");

        assert!(archive(&rig.store).await.events() > 0);

        let second_place = Kind.new_place();
        let second = Kind.open_for_copy(&second_place).await;
        let after = whole::copy(&rig.store, &second, |_| {}).await.expect("a copy");
        assert_eq!(after, before);
        assert_eq!(seen(&second).await, seen(&first).await);
        // A copy that was begun before goes on after.
        assert_eq!(whole::copy(&rig.store, &first, |_| {}).await, Ok(before));
        let without = rig.again(None).await;
        let third_place = Kind.new_place();
        let third = Kind.open_for_copy(&third_place).await;
        whole::copy(&without, &third, |_| {}).await.expect_err("it would be no copy");
    });
}

/// Appends and reads go on while events leave.
#[test]
fn appends_and_reads_go_on_meanwhile() {
    block_on(async {
        let (rig, clock) = (Rig::new().await, TestClock::at(NOW));
        fill(&open(&rig.store, &clock).await, &clock).await;
        let before = seen(&rig.store).await.events;
        let known = Arc::new(before.clone());
        let (store, read) = (rig.store.clone(), Arc::clone(&known));
        let reading = tokio::spawn(async move {
            let long = stream("long");
            for limit in [1, 3, 7, 20, 100].into_iter().cycle().take(20) {
                let all = all(&store, &whole_filter(), limit).await.expect("events");
                assert!(all.starts_with(&read), "by {limit}");
                for (direction, start) in [(Direction::Forwards, 0), (Direction::Backwards, 61)] {
                    let events = of_stream(&store, &long, direction, start, limit);
                    assert_eq!(events.await.expect("a stream").len(), 60, "by {limit}");
                }
            }
        });
        let wallets = open(&rig.store, &clock).await;
        let appending = async {
            for number in 0..40 {
                wallets.execute("new", put(&format!("new {number}"))).await.expect("a movement");
            }
        };

        let archiving = archiver(&rig.store).segment_events(5).run(|_| {});
        let (report, ()) = tokio::join!(archiving, appending);

        assert_eq!(report.expect("a report").segments.len(), 78_usize.div_ceil(5));
        reading.await.expect("every read was whole");
        let after = seen(&rig.store).await.events;
        assert_eq!(after.len(), before.len() + 40);
        assert_eq!(after[..before.len()], before[..]);
        assert_eq!(live(&rig.store).await, after.len() - 78);
    });
}

/// A second run has a file of its own, and the positions of both overlap.
#[test]
fn a_second_run_adds_a_file() {
    block_on(async {
        let (rig, clock) = (Rig::new().await, TestClock::at(NOW));
        fill(&open(&rig.store, &clock).await, &clock).await;
        let before = seen(&rig.store).await;
        archive(&rig.store).await;
        let wallets = open(&rig.store, &clock).await;
        for number in 0..20 {
            wallets.execute("short", put(&format!("new {number}"))).await.expect("a movement");
        }
        let middle = seen(&rig.store).await;

        // The short one has a snapshot now.
        let report = archive(&rig.store).await;

        assert_eq!(report.events(), 7);
        assert_eq!(report.segments[0].file, "000002.ndjson.gz");
        let after = seen(&rig.store).await;
        assert_eq!(after, middle);
        assert_eq!(after.events[..before.events.len()], before.events[..]);
    });
}
