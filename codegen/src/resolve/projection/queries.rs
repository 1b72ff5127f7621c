//! `queries`: what is asked of the rows.

use super::Projecting;
use super::inputs::{self, Inputs};
use super::select;
use crate::catalogue::projections::{INPUT_DEFAULT, INPUT_UNUSED, LIMIT, NOT_SORTED};
use crate::diagnostic::Diagnostic;
use crate::model::{self, Expression, ExpressionKind, Order, Scope as From, Type, Where};
use crate::resolve::assign::unknown;
use crate::resolve::expression::asked;
use crate::resolve::expression::is_ordered;
use crate::resolve::expression::scope::Scope;
use crate::resolve::fields::{Field, Fields};
use crate::syntax::{self, Text};

/// All of them, or none where one is wrong.
pub(super) fn resolve(
    this: &Projecting<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Option<Vec<model::Query>> {
    let Some(columns) = this.columns else { return Some(Vec::new()) };
    let inputs = this.declared.query_inputs(this.name);
    let queries = this.syntax.queries.iter().zip(inputs);
    let resolved: Vec<Option<model::Query>> = queries
        .map(|((name, query), input)| {
            Query { this, columns, name, syntax: query }.resolve(input.as_ref(), findings)
        })
        .collect();
    resolved.into_iter().collect()
}

/// One query.
struct Query<'a> {
    this: &'a Projecting<'a>,
    columns: &'a Fields,
    name: &'a Text,
    syntax: &'a syntax::Query,
}

