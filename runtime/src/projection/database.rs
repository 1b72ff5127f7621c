//! [`ReadDatabase`]: where the rows of projections lie, in values and without types.
//!
//! A read database knows tables, rows and checkpoints. It folds nothing, and it never learns what an
//! event is: [`super::Projector`] does.

use std::future::Future;

use super::{
    Commit, Committed, Condition, ProjectionName, Query, Skip, Summary, Switched, Table, TableSpec,
    TableState, Value,
};
use crate::metadata::Position;
use crate::store::{AppendTransaction, StoreError};
use crate::values::Uuid;

/// The values of a row or of a key, in the order of the columns.
pub type RowValues = Vec<Value>;

/// A database of rows and checkpoints. Cheap to clone; clones share one database.
///
/// Rows and checkpoint of a table change in one transaction, and only where the table's revision is
/// the one the change is based on.
pub trait ReadDatabase: Clone + Send + Sync + 'static {
    /// Finds the table of an aggregate's projection, its target and meaning, or creates it empty.
    ///
    /// # Errors
    /// [`ReadDatabaseError`].
    fn open(
        &self,
        spec: TableSpec,
    ) -> impl Future<Output = Result<TableState, ReadDatabaseError>> + Send;

    /// How far a table has come.
    ///
    /// # Errors
    /// [`ReadDatabaseError::Gone`] where it no longer exists, or a failure of the database.
    fn state(
        &self,
        table: Table,
    ) -> impl Future<Output = Result<TableState, ReadDatabaseError>> + Send;

    /// The checkpoint of a table and whether its rows are complete: what is asked often.
    ///
    /// # Errors
    /// As [`Self::state`].
    fn checkpoint(
        &self,
        table: Table,
    ) -> impl Future<Output = Result<Checkpoint, ReadDatabaseError>> + Send;

    /// The rows that exist of the given keys, in any order.
    ///
    /// # Errors
    /// A failure of the database.
    fn load(
        &self,
        table: Table,
        keys: Vec<RowValues>,
    ) -> impl Future<Output = Result<Vec<RowValues>, ReadDatabaseError>> + Send;

    /// The rows of a table of which a condition holds, in any order, but no more than `limit`.
    ///
    /// # Errors
    /// [`ReadDatabaseError::NoColumn`], or a failure of the database.
    fn load_matching(
        &self,
        table: Table,
        condition: Condition,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<RowValues>, ReadDatabaseError>> + Send;

    /// Writes changes and checkpoint in one transaction: all of it, or nothing.
    ///
    /// # Errors
    /// A failure of the database.
    fn commit(
        &self,
        commit: Commit,
    ) -> impl Future<Output = Result<Committed, ReadDatabaseError>> + Send;

    /// Makes somebody the one who runs a table, whatever its revision is: a commit that is under way finds it moved then,
    /// and who made it stands by. Gives the state after that.
    ///
    /// # Errors
    /// As [`Self::state`].
    fn claim(
        &self,
        table: Table,
        runner: Uuid,
    ) -> impl Future<Output = Result<TableState, ReadDatabaseError>> + Send;

    /// The row of a key.
    ///
    /// This and the reads that follow look at the table and its rows in one transaction. They answer from
    /// complete rows alone: a table that was discarded is another one when it is made anew.
    ///
    /// # Errors
    /// [`ReadDatabaseError::Gone`], [`ReadDatabaseError::BeingBuilt`], or a failure of the database.
    fn get(
        &self,
        table: Table,
        key: RowValues,
    ) -> impl Future<Output = Result<Option<RowValues>, ReadDatabaseError>> + Send;

    /// At most `limit` rows after a key, in the order of their keys.
    ///
    /// # Errors
    /// As [`Self::get`].
    fn page(
        &self,
        table: Table,
        after: Option<RowValues>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<RowValues>, ReadDatabaseError>> + Send;

    /// The rows that a query asks for.
    ///
    /// # Errors
    /// [`ReadDatabaseError::NoColumn`], and as [`Self::get`].
    fn find(
        &self,
        table: Table,
        query: Query,
    ) -> impl Future<Output = Result<Vec<RowValues>, ReadDatabaseError>> + Send;

    /// What is worked out of the rows: the figures of each group.
    ///
    /// # Errors
    /// [`ReadDatabaseError::NoColumn`], [`ReadDatabaseError::Overflow`], and as [`Self::get`].
    fn summarize(
        &self,
        table: Table,
        summary: Summary,
    ) -> impl Future<Output = Result<Vec<RowValues>, ReadDatabaseError>> + Send;

    /// The number of rows.
    ///
    /// # Errors
    /// As [`Self::get`].
    fn count(&self, table: Table) -> impl Future<Output = Result<u64, ReadDatabaseError>> + Send;

    /// Creates an empty table beside the one that serves reads. A rebuild that was under way, or
    /// was cut off by a crash, is dropped: its commits find their table moved.
    ///
    /// # Errors
    /// A failure of the database.
    fn begin_rebuild(
        &self,
        spec: TableSpec,
    ) -> impl Future<Output = Result<TableState, ReadDatabaseError>> + Send;

    /// Puts a rebuilt table in the place of the one that serves reads, in one transaction. The
    /// checkpoint of the rebuilt table is the checkpoint from now on. `left_out` are the events that are not in them because
    /// somebody decided to skip them: where more was decided, nothing is changed ([`Switched::Decided`]).
    ///
    /// Who reads the rows that serve is waited for no longer than a moment, since those who come after wait too:
    /// [`Switched::Busy`]. Who makes or changes tables, and the database's own upkeep, may be waited for some seconds.
    ///
    /// # Errors
    /// A failure of the database.
    fn finish_rebuild(
        &self,
        shadow: Table,
        revision: u64,
        left_out: Vec<Position>,
    ) -> impl Future<Output = Result<Switched, ReadDatabaseError>> + Send;

    /// Drops a table that is being rebuilt. Where an event stopped the rebuild, its rows go for good, and what is known of
    /// the event stays until the next one is begun: [`TableState::rebuild_stopped_by`].
    ///
    /// # Errors
    /// A failure of the database.
    fn abandon_rebuild(
        &self,
        shadow: Table,
    ) -> impl Future<Output = Result<(), ReadDatabaseError>> + Send;

    /// Every version of every projection whose rows are kept, the oldest first.
    ///
    /// # Errors
    /// A failure of the database.
    fn versions(&self) -> impl Future<Output = Result<Vec<RowsVersion>, ReadDatabaseError>> + Send;

    /// Drops the rows of one version of a projection for good, with its checkpoint, its poison and
    /// the decisions about it: once no program of that version runs any more, or to have the rows
    /// built anew for another event store. Whatever [`Self::versions`] said of how far it is does not
    /// matter. Tells whether there was such a version.
    ///
    /// # Errors
    /// A failure of the database.
    fn discard(
        &self,
        version: &RowsVersion,
    ) -> impl Future<Output = Result<bool, ReadDatabaseError>> + Send;

    /// The decisions to skip events of a table's projection and meaning, in the order of their positions.
    ///
    /// # Errors
    /// A failure of the database.
    fn skips(
        &self,
        table: Table,
    ) -> impl Future<Output = Result<Vec<Skip>, ReadDatabaseError>> + Send;

    /// This database within the transaction of an append, for `immediate` projections.
    ///
    /// # Errors
    /// The reason, where the transaction is none of this database.
    fn within<'a>(
        &self,
        transaction: &'a dyn AppendTransaction,
    ) -> Result<Box<dyn ReadTransaction + 'a>, String>;
}

