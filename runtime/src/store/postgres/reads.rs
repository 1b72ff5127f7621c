//! Reading: pages of a stream and of the global order, keys, commands, snapshots, streams.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{TryStreamExt, future};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, RowStream};

use super::archive::{self, Seen};
use super::batch::signed;
use super::catalog::Catalog;
use super::database::{Client, PostgresDatabase};
use super::fault::Fault;
use super::text;
use super::types::Time;
use crate::metadata::{Metadata, Position, Sequence, StreamId};
use crate::store::archive::{Archive, BlockPlace, Filling, Listed, Merging};
use crate::store::shapes::Shapes;
use crate::store::{
    AllPage, ContentHash, Direction, EventFilter, KeyClaim, PAGE_BYTES, PAGE_POSITIONS, Page,
    RecordedCommand, Snapshot, StoreError, StoredShape, StreamKey, StreamRead, TakenKey, names,
};
use crate::values::Uuid;

const HEAD: &str = "SELECT coalesce(max(position), 0) FROM eventloom.events";

/// What is known of a store's tables, and the archive, from which events are read as they are from the tables.
pub(super) struct Known {
    pub(super) catalog: Catalog,
    pub(super) archive: Arc<Archive>,
    pace: Pace,
}

impl Known {
    /// Nothing yet.
    pub(super) fn new(archive: &Arc<Archive>) -> Self {
        let archive = Arc::clone(archive);
        Self { catalog: Catalog::new(), archive, pace: Pace(AtomicUsize::new(usize::MAX)) }
    }

    /// A connection that reads events, with nothing known that may be of another server.
    async fn reader(&self, database: &PostgresDatabase) -> Result<Client, Fault> {
        let client = database.reader().await?;
        self.catalog.renew(database.generation());
        Ok(client)
    }
}

/// How many events are asked for at once. The server sends what it was asked for, also where a page is full before:
/// so the next are fewer where events are big.
struct Pace(AtomicUsize);

impl Pace {
    fn limit(&self, asked: usize) -> usize {
        asked.min(self.0.load(Ordering::Relaxed)).max(1)
    }

    /// Learns from what came where so many were asked for.
    fn learn(&self, asked: usize, found: &Found) {
        let known = self.0.load(Ordering::Relaxed);
        let next = match (found.rows.len() == asked, found.ended) {
            (true, _) if asked >= known => known.saturating_mul(2),
            (true, _) => return,
            (false, false) => found.rows.len().saturating_mul(2),
            (false, true) => return,
        };
        self.0.store(next.max(8), Ordering::Relaxed);
    }
}

/// Rows that came of a query, as many as make up a page.
struct Found {
    rows: Vec<Row>,
    /// Whether there are no more.
    ended: bool,
}

impl Found {
    /// Takes rows to the end of a page. Until that is done, nothing else can be asked on the connection: what is left
    /// over would stand in the way of the answer.
    async fn of(rows: RowStream, limit: usize) -> Result<Self, Fault> {
        let mut rows = pin!(rows);
        let mut found = Self { rows: Vec::new(), ended: false };
        let mut bytes = 0;
        while found.rows.len() < limit && bytes < PAGE_BYTES {
            let Some(row) = rows.try_next().await? else {
                found.ended = true;
                break;
            };
            bytes += row.raw_size_bytes();
            found.rows.push(row);
        }
        Ok(found)
    }
}

/// The position of the last event, or 0.
pub(super) async fn head(client: &Client) -> Result<Position, Fault> {
    let statement = client.prepare_cached(HEAD).await?;
    number(&client.query_one(&statement, &[]).await?, 0)
}

/// A page of one stream, of live events and archived ones. Those leave the table when they are in the archive: so it is
/// looked into last, when the connection is free for others (see `archive/merge.rs`).
pub(super) async fn read_stream(
    database: &PostgresDatabase,
    known: &Known,
    read: &StreamRead,
) -> Result<Page, Fault> {
    for _ in 0..AGAIN {
        let seen = Seen::now(database);
        let client = known.reader(database).await?;
        let live = read_live_stream(&client, known, read).await?;
        let Some(range) = Filling::range_of(read, &live) else { return Ok(live) };
        let listed = archive::of_stream(&client, read, range).await?;
        drop(client);
        let page = match Filling::of(read, live, listed) {
            Ok(page) => page,
            Err(live) => return Ok(live),
        };
        if let Some(page) = archive::fill(&seen, &known.archive, read, page).await? {
            return Ok(page);
        }
    }
    Err(restless())
}

