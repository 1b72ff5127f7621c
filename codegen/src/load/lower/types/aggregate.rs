//! Aggregates: of events, in place of the type of a column, `sum(A.amount | B.amount)`; and of rows, in the
//! `select` of a query, `sum(amount)`.
//!
//! Whether there are such events, fields and columns is `resolve`'s question.

use super::{Parser, Refused, broken_field};
use crate::catalogue::projections::AGGREGATE;
use crate::diagnostic::Diagnostic;
use crate::load::lower::Lowering;
use crate::load::lower::section::{Section, example};
use crate::load::tree::{Entry, Value};
use crate::naming::Kind;
use crate::source::{Span, Spanned};
use crate::suggest::nearest;
use crate::syntax::{AggregateColumn, Expression, Field, Folding, Map, Selected, Text};

const FOLDINGS: [(&str, Folding); 5] = [
    ("count", Folding::Count),
    ("sum", Folding::Sum),
    ("min", Folding::Min),
    ("max", Folding::Max),
    ("average", Folding::Average),
];

/// What they are called elsewhere.
const FOREIGN: [(&str, &str); 6] = [
    ("avg", "average"),
    ("mean", "average"),
    ("total", "sum"),
    ("minimum", "min"),
    ("maximum", "max"),
    ("number", "count"),
];

/// Most digits after the point.
const MAX_SCALE: u32 = 28;

/// The columns with a type, and those with an aggregate: each with its place among all.
pub(in crate::load::lower) type Columns = (Map<Field>, Vec<(usize, Text, AggregateColumn)>);

impl Lowering<'_> {
    /// `columns:`
    pub(in crate::load::lower) fn columns(&mut self, section: &Section<'_>) -> Option<Columns> {
        let entry = section.get("columns")?;
        let example = example(section.place, "columns").unwrap_or_default();
        let entries = self.mapping_of(entry, example)?;
        let (mut fields, mut aggregates) = Columns::default();
        for (at, entry) in entries.iter().enumerate() {
            self.check_name(&entry.key, Kind::Field);
            let name = entry.key.clone();
            match self.aggregate_column(entry) {
                None => fields.push((name, self.field(&entry.key, &entry.value))),
                Some(Ok(aggregate)) => aggregates.push((at, name, aggregate)),
                Some(Err(broken)) => fields.push((name, broken)),
            }
        }
        Some((fields, aggregates))
    }

    /// The aggregate, or a broken field where it is wrong and reported; none where a type stands there.
    fn aggregate_column(&mut self, entry: &Entry) -> Option<Result<AggregateColumn, Field>> {
        let Value::Scalar(scalar) = &entry.value.value else { return None };
        if !is_aggregate(&scalar.text) {
            return None;
        }
        let text = self.expression(&entry.key, &entry.value);
        let mut parser = Parser { text: &text, at: 0, end: text.text.len(), depth: 0 };
        Some(parser.aggregate().map_err(|refused| {
            self.report(*refused);
            broken_field(text.span)
        }))
    }
}

impl Lowering<'_> {
    /// `select:` of a query.
    pub(in crate::load::lower) fn selected(
        &mut self,
        section: &Section<'_>,
    ) -> Option<Map<Selected>> {
        let entry = section.get("select")?;
        let example = example(section.place, "select").unwrap_or_default();
        let entries = self.mapping_of(entry, example)?;
        let mut all = Map::new();
        for entry in entries {
            self.check_name(&entry.key, Kind::Field);
            let text = self.expression(&entry.key, &entry.value);
            if text.text.is_empty() {
                continue; // it is reported
            }
            let mut parser = Parser { text: &text, at: 0, end: text.text.len(), depth: 0 };
            match parser.selected() {
                Ok(selected) => all.push((entry.key.clone(), selected)),
                Err(refused) => self.lose(*refused),
            }
        }
        Some(all)
    }
}

