//! Archives: events that have aged out leave the live table for compressed files, and are read from there.
//!
//! An archive is a folder of segments, files of NDJSON in blocks that are compressed each by itself. The tables of the
//! store say which events left and in which block each lies; the manifests beside the files are for people. Events go
//! when they are older than their aggregate's `retentionPolicy`, come before a snapshot by this program's fold, and
//! nothing before them in their stream stays. The event that a snapshot ends with never goes, nor does the last one of a
//! stream: so loads and appends find all that they need where it always was, and never look into an archive.
//!
//! A file is written, synced, named, read back and compared before the transaction that notes its blocks and deletes
//! their events. Once it has its name it is never replaced or deleted by this program: whatever happens, an event is
//! live or archived. What a run that was cut off has left is told by the next.
//!
//! [`Archiver`] is the way in. Its neighbours: `run` (what goes, in which order), `age` (how far a run looks), `place` (the
//! folder before and after a run), `segment` (a file), `block` (lines that are compressed together), `form` (a line); and for
//! reading `folder` (files), `kept` (what of them is in memory), `lacking` (what transactions of appends found to be neither),
//! `merge` with `window` and `gap` (pages of live and archived events).

mod age;
mod block;
mod folder;
mod form;
mod gap;
mod kept;
mod lacking;
mod merge;
mod place;
mod report;
mod run;
mod segment;
mod window;

use std::future::Future;
use std::path::{Path, PathBuf};

pub use block::BlockPlace;
pub(in crate::store) use block::{types_as_text, types_of_text};
pub(in crate::store) use folder::Archive;
pub(in crate::store) use lacking::Rounds;
pub(in crate::store) use merge::{Filling, Listed, Merging, Step, StreamBlock, aggregates};
pub use report::{
    AggregateReport, ArchiveError, ArchiveProgress, ArchiveReport, ArchiveStep, SegmentReport,
};
pub use run::{ArchiveRule, Archiver, SEGMENT_EVENTS};

use super::{EventStore, Page, StoreError};
use crate::metadata::{Position, Sequence};
use crate::values::Timestamp;

/// Blocks that a store names at a time.
pub(in crate::store) const BLOCKS: usize = 64;

/// A store whose events can be archived: what [`Archiver`] asks of it.
pub trait ArchiveStore: EventStore {
    /// What keeps others from archiving, for as long as it is held.
    type Lock: Send;

    /// The folder of the archive, if the store was opened with one.
    fn archive_folder(&self) -> Option<PathBuf>;

    /// The folder in which an archiver has last found the archive, or has put it, as it was called then; none where nothing
    /// was archived. The archive may have been moved since.
    ///
    /// # Errors
    /// A failure of the store.
    fn archived_to(&self) -> impl Future<Output = Result<Option<PathBuf>, StoreError>> + Send {
        async {
            let segments = self.segments().await?;
            let Some(last) = segments.last() else { return Ok(None) };
            let remembered = self.remembered().await?.and_then(|it| it.folder);
            Ok(Some(remembered.unwrap_or_else(|| PathBuf::from(&last.folder))))
        }
    }

    /// What the store remembers of its archive; none where nobody has tried to archive.
    ///
    /// # Errors
    /// A failure of the store.
    fn remembered(&self) -> impl Future<Output = Result<Option<Remembered>, StoreError>> + Send;

    /// Remembers the folder in which the archive was found.
    ///
    /// # Errors
    /// A failure of the store.
    fn remember(&self, folder: &Path) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The segments that the store knows, by their numbers.
    ///
    /// # Errors
    /// A failure of the store.
    fn segments(&self) -> impl Future<Output = Result<Vec<SegmentRecord>, StoreError>> + Send;

    /// The identity by which archives know the store. It is the proposed one where it had none.
    ///
    /// # Errors
    /// A failure of the store.
    fn identity(&self, proposed: &str) -> impl Future<Output = Result<String, StoreError>> + Send;

    /// Keeps others from archiving, or tells that somebody else does.
    ///
    /// # Errors
    /// A failure of the store.
    fn lock_archive(&self) -> impl Future<Output = Result<Option<Self::Lock>, StoreError>> + Send;

    /// The positions of the live events after a position, of whatever aggregate, and when they were recorded: at most `limit`
    /// of them, in their order.
    ///
    /// # Errors
    /// A failure of the store.
    fn recorded(
        &self,
        after: Position,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<(Position, Timestamp)>, StoreError>> + Send;

    /// What is to be known of the live events of an aggregate after the first of two positions and up to the second, at most
    /// `limit` of them, in their order. Snapshots are those of a fold's meaning.
    ///
    /// # Errors
    /// A failure of the store.
    fn candidates(
        &self,
        aggregate: &'static str,
        meaning: u64,
        range: (Position, Position),
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Candidate>, StoreError>> + Send;

    /// The live events at these positions, which are in order: at most as many as make up a page.
    ///
    /// # Errors
    /// A failure of the store.
    fn live_at(
        &self,
        positions: Vec<Position>,
    ) -> impl Future<Output = Result<Page, StoreError>> + Send;

    /// Notes where events are archived, and deletes them, in one transaction: all of them or none.
    ///
    /// # Errors
    /// A failure of the store, or that an event is not as it was or is needed where it is.
    fn leave(
        &self,
        segment: SegmentRecord,
        blocks: Vec<LeavingBlock>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// What a store remembers of its archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The identity by which archives know the store.
    pub identity: String,
    /// The folder in which an archiver has last found the archive, or has put it.
    pub folder: Option<PathBuf>,
}

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentRecord {
    /// Its number, from 1.
    pub number: u64,
    /// The aggregate type of its events.
    pub aggregate: String,
    /// Its name in the folder.
    pub file: String,
    /// The folder in which it was written.
    pub folder: String,
    /// Its bytes.
    pub bytes: u64,
    /// SHA-256 of them.
    pub sha256: [u8; 32],
    /// Position of its first event.
    pub first: Position,
    /// Position of its last event.
    pub last: Position,
    /// When it was written.
    pub archived_at: Timestamp,
}

/// A live event, as one decides by whether it may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its position.
    pub position: Position,
    /// Number of its stream.
    pub stream: i64,
    /// Its sequence.
    pub sequence: Sequence,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Sequence of the snapshot of its stream, 0 where there is none that can be used.
    pub covered: Sequence,
    /// Sequence of the first live event of its stream.
    pub first: Sequence,
    /// Sequence of the last event of its stream.
    pub last: Sequence,
}

/// A block with the events that are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeavingBlock {
    /// Where it lies.
    pub place: BlockPlace,
    /// Its events.
    pub events: Vec<LeavingEvent>,
}

/// An event that was archived and is to leave the live table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeavingEvent {
    /// Its position.
    pub position: Position,
    /// Number of its stream.
    pub stream: i64,
    /// Its sequence.
    pub sequence: Sequence,
}

/// What a store says where events can't leave: they are not as they were when they were chosen.
pub(in crate::store) fn changed_meanwhile(expected: usize, found: usize) -> StoreError {
    StoreError::Unavailable(format!(
        "of {expected} events that were archived {found} may leave the live table: somebody else has archived them, or \
         has changed the tables by hand; nothing was changed: try again"
    ))
}
