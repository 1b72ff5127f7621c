//! The batch fold: a page of events into row changes, in memory and by key.
//!
//! Pure: it asks for the rows it lacks ([`Fold::prepare`], [`Fold::learn`]) and says what to write
//! ([`Folded`]); [`super::drive`] moves both to and from the read database.
//!
//! While a table is built from nothing, keys not yet seen are taken for new ones without asking. A
//! guess is never written unproven: such rows go out as [`RowChange::Insert`], which a read database
//! refuses where the row exists, and whatever an insert can't prove is folded again with the rows
//! loaded ([`RowsNeeded`]).

use std::collections::{HashMap, HashSet};

use super::spans;
use super::{
    Condition, FoldRow, Poison, Projection, ProjectionError, ProjectionName, ReadDatabaseError,
    RowChange, RowValues, Rows, Value,
};
use crate::codec::DecodeError;
use crate::event::DomainEvent;
use crate::metadata::{Position, StreamId};
use crate::store::{Page, StoredEvent};
use crate::values::{Timestamp, Uuid};

/// Rows kept between batches: rows beyond these are loaded again when they are touched again.
const KEPT_ROWS: usize = 65_536;
/// Rows that one event may match, over all its rules: they are held in memory, and are changed all or none.
pub(super) const MOST_MATCHING: usize = 100_000;
/// Streams that may be parked before the projection stops: so many are no accident of their data.
const MOST_PARKED: usize = 1_000;

/// A page of events, decoded once for every projection that folds it.
pub(super) struct Decoded<E> {
    page: Page,
    events: Vec<Result<E, DecodeError>>,
}

impl<E: DomainEvent> Decoded<E> {
    pub(super) fn new(page: Page) -> Self {
        let read = |event: StoredEvent<'_>| {
            E::read(event.event_type, event.version, event.data, event.meta)
        };
        let events = page.iter().map(read).collect();
        Self { page, events }
    }

    /// Number of events.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Number of events after one position and up to another.
    pub(super) fn between(&self, after: Position, until: Position) -> u64 {
        let is_there = |event: &StoredEvent<'_>| event.position > after && event.position <= until;
        self.page.iter().filter(is_there).count() as u64
    }

    /// When the first event was recorded.
    pub(super) fn first_recorded_at(&self) -> Option<Timestamp> {
        self.page.iter().next().map(|event| event.meta.recorded_at)
    }

    /// The id of the event at a position, if it is in the page.
    pub(super) fn id_at(&self, position: Position) -> Option<Uuid> {
        let found = self.page.iter().find(|event| event.position == position);
        found.map(|event| event.meta.event_id)
    }

    fn iter(&self) -> impl Iterator<Item = (StoredEvent<'_>, &Result<E, DecodeError>)> {
        self.page.iter().zip(&self.events)
    }
}

/// What a page does to the rows of a projection.
#[derive(Debug, Default)]
pub(super) struct Folded {
    /// At most one change per key.
    pub(super) rows: Vec<RowChange>,
    /// Poison found in the page.
    pub(super) poison: Vec<Poison>,
    /// Whether events were held back behind poison of their streams.
    pub(super) holds_back: bool,
    /// Where the fold stopped short of the page's end.
    pub(super) halt: Option<Halt>,
    /// The event before which the page was cut: what it asks for must be asked once what came before is written.
    pub(super) cut: Option<Position>,
}

/// Why a fold stopped before an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Halt {
    /// The event is poison, and rows of other streams may depend on it.
    Poison(Box<Poison>),
    /// This program does not know the event: a newer one wrote it.
    Unknown { position: Position, event_type: String, version: u32 },
}

impl Halt {
    /// The event before which the fold stopped.
    pub(super) fn position(&self) -> Position {
        match self {
            Self::Poison(poison) => poison.position,
            Self::Unknown { position, .. } => *position,
        }
    }
}

/// Rows that were taken for new may not be: the page must be folded again, with its rows loaded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RowsNeeded;

/// What must be loaded before a page can be folded.
#[derive(Debug, Default)]
pub(super) struct Needed {
    /// The keys of rows.
    pub(super) keys: Vec<RowValues>,
    /// What holds for further rows, each once.
    pub(super) conditions: Vec<Condition>,
}

