//! The ontologies of the repository are accepted as they stand.

use eventloom_codegen::load::load;
use eventloom_codegen::render::{Colour, render};
use eventloom_codegen::source::Sources;

use crate::cases::repository;

/// Every ontology that must build: file by file, since some declare the same aggregate.
pub(crate) fn ontologies() -> Vec<std::path::PathBuf> {
    ["ontology/banking-account.yaml", "tests/data/ok/seed/banking-account.yaml"]
        .map(|path| repository().join(path))
        .to_vec()
}

#[test]
fn every_ontology_loads_without_a_finding() {
    for path in ontologies() {
        let sources = Sources::read(&path);
        let loaded = load(&sources);
        assert!(
            loaded.complete && loaded.diagnostics.is_empty(),
            "{}",
            render(&loaded.diagnostics, &sources, Colour::Plain)
        );
        assert_eq!(loaded.ontology.aggregates.len(), 1);
    }
}
