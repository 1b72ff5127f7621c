//! `eventloom generate`: the generated code into a folder, for those who keep it under version control.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;

use super::Found;
use super::failure::Failure;
use super::ontology::Ontology;
use super::screen::{Screen, printable};
use crate::emit::Options;
use crate::write::write;

const EXAMPLE: &str = "\
Example:
  eventloom generate --to src/generated ontology
  eventloom generate --to src/generated --check     in CI: is it up to date?

The library then has `include!(\"generated/eventloom.rs\");`, and no build script.";

/// Write the generated code to a folder.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Generate {
    #[command(flatten)]
    ontology: Ontology,

    /// The folder to write to
    #[arg(long, value_name = "DIR")]
    to: PathBuf,

    /// Write nothing; name the files that are not up to date
    #[arg(long)]
    check: bool,

    /// The Rust module that includes the code [default: the root of the library whose Cargo.toml is nearest]
    #[arg(long, value_name = "MODULE")]
    module: Option<String>,
}

impl Generate {
    pub(super) fn run(self, screen: &mut Screen) -> Result<Found, Failure> {
        let module_path = match &self.module {
            Some(module) => module_path(module)?,
            None => crate_around(&self.to),
        };
        let Some(outcome) = self.ontology.compiled(&Options { module_path })? else {
            return Ok(Found::Something);
        };
        if self.check {
            return self.name_stale(&outcome.files, screen);
        }
        let written = write(&self.to, &outcome.files)?;
        for path in &written {
            screen.remark(&format!("wrote {}", printable(&path.display().to_string())))?;
        }
        if written.is_empty() {
            screen.remark("everything is up to date")?;
        }
        Ok(Found::Nothing)
    }

    fn name_stale(
        &self,
        files: &BTreeMap<String, String>,
        screen: &mut Screen,
    ) -> Result<Found, Failure> {
        let mut found = Found::Nothing;
        for (name, text) in files {
            let path = self.to.join(name);
            if let Some(state) = staleness(&path, text)? {
                found = Found::Something;
                screen.line(&format!("{state}: {}", printable(&path.display().to_string())))?;
            }
        }
        if found == Found::Something {
            screen.remark("run the same without --check")?;
        }
        Ok(found)
    }
}

/// What keeps a file from being the text; none where it is.
pub(super) fn staleness(path: &Path, text: &str) -> Result<Option<&'static str>, Failure> {
    match fs::read(path) {
        Ok(found) if found == text.as_bytes() => Ok(None),
        Ok(_) => Ok(Some("stale")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Some("missing")),
        Err(error) => Err(Failure::read(path, error)),
    }
}

/// A module's path as it is written in code: it must be one, or the generated code would not compile.
fn module_path(written: &str) -> Result<String, Failure> {
    let is_name = |part: &str| {
        let mut letters = part.trim_start_matches("r#").chars();
        letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    if written.split("::").all(is_name) {
        return Ok(written.to_owned());
    }
    Err(Failure::usage(
        format!("`{written}` is no path of a module"),
        "write it as in code, for example `my_crate::domain`",
    ))
}

/// The crate of the package that a folder lies in, as code names it.
fn crate_around(folder: &Path) -> String {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let package = absolute
        .ancestors()
        .find_map(|folder| package_name(&fs::read_to_string(folder.join("Cargo.toml")).ok()?));
    package.map_or_else(|| "crate".to_owned(), |name| Options::for_package(&name).module_path)
}

/// The name of the package in a manifest; none where it is a workspace's alone.
fn package_name(manifest: &str) -> Option<String> {
    let mut lines = manifest.lines().map(str::trim);
    lines.find(|line| line.split('#').next().is_some_and(|line| line.trim() == "[package]"))?;
    let mut keys = lines.take_while(|line| !line.starts_with('['));
    keys.find_map(|line| {
        let (key, value) = line.split_once('=')?;
        let value = value.trim_start().strip_prefix(['"', '\''])?;
        let name = value.split(['"', '\'']).next()?;
        (key.trim() == "name").then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::package_name;

    #[test]
    fn the_package_gives_its_name_and_nothing_else_does() {
        let manifest =
            "[workspace]\nname = \"w\"\n[package] # it\nversion = \"1\"\nname = 'my-shop'\n";
        assert_eq!(package_name(manifest).as_deref(), Some("my-shop"));
        assert_eq!(package_name("[workspace]\n[[bin]]\nname = \"a\"\n"), None);
        assert_eq!(package_name("[package]\nversion = \"1\"\n[lib]\nname = \"a\"\n"), None);
    }
}
