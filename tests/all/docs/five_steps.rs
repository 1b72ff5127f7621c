//! The README's five steps from an empty folder, taken: what it says is typed, built, run and tested. So
//! is the package of `docs/by-hand.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::markdown::{blocks, root};
use crate::edits::target_folder;

#[test]
fn the_five_steps_of_the_readme_lead_to_a_program_and_its_tests() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    package(folder.path(), "shop");
    assert_eq!(write_files(folder.path(), "README.md"), 4, "package, ontology, build, program");

    let said = type_in(folder.path());
    for expected in
        [" is worth 15", "scenarios::a_voucher_pays_no_more_than_it_is_worth", "test result: ok"]
    {
        assert!(said.contains(expected), "no `{expected}` in:\n{said}");
    }
}

/// That an event without `apply` becomes a method is said in many places; what it looks like, only there.
#[test]
fn the_parts_that_are_written_by_hand_build_and_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let loyalty = package(folder.path(), "loyalty");
    for (path, text) in files("README.md") {
        if let Some(shared) = path.strip_prefix("shop/")
            && ["Cargo.toml", "build.rs"].contains(&shared)
        {
            write(&loyalty.join(shared), &text.replace("shop", "loyalty"));
        }
    }
    assert_eq!(write_files(folder.path(), "docs/by-hand.md"), 2, "ontology, program");

    let said = run(&loyalty, &["run", "--quiet", "--offline"]);
    assert!(said.contains(": 2 vouchers, 50 points left"), "{said}");
    let said = run(&loyalty, &["test", "--offline"]);
    for expected in ["scenarios::a_voucher_costs_a_hundred_points", "test result: ok"] {
        assert!(said.contains(expected), "no `{expected}` in:\n{said}");
    }
}

/// A new package that is built with the versions of this repository: without them, cargo looks for the
/// newest of everything, for which it needs the network.
fn package(folder: &Path, name: &str) -> PathBuf {
    run(folder, &["new", "--quiet", name]);
    let package = folder.join(name);
    fs::copy(root().join("Cargo.lock"), package.join("Cargo.lock")).expect("the lock file");
    package
}

/// Types the lines of the last step, from the folder in which the first one began; gives what they say.
fn type_in(folder: &Path) -> String {
    let blocks = blocks("README.md");
    let last = blocks.iter().find(|block| block.note.as_deref() == Some("type these"));
    let mut folder = folder.to_owned();
    let mut said = String::new();
    for line in last.expect("the last step is marked").text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["cd", into] => folder.push(into),
            ["cargo", command] => said += &run(&folder, &[command, "--offline"]),
            _ => panic!("`{line}` is neither `cd` nor a command of cargo"),
        }
    }
    said
}

/// The blocks that name a file, as they stand: path and text.
fn files(document: &str) -> Vec<(String, String)> {
    let named = blocks(document).into_iter().filter_map(|block| {
        let path = block.note.as_deref()?.strip_prefix("write: ")?.to_owned();
        Some((path, block.text))
    });
    named.collect()
}

/// Writes every file of a document; returns how many there are.
fn write_files(folder: &Path, document: &str) -> usize {
    let files = files(document);
    files.iter().for_each(|(path, text)| write(&folder.join(path), text));
    files.len()
}

/// Writes a file with the path to this repository in place of the reader's.
fn write(path: &Path, text: &str) {
    let repository = format!("{}/", root().display());
    fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
    fs::write(path, text.replace("../eventloom/", &repository)).expect("writable");
}

/// What a command of cargo says, which must succeed.
fn run(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target_folder())
        .env("CARGO_TERM_COLOR", "never")
        .output()
        .expect("cargo runs");
    let said =
        [output.stdout, output.stderr].map(|part| String::from_utf8_lossy(&part).into_owned());
    assert!(output.status.success(), "cargo {arguments:?}:\n{}", said.concat());
    said.concat()
}
