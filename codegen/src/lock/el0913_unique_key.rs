//! A unique key that released events claim and future ones would not, or the other way round: two events
//! with one value could both be accepted.

use super::context::{Finding, Found, Names, Verified};
use super::facts::{Fact, Item, scope};
use super::shape::Shape;
use crate::catalogue::lock::UNIQUE_KEY;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::{Aggregate, Invariant};

pub(super) fn check(verified: &Verified<'_>, findings: &mut Vec<Finding>) {
    for (syntax, model) in verified.aggregates() {
        for (item, fact) in verified.lock.about(&model.name) {
            if let Item::Unique { event, field } = item
                && let Some(found) = verified.event(&model.name, event)
            {
                let now = verified.now.get(&model.name, item.clone());
                findings.extend(changed(syntax, found, field, fact, now));
            }
        }
        for (item, now) in verified.now.about(&model.name) {
            if let Item::Unique { event, field } = item
                && verified.lock.get(&model.name, item.clone()).is_none()
                && let Some(found) = verified.event(&model.name, event)
            {
                findings.extend(new(verified, syntax, found, field, now));
            }
        }
    }
}

/// A key that was released.
fn changed(
    aggregate: &Aggregate,
    event: Found<'_>,
    field: &str,
    was: &Fact,
    now: Option<&Fact>,
) -> Option<Finding> {
    let of = format!("`{field}` of `{}`", event.name.value);
    let released = described(&was.value);
    // Where it frees what others claim, theirs is the key.
    let freed = event.model.released.iter().find(|unique| unique.field == field).map(scope);
    if now.is_none() && freed.as_ref() == Some(&was.value) {
        return Some(frees(event, field, &of, released));
    }
    let now = now.map(|now| now.value.clone()).or(freed);
    let (title, label) = match now {
        Some(now) if now == was.value => return None,
        Some(now) => (
            format!("{of} was released as unique {released}, and is so {} now", described(&now)),
            format!("{} now", described(&now)),
        ),
        None => (
            format!("{of} was released as unique {released}, and is not unique now"),
            "the keys of stored events are no longer asked".to_owned(),
        ),
    };
    let sentence = sentence(field, &was.value, &aggregate.name.value);
    let found = Diagnostic::error(&UNIQUE_KEY, title, place(aggregate, event, field), label)
        .note(format!("released: {of} is unique {released}"))
        .help(format!("put the invariant back: `{sentence}`"));
    let found = match event.model.fields.iter().any(|known| known.name == field) {
        true => found,
        false => found.help(format!("and keep the field `{field}`: keys are kept under its name")),
    };
    Some(finding(event, field, found, released))
}

/// A key that was claimed, and is freed now: what it kept others from is accepted.
fn frees(event: Found<'_>, field: &str, of: &str, was: &str) -> Finding {
    let title = format!("{of} was released as a key that it claims, and frees it now");
    let place = event.syntax.release.iter().find(|name| name.value == field);
    let place = place.map_or(event.name.span, |name| name.span);
    let found = Diagnostic::error(&UNIQUE_KEY, title, place, "frees what it claimed")
        .note(format!("released: {of} is unique {was}"))
        .help(format!("take `{field}` out of `release`; what frees it is an event of its own"));
    finding(event, field, found, was)
}

/// A key that is new for events that were stored without it.
fn new(
    verified: &Verified<'_>,
    aggregate: &Aggregate,
    event: Found<'_>,
    field: &str,
    now: &Fact,
) -> Option<Finding> {
    let stored = &event.model.stored_as;
    let mut versions = verified.lock.versions(event.aggregate, stored);
    let has = |shape: &Shape| shape.fields().iter().any(|(name, _)| name == field);
    let (version, _) = versions.find(|(_, fact)| has(&Shape::parse(&fact.value)))?;
    let title = format!(
        "`{field}` of `{}` was released without being unique, and is so {} now",
        event.name.value,
        described(&now.value)
    );
    let found = Diagnostic::error(&UNIQUE_KEY, title, place(aggregate, event, field), "new")
        .note(format!(
            "events of v{version} are stored with `{field}` and claimed no key: a value of theirs would \
             be accepted once more"
        ))
        .help(format!(
            "give the next version a field of its own, for example `{field}Key`, and make that unique"
        ));
    Some(finding(event, field, found, "not unique"))
}

fn finding(event: Found<'_>, field: &str, diagnostic: Diagnostic, was: &str) -> Finding {
    Finding {
        diagnostic,
        aggregate: event.aggregate.to_owned(),
        subject: format!("{} {field} unique", event.model.stored_as),
        was: was.to_owned(),
        names: Names::Stay,
    }
}

/// The sentence about the field, the field, or the event.
fn place(aggregate: &Aggregate, event: Found<'_>, field: &str) -> Span {
    let said = aggregate.invariants.iter().find_map(|invariant| match invariant {
        Invariant::Sentence(said) => {
            let (subject, rule) = said.text.trim().split_once(' ')?;
            let fits = subject.eq_ignore_ascii_case(field)
                && rule.to_ascii_lowercase().contains("must be unique");
            fits.then_some(said.span)
        }
        Invariant::Check { .. } => None,
    });
    let declared = event.syntax.schema.iter().find(|(name, _)| name.value == field);
    said.or(declared.map(|(name, _)| name.span)).unwrap_or(event.name.span)
}

/// The value of the fact in words.
fn described(value: &str) -> &'static str {
    match value {
        "stream idempotent" => "within its stream, for idempotency",
        "stream" => "within its stream",
        "aggregate idempotent" => "across all streams, for idempotency",
        _ => "across all streams",
    }
}

/// The invariant that makes such a key.
fn sentence(field: &str, value: &str, aggregate: &str) -> String {
    let mut subject = field.to_owned();
    if let Some(first) = subject.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let idempotent = if value.ends_with("idempotent") { " (idempotency)" } else { "" };
    let across = if value.starts_with("aggregate") {
        format!(" across all {aggregate}s")
    } else {
        String::new()
    };
    format!("{subject} must be unique{idempotent}{across}")
}
