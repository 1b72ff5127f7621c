//! The compiler as a build script calls it: reads the ontology, tells cargo what to watch, writes.
//!
//! Everything about cargo, its environment and its output format is here and nowhere else.

use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Severity, has_errors};
use crate::emit::Options;
use crate::render::{Colour, render};
use crate::source::{Sources, lock_path};
use crate::write::{WriteError, write};
use crate::{Outcome, ROOT_FILE, compile_sources};

/// Compiles an ontology from a build script.
///
/// ```no_run
/// eventloom_codegen::Build::new("../ontology").compile_or_exit();
/// ```
#[derive(Clone, Debug)]
pub struct Build {
    ontology: PathBuf,
    out_dir: Option<PathBuf>,
    module_path: Option<String>,
}

/// What a build did.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The files that changed.
    pub written: Vec<PathBuf>,
    /// The warnings, one line each.
    pub warnings: Vec<String>,
}

/// Why a build did not succeed. Its `Debug` is as readable as its `Display`, since that is what a
/// build script shows that unwraps it.
pub enum Failure {
    /// The ontology has mistakes. Nothing was written.
    Ontology {
        /// Every mistake with its place.
        report: String,
        /// The first one in a line.
        first: String,
        /// How many there are.
        errors: usize,
    },
    /// A file could not be written.
    Output {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// There is no folder to write to.
    NoOutDir,
}

impl Build {
    /// Compiles a file, or the `.yaml` and `.yml` files of a folder. A relative path starts at the
    /// folder of the package's Cargo.toml.
    pub fn new(ontology: impl Into<PathBuf>) -> Self {
        Self { ontology: ontology.into(), out_dir: None, module_path: None }
    }

    /// Writes to this folder instead of cargo's `OUT_DIR`.
    #[must_use]
    pub fn out_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(folder.into());
        self
    }

    /// Names the module that includes the generated file, for the examples in its documentation:
    /// `my_crate::domain`. Without it, the examples take the root of the package's library.
    #[must_use]
    pub fn module_path(mut self, path: impl Into<String>) -> Self {
        self.module_path = Some(path.into());
        self
    }

    /// Compiles the ontology and writes what changed; nothing where there is a mistake.
    ///
    /// # Errors
    /// Where the ontology has mistakes, or its output can't be written.
    pub fn compile(&self) -> Result<Report, Failure> {
        let folder = self.folder()?;
        let sources = Sources::read(&self.ontology);
        self.watch();
        let outcome = compile_sources(&sources, &self.options());
        if has_errors(&outcome.diagnostics) {
            return Err(mistakes(&outcome, &sources));
        }
        let written = write(&folder, &outcome.files)?;
        let warnings = outcome.diagnostics.iter().map(|found| line(found, &sources)).collect();
        Ok(Report { written, warnings })
    }

    /// Compiles the ontology; where that fails, says why and ends the build script.
    ///
    /// In rust-analyzer's own run of the build script, mistakes don't end it: the last good output
    /// stays, with a `compile_error!` on top, so that types don't vanish while one types.
    pub fn compile_or_exit(&self) {
        match self.compile() {
            Ok(report) => {
                report.warnings.iter().for_each(|warning| println!("cargo::warning={warning}"));
            }
            Err(failure) => {
                eprintln!("{failure}");
                if !(is_rust_analyzer() && self.keep_last_output(&failure)) {
                    std::process::exit(1);
                }
            }
        }
    }

    fn options(&self) -> Options {
        match &self.module_path {
            Some(path) => Options { module_path: path.clone() },
            None => Options::for_package(&env::var("CARGO_PKG_NAME").unwrap_or_default()),
        }
    }

    fn folder(&self) -> Result<PathBuf, Failure> {
        let from_cargo = || env::var_os("OUT_DIR").map(PathBuf::from);
        self.out_dir.clone().or_else(from_cargo).ok_or(Failure::NoOutDir)
    }

    /// Tells cargo when to run the build script again. Only what exists is named: cargo would take a
    /// missing file for one that always changed. A first lock changes the folder; beside a single file it is
    /// noticed with the file's next change, and until then says what was just built.
    fn watch(&self) {
        if env::var_os("OUT_DIR").is_none() || !self.ontology.exists() {
            return;
        }
        println!("cargo::rerun-if-changed={}", self.ontology.display());
        let entries = fs::read_dir(&self.ontology).into_iter().flatten().flatten();
        let mut files: Vec<_> = entries.map(|entry| entry.path()).filter(|p| p.is_file()).collect();
        let lock = lock_path(&self.ontology);
        if lock.exists() && !files.contains(&lock) {
            files.push(lock);
        }
        files.sort();
        for file in files {
            println!("cargo::rerun-if-changed={}", file.display());
        }
    }

