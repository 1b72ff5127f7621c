//! What a projection keeps in a read database: its table, its checkpoint and its poison events.
//!
//! Plain values that [`super::ReadDatabase`] takes and gives; nothing here reads or writes.

use std::collections::BTreeMap;

use super::{Column, Projection, ProjectionName, ReadDatabaseError, Value};
use crate::metadata::{Position, Sequence, StreamId};
use crate::values::{Timestamp, Uuid};

/// The table of a projection under one meaning. Tables of other meanings of the same projection lie
/// beside it, so that two versions of a program never touch each other's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableSpec {
    /// The aggregate whose events are the source.
    pub aggregate: &'static str,
    /// Name of the projection; another aggregate may have one of the same name.
    pub projection: &'static str,
    /// The table part of its target: the public name of the rows.
    pub name: &'static str,
    /// [`Projection::MEANING`].
    pub meaning: u64,
    /// The columns, key columns first.
    pub columns: &'static [Column],
    /// Number of key columns.
    pub key_columns: usize,
    /// [`Projection::INDEXES`]. They change no row, so they are no part of the meaning.
    pub indexes: &'static [&'static [&'static str]],
}

impl TableSpec {
    /// The table of a projection.
    pub const fn of<P: Projection>() -> Self {
        Self {
            aggregate: P::AGGREGATE,
            projection: P::NAME,
            name: P::TABLE,
            meaning: P::MEANING,
            columns: P::COLUMNS,
            key_columns: P::KEY_COLUMNS,
            indexes: P::INDEXES,
        }
    }

    /// What messages call the projection.
    pub const fn full_name(&self) -> ProjectionName {
        ProjectionName { aggregate: self.aggregate, projection: self.projection }
    }

    /// The column of this name.
    pub(super) fn column(&self, name: &'static str) -> Result<&'static Column, ReadDatabaseError> {
        let found = self.columns.iter().find(|column| column.name == name);
        found.ok_or_else(|| ReadDatabaseError::NoColumn {
            projection: self.full_name(),
            column: name,
        })
    }

    /// Refuses a key by which rows can't be found.
    pub(super) fn check_key(&self) -> Result<(), ReadDatabaseError> {
        let key = self.columns.get(..self.key_columns).unwrap_or_default();
        let reason = match key.iter().find(|column| column.optional) {
            None if !key.is_empty() => return Ok(()),
            None => "it has no key".to_owned(),
            Some(column) => {
                format!("its key column `{}` is optional; a key is never absent", column.name)
            }
        };
        Err(ReadDatabaseError::Unsuitable { projection: self.full_name(), reason })
    }
}

/// An open table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// What it holds.
    pub spec: TableSpec,
    /// Tells it from earlier and later tables of the same projection and meaning.
    pub id: u64,
    /// Whether it is being rebuilt beside the one that serves reads.
    pub shadow: bool,
}

/// An event that the rows know of: what tells whether their event store is still the one that they were built
/// from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenEvent {
    /// Its place in the store.
    pub position: Position,
    /// Its id.
    pub event_id: Uuid,
}

/// How far a table has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableState {
    /// The table.
    pub table: Table,
    /// Every event up to here is in the rows, parked, or skipped.
    pub position: Position,
    /// The latest event at or before [`Self::position`] whose id is known.
    pub seen: Option<SeenEvent>,
    /// Counts the commits: a runner writes only where it is what the runner last saw.
    pub revision: u64,
    /// Whether the rows have once caught up with the store, so that they may be read.
    pub complete: bool,
    /// Who keeps the rows up to date, where somebody does: others stand by.
    pub runner: Option<Uuid>,
    /// Events that could not be folded and wait for a decision.
    pub poison: Vec<Poison>,
    /// Positions of the events that an operator decided to skip.
    pub skipped: Vec<Position>,
    /// What stopped the last rebuild of the rows, if anything did and none was begun since. These rows are as they were.
    pub rebuild_stopped_by: Option<Poison>,
}

impl TableState {
    /// What stopped the last rebuild of the rows and waits for a decision.
    pub(super) fn undecided_of_rebuild(&self) -> Option<&Poison> {
        let stopped_by = self.rebuild_stopped_by.as_ref();
        stopped_by.filter(|poison| !self.skipped.contains(&poison.position))
    }

    /// Whether nothing was decided to be skipped but these events.
    pub(super) fn skips_only(&self, left_out: &[Position]) -> bool {
        self.skipped.iter().all(|skipped| left_out.contains(skipped))
    }

