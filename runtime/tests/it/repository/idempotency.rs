//! A command that is sent again gets its first outcome again, whatever has happened since.

use eventloom_runtime::testing::block_on;
use eventloom_runtime::{CommandContext, Duration, ExecuteError};

use super::{Bench, id, put, refusal, take};
use crate::wallet::{Open, OpenWith, PutOnce, PutTwice, Rename, Settle, TakeNoted, dec, newer};

#[test]
fn a_command_id_brings_the_first_outcome_back() {
    block_on(async {
        let bench = Bench::new().await;
        let first = bench.wallets.execute_with("W", put("E1", "10"), id("C1")).await.unwrap();
        bench.put("W", "E2", "5").await.unwrap();
        bench.clock.advance(Duration::from_micros(1_000));
        for bench in [&bench, &bench.elsewhere().await] {
            let again = bench.wallets.execute_with("W", put("E1", "10"), id("C1")).await.unwrap();
            assert!(again.duplicate);
            assert_eq!(again.events, first.events);
            assert_eq!((again.sequence, again.position), (first.sequence, first.position));
            assert_eq!(again.state.balance, dec("15"));
        }
        assert_eq!(bench.events().await, 2);
    });
}

#[test]
fn a_refusal_is_an_outcome_too() {
    block_on(async {
        let bench = Bench::new().await;
        bench.put("W", "E1", "1").await.unwrap();
        let first = bench.wallets.execute_with("W", take("E2", "2"), id("C1")).await;
        assert_eq!(refusal(&first), "InsufficientFunds");
        bench.put("W", "E3", "10").await.unwrap();
        for bench in [&bench, &bench.elsewhere().await] {
            let again = bench.wallets.execute_with("W", take("E2", "2"), id("C1")).await;
            assert_eq!(again, first);
        }
        // Without the id, and under another, it is a new command.
        assert!(bench.wallets.execute_with("W", take("E2", "2"), id("C2")).await.is_ok());
    });
}

#[test]
fn nothing_to_do_is_an_outcome_too() {
    block_on(async {
        let bench = Bench::new().await;
        bench.put("W", "E1", "10").await.unwrap();
        let settle = Settle { balance: dec("10") };
        let first = bench.wallets.execute_with("W", settle.clone(), id("C1")).await.unwrap();
        assert!(first.events.is_empty() && !first.duplicate);
        bench.put("W", "E2", "1").await.unwrap();
        let again = bench.wallets.execute_with("W", settle, id("C1")).await.unwrap();
        assert!(again.events.is_empty() && again.duplicate);
        assert_eq!(again.state.balance, dec("11"));
    });
}

#[test]
fn a_command_id_is_for_one_command_on_one_stream() {
    block_on(async {
        let bench = Bench::new().await;
        bench.wallets.execute_with("W", put("E1", "10"), id("C1")).await.unwrap();
        let reused = |outcome: super::Outcome| match outcome {
            Err(error @ ExecuteError::CommandIdReused { .. }) => {
                let told = error.to_string();
                for part in ["`C1`", "all streams of a store", "send a new command under a new id"]
                {
                    assert!(told.contains(part), "no `{part}` in: {told}");
                }
            }
            other => panic!("{other:?}"),
        };
        reused(bench.wallets.execute_with("W", put("E1", "11"), id("C1")).await);
        reused(bench.wallets.execute_with("V", put("E1", "10"), id("C1")).await);
        reused(bench.wallets.execute_with("W", take("E1", "10"), id("C1")).await);
        // Decided otherwise, too: refused, and with nothing to do.
        reused(bench.wallets.execute_with("W", take("E1", "100"), id("C1")).await);
        reused(bench.wallets.execute_with("W", Settle { balance: dec("10") }, id("C1")).await);
        // The same value in other digits is the same content.
        assert!(
            bench.wallets.execute_with("W", put("E1", "10.00"), id("C1")).await.unwrap().duplicate
        );
        assert_eq!(bench.events().await, 1);
    });
}

