//! Archived events on PostgreSQL: which blocks have what a page lacks, and how events leave for them.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_postgres::Row;

use super::batch::signed;
use super::database::{Client, PostgresDatabase};
use super::fault::Fault;
use super::locks;
use super::reads::number;
use super::text;
use super::types::Time;
use crate::metadata::{Position, Sequence};
use crate::store::archive::{
    Archive, BLOCKS, BlockPlace, Candidate, Filling, LeavingBlock, Listed, Merging, Remembered,
    SegmentRecord, Step, StreamBlock, aggregates, types_as_text, types_of_text,
};
use crate::store::{AllPage, Direction, EventFilter, Page, StreamRead};
use crate::values::Timestamp;

/// Up to where events are archived, or 0.
pub(super) const ARCHIVED_UP_TO: &str =
    "SELECT coalesce(max(last), 0) FROM eventloom.archive_segments";

/// The columns of a block's place.
const PLACE: &str = "b.segment, b.block, s.file, s.folder, b.start, b.length, b.lines, b.first, b.last, b.sha256, \
     s.aggregate, b.types";

/// The segments of aggregates, or of all.
const OF_AGGREGATES: &str = "($2::text[] IS NULL OR s.aggregate = ANY ($2))";

/// The aggregates whose segments are looked for; none for all.
type Aggregates = Option<Vec<Cow<'static, str>>>;

fn aggregates_of(filter: &EventFilter) -> Aggregates {
    aggregates(filter).map(|names| names.into_iter().map(text::stored).collect())
}

/// Keeps others from archiving. Its connection ends with it, and the lock with that.
pub struct ArchiveLock(Option<Client>);

impl Drop for ArchiveLock {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Client::take(client));
        }
    }
}

/// How long one waits for another archiver, which may have ended a moment ago.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether somebody is about to note what was archived. Who archives has the lock; but where a program was killed, the lock may
/// be gone while its server goes on, and what it is about to note is not seen yet.
const IS_NOTED: &str = "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
    WHERE d.datname = current_database() AND l.relation = 'eventloom.archive_segments'::regclass \
    AND l.mode = 'RowExclusiveLock' AND l.granted)";

/// Keeps others from archiving, or tells that somebody else does.
pub(super) async fn lock(client: Client) -> Result<Option<ArchiveLock>, Fault> {
    let (start, mut held) = (Instant::now(), false);
    // Its connection ends with it.
    let lock = ArchiveLock(Some(client));
    let Some(client) = &lock.0 else { return Ok(None) };
    loop {
        if !held {
            let row =
                client.query_one("SELECT pg_try_advisory_lock($1)", &[&locks::ARCHIVE]).await?;
            held = row.try_get(0)?;
        }
        if held && !client.query_one(IS_NOTED, &[]).await?.try_get::<_, bool>(0)? {
            return Ok(Some(lock));
        }
        if start.elapsed() > PATIENCE {
            return Ok(None);
        }
        tokio::time::sleep(PATIENCE / 20).await;
    }
}

/// The first blocks with archived events that may belong to a page of live ones.
pub(super) async fn list(
    client: &Client,
    live: &AllPage,
    after: Position,
    filter: &EventFilter,
) -> Result<Listed<BlockPlace>, Fault> {
    let of = aggregates_of(filter);
    let before = straddling(client, after, &of).await?;
    Ok(beginning(client, (after, live.next), &of).await?.behind(before))
}

/// A database as it is when live events are read from it.
pub(super) struct Seen<'d> {
    database: &'d PostgresDatabase,
    generation: u64,
}

impl<'d> Seen<'d> {
    /// To be asked for before the connection that reads the live events.
    pub(super) fn now(database: &'d PostgresDatabase) -> Self {
        Self { database, generation: database.generation() }
    }

    /// A connection to go on with, or none where one was made since: it may be to a standby that has taken the server's place
    /// and lacks the last blocks, whose events were not live where those were read.
    async fn reader(&self) -> Result<Option<Client>, Fault> {
        let client = self.database.reader().await?;
        Ok((self.database.generation() == self.generation).then_some(client))
    }
}

