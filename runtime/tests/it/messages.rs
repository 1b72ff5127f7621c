//! What a program tells a person: each error that a newcomer meets says what to do about it.
//!
//! The first week of a program is a week of changed events: "stored as … but the program has …" was true,
//! and left its reader with a file that no build of the program would open.

use eventloom_runtime::{
    Duration, EventShape, EventStore, MemoryStore, StoreError, Timestamp, block_on,
};

#[test]
fn a_changed_event_says_how_to_change_it() {
    const KNOWN: EventShape =
        EventShape { event_type: "Opened", version: 2, shape: "{owner: string}" };
    const CHANGED: EventShape = EventShape { shape: "{}", ..KNOWN };
    let store = MemoryStore::new();
    block_on(store.register("Account", &[KNOWN])).unwrap();
    let refused = block_on(store.register("Account", &[CHANGED])).unwrap_err().to_string();
    assert!(refused.starts_with("Opened v2 is stored as {owner: string}, but"), "{refused}");
    for way_out in ["as v3, with v2 under `history`", "the database file may be deleted"] {
        assert!(refused.contains(way_out), "no `{way_out}` in: {refused}");
    }
}

/// Microseconds since 1970 are what a failing test showed.
#[test]
fn times_and_spans_are_debugged_as_they_are_displayed() {
    let time: Timestamp = "2026-11-21T09:30:00.5Z".parse().unwrap();
    assert_eq!(format!("{:?}", Some(time)), "Some(2026-11-21T09:30:00.5Z)");
    assert_eq!(format!("{:?}", time.date()), "2026-11-21");
    assert_eq!(format!("{:?}", Duration::from_micros(5_400_000_000)), "PT1H30M");
}

/// An event was renamed in the ontology, and the program was told that a newer one had been here.
#[test]
fn an_unknown_event_says_how_to_keep_it() {
    let event_type = "Opened".to_owned();
    let told = StoreError::UnknownVersion { event_type, version: 2, position: 7 }.to_string();
    for way_out in ["a newer one wrote it", "`storedAs`", "`retired: true`", "`history`"] {
        assert!(told.contains(way_out), "no `{way_out}` in: {told}");
    }
}
