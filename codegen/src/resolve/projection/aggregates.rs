//! Aggregate columns: their types, and what they add to the rules of the events that they name.
//!
//! `deposits: count(MoneyDeposited)` is the column `deposits: integer`, and in every rule of that event the line
//! `deposits: row.deposits + 1`. So all that holds for a line that is written holds for an aggregate. What a
//! rule would leave out is refused: an aggregate that misses an event is a wrong number.

use super::{Projecting, key};
use crate::catalogue::projections::{
    AGGREGATE_RULE, AGGREGATE_SET, AGGREGATE_SOURCE, AGGREGATE_TYPE,
};
use crate::diagnostic::Diagnostic;
use crate::load::name_fault;
use crate::model::{Assignment, Type};
use crate::naming::Kind;
use crate::resolve::assign::{Target, unknown};
use crate::resolve::declared::{Declared, DeclaredEvent};
use crate::resolve::defaults::zero;
use crate::resolve::expression::scope::Scope;
use crate::resolve::fields::{Field, Fields};
use crate::source::Spanned;
use crate::syntax::{self, AggregateColumn, Folding, Text};

/// Adds the columns of aggregates to those with a type.
pub(crate) fn declare(
    declared: &Declared<'_>,
    projection: &syntax::Projection,
    columns: &mut Fields,
    findings: &mut Vec<Diagnostic>,
) {
    let mut beside = 0;
    for (at, name, column) in &projection.aggregates {
        let of = Declaring { declared, projection, column }.of(findings);
        let place = (at + beside).min(columns.0.len());
        let all = columns_of(name, column, of);
        beside += all.len() - 1;
        for (index, (name, of)) in all.into_iter().enumerate() {
            // Its own name has been looked at.
            findings.extend(name_fault(&name, Kind::Field).filter(|_| index > 0));
            let default = of.as_ref().and_then(|of| zero(&declared.types, of));
            let default_is_written = default.is_some();
            let field = Field {
                name: name.value,
                field_type: of,
                default,
                default_is_written,
                span: name.span,
            };
            columns.0.insert(place + index, field);
        }
    }
}

/// The column, and what an average keeps beside it.
fn columns_of(
    name: &Text,
    column: &AggregateColumn,
    of: Option<Type>,
) -> Vec<(Text, Option<Type>)> {
    let decimal = || Type::Decimal(None);
    let optional = |of: Type| Type::Optional(Box::new(of));
    let sound = of.is_some();
    let shown = match column.folding {
        Folding::Count | Folding::Sum => of,
        Folding::Min | Folding::Max => of.map(optional),
        Folding::Average => of.map(|_| optional(decimal())),
    };
    let mut all = vec![(name.clone(), shown)];
    for (name, of) in column.kept_beside(name).into_iter().zip([decimal(), Type::Integer]) {
        all.push((name, sound.then_some(of)));
    }
    all
}

/// One aggregate while its type is being found.
struct Declaring<'a> {
    declared: &'a Declared<'a>,
    projection: &'a syntax::Projection,
    column: &'a AggregateColumn,
}

