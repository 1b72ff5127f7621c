//! `movements.rejected.csv` of `movements.csv`: every row that was not applied, with the reason, in the
//! order of the file.
//!
//! It is written from the start in each run, beside its final place, and moved there when the run is
//! complete: a run that was killed leaves the last complete file as it was, and the next one writes the
//! same file as if nothing had happened. Where nothing was rejected there is no such file.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use super::row::{COLUMNS, Fields};
use crate::failure::Failure;

/// The rejected rows of one run.
pub(crate) struct Rejected {
    path: PathBuf,
    partial: PathBuf,
    writer: csv::Writer<BufWriter<File>>,
    rows: u64,
}

impl Rejected {
    /// Opens the file that belongs to an imported file, and keeps other imports of it out.
    pub(crate) fn create(imported: &Path) -> Result<Self, Failure> {
        let path = path(imported);
        if fs::symlink_metadata(&path).is_ok_and(|there| there.is_dir()) {
            return Err(failed(&path, &"it is a folder; move it away"));
        }
        let partial = appended(&path, ".partial");
        let file = lock(&partial)?;
        file.set_len(0).map_err(|error| failed(&partial, &error))?;
        let mut writer = csv::Writer::from_writer(BufWriter::new(file));
        let header = COLUMNS.into_iter().chain(["error", "message", "line"]);
        writer.write_record(header).map_err(|error| failed(&partial, &error))?;
        Ok(Self { path, partial, writer, rows: 0 })
    }

    /// Adds a row: its fields as they were, the error's name and message, and its line.
    pub(crate) fn add(
        &mut self,
        line: u64,
        fields: &Fields,
        error: &str,
        message: &str,
    ) -> Result<(), Failure> {
        let line = line.to_string();
        let known = (0..COLUMNS.len()).map(|index| fields.get(index).unwrap_or_default());
        let record = known.chain([error, message, line.as_str()]);
        self.rows += 1;
        self.writer.write_record(record).map_err(|error| failed(&self.partial, &error))
    }

    /// Puts the complete file in its place; gives its path if there is one.
    pub(crate) fn finish(self) -> Result<Option<PathBuf>, Failure> {
        let Self { path, partial, writer, rows } = self;
        let file = writer
            .into_inner()
            .map_err(|error| failed(&partial, error.error()))?
            .into_inner()
            .map_err(|error| failed(&partial, error.error()))?;
        if rows > 0 {
            file.sync_all().and_then(|()| fs::rename(&partial, &path))
        } else {
            fs::remove_file(&partial).and_then(|()| remove_if_there(&path))
        }
        .map_err(|error| failed(&path, &error))?;
        Ok((rows > 0).then_some(path))
    }
}

/// `rows.csv` → `rows.rejected.csv`, any other `rows` → `rows.rejected`: no two files share one.
fn path(imported: &Path) -> PathBuf {
    if imported.extension().is_some_and(|extension| extension == "csv") {
        imported.with_extension("rejected.csv")
    } else {
        appended(imported, ".rejected")
    }
}

fn appended(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Opens the file that is written, for nobody else. What lies in its place and is no file is left
/// alone: a link would lead into somebody else's file.
fn lock(partial: &Path) -> Result<File, Failure> {
    if fs::symlink_metadata(partial).is_ok_and(|there| !there.is_file()) {
        return Err(failed(partial, &"it is a link, a folder or a device; move it away"));
    }
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(partial)
        .map_err(|error| failed(partial, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::failed(
            "ImportRunning",
            format_args!(
                "another import of this file is running (it holds {}); wait for it to end",
                partial.display()
            ),
        )),
        Err(TryLockError::Error(error)) => Err(failed(partial, &error)),
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::failed(
        "RejectedFileFailed",
        format_args!("can't write the rejected rows to {}: {error}", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rejected_file_stands_beside_the_imported_one() {
        assert_eq!(path(Path::new("in/rows.csv")), Path::new("in/rows.rejected.csv"));
        assert_eq!(path(Path::new("in/rows")), Path::new("in/rows.rejected"));
        assert_eq!(path(Path::new("in/rows.txt")), Path::new("in/rows.txt.rejected"));
        assert_eq!(path(Path::new("in/a.b.csv")), Path::new("in/a.b.rejected.csv"));
    }
}
