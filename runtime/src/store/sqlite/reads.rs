//! Reading: pages of a stream and of the global order, keys, commands, snapshots, streams.
//!
//! Every function works on a connection, inside or outside a transaction; a function of several
//! statements says so where it needs one view for all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use rusqlite::types::{FromSqlError, Type, ValueRef};
use rusqlite::{Connection, Error, OptionalExtension, Result, Row};

use super::archive;
use super::catalog::Catalog;
use super::fault::{self, JobError};
use crate::metadata::{Metadata, Position, Sequence, StreamId};
use crate::store::archive::{BlockPlace, Filling, Listed, Merging, StreamBlock};
use crate::store::names;
use crate::store::shapes::Shapes;
use crate::store::{
    AllPage, ContentHash, Direction, EventFilter, KeyClaim, PAGE_POSITIONS, Page, RecordedCommand,
    Snapshot, StoredShape, StreamKey, StreamRead, TakenKey,
};
use crate::values::{Timestamp, Uuid};

/// The position of the last event, or 0.
pub(super) fn head(connection: &Connection) -> Result<Position> {
    connection
        .prepare_cached("SELECT coalesce(max(position), 0) FROM events")?
        .query_row([], |row| number(row, 0))
}

/// The number of a stream, or none where it was never written to.
pub(super) fn stream_no(connection: &Connection, stream: &StreamKey) -> Result<Option<i64>> {
    connection
        .prepare_cached("SELECT no FROM streams WHERE aggregate = ?1 AND id = ?2")?
        .query_row((stream.aggregate, stream.id.as_str()), |row| row.get(0))
        .optional()
}

/// The sequence of a stream's last event, or 0.
pub(super) fn version(connection: &Connection, stream: i64) -> Result<Sequence> {
    connection
        .prepare_cached("SELECT coalesce(max(sequence), 0) FROM events WHERE stream = ?1")?
        .query_row([stream], |row| number(row, 0))
}

/// The live events of a page of one stream, and the first blocks with what they lack, if they lack any. They are looked for
/// in this order: see `archive/merge.rs`.
pub(super) fn read_stream(
    connection: &Connection,
    catalog: &Catalog,
    read: &StreamRead,
) -> Result<(Page, Option<Listed<StreamBlock>>), JobError> {
    let live = read_live_stream(connection, catalog, read)?;
    let range = Filling::range_of(read, &live);
    let listed = range.map(|range| archive::of_stream(connection, read, range)).transpose()?;
    Ok((live, listed))
}

fn read_live_stream(
    connection: &Connection,
    catalog: &Catalog,
    read: &StreamRead,
) -> Result<Page, JobError> {
    let mut statement = connection.prepare_cached(&stream_query(read.direction, read.metadata))?;
    let mut rows = statement.query((
        read.stream.aggregate,
        read.stream.id.as_str(),
        signed(read.after),
        signed(read.limit as u64),
    ))?;
    let mut events = Events::new(connection, catalog, read.metadata);
    while !events.page.is_full(read.limit) {
        let Some(row) = rows.next()? else {
            events.page.end();
            break;
        };
        events.push(row, |_, _| Ok(read.stream.id.clone()))?;
    }
    Ok(events.page)
}

/// The live events of a page of the global order, and the first blocks with others that may belong to it, if any are
/// archived. The caller's transaction gives one view of shapes, head and events.
pub(super) fn read_all(
    connection: &Connection,
    catalog: &Catalog,
    after: Position,
    filter: &EventFilter,
    limit: usize,
) -> Result<(AllPage, Option<Listed<BlockPlace>>), JobError> {
    let live = read_all_live(connection, catalog, after, filter, limit)?;
    let listed = archive::list(connection, &live, after, filter)?;
    Ok((live, listed))
}

/// A whole page of the global order within a transaction of appends.
pub(super) fn read_all_within(
    connection: &Connection,
    catalog: &Catalog,
    after: Position,
    filter: &EventFilter,
    limit: usize,
) -> Result<AllPage, JobError> {
    let (live, listed) = read_all(connection, catalog, after, filter, limit)?;
    let Some(listed) = listed else { return Ok(live) };
    let page = Merging::of(live, listed, (after, filter, limit));
    archive::merge_within(connection, &catalog.archive, page)
}

