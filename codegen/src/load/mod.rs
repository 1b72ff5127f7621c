//! The first stage: from files to the ontology as written.
//!
//! [`yaml`] makes a tree in which everything has its place, [`lower`] gives it meaning by the table in
//! [`keys`]. Both go on after a mistake, so that one build tells them all. Nothing is resolved here:
//! whether a name exists is `resolve`'s question.

pub mod forms;
mod intended;
pub mod keys;
mod lower;
mod offsets;
pub(crate) mod refusals;
mod syntax_error;
mod tree;
mod yaml;

pub(crate) use lower::name_fault;
use tree::Value;

use crate::catalogue::load as codes;
use crate::diagnostic::Diagnostic;
use crate::source::{FileId, SourceFile, Sources, Span};
use crate::syntax;

/// What the files hold.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The ontology, without the parts that were wrong.
    pub ontology: syntax::Ontology,
    /// Whether every name that was written is in it. Where not, resolving would report names as
    /// missing that are only unreadable.
    pub complete: bool,
    /// What was found.
    pub diagnostics: Vec<Diagnostic>,
}

/// Loads all files.
#[must_use]
pub fn load(sources: &Sources) -> Loaded {
    let mut loaded =
        Loaded { ontology: syntax::Ontology::default(), complete: true, diagnostics: Vec::new() };
    for (index, file) in sources.files.iter().enumerate() {
        load_file(FileId(index), file, &mut loaded);
    }
    if loaded.complete && loaded.ontology.aggregates.is_empty() {
        loaded.diagnostics.push(nothing_to_build());
    }
    loaded
}

/// A YAML text without places and types: what another parser can be compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextTree {
    /// A scalar; empty where there is none.
    Text(String),
    /// A list.
    List(Vec<TextTree>),
    /// A mapping, in the order written.
    Map(Vec<(String, TextTree)>),
}

/// What a YAML text says, as the loader understands it; none where it has mistakes.
#[must_use]
pub fn text_tree(text: &str) -> Option<TextTree> {
    let parsed = yaml::parse(FileId(0), &SourceFile::new("text.yaml", text));
    parsed.root.filter(|_| parsed.diagnostics.is_empty()).map(|root| text_of(&root))
}

fn text_of(node: &tree::Node) -> TextTree {
    match &node.value {
        Value::Empty | Value::Broken => TextTree::Text(String::new()),
        Value::Scalar(scalar) => TextTree::Text(scalar.text.clone()),
        Value::List(items) => TextTree::List(items.iter().map(text_of).collect()),
        Value::Map(entries) => TextTree::Map(
            entries.iter().map(|entry| (entry.key.value.clone(), text_of(&entry.value))).collect(),
        ),
    }
}

fn load_file(id: FileId, file: &SourceFile, loaded: &mut Loaded) {
    if let Some(refused) = &file.refused {
        loaded.diagnostics.push(refused.clone());
        loaded.complete = false;
        return;
    }
    let parsed = yaml::parse(id, file);
    let root = parsed.root.filter(|root| !matches!(root.value, Value::Empty));
    let is_empty = root.is_none() && parsed.diagnostics.is_empty();
    loaded.complete &= parsed.complete;
    loaded.diagnostics.extend(parsed.diagnostics);
    if is_empty {
        loaded.complete = false;
        loaded.diagnostics.push(empty(id));
    }
    // A tree that breaks off would only give findings about what is missing from it.
    if let Some(root) = root.filter(|_| parsed.complete) {
        lower::lower(id, file, &root, loaded);
    }
}

fn nothing_to_build() -> Diagnostic {
    let place = Span { file: FileId(0), start: 0, end: 0 };
    let title = "the ontology has no aggregate";
    Diagnostic::error(&codes::NOTHING_TO_BUILD, title, place, "no file names one")
        .help("add `aggregateRoot: Name` to this file, or a file that has it to the folder")
}

fn empty(file: FileId) -> Diagnostic {
    let place = Span { file, start: 0, end: 0 };
    Diagnostic::error(
        &codes::EMPTY_FILE,
        "the file holds nothing",
        place,
        "an ontology starts here",
    )
    .help("start with `aggregateRoot: Name`, or remove the file")
}
