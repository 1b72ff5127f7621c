//! An SQLite store read whole, and filled from another one.

use std::path::Path;
use std::{fs, io};

use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension, Result, Row, Transaction};

use super::append::{Correlation, Text};
use super::copying;
use super::fault::JobError;
use super::reads::{self, signed};
use crate::metadata::{Position, StreamId};
use crate::store::whole;
use crate::store::whole::{EventRecord, Part, Record, RecordPage, RecordedBy, ShapeRecord};

/// A file, the same whatever path or link led there.
pub(super) fn place(path: &Path) -> io::Result<String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let file = fs::metadata(path)?;
        Ok(format!("file {} {}", file.dev(), file.ino()))
    }
    #[cfg(not(unix))]
    Ok(format!("file {}", fs::canonicalize(path)?.display()))
}

/// Every version of every event type.
pub(super) fn shapes(connection: &Connection) -> Result<Vec<ShapeRecord>> {
    let mut statement = connection
        .prepare("SELECT aggregate, event_type, version, shape FROM shapes ORDER BY id")?;
    let shapes = statement.query_map([], |row| {
        Ok(ShapeRecord {
            aggregate: row.get(0)?,
            event_type: row.get(1)?,
            version: row.get(2)?,
            shape: row.get(3)?,
        })
    })?;
    shapes.collect()
}

/// A page of keys, or of commands behind them.
pub(super) fn records(
    connection: &Connection,
    after: Option<&str>,
    limit: usize,
) -> std::result::Result<RecordPage, JobError> {
    match whole::Place::read(after)? {
        whole::Place::Key { field, value, scope } => {
            let mut statement = connection.prepare_cached(
                "SELECT k.field, k.value, k.scope, f.field, s.aggregate, s.id, k.content, k.first, k.last \
                 FROM unique_keys k JOIN unique_fields f ON f.id = k.field \
                 JOIN streams s ON s.no = k.stream \
                 WHERE (k.field, k.value, k.scope) > (?1, ?2, ?3) \
                 ORDER BY k.field, k.value, k.scope LIMIT ?4",
            )?;
            let rows = statement.query_map((field, value, scope, signed(limit as u64)), |row| {
                let scope: i64 = row.get(2)?;
                let place = whole::Place::Key { field: row.get(0)?, value: row.get(1)?, scope };
                let record = Record::Key {
                    by: by(row, 4)?,
                    field: row.get(3)?,
                    value: row.get(1)?,
                    across_all: scope == 0,
                    events: (reads::number(row, 7)?, reads::number(row, 8)?),
                };
                Ok((place, record))
            })?;
            let rows: Vec<_> = rows.collect::<Result<_>>()?;
            Ok(whole::page(rows, limit, Some(whole::Place::Commands)))
        }
        place => {
            let after = match &place {
                whole::Place::Command { id } => Some(id),
                _ => None,
            };
            let mut statement = connection.prepare_cached(
                "SELECT k.id, s.aggregate, s.id, k.content, k.first, k.last, k.refusal, k.message \
                 FROM commands k JOIN streams s ON s.no = k.stream \
                 WHERE ?1 IS NULL OR k.id > ?1 ORDER BY k.id LIMIT ?2",
            )?;
            let rows = statement.query_map((after, signed(limit as u64)), |row| {
                let first: Option<i64> = row.get(4)?;
                let events =
                    first.map(|_| Ok::<_, Error>((reads::number(row, 4)?, reads::number(row, 5)?)));
                let record = Record::Command {
                    by: by(row, 1)?,
                    id: row.get(0)?,
                    events: events.transpose()?,
                    refusal: reads::refusal(row, 6)?,
                };
                Ok((whole::Place::Command { id: row.get(0)? }, record))
            })?;
            let rows: Vec<_> = rows.collect::<Result<_>>()?;
            Ok(whole::page(rows, limit, None))
        }
    }
}

fn by(row: &Row<'_>, column: usize) -> Result<RecordedBy> {
    Ok(RecordedBy {
        aggregate: row.get(column)?,
        stream: StreamId::from(row.get_ref(column + 1)?.as_str()?),
        content: row.get::<_, Vec<u8>>(column + 2)?.try_into().map_err(|_| {
            let reason = "a hash of another length".into();
            Error::FromSqlConversionFailure(column + 2, Type::Blob, reason)
        })?,
    })
}

