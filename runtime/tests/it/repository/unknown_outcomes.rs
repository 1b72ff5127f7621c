//! A connection that breaks around a commit: never reported as success or failure wrongly.

use std::sync::{Arc, Mutex};

use eventloom_runtime::store::{Append, AppendError, Appended};
use eventloom_runtime::testing::block_on;
use eventloom_runtime::testing::faults::{Fault, Faults, Faulty};
use eventloom_runtime::testing::intercept::{Intercepted, Interceptor};
use eventloom_runtime::{EventStore, ExecuteError, StoreError};

use super::{Bench, Store, id, new_store, put, refusal, take};
use crate::wallet::{Settle, TakeNoted, dec};

async fn bench() -> (Bench<Faulty<Store>>, Faults) {
    let faults = Faults::default();
    let (place, store) = new_store().await;
    (Bench::on(faults.on(store), place).await, faults)
}

/// The connection died after the commit; the retry appended the withdrawal a second time.
#[test]
fn a_lost_answer_is_found_and_not_repeated() {
    block_on(async {
        for context in [super::CommandContext::new(), id("C1")] {
            let (bench, faults) = bench().await;
            faults.plan([Fault::AnswerLost]);
            let executed = bench.wallets.execute_with("W", put("E1", "10"), context).await.unwrap();
            assert_eq!((executed.sequence, executed.position, executed.duplicate), (1, 1, false));
            assert_eq!(bench.events().await, 1);
            assert_eq!(bench.take("W", "E2", "10").await.unwrap().sequence, 2);
        }
    });
}

#[test]
fn a_lost_request_is_sent_again() {
    block_on(async {
        let (bench, faults) = bench().await;
        faults.plan([Fault::RequestLost, Fault::RequestLost, Fault::AnswerLost]);
        let executed = bench.put("W", "E1", "10").await.unwrap();
        assert_eq!((executed.sequence, executed.duplicate), (1, false));
        assert_eq!((bench.events().await, faults.left()), (1, 0));
    });
}

#[test]
fn a_store_that_stays_away_leaves_the_outcome_unknown() {
    block_on(async {
        let (bench, faults) = bench().await;
        faults.plan([Fault::RequestLost]);
        faults.plan([Fault::Unavailable; 5]);
        let unknown = bench.put("W", "E1", "10").await.unwrap_err();
        assert!(
            matches!(unknown, ExecuteError::Store(StoreError::OutcomeUnknown(_))),
            "unavailable would say that nothing was changed: {unknown:?}"
        );
        assert_eq!(bench.put("W", "E1", "10").await.unwrap().sequence, 1);
    });
}

#[test]
fn an_outcome_without_events_is_found_too() {
    block_on(async {
        let (bench, faults) = bench().await;
        bench.put("W", "E1", "10").await.unwrap();
        faults.plan([Fault::AnswerLost]);
        let refused = bench.wallets.execute_with("W", take("E2", "11"), id("C1")).await;
        assert_eq!(refusal(&refused), "InsufficientFunds");
        faults.plan([Fault::AnswerLost]);
        let settle = Settle { balance: dec("10") };
        let settled = bench.wallets.execute_with("W", settle, id("C2")).await.unwrap();
        assert!(!settled.duplicate, "it was this one that landed");
        faults.plan([Fault::AnswerLost]);
        let noted = TakeNoted { entry: "E3".into(), amount: dec("11") };
        let refused = bench.wallets.execute("W", noted).await;
        assert_eq!(refusal(&refused), "InsufficientFunds");
        assert_eq!(bench.events().await, 2);
    });
}

/// A retry was recognised by its key, and the answer got lost to the question whether its new id was noted.
#[test]
fn a_noted_id_is_found_too() {
    block_on(async {
        let (bench, faults) = bench().await;
        bench.put("W", "E1", "10").await.unwrap();
        for fault in [Fault::AnswerLost, Fault::RequestLost, Fault::Conflict] {
            let id = id(&format!("{fault:?}"));
            let first = bench.put("W", "E1", "10").await.unwrap();
            // The first attempt finds the key, the second notes the id.
            faults.plan([Fault::None, fault]);
            let again = bench.wallets.execute_with("W", put("E1", "10"), id.clone()).await.unwrap();
            assert_eq!((&again.events, again.duplicate), (&first.events, true));
            let other = bench.wallets.execute_with("W", put("E2", "1"), id).await;
            assert!(matches!(other, Err(ExecuteError::CommandIdReused { .. })), "{other:?}");
        }
        assert_eq!((bench.events().await, faults.left()), (1, 0));
    });
}

/// The connection broke, the commit was still on its way, and it landed just before the retry did.
#[test]
fn an_append_that_lands_late_is_recognised() {
    #[derive(Clone, Default)]
    struct LandsLate(Arc<Mutex<Option<Append>>>);

    impl Interceptor<Store> for LandsLate {
        async fn append(&self, store: &Store, append: Append) -> Result<Appended, AppendError> {
            let late = self.0.lock().unwrap().replace(append.clone());
            let Some(late) = late else {
                return Err(StoreError::OutcomeUnknown("it is on its way".to_owned()).into());
            };
            store.append(late).await?;
            store.append(append).await
        }
    }

    block_on(async {
        for context in [super::CommandContext::new(), id("C1")] {
            let (place, store) = new_store().await;
            let bench = Bench::on(Intercepted::new(store, LandsLate::default()), place).await;
            let executed = bench.wallets.execute_with("W", put("E1", "10"), context).await.unwrap();
            assert_eq!((executed.sequence, executed.duplicate), (1, false));
            assert_eq!(bench.events().await, 1);
        }
    });
}

/// Another program takes the place while the outcome is unknown: then the lost append can't have
/// landed, and the command is decided again.
#[test]
fn a_place_taken_by_another_is_a_conflict() {
    block_on(async {
        let (bench, faults) = bench().await;
        bench.put("W", "E1", "10").await.unwrap();
        let elsewhere = bench.elsewhere().await;
        elsewhere.take("W", "E2", "10").await.unwrap();
        faults.plan([Fault::RequestLost]);
        let refused = bench.take("W", "E3", "10").await;
        assert_eq!(refusal(&refused), "InsufficientFunds");
        assert_eq!(bench.events().await, 2);
    });
}
