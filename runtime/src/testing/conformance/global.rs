//! The global order: every event once, in order of position, whatever the page and the filter.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::sample::{
    ACCOUNT, ALL, CUSTOMER, MOVED, OPENED, Seen, account, append, big, customer, everything, holds,
    is_bounded, only, read_to_end, seen,
};
use crate::event::EventShape;
use crate::metadata::Position;
use crate::store::{EventFilter, EventStore, PAGE_POSITIONS};
use crate::testing::failure::{Check, Failure, ensure, equal};
use crate::testing::stores::StoreKind;

/// Streams of two aggregates, interleaved: 24 events, 6 of them the first of their stream.
async fn interleaved(store: &impl EventStore) -> Check<Vec<(String, u64)>> {
    let streams = [
        account("A1"),
        customer("A1"),
        account("A2"),
        account("A3"),
        customer("C2"),
        customer("C3"),
    ];
    let mut order = Vec::new();
    for (round, count) in [(0, 1), (1, 2), (3, 1)] {
        for stream in &streams {
            store.append(append(stream, round, count)).await?;
            let name = format!("{} {}", stream.aggregate, stream.id);
            order.extend((round + 1..=round + count).map(|sequence| (name.clone(), sequence)));
        }
    }
    Ok(order)
}

fn without_positions(seen: &Seen) -> Vec<(String, u64)> {
    seen.iter().map(|(_, stream, sequence)| (stream.clone(), *sequence)).collect()
}

pub(super) async fn an_empty_store_is_read_at_once(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    for filter in [everything(), only(&[(ACCOUNT, MOVED)])] {
        let page = store.read_all(0, &filter, 10).await?;
        equal("the number of events", &page.events.len(), &0)?;
        equal("where to go on", &page.next, &0)?;
        ensure!(page.events.at_end(), "the end of an empty store is not reported");
    }
    Ok(())
}

pub(super) async fn the_global_order_is_the_order_of_the_appends(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let expected = interleaved(&store).await?;
    for limit in [1, 2, 5, 24, ALL] {
        let all = read_to_end(&store, &everything(), limit).await?;
        equal(
            &format!("the global order in pages of {limit}"),
            &without_positions(&all),
            &expected,
        )?;
        let grow = all.windows(2).all(|pair| pair[0].0 < pair[1].0);
        ensure!(grow, "positions do not grow from event to event: {all:?}");
    }
    let last = read_to_end(&store, &everything(), ALL).await?.last().map(|event| event.0);
    equal("the head", &Some(store.head().await?), &last)
}

pub(super) async fn a_filter_gives_its_events_and_no_others(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let all = interleaved(&store).await?;
    type Passes = fn(&str, u64) -> bool;
    let cases: [(&[(&'static str, &'static str)], Passes); 5] = [
        (&[(ACCOUNT, OPENED)], |stream, sequence| stream.starts_with("Account") && sequence == 1),
        (&[(CUSTOMER, MOVED)], |stream, sequence| stream.starts_with("Customer") && sequence > 1),
        (&[(ACCOUNT, OPENED), (CUSTOMER, OPENED)], |_, sequence| sequence == 1),
        (&[(ACCOUNT, MOVED), (CUSTOMER, OPENED)], |stream, sequence| {
            stream.starts_with("Account") == (sequence > 1)
        }),
        (&[("Nobody", "Nothing")], |_, _| false),
    ];
    for (types, passes) in cases {
        let expected: Vec<_> =
            all.iter().filter(|(stream, sequence)| passes(stream, *sequence)).cloned().collect();
        for limit in [1, 2, 3, ALL] {
            let found = read_to_end(&store, &only(types), limit).await?;
            let what = format!("{types:?} in pages of {limit}");
            equal(&what, &without_positions(&found), &expected)?;
        }
    }
    Ok(())
}

