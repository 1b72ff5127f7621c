//! The folder of an archive before and after a run: whose it is, that nobody else is at it, what lies in it.
//!
//! All of this blocks, and is to be run where that may be. Nothing here touches a file that has its name.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::SegmentRecord;
use super::report::ArchiveError;
use super::segment::{self, DRAFT, number_of, number_of_manifest, unwritable};

/// The file by which a folder says whose archive it has.
const IDENTITY: &str = "archive.json";
const LOCK: &str = "archive.lock";
/// How often a lock is tried again that somebody holds.
const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// Takes a folder for a store, and makes it where nothing was archived yet.
pub(super) fn lock(
    folder: &Path,
    store: &str,
    known: &[SegmentRecord],
) -> Result<File, ArchiveError> {
    match known.last() {
        None => fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?,
        Some(last) => has_some(folder, last)?,
    }
    keep(folder).map_err(|error| unwritable(folder, error))?;
    let path = folder.join(LOCK);
    let open = File::options().create(true).truncate(false).write(true).open(&path);
    let file = open.map_err(|error| unwritable(&path, error))?;
    let mut tries = 0;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            // A dry run holds it for as long as it takes to see that nobody else does.
            Err(TryLockError::WouldBlock) if tries < TRIES => {
                tries += 1;
                thread::sleep(BETWEEN_TRIES);
            }
            Err(TryLockError::WouldBlock) => {
                return Err(ArchiveError::Busy { folder: folder.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(unwritable(&path, error)),
        }
    }
    claim(folder, store)?;
    Ok(file)
}

/// Refuses a folder that has nothing of the archive: it is another one, and stays free for another store.
fn has_some(folder: &Path, last: &SegmentRecord) -> Result<(), ArchiveError> {
    let SegmentRecord { file, folder: written, .. } = last;
    if folder.join(IDENTITY).exists() || folder.join(file).exists() {
        return Ok(());
    }
    Err(ArchiveError::Incomplete {
        folder: folder.to_owned(),
        file: file.clone(),
        reason: format!("is not there, and was written to {written}"),
    })
}

/// What lies in a folder, looked at before the store is asked what it knows: of what is there by then, the store knows all
/// that any event has left for, as long as nobody archives to it.
pub(super) struct Before {
    names: Vec<String>,
    identity: Option<String>,
    /// Somebody archives to it: events may leave for any of its files at any moment.
    is_busy: bool,
}

/// Looks at a folder before the store is asked, and changes nothing.
pub(super) fn before(folder: &Path) -> Result<Before, ArchiveError> {
    let mut before = Before { names: Vec::new(), identity: None, is_busy: false };
    if !folder.is_dir() {
        return Ok(before);
    }
    before.names = names(folder)?;
    let identity = folder.join(IDENTITY);
    before.identity = match fs::read_to_string(&identity) {
        Ok(found) => Some(found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(unwritable(&identity, error)),
    };
    // Last: who held it when the names were read has either ended since, or holds it still.
    before.is_busy = is_locked(&folder.join(LOCK))?;
    Ok(before)
}

/// Whether somebody holds a lock, which is not made for that.
fn is_locked(path: &Path) -> Result<bool, ArchiveError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(unwritable(path, error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(unwritable(path, error)),
    }
}

/// Looks at a folder as [`lock`] and [`prepare`] would, and changes nothing. Gives the files that were there before, and that
/// the store does not know; none while somebody archives, since it may come to know them.
pub(super) fn look(
    folder: &Path,
    before: Before,
    store: Option<&str>,
    known: &[SegmentRecord],
) -> Result<Vec<String>, ArchiveError> {
    if let Some(last) = known.last() {
        has_some(folder, last)?;
    }
    let there = folder.ancestors().find(|it| it.symlink_metadata().is_ok());
    let there = there.filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let found = fs::metadata(there).map_err(|error| unwritable(there, error))?;
    if !found.is_dir() {
        return Err(unwritable(there, io::ErrorKind::NotADirectory.into()));
    }
    if found.permissions().readonly() {
        return Err(unwritable(there, io::ErrorKind::PermissionDenied.into()));
    }
    if there != folder {
        // It would be made.
        return Ok(Vec::new());
    }
    if let Some(found) = before.identity.filter(|it| store.map(identity_of).as_ref() != Some(it)) {
        let store = store.unwrap_or("one that has archived nothing yet");
        return Err(of_another(folder, &found, store));
    }
    let (_, unknown) = survey(folder, before.names, known)?;
    Ok(if before.is_busy { Vec::new() } else { unknown })
}

/// Makes the name of a folder durable, and those of the folders that it lies in: the files in it must not vanish with it. Who
/// made them, a run that was cut off or an operator a moment ago, need not have done that.
fn keep(folder: &Path) -> io::Result<()> {
    for above in folders_above(folder)? {
        match segment::sync_folder(&above) {
            // It was not made by who may not even look into it.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            synced => synced?,
        }
    }
    Ok(())
}

/// The folders that a folder lies in, the nearest first, as far as they are of its file system.
fn folders_above(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let real = fs::canonicalize(folder)?;
    let of = file_system(&fs::metadata(&real)?);
    let is_same = |it: &&Path| fs::metadata(it).is_ok_and(|found| file_system(&found) == of);
    Ok(real.ancestors().skip(1).take_while(is_same).map(Path::to_owned).collect())
}

#[cfg(unix)]
fn file_system(found: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::dev(found)
}

#[cfg(not(unix))]
fn file_system(_: &fs::Metadata) -> u64 {
    0
}

/// Makes sure that a folder has no archive but that of a store.
fn claim(folder: &Path, store: &str) -> Result<(), ArchiveError> {
    let path = folder.join(IDENTITY);
    let ours = identity_of(store);
    match fs::read_to_string(&path) {
        Ok(found) if found == ours => Ok(()),
        Ok(found) => Err(of_another(folder, &found, store)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let draft = folder.join(format!("{IDENTITY}{DRAFT}"));
            let written = File::create(&draft).and_then(|mut file| {
                file.write_all(ours.as_bytes())?;
                file.sync_all()
            });
            written.map_err(|error| unwritable(&draft, error))?;
            segment::publish(folder, IDENTITY)?;
            segment::sync_folder(folder).map_err(|error| unwritable(folder, error))
        }
        Err(error) => Err(unwritable(&path, error)),
    }
}

/// What the file says by which a folder says whose archive it has.
fn identity_of(store: &str) -> String {
    format!("{{\"store\": {}}}\n", segment::quoted(store))
}

fn of_another(folder: &Path, found: &str, store: &str) -> ArchiveError {
    let found = found.trim().to_owned();
    let (folder, store) = (folder.to_owned(), store.to_owned());
    ArchiveError::OtherStore { folder, found, store }
}

/// Looks whether all that was archived is there, and removes what a run that was cut off has not completed. Gives the
/// number of the next file, and the files that the store does not know.
pub(super) fn prepare(
    folder: &Path,
    known: &[SegmentRecord],
) -> Result<(u64, Vec<String>), ArchiveError> {
    let found = survey(folder, names(folder)?, known)?;
    remove_drafts(folder)?;
    Ok(found)
}

/// The same of these names, without removing anything.
fn survey(
    folder: &Path,
    names: Vec<String>,
    known: &[SegmentRecord],
) -> Result<(u64, Vec<String>), ArchiveError> {
    for SegmentRecord { file, bytes, .. } in known {
        let incomplete = |reason: String| ArchiveError::Incomplete {
            folder: folder.to_owned(),
            file: file.clone(),
            reason,
        };
        match fs::metadata(folder.join(file)) {
            Ok(found) if found.len() == *bytes => {}
            Ok(found) => {
                return Err(incomplete(format!("has {} bytes, and had {bytes}", found.len())));
            }
            Err(error) => return Err(incomplete(format!("can't be read ({error})"))),
        }
    }
    let (mut last, mut unknown) = (known.iter().map(|it| it.number).max().unwrap_or(0), Vec::new());
    for name in names {
        if let Some(number) = number_of(&name) {
            last = last.max(number);
            if known.iter().all(|it| it.file != name) {
                unknown.push(name);
            }
        } else if let Some(number) = number_of_manifest(&name) {
            last = last.max(number);
        }
    }
    unknown.sort();
    Ok((last + 1, unknown))
}

/// Removes what a run that was cut off has not completed.
pub(super) fn remove_drafts(folder: &Path) -> Result<(), ArchiveError> {
    for name in names(folder)? {
        let complete = name.strip_suffix(DRAFT);
        let is_ours = |it| number_of(it).or_else(|| number_of_manifest(it)).is_some();
        if complete.is_some_and(is_ours) {
            let path = folder.join(name);
            fs::remove_file(&path).map_err(|error| unwritable(&path, error))?;
        }
    }
    Ok(())
}

/// The names of what lies in a folder, as far as they are text.
fn names(folder: &Path) -> Result<Vec<String>, ArchiveError> {
    let unreadable = |error| unwritable(folder, error);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        names.extend(entry.map_err(unreadable)?.file_name().into_string());
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that a run had made which was cut off a moment later, or an operator, was there, and so nothing made its name
    /// durable: after a power cut it could be gone, with all files that events had left for.
    #[test]
    fn the_name_of_a_folder_that_is_there_is_made_durable() {
        let around = tempfile::tempdir().expect("a folder");
        let folder = around.path().join("of").join("archive");
        fs::create_dir_all(&folder).expect("a folder");
        let real = around.path().canonicalize().expect("a folder");
        let above = folders_above(&folder).expect("folders");
        assert!(above.starts_with(&[real.join("of"), real]), "{above:?}");
        drop(lock(&folder, "a store", &[]).expect("it is taken"));
    }
}
