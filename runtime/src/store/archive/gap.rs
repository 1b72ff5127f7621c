//! Pages of one stream: what lies between what was asked for and what is live is archived.

use super::form::ArchivedEvent;
use super::merge::push;
use crate::metadata::Sequence;
use crate::store::{Direction, Page, StoreError, StreamRead};

/// The archived events of a page of one stream: those that lie between what was asked for and what is live.
pub(super) struct Gap<'r> {
    read: &'r StreamRead,
    /// Sequences above this one,
    pub(super) above: Sequence,
    /// and below this one are archived.
    pub(super) below: Sequence,
    /// The next of them.
    next: Sequence,
    page: Page,
    found: bool,
}

impl<'r> Gap<'r> {
    /// What a page of live events lacks, if anything. The last event of a stream is never archived, and its sequences
    /// have no gaps: so a forward page without events lacks none.
    pub(super) fn of(read: &'r StreamRead, live: &Page) -> Option<Self> {
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
    pub(super) fn is_open(&self) -> bool {
        !self.is_closed() && !self.page.is_full(self.read.limit)
    }

    fn is_closed(&self) -> bool {
        self.next <= self.above || self.next >= self.below
    }

    /// Takes the events of a stream from a block.
    pub(super) fn take(&mut self, block: &[ArchivedEvent]) -> Result<(), StoreError> {
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
    pub(super) fn fill(mut self, live: Page) -> Result<Page, StoreError> {
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
