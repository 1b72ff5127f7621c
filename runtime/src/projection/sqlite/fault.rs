//! Why a job on the database ended without its result, and how that reaches the caller.

use rusqlite::Connection;

use crate::projection::ReadDatabaseError;
use crate::store::StoreError;
use crate::store::sqlite::store_error;

/// A job failed; its transaction is rolled back.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// SQLite failed.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// The job refused.
    #[error(transparent)]
    Database(#[from] ReadDatabaseError),
    /// A row to be inserted exists.
    #[error("a row to be inserted exists")]
    RowExists,
}

impl Fault {
    /// The fault as the database's callers know it, where it happened on `connection`.
    pub(super) fn explained(self, connection: &Connection) -> Self {
        match self {
            Self::Sqlite(error) => store_error(connection, &error).into(),
            other => other,
        }
    }
}

impl From<Fault> for ReadDatabaseError {
    /// A failure of SQLite should have been explained before: here the file is no longer known.
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Database(error) => error,
            fault => Self::Corrupt(fault.to_string()),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Database(error.into())
    }
}
