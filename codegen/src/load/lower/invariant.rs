//! `invariants`: sentences, and checks as mappings.

use super::Lowering;
use super::section::{Section, example};
use crate::load::keys::Place;
use crate::load::tree::{Node, Value};
use crate::naming::Kind;
use crate::source::Spanned;
use crate::syntax::{Invariant, Text};

impl Lowering<'_> {
    pub(super) fn invariants(&mut self, file: &Section<'_>) -> Vec<Invariant> {
        let Some(entry) = file.get("invariants") else { return Vec::new() };
        let items = self.list(entry, example(Place::File, "invariants").unwrap_or_default());
        items.iter().filter_map(|item| self.invariant(&entry.key, item)).collect()
    }

    fn invariant(&mut self, key: &Text, item: &Node) -> Option<Invariant> {
        if !matches!(item.value, Value::Map(_)) {
            let _ = self.text_of(key, item, "- Balance cannot be negative")?;
            return Some(Invariant::Sentence(self.expression(key, item)));
        }
        let head = Spanned { value: String::new(), span: item.span };
        let section = self.section(Place::Invariant, &head, item)?;
        self.require(&section);
        let name = self.text(&section, "name")?;
        self.check_name(&name, Kind::Variant);
        Some(Invariant::Check {
            name,
            check: self.expression_at(&section, "check")?,
            message: self.template_at(&section, "message"),
            after: self.names(&section, "after"),
        })
    }
}
