//! Archived events on SQLite: which blocks have what a page lacks, and how events leave for them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::types::{Type, Value};
use rusqlite::{Connection, Error, OptionalExtension, Result, Row, Transaction};

use super::database::SqliteDatabase;
use super::fault::JobError;
use super::open::FORMAT_WITH_ARCHIVE;
use super::reads::{self, fixed, number, signed};
use crate::metadata::{Position, Sequence};
use crate::store::archive::{
    Archive, BLOCKS, BlockPlace, Candidate, Filling, LeavingBlock, Listed, Merging, Remembered,
    SegmentRecord, Step, StreamBlock, aggregates, changed_meanwhile, types_as_text, types_of_text,
};
use crate::store::{AllPage, Direction, EventFilter, Page, StoreError, StreamRead};
use crate::values::Timestamp;

/// The columns of a block's place.
const PLACE: &str = "b.segment, b.block, s.file, s.folder, b.start, b.length, b.lines, b.first, b.last, b.sha256, \
    s.aggregate, b.types FROM archive_blocks b JOIN archive_segments s ON s.no = b.segment";

/// The same, a segment at a time: of all blocks that begin before a position few are looked for.
const PLACE_OF_SEGMENT: &str = "b.segment, b.block, s.file, s.folder, b.start, b.length, b.lines, b.first, b.last, \
    b.sha256, s.aggregate, b.types FROM archive_segments s CROSS JOIN archive_blocks b ON b.segment = s.no";

/// The segments of aggregates.
const OF_AGGREGATES: &str = "(?2 IS NULL OR s.aggregate IN (SELECT value FROM json_each(?2)))";

/// The aggregates whose segments are looked for, as a JSON array; none for all.
struct Aggregates(Option<String>);

impl Aggregates {
    fn of(filter: &EventFilter) -> Self {
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
        Self(aggregates(filter).map(|names| types_as_text(&owned(names))))
    }
}

type Job<T> = std::result::Result<T, JobError>;

/// Creates the tables where they are not, and anew where they are of before the first release.
pub(super) fn create_tables(connection: &Connection) -> Job<()> {
    let is_old = "SELECT EXISTS (SELECT 1 FROM pragma_table_info('archive_segments')) AND NOT EXISTS \
        (SELECT 1 FROM pragma_table_info('archive_segments') WHERE name = 'aggregate')";
    if connection.query_row(is_old, [], |row| row.get(0))? {
        let archived = "SELECT EXISTS (SELECT 1 FROM archive_segments)";
        if connection.query_row(archived, [], |row| row.get(0))? {
            return Err(StoreError::Foreign(
                "events were archived by a program from before the first release, whose archives this one does not read: \
                 copy the store with that program into a new one, where they lie with the rest, and open that"
                    .to_owned(),
            )
            .into());
        }
        connection.execute_batch(
            "ALTER TABLE archive_store ADD COLUMN folder TEXT; DROP TABLE archive_segments; \
             DROP TABLE archive_blocks; DROP TABLE archive_ranges",
        )?;
    }
    Ok(connection.execute_batch(include_str!("archive.sql"))?)
}

/// The first blocks with archived events that may belong to a page of live ones, if anything is archived behind a position.
pub(super) fn list(
    connection: &Connection,
    live: &AllPage,
    after: Position,
    filter: &EventFilter,
) -> Result<Option<Listed<BlockPlace>>> {
    if archived_up_to(connection)? <= after {
        return Ok(None);
    }
    let of = Aggregates::of(filter);
    let before = straddling(connection, after, &of)?;
    Ok(Some(beginning(connection, (after, live.next), &of)?.behind(before)))
}

/// A page of the global order with the archived events that belong to it. No connection is in use while files are read.
pub(super) async fn merge(
    database: &SqliteDatabase,
    archive: &Arc<Archive>,
    mut page: Merging<'_>,
) -> std::result::Result<AllPage, StoreError> {
    loop {
        match page.step() {
            Step::Read(place) => page.take(&archive.block(place, page.wanted()).await?),
            Step::List => {
                let (range, of) = (page.range(), Aggregates::of(page.filter()));
                page.list(database.read(move |it| Ok(beginning(it, range, &of)?)).await?);
            }
            Step::Done => return Ok(page.page()),
        }
    }
}

/// The same within a transaction of appends, of what is in memory.
pub(super) fn merge_within(
    connection: &Connection,
    archive: &Archive,
    mut page: Merging<'_>,
) -> Job<AllPage> {
    loop {
        match page.step() {
            Step::Read(place) => page.take_at_hand(archive, &place)?,
            Step::List => {
                let of = Aggregates::of(page.filter());
                page.list(beginning(connection, page.range(), &of)?);
            }
            Step::Done => return Ok(page.page()),
        }
    }
}

