//! Appends: all or nothing, each with its own outcome, whoever else is in the transaction.

use eventloom_runtime::EventStore;
use eventloom_runtime::store::Snapshot;

use super::bank::{append, bank, key, open, read, with_command, with_key};

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
