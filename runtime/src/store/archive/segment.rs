//! A segment on its way to the disk: blocks under a temporary name, then the file and its manifest under theirs.
//!
//! All of this blocks, and is to be run where that may be.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::block::{
    self, BLOCK_BYTES, BLOCK_EVENTS, BLOCK_EVENTS_APART, BLOCK_POSITIONS, BlockPlace, hex,
};
use super::form::{self, ArchivedEvent};
use super::report::ArchiveError;
use super::{LeavingBlock, LeavingEvent, SegmentRecord, folder};
use crate::codec::Writer;
use crate::store::{StoreError, StoredEvent};
use crate::values::Timestamp;

/// What a file has at its end that is not complete.
pub(super) const DRAFT: &str = ".tmp";
const ENDING: &str = ".ndjson.gz";
const MANIFEST: &str = ".manifest.json";

/// Name of the file of a segment.
pub(super) fn file_name(number: u64) -> String {
    format!("{number:06}{ENDING}")
}

fn manifest_name(number: u64) -> String {
    format!("{number:06}{MANIFEST}")
}

/// Digits of the number of a segment, at most: what has more is none of ours.
const DIGITS: usize = 12;

/// The number of the segment that a file of this name holds.
pub(super) fn number_of(name: &str) -> Option<u64> {
    let number = name.strip_suffix(ENDING).filter(|digits| digits.len() <= DIGITS)?.parse().ok()?;
    (file_name(number) == name).then_some(number)
}

/// The number of the segment whose manifest has this name.
pub(super) fn number_of_manifest(name: &str) -> Option<u64> {
    let number =
        name.strip_suffix(MANIFEST).filter(|digits| digits.len() <= DIGITS)?.parse().ok()?;
    (manifest_name(number) == name).then_some(number)
}

/// A file that is being written.
pub(super) struct Draft {
    folder: PathBuf,
    number: u64,
    aggregate: &'static str,
    file: File,
    hash: Sha256,
    bytes: u64,
    events: u64,
    blocks: Vec<LeavingBlock>,
    /// The block that is being filled.
    lines: Vec<u8>,
    open: Vec<ArchivedEvent>,
    leaving: Vec<LeavingEvent>,
}

/// A file that is complete.
pub(super) struct Segment {
    pub(super) record: SegmentRecord,
    pub(super) events: u64,
    pub(super) blocks: Vec<LeavingBlock>,
}

impl Draft {
    /// Begins a file for events of an aggregate type.
    pub(super) fn begin(
        folder: &Path,
        number: u64,
        aggregate: &'static str,
    ) -> Result<Self, ArchiveError> {
        let path = draft_path(folder, &file_name(number));
        let file = File::create(&path).map_err(|error| unwritable(&path, error))?;
        Ok(Self {
            folder: folder.to_owned(),
            number,
            aggregate,
            file,
            hash: Sha256::new(),
            bytes: 0,
            events: 0,
            blocks: Vec::new(),
            lines: Vec::new(),
            open: Vec::new(),
            leaving: Vec::new(),
        })
    }

    /// Events that it has.
    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// Adds an event, which comes after those before it in the order of positions.
    pub(super) fn add(&mut self, event: &StoredEvent<'_>, stream: i64) -> Result<(), ArchiveError> {
        form::write(event, &mut self.lines).map_err(|_| not_text(event))?;
        self.open.push(ArchivedEvent::from(event));
        let (position, sequence) = (event.position, event.meta.sequence);
        self.leaving.push(LeavingEvent { position, stream, sequence });
        self.events += 1;
        if self.is_block_full() {
            self.end_block()?;
        }
        Ok(())
    }

    fn is_block_full(&self) -> bool {
        let bounds = self.leaving.first().zip(self.leaving.last());
        let positions = bounds.map_or(0, |(first, last)| last.position - first.position);
        let is_wide = positions >= BLOCK_POSITIONS && self.open.len() >= BLOCK_EVENTS_APART;
        self.lines.len() >= BLOCK_BYTES || self.open.len() >= BLOCK_EVENTS || is_wide
    }