/// Another handle, such as that of a newer program, appends the unknown while this one goes on reading.
pub(super) async fn a_filter_gives_what_the_program_does_not_know_too(
    kind: impl StoreKind,
) -> Check {
    const KNOWN: &[EventShape] = &[
        EventShape { event_type: OPENED, version: 1, shape: "{}" },
        EventShape { event_type: MOVED, version: 1, shape: "{}" },
    ];
    let (place, store) = kind.open_new().await?;
    let newer = kind.open(&place).await?;
    let filter = EventFilter { known: vec![(ACCOUNT, KNOWN)], ..only(&[(ACCOUNT, OPENED)]) };
    let (mut after, mut expected) = (0, 0);
    for event_type in ["Frozen", "Frozen", "Thawed"] {
        for stream in [account("A1"), customer("A1")] {
            let mut unknown = append(&stream, expected, 4);
            unknown.events[2].version = 2;
            unknown.events[3].event_type = event_type;
            newer.append(unknown).await?;
        }
        let mut found = Vec::new();
        loop {
            let page = store.read_all(after, &filter, 1).await?;
            found.extend(seen(&page).into_iter().map(|(_, stream, sequence)| (stream, sequence)));
            after = page.next;
            if page.events.at_end() {
                break;
            }
        }
        let opened = (expected == 0).then_some(1);
        let due = opened.into_iter().chain([expected + 4]);
        let due: Vec<_> = due.map(|sequence| ("Account A1".to_owned(), sequence)).collect();
        equal("the events that are asked for or unknown", &found, &due)?;
        expected += 4;
    }
    Ok(())
}

pub(super) async fn a_page_leads_past_what_its_filter_left_out(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    store.append(append(&account("A1"), 0, 50)).await?;
    let filter = only(&[(ACCOUNT, OPENED)]);

    let page = store.read_all(0, &filter, 10).await?;

    equal("the number of events", &page.events.len(), &1)?;
    ensure!(page.events.at_end(), "the end is not reported");
    equal("where to go on, at the end", &page.next, &store.head().await?)
}

pub(super) async fn a_page_never_leads_past_an_event_it_did_not_give(
    kind: impl StoreKind,
) -> Check {
    let (_place, store) = kind.open_new().await?;
    interleaved(&store).await?;
    for filter in [everything(), only(&[(ACCOUNT, MOVED)])] {
        let all = read_to_end(&store, &filter, ALL).await?;
        for limit in 1..=5 {
            let mut after = 0;
            while after < store.head().await? {
                let page = store.read_all(after, &filter, limit).await?;
                let due: Seen = all
                    .iter()
                    .filter(|event| event.0 > after && event.0 <= page.next)
                    .cloned()
                    .collect();
                equal(&format!("the events up to position {}", page.next), &seen(&page), &due)?;
                after = page.next;
            }
        }
    }
    Ok(())
}

/// The story: a read whose filter found next to nothing looked at the whole log before it answered.
/// Since then a page may end without an event, and is not to be taken for the end of the store.
pub(super) async fn a_rare_event_in_a_long_log_is_found(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let mut long = 0;
    while long <= PAGE_POSITIONS {
        store.append(append(&account("A1"), long, 2048)).await?;
        long += 2048;
    }
    store.append(append(&customer("C1"), 0, 2)).await?;
    for limit in [1, 10] {
        let found = read_to_end(&store, &only(&[(CUSTOMER, OPENED)]), limit).await?;
        equal(
            "the rare events",
            &without_positions(&found),
            &[("Customer C1".to_owned(), 1)].into(),
        )?;
    }
    Ok(())
}

pub(super) async fn big_events_end_a_page_of_the_global_order_early(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    for stream in [account("A1"), customer("A1")] {
        store.append(big(append(&stream, 0, 8))).await?;
    }
    for (filter, due) in [(everything(), 16), (only(&[(CUSTOMER, MOVED)]), 7)] {
        let (mut found, mut after) = (0, 0);
        loop {
            let page = store.read_all(after, &filter, ALL).await?;
            is_bounded(&page.events)?;
            found += page.events.len();
            let last = page.events.iter().next_back().map(|event| event.position);
            ensure!(
                page.events.at_end() || Some(page.next) == last && page.next > after,
                "a page after {after} with the last event at {last:?} leads to {}",
                page.next
            );
            after = page.next;
            if page.events.at_end() {
                break;
            }
        }
        equal(&format!("the big events that pass {:?}", filter.types), &found, &due)?;
    }
    Ok(())
}

pub(super) async fn reading_on_from_any_position_misses_nothing(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    interleaved(&store).await?;
    let all = read_to_end(&store, &everything(), ALL).await?;
    for after in 0..=store.head().await? {
        let page = store.read_all(after, &everything(), ALL).await?;
        let due: Seen = all.iter().filter(|event| event.0 > after).cloned().collect();
        equal(&format!("the events after position {after}"), &seen(&page), &due)?;
    }
    Ok(())
}

