//! Reads: pages that neither miss nor repeat an event.

use eventloom_runtime::store::{Direction, EventFilter, PAGE_POSITIONS, StreamRead};
use eventloom_runtime::{EventStore, Timestamp};

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
    let filter = EventFilter { types: vec![(ACCOUNT, "Opened")], ..EventFilter::default() };
    let page = bank.store.read_all(0, &filter, 2).await.expect("a page");
    let positions: Vec<_> = page.events.iter().map(|event| event.position).collect();
    assert_eq!((positions, page.next, page.events.at_end()), (vec![1, 5], 5, false));
    let page = bank.store.read_all(page.next, &filter, 2).await.expect("a page");
    let positions: Vec<_> = page.events.iter().map(|event| event.position).collect();
    assert_eq!((positions, page.next, page.events.at_end()), (vec![9], 12, true));
    let nothing = EventFilter { types: vec![(ACCOUNT, "NeverStored")], ..EventFilter::default() };
    let page = bank.store.read_all(0, &nothing, 2).await.expect("a page");
    assert_eq!((page.events.len(), page.next, page.events.at_end()), (0, 12, true));
    assert_eq!(bank.store.head().await.expect("a head"), 12);
}

#[tokio::test]
async fn a_long_stream_among_others_is_paged_whole_in_both_directions() {
    const EVENTS: u64 = 100_000;
    let bank = bank().await;
    for number in 0..EVENTS / 1000 {
        bank.store.append(append("long", number * 1000, 1000)).await.expect("an append");
        bank.store.append(append("other", number * 3, 3)).await.expect("an append");
    }
    let (mut forwards, mut after) = (Vec::new(), 0);
    loop {
        let page = bank.store.read_stream(read("long", after, 997)).await.expect("a page");
        let Some(last) = page.iter().next_back() else { break };
        after = last.meta.sequence;
        forwards.extend(sequences(&page));
    }
    assert!(forwards.iter().copied().eq(1..=EVENTS));
    let (mut backwards, mut before) = (Vec::new(), u64::MAX);
    loop {
        let read = StreamRead { direction: Direction::Backwards, ..read("long", before, 1009) };
        let page = bank.store.read_stream(read).await.expect("a page");
        let Some(last) = page.iter().next_back() else { break };
        before = last.meta.sequence;
        backwards.extend(sequences(&page));
    }
    assert!(backwards.iter().copied().eq((1..=EVENTS).rev()));
    let types = vec![(ACCOUNT, "Opened")];
    let filter = EventFilter { types, metadata: true, ..EventFilter::default() };
    let (mut found, mut ends) = (0, vec![0]);
    while ends.last() != Some(&(EVENTS + EVENTS / 1000 * 3)) {
        let page = bank.store.read_all(ends[ends.len() - 1], &filter, 100).await.expect("a page");
        found += page.events.len();
        ends.push(page.next);
    }
    assert_eq!((found, ends.len()), (2, 8));
    assert!(ends.windows(2).all(|ends| ends[1] - ends[0] <= PAGE_POSITIONS), "{ends:?}");
}

/// A file may have gaps; nobody looks through them position by position.
#[tokio::test]
async fn a_gap_in_the_positions_is_skipped() {
    let bank = bank().await;
    bank.store.append(append("A", 0, 2)).await.expect("an append");
    let raw = rusqlite::Connection::open(bank.folder.path().join("bank.db")).expect("the file");
    raw.execute("UPDATE events SET position = 9000000000000000000 WHERE position = 2", [])
        .expect("sound SQL");
    let types = vec![(ACCOUNT, "Deposited")];
    let filter = EventFilter { types, ..EventFilter::default() };
    let page = bank.store.read_all(0, &filter, 10).await.expect("a page");
    assert_eq!((page.events.len(), page.next), (0, 8_999_999_999_999_999_999));
    assert!(!page.events.at_end());
    let page = bank.store.read_all(page.next, &filter, 10).await.expect("a page");
    assert_eq!((page.events.len(), page.next), (1, 9_000_000_000_000_000_000));
    assert!(page.events.at_end());
}

/// What people see with the sqlite3 command line.
#[tokio::test]
async fn the_event_log_is_readable() {
    let bank = bank().await;
    let mut first = append("A", 0, 2);
    let cause: Option<std::sync::Arc<str>> = Some("C-1".into());
    let meta = &mut first.events[0].meta;
    (meta.correlation_id, meta.causation_id) = (cause.clone(), cause.clone());
    meta.actor = Some("teller".into());
    (meta.at, meta.recorded_at) = (Timestamp::from_micros(-1), Timestamp::from_micros(1_500_000));
    let meta = &mut first.events[1].meta;
    (meta.correlation_id, meta.causation_id) = (Some("R-1".into()), cause);
    bank.store.append(first.clone()).await.expect("an append");
    let rows = bank.store.database().read(|connection| {
        let mut rows = connection.prepare(
            "SELECT aggregate, stream_id, sequence, event_type, version, at, recorded_at, \
             actor, correlation_id, causation_id, event_id, data FROM event_log ORDER BY position",
        )?;
        let texts = |row: &rusqlite::Row<'_>| {
            (0..12)
                .map(|column| {
                    Ok(match row.get::<_, rusqlite::types::Value>(column)? {
                        rusqlite::types::Value::Text(text) => text,
                        other => format!("{other:?}"),
                    })
                })
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        Ok(rows.query_map([], texts)?.collect::<rusqlite::Result<Vec<_>>>()?)
    });
    let rows = rows.await.expect("rows");
    assert_eq!(rows[0][..2], ["Account", "A"]);
    assert_eq!(rows[0][5..7], ["1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:01.500000Z"]);
    assert_eq!(rows[0][7..10], ["teller", "C-1", "C-1"]);
    assert_eq!(rows[1][7..10], ["Null", "R-1", "C-1"]);
    assert_eq!(rows[0][10], first.events[0].meta.event_id.simple().to_string());
    assert_eq!(rows[0][11].as_bytes(), first.events[0].data);
    let page = bank.store.read_stream(read("A", 0, 2)).await.expect("a page");
    for (stored, new) in page.iter().zip(&first.events) {
        assert_eq!(stored.meta, &new.meta);
    }
}
