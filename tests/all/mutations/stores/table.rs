//! The table of the conformance suite: what is red in it was run and found broken, and what is green was run and kept.

use std::sync::atomic::{AtomicUsize, Ordering};

use eventloom_runtime::testing::conformance::table::{Cell, Column, Count, Table};
use eventloom_runtime::testing::conformance::themes;
use serde_json::json;

use super::*;

const SNAPSHOT: &str = "a_snapshot_lands_with_its_append";
const EVENT: &str = "an_event_comes_back_as_it_went_in";
const LISTED: &str = "streams_are_listed_in_order_in_pages";

/// Breaks nothing.
#[derive(Clone, Copy)]
struct Nothing;

impl Interceptor<MemoryStore> for Nothing {}

/// Forgets its snapshots, and panics when it is asked for streams.
#[derive(Clone, Copy)]
struct Mutant;

impl Interceptor<MemoryStore> for Mutant {
    async fn snapshot(
        &self,
        _: &MemoryStore,
        _: &StreamKey,
        _: u64,
        _: Sequence,
    ) -> StoreResult<Option<Snapshot>> {
        Ok(None)
    }

    async fn streams(
        &self,
        _: &MemoryStore,
        _: &'static str,
        _: Option<&StreamId>,
        _: usize,
    ) -> StoreResult<Vec<StreamId>> {
        panic!("it lists nothing")
    }
}

fn all() -> usize {
    themes().iter().map(|(_, promises)| promises.len()).sum()
}

/// The marks of a line of the drawn table.
fn marks(drawn: &str, promise: &str) -> String {
    let name = format!("  {} ", promise.replace('_', " "));
    let line = drawn.lines().find(|line| line.starts_with(&name)).expect("a line");
    line[name.len()..].split_whitespace().collect()
}

/// A table that was read from a list would be as green for a store that breaks its promises.
#[test]
fn a_broken_store_turns_its_cells_red() {
    let green = Column::run(Broken(Erased(&Nothing)), |_| {});
    let red = Column::run(Broken(Erased(&Mutant)), |_| {});
    assert!(matches!(red.cell(SNAPSHOT), Cell::Broken(_)));
    assert_eq!((red.cell(EVENT), green.cell(SNAPSHOT)), (Cell::Kept, Cell::Kept));
    let Cell::Broken(panicked) = red.cell(LISTED) else { panic!("it panics") };
    assert_eq!(panicked.found(), "it panicked: it lists nothing");

    let table = Table::of(vec![green, red, Column::absent("server", "there is none")]);

    let drawn = table.drawn(false);
    assert_eq!(marks(&drawn, EVENT), "✓✓–");
    assert_eq!(marks(&drawn, SNAPSHOT), "✓✗–");
    assert!(drawn.contains("\n– server: there is none\n"), "{drawn}");
    assert!(drawn.contains("✗ a broken store: a snapshot lands with its append\n  "), "{drawn}");
    assert!(!drawn.contains('\x1b') && table.drawn(true).contains("\x1b[31;1m✗\x1b[0m"));
    let Count { kept, broken, not_run } = table.count();
    assert_eq!((kept + broken, not_run), (2 * all(), all()));
    assert!(table.is_red() && broken >= 2);
    let read = table.to_json();
    let row = read["behaviours"].as_array().expect("a list").iter();
    let row = row.clone().find(|it| it["behaviour"] == SNAPSHOT).expect("a row");
    assert_eq!((&read["red"], &row["theme"]), (&json!(true), &json!("snapshots")));
    let outcomes = [0, 1, 2].map(|column| row["stores"][column]["outcome"].clone());
    assert_eq!(outcomes, [json!("kept"), json!("broken"), json!("notRun")]);
}

#[test]
fn every_promise_is_run_for_a_green_table() {
    let ran = AtomicUsize::new(0);
    let column = Column::run(Broken(Erased(&Nothing)), |_| {
        ran.fetch_add(1, Ordering::Relaxed);
    });
    let table = Table::of(vec![column]);
    let count = Count { kept: all(), broken: 0, not_run: 0 };
    assert_eq!((ran.into_inner(), table.count(), table.is_red()), (all(), count, false));
}

/// A table without any store is not green for that: nothing was run.
#[test]
fn a_store_that_cannot_be_had_is_not_green() {
    let table = Table::of(vec![Column::absent("server", "there is none")]);
    assert_eq!(table.count(), Count { kept: 0, broken: 0, not_run: all() });
    assert!(!table.is_red() && !table.drawn(false).contains('✓'));
}
