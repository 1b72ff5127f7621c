//! How reads of a store come by archived events, a step at a time, so that nothing of the database is held while files are
//! read.
//!
//! A store reads its live events first. At the same time or later it asks its tables for blocks, and then it reads those
//! from files, with no connection and no transaction. **Why that neither loses nor doubles an event**, whatever is archived
//! in between, and however long the disk takes:
//!
//! - An event only ever goes from live to archived, in one transaction that notes its block and deletes its row. So of all
//!   events up to where the live read has looked, each was live then, and is in its page, or had left before: then its
//!   block was noted before, and every later look at the tables shows it. None is missed.
//! - One that goes between the two is seen in both. Pages of the global order take each position once, and the gap of a
//!   stream has only sequences that the live page lacks. None comes twice.
//! - An event that is appended meanwhile lies behind where the live read has looked, wherever it is by now: what is archived
//!   behind there is left for the next page.
//! - Blocks are noted once and never change, nor do their files: where one is listed, it may be read at any time after.
//! - A look at the tables that goes on where the last one ended (blocks come in the order of their beginnings) may pass
//!   over blocks that were noted since, before that place. Their events were live when the live events were read.
//! - All of that is of one database. Where a look may be at another (a standby that has taken the server's place may lack the
//!   last blocks), the page is begun anew.
//!
//! The other way round, archive first, would lose what goes in between.

use std::collections::{BTreeSet, VecDeque};

use super::BLOCKS;
use super::block::BlockPlace;
use super::folder::{Archive, Wanted};
use super::form::ArchivedEvent;
use super::gap::Gap;
use super::window::Window;
use crate::metadata::{Position, Sequence};
use crate::store::{AllPage, Direction, EventFilter, Page, StoreError, StreamRead};

/// What a read of archived events needs next.
pub(in crate::store) enum Step {
    /// The events of a block.
    Read(BlockPlace),
    /// The next blocks, by the store's tables.
    List,
    /// Nothing: the page is complete.
    Done,
}

/// Blocks that a store has listed.
pub(in crate::store) struct Listed<B> {
    blocks: Vec<B>,
    is_all: bool,
}

impl<B> Listed<B> {
    /// What was found where at most [`BLOCKS`] were asked for.
    pub(in crate::store) fn of(blocks: Vec<B>) -> Self {
        let is_all = blocks.len() < BLOCKS;
        Self { blocks, is_all }
    }

    /// With others before them.
    pub(in crate::store) fn behind(mut self, mut before: Vec<B>) -> Self {
        before.append(&mut self.blocks);
        Self { blocks: before, ..self }
    }
}

/// A page of the global order on its way.
pub(in crate::store) struct Merging<'a> {
    live: AllPage,
    window: Window<'a>,
    wanted: Wanted,
    listed: VecDeque<BlockPlace>,
    is_all: bool,
    /// Blocks that begin up to here were listed.
    last: Position,
}

impl<'a> Merging<'a> {
    /// Begins with a page of live events, read after a position, and the blocks in which others may be: those in the middle
    /// of which the position lies, and then the first that begin after it.
    pub(in crate::store) fn of(
        live: AllPage,
        listed: Listed<BlockPlace>,
        (after, filter, limit): (Position, &'a EventFilter, usize),
    ) -> Self {
        let window = Window::beside(&live, after, filter, limit);
        let (listed, is_all) = (listed.blocks.into(), listed.is_all);
        Self { live, window, wanted: Wanted::After(after), listed, is_all, last: after }
    }

    /// What is wanted, for who tells that it can't be had.
    pub(in crate::store) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// The next blocks are those that begin after the first of these positions and up to the second.
    pub(in crate::store) fn range(&self) -> (Position, Position) {
        (self.last, self.window.bound())
    }

    /// Takes the next blocks.
    pub(in crate::store) fn list(&mut self, listed: Listed<BlockPlace>) {
        (self.listed, self.is_all) = (listed.blocks.into(), listed.is_all);
    }

    /// Which events are looked for.
    pub(in crate::store) fn filter(&self) -> &'a EventFilter {
        self.window.filter()
    }

    /// What is needed next. Blocks in which nothing passes the filter are not read.
    pub(in crate::store) fn step(&mut self) -> Step {
        loop {
            match self.listed.pop_front() {
                Some(place) if self.window.wants(place.first) => {
                    self.last = self.last.max(place.first);
                    if self.window.may_find_in(&place) {
                        return Step::Read(place);
                    }
                }
                None if !self.is_all => return Step::List,
                _ => return Step::Done,
            }
        }
    }