fn read_all_live(
    connection: &Connection,
    catalog: &Catalog,
    after: Position,
    filter: &EventFilter,
    limit: usize,
) -> Result<AllPage, JobError> {
    let limit = limit.max(1);
    let head = after.max(head(connection)?);
    let bound = match filter.is_everything() {
        true => head,
        false => head.min(after.saturating_add(PAGE_POSITIONS)),
    };
    let shapes = catalog.shapes_now(connection)?;
    let mut statement = connection.prepare_cached(&all_query(filter, &shapes))?;
    let mut rows = statement.query((signed(after), signed(bound), signed(limit as u64)))?;
    let mut events = Events::new(connection, catalog, filter.metadata);
    let mut streams = HashMap::new();
    while !events.page.is_full(limit)
        && let Some(row) = rows.next()?
    {
        events
            .push(row, |no, position| stream_id(connection, catalog, &mut streams, no, position))?;
    }
    let next = match events.page.iter().next_back() {
        Some(last) if events.page.is_full(limit) => last.position,
        _ if bound < head => before_next(connection, bound)?,
        _ => head,
    };
    if next == head {
        events.page.end();
    }
    Ok(AllPage { events: events.page, next })
}

/// The live events at positions that are in order: as many as make up a page.
pub(super) fn live_at(
    connection: &Connection,
    catalog: &Catalog,
    positions: &[Position],
) -> Result<Page, JobError> {
    let sql = format!("SELECT {} FROM events WHERE position = ?1", columns(true));
    let mut statement = connection.prepare_cached(&sql)?;
    let mut events = Events::new(connection, catalog, true);
    let mut streams = HashMap::new();
    for position in positions {
        if events.page.is_full(positions.len()) {
            break;
        }
        let mut rows = statement.query([signed(*position)])?;
        if let Some(row) = rows.next()? {
            events.push(row, |no, position| {
                stream_id(connection, catalog, &mut streams, no, position)
            })?;
        }
    }
    Ok(events.page)
}

/// The last position before the first event after `bound`, of which there is one.
fn before_next(connection: &Connection, bound: Position) -> Result<Position> {
    let next: u64 = connection
        .prepare_cached("SELECT min(position) FROM events WHERE position > ?1")?
        .query_row([signed(bound)], |row| number(row, 0))?;
    Ok(next - 1)
}

fn stream_id(
    connection: &Connection,
    catalog: &Catalog,
    streams: &mut HashMap<i64, StreamId>,
    no: i64,
    position: i64,
) -> Result<StreamId, JobError> {
    match streams.entry(no) {
        Entry::Occupied(known) => Ok(known.get().clone()),
        Entry::Vacant(unknown) => match catalog.stream_id(connection, no)? {
            Some(id) => Ok(unknown.insert(id).clone()),
            None => Err(damaged(connection, position, format!("there is no stream {no}"))),
        },
    }
}

fn columns(metadata: bool) -> &'static str {
    if metadata {
        "position, stream, sequence, shape, event_id, at, recorded_at, data, \
         actor, correlation_id, causation_id, traceparent"
    } else {
        "position, stream, sequence, shape, event_id, at, recorded_at, data"
    }
}

fn stream_query(direction: Direction, metadata: bool) -> String {
    let range = match direction {
        Direction::Forwards => "sequence > ?3 ORDER BY sequence",
        Direction::Backwards => "sequence < ?3 ORDER BY sequence DESC",
    };
    format!(
        "SELECT {} FROM events \
         WHERE stream = (SELECT no FROM streams WHERE aggregate = ?1 AND id = ?2) \
         AND {range} LIMIT ?4",
        columns(metadata)
    )
}

fn all_query(filter: &EventFilter, shapes: &Shapes) -> String {
    let shapes = if filter.is_everything() {
        String::new()
    } else {
        let ids: Vec<String> = shapes.passing(filter, true).iter().map(i64::to_string).collect();
        format!(" AND shape IN ({})", ids.join(", "))
    };
    format!(
        "SELECT {} FROM events WHERE position > ?1 AND position <= ?2{shapes} \
         ORDER BY position LIMIT ?3",
        columns(filter.metadata)
    )
}

