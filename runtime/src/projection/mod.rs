//! Projections: read models as a pure fold from events to rows.
//!
//! Generated code says which rows an event touches and what they become ([`Projection`]); the
//! runner folds batches in memory and writes rows and checkpoint in one transaction.

mod ahead;
mod custom;
mod database;
mod drive;
mod error;
mod fold;
mod freshness;
mod heed;
mod immediate;
mod lag;
mod lead;
mod memory;
mod meter;
mod name;
mod poison;
#[cfg(feature = "postgres")]
mod postgres;
mod projector;
mod query;
mod read_model;
mod rebuild;
mod runner;
mod selection;
mod session;
mod spans;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
mod summary;
mod table;
mod value;
mod visit;

use std::fmt;
use std::hash::Hash;

pub use custom::{CustomRow, fold_custom};
pub use database::{
    Checkpoint, ReadDatabase, ReadDatabaseError, ReadTransaction, RowValues, RowsVersion,
};
pub use error::ProjectorError;
pub use lag::{Lag, ProjectionStatus, UnknownEvent};
pub use memory::MemoryReadDatabase;
pub use name::ProjectionName;
pub use poison::Retried;
#[cfg(feature = "postgres")]
pub use postgres::PostgresReadDatabase;
pub use projector::{Projector, ProjectorOptions, Running};
pub use query::{Comparison, Condition, Operand, Order, Query, TextTest};
pub use read_model::{ReadModel, ReadModelError, number_of_rows};
pub use rebuild::{Rebuild, RebuildProgress};
pub use selection::Selection;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteReadDatabase;
pub use summary::{Figure, FigureOrder, Figures, Summary};
pub use table::{
    Commit, Committed, Poison, RowChange, SeenEvent, Skip, Switched, Table, TableSpec, TableState,
};
pub use value::{Column, ColumnType, ColumnValue, Value, Values};
pub use visit::{FoldRow, Rows, visit_one};

use crate::codec::DecodeError;
use crate::eval::EvalError;
use crate::event::DomainEvent;
use crate::metadata::Metadata;
use crate::values::Duration;

/// When a projection's rows show an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// In the append's own transaction.
    Immediate,
    /// Soon after; the window is the promised lag, in microseconds, where one is stated.
    Eventual {
        /// The promised lag.
        window: Option<Duration>,
    },
}

/// A read model: how events become rows.
///
/// A key may be one column or several; key columns come first in [`Projection::COLUMNS`].
pub trait Projection: Sized + Send + Sync + 'static {
    /// The ontology's name of the projection.
    const NAME: &'static str;
    /// The database part of `target`, for example `read_db`.
    const DATABASE: &'static str;
    /// The table part of `target`.
    const TABLE: &'static str;
    /// When rows show an event.
    const CONSISTENCY: Consistency;
    /// Hash of everything the rows depend on.
    const MEANING: u64;
    /// The aggregate whose events are the source.
    const AGGREGATE: &'static str;
    /// Stored names of the event types that are folded.
    const SOURCES: &'static [&'static str];
    /// The columns, the first [`Self::KEY_COLUMNS`] of which are the key.
    const COLUMNS: &'static [Column];
    /// Number of key columns.
    const KEY_COLUMNS: usize;
    /// Whether a row is found by the stream's id alone, so that rows of different streams are independent.
    const KEY_IS_STREAM: bool;
    /// Whether the fold reads the texts of [`Metadata`].
    const READS_METADATA: bool;
    /// Columns by which rows are found fast, beside the key: each with its columns in their order.
    const INDEXES: &'static [&'static [&'static str]] = &[];
    /// Whether an event may concern several rows, which [`Self::visit`] then names.
    const SEVERAL_ROWS: bool = false;

    /// The events of the source.
    type Event: DomainEvent;
    /// The key of a row.
    type Key: Clone + fmt::Debug + Eq + Hash + Ord + Send + Sync + 'static;
    /// A row, key columns included.
    type Row: Clone + fmt::Debug + PartialEq + Send + Sync + 'static;

    /// The key of the row that the event concerns, or none where the event is no source, or concerns rows that
    /// [`Self::visit`] names.
    ///
    /// # Errors
    /// [`ProjectionError`] where a key expression fails.
    fn key(event: &Self::Event, meta: &Metadata) -> Result<Option<Self::Key>, ProjectionError>;

    /// Folds an event into the row of its key, which may be absent before and after. On an error the
    /// row is unchanged.
    ///
    /// # Errors
    /// [`ProjectionError`] where the row must not or must exist, or an expression fails.
    fn fold(
        row: &mut Option<Self::Row>,
        event: &Self::Event,
        meta: &Metadata,
    ) -> Result<(), ProjectionError>;

    /// Folds an event into all the rows that it concerns. The same rows are named each time, whatever stands
    /// in them.
    ///
    /// # Errors
    /// As [`Self::key`] and [`Self::fold`].
    fn visit(
        event: &Self::Event,
        meta: &Metadata,
        rows: &mut dyn Rows<Self>,
    ) -> Result<(), ProjectionError> {
        visit_one::<Self>(event, meta, rows)
    }

    /// The key's values, in the order of the columns.
    fn key_values(key: &Self::Key) -> Vec<Value>;

    /// The row's values, in the order of the columns.
    fn row_values(row: &Self::Row) -> Vec<Value>;

    /// The row of these values.
    ///
    /// # Errors
    /// [`DecodeError`] where they are not a row.
    fn row(values: Vec<Value>) -> Result<Self::Row, DecodeError>;

    /// The key of a row.
    fn key_of(row: &Self::Row) -> Self::Key;
}

/// A row could not be folded: the event is poison for this projection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectionError {
    /// `insert` on a row that exists.
    #[error("insert: the row exists already")]
    RowExists,
    /// `update` or `delete` on a row that does not exist.
    #[error("update: there is no such row")]
    RowMissing,
    /// An expression failed.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// A value does not fit its column.
    #[error(transparent)]
    Field(#[from] crate::codec::FieldError),
    /// One of the several rows that the event concerns could not be folded.
    #[error("the row of {key}: {error}")]
    Row {
        /// The key columns with their values.
        key: String,
        /// What is wrong with it.
        error: Box<Self>,
    },
    /// The event concerns more rows than are held at once.
    #[error(
        "it matches more than {most} rows; let `match` say more of them, or keep in one row what \
         they have in common"
    )]
    TooManyRows {
        /// So many may match.
        most: usize,
    },
    /// A hand-written handler failed.
    #[error("{0}")]
    Custom(String),
}
