//! `select` and `groupBy` of a query: what is worked out of its rows.

use super::Projecting;
use super::aggregates::plain;
use super::key::{KEPT_AS_JSON, is_json};
use crate::catalogue::projections::{AGGREGATE_TYPE, COLUMN_TYPE, GROUPS};
use crate::diagnostic::Diagnostic;
use crate::model::{self, Figure, FigureOf, Summary, Type};
use crate::resolve::assign::unknown;
use crate::resolve::expression::is_ordered;
use crate::resolve::fields::{Field, Fields};
use crate::suggest::nearest;
use crate::syntax::{self, Folding, Selected, Text};

/// What is worked out: `Some(None)` where the rows themselves are asked for, none where it is wrong.
#[allow(clippy::option_option)] // no summary and a wrong one are two things
pub(super) fn resolve(
    this: &Projecting<'_>,
    columns: &Fields,
    name: &Text,
    query: &syntax::Query,
    findings: &mut Vec<Diagnostic>,
) -> Option<Option<Summary>> {
    let Some(written) = &query.select else {
        let Some(group) = &query.group_by else { return Some(None) };
        let place = group.first().map_or(name.span, |column| column.span);
        let title = format!("`{}` does not say what it tells of a group", name.value);
        let found = Diagnostic::error(&GROUPS, title, place, "grouped");
        findings.push(found.help("add `select`, for example `select: {number: count()}`"));
        return None;
    };
    let this = Selecting { this, columns, name, query };
    let groups = match &query.group_by {
        Some(group) => this.groups(group, findings).map(Some),
        None => this.is_one(findings).then_some(None),
    };
    if !this.works_out_something(written, findings) {
        return None;
    }
    let figures: Vec<Option<Figure>> =
        written.iter().map(|(name, selected)| this.figure(name, selected, findings)).collect();
    let figures = figures.into_iter().collect::<Option<_>>()?;
    Some(Some(Summary { groups: groups?, figures }))
}

/// What groups can be sorted by.
pub(super) fn sorted_by(summary: &Summary, written: &syntax::Map<Selected>) -> Fields {
    let field = |(figure, (name, _)): (&Figure, &(Text, Selected))| Field {
        name: figure.field.name.clone(),
        field_type: Some(figure.field.field_type.clone()),
        default: None,
        default_is_written: false,
        span: name.span,
    };
    Fields(summary.figures.iter().zip(written).map(field).collect())
}

/// Groups are sorted by something else.
pub(super) fn not_selected(column: &Text, selected: &Fields) -> Diagnostic {
    let title = format!("groups are not sorted by `{}`: it is not selected", column.value);
    let found = Diagnostic::error(&GROUPS, title, column.span, "not under `select`");
    found.help(match nearest(&column.value, selected.names()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("add it to `select`: `{0}: {0}`, or an aggregate", column.value),
    })
}

/// A query while its `select` is resolved.
struct Selecting<'a> {
    this: &'a Projecting<'a>,
    columns: &'a Fields,
    name: &'a Text,
    query: &'a syntax::Query,
}

