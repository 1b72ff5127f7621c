//! Commands: decided, appended, refused, invalid.

use eventloom_runtime::ExecuteError;
use eventloom_runtime::testing::block_on;

use super::{Bench, refusal};
use crate::wallet::{Break, Open, PutAtMost, PutTwice, Settle, dec};

#[test]
fn a_command_leads_to_events_and_a_state() {
    block_on(async {
        let bench = Bench::new().await;
        let first = bench.put("W", "E1", "10").await.unwrap();
        assert_eq!((first.sequence, first.position, first.duplicate), (1, 1, false));
        let twice = PutTwice { entry: "E2".into(), amount: dec("1.50") };
        let second = bench.wallets.execute("W", twice).await.unwrap();
        assert_eq!((second.sequence, second.position, second.events.len()), (3, 3, 2));
        assert_eq!(second.state.balance, dec("13"));
        let loaded = bench.wallets.load("W").await.unwrap();
        assert_eq!((loaded.sequence, &loaded.state), (3, &second.state));
    });
}

#[test]
fn a_refused_command_appends_nothing() {
    block_on(async {
        let bench = Bench::new().await;
        assert_eq!(refusal(&bench.take("W", "E1", "1").await), "WalletNotFound");
        bench.put("W", "E1", "10").await.unwrap();
        assert_eq!(refusal(&bench.take("W", "E2", "10.01").await), "InsufficientFunds");
        let open = bench.wallets.execute("W", Open { name: "mine".into() }).await;
        assert_eq!(refusal(&open), "WalletAlreadyExists");
        let deep = bench.wallets.execute("W", Settle { balance: dec("-101") }).await;
        assert_eq!(refusal(&deep), "TooDeep");
        assert_eq!(bench.events().await, 1);
        assert!(bench.take("W", "E2", "10").await.is_ok());
    });
}

#[test]
fn what_does_not_fit_or_fails_is_no_refusal() {
    block_on(async {
        let bench = Bench::new().await;
        let invalid = bench.put("W", "E1", "0.001").await.unwrap_err();
        assert!(matches!(&invalid, ExecuteError::Invalid(error) if error.field == "amount"));
        let failed = bench.wallets.execute("W", Break).await.unwrap_err();
        assert_eq!(failed.to_string(), "the decision failed: the handler is broken");
        assert_eq!(failed.refusal(), None);
        assert_eq!(bench.events().await, 0);
    });
}

#[test]
fn nothing_to_do_is_a_success() {
    block_on(async {
        let bench = Bench::new().await;
        bench.put("W", "E1", "10").await.unwrap();
        let done = bench.wallets.execute("W", Settle { balance: dec("10") }).await.unwrap();
        assert!(done.events.is_empty());
        assert_eq!((done.sequence, done.position, done.duplicate), (1, 1, false));
    });
}

#[test]
fn a_decision_may_go_on_without_an_event_that_was_refused() {
    block_on(async {
        let bench = Bench::new().await;
        let done = bench.wallets.execute("W", PutAtMost { amount: dec("7") }).await.unwrap();
        assert_eq!((done.events.len(), done.state.balance, done.state.movements), (1, dec("7"), 1));
        assert_eq!(bench.wallets.load("W").await.unwrap().state, done.state);
        assert_eq!(bench.put("W", "E1", "1").await.unwrap().state.balance, dec("8"));
    });
}