/// Turns rows of events into a page.
struct Events<'a> {
    connection: &'a Connection,
    catalog: &'a Catalog,
    shapes: Arc<Shapes>,
    texts: bool,
    page: Page,
}

impl<'a> Events<'a> {
    fn new(connection: &'a Connection, catalog: &'a Catalog, texts: bool) -> Self {
        Self { connection, catalog, shapes: catalog.shapes(), texts, page: Page::default() }
    }

    fn push(
        &mut self,
        row: &Row<'_>,
        stream_id: impl FnOnce(i64, i64) -> Result<StreamId, JobError>,
    ) -> Result<(), JobError> {
        let position: i64 = row.get(0)?;
        let stream_id = stream_id(row.get(1)?, position)?;
        let shape = self.shape(row.get(3)?, position)?;
        let meta = self
            .metadata(row, stream_id)
            .map_err(|error| damaged(self.connection, position, error.to_string()))?;
        let data = row.get_ref(7)?.as_bytes().map_err(Error::from)?;
        self.page.push(shape, position.unsigned_abs(), meta, data);
        Ok(())
    }

    fn metadata(&self, row: &Row<'_>, stream_id: StreamId) -> Result<Metadata> {
        let mut meta = Metadata {
            event_id: Uuid::from_bytes(*fixed(row, 4)?),
            stream_id,
            sequence: number(row, 2)?,
            at: time(row, 5)?,
            recorded_at: time(row, 6)?,
            actor: None,
            correlation_id: None,
            causation_id: None,
            traceparent: None,
        };
        if self.texts {
            meta.actor = row.get(8)?;
            meta.causation_id = row.get(10)?;
            meta.correlation_id = match row.get_ref(9)? {
                ValueRef::Integer(_) => meta.causation_id.clone(),
                _ => row.get(9)?,
            };
            meta.traceparent = row.get(11)?;
        }
        Ok(meta)
    }

    fn shape(&mut self, id: i64, position: i64) -> Result<Arc<StoredShape>, JobError> {
        if let Some(shape) = self.shapes.get(id) {
            return Ok(Arc::clone(shape));
        }
        self.shapes = self.catalog.shapes_now(self.connection)?;
        match self.shapes.get(id) {
            Some(shape) => Ok(Arc::clone(shape)),
            None => Err(damaged(self.connection, position, format!("there is no shape {id}"))),
        }
    }
}

/// What is known of a command id.
pub(super) fn command(connection: &Connection, id: &str) -> Result<Option<RecordedCommand>> {
    connection
        .prepare_cached(
            "SELECT commands.content, streams.aggregate, streams.id, first, last, refusal, message \
             FROM commands JOIN streams ON streams.no = commands.stream WHERE commands.id = ?1",
        )?
        .query_row([id], |row| {
            let first = row.get::<_, Option<i64>>(3)?;
            Ok(RecordedCommand {
                content: content(row, 0)?,
                stream: stream_key(row, 1)?,
                events: first
                    .map(|_| Ok::<_, Error>((number(row, 3)?, number(row, 4)?)))
                    .transpose()?,
                refusal: refusal(row, 5)?,
            })
        })
        .optional()
}

/// The first of the claims that is taken. `stream` is the stream's number, where it has one, and
/// `field` finds the number of a claim's field.
pub(super) fn taken_key(
    connection: &Connection,
    stream: Option<i64>,
    claims: &[KeyClaim],
    field: impl Fn(&KeyClaim) -> Result<Option<i64>, JobError>,
) -> Result<Option<TakenKey>, JobError> {
    for claim in claims {
        let scope = if claim.across_all { Some(0) } else { stream };
        if let (Some(scope), Some(field)) = (scope, field(claim)?)
            && let Some(taken) = taken(connection, field, scope, claim)?
        {
            return Ok(Some(taken));
        }
    }
    Ok(None)
}

/// The number of a unique field, or none where nothing was ever claimed for it.
pub(super) fn field_no(
    connection: &Connection,
    aggregate: &str,
    field: &str,
) -> Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM unique_fields WHERE aggregate = ?1 AND field = ?2")?
        .query_row((aggregate, field), |row| row.get(0))
        .optional()
}

