//! `eventloom new`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Folder, repository};

/// The target folder of this test, so that what is compiled already is not compiled again.
fn target_folder() -> PathBuf {
    let binary = std::env::current_exe().expect("the test's own path");
    binary.ancestors().nth(3).expect("target/debug/deps/test").to_path_buf()
}

/// What a command of cargo says in a package, which must succeed.
fn cargo(package: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(package)
        .env("CARGO_TARGET_DIR", target_folder())
        .env("CARGO_TERM_COLOR", "never")
        .output()
        .expect("cargo runs");
    let said =
        [output.stdout, output.stderr].map(|part| String::from_utf8_lossy(&part).into_owned());
    assert!(output.status.success(), "cargo {arguments:?}:\n{}", said.concat());
    said.concat()
}

/// The name of no other package that is built in this target folder.
const NAME: &str = "new-kiosk";

#[test]
fn a_new_package_is_green_at_once() {
    let folder = Folder::new(&[]);
    let said = folder.run(["new", NAME]);
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(0), "", ""));
    let package = folder.path().join(NAME);
    // With the versions of this repository, for which cargo needs no network.
    fs::copy(repository().join("Cargo.lock"), package.join("Cargo.lock")).expect("the lock file");
    let said = cargo(&package, &["run", "--quiet", "--offline"]);
    assert!(said.contains(" is paid; paid twice: false\n"), "{said}");
    assert!(said.contains(": Ann, 12.5 (Paid)\n"), "{said}");
    let said = cargo(&package, &["test", "--offline"]);
    assert!(said.contains("scenarios::a_paid_order_is_not_cancelled"), "{said}");
    cargo(&package, &["fmt", "--check"]);
    let built = cargo(&package, &["tree", "--offline", "--prefix", "none"]);
    assert!(built.contains("eventloom-codegen ") && !built.contains("clap "), "{built}");

    for command in [
        &["check", "ontology", "--deny-warnings"][..],
        &["schema", "--to", "ontology/eventloom.schema.json", "--check"],
    ] {
        let output = folder.command(command).current_dir(&package).output().expect("it runs");
        assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    }
    let modeline = "# yaml-language-server: $schema=eventloom.schema.json\n";
    assert!(folder.read(&format!("{NAME}/ontology/order.yaml")).starts_with(modeline));
    for file in ["README.md", ".gitignore", ".github/workflows/ci.yml"] {
        assert!(!folder.read(&format!("{NAME}/{file}")).contains("{{"), "{file}");
    }
}

#[test]
fn what_is_there_is_never_touched() {
    let folder = Folder::new(&[("shop/mine.txt", "mine"), ("file", "mine")]);
    fs::create_dir(folder.path().join("empty")).expect("writable");
    for name in ["shop", "file", "empty"] {
        let said = folder.run(["new", name]);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
        assert!(said.err.contains("is there already"), "{}", said.err);
    }
    let left: Vec<_> = fs::read_dir(folder.path().join("shop")).expect("readable").collect();
    assert_eq!((left.len(), folder.read("shop/mine.txt").as_str()), (1, "mine"));
    assert_eq!(folder.read("file"), "mine");
}

#[test]
fn a_name_that_can_not_be_leaves_nothing_behind() {
    let folder = Folder::new(&[]);
    for name in ["fn", "shöp", "1st", "a b", "test", "no/such/folder/shop"] {
        let said = folder.run(["new", name]);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
        assert!(said.err.contains(name), "{}", said.err);
    }
    let said = folder.run(["new", "shop", "--eventloom", "."]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("no clone of Eventloom"), "{}", said.err);
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0);
}

#[test]
fn a_package_within_a_workspace_stands_for_itself() {
    let folder = Folder::new(&[("Cargo.toml", "[workspace]\nmembers = []\n")]);
    assert_eq!(folder.run(["new", "shop"]).code, Some(0));
    assert!(folder.read("shop/Cargo.toml").contains("\n[workspace]\n"));
    let folder = Folder::new(&[]);
    let clone = repository().display().to_string();
    assert_eq!(folder.run(["new", "shop", "--eventloom", &clone]).code, Some(0));
    let manifest = folder.read("shop/Cargo.toml");
    assert!(!manifest.contains("[workspace]"), "{manifest}");
    assert!(manifest.contains(&format!("eventloom-codegen = {{ path = \"{clone}/codegen\" }}\n")));
}
