//! Numbers that stand for texts in the tables, kept in memory: shapes, streams, aggregate names.
//!
//! What it holds has been committed and never changes, so that nothing has to be taken back when a
//! transaction is rolled back, and other processes can only add to it.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use rusqlite::{Connection, OptionalExtension, Result, TransactionState};

use crate::metadata::StreamId;
use crate::store::{EventFilter, StoredShape};

/// Streams whose ids are kept for reads of the global order.
const STREAMS: NonZeroUsize = NonZeroUsize::new(16_384).expect("16,384 is not 0");

/// Names of aggregate types that are kept.
const AGGREGATES: usize = 4096;
/// Length in bytes of such a name.
const NAME_BYTES: usize = 1024;

/// What has been read of the numbered texts.
pub(super) struct Catalog {
    shapes: Mutex<Arc<Shapes>>,
    streams: Mutex<LruCache<i64, StreamId>>,
}

/// All shapes at one moment.
#[derive(Default)]
pub(super) struct Shapes {
    /// By number, in order: they are few, and looked up for every event.
    by_id: Vec<(i64, Arc<StoredShape>)>,
}

impl Shapes {
    /// The shape of that number.
    pub(super) fn get(&self, id: i64) -> Option<&Arc<StoredShape>> {
        let index = self.by_id.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some(&self.by_id[index].1)
    }

    /// Numbers of the shapes that pass a filter, in order.
    pub(super) fn passing(&self, filter: &EventFilter) -> Vec<i64> {
        let passes = |shape: &StoredShape| filter.passes(&shape.aggregate, &shape.event_type);
        self.by_id.iter().filter(|(_, shape)| passes(shape)).map(|(id, _)| *id).collect()
    }
}

impl Catalog {
    /// An empty catalog.
    pub(super) fn new() -> Self {
        Self { shapes: Mutex::default(), streams: Mutex::new(LruCache::new(STREAMS)) }
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
        if last == known.by_id.last().map_or(0, |(id, _)| *id) {
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

/// Names of aggregate types that the process knows.
struct Names {
    /// Those of the program itself, of which there are no more than there are.
    own: BTreeSet<&'static str>,
    /// Those that files told.
    told: BTreeSet<&'static str>,
}

static NAMES: Mutex<Names> = Mutex::new(Names::new());

impl Names {
    const fn new() -> Self {
        Self { own: BTreeSet::new(), told: BTreeSet::new() }
    }

    /// The name as it is kept for as long as the program runs. No ontology has as many of them, or as
    /// long ones, as a file may claim that is to fill the memory.
    fn keep(&mut self, name: &str) -> std::result::Result<&'static str, UnlikelyName> {
        if let Some(known) = self.own.get(name).or_else(|| self.told.get(name)) {
            return Ok(known);
        }
        if name.len() > NAME_BYTES {
            return Err(UnlikelyName::TooLong);
        }
        if self.told.len() >= AGGREGATES {
            return Err(UnlikelyName::TooMany);
        }
        let name: &'static str = Box::leak(name.into());
        self.told.insert(name);
        Ok(name)
    }
}

/// Knows an aggregate type of the program, whatever names files have told.
pub(super) fn know(aggregate: &'static str) {
    lock(&NAMES).own.insert(aggregate);
}

/// The name of an aggregate type as a file tells it.
pub(super) fn aggregate(name: &str) -> std::result::Result<&'static str, UnlikelyName> {
    lock(&NAMES).keep(name)
}

/// A name that is hardly one of an aggregate type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum UnlikelyName {
    /// The file is not what it should be.
    #[error("an aggregate type has a name of more than {NAME_BYTES} bytes")]
    TooLong,
    /// It may be the fault of another file.
    #[error(
        "this process has met more than {AGGREGATES} names of aggregate types in the files it opened; \
         no program has as many: see which of the files is damaged or foreign, and start again without it"
    )]
    TooMany,
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
        shapes.by_id.push((id, Arc::new(shape)));
    }
    Ok(shapes)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that told of thousands of names filled what the process keeps of them, and from then on every
    /// file was corrupt, also for the program's own aggregates; nothing told that from a name too long.
    #[test]
    fn names_of_a_bad_file_are_not_in_the_way_of_the_programs_own() {
        let mut names = Names::new();
        for number in 0..AGGREGATES {
            assert!(names.keep(&format!("A{number}")).is_ok());
        }
        assert_eq!(names.keep("Account"), Err(UnlikelyName::TooMany));
        assert_eq!(names.keep(&"x".repeat(NAME_BYTES + 1)), Err(UnlikelyName::TooLong));
        assert_eq!(names.keep("A7"), Ok("A7"));

        names.own.insert("Account");

        assert_eq!(names.keep("Account"), Ok("Account"));
    }

    #[test]
    fn a_name_counts_once_however_often_it_is_told() {
        let mut names = Names::new();
        names.own.insert("Account");
        for _ in 0..=AGGREGATES {
            assert_eq!(names.keep("Account"), Ok("Account"));
            assert_eq!(names.keep("Till"), Ok("Till"));
        }
        assert_eq!(names.told.len(), 1);
    }
}
