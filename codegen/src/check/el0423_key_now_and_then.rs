//! A key that recognises a command, though the command claims it only now and then.
//!
//! What is emitted without a key would be lost: the same input, sent for a second time and meant so, has the key
//! that the first claimed, and is answered with the first outcome.

use super::Checked;
use super::branches::{branches, is_lost};
use crate::catalogue::commands::KEY_NOW_AND_THEN;
use crate::diagnostic::Diagnostic;
use crate::model::{Aggregate, Command, Target};
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

fn told(
    model: &Aggregate,
    command: &Command,
    name: &syntax::Text,
    written: &syntax::Command,
) -> Option<Diagnostic> {
    // A stream is begun but once.
    if command.target == Target::New {
        return None;
    }
    let branches = branches(model, command);
    let keyed = branches.iter().flat_map(|keyed| {
        let keys = keyed.keys.iter().filter(|key| key.idempotent);
        keys.map(move |key| (keyed, key))
    });
    // What a refusal keeps without a key is kept each time.
    let mut emitted = branches.iter().filter(|branch| branch.place.is_some());
    let (bare, keyed, key) = emitted.find_map(|bare| {
        let mut keyed = keyed.clone();
        let (keyed, key) = keyed.find(|(_, key)| is_lost(bare, key, &branches))?;
        Some((bare, keyed, key))
    })?;
    let (event, other, field) = (&keyed.emission.event, &bare.emission.event, key.field);
    let title = format!("a second `{}` would be taken for the first, sent again", command.name);
    let place = span(written, bare.place).unwrap_or(name.span);
    let label = format!("this `{other}` would be lost");
    let found = Diagnostic::error(&KEY_NOW_AND_THEN, title, place, label);
    let found = match span(written, keyed.place).or_else(|| kept(written, event)) {
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