/// Up to where events are archived, or 0.
fn archived_up_to(connection: &Connection) -> Result<Position> {
    connection
        .prepare_cached("SELECT coalesce(max(last), 0) FROM archive_segments")?
        .query_row([], |row| number(row, 0))
}

/// The blocks, at most one of each segment, in the middle of which a position lies.
fn straddling(
    connection: &Connection,
    position: Position,
    of: &Aggregates,
) -> Result<Vec<BlockPlace>> {
    let sql = format!(
        "SELECT {PLACE_OF_SEGMENT} WHERE s.first <= ?1 AND s.last > ?1 AND b.first <= ?1 AND b.last = \
         (SELECT min(n.last) FROM archive_blocks n WHERE n.segment = s.no AND n.last > ?1) AND {OF_AGGREGATES}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_map((signed(position), &of.0), place)?.collect()
}

/// The next blocks that begin after a position, in the order of their beginnings.
fn beginning(
    connection: &Connection,
    (after, bound): (Position, Position),
    of: &Aggregates,
) -> Result<Listed<BlockPlace>> {
    let sql = format!(
        "SELECT {PLACE} WHERE b.first > ?1 AND {OF_AGGREGATES} AND b.first <= ?3 ORDER BY b.first LIMIT ?4"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let parameters = (signed(after), &of.0, signed(bound), signed(BLOCKS as u64));
    Ok(Listed::of(statement.query_map(parameters, place)?.collect::<Result<_>>()?))
}

/// A page of a stream with the archived events that belong to it. No connection is in use while files are read.
pub(super) async fn fill(
    database: &SqliteDatabase,
    archive: &Arc<Archive>,
    read: &StreamRead,
    mut page: Filling<'_>,
) -> std::result::Result<Page, StoreError> {
    loop {
        match page.step() {
            Step::Read(place) => page.take(&archive.block(place, page.wanted()).await?)?,
            Step::List => {
                let (read, range) = (read.clone(), page.range());
                page.list(database.read(move |it| Ok(of_stream(it, &read, range)?)).await?);
            }
            Step::Done => return page.page(),
        }
    }
}

/// The next blocks with events of a stream above a sequence and below another, and which of them they have.
pub(super) fn of_stream(
    connection: &Connection,
    read: &StreamRead,
    (above, below): (Sequence, Sequence),
) -> Result<Listed<StreamBlock>> {
    let Some(stream) = reads::stream_no(connection, &read.stream)? else {
        return Ok(Listed::of(Vec::new()));
    };
    let order = match read.direction {
        Direction::Forwards => "ASC",
        Direction::Backwards => "DESC",
    };
    // Ranges of a stream don't overlap: all that begin behind the one with the sequence end behind it too.
    let sql = format!(
        "SELECT {PLACE_OF_RANGE} WHERE r.stream = ?1 AND r.first < ?3 AND r.last > ?2 AND r.first >= coalesce( \
         (SELECT max(n.first) FROM archive_ranges n WHERE n.stream = ?1 AND n.first <= ?2 + 1), 0) \
         ORDER BY r.first {order} LIMIT ?4"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let parameters = (stream, signed(above), signed(below), signed(BLOCKS as u64));
    let range = |row: &Row<'_>| Ok((place(row)?, number(row, 12)?, number(row, 13)?));
    Ok(Listed::of(statement.query_map(parameters, range)?.collect::<Result<_>>()?))
}

/// As [`PLACE`], with the range.
const PLACE_OF_RANGE: &str = "b.segment, b.block, s.file, s.folder, b.start, b.length, b.lines, b.first, b.last, \
    b.sha256, s.aggregate, b.types, r.first, r.last FROM archive_ranges r JOIN archive_blocks b ON b.segment = r.segment \
    AND b.block = r.block JOIN archive_segments s ON s.no = b.segment";

fn place(row: &Row<'_>) -> Result<BlockPlace> {
    Ok(BlockPlace {
        segment: number(row, 0)?,
        block: row.get(1)?,
        file: row.get(2)?,
        folder: row.get(3)?,
        start: number(row, 4)?,
        length: number(row, 5)?,
        lines: number(row, 6)?,
        first: number(row, 7)?,
        last: number(row, 8)?,
        sha256: *fixed(row, 9)?,
        aggregate: row.get(10)?,
        types: types_of_text(row.get_ref(11)?.as_str()?)
            .map_err(|error| Error::FromSqlConversionFailure(11, Type::Text, error.into()))?,
    })
}

/// The segments by their numbers.
pub(super) fn segments(connection: &Connection) -> Result<Vec<SegmentRecord>> {
    let mut statement = connection.prepare_cached(
        "SELECT no, file, folder, bytes, sha256, first, last, archived_at, aggregate FROM archive_segments \
         ORDER BY no",
    )?;
    let segment = |row: &Row<'_>| {
        Ok(SegmentRecord {
            number: number(row, 0)?,
            file: row.get(1)?,
            folder: row.get(2)?,
            bytes: number(row, 3)?,
            sha256: *fixed(row, 4)?,
            first: number(row, 5)?,
            last: number(row, 6)?,
            archived_at: reads::time(row, 7)?,
            aggregate: row.get(8)?,
        })
    };
    statement.query_map([], segment)?.collect()
}

/// The identity of the store, the proposed one where it had none.
pub(super) fn identity(transaction: &Transaction<'_>, proposed: &str) -> Result<String> {
    transaction
        .execute("INSERT OR IGNORE INTO archive_store (only, id) VALUES (1, ?1)", [proposed])?;
    transaction.query_row("SELECT id FROM archive_store", [], |row| row.get(0))
}

/// What is remembered of the archive.
pub(super) fn remembered(connection: &Connection) -> Result<Option<Remembered>> {
    let remembered = |row: &Row<'_>| {
        let folder: Option<String> = row.get(1)?;
        Ok(Remembered { identity: row.get(0)?, folder: folder.map(PathBuf::from) })
    };
    connection.query_row("SELECT id, folder FROM archive_store", [], remembered).optional()
}

/// Notes where the archive is.
pub(super) fn remember(transaction: &Transaction<'_>, folder: &str) -> Result<()> {
    transaction
        .execute("UPDATE archive_store SET folder = ?1 WHERE folder IS NOT ?1", [folder])
        .map(drop)
}

/// When the next live events were recorded.
pub(super) fn recorded(
    connection: &Connection,
    after: Position,
    limit: usize,
) -> Result<Vec<(Position, Timestamp)>> {
    let mut statement = connection.prepare_cached(
        "SELECT position, recorded_at FROM events WHERE position > ?1 ORDER BY position LIMIT ?2",
    )?;
    let parameters = (signed(after), signed(limit as u64));
    let recorded = |row: &Row<'_>| Ok((number(row, 0)?, reads::time(row, 1)?));
    statement.query_map(parameters, recorded)?.collect()
}

/// What is to be known of the live events of an aggregate. A snapshot that stands for events which its stream does not
/// have covers none.
pub(super) fn candidates(
    connection: &Connection,
    aggregate: &str,
    meaning: u64,
    (after, end): (Position, Position),
    limit: usize,
) -> Result<Vec<Candidate>> {
    let mut statement = connection.prepare_cached(
        "SELECT e.position, e.stream, e.sequence, e.recorded_at, \
         (SELECT n.sequence FROM snapshots n WHERE n.stream = e.stream AND n.meaning = ?2), \
         (SELECT min(f.sequence) FROM events f WHERE f.stream = e.stream), \
         (SELECT max(l.sequence) FROM events l WHERE l.stream = e.stream) \
         FROM events e WHERE e.position > ?3 AND e.position <= ?4 \
         AND e.shape IN (SELECT id FROM shapes WHERE aggregate = ?1) ORDER BY e.position LIMIT ?5",
    )?;
    let candidate = |row: &Row<'_>| {
        let last = number(row, 6)?;
        let covered: Option<i64> = row.get(4)?;
        let covered = covered.and_then(|it| u64::try_from(it).ok()).filter(|it| *it <= last);
        Ok(Candidate {
            position: number(row, 0)?,
            stream: row.get(1)?,
            sequence: number(row, 2)?,
            recorded_at: reads::time(row, 3)?,
            covered: covered.unwrap_or(0),
            first: number(row, 5)?,
            last,
        })
    };
    let (after, end) = (signed(after), signed(end));
    let parameters = (aggregate, meaning.cast_signed(), after, end, signed(limit as u64));
    statement.query_map(parameters, candidate)?.collect()
}

