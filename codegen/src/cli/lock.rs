//! `eventloom lock`: releases what the ontology says now, so that every later build keeps it readable.

use clap::Args;

use super::Found;
use super::failure::Failure;
use super::generate::staleness;
use super::ontology::Ontology;
use super::schema::write_file;
use super::screen::{Screen, printable};
use crate::lock::{self, Acceptance, Current, Refused};
use crate::source::{Sources, lock_path};

const EXAMPLE: &str = "\
Example:
  eventloom lock ontology
  eventloom lock --check     in CI: is everything locked that is about to be released?
  eventloom lock --accept EL0905 --reason \"never deployed\"";

/// Write the lock: what is released with this version, and must stay readable for ever.
///
/// A change that stored events could not survive is refused, unless it is accepted with a reason.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Lock {
    #[command(flatten)]
    ontology: Ontology,

    /// Accept what a code reports although it breaks what was released; may be repeated
    #[arg(long, value_name = "CODE", requires = "reason")]
    accept: Vec<String>,

    /// Why, which the lock keeps; once for each --accept, in the same order
    #[arg(long, value_name = "TEXT", requires = "accept")]
    reason: Vec<String>,

    /// Write nothing; tell whether the lock is up to date
    #[arg(long, conflicts_with = "accept")]
    check: bool,
}

impl Lock {
    pub(super) fn run(self, screen: &mut Screen) -> Result<Found, Failure> {
        let accepted = self.accepted()?;
        let sources = self.ontology.read();
        let Some(text) = next(&sources, &accepted)? else { return Ok(Found::Something) };
        let path = lock_path(self.ontology.path());
        let shown = printable(&path.display().to_string());
        if self.check {
            let Some(state) = staleness(&path, &text)? else { return Ok(Found::Nothing) };
            screen.line(&format!("{state}: {shown}"))?;
            return Ok(Found::Something);
        }
        let what = if write_file(&path, text)? { "wrote" } else { "nothing to add to" };
        screen.remark(&format!("{what} {shown}"))?;
        Ok(Found::Nothing)
    }

    fn accepted(&self) -> Result<Vec<Acceptance>, Failure> {
        if self.accept.len() != self.reason.len() {
            return Err(Failure::usage(
                "each --accept has a --reason of its own",
                "write `--accept CODE --reason \"…\"` once for each code",
            ));
        }
        let pairs = self.accept.iter().zip(&self.reason);
        Ok(pairs
            .map(|(code, reason)| Acceptance { code: code.clone(), reason: reason.clone() })
            .collect())
    }
}

/// The text of the next lock; none where the ontology or the lock stands against it, which is then told.
fn next(sources: &Sources, accepted: &[Acceptance]) -> Result<Option<String>, Failure> {
    let understood = super::ontology::understood(sources)?;
    let Some(current) = understood.as_ref().and_then(|found| Current::of(found, sources)) else {
        return Ok(None);
    };
    let old = match lock::read(sources) {
        Ok(old) => old,
        Err(found) => return super::ontology::refused(&found, sources).map(|()| None),
    };
    match lock::write(current, old.as_ref(), accepted) {
        Ok(text) => Ok(Some(text)),
        Err(Refused::Breaks(found)) => {
            super::ontology::refused(&found, sources)?;
            Ok(None)
        }
        Err(refused @ (Refused::NoReason(_) | Refused::NothingToAccept(_))) => Err(Failure::usage(
            refused.to_string(),
            "`eventloom lock` without --accept tells what would break, by code",
        )),
    }
}
