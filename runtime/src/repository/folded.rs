//! A state on its way through the events of its stream.

use crate::aggregate::Aggregate;
use crate::codec::DecodeError;
use crate::event::{DomainEvent, EventTypes};
use crate::metadata::{Metadata, Sequence};
use crate::store::{StoreError, StoredEvent};
use crate::values::{Timestamp, Uuid};

/// What to do about an event that can't be read or applied: read models may leave one out, and no state does.
const UNREADABLE: &str = "nothing is known of its stream without it, whatever read models skip: run a program that can \
    read it, or restore its data from a backup";

/// What the events of a stream, up to a sequence, add up to.
#[derive(Debug)]
pub(super) struct Folded<A: Aggregate> {
    pub(super) state: A::State,
    pub(super) sequence: Sequence,
    /// The latest time of an event.
    pub(super) last_time: Option<Timestamp>,
    pub(super) history: EventTypes,
    /// Id of the last event.
    pub(super) last_event: Option<Uuid>,
    /// [`EventStore::epoch`](crate::EventStore::epoch) from before it was read, or was seen to be right.
    pub(super) epoch: u64,
}

impl<A: Aggregate> Default for Folded<A> {
    fn default() -> Self {
        Self {
            state: A::State::default(),
            sequence: 0,
            last_time: None,
            history: EventTypes::default(),
            last_event: None,
            epoch: 0,
        }
    }
}

impl<A: Aggregate> Clone for Folded<A> {
    fn clone(&self) -> Self {
        Self {
            state: self.state.clone(),
            sequence: self.sequence,
            last_time: self.last_time,
            history: self.history.clone(),
            last_event: self.last_event,
            epoch: self.epoch,
        }
    }
}

impl<A: Aggregate> Folded<A> {
    /// Whether another one stands for the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let Self { state, sequence, last_time, history, .. } = other;
        (&self.state, self.sequence, self.last_time, &self.history)
            == (state, *sequence, *last_time, history)
    }

    /// Folds in an event.
    pub(super) fn apply(
        &mut self,
        event: &A::Event,
        stored: &StoredEvent<'_>,
    ) -> Result<(), StoreError> {
        A::apply(&mut self.state, event, stored.meta).map_err(|error| {
            corrupt(stored, format!("it cannot be applied: {error}; {UNREADABLE}"))
        })?;
        let time = time_of(event, stored.meta);
        self.history.insert(event.type_index());
        self.last_time = self.last_time.max(Some(time));
        self.sequence = stored.meta.sequence;
        self.last_event = Some(stored.meta.event_id);
        Ok(())
    }
}

/// When an event happened: by its own timestamp, else by its metadata.
pub(super) fn time_of<E: DomainEvent>(event: &E, meta: &Metadata) -> Timestamp {
    event.occurred_at().unwrap_or(meta.at)
}

/// Checks that an event is the one after `sequence`.
pub(super) fn check_follows(
    stored: &StoredEvent<'_>,
    sequence: Sequence,
) -> Result<(), StoreError> {
    if stored.meta.sequence == sequence + 1 {
        return Ok(());
    }
    let reason = format!(
        "it follows sequence {sequence}: events are missing or doubled; restore the store from a backup"
    );
    Err(corrupt(stored, reason))
}

/// Reads an event.
pub(super) fn read<E: DomainEvent>(stored: &StoredEvent<'_>) -> Result<E, StoreError> {
    E::read(stored.event_type, stored.version, stored.data, stored.meta).map_err(
        |error| match error {
            DecodeError::UnknownType(_) | DecodeError::UnknownVersion { .. } => {
                StoreError::UnknownVersion {
                    event_type: stored.event_type.to_owned(),
                    version: stored.version,
                    position: stored.position,
                }
            }
            error => corrupt(stored, format!("{error}; {UNREADABLE}")),
        },
    )
}

#[cold]
fn corrupt(stored: &StoredEvent<'_>, reason: String) -> StoreError {
    StoreError::Corrupt {
        what: format!("event {} v{}", stored.event_type, stored.version),
        place: format!(
            "{} {}, sequence {}, position {}",
            stored.aggregate, stored.meta.stream_id, stored.meta.sequence, stored.position
        ),
        reason,
    }
}
