//! From the tree to the ontology as written.
//!
//! Each section of the language has a file here. All of them go on after a mistake: a wrong type is
//! [`TypeKind::Broken`](crate::syntax::TypeKind::Broken), a wrong expression an empty one, and where a
//! name had to be left out the result is marked incomplete.

mod aggregate;
mod allow;
mod command;
mod derived;
mod event;
mod invariant;
mod names;
mod projection;
mod query;
mod scenario;
mod section;
mod shapes;
mod types;

pub(crate) use names::name_fault;

use super::Loaded;
use super::keys::{self, Place};
use super::tree::{Node, Value};
use crate::catalogue::load as codes;
use crate::diagnostic::Diagnostic;
use crate::source::{FileId, SourceFile, Span, Spanned};
use crate::syntax;

/// How many findings of one file are kept; past that, only their number would grow.
const MAX_FINDINGS: usize = 500;

/// Lowers the tree of a file into the ontology.
pub(super) fn lower(id: FileId, file: &SourceFile, root: &Node, loaded: &mut Loaded) {
    let mut lowering =
        Lowering { id, file, diagnostics: Vec::new(), complete: true, allowed: Vec::new() };
    lowering.file(root, &mut loaded.ontology);
    loaded.complete &= lowering.complete;
    loaded.ontology.allowed.append(&mut lowering.allowed);
    loaded.diagnostics.append(&mut lowering.diagnostics);
}

/// The lowering of one file.
struct Lowering<'a> {
    id: FileId,
    file: &'a SourceFile,
    diagnostics: Vec<Diagnostic>,
    complete: bool,
    allowed: Vec<syntax::Allowed>,
}

impl Lowering<'_> {
    fn file(&mut self, root: &Node, ontology: &mut syntax::Ontology) {
        if self.is_saga(root) {
            return;
        }
        let head = Spanned { value: self.file.path.clone(), span: self.start() };
        let Some(section) = self.section(Place::File, &head, root) else { return };
        ontology.types.extend(self.declared_types(&section));
        ontology.constants.extend(self.constants(&section));
        ontology.config.extend(self.fields(&section, "config").unwrap_or_default());
        match section.get("aggregateRoot") {
            Some(entry) => ontology.aggregates.extend(self.aggregate(entry, &section)),
            None => self.parts_without_aggregate(&section),
        }
    }

    /// A saga's file is refused as a whole, not key by key.
    fn is_saga(&mut self, root: &Node) -> bool {
        let Value::Map(entries) = &root.value else { return false };
        let Some(saga) = entries.iter().find(|entry| entry.key.value == "saga") else {
            return false;
        };
        self.complete = false;
        if let Some(keys::Key { status: keys::Status::Later(until_then), meaning, .. }) =
            keys::find(Place::File, "saga")
        {
            self.not_yet(&saga.key, meaning, until_then);
        }
        true
    }

    fn parts_without_aggregate(&mut self, section: &section::Section<'_>) {
        let part = section.entries().find(|(key, _)| !Place::SHARED.contains(key));
        let Some((_, part)) = part else { return };
        let diagnostic = Diagnostic::error(
            &codes::NO_AGGREGATE,
            format!("`{}` belongs to an aggregate, and this file names none", part.key.value),
            part.key.span,
            "of which aggregate?",
        );
        self.lose(diagnostic.help("add `aggregateRoot: Name` at the top of the file"));
    }

    /// Adds a finding after which everything that can be named is still there.
    fn report(&mut self, diagnostic: Diagnostic) {
        if !self.is_full() {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Whether further findings would only be more of the same.
    fn is_full(&self) -> bool {
        self.diagnostics.len() >= MAX_FINDINGS
    }

    /// Adds a finding after which something is missing that others may name.
    fn lose(&mut self, diagnostic: Diagnostic) {
        self.complete = false;
        self.report(diagnostic);
    }

    fn start(&self) -> Span {
        Span { file: self.id, start: 0, end: 0 }
    }
}
