//! What segments are known to hold: who reads other events needs none of their files.

use std::fs;

use eventloom_runtime::event::EventShape;
use eventloom_runtime::store::archive::{ArchiveRule, ArchiveStore as _};
use eventloom_runtime::store::whole::EventRecord;
use eventloom_runtime::store::{Append, EventFilter};
use eventloom_runtime::testing::block_on;
use eventloom_runtime::{EventStore as _, StoreError};

use super::{Rig, files};
use crate::archiving::{RULE, all, archiver, days_ago, events, snapshot, whole};

const ORDER: &str = "Order";
const KNOWN: &[EventShape] = &[EventShape { event_type: "Moved", version: 1, shape: "{}" }];

/// Old events of one type, covered.
fn of_type(aggregate: &'static str, id: &str, event_type: &'static str) -> Append {
    let mut append = events(id, 0, 20, days_ago(90));
    append.stream.aggregate = aggregate;
    append.snapshot = Some(snapshot(20));
    append.events.iter_mut().for_each(|event| event.event_type = event_type);
    append
}

fn only(types: &[(&'static str, &'static str)]) -> EventFilter {
    EventFilter { types: types.to_vec(), ..whole() }
}

/// Every reader of some aggregates read the archived events of all others too: a projection of a dozen events unpacked the
/// whole archive.
#[test]
fn files_of_other_aggregates_are_not_needed() {
    block_on(async {
        let rig = Rig::new().await;
        for append in [of_type("Wallet", "a", "Moved"), of_type(ORDER, "a", "Moved")] {
            rig.store.append(append).await.expect("an append");
        }
        let filters = [only(&[("Wallet", "Moved")]), only(&[(ORDER, "Moved")])];
        let mut before = Vec::new();
        for filter in &filters {
            before.push(all(&rig.store, filter, 7).await.expect("events"));
        }
        let run = archiver(&rig.store).rule(ArchiveRule { aggregate: ORDER, ..RULE }).run(|_| {});
        assert_eq!(run.await.expect("an archive").events(), 38);
        let segments = rig.store.segments().await.expect("segments");
        let aggregates: Vec<&str> = segments.iter().map(|it| it.aggregate.as_str()).collect();
        assert_eq!(aggregates, ["Wallet", ORDER]);

        for (number, file) in files(&rig.archive()).into_iter().enumerate() {
            let aside = rig.beside("aside");
            fs::rename(&file, &aside).expect("a file");
            let store = rig.again(Some(&rig.archive())).await;
            let other = all(&store, &filters[1 - number], 7).await;
            assert_eq!(other.expect("it needs another file"), before[1 - number]);
            for filter in [&filters[number], &whole()] {
                let own = all(&store, filter, 7).await.expect_err("it needs this file");
                assert!(matches!(own, StoreError::ArchivedHistoryUnavailable { .. }), "{own:?}");
            }
            fs::rename(&aside, &file).expect("a file");
        }
    });
}

/// The same for types within an aggregate, but for those that the reader does not know: only a newer program could say that
/// they don't matter.
#[test]
fn files_of_other_types_are_not_needed_but_those_of_unknown_ones() {
    block_on(async {
        let rig = Rig::new().await;
        for (id, event_type) in [("a", "Moved"), ("b", "LimitHit")] {
            rig.store.append(of_type("Wallet", id, event_type)).await.expect("an append");
        }
        let run = archiver(&rig.store).segment_events(19).run(|_| {});
        assert_eq!(run.await.expect("an archive").segments.len(), 2);
        let [moved, limits] = files(&rig.archive()).try_into().expect("two files");
        let filter = only(&[("Wallet", "LimitHit")]);
        let before = all(&rig.store, &filter, 7).await.expect("events");

        fs::remove_file(&moved).expect("a file");
        let store = rig.again(Some(&rig.archive())).await;
        assert_eq!(all(&store, &filter, 7).await.expect("they lie in the other file"), before);

        fs::remove_file(&limits).expect("a file");
        let store = rig.again(Some(&rig.archive())).await;
        let none: Vec<EventRecord> =
            all(&store, &only(&[("Wallet", "Closed")]), 7).await.expect("there are none");
        assert!(none.is_empty());
        let careful =
            EventFilter { known: vec![("Wallet", KNOWN)], ..only(&[("Wallet", "Closed")]) };
        let error = all(&store, &careful, 7).await.expect_err("it does not know them");
        assert!(matches!(error, StoreError::ArchivedHistoryUnavailable { .. }), "{error:?}");
    });
}

/// A page of a filter looks at so much and no more, also where it reads nothing of it.
#[test]
fn places_of_blocks_are_looked_through_in_pages() {
    block_on(async {
        let rig = Rig::new().await;
        let mut append = of_type("Wallet", "a", "Moved");
        append.events = events("a", 0, 301, days_ago(90)).events;
        append.events.iter_mut().for_each(|event| event.event_type = "Moved");
        append.snapshot = Some(snapshot(301));
        rig.store.append(append).await.expect("an append");
        let run = archiver(&rig.store).segment_events(1).run(|_| {});
        assert_eq!(run.await.expect("an archive").segments.len(), 300);
        let page = rig.store.read_all(0, &only(&[("Wallet", "LimitHit")]), 10).await;
        let page = page.expect("a page");
        assert!(page.events.is_empty() && !page.events.at_end());
        assert_eq!(page.next, 256);
        let none = all(&rig.store, &only(&[("Wallet", "LimitHit")]), 10).await;
        assert!(none.expect("no events").is_empty());
    });
}
