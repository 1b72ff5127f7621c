//! Why the command could not run. What it finds in an ontology is no failure of its own.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::write::WriteError;

/// Why the command could not run.
#[derive(Debug)]
pub(super) enum Failure {
    /// It was asked for what there is not, or what can't be done.
    Usage {
        /// What is wrong.
        message: String,
        /// What to do.
        help: String,
    },
    /// A file or folder can't be read or written.
    File {
        /// What was tried: "read" or "write".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// What was found can't be told: the ontology could not be read, as has been reported.
    Reported,
    /// Standard output takes nothing.
    Output(io::Error),
}

impl Failure {
    pub(super) fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), help: help.into() }
    }

    pub(super) fn read(path: &Path, error: io::Error) -> Self {
        Self::File { what: "read", path: path.to_owned(), error }
    }

    pub(super) fn write(path: &Path, error: io::Error) -> Self {
        Self::File { what: "write", path: path.to_owned(), error }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage { message, help } => write!(f, "{message}\nhelp: {help}"),
            Self::File { what, path, error } => {
                write!(f, "cannot {what} `{}`: {error}", path.display())
            }
            Self::Reported => Ok(()),
            Self::Output(error) => write!(f, "cannot write the output: {error}"),
        }
    }
}

impl From<WriteError> for Failure {
    fn from(failed: WriteError) -> Self {
        Self::write(&failed.path, failed.error)
    }
}
