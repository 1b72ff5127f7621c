//! Why a job on the database ended without its result, and how that reaches the caller.

use tokio_postgres::error::SqlState;

use crate::projection::{ReadDatabaseError, TableSpec};
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
        }
    }

    /// The same; values that PostgreSQL can't hold would be refused for ever.
    pub(super) fn explained_of(
        self,
        spec: &TableSpec,
        database: &PostgresDatabase,
    ) -> ReadDatabaseError {
        let refused = matches!(&self, Self::Postgres(fault) if fault.is_of_value());
        match self.explained(database) {
            ReadDatabaseError::Unwritable(reason) if refused => {
                ReadDatabaseError::Unsuitable { projection: spec.full_name(), reason }
            }
            told => told,
        }
    }

    /// Whether the server said so.
    pub(super) fn is(&self, code: &SqlState) -> bool {
        matches!(self, Self::Postgres(fault) if fault.code() == Some(code))
    }
}