/// Notes where events are archived, and deletes them.
pub(super) fn leave(
    transaction: &Transaction<'_>,
    segment: &SegmentRecord,
    blocks: &[LeavingBlock],
) -> Job<()> {
    // Programs that know nothing of archives are kept out from here on.
    transaction.pragma_update(None, "user_version", FORMAT_WITH_ARCHIVE)?;
    note_segment(transaction, segment)?;
    remember(transaction, &segment.folder)?;
    for block in blocks {
        if block.place.first < segment.first || block.place.last > segment.last {
            return Err(beyond_segment(segment));
        }
        note_block(transaction, block)?;
        let ranges = ranges(block);
        delete(transaction, block)?;
        for (stream, (first, last)) in ranges {
            note_range(transaction, block, stream, (first, last))?;
            check_prefix(transaction, stream, last)?;
        }
    }
    Ok(())
}

fn note_segment(transaction: &Transaction<'_>, segment: &SegmentRecord) -> Job<()> {
    let known: Option<Value> = transaction
        .prepare_cached("SELECT sha256 FROM archive_segments WHERE no = ?1")?
        .query_row([signed(segment.number)], |row| row.get(0))
        .optional()?;
    match known {
        Some(Value::Blob(sha256)) if sha256 == segment.sha256 => return Ok(()),
        Some(_) => return Err(taken_meanwhile(segment.number)),
        None => {}
    }
    transaction
        .prepare_cached(
            "INSERT INTO archive_segments (no, file, folder, bytes, sha256, first, last, archived_at, aggregate) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute((
            signed(segment.number),
            &segment.file,
            &segment.folder,
            signed(segment.bytes),
            segment.sha256,
            signed(segment.first),
            signed(segment.last),
            segment.archived_at.as_micros(),
            &segment.aggregate,
        ))?;
    Ok(())
}

