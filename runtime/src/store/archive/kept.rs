//! Blocks that were read, as many as take so many bytes.

use std::sync::Arc;

use lru::LruCache;

use super::form::ArchivedEvent;

/// Bytes of lines that are kept in memory. Where positions of several segments overlap, a page needs a block of each: there is
/// room for some sixty of those that are full, and for many more of those with few events that lie far apart.
pub(super) const BYTES: u64 = 16 * 1024 * 1024;

/// By their hashes: whatever database the store's is at the moment, they are what it says.
pub(super) struct Kept {
    blocks: LruCache<[u8; 32], (u64, Arc<Vec<ArchivedEvent>>)>,
    bytes: u64,
}

impl Default for Kept {
    fn default() -> Self {
        Self { blocks: LruCache::unbounded(), bytes: 0 }
    }
}

impl Kept {
    /// The events of a block.
    pub(super) fn get(&mut self, sha256: &[u8; 32]) -> Option<Arc<Vec<ArchivedEvent>>> {
        self.blocks.get(sha256).map(|(_, events)| Arc::clone(events))
    }

    /// Keeps a block with so many bytes of lines, and lets go of those that were not asked for the longest.
    pub(super) fn put(&mut self, sha256: [u8; 32], lines: u64, events: Arc<Vec<ArchivedEvent>>) {
        let replaced = self.blocks.put(sha256, (lines, events));
        self.bytes += lines;
        self.bytes -= replaced.map_or(0, |(lines, _)| lines);
        while self.bytes > BYTES && self.blocks.len() > 1 {
            let gone = self.blocks.pop_lru();
            self.bytes -= gone.map_or(0, |(_, (lines, _))| lines);
        }
    }
}
