//! Aggregates: the state of one stream, folded from its events, and the rules it keeps.

use std::fmt;

use crate::codec::{DecodeError, FieldError};
use crate::eval::EvalError;
use crate::event::{DomainEvent, EventTypes};
use crate::metadata::Metadata;
use crate::values::{Duration, Timestamp};

/// When a repository writes a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotStrategy {
    /// No snapshots.
    Never,
    /// When an append crosses a multiple of this many events.
    Every(u64),
}

/// How long events stay in the event store before they may be archived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// For ever.
    Forever,
    /// For this many calendar days.
    Days(u32),
    /// For this many calendar months (a year is twelve).
    Months(u32),
}

impl Retention {
    /// The time before which events have aged out at `now`; none where they never do. A month before the 31st is the
    /// last day of a shorter month; days and months are counted in UTC.
    pub fn cutoff(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Forever => None,
            Self::Days(days) => {
                let days = i64::from(days).checked_mul(24 * 60 * 60 * 1_000_000)?;
                now.checked_sub(Duration::from_micros(days))
            }
            Self::Months(months) => now.months_earlier(months),
        }
    }
}

/// An aggregate type: a marker that ties state, events, rules and refusals together.
pub trait Aggregate: Sized + Send + Sync + 'static {
    /// The ontology's name of the aggregate.
    const NAME: &'static str;
    /// The ontology's name of the stream's id; empty where there is one stream.
    const PARTITION_KEY: &'static str;
    /// When snapshots are written.
    const SNAPSHOTS: SnapshotStrategy;
    /// How long events are kept.
    const RETENTION: Retention;
    /// Hash of everything the fold depends on: shapes, upcasts, apply rules, hand-written revisions.
    const MEANING: u64;
    /// Whether `apply` or an upcast reads the texts of [`Metadata`]; where it doesn't, loading skips them.
    const READS_METADATA: bool;
    /// Whether the events of a stream must be ordered by their timestamps.
    const ORDERED_BY_TIME: bool;

    /// What the events of a stream add up to.
    type State: Clone + fmt::Debug + Default + PartialEq + Send + Sync + 'static;
    /// The aggregate's events.
    type Event: DomainEvent;
    /// Why a command can be refused.
    type Error: Refusal;
    /// What a program may set at its start: `()` where the ontology has no `config`. Decisions and rules
    /// read it, folds never.
    type Config: Clone + fmt::Debug + Default + PartialEq + Send + Sync + 'static;

    /// Checks that the values that a program is set to are of their types: their Rust types allow more.
    ///
    /// # Errors
    /// [`FieldError`] for the first one that is not.
    fn check_config(_config: &Self::Config) -> Result<(), FieldError> {
        Ok(())
    }

    /// Folds one event into the state. On an error the state is unchanged.
    ///
    /// # Errors
    /// [`ApplyError`] where an expression of the fold fails, for example on overflow.
    fn apply(
        state: &mut Self::State,
        event: &Self::Event,
        meta: &Metadata,
    ) -> Result<(), ApplyError>;

    /// Checks the rules that bind a single new event: its fields, its place in the history, and
    /// how it may change the state.
    ///
    /// # Errors
    /// The refusal of the first rule that is broken.
    fn check_event(step: &Step<'_, Self>) -> Result<(), Self::Error>;

    /// Checks the rules that bind the state after a whole command.
    ///
    /// # Errors
    /// The refusal of the first rule that is broken.
    fn check_state(
        before: &Self::State,
        after: &Self::State,
        config: &Self::Config,
    ) -> Result<(), Self::Error>;

    /// Appends the state as JSON, for a snapshot. Where it appends nothing, there is no snapshot: a
    /// hand-written state may have no form as JSON, or none that can be read back.
    fn write_state(state: &Self::State, out: &mut Vec<u8>);

    /// Reads what [`Self::write_state`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] where the bytes are not such a state.
    fn read_state(data: &[u8]) -> Result<Self::State, DecodeError>;
}

/// The meaning of a fold of which a part is written by hand: the hash of what the ontology says, and
/// the revision that the hand-written part states.
pub const fn revised(meaning: u64, revision: u32) -> u64 {
    // FNV-1a over the four bytes of the revision.
    let bytes = revision.to_le_bytes();
    let mut hash = meaning;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}

/// A new event between the states before and after it.
pub struct Step<'a, A: Aggregate> {
    /// The state before the event.
    pub before: &'a A::State,
    /// The event.
    pub event: &'a A::Event,
    /// The state after the event.
    pub after: &'a A::State,
    /// The types of the events before it.
    pub history: &'a EventTypes,
    /// What the program is set to.
    pub config: &'a A::Config,
}

/// A refusal: the generated error enum of one aggregate.
///
/// Every refusal has a name, as in the ontology, and a message for people.
pub trait Refusal: std::error::Error + Clone + PartialEq + Send + Sync + 'static {
    /// The ontology's name of the refusal, for example `InsufficientFunds`.
    fn name(&self) -> &'static str;

    /// Why, in words.
    fn message(&self) -> &str;

    /// The refusal of that name, or none if there is no such refusal (any more).
    fn restore(name: &str, message: String) -> Option<Self>;

    /// The target must not exist yet, but does.
    fn already_exists(message: String) -> Self;

    /// The target must exist, but doesn't.
    fn not_found(message: String) -> Self;

    /// A unique key is taken, with other content.
    fn duplicate_key(field: &str, message: String) -> Self;

    /// An event would lie before the last one of its stream.
    fn out_of_order(message: String) -> Self;

    /// A calculation left the range of its type.
    fn arithmetic_overflow(message: String) -> Self;
}

/// A fold failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// An expression failed.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// A value does not fit the declared type of its field.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// A hand-written fold refused.
    #[error("{0}")]
    Custom(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(retention: Retention, now: &str) -> String {
        let now = now.parse().expect("a time");
        retention.cutoff(now).map_or("never".to_owned(), |before| before.to_string())
    }

    #[test]
    fn events_age_out_by_the_calendar() {
        let now = "2024-03-31T10:00:00.5Z";
        assert_eq!(before(Retention::Forever, now), "never");
        assert_eq!(before(Retention::Days(0), now), now);
        assert_eq!(before(Retention::Days(31), now), "2024-02-29T10:00:00.5Z");
        assert_eq!(before(Retention::Months(1), now), "2024-02-29T10:00:00.5Z");
        assert_eq!(before(Retention::Months(13), now), "2023-02-28T10:00:00.5Z");
        assert_eq!(before(Retention::Months(84), now), "2017-03-31T10:00:00.5Z");
        assert_eq!(
            before(Retention::Months(12), "1969-01-01T00:00:00.25Z"),
            "1968-01-01T00:00:00.25Z"
        );
        assert_eq!(before(Retention::Months(u32::MAX), now), "never");
        assert_eq!(before(Retention::Days(u32::MAX), now), "never");
    }
}
