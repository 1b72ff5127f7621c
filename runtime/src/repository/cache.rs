//! The streams in use: their states as of the last command, so that the next one reads nothing.
//!
//! A cached state is a guess until the store confirms it: an append is checked against the stream's
//! sequence and the store's epoch, and a refusal is checked by reading on. Commands of one stream take turns, which saves
//! them from conflicting with each other; correctness does not depend on it.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use super::folded::Folded;
use crate::aggregate::Aggregate;
use crate::metadata::StreamId;

/// What is known of one stream. Empty while a command is at work, so that one that is given up
/// leaves nothing behind.
pub(super) type Slot<A> = Arc<tokio::sync::Mutex<Option<Folded<A>>>>;

/// The most recently used streams.
pub(super) struct Cache<A: Aggregate> {
    streams: Option<Mutex<LruCache<StreamId, Slot<A>>>>,
}

impl<A: Aggregate> Cache<A> {
    pub(super) fn new(size: usize) -> Self {
        let streams = NonZeroUsize::new(size).map(|size| Mutex::new(LruCache::new(size)));
        Self { streams }
    }

    pub(super) fn slot(&self, stream: &StreamId) -> Slot<A> {
        let Some(streams) = &self.streams else { return Slot::<A>::default() };
        // Nothing that panics runs under this lock.
        let mut streams = streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = streams.get(stream) {
            return Arc::clone(slot);
        }
        let slot = Slot::<A>::default();
        streams.push(stream.clone(), Arc::clone(&slot));
        slot
    }
}
