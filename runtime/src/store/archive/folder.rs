//! Where an archive lies, and its blocks as they are read.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::block::{self, BlockPlace, Unread};
use super::form::ArchivedEvent;
use super::kept::Kept;
use super::lacking::{Lacking, Rounds};
use super::segment::number_of;
use crate::metadata::Position;
use crate::store::{StoreError, StreamKey};

/// Bytes of lines above which a block is not kept.
const KEPT_BYTES: u64 = 2 * 1024 * 1024;
/// Blocks that are read from files at the same time. Where the disk hangs, so many threads hang with it, and no more.
const READING: usize = 8;

/// What somebody wanted to read that is archived.
#[derive(Clone, Debug)]
pub(in crate::store) enum Wanted {
    /// Events of a stream.
    Stream(StreamKey),
    /// Events of the global order after a position.
    After(Position),
}

/// The archive of a store, as far as the program has named one.
pub(in crate::store) struct Archive {
    folder: Option<PathBuf>,
    blocks: Mutex<Kept>,
    reading: Arc<Semaphore>,
    /// What transactions looked for here and did not find in memory.
    lacking: Mutex<Lacking>,
}

impl Archive {
    /// An archive in a folder, or none. Nothing is opened before it is needed.
    pub(in crate::store) fn new(folder: Option<PathBuf>) -> Self {
        Self {
            folder,
            blocks: Mutex::default(),
            reading: Arc::new(Semaphore::new(READING)),
            lacking: Mutex::default(),
        }
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
    fn known(&self, place: &BlockPlace) -> Option<Arc<Vec<ArchivedEvent>>> {
        self.blocks().get(&place.sha256)
    }

    /// Reads a block, which takes as long as the disk does. Who waits for it holds nothing that others need: no connection,
    /// no permit to read, no transaction.
    pub(in crate::store) async fn block(
        self: &Arc<Self>,
        place: BlockPlace,
        wanted: &Wanted,
    ) -> Result<Arc<Vec<ArchivedEvent>>, StoreError> {
        if let Some(known) = self.known(&place) {
            return Ok(known);
        }
        let keeps = place.lines <= KEPT_BYTES;
        self.fetch(place, wanted.clone(), keeps).await
    }

    async fn fetch(
        self: &Arc<Self>,
        place: BlockPlace,
        wanted: Wanted,
        keeps: bool,
    ) -> Result<Arc<Vec<ArchivedEvent>>, StoreError> {
        // The semaphore is never closed; if it were, reads would merely not be limited.
        let permit = Arc::clone(&self.reading).acquire_owned().await.ok();
        let archive = Arc::clone(self);
        let read = spawn_blocking(move || {
            let read = archive.read(&place, &wanted);
            // It goes with the thread, and not with who has stopped waiting for it.
            drop(permit);
            if let (Ok(read), true) = (&read, keeps) {
                archive.blocks().put(place.sha256, place.lines, Arc::clone(read));
            }
            read
        });
        match read.await {
            Ok(read) => read,
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(StoreError::Unavailable(
                    "the program is ending, and reads nothing more".to_owned(),
                )),
            },
        }
    }

    fn read(
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
        Ok(Arc::new(read?))
    }

    /// A block for a transaction in which appends take place: while it waited for a file, so would every append. It gets what
    /// is in memory. What isn't, and those that come `next`, are noted for [`Self::brings`].
    pub(in crate::store) fn at_hand<'n>(
        &self,
        place: &'n BlockPlace,
        wanted: &Wanted,
        next: impl IntoIterator<Item = &'n BlockPlace>,
    ) -> Result<Arc<Vec<ArchivedEvent>>, StoreError> {
        if let Some(known) = self.known(place) {
            return Ok(known);
        }
        if self.folder.is_none() {
            return Err(without_archive(place, wanted));
        }
        self.lacking().note(place, wanted, next.into_iter().filter(|it| self.known(it).is_none()));
        Err(not_at_hand(place, wanted))
    }

    /// After a transaction came to nothing: reads what it lacked, with no transaction open, and tells whether it is to be begun
    /// again. Blocks that may be lacked after that one are read along with it as far as they fit into the memory; what is
    /// wrong with those is told to who needs them.
    pub(in crate::store) async fn brings(
        self: &Arc<Self>,
        error: &StoreError,
        rounds: &mut Rounds,
    ) -> Result<bool, StoreError> {
        let is_lack = matches!(error, StoreError::ArchivedHistoryUnavailable { .. });
        if !is_lack || self.folder.is_none() {
            return Ok(false);
        }
        let lacked = self.lacking().all();
        let is_asked_for = |(place, _): &&(BlockPlace, Wanted)| is_of(error, place);
        if !rounds.begin(lacked.iter().find(is_asked_for).map(|(place, _)| place)) {
            return Ok(false);
        }
        for (place, wanted) in lacked {
            let (sha256, is_asked_for) = (place.sha256, is_of(error, &place));
            let read = match is_asked_for || rounds.has_room(&place) {
                true => {
                    rounds.note(&place);
                    self.fetch(place, wanted, true).await.map(drop)
                }
                false => Ok(()),
            };
            // Who comes after it finds it in memory, or is told anew why it isn't there.
            self.lacking().forget(&sha256);
            if is_asked_for {
                read?;
            }
        }
        Ok(true)
    }

    fn lacking(&self) -> MutexGuard<'_, Lacking> {
        self.lacking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn blocks(&self) -> MutexGuard<'_, Kept> {
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

fn not_at_hand(place: &BlockPlace, wanted: &Wanted) -> StoreError {
    let reason = "an immediate projection has not seen them yet, which is more than an append can wait for: open the \
                  projection again, which brings it up to date"
        .to_owned();
    unavailable(place, wanted, place.file.clone(), reason)
}

fn unavailable(place: &BlockPlace, wanted: &Wanted, file: String, reason: String) -> StoreError {
    let events = match wanted {
        Wanted::Stream(stream) => format!("{} {}", stream.aggregate, stream.id),
        Wanted::After(position) => format!("the events after position {position}"),
    };
    let events = format!("{events} {}", positions(place));
    StoreError::ArchivedHistoryUnavailable { events, file, reason }
}

fn positions(BlockPlace { first, last, .. }: &BlockPlace) -> String {
    format!("(positions {first} to {last})")
}

/// Whether a transaction has failed for a block that was not at hand.
fn is_of(error: &StoreError, place: &BlockPlace) -> bool {
    matches!(error, StoreError::ArchivedHistoryUnavailable { events, file, .. }
        if *file == place.file && events.ends_with(&positions(place)))
}
