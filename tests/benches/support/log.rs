//! How many commits a database's write-ahead log holds: the same count for whoever writes it.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

/// Bytes before the first frame of a log, and before the page of each frame.
const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// A log that began empty and is not begun anew, because somebody reads.
pub(crate) struct Held {
    path: PathBuf,
    _reader: Connection,
}

impl Held {
    /// Moves the log of a database into its file, and holds what comes after.
    pub(crate) fn new(database: &Path) -> Self {
        let reader = Connection::open(database).expect("the database opens");
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        let busy = reader.query_row(checkpoint, [], |row| row.get::<_, bool>(0));
        assert!(!busy.expect("a checkpoint"), "somebody else reads");
        let read = "SELECT count(*) FROM sqlite_schema";
        reader.execute_batch("BEGIN").expect("begin");
        reader.query_row(read, [], |_| Ok(())).expect("a read");
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        Self { path: path.into(), _reader: reader }
    }

    /// The commits in the log. The last frame of each has the length of the file after it.
    ///
    /// To open what lies beside a database and close it drops the locks that this process has on it, so the
    /// runtime never does. Of the log nobody has any: they lie on the file and on the shared memory.
    pub(crate) fn commits(&self) -> usize {
        let log = fs::read(&self.path).expect("the log");
        let (header, frames) = log.split_at(HEADER);
        let page = u32::from_be_bytes([header[8], header[9], header[10], header[11]]);
        let frames = frames.chunks_exact(FRAME_HEADER + page as usize);
        let valid = frames.take_while(|frame| frame[8..16] == header[16..24]);
        valid.filter(|frame| frame[4..8] != [0; 4]).count()
    }
}
