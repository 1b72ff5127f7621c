//! Every folder of `data/err` is an ontology with mistakes and the exact report it gives.
//!
//! A folder is named by the code it shows and what happens in it. `EVENTLOOM_BLESS=1` writes the
//! reports anew; read what changed before keeping it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use eventloom_codegen::diagnostic::has_errors;
use eventloom_codegen::emit::Options;
use eventloom_codegen::render::{Colour, render};
use eventloom_codegen::source::Sources;
use eventloom_codegen::{catalogue, compile_sources};

/// The repository's root.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn cases() -> Vec<PathBuf> {
    folders("data/err")
}

fn folders(of: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(of);
    let entries = fs::read_dir(&folder).expect("the cases are part of the repository");
    let mut cases: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
    cases.sort();
    cases
}

fn name(case: &Path) -> String {
    case.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The files of a case, without the folder above them, which is not the same everywhere.
fn sources(case: &Path) -> Sources {
    let mut sources = Sources::default();
    let mut paths: Vec<_> = fs::read_dir(case)
        .expect("a case is a folder")
        .map(|e| e.expect("readable").path())
        .collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|e| e == "yaml")) {
        sources.add_bytes(name(path), fs::read(path).expect("readable"));
    }
    sources
}

#[test]
fn every_case_gives_exactly_its_report() {
    let bless = std::env::var_os("EVENTLOOM_BLESS").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        let sources = sources(&case);
        let outcome = compile_sources(&sources, &Options::for_package("cases"));
        let report = render(&outcome.diagnostics, &sources, Colour::Plain);
        let path = case.join("report.txt");
        if bless {
            fs::write(&path, &report).expect("writable");
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if report != expected {
            wrong.push(format!("== {}\n-- expected\n{expected}\n-- found\n{report}", name(&case)));
        }
        let mistaken = has_errors(&outcome.diagnostics);
        assert_eq!(outcome.files.is_empty(), mistaken, "{}: mistakes alone stop it", name(&case));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A finding without a way out leaves its reader where they were.
#[test]
fn every_finding_has_a_place_a_code_and_a_way_out() {
    for case in cases() {
        let sources = sources(&case);
        for found in compile_sources(&sources, &Options::for_package("cases")).diagnostics {
            let report = render(std::slice::from_ref(&found), &sources, Colour::Plain);
            assert!(report.contains(&format!("[{}]", found.code.id)), "{report}");
            assert!(report.contains("--> "), "{report}");
            assert!(report.contains("= help: "), "{report}");
        }
    }
}

#[test]
fn every_case_shows_the_code_of_its_name() {
    for case in cases() {
        let outcome = compile_sources(&sources(&case), &Options::for_package("cases"));
        let name = name(&case);
        let code = name.split('-').next().unwrap_or_default();
        assert!(
            outcome.diagnostics.iter().any(|d| d.code.id == code),
            "{name} does not show {code}"
        );
    }
}

/// Codes about the disk, which a folder in the repository can't show: each with the test that does.
const SHOWN_BY_A_TEST: [(&str, &str); 3] = [
    ("EL0001", "a_path_that_is_not_there_says_so"),
    ("EL0002", "a_folder_without_an_ontology_says_so"),
    ("EL0003", "a_file_above_the_limit_is_named"),
];

#[test]
fn every_code_has_a_case() {
    // What is held to a lock has its cases beside one: see `lock`.
    let all = cases().into_iter().chain(folders("data/lock"));
    let shown: BTreeSet<String> =
        all.filter_map(|case| Some(name(&case).split('-').next()?.to_owned())).collect();
    let by_test = |id: &str| SHOWN_BY_A_TEST.iter().any(|(code, _)| *code == id);
    let missing: Vec<_> = catalogue::all()
        .map(|code| code.id)
        .filter(|id| shown.contains(*id) == by_test(id))
        .collect();
    assert!(missing.is_empty(), "codes without a case, or with one and a test: {missing:?}");
    let unknown: Vec<_> = shown.iter().filter(|id| catalogue::find(id).is_none()).collect();
    assert!(unknown.is_empty(), "cases of codes that there are not: {unknown:?}");
}

/// The list above named a file that was no longer there, so nothing said whether its tests still were.
#[test]
fn a_code_without_a_case_is_shown_by_its_test() {
    let tests = include_str!("build.rs");
    for (code, test) in SHOWN_BY_A_TEST {
        let start = tests.find(&format!("#[test]\nfn {test}() {{"));
        let body = start.and_then(|start| tests[start..].split("\n}\n").next());
        assert!(body.is_some_and(|body| body.contains(code)), "{test} does not show {code}");
    }
}

#[test]
fn a_code_stands_once_and_explains_itself() {
    let mut ids = BTreeSet::new();
    for code in catalogue::all() {
        let number = code.id.strip_prefix("EL").unwrap_or_default();
        assert!(number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit()), "{}", code.id);
        assert!(ids.insert(code.id), "{} stands twice", code.id);
        for sentence in [code.what, code.why, code.fix] {
            assert!(sentence.ends_with('.'), "{}: `{sentence}` is no sentence", code.id);
        }
        assert!(!code.example.is_empty(), "{} shows no example", code.id);
        assert_eq!(catalogue::find(&code.id.to_lowercase()), Some(code));
    }
}

/// Who meets a warning finds it where it can be allowed.
#[test]
fn every_warning_stands_in_the_reference() {
    let reference = include_str!("../../docs/language.md");
    for lint in catalogue::lints::ALL {
        assert!(reference.contains(&format!("| `{}` |", lint.id)), "{} is missing", lint.id);
    }
}
