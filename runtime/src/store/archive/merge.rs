//! Pages of what is live and what is archived: in the order of positions or of sequences, each event once.
//!
//! A store reads its live events first and looks for archived ones after that. Events only ever go from live to
//! archived: so none is missed, and one that goes meanwhile is seen twice and given out once.

use std::collections::BTreeMap;

use super::form::ArchivedEvent;
use crate::metadata::{Position, Sequence};
use crate::store::{
    AllPage, Direction, EventFilter, PAGE_BYTES, PAGE_POSITIONS, Page, StoreError, StreamRead,
};

/// The archived events of one page of the global order: the first ones after a position, whatever the order in which
/// their blocks overlap. Blocks are handed over by their first positions.
pub(in crate::store) struct Window<'a> {
    filter: &'a EventFilter,
    limit: usize,
    after: Position,
    /// Up to where what is archived is to be seen.
    bound: Position,
    kept: BTreeMap<Position, ArchivedEvent>,
    bytes: usize,
    looked_at: u64,
}

impl<'a> Window<'a> {
    /// What a page of live events, read after a position, is to be merged with.
    pub(in crate::store) fn beside(
        live: &AllPage,
        after: Position,
        filter: &'a EventFilter,
        limit: usize,
    ) -> Self {
        let (limit, bound) = (limit.max(1), live.next);
        Self { filter, limit, after, bound, kept: BTreeMap::new(), bytes: 0, looked_at: 0 }
    }

    /// Up to where archived events are to be looked for.
    pub(in crate::store) fn bound(&self) -> Position {
        self.bound
    }

    /// Whether a block that begins at a position, and those behind it, may have events of the page. The page ends before
    /// it where enough has been looked at.
    pub(in crate::store) fn wants(&mut self, first: Position) -> bool {
        let leads_on = first > self.after.saturating_add(1);
        if self.looked_at >= PAGE_POSITIONS && leads_on {
            self.bound = self.bound.min(first - 1);
        }
        first <= self.bound
    }

    /// Takes the events of a block.
    pub(in crate::store) fn take(&mut self, block: &[ArchivedEvent]) {
        for event in block {
            if event.position <= self.after || event.position > self.bound {
                continue;
            }
            self.looked_at += 1;
            if self.filter.passes(&event.shape.aggregate, &event.shape.event_type) {
                self.bytes += size(event);
                self.kept.insert(event.position, event.clone());
                self.let_go();
            }
        }
    }

    /// Lets go of the last events, where there are more than a page has.
    fn let_go(&mut self) {
        while let Some((position, last)) = self.kept.last_key_value() {
            let without = self.bytes - size(last);
            let has_enough = self.kept.len() > 1 && without >= PAGE_BYTES;
            if self.kept.len() <= self.limit && !has_enough {
                return;
            }
            self.bound = *position - 1;
            self.bytes = without;
            self.kept.pop_last();
        }
    }

    /// The page.
    pub(in crate::store) fn merge(self, live: &AllPage) -> AllPage {
        let is_last = live.events.at_end() && self.bound == live.next;
        let mut page = Page::default();
        let mut archived = self.kept.into_values().peekable();
        let mut lives = live.events.iter().map(|event| event.position).enumerate().peekable();
        loop {
            let of_live = lives.peek().map(|(_, position)| *position);
            let of_archive = archived.peek().map(|event| event.position);
            let nearest = [of_live, of_archive].into_iter().flatten().min();
            let Some(position) = nearest.filter(|nearest| *nearest <= self.bound) else {
                let mut events = page;
                if is_last {
                    events.end();
                }
                return AllPage { events, next: self.bound };
            };
            if page.is_full(self.limit) {
                return AllPage { events: page, next: position - 1 };
            }
            let event = archived.next_if(|event| event.position == position);
            match lives.next_if(|(_, live)| *live == position) {
                Some((index, _)) => page.push_of(&live.events, index),
                None => event.iter().for_each(|event| push(&mut page, event, self.filter.metadata)),
            }
        }
    }
}

/// The archived events of a page of one stream: those that lie between what was asked for and what is live.
pub(in crate::store) struct Gap<'r> {
    read: &'r StreamRead,
    /// Sequences above this one,
    pub(in crate::store) above: Sequence,
    /// and below this one are archived.
    pub(in crate::store) below: Sequence,
    /// The next of them.
    next: Sequence,
    page: Page,
    found: bool,
}