#[test]
fn a_key_brings_the_first_outcome_back() {
    block_on(async {
        let bench = Bench::new().await;
        let first = bench.put("W", "E1", "10").await.unwrap();
        for bench in [&bench, &bench.elsewhere().await] {
            let again = bench.put("W", "E1", "10").await.unwrap();
            assert!(again.duplicate);
            assert_eq!(again.events, first.events);
        }
        assert_eq!(refusal(&bench.put("W", "E1", "11").await), "DuplicateEntry");
        assert_eq!(refusal(&bench.take("W", "E1", "10").await), "DuplicateEntry");
        assert!(!bench.put("V", "E1", "10").await.unwrap().duplicate, "keys are the stream's");
        assert_eq!(bench.events().await, 2);
    });
}

/// A withdrawal that emptied the account was sent again after its answer got lost, and was told
/// that there are insufficient funds: the money was gone because of itself.
#[test]
fn a_retry_meets_itself_before_it_meets_a_refusal() {
    block_on(async {
        let bench = Bench::new().await;
        bench.put("W", "E1", "10").await.unwrap();
        let first = bench.take("W", "E2", "10").await.unwrap();
        let again = bench.take("W", "E2", "10").await.unwrap();
        assert!(again.duplicate);
        assert_eq!(again.events, first.events);
        let first = bench.wallets.execute_with("V", Open { name: "mine".into() }, id("C1")).await;
        let again = bench.wallets.execute_with("V", Open { name: "mine".into() }, id("C1")).await;
        assert_eq!(again.unwrap().events, first.unwrap().events);
        // With other content the key is looked at before the funds as well.
        assert_eq!(refusal(&bench.take("W", "E2", "11").await), "DuplicateEntry");
    });
}

/// A retry found the state that it had made itself, decided otherwise, and its events did not claim
/// the key any more: it was carried out twice.
#[test]
fn a_retry_is_recognised_even_where_it_would_decide_otherwise() {
    block_on(async {
        let bench = Bench::new().await;
        let put = PutOnce { entry: "E1".into(), amount: dec("1") };
        let first = bench.wallets.execute("W", put.clone()).await.unwrap();
        for bench in [&bench, &bench.elsewhere().await] {
            let again = bench.wallets.execute("W", put.clone()).await.unwrap();
            assert!(again.duplicate);
            assert_eq!(again.events, first.events);
        }
        let other = PutOnce { entry: "E1".into(), amount: dec("2") };
        assert_eq!(refusal(&bench.wallets.execute("W", other).await), "DuplicateEntry");
        assert_eq!(bench.events().await, 1);
    });
}

#[test]
fn a_key_without_idempotency_is_refused_even_to_its_own_command() {
    block_on(async {
        let bench = Bench::new().await;
        bench.wallets.execute("W", Open { name: "mine".into() }).await.unwrap();
        let again = bench.wallets.execute("W", Open { name: "mine".into() }).await;
        assert_eq!(refusal(&again), "DuplicateName", "keys come before the target");
        let other = bench.wallets.execute("V", Open { name: "mine".into() }).await;
        assert_eq!(refusal(&other), "DuplicateName", "across all wallets");
        assert_eq!(
            other.unwrap_err().to_string(),
            "DuplicateName: the name `mine` was taken by another command, at sequence 1 of Wallet `W`"
        );
        let renamed = bench.wallets.execute("W", Rename { name: "yours".into() }).await;
        assert_eq!(refusal(&renamed), "NamedAlready");
        assert_eq!(bench.events().await, 1);
    });
}

#[test]
fn a_refusal_for_a_taken_key_is_recorded_under_the_id() {
    block_on(async {
        let bench = Bench::new().await;
        bench.put("W", "E1", "10").await.unwrap();
        let first = bench.wallets.execute_with("W", put("E1", "11"), id("C1")).await;
        assert_eq!(refusal(&first), "DuplicateEntry");
        assert_eq!(bench.wallets.execute_with("W", put("E1", "11"), id("C1")).await, first);
        let recorded = bench.wallets.execute_with("W", put("E1", "12"), id("C1")).await;
        assert!(matches!(recorded, Err(ExecuteError::CommandIdReused { .. })));
    });
}

#[test]
fn events_of_one_command_may_share_a_key_that_recognises_it() {
    block_on(async {
        let bench = Bench::new().await;
        let twice = PutTwice { entry: "E1".into(), amount: dec("1") };
        let first = bench.wallets.execute("W", twice.clone()).await.unwrap();
        let again = bench.wallets.execute("W", twice).await.unwrap();
        assert_eq!((again.events.len(), again.duplicate), (2, true));
        assert_eq!(again.events, first.events);
    });
}

