//! A session: one runner's hold on one table, from the checkpoint it read to the next conflict.
//!
//! [`Member`] hides the projection's types, so that [`super::drive`] can feed several projections of
//! one aggregate from one reading.

use super::fold::{Decoded, Fold, Folded, Halt, Needed, RowsNeeded};
use super::{
    Commit, Condition, Poison, Projection, ProjectionName, ReadDatabaseError, RowValues, Table,
    TableState,
};
use crate::event::DomainEvent;
use crate::metadata::Position;
use crate::store::EventFilter;
use crate::values::{Timestamp, Uuid};

/// A projection as the driver sees it.
pub(super) trait Member<E>: Send {
    /// Name of the projection.
    fn name(&self) -> ProjectionName;

    /// The table.
    fn table(&self) -> Table;

    /// The events that concern it.
    fn filter(&self) -> EventFilter;

    /// Up to here everything has been seen.
    fn seen(&self) -> Position;

    /// The revision as last written.
    fn revision(&self) -> u64;

    /// Which events were to be skipped when its state was read.
    fn skipped(&self) -> &[Position];

    /// Goes on from a state that was read anew.
    fn renew(&mut self, state: TableState);

    /// Plans a page; says which rows are to be loaded first.
    fn prepare(&mut self, page: &Decoded<E>) -> Needed;

    /// Takes the rows that exist of those.
    fn learn(&mut self, rows: Vec<RowValues>) -> Result<(), ReadDatabaseError>;

    /// Takes the rows of which a condition holds; none where there are too many.
    fn learn_matching(
        &mut self,
        condition: Condition,
        rows: Option<Vec<RowValues>>,
    ) -> Result<(), ReadDatabaseError>;

    /// Folds the page.
    fn fold(&mut self, page: &Decoded<E>, end: PageEnd) -> Result<Turn, RowsNeeded>;

    /// The commit of the last turn is written, or was not worth writing.
    fn settle(&mut self, turn: &Turn, written: bool);

    /// Forgets all rows and loads them from now on.
    fn forget(&mut self);
}

/// Where a page ends, and when it is folded.
#[derive(Clone, Copy, Debug)]
pub(super) struct PageEnd {
    /// Up to here the page covers everything.
    pub(super) next: Position,
    /// Whether the store ended there.
    pub(super) at_end: bool,
    /// The time now.
    pub(super) now: Timestamp,
    /// Whether each event has its span.
    pub(super) traced: bool,
}

/// One page folded by one projection.
pub(super) struct Turn {
    /// What to write.
    pub(super) commit: Commit,
    /// Where the fold stopped short of the page's end.
    pub(super) halt: Option<Halt>,
    /// Whether the rest of the page is still to be folded.
    pub(super) is_cut: bool,
    events: usize,
    at_end: bool,
    says: Says,
}

/// How much a commit has to say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    /// What the last one said.
    Nothing,
    /// That nothing up to its position concerned the projection.
    Passed,
    /// Something that readers or operators see.
    Something,
}

impl Turn {
    /// Whether the commit must be written; while events come in fast it may wait where it only says
    /// that nothing concerned the projection.
    pub(super) fn is_worth_writing(&self, eager: bool) -> bool {
        self.says == Says::Something || (eager && self.says == Says::Passed)
    }

    /// Gives the commit out, its rows for good.
    pub(super) fn take_commit(&mut self) -> Commit {
        let rows = std::mem::take(&mut self.commit.rows);
        Commit { rows, ..self.commit.clone() }
    }
}

/// One runner's hold on the table of a projection.
pub(super) struct Session<P: Projection> {
    state: TableState,
    seen: Position,
    pub(super) fold: Fold<P>,
}

impl<P: Projection> Session<P> {
    pub(super) fn new(state: TableState) -> Self {
        let from_nothing = state.position == 0;
        let fold = Fold::new(&state.poison, state.skipped.iter().copied(), from_nothing);
        Self { seen: state.position, fold, state }
    }

    /// The state as last written, but for what lies between it and what has been seen.
    pub(super) fn state(&self) -> &TableState {
        &self.state
    }

    /// Up to here everything has been seen, whether or not it concerned the projection.
    pub(super) fn seen_so_far(&self) -> Position {
        self.seen
    }

