//! A PostgreSQL store read whole, and filled from another one.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Row;

use super::batch::signed;
use super::copying;
use super::database::Client;
use super::fault::Fault;
use super::reads::{self, number};
use super::text;
use super::types::Time;
use crate::metadata::{Position, StreamId};
use crate::store::whole::{self, Part, Place, Record, RecordPage, RecordedBy, ShapeRecord};

/// Every version of every event type.
pub(super) async fn shapes(client: &Client) -> Result<Vec<ShapeRecord>, Fault> {
    let found = client
        .query(
            "SELECT aggregate, event_type, version, shape FROM eventloom.shapes ORDER BY id",
            &[],
        )
        .await?;
    let shape = |row: &Row| {
        let version: i64 = row.try_get(2)?;
        let shape: Option<&str> = row.try_get(3)?;
        Ok(ShapeRecord {
            aggregate: own(row, 0)?,
            event_type: own(row, 1)?,
            version: u32::try_from(version)
                .map_err(|_| Fault::Value(format!("an event has the version {version}")))?,
            shape: shape.map(|shape| text::read(shape).into_owned()),
        })
    };
    found.iter().map(shape).collect()
}

/// A page of keys, or of commands behind them.
pub(super) async fn records(
    client: &Client,
    after: Option<&str>,
    limit: usize,
) -> Result<RecordPage, Fault> {
    let most = signed(limit as u64);
    match Place::read(after)? {
        Place::Key { field, value, scope } => {
            let field = i32::try_from(field).unwrap_or(i32::MAX);
            let found = client
                .query(
                    "SELECT k.field, k.value, k.scope, f.field, s.aggregate, s.id, k.content, k.first, k.last, \
                     coalesce(k.whole, k.value) \
                     FROM eventloom.unique_keys k JOIN eventloom.unique_fields f ON f.id = k.field \
                     JOIN eventloom.streams s ON s.no = k.stream \
                     WHERE (k.field, k.value, k.scope) > ($1, $2, $3) \
                     ORDER BY k.field, k.value, k.scope LIMIT $4",
                    &[&field, &value, &scope, &most],
                )
                .await?;
            let record = |row: &Row| {
                let (field, scope): (i32, i64) = (row.try_get(0)?, row.try_get(2)?);
                let place = Place::Key { field: field.into(), value: row.try_get(1)?, scope };
                let record = Record::Key {
                    by: by(row, 4)?,
                    field: own(row, 3)?,
                    value: own(row, 9)?,
                    across_all: scope == 0,
                    events: (number(row, 7)?, number(row, 8)?),
                };
                Ok((place, record))
            };
            let rows = found.iter().map(record).collect::<Result<Vec<_>, Fault>>()?;
            Ok(whole::page(rows, limit, Some(Place::Commands)))
        }
        place => {
            let after = match place {
                Place::Command { id } => Some(id),
                _ => None,
            };
            let found = client
                .query(
                    "SELECT k.id, s.aggregate, s.id, k.content, k.first, k.last, k.refusal, k.message, \
                     coalesce(k.whole, k.id) \
                     FROM eventloom.commands k JOIN eventloom.streams s ON s.no = k.stream \
                     WHERE $1::text IS NULL OR k.id > $1 ORDER BY k.id LIMIT $2",
                    &[&after, &most],
                )
                .await?;
            let record = |row: &Row| {
                let first: Option<i64> = row.try_get(4)?;
                let events = first.map(|_| Ok::<_, Fault>((number(row, 4)?, number(row, 5)?)));
                let record = Record::Command {
                    by: by(row, 1)?,
                    id: own(row, 8)?,
                    events: events.transpose()?,
                    refusal: reads::refusal(row, 6)?,
                };
                Ok((Place::Command { id: row.try_get(0)? }, record))
            };
            let rows = found.iter().map(record).collect::<Result<Vec<_>, Fault>>()?;
            Ok(whole::page(rows, limit, None))
        }
    }
}

fn own(row: &Row, column: usize) -> Result<String, Fault> {
    Ok(text::read(row.try_get(column)?).into_owned())
}

fn by(row: &Row, column: usize) -> Result<RecordedBy, Fault> {
    Ok(RecordedBy {
        aggregate: own(row, column)?,
        stream: StreamId::from(own(row, column + 1)?),
        content: reads::content(row, column + 2)?,
    })
}

