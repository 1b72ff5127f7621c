//! Reads of single streams, in both directions, and the list of streams.

use super::sample::{ALL, account, append, big, customer, is_bounded, sequences, whole};
use crate::metadata::{Sequence, StreamId};
use crate::store::{Direction, EventStore, StreamRead};
use crate::testing::failure::{Check, ensure, equal};
use crate::testing::stores::StoreKind;

const LIMITS: [usize; 6] = [1, 2, 3, 10, ALL, usize::MAX];

pub(super) async fn an_absent_stream_is_empty(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    for direction in [Direction::Forwards, Direction::Backwards] {
        let read = StreamRead { direction, after: 3, ..whole(&account("A1")) };
        equal("the events of an absent stream", &store.read_stream(read).await?.len(), &0)?;
    }
    equal("the streams", &store.streams(account("").aggregate, None, ALL).await?, &Vec::new())
}

pub(super) async fn a_stream_is_read_forwards_in_pages(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    store.append(append(&stream, 0, 7)).await?;
    store.append(append(&account("A2"), 0, 7)).await?;
    for limit in LIMITS {
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let read = StreamRead { after, limit, ..whole(&stream) };
            let page = sequences(&store.read_stream(read).await?);
            let due = (7 - all.len()).min(limit);
            equal(&format!("the length of a page of at most {limit}"), &page.len(), &due)?;
            let Some(last) = page.last() else { break };
            after = *last;
            all.extend(page);
        }
        equal(&format!("all pages of {limit}"), &all, &(1..=7).collect())?;
    }
    Ok(())
}

pub(super) async fn a_stream_is_read_backwards_in_pages(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    store.append(append(&stream, 0, 7)).await?;
    store.append(append(&account("A2"), 0, 9)).await?;
    for limit in LIMITS {
        let (mut all, mut after) = (Vec::new(), Sequence::MAX);
        loop {
            let direction = Direction::Backwards;
            let read = StreamRead { after, limit, direction, ..whole(&stream) };
            let page = sequences(&store.read_stream(read).await?);
            let Some(last) = page.last() else { break };
            after = *last;
            all.extend(page);
        }
        equal(&format!("all pages of {limit}"), &all, &(1..=7).rev().collect())?;
    }
    Ok(())
}

pub(super) async fn the_end_of_a_stream_is_told_and_never_guessed(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    store.append(append(&stream, 0, 7)).await?;
    for (direction, start, last) in
        [(Direction::Forwards, 0, 7), (Direction::Backwards, Sequence::MAX, 1)]
    {
        for limit in LIMITS {
            let mut after = start;
            loop {
                let read = StreamRead { after, limit, direction, ..whole(&stream) };
                let page = store.read_stream(read).await?;
                let what = format!("{direction:?} in pages of {limit}, after {after}");
                after = sequences(&page).last().copied().unwrap_or(after);
                if page.at_end() {
                    equal(&format!("where the stream ends, {what}"), &after, &last)?;
                    break;
                }
                ensure!(!page.is_empty(), "a page that is not the last is empty: {what}");
                ensure!(page.len() == limit, "a page of small events is short: {what}");
            }
        }
    }
    Ok(())
}

pub(super) async fn big_events_end_a_page_of_a_stream_early(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    store.append(big(append(&stream, 0, 10))).await?;
    for (direction, start) in [(Direction::Forwards, 0), (Direction::Backwards, Sequence::MAX)] {
        let (mut all, mut after) = (Vec::new(), start);
        loop {
            let read = StreamRead { after, direction, ..whole(&stream) };
            let page = store.read_stream(read).await?;
            is_bounded(&page)?;
            let found = sequences(&page);
            after = found.last().copied().unwrap_or(after);
            all.extend(found);
            if page.at_end() {
                break;
            }
            ensure!(!page.is_empty(), "a page {direction:?} is empty, but not the last");
        }
        if direction == Direction::Backwards {
            all.reverse();
        }
        equal(&format!("the big events, read {direction:?}"), &all, &(1..=10).collect())?;
    }
    Ok(())
}

pub(super) async fn a_read_starts_beyond_where_it_is_told(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    store.append(append(&stream, 0, 5)).await?;
    let (forwards, backwards) = (Direction::Forwards, Direction::Backwards);
    let cases: [(Direction, Sequence, &[Sequence]); 8] = [
        (forwards, 0, &[1, 2, 3, 4, 5]),
        (forwards, 4, &[5]),
        (forwards, 5, &[]),
        (forwards, Sequence::MAX, &[]),
        (backwards, 6, &[5, 4, 3, 2, 1]),
        (backwards, 5, &[4, 3, 2, 1]),
        (backwards, 1, &[]),
        (backwards, 0, &[]),
    ];
    for (direction, after, expected) in cases {
        let read = StreamRead { direction, after, ..whole(&stream) };
        let found = sequences(&store.read_stream(read).await?);
        equal(&format!("reading {direction:?} after {after}"), &found.as_slice(), &expected)?;
    }
    Ok(())
}

pub(super) async fn streams_are_listed_in_order_in_pages(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let mut ids = vec!["b", "a", "ä", "Z", "10", "9", "日本", "a b", "ab"];
    for id in &ids {
        store.append(append(&account(id), 0, 2)).await?;
        store.append(append(&customer(&format!("not {id}")), 0, 1)).await?;
    }
    ids.sort_unstable();
    let expected: Vec<StreamId> = ids.iter().map(StreamId::from).collect();
    for limit in LIMITS {
        let (mut all, mut last) = (Vec::new(), None);
        loop {
            let page = store.streams(account("").aggregate, last.as_ref(), limit).await?;
            let Some(end) = page.last() else { break };
            last = Some(end.clone());
            all.extend(page);
        }
        equal(&format!("the ids of the streams in pages of {limit}"), &all, &expected)?;
    }
    Ok(())
}
