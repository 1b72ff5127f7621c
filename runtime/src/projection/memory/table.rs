//! A table in memory: its rows in the order of their keys, and what is known of them.

use std::collections::BTreeMap;

use crate::metadata::Position;
use crate::projection::{Poison, Query, RowChange, RowValues, SeenEvent, Table};
use crate::values::Uuid;

#[derive(Debug)]
pub(super) struct MemoryTable {
    pub(super) table: Table,
    pub(super) position: Position,
    pub(super) seen: Option<SeenEvent>,
    pub(super) revision: u64,
    pub(super) complete: bool,
    pub(super) runner: Option<Uuid>,
    pub(super) poison: BTreeMap<Position, Poison>,
    pub(super) rows: BTreeMap<RowValues, RowValues>,
}

impl MemoryTable {
    /// The event before which all of it stands still.
    pub(super) fn stopped_by(&self) -> Option<&Poison> {
        self.poison.values().find(|poison| poison.stops)
    }

    /// Drops the rows. Whoever has read the revision must notice.
    pub(super) fn empty(&mut self) {
        self.rows.clear();
        self.position = 0;
        self.revision += 1;
    }

    fn key(&self, row: &RowValues) -> RowValues {
        row[..self.table.spec.key_columns].to_vec()
    }

    pub(super) fn key_of(&self, change: &RowChange) -> RowValues {
        match change {
            RowChange::Insert(row) | RowChange::Put(row) => self.key(row),
            RowChange::Delete(key) => key.clone(),
        }
    }

    pub(super) fn find(&self, query: &Query) -> Vec<RowValues> {
        let spec = &self.table.spec;
        let holds = |row: &&RowValues| query.condition.holds(spec, row.as_slice());
        let mut found: Vec<&RowValues> = self.rows.values().filter(holds).collect();
        // They lie in the order of their keys, which rows that are alike keep.
        found.sort_by(|left, right| query.compare(spec, left, right));
        found.into_iter().skip(query.offset).take(query.limit).cloned().collect()
    }

    pub(super) fn collides(&self, change: &RowChange) -> bool {
        matches!(change, RowChange::Insert(row) if self.rows.contains_key(&self.key(row)))
    }

    pub(super) fn change(&mut self, change: RowChange) {
        match change {
            RowChange::Insert(row) | RowChange::Put(row) => {
                self.rows.insert(self.key(&row), row);
            }
            RowChange::Delete(key) => {
                self.rows.remove(&key);
            }
        }
    }
}
