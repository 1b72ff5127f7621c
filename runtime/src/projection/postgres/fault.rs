//! Why a job on the database ended without its result, and how that reaches the caller.

use tokio_postgres::error::SqlState;

use crate::projection::ReadDatabaseError;
use crate::store::postgres::{self, PostgresDatabase};

/// A job failed; its transaction is rolled back.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// PostgreSQL failed.
    #[error(transparent)]
    Postgres(#[from] postgres::Fault),
    /// The job refused.
    #[error(transparent)]
    Database(#[from] ReadDatabaseError),
    /// A row to be inserted exists.
    #[error("a row to be inserted exists")]
    RowExists,
    /// The commit was sent, and the server has not answered.
    #[error("the server has not answered a commit: {0}")]
    Unknown(postgres::Fault),
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error.into())
    }
}

impl Fault {
    /// The fault as the database's callers know it.
    pub(super) fn explained(self, database: &PostgresDatabase) -> ReadDatabaseError {
        match self {
            Self::Postgres(fault) => database.explained(fault).into(),
            Self::Database(error) => error,
            Self::RowExists => ReadDatabaseError::Corrupt(self.to_string()),
            Self::Unknown(fault) => ReadDatabaseError::OutcomeUnknown(format!(
                "the connection broke after a commit was sent ({fault})"
            )),
        }
    }

    /// Whether the server said so.
    pub(super) fn is(&self, code: &SqlState) -> bool {
        matches!(self, Self::Postgres(fault) if fault.code() == Some(code))
    }
}