/// What a projection knows between pages.
pub(super) struct Fold<P: Projection> {
    index: HashMap<P::Key, usize>,
    slots: Vec<Slot<P::Row>>,
    steps: Vec<Step>,
    parked: HashSet<StreamId>,
    /// Parked by the page at hand, which may yet be folded again.
    parking: HashSet<StreamId>,
    skipped: HashSet<Position>,
    /// What rows are taken for that have not been asked for; none where all are.
    unasked: Option<Stored>,
    /// By which conditions rows of the page at hand are found.
    asked: HashSet<Condition>,
    /// Those conditions of the page at hand of which more rows hold than there is room for.
    beyond: Vec<Condition>,
}

/// A row as it is after the events so far.
struct Slot<R> {
    row: Option<R>,
    stored: Stored,
    touched: bool,
}

/// What is known of the row in the database.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stored {
    /// There should be none. Nobody has looked.
    Unknown,
    Absent,
    Present,
    /// It makes no difference: it is written over, or goes.
    Replaced,
}

/// What an event of the page asks for.
enum Step {
    /// Nothing: no source, or skipped.
    Pass,
    /// A fold into the row of this slot.
    Fold(usize),
    /// A fold into several rows.
    Visit,
    /// Nothing can be done with it.
    Fail(Failure),
}

enum Failure {
    Poison(String),
    Unknown,
}

impl<P: Projection> Fold<P> {
    /// A fold that goes on after what is recorded. `from_nothing` where the table has no rows.
    pub(super) fn new(
        poison: &[Poison],
        skipped: impl IntoIterator<Item = Position>,
        from_nothing: bool,
    ) -> Self {
        let parked = poison.iter().filter(|poison| !poison.stops);
        Self {
            index: HashMap::new(),
            slots: Vec::new(),
            steps: Vec::new(),
            parked: parked.map(|poison| poison.stream_id.clone()).collect(),
            parking: HashSet::new(),
            skipped: skipped.into_iter().collect(),
            // Which rows match can't be guessed.
            unasked: (from_nothing && !P::SEVERAL_ROWS).then_some(Stored::Unknown),
            asked: HashSet::new(),
            beyond: Vec::new(),
        }
    }

    /// A fold of whole streams, whose rows take the place of what is stored of them.
    pub(super) fn replacing(skipped: impl IntoIterator<Item = Position>) -> Self {
        Self { unasked: Some(Stored::Replaced), ..Self::new(&[], skipped, false) }
    }

    /// Plans a page, and says which rows must be loaded before it can be folded.
    /// What lies at or before `seen` has been folded.
    pub(super) fn prepare(&mut self, page: &Decoded<P::Event>, seen: Position) -> Needed {
        let mut missing = Needed::default();
        self.steps.clear();
        self.asked.clear();
        self.beyond.clear();
        for (stored, event) in page.iter() {
            let step = match stored.position <= seen {
                true => Step::Pass,
                false => self.plan(&stored, event, &mut missing),
            };
            self.steps.push(step);
        }
        missing
    }

    fn plan(
        &mut self,
        stored: &StoredEvent<'_>,
        event: &Result<P::Event, DecodeError>,
        missing: &mut Needed,
    ) -> Step {
        if self.skipped.contains(&stored.position) {
            self.leave_out(stored, event);
            return Step::Pass;
        }
        let event = match event {
            Ok(event) => event,
            // Only a newer program can tell whether it concerns the projection.
            Err(DecodeError::UnknownType(_)) => return Step::Fail(Failure::Unknown),
            Err(_) if !P::SOURCES.contains(&stored.event_type) => return Step::Pass,
            Err(DecodeError::UnknownVersion { .. }) => return Step::Fail(Failure::Unknown),
            Err(error) => return Step::Fail(Failure::Poison(error.to_string())),
        };
        if P::SEVERAL_ROWS {
            let mut plan = Plan { fold: self, missing };
            return match P::visit(event, stored.meta, &mut plan) {
                Ok(()) => Step::Visit,
                Err(error) => Step::Fail(Failure::Poison(format!("its rows: {error}"))),
            };
        }
        match P::key(event, stored.meta) {
            Ok(Some(key)) => Step::Fold(self.slot(key, &mut missing.keys)),
            Ok(None) => Step::Pass,
            Err(error) => Step::Fail(Failure::Poison(format!("its key: {error}"))),
        }
    }

