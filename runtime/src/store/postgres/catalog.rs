//! Numbers that stand for texts in the tables, kept in memory: shapes, streams, unique fields.
//!
//! What it holds has been committed and never changes as long as the server is the same; other processes can only add to it.

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
    known: Mutex<Texts>,
}

/// The texts of one server.
struct Texts {
    /// Of which connections they are.
    generation: u64,
    shapes: Arc<Shapes>,
    streams: LruCache<i64, StreamId>,
}

impl Texts {
    fn of(generation: u64) -> Self {
        Self { generation, shapes: Arc::default(), streams: LruCache::new(STREAMS) }
    }
}

impl Catalog {
    /// An empty catalog.
    pub(super) fn new() -> Self {
        Self { known: Mutex::new(Texts::of(0)) }
    }

    /// Forgets all where a connection was made since: it may be of another server, or of one that was restored from a backup
    /// and gives its numbers out again.
    pub(super) fn renew(&self, generation: u64) {
        let mut known = lock(&self.known);
        if generation > known.generation {
            *known = Texts::of(generation);
        }
    }

    /// The shapes as last read.
    pub(super) fn shapes(&self) -> Arc<Shapes> {
        Arc::clone(&lock(&self.known).shapes)
    }

    /// The shapes as they are now.
    pub(super) async fn shapes_now(&self, client: &Client) -> Result<Arc<Shapes>, Fault> {
        let generation = lock(&self.known).generation;
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
        let mut known = lock(&self.known);
        if known.generation == generation && shapes.last() > known.shapes.last() {
            known.shapes = Arc::clone(&shapes);
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
        let generation = {
            let mut known = lock(&self.known);
            for number in numbers {
                if found.contains_key(&number) {
                    continue;
                }
                match known.streams.get(&number) {
                    Some(id) => drop(found.insert(number, id.clone())),
                    None => unknown.push(number),
                }
            }
            known.generation
        };
        if unknown.is_empty() {
            return Ok(found);
        }
        unknown.sort_unstable();
        unknown.dedup();
        let statement = client
            .prepare_cached("SELECT no, id FROM eventloom.streams WHERE no = ANY ($1)")
            .await?;
        let rows = client.query(&statement, &[&unknown]).await?;
        let mut known = lock(&self.known);
        for row in rows {
            let (number, id) = (row.try_get(0)?, StreamId::from(&*text::read(row.try_get(1)?)));
            if known.generation == generation {
                known.streams.put(number, id.clone());
            }
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