/// How often a page is begun anew because the server may be another one.
const AGAIN: usize = 20;

fn restless() -> Fault {
    let reason = "the connections were made anew again and again while a page was read, so that nobody could tell whether \
                  all of it came from one server; try again";
    StoreError::Unavailable(reason.to_owned()).into()
}

async fn read_live_stream(
    client: &Client,
    Known { catalog, pace, .. }: &Known,
    read: &StreamRead,
) -> Result<Page, Fault> {
    if read.limit == 0 {
        return Ok(Page::default());
    }
    let range = match read.direction {
        Direction::Forwards => "sequence > $3 ORDER BY sequence",
        Direction::Backwards => "sequence < $3 ORDER BY sequence DESC",
    };
    let sql = format!(
        "SELECT {} FROM eventloom.events \
         WHERE stream = (SELECT no FROM eventloom.streams WHERE aggregate = $1 AND id = $2) \
         AND {range} LIMIT $4",
        columns(read.metadata)
    );
    let statement = client.prepare_cached(&sql).await?;
    let limit = pace.limit(read.limit);
    let (aggregate, id) =
        (text::stored(read.stream.aggregate), text::stored(read.stream.id.as_str()));
    let (after, most) = (signed(read.after), signed(limit as u64));
    let parameters: [&(dyn ToSql + Sync); 4] = [&aggregate, &id, &after, &most];
    let found = Found::of(client.query_raw(&statement, parameters).await?, limit).await?;
    pace.learn(limit, &found);
    let mut events = Events::new(client, catalog, read.metadata);
    for row in &found.rows {
        let shape = events.shape(row).await?;
        events.push(row, shape, read.stream.id.clone())?;
    }
    if found.ended {
        events.page.end();
    }
    Ok(events.page)
}

/// A page of the global order, of live events and archived ones. The connection is free for others when files are read.
pub(super) async fn read_all(
    database: &PostgresDatabase,
    known: &Known,
    after: Position,
    filter: &EventFilter,
    limit: usize,
) -> Result<AllPage, Fault> {
    for _ in 0..AGAIN {
        let seen = Seen::now(database);
        let client = known.reader(database).await?;
        let (live, listed) = read_all_live(&client, known, after, filter, limit).await?;
        drop(client);
        let Some(listed) = listed else { return Ok(live) };
        let page = Merging::of(live, listed, (after, filter, limit));
        if let Some(page) = archive::merge(&seen, &known.archive, page).await? {
            return Ok(page);
        }
    }
    Err(restless())
}

/// The same within a transaction of appends, of what is in memory.
pub(super) async fn read_all_within(
    client: &Client,
    known: &Known,
    after: Position,
    filter: &EventFilter,
    limit: usize,
) -> Result<AllPage, Fault> {
    let (live, listed) = read_all_live(client, known, after, filter, limit).await?;
    let Some(listed) = listed else { return Ok(live) };
    let page = Merging::of(live, listed, (after, filter, limit));
    archive::merge_within(client, &known.archive, page).await
}

/// The live events of a page, and the first blocks with others that may belong to it, if any are archived.
async fn read_all_live(
    client: &Client,
    known: &Known,
    after: Position,
    filter: &EventFilter,
    limit: usize,
) -> Result<(AllPage, Option<Listed<BlockPlace>>), Fault> {
    let limit = limit.max(1);
    loop {
        let last = known.catalog.shapes().last();
        let (read, archived_up_to) = read_all_known(client, known, after, filter, limit).await?;
        // Events of types that were not known yet have come where they need not: now they are known.
        if read.events.at_end()
            || read.events.len() == limit
            || known.catalog.shapes().last() == last
        {
            if archived_up_to <= after {
                return Ok((read, None));
            }
            let listed = archive::list(client, &read, after, filter).await?;
            return Ok((read, Some(listed)));
        }
    }
}