    /// Where rows take the place of what is stored, those of an event that is left out do too: what is stored may be made of it
    /// alone.
    fn leave_out(&mut self, stored: &StoredEvent<'_>, event: &Result<P::Event, DecodeError>) {
        let (Some(Stored::Replaced), Ok(event)) = (self.unasked, event) else { return };
        let (known, mut missing) = (self.slots.len(), Needed::default());
        if P::SEVERAL_ROWS {
            // What can't be told of its rows was not folded into any.
            let _ = P::visit(event, stored.meta, &mut Plan { fold: self, missing: &mut missing });
        } else if let Ok(Some(key)) = P::key(event, stored.meta) {
            self.slot(key, &mut missing.keys);
        }
        for slot in &mut self.slots[known..] {
            slot.touched = true;
        }
    }

    fn slot(&mut self, key: P::Key, missing: &mut Vec<RowValues>) -> usize {
        if let Some(slot) = self.index.get(&key) {
            return *slot;
        }
        if self.unasked.is_none() {
            missing.push(P::key_values(&key));
        }
        let stored = self.unasked.unwrap_or(Stored::Absent);
        self.slots.push(Slot { row: None, stored, touched: false });
        self.index.insert(key, self.slots.len() - 1);
        self.slots.len() - 1
    }

    /// Takes the rows that exist of those that [`Self::prepare`] asked for.
    ///
    /// # Errors
    /// [`ReadDatabaseError::Corrupt`] where a row is none of the projection's.
    pub(super) fn learn(&mut self, rows: Vec<RowValues>) -> Result<(), ReadDatabaseError> {
        for values in rows {
            let row = P::row(values).map_err(|error| {
                ReadDatabaseError::Corrupt(format!(
                    "a row of {} can't be read: {error}",
                    ProjectionName::of::<P>()
                ))
            })?;
            let key = P::key_of(&row);
            let slot = Slot { row: Some(row), stored: Stored::Present, touched: false };
            match self.index.get(&key) {
                Some(known) => self.slots[*known] = slot,
                // It was found by a condition.
                None => {
                    self.slots.push(slot);
                    self.index.insert(key, self.slots.len() - 1);
                }
            }
        }
        Ok(())
    }

    /// Takes the rows of which a condition holds that [`Self::prepare`] asked with; none where there are more than
    /// there is room for.
    ///
    /// # Errors
    /// As [`Self::learn`].
    pub(super) fn learn_matching(
        &mut self,
        condition: Condition,
        rows: Option<Vec<RowValues>>,
    ) -> Result<(), ReadDatabaseError> {
        match rows {
            Some(rows) => self.learn(rows),
            None => {
                self.beyond.push(condition);
                Ok(())
            }
        }
    }

    /// Folds the page that was prepared.
    ///
    /// # Errors
    /// [`RowsNeeded`]: after [`Self::forget`], prepare the page again.
    pub(super) fn fold(
        &mut self,
        page: &Decoded<P::Event>,
        now: Timestamp,
        traced: bool,
    ) -> Result<Folded, RowsNeeded> {
        let (mut folded, mut visited) = (Folded::default(), false);
        self.parking.clear();
        let steps = std::mem::take(&mut self.steps);
        for ((stored, event), step) in page.iter().zip(&steps) {
            if self.is_held_back(&stored.meta.stream_id) {
                folded.holds_back = true;
                continue;
            }
            let reason = match step {
                Step::Pass => continue,
                Step::Fold(slot) => match self.step(*slot, &stored, event, traced) {
                    Ok(()) => continue,
                    Err(_) if self.slots[*slot].stored == Stored::Unknown => {
                        return Err(RowsNeeded);
                    }
                    Err(error) => error.to_string(),
                },
                Step::Visit => match self.visit(&stored, event, traced) {
                    Ok(()) => {
                        visited = true;
                        continue;
                    }
                    // It was asked before the events in front of it had changed the rows.
                    Err(ProjectionError::TooManyRows { .. }) if visited => {
                        folded.cut = Some(stored.position);
                        break;
                    }
                    Err(error) => error.to_string(),
                },
                Step::Fail(Failure::Poison(reason)) => reason.clone(),
                Step::Fail(Failure::Unknown) => {
                    folded.halt = Some(unknown(&stored));
                    break;
                }
            };
            let poison = self.poison(&stored, reason, now);
            folded.poison.push(poison.clone());
            if poison.stops {
                folded.halt = Some(Halt::Poison(Box::new(poison)));
                break;
            }
            self.parking.insert(poison.stream_id);
        }
        folded.rows = self.changes()?;
        Ok(folded)
    }

