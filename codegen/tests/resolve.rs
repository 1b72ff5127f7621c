//! Resolving whole ontologies from their files.

use std::path::Path;

use eventloom_codegen::diagnostic::has_errors;
use eventloom_codegen::render::{Colour, render};
use eventloom_codegen::source::Sources;
use eventloom_codegen::{load, model, resolve};

fn resolved(yaml: &str) -> Result<model::Ontology, String> {
    let sources = Sources::from_texts([("test.yaml", yaml)]);
    let loaded = load::load(&sources);
    let mut found = loaded.diagnostics;
    let (ontology, more) = resolve::resolve(&loaded.ontology, &sources);
    found.extend(more);
    match ontology {
        Some(ontology) if !has_errors(&found) => Ok(ontology),
        _ => Err(render(&found, &sources, Colour::Plain)),
    }
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(path).expect("the ontology is part of the repository")
}

#[test]
fn the_bank_resolves() {
    let ontology =
        resolved(&read("ontology/banking-account.yaml")).unwrap_or_else(|e| panic!("{e}"));
    println!("{ontology:#?}");
}

#[test]
fn the_seed_resolves() {
    let ontology = resolved(&read("tests/data/ok/seed/banking-account.yaml"))
        .unwrap_or_else(|e| panic!("{e}"));
    println!("{ontology:#?}");
}