    /// Puts a `compile_error!` on top of the last output. Whether that worked.
    fn keep_last_output(&self, failure: &Failure) -> bool {
        let Failure::Ontology { first, errors, .. } = failure else { return false };
        let Ok(folder) = self.folder() else { return false };
        // A build from the command line must run again and fail.
        println!("cargo::rerun-if-env-changed=RA_RUSTC_WRAPPER");
        println!("cargo::rerun-if-env-changed=RUSTC_WRAPPER");
        if !self.ontology.exists() {
            // Always changed for cargo, which so runs this again until it is there.
            println!("cargo::rerun-if-changed={}", self.ontology.display());
        }
        let last = fs::read_to_string(folder.join(ROOT_FILE)).unwrap_or_default();
        let text = with_compile_error(&last, first, *errors);
        write(&folder, &[(ROOT_FILE.to_owned(), text)].into()).is_ok()
    }
}

/// The last output with a `compile_error!` as its first line.
fn with_compile_error(last: &str, first: &str, errors: usize) -> String {
    let good = match last.strip_prefix("compile_error!(") {
        Some(marked) => marked.split_once('\n').map_or("", |(_, good)| good),
        None => last,
    };
    let more = match errors {
        0 | 1 => String::new(),
        errors => format!(" (and {} more: run `cargo build`)", errors - 1),
    };
    format!("compile_error!({:?});\n{good}", format!("{first}{more}"))
}

/// Whether rust-analyzer runs the build script to learn about generated code. It names itself as the
/// compiler's wrapper then; its check on save is a common build, in which mistakes are errors.
fn is_rust_analyzer() -> bool {
    let wraps = |wrapper| Path::new(&wrapper).file_stem().is_some_and(|s| s == "rust-analyzer");
    env::var_os("RA_RUSTC_WRAPPER").is_some() || env::var_os("RUSTC_WRAPPER").is_some_and(wraps)
}

fn mistakes(outcome: &Outcome, sources: &Sources) -> Failure {
    let is_error = |found: &&Diagnostic| found.severity == Severity::Error;
    let errors = outcome.diagnostics.iter().filter(is_error).count();
    let first = outcome.diagnostics.iter().find(is_error);
    Failure::Ontology {
        report: render(&outcome.diagnostics, sources, colour()),
        first: first.map(|found| line(found, sources)).unwrap_or_default(),
        errors,
    }
}

/// Cargo reads a build script's output through a pipe, so colours come only where they are asked for.
fn colour() -> Colour {
    match env::var("CARGO_TERM_COLOR") {
        Ok(when) if when == "always" => Colour::Ansi,
        _ => Colour::Plain,
    }
}

/// A finding in one line: `ontology/bank.yaml:3:5: the title [EL0030]`.
fn line(found: &Diagnostic, sources: &Sources) -> String {
    let (span, code) = (found.primary.0, found.code.id);
    // Cargo takes what stands in a line of its own for something else.
    let title = found.title.replace(char::is_control, " ");
    let Some(file) = sources.file(span.file) else { return format!("{title} [{code}]") };
    let position = file.position(span.start);
    format!("{}:{}:{}: {title} [{code}]", file.path, position.line, position.column)
}

impl From<WriteError> for Failure {
    fn from(failed: WriteError) -> Self {
        Self::Output { path: failed.path, error: failed.error }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ontology { report, errors, .. } => {
                let errors = if *errors == 1 { "1 error" } else { &format!("{errors} errors") };
                write!(f, "\n{report}error: the ontology has {errors}; nothing was generated")
            }
            Self::Output { path, error } => {
                write!(f, "error: cannot write `{}`: {error}", path.display())
            }
            Self::NoOutDir => f.write_str(
                "error: there is no folder to write to: call this from a build script, where cargo \
                 sets OUT_DIR, or name one with `out_dir`",
            ),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Output { error, .. } => Some(error),
            Self::Ontology { .. } | Self::NoOutDir => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::with_compile_error;

    #[test]
    fn the_last_good_output_stays_under_one_error() {
        let once = with_compile_error("mod bank {}\n", "a.yaml:1:1: \"x\" is wrong", 1);
        assert_eq!(once, "compile_error!(\"a.yaml:1:1: \\\"x\\\" is wrong\");\nmod bank {}\n");
        let twice = with_compile_error(&once, "a.yaml:2:1: y", 3);
        let more = "(and 2 more: run `cargo build`)";
        assert_eq!(twice, format!("compile_error!(\"a.yaml:2:1: y {more}\");\nmod bank {{}}\n"));
    }
}
