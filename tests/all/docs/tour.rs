//! The README's tour: its edits of the bank's ontology fit, and the first is reported as shown.

use eventloom_codegen::compile_sources;
use eventloom_codegen::emit::Options;
use eventloom_codegen::render::{Colour, render};
use eventloom_codegen::source::Sources;

use super::markdown::{Block, blocks, text};

const ONTOLOGY: &str = "ontology/banking-account.yaml";

#[test]
fn the_edits_of_the_tour_fit_the_ontology() {
    let edits: Vec<Block> =
        blocks("README.md").into_iter().filter(|block| block.info == "diff").collect();
    assert_eq!(edits.len(), 2);
    for edit in &edits {
        edited(edit);
    }
}

#[test]
fn the_mistake_of_the_tour_is_reported_as_shown() {
    let blocks = blocks("README.md");
    let edit = blocks.iter().find(|block| block.info == "diff").expect("the first edit");
    let mut sources = Sources::default();
    sources.add_bytes(ONTOLOGY, edited(edit).into_bytes());
    let outcome = compile_sources(&sources, &Options::for_package("generated-example"));
    let report = render(&outcome.diagnostics, &sources, Colour::Plain);
    let shown = blocks
        .iter()
        .find(|block| block.note.as_deref() == Some("report of the edit above"))
        .expect("the report that is shown");
    assert_eq!(report.trim_end(), shown.text.trim_end());
}

#[test]
fn the_second_edit_of_the_tour_compiles_with_a_warning() {
    let blocks = blocks("README.md");
    let edit = blocks.iter().filter(|block| block.info == "diff").nth(1).expect("two edits");
    let mut sources = Sources::default();
    sources.add_bytes(ONTOLOGY, edited(edit).into_bytes());
    let sources = sources.with_lock("ontology/eventloom.lock", text("ontology/eventloom.lock"));
    let outcome = compile_sources(&sources, &Options::for_package("generated-example"));
    assert!(!outcome.files.is_empty());
    let codes: Vec<&str> = outcome.diagnostics.iter().map(|found| found.code.id).collect();
    assert_eq!(codes, ["EL0921"]);
}

/// The bank's ontology with the lines that begin with `-` replaced by those that begin with `+`.
fn edited(edit: &Block) -> String {
    let lines = |sign: char| -> String {
        let chosen = edit.text.lines().filter_map(move |line| line.strip_prefix(sign));
        chosen.map(|line| format!("{line}\n")).collect()
    };
    let ontology = text(ONTOLOGY);
    let (old, new) = (lines('-'), lines('+'));
    assert_eq!(ontology.matches(&old).count(), 1, "{}: `{old}`", edit.place());
    ontology.replace(&old, &new)
}