/// A page of the global order with the archived events that belong to it, or none where it is to be begun anew. No connection
/// is in use while files are read.
pub(super) async fn merge(
    seen: &Seen<'_>,
    archive: &Arc<Archive>,
    mut page: Merging<'_>,
) -> Result<Option<AllPage>, Fault> {
    loop {
        match page.step() {
            Step::Read(place) => page.take(&archive.block(place, page.wanted()).await?),
            Step::List => {
                let Some(client) = seen.reader().await? else { return Ok(None) };
                let of = aggregates_of(page.filter());
                page.list(beginning(&client, page.range(), &of).await?);
            }
            Step::Done => return Ok(Some(page.page())),
        }
    }
}

/// The same within a transaction of appends, of what is in memory.
pub(super) async fn merge_within(
    client: &Client,
    archive: &Archive,
    mut page: Merging<'_>,
) -> Result<AllPage, Fault> {
    loop {
        match page.step() {
            Step::Read(place) => page.take_at_hand(archive, &place)?,
            Step::List => {
                let of = aggregates_of(page.filter());
                page.list(beginning(client, page.range(), &of).await?);
            }
            Step::Done => return Ok(page.page()),
        }
    }
}

/// The blocks, at most one of each segment, in the middle of which a position lies.
async fn straddling(
    client: &Client,
    position: Position,
    of: &Aggregates,
) -> Result<Vec<BlockPlace>, Fault> {
    let sql = format!(
        "SELECT {PLACE} FROM eventloom.archive_segments s, LATERAL (SELECT * FROM eventloom.archive_blocks n \
         WHERE n.segment = s.no AND n.last > $1 ORDER BY n.last LIMIT 1) b \
         WHERE s.first <= $1 AND s.last > $1 AND b.first <= $1 AND {OF_AGGREGATES}"
    );
    let statement = client.prepare_cached(&sql).await?;
    client.query(&statement, &[&signed(position), of]).await?.iter().map(place).collect()
}

/// The next blocks that begin after a position, in the order of their beginnings.
async fn beginning(
    client: &Client,
    (after, bound): (Position, Position),
    of: &Aggregates,
) -> Result<Listed<BlockPlace>, Fault> {
    let sql = format!(
        "SELECT {PLACE} FROM eventloom.archive_blocks b JOIN eventloom.archive_segments s ON s.no = b.segment \
         WHERE b.first > $1 AND {OF_AGGREGATES} AND b.first <= $3 ORDER BY b.first LIMIT $4"
    );
    let statement = client.prepare_cached(&sql).await?;
    let most = signed(BLOCKS as u64);
    let found = client.query(&statement, &[&signed(after), of, &signed(bound), &most]).await?;
    Ok(Listed::of(found.iter().map(place).collect::<Result<_, _>>()?))
}

/// A page of a stream with the archived events that belong to it, or none where it is to be begun anew. No connection is in
/// use while files are read.
pub(super) async fn fill(
    seen: &Seen<'_>,
    archive: &Arc<Archive>,
    read: &StreamRead,
    mut page: Filling<'_>,
) -> Result<Option<Page>, Fault> {
    loop {
        match page.step() {
            Step::Read(place) => page.take(&archive.block(place, page.wanted()).await?)?,
            Step::List => {
                let Some(client) = seen.reader().await? else { return Ok(None) };
                page.list(of_stream(&client, read, page.range()).await?);
            }
            Step::Done => return Ok(Some(page.page()?)),
        }
    }
}

/// The next blocks with events of a stream above a sequence and below another, and which of them they have.
pub(super) async fn of_stream(
    client: &Client,
    read: &StreamRead,
    (above, below): (Sequence, Sequence),
) -> Result<Listed<StreamBlock>, Fault> {
    let order = match read.direction {
        Direction::Forwards => "ASC",
        Direction::Backwards => "DESC",
    };
    // Ranges of a stream don't overlap: all that begin behind the one with the sequence end behind it too.
    let sql = format!(
        "SELECT {PLACE}, r.first, r.last FROM eventloom.streams m \
         JOIN eventloom.archive_ranges r ON r.stream = m.no \
         JOIN eventloom.archive_blocks b ON b.segment = r.segment AND b.block = r.block \
         JOIN eventloom.archive_segments s ON s.no = b.segment \
         WHERE m.aggregate = $1 AND m.id = $2 AND r.first < $4 AND r.last > $3 AND r.first >= coalesce( \
         (SELECT n.first FROM eventloom.archive_ranges n WHERE n.stream = m.no AND n.first <= $3 + 1 \
         ORDER BY n.first DESC LIMIT 1), 0) ORDER BY r.first {order} LIMIT $5"
    );
    let statement = client.prepare_cached(&sql).await?;
    let (aggregate, id) =
        (text::stored(read.stream.aggregate), text::stored(read.stream.id.as_str()));
    let (above, below, most) = (signed(above), signed(below), signed(BLOCKS as u64));
    let found = client.query(&statement, &[&aggregate, &id, &above, &below, &most]).await?;
    let range = |row: &Row| Ok::<_, Fault>((place(row)?, number(row, 12)?, number(row, 13)?));
    Ok(Listed::of(found.iter().map(range).collect::<Result<_, _>>()?))
}

