//! What a program tells a person: each error that a newcomer meets says what to do about it.
//!
//! The first week of a program is a week of changed events: "stored as … but the program has …" was true,
//! and left its reader with a file that no build of the program would open.

use eventloom_runtime::projection::{ProjectionName, ProjectorError};
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

/// Who had declared v2 and changed v1 by mistake was told to declare v2.
#[test]
fn a_changed_earlier_version_says_to_restore_it() {
    const FIRST: EventShape =
        EventShape { event_type: "Opened", version: 1, shape: "{owner: string}" };
    const SECOND: EventShape = EventShape { version: 2, shape: "{}", ..FIRST };
    const OTHER: EventShape = EventShape { event_type: "Closed", version: 3, ..FIRST };
    const CHANGED: EventShape = EventShape { shape: "{name: string}", ..FIRST };
    let store = MemoryStore::new();
    block_on(store.register("Account", &[OTHER, FIRST])).unwrap();
    let register = |shapes: &'static [EventShape]| {
        block_on(store.register("Account", shapes)).unwrap_err().to_string()
    };
    let refused = register(&[SECOND, CHANGED, OTHER]);
    assert!(refused.contains("restore v1 under `history` as it is stored"), "{refused}");
    assert!(!refused.contains("v2"), "{refused}");
    let refused = register(&[CHANGED, OTHER]);
    assert!(refused.contains("as v2, with v1 under `history`"), "another type's v3: {refused}");
}

/// Microseconds since 1970 are what a failing test showed.
#[test]
fn times_and_spans_are_debugged_as_they_are_displayed() {
    let time: Timestamp = "2026-11-21T09:30:00.5Z".parse().unwrap();
    assert_eq!(format!("{:?}", Some(time)), "Some(2026-11-21T09:30:00.5Z)");
    assert_eq!(format!("{:?}", time.date()), "2026-11-21");
    assert_eq!(format!("{:?}", Duration::from_micros(5_400_000_000)), "PT1H30M");
}

/// An event was renamed in the ontology, and the program was told that a newer one had been here; so was
/// its projection, long after the store knew better.
#[test]
fn an_unknown_event_says_how_to_keep_it() {
    let event_type = "Opened".to_owned();
    let stored = StoreError::UnknownVersion { event_type, version: 2, position: 7 }.to_string();
    let projection = ProjectionName { aggregate: "Ledger", projection: "Balances" };
    let event_type = "Opened".to_owned();
    let halted = ProjectorError::UnknownVersion { projection, event_type, version: 2, position: 7 };
    let halted = halted.to_string();
    assert!(halted.starts_with("Ledger.Balances halts before position 7: Opened v2"), "{halted}");
    for told in [stored, halted] {
        for way_out in ["a newer one wrote it", "`storedAs`", "`retired: true`", "`history`"] {
            assert!(told.contains(way_out), "no `{way_out}` in: {told}");
        }
    }
}
