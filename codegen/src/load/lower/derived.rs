//! `derived`: named expressions over the state, some with parameters.

use super::Lowering;
use super::section::Section;
use crate::load::keys::Place;
use crate::load::tree::{Entry, Value};
use crate::naming::Kind;
use crate::syntax::{Derived, Map};

impl Lowering<'_> {
    pub(super) fn derived(&mut self, file: &Section<'_>) -> Map<Derived> {
        let entries = self.declared(file, "derived", Kind::Field).unwrap_or_default();
        entries
            .iter()
            .filter_map(|entry| Some((entry.key.clone(), self.derived_value(entry)?)))
            .collect()
    }

    /// `name: expression` or `name: {input, value}`.
    fn derived_value(&mut self, entry: &Entry) -> Option<Derived> {
        if !matches!(entry.value.value, Value::Map(_)) {
            let value = self.expression(&entry.key, &entry.value);
            return Some(Derived { description: None, input: Map::new(), value });
        }
        let section = self.section(Place::Derived, &entry.key, &entry.value)?;
        self.require(&section);
        Some(Derived {
            description: self.text(&section, "description"),
            input: self.fields(&section, "input").unwrap_or_default(),
            value: self.expression_at(&section, "value")?,
        })
    }
}
