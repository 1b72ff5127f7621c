//! What goes, what stays and why, and what the report and the files say of it.

use eventloom_runtime::aggregate::Retention;
use eventloom_runtime::store::archive::{ArchiveRule, ArchiveStep, ArchiveStore as _, Archiver};
use eventloom_runtime::store::whole::EventRecord;
use eventloom_runtime::store::{EventFilter, Snapshot};
use eventloom_runtime::testing::{TestClock, block_on};
use eventloom_runtime::{EventStore as _, Timestamp};

use super::{Rig, files};
use crate::archiving::{
    NOW, RULE, all, archive, archiver, days_ago, events, live, seen, snapshot, stream, whole,
};

#[test]
fn what_is_young_or_not_covered_stays() {
    block_on(async {
        let rig = Rig::filled().await;
        let before = seen(&rig.store).await;

        let report = archive(&rig.store).await;

        // Rounds of 90, 75, 60, 45, 30 and 15 days: what is 30 days old to the microsecond is young.
        let [told] = report.aggregates.as_slice() else { panic!("{report:?}") };
        assert_eq!(told.before, Some(days_ago(30)));
        assert_eq!((told.events, told.streams), (16 + 9, 2));
        assert_eq!((told.young, told.uncovered), (3 * 8, 7 + 16));
        assert_eq!(told.behind_young, 0);
        assert_eq!(told.looked_up_to, before.head);
        assert_eq!(live(&rig.store).await, 72 - 25);
        assert_eq!(seen(&rig.store).await, before);
        let again = archive(&rig.store).await;
        assert_eq!((again.events(), again.segments.len()), (0, 0), "nothing more has aged out");
        assert_eq!(files(&rig.archive()).len(), 1);
    });
}

/// Appends look for the last event of their stream in the live table alone.
#[test]
fn the_last_event_of_a_stream_stays_whatever_covers_it() {
    block_on(async {
        let rig = Rig::new().await;
        let mut append = events("a", 0, 5, days_ago(90));
        append.snapshot = Some(snapshot(5));
        rig.store.append(append).await.expect("an append");

        let report = archive(&rig.store).await;

        assert_eq!((report.events(), report.aggregates[0].uncovered), (4, 1));
        assert_eq!(rig.store.head().await, Ok(5));
        rig.store.append(events("a", 5, 1, NOW)).await.expect("the stream goes on");
        rig.store.append(events("a", 5, 1, NOW)).await.expect_err("a conflict");
        assert_eq!(seen(&rig.store).await.events.len(), 6);
    });
}

/// A clock that was ahead, then right, then behind: what comes after a young event of its stream stays with it.
#[test]
fn an_old_event_behind_a_young_one_stays() {
    block_on(async {
        let rig = Rig::new().await;
        for (expected, age) in [(0, 90), (2, -3_650), (4, 80), (6, 70)] {
            let mut append = events("a", expected, 2, days_ago(age));
            append.snapshot = Some(snapshot(expected + 2));
            rig.store.append(append).await.expect("an append");
        }

        let report = archive(&rig.store).await;

        let told = &report.aggregates[0];
        assert_eq!((told.events, told.young, told.behind_young), (2, 2, 4));
        assert_eq!(seen(&rig.store).await.events.len(), 8);
    });
}

#[test]
fn nothing_goes_by_a_clock_that_is_behind_or_for_an_aggregate_that_keeps_all() {
    block_on(async {
        let rig = Rig::filled().await;
        let behind = Archiver::new(&rig.store).rule(RULE).clock(TestClock::at(days_ago(3_650)));
        assert_eq!(behind.run(|_| {}).await.expect("a report").events(), 0);
        let first = Archiver::new(&rig.store).rule(RULE).clock(TestClock::at(Timestamp::MIN));
        assert_eq!(first.run(|_| {}).await.expect("a report").events(), 0);

        let forever = ArchiveRule { retention: Retention::Forever, ..RULE };
        let report = Archiver::new(&rig.store).rule(forever).run(|_| {}).await.expect("a report");

        assert_eq!(report.aggregates[0].before, None);
        assert_eq!(report.events(), 0);
        assert_eq!(live(&rig.store).await, 72);
        assert!(files(&rig.archive()).is_empty());
    });
}