    fn is_held_back(&self, stream: &StreamId) -> bool {
        let is_in = |parked: &HashSet<StreamId>| !parked.is_empty() && parked.contains(stream);
        is_in(&self.parked) || is_in(&self.parking)
    }

    fn step(
        &mut self,
        slot: usize,
        stored: &StoredEvent<'_>,
        event: &Result<P::Event, DecodeError>,
        traced: bool,
    ) -> Result<(), ProjectionError> {
        let Ok(event) = event else {
            return Ok(());
        };
        let slot = &mut self.slots[slot];
        slot.touched = true;
        if traced {
            return spans::event::<P>(stored)
                .in_scope(|| P::fold(&mut slot.row, event, stored.meta));
        }
        P::fold(&mut slot.row, event, stored.meta)
    }

    /// Folds into several rows: all of them, or none.
    fn visit(
        &mut self,
        stored: &StoredEvent<'_>,
        event: &Result<P::Event, DecodeError>,
        traced: bool,
    ) -> Result<(), ProjectionError> {
        let Ok(event) = event else {
            return Ok(());
        };
        let (index, slots, beyond) = (&self.index, &mut self.slots, &self.beyond);
        let mut visit = Visit::<P> { index, slots, beyond, before: Vec::new() };
        let visited = if traced {
            spans::event::<P>(stored).in_scope(|| P::visit(event, stored.meta, &mut visit))
        } else {
            P::visit(event, stored.meta, &mut visit)
        };
        if visited.is_err() {
            visit.undo();
        }
        visited
    }

    fn poison(&self, stored: &StoredEvent<'_>, reason: String, now: Timestamp) -> Poison {
        Poison {
            position: stored.position,
            stream_id: stored.meta.stream_id.clone(),
            sequence: stored.meta.sequence,
            event_type: stored.event_type.to_owned(),
            version: stored.version,
            reason,
            found_at: now,
            stops: !P::KEY_IS_STREAM || self.parked.len() + self.parking.len() >= MOST_PARKED,
        }
    }

    fn changes(&self) -> Result<Vec<RowChange>, RowsNeeded> {
        let mut touched: Vec<_> =
            self.index.iter().filter(|(_, slot)| self.slots[**slot].touched).collect();
        // In the order of their first events, so that the same page always writes the same way.
        touched.sort_unstable_by_key(|(_, slot)| **slot);
        let mut changes = Vec::with_capacity(touched.len());
        for (key, slot) in touched {
            let slot = &self.slots[*slot];
            match (&slot.row, slot.stored) {
                (Some(row), Stored::Present | Stored::Replaced) => {
                    changes.push(RowChange::Put(P::row_values(row)));
                }
                (Some(row), _) => changes.push(RowChange::Insert(P::row_values(row))),
                (None, Stored::Present | Stored::Replaced) => {
                    changes.push(RowChange::Delete(P::key_values(key)));
                }
                (None, Stored::Absent) => {}
                (None, Stored::Unknown) => return Err(RowsNeeded),
            }
        }
        Ok(changes)
    }

    /// The changes are written. Keeps the rows that are likely to be touched again.
    pub(super) fn written(&mut self, events: usize) {
        self.parked.extend(self.parking.drain());
        // What a condition holds for is asked again, and looked for among all rows that are here.
        let touched_again = self.slots.len() * 2 <= events && self.asked.is_empty();
        if self.slots.len() > KEPT_ROWS || !touched_again {
            self.index.clear();
            self.slots.clear();
            return;
        }
        for slot in &mut self.slots {
            slot.touched = false;
            slot.stored = if slot.row.is_some() { Stored::Present } else { Stored::Absent };
        }
    }

    /// Forgets every row, and asks for rows from now on.
    pub(super) fn forget(&mut self) {
        self.index.clear();
        self.slots.clear();
        self.steps.clear();
        self.unasked = None;
    }
}

/// The rows while a page is planned: their keys and conditions are noted, and nothing is folded.
struct Plan<'p, P: Projection> {
    fold: &'p mut Fold<P>,
    missing: &'p mut Needed,
}

