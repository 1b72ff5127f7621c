//! Events as generated code describes them: type, version, shape, bytes, and the keys they claim.

use std::fmt;

use crate::codec::DecodeError;
use crate::metadata::Metadata;
use crate::values::Timestamp;

/// One version of one event type, as it lies in a store.
///
/// Stores record these and refuse to open with another shape for the same type and version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventShape {
    /// The stored name of the event type.
    pub event_type: &'static str,
    /// The version, from 1.
    pub version: u32,
    /// Canonical text of the fields, for example `{accountId: string, amount: decimal}`.
    pub shape: &'static str,
}

/// A closed set of events: the generated enum of one aggregate.
pub trait DomainEvent: Clone + fmt::Debug + PartialEq + Send + Sync + Sized + 'static {
    /// Stored names of the event types, in the ontology's order. [`Self::type_index`] points here.
    const TYPES: &'static [&'static str];

    /// Every version of every type that can be read, retired ones included.
    const SHAPES: &'static [EventShape];

    /// Index of this event's type in [`Self::TYPES`].
    fn type_index(&self) -> usize;

    /// Stored name of this event's type.
    fn event_type(&self) -> &'static str {
        Self::TYPES[self.type_index()]
    }

    /// The version in which this event is written: always the current one.
    fn version(&self) -> u32;

    /// Appends the data as a JSON object.
    fn write(&self, out: &mut Vec<u8>);

    /// Reads data of any known version and brings it up to the current one.
    ///
    /// # Errors
    /// [`DecodeError`] for a type or version that is not known, or data that is not of its shape.
    fn read(
        event_type: &str,
        version: u32,
        data: &[u8],
        meta: &Metadata,
    ) -> Result<Self, DecodeError>;

    /// When the event happened by its own timestamp field, if it has one.
    fn occurred_at(&self) -> Option<Timestamp>;

    /// The stream that this event names as its own, if it has a field of the partition key's name.
    fn named_stream(&self) -> Option<&str> {
        None
    }

    /// Hands over the unique keys that this event claims.
    fn unique_keys(&self, claim: &mut dyn FnMut(UniqueKey));

    /// Hands over the unique keys that this event frees, as far as its stream holds them: whoever comes next
    /// may claim them.
    fn released_keys(&self, release: &mut dyn FnMut(UniqueKey)) {
        let _ = release;
    }

    /// One line for people, for example `Money deposited: amount 500, transaction T1`.
    fn describe(&self) -> String;
}

/// A value that must be unique within its scope, claimed by an append.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UniqueKey {
    /// The field, as the ontology names it.
    pub field: &'static str,
    /// The value's canonical text.
    pub value: String,
    /// True where the value must be unique across all streams of the aggregate type.
    pub across_all: bool,
    /// True where the same content again is the first outcome again and not an error.
    pub idempotent: bool,
}

/// The event types that have occurred in a stream, by [`DomainEvent::type_index`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventTypes(Vec<u64>);

impl EventTypes {
    /// Whether an event of that type has occurred.
    pub fn contains(&self, type_index: usize) -> bool {
        self.0.get(type_index / 64).is_some_and(|word| word >> (type_index % 64) & 1 == 1)
    }

    /// Whether no event has occurred.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Notes that an event of that type has occurred.
    pub fn insert(&mut self, type_index: usize) {
        let word = type_index / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (type_index % 64);
    }
}