/// The tables of a [`ReadDatabase`] within a transaction of the event store. What is written becomes
/// durable with the transaction, and goes with it.
pub trait ReadTransaction {
    /// As [`ReadDatabase::state`].
    ///
    /// # Errors
    /// As [`ReadDatabase::state`].
    fn state(&self, table: Table) -> Result<TableState, ReadDatabaseError>;

    /// As [`ReadDatabase::checkpoint`].
    ///
    /// # Errors
    /// As [`ReadDatabase::state`].
    fn checkpoint(&self, table: Table) -> Result<Checkpoint, ReadDatabaseError>;

    /// As [`ReadDatabase::load`].
    ///
    /// # Errors
    /// A failure of the database.
    fn load(&self, table: Table, keys: &[RowValues]) -> Result<Vec<RowValues>, ReadDatabaseError>;

    /// As [`ReadDatabase::commit`].
    ///
    /// # Errors
    /// A failure of the database.
    fn commit(&self, commit: Commit) -> Result<Committed, ReadDatabaseError>;

    /// As [`ReadDatabase::finish_rebuild`].
    ///
    /// # Errors
    /// A failure of the database.
    fn finish_rebuild(
        &self,
        shadow: Table,
        revision: u64,
        left_out: &[Position],
    ) -> Result<Switched, ReadDatabaseError>;
}