fn place(row: &Row) -> Result<BlockPlace, Fault> {
    let block: i32 = row.try_get(1)?;
    Ok(BlockPlace {
        segment: number(row, 0)?,
        block: u32::try_from(block)
            .map_err(|_| Fault::Value(format!("a block has the number {block}")))?,
        file: text::read(row.try_get(2)?).into_owned(),
        folder: text::read(row.try_get(3)?).into_owned(),
        start: number(row, 4)?,
        length: number(row, 5)?,
        lines: number(row, 6)?,
        first: number(row, 7)?,
        last: number(row, 8)?,
        sha256: hash(row, 9)?,
        aggregate: text::read(row.try_get(10)?).into_owned(),
        types: types_of_text(&text::read(row.try_get(11)?)).map_err(Fault::Value)?,
    })
}

fn hash(row: &Row, column: usize) -> Result<[u8; 32], Fault> {
    let stored: &[u8] = row.try_get(column)?;
    stored.try_into().map_err(|_| Fault::Value(format!("a hash has {} bytes", stored.len())))
}

/// The segments by their numbers.
pub(super) async fn segments(client: &Client) -> Result<Vec<SegmentRecord>, Fault> {
    let found = client
        .query(
            "SELECT no, file, folder, bytes, sha256, first, last, archived_at, aggregate \
             FROM eventloom.archive_segments ORDER BY no",
            &[],
        )
        .await?;
    let segment = |row: &Row| {
        Ok(SegmentRecord {
            number: number(row, 0)?,
            file: text::read(row.try_get(1)?).into_owned(),
            folder: text::read(row.try_get(2)?).into_owned(),
            bytes: number(row, 3)?,
            sha256: hash(row, 4)?,
            first: number(row, 5)?,
            last: number(row, 6)?,
            archived_at: row.try_get::<_, Time>(7)?.0,
            aggregate: text::read(row.try_get(8)?).into_owned(),
        })
    };
    found.iter().map(segment).collect()
}

/// The identity of the store, the proposed one where it had none.
pub(super) async fn identity(client: &Client, proposed: &str) -> Result<String, Fault> {
    let row = client.query_one("SELECT eventloom.archive_identity($1)", &[&proposed]).await?;
    Ok(row.try_get(0)?)
}

/// What is remembered of the archive.
pub(super) async fn remembered(client: &Client) -> Result<Option<Remembered>, Fault> {
    let row = client.query_opt("SELECT id, folder FROM eventloom.archive_store", &[]).await?;
    let remembered = |row: Row| {
        let folder: Option<&str> = row.try_get(1)?;
        let folder = folder.map(|folder| PathBuf::from(&*text::read(folder)));
        Ok(Remembered { identity: row.try_get(0)?, folder })
    };
    row.map(remembered).transpose()
}

/// Notes where the archive is.
pub(super) async fn remember(client: &Client, folder: &Path) -> Result<(), Fault> {
    let folder = folder.display().to_string();
    client.execute("SELECT eventloom.archive_moved($1)", &[&text::stored(&folder)]).await?;
    Ok(())
}

/// When the next live events were recorded.
pub(super) async fn recorded(
    client: &Client,
    after: Position,
    limit: usize,
) -> Result<Vec<(Position, Timestamp)>, Fault> {
    let statement = client
        .prepare_cached(
            "SELECT position, recorded_at FROM eventloom.events WHERE position > $1 ORDER BY position LIMIT $2",
        )
        .await?;
    let found = client.query(&statement, &[&signed(after), &signed(limit as u64)]).await?;
    found.iter().map(|row| Ok((number(row, 0)?, row.try_get::<_, Time>(1)?.0))).collect()
}

