//! An ontology as it was at a revision: asked of git, which must be installed.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use super::failure::Failure;
use crate::source::{Sources, is_ontology_file};

/// The ontology that lay at this path at a revision.
pub(super) fn ontology_at(revision: &str, path: &Path) -> Result<Sources, Failure> {
    let (folder, only) = match path.is_dir() {
        true => (path, None),
        false => (path.parent().unwrap_or(Path::new("")), path.file_name()),
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    // Resolved once, so that what a user types is never read as an option or a path.
    let tree = format!("{revision}^{{tree}}");
    let verify = ["rev-parse", "--verify", "--quiet", "--end-of-options", &tree];
    let tree = text(git(folder, verify)?);
    let Some(tree) = tree.map(|tree| tree.trim().to_owned()).filter(|tree| !tree.is_empty()) else {
        return Err(Failure::usage(
            format!("git knows no revision `{revision}` around `{}`", folder.display()),
            "name a commit, a branch or a tag: `--against git:main`",
        ));
    };
    let listed = git(folder, ["ls-tree", "-z", "--name-only", &tree, "./"])?;
    let names = text(listed).unwrap_or_default();
    let names = names.split('\0').filter(|name| is_ontology_file(Path::new(name)));
    let names = names.filter(|name| only.is_none_or(|only| only == OsStr::new(name)));
    let mut sources = Sources::default();
    for name in names {
        let shown = format!("{revision}:{}", folder.join(name).display());
        match git(folder, ["show", &format!("{tree}:./{name}")])? {
            Some(bytes) => sources.add_bytes(shown, bytes),
            None => {
                return Err(Failure::usage(format!("git can't show `{shown}`"), "try `git fsck`"));
            }
        }
    }
    if sources.files.is_empty() {
        return Err(Failure::usage(
            format!("there is no ontology at `{}` in `{revision}`", path.display()),
            "name a revision that has it",
        ));
    }
    Ok(sources)
}

/// What git says in a folder; none where it refuses.
fn git<const N: usize>(folder: &Path, arguments: [&str; N]) -> Result<Option<Vec<u8>>, Failure> {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output();
    let output = output.map_err(|error| {
        Failure::usage(
            format!("git can't be asked: {error}"),
            "install git, or compare with a path",
        )
    })?;
    Ok(output.status.success().then_some(output.stdout))
}

fn text(bytes: Option<Vec<u8>>) -> Option<String> {
    String::from_utf8(bytes?).ok()
}
