//! The event store: what every store promises, in bytes. Typed events are the repository's business.
//!
//! Promises, shown by the conformance suite (feature `testing`):
//! - an append is atomic: events, unique keys, command record and snapshot land together or not at all;
//! - an append is acknowledged after it is durable;
//! - sequences of a stream run 1, 2, 3 … without gap; positions grow with every event, and a reader
//!   that has seen position p never later finds a new event at or below p;
//! - no outcome is guessed: [`AppendError`] tells a conflict from a taken key from a failure, and a
//!   failure after which the outcome is open says so.

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod archive;
mod immediate;
mod memory;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod names;
mod page;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod shapes;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod whole;

use std::future::Future;
use std::sync::Arc;

pub use immediate::{AppendTransaction, AppendedEvents, FoldError, FoldedChange, ImmediateFold};
pub use memory::{MemoryStore, UndoLog};
pub use page::{AllPage, EventFilter, PAGE_BYTES, PAGE_POSITIONS, Page, StoredShape};

use crate::event::EventShape;
use crate::metadata::{Metadata, Position, Sequence, StreamId};

/// A stream of a store: the aggregate type and the stream's id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamKey {
    /// Name of the aggregate type.
    pub aggregate: &'static str,
    /// Id of the stream.
    pub id: StreamId,
}

/// An event on its way into a store. Its sequence is implied by its place in [`Append::events`].
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// Stored name of the type.
    pub event_type: &'static str,
    /// Version of the type.
    pub version: u32,
    /// The data: a JSON object.
    pub data: Vec<u8>,
    /// Metadata; its `stream_id` and `sequence` agree with the append's.
    pub meta: Metadata,
}

/// A unique key on its way into a store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyClaim {
    /// The field.
    pub field: &'static str,
    /// The value.
    pub value: String,
    /// Whether the scope is the aggregate type and not just the stream.
    pub across_all: bool,
}

/// Hash of a command's content: name, stream and supplied input. 16 bytes of SHA-256.
pub type ContentHash = [u8; 16];

/// A caller-supplied command id, to be recorded with the outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRecord {
    /// The id.
    pub id: Arc<str>,
    /// Name and message where the command was refused.
    pub refusal: Option<(String, String)>,
    /// Sequences of the first and last event of an earlier append of the same command, whose outcome
    /// this one repeats. None for a command that is carried out now.
    pub repeats: Option<(Sequence, Sequence)>,
}

/// A snapshot: a state with the sequence it stands for and the meaning of the fold that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Sequence of the last event in the state.
    pub sequence: Sequence,
    /// [`crate::Aggregate::MEANING`] of the program that wrote it.
    pub meaning: u64,
    /// The state as JSON, with what the repository keeps beside it.
    pub data: Vec<u8>,
}

/// One append: atomic, and answered on its own even where many are committed together.
#[derive(Clone, Debug)]
pub struct Append {
    /// The stream.
    pub stream: StreamKey,
    /// Sequence of the stream's last event as the caller knows it; 0 for a new stream.
    pub expected: Sequence,
    /// The events. May be empty where only a command's refusal is recorded.
    pub events: Vec<NewEvent>,
    /// The unique keys that the events free, before any is claimed: those of them that this stream holds.
    pub released: Vec<KeyClaim>,
    /// The unique keys that an event claims and a later one frees: they must be free, and are so afterwards.
    pub passing: Vec<KeyClaim>,
    /// The unique keys that the events claim.
    pub keys: Vec<KeyClaim>,
    /// Content of the command: recorded with the keys and with the command id.
    pub content: ContentHash,
    /// The command id, where the caller supplied one.
    pub command: Option<CommandRecord>,
    /// A snapshot to write with the events.
    pub snapshot: Option<Snapshot>,
    /// [`EventStore::epoch`] from before the state was read on which this was decided; none where it is not to be checked.
    pub epoch: Option<u64>,
}

