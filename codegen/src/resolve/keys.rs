//! The unique keys that a command's input alone tells.
//!
//! They are looked up before a refusal, so that a retry meets its own first outcome.

use std::collections::{BTreeMap, BTreeSet};

use super::declared::Declared;
use crate::catalogue::commands::MOVES_NO_CHECK;
use crate::catalogue::invariants::{RELEASES_COMMAND, RELEASES_NOTHING};
use crate::diagnostic::Diagnostic;
use crate::suggest::nearest;
use crate::syntax::{self, Text};

use crate::model::{
    Command, Decision, Emission, Event, Expression, ExpressionKind, Piece, Scope, Step, UniqueField,
};

/// Has events free the keys that they name instead of claiming them.
pub(crate) fn release(
    declared: &Declared<'_>,
    events: &mut [Event],
    findings: &mut Vec<Diagnostic>,
) -> Option<()> {
    let unique = events.iter().flat_map(|event| &event.unique).cloned();
    let known: BTreeMap<String, UniqueField> =
        unique.map(|unique| (unique.field.clone(), unique)).collect();
    let mut sound = true;
    for (event, written) in events.iter_mut().zip(&declared.events) {
        for name in &written.syntax.release {
            match released(event, name, &known) {
                Ok(unique) => {
                    event.unique.retain(|claimed| claimed.field != unique.field);
                    event.released.push(unique);
                }
                Err(found) => {
                    findings.push(*found);
                    sound = false;
                }
            }
        }
    }
    sound.then_some(())
}

fn released(
    event: &Event,
    name: &Text,
    known: &BTreeMap<String, UniqueField>,
) -> Result<UniqueField, Box<Diagnostic>> {
    let refuse = |title: String, label: &str, note: &str, help: String| {
        let found = Diagnostic::error(&RELEASES_NOTHING, title, name.span, label);
        Err(Box::new(if note.is_empty() { found } else { found.note(note) }.help(help)))
    };
    let Some(unique) = known.get(&name.value) else {
        let title = format!("no rule says that `{}` is unique", name.value);
        return refuse(
            title,
            "no unique field",
            "",
            match nearest(&name.value, known.keys().map(String::as_str)) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("add the rule `{} must be unique`", name.value),
            },
        );
    };
    if event.released.contains(unique) {
        let title = format!("`{}` releases `{}` twice", event.name, name.value);
        return refuse(title, "named again", "", "remove it".to_owned());
    }
    if !event.fields.iter().any(|field| field.name == unique.field) {
        let title = format!("`{}` does not say which `{}` it releases", event.name, name.value);
        let note = "what becomes free is the value that the event has in this field";
        let help = format!("add `{}` to its schema", name.value);
        return refuse(title, "no field of this event", note, help);
    }
    if unique.idempotent {
        let title = format!("`{}` recognises commands, so it is never free again", name.value);
        let found = Diagnostic::error(&RELEASES_COMMAND, title, name.span, "kept for ever")
            .note("a retry that comes late would be carried out a second time")
            .help("remove `(idempotency)` from its rule, or this line");
        return Err(Box::new(found));
    }
    Ok(unique.clone())
}

/// Gives a command the keys that its events will claim, as far as the input tells.
pub(crate) fn add(command: &mut Command, events: &[Event]) {
    let Decision::Declared { steps, emit, .. } = &command.decision else { return };
    let mut locals = BTreeMap::new();
    for step in steps {
        let (local, value) = match step {
            Step::Let(local, value) => (local, value),
            Step::Unwrap { local, optional } => (local, optional),
            Step::Reject(_) | Step::NothingToDo(_) | Step::Target | Step::Unique(_) => continue,
        };
        locals.insert(local.clone(), value.clone());
    }
    command.keys.clear();
    for key in emit.iter().flat_map(|emission| collect(emission, events, &locals)) {
        if !command.keys.contains(&key) {
            command.keys.push(key);
        }
    }
}

/// A step `unique` moves the look-up of keys that the command claims, as far as its input tells them.
pub(crate) fn check_steps(
    command: &Command,
    steps: &[syntax::Step],
    events: &[Event],
    findings: &mut Vec<Diagnostic>,
) -> bool {
    let before = findings.len();
    for step in steps {
        if let syntax::Step::Unique(field) = step {
            findings.extend(moves_no_key(command, field, events));
        }
    }
    findings.len() == before
}

