//! `eventloom diff`: what changed since a release, a revision, or another ontology.

use std::path::Path;

use clap::Args;
use serde_json::json;

use super::failure::Failure;
use super::ontology::{Ontology, refused, understood};
use super::revision::ontology_at;
use super::screen::Screen;
use super::{Found, TextOrJson, report};
use crate::diagnostic;
use crate::lock::{self, Current, Diff as Changes, Lock};
use crate::render::{Colour, render};
use crate::source::Sources;

const EXAMPLE: &str = "\
Example:
  eventloom diff ontology
  eventloom diff --against git:main
  eventloom diff --against ../shop/ontology";

/// Tell what changed since something was released, and what follows from it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Diff {
    #[command(flatten)]
    ontology: Ontology,

    /// `lock`, `git:REVISION`, or the path of a lock or of another ontology
    #[arg(long, value_name = "WHAT", default_value = "lock")]
    against: String,

    /// How it is told
    #[arg(long, value_enum, default_value = "text")]
    format: TextOrJson,
}

impl Diff {
    pub(super) fn run(self, screen: &mut Screen) -> Result<Found, Failure> {
        let sources = self.ontology.read();
        let (sources, old) = match self.against.as_str() {
            "lock" => released(sources)?,
            against => match against.strip_prefix("git:") {
                Some(revision) => {
                    let then = ontology_at(revision, self.ontology.path())?;
                    (sources, of_ontology(&then, against)?)
                }
                None => against_path(sources, Path::new(against))?,
            },
        };
        let Some(understood) = understood(&sources)? else { return Ok(Found::Something) };
        let Some(current) = Current::of(&understood, &sources) else { return Ok(Found::Something) };
        let mut changes = lock::diff(&old, current);
        diagnostic::sort(&mut changes.findings);
        self.tell(&changes, &sources, screen)?;
        let nothing = changes.differences.is_empty() && changes.findings.is_empty();
        Ok(if nothing { Found::Nothing } else { Found::Something })
    }

    fn tell(
        &self,
        changes: &Changes,
        sources: &Sources,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        if self.format == TextOrJson::Text {
            screen.text(&changes.to_string())?;
            if !changes.findings.is_empty() {
                screen.line("")?;
            }
            return screen.text(&render(&changes.findings, sources, Colour::Ansi));
        }
        let document = json!({
            "version": 1,
            "differences": changes.differences,
            "follows": changes.follows,
            "accepted": changes.accepted,
            "diagnostics": report::findings(&changes.findings, sources),
        });
        screen.line(&document.to_string())
    }
}

/// What was released; nothing where there is no lock yet.
fn released(sources: Sources) -> Result<(Sources, Lock), Failure> {
    match lock::read(&sources) {
        Ok(old) => Ok((sources, old.unwrap_or_default())),
        Err(found) => {
            refused(&found, &sources)?;
            Err(Failure::Reported)
        }
    }
}

/// A lock elsewhere, or an ontology.
fn against_path(sources: Sources, path: &Path) -> Result<(Sources, Lock), Failure> {
    if path.extension().is_none_or(|end| end != "lock") {
        let then = Sources::read_as_typed(path);
        return Ok((sources, of_ontology(&then, &path.display().to_string())?));
    }
    let text = std::fs::read_to_string(path).map_err(|error| Failure::read(path, error))?;
    released(sources.with_lock(path.display().to_string(), text))
}

/// What a lock would say of another ontology, which must be sound.
fn of_ontology(then: &Sources, name: &str) -> Result<Lock, Failure> {
    let understood = understood(then)?;
    let current = understood.as_ref().and_then(|found| Current::of(found, then));
    current.map(Lock::of).ok_or_else(|| {
        Failure::usage(
            format!(
                "the ontology of `{name}` has mistakes, so that nothing can be compared with it"
            ),
            "compare with one that builds",
        )
    })
}
