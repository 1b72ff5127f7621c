//! `projections`: their columns, keys and row rules.

use super::Lowering;
use super::command::one_expected;
use super::section::{Section, example};
use crate::load::keys::Place;
use crate::load::tree::{Entry, Node, Value};
use crate::naming::Kind;
use crate::source::{Span, Spanned};
use crate::syntax::{Assignments, KeySyntax, Map, Projection, RowRule, Text, Verb};

const VERBS: [(&str, Verb); 4] = [
    ("insert", Verb::Insert),
    ("update", Verb::Update),
    ("upsert", Verb::Upsert),
    ("delete", Verb::Delete),
];

impl Lowering<'_> {
    pub(super) fn projections(&mut self, file: &Section<'_>) -> Map<Projection> {
        let entries = self.declared(file, "projections", Kind::Type).unwrap_or_default();
        entries
            .iter()
            .filter_map(|entry| Some((entry.key.clone(), self.projection(entry)?)))
            .collect()
    }

    fn projection(&mut self, entry: &Entry) -> Option<Projection> {
        let section = self.section(Place::Projection, &entry.key, &entry.value)?;
        self.require(&section);
        let (columns, aggregates) = self.columns(&section).unzip();
        Some(Projection {
            description: self.text(&section, "description"),
            source: self.names(&section, "source").unwrap_or_default(),
            target: self.text(&section, "target"),
            update_strategy: self.text(&section, "updateStrategy"),
            consistency_window: self.text(&section, "consistencyWindow"),
            key: self.row_key(&section),
            columns,
            aggregates: aggregates.unwrap_or_default(),
            mirrors: self.expressions(&section, "mirrors").unwrap_or_default(),
            indexes: self.indexes(&section),
            queries: self.queries(&section),
            on: self.rules_by_event(&section),
        })
    }

    /// `key: field` or `key: {column: expression}`
    fn row_key(&mut self, section: &Section<'_>) -> Option<KeySyntax> {
        let entry = section.get("key")?;
        if matches!(entry.value.value, Value::Map(_)) {
            return self.expressions(section, "key").map(KeySyntax::Columns);
        }
        self.text(section, "key").map(KeySyntax::Field)
    }

    fn rules_by_event(&mut self, section: &Section<'_>) -> Option<Vec<(Vec<Text>, Vec<RowRule>)>> {
        let entry = section.get("on")?;
        let example = example(Place::Projection, "on").unwrap_or_default();
        let entries = self.mapping_of(entry, example)?;
        Some(entries.iter().map(|entry| (alternatives(&entry.key), self.rules(entry))).collect())
    }

    fn rules(&mut self, entry: &Entry) -> Vec<RowRule> {
        match &entry.value.value {
            Value::List(items) => {
                items.iter().filter_map(|item| self.rule(&entry.key, item)).collect()
            }
            _ => self.rule(&entry.key, &entry.value).into_iter().collect(),
        }
    }

    fn rule(&mut self, event: &Text, node: &Node) -> Option<RowRule> {
        let section = self.section(Place::RowRule, event, node)?;
        let mut verbs = section.entries().filter_map(|(key, entry)| {
            let (name, verb) = VERBS.iter().find(|(name, _)| *name == key)?;
            Some((*name, entry, *verb))
        });
        let Some((name, entry, verb)) = verbs.next() else {
            if !section.is_strange() {
                let rule = "a row rule has one of `insert`, `update`, `upsert` and `delete`";
                self.wrong_item(node.span, rule, "update: {balance: row.balance + amount}");
            }
            return None;
        };
        if let Some((_, second, _)) = verbs.next() {
            let rule = "a row rule does one thing to its row";
            let help = "write two rules as a list, each with its own `when`";
            self.report(one_expected(rule, &entry.key, second.key.span, help));
        }
        Some(RowRule {
            when: self.expression_at(&section, "when"),
            verb: Spanned { value: verb, span: entry.key.span },
            columns: self.row_columns(entry, name, verb),
            key: self.row_key(&section),
            matching: self.expression_at(&section, "match"),
            for_each: section.get("forEach").and_then(|entry| self.for_each(entry)),
            ignore_conflict: self.word(&section, "onConflict").is_some(),
            skip_missing: self.word(&section, "onMissing").is_some(),
        })
    }

    fn row_columns(&mut self, entry: &Entry, name: &str, verb: Verb) -> Assignments {
        if verb != Verb::Delete {
            let example = example(Place::RowRule, name).unwrap_or_default();
            return self.assignments(entry, example).unwrap_or_default();
        }
        let text = self.text_of(&entry.key, &entry.value, "delete: row");
        if let Some(text) = text.filter(|text| text.value != "row") {
            self.unknown_word("delete", &text, &["row"]);
        }
        Assignments::default()
    }
}

/// The events of a key such as `A | B`.
fn alternatives(key: &Text) -> Vec<Text> {
    let mut at = 0;
    let mut names = Vec::new();
    for name in key.value.split('|') {
        let start = at + (name.len() - name.trim_start().len());
        let trimmed = name.trim();
        // A quoted key starts one byte later; one that holds escapes is blamed as a whole.
        let width = key.span.end - key.span.start;
        let quote = usize::from(width == key.value.len() + 2);
        let span = if width == key.value.len() + 2 * quote {
            let start = key.span.start + quote + start;
            Span { start, end: start + trimmed.len(), ..key.span }
        } else {
            key.span
        };
        names.push(Spanned { value: trimmed.to_owned(), span });
        at += name.len() + 1;
    }
    names
}
