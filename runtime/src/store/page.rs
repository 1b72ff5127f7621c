//! Pages of events, and which events of the global order a page holds.
//!
//! How they are read is each store's business; what bounds them is the same for all.

use std::sync::Arc;

use super::StoredEvent;
use crate::event::EventShape;
use crate::metadata::{Metadata, Position};

/// Bytes that end a page before its limit of events does, so that big events don't fill the memory:
/// a page holds at most as many and one event more.
pub const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Positions after which a page of filtered events ends, whatever it holds, so that a rare type in a
/// long log is not one endless read.
pub const PAGE_POSITIONS: u64 = 16_384;

/// Events read together: one buffer of data, one row per event.
#[derive(Clone, Debug, Default)]
pub struct Page {
    rows: Vec<PageRow>,
    data: Vec<u8>,
    /// Bytes of the metadata's texts.
    texts: usize,
    at_end: bool,
}

#[derive(Clone, Debug)]
struct PageRow {
    shape: Arc<StoredShape>,
    position: Position,
    meta: Metadata,
    end: usize,
}

/// Aggregate, type and version, shared by all events that have them.
#[derive(Debug, PartialEq, Eq)]
pub struct StoredShape {
    /// Name of the aggregate type.
    pub aggregate: String,
    /// Stored name of the event type.
    pub event_type: String,
    /// The version.
    pub version: u32,
}

impl Page {
    /// Adds an event.
    pub fn push(
        &mut self,
        shape: Arc<StoredShape>,
        position: Position,
        meta: Metadata,
        data: &[u8],
    ) {
        self.data.extend_from_slice(data);
        self.texts += length_of_texts(&meta);
        self.rows.push(PageRow { shape, position, meta, end: self.data.len() });
    }

    /// Adds an event of another page.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(super) fn push_of(&mut self, other: &Self, index: usize) {
        let row = &other.rows[index];
        let start = index.checked_sub(1).map_or(0, |before| other.rows[before].end);
        let data = &other.data[start..row.end];
        self.push(Arc::clone(&row.shape), row.position, row.meta.clone(), data);
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether it takes no further event: it has as many as its reader asked for, or as many bytes
    /// as are read together.
    pub fn is_full(&self, limit: usize) -> bool {
        self.rows.len() >= limit || self.data.len() + self.texts >= PAGE_BYTES
    }

    /// Whether the end of what was read is known to be reached. Where it isn't, there may be more,
    /// however few events these are.
    pub fn at_end(&self) -> bool {
        self.at_end
    }

    /// Says that nothing comes after these events.
    pub fn end(&mut self) {
        self.at_end = true;
    }

    /// Says that something comes after these events.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(super) fn go_on(&mut self) {
        self.at_end = false;
    }

    /// Keeps the first `len` events.
    pub fn truncate(&mut self, len: usize) {
        self.at_end &= len >= self.rows.len();
        self.rows.truncate(len);
        self.data.truncate(self.rows.last().map_or(0, |last| last.end));
    }

    /// The events in the order in which they were read.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = StoredEvent<'_>> {
        self.rows.iter().enumerate().map(|(index, row)| StoredEvent {
            aggregate: &row.shape.aggregate,
            event_type: &row.shape.event_type,
            version: row.shape.version,
            position: row.position,
            data: &self.data
                [index.checked_sub(1).map_or(0, |before| self.rows[before].end)..row.end],
            meta: &row.meta,
        })
    }
}

fn length_of_texts(meta: &Metadata) -> usize {
    let Metadata { actor, correlation_id, causation_id, traceparent, .. } = meta;
    let texts = [actor, correlation_id, causation_id, traceparent];
    texts.into_iter().flatten().map(|text| text.len()).sum()
}

/// Which events a read of the global order gives out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Aggregate type and stored event types. Empty means all, where `known` is empty too.
    pub types: Vec<(&'static str, &'static str)>,
    /// What the program knows of an aggregate type. Events of types that it does not know pass too:
    /// only a newer program can tell what they mean, and nobody may pass them by unseen.
    pub known: Vec<(&'static str, &'static [EventShape])>,
    /// Whether the texts of the metadata are read too.
    pub metadata: bool,
}

impl EventFilter {
    /// Whether events of a type pass.
    pub fn passes(&self, aggregate: &str, event_type: &str) -> bool {
        let named = |(of, named): &(&str, &str)| *of == aggregate && *named == event_type;
        let unknown = |(of, known): &(&str, &[EventShape])| {
            *of == aggregate && known.iter().all(|shape| shape.event_type != event_type)
        };
        self.is_everything() || self.types.iter().any(named) || self.known.iter().any(unknown)
    }

    /// Whether all events pass.
    pub fn is_everything(&self) -> bool {
        self.types.is_empty() && self.known.is_empty()
    }
}

/// A page of the global order. One without events need not be the last.
#[derive(Clone, Debug)]
pub struct AllPage {
    /// The events that pass the filter, in order of position.
    pub events: Page,
    /// The position up to which everything has been seen, filtered events included. A reader goes
    /// on from here.
    pub next: Position,
}