pub(super) async fn beyond_the_head_there_is_nothing(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    store.append(append(&account("A1"), 0, 3)).await?;
    let head = store.head().await?;
    for after in [head, head + 10, u64::from(u32::MAX), i64::MAX.unsigned_abs(), Position::MAX] {
        let page = store.read_all(after, &everything(), 10).await?;
        equal(&format!("the events after position {after}"), &page.events.len(), &0)?;
        ensure!(page.events.at_end(), "the end is not reported after position {after}");
        ensure!(page.next >= after, "a read after position {after} leads back to {}", page.next);
    }
    Ok(())
}

pub(super) async fn a_page_of_no_events_leads_on_all_the_same(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    store.append(append(&account("A1"), 0, 3)).await?;
    let (mut after, mut pages) = (0, 0);
    loop {
        let page = store.read_all(after, &everything(), 0).await?;
        pages += 1;
        ensure!(
            page.events.at_end() || page.next > after,
            "a page after position {after} is not the last, but leads no further"
        );
        after = page.next;
        if page.events.at_end() {
            return equal("where the last page leads", &after, &store.head().await?);
        }
        ensure!(pages < 10, "three events make {pages} pages");
    }
}

pub(super) async fn a_read_tells_aggregate_type_and_metadata(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    for stream in [account("1"), customer("1")] {
        let sent = append(&stream, 0, 2);
        store.append(sent.clone()).await?;
        let filter = only(&[(stream.aggregate, OPENED), (stream.aggregate, MOVED)]);
        let page = store.read_all(0, &filter, 10).await?;
        equal("the number of events", &page.events.len(), &2)?;
        for (event, sent) in page.events.iter().zip(&sent.events) {
            equal("the aggregate type", &event.aggregate, &stream.aggregate)?;
            equal("the event type", &event.event_type, &sent.event_type)?;
            equal("the data", &event.data, &sent.data.as_slice())?;
            equal("the metadata", event.meta, &sent.meta)?;
        }
        let bare = EventFilter { metadata: false, ..filter };
        let page = store.read_all(0, &bare, 10).await?;
        let ids: Vec<_> = page.events.iter().map(|event| event.meta.event_id).collect();
        let expected: Vec<_> = sent.events.iter().map(|event| event.meta.event_id).collect();
        equal("the ids of events read without texts", &ids, &expected)?;
    }
    Ok(())
}

pub(super) async fn a_stream_and_the_global_order_agree(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    interleaved(&store).await?;
    let all = read_to_end(&store, &everything(), ALL).await?;
    let page = holds(&store, &account("A2"), 4).await?;
    let found: Vec<Position> = page.iter().map(|event| event.position).collect();
    let expected: Vec<Position> =
        all.iter().filter(|event| event.1 == "Account A2").map(|event| event.0).collect();
    equal("the positions of the events of a stream", &found, &expected)
}

pub(super) async fn waiting_ends_when_an_event_is_there(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    store.append(append(&account("A1"), 0, 1)).await?;
    wakes(&store, 0, "an event that is there already").await?;

    let waiting = tokio::spawn({
        let (store, head) = (store.clone(), store.head().await?);
        async move { wakes(&store, head, "an append that follows").await }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    store.append(append(&account("A2"), 0, 1)).await?;
    waiting.await.map_err(|error| Failure::new(format!("the waiting task panicked: {error}")))?
}

/// Waits until the head lies beyond a position, looking whenever the store says so.
pub(super) async fn wakes(store: &impl EventStore, after: Position, what: &str) -> Check {
    let wait = async {
        while store.head().await? <= after {
            store.changed(after).await;
        }
        Ok(())
    };
    timeout(Duration::from_secs(5), wait)
        .await
        .map_err(|_| Failure::new(format!("nobody was woken by {what}")))?
}

pub(super) async fn waiting_for_nothing_does_not_spin(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    store.append(append(&account("A1"), 0, 1)).await?;
    let head = store.head().await?;
    let (start, mut woken) = (Instant::now(), 0);
    while start.elapsed() < Duration::from_millis(200) {
        let _ = timeout(Duration::from_millis(200), store.changed(head)).await;
        woken += 1;
    }
    ensure!(woken <= 40, "a reader of an idle store was woken {woken} times in 200 ms");
    Ok(())
}