impl Declaring<'_> {
    /// The type of the values; none where something is wrong and reported.
    fn of(&self, findings: &mut Vec<Diagnostic>) -> Option<Type> {
        let mut found: Option<Type> = None;
        let mut sound = true;
        for (at, (event, field)) in self.column.terms.iter().enumerate() {
            let of = self.term(at, event, field.as_ref(), findings);
            match (found.clone(), of) {
                (_, None) => sound = false,
                (None, of) => found = of,
                (Some(before), Some(of)) => match common(&before, &of) {
                    Some(both) => found = Some(both),
                    None => {
                        findings.push(self.differ(&before, &of, field.as_ref().unwrap_or(event)));
                        sound = false;
                    }
                },
            }
        }
        found.filter(|_| sound)
    }

    fn term(
        &self,
        at: usize,
        event: &Text,
        field: Option<&Text>,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Type> {
        let declared = self.declared.find_event(event, findings)?;
        let mut before = self.column.terms[..at].iter();
        if let Some((first, _)) = before.find(|(first, _)| first.value == event.value) {
            let title = format!("one aggregate names `{}` twice", event.value);
            let found = Diagnostic::error(&AGGREGATE_SOURCE, title, event.span, "again");
            findings.push(
                found
                    .place(first.span, "first")
                    .help("remove one of the two, or write two columns"),
            );
            return None;
        }
        if !self.projection.source.iter().any(|source| source.value == event.value) {
            let title = format!("`{}` is no source of this projection", event.value);
            let found = Diagnostic::error(&AGGREGATE_SOURCE, title, event.span, "never folded");
            findings.push(found.help(format!(
                "add `{0}` to `source`, and what it does to a row to `on`; `{0}: {{update: {{}}}}` where that is all",
                event.value
            )));
            return None;
        }
        match field {
            None => Some(Type::Integer),
            Some(field) => self.field(declared, field, findings),
        }
    }

    fn field(
        &self,
        event: &DeclaredEvent<'_>,
        field: &Text,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Type> {
        let name = &event.name.value;
        let Some(found) = event.fields.get(&field.value) else {
            findings.push(unknown(field, &format!("`{name}`"), &event.fields));
            return None;
        };
        let of = found.field_type.as_ref()?;
        let shown = self.declared.types.show(of);
        let word = word(self.column.folding);
        let fits = match plain(of) {
            Type::Integer => Some(Type::Integer),
            Type::Decimal(_) => Some(Type::Decimal(None)),
            of @ (Type::Timestamp | Type::Date | Type::Duration)
                if self.column.folding.compares() =>
            {
                Some(of.clone())
            }
            _ => None,
        };
        if fits.is_some() {
            return fits;
        }
        let (title, help) = match of {
            Type::Optional(_) => (
                format!("`{}` of `{name}` may be none, which no aggregate folds in", field.value),
                "fold it by rules, which say what none stands for, for example with `unwrap_or`",
            ),
            _ if self.column.folding.compares() => (
                format!("`{word}` compares numbers, times, dates and durations, not `{shown}`"),
                "name another field",
            ),
            _ => (
                format!("`{word}` takes numbers, not `{shown}`"),
                "name a field that is an `integer` or a `decimal`",
            ),
        };
        let refused =
            Diagnostic::error(&AGGREGATE_TYPE, title, field.span, format!("this is `{shown}`"));
        findings.push(refused.place(found.span, "the field").help(help));
        None
    }

    fn differ(&self, before: &Type, of: &Type, place: &Text) -> Diagnostic {
        let types = &self.declared.types;
        let (before, of) = (types.show(before), types.show(of));
        let title = format!("one aggregate has values of `{before}` and of `{of}`");
        let found = Diagnostic::error(&AGGREGATE_TYPE, title, place.span, format!("`{of}` here"));
        found.help("write a column for each")
    }
}

/// Without a name of its own.
pub(super) fn plain(of: &Type) -> &Type {
    match of {
        Type::Newtype(_, base) => plain(base),
        of => of,
    }
}

/// What values of both types are.
fn common(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        (a, b) if a == b => Some(a.clone()),
        (Type::Integer, Type::Decimal(_)) | (Type::Decimal(_), Type::Integer) => {
            Some(Type::Decimal(None))
        }
        _ => None,
    }
}

fn word(folding: Folding) -> &'static str {
    match folding {
        Folding::Count => "count",
        Folding::Sum => "sum",
        Folding::Min => "min",
        Folding::Max => "max",
        Folding::Average => "average",
    }
}

