//! What can't be folded, and what was decided about it.
//!
//! Everything here runs within the caller's transaction, but for plain reads.

use tokio_postgres::Row;

use super::fault::Fault;
use super::names;
use super::registry::number;
use crate::metadata::Position;
use crate::projection::{Commit, Poison, Skip, TableSpec};
use crate::store::postgres::{Client, Time, text};

/// The events that wait for a decision, in the order of their positions.
pub(super) async fn waiting(client: &Client, read_model: i64) -> Result<Vec<Poison>, Fault> {
    let statement = client
        .prepare_cached(
            "SELECT position, stream_id, sequence, event_type, version, reason, found_at, stops \
             FROM eventloom.poison WHERE read_model = $1 ORDER BY position",
        )
        .await?;
    let found = client.query(&statement, &[&read_model]).await?;
    found.iter().map(read_poison).collect()
}

/// What stopped the rebuild of the rows of a projection and meaning.
pub(super) async fn of_rebuild(client: &Client, spec: TableSpec) -> Result<Option<Poison>, Fault> {
    let statement = client
        .prepare_cached(
            "SELECT p.position, stream_id, sequence, event_type, version, reason, found_at, stops \
             FROM eventloom.poison AS p JOIN eventloom.read_models ON id = read_model \
             WHERE aggregate = $1 AND projection = $2 AND target = $3 AND meaning = $4 AND shadow AND stops \
             AND NOT EXISTS (SELECT FROM eventloom.skipped AS s WHERE s.aggregate = $1 AND s.projection = $2 \
             AND s.target = $3 AND s.meaning = $4 AND s.position = p.position) ORDER BY p.position LIMIT 1",
        )
        .await?;
    let (aggregate, projection) = (text::stored(spec.aggregate), text::stored(spec.projection));
    let meaning = names::meaning(spec.meaning);
    let found =
        client.query_opt(&statement, &[&aggregate, &projection, &spec.name, &meaning]).await?;
    found.as_ref().map(read_poison).transpose()
}

fn read_poison(row: &Row) -> Result<Poison, Fault> {
    Ok(Poison {
        position: number(row, 0)?,
        stream_id: read_text(row, 1)?.into(),
        sequence: number(row, 2)?,
        event_type: read_text(row, 3)?,
        version: u32::try_from(number(row, 4)?).unwrap_or(u32::MAX),
        reason: read_text(row, 5)?,
        found_at: row.try_get::<_, Time>(6)?.0,
        stops: row.try_get(7)?,
    })
}

/// The positions of the events of a projection and meaning that are skipped, in their order.
pub(super) async fn skipped(client: &Client, spec: TableSpec) -> Result<Vec<Position>, Fault> {
    let statement = client
        .prepare_cached(
            "SELECT position FROM eventloom.skipped \
             WHERE aggregate = $1 AND projection = $2 AND target = $3 AND meaning = $4 ORDER BY position",
        )
        .await?;
    let (aggregate, projection) = (text::stored(spec.aggregate), text::stored(spec.projection));
    let meaning = names::meaning(spec.meaning);
    let found = client.query(&statement, &[&aggregate, &projection, &spec.name, &meaning]).await?;
    found.iter().map(|row| number(row, 0)).collect()
}

/// Writes what a commit says of poison and decides about it.
pub(super) async fn record(client: &Client, commit: &Commit) -> Result<(), Fault> {
    let id = commit.table.id.cast_signed();
    if !commit.released.is_empty() {
        let released: Vec<i64> = commit.released.iter().map(|it| it.cast_signed()).collect();
        client
            .execute(
                "DELETE FROM eventloom.poison WHERE read_model = $1 AND position = ANY ($2)",
                &[&id, &released],
            )
            .await?;
    }
    for poison in &commit.poison {
        write_poison(client, id, poison).await?;
    }
    for skip in &commit.skips {
        write_skip(client, &commit.table.spec, skip).await?;
    }
    Ok(())
}

async fn write_poison(client: &Client, id: i64, poison: &Poison) -> Result<(), Fault> {
    let statement = client
        .prepare_cached(
            "INSERT INTO eventloom.poison (read_model, position, stream_id, sequence, event_type, version, reason, \
             found_at, stops) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
             ON CONFLICT (read_model, position) DO UPDATE SET stream_id = excluded.stream_id, \
             sequence = excluded.sequence, event_type = excluded.event_type, version = excluded.version, \
             reason = excluded.reason, found_at = excluded.found_at, stops = excluded.stops",
        )
        .await?;
    client
        .execute(
            &statement,
            &[
                &id,
                &poison.position.cast_signed(),
                &text::stored(poison.stream_id.as_str()),
                &poison.sequence.cast_signed(),
                &text::stored(&poison.event_type),
                &i64::from(poison.version),
                &text::stored(&poison.reason),
                &Time(poison.found_at),
                &poison.stops,
            ],
        )
        .await?;
    Ok(())
}

async fn write_skip(client: &Client, spec: &TableSpec, skip: &Skip) -> Result<(), Fault> {
    client
        .execute(
            "INSERT INTO eventloom.skipped (aggregate, projection, target, meaning, position, stream_id, sequence, \
             event_type, version, failure, operator, reason, decided_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
             ON CONFLICT (aggregate, projection, target, meaning, position) DO UPDATE \
             SET failure = excluded.failure, operator = excluded.operator, reason = excluded.reason, \
             decided_at = excluded.decided_at",
            &[
                &text::stored(spec.aggregate),
                &text::stored(spec.projection),
                &spec.name,
                &names::meaning(spec.meaning),
                &skip.position.cast_signed(),
                &text::stored(skip.stream_id.as_str()),
                &skip.sequence.cast_signed(),
                &text::stored(&skip.event_type),
                &i64::from(skip.version),
                &text::stored(&skip.failure),
                &text::stored(&skip.operator),
                &text::stored(&skip.reason),
                &Time(skip.decided_at),
            ],
        )
        .await?;
    Ok(())
}

/// The decisions to skip events of a projection and meaning.
pub(super) async fn skips(client: &Client, spec: TableSpec) -> Result<Vec<Skip>, Fault> {
    let statement = client
        .prepare_cached(
            "SELECT position, stream_id, sequence, event_type, version, failure, operator, reason, decided_at \
             FROM eventloom.skipped \
             WHERE aggregate = $1 AND projection = $2 AND target = $3 AND meaning = $4 ORDER BY position",
        )
        .await?;
    let (aggregate, projection) = (text::stored(spec.aggregate), text::stored(spec.projection));
    let meaning = names::meaning(spec.meaning);
    let found = client.query(&statement, &[&aggregate, &projection, &spec.name, &meaning]).await?;
    found.iter().map(read_skip).collect()
}

fn read_skip(row: &Row) -> Result<Skip, Fault> {
    Ok(Skip {
        position: number(row, 0)?,
        stream_id: read_text(row, 1)?.into(),
        sequence: number(row, 2)?,
        event_type: read_text(row, 3)?,
        version: u32::try_from(number(row, 4)?).unwrap_or(u32::MAX),
        failure: read_text(row, 5)?,
        operator: read_text(row, 6)?,
        reason: read_text(row, 7)?,
        decided_at: row.try_get::<_, Time>(8)?.0,
    })
}

fn read_text(row: &Row, column: usize) -> Result<String, Fault> {
    let stored: &str = row.try_get(column)?;
    Ok(text::read(stored).into_owned())
}
