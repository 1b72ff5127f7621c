//! What happened to one stream: for people as a timeline, for programs as stored events.

use super::Repository;
use super::folded::{self, time_of};
use crate::aggregate::Aggregate;
use crate::event::DomainEvent;
use crate::metadata::{Sequence, StreamId};
use crate::store::{EventStore, Page, StoreError, StoredEvent, StreamKey};
use crate::values::Timestamp;

/// An event of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    /// Place within the stream.
    pub sequence: Sequence,
    /// When it happened, by the event's own timestamp.
    pub time: Timestamp,
    /// Stored name of the event's type.
    pub event_type: &'static str,
    /// One line for people.
    pub description: String,
}

impl<A: Aggregate, S: EventStore> Repository<A, S> {
    /// What happened to a stream, in words: at most `limit` events after a sequence. A shorter
    /// answer ends at the stream's end; otherwise ask again after the last entry's sequence.
    ///
    /// # Errors
    /// A failure of the store, or an event that can't be read.
    pub async fn timeline(
        &self,
        stream: impl Into<StreamId>,
        mut after: Sequence,
        limit: usize,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        let stream = stream.into();
        let mut entries: Vec<TimelineEntry> = Vec::new();
        loop {
            let page = self.history(stream.clone(), after, limit - entries.len()).await?;
            for stored in page.iter() {
                entries.push(entry::<A>(&stored)?);
                after = stored.meta.sequence;
            }
            if page.at_end() || entries.len() >= limit {
                return Ok(entries);
            }
        }
    }

    /// The events of a stream as they are stored: at most `limit` events after a sequence, fewer
    /// where they are big; [`Page::at_end`] tells whether these are the last. Each gives its event
    /// form by [`crate::store::StoredEvent::to_json`].
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn history(
        &self,
        stream: impl Into<StreamId>,
        after: Sequence,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let stream = StreamKey { aggregate: A::NAME, id: stream.into() };
        self.read_page(&stream, after, limit, true).await
    }
}

fn entry<A: Aggregate>(stored: &StoredEvent<'_>) -> Result<TimelineEntry, StoreError> {
    let event: A::Event = folded::read(stored)?;
    Ok(TimelineEntry {
        sequence: stored.meta.sequence,
        time: time_of(&event, stored.meta),
        event_type: event.event_type(),
        description: event.describe(),
    })
}
