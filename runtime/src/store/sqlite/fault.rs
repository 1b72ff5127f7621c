//! Failures of SQLite, told as failures of the store: which file, what happened, what to do.
//!
//! Two failures that call for different actions never share a message.

use rusqlite::{Connection, Error, ErrorCode, ffi};

use super::connection::Doubt;
use crate::store::StoreError;
use crate::store::names::UnlikelyName;

/// Why a job on a [`super::SqliteDatabase`] ended without its result; its transaction is rolled back.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// SQLite failed.
    #[error(transparent)]
    Sqlite(#[from] Error),
    /// The job gave up.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What to do where nothing can be written, also for who only wants to read.
pub(super) const WRITABLE: &str = "a store writes also where it is only read (its log, its read models): make the file and its \
    folder writable, or copy it while nobody has it open, with what lies beside it and ends in `-wal` if there is such a file, \
    to where you may write, and name the copy";

impl JobError {
    /// As a failure of the store whose file `connection` has open.
    pub fn into_store_error(self, connection: &Connection) -> StoreError {
        match self {
            Self::Sqlite(error) => store_error(connection, &error),
            Self::Store(error) => error,
        }
    }
}

/// A failure of SQLite as a failure of the store whose file `connection` has open.
pub fn store_error(connection: &Connection, error: &Error) -> StoreError {
    explain(connection.path().unwrap_or("the database"), error)
}

/// A failed COMMIT. Where the commit may have reached the file without being synced, nobody knows
/// what a crash would leave of it.
pub(super) fn commit_error(connection: &Connection, error: &Error) -> StoreError {
    match sqlite_code(error) {
        Some((ErrorCode::SystemIoFailure, extended)) if refused_before_commit(extended) => {
            store_error(connection, error)
        }
        Some((ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory, _)) => {
            StoreError::OutcomeUnknown(format!(
                "{}: the commit was written but could not be completed ({error}); \
                 check the disk, then read the stream to see whether the events are there",
                connection.path().unwrap_or("the database"),
            ))
        }
        _ => store_error(connection, error),
    }
}

/// Whether after this failure of a commit or a sync the disk may lack what is in the log.
pub(super) fn leaves_doubt(error: &Error) -> bool {
    matches!(sqlite_code(error), Some((ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory, _)))
}

/// Whether a log that was found is as doubtful as before after this failure to move it into the file and
/// begin it anew. Where others have the file open it can't be had for as long as one of them reads, and
/// nothing is written at all where nothing may be.
pub(super) fn leaves_found_log(error: &Error) -> bool {
    use ErrorCode::{DatabaseBusy, DatabaseLocked, ReadOnly};
    !matches!(sqlite_code(error), Some((DatabaseBusy | DatabaseLocked | ReadOnly, _)))
}

/// The log could not be copied into the file and begun anew, which has to come before the next write.
pub(super) fn in_doubt(connection: &Connection, doubt: Doubt, error: &Error) -> StoreError {
    let path = connection.path().unwrap_or("the database");
    let cause = match doubt {
        Doubt::Failed => format!("the disk failed while {path} was written"),
        Doubt::Found => {
            format!("whoever wrote {path} last did not close it, maybe for a failed disk")
        }
    };
    let (found, advice) = match sqlite_code(error) {
        Some((ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _)) => (
            "is still in use by a reader or another program",
            "end what has been reading for long, and try again",
        ),
        _ => ("could not be copied into it", "check the disk and its free space, and try again"),
    };
    StoreError::Unavailable(format!(
        "{cause}, and until the log beside it has been copied into it nothing more is written, for it might not last; the log {found} ({error}); \
         nothing was changed: {advice}"
    ))
}

/// An earlier transaction could not be rolled back, or commits are still not synced after it.
pub(super) fn left_open(connection: &Connection, error: &Error) -> StoreError {
    StoreError::Unavailable(format!(
        "an earlier job on {} could not be ended ({error}), and until it is, nothing more is written, \
         for it might not last; nothing was changed: try again, and where that does not help, open the \
         file anew, or start the program again",
        connection.path().unwrap_or("the database")
    ))
}

/// The frame that commits is the last to be written, and is synced and shown to others after that: a
/// failed write leaves no valid commit behind.
fn refused_before_commit(extended: i32) -> bool {
    matches!(extended, ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_READ)
}

/// A failure of SQLite on the file at `path`.
pub(super) fn explain(path: &str, error: &Error) -> StoreError {
    match sqlite_code(error) {
        Some((ErrorCode::SystemIoFailure, extended)) => input_output(path, extended, error),
        Some((code, _)) => explain_code(path, code, error),
        None => unexpected_value(path, error),
    }
}

/// A value that can't be read, which is the fault of its file, unless another file's names fill what is
/// kept of them.
fn unexpected_value(path: &str, error: &Error) -> StoreError {
    if let Error::FromSqlConversionFailure(_, _, reason) = error
        && let Some(UnlikelyName::TooMany) = reason.downcast_ref()
    {
        return StoreError::Unsupported(format!("{path}: {reason}"));
    }
    corrupt(path, format!("a stored value is not what it should be: {error}"))
}

fn explain_code(path: &str, code: ErrorCode, error: &Error) -> StoreError {
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Unavailable(format!(
            "{path} is locked by another program ({error}); nothing was changed: \
             end the other program's transaction and try again"
        )),
        ErrorCode::FileLockingProtocolFailed => StoreError::Unavailable(format!(
            "too many programs open {path} at once ({error}); nothing was changed: try again"
        )),
        ErrorCode::DiskFull => StoreError::Unwritable(format!(
            "the disk or quota that holds {path} is full ({error}); nothing was changed: \
             free some space and try again"
        )),
        ErrorCode::ReadOnly => StoreError::Unwritable(format!(
            "{path} is read-only ({error}); nothing was changed: {WRITABLE}"
        )),
        ErrorCode::TooBig => StoreError::Unwritable(format!(
            "a value is larger than {path} can hold ({error}); nothing was changed"
        )),
        ErrorCode::CannotOpen => StoreError::Unavailable(format!(
            "{path} cannot be opened ({error}): check that it exists and may be read and written"
        )),
        ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied => {
            StoreError::Unwritable(format!("access to {path} is denied ({error})"))
        }
        ErrorCode::OutOfMemory => {
            StoreError::Unavailable(format!("not enough memory to work on {path} ({error})"))
        }
        ErrorCode::OperationInterrupted | ErrorCode::OperationAborted => {
            StoreError::Unavailable(format!("work on {path} was interrupted ({error})"))
        }
        ErrorCode::NotADatabase => not_a_database(path),
        ErrorCode::DatabaseCorrupt => corrupt(path, format!("the file is damaged ({error})")),
        _ => corrupt(path, format!("the tables are not what they should be ({error})")),
    }
}