/// The live events of a page, and up to where others were archived when they were read.
async fn read_all_known(
    client: &Client,
    Known { catalog, pace, .. }: &Known,
    after: Position,
    filter: &EventFilter,
    limit: usize,
) -> Result<(AllPage, Position), Fault> {
    let everything = filter.is_everything();
    // What is not known yet, of a newer program, is no reason to leave an event out.
    let left_out: Vec<i32> = match everything {
        true => Vec::new(),
        false => {
            let known = catalog.shapes().passing(filter, false);
            known.into_iter().filter_map(|id| i32::try_from(id).ok()).collect()
        }
    };
    let sql = format!(
        "SELECT {} FROM eventloom.events WHERE position > $1 AND position <= $2 \
         AND shape <> ALL ($3) ORDER BY position LIMIT $4",
        columns(filter.metadata)
    );
    let statement = client.prepare_cached(&sql).await?;
    let of_head = client.prepare_cached(HEAD).await?;
    let of_archive = client.prepare_cached(archive::ARCHIVED_UP_TO).await?;
    let limit = pace.limit(limit);
    let bound = match everything {
        true => u64::MAX,
        false => after.saturating_add(PAGE_POSITIONS),
    };
    let (from, to, most) = (signed(after), signed(bound), signed(limit as u64));
    let parameters: [&(dyn ToSql + Sync); 4] = [&from, &to, &left_out, &most];
    // Sent together, and answered in this order: what was there when the head was read is there for the events, and what
    // has left by then is known to be archived. The events are taken as they come: the answer behind them would wait for
    // ever for somebody who waits for it.
    let none: [&(dyn ToSql + Sync); 0] = [];
    let events = async {
        let (heads, rows) = future::try_join(
            client.query_raw(&of_head, none),
            client.query_raw(&statement, parameters),
        )
        .await?;
        Ok::<_, Fault>((only_number(heads).await?, Found::of(rows, limit).await?))
    };
    let archived = async { only_number(client.query_raw(&of_archive, none).await?).await };
    let ((head, found), archived_up_to) = future::try_join(events, archived).await?;
    pace.learn(limit, &found);
    let streams = found.rows.iter().map(|row| Ok(row.try_get(1)?));
    let streams = streams.collect::<Result<Vec<i64>, Fault>>()?;
    let ids = catalog.stream_ids(client, streams.iter().copied()).await?;
    let mut events = Events::new(client, catalog, filter.metadata);
    for (row, stream) in found.rows.iter().zip(streams) {
        let Some(id) = ids.get(&stream) else {
            return Err(Fault::Event(number(row, 0)?, format!("there is no stream {stream}")));
        };
        let shape = events.shape(row).await?;
        if everything || filter.passes(&shape.aggregate, &shape.event_type) {
            events.push(row, shape, id.clone())?;
        }
    }
    let seen = found.rows.last().map_or(Ok(after), |row| number(row, 0))?;
    let next = match found.ended {
        false => seen,
        // No further, though it may be free of events for long: to look for the next one would pass over those that are
        // archived in this moment.
        true if bound < head => bound,
        true => head.max(seen),
    };
    if found.ended && bound >= head {
        events.page.end();
    }
    Ok((AllPage { events: events.page, next }, archived_up_to))
}

/// The number that a query answers.
async fn only_number(rows: RowStream) -> Result<u64, Fault> {
    match pin!(rows).try_next().await? {
        Some(row) => number(&row, 0),
        None => Ok(0),
    }
}

/// The live events at positions that are in order: as many as make up a page.
pub(super) async fn live_at(
    database: &PostgresDatabase,
    known: &Known,
    positions: &[Position],
) -> Result<Page, Fault> {
    let (client, catalog) = (&known.reader(database).await?, &known.catalog);
    let sql = format!(
        "SELECT {} FROM eventloom.events WHERE position = ANY ($1) ORDER BY position",
        columns(true)
    );
    let statement = client.prepare_cached(&sql).await?;
    let asked: Vec<i64> = positions.iter().map(|it| signed(*it)).collect();
    let parameters: [&(dyn ToSql + Sync); 1] = [&asked];
    let found = Found::of(client.query_raw(&statement, parameters).await?, asked.len()).await?;
    let streams = found.rows.iter().map(|row| Ok(row.try_get(1)?));
    let streams = streams.collect::<Result<Vec<i64>, Fault>>()?;
    let ids = catalog.stream_ids(client, streams.iter().copied()).await?;
    let mut events = Events::new(client, catalog, true);
    for (row, stream) in found.rows.iter().zip(streams) {
        let Some(id) = ids.get(&stream) else {
            return Err(Fault::Event(number(row, 0)?, format!("there is no stream {stream}")));
        };
        let shape = events.shape(row).await?;
        events.push(row, shape, id.clone())?;
    }
    Ok(events.page)
}

fn columns(metadata: bool) -> &'static str {
    if metadata {
        "position, stream, sequence, shape, event_id, at, recorded_at, data, \
         actor, correlation_id, causation_id, traceparent"
    } else {
        "position, stream, sequence, shape, event_id, at, recorded_at, data"
    }
}