/// What is to be known of the live events of an aggregate. A snapshot that stands for events which its stream does not
/// have covers none.
pub(super) async fn candidates(
    client: &Client,
    (aggregate, meaning): (&str, u64),
    (after, end): (Position, Position),
    limit: usize,
) -> Result<Vec<Candidate>, Fault> {
    let statement = client
        .prepare_cached(
            "SELECT e.position, e.stream, e.sequence, e.recorded_at, \
             (SELECT n.sequence FROM eventloom.snapshots n WHERE n.stream = e.stream AND n.meaning = $2), \
             (SELECT f.sequence FROM eventloom.events f WHERE f.stream = e.stream ORDER BY f.sequence LIMIT 1), \
             (SELECT l.sequence FROM eventloom.events l WHERE l.stream = e.stream ORDER BY l.sequence DESC LIMIT 1) \
             FROM eventloom.events e WHERE e.position > $3 AND e.position <= $4 \
             AND e.shape = ANY (ARRAY(SELECT h.id FROM eventloom.shapes h WHERE h.aggregate = $1)) \
             ORDER BY e.position LIMIT $5",
        )
        .await?;
    let (aggregate, meaning) = (text::stored(aggregate), meaning.cast_signed());
    let (after, end, most) = (signed(after), signed(end), signed(limit as u64));
    let found = client.query(&statement, &[&aggregate, &meaning, &after, &end, &most]).await?;
    let candidate = |row: &Row| {
        let last = number(row, 6)?;
        let covered: Option<i64> = row.try_get(4)?;
        let covered = covered.and_then(|it| u64::try_from(it).ok()).filter(|it| *it <= last);
        Ok(Candidate {
            position: number(row, 0)?,
            stream: row.try_get(1)?,
            sequence: number(row, 2)?,
            recorded_at: row.try_get::<_, Time>(3)?.0,
            covered: covered.unwrap_or(0),
            first: number(row, 5)?,
            last,
        })
    };
    found.iter().map(candidate).collect()
}

/// Notes where events are archived, and deletes them.
pub(super) async fn leave(
    client: &Client,
    segment: &SegmentRecord,
    blocks: &[LeavingBlock],
) -> Result<(), Fault> {
    let places = || blocks.iter().map(|block| &block.place);
    let numbers =
        |of: fn(&BlockPlace) -> u64| places().map(|it| signed(of(it))).collect::<Vec<_>>();
    let block_no = places().map(|it| block_number(it.block)).collect::<Result<Vec<_>, _>>()?;
    let hashes: Vec<&[u8]> = places().map(|it| it.sha256.as_slice()).collect();
    let (mut of_block, mut positions, mut streams, mut sequences) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for block in blocks {
        let number = block_number(block.place.block)?;
        for event in &block.events {
            of_block.push(number);
            positions.push(signed(event.position));
            streams.push(event.stream);
            sequences.push(signed(event.sequence));
        }
    }
    let types: Vec<String> = places().map(|it| types_as_text(&it.types)).collect();
    let types: Vec<Cow<'_, str>> = types.iter().map(|it| text::stored(it)).collect();
    let (folder, aggregate) = (text::stored(&segment.folder), text::stored(&segment.aggregate));
    let statement = client
        .prepare_cached(
            "SELECT eventloom.archive($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
             $19)",
        )
        .await?;
    client
        .execute(
            &statement,
            &[
                &signed(segment.number),
                &segment.file,
                &folder,
                &signed(segment.bytes),
                &segment.sha256.as_slice(),
                &signed(segment.first),
                &signed(segment.last),
                &Time(segment.archived_at),
                &aggregate,
                &block_no,
                &numbers(|it| it.start),
                &numbers(|it| it.length),
                &numbers(|it| it.lines),
                &hashes,
                &types,
                &of_block,
                &positions,
                &streams,
                &sequences,
            ],
        )
        .await?;
    Ok(())
}

fn block_number(number: u32) -> Result<i32, Fault> {
    i32::try_from(number).map_err(|_| Fault::Value(format!("a block has the number {number}")))
}
