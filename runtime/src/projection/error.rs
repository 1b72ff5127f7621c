//! What can go wrong while a projection is kept up to date.

use super::{Poison, ProjectionName, ReadDatabaseError};
use crate::metadata::{Position, StreamId};
use crate::store::{StoreError, UNKNOWN_EVENT};
use crate::values::Uuid;

/// A projection could not be opened, brought up to date or waited for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectorError {
    /// The event store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The read database failed.
    #[error(transparent)]
    Database(#[from] ReadDatabaseError),
    /// An event type or version that this program does not know. Where a newer program wrote it, this
    /// program's rows stay as they are; the newer program keeps its own.
    #[error(
        "{projection} halts before position {position}: {event_type} v{version} is not known to \
         this program: {}",
        UNKNOWN_EVENT
    )]
    UnknownVersion {
        /// Name of the projection.
        projection: ProjectionName,
        /// Stored name of the event type.
        event_type: String,
        /// The version.
        version: u32,
        /// Where the event lies.
        position: Position,
    },
    /// The projection stands still before an event that it can't fold.
    #[error(
        "{projection} stopped before position {}: {} v{} of stream `{}` can't be folded: {}; mend \
         the cause and retry it, or decide to skip it",
        .poison.position, .poison.event_type, .poison.version, .poison.stream_id, .poison.reason
    )]
    Stopped {
        /// Name of the projection.
        projection: ProjectionName,
        /// The event.
        poison: Box<Poison>,
    },
    /// A rebuild met an event that can't be folded, and was given up.
    #[error(
        "the rebuild of {projection} stopped before position {}: {} v{} of stream `{}` can't be folded: {}; the rows \
         that serve are as they were; mend the cause and rebuild again, or decide to skip it",
        .poison.position, .poison.event_type, .poison.version, .poison.stream_id, .poison.reason
    )]
    RebuildStopped {
        /// Name of the projection.
        projection: ProjectionName,
        /// The event.
        poison: Box<Poison>,
    },
    /// The stream that is waited for is parked behind an event that can't be folded.
    #[error(
        "{projection} holds stream `{}` back since position {}: {} v{} can't be folded: {}; mend \
         the cause and retry it, or decide to skip it",
        .poison.stream_id, .poison.position, .poison.event_type, .poison.version, .poison.reason
    )]
    Parked {
        /// Name of the projection.
        projection: ProjectionName,
        /// The event.
        poison: Box<Poison>,
    },
    /// There is no poison event at that position.
    #[error(
        "{projection} has no poison event at position {position}: its status lists those it has"
    )]
    NoSuchPoison {
        /// Name of the projection.
        projection: ProjectionName,
        /// The position asked for.
        position: Position,
    },
    /// Rows can't be built anew for single streams.
    #[error(
        "the rows of {0} are not those of one stream each, so that they can't be built anew for some streams: \
         rebuild the whole projection"
    )]
    NotByStream(ProjectionName),
    /// The rows know of events that the store does not have.
    #[error(
        "{projection} has been built up to position {position}, but the event store ends at {head}: \
         the rows belong to another store, or the store was restored from an older backup; bind the \
         right database, or discard the rows and let them be built anew"
    )]
    AheadOfStore {
        /// Name of the projection.
        projection: ProjectionName,
        /// The checkpoint of the rows.
        position: Position,
        /// The last position of the store.
        head: Position,
    },
    /// At a position that the rows know of, the store has another event.
    #[error(
        "{projection} has been built from an event store that had the event {seen} at position \
         {position}, and this one has {found} there: the store was restored from an older backup and \
         has got new events since, or the rows belong to another store; bind the right database, or \
         discard the rows and let them be built anew"
    )]
    OtherHistory {
        /// Name of the projection.
        projection: ProjectionName,
        /// Where the histories differ, at the latest.
        position: Position,
        /// The id of the event that the rows know of.
        seen: Uuid,
        /// The id of the event that lies there.
        found: Uuid,
    },
    /// An `immediate` projection can't be kept here.
    #[error("{projection} can't be immediate: {reason}")]
    NotImmediate {
        /// Name of the projection.
        projection: ProjectionName,
        /// Why.
        reason: String,
    },
    /// Another rebuild of the same rows was started while this one ran.
    #[error("the rebuild of {projection} was given up: another one was started meanwhile")]
    Superseded {
        /// Name of the projection.
        projection: ProjectionName,
    },
    /// Somebody decided to skip an event that a rebuild had folded by then, into rows of several streams.
    #[error(
        "it was decided to skip the event at position {position} while the rows of {projection} were rebuilt, which had \
         it in them by then: rebuild again, and they are built without it"
    )]
    DecidedMeanwhile {
        /// Name of the projection.
        projection: ProjectionName,
        /// Where the event lies.
        position: Position,
    },
    /// Others kept writing rows that were to be built anew in place.
    #[error(
        "the rows of stream `{stream}` of {projection} could not be built anew: others kept writing to the table: \
         runners, or whoever appends where it is immediate; try again when less happens, or stop them meanwhile"
    )]
    Contended {
        /// Name of the projection.
        projection: ProjectionName,
        /// The stream.
        stream: StreamId,
    },
    /// The rows did not get there in time.
    #[error(
        "{projection} is at position {position} and did not reach {wanted} in time; see whether its \
         runner is running, and its lag"
    )]
    TimedOut {
        /// Name of the projection.
        projection: ProjectionName,
        /// Where the rows are.
        position: Position,
        /// Where they should be.
        wanted: Position,
    },
}

impl ProjectorError {
    /// Whether the same may work when tried again, without anybody's help or after a disk or a
    /// permission has been mended.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Store(error) => {
                let of_a_disk = matches!(error, StoreError::ArchivedHistoryUnavailable { .. });
                of_a_disk || matches!(error, StoreError::Unavailable(_) | StoreError::Unwritable(_))
            }
            Self::Database(error) => {
                error.is_transient() || matches!(error, ReadDatabaseError::Unwritable(_))
            }
            _ => false,
        }
    }
}
