//! Why a command of `bank` ends without success, and the exit code that says so.
//!
//! Four codes, so that a script can tell a business answer from a broken disk: 0 done, 1 refused by
//! the bank's rules, 2 asked wrongly, 3 the store or a file failed.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use eventloom_runtime::projection::{ProjectorError, ReadDatabaseError, ReadModelError};
use eventloom_runtime::store::archive::ArchiveError;
use eventloom_runtime::{ExecuteError, Refusal, StoreError};
use generated_example::bank_account::BankAccountError;
use serde_json::{Value, json};

/// Why a command of `bank` ends without success.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The bank's rules say no; nothing was appended.
    Refused {
        /// The ontology's name of the refusal.
        error: String,
        /// Why, in words.
        message: String,
    },
    /// The question itself is wrong: a file that isn't there, a header that isn't the format's.
    Usage(String),
    /// A store or a file failed.
    Failed {
        /// A stable name of the failure.
        error: &'static str,
        /// What happened, and what to do.
        message: String,
    },
    /// Something failed, and all there is to say of it has been said.
    Told,
    /// The reader of our output has gone away (`bank export | head`): nothing to say, nothing failed.
    OutputClosed,
}

impl Failure {
    /// A failure with a stable name.
    pub(crate) fn failed(error: &'static str, message: impl fmt::Display) -> Self {
        Self::Failed { error, message: message.to_string() }
    }

    /// A refusal of the bank's.
    pub(crate) fn refused(refusal: &BankAccountError) -> Self {
        let (error, message) = (refusal.name().to_owned(), refusal.message().to_owned());
        Self::Refused { error, message }
    }

    /// The failure of a file, with its path where the message does not name it.
    #[must_use]
    pub(crate) fn at(self, path: &Path) -> Self {
        match self {
            Self::Failed { error, message } if !message.contains(&*path.to_string_lossy()) => {
                Self::Failed { error, message: format!("{}: {message}", path.display()) }
            }
            other => other,
        }
    }

    /// The exit code: see the module.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::OutputClosed => 0,
            Self::Refused { .. } => 1,
            Self::Usage(_) => 2,
            Self::Failed { .. } | Self::Told => 3,
        })
    }

    /// The word that opens the message for people.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            _ => "error:",
        }
    }

    /// The message for people.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Refused { error, message } => format!("{error}: {message}"),
            Self::Usage(message) | Self::Failed { message, .. } => message.clone(),
            Self::Told => "it failed".to_owned(),
            Self::OutputClosed => "the output was closed".to_owned(),
        }
    }

    /// The failure as one JSON object.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Refused { error, message } => {
                json!({"outcome": "refused", "error": error, "message": message})
            }
            Self::Usage(message) => {
                json!({"outcome": "failed", "error": "Usage", "message": message})
            }
            Self::Failed { error, message } => {
                json!({"outcome": "failed", "error": error, "message": message})
            }
            Self::Told => json!({"outcome": "failed", "error": "Told"}),
            Self::OutputClosed => json!({"outcome": "failed", "error": "OutputClosed"}),
        }
    }
}

/// Failures to write to standard output; files name themselves where they are opened.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::OutputClosed
        } else {
            Self::failed("OutputFailed", format_args!("can't write the output: {error}"))
        }
    }
}

impl From<ExecuteError<BankAccountError>> for Failure {
    fn from(error: ExecuteError<BankAccountError>) -> Self {
        let message = error.to_string();
        match error {
            ExecuteError::Refused(refusal) => Self::refused(&refusal),
            ExecuteError::RefusedBefore { name, message } => Self::Refused { error: name, message },
            ExecuteError::Invalid(_) => Self::Refused { error: "InvalidInput".to_owned(), message },
            ExecuteError::CommandIdReused { .. } => {
                Self::Refused { error: "CommandIdReused".to_owned(), message }
            }
            ExecuteError::Store(error) => error.into(),
            ExecuteError::Conflict { .. } => Self::failed("Conflict", message),
            ExecuteError::Projection { .. } => Self::failed("ProjectionFailed", message),
            _ => Self::failed("CommandFailed", message),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let name = match error {
            StoreError::Unavailable(_) => "StoreUnavailable",
            StoreError::Unwritable(_) => "StoreUnwritable",
            StoreError::OutcomeUnknown(_) => "OutcomeUnknown",
            StoreError::Corrupt { .. } => "StoreCorrupt",
            StoreError::ArchivedHistoryUnavailable { .. } => {
                let message = format!("{error} (`--archive DIR`)");
                return Self::failed("ArchivedHistoryUnavailable", message);
            }
            StoreError::UnfinishedCopy { .. } => {
                let message = format!("{error} (`bank copy --from … --to …`)");
                return Self::failed("UnfinishedCopy", message);
            }
            StoreError::UnknownVersion { .. } => "UnknownVersion",
            StoreError::ShapeMismatch { .. } => "ShapeMismatch",
            StoreError::Foreign(_) => "ForeignFile",
            _ => "StoreFailed",
        };
        Self::failed(name, error)
    }
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Store(error) => error.into(),
            error => Self::failed("NotArchived", error),
        }
    }
}

impl From<ProjectorError> for Failure {
    fn from(error: ProjectorError) -> Self {
        match error {
            ProjectorError::Store(error) => error.into(),
            poison @ (ProjectorError::Stopped { .. }
            | ProjectorError::Parked { .. }
            | ProjectorError::RebuildStopped { .. }) => {
                Self::failed("ReadModelFailed", format_args!("{poison}: see `bank poison`"))
            }
            error => Self::failed("ReadModelFailed", error),
        }
    }
}

impl From<ReadModelError> for Failure {
    fn from(error: ReadModelError) -> Self {
        Self::failed("ReadModelFailed", error)
    }
}

impl From<ReadDatabaseError> for Failure {
    fn from(error: ReadDatabaseError) -> Self {
        Self::failed("ReadModelFailed", error)
    }
}