fn input_output(path: &str, extended: i32, error: &Error) -> StoreError {
    match extended {
        ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_CORRUPTFS => {
            corrupt(path, format!("the file is shorter than it should be ({error})"))
        }
        ffi::SQLITE_IOERR_READ | ffi::SQLITE_IOERR_FSTAT | ffi::SQLITE_IOERR_ACCESS => {
            StoreError::Unavailable(format!(
                "reading {path} failed ({error}); nothing was changed: check the disk"
            ))
        }
        ffi::SQLITE_IOERR_SHMOPEN
        | ffi::SQLITE_IOERR_SHMSIZE
        | ffi::SQLITE_IOERR_SHMMAP
        | ffi::SQLITE_IOERR_SHMLOCK => StoreError::Unwritable(format!(
            "programs cannot share {path} ({error}); nothing was changed: \
             use a local disk, with room for the file beside it that ends in -shm"
        )),
        _ => StoreError::Unwritable(format!(
            "writing {path} failed ({error}); nothing was changed: check the disk"
        )),
    }
}

/// The file is something else altogether.
pub(super) fn not_a_database(path: &str) -> StoreError {
    StoreError::Foreign(format!(
        "{path} is not an SQLite database; it was left as it is: \
         name another file, or restore this one from a backup"
    ))
}

