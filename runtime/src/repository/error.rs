//! Why a command was not carried out: a decision, a mistake of the caller, or a failure, kept apart.

use std::sync::Arc;

use crate::aggregate::Refusal;
use crate::codec::FieldError;
use crate::store::{StoreError, StreamKey};

/// Why a command was not carried out. Nothing was appended, but for [`Self::Refused`] with events
/// that the refusal keeps, and [`StoreError::OutcomeUnknown`], which says that it may have been.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ExecuteError<E: Refusal> {
    /// The domain refuses: a decision.
    #[error("{}: {}", .0.name(), .0.message())]
    Refused(E),
    /// The domain refused when this command was first sent, by a name this program does not have.
    #[error(
        "this command was refused before as {name} ({message}); this program has no such refusal"
    )]
    RefusedBefore {
        /// The recorded name of the refusal.
        name: String,
        /// Its recorded message.
        message: String,
    },
    /// A value does not fit the declared type of its field.
    #[error("invalid {0}")]
    Invalid(FieldError),
    /// The command id was used for another command, stream or input.
    #[error(
        "the command id `{command_id}` was used for another command, stream or input; ids are shared \
         by all streams of a store: send a new command under a new id"
    )]
    CommandIdReused {
        /// The id.
        command_id: Arc<str>,
    },
    /// Others kept changing the stream first.
    #[error(
        "{} `{}` was changed by others {attempts} times in a row while this command was decided; \
         send it again",
        .stream.aggregate, .stream.id
    )]
    Conflict {
        /// The stream.
        stream: StreamKey,
        /// How often the command was decided.
        attempts: u32,
    },
    /// An `immediate` projection could not take the events.
    #[error("nothing was appended: the projection {projection} cannot take the events: {reason}")]
    Projection {
        /// Aggregate and name of the projection, such as `Ledger.Balances`.
        projection: String,
        /// Why.
        reason: String,
    },
    /// A hand-written part failed.
    #[error("the decision failed: {0}")]
    Failed(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<E: Refusal> ExecuteError<E> {
    /// The refusal, where the domain refused.
    pub fn refusal(&self) -> Option<&E> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}