impl Append {
    /// Refuses an append whose state was read in another epoch than this.
    ///
    /// # Errors
    /// [`AppendError::Unconfirmed`].
    pub(crate) fn check_epoch(&self, epoch: u64) -> Result<(), AppendError> {
        match self.epoch.is_none_or(|read_in| read_in == epoch) {
            true => Ok(()),
            false => Err(AppendError::Unconfirmed { epoch }),
        }
    }
}

/// A successful append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Position of the last event written, or the store's head where none was.
    pub position: Position,
}

/// Why an append did not take place.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The stream has moved on.
    #[error("conflict: the stream is at {actual}, the append expected {expected}")]
    Conflict {
        /// What the append expected.
        expected: Sequence,
        /// Where the stream is.
        actual: Sequence,
    },
    /// The store may be another one than the state was read from. Nothing was written.
    #[error(
        "the connection to the store was made anew since the state was read, and it is to be seen whether the stream \
         still is what it was"
    )]
    Unconfirmed {
        /// [`EventStore::epoch`] now.
        epoch: u64,
    },
    /// A unique key is taken.
    #[error("the {} `{}` is taken", .0.claim.field, .0.claim.value)]
    DuplicateKey(Box<TakenKey>),
    /// The command id has been used.
    #[error("the command id has been used")]
    CommandKnown(Box<RecordedCommand>),
    /// An `immediate` projection could not fold the events.
    #[error("projection {projection} cannot take the events: {reason}")]
    Projection {
        /// Aggregate and name of the projection, such as `Ledger.Balances`.
        projection: String,
        /// Why.
        reason: String,
    },
    /// The store failed; nothing was appended unless it is [`StoreError::OutcomeUnknown`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a store knows of a taken key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenKey {
    /// The key.
    pub claim: KeyClaim,
    /// Content of the command that claimed it.
    pub content: ContentHash,
    /// The stream in which it was claimed.
    pub stream: StreamKey,
    /// Sequences of the first and last event of the append that claimed it; an empty range, such as
    /// `(8, 7)`, where it had no events.
    pub events: (Sequence, Sequence),
    /// Name and message where the command that claimed it was refused and kept these events.
    pub refusal: Option<(String, String)>,
}

/// What a store knows of a command id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedCommand {
    /// Content of the command.
    pub content: ContentHash,
    /// The stream it addressed.
    pub stream: StreamKey,
    /// Sequences of the first and last event it appended or repeated, or none.
    pub events: Option<(Sequence, Sequence)>,
    /// Name and message where it was refused.
    pub refusal: Option<(String, String)>,
}

/// What to do about an event that the program does not know.
pub(crate) const UNKNOWN_EVENT: &str = "where a newer one wrote it, run that one; an event that was \
    renamed keeps its stored name with `storedAs`, one that is no longer emitted stays with \
    `retired: true`, and an earlier version stays under `history`";