impl Query<'_> {
    fn resolve(
        &self,
        declared: Option<&Fields>,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<model::Query> {
        let inferred = match declared {
            Some(_) => Inputs::default(),
            None => inputs::inferred(self.this, self.columns, self.syntax, findings),
        };
        let summary = select::resolve(self.this, self.columns, self.name, self.syntax, findings);
        let order = match (&summary, &self.syntax.select) {
            (Some(Some(summary)), Some(written)) => {
                self.order(&select::sorted_by(summary, written), findings)
            }
            // What could be sorted by is broken, and reported.
            (None, Some(_)) => None,
            _ => self.order(self.columns, findings),
        };
        let input = declared.unwrap_or(&inferred.fields);
        let condition = match &self.syntax.condition {
            Some(written) => self.condition(written, input, findings).map(Some),
            None => Some(None),
        };
        let limit = match &self.syntax.limit {
            Some(written) => self.count(written, input, findings),
            // All rows are one group; where there is no `select` it is missed.
            None => self.syntax.select.as_ref().map(|_| one()),
        };
        let limit = limit.filter(|limit| self.gives_rows(limit, findings));
        let offset = match &self.syntax.offset {
            Some(written) => self.count(written, input, findings).map(Some),
            None => Some(None),
        };
        let offset = offset.filter(|offset| self.leaves_out(offset.as_ref(), findings));
        let query = model::Query {
            name: self.name.value.clone(),
            description: self.syntax.description.as_ref().map(|text| text.value.clone()),
            input: input.to_model(),
            condition: condition?,
            order: order?,
            limit: limit?,
            offset: offset?,
            summary: summary?,
        };
        let without = self.without_defaults(findings);
        let sound = without && !inferred.broken && self.uses_all(input, &query, findings);
        sound.then_some(query)
    }

    fn scope<'s>(&'s self, input: &'s Fields) -> Scope<'s> {
        let stands_in = format!("the query `{}`", self.name.value);
        Scope::empty(&self.this.declared.types, stands_in).qualified(From::Input, input)
    }

    fn condition(
        &self,
        written: &syntax::Expression,
        input: &Fields,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Where> {
        let mut scope = self.scope(input).bare(From::Row, self.columns);
        // The row is the query's own place: what can be read is told in this order.
        scope.places.reverse();
        let meaning = scope.condition(written, findings)?;
        let asked = asked::condition(written, &meaning, self.columns, input, findings)?;
        Some(Where { text: written.text.trim().to_owned(), meaning, asked })
    }

    /// A number of rows.
    fn count(
        &self,
        written: &syntax::Expression,
        input: &Fields,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Expression> {
        let found = self.scope(input).check(written, &Type::Integer, None, findings)?;
        asked::is_certain(written, findings).then_some(found)
    }

    fn gives_rows(&self, limit: &Expression, findings: &mut Vec<Diagnostic>) -> bool {
        let none = matches!(limit.kind, ExpressionKind::Integer(limit) if limit < 1);
        if let (true, Some(written)) = (none, &self.syntax.limit) {
            let title = format!("`{}` never gives a row", self.name.value);
            let found = Diagnostic::error(&LIMIT, title, written.span, "not one row");
            findings.push(found.help("write how many rows a caller can take, for example `50`"));
        }
        !none
    }

    fn leaves_out(&self, offset: Option<&Expression>, findings: &mut Vec<Diagnostic>) -> bool {
        let fewer = offset
            .is_some_and(|it| matches!(it.kind, ExpressionKind::Integer(offset) if offset < 0));
        if let (true, Some(written)) = (fewer, &self.syntax.offset) {
            let title = format!("`{}` leaves out fewer rows than none", self.name.value);
            let found = Diagnostic::error(&LIMIT, title, written.span, "less than 0");
            findings.push(found.help("remove it, or write how many rows are left out first"));
        }
        !fewer
    }

    /// By columns, or by what is selected.
    fn order(&self, by: &Fields, findings: &mut Vec<Diagnostic>) -> Option<Vec<Order>> {
        let written = &self.syntax.order;
        let all: Vec<Option<Order>> = written
            .iter()
            .enumerate()
            .map(|(at, order)| {
                let first = written[..at].iter().find(|it| it.column.value == order.column.value);
                match first {
                    Some(first) => sorted_again(&first.column, &order.column, findings),
                    None => self.sorted(order, by, findings),
                }
            })
            .collect();
        all.into_iter().collect()
    }

    fn sorted(
        &self,
        written: &syntax::OrderSyntax,
        by: &Fields,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Order> {
        let column = &written.column;
        let Some(found) = by.get(&column.value) else {
            findings.push(match &self.syntax.select {
                Some(_) => select::not_selected(column, by),
                None => unknown(column, &format!("`{}`", self.this.name.value), by),
            });
            return None;
        };
        let of = found.field_type.as_ref()?;
        if !has_order(of) {
            let shown = self.this.declared.types.show(of);
            let title = format!("values of `{shown}` are not less or greater than each other");
            let label = format!("this is `{shown}`");
            let refused = Diagnostic::error(&NOT_SORTED, title, column.span, label);
            findings.push(refused.place(found.span, "the column").help("sort by another column"));
            return None;
        }
        Some(Order { column: column.value.clone(), descending: written.descending })
    }

    /// A caller in Rust gives every input: what stands for one that is left out would never be used.
    fn without_defaults(&self, findings: &mut Vec<Diagnostic>) -> bool {
        let written = self.syntax.input.iter().flatten();
        let mut defaults =
            written.filter_map(|(name, field)| Some((name, field.default.as_ref()?)));
        let Some((name, default)) = defaults.next() else { return true };
        let title = format!("the input `{}` has a default, but is always given", name.value);
        let found = Diagnostic::error(&INPUT_DEFAULT, title, default.span, "never used");
        findings.push(found.help(format!(
            "remove it; where the caller may leave it open, make the input optional and write `input.{}.unwrap_or({})`",
            name.value, default.text
        )));
        false
    }

    fn uses_all(
        &self,
        input: &Fields,
        query: &model::Query,
        findings: &mut Vec<Diagnostic>,
    ) -> bool {
        // It may be read by what stands under a key that is not understood.
        if self.syntax.is_strange {
            return false;
        }
        let condition = query.condition.iter().map(|condition| &condition.meaning);
        let read: Vec<&Expression> = condition.chain([&query.limit]).chain(&query.offset).collect();
        let unused = |field: &&Field| !read.iter().any(|it| it.reads(From::Input, &field.name));
        let Some(field) = input.0.iter().find(unused) else { return true };
        let title = format!("`{}` does nothing with its input `{}`", self.name.value, field.name);
        let found = Diagnostic::error(&INPUT_UNUSED, title, field.span, "never read");
        findings.push(found.help("remove it, or use it in `where`"));
        false
    }
}

/// The limit where there is one answer.
fn one() -> Expression {
    Expression { kind: ExpressionKind::Integer(1), result: Type::Integer }
}

/// A column that rows are sorted by already.
fn sorted_again(first: &Text, again: &Text, findings: &mut Vec<Diagnostic>) -> Option<Order> {
    let title = format!("rows are sorted by `{}` already", again.value);
    let found = Diagnostic::error(&NOT_SORTED, title, again.span, "again");
    findings.push(found.place(first.span, "first").help("remove one of the two"));
    None
}

/// Whether rows can be sorted by such a column; none comes before every value.
fn has_order(of: &Type) -> bool {
    match of {
        Type::Optional(inner) | Type::Newtype(_, inner) => has_order(inner),
        of => is_ordered(of),
    }
}