impl<P: Projection> Rows<P> for Plan<'_, P> {
    fn at(&mut self, key: P::Key, _: FoldRow<'_, P>) -> Result<(), ProjectionError> {
        self.fold.slot(key, &mut self.missing.keys);
        Ok(())
    }

    fn matching(
        &mut self,
        asked: &dyn Fn() -> Condition,
        _: &dyn Fn(&P::Row) -> Result<bool, ProjectionError>,
        _: FoldRow<'_, P>,
    ) -> Result<(), ProjectionError> {
        let condition = asked();
        if self.fold.asked.insert(condition.clone()) {
            self.missing.conditions.push(condition);
        }
        Ok(())
    }
}

/// The rows while an event is folded into several, with what they were before.
struct Visit<'v, P: Projection> {
    index: &'v HashMap<P::Key, usize>,
    slots: &'v mut Vec<Slot<P::Row>>,
    beyond: &'v [Condition],
    before: Vec<(usize, Option<P::Row>, bool)>,
}

impl<P: Projection> Visit<'_, P> {
    fn row(
        &mut self,
        key: &P::Key,
        slot: usize,
        fold: FoldRow<'_, P>,
    ) -> Result<(), ProjectionError> {
        let found = &mut self.slots[slot];
        self.before.push((slot, found.row.clone(), found.touched));
        found.touched = true;
        fold(&mut found.row).map_err(|error| of_row::<P>(key, error))
    }

    fn undo(&mut self) {
        for (slot, row, touched) in self.before.drain(..).rev() {
            self.slots[slot].row = row;
            self.slots[slot].touched = touched;
        }
    }
}

impl<P: Projection> Rows<P> for Visit<'_, P> {
    fn at(&mut self, key: P::Key, fold: FoldRow<'_, P>) -> Result<(), ProjectionError> {
        match self.index.get(&key) {
            Some(slot) => self.row(&key, *slot, fold),
            None => Err(ProjectionError::Custom(format!(
                "the event visits a row that it did not name before: {key:?}"
            ))),
        }
    }

    fn matching(
        &mut self,
        asked: &dyn Fn() -> Condition,
        holds: &dyn Fn(&P::Row) -> Result<bool, ProjectionError>,
        fold: FoldRow<'_, P>,
    ) -> Result<(), ProjectionError> {
        if !self.beyond.is_empty() && self.beyond.contains(&asked()) {
            return Err(ProjectionError::TooManyRows { most: MOST_MATCHING });
        }
        // What is not here neither matched when the page began, nor was touched since.
        let mut found = Vec::new();
        let mut failed = Vec::new();
        for (key, slot) in self.index {
            match self.slots[*slot].row.as_ref().map(holds) {
                Some(Ok(true)) => found.push((key, *slot)),
                Some(Err(error)) => failed.push((key, error)),
                Some(Ok(false)) | None => {}
            }
        }
        // The same one each time, in whatever order they lie here.
        if let Some((key, error)) = failed.into_iter().min_by_key(|(key, _)| *key) {
            return Err(of_row::<P>(key, error));
        }
        if found.len() > MOST_MATCHING {
            return Err(ProjectionError::TooManyRows { most: MOST_MATCHING });
        }
        found.sort_unstable();
        found.into_iter().try_for_each(|(key, slot)| self.row(key, slot, fold))
    }
}

/// What is wrong with one of several rows.
fn of_row<P: Projection>(key: &P::Key, error: ProjectionError) -> ProjectionError {
    let columns = P::COLUMNS.iter().zip(P::key_values(key));
    let shown: Vec<String> =
        columns.map(|(column, value)| format!("{} {}", column.name, shown(&value))).collect();
    ProjectionError::Row { key: shown.join(", "), error: Box::new(error) }
}

/// A value of a key as people read it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Text(text) | Value::Json(text) => format!("`{text}`"),
        Value::Integer(number) => number.to_string(),
        Value::Decimal(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Timestamp(time) => time.to_string(),
        Value::Date(date) => date.to_string(),
        Value::Duration(span) => span.to_string(),
        Value::Uuid(id) => id.to_string(),
        Value::Bytes(bytes) => bytes.to_string(),
    }
}

fn unknown(stored: &StoredEvent<'_>) -> Halt {
    Halt::Unknown {
        position: stored.position,
        event_type: stored.event_type.to_owned(),
        version: stored.version,
    }
}
