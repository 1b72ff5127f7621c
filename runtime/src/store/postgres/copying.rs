//! The mark of a database into which a copy is unfinished: a table that is there as long. Connections are made only where
//! it is not, and hold a lock from then on, so that no copy begins beneath a program.

use tokio_postgres::error::SqlState;

use super::batch::signed;
use super::database::Client;
use super::fault::Fault;
use super::reads::{self, number};
use crate::metadata::Position;
use crate::store::StoreError;
use crate::store::whole::{self, CopyId, Copying};

/// Waits for the connections of other programs to be gone. A moment: those of a program that has just ended may be there
/// still.
const BE_ALONE: &str = "SET LOCAL lock_timeout TO '3s'; \
    SELECT pg_advisory_xact_lock(7311146993704727190); \
    SET LOCAL lock_timeout TO DEFAULT";

/// The database and its server, whatever their names.
const PLACE: &str = "SELECT s.system_identifier::text || ' ' || d.oid \
    FROM pg_control_system() s, pg_database d WHERE d.datname = current_database()";

/// Where the database lies.
pub(super) async fn place(client: &Client) -> Result<String, Fault> {
    let place: String = client.query_one(PLACE, &[]).await?.try_get(0)?;
    Ok(format!("PostgreSQL {place}"))
}

/// The last position of the store of which an unfinished copy is made.
pub(super) async fn unfinished(client: &Client) -> Result<Option<Position>, Fault> {
    match client.query_opt("SELECT head FROM eventloom.unfinished_copy", &[]).await {
        Ok(row) => row.map(|row| number(&row, 0)).transpose(),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Marks the database, and ends the right of an earlier copy to go on; within a transaction.
pub(super) async fn begin(client: &Client, copy: &Copying) -> Result<(), Fault> {
    let begun = mark(client, copy).await;
    match &begun {
        Err(fault) if fault.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            Err(not_the_owner().into())
        }
        _ => begun,
    }
}

async fn mark(client: &Client, copy: &Copying) -> Result<(), Fault> {
    // First, while nobody waits for this one.
    match client.batch_execute(BE_ALONE).await {
        Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
            return Err(in_use().into());
        }
        alone => alone?,
    }
    client.batch_execute("SELECT eventloom.begin_append()").await?;
    let head = reads::head(client).await?;
    if head != copy.after {
        return Err(whole::moved_on(head).into());
    }
    client
        .batch_execute(
            "CREATE TABLE IF NOT EXISTS eventloom.unfinished_copy ( \
             copy text COLLATE \"C\" NOT NULL, copied bigint NOT NULL, head bigint NOT NULL); \
             GRANT SELECT ON eventloom.unfinished_copy TO PUBLIC; \
             DELETE FROM eventloom.unfinished_copy",
        )
        .await?;
    client
        .execute(
            "INSERT INTO eventloom.unfinished_copy (copy, copied, head) VALUES ($1, $2, $3)",
            &[&copy.id.as_str(), &signed(copy.after), &signed(copy.of)],
        )
        .await?;
    Ok(())
}

fn in_use() -> StoreError {
    StoreError::Unavailable(
        "other programs have the database open that is to be filled, or this one has by another `PostgresDatabase`, and \
         would see a part of what is copied; nothing was changed: end them first, and drop what this one has"
            .to_owned(),
    )
}

fn not_the_owner() -> StoreError {
    StoreError::Unwritable(
        "the user by whom the database is to be filled does not own the tables of its event store, and no grant is enough \
         to copy into them; nothing was changed: copy as the user who opened the store first"
            .to_owned(),
    )
}

/// Refuses what belongs to no copy where the database is marked; within a transaction that holds appends.
pub(super) async fn refuse_marked(client: &Client) -> Result<(), Fault> {
    let marked = "SELECT to_regclass('eventloom.unfinished_copy') IS NOT NULL";
    match client.query_one(marked, &[]).await?.try_get(0)? {
        true => Err(whole::another_copy().into()),
        false => Ok(()),
    }
}

/// Notes how far a copy has come, or refuses to go on with one in whose place another has come, or which has been ended;
/// within a transaction.
pub(super) async fn note(client: &Client, copy: &CopyId, copied: Position) -> Result<(), Fault> {
    let noted = client
        .execute(
            "UPDATE eventloom.unfinished_copy SET copied = $2 WHERE copy = $1",
            &[&copy.as_str(), &signed(copied)],
        )
        .await;
    match noted {
        Ok(1) => Ok(()),
        Ok(_) => Err(whole::another_copy().into()),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => {
            Err(whole::another_copy().into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Takes the mark off; within a transaction.
pub(super) async fn end(client: &Client, copy: &CopyId) -> Result<(), Fault> {
    client.batch_execute("SELECT eventloom.begin_append()").await?;
    note(client, copy, reads::head(client).await?).await?;
    Ok(client.batch_execute("DROP TABLE eventloom.unfinished_copy").await?)
}