/// Whether a text is a word with parentheses, in which more than digits stand.
fn is_aggregate(text: &str) -> bool {
    let Some((word, rest)) = text.split_once('(') else { return false };
    let word = word.trim();
    let is_word = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let inner = rest.split([')', '=']).next().unwrap_or_default();
    let is_type = ["decimal", "enum", "list", "set", "map"].contains(&word);
    let is_known = FOLDINGS.iter().any(|(name, _)| *name == word);
    is_word && (is_known || !is_type && inner.contains(|c: char| c.is_alphabetic()))
}

/// Which aggregate somebody means by a word.
fn meant(word: &str) -> Option<&'static str> {
    let lower = word.to_ascii_lowercase();
    let known = || FOLDINGS.iter().map(|(known, _)| *known);
    let foreign = FOREIGN.iter().find(|(foreign, _)| *foreign == lower).map(|(_, known)| *known);
    known().find(|known| *known == lower).or(foreign).or_else(|| nearest(&lower, known()))
}

impl Parser<'_> {
    fn aggregate(&mut self) -> Result<AggregateColumn, Refused> {
        let name = self.name("an aggregate")?;
        let folding = folding(&name)?;
        let parts = self.parts(&name).map_err(|refused| as_aggregate(*refused, &name));
        let (terms, scale) = parts?;
        self.ends_aggregate()?;
        let text: &Expression = self.text;
        let column = AggregateColumn { folding, terms, scale, span: text.span, word: name.span };
        check_scale(&column, &name, text.span)?;
        Ok(column)
    }

    /// `day`, `row.day`, `count()`, `sum(amount)` or `average(amount, 2)`
    fn selected(&mut self) -> Result<Selected, Refused> {
        self.skip_space();
        let start = self.at;
        let word = self.name("a column or an aggregate")?;
        if self.peek() != Some('(') {
            let column = self.column_of(word, start);
            self.ends_selected()?;
            return Ok(Selected { folding: None, column: Some(column), scale: None });
        }
        let found = folding(&word).map_err(|refused| {
            // Its help shows how aggregates of events are written.
            let refused = Diagnostic { help: Vec::new(), ..*refused };
            let meant = meant(&word.value);
            let refused = match meant {
                Some(meant) => refused.help(format!("did you mean `{meant}`?")),
                None => refused,
            };
            Box::new(refused.help(of_rows(meant.unwrap_or(&word.value))))
        })?;
        let parts = self.argument(found).map_err(|refused| {
            let (place, label) = refused.primary;
            let label =
                if label == "in this type" { "in this aggregate".to_owned() } else { label };
            let told = Diagnostic::error(&AGGREGATE, refused.title, place, label);
            Box::new(told.help(of_rows(&word.value)))
        });
        let (column, scale) = parts?;
        self.ends_selected()?;
        let span = self.text.span;
        let folding = Some(Spanned { value: found, span: word.span });
        let selected = Selected { folding, column, scale };
        match selected.scale_fault(span) {
            Some(fault) => Err(Box::new(fault.help(of_rows(&word.value)))),
            None => Ok(selected),
        }
    }

    /// What stands in the parentheses: nothing for `count`.
    fn argument(
        &mut self,
        folding: Folding,
    ) -> Result<(Option<Text>, Option<Spanned<u32>>), Refused> {
        self.expect('(')?;
        if folding == Folding::Count {
            if self.peek() != Some(')') {
                return Err(self.refuse_next("`count` counts rows, and not a column".to_owned()));
            }
            self.expect(')')?;
            return Ok((None, None));
        }
        self.skip_space();
        let start = self.at;
        let name = self.name("a column")?;
        let column = self.column_of(name, start);
        let scale = if self.take(',') { Some(self.scale()?) } else { None };
        self.expect(')')?;
        Ok((Some(column), scale))
    }

    /// Without `row.` before it.
    fn column_of(&self, name: Text, start: usize) -> Text {
        match name.value.strip_prefix("row.") {
            Some(column) => {
                let from = start + "row.".len();
                let span = self.text.place(from..from + column.len());
                Spanned { value: column.to_owned(), span }
            }
            None => name,
        }
    }

    fn ends_selected(&mut self) -> Result<(), Refused> {
        let Some(next) = self.peek() else { return Ok(()) };
        let place = self.text.place(self.at..self.at + next.len_utf8());
        let title = format!("what is selected ends before `{next}`");
        let found = Diagnostic::error(&AGGREGATE, title, place, "after it");
        Err(Box::new(found.help(
            "select one column of the group, or one aggregate; what is calculated of them is calculated by the caller, or kept in a column",
        )))
    }

    /// What stands in the parentheses.
    #[allow(clippy::type_complexity)] // it is taken apart at once
    fn parts(
        &mut self,
        name: &Text,
    ) -> Result<(Vec<(Text, Option<Text>)>, Option<Spanned<u32>>), Refused> {
        self.expect('(')?;
        let terms = self.terms(name)?;
        let scale = if self.take(',') { Some(self.scale()?) } else { None };
        self.expect(')')?;
        Ok((terms, scale))
    }

    fn scale(&mut self) -> Result<Spanned<u32>, Refused> {
        let digits = self.name("a number of digits")?;
        match digits.value.parse() {
            Ok(value) => Ok(Spanned { value, span: digits.span }),
            Err(_) => {
                let title = format!("`{}` is no number of digits", digits.value);
                let label = "a small whole number belongs here";
                Err(Box::new(Diagnostic::error(&AGGREGATE, title, digits.span, label)))
            }
        }
    }

    /// `A | B` or `A.amount | B.amount`
    fn terms(&mut self, name: &Text) -> Result<Vec<(Text, Option<Text>)>, Refused> {
        if self.peek() == Some(')') {
            let title = format!("`{}` does not say of which event", name.value);
            let found = Diagnostic::error(&AGGREGATE, title, name.span, "of what?");
            return Err(Box::new(found.help(form(&name.value))));
        }
        let mut terms = vec![self.term()?];
        while self.take('|') {
            terms.push(self.term()?);
        }
        let counts = name.value == "count";
        for (event, field) in &terms {
            let (title, label, place) = match field {
                Some(field) if counts => {
                    ("`count` counts events, and not a field", "a field", field.span)
                }
                None if !counts => {
                    let title = format!(
                        "`{}` does not say of which field of `{}`",
                        name.value, event.value
                    );
                    let found = Diagnostic::error(&AGGREGATE, title, event.span, "which field?");
                    return Err(Box::new(found.help(form(&name.value))));
                }
                _ => continue,
            };
            let found = Diagnostic::error(&AGGREGATE, title, place, label);
            return Err(Box::new(
                found.help("write the event alone, for example `count(MoneyDeposited)`"),
            ));
        }
        Ok(terms)
    }

    fn term(&mut self) -> Result<(Text, Option<Text>), Refused> {
        self.skip_space();
        let start = self.at;
        let name = self.name("an event")?;
        let Some(dot) = name.value.find('.') else { return Ok((name, None)) };
        let part = |from: usize, to: usize| Spanned {
            value: name.value[from..to].to_owned(),
            span: self.text.place(start + from..start + to),
        };
        Ok((part(0, dot), Some(part(dot + 1, name.value.len()))))
    }

    fn ends_aggregate(&mut self) -> Result<(), Refused> {
        let Some(next) = self.peek() else { return Ok(()) };
        let refused = |title: String, help: &str| {
            let place = self.text.place(self.at..self.at + next.len_utf8());
            let found = Diagnostic::error(&AGGREGATE, title, place, "after an aggregate");
            Err(Box::new(found.help(help)))
        };
        match next {
            '=' => refused(
                "an aggregate has no default".to_owned(),
                "remove it: `count` and `sum` begin with 0, the others with none",
            ),
            '?' => refused(
                "an aggregate is optional by itself, or never".to_owned(),
                "remove it: `min`, `max` and `average` are none as long as there is no event, `count` and `sum` are 0",
            ),
            other => refused(
                format!("the aggregate ends before `{other}`"),
                "a column is one aggregate; what is calculated of several is set by the rules",
            ),
        }
    }
}