/// How far a table has come, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// As [`TableState::position`].
    pub position: Position,
    /// As [`TableState::revision`].
    pub revision: u64,
    /// As [`TableState::complete`].
    pub complete: bool,
    /// As [`TableState::runner`].
    pub runner: Option<Uuid>,
    /// Number of events that are poison and wait for a decision.
    pub poison: u64,
}

/// One version of a projection, and how far its rows are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowsVersion {
    /// The aggregate of the projection.
    pub aggregate: String,
    /// Name of the projection.
    pub projection: String,
    /// The table part of its target.
    pub target: String,
    /// [`super::Projection::MEANING`] of the programs that keep it.
    pub meaning: u64,
    /// The checkpoint.
    pub position: Position,
    /// Whether the rows have once caught up with the store.
    pub complete: bool,
    /// Whether the public view shows these rows: they are the newest that are complete.
    pub shown: bool,
}

/// A read database failed. Different things that a caller does different things about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadDatabaseError {
    /// It can't be reached or is busy; nothing was changed; trying again may help.
    #[error("the read database is unavailable: {0}")]
    Unavailable(String),
    /// It can't write, for example a full disk or a read-only file; nothing was changed.
    #[error("the read database can't write: {0}")]
    Unwritable(String),
    /// A commit was sent and its outcome is not known. The checkpoint tells: a runner reads it again.
    #[error("the outcome of a commit of the read database is unknown: {0}")]
    OutcomeUnknown(String),
    /// What is stored is damaged or not what it should be.
    #[error("the read database is corrupt: {0}")]
    Corrupt(String),
    /// The table is gone: a rebuild was started anew, or somebody discarded it.
    #[error(
        "the table of {0} is gone: it was discarded, or its rebuild was started anew elsewhere"
    )]
    Gone(ProjectionName),
    /// The rows have not caught up with the events yet, and would be wrong answers.
    #[error("the rows of {projection} are being built and have come to position {position}")]
    BeingBuilt {
        /// Name of the projection.
        projection: ProjectionName,
        /// How far they have come.
        position: Position,
    },
    /// A query names a column that the table does not have.
    #[error("{projection} has no column `{column}`")]
    NoColumn {
        /// Name of the projection.
        projection: ProjectionName,
        /// The column.
        column: &'static str,
    },
    /// What is worked out of rows leaves the range of its type. Nothing is rounded or cut off.
    #[error("{figure} of {projection} leaves the range of its type: ask for fewer rows at a time")]
    Overflow {
        /// Name of the projection.
        projection: ProjectionName,
        /// What it is, for example: the sum of `amount`.
        figure: String,
    },
    /// The name of a target is taken by something that is none of Eventloom's views.
    #[error(
        "{projection} can't have the target `{name}`: the read database has a {kind} of that name; \
         rename one of them"
    )]
    NameTaken {
        /// Name of the projection.
        projection: ProjectionName,
        /// The table part of its target.
        name: &'static str,
        /// What has the name, for example `table`.
        kind: String,
    },
    /// The table can't be made in this database, or not be kept as the projection says.
    #[error("the table of {projection} can't be kept: {reason}")]
    Unsuitable {
        /// Name of the projection.
        projection: ProjectionName,
        /// Why.
        reason: String,
    },
}

impl ReadDatabaseError {
    /// Whether the same may work when tried again.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::OutcomeUnknown(_))
    }
}

impl From<StoreError> for ReadDatabaseError {
    /// A read database on the same kind of file as an event store fails in the same ways.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(reason) => Self::Unavailable(reason),
            StoreError::Unwritable(reason) => Self::Unwritable(reason),
            StoreError::OutcomeUnknown(reason) => Self::OutcomeUnknown(reason),
            StoreError::Corrupt { what, place, reason } => {
                Self::Corrupt(format!("{what} at {place}: {reason}"))
            }
            other => Self::Corrupt(other.to_string()),
        }
    }
}