/// Turns rows with the columns of events into a page.
struct Events<'a> {
    client: &'a Client,
    catalog: &'a Catalog,
    shapes: Arc<Shapes>,
    texts: bool,
    page: Page,
}

impl<'a> Events<'a> {
    fn new(client: &'a Client, catalog: &'a Catalog, texts: bool) -> Self {
        Self { client, catalog, shapes: catalog.shapes(), texts, page: Page::default() }
    }

    async fn shape(&mut self, row: &Row) -> Result<Arc<StoredShape>, Fault> {
        let id: i32 = row.try_get(3)?;
        if let Some(shape) = self.shapes.get(id.into()) {
            return Ok(Arc::clone(shape));
        }
        self.shapes = self.catalog.shapes_now(self.client).await?;
        match self.shapes.get(id.into()) {
            Some(shape) => Ok(Arc::clone(shape)),
            None => Err(Fault::Event(number(row, 0)?, format!("there is no shape {id}"))),
        }
    }

    fn push(
        &mut self,
        row: &Row,
        shape: Arc<StoredShape>,
        stream_id: StreamId,
    ) -> Result<(), Fault> {
        let position = number(row, 0)?;
        let meta = self
            .metadata(row, stream_id)
            .map_err(|fault| Fault::Event(position, fault.to_string()))?;
        let data = text::read(row.try_get(7)?);
        self.page.push(shape, position, meta, data.as_bytes());
        Ok(())
    }

    fn metadata(&self, row: &Row, stream_id: StreamId) -> Result<Metadata, Fault> {
        let mut meta = Metadata {
            event_id: row.try_get::<_, Uuid>(4)?,
            stream_id,
            sequence: number(row, 2)?,
            at: row.try_get::<_, Time>(5)?.0,
            recorded_at: row.try_get::<_, Time>(6)?.0,
            actor: None,
            correlation_id: None,
            causation_id: None,
            traceparent: None,
        };
        if self.texts {
            let text = |column| {
                let stored: Option<&str> = row.try_get(column)?;
                Ok::<_, Fault>(stored.map(|stored| Arc::from(&*text::read(stored))))
            };
            meta.actor = text(8)?;
            meta.causation_id = text(10)?;
            meta.correlation_id = text(9)?;
            meta.traceparent = text(11)?;
        }
        Ok(meta)
    }
}

/// What is known of a command id.
pub(super) async fn command(client: &Client, id: &str) -> Result<Option<RecordedCommand>, Fault> {
    let statement = client
        .prepare_cached(
            "SELECT k.content, s.aggregate, s.id, k.first, k.last, k.refusal, k.message \
             FROM eventloom.commands k JOIN eventloom.streams s ON s.no = k.stream WHERE k.id = $1",
        )
        .await?;
    let found = client.query_opt(&statement, &[&text::looked_up(id)]).await?;
    found
        .map(|row| {
            let first: Option<i64> = row.try_get(3)?;
            Ok(RecordedCommand {
                content: content(&row, 0)?,
                stream: stream_key(&row, 1)?,
                events: first
                    .map(|_| Ok::<_, Fault>((number(&row, 3)?, number(&row, 4)?)))
                    .transpose()?,
                refusal: refusal(&row, 5)?,
            })
        })
        .transpose()
}