/// The aggregate whose column this is, or that keeps it beside its own.
pub(super) fn owner<'p>(this: &'p Projecting<'_>, column: &str) -> Option<&'p Text> {
    let is_its = |name: &Text, of: &AggregateColumn| {
        name.value == column || of.kept_beside(name).iter().any(|kept| kept.value == column)
    };
    this.syntax.aggregates.iter().find(|(_, name, of)| is_its(name, of)).map(|(_, name, _)| name)
}

/// Whether rules fold them, and none finds rows.
pub(super) fn check(this: &Projecting<'_>, findings: &mut Vec<Diagnostic>) -> bool {
    let Some((_, first, column)) = this.syntax.aggregates.first() else { return true };
    if this.syntax.on.is_none() {
        let title = format!("`{}` has aggregates but no `on`", this.name.value);
        let found = Diagnostic::error(&AGGREGATE_RULE, title, column.span, "folded by no rule");
        findings.push(found.help(format!(
            "say under `on` what each event does to its row; folded by hand, `{}` is a column with a type",
            first.value
        )));
        return false;
    }
    let keys = key::columns(this).into_iter();
    let Some((key, name)) = keys.filter_map(|key| Some((key, owner(this, key)?))).next() else {
        return true;
    };
    let title = format!("`{key}` is an aggregate, which can't be the key of a row");
    let found = Diagnostic::error(&AGGREGATE_SET, title, name.span, "changes with events");
    findings.push(found.help("set `key` to what never changes for a row"));
    false
}

/// Whether no rule of an event sets a column that is an aggregate's.
pub(super) fn are_set_by_none(
    this: &Projecting<'_>,
    rule: &syntax::RowRule,
    findings: &mut Vec<Diagnostic>,
) -> bool {
    let before = findings.len();
    for (column, _) in &rule.columns.fields {
        let Some(name) = owner(this, &column.value) else { continue };
        let title = format!("`{}` is an aggregate's and is not set by a rule", column.value);
        let found = Diagnostic::error(&AGGREGATE_SET, title, column.span, "set by hand");
        let found = found.place(name.span, "the aggregate");
        findings.push(
            found.help("remove this line, or give the column a type and set it in every rule"),
        );
    }
    findings.len() == before
}

/// Whether every event of this name gets into the aggregates that name it.
pub(super) fn miss_none(
    this: &Projecting<'_>,
    event: &Text,
    rules: &[syntax::RowRule],
    findings: &mut Vec<Diagnostic>,
) -> bool {
    let mut naming = this.syntax.aggregates.iter().filter_map(|(_, name, column)| {
        let (term, _) = column.terms.iter().find(|(term, _)| term.value == event.value)?;
        Some((name, term))
    });
    let Some((name, term)) = naming.next() else { return true };
    let before = findings.len();
    let mut refuse = |rule: &syntax::RowRule, title: String, label: &str, help: &str| {
        let found = Diagnostic::error(&AGGREGATE_RULE, title, rule.verb.span, label);
        findings.push(found.place(term.span, "the aggregate").help(help));
    };
    let by_hand = "or give the column a type and set it by rules";
    for rule in rules {
        if rule.verb.value == syntax::Verb::Delete {
            let title =
                format!("`{}` would be of a row that `{}` deletes", name.value, event.value);
            let help = "leave the event out of the aggregate: it goes with its row";
            refuse(rule, title, "no row is left", help);
        } else if rule.for_each.is_some() {
            let title =
                format!("`{}` would fold in `{}` once per element", name.value, event.value);
            let help =
                format!("set the column by this rule: `{}: row.{} + …`", name.value, name.value);
            refuse(rule, title, "for each element", &help);
        } else if rule.ignore_conflict {
            let title =
                format!("`{}` would miss `{}` where its row exists", name.value, event.value);
            let help = format!("write `upsert`, {by_hand}");
            refuse(rule, title, "then ignored", &help);
        }
    }
    let writes = |last: &&syntax::RowRule| last.verb.value != syntax::Verb::Delete;
    if let Some(last) = rules.last().filter(writes).filter(|last| last.when.is_some()) {
        let title = format!("`{}` would miss `{}` where no `when` holds", name.value, event.value);
        let help = format!("add a last case without `when`, for example `update: {{}}`, {by_hand}");
        refuse(last, title, "the last case", &help);
    }
    findings.len() == before
}