    /// Says whose commits these are from now on.
    pub(super) fn run_by(&mut self, runner: Uuid) {
        self.state.runner = Some(runner);
    }

    fn turn(&self, mut folded: Folded, events: usize, end: PageEnd) -> Turn {
        folded.poison.retain(|poison| !self.state.poison.iter().any(|it| it.is_same(poison)));
        let stopped = folded.halt.as_ref().map(Halt::position).or(folded.cut);
        let position = stopped.map_or(end.next, |before| before - 1).max(self.seen);
        // A stop that an earlier run recorded is over once its event has been passed.
        let passed = self.state.poison.iter().filter(|it| it.stops && it.position <= position);
        let released: Vec<_> = passed.map(|poison| poison.position).collect();
        let complete = self.state.complete || (end.at_end && stopped.is_none());
        // That a stream is still parked shows only when the commit does not find the table moved.
        let is_seen = !folded.rows.is_empty()
            || folded.holds_back
            || !folded.poison.is_empty()
            || !released.is_empty()
            || complete != self.state.complete;
        let says = match position > self.state.position {
            _ if is_seen => Says::Something,
            true => Says::Passed,
            false => Says::Nothing,
        };
        Turn {
            commit: Commit {
                position,
                complete,
                rows: folded.rows,
                poison: folded.poison,
                released,
                ..Commit::unchanged(&self.state)
            },
            is_cut: folded.cut.is_some(),
            halt: folded.halt,
            events,
            at_end: end.at_end,
            says,
        }
    }
}

impl<P: Projection> Member<P::Event> for Session<P> {
    fn name(&self) -> ProjectionName {
        ProjectionName::of::<P>()
    }

    fn table(&self) -> Table {
        self.state.table
    }

    fn filter(&self) -> EventFilter {
        filter::<P>()
    }

    fn seen(&self) -> Position {
        self.seen_so_far()
    }

    fn revision(&self) -> u64 {
        self.state.revision
    }

    fn skipped(&self) -> &[Position] {
        &self.state.skipped
    }

    fn renew(&mut self, state: TableState) {
        *self = Self::new(state);
    }

    fn prepare(&mut self, page: &Decoded<P::Event>) -> Needed {
        self.fold.prepare(page, self.seen)
    }

    fn learn(&mut self, rows: Vec<RowValues>) -> Result<(), ReadDatabaseError> {
        self.fold.learn(rows)
    }

    fn learn_matching(
        &mut self,
        condition: Condition,
        rows: Option<Vec<RowValues>>,
    ) -> Result<(), ReadDatabaseError> {
        self.fold.learn_matching(condition, rows)
    }

    fn fold(&mut self, page: &Decoded<P::Event>, end: PageEnd) -> Result<Turn, RowsNeeded> {
        let folded = self.fold.fold(page, end.now, end.traced)?;
        Ok(self.turn(folded, page.len(), end))
    }

    fn settle(&mut self, turn: &Turn, written: bool) {
        let commit = &turn.commit;
        self.seen = commit.position;
        if written {
            self.state.position = commit.position;
            self.state.seen = commit.seen;
            self.state.complete = commit.complete;
            self.state.runner = commit.runner;
            self.state.revision += 1;
            let replaced =
                |it: &Poison| commit.poison.iter().any(|new| new.position == it.position);
            let released = |it: &Poison| commit.released.contains(&it.position);
            self.state.poison.retain(|poison| !released(poison) && !replaced(poison));
            self.state.poison.extend(commit.poison.iter().cloned());
        }
        // At the end there may be a long wait, in which people may mend rows by hand.
        self.fold.written(if turn.at_end { 0 } else { turn.events });
    }

    fn forget(&mut self) {
        self.fold.forget();
    }
}

/// The events that concern a projection: those that it folds, and those of its aggregate that only a
/// newer program knows, before which it halts.
pub(super) fn filter<P: Projection>() -> EventFilter {
    EventFilter {
        types: P::SOURCES.iter().map(|event_type| (P::AGGREGATE, *event_type)).collect(),
        known: vec![(P::AGGREGATE, P::Event::SHAPES)],
        metadata: false,
    }
}
