//! Reads: pages that neither miss nor repeat an event.

use eventloom_runtime::EventStore;
use eventloom_runtime::store::{Direction, EventFilter, StreamRead};

use super::bank::{ACCOUNT, append, bank, read, sequences};

#[tokio::test]
async fn a_stream_is_paged_in_both_directions() {
    let bank = bank().await;
    bank.store.append(append("B", 0, 5)).await.expect("an append");
    bank.store.append(append("A", 0, 10)).await.expect("an append");
    let page = bank.store.read_stream(read("A", 3, 4)).await.expect("a page");
    assert_eq!(sequences(&page), [4, 5, 6, 7]);
    let backwards = StreamRead { direction: Direction::Backwards, ..read("A", u64::MAX, 3) };
    let page = bank.store.read_stream(backwards).await.expect("a page");
    assert_eq!(sequences(&page), [10, 9, 8]);
    let backwards = StreamRead { direction: Direction::Backwards, ..read("A", 3, 30) };
    let page = bank.store.read_stream(backwards).await.expect("a page");
    assert_eq!(sequences(&page), [2, 1]);
    assert!(bank.store.read_stream(read("nobody", 0, 4)).await.expect("a page").is_empty());
}

#[tokio::test]
async fn a_filtered_read_moves_over_what_it_leaves_out() {
    let bank = bank().await;
    for id in ["A", "B", "C"] {
        bank.store.append(append(id, 0, 4)).await.expect("an append");
    }
    let filter = EventFilter { types: vec![(ACCOUNT, "Opened")], metadata: false };
    let page = bank.store.read_all(0, &filter, 2).await.expect("a page");
    let positions: Vec<_> = page.events.iter().map(|event| event.position).collect();
    assert_eq!((positions, page.next, page.at_end), (vec![1, 5], 5, false));
    let page = bank.store.read_all(page.next, &filter, 2).await.expect("a page");
    let positions: Vec<_> = page.events.iter().map(|event| event.position).collect();
    assert_eq!((positions, page.next, page.at_end), (vec![9], 12, true));
    let nothing = EventFilter { types: vec![(ACCOUNT, "NeverStored")], metadata: false };
    let page = bank.store.read_all(0, &nothing, 2).await.expect("a page");
    assert_eq!((page.events.len(), page.next, page.at_end), (0, 12, true));
    assert_eq!(bank.store.head().await.expect("a head"), 12);
}