fn taken(
    connection: &Connection,
    field: i64,
    scope: i64,
    claim: &KeyClaim,
) -> Result<Option<TakenKey>> {
    connection
        .prepare_cached(
            "SELECT unique_keys.content, streams.aggregate, streams.id, unique_keys.first, \
             unique_keys.last, refusal, message FROM unique_keys \
             JOIN streams ON streams.no = unique_keys.stream \
             LEFT JOIN commands ON commands.stream = unique_keys.stream \
             AND commands.first = unique_keys.first AND refusal IS NOT NULL \
             WHERE field = ?1 AND value = ?2 AND scope = ?3",
        )?
        .query_row((field, &claim.value, scope), |row| {
            Ok(TakenKey {
                claim: claim.clone(),
                content: content(row, 0)?,
                stream: stream_key(row, 1)?,
                events: (number(row, 3)?, number(row, 4)?),
                refusal: refusal(row, 5)?,
            })
        })
        .optional()
}

/// The latest snapshot of a stream by a meaning, at or below a sequence. A row whose sequence no stream can
/// have is given out as standing for no event: it is never used, and replaced, and never in the way of the
/// events, which hold the truth.
pub(super) fn snapshot(
    connection: &Connection,
    stream: &StreamKey,
    meaning: u64,
    at_most: Sequence,
) -> Result<Option<Snapshot>> {
    connection
        .prepare_cached(
            "SELECT sequence, data FROM snapshots JOIN streams ON streams.no = snapshots.stream \
             WHERE aggregate = ?1 AND id = ?2 AND meaning = ?3 AND sequence <= ?4",
        )?
        .query_row(
            (stream.aggregate, stream.id.as_str(), meaning.cast_signed(), signed(at_most)),
            |row| {
                let data = row.get_ref(1)?.as_bytes()?.to_vec();
                let sequence = u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0);
                Ok(Snapshot { sequence, meaning, data })
            },
        )
        .optional()
}

/// Ids of the streams of an aggregate type that have events, after one, in order.
pub(super) fn streams(
    connection: &Connection,
    aggregate: &str,
    after: Option<&StreamId>,
    limit: usize,
) -> Result<Vec<StreamId>> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM streams WHERE aggregate = ?1 AND (?2 IS NULL OR id > ?2) \
         AND EXISTS (SELECT 1 FROM events WHERE stream = no) ORDER BY id LIMIT ?3",
    )?;
    let parameters = (aggregate, after.map(StreamId::as_str), signed(limit as u64));
    statement.query_map(parameters, |row| Ok(StreamId::from(row.get_ref(0)?.as_str()?)))?.collect()
}

/// A number as SQLite holds it. Nothing stored is greater than the greatest signed one.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn number(row: &Row<'_>, column: usize) -> Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| Error::IntegralValueOutOfRange(column, number))
}

pub(super) fn time(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    Timestamp::try_from_micros(row.get(column)?)
        .map_err(|error| Error::FromSqlConversionFailure(column, Type::Integer, Box::new(error)))
}

pub(super) fn fixed<'a, const N: usize>(row: &'a Row<'_>, column: usize) -> Result<&'a [u8; N]> {
    let blob = row.get_ref(column)?.as_blob()?;
    blob.try_into().map_err(|_| {
        let error = FromSqlError::InvalidBlobSize { expected_size: N, blob_size: blob.len() };
        Error::FromSqlConversionFailure(column, Type::Blob, Box::new(error))
    })
}

fn content(row: &Row<'_>, column: usize) -> Result<ContentHash> {
    fixed(row, column).copied()
}

/// Name and message of a refusal, if there was one.
pub(super) fn refusal(row: &Row<'_>, column: usize) -> Result<Option<(String, String)>> {
    let name = row.get::<_, Option<String>>(column)?;
    name.map(|name| Ok((name, row.get(column + 1)?))).transpose()
}

fn stream_key(row: &Row<'_>, column: usize) -> Result<StreamKey> {
    let aggregate = names::aggregate(row.get_ref(column)?.as_str()?)
        .map_err(|error| Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))?;
    Ok(StreamKey { aggregate, id: StreamId::from(row.get_ref(column + 1)?.as_str()?) })
}

fn damaged(connection: &Connection, position: i64, reason: String) -> JobError {
    JobError::Store(fault::corrupt_event(connection, position, reason))
}
