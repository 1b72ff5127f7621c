//! The mark of a file into which a copy is unfinished. Whoever uses the file looks for it each time: programs that had
//! it open when the copy began must no more take a part of a store for the whole than those that open it later.
//!
//! The mark is the format in the file's header, which is at hand wherever something is read; what is known of the copy
//! stands in a table, which is there as long as the mark.

use rusqlite::{Connection, OptionalExtension, Result, Transaction};

use super::fault::JobError;
use super::open::{FORMAT, FORMAT_OF_PART, FORMAT_WITH_ARCHIVE};
use super::reads::{self, number, signed};
use crate::metadata::Position;
use crate::store::StoreError;
use crate::store::whole::{self, CopyId, Copying};

type Job<T> = std::result::Result<T, JobError>;

/// Refuses to go on where a copy is unfinished.
pub(super) fn refuse_part(connection: &Connection) -> Job<()> {
    if !is_part(connection)? {
        return Ok(());
    }
    let place = connection.path().unwrap_or("the file").to_owned();
    let of = unfinished(connection)?.unwrap_or(0);
    Err(StoreError::UnfinishedCopy { place, copied: reads::head(connection)?, of }.into())
}

fn is_part(connection: &Connection) -> Result<bool> {
    let mut format = connection.prepare_cached("PRAGMA user_version")?;
    format.query_row([], |row| Ok(row.get::<_, i32>(0)? == FORMAT_OF_PART))
}

/// The last position of the store of which an unfinished copy is made.
pub(super) fn unfinished(connection: &Connection) -> Result<Option<Position>> {
    if !is_part(connection)? {
        return Ok(None);
    }
    connection.query_row("SELECT head FROM unfinished_copy", [], |row| number(row, 0)).optional()
}

/// Marks the file, and ends the right of an earlier copy to go on.
pub(super) fn begin(transaction: &Transaction<'_>, copy: &Copying) -> Job<()> {
    let head = reads::head(transaction)?;
    if head != copy.after {
        return Err(whole::moved_on(head).into());
    }
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS unfinished_copy (copy TEXT NOT NULL, head INTEGER NOT NULL) STRICT; \
         DELETE FROM unfinished_copy",
    )?;
    transaction.execute(
        "INSERT INTO unfinished_copy (copy, head) VALUES (?1, ?2)",
        (copy.id.as_str(), signed(copy.of)),
    )?;
    Ok(transaction.pragma_update(None, "user_version", FORMAT_OF_PART)?)
}

/// Refuses to go on with a copy in whose place another one has come, or which has been ended; and without one where the
/// file is marked.
pub(super) fn check_own(transaction: &Transaction<'_>, copy: Option<&CopyId>) -> Job<()> {
    let marked: Option<String> = match is_part(transaction)? {
        true => transaction
            .query_row("SELECT copy FROM unfinished_copy", [], |row| row.get(0))
            .optional()?,
        false => None,
    };
    let is_own = marked.as_deref() == copy.map(CopyId::as_str);
    if is_own { Ok(()) } else { Err(whole::another_copy().into()) }
}

/// Takes the mark off.
pub(super) fn end(transaction: &Transaction<'_>, copy: &CopyId) -> Job<()> {
    check_own(transaction, Some(copy))?;
    let is_archived: bool =
        transaction
            .query_row("SELECT EXISTS (SELECT 1 FROM archive_segments)", [], |row| row.get(0))?;
    let format = if is_archived { FORMAT_WITH_ARCHIVE } else { FORMAT };
    transaction.execute_batch("DROP TABLE unfinished_copy")?;
    Ok(transaction.pragma_update(None, "user_version", format)?)
}