impl Selecting<'_> {
    /// The columns of the groups.
    fn groups(&self, written: &[Text], findings: &mut Vec<Diagnostic>) -> Option<Vec<String>> {
        let mut sound = !written.is_empty();
        for (at, column) in written.iter().enumerate() {
            let Some((found, of)) = self.column(column, findings) else {
                sound = false;
                continue;
            };
            if let Some(first) = written[..at].iter().find(|first| first.value == column.value) {
                let title = format!("rows are grouped by `{}` already", column.value);
                let again = Diagnostic::error(&GROUPS, title, column.span, "again");
                findings.push(again.place(first.span, "first").help("remove one of the two"));
                sound = false;
            } else if is_json(of) {
                findings.push(self.as_json(column, found, of, "rows can't be grouped by"));
                sound = false;
            }
        }
        sound.then(|| written.iter().map(|column| column.value.clone()).collect())
    }

    /// Without groups there is one answer: neither an order nor a part of it.
    fn is_one(&self, findings: &mut Vec<Diagnostic>) -> bool {
        let limit = self.query.limit.as_ref().map(|limit| ("limit", limit.span));
        let offset = self.query.offset.as_ref().map(|offset| ("offset", offset.span));
        let order = self.query.order.first().map(|order| ("orderBy", order.column.span));
        let parts: Vec<_> = [order, limit, offset].into_iter().flatten().collect();
        for (part, place) in &parts {
            let title = format!("`{}` has one answer, and so no `{part}`", self.name.value);
            let found = Diagnostic::error(&GROUPS, title, *place, "of one");
            findings.push(found.help("remove it, or say by `groupBy` what the answers are of"));
        }
        parts.is_empty()
    }

    /// Columns alone are what the rows have.
    fn works_out_something(
        &self,
        written: &syntax::Map<Selected>,
        findings: &mut Vec<Diagnostic>,
    ) -> bool {
        let aggregates = written.iter().any(|(_, selected)| selected.folding.is_some());
        if aggregates || self.query.group_by.is_some() && !written.is_empty() {
            return true;
        }
        let title = format!("`{}` works out nothing of its rows", self.name.value);
        let place = written.first().map_or(self.name.span, |(name, _)| name.span);
        let found = Diagnostic::error(&GROUPS, title, place, "no aggregate");
        findings.push(found.help(
            "add an aggregate, for example `number: count()`; for the columns themselves remove `select`: rows have all of them",
        ));
        false
    }

    fn figure(
        &self,
        name: &Text,
        selected: &Selected,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Figure> {
        let (of, field_type) = match (&selected.folding, &selected.column) {
            (None, Some(column)) => self.own(column, findings)?,
            (Some(folding), Some(column)) => {
                let scale = selected.scale.as_ref().map_or(0, |scale| scale.value);
                self.aggregate(folding.value, column, scale, findings)?
            }
            (_, None) => (FigureOf::Count, Type::Integer),
        };
        let field = model::Field { name: name.value.clone(), field_type, default: None };
        Some(Figure { field, of })
    }

    /// A column in which all rows of a group are alike.
    fn own(&self, column: &Text, findings: &mut Vec<Diagnostic>) -> Option<(FigureOf, Type)> {
        let (_, of) = self.column(column, findings)?;
        let groups = self.query.group_by.iter().flatten();
        if groups.map(|group| &group.value).any(|group| *group == column.value) {
            return Some((FigureOf::Column(column.value.clone()), of.clone()));
        }
        let title = format!("the rows of a group may differ in `{}`", column.value);
        let found = Diagnostic::error(&GROUPS, title, column.span, "of which row?");
        let name = &column.value;
        findings.push(match &self.query.group_by {
            Some(_) => found
                .help(format!("add `{name}` to `groupBy`, or select for example `max({name})`")),
            None => {
                found.help(format!("add `groupBy: {name}`, or select for example `max({name})`"))
            }
        });
        None
    }

    fn aggregate(
        &self,
        folding: Folding,
        column: &Text,
        scale: u32,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<(FigureOf, Type)> {
        let (found, of) = self.column(column, findings)?;
        let inner = inner(of);
        let name = column.value.clone();
        let optional = |of: Type| Type::Optional(Box::new(of));
        let number = match plain(inner) {
            Type::Integer => Some(Type::Integer),
            Type::Decimal(_) => Some(Type::Decimal(None)),
            _ => None,
        };
        match folding {
            Folding::Count => Some((FigureOf::Count, Type::Integer)),
            Folding::Sum if number.is_some() => Some((FigureOf::Sum(name), number?)),
            Folding::Average if number.is_some() => {
                Some((FigureOf::Average(name, scale), optional(Type::Decimal(None))))
            }
            Folding::Min if is_ordered(plain(inner)) => {
                Some((FigureOf::Min(name), optional(inner.clone())))
            }
            Folding::Max if is_ordered(plain(inner)) => {
                Some((FigureOf::Max(name), optional(inner.clone())))
            }
            _ => {
                findings.push(self.not_of(folding, column, found, of));
                None
            }
        }
    }

    fn not_of(&self, folding: Folding, column: &Text, found: &Field, of: &Type) -> Diagnostic {
        let shown = self.this.declared.types.show(of);
        let title = match folding {
            Folding::Min | Folding::Max => {
                format!("values of `{shown}` are not less or greater than each other")
            }
            _ => format!("only numbers are added, not `{shown}`"),
        };
        let label = format!("this is `{shown}`");
        let refused = Diagnostic::error(&AGGREGATE_TYPE, title, column.span, label);
        refused.place(found.span, "the column").help("name another column")
    }

    fn as_json(&self, column: &Text, found: &Field, of: &Type, refused: &str) -> Diagnostic {
        let shown = self.this.declared.types.show(of);
        let title = format!("{refused} a column of `{shown}`");
        let label = format!("this is `{shown}`");
        let refused = Diagnostic::error(&COLUMN_TYPE, title, column.span, label);
        let refused = refused.place(found.span, "the column").note(KEPT_AS_JSON);
        refused.help("give what rows are grouped by a column of its own")
    }

    /// The column and its type; none where it is unknown, or broken and reported.
    fn column(&self, column: &Text, findings: &mut Vec<Diagnostic>) -> Option<(&Field, &Type)> {
        let Some(found) = self.columns.get(&column.value) else {
            let owner = format!("`{}`", self.this.name.value);
            findings.push(unknown(column, &owner, self.columns));
            return None;
        };
        Some((found, found.field_type.as_ref()?))
    }
}

/// Without its `?`.
fn inner(of: &Type) -> &Type {
    match of {
        Type::Optional(inner) => inner,
        of => of,
    }
}