    /// What holds streams back in these rows, which are built anew, and not, or not yet there, in the complete ones that
    /// serve: in their place these would show less.
    pub(super) fn lacking(&self, serving: &Self) -> Vec<&Poison> {
        if !serving.complete {
            return Vec::new();
        }
        let mut held_from = BTreeMap::new();
        for poison in &serving.poison {
            let first = held_from.entry(&poison.stream_id).or_insert(poison.position);
            *first = poison.position.min(*first);
        }
        let is_held =
            |it: &Poison| held_from.get(&it.stream_id).is_some_and(|at| *at <= it.position);
        let is_shown = |it: &&Poison| it.position <= serving.position && !is_held(it);
        self.poison.iter().filter(is_shown).collect()
    }
}

/// An event that a projection could not decode or fold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poison {
    /// Place of the event in the store.
    pub position: Position,
    /// Its stream. Later events of the stream are held back while the event is parked.
    pub stream_id: StreamId,
    /// Its place in the stream.
    pub sequence: Sequence,
    /// Stored name of its type.
    pub event_type: String,
    /// Its stored version.
    pub version: u32,
    /// Why it could not be folded.
    pub reason: String,
    /// When that was found.
    pub found_at: Timestamp,
    /// Whether the whole projection stands still before it, and not just its stream.
    pub stops: bool,
}

impl Poison {
    /// Whether the same was found before, if at another time.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let found_at = other.found_at;
        Self { found_at, ..self.clone() } == *other
    }
}

/// An operator's decision to leave a poison event out for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// Place of the event in the store.
    pub position: Position,
    /// Its stream.
    pub stream_id: StreamId,
    /// Its place in the stream.
    pub sequence: Sequence,
    /// Stored name of its type.
    pub event_type: String,
    /// Its stored version.
    pub version: u32,
    /// Why it could not be folded.
    pub failure: String,
    /// Who decided.
    pub operator: String,
    /// Why.
    pub reason: String,
    /// When.
    pub decided_at: Timestamp,
}

impl Skip {
    /// The decision to skip a poison event.
    pub fn of(poison: &Poison, operator: &str, reason: &str, decided_at: Timestamp) -> Self {
        Self {
            position: poison.position,
            stream_id: poison.stream_id.clone(),
            sequence: poison.sequence,
            event_type: poison.event_type.clone(),
            version: poison.version,
            failure: poison.reason.clone(),
            operator: operator.to_owned(),
            reason: reason.to_owned(),
            decided_at,
        }
    }
}

/// What becomes of a row. Values are in the order of the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowChange {
    /// A row of a key believed to be new: where it isn't, the commit is refused.
    Insert(Vec<Value>),
    /// A row of a key that may exist.
    Put(Vec<Value>),
    /// The key of a row that goes.
    Delete(Vec<Value>),
}

/// Changes of one table, to be written together with its checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The table.
    pub table: Table,
    /// The revision on which the changes are based.
    pub revision: u64,
    /// The new checkpoint.
    pub position: Position,
    /// As [`TableState::seen`].
    pub seen: Option<SeenEvent>,
    /// Whether the rows have caught up.
    pub complete: bool,
    /// As [`TableState::runner`].
    pub runner: Option<Uuid>,
    /// At most one change per key.
    pub rows: Vec<RowChange>,
    /// Poison events found, replacing what is recorded at their positions.
    pub poison: Vec<Poison>,
    /// Positions of poison events that are poison no longer.
    pub released: Vec<Position>,
    /// Decisions to skip, kept through rebuilds of the same meaning.
    pub skips: Vec<Skip>,
    /// Whether it must outlive a failure of the power, with what was written before: nobody does it again. Decisions always
    /// do.
    pub durable: bool,
}

impl Commit {
    /// A commit that changes nothing but the revision.
    pub fn unchanged(state: &TableState) -> Self {
        Self {
            table: state.table,
            revision: state.revision,
            position: state.position,
            seen: state.seen,
            complete: state.complete,
            runner: state.runner,
            rows: Vec::new(),
            poison: Vec::new(),
            released: Vec::new(),
            skips: Vec::new(),
            durable: false,
        }
    }
}

/// What came of a [`Commit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// Written.
    Done,
    /// Nothing was written: the table is at another revision, or gone. Another runner was there.
    Moved,
    /// Nothing was written: a row to be inserted exists.
    RowExists,
}

/// What came of putting a rebuilt table in the place of the one that served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switched {
    /// The rebuilt rows serve reads now.
    Done,
    /// Nothing was changed: the rows that serve are ahead of the rebuilt ones, and readers must not
    /// see them go back.
    Behind,
    /// Nothing was changed: the rebuilt table is at another revision, or gone.
    Moved,
    /// Nothing was changed: it was decided to skip an event that is not left out of the rebuilt rows.
    Decided,
    /// Nothing was changed: somebody has been reading the rows that serve, or making other tables, for longer than those who
    /// come after may be kept waiting. It is to be tried again a while later.
    Busy,
    /// Nothing was changed: behind an event that can't be folded the rebuilt rows hold a stream back that the rows that serve
    /// show. Readers must not lose what they have.
    Lacking,
}
