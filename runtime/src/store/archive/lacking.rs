//! What transactions of appends looked for in the archive and did not find in memory.

use std::collections::HashSet;

use super::block::BlockPlace;
use super::folder::Wanted;
use super::kept;

/// Blocks of which is remembered that a transaction lacked them.
const LACKING: usize = 64;
/// How often a transaction is begun again for what it lacked.
const AGAIN: usize = 64;
/// How often that may be for a block that was read for it before. Other reads may have had the memory meanwhile; most likely
/// it needs more than there is of that.
const IN_VAIN: usize = 2;

/// Blocks that transactions lacked, or would lack next.
#[derive(Default)]
pub(super) struct Lacking(Vec<(BlockPlace, Wanted)>);

impl Lacking {
    /// Notes a block that was lacked, and those that come next, as far as there is room.
    pub(super) fn note<'n>(
        &mut self,
        place: &'n BlockPlace,
        wanted: &Wanted,
        next: impl Iterator<Item = &'n BlockPlace>,
    ) {
        if !self.has(place) {
            // There is always room for what somebody waits for.
            self.0.insert(0, (place.clone(), wanted.clone()));
            self.0.truncate(LACKING);
        }
        for place in next {
            if self.0.len() < LACKING && !self.has(place) {
                self.0.push((place.clone(), wanted.clone()));
            }
        }
    }

    fn has(&self, place: &BlockPlace) -> bool {
        self.0.iter().any(|(known, _)| known.sha256 == place.sha256)
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<(BlockPlace, Wanted)> {
        self.0.clone()
    }

    /// Forgets a block.
    pub(super) fn forget(&mut self, sha256: &[u8; 32]) {
        self.0.retain(|(known, _)| known.sha256 != *sha256);
    }
}

/// How often one append was begun again, and what was read for it.
#[derive(Default)]
pub(in crate::store) struct Rounds {
    times: usize,
    in_vain: usize,
    read: HashSet<[u8; 32]>,
    bytes: u64,
}

impl Rounds {
    /// Whether it is worth another round, for a block that was lacked.
    pub(super) fn begin(&mut self, lacked: Option<&BlockPlace>) -> bool {
        self.times += 1;
        self.in_vain += usize::from(lacked.is_some_and(|it| self.read.contains(&it.sha256)));
        self.times <= AGAIN && self.in_vain <= IN_VAIN
    }

    /// Whether a block stays in memory with all that was read before it.
    pub(super) fn has_room(&self, place: &BlockPlace) -> bool {
        self.bytes.saturating_add(place.lines) <= kept::BYTES
    }

    /// Notes that a block is read.
    pub(super) fn note(&mut self, place: &BlockPlace) {
        if self.read.insert(place.sha256) {
            self.bytes = self.bytes.saturating_add(place.lines);
        }
    }
}
