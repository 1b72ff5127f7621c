//! Where an archive lies, and its blocks as they are read.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::block::{self, BlockPlace, Unread};
use super::form::ArchivedEvent;
use super::segment::number_of;
use crate::metadata::Position;
use crate::store::{StoreError, StreamKey};

/// Blocks that are kept in memory, most of a quarter of a megabyte: where positions of several segments overlap, a page
/// needs one of each.
const KEPT: NonZeroUsize = NonZeroUsize::new(64).expect("64 is not 0");
/// Bytes of lines above which a block is not kept.
const KEPT_BYTES: u64 = 2 * 1024 * 1024;

/// What somebody wanted to read that is archived.
#[derive(Clone, Debug)]
pub(in crate::store) enum Wanted {
    /// Events of a stream.
    Stream(StreamKey),
    /// Events of the global order after a position.
    After(Position),
}

type Blocks = LruCache<[u8; 32], Arc<Vec<ArchivedEvent>>>;

/// The archive of a store, as far as the program has named one.
pub(in crate::store) struct Archive {
    folder: Option<PathBuf>,
    /// By their hashes: whatever database the store's is at the moment, they are what it says.
    blocks: Mutex<Blocks>,
}

impl Archive {
    /// An archive in a folder, or none. Nothing is opened before it is needed.
    pub(in crate::store) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, blocks: Mutex::new(LruCache::new(KEPT)) }
    }

    /// An archive in a folder, wherever the program goes from here.
    pub(in crate::store) fn at(folder: &Path) -> Result<Self, StoreError> {
        let absolute = std::path::absolute(folder).map_err(|error| {
            StoreError::Unsupported(format!("{folder:?} is no path of a folder: {error}"))
        })?;
        Ok(Self::new(Some(absolute)))
    }

    /// The folder.
    pub(in crate::store) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// A block that was read before.
    pub(in crate::store) fn known(&self, place: &BlockPlace) -> Option<Arc<Vec<ArchivedEvent>>> {
        self.blocks().get(&place.sha256).map(Arc::clone)
    }

    /// Reads a block. It may take as long as the disk does.
    pub(in crate::store) fn block(
        &self,
        place: &BlockPlace,
        wanted: &Wanted,
    ) -> Result<Arc<Vec<ArchivedEvent>>, StoreError> {
        if let Some(known) = self.known(place) {
            return Ok(known);
        }
        let Some(folder) = &self.folder else { return Err(without_archive(place, wanted)) };
        let file = folder.join(&place.file);
        if number_of(&place.file) != Some(place.segment) {
            let reason = format!("`{}` is no name of an archive's file", place.file);
            return Err(damaged(&file, place, &reason));
        }
        let read = block::read(&file, place).map_err(|unread| told(unread, &file, place, wanted));
        let read = Arc::new(read?);
        if place.lines <= KEPT_BYTES {
            self.blocks().put(place.sha256, Arc::clone(&read));
        }
        Ok(read)
    }

    fn blocks(&self) -> MutexGuard<'_, Blocks> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn told(unread: Unread, file: &Path, place: &BlockPlace, wanted: &Wanted) -> StoreError {
    match unread {
        Unread::Missing(error) => unavailable(
            place,
            wanted,
            file.display().to_string(),
            format!(
                "it is not there ({error}): bring it back to its folder, from a backup if need be, or open the \
                 store with the folder that has it"
            ),
        ),
        Unread::Failed(error) => unavailable(
            place,
            wanted,
            file.display().to_string(),
            format!("reading it failed ({error}): check the disk and the rights, and try again"),
        ),
        Unread::Damaged(reason) => damaged(file, place, &reason),
    }
}

/// A file of an archive is not what was written.
pub(super) fn damaged(file: &Path, place: &BlockPlace, reason: &str) -> StoreError {
    StoreError::Corrupt {
        what: "archive file".to_owned(),
        place: format!("{}, positions {} to {}", file.display(), place.first, place.last),
        reason: format!("{reason}; restore this file from a backup, the database needs nothing"),
    }
}

fn without_archive(place: &BlockPlace, wanted: &Wanted) -> StoreError {
    let reason = format!(
        "the store was opened without its archive: open it with the folder of its archive (the file was written to {})",
        place.folder
    );
    unavailable(place, wanted, place.file.clone(), reason)
}

fn unavailable(place: &BlockPlace, wanted: &Wanted, file: String, reason: String) -> StoreError {
    let BlockPlace { first, last, .. } = place;
    let events = match wanted {
        Wanted::Stream(stream) => format!("{} {}", stream.aggregate, stream.id),
        Wanted::After(position) => format!("the events after position {position}"),
    };
    let events = format!("{events} (positions {first} to {last})");
    StoreError::ArchivedHistoryUnavailable { events, file, reason }
}
