//! Appends: all or nothing, each with its own outcome, whoever else is in the transaction.

use eventloom_runtime::EventStore;
use eventloom_runtime::store::{AppendError, Snapshot};

use super::bank::{append, bank, key, open, read, sequences, together, with_command, with_key};

#[tokio::test]
async fn an_append_lands_whole_and_is_there_after_a_restart() {
    let bank = bank().await;
    let path = bank.folder.path().join("bank.db");
    let mut first = with_command(with_key(append("A", 0, 3), "T1"), "C1");
    first.snapshot = Some(Snapshot { sequence: 3, meaning: u64::MAX, data: b"{}".to_vec() });
    let appended = bank.store.append(first.clone()).await.expect("an append");
    assert_eq!(appended.position, 3);
    drop(bank.store);

    let store = open(&path).await;
    let page = store.read_stream(read("A", 0, 10)).await.expect("a page");
    assert_eq!(page.len(), 3);
    for (stored, new) in page.iter().zip(&first.events) {
        assert_eq!((stored.meta, stored.data), (&new.meta, new.data.as_slice()));
        assert_eq!((stored.event_type, stored.version), (new.event_type, new.version));
    }
    let known = store.command("C1").await.expect("a read").expect("the command");
    assert_eq!((known.content, known.events, known.refusal), ([7; 16], Some((1, 3)), None));
    assert_eq!(known.stream, key("A"));
    let taken = store.taken_key(&key("A"), &first.keys).await.expect("a read").expect("the key");
    assert_eq!((taken.claim, taken.events), (first.keys[0].clone(), (1, 3)));
    let snapshot = store.snapshot(&key("A"), u64::MAX, 3).await.expect("a read");
    assert_eq!(snapshot, first.snapshot);
    assert_eq!(store.snapshot(&key("A"), u64::MAX, 2).await.expect("a read"), None);
    assert_eq!(store.snapshot(&key("A"), 1, 3).await.expect("a read"), None);
}

#[tokio::test]
async fn of_racing_appends_to_one_stream_one_wins_each_sequence() {
    let bank = bank().await;
    for expected in 0..20 {
        let appends = (0..16).map(|_| append("A", expected, 1)).collect();
        let outcomes = together(&bank.store, appends).await;
        let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(won, 1, "{outcomes:?}");
        let conflict = AppendError::Conflict { expected, actual: expected + 1 };
        assert_eq!(outcomes.iter().filter(|o| **o == Err(conflict.clone())).count(), 15);
    }
    let page = bank.store.read_stream(read("A", 0, 100)).await.expect("a page");
    assert_eq!(sequences(&page), (1..=20).collect::<Vec<_>>());
}
