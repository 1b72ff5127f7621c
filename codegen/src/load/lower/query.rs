//! What is asked of a projection's rows: `indexes` and `queries`.

use super::Lowering;
use super::section::{Section, Wanted, example};
use crate::catalogue::projections::{GROUPS, INDEX};
use crate::diagnostic::Diagnostic;
use crate::load::keys::Place;
use crate::load::tree::{Entry, Node, Value};
use crate::naming::Kind;
use crate::source::{Span, Spanned};
use crate::syntax::{Map, OrderSyntax, Query, Text};

const INDEXED: &str = "an index is a column or a list of columns";

const ORDERS: [&str; 2] = ["asc", "desc"];

impl Lowering<'_> {
    /// A list of columns, or of lists of columns.
    pub(super) fn indexes(&mut self, section: &Section<'_>) -> Vec<Vec<Text>> {
        let Some(entry) = section.get("indexes") else { return Vec::new() };
        let example = example(Place::Projection, "indexes").unwrap_or_default();
        let items = self.list(entry, example);
        items.iter().filter_map(|item| self.index(entry, item, example)).collect()
    }

    fn index(&mut self, entry: &Entry, item: &Node, example: &str) -> Option<Vec<Text>> {
        let Value::List(columns) = &item.value else {
            return Some(vec![self.column(entry, item, INDEXED, example)?]);
        };
        if columns.is_empty() {
            let title = "an index names no column";
            let found = Diagnostic::error(&INDEX, title, item.span, "of what?");
            self.report(found.help("remove it, or name the columns by which rows are to be found"));
            return None;
        }
        columns.iter().map(|column| self.column(entry, column, INDEXED, example)).collect()
    }

    fn column(
        &mut self,
        entry: &Entry,
        node: &Node,
        rule: &'static str,
        example: &str,
    ) -> Option<Text> {
        match &node.value {
            Value::Scalar(scalar) => Some(Spanned { value: scalar.text.clone(), span: node.span }),
            _ => {
                self.wrong_shape(&entry.key, node, &Wanted::Rule(rule), example);
                None
            }
        }
    }

    pub(super) fn queries(&mut self, section: &Section<'_>) -> Map<Query> {
        let entries = self.declared(section, "queries", Kind::Field).unwrap_or_default();
        entries.iter().filter_map(|entry| Some((entry.key.clone(), self.query(entry)?))).collect()
    }

    fn query(&mut self, entry: &Entry) -> Option<Query> {
        let section = self.section(Place::Query, &entry.key, &entry.value)?;
        // Nothing else refers to it, so the rest can be looked at all the same.
        let is_one = section.get("select").is_some() && section.get("groupBy").is_none();
        if section.get("limit").is_none() && !is_one {
            self.missing_key(&section, "limit");
        }
        Some(Query {
            description: self.text(&section, "description"),
            input: self.fields(&section, "input"),
            condition: self.expression_at(&section, "where"),
            order: self.order(&section),
            limit: self.expression_at(&section, "limit"),
            offset: self.expression_at(&section, "offset"),
            select: self.selected(&section),
            group_by: self.group_by(&section),
            is_strange: section.is_strange(),
        })
    }

    /// A column, or a list of columns.
    fn group_by(&mut self, section: &Section<'_>) -> Option<Vec<Text>> {
        let entry = section.get("groupBy")?;
        let example = example(Place::Query, "groupBy").unwrap_or_default();
        let items = match &entry.value.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(&entry.value),
        };
        if items.is_empty() {
            let title = "`groupBy` names no column";
            let found = Diagnostic::error(&GROUPS, title, entry.value.span, "of what?");
            self.report(found.help(
                "name the columns in which the rows of a group are alike, or remove it: then all rows are one group",
            ));
        }
        let rule = "`groupBy` is a column, or a list of columns";
        Some(items.iter().filter_map(|item| self.column(entry, item, rule, example)).collect())
    }

    /// `column desc`, or a list of such.
    fn order(&mut self, section: &Section<'_>) -> Vec<OrderSyntax> {
        let Some(entry) = section.get("orderBy") else { return Vec::new() };
        let items = match &entry.value.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(&entry.value),
        };
        items.iter().filter_map(|item| self.sorted(entry, item)).collect()
    }

    fn sorted(&mut self, entry: &Entry, item: &Node) -> Option<OrderSyntax> {
        let example = example(Place::Query, "orderBy").unwrap_or_default();
        let Value::Scalar(scalar) = &item.value else {
            let rule = "`orderBy` is a column, or a list of columns";
            self.wrong_shape(&entry.key, item, &Wanted::Rule(rule), example);
            return None;
        };
        let written = Spanned { value: scalar.text.clone(), span: item.span };
        let text = written.value.trim_start();
        let width = text.find(char::is_whitespace).unwrap_or(text.len());
        let start = written.value.len() - text.len();
        let column = part(&written, start, start + width);
        let direction = text.get(width..).unwrap_or_default().trim();
        if !direction.is_empty() && !ORDERS.contains(&direction) {
            let start = written.value.rfind(direction).unwrap_or_default();
            let direction = part(&written, start, start + direction.len());
            self.unknown_word("orderBy", &direction, &ORDERS);
            return None;
        }
        Some(OrderSyntax { column, descending: direction == "desc" })
    }
}

/// A part of a text; its place where that can be told, else that of the whole.
fn part(text: &Text, start: usize, end: usize) -> Text {
    let width = text.span.end - text.span.start;
    // A quoted text starts one byte later; one that holds escapes is blamed as a whole.
    let quote = usize::from(width == text.value.len() + 2);
    let span = match width == text.value.len() + 2 * quote {
        true => {
            let start_of = text.span.start + quote;
            Span { start: start_of + start, end: start_of + end, ..text.span }
        }
        false => text.span,
    };
    Spanned { value: text.value[start..end].to_owned(), span }
}