fn folding(name: &Text) -> Result<Folding, Refused> {
    if let Some((_, folding)) = FOLDINGS.iter().find(|(known, _)| *known == name.value) {
        return Ok(*folding);
    }
    let title = format!("there is no aggregate `{}`", name.value);
    let found = Diagnostic::error(&AGGREGATE, title, name.span, "unknown aggregate");
    Err(Box::new(found.help(match meant(&name.value) {
        Some(meant) => format!("did you mean `{meant}`? {}", form(meant)),
        None => "the aggregates are `count`, `sum`, `min`, `max` and `average`".to_owned(),
    })))
}

/// A mistake in what all types are made of, told of an aggregate.
fn as_aggregate(refused: Diagnostic, name: &Text) -> Refused {
    if refused.code == &AGGREGATE && !refused.help.is_empty() {
        return Box::new(refused);
    }
    let (place, label) = refused.primary;
    let label = if label == "in this type" { "in this aggregate".to_owned() } else { label };
    let found = Diagnostic::error(&AGGREGATE, refused.title, place, label);
    Box::new(found.help(form(&name.value)))
}

/// How one is written.
fn form(name: &str) -> String {
    match name {
        "count" => "write `count(Event)`, or `count(Event | Other)`".to_owned(),
        "average" => "write `average(Event.field, 2)`, with the digits after the point".to_owned(),
        name => format!("write `{name}(Event.field)`"),
    }
}

