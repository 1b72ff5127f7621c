//! Source files and places in them.

/// Index of a file in [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub usize);

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

/// A file of an ontology.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The path as it is shown to people.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// The files of one build, in the order of their paths.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The files; [`FileId`] is an index.
    pub files: Vec<SourceFile>,
}
