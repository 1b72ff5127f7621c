//! Every key of the table does something, or is refused as not supported yet: none is ignored.
//!
//! The ontologies of `tests/data/ok` are taken apart key by key. Without a key that is understood
//! something else comes out; a key of a later release is refused wherever its place occurs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use eventloom_codegen::emit::Options;
use eventloom_codegen::load::keys::{KEYS, Key, Place, Status};
use eventloom_codegen::load::{TextTree, text_tree};
use eventloom_codegen::source::Sources;
use eventloom_codegen::{Outcome, compile_sources};

fn samples() -> Vec<TextTree> {
    let ok = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/ok");
    // `reference` holds every block of the language reference, the others what it leaves out.
    let named = [
        "reference",
        "upcasts",
        "rows",
        "invariants",
        "emit",
        "custom",
        "collections",
        "derived",
        "several",
        "steps",
        "stories",
    ];
    let files = named.iter().map(|name| ok.join(name).join("ontology.yaml"));
    files
        .map(|file: PathBuf| text_tree(&fs::read_to_string(file).expect("a case")).expect("YAML"))
        .collect()
}

/// The places of a tree: which mapping stands where.
fn place(path: &[&str]) -> Option<Place> {
    Some(match path {
        [] => Place::File,
        ["constants", _] => Place::Constant,
        ["derived", _] => Place::Derived,
        ["events", _] => Place::Event,
        ["events", _, "history", _] => Place::OldVersion,
        ["commands", _] => Place::Command,
        ["commands", _, "target"] => Place::Target,
        ["commands", _, "steps", "-"] => Place::Step,
        ["commands", _, "reject" | "ensure", _] | ["commands", _, "steps", "-", "reject", _] => {
            Place::Rejection
        }
        ["commands", _, "emit", "-"] => Place::Emission,
        ["invariants", "-"] => Place::Invariant,
        ["eventStore"] => Place::EventStore,
        ["projections", _] => Place::Projection,
        ["projections", _, "queries", _] => Place::Query,
        ["projections", _, "on", _] | ["projections", _, "on", _, "-"] => Place::RowRule,
        ["scenarios", _] => Place::Scenario,
        ["scenarios", _, "steps", "-"] => Place::ScenarioStep,
        ["scenarios", _, "then"] | ["scenarios", _, "steps", "-", "then"] => Place::Outcome,
        ["state", _] => Place::Field,
        _ => return None,
    })
}

/// Changes the entries of a mapping, or leaves them as they are; whether it did.
type Make<'m> = &'m mut dyn FnMut(Place, &mut Vec<(String, TextTree)>) -> bool;

/// Gives each mapping with its place to a change, which says whether it made one; the first counts.
fn change(node: &mut TextTree, path: &mut Vec<String>, make: Make<'_>) -> bool {
    match node {
        TextTree::Map(entries) => {
            let here: Vec<&str> = path.iter().map(String::as_str).collect();
            if place(&here).is_some_and(|place| make(place, entries)) {
                return true;
            }
            entries.iter_mut().any(|(key, value)| inside(key, value, path, make))
        }
        TextTree::List(items) => items.iter_mut().any(|item| inside("-", item, path, make)),
        TextTree::Text(_) => false,
    }
}

fn inside(step: &str, node: &mut TextTree, path: &mut Vec<String>, make: Make<'_>) -> bool {
    path.push(step.to_owned());
    let changed = change(node, path, make);
    path.pop();
    changed
}

/// A tree as YAML in which every scalar is quoted.
fn written(node: &TextTree) -> String {
    match node {
        TextTree::Text(text) => quoted(text),
        TextTree::List(items) => {
            let items: Vec<String> = items.iter().map(written).collect();
            format!("[{}]", items.join(", "))
        }
        TextTree::Map(entries) => {
            let entry =
                |(key, value): &(String, TextTree)| format!("{}: {}", quoted(key), written(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            c if c.is_control() => write!(quoted, "\\x{:02x}", u32::from(c)).expect("a string"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn compile(tree: &TextTree) -> Outcome {
    let sources = Sources::from_texts([("sample.yaml", written(tree))]);
    compile_sources(&sources, &Options::for_package("keys"))
}

/// What comes of a tree: its files, or why there are none.
fn outcome(tree: &TextTree) -> (BTreeMap<String, String>, Vec<String>) {
    let Outcome { files, diagnostics } = compile(tree);
    (files, diagnostics.into_iter().map(|found| found.title).collect())
}

/// Whether the key does something somewhere in the sample: without it, something else comes out.
fn matters(key: &Key, sample: &TextTree, whole: &(BTreeMap<String, String>, Vec<String>)) -> bool {
    let mut at = 0;
    loop {
        let mut less = sample.clone();
        let mut seen = 0;
        let removed = change(&mut less, &mut Vec::new(), &mut |place, entries| {
            let found = entries.iter().position(|(name, _)| place == key.place && name == key.name);
            seen += usize::from(found.is_some());
            let this_one = found.filter(|_| seen == at + 1);
            this_one.map(|found| entries.remove(found)).is_some()
        });
        if !removed {
            return false;
        }
        if outcome(&less) != *whole {
            return true;
        }
        at += 1;
    }
}

#[test]
fn every_key_that_is_understood_does_something() {
    let samples: Vec<_> = samples().into_iter().map(|tree| (outcome(&tree), tree)).collect();
    for ((files, found), _) in &samples {
        // Warnings of the samples may stand: only an ontology without mistakes gives files.
        assert!(!files.is_empty(), "the samples are sound: {found:#?}");
    }
    let understood = KEYS.iter().filter(|key| matches!(key.status, Status::Supported(..)));
    let idle: Vec<_> = understood
        .filter(|key| !samples.iter().any(|(whole, tree)| matters(key, tree, whole)))
        .map(|key| (key.place, key.name))
        .collect();
    assert!(idle.is_empty(), "no sample comes out differently without these: {idle:?}");
}

#[test]
fn every_key_of_a_later_release_is_refused_as_such() {
    let mut samples = samples();
    for sample in &mut samples {
        // A field as a mapping has keys of a later release only, so that no sample has one.
        let TextTree::Map(entries) = sample else { panic!("a sample is a mapping") };
        let state = entries.iter_mut().find(|(key, _)| key == "state");
        if let Some((_, TextTree::Map(fields))) = state {
            fields.push(("later".to_owned(), TextTree::Map(Vec::new())));
        }
    }
    for key in KEYS.iter().filter(|key| matches!(key.status, Status::Later(_))) {
        let refused = samples.iter().any(|sample| {
            let mut more = sample.clone();
            let added = change(&mut more, &mut Vec::new(), &mut |place, entries| {
                let here = place == key.place;
                if here {
                    entries.push((key.name.to_owned(), TextTree::Text("x".to_owned())));
                }
                here
            });
            let title = format!("`{}` is not supported yet", key.name);
            added
                && compile(&more)
                    .diagnostics
                    .iter()
                    .any(|found| found.code.id == "EL0031" && found.title == title)
        });
        assert!(refused, "`{}` of {} is ignored", key.name, key.place.described());
    }
}
