//! The last stage: generated text to disk.
//!
//! Only what changed is written, so that cargo rebuilds no more than it must. All texts are on disk
//! under other names before the first takes its place, so that a full disk leaves the old output.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file that could not be written.
#[derive(Debug)]
pub(crate) struct WriteError {
    /// The file.
    pub(crate) path: PathBuf,
    /// Why.
    pub(crate) error: io::Error,
}

/// A text that waits beside its place.
struct Staged {
    path: PathBuf,
    waiting: PathBuf,
}

/// Writes the files that differ from what is there. Gives their paths.
pub(crate) fn write(
    folder: &Path,
    files: &BTreeMap<String, String>,
) -> Result<Vec<PathBuf>, WriteError> {
    let mut staged = Vec::new();
    let written = stage_all(folder, files, &mut staged).and_then(|()| move_all(&staged));
    for file in &staged {
        // Gone already where it was moved into place; a left-over is harmless and overwritten.
        let _ = fs::remove_file(&file.waiting);
    }
    written.map(|()| staged.into_iter().map(|file| file.path).collect())
}

fn stage_all(
    folder: &Path,
    files: &BTreeMap<String, String>,
    staged: &mut Vec<Staged>,
) -> Result<(), WriteError> {
    for (name, text) in files {
        let path = folder.join(name);
        let is_same = fs::read(&path).is_ok_and(|old| old == text.as_bytes());
        if !is_same {
            stage(path, text, staged)?;
        }
    }
    Ok(())
}

fn stage(path: PathBuf, text: &str, staged: &mut Vec<Staged>) -> Result<(), WriteError> {
    let failed = |error| WriteError { path: path.clone(), error };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    // Two builds that write the same folder at once must not share a waiting file.
    let mut waiting = path.clone().into_os_string();
    waiting.push(format!(".{}.waiting", std::process::id()));
    let waiting = PathBuf::from(waiting);
    let written = fs::write(&waiting, text);
    staged.push(Staged { path: path.clone(), waiting });
    written.map_err(failed)
}

fn move_all(staged: &[Staged]) -> Result<(), WriteError> {
    for file in staged {
        fs::rename(&file.waiting, &file.path)
            .map_err(|error| WriteError { path: file.path.clone(), error })?;
    }
    Ok(())
}