fn moves_no_key(command: &Command, field: &Text, events: &[Event]) -> Option<Diagnostic> {
    if command.keys.iter().any(|(unique, _)| unique.field == field.value) {
        return None;
    }
    let refuse = |title: String, label: &str| {
        Some(Diagnostic::error(&MOVES_NO_CHECK, title, field.span, label))
    };
    let fields = |events: Vec<&Event>| -> BTreeSet<String> {
        let unique = events.into_iter().flat_map(|event| &event.unique);
        unique.map(|unique| unique.field.clone()).collect()
    };
    let of_aggregate = fields(events.iter().collect());
    if !of_aggregate.contains(&field.value) {
        let title = format!("a step looks up `{}`, which no rule says is unique", field.value);
        let found = refuse(title, "no unique field");
        let meant = nearest(&field.value, of_aggregate.iter().map(String::as_str));
        return found.map(|found| match meant {
            Some(meant) => found.help(format!("did you mean `{meant}`?")),
            None => found.help(format!("add the rule `{} must be unique`", field.value)),
        });
    }
    let claims = |event: &Event| event.unique.iter().any(|unique| unique.field == field.value);
    let claiming: Vec<&Emission> = emitted(&command.decision)
        .filter(|first| {
            let event = |one: &Emission| events.iter().find(|event| event.name == one.event);
            instead(first).filter_map(event).any(claims)
        })
        .collect();
    if claiming.is_empty() {
        let title = format!("no event of `{}` claims a `{}`", command.name, field.value);
        return refuse(title, "nothing to look up").map(|found| found.help("remove the step"));
    }
    if command.retry_keys.iter().any(|key| key.unique.field == field.value) {
        let title =
            format!("`{}` of `{}` has its place before all else", field.value, command.name);
        return refuse(title, "no key of the input as it is").map(|found| {
            found
                .note("a key that is calculated, one per element or claimed now and then recognises a retry first")
                .help("remove the step, or take the key itself as an input")
        });
    }
    if claiming.iter().any(|first| first.for_each.is_some() || first.when.is_some()) {
        let title = format!("`{}` claims its `{}` only now and then", command.name, field.value);
        return refuse(title, "not claimed each time").map(|found| {
            found
                .note("such a key is found to be taken when the events are appended, after all steps and rules")
                .help("remove the step")
        });
    }
    let title = format!("the input of `{}` alone doesn't tell its `{}`", command.name, field.value);
    refuse(title, "known only with the event").map(|found| {
        found
            .note("such a key is found to be taken when the events are appended, after all steps and rules")
            .help(format!("remove the step, or take `{}` as an input", field.value))
    })
}

/// What a decision emits other than with a refusal.
fn emitted(decision: &Decision) -> impl Iterator<Item = &Emission> {
    match decision {
        Decision::Declared { emit, .. } => emit.iter(),
        Decision::Custom(_) => [].iter(),
    }
}

/// An emission, and what is emitted instead of it.
fn instead(first: &Emission) -> impl Iterator<Item = &Emission> {
    std::iter::successors(Some(first), |one| one.otherwise.as_deref())
}

/// The keys that an emission claims as the input tells them, whatever else is so: one that is claimed only where a
/// condition holds, or for each element of a list that may be empty, is not taken by a command without it.
fn collect(
    emission: &Emission,
    events: &[Event],
    locals: &BTreeMap<String, Expression>,
) -> Vec<(UniqueField, Expression)> {
    if emission.for_each.is_some() {
        return Vec::new();
    }
    let mut within = locals.clone();
    within.extend(emission.present.iter().cloned());
    let event = events.iter().find(|event| event.name == emission.event);
    let unique = event.into_iter().flat_map(|event| &event.unique);
    let mut found: Vec<_> = unique
        .filter_map(|unique| {
            let value = emission.fields.iter().find(|value| value.field == unique.field)?;
            Some((unique.clone(), from_input(&value.value, &within)?))
        })
        .collect();
    if emission.when.is_some() {
        let otherwise = emission.otherwise.as_ref().map(|otherwise| {
            let mut without = locals.clone();
            without.extend(emission.otherwise_present.iter().cloned());
            collect(otherwise, events, &without)
        });
        let otherwise = otherwise.unwrap_or_default();
        found.retain(|key| otherwise.contains(key));
    }
    found
}

/// The value as it follows from the input alone, or none where it needs more. Only plain reads
/// count: a key that is calculated is looked up when the event claims it.
pub(super) fn from_input(
    value: &Expression,
    locals: &BTreeMap<String, Expression>,
) -> Option<Expression> {
    match &value.kind {
        ExpressionKind::Read(Scope::Input, _) => Some(value.clone()),
        ExpressionKind::Local(name) => from_input(locals.get(name)?, locals),
        ExpressionKind::Plain(inner) | ExpressionKind::Wrap(inner) => {
            let inner = Box::new(from_input(inner, locals)?);
            let kind = match value.kind {
                ExpressionKind::Plain(_) => ExpressionKind::Plain(inner),
                _ => ExpressionKind::Wrap(inner),
            };
            Some(Expression { kind, result: value.result.clone() })
        }
        ExpressionKind::Widen(inner) | ExpressionKind::Some(inner) => {
            let inner = from_input(inner, locals)?;
            if matches!(inner.result, crate::model::Type::Optional(_)) {
                return Some(inner);
            }
            let kind = match value.kind {
                ExpressionKind::Widen(_) => ExpressionKind::Widen(Box::new(inner)),
                _ => ExpressionKind::Some(Box::new(inner)),
            };
            Some(Expression { kind, result: value.result.clone() })
        }
        ExpressionKind::Field(base, field) => {
            let base = from_input(base, locals)?;
            let plain = !matches!(base.result, crate::model::Type::Optional(_));
            let kind = ExpressionKind::Field(Box::new(base), field.clone());
            plain.then(|| Expression { kind, result: value.result.clone() })
        }
        ExpressionKind::Format(pieces) => {
            let pieces = pieces.iter().map(|piece| match piece {
                Piece::Text(text) => Some(Piece::Text(text.clone())),
                // Where there is none, the event claims none.
                Piece::Value(value) => from_input(value, locals)
                    .filter(|value| !matches!(value.result, crate::model::Type::Optional(_)))
                    .map(Piece::Value),
            });
            let kind = ExpressionKind::Format(pieces.collect::<Option<_>>()?);
            Some(Expression { kind, result: value.result.clone() })
        }
        _ => None,
    }
}