    /// Compresses and writes what was added, after it was read back as what it is.
    fn end_block(&mut self) -> Result<(), ArchiveError> {
        let Some((first, last)) = self.leaving.first().zip(self.leaving.last()) else {
            return Ok(());
        };
        let path = draft_path(&self.folder, &file_name(self.number));
        let unwritable = |error| unwritable(&path, error);
        let bytes = block::compress(&self.lines).map_err(unwritable)?;
        let types: BTreeSet<&str> =
            self.open.iter().map(|event| event.shape.event_type.as_str()).collect();
        let place = BlockPlace {
            segment: self.number,
            block: u32::try_from(self.blocks.len() + 1).unwrap_or(u32::MAX),
            file: file_name(self.number),
            folder: self.folder.display().to_string(),
            start: self.bytes,
            length: bytes.len() as u64,
            lines: self.lines.len() as u64,
            first: first.position,
            last: last.position,
            sha256: Sha256::digest(&bytes).into(),
            aggregate: self.aggregate.to_owned(),
            types: types.into_iter().map(str::to_owned).collect(),
        };
        let read =
            block::open(&bytes, &place).map_err(|why| folder::damaged(&path, &place, &why))?;
        if read != self.open {
            let why = "an event is not read from it as it was written";
            return Err(folder::damaged(&path, &place, why).into());
        }
        self.file.write_all(&bytes).map_err(unwritable)?;
        self.hash.update(&bytes);
        self.bytes += place.length;
        self.lines.clear();
        self.open.clear();
        self.blocks.push(LeavingBlock { place, events: std::mem::take(&mut self.leaving) });
        Ok(())
    }

    /// Writes what is left and waits for the disk.
    pub(super) fn end(mut self, archived_at: Timestamp) -> Result<Segment, ArchiveError> {
        self.end_block()?;
        let file = file_name(self.number);
        self.file
            .sync_all()
            .map_err(|error| unwritable(&draft_path(&self.folder, &file), error))?;
        let bounds = self.blocks.first().zip(self.blocks.last());
        let (first, last) = bounds.map_or((0, 0), |(a, b)| (a.place.first, b.place.last));
        let record = SegmentRecord {
            number: self.number,
            aggregate: self.aggregate.to_owned(),
            file,
            folder: self.folder.display().to_string(),
            bytes: self.bytes,
            sha256: self.hash.finalize().into(),
            first,
            last,
            archived_at,
        };
        Ok(Segment { record, events: self.events, blocks: self.blocks })
    }
}

impl Segment {
    /// Gives the file its name.
    pub(super) fn name(&self, folder: &Path) -> Result<(), ArchiveError> {
        publish(folder, &self.record.file)
    }

    /// Writes the manifest, and makes both names durable.
    pub(super) fn describe(&self, folder: &Path, store: &str) -> Result<(), ArchiveError> {
        let manifest = manifest_name(self.record.number);
        let path = draft_path(folder, &manifest);
        let written = File::create(&path).and_then(|mut draft| {
            draft.write_all(self.manifest(store).as_bytes())?;
            draft.sync_all()
        });
        written.map_err(|error| unwritable(&path, error))?;
        publish(folder, &manifest)?;
        sync_folder(folder).map_err(|error| unwritable(folder, error))
    }

    /// Reads the file back, and all of its blocks.
    pub(super) fn verify(&self, folder: &Path) -> Result<(), ArchiveError> {
        let path = folder.join(&self.record.file);
        let unreadable = |error| unwritable(&path, error);
        let mut file = File::open(&path).map_err(unreadable)?;
        let mut hash = Sha256::new();
        for LeavingBlock { place, .. } in &self.blocks {
            let mut bytes = Vec::new();
            (&mut file).take(place.length).read_to_end(&mut bytes).map_err(unreadable)?;
            hash.update(&bytes);
            block::open(&bytes, place).map_err(|why| folder::damaged(&path, place, &why))?;
        }
        let rest = file.read(&mut [0]).map_err(unreadable)?;
        let found: [u8; 32] = hash.finalize().into();
        if rest == 0 && found == self.record.sha256 {
            return Ok(());
        }
        Err(StoreError::Corrupt {
            what: "archive file".to_owned(),
            place: path.display().to_string(),
            reason: "it is not what was written a moment ago; no event has left the store for it: check the disk"
                .to_owned(),
        }
        .into())
    }

