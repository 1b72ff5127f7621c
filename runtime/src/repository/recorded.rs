//! What a command led to.

use crate::aggregate::Aggregate;
use crate::metadata::{Metadata, Position, Sequence};

/// An event as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded<E> {
    /// The event.
    pub event: E,
    /// Its metadata.
    pub meta: Metadata,
}

/// A command that was carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Executed<A: Aggregate> {
    /// The events it led to, in order; empty where there was nothing to do.
    pub events: Vec<Recorded<A::Event>>,
    /// Sequence of the last of them, or of the stream's last event where there are none.
    pub sequence: Sequence,
    /// Position of the last of them: what a read model must have reached to show them. The store's
    /// head where there are none.
    pub position: Position,
    /// The state of the stream. For a duplicate it is the state now, at or after [`Self::sequence`];
    /// what it was then is [`crate::Repository::load_as_of`] that sequence.
    pub state: A::State,
    /// Whether this very command had been carried out before: the events are those of that time, and
    /// nothing was appended now.
    pub duplicate: bool,
}