/// A store failed. Different things that a caller does different things about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store can't be reached or is busy; nothing was changed; trying again may help.
    #[error("the event store is unavailable: {0}")]
    Unavailable(String),
    /// The store can't write, for example a full disk or a read-only file; nothing was changed.
    #[error("the event store can't write: {0}")]
    Unwritable(String),
    /// The commit was sent and its outcome is not known.
    #[error("the outcome of an append is unknown: {0}")]
    OutcomeUnknown(String),
    /// What is stored is damaged or not what it should be.
    #[error("corrupt: {what} at {place}: {reason}")]
    Corrupt {
        /// What was read, for example `event MoneyDeposited v1`.
        what: String,
        /// Where it lies, for example `BankAccount A1, sequence 7, position 12`.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Events were archived, and their archive is not at hand. Nothing is given out in their place.
    #[error("{events} can't be read: they are archived in {file}, and {reason}")]
    ArchivedHistoryUnavailable {
        /// What was to be read, with the positions of the archived events, for example
        /// `BankAccount A1 (positions 12 to 900)`.
        events: String,
        /// The archive's file.
        file: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A copy into this store is unfinished: it has a part of another store alone, and nothing may be asked of it.
    #[error(
        "{place} has a part of another store alone: a copy into it is unfinished, with events up to position {copied} of \
         {of}; run the copy again, which goes on from there, or delete what is there"
    )]
    UnfinishedCopy {
        /// The file or database.
        place: String,
        /// Events up to this position are there.
        copied: Position,
        /// The last position of the store that is copied.
        of: Position,
    },
    /// An event type or version that this program does not know: a newer program wrote it.
    #[error(
        "{event_type} v{version} at position {position} is not known to this program: {}",
        UNKNOWN_EVENT
    )]
    UnknownVersion {
        /// Stored name of the type.
        event_type: String,
        /// The version.
        version: u32,
        /// Where it lies.
        position: Position,
    },
    /// The store holds another shape for a type and version of the program.
    #[error(
        "{event_type} v{version} is stored as {stored}, but the program has {program}: {}; while \
         developing, the database file may be deleted instead, with all its events",
        reshaped(*.version, *.newest)
    )]
    ShapeMismatch {
        /// Stored name of the type.
        event_type: String,
        /// The version.
        version: u32,
        /// The shape recorded in the store.
        stored: String,
        /// The shape of the program.
        program: String,
        /// The greatest version of the type that the program has.
        newest: u32,
    },
    /// The program is set to a value that the type of a `config` does not allow. No store was asked.
    #[error("the program is set to a value that is not allowed: {0}")]
    Config(crate::codec::FieldError),
    /// The file or database is not an Eventloom store, or one of another format.
    #[error("not an event store of this program: {0}")]
    Foreign(String),
    /// This store cannot do what was asked for.
    #[error("this event store cannot do that: {0}")]
    Unsupported(String),
}

impl StoreError {
    /// That a store holds another shape for one of the program's `shapes`.
    pub(crate) fn shape_mismatch(shape: &EventShape, shapes: &[EventShape], stored: &str) -> Self {
        let of_type = shapes.iter().filter(|it| it.event_type == shape.event_type);
        Self::ShapeMismatch {
            event_type: shape.event_type.to_owned(),
            version: shape.version,
            stored: stored.to_owned(),
            program: shape.shape.to_owned(),
            newest: of_type.map(|it| it.version).fold(shape.version, u32::max),
        }
    }
}

/// What to do about a version that is stored in another form.
fn reshaped(version: u32, newest: u32) -> String {
    if newest > version {
        return format!("restore v{version} under `history` as it is stored");
    }
    let next = version.saturating_add(1);
    format!("declare the new form as v{next}, with v{version} under `history` as it is stored")
}

/// An event as a store gives it out, borrowed from the page it was read with.
#[derive(Clone, Copy, Debug)]
pub struct StoredEvent<'a> {
    /// Name of the aggregate type.
    pub aggregate: &'a str,
    /// Stored name of the type.
    pub event_type: &'a str,
    /// Version in which it is stored.
    pub version: u32,
    /// Place in the global order.
    pub position: Position,
    /// The data: a JSON object.
    pub data: &'a [u8],
    /// Metadata, its texts left out where the read said so.
    pub meta: &'a Metadata,
}

/// Direction of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the oldest event.
    Forwards,
    /// From the newest event.
    Backwards,
}

/// A bounded read of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRead {
    /// The stream.
    pub stream: StreamKey,
    /// Forwards: sequences above this one. Backwards: sequences below this one.
    pub after: Sequence,
    /// Direction.
    pub direction: Direction,
    /// At most so many events; fewer where they are big, see [`PAGE_BYTES`].
    pub limit: usize,
    /// Whether the texts of the metadata are read too.
    pub metadata: bool,
}