    /// What people are told of the file, and what it can be checked by without the store.
    fn manifest(&self, store: &str) -> String {
        let SegmentRecord { aggregate, file, bytes, sha256, first, last, archived_at, .. } =
            &self.record;
        let mut text = String::new();
        let mut line = |indent: usize, line: String| {
            text.extend(std::iter::repeat_n(' ', indent));
            text.push_str(&line);
            text.push('\n');
        };
        line(0, "{".to_owned());
        line(2, format!("\"store\": {},", quoted(store)));
        line(2, format!("\"file\": {},", quoted(file)));
        line(2, format!("\"aggregate\": {},", quoted(aggregate)));
        line(2, format!("\"archivedAt\": {},", quoted(&archived_at.to_string())));
        line(2, format!("\"events\": {},", self.events));
        line(2, format!("\"firstPosition\": {first},"));
        line(2, format!("\"lastPosition\": {last},"));
        line(2, format!("\"bytes\": {bytes},"));
        line(2, format!("\"sha256\": \"{}\",", hex(sha256)));
        line(2, "\"blocks\": [".to_owned());
        for (index, LeavingBlock { place, events }) in self.blocks.iter().enumerate() {
            let comma = if index + 1 < self.blocks.len() { "," } else { "" };
            let BlockPlace { start, length, first, last, sha256, types, .. } = place;
            let (events, sha256) = (events.len(), hex(sha256));
            let types = block::types_as_text(types);
            line(
                4,
                format!(
                    "{{\"offset\": {start}, \"bytes\": {length}, \"events\": {events}, \"types\": {types}, \
                     \"firstPosition\": {first}, \"lastPosition\": {last}, \"sha256\": \"{sha256}\"}}{comma}"
                ),
            );
        }
        line(2, "]".to_owned());
        line(0, "}".to_owned());
        text
    }
}

impl From<&StoredEvent<'_>> for ArchivedEvent {
    fn from(event: &StoredEvent<'_>) -> Self {
        Self {
            shape: std::sync::Arc::new(crate::store::StoredShape {
                aggregate: event.aggregate.to_owned(),
                event_type: event.event_type.to_owned(),
                version: event.version,
            }),
            position: event.position,
            meta: event.meta.clone(),
            data: event.data.to_vec(),
        }
    }
}

/// A text as JSON.
pub(super) fn quoted(text: &str) -> String {
    let mut out = Writer::default();
    out.text(text);
    String::from_utf8_lossy(&out.into_bytes()).into_owned()
}

fn draft_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{DRAFT}"))
}

/// Gives a complete file its name, which no file has.
pub(super) fn publish(folder: &Path, name: &str) -> Result<(), ArchiveError> {
    let path = folder.join(name);
    if path.symlink_metadata().is_ok() {
        let error = io::Error::from(io::ErrorKind::AlreadyExists);
        return Err(unwritable(&path, error));
    }
    fs::rename(draft_path(folder, name), &path).map_err(|error| unwritable(&path, error))
}

/// Makes names durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

pub(super) fn unwritable(path: &Path, error: io::Error) -> ArchiveError {
    let advice = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space, or archive to another disk, and try again"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "make the folder writable, and try again"
        }
        _ => "check the folder and the disk, and try again",
    };
    ArchiveError::Unwritable { path: path.to_owned(), error, advice }
}

fn not_text(event: &StoredEvent<'_>) -> ArchiveError {
    StoreError::Corrupt {
        what: format!("event {} v{}", event.event_type, event.version),
        place: format!("position {}", event.position),
        reason: "its data is not UTF-8, and can't be archived as it is; restore it from a backup"
            .to_owned(),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Metadata, Position, StreamId};
    use crate::values::Uuid;

    /// Events in the blocks of a segment whose events lie so far apart.
    fn in_blocks(apart: Position) -> Vec<usize> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut draft = Draft::begin(folder.path(), 1, "A").expect("a file");
        for sequence in 1..=200 {
            let meta = Metadata {
                event_id: Uuid::from_u128(7),
                stream_id: StreamId::from("a"),
                sequence,
                at: Timestamp::MIN,
                recorded_at: Timestamp::MIN,
                actor: None,
                correlation_id: None,
                causation_id: None,
                traceparent: None,
            };
            let event = StoredEvent {
                aggregate: "A",
                event_type: "Moved",
                version: 1,
                position: sequence * apart,
                data: b"{}",
                meta: &meta,
            };
            draft.add(&event, 1).expect("it is added");
        }
        let segment = draft.end(Timestamp::MIN).expect("it ends");
        segment.blocks.iter().map(|block| block.events.len()).collect()
    }

    /// What aged out long after its neighbours was put into few blocks, each over very many positions: every page of those had
    /// to unpack it.
    #[test]
    fn events_far_apart_have_blocks_of_their_own() {
        assert_eq!(in_blocks(1), [200]);
        assert_eq!(in_blocks(82), [200]);
        assert_eq!(in_blocks(164), [101, 99]);
        assert_eq!(in_blocks(100_000), [64, 64, 64, 8]);
    }
}
