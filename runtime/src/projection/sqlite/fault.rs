//! Why a job on the database ended without its result, and how that reaches the caller.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use crate::projection::ReadDatabaseError;
use crate::store::StoreError;
use crate::store::sqlite::{JobError, store_error};

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
    pub(super) fn on(self, connection: &Connection) -> ReadDatabaseError {
        match self {
            Self::Sqlite(error) => store_error(connection, &error).into(),
            Self::Database(error) => error,
            Self::RowExists => ReadDatabaseError::Corrupt(Self::RowExists.to_string()),
        }
    }
}

/// Carries a fault past [`crate::store::sqlite::SqliteDatabase`], which knows failures of SQLite and
/// of stores alone.
#[derive(Clone, Default)]
pub(super) struct Carrier(Arc<Mutex<Option<Fault>>>);

impl Carrier {
    /// Keeps a fault, and says to the database what it must know: that the job failed.
    pub(super) fn keep(&self, fault: Fault) -> JobError {
        match fault {
            Fault::Sqlite(error) => JobError::Sqlite(error),
            fault => {
                let gave_up = StoreError::Unsupported(fault.to_string());
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
                JobError::Store(gave_up)
            }
        }
    }

    /// The fault that was kept, or else what the database failed with.
    pub(super) fn open(self, error: StoreError) -> Fault {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        kept.unwrap_or_else(|| Fault::Database(error.into()))
    }
}
