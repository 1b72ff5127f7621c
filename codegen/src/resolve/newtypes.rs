//! Single values with a type of their own: whether their rules fit, and values that keep them.

mod samples;

use super::expression::literal::canonical_decimal;
use crate::catalogue::types::{NEWTYPE, RULE};
use crate::diagnostic::Diagnostic;
use crate::model::{Newtype, Type, ValueRule, whole};
use crate::source::Span;
use crate::syntax::{self, NewtypeRule, Text};

/// The declared type; none where something of it is wrong and has been reported.
pub(super) fn declare(
    name: &Text,
    rust: String,
    written: &syntax::Newtype,
    base: Type,
    findings: &mut Vec<Diagnostic>,
) -> Option<Newtype> {
    let kind = Kind::of(&base);
    if matches!(kind, Kind::None) {
        findings.push(not_a_base(name, written.base.span));
        return None;
    }
    let rules: Vec<Option<ValueRule>> =
        written.rules.iter().map(|rule| resolved(rule, kind, &base, findings)).collect();
    let rules: Vec<ValueRule> = rules.into_iter().collect::<Option<_>>()?;
    let mut this =
        Newtype { name: rust, base, rules, text: written.text.clone(), samples: Vec::new() };
    if this.rules.is_empty() {
        return Some(this);
    }
    this.samples = samples::of(&this);
    if this.samples.is_empty() {
        let place = written.rules.last().map_or(written.base.span, NewtypeRule::span);
        let title = format!("no value keeps the rules of `{}`", name.value);
        let found = Diagnostic::error(&RULE, title, place, "with this rule, none was found");
        findings.push(found.help("widen the rules until there are values that keep all of them"));
        return None;
    }
    Some(this)
}

/// The type takes no name of its own.
pub(super) fn not_a_base(name: &Text, base: Span) -> Diagnostic {
    let title = format!("`{}` stands for a type that takes no name of its own", name.value);
    Diagnostic::error(&NEWTYPE, title, base, "not this type").help(
        "a `string`, `integer`, `decimal`, `uuid`, `date` or `duration` does; write others where they are used",
    )
}

/// What rules a type can have.
#[derive(Clone, Copy)]
enum Kind {
    Number,
    Text,
    /// A name, but no rules.
    Plain,
    /// Not even a name.
    None,
}

impl Kind {
    fn of(base: &Type) -> Self {
        match base {
            Type::String => Self::Text,
            Type::Integer | Type::Decimal(_) => Self::Number,
            Type::Uuid | Type::Date | Type::Duration => Self::Plain,
            Type::Boolean
            | Type::Timestamp
            | Type::Bytes
            | Type::Enum(_)
            | Type::Record(_)
            | Type::Newtype(..)
            | Type::List(_)
            | Type::Set(_)
            | Type::Map(..)
            | Type::Optional(_) => Self::None,
        }
    }
}

fn resolved(
    rule: &NewtypeRule,
    kind: Kind,
    base: &Type,
    findings: &mut Vec<Diagnostic>,
) -> Option<ValueRule> {
    let (fits, of) = match rule {
        NewtypeRule::Characters { .. } | NewtypeRule::Matching(_) => {
            (matches!(kind, Kind::Text), "of a text")
        }
        NewtypeRule::AtLeast(_)
        | NewtypeRule::AtMost(_)
        | NewtypeRule::GreaterThan(_)
        | NewtypeRule::LessThan(_) => (matches!(kind, Kind::Number), "of a number"),
    };
    if !fits {
        let title = format!("this is a rule {of}");
        let found = Diagnostic::error(&NEWTYPE, title, rule.span(), "not for this type");
        findings.push(match kind {
            Kind::Text => found.help("a text has `of 1 to 80 characters` and `matching [A-Z]{3}`"),
            Kind::Number => found.help("a number has `from 1 to 999`, `at least 1`, `at most 999`, `greater than 0` and `less than 1`"),
            Kind::Plain | Kind::None => found.help("texts and numbers have rules; check others with an invariant"),
        });
        return None;
    }
    match rule {
        NewtypeRule::AtLeast(text) => number(text, base, findings).map(ValueRule::AtLeast),
        NewtypeRule::AtMost(text) => number(text, base, findings).map(ValueRule::AtMost),
        NewtypeRule::GreaterThan(text) => number(text, base, findings).map(ValueRule::GreaterThan),
        NewtypeRule::LessThan(text) => number(text, base, findings).map(ValueRule::LessThan),
        NewtypeRule::Characters { least, most, .. } => Some(ValueRule::Characters {
            least: least.as_ref().map(|least| least.value),
            most: most.as_ref().map(|most| most.value),
        }),
        NewtypeRule::Matching(pattern) => matching(pattern, findings),
    }
}

/// A limit in canonical text.
fn number(text: &Text, base: &Type, findings: &mut Vec<Diagnostic>) -> Option<String> {
    let found = match base {
        Type::Integer => text.value.parse::<i64>().ok().map(|number| number.to_string()),
        _ => canonical_decimal(&text.value),
    };
    if found.is_none() {
        let title = match base {
            Type::Integer => format!("`{}` is no integer", text.value),
            _ => format!("`{}` is no decimal", text.value),
        };
        let refused = Diagnostic::error(&RULE, title, text.span, "a number belongs here");
        findings.push(refused.help("write all its digits, without a comma: `from 1 to 1000`"));
    }
    found
}

fn matching(pattern: &Text, findings: &mut Vec<Diagnostic>) -> Option<ValueRule> {
    match regex_lite::Regex::new(&whole(&pattern.value)) {
        Ok(_) => Some(ValueRule::Matching(pattern.value.clone())),
        Err(error) => {
            findings.push(not_a_pattern(&error.to_string(), pattern.span));
            None
        }
    }
}

fn not_a_pattern(error: &str, span: Span) -> Diagnostic {
    let reason = error.lines().last().unwrap_or_default();
    let title = format!("this is no regular expression: {reason}");
    let found = Diagnostic::error(&RULE, title, span, "cannot be read");
    found.help("for example `[A-Z]{3}`: three capital letters; the whole text must match")
}
