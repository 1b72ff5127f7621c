//! The values of keys: texts, words, names, expressions and mappings of them.

use super::Lowering;
use super::section::{Section, Wanted, example, listed};
use crate::catalogue::load as codes;
use crate::diagnostic::Diagnostic;
use crate::load::keys;
use crate::load::offsets::offsets;
use crate::load::tree::{Entry, Node, Value};
use crate::naming::Kind;
use crate::source::{Span, Spanned};
use crate::suggest::nearest;
use crate::syntax::{Assignments, Expression, Map, Text};

/// Keys whose texts no other part of an ontology refers to.
const NAMELESS: [&str; 5] =
    ["consistencyWindow", "description", "retentionPolicy", "snapshotStrategy", "updateStrategy"];

impl Lowering<'_> {
    /// A text; a finding where the value is something else.
    pub(super) fn text(&mut self, section: &Section<'_>, name: &str) -> Option<Text> {
        let entry = section.get(name)?;
        let example = example(section.place, name).unwrap_or_default();
        let complete = self.complete;
        let text = self.text_of(&entry.key, &entry.value, example);
        // Nothing is missed elsewhere for a text that names nothing.
        self.complete |= complete && NAMELESS.contains(&name);
        text
    }

    pub(super) fn text_of(&mut self, key: &Text, node: &Node, example: &str) -> Option<Text> {
        match &node.value {
            Value::Scalar(scalar) if !scalar.text.is_empty() => {
                Some(Spanned { value: scalar.text.clone(), span: node.span })
            }
            Value::Scalar(_) => {
                self.empty_text(&key.value, node.span);
                None
            }
            _ => {
                let rule = format!("`{}` is a text", key.value);
                self.wrong_shape(key, node, &Wanted::Rule(&rule), example);
                None
            }
        }
    }

    fn empty_text(&mut self, key: &str, place: Span) {
        let diagnostic = Diagnostic::error(
            &codes::NO_VALUE,
            format!("`{key}` is empty"),
            place,
            "an empty text",
        );
        self.lose(diagnostic.help("write the value, or remove the key"));
    }

    /// One of the words that the table has for a key.
    pub(super) fn word(
        &mut self,
        section: &Section<'_>,
        name: &str,
    ) -> Option<Spanned<&'static str>> {
        let words = keys::words(section.place, name);
        let text = self.text(section, name)?;
        if let Some(word) = words.iter().find(|word| **word == text.value) {
            return Some(Spanned { value: word, span: text.span });
        }
        self.unknown_word(name, &text, words);
        None
    }

    /// Reports a value that is none of some words.
    pub(super) fn unknown_word(&mut self, key: &str, text: &Text, words: &[&str]) {
        let diagnostic = Diagnostic::error(
            &codes::UNKNOWN_WORD,
            format!("`{key}` can't be `{}`", text.value),
            text.span,
            "unknown word",
        );
        let help = match nearest(&text.value, words.iter().copied()) {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("write {}", listed(words.iter().copied(), "or")),
        };
        self.report(diagnostic.help(help));
    }

    /// A list of names. One name alone is reported and taken for a list.
    pub(super) fn names(&mut self, section: &Section<'_>, name: &str) -> Option<Vec<Text>> {
        let entry = section.get(name)?;
        let rule = format!("`{name}` is a list of names");
        let example = example(section.place, name).unwrap_or_default();
        let Value::List(items) = &entry.value.value else {
            self.wrong_shape(&entry.key, &entry.value, &Wanted::Rule(&rule), example);
            return None;
        };
        let texts = items.iter().filter_map(|item| match &item.value {
            Value::Scalar(scalar) => Some(Spanned { value: scalar.text.clone(), span: item.span }),
            _ => {
                self.wrong_shape(&entry.key, item, &Wanted::Rule(&rule), example);
                None
            }
        });
        Some(texts.collect())
    }

    /// An expression; an empty one, which later stages pass over, where there is none.
    pub(super) fn expression(&mut self, key: &Text, node: &Node) -> Expression {
        match &node.value {
            Value::Scalar(scalar) if !scalar.text.trim().is_empty() => Expression {
                text: scalar.text.clone(),
                span: node.span,
                offsets: offsets(self.file, node.span, scalar),
            },
            Value::Scalar(_) => {
                self.no_expression(key, node, "an empty text");
                broken_expression(node.span)
            }
            Value::Broken => broken_expression(node.span),
            Value::Empty => {
                let span = key.span;
                self.no_expression(key, &Node { span, value: Value::Empty }, "nothing follows");
                broken_expression(span)
            }
            Value::List(_) | Value::Map(_) => {
                self.collection_for_expression(key, node);
                broken_expression(node.span)
            }
        }
    }

    fn no_expression(&mut self, key: &Text, node: &Node, label: &str) {
        let diagnostic = Diagnostic::error(
            &codes::NO_VALUE,
            format!("`{}` needs an expression", key.value),
            node.span,
            label,
        );
        self.report(diagnostic.help("write the expression; an empty text is written '\"\"'"));
    }

    fn collection_for_expression(&mut self, key: &Text, node: &Node) {
        let written = &self.file.text[node.span.start..node.span.end];
        let diagnostic = Diagnostic::error(
            &codes::WRONG_SHAPE,
            format!("`{}` is an expression, not {}", key.value, node.described()),
            node.span,
            format!("YAML reads this as {}", node.described()),
        );
        let help = match written.contains('\n') {
            true => {
                "write the expression on one line, in quotes if it starts with a bracket".into()
            }
            false => crate::load::refusals::quote_help(written),
        };
        self.report(diagnostic.help(help));
    }

    /// An expression by its key.
    pub(super) fn expression_at(
        &mut self,
        section: &Section<'_>,
        name: &str,
    ) -> Option<Expression> {
        let entry = section.get(name)?;
        Some(self.expression(&entry.key, &entry.value))
    }

    /// A text with expressions in braces; none, which later stages pass over, where it is empty.
    pub(super) fn template_at(&mut self, section: &Section<'_>, name: &str) -> Option<Expression> {
        let entry = section.get(name)?;
        let empty = match &entry.value.value {
            Value::Empty => true,
            Value::Scalar(scalar) => scalar.text.trim().is_empty(),
            _ => false,
        };
        if !empty {
            return Some(self.expression(&entry.key, &entry.value));
        }
        let title = format!("`{name}` says nothing");
        let found = Diagnostic::error(&codes::NO_VALUE, title, entry.key.span, "an empty text");
        self.report(found.help(format!("write a sentence, or leave `{name}` out")));
        None
    }

    /// A mapping of names to expressions.
    pub(super) fn expressions(
        &mut self,
        section: &Section<'_>,
        name: &str,
    ) -> Option<Map<Expression>> {
        let entry = section.get(name)?;
        self.expressions_of(entry, example(section.place, name).unwrap_or_default())
    }

    pub(super) fn expressions_of(
        &mut self,
        entry: &Entry,
        example: &str,
    ) -> Option<Map<Expression>> {
        let entries = self.mapping_of(entry, example)?;
        Some(self.each_expression(entries))
    }

    /// The entries of a mapping with free keys.
    pub(super) fn mapping_of<'t>(
        &mut self,
        entry: &'t Entry,
        example: &str,
    ) -> Option<&'t [Entry]> {
        let what = format!("`{}`", entry.key.value);
        self.mapping(&entry.key, &entry.value, &Wanted::Mapping(&what), example)
    }

    pub(super) fn each_expression(&mut self, entries: &[Entry]) -> Map<Expression> {
        entries
            .iter()
            .map(|entry| (entry.key.clone(), self.expression(&entry.key, &entry.value)))
            .collect()
    }

    /// `field: expression` lines, among which `..: event` may stand.
    pub(super) fn assignments(&mut self, entry: &Entry, example: &str) -> Option<Assignments> {
        let entries = self.mapping_of(entry, example)?;
        let mut assignments = Assignments::default();
        for entry in entries {
            if entry.key.value == ".." {
                self.spread(entry);
                assignments.spread = Some(entry.key.span);
            } else {
                let value = self.expression(&entry.key, &entry.value);
                assignments.fields.push((entry.key.clone(), value));
            }
        }
        Some(assignments)
    }

    fn spread(&mut self, entry: &Entry) {
        let text = self.text_of(&entry.key, &entry.value, "..: event");
        if let Some(text) = text.filter(|text| text.value != "event") {
            self.unknown_word("..", &text, &["event"]);
        }
    }

    /// The entries of a mapping of declared names.
    pub(super) fn declared<'t>(
        &mut self,
        section: &Section<'t>,
        name: &str,
        kind: Kind,
    ) -> Option<&'t [Entry]> {
        let entry = section.get(name)?;
        let example = example(section.place, name).unwrap_or_default();
        let entries = self.mapping_of(entry, example)?;
        for entry in entries {
            self.check_name(&entry.key, kind);
        }
        Some(entries)
    }
}

/// An expression that is none: it has been reported, and later stages pass over it.
fn broken_expression(span: Span) -> Expression {
    Expression { text: String::new(), span, offsets: None }
}
