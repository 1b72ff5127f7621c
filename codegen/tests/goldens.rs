//! Every folder of `tests/data/ok` is an ontology and the exact Rust it becomes.
//!
//! `EVENTLOOM_BLESS=1` writes the Rust anew; read what changed before keeping it. The package
//! `eventloom-tests` compiles all of it with warnings denied, runs its examples, and tries out what it
//! does; this test stands here because it must run while that package does not compile.

use std::fs;
use std::path::{Path, PathBuf};

use eventloom_codegen::diagnostic::has_errors;
use eventloom_codegen::emit::Options;
use eventloom_codegen::render::{Colour, render};
use eventloom_codegen::source::Sources;
use eventloom_codegen::{ROOT_FILE, compile_sources};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn cases() -> Vec<PathBuf> {
    let entries = fs::read_dir(repository().join("tests/data/ok")).expect("part of the repository");
    let mut cases: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
    cases.sort();
    cases
}

fn name(case: &Path) -> String {
    case.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The folder's own ontology; the bank's stands where the example has it.
fn sources(case: &Path) -> Sources {
    if name(case) == "bank" {
        return Sources::read(&repository().join("ontology/banking-account.yaml"));
    }
    Sources::read(case)
}

fn generated(case: &Path) -> String {
    let sources = sources(case);
    let options = Options { module_path: format!("eventloom_tests::goldens::{}", name(case)) };
    let mut outcome = compile_sources(&sources, &options);
    let report = render(&outcome.diagnostics, &sources, Colour::Plain);
    assert!(!has_errors(&outcome.diagnostics), "{}:\n{report}", name(case));
    outcome.files.remove(ROOT_FILE).expect("a sound ontology gives code")
}

#[test]
fn every_ontology_gives_exactly_its_code() {
    let bless = std::env::var_os("EVENTLOOM_BLESS").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        let generated = generated(&case);
        let path = case.join("expected.rs");
        if bless {
            fs::write(&path, &generated).expect("writable");
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if generated != expected {
            wrong.push(format!("{}: {}", name(&case), first_difference(&expected, &generated)));
        }
    }
    assert!(
        wrong.is_empty(),
        "run with EVENTLOOM_BLESS=1 and read what changed:\n{}",
        wrong.join("\n")
    );
}

fn first_difference(expected: &str, found: &str) -> String {
    let lines = expected.lines().zip(found.lines()).enumerate();
    let different = lines.into_iter().find(|(_, (expected, found))| expected != found);
    match different {
        Some((at, (expected, found))) => {
            format!("line {}\n  expected {expected}\n  found    {found}", at + 1)
        }
        None => "one goes on where the other ends".to_owned(),
    }
}

#[test]
fn the_same_ontology_gives_the_same_bytes() {
    for case in cases() {
        assert_eq!(generated(&case), generated(&case), "{}", name(&case));
    }
}

#[test]
fn every_golden_is_compiled() {
    let modules = fs::read_to_string(repository().join("tests/src/goldens.rs")).expect("readable");
    for case in cases() {
        let module = format!("pub mod {};", name(&case));
        assert!(modules.contains(&module), "tests/src/goldens.rs does not have `{module}`");
    }
}

/// What a person would not type.
#[test]
fn the_code_reads_as_typed_by_a_person() {
    for case in cases() {
        let code = generated(&case);
        for strange in ["::std::", "::core::", "#[doc", "r#\"", "\t"] {
            assert!(!code.contains(strange), "{} holds `{strange}`", name(&case));
        }
        // Lines that no line break could make shorter are left: texts, and examples in comments.
        let breakable = |line: &&str| !line.contains('"') && !line.trim_start().starts_with("///");
        let mut lines = code.lines().filter(breakable);
        let long = lines.find(|line| line.chars().count() > 100);
        assert_eq!(long, None, "{} has a line that is too long", name(&case));
        let trailing = code.lines().find(|line| line.ends_with(' '));
        assert_eq!(trailing, None, "{} has white space at the end of a line", name(&case));
    }
}
