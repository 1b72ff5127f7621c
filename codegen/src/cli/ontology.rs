//! The ontology that is asked about, for every command that takes one.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::Failure;
use crate::catalogue::load::{NO_FILES, UNREADABLE};
use crate::diagnostic::{self, Diagnostic, has_errors};
use crate::emit::Options;
use crate::render::{Colour, render};
use crate::source::Sources;
use crate::{Outcome, Understood, compile_sources, understand};

/// The file or folder to read.
#[derive(Clone, Debug, Args)]
pub(super) struct Ontology {
    /// A YAML file, or a folder of them
    #[arg(value_name = "PATH", default_value = "ontology")]
    path: PathBuf,
}

impl Ontology {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn read(&self) -> Sources {
        Sources::read_as_typed(&self.path)
    }

    /// The generated files; none where there are mistakes, which are then told.
    pub(super) fn compiled(&self, options: &Options) -> Result<Option<Outcome>, Failure> {
        let sources = self.read();
        let outcome = compile_sources(&sources, options);
        if !has_errors(&outcome.diagnostics) {
            return Ok(Some(outcome));
        }
        refused(&outcome.diagnostics, &sources)?;
        Ok(None)
    }
}

/// An ontology without mistakes of its own; none where it has some, which are then told.
pub(super) fn understood(sources: &Sources) -> Result<Option<Understood>, Failure> {
    let mut understood = understand(sources);
    if !has_errors(&understood.diagnostics) {
        return Ok(Some(understood));
    }
    diagnostic::sort(&mut understood.diagnostics);
    refused(&understood.diagnostics, sources)?;
    Ok(None)
}

/// Tells mistakes on standard error, where standard output is for something else. That a part could not be
/// read is a failure.
pub(super) fn refused(found: &[Diagnostic], sources: &Sources) -> Result<(), Failure> {
    let report = render(found, sources, Colour::Ansi);
    // Nothing can be done where standard error takes nothing.
    let _ = anstream::stderr().write_all(report.as_bytes());
    if could_not_read(found) { Err(Failure::Reported) } else { Ok(()) }
}

/// Whether a part of the ontology was not there to be read: that is no mistake in it.
pub(super) fn could_not_read(found: &[Diagnostic]) -> bool {
    found.iter().any(|found| [&UNREADABLE, &NO_FILES].contains(&found.code))
}
