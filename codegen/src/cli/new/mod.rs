//! `eventloom new`: a package that builds, runs and passes its tests as it is.
//!
//! It is written whole or not at all, and never over anything that is there.

mod name;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use minijinja::{Environment, UndefinedBehavior, context};

use self::name::{PackageName, package_name};
use super::Found;
use super::failure::Failure;
use super::json_schema;
use super::screen::{STRONG, Screen, printable};

const EXAMPLE: &str = "\
Example:
  eventloom new shop
  cd shop
  cargo run
  cargo test";

/// The files of the package, and their templates.
const FILES: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("../templates/Cargo.toml.j2")),
    ("README.md", include_str!("../templates/README.md.j2")),
    ("build.rs", include_str!("../templates/build.rs.j2")),
    ("ontology/order.yaml", include_str!("../templates/order.yaml.j2")),
    ("src/lib.rs", include_str!("../templates/lib.rs.j2")),
    ("src/main.rs", include_str!("../templates/main.rs.j2")),
    ("tests/harness.rs", include_str!("../templates/harness.rs.j2")),
    (".gitignore", include_str!("../templates/gitignore.j2")),
    (".github/workflows/ci.yml", include_str!("../templates/ci.yml.j2")),
];

/// The schema lies beside the ontology, where its first line says it is.
const SCHEMA: &str = "ontology/eventloom.schema.json";

/// Begin a package: an ontology, a program, and the tests that come with it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct New {
    /// The name of the package, or a path that ends with it; nothing may be there yet
    #[arg(value_name = "NAME")]
    path: PathBuf,

    /// A clone of Eventloom's repository to depend on [default: the one this command was built from]
    #[arg(long, value_name = "PATH")]
    eventloom: Option<PathBuf>,
}

impl New {
    pub(super) fn run(self, screen: &mut Screen) -> Result<Found, Failure> {
        let name = package_name(&self.path)?;
        let source = match &self.eventloom {
            Some(path) => Source::Clone(clone_at(path)?),
            None => Source::of_this_command(),
        };
        let files = files(&name, &source, is_in_a_workspace(&self.path))?;
        create(&self.path, &files)?;
        let shown = printable(&self.path.display().to_string());
        screen.remark(&format!("created {STRONG}{shown}{STRONG:#}; what comes next:"))?;
        screen.remark(&format!("  cd {shown}\n  cargo run\n  cargo test"))?;
        Ok(Found::Nothing)
    }
}

/// Where the package takes Eventloom from.
#[derive(Debug)]
enum Source {
    /// From a clone of the repository, at this absolute path.
    Clone(String),
    /// From the registry.
    Registry,
}

impl Source {
    /// The sources that this command was built from, where they are still there.
    fn of_this_command() -> Self {
        let codegen = Path::new(env!("CARGO_MANIFEST_DIR"));
        let clone = codegen.parent().and_then(|root| clone_at(root).ok());
        clone.map_or(Self::Registry, Self::Clone)
    }

    /// What a manifest says of one of our packages.
    fn dependency(&self, package: &str, feature: Option<&str>) -> String {
        let from = match self {
            Self::Clone(root) => format!("path = {}", toml_text(&format!("{root}/{package}"))),
            Self::Registry => format!("version = {}", toml_text(env!("CARGO_PKG_VERSION"))),
        };
        match feature {
            Some(feature) => format!("{{ {from}, features = [\"{feature}\"] }}"),
            None => format!("{{ {from} }}"),
        }
    }
}

/// The absolute path of a clone of the repository.
fn clone_at(path: &Path) -> Result<String, Failure> {
    let root = fs::canonicalize(path).map_err(|error| Failure::read(path, error))?;
    for package in ["codegen", "runtime"] {
        if !root.join(package).join("Cargo.toml").is_file() {
            return Err(Failure::usage(
                format!("`{}` is no clone of Eventloom: it has no `{package}`", path.display()),
                "name the folder that holds `codegen` and `runtime`",
            ));
        }
    }
    root.into_os_string().into_string().map_err(|root| {
        Failure::usage(
            format!("`{}` is no UTF-8 text, which a manifest must be", root.display()),
            "move the clone",
        )
    })
}

/// Text as TOML writes it.
fn toml_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() => {
                quoted.push_str(&format!("\\U{:08X}", u32::from(letter)));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether cargo would take the package for a part of a workspace around it, which does not know it.
fn is_in_a_workspace(package: &Path) -> bool {
    let absolute = std::path::absolute(package).unwrap_or_else(|_| package.to_owned());
    let manifests = absolute.ancestors().skip(1).map(|folder| folder.join("Cargo.toml"));
    let texts = manifests.filter_map(|manifest| fs::read_to_string(manifest).ok());
    texts.into_iter().any(|text| text.lines().any(|line| line.trim().starts_with("[workspace")))
}

/// The files by their paths.
fn files(
    name: &PackageName,
    source: &Source,
    in_a_workspace: bool,
) -> Result<Vec<(&'static str, String)>, Failure> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    let known = context! {
        name => &name.package,
        crate_name => &name.library,
        runtime => source.dependency("runtime", None),
        testing => source.dependency("runtime", Some("testing")),
        codegen => source.dependency("codegen", None),
        is_clone => matches!(source, Source::Clone(_)),
        in_a_workspace,
    };
    let mut files = vec![(SCHEMA, json_schema::text())];
    for (path, template) in FILES {
        match templates.render_str(template, &known) {
            Ok(text) => files.push((path, format!("{}\n", text.trim_end()))),
            Err(error) => unreachable!("the template of {path}: {error}"),
        }
    }
    Ok(files)
}

/// Makes the folder, which must not be there, and the files in it.
fn create(folder: &Path, files: &[(&str, String)]) -> Result<(), Failure> {
    if fs::symlink_metadata(folder).is_ok() {
        return Err(Failure::usage(
            format!("`{}` is there already; nothing was touched", folder.display()),
            "choose another name, or move it away",
        ));
    }
    // Fails where it appeared in the meantime, so that what is removed below is ours.
    fs::create_dir(folder).map_err(|error| Failure::write(folder, error))?;
    let written = files.iter().try_for_each(|(path, text)| put(&folder.join(path), text));
    if written.is_err() {
        // The first failure is the one to tell.
        let _ = fs::remove_dir_all(folder);
    }
    written
}

fn put(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error| Failure::write(path, error);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(path, text).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::toml_text;

    #[test]
    fn a_path_stays_one_text_in_a_manifest() {
        assert_eq!(toml_text("/a b/\"c\\"), r#""/a b/\"c\\""#);
        assert_eq!(toml_text("a\nb"), r#""a\U0000000Ab""#);
    }
}
