//! `queries`: what is asked of the rows.

use super::Projecting;
use crate::catalogue::projections::{INPUT_TYPE, INPUT_UNUSED, LIMIT, NOT_SORTED};
use crate::diagnostic::Diagnostic;
use crate::model::{self, Expression, ExpressionKind, Order, Scope as From, Type, Where};
use crate::resolve::assign::unknown;
use crate::resolve::expression::asked::{self, Meeting};
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
            Some(_) => Some(Fields::default()),
            None => self.inferred(findings),
        };
        let order = self.order(findings);
        let inferred = inferred?;
        let input = declared.unwrap_or(&inferred);
        let condition = match &self.syntax.condition {
            Some(written) => self.condition(written, input, findings).map(Some),
            None => Some(None),
        };
        let limit = self.syntax.limit.as_ref().and_then(|it| self.count(it, input, findings));
        let limit = limit.filter(|limit| self.gives_rows(limit, findings));
        let offset = match &self.syntax.offset {
            Some(written) => self.count(written, input, findings).map(Some),
            None => Some(None),
        };
        let query = model::Query {
            name: self.name.value.clone(),
            description: self.syntax.description.as_ref().map(|text| text.value.clone()),
            input: input.to_model(),
            condition: condition?,
            order: order?,
            limit: limit?,
            offset: offset?,
        };
        self.uses_all(input, &query, findings).then_some(query)
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

    fn order(&self, findings: &mut Vec<Diagnostic>) -> Option<Vec<Order>> {
        let all: Vec<Option<Order>> =
            self.syntax.order.iter().map(|written| self.sorted(written, findings)).collect();
        all.into_iter().collect()
    }

    fn sorted(
        &self,
        written: &syntax::OrderSyntax,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Order> {
        let column = &written.column;
        let Some(found) = self.columns.get(&column.value) else {
            let owner = format!("`{}`", self.this.name.value);
            findings.push(unknown(column, &owner, self.columns));
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

    /// The inputs that the query reads, each with the type of the columns that it is compared with.
    fn inferred(&self, findings: &mut Vec<Diagnostic>) -> Option<Fields> {
        let condition = self.syntax.condition.iter();
        let mut met: Vec<Meeting> =
            condition.flat_map(|it| asked::meetings(it, self.columns)).collect();
        let counts = self.syntax.limit.iter().chain(&self.syntax.offset);
        met.extend(counts.flat_map(asked::counted));
        let mut fields = Fields::default();
        let mut sound = true;
        for meeting in &met {
            if fields.contains(&meeting.input.value) {
                continue;
            }
            match self.type_of(&meeting.input, &met, findings) {
                Some(field) => fields.0.push(field),
                None => sound = false,
            }
            // One finding for each input.
            if !sound {
                return None;
            }
        }
        Some(fields)
    }

    fn type_of(
        &self,
        input: &Text,
        met: &[Meeting],
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Field> {
        let of_input = || met.iter().filter(|other| other.input.value == input.value);
        let mut typed = of_input().filter_map(|it| Some((it, it.with.as_ref()?)));
        let Some((first, of)) = typed.next() else {
            let title = format!("the type of `input.{}` can't be told", input.value);
            let found = Diagnostic::error(&INPUT_TYPE, title, input.span, "of which type?");
            let found = found.note("it is compared with no column");
            findings.push(found.help(format!("declare it: `input: {{{}: …}}`", input.value)));
            return None;
        };
        if let Some((other, another)) = typed.find(|(_, other)| *other != of) {
            let types = &self.this.declared.types;
            let title = format!("`input.{}` would be of two types", input.value);
            findings.push(
                Diagnostic::error(&INPUT_TYPE, title, other.input.span, types.show(another))
                    .place(first.input.span, types.show(of))
                    .help(format!("declare it: `input: {{{}: {}}}`", input.value, types.show(of))),
            );
            return None;
        }
        Some(Field {
            name: input.value.clone(),
            field_type: Some(of.clone()),
            default: None,
            default_is_written: false,
            span: input.span,
        })
    }

    fn uses_all(
        &self,
        input: &Fields,
        query: &model::Query,
        findings: &mut Vec<Diagnostic>,
    ) -> bool {
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

/// Whether rows can be sorted by such a column; none comes before every value.
fn has_order(of: &Type) -> bool {
    match of {
        Type::Optional(inner) | Type::Newtype(_, inner) => has_order(inner),
        of => is_ordered(of),
    }
}