/// A snapshot by another fold helps no load of this program, nor does one of events that the stream does not have.
#[test]
fn only_a_snapshot_that_loads_use_covers_events() {
    block_on(async {
        let rig = Rig::new().await;
        for id in ["a", "b"] {
            rig.store.append(events(id, 0, 5, days_ago(90))).await.expect("an append");
        }
        let other = Snapshot { meaning: RULE.meaning + 1, ..snapshot(5) };
        rig.store.save_snapshot(&stream("a"), other).await.expect("a snapshot");
        rig.store.save_snapshot(&stream("b"), snapshot(9)).await.expect("a snapshot");

        let report = archive(&rig.store).await;

        assert_eq!((report.events(), report.aggregates[0].uncovered), (0, 10));
    });
}

#[test]
fn a_dry_run_tells_the_same_and_changes_nothing() {
    block_on(async {
        let rig = Rig::filled().await;
        let without_folder = rig.again(None).await;

        let told = archiver(&without_folder).dry_run(true).run(|_| {}).await.expect("a report");

        assert!(told.is_dry_run && !rig.archive().exists());
        assert!(rig.store.segments().await.expect("segments").is_empty());
        assert_eq!(live(&rig.store).await, 72);
        let done = archive(&rig.store).await;
        assert_eq!(told.aggregates, done.aggregates);
    });
}

/// `zcat` gives every event in the documented form, and the manifest says what can be checked without the store.
#[test]
fn the_files_are_for_people_too() {
    block_on(async {
        use std::io::Read as _;
        let rig = Rig::filled().await;
        let before = seen(&rig.store).await;

        let report = archive(&rig.store).await;

        let [file] = files(&rig.archive()).try_into().expect("one file");
        let packed = std::fs::read(&file).expect("a file");
        let mut lines = String::new();
        flate2::read::MultiGzDecoder::new(&packed[..]).read_to_string(&mut lines).expect("gzip");
        assert_eq!(lines.lines().count() as u64, report.events());
        let first = lines.lines().next().expect("a line");
        let meta = &before.events[0].meta;
        let expected = format!(
            r#"{{"type":"Moved","version":1,"aggregateId":"a","sequence":1,"data":{{"of":"a",  "number":1,"amount":1.10}},"meta":{{"eventId":"{}","correlationId":"c","causationId":null,"traceparent":null,"actor":null,"at":"{}"}},"position":1,"aggregate":"Wallet","recordedAt":"{}"}}"#,
            meta.event_id, meta.at, meta.recorded_at
        );
        assert_eq!(first, expected);
        let manifest = std::fs::read_to_string(rig.archive().join("000001.manifest.json"));
        let manifest: serde_json::Value =
            serde_json::from_str(&manifest.expect("a manifest")).expect("JSON");
        assert_eq!(manifest["events"], 25);
        assert_eq!(manifest["firstPosition"], 1);
        assert_eq!(manifest["bytes"], packed.len());
        let segment = &rig.store.segments().await.expect("segments")[0];
        let sha256: String = segment.sha256.iter().map(|it| format!("{it:02x}")).collect();
        assert_eq!(manifest["sha256"], sha256.as_str());
        assert_eq!(manifest["blocks"].as_array().map(Vec::len), Some(1));
        assert_eq!(manifest["aggregate"], "Wallet");
        assert_eq!(manifest["blocks"][0]["types"], serde_json::json!(["Moved", "Named"]));
    });
}

/// A filter sees the archived events that it lets through, and no page of it is without end.
#[test]
fn rare_events_are_found_in_a_long_archive() {
    block_on(async {
        let rig = Rig::new().await;
        let mut append = events("long", 0, 20_000, days_ago(90));
        for event in &mut append.events {
            event.event_type = "Moved";
        }
        append.events[18_000].event_type = "LimitHit";
        append.snapshot = Some(snapshot(20_000));
        // Too much for one transaction.
        let all = std::mem::take(&mut append.events);
        for (index, events) in all.chunks(1_000).enumerate() {
            append.expected = index as u64 * 1_000;
            append.events = events.to_vec();
            rig.store.append(append.clone()).await.expect("an append");
        }
        let report = archive(&rig.store).await;
        assert_eq!(report.events(), 19_999);
        let rare = EventFilter { types: vec![("Wallet", "LimitHit")], ..EventFilter::default() };

        let (mut after, mut found, mut pages) = (0, Vec::new(), 0);
        loop {
            let page = rig.store.read_all(after, &rare, 100).await.expect("a page");
            found.extend(page.events.iter().map(|event| event.position));
            (after, pages) = (page.next, pages + 1);
            if page.events.at_end() {
                break;
            }
        }

        assert_eq!(found, [18_001]);
        assert!((2..10).contains(&pages), "{pages}");
        assert_eq!(after, 20_000);
    });
}

