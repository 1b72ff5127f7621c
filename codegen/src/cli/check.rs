//! `eventloom check`: the mistakes of an ontology, once or whenever it changes.

use std::thread::sleep;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::Found;
use super::failure::Failure;
use super::ontology::{Ontology, could_not_read};
use super::report;
use super::screen::Screen;
use crate::compile_sources;
use crate::diagnostic::{Diagnostic, Severity};
use crate::emit::Options;
use crate::render::{Colour, render};
use crate::source::Sources;

const EXAMPLE: &str = "\
Example:
  eventloom check ontology --watch
  eventloom check ontology --format github     in a workflow of GitHub's";

/// How long a change may go unseen. Reading a few small files costs less than being told of changes
/// reliably on every system and network drive.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long nothing new must come before it is looked at.
const SETTLED_AFTER: Duration = Duration::from_millis(50);

/// Tell the mistakes of an ontology, without generating anything.
///
/// Warnings alone are told, and count as nothing found.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Check {
    #[command(flatten)]
    ontology: Ontology,

    /// How they are told
    #[arg(long, value_enum, default_value = "text")]
    format: Format,

    /// Check again whenever a file changes, until interrupted
    #[arg(long)]
    watch: bool,

    /// Let warnings count as something found
    #[arg(long)]
    deny_warnings: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// As rustc does
    Text,
    /// One JSON document on one line
    Json,
    /// Annotations of a pull request on GitHub
    Github,
}

impl Check {
    pub(super) fn run(self, screen: &mut Screen) -> Result<Found, Failure> {
        let mut sources = self.ontology.read();
        if !self.watch {
            return self.tell(&sources, screen);
        }
        loop {
            screen.clear()?;
            // What can't be read now may be there in a moment: an editor replaces files.
            match self.tell(&sources, screen) {
                Ok(_) | Err(Failure::Reported) => {}
                Err(failure) => return Err(failure),
            }
            let path = self.ontology.path().display();
            screen.remark(&format!("watching {path}; Ctrl-C ends it"))?;
            screen.flush()?;
            if screen.is_closed() {
                return Ok(Found::Nothing);
            }
            sources = self.changed(&sources);
        }
    }

    /// Waits until the files hold something else, and for a moment nothing new: an editor that saves
    /// empties a file before it fills it.
    fn changed(&self, before: &Sources) -> Sources {
        let mut last = self.ontology.read();
        loop {
            let is_new = !same(before, &last);
            sleep(if is_new { SETTLED_AFTER } else { LOOK_EVERY });
            let now = self.ontology.read();
            if is_new && same(&last, &now) {
                return now;
            }
            last = now;
        }
    }

    fn tell(&self, sources: &Sources, screen: &mut Screen) -> Result<Found, Failure> {
        let found = compile_sources(sources, &Options::for_package("")).diagnostics;
        match self.format {
            Format::Text => screen.text(&render(&found, sources, Colour::Ansi))?,
            Format::Json => screen.line(&report::json(&found, sources))?,
            Format::Github => screen.text(&report::github(&found, sources))?,
        }
        if self.format == Format::Text {
            screen.remark(&summary(&found, sources))?;
        }
        if could_not_read(&found) {
            return Err(Failure::Reported);
        }
        let counts = |found: &Diagnostic| self.deny_warnings || found.severity == Severity::Error;
        Ok(if found.iter().any(counts) { Found::Something } else { Found::Nothing })
    }
}

/// `2 errors and 1 warning in 3 files`
fn summary(found: &[Diagnostic], sources: &Sources) -> String {
    let of = |severity| found.iter().filter(|found| found.severity == severity).count();
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    let told = match (errors, warnings) {
        (0, 0) => "no mistakes".to_owned(),
        (errors, 0) => counted(errors, "error"),
        (0, warnings) => counted(warnings, "warning"),
        (errors, warnings) => {
            format!("{} and {}", counted(errors, "error"), counted(warnings, "warning"))
        }
    };
    format!("{told} in {}", counted(sources.files.len(), "file"))
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Whether two readings found the same. A file that can't be read is told by why it can't.
fn same(a: &Sources, b: &Sources) -> bool {
    let told = |sources: &Sources| -> Vec<(String, String, Option<String>)> {
        let files = sources.files.iter().chain(&sources.lock);
        files
            .map(|file| {
                let refused = file.refused.as_ref().map(|refused| refused.title.clone());
                (file.path.clone(), file.text.clone(), refused)
            })
            .collect()
    };
    told(a) == told(b)
}
