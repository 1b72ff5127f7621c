//! `eventloom schema`: the JSON Schema for editors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;

use super::Found;
use super::failure::Failure;
use super::generate::staleness;
use super::json_schema;
use super::screen::{Screen, printable};
use crate::write::write;

const EXAMPLE: &str = "\
Example:
  eventloom schema --to ontology/eventloom.schema.json

An editor that understands YAML then completes, explains and checks every file that begins with
  # yaml-language-server: $schema=eventloom.schema.json";

/// Print or write the JSON Schema by which editors complete and check an ontology.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Schema {
    /// The file to write; without it, the schema is printed
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,

    /// Write nothing; tell whether the file is up to date
    #[arg(long, requires = "to")]
    check: bool,
}

impl Schema {
    pub(super) fn run(self, screen: &mut Screen) -> Result<Found, Failure> {
        let text = json_schema::text();
        let Some(path) = &self.to else {
            screen.text(&text)?;
            return Ok(Found::Nothing);
        };
        let shown = printable(&path.display().to_string());
        if self.check {
            let Some(state) = staleness(path, &text)? else { return Ok(Found::Nothing) };
            screen.line(&format!("{state}: {shown}"))?;
            return Ok(Found::Something);
        }
        if !write_file(path, text)? {
            screen.remark(&format!("{shown} is up to date"))?;
        } else {
            screen.remark(&format!("wrote {shown}"))?;
        }
        Ok(Found::Nothing)
    }
}

/// Writes one file; whether it changed.
pub(super) fn write_file(path: &Path, text: String) -> Result<bool, Failure> {
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
        Failure::usage(format!("`{}` names no file", path.display()), "name the file to write")
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    Ok(!write(folder, &BTreeMap::from([(name.to_owned(), text)]))?.is_empty())
}