impl<'r> Gap<'r> {
    /// What a page of live events lacks, if anything. The last event of a stream is never archived, and its sequences
    /// have no gaps: so a forward page without events lacks none.
    pub(in crate::store) fn of(read: &'r StreamRead, live: &Page) -> Option<Self> {
        let (above, below) = match read.direction {
            Direction::Forwards => (read.after, live.iter().next()?.meta.sequence),
            Direction::Backwards if !live.at_end() => return None,
            Direction::Backwards => {
                (0, live.iter().next_back().map_or(read.after, |lowest| lowest.meta.sequence))
            }
        };
        let next = match read.direction {
            Direction::Forwards => above + 1,
            Direction::Backwards => below.saturating_sub(1),
        };
        let page = match read.direction {
            Direction::Forwards => Page::default(),
            Direction::Backwards => live.clone(),
        };
        let is_open = below > above.saturating_add(1);
        is_open.then_some(Self { read, above, below, next, page, found: false })
    }

    /// Whether the page takes another event.
    pub(in crate::store) fn is_open(&self) -> bool {
        !self.is_closed() && !self.page.is_full(self.read.limit)
    }

    fn is_closed(&self) -> bool {
        self.next <= self.above || self.next >= self.below
    }

    /// Takes the events of a stream from a block.
    pub(in crate::store) fn take(&mut self, block: &[ArchivedEvent]) -> Result<(), StoreError> {
        let StreamRead { stream, direction, .. } = self.read;
        self.found = true;
        let is_own = |event: &&ArchivedEvent| {
            event.meta.stream_id == stream.id && event.shape.aggregate == stream.aggregate
        };
        match direction {
            Direction::Forwards => self.take_all(block.iter().filter(is_own)),
            Direction::Backwards => self.take_all(block.iter().rev().filter(is_own)),
        }
    }

    fn take_all<'e>(
        &mut self,
        events: impl Iterator<Item = &'e ArchivedEvent>,
    ) -> Result<(), StoreError> {
        for event in events {
            let sequence = event.meta.sequence;
            if sequence <= self.above || sequence >= self.below {
                continue;
            }
            if !self.is_open() {
                return Ok(());
            }
            if sequence != self.next {
                return Err(self.torn());
            }
            push(&mut self.page, event, self.read.metadata);
            self.next = match self.read.direction {
                Direction::Forwards => sequence + 1,
                Direction::Backwards => sequence - 1,
            };
        }
        Ok(())
    }

    /// The page, after all that is archived of the stream was taken as far as there was room.
    pub(in crate::store) fn fill(mut self, live: Page) -> Result<Page, StoreError> {
        if !self.found {
            // Nothing of the stream was archived: what lacks is for its reader to see.
            return Ok(live);
        }
        if self.is_open() {
            return Err(self.torn());
        }
        if self.read.direction == Direction::Backwards {
            if self.is_closed() {
                self.page.end();
            } else {
                self.page.go_on();
            }
            return Ok(self.page);
        }
        for index in 0..live.len() {
            if self.page.is_full(self.read.limit) {
                return Ok(self.page);
            }
            self.page.push_of(&live, index);
        }
        if live.at_end() {
            self.page.end();
        }
        Ok(self.page)
    }

    /// Neither live nor archived.
    fn torn(&self) -> StoreError {
        StoreError::Corrupt {
            what: "stream".to_owned(),
            place: format!("{} {}, sequence {}", self.read.stream.aggregate, self.read.stream.id, self.next),
            reason: "the event is neither among the live ones nor where the archive has those around it; restore the \
                     database and its archive from a backup"
                .to_owned(),
        }
    }
}

fn size(event: &ArchivedEvent) -> usize {
    let meta = &event.meta;
    let texts = [&meta.actor, &meta.correlation_id, &meta.causation_id, &meta.traceparent];
    let texts: usize = texts.into_iter().flatten().map(|text| text.len()).sum();
    event.data.len() + texts
}

fn push(page: &mut Page, event: &ArchivedEvent, metadata: bool) {
    let mut meta = event.meta.clone();
    if !metadata {
        (meta.actor, meta.correlation_id, meta.causation_id, meta.traceparent) =
            (None, None, None, None);
    }
    page.push(event.shape.clone(), event.position, meta, &event.data);
}
