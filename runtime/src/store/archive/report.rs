//! What an archiver tells: how far it is, what it did, why it could not.

use std::path::PathBuf;

use crate::aggregate::Retention;
use crate::metadata::Position;
use crate::store::StoreError;
use crate::values::Timestamp;

/// How far an archiver is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveProgress {
    /// The aggregate whose events are archived.
    pub aggregate: &'static str,
    /// What has been done.
    pub step: ArchiveStep,
    /// Up to this position its events were looked at.
    pub position: Position,
    /// The last position of the store when the run began.
    pub head: Position,
    /// Events of the aggregate that were archived, or would be.
    pub events: u64,
}

/// The steps of archiving, in their order. From the second on they come once for each file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveStep {
    /// Events were looked at, and those that may go were written.
    Looked,
    /// A file was written under a temporary name, and synced.
    Written,
    /// The file and its manifest have their names, durably.
    Named,
    /// The file was read back and is what was to be written.
    Verified,
    /// Some of its events were noted as archived, and have left the live table.
    Left,
}

/// What an archiver did, or would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveReport {
    /// Whether nothing was changed.
    pub is_dry_run: bool,
    /// By the clock that retentions were measured with.
    pub now: Timestamp,
    /// The last position of the store when the run began.
    pub head: Position,
    /// Each aggregate, as it was named.
    pub aggregates: Vec<AggregateReport>,
    /// The files that were written.
    pub segments: Vec<SegmentReport>,
    /// Files of the folder that the store knows nothing of: of runs that were cut off, or of a copy of the store that
    /// went its own way. They were left as they are. A dry run tells of none while somebody archives to the folder, and what
    /// it tells of may be needed a moment later.
    pub unknown_files: Vec<String>,
}

impl ArchiveReport {
    /// Events that were archived, or would be.
    pub fn events(&self) -> u64 {
        self.aggregates.iter().map(|it| it.events).sum()
    }

    /// Streams of which events were archived, or would be.
    pub fn streams(&self) -> u64 {
        self.aggregates.iter().map(|it| it.streams).sum()
    }

    /// Bytes of the files that were written.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|it| it.bytes).sum()
    }
}

/// What became of the events of an aggregate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AggregateReport {
    /// Its name.
    pub aggregate: &'static str,
    /// How long its events stay.
    pub retention: Retention,
    /// Events that were recorded before this have aged out; none where they are kept for ever, and were not looked at.
    pub before: Option<Timestamp>,
    /// Events that were archived, or would be.
    pub events: u64,
    /// Streams that had them.
    pub streams: u64,
    /// Events that stayed because they are young, of those that were looked at.
    pub young: u64,
    /// Events that stayed because loads need them: those of a stream from its snapshot's own last event on, or all where
    /// this program's fold has made none.
    pub uncovered: u64,
    /// Events that stayed because one before them in their stream is young, by a clock that was ahead or behind.
    pub behind_young: u64,
    /// Up to this position events were looked at. Those behind it stayed: before them lie young ones only, or those of very
    /// many streams, and where any of them is old all the same, because a clock was ahead or behind, a later run finds it.
    pub looked_up_to: Position,
}

impl AggregateReport {
    pub(super) fn new(aggregate: &'static str, retention: Retention) -> Self {
        Self {
            aggregate,
            retention,
            before: None,
            events: 0,
            streams: 0,
            young: 0,
            uncovered: 0,
            behind_young: 0,
            looked_up_to: 0,
        }
    }
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentReport {
    /// Its name in the folder.
    pub file: String,
    /// Its events.
    pub events: u64,
    /// Its bytes.
    pub bytes: u64,
}

/// Why events were not archived. What had left before is archived, and all else is live.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store was opened without an archive.
    #[error("the store was opened without an archive: open it with the folder to archive to")]
    NoFolder,
    /// Somebody else archives events of the store.
    #[error("somebody else is archiving to {}: wait until that has ended", .folder.display())]
    Busy {
        /// Where.
        folder: PathBuf,
    },
    /// The folder has the archive of another store.
    #[error(
        "{} has the archive of another store ({found}, and this one is {store}); nothing was changed: name an empty \
         folder",
        .folder.display()
    )]
    OtherStore {
        /// The folder.
        folder: PathBuf,
        /// The identity of the store that it belongs to.
        found: String,
        /// The identity of this one.
        store: String,
    },
    /// The folder lacks what was archived before.
    #[error(
        "{} is not the archive of this store as it should be: {file} {reason}; nothing was changed: name the folder that \
         has it, or bring it back from a backup",
        .folder.display()
    )]
    Incomplete {
        /// The folder.
        folder: PathBuf,
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Files were left behind that have their names already.
    #[error("{error}; this run has left {} in {}: {advice}", .files.join(" and "), .folder.display())]
    LeftBehind {
        /// Why events were not archived.
        error: Box<Self>,
        /// The folder.
        folder: PathBuf,
        /// The files.
        files: Vec<String>,
        /// What to do with them.
        advice: &'static str,
    },
    /// The folder or a file in it can't be read or written.
    #[error("{} can't be used ({error}); no event has left the store for it: {advice}", .path.display())]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// The failure of the system.
        error: std::io::Error,
        /// What to do.
        advice: &'static str,
    },
}
