//! Blocks: some events of an archive that are compressed, checked and read together.
//!
//! Each is a gzip member of its own: `zcat` reads a file from its first to its last, and a reader any one of them.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::form::{self, ArchivedEvent};
use crate::codec::Writer;
use crate::metadata::Position;
use crate::store::PAGE_POSITIONS;

/// Bytes of lines after which a block takes no further event.
pub(super) const BLOCK_BYTES: usize = 256 * 1024;
/// Events that a block takes at most.
pub(super) const BLOCK_EVENTS: usize = 1024;

/// Positions over which the events of a block lie, give or take a few events: a page looks at as many. What aged out long
/// after its neighbours lies far apart, and a full block of that would be in the way of very many pages.
pub(super) const BLOCK_POSITIONS: Position = PAGE_POSITIONS;
/// Events that a block takes though they lie further apart: fewer are hardly worth a place of their own.
pub(super) const BLOCK_EVENTS_APART: usize = 64;

/// Where a block lies, and what it must be, by the store's tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockPlace {
    /// Number of its segment.
    pub segment: u64,
    /// Number of the block in its segment, from 1.
    pub block: u32,
    /// Name of the segment's file.
    pub file: String,
    /// The folder in which the file was written.
    pub folder: String,
    /// Offset of its first byte in the file.
    pub start: u64,
    /// Bytes in the file.
    pub length: u64,
    /// Bytes of its lines.
    pub lines: u64,
    /// Position of its first event.
    pub first: Position,
    /// Position of its last event.
    pub last: Position,
    /// SHA-256 of its bytes in the file.
    pub sha256: [u8; 32],
    /// The aggregate type of its events.
    pub aggregate: String,
    /// The stored types of its events, in order, each once. Who reads none of them need not read it.
    pub types: Vec<String>,
}

/// Types of events as they are noted in a table.
pub(in crate::store) fn types_as_text(types: &[String]) -> String {
    let mut out = Writer::default();
    out.list(types);
    String::from_utf8_lossy(&out.into_bytes()).into_owned()
}

/// Types of events from how they are noted in a table.
pub(in crate::store) fn types_of_text(text: &str) -> Result<Vec<String>, String> {
    serde_json::from_str(text).map_err(|error| format!("{text:?} are no types of events: {error}"))
}

/// Why a block can't be read.
#[derive(Debug)]
pub(super) enum Unread {
    /// There is no such file, or it can't be opened.
    Missing(io::Error),
    /// It is not what it should be.
    Damaged(String),
    /// The disk failed.
    Failed(io::Error),
}

/// Compresses lines.
pub(super) fn compress(lines: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(lines.len() / 4), Compression::default());
    encoder.write_all(lines)?;
    encoder.finish()
}

/// Reads a block of a file and checks it.
pub(super) fn read(file: &Path, place: &BlockPlace) -> Result<Vec<ArchivedEvent>, Unread> {
    // Opening a pipe would wait for somebody who writes to it.
    let found = fs::metadata(file).map_err(unread)?;
    if !found.is_file() {
        return Err(Unread::Damaged("it is no file".to_owned()));
    }
    let mut file = File::open(file).map_err(unread)?;
    let size = file.metadata().map_err(Unread::Failed)?.len();
    let end = place.start.saturating_add(place.length);
    if size < end {
        return Err(Unread::Damaged(format!("it ends at byte {size}, and had {end} at least")));
    }
    file.seek(SeekFrom::Start(place.start)).map_err(Unread::Failed)?;
    let mut bytes = Vec::new();
    file.take(place.length).read_to_end(&mut bytes).map_err(Unread::Failed)?;
    open(&bytes, place).map_err(Unread::Damaged)
}

/// A file that can't be opened is missing where there is none; it may be there and not be read.
fn unread(error: io::Error) -> Unread {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Unread::Missing(error),
        _ => Unread::Failed(error),
    }
}

/// The events of the bytes of a block.
pub(super) fn open(bytes: &[u8], place: &BlockPlace) -> Result<Vec<ArchivedEvent>, String> {
    let found: [u8; 32] = Sha256::digest(bytes).into();
    if found != place.sha256 {
        let (found, noted) = (hex(&found), hex(&place.sha256));
        let BlockPlace { start, length, .. } = place;
        return Err(format!(
            "{length} bytes from byte {start} on have the SHA-256 {found}, and had {noted} when they were written"
        ));
    }
    let mut lines = Vec::new();
    GzDecoder::new(bytes)
        .take(place.lines.saturating_add(1))
        .read_to_end(&mut lines)
        .map_err(|error| error.to_string())?;
    if lines.len() as u64 != place.lines {
        return Err(format!("a block has not the {} bytes of lines that it had", place.lines));
    }
    let events: Vec<ArchivedEvent> =
        lines.split_inclusive(|byte| *byte == b'\n').map(form::read).collect::<Result<_, _>>()?;
    let bounds = events.first().zip(events.last());
    let bounds = bounds.map(|(first, last)| (first.position, last.position));
    let is_noted = |event: &ArchivedEvent| {
        event.shape.aggregate == place.aggregate && place.types.contains(&event.shape.event_type)
    };
    match bounds == Some((place.first, place.last)) && events.iter().all(is_noted) {
        true => Ok(events),
        false => Err("a block has other events than it had".to_owned()),
    }
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
