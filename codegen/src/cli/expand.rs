//! `eventloom expand`: the generated code on standard output.

use clap::Args;

use super::Found;
use super::failure::Failure;
use super::ontology::Ontology;
use super::screen::Screen;
use crate::ROOT_FILE;
use crate::emit::Options;
use crate::suggest::nearest;

const EXAMPLE: &str = "\
Example:
  eventloom expand ontology --only bank_account.rs";

/// Print the Rust that an ontology becomes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Expand {
    #[command(flatten)]
    ontology: Ontology,

    /// Only a module (`bank_account.rs`), or the tests (`harness.rs`)
    #[arg(long, value_name = "FILE")]
    only: Option<String>,
}

impl Expand {
    pub(super) fn run(self, screen: &mut Screen) -> Result<Found, Failure> {
        let options = Options::for_package("crate");
        let Some(outcome) = self.ontology.compiled(&options)? else {
            return Ok(Found::Something);
        };
        let code = outcome.files.get(ROOT_FILE).map_or("", String::as_str);
        let Some(only) = &self.only else {
            screen.text(code)?;
            return Ok(Found::Nothing);
        };
        if let Some(file) = outcome.files.get(only) {
            screen.text(file)?;
            return Ok(Found::Nothing);
        }
        let modules = modules(code);
        let wanted = only.strip_suffix(".rs").unwrap_or(only);
        match modules.iter().find(|(name, _)| name.trim_start_matches("r#") == wanted) {
            Some((_, text)) => screen.text(text)?,
            None => {
                let files = outcome.files.keys().map(String::as_str);
                return Err(unknown(only, modules.iter().map(|(name, _)| *name).chain(files)));
            }
        }
        Ok(Found::Nothing)
    }
}

/// The modules of a generated file: name and text, with what stands above each.
fn modules(code: &str) -> Vec<(&str, String)> {
    let mut modules = Vec::new();
    let (mut name, mut text) = (None, String::new());
    for line in code.lines() {
        name = name.or_else(|| line.strip_prefix("pub mod ")?.strip_suffix(" {"));
        if name.is_some() || !(line.is_empty() && text.is_empty()) {
            text.push_str(line);
            text.push('\n');
        }
        match (line, name) {
            ("}", Some(found)) => {
                modules.push((found, std::mem::take(&mut text)));
                name = None;
            }
            // What stands above the first module is the file's own.
            ("", None) => text.clear(),
            _ => {}
        }
    }
    modules
}

fn unknown<'n>(only: &str, names: impl Iterator<Item = &'n str>) -> Failure {
    let names: Vec<&str> = names.collect();
    let wanted = only.strip_suffix(".rs").unwrap_or(only);
    let near = |name| nearest(name, names.iter().copied());
    let help = match near(wanted).or_else(|| near(only)) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("there are {}", names.join(", ")),
    };
    Failure::usage(format!("no module or file `{only}` is generated"), help)
}
