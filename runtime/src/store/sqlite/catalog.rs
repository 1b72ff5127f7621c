//! Numbers that stand for texts in the tables, kept in memory: shapes and streams.
//!
//! What it holds has been committed and never changes, so that nothing has to be taken back when a
//! transaction is rolled back, and other processes can only add to it.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use rusqlite::{Connection, OptionalExtension, Result, TransactionState};

use crate::metadata::StreamId;
use crate::store::StoredShape;
use crate::store::archive::Archive;
use crate::store::shapes::Shapes;

/// Streams whose ids are kept for reads of the global order.
const STREAMS: NonZeroUsize = NonZeroUsize::new(16_384).expect("16,384 is not 0");

/// What has been read of the numbered texts, and the archive, from which events are read as they are from the tables.
pub(super) struct Catalog {
    pub(super) archive: Arc<Archive>,
    shapes: Mutex<Arc<Shapes>>,
    streams: Mutex<LruCache<i64, StreamId>>,
}

impl Catalog {
    /// An empty catalog.
    pub(super) fn new(archive: Archive) -> Self {
        Self {
            archive: Arc::new(archive),
            shapes: Mutex::default(),
            streams: Mutex::new(LruCache::new(STREAMS)),
        }
    }

    /// The shapes as last read.
    pub(super) fn shapes(&self) -> Arc<Shapes> {
        Arc::clone(&lock(&self.shapes))
    }

    /// The shapes, all that `connection` sees included. It must not see uncommitted ones.
    pub(super) fn shapes_now(&self, connection: &Connection) -> Result<Arc<Shapes>> {
        let known = self.shapes();
        let last: i64 = connection
            .prepare_cached("SELECT coalesce(max(id), 0) FROM shapes")?
            .query_row([], |row| row.get(0))?;
        if last == known.last() {
            return Ok(known);
        }
        let fresh = Arc::new(read_shapes(connection)?);
        *lock(&self.shapes) = Arc::clone(&fresh);
        Ok(fresh)
    }

    /// The id of a stream by its number, or none where there is no such stream.
    pub(super) fn stream_id(&self, connection: &Connection, no: i64) -> Result<Option<StreamId>> {
        if let Some(id) = lock(&self.streams).get(&no) {
            return Ok(Some(id.clone()));
        }
        let id = connection
            .prepare_cached("SELECT id FROM streams WHERE no = ?1")?
            .query_row([no], |row| Ok(StreamId::from(row.get_ref(0)?.as_str()?)))
            .optional()?;
        // What this very transaction wrote may be rolled back, and its number given to another stream.
        if let Some(id) = &id
            && connection.transaction_state(Some("main"))? != TransactionState::Write
        {
            lock(&self.streams).put(no, id.clone());
        }
        Ok(id)
    }
}

fn read_shapes(connection: &Connection) -> Result<Shapes> {
    let mut shapes = Shapes::default();
    let mut statement = connection
        .prepare_cached("SELECT id, aggregate, event_type, version FROM shapes ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        let shape =
            StoredShape { aggregate: row.get(1)?, event_type: row.get(2)?, version: row.get(3)? };
        shapes.push(id, shape);
    }
    Ok(shapes)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