/// What the aggregates add to a rule of an event.
pub(super) fn lines(
    this: &Projecting<'_>,
    event: &DeclaredEvent<'_>,
    rule: &syntax::RowRule,
    target: Target<'_>,
    scope: &Scope<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Option<Vec<Assignment>> {
    let is_new = rule.verb.value == syntax::Verb::Insert;
    let mut lines = Vec::new();
    for (_, name, column) in &this.syntax.aggregates {
        // Without a type it is broken, and reported.
        target.fields.get(&name.value)?.field_type.as_ref()?;
        let term = column.terms.iter().find(|(term, _)| term.value == event.name.value);
        let Some((_, field)) = term else { continue };
        let of =
            field.as_ref().and_then(|field| event.fields.get(&field.value)?.field_type.as_ref());
        let line = Line { name, column, field: field.as_ref(), of, is_new };
        for (name, text) in line.all() {
            let value = syntax::Expression { text, span: column.span, offsets: None };
            lines.push(target.assign(&name, &value, scope, findings));
        }
    }
    lines.into_iter().collect()
}

/// An aggregate in a rule of one event.
struct Line<'a> {
    name: &'a Text,
    column: &'a AggregateColumn,
    field: Option<&'a Text>,
    of: Option<&'a Type>,
    is_new: bool,
}

impl Line<'_> {
    /// The lines as somebody would write them.
    fn all(&self) -> Vec<(Text, String)> {
        let row = format!("row.{}", self.name.value);
        let event = self.field.map_or_else(String::new, |field| format!("event.{}", field.value));
        let text = match self.column.folding {
            Folding::Count if self.is_new => "1".to_owned(),
            Folding::Count => format!("{row} + 1"),
            Folding::Average => return self.average(&event),
            _ if self.is_new => event,
            Folding::Sum => format!("{row} + {event}"),
            Folding::Min | Folding::Max => self.outer(&row, &event),
        };
        vec![(self.name.clone(), text)]
    }

    /// The smaller or greater of the two, the event's where there is none yet.
    fn outer(&self, row: &str, event: &str) -> String {
        format!("{row}.unwrap_or({event}).{}({event})", word(self.column.folding))
    }

    fn average(&self, event: &str) -> Vec<(Text, String)> {
        let scale = self.column.scale.as_ref().map_or(0, |scale| scale.value);
        let beside = self.column.kept_beside(self.name);
        let texts = match beside.as_slice() {
            [sum, count] if !self.is_new => {
                let (sum, count) =
                    (format!("row.{} + {event}", sum.value), format!("row.{} + 1", count.value));
                [format!("({sum}).div({count}, {scale}, half_even)"), sum, count]
            }
            _ => {
                let rounded = match self.of.map(plain) {
                    Some(Type::Integer) => event.to_owned(),
                    _ => format!("{event}.round({scale})"),
                };
                [rounded, event.to_owned(), "1".to_owned()]
            }
        };
        std::iter::once(self.name.clone()).chain(beside).zip(texts).collect()
    }
}

impl Folding {
    /// Whether it takes whatever is less or greater than each other.
    fn compares(self) -> bool {
        matches!(self, Self::Min | Self::Max)
    }
}

impl AggregateColumn {
    /// The columns that an average keeps beside its own: its sum and its count.
    pub(crate) fn kept_beside(&self, name: &Text) -> Vec<Text> {
        let parts: &[&str] = if self.folding == Folding::Average { &["Sum", "Count"] } else { &[] };
        let named =
            |part: &&str| Spanned { value: format!("{}{part}", name.value), span: name.span };
        parts.iter().map(named).collect()
    }
}