/// A store of events. Cheap to clone; clones share one store.
pub trait EventStore: Clone + Send + Sync + 'static {
    /// Registers the event shapes of an aggregate type: records new ones, and refuses where the
    /// store holds another shape for a type and version.
    ///
    /// # Errors
    /// [`StoreError::ShapeMismatch`], or a failure of the store.
    fn register(
        &self,
        aggregate: &'static str,
        shapes: &'static [EventShape],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// A number that is another one once the store may be another than it was: a server that was restored from a backup, or
    /// in whose place another came. A state that was read before is a guess then, which the length of its stream alone
    /// can't confirm. Always the same where that can't happen to a store that is open.
    fn epoch(&self) -> u64 {
        0
    }

    /// Appends; returns after it is durable.
    ///
    /// Where [`Append::epoch`] is another one than the store's, nothing else is looked at. Then the order of checks is: command id, unique keys, expected sequence. A key that the append itself
    /// frees is not taken.
    ///
    /// # Errors
    /// See [`AppendError`].
    fn append(&self, append: Append) -> impl Future<Output = Result<Appended, AppendError>> + Send;

    /// Reads a page of a stream. [`Page::at_end`] tells whether the stream's end was reached, and not
    /// its length: pages are bounded by [`PAGE_BYTES`] too. One that is not at the end holds an event,
    /// unless none was asked for.
    ///
    /// # Errors
    /// A failure of the store.
    fn read_stream(
        &self,
        read: StreamRead,
    ) -> impl Future<Output = Result<Page, StoreError>> + Send;

    /// Reads a page of the global order after a position; `limit` counts events that pass the filter,
    /// and is at least one. A page that is not at the end leads further, to [`AllPage::next`]; with a
    /// filter it may hold fewer events, or none, for it looks at [`PAGE_POSITIONS`] at most.
    ///
    /// # Errors
    /// A failure of the store.
    fn read_all(
        &self,
        after: Position,
        filter: &EventFilter,
        limit: usize,
    ) -> impl Future<Output = Result<AllPage, StoreError>> + Send;

    /// The position of the last event, 0 in an empty store.
    ///
    /// # Errors
    /// A failure of the store.
    fn head(&self) -> impl Future<Output = Result<Position, StoreError>> + Send;

    /// The latest snapshot of a stream by the given meaning, at or below a sequence.
    ///
    /// # Errors
    /// A failure of the store.
    fn snapshot(
        &self,
        stream: &StreamKey,
        meaning: u64,
        at_most: Sequence,
    ) -> impl Future<Output = Result<Option<Snapshot>, StoreError>> + Send;

    /// Replaces the snapshot of a stream and a meaning, outside an append. An older snapshot need
    /// not replace a newer one that the stream has reached.
    ///
    /// # Errors
    /// A failure of the store.
    fn save_snapshot(
        &self,
        stream: &StreamKey,
        snapshot: Snapshot,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Takes the snapshot of a stream and a meaning away, if there is one: it can't be used.
    ///
    /// # Errors
    /// A failure of the store.
    fn discard_snapshot(
        &self,
        stream: &StreamKey,
        meaning: u64,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// What is known of a command id.
    ///
    /// # Errors
    /// A failure of the store.
    fn command(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Option<RecordedCommand>, StoreError>> + Send;

    /// The first of the claims that is taken.
    ///
    /// # Errors
    /// A failure of the store.
    fn taken_key(
        &self,
        stream: &StreamKey,
        claims: &[KeyClaim],
    ) -> impl Future<Output = Result<Option<TakenKey>, StoreError>> + Send;

    /// Ids of the streams of an aggregate type after one, in order, at most `limit`.
    ///
    /// # Errors
    /// A failure of the store.
    fn streams(
        &self,
        aggregate: &'static str,
        after: Option<&StreamId>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<StreamId>, StoreError>> + Send;

    /// Runs a fold inside every append from now on; see [`ImmediateFold`].
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] where the store has no such transactions, or what
    /// [`ImmediateFold::open`] failed with.
    fn fold_immediately(
        &self,
        fold: Arc<dyn ImmediateFold>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        let name = fold.name().to_owned();
        async move {
            Err(StoreError::Unsupported(format!(
                "{name} is immediate, and this store has no transaction to fold it in"
            )))
        }
    }

    /// The next append after a position, to be waited for: returns when the head may lie beyond it.
    /// Never later than about 50 ms after an append by another process.
    fn changed(&self, after: Position) -> impl Future<Output = ()> + Send;
}