/// A snapshot that was written while a run looked at the events let the later ones go without those that the run had left
/// behind: the run was refused, and with it what would have been archived next.
#[test]
fn a_snapshot_that_comes_during_a_run_tears_nothing() {
    block_on(async {
        let rig = Rig::new().await;
        rig.store.append(events("a", 0, 15, days_ago(90))).await.expect("an append");
        // As many as are looked at together, and more.
        for expected in (0..5_000).step_by(500) {
            let mut append = events("b", expected, 500, days_ago(80));
            append.snapshot = (expected == 4_500).then(|| snapshot(5_000));
            rig.store.append(append).await.expect("an append");
        }
        rig.store.append(events("a", 15, 15, days_ago(70))).await.expect("an append");
        let before = seen_in_order(&rig.store).await;

        let mut looked = false;
        let report = archiver(&rig.store).run(|progress| {
            if progress.step == ArchiveStep::Looked && !std::mem::replace(&mut looked, true) {
                let save = || {
                    block_on(async {
                        let store = rig.again(None).await;
                        store.save_snapshot(&stream("a"), snapshot(30)).await.expect("it is saved");
                    });
                };
                std::thread::scope(|threads| threads.spawn(save).join()).expect("no panic");
            }
        });

        let told = &report.await.expect("an archive").aggregates[0];
        assert_eq!((told.events, told.uncovered), (4_999, 31), "all of `a` stays for now");
        assert_eq!(seen_in_order(&rig.store).await, before);
        assert_eq!(archive(&rig.store).await.events(), 29);
        assert_eq!(seen_in_order(&rig.store).await, before);
    });
}

/// Appends so many events of a stream, more than one transaction takes.
async fn append_many(store: &super::Store, id: &str, expected: u64, count: u64, days: i64) {
    for expected in (expected..expected + count).step_by(1_000) {
        store.append(events(id, expected, 1_000, days_ago(days))).await.expect("an append");
    }
}

/// Each run looked at every live event, to the last that was appended a moment ago: a month's run cost what the whole store
/// has.
#[test]
fn a_run_looks_no_further_than_where_all_is_young() {
    block_on(async {
        let rig = Rig::new().await;
        append_many(&rig.store, "a", 0, 2_000, 90).await;
        append_many(&rig.store, "a", 2_000, 8_000, 1).await;
        rig.store.save_snapshot(&stream("a"), snapshot(10_000)).await.expect("a snapshot");

        for is_dry_run in [true, false] {
            let run = archiver(&rig.store).dry_run(is_dry_run).run(|_| {});
            let report = run.await.expect("an archive");
            let told = &report.aggregates[0];
            assert_eq!((told.events, report.head), (2_000, 10_000));
            assert_eq!((told.looked_up_to, told.young), (2_000 + 4_096, 4_096));
        }
        // What has left is not looked for.
        let told = archive(&rig.store).await;
        assert_eq!((told.events(), told.aggregates[0].looked_up_to), (0, 2_000 + 4_096));
    });
}

/// For a while a clock was far ahead: what came after that is old all the same, and goes, but where it is of that time's
/// streams.
#[test]
fn old_events_behind_a_time_of_a_wrong_clock_are_found() {
    block_on(async {
        let rig = Rig::new().await;
        append_many(&rig.store, "a", 0, 1_000, 90).await;
        append_many(&rig.store, "wrong", 0, 5_000, -3_650).await;
        append_many(&rig.store, "b", 0, 2_000, 80).await;
        append_many(&rig.store, "c", 0, 1_000, 1).await;
        for (id, sequence) in [("a", 1_000), ("b", 2_000), ("wrong", 5_000)] {
            let covered = stream(id);
            rig.store.save_snapshot(&covered, snapshot(sequence)).await.expect("a snapshot");
        }
        let report = archive(&rig.store).await;
        assert_eq!(report.events(), 999 + 1_999);
    });
}

async fn seen_in_order(store: &super::Store) -> Vec<EventRecord> {
    all(store, &whole(), 1_000).await.expect("events")
}
