//! The README's five steps from an empty folder, taken: what it says is typed, built, run and tested.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::markdown::{blocks, root};
use crate::edits::target_folder;

#[test]
fn the_five_steps_of_the_readme_lead_to_a_program_and_its_tests() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    run(folder.path(), &["new", "--quiet", "shop"]);
    write_files(folder.path());
    let shop = folder.path().join("shop");
    // Without it, cargo looks for the newest versions of everything, for which it needs the network.
    fs::copy(root().join("Cargo.lock"), shop.join("Cargo.lock")).expect("the lock file");

    let said = run(&shop, &["run", "--quiet", "--offline"]);
    assert!(said.contains(" is worth 15"), "{said}");
    let said = run(&shop, &["test", "--offline"]);
    for expected in ["scenarios::a_voucher_pays_no_more_than_it_is_worth", "test result: ok"] {
        assert!(said.contains(expected), "no `{expected}` in:\n{said}");
    }
}

/// Writes every block that names a file, with the paths to this repository in place of the reader's.
fn write_files(folder: &Path) {
    let repository = format!("{}/", root().display());
    let mut written = 0;
    for block in blocks("README.md") {
        let path = block.note.as_deref().and_then(|note| note.strip_prefix("write: "));
        let Some(path) = path else { continue };
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(path, block.text.replace("../eventloom/", &repository)).expect("writable");
        written += 1;
    }
    assert_eq!(written, 4, "the package, the ontology, the build script, the program");
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