/// How one of rows is written.
fn of_rows(name: &str) -> String {
    match name {
        "count" => "write `count()`, which is the number of rows".to_owned(),
        "average" => "write `average(column, 2)`, with the digits after the point".to_owned(),
        "sum" | "min" | "max" => format!("write `{name}(column)`"),
        _ => "write `count()`, `sum(column)`, `min(column)`, `max(column)` or `average(column, 2)`"
            .to_owned(),
    }
}

impl Selected {
    /// What is wrong with the digits that it says, or doesn't.
    fn scale_fault(&self, whole: Span) -> Option<Diagnostic> {
        let averages = self.folding.as_ref().is_some_and(|it| it.value == Folding::Average);
        match &self.scale {
            None if averages => {
                let title = "an average does not say to how many digits it is rounded";
                Some(Diagnostic::error(&AGGREGATE, title, whole, "rounded how?"))
            }
            Some(scale) if averages && scale.value > MAX_SCALE => {
                let title = format!("an average has at most {MAX_SCALE} digits after the point");
                Some(Diagnostic::error(&AGGREGATE, title, scale.span, "too many"))
            }
            Some(scale) if !averages => {
                let title = "only an average is rounded: the others are exact";
                Some(Diagnostic::error(&AGGREGATE, title, scale.span, "never rounded"))
            }
            _ => None,
        }
    }
}

/// An average says how it is rounded, and nothing else is.
fn check_scale(column: &AggregateColumn, name: &Text, whole: Span) -> Result<(), Refused> {
    let averages = column.folding == Folding::Average;
    let found = match &column.scale {
        None if averages => {
            let title = "an average does not say to how many digits it is rounded";
            Diagnostic::error(&AGGREGATE, title, whole, "rounded how?").help(form("average"))
        }
        Some(scale) if averages && scale.value > MAX_SCALE => {
            let title = format!("an average has at most {MAX_SCALE} digits after the point");
            Diagnostic::error(&AGGREGATE, title, scale.span, "too many")
                .help("write how many are shown, for example `2`")
        }
        Some(scale) if !averages => {
            let title = format!("`{}` is exact: no digits are rounded", name.value);
            Diagnostic::error(&AGGREGATE, title, scale.span, "never rounded").help("remove it")
        }
        _ => return Ok(()),
    };
    Err(Box::new(found))
}

#[cfg(test)]
mod tests {
    use super::is_aggregate;

    #[test]
    fn an_aggregate_is_told_from_a_type() {
        for text in ["count(A)", " sum (A.b)", "count()", "avg(A.b)", "sum(1)", "Sum(A"] {
            assert!(is_aggregate(text), "{text}");
        }
        for text in
            ["decimal(9,2)", "decimal(p)", "string", "Money(9)", "list<T> = f(x)", "T = a(b)"]
        {
            assert!(!is_aggregate(text), "{text}");
        }
    }
}
