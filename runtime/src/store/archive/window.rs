//! Pages of the global order: what is live and what is archived by their positions, each event once.

use std::collections::BTreeMap;

use super::block::BlockPlace;
use super::form::ArchivedEvent;
use super::merge::push;
use crate::metadata::Position;
use crate::store::{AllPage, EventFilter, PAGE_BYTES, PAGE_POSITIONS, Page};

/// As looking at so many events counts to pass over a block.
const PASSED_OVER: u64 = 64;

/// The archived events of one page of the global order: the first ones after a position, whatever the order in which
/// their blocks overlap. Blocks are handed over by their first positions.
pub(super) struct Window<'a> {
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
    pub(super) fn beside(
        live: &AllPage,
        after: Position,
        filter: &'a EventFilter,
        limit: usize,
    ) -> Self {
        let (limit, bound) = (limit.max(1), live.next);
        Self { filter, limit, after, bound, kept: BTreeMap::new(), bytes: 0, looked_at: 0 }
    }

    /// Up to where archived events are to be looked for.
    pub(super) fn bound(&self) -> Position {
        self.bound
    }

    /// Whether a block that begins at a position, and those behind it, may have events of the page. The page ends before
    /// it where enough has been looked at.
    pub(super) fn wants(&mut self, first: Position) -> bool {
        let leads_on = first > self.after.saturating_add(1);
        if self.looked_at >= PAGE_POSITIONS && leads_on {
            self.bound = self.bound.min(first - 1);
        }
        first <= self.bound
    }

    /// Which events are looked for.
    pub(super) fn filter(&self) -> &'a EventFilter {
        self.filter
    }

    /// Whether events of a block may pass the filter. Where none do, it counts as looked at all the same: a page must not
    /// go through the places of a whole archive.
    pub(super) fn may_find_in(&mut self, place: &BlockPlace) -> bool {
        let may = self.passes_any_of(place);
        self.looked_at += if may { 0 } else { PASSED_OVER };
        may
    }

    /// Whether a block is needed for the page, by what was looked at so far.
    pub(super) fn may_need(&self, place: &BlockPlace) -> bool {
        place.first <= self.bound && self.passes_any_of(place)
    }

    fn passes_any_of(&self, place: &BlockPlace) -> bool {
        let passes = |event_type: &String| self.filter.passes(&place.aggregate, event_type);
        place.types.iter().any(passes)
    }

    /// Takes the events of a block.
    pub(super) fn take(&mut self, block: &[ArchivedEvent]) {
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
    pub(super) fn merge(self, live: AllPage) -> AllPage {
        if self.kept.is_empty() && self.bound == live.next {
            return live;
        }
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

fn size(event: &ArchivedEvent) -> usize {
    let meta = &event.meta;
    let texts = [&meta.actor, &meta.correlation_id, &meta.causation_id, &meta.traceparent];
    let texts: usize = texts.into_iter().flatten().map(|text| text.len()).sum();
    event.data.len() + texts
}
