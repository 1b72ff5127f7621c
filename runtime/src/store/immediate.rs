//! The contract between a store and the `immediate` projections that run inside its appends.
//!
//! A store calls; [`crate::projection`] implements. Two phases per append keep neighbours in one
//! transaction apart without savepoints: [`ImmediateFold::fold`] computes and may refuse its own append,
//! of which it writes nothing; what it returns writes, after nothing can be refused any more.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{AllPage, AppendError, EventFilter, NewEvent, StoreError, StreamKey};
use crate::metadata::Position;

/// A fold that runs inside every append of a store, in the append's own transaction.
pub trait ImmediateFold: Send + Sync + 'static {
    /// The aggregate of the projection.
    fn aggregate(&self) -> &str;

    /// Name of the projection. Registering the same projection of the same aggregate again replaces
    /// the fold.
    fn name(&self) -> &str;

    /// Called once, in a writing transaction of its own, when the fold is registered: brings the
    /// rows up to the last event. No append comes between its commit and the first [`Self::fold`].
    ///
    /// # Errors
    /// [`StoreError`]; the transaction is rolled back and the fold is not registered.
    fn open(&self, transaction: &dyn AppendTransaction) -> Result<(), StoreError>;

    /// Computes what the events of one append change, and writes nothing of that. What it may write is
    /// what the rows lack of events before the append, such as another program's: that is right
    /// whether this append is refused or not. Called for every append that has events, after all other
    /// checks and before anything of the append is written; what earlier appends of the same
    /// transaction changed is there to be read.
    ///
    /// # Errors
    /// [`FoldError`].
    fn fold(
        &self,
        transaction: &dyn AppendTransaction,
        events: &AppendedEvents<'_>,
    ) -> Result<FoldedChange, FoldError>;
}

/// Whether two folds are of one projection, so that one replaces the other.
pub(super) fn is_same(one: &dyn ImmediateFold, other: &dyn ImmediateFold) -> bool {
    (one.aggregate(), one.name()) == (other.aggregate(), other.name())
}

/// Writes what an [`ImmediateFold`] computed. Run after every fold has accepted the append; an error
/// fails the whole transaction.
pub type FoldedChange = Box<dyn FnOnce(&dyn AppendTransaction) -> Result<(), StoreError> + Send>;

/// A store's transaction in which appends take place.
pub trait AppendTransaction {
    /// As [`super::EventStore::read_all`], within the transaction.
    ///
    /// # Errors
    /// A failure of the store.
    fn read_all(
        &self,
        after: Position,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<AllPage, StoreError>;

    /// The database the transaction writes to, for read databases that know it: a
    /// `rusqlite::Connection` for SQLite, a [`super::UndoLog`] in memory.
    fn database(&self) -> &dyn Any;
}

/// The events of one append, as an [`ImmediateFold`] sees them.
#[derive(Clone, Copy, Debug)]
pub struct AppendedEvents<'a> {
    /// The stream.
    pub stream: &'a StreamKey,
    /// The events; never empty.
    pub events: &'a [NewEvent],
    /// Position of the store's last event before these, earlier appends of the same transaction
    /// included.
    pub before: Position,
    /// Position of the first of the events; the others follow without gap.
    pub first: Position,
}

/// Why an [`ImmediateFold`] did not take an append.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FoldError {
    /// This append cannot be folded: it alone is refused, with [`super::AppendError::Projection`].
    #[error("{0}")]
    Refused(String),
    /// The store failed: the whole transaction fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl FoldError {
    /// As the outcome of the append that `fold` did not take.
    pub(super) fn of(self, fold: &dyn ImmediateFold) -> AppendError {
        match self {
            Self::Refused(reason) => {
                let projection = format!("{}.{}", fold.aggregate(), fold.name());
                AppendError::Projection { projection, reason }
            }
            Self::Store(error) => error.into(),
        }
    }
}

/// Lets a fold compute its change; a panic is its refusal.
pub(super) fn compute(
    fold: &dyn ImmediateFold,
    transaction: &dyn AppendTransaction,
    events: &AppendedEvents<'_>,
) -> Result<FoldedChange, FoldError> {
    catch_unwind(AssertUnwindSafe(|| fold.fold(transaction, events))).unwrap_or_else(panicked)
}

/// Lets a fold write its change. The transaction must be rolled back after an error.
pub(super) fn write(
    change: FoldedChange,
    transaction: &dyn AppendTransaction,
) -> Result<(), FoldError> {
    let write = || change(transaction).map_err(FoldError::Store);
    catch_unwind(AssertUnwindSafe(write)).unwrap_or_else(panicked)
}

#[allow(clippy::needless_pass_by_value)] // what `catch_unwind` gives
fn panicked<T>(panic: Box<dyn Any + Send>) -> Result<T, FoldError> {
    Err(FoldError::Refused(format!("its fold panicked: {}", message_of(&*panic))))
}

/// What a panic said.
pub(super) fn message_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
