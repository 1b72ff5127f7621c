//! What a failed append leaves of the rows in memory.

use super::*;
use crate::block_on;
use crate::projection::{Column, ColumnType, Value};
use crate::store::{AllPage, EventFilter, StoreError};
use crate::values::Timestamp;

const SPEC: TableSpec = TableSpec {
    aggregate: "Ledger",
    projection: "Balances",
    name: "balances",
    meaning: 1,
    columns: &[Column { name: "id", column_type: ColumnType::Text, optional: false }],
    key_columns: 1,
    indexes: &[],
};

/// The transaction of an append that fails in the end.
#[derive(Default)]
struct Failing(UndoLog);

impl AppendTransaction for Failing {
    fn read_all(&self, after: Position, _: &EventFilter, _: usize) -> Result<AllPage, StoreError> {
        Ok(AllPage { events: crate::store::Page::default(), next: after })
    }

    fn database(&self) -> &dyn std::any::Any {
        &self.0
    }
}

fn id(id: &str) -> RowValues {
    vec![Value::from(&id.to_owned())]
}

fn poison(position: Position) -> Poison {
    Poison {
        position,
        stream_id: format!("stream {position}").into(),
        sequence: 1,
        event_type: "Moved".to_owned(),
        version: 1,
        reason: "there is no such row".to_owned(),
        found_at: Timestamp::MIN,
        stops: false,
    }
}

/// Rows of the table that serves, complete or not.
fn count(rows: &MemoryReadDatabase) -> Result<usize, ReadDatabaseError> {
    Ok(rows.contents().serving(SPEC)?.rows.len())
}

fn opened(rows: &MemoryReadDatabase) -> TableState {
    let state = block_on(rows.open(SPEC)).expect("a table");
    let found = Commit { position: 2, poison: vec![poison(1)], ..Commit::unchanged(&state) };
    assert_eq!(block_on(rows.commit(found)), Ok(Committed::Done));
    block_on(rows.open(SPEC)).expect("a table")
}

/// An operator decided to skip an event while an append was under way. The append failed, what it had
/// written was taken back, and the poison that had been decided about was there again.
#[test]
fn what_an_operator_decided_outlasts_a_failed_append() {
    let rows = MemoryReadDatabase::new();
    let state = opened(&rows);
    let append = Failing::default();
    let within = rows.within(&append).expect("the rows of a store in memory");
    let folded = Commit {
        position: 3,
        rows: vec![RowChange::Insert(id("b"))],
        poison: vec![poison(3)],
        ..Commit::unchanged(&state)
    };
    assert_eq!(within.commit(folded), Ok(Committed::Done));
    let meanwhile = block_on(rows.state(state.table)).expect("a state");
    let skip = Skip::of(&poison(1), "Olga", "opened too late", Timestamp::MIN);
    let decided = Commit { released: vec![1], skips: vec![skip], ..Commit::unchanged(&meanwhile) };
    assert_eq!(block_on(rows.commit(decided)), Ok(Committed::Done));

    drop(within);
    drop(append);

    let after = block_on(rows.state(state.table)).expect("a state");
    assert_eq!((after.position, after.poison, after.skipped), (2, vec![], vec![1]));
    assert_eq!(count(&rows), Ok(0), "of the append there is nothing");
    assert!(after.revision > meanwhile.revision);
}

/// Poison that the failed append had passed is poison again, as it was before.
#[test]
fn poison_that_a_failed_append_changed_is_as_it_was() {
    let rows = MemoryReadDatabase::new();
    let state = opened(&rows);
    let append = Failing::default();
    let within = rows.within(&append).expect("the rows of a store in memory");
    let found = Poison { reason: "another".to_owned(), ..poison(1) };
    for (poison, released) in [(vec![found], vec![]), (vec![], vec![1])] {
        let state = within.state(state.table).expect("a state");
        let commit = Commit { poison, released, ..Commit::unchanged(&state) };
        assert_eq!(within.commit(commit), Ok(Committed::Done));
    }

    drop(within);
    drop(append);

    let after = block_on(rows.state(state.table)).expect("a state");
    assert_eq!(after.poison, [poison(1)]);
}

/// Rebuilt rows stayed in the place of those that served, though the transaction that put them there
/// failed.
#[test]
fn a_switch_within_a_failed_transaction_is_taken_back() {
    let rows = MemoryReadDatabase::new();
    let state = opened(&rows);
    let shadow = block_on(rows.begin_rebuild(SPEC)).expect("a shadow");
    let rebuilt = Commit {
        position: 2,
        rows: vec![RowChange::Insert(id("a"))],
        ..Commit::unchanged(&shadow)
    };
    assert_eq!(block_on(rows.commit(rebuilt)), Ok(Committed::Done));
    let transaction = Failing::default();
    let within = rows.within(&transaction).expect("the rows of a store in memory");
    assert_eq!(within.finish_rebuild(shadow.table, 1, &[]), Ok(Switched::Done));
    assert_eq!(count(&rows), Ok(1));

    drop(within);
    drop(transaction);

    let after = block_on(rows.state(state.table)).expect("a state");
    assert_eq!((after.complete, after.poison), (false, vec![poison(1)]));
    assert_eq!(count(&rows), Ok(0));
    let shadow = block_on(rows.state(shadow.table)).expect("the shadow");
    assert_eq!((shadow.position, shadow.complete), (2, false));
    let again = block_on(rows.finish_rebuild(shadow.table, shadow.revision, vec![]));
    assert_eq!(again, Ok(Switched::Done));
}