/// The first of the claims that is taken.
pub(super) async fn taken_key(
    client: &Client,
    stream: &StreamKey,
    claims: &[KeyClaim],
) -> Result<Option<TakenKey>, Fault> {
    let statement = client
        .prepare_cached(
            "SELECT u.content, s.aggregate, s.id, u.first, u.last, k.refusal, k.message, c.ord \
             FROM unnest($3::text[], $4::text[], $5::boolean[]) WITH ORDINALITY AS c (field, value, across, ord) \
             JOIN eventloom.unique_fields f ON f.aggregate = $1 AND f.field = c.field \
             LEFT JOIN eventloom.streams own ON own.aggregate = $1 AND own.id = $2 \
             JOIN eventloom.unique_keys u ON u.field = f.id AND u.value = c.value \
             AND u.scope = CASE WHEN c.across THEN 0 ELSE own.no END \
             JOIN eventloom.streams s ON s.no = u.stream \
             LEFT JOIN eventloom.commands k ON k.stream = u.stream AND k.first = u.first \
             AND k.refusal IS NOT NULL \
             ORDER BY c.ord LIMIT 1",
        )
        .await?;
    let fields: Vec<_> = claims.iter().map(|claim| text::stored(claim.field)).collect();
    let values: Vec<_> = claims.iter().map(|claim| text::looked_up(&claim.value)).collect();
    let across: Vec<_> = claims.iter().map(|claim| claim.across_all).collect();
    let (aggregate, id) = (text::stored(stream.aggregate), text::stored(stream.id.as_str()));
    let found = client.query_opt(&statement, &[&aggregate, &id, &fields, &values, &across]).await?;
    found
        .map(|row| {
            let place: i64 = row.try_get(7)?;
            let claim = usize::try_from(place - 1).ok().and_then(|index| claims.get(index));
            let claim =
                claim.ok_or_else(|| Fault::Value(format!("a key has the place {place}")))?;
            Ok(TakenKey {
                claim: claim.clone(),
                content: content(&row, 0)?,
                stream: stream_key(&row, 1)?,
                events: (number(&row, 3)?, number(&row, 4)?),
                refusal: refusal(&row, 5)?,
            })
        })
        .transpose()
}

/// The latest snapshot of a stream by a meaning, at or below a sequence. A row whose sequence no stream can
/// have is given out as standing for no event: it is never used, and replaced, and never in the way of the
/// events, which hold the truth.
pub(super) async fn snapshot(
    client: &Client,
    stream: &StreamKey,
    meaning: u64,
    at_most: Sequence,
) -> Result<Option<Snapshot>, Fault> {
    let statement = client
        .prepare_cached(
            "SELECT n.sequence, n.data FROM eventloom.snapshots n \
             JOIN eventloom.streams s ON s.no = n.stream \
             WHERE s.aggregate = $1 AND s.id = $2 AND n.meaning = $3 AND n.sequence <= $4",
        )
        .await?;
    let (aggregate, id) = (text::stored(stream.aggregate), text::stored(stream.id.as_str()));
    let found = client
        .query_opt(&statement, &[&aggregate, &id, &meaning.cast_signed(), &signed(at_most)])
        .await?;
    found
        .map(|row| {
            let sequence = u64::try_from(row.try_get::<_, i64>(0)?).unwrap_or(0);
            let data = row.try_get(1)?;
            Ok(Snapshot { sequence, meaning, data })
        })
        .transpose()
}

/// Ids of the streams of an aggregate type that have events, after one, in order.
pub(super) async fn streams(
    client: &Client,
    aggregate: &str,
    after: Option<&StreamId>,
    limit: usize,
) -> Result<Vec<StreamId>, Fault> {
    let statement = client
        .prepare_cached(
            "SELECT s.id FROM eventloom.streams s WHERE s.aggregate = $1 AND (s.id > $2 OR $4 AND s.id = $2) \
             AND s.id >= $2 AND EXISTS (SELECT 1 FROM eventloom.events e WHERE e.stream = s.no) \
             ORDER BY s.id LIMIT $3",
        )
        .await?;
    let is_first = after.is_none();
    let after = after.map(|after| text::stored(after.as_str())).unwrap_or_default();
    let rows = client
        .query(&statement, &[&text::stored(aggregate), &after, &signed(limit as u64), &is_first])
        .await?;
    rows.iter().map(|row| Ok(StreamId::from(&*text::read(row.try_get(0)?)))).collect()
}

pub(super) fn number(row: &Row, column: usize) -> Result<u64, Fault> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|_| Fault::Value(format!("a number is {number}")))
}

pub(super) fn content(row: &Row, column: usize) -> Result<ContentHash, Fault> {
    let stored: &[u8] = row.try_get(column)?;
    stored.try_into().map_err(|_| Fault::Value(format!("a hash has {} bytes", stored.len())))
}

/// Name and message of a refusal, if there was one.
pub(super) fn refusal(row: &Row, column: usize) -> Result<Option<(String, String)>, Fault> {
    let name: Option<&str> = row.try_get(column)?;
    let text = |stored: &str| text::read(stored).into_owned();
    name.map(|name| Ok((text(name), text(row.try_get(column + 1)?)))).transpose()
}

fn stream_key(row: &Row, column: usize) -> Result<StreamKey, Fault> {
    let aggregate = names::aggregate(&text::read(row.try_get(column)?))?;
    Ok(StreamKey { aggregate, id: StreamId::from(&*text::read(row.try_get(column + 1)?)) })
}
