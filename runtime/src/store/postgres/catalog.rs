//! Numbers that stand for texts in the tables, kept in memory: shapes, streams, unique fields.
//!
//! What it holds has been committed and never changes; other processes can only add to it.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::database::Client;
use super::fault::Fault;
use super::text;
use crate::metadata::StreamId;
use crate::store::shapes::Shapes;
use crate::store::{Append, StoredShape};

/// Streams whose ids are kept for reads of the global order.
const STREAMS: NonZeroUsize = NonZeroUsize::new(16_384).expect("16,384 is not 0");

/// What has been read of the numbered texts.
pub(super) struct Catalog {
    shapes: Mutex<Arc<Shapes>>,
    streams: Mutex<LruCache<i64, StreamId>>,
}

impl Catalog {
    /// An empty catalog.
    pub(super) fn new() -> Self {
        Self { shapes: Mutex::default(), streams: Mutex::new(LruCache::new(STREAMS)) }
    }

    /// Forgets all: it may be of another server.
    pub(super) fn forget(&self) {
        *lock(&self.shapes) = Arc::default();
        lock(&self.streams).clear();
    }

    /// The shapes as last read.
    pub(super) fn shapes(&self) -> Arc<Shapes> {
        Arc::clone(&lock(&self.shapes))
    }

    /// The shapes as they are now.
    pub(super) async fn shapes_now(&self, client: &Client) -> Result<Arc<Shapes>, Fault> {
        let statement = client
            .prepare_cached(
                "SELECT id, aggregate, event_type, version FROM eventloom.shapes ORDER BY id",
            )
            .await?;
        let mut shapes = Shapes::default();
        for row in client.query(&statement, &[]).await? {
            let version: i64 = row.try_get(3)?;
            let shape = StoredShape {
                aggregate: text::read(row.try_get(1)?).into_owned(),
                event_type: text::read(row.try_get(2)?).into_owned(),
                version: u32::try_from(version)
                    .map_err(|_| Fault::Value(format!("an event has the version {version}")))?,
            };
            shapes.push(row.try_get::<_, i32>(0)?.into(), shape);
        }
        let shapes = Arc::new(shapes);
        let mut known = lock(&self.shapes);
        if shapes.last() > known.last() {
            *known = Arc::clone(&shapes);
        }
        Ok(shapes)
    }

    /// The ids of streams by their numbers, as far as there are such streams.
    pub(super) async fn stream_ids(
        &self,
        client: &Client,
        numbers: impl Iterator<Item = i64>,
    ) -> Result<HashMap<i64, StreamId>, Fault> {
        let (mut found, mut unknown) = (HashMap::new(), Vec::new());
        {
            let mut streams = lock(&self.streams);
            for number in numbers {
                if found.contains_key(&number) {
                    continue;
                }
                match streams.get(&number) {
                    Some(id) => drop(found.insert(number, id.clone())),
                    None => unknown.push(number),
                }
            }
        }
        if unknown.is_empty() {
            return Ok(found);
        }
        unknown.sort_unstable();
        unknown.dedup();
        let statement = client
            .prepare_cached("SELECT no, id FROM eventloom.streams WHERE no = ANY ($1)")
            .await?;
        let rows = client.query(&statement, &[&unknown]).await?;
        let mut streams = lock(&self.streams);
        for row in rows {
            let (number, id) = (row.try_get(0)?, StreamId::from(&*text::read(row.try_get(1)?)));
            streams.put(number, id.clone());
            found.insert(number, id);
        }
        Ok(found)
    }
}

/// The numbers of event shapes and unique fields, as appends need them.
#[derive(Default)]
pub(super) struct Numbers {
    shapes: HashMap<(&'static str, &'static str, u32), i32>,
    fields: HashMap<(&'static str, &'static str), i32>,
}

impl Numbers {
    /// The number of a version of an event type, if [`Self::learn`] has seen it.
    pub(super) fn shape(&self, shape: (&'static str, &'static str, u32)) -> Option<i32> {
        self.shapes.get(&shape).copied()
    }

    /// The number of a unique field, if [`Self::learn`] has seen it.
    pub(super) fn field(&self, field: (&'static str, &'static str)) -> Option<i32> {
        self.fields.get(&field).copied()
    }

    /// Learns the numbers that appends need, giving new ones where there are none.
    pub(super) async fn learn<'a>(
        &mut self,
        client: &Client,
        appends: impl Iterator<Item = &'a Append>,
    ) -> Result<(), Fault> {
        let (mut shapes, mut fields) = (Vec::new(), Vec::new());
        for append in appends {
            let aggregate = append.stream.aggregate;
            let of_events =
                append.events.iter().map(|event| (aggregate, event.event_type, event.version));
            shapes.extend(of_events.filter(|shape| !self.shapes.contains_key(shape)));
            let keys = append.released.iter().chain(&append.passing).chain(&append.keys);
            let of_keys = keys.map(|claim| (aggregate, claim.field));
            fields.extend(of_keys.filter(|field| !self.fields.contains_key(field)));
        }
        if !shapes.is_empty() {
            let aggregates: Vec<_> = shapes.iter().map(|shape| text::stored(shape.0)).collect();
            let types: Vec<_> = shapes.iter().map(|shape| text::stored(shape.1)).collect();
            let versions: Vec<_> = shapes.iter().map(|shape| i64::from(shape.2)).collect();
            let row = client
                .query_one(
                    "SELECT eventloom.number_shapes($1, $2, $3)",
                    &[&aggregates, &types, &versions],
                )
                .await?;
            self.shapes.extend(shapes.into_iter().zip(row.try_get::<_, Vec<i32>>(0)?));
        }
        if !fields.is_empty() {
            let aggregates: Vec<_> = fields.iter().map(|field| text::stored(field.0)).collect();
            let names: Vec<_> = fields.iter().map(|field| text::stored(field.1)).collect();
            let row = client
                .query_one("SELECT eventloom.number_fields($1, $2)", &[&aggregates, &names])
                .await?;
            self.fields.extend(fields.into_iter().zip(row.try_get::<_, Vec<i32>>(0)?));
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
