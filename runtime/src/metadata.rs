//! Who, when and why of an event, and the numbers that place it: stream, sequence, position.

use std::fmt;
use std::sync::Arc;

use crate::values::{Timestamp, Uuid};

/// Place of an event within its stream, counted from 1; 0 stands for "before the first event".
pub type Sequence = u64;

/// Place of an event in the store's global order. Strictly increasing, not always contiguous;
/// 0 stands for "before the first event".
pub type Position = u64;

/// The identity of one stream of an aggregate type, for example an account number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(Arc<str>);

impl StreamId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for StreamId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<T: AsRef<str> + ?Sized> From<&T> for StreamId {
    fn from(id: &T) -> Self {
        Self(Arc::from(id.as_ref()))
    }
}

impl From<String> for StreamId {
    fn from(id: String) -> Self {
        Self(Arc::from(id))
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What is known of one event besides its data.
///
/// A read may leave out the texts (`actor` to `traceparent`) where nobody needs them:
/// see [`crate::Aggregate::READS_METADATA`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Unique id of the event.
    pub event_id: Uuid,
    /// The stream the event belongs to.
    pub stream_id: StreamId,
    /// Place within the stream, from 1.
    pub sequence: Sequence,
    /// When the event happened: the decision's clock, or the time the caller supplied.
    pub at: Timestamp,
    /// When the event was recorded, by the recording program's clock.
    pub recorded_at: Timestamp,
    /// Who caused the event, as the caller told.
    pub actor: Option<Arc<str>>,
    /// Shared by everything that one outside request led to.
    pub correlation_id: Option<Arc<str>>,
    /// Id of the command or event that led to this event.
    pub causation_id: Option<Arc<str>>,
    /// W3C trace context of the command, for example
    /// `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`.
    pub traceparent: Option<Arc<str>>,
}

impl Metadata {
    /// The sequence as the language's `integer`.
    pub fn sequence_number(&self) -> i64 {
        i64::try_from(self.sequence).unwrap_or(i64::MAX)
    }
}