/// Writes a part of another store, within a transaction; gives the position of the last event that is there.
pub(super) async fn restore(client: &Client, part: &Part) -> Result<Position, Fault> {
    client.batch_execute("SELECT eventloom.begin_append()").await?;
    match &part.copy {
        Some(copy) => {
            let copied = match part.events.last() {
                Some(event) => event.position,
                None => reads::head(client).await?,
            };
            copying::note(client, copy, copied).await?;
        }
        None => copying::refuse_marked(client).await?,
    }
    restore_shapes(client, &part.shapes).await?;
    let streams = number_streams(client, part).await?;
    let head = restore_events(client, part, &streams).await?;
    restore_keys(client, part, &streams).await?;
    restore_commands(client, part, &streams).await?;
    Ok(head)
}

async fn restore_shapes(client: &Client, shapes: &[ShapeRecord]) -> Result<(), Fault> {
    for shape in shapes {
        let (aggregate, event_type) =
            (text::stored(&shape.aggregate), text::stored(&shape.event_type));
        let row = client
            .query_one(
                "SELECT (eventloom.number_shapes(ARRAY[$1::text], ARRAY[$2::text], ARRAY[$3::bigint]))[1]",
                &[&aggregate, &event_type, &i64::from(shape.version)],
            )
            .await?;
        let id: i32 = row.try_get(0)?;
        let Some(text) = &shape.shape else { continue };
        let text = text::stored(text);
        client
            .execute(
                "UPDATE eventloom.shapes SET shape = $2 WHERE id = $1 AND shape IS NULL",
                &[&id, &text],
            )
            .await?;
        let row =
            client.query_one("SELECT shape FROM eventloom.shapes WHERE id = $1", &[&id]).await?;
        let stored: &str = row.try_get(0)?;
        if stored != text {
            return Err(whole::other_shape(shape, &text::read(stored)).into());
        }
    }
    Ok(())
}

/// Aggregate and id of a stream.
type Named<'p> = (&'p str, &'p str);

/// The numbers of all streams that a part has something of, new ones where there are none.
async fn number_streams<'p>(
    client: &Client,
    part: &'p Part,
) -> Result<BTreeMap<Named<'p>, i64>, Fault> {
    let of_events =
        part.events.iter().map(|it| (it.aggregate.as_str(), it.meta.stream_id.as_str()));
    let of_records = part.records.iter().map(|record| match record {
        Record::Key { by, .. } | Record::Command { by, .. } => {
            (by.aggregate.as_str(), by.stream.as_str())
        }
    });
    let named: BTreeSet<Named<'p>> = of_events.chain(of_records).collect();
    let aggregates: Vec<_> = named.iter().map(|it| text::stored(it.0)).collect();
    let ids: Vec<_> = named.iter().map(|it| text::stored(it.1)).collect();
    client
        .execute(
            "INSERT INTO eventloom.streams (no, aggregate, id) \
             SELECT nextval('eventloom.stream_numbers'), n.aggregate, n.id \
             FROM unnest($1::text[], $2::text[]) AS n (aggregate, id) \
             WHERE NOT EXISTS (SELECT 1 FROM eventloom.streams s WHERE s.aggregate = n.aggregate AND s.id = n.id)",
            &[&aggregates, &ids],
        )
        .await?;
    let found = client
        .query(
            "SELECT (SELECT s.no FROM eventloom.streams s WHERE s.aggregate = n.aggregate AND s.id = n.id) \
             FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS n (aggregate, id, ord) ORDER BY n.ord",
            &[&aggregates, &ids],
        )
        .await?;
    let numbers =
        found.iter().map(|row| Ok(row.try_get(0)?)).collect::<Result<Vec<i64>, Fault>>()?;
    Ok(named.into_iter().zip(numbers).collect())
}

