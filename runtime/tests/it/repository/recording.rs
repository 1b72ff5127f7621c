//! Recording events that were decided elsewhere: the rules hold for them too.

use eventloom_runtime::ExecuteError;
use eventloom_runtime::repository::NewEvents;
use eventloom_runtime::testing::block_on;

use super::{Bench, after, id, moved, refusal};
use crate::wallet::{LimitHit, Moved, Named, dec};

#[test]
fn recorded_events_are_events_like_others() {
    block_on(async {
        let bench = Bench::new().await;
        let events = moved("E1", "5", after(1)).with(Named { name: "mine".into() });
        let executed = bench.wallets.record("W", events).await.unwrap();
        assert_eq!((executed.sequence, executed.state.balance), (2, dec("5")));
        assert!(bench.wallets.record("W", NewEvents::new()).await.unwrap().events.is_empty());
    });
}

#[test]
fn the_rules_hold_for_recorded_events() {
    block_on(async {
        let bench = Bench::new().await;
        bench.wallets.record("W", moved("E1", "5", after(10))).await.unwrap();
        let record = |events| bench.wallets.record("W", events);
        assert_eq!(refusal(&record(moved("E2", "5", after(9))).await), "OutOfOrder");
        assert_eq!(refusal(&record(moved("E2", "-200", after(10))).await), "TooDeep");
        assert_eq!(refusal(&record(moved("E1", "6", after(10))).await), "DuplicateEntry");
        let named = || NewEvents::new().with(Named { name: "mine".into() });
        assert_eq!(
            refusal(&record(named().with(Named { name: "yours".into() })).await),
            "NamedAlready"
        );
        let invalid = record(moved("E2", "0.001", after(10))).await;
        assert!(matches!(invalid, Err(ExecuteError::Invalid(_))));
        assert_eq!(bench.events().await, 1);
    });
}

#[test]
fn the_same_events_are_recorded_once() {
    block_on(async {
        let bench = Bench::new().await;
        let events = || moved("E1", "5", after(1)).with(LimitHit { entry: "E2".into() });
        bench.wallets.record("W", events()).await.unwrap();
        assert!(bench.wallets.record("W", events()).await.unwrap().duplicate);
        let named = || NewEvents::new().with(Named { name: "mine".into() });
        bench.wallets.record_with("W", named(), id("import-1")).await.unwrap();
        assert!(bench.wallets.record_with("W", named(), id("import-1")).await.unwrap().duplicate);
        let other =
            NewEvents::new().with(Moved { entry: "E3".into(), amount: dec("1"), at: after(2) });
        let reused = bench.wallets.record_with("W", other, id("import-1")).await;
        assert!(matches!(reused, Err(ExecuteError::CommandIdReused { .. })));
        assert_eq!(bench.events().await, 3);
    });
}