#[test]
fn a_refusal_that_keeps_events_is_refused_again() {
    block_on(async {
        for context in [CommandContext::new(), id("C1")] {
            let bench = Bench::new().await;
            bench.put("W", "E1", "1").await.unwrap();
            let take = TakeNoted { entry: "E2".into(), amount: dec("5") };
            let first = bench.wallets.execute_with("W", take.clone(), context.clone()).await;
            assert_eq!(refusal(&first), "InsufficientFunds");
            assert_eq!(bench.events().await, 2, "the note is kept");
            bench.put("W", "E3", "100").await.unwrap();
            let again = bench.wallets.execute_with("W", take.clone(), context).await;
            assert_eq!(again, first);
            // Under another id it is the same command still: its key says so.
            assert_eq!(bench.wallets.execute_with("W", take, id("C2")).await, first);
            assert_eq!(bench.events().await, 3);
        }
    });
}

/// A client sent a payment again under a new id. Its transaction was recognised and the payment not
/// repeated, but nobody noted the new id: when a fault of the client used it once more, for another
/// payment, that one was made too, although the id had been answered before.
#[test]
fn a_retry_recognised_by_its_key_takes_its_new_id_along() {
    block_on(async {
        for context in [CommandContext::new(), id("C1")] {
            let bench = Bench::new().await;
            let first = bench.wallets.execute_with("W", put("E1", "10"), context).await.unwrap();
            bench.put("W", "E2", "1").await.unwrap();
            for bench in [&bench, &bench.elsewhere().await] {
                let again = bench.wallets.execute_with("W", put("E1", "10"), id("C2")).await;
                let again = again.unwrap();
                assert!(again.duplicate);
                assert_eq!(again.events, first.events);
                assert_eq!((again.sequence, again.position), (first.sequence, first.position));
                let other = bench.wallets.execute_with("W", put("E3", "99"), id("C2")).await;
                assert!(matches!(other, Err(ExecuteError::CommandIdReused { .. })), "{other:?}");
            }
            assert_eq!(bench.events().await, 2);
        }
    });
}

/// The same where the retry decides otherwise than the first time, and its own events would not claim
/// the key any more.
#[test]
fn a_new_id_of_a_retry_is_noted_whatever_it_would_decide() {
    block_on(async {
        let bench = Bench::new().await;
        bench.put("W", "E1", "10").await.unwrap();
        let first = bench.take("W", "E2", "10").await.unwrap();
        for _ in 0..2 {
            let again = bench.wallets.execute_with("W", take("E2", "10"), id("C1")).await.unwrap();
            assert_eq!((&again.events, again.duplicate), (&first.events, true));
        }
        let other = bench.wallets.execute_with("W", put("E3", "1"), id("C1")).await;
        assert!(matches!(other, Err(ExecuteError::CommandIdReused { .. })), "{other:?}");
        assert_eq!(bench.events().await, 2);
    });
}

/// A retry of a refused command that had kept its events came with its key alone. The refusal was
/// looked for under the events' causation id, which the first caller had set to something else: the
/// retry was told that all went well, and goods were handed out that nobody had paid for.
#[test]
fn a_refusal_that_keeps_events_is_found_whatever_caused_it() {
    block_on(async {
        let contexts = [CommandContext::new(), id("C1")];
        for first in contexts.clone().map(|context| context.causation_id("an order")) {
            for again in contexts.clone().map(|context| context.causation_id("a reminder")) {
                let bench = Bench::new().await;
                bench.put("W", "E1", "1").await.unwrap();
                let take = TakeNoted { entry: "E2".into(), amount: dec("5") };
                let refused = bench.wallets.execute_with("W", take.clone(), first.clone()).await;
                assert_eq!(refusal(&refused), "InsufficientFunds");
                bench.put("W", "E3", "100").await.unwrap();
                assert_eq!(bench.wallets.execute_with("W", take, again).await, refused);
                assert_eq!(bench.events().await, 3);
            }
        }
    });
}

