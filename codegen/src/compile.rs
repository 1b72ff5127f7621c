//! From sources in memory to files in memory: the stages in their order, without a disk.

use std::collections::BTreeMap;

use crate::diagnostic::{self, Diagnostic};
use crate::load;
use crate::source::Sources;

/// What became of an ontology.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What was found, by file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// The generated files by path; none where there is an error.
    pub files: BTreeMap<String, String>,
}

/// Compiles an ontology that is in memory.
#[must_use]
pub fn compile_sources(sources: &Sources) -> Outcome {
    let mut outcome = Outcome::default();
    let loaded = load::load(sources);
    outcome.diagnostics.extend(loaded.diagnostics);
    diagnostic::sort(&mut outcome.diagnostics);
    outcome
}
