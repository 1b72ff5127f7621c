//! Source files and places in them.
//!
//! Reading is here ([`Sources::read`]); parsing is `load`'s, and that of the lock is `lock`'s. A file that
//! can't be read becomes a file with a finding instead of a text, so that the others are still checked.

mod read;

#[cfg(feature = "cli")]
pub(crate) use read::is_ontology_file;
pub use read::lock_path;

use crate::diagnostic::Diagnostic;

/// The largest file that is read: an ontology is written by people.
pub const MAX_BYTES: usize = 1 << 20;

/// The largest lock: some ten thousand versions of events.
pub const MAX_LOCK_BYTES: usize = 1 << 24;

/// The name of the lock, in the folder of the ontology.
pub const LOCK_FILE: &str = "eventloom.lock";

/// Index of a file in [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub usize);

impl FileId {
    /// The lock, which is no file of the ontology.
    pub const LOCK: Self = Self(usize::MAX);
}

/// A range of bytes in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// A value with the place it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// The place.
    pub span: Span,
}

/// A place as people count: both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A file of an ontology.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The path as it is shown to people.
    pub path: String,
    /// The path for generated text: from the ontology's folder on, the same on every machine.
    pub name: String,
    /// The whole text, without a byte order mark.
    pub text: String,
    /// Why the text must not be used, where it could not be read.
    pub refused: Option<Diagnostic>,
    /// The first byte of each line.
    lines: Vec<usize>,
}

impl SourceFile {
    /// A file with this text.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let (path, mut text) = (path.into(), text.into());
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        let lines = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1))
            .collect();
        Self { name: path.clone(), path, text, refused: None, lines }
    }

    /// Line and column of a byte; of the end where the byte is past it.
    #[must_use]
    pub fn position(&self, byte: usize) -> Position {
        let byte = self.floor(byte);
        let line = self.lines.partition_point(|start| *start <= byte);
        let start = self.lines[line - 1]; // the first line starts at 0, so at least one is counted
        Position { line, column: self.text[start..byte].chars().count() + 1 }
    }

    /// The bytes of the lines from the one with `start` to the one with `end`, and the number of the
    /// first.
    pub(crate) fn lines_around(&self, start: usize, end: usize) -> (std::ops::Range<usize>, usize) {
        let (first, last) = (self.position(start).line, self.position(end).line);
        let until = self.lines.get(last).copied().unwrap_or(self.text.len());
        (self.lines[first - 1]..until, first)
    }

    /// The next place at or before a byte where the text can be cut.
    pub(crate) fn floor(&self, byte: usize) -> usize {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        byte
    }
}

/// The files of one build, in the order of their paths.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The files; [`FileId`] is an index.
    pub files: Vec<SourceFile>,
    /// What has been released ([`FileId::LOCK`]); none where nothing has.
    pub lock: Option<SourceFile>,
    /// Aggregates of files that lie beside the only file of a build, and share its lock.
    pub beside: Vec<String>,
}

impl Sources {
    /// Files that are in memory, as path and text.
    pub fn from_texts<P: Into<String>, T: Into<String>>(
        files: impl IntoIterator<Item = (P, T)>,
    ) -> Self {
        let mut sources = Self::default();
        for (path, text) in files {
            sources.add_bytes(path, text.into().into_bytes());
        }
        sources
    }

    /// With this text as the lock.
    #[must_use]
    pub fn with_lock(mut self, path: impl Into<String>, text: impl Into<String>) -> Self {
        self.lock = Some(SourceFile::new(path, text));
        self
    }

    /// The file of an id.
    #[must_use]
    pub fn file(&self, id: FileId) -> Option<&SourceFile> {
        match id {
            FileId::LOCK => self.lock.as_ref(),
            FileId(index) => self.files.get(index),
        }
    }

    /// The text of a place; empty where there is no such place.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.file(span.file).and_then(|file| file.text.get(span.start..span.end)).unwrap_or("")
    }
}