/// A payment was refused, and sent again later, with the refused command as its cause. It was made;
/// but a retry of it by its key found the refusal under that cause, and was told that it was not.
#[test]
fn a_refused_command_that_caused_a_payment_does_not_stand_for_it() {
    block_on(async {
        let bench = Bench::new().await;
        bench.put("W", "E1", "1").await.unwrap();
        let refused = bench.wallets.execute_with("W", take("E2", "5"), id("C1")).await;
        assert_eq!(refusal(&refused), "InsufficientFunds");
        bench.put("W", "E3", "100").await.unwrap();
        let caused = CommandContext::new().causation_id("C1");
        let paid = bench.wallets.execute_with("W", take("E2", "5"), caused).await.unwrap();
        for context in [CommandContext::new(), id("C2"), id("C2")] {
            let again = bench.wallets.execute_with("W", take("E2", "5"), context).await.unwrap();
            assert_eq!((&again.events, again.duplicate), (&paid.events, true));
        }
    });
}

/// A wallet was opened with a name that must be unique, under an entry that recognises a retry. The
/// retry found the name to be taken, by itself, before it looked at its entry.
#[test]
fn a_retry_is_recognised_before_its_other_keys_are_found_taken() {
    block_on(async {
        let bench = Bench::new().await;
        let open = OpenWith { name: "mine".into(), entry: "E1".into(), amount: dec("5") };
        let first = bench.wallets.execute("W", open.clone()).await.unwrap();
        for context in [CommandContext::new(), id("C1")] {
            let again = bench.wallets.execute_with("W", open.clone(), context).await.unwrap();
            assert_eq!((&again.events, again.duplicate), (&first.events, true));
        }
        let other = OpenWith { entry: "E2".into(), ..open.clone() };
        assert_eq!(refusal(&bench.wallets.execute("V", other).await), "DuplicateName");
        let other = OpenWith { name: "yours".into(), ..open };
        assert_eq!(refusal(&bench.wallets.execute("W", other).await), "DuplicateEntry");
    });
}

#[test]
fn a_recorded_refusal_that_the_program_no_longer_has_is_told_as_it_was() {
    block_on(async {
        use eventloom_runtime::EventStore;
        use eventloom_runtime::store::{Append, CommandRecord};
        let bench = Bench::new().await;
        let refused = bench.wallets.execute_with("W", take("E1", "1"), id("C1")).await;
        assert_eq!(refusal(&refused), "WalletNotFound");
        let recorded = bench.store.command("C1").await.unwrap().unwrap();
        let old = Some(("GoneByNow".to_owned(), "it was so".to_owned()));
        let append = Append {
            stream: recorded.stream,
            expected: 0,
            events: Vec::new(),
            released: Vec::new(),
            passing: Vec::new(),
            keys: Vec::new(),
            content: recorded.content,
            command: Some(CommandRecord { id: "C2".into(), refusal: old, repeats: None }),
            snapshot: None,
            epoch: None,
        };
        bench.store.append(append).await.unwrap();
        let again = bench.wallets.execute_with("W", take("E1", "1"), id("C2")).await.unwrap_err();
        assert_eq!(
            again.to_string(),
            "this command was refused before as GoneByNow (it was so); this program has no such refusal"
        );
        assert_eq!(bench.wallets.execute_with("W", take("E1", "1"), id("C2")).await, Err(again));
    });
}

/// A program was deployed whose command has one more input, which need not be supplied: a retry of a command
/// from before hashed it as `null`, was taken for another command, and refused.
#[test]
fn an_input_that_is_new_and_not_supplied_makes_no_other_command() {
    block_on(async {
        let bench = Bench::new().await;
        let first = bench.wallets.execute_with("W", put("E1", "10"), id("C1")).await.unwrap();
        let newer = |note: Option<&str>| newer::Put {
            entry: "E1".to_owned(),
            amount: dec("10"),
            note: note.map(str::to_owned),
        };
        for context in [CommandContext::new(), id("C1"), id("C2")] {
            let again = bench.wallets.execute_with("W", newer(None), context).await.unwrap();
            assert_eq!((&again.events, again.duplicate), (&first.events, true));
        }
        let other = bench.wallets.execute("W", newer(Some("thanks"))).await;
        assert_eq!(refusal(&other), "DuplicateEntry");
    });
}