fn note_block(
    transaction: &Transaction<'_>,
    LeavingBlock { place, events }: &LeavingBlock,
) -> Job<()> {
    let noted = transaction
        .prepare_cached(
            "INSERT OR IGNORE INTO archive_blocks (segment, block, start, length, lines, events, first, last, sha256, \
             types) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute((
            signed(place.segment),
            place.block,
            signed(place.start),
            signed(place.length),
            signed(place.lines),
            signed(events.len() as u64),
            signed(place.first),
            signed(place.last),
            place.sha256,
            types_as_text(&place.types),
        ))?;
    match noted {
        1 => Ok(()),
        _ => Err(taken_meanwhile(place.segment)),
    }
}

/// First and last sequence of the events of each stream.
fn ranges(block: &LeavingBlock) -> BTreeMap<i64, (Sequence, Sequence)> {
    let mut ranges = BTreeMap::new();
    for event in &block.events {
        let range = ranges.entry(event.stream).or_insert((event.sequence, event.sequence));
        range.1 = event.sequence;
    }
    ranges
}

/// Deletes the events of a block, which must be there as they were.
fn delete(transaction: &Transaction<'_>, block: &LeavingBlock) -> Job<()> {
    let mut statement = transaction.prepare_cached(
        "DELETE FROM events WHERE position = ?1 AND stream = ?2 AND sequence = ?3",
    )?;
    let mut deleted = 0;
    for event in &block.events {
        let row = (signed(event.position), event.stream, signed(event.sequence));
        deleted += statement.execute(row)?;
    }
    match deleted == block.events.len() {
        true => Ok(()),
        false => Err(JobError::Store(changed_meanwhile(block.events.len(), deleted))),
    }
}

fn note_range(
    transaction: &Transaction<'_>,
    block: &LeavingBlock,
    stream: i64,
    (first, last): (Sequence, Sequence),
) -> Job<()> {
    transaction
        .prepare_cached(
            "INSERT INTO archive_ranges (stream, first, last, segment, block) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((
            stream,
            signed(first),
            signed(last),
            signed(block.place.segment),
            block.place.block,
        ))?;
    Ok(())
}

/// What is left of a stream follows on what has left: its last event is there, and none before it is lost.
fn check_prefix(transaction: &Transaction<'_>, stream: i64, last: Sequence) -> Job<()> {
    let next: Option<i64> = transaction
        .prepare_cached("SELECT min(sequence) FROM events WHERE stream = ?1")?
        .query_row([stream], |row| row.get(0))?;
    match next == Some(signed(last + 1)) {
        true => Ok(()),
        false => Err(JobError::Store(changed_meanwhile(1, 0))),
    }
}

/// Reads go by the bounds of segments.
fn beyond_segment(SegmentRecord { number, first, last, .. }: &SegmentRecord) -> JobError {
    JobError::Store(StoreError::Unsupported(format!(
        "events are to leave with segment {number} that are not between {first} and {last}, which it is said to hold; \
         nothing was changed"
    )))
}

/// Another archiver has taken the number of a segment.
fn taken_meanwhile(number: u64) -> JobError {
    JobError::Store(StoreError::Unavailable(format!(
        "somebody else has archived as segment {number} meanwhile; nothing was changed: try again"
    )))
}