async fn restore_events(
    client: &Client,
    part: &Part,
    streams: &BTreeMap<Named<'_>, i64>,
) -> Result<Position, Fault> {
    let mut head = reads::head(client).await?;
    if part.events.is_empty() {
        return Ok(head);
    }
    for event in &part.events {
        if event.position <= head {
            return Err(whole::out_of_order(event.position, head).into());
        }
        head = event.position;
    }
    let shapes: BTreeSet<_> = part
        .events
        .iter()
        .map(|it| (it.aggregate.as_str(), it.event_type.as_str(), it.version))
        .collect();
    let aggregates: Vec<_> = shapes.iter().map(|it| text::stored(it.0)).collect();
    let types: Vec<_> = shapes.iter().map(|it| text::stored(it.1)).collect();
    let versions: Vec<_> = shapes.iter().map(|it| i64::from(it.2)).collect();
    let row = client
        .query_one("SELECT eventloom.number_shapes($1, $2, $3)", &[&aggregates, &types, &versions])
        .await?;
    let numbers: BTreeMap<_, i32> =
        shapes.into_iter().zip(row.try_get::<_, Vec<i32>>(0)?).collect();
    let events = part.events.iter();
    let of =
        |it: &whole::EventRecord| streams[&(it.aggregate.as_str(), it.meta.stream_id.as_str())];
    let shape = |it: &whole::EventRecord| {
        numbers[&(it.aggregate.as_str(), it.event_type.as_str(), it.version)]
    };
    let texts = |text: fn(&whole::EventRecord) -> Option<&str>| -> Vec<Option<Cow<'_, str>>> {
        events.clone().map(|it| text(it).map(text::stored)).collect()
    };
    let positions: Vec<_> = events.clone().map(|it| signed(it.position)).collect();
    let of: Vec<_> = events.clone().map(of).collect();
    let sequences: Vec<_> = events.clone().map(|it| signed(it.meta.sequence)).collect();
    let shapes: Vec<_> = events.clone().map(shape).collect();
    let ids: Vec<_> = events.clone().map(|it| it.meta.event_id).collect();
    let at: Vec<_> = events.clone().map(|it| Time(it.meta.at)).collect();
    let recorded_at: Vec<_> = events.clone().map(|it| Time(it.meta.recorded_at)).collect();
    let data = events.clone().map(|it| super::batch::utf8(&it.data));
    let data = data.collect::<Result<Vec<_>, _>>()?;
    client
        .execute(
            "INSERT INTO eventloom.events (position, stream, sequence, shape, event_id, at, recorded_at, actor, \
             correlation_id, causation_id, traceparent, data) \
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::integer[], $5::uuid[], \
             $6::timestamptz[], $7::timestamptz[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[])",
            &[
                &positions,
                &of,
                &sequences,
                &shapes,
                &ids,
                &at,
                &recorded_at,
                &texts(|it| it.meta.actor.as_deref()),
                &texts(|it| it.meta.correlation_id.as_deref()),
                &texts(|it| it.meta.causation_id.as_deref()),
                &texts(|it| it.meta.traceparent.as_deref()),
                &data,
            ],
        )
        .await?;
    Ok(head)
}

async fn restore_keys(
    client: &Client,
    part: &Part,
    streams: &BTreeMap<Named<'_>, i64>,
) -> Result<(), Fault> {
    for record in &part.records {
        let Record::Key { by, field, value, across_all, events: (first, last) } = record else {
            continue;
        };
        let (aggregate, field) = (text::stored(&by.aggregate), text::stored(field));
        let statement = client
            .prepare_cached("SELECT (eventloom.number_fields(ARRAY[$1::text], ARRAY[$2::text]))[1]")
            .await?;
        let field: i32 = client.query_one(&statement, &[&aggregate, &field]).await?.try_get(0)?;
        let stream = streams[&(by.aggregate.as_str(), by.stream.as_str())];
        let scope = if *across_all { 0 } else { stream };
        let statement = client
            .prepare_cached(
                "INSERT INTO eventloom.unique_keys (field, value, scope, stream, first, last, content, whole) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            )
            .await?;
        client
            .execute(
                &statement,
                &[
                    &field,
                    &text::looked_up(value),
                    &scope,
                    &stream,
                    &signed(*first),
                    &signed(*last),
                    &by.content.as_slice(),
                    &text::whole(value),
                ],
            )
            .await?;
    }
    Ok(())
}

async fn restore_commands(
    client: &Client,
    part: &Part,
    streams: &BTreeMap<Named<'_>, i64>,
) -> Result<(), Fault> {
    for record in &part.records {
        let Record::Command { by, id, events, refusal } = record else { continue };
        let (refusal, message) =
            refusal.as_ref().map(|(r, m)| (text::stored(r), text::stored(m))).unzip();
        let statement = client
            .prepare_cached(
                "INSERT INTO eventloom.commands (id, stream, first, last, content, refusal, message, whole) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            )
            .await?;
        client
            .execute(
                &statement,
                &[
                    &text::looked_up(id),
                    &streams[&(by.aggregate.as_str(), by.stream.as_str())],
                    &events.map(|(first, _)| signed(first)),
                    &events.map(|(_, last)| signed(last)),
                    &by.content.as_slice(),
                    &refusal,
                    &message,
                    &text::whole(id),
                ],
            )
            .await?;
    }
    Ok(())
}