/// Writes a part of another store; gives the position of the last event that is there.
pub(super) fn restore(
    transaction: &Transaction<'_>,
    part: &Part,
) -> std::result::Result<Position, JobError> {
    copying::check_own(transaction, part.copy.as_ref())?;
    for shape in &part.shapes {
        restore_shape(transaction, shape)?;
    }
    let mut head = reads::head(transaction)?;
    for event in &part.events {
        if event.position <= head {
            return Err(JobError::Store(whole::out_of_order(event.position, head)));
        }
        restore_event(transaction, event)?;
        head = event.position;
    }
    for record in &part.records {
        restore_record(transaction, record)?;
    }
    Ok(head)
}

fn restore_shape(
    transaction: &Transaction<'_>,
    shape: &ShapeRecord,
) -> std::result::Result<(), JobError> {
    let number = shape_number(transaction, &shape.aggregate, &shape.event_type, shape.version)?;
    let Some(text) = &shape.shape else { return Ok(()) };
    let stored: Option<String> =
        transaction
            .query_row("SELECT shape FROM shapes WHERE id = ?1", [number], |row| row.get(0))?;
    match stored {
        Some(stored) if stored == *text => {}
        Some(stored) => return Err(JobError::Store(whole::other_shape(shape, &stored))),
        None => drop(
            transaction.execute("UPDATE shapes SET shape = ?2 WHERE id = ?1", (number, text))?,
        ),
    }
    Ok(())
}

fn shape_number(
    transaction: &Transaction<'_>,
    aggregate: &str,
    event_type: &str,
    version: u32,
) -> Result<i64> {
    let key = (aggregate, event_type, version);
    transaction
        .prepare_cached(
            "INSERT OR IGNORE INTO shapes (aggregate, event_type, version) VALUES (?1, ?2, ?3)",
        )?
        .execute(key)?;
    transaction
        .prepare_cached(
            "SELECT id FROM shapes WHERE aggregate = ?1 AND event_type = ?2 AND version = ?3",
        )?
        .query_row(key, |row| row.get(0))
}

fn stream_number(transaction: &Transaction<'_>, aggregate: &str, id: &StreamId) -> Result<i64> {
    let key = (aggregate, id.as_str());
    let known = transaction
        .prepare_cached("SELECT no FROM streams WHERE aggregate = ?1 AND id = ?2")?
        .query_row(key, |row| row.get(0))
        .optional()?;
    match known {
        Some(number) => Ok(number),
        None => transaction
            .prepare_cached("INSERT INTO streams (aggregate, id) VALUES (?1, ?2)")?
            .insert(key),
    }
}

fn restore_event(transaction: &Transaction<'_>, event: &EventRecord) -> Result<()> {
    let EventRecord { position, aggregate, event_type, version, data, meta } = event;
    transaction
        .prepare_cached(
            "INSERT INTO events (position, stream, sequence, shape, event_id, at, recorded_at, \
             actor, correlation_id, causation_id, traceparent, data) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute((
            signed(*position),
            stream_number(transaction, aggregate, &meta.stream_id)?,
            signed(meta.sequence),
            shape_number(transaction, aggregate, event_type, *version)?,
            meta.event_id.as_bytes(),
            meta.at.as_micros(),
            meta.recorded_at.as_micros(),
            &meta.actor,
            Correlation(meta),
            &meta.causation_id,
            &meta.traceparent,
            Text(data),
        ))?;
    Ok(())
}

fn restore_record(transaction: &Transaction<'_>, record: &Record) -> Result<()> {
    match record {
        Record::Key { by, field, value, across_all, events: (first, last) } => {
            let stream = stream_number(transaction, &by.aggregate, &by.stream)?;
            let key = (&by.aggregate, field);
            transaction
                .prepare_cached(
                    "INSERT OR IGNORE INTO unique_fields (aggregate, field) VALUES (?1, ?2)",
                )?
                .execute(key)?;
            let field: i64 = transaction
                .prepare_cached("SELECT id FROM unique_fields WHERE aggregate = ?1 AND field = ?2")?
                .query_row(key, |row| row.get(0))?;
            let scope = if *across_all { 0 } else { stream };
            transaction
                .prepare_cached(
                    "INSERT OR IGNORE INTO unique_keys (field, value, scope, stream, first, last, content) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute((field, value, scope, stream, signed(*first), signed(*last), by.content))?;
        }
        Record::Command { by, id, events, refusal } => {
            let stream = stream_number(transaction, &by.aggregate, &by.stream)?;
            let (refusal, message) = refusal.as_ref().map(|(r, m)| (r, m)).unzip();
            transaction
                .prepare_cached(
                    "INSERT OR IGNORE INTO commands (id, stream, first, last, content, refusal, message) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute((
                    id,
                    stream,
                    events.map(|(first, _)| signed(first)),
                    events.map(|(_, last)| signed(last)),
                    by.content,
                    refusal,
                    message,
                ))?;
        }
    }
    Ok(())
}