    /// Takes the events of a block.
    pub(in crate::store) fn take(&mut self, events: &[ArchivedEvent]) {
        self.window.take(events);
    }

    /// As [`Archive::block`] for a transaction in which appends take place.
    pub(in crate::store) fn take_at_hand(
        &mut self,
        archive: &Archive,
        place: &BlockPlace,
    ) -> Result<(), StoreError> {
        let next = self.listed.iter().filter(|place| self.window.may_need(place));
        let events = archive.at_hand(place, &self.wanted, next)?;
        self.window.take(&events);
        Ok(())
    }

    /// The page.
    pub(in crate::store) fn page(self) -> AllPage {
        self.window.merge(self.live)
    }
}

/// The aggregate types of which events may pass a filter, each once; none where those of all may.
pub(in crate::store) fn aggregates(filter: &EventFilter) -> Option<Vec<&'static str>> {
    let of_types = filter.types.iter().map(|(aggregate, _)| *aggregate);
    let of_known = filter.known.iter().map(|(aggregate, _)| *aggregate);
    let named: BTreeSet<_> = of_types.chain(of_known).collect();
    (!filter.is_everything()).then(|| named.into_iter().collect())
}

/// A block with events of a stream, and the first and last sequence of those.
pub(in crate::store) type StreamBlock = (BlockPlace, Sequence, Sequence);

/// A page of a stream on its way.
pub(in crate::store) struct Filling<'r> {
    live: Page,
    gap: Gap<'r>,
    direction: Direction,
    wanted: Wanted,
    listed: VecDeque<StreamBlock>,
    is_all: bool,
    above: Sequence,
    below: Sequence,
}

impl<'r> Filling<'r> {
    /// Between which sequences a page of live events lacks some, if anywhere.
    pub(in crate::store) fn range_of(
        read: &StreamRead,
        live: &Page,
    ) -> Option<(Sequence, Sequence)> {
        Gap::of(read, live).map(|gap| (gap.above, gap.below))
    }

    /// Begins with a page of live events, and the blocks that have what it lacks. None where it lacks nothing.
    pub(in crate::store) fn of(
        read: &'r StreamRead,
        live: Page,
        listed: Listed<StreamBlock>,
    ) -> Result<Self, Page> {
        let Some(gap) = Gap::of(read, &live) else { return Err(live) };
        let (above, below, direction) = (gap.above, gap.below, read.direction);
        let wanted = Wanted::Stream(read.stream.clone());
        let (listed, is_all) = (listed.blocks.into(), listed.is_all);
        Ok(Self { live, gap, direction, wanted, listed, is_all, above, below })
    }

    /// What is wanted, for who tells that it can't be had.
    pub(in crate::store) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// The next blocks are those that have events above the first of these sequences and below the second.
    pub(in crate::store) fn range(&self) -> (Sequence, Sequence) {
        (self.above, self.below)
    }

    /// Takes the next blocks.
    pub(in crate::store) fn list(&mut self, listed: Listed<StreamBlock>) {
        (self.listed, self.is_all) = (listed.blocks.into(), listed.is_all);
    }

    /// What is needed next.
    pub(in crate::store) fn step(&mut self) -> Step {
        if !self.gap.is_open() {
            return Step::Done;
        }
        match self.listed.pop_front() {
            Some((place, first, last)) => {
                match self.direction {
                    Direction::Forwards => self.above = last,
                    Direction::Backwards => self.below = first,
                }
                Step::Read(place)
            }
            None if !self.is_all => Step::List,
            None => Step::Done,
        }
    }

    /// Takes the events of a block.
    pub(in crate::store) fn take(&mut self, events: &[ArchivedEvent]) -> Result<(), StoreError> {
        self.gap.take(events)
    }

    /// The page.
    pub(in crate::store) fn page(self) -> Result<Page, StoreError> {
        self.gap.fill(self.live)
    }
}

/// Adds an archived event to a page.
pub(super) fn push(page: &mut Page, event: &ArchivedEvent, metadata: bool) {
    let mut meta = event.meta.clone();
    if !metadata {
        (meta.actor, meta.correlation_id, meta.causation_id, meta.traceparent) =
            (None, None, None, None);
    }
    page.push(event.shape.clone(), event.position, meta, &event.data);
}
