//! What can't be folded, and what was decided about it.
//!
//! Everything here runs within the caller's transaction.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row};

use super::fault::Fault;
use super::names;
use super::registry::unsigned;
use crate::metadata::Position;
use crate::projection::{Commit, Poison, Skip, Table, TableSpec};
use crate::values::Timestamp;

/// The events that wait for a decision, in the order of their positions.
pub(super) fn waiting(connection: &Connection, table: Table) -> rusqlite::Result<Vec<Poison>> {
    connection
        .prepare_cached(
            "SELECT position, stream_id, sequence, event_type, version, reason, found_at, stops \
             FROM eventloom_poison WHERE read_model = ?1 ORDER BY position",
        )?
        .query_map([table.id.cast_signed()], read_poison)?
        .collect()
}

/// What stopped the rebuild of the rows of a projection and meaning.
pub(super) fn of_rebuild(
    connection: &Connection,
    spec: TableSpec,
) -> rusqlite::Result<Option<Poison>> {
    connection
        .prepare_cached(
            "SELECT poison.position, stream_id, sequence, event_type, version, reason, found_at, stops \
             FROM eventloom_poison AS poison JOIN eventloom_read_models ON id = read_model \
             WHERE aggregate = ?1 AND projection = ?2 AND target = ?3 AND meaning = ?4 AND shadow AND stops \
             AND NOT EXISTS (SELECT 1 FROM eventloom_skipped AS s WHERE s.aggregate = ?1 AND s.projection = ?2 \
             AND s.target = ?3 AND s.meaning = ?4 AND s.position = poison.position) \
             ORDER BY poison.position LIMIT 1",
        )?
        .query_row(
            (spec.aggregate, spec.projection, spec.name, names::meaning(spec.meaning)),
            read_poison,
        )
        .optional()
}

fn read_poison(row: &Row<'_>) -> rusqlite::Result<Poison> {
    Ok(Poison {
        position: unsigned(row, 0)?,
        stream_id: row.get::<_, String>(1)?.into(),
        sequence: unsigned(row, 2)?,
        event_type: row.get(3)?,
        version: row.get(4)?,
        reason: row.get(5)?,
        found_at: time(row, 6)?,
        stops: row.get(7)?,
    })
}

/// The positions of the events of a projection and meaning that are skipped, in their order.
pub(super) fn skipped(connection: &Connection, spec: TableSpec) -> rusqlite::Result<Vec<Position>> {
    connection
        .prepare_cached(
            "SELECT position FROM eventloom_skipped \
             WHERE aggregate = ?1 AND projection = ?2 AND target = ?3 AND meaning = ?4 \
             ORDER BY position",
        )?
        .query_map(
            (spec.aggregate, spec.projection, spec.name, names::meaning(spec.meaning)),
            |row| unsigned(row, 0),
        )?
        .collect()
}

/// Writes what a commit says of poison and decides about it.
pub(super) fn record(connection: &Connection, commit: &Commit) -> rusqlite::Result<()> {
    let id = commit.table.id.cast_signed();
    for position in &commit.released {
        connection
            .prepare_cached("DELETE FROM eventloom_poison WHERE read_model = ?1 AND position = ?2")?
            .execute((id, position.cast_signed()))?;
    }
    for poison in &commit.poison {
        write_poison(connection, id, poison)?;
    }
    for skip in &commit.skips {
        write_skip(connection, &commit.table.spec, skip)?;
    }
    Ok(())
}

fn write_poison(connection: &Connection, id: i64, poison: &Poison) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO eventloom_poison (read_model, position, stream_id, sequence, \
             event_type, version, reason, found_at, stops) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute((
            id,
            poison.position.cast_signed(),
            poison.stream_id.as_str(),
            poison.sequence.cast_signed(),
            &poison.event_type,
            poison.version,
            &poison.reason,
            poison.found_at.sortable().as_str().to_owned(),
            poison.stops,
        ))?;
    Ok(())
}

fn write_skip(connection: &Connection, spec: &TableSpec, skip: &Skip) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO eventloom_skipped (aggregate, projection, target, meaning, \
             position, stream_id, sequence, event_type, version, failure, operator, reason, \
             decided_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute((
            spec.aggregate,
            spec.projection,
            spec.name,
            names::meaning(spec.meaning),
            skip.position.cast_signed(),
            skip.stream_id.as_str(),
            skip.sequence.cast_signed(),
            &skip.event_type,
            skip.version,
            &skip.failure,
            &skip.operator,
            &skip.reason,
            skip.decided_at.sortable().as_str().to_owned(),
        ))?;
    Ok(())
}

/// The decisions to skip events of a projection and meaning.
pub(super) fn skips(connection: &Connection, spec: TableSpec) -> Result<Vec<Skip>, Fault> {
    let skips = connection
        .prepare_cached(
            "SELECT position, stream_id, sequence, event_type, version, failure, operator, reason, \
             decided_at FROM eventloom_skipped \
             WHERE aggregate = ?1 AND projection = ?2 AND target = ?3 AND meaning = ?4 \
             ORDER BY position",
        )?
        .query_map(
            (spec.aggregate, spec.projection, spec.name, names::meaning(spec.meaning)),
            read_skip,
        )?
        .collect::<Result<_, _>>()?;
    Ok(skips)
}

fn read_skip(row: &Row<'_>) -> rusqlite::Result<Skip> {
    Ok(Skip {
        position: unsigned(row, 0)?,
        stream_id: row.get::<_, String>(1)?.into(),
        sequence: unsigned(row, 2)?,
        event_type: row.get(3)?,
        version: row.get(4)?,
        failure: row.get(5)?,
        operator: row.get(6)?,
        reason: row.get(7)?,
        decided_at: time(row, 8)?,
    })
}

fn time(row: &Row<'_>, index: usize) -> rusqlite::Result<Timestamp> {
    row.get::<_, String>(index)?.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error))
    })
}
