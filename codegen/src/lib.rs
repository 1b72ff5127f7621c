//! Compiles an ontology to Rust: load, resolve, check, lock, emit, write.
//!
//! Called from a build script:
//!
//! ```no_run
//! eventloom_codegen::Build::new("../ontology").compile_or_exit();
//! ```
//!
//! The stages never call each other: [`compile_sources`] does, from text to text, and [`Build`] reads
//! and writes around it.

use std::collections::BTreeMap;

pub mod catalogue;
pub mod check;
#[cfg(feature = "cli")]
pub mod cli;
pub mod diagnostic;
pub mod emit;
pub mod load;
pub mod lock;
pub mod model;
pub mod naming;
pub mod render;
pub mod resolve;
pub mod source;
pub mod suggest;
pub mod syntax;

mod build_script;
mod calendar;
mod commas;
mod write;

pub use build_script::{Build, Failure, Report};

use catalogue::events::VERSIONS;
use catalogue::lock::REMOVED;
use diagnostic::Diagnostic;
use source::Sources;

/// The generated file that a program includes.
pub const ROOT_FILE: &str = "eventloom.rs";

/// What became of an ontology.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What was found, by file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// The generated files by path; none where there is an error.
    pub files: BTreeMap<String, String>,
}

/// An ontology as far as it could be understood: loaded, resolved and checked.
#[derive(Clone, Debug, Default)]
pub struct Understood {
    /// As written, without the parts that were wrong.
    pub syntax: syntax::Ontology,
    /// As meant; none where it could not be resolved.
    pub model: Option<model::Ontology>,
    /// Its events alone, where the rest could not be resolved.
    pub events: Option<model::Ontology>,
    /// What was found.
    pub diagnostics: Vec<Diagnostic>,
}

/// Loads, resolves and checks an ontology that is in memory.
#[must_use]
pub fn understand(sources: &Sources) -> Understood {
    let loaded = load::load(sources);
    let mut diagnostics = loaded.diagnostics;
    let (mut model, mut events) = (None, None);
    if loaded.complete {
        // Where names could not be read, resolving would report them as missing.
        let (resolved, found) = resolve::resolve(&loaded.ontology, sources);
        diagnostics.extend(found);
        diagnostics.extend(check::check(&loaded.ontology, resolved.as_ref()));
        if resolved.is_none() {
            events = resolve::events(&loaded.ontology);
        }
        model = resolved;
        check::settle(&mut diagnostics, &loaded.ontology.allowed);
    }
    Understood { syntax: loaded.ontology, model, events, diagnostics }
}

/// Compiles an ontology that is in memory. `emit::Options` say where the generated file is included.
#[must_use]
pub fn compile_sources(sources: &Sources, options: &emit::Options) -> Outcome {
    let understood = understand(sources);
    let released = lock::check(&understood, sources);
    let Understood { model, mut diagnostics, .. } = understood;
    // A gap in a history is told once: where its version was released, with what it was.
    let is_told = |gap: &Diagnostic| {
        released.iter().any(|found| found.code.id == REMOVED.id && found.primary.0 == gap.primary.0)
    };
    diagnostics.retain(|found| found.code.id != VERSIONS.id || !is_told(found));
    diagnostics.extend(released);
    diagnostic::sort(&mut diagnostics);
    let sound = !diagnostic::has_errors(&diagnostics);
    if !sound {
        // What nothing seems to use may be used where the mistake is.
        diagnostics.retain(|found| found.severity == diagnostic::Severity::Error);
    }
    assert!(model.is_some() || !sound, "an ontology is neither understood nor refused");
    let files = model.filter(|_| sound).map(|model| emit::emit(&model, options));
    Outcome { diagnostics, files: files.unwrap_or_default() }
}