/// The file is damaged.
pub(super) fn corrupt(path: &str, reason: String) -> StoreError {
    damaged("database", path.to_owned(), reason)
}

/// An event in the file is damaged.
pub(super) fn corrupt_event(connection: &Connection, position: i64, reason: String) -> StoreError {
    let path = connection.path().unwrap_or("the database");
    damaged("event", format!("position {position} in {path}"), reason)
}

fn damaged(what: &str, place: String, reason: String) -> StoreError {
    let reason = format!(
        "{reason}; restore the file from a backup, or save what can be read with \
         `sqlite3 FILE .recover`"
    );
    StoreError::Corrupt { what: what.to_owned(), place, reason }
}

fn sqlite_code(error: &Error) -> Option<(ErrorCode, i32)> {
    match error {
        Error::SqliteFailure(error, _) | Error::SqlInputError { error, .. } => {
            Some((error.code, error.extended_code))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(error: &StoreError) -> &'static str {
        match error {
            StoreError::OutcomeUnknown(_) => "unknown",
            StoreError::Unavailable(_) => "unavailable",
            StoreError::Unwritable(_) => "unwritable",
            StoreError::Corrupt { .. } => "corrupt",
            _ => "something else",
        }
    }

    /// After the commit was written, want of memory or of room beside the file was told as "nothing
    /// was changed"; and programs that opened a file at the same time were told to restore a backup.
    #[test]
    fn a_commit_that_may_have_been_written_is_unknown() {
        let connection = Connection::open_in_memory().expect("a connection");
        for (code, at_commit, elsewhere) in [
            (ffi::SQLITE_IOERR_FSYNC, "unknown", "unwritable"),
            (ffi::SQLITE_IOERR_SHMSIZE, "unknown", "unwritable"),
            (ffi::SQLITE_NOMEM, "unknown", "unavailable"),
            (ffi::SQLITE_IOERR_WRITE, "unwritable", "unwritable"),
            (ffi::SQLITE_FULL, "unwritable", "unwritable"),
            (ffi::SQLITE_BUSY, "unavailable", "unavailable"),
            (ffi::SQLITE_PROTOCOL, "unavailable", "unavailable"),
            (ffi::SQLITE_CORRUPT, "corrupt", "corrupt"),
        ] {
            let error = Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(kind(&commit_error(&connection, &error)), at_commit, "{error}");
            assert_eq!(kind(&store_error(&connection, &error)), elsewhere, "{error}");
        }
    }

    /// The log that a failed writer had left could not be moved into the file because the disk was full;
    /// that was no failed sync, and new commits were acknowledged behind what might be lost.
    #[test]
    fn a_found_log_that_could_not_be_moved_stays_in_doubt() {
        for (code, doubtful) in [
            (ffi::SQLITE_FULL, true),
            (ffi::SQLITE_IOERR_FSYNC, true),
            (ffi::SQLITE_NOMEM, true),
            (ffi::SQLITE_CORRUPT, true),
            (ffi::SQLITE_PERM, true),
            (ffi::SQLITE_BUSY, false),
            (ffi::SQLITE_LOCKED, false),
            (ffi::SQLITE_READONLY, false),
        ] {
            let error = Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(leaves_found_log(&error), doubtful, "{error}");
        }
    }

    #[test]
    fn a_doubt_says_where_it_comes_from() {
        let connection = Connection::open_in_memory().expect("a connection");
        let full = Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), None);
        let told = |doubt| in_doubt(&connection, doubt, &full).to_string();
        assert!(told(Doubt::Failed).contains("the disk failed while"), "{}", told(Doubt::Failed));
        assert!(told(Doubt::Found).contains("did not close it"), "{}", told(Doubt::Found));
    }
}
