//! A key that recognises a command, though the command claims it only now and then.
//!
//! What is emitted without a key would be lost: the same input, sent for a second time and meant so, has the key
//! that the first claimed, and is answered with the first outcome.

use super::Checked;
use super::branches::{Branch, Condition, branches, excludes, goes_along, joined};
use crate::catalogue::commands::KEY_NOW_AND_THEN;
use crate::diagnostic::Diagnostic;
use crate::model::{Aggregate, Command};
use crate::source::Span;
use crate::syntax;

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    for (syntax, model) in checked.aggregates() {
        let Some(model) = model else { continue };
        for (name, written) in &syntax.commands {
            let command = model.commands.iter().find(|command| command.name == name.value);
            findings.extend(command.and_then(|command| told(model, command, name, written)));
        }
    }
}

/// A branch with a key that recognises the command.
struct Keyed<'b, 'm> {
    branch: &'b Branch<'m>,
    field: &'m str,
    conditions: Vec<Condition<'m>>,
}

fn told(
    model: &Aggregate,
    command: &Command,
    name: &syntax::Text,
    written: &syntax::Command,
) -> Option<Diagnostic> {
    let branches = branches(model, command);
    let keyed: Vec<Keyed<'_, '_>> = branches.iter().flat_map(keyed).collect();
    let always = joined(keyed.iter().map(|keyed| keyed.conditions.clone()).collect());
    // What a refusal keeps without a key is kept each time.
    let bare = branches
        .iter()
        .filter(|branch| branch.place.is_some() && !branch.keys.iter().any(|key| key.idempotent));
    let (bare, keyed) = bare.into_iter().find_map(|bare| {
        let loses = |keyed: &&Keyed<'_, '_>| {
            !excludes(&keyed.conditions, &bare.conditions)
                && !goes_along(bare, &always, &told_of(&keyed.conditions))
        };
        keyed.iter().find(loses).map(|keyed| (bare, keyed))
    })?;
    let (event, other, field) = (&keyed.branch.emission.event, &bare.emission.event, keyed.field);
    let title = format!("a second `{}` would be taken for the first, sent again", command.name);
    let place = span(written, bare.place).unwrap_or(name.span);
    let label = format!("this `{other}` would be lost");
    let found = Diagnostic::error(&KEY_NOW_AND_THEN, title, place, label);
    let found = match span(written, keyed.branch.place).or_else(|| kept(written, event)) {
        Some(place) => found.place(place, format!("`{field}` is claimed with this")),
        None => found,
    };
    Some(
        found
            .note(format!(
                "once it is claimed, `{field}` recognises every further `{}` with the same input, also one that \
                 would claim none",
                command.name
            ))
            .help(format!(
                "give `{other}` a key with `(idempotency)` too, which the input tells each time"
            ))
            .help(format!("or take `(idempotency)` off the rule of `{field}`: it stays unique")),
    )
}

fn keyed<'b, 'm>(branch: &'b Branch<'m>) -> impl Iterator<Item = Keyed<'b, 'm>> {
    let keys = branch.keys.iter().filter(|key| key.idempotent);
    keys.map(move |key| {
        let conditions = branch.conditions.iter().copied().chain(key.present).collect();
        Keyed { branch, field: key.field, conditions }
    })
}

/// What the input tells where the key was claimed.
fn told_of<'m>(conditions: &[Condition<'m>]) -> Vec<Condition<'m>> {
    conditions.iter().copied().filter(|condition| condition.is_told).collect()
}

fn span(written: &syntax::Command, place: Option<(usize, usize)>) -> Option<Span> {
    let (index, instead) = place?;
    let first = written.emit.get(index)?;
    let chain = std::iter::successors(Some(first), |one| one.otherwise.as_deref());
    chain.skip(instead).map(|emission| emission.event.span).next()
}

/// Where a refusal keeps the event.
fn kept(written: &syntax::Command, event: &str) -> Option<Span> {
    let refusals = written.steps.iter().filter_map(|step| match step {
        syntax::Step::Reject(refusals) => Some(refusals),
        _ => None,
    });
    let mut kept = refusals.flatten().flat_map(|(_, rejection)| &rejection.emit);
    kept.find(|emission| emission.event.value == event).map(|emission| emission.event.span)
}
