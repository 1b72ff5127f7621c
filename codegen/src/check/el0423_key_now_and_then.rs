//! A key that recognises a command, though the command claims it only now and then.
//!
//! What is emitted without a key would be lost: the same input, sent for a second time and meant so, has the key
//! that the first claimed, and is answered with the first outcome.

use super::Checked;
use crate::catalogue::commands::KEY_NOW_AND_THEN;
use crate::diagnostic::Diagnostic;
use crate::model::changing::Changing;
use crate::model::{Aggregate, Command, Decision, Emission, Expression};
use crate::source::Span;
use crate::syntax;

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    for (syntax, model) in checked.aggregates() {
        let Some(model) = model else { continue };
        for (name, written) in &syntax.commands {
            let command = model.commands.iter().find(|command| command.name == name.value);
            findings.extend(command.and_then(|command| told(model, command, written)));
        }
    }
}

/// One emission of a command, and when it happens.
struct Branch<'m> {
    /// Which of the command's emissions it is, and how many `else` it is away from there.
    place: (usize, usize),
    emission: &'m Emission,
    /// What may be otherwise the next time: conditions, with what they must be, and lists to have elements.
    conditions: Vec<(&'m Expression, bool)>,
    /// The field of its key, where it has one that tells a command.
    key: Option<&'m str>,
}

fn told(model: &Aggregate, command: &Command, written: &syntax::Command) -> Option<Diagnostic> {
    let Decision::Declared { steps, emit, .. } = &command.decision else { return None };
    let mut branches = Vec::new();
    for (index, emission) in emit.iter().enumerate() {
        let changing = Changing::after(steps);
        collect(model, command, emission, (index, 0), (&changing, Vec::new()), &mut branches);
    }
    let is_sure = |branch: &Branch<'_>| branch.key.is_some() && branch.conditions.is_empty();
    if branches.iter().any(is_sure) || (0..emit.len()).any(|item| always(item, &branches)) {
        return None;
    }
    let keyed = || branches.iter().filter(|branch| branch.key.is_some());
    let goes_with = |bare: &Branch<'_>, keyed: &Branch<'_>| {
        keyed.conditions.iter().all(|condition| bare.conditions.contains(condition))
    };
    let bare = branches
        .iter()
        .find(|branch| branch.key.is_none() && !keyed().any(|keyed| goes_with(branch, keyed)))?;
    let keyed = keyed().next()?;
    let (event, other) = (&keyed.emission.event, &bare.emission.event);
    let field = keyed.key?;
    let title = format!("a second `{}` would be taken for the first, sent again", command.name);
    let label = format!("`{other}` would be lost");
    let found = Diagnostic::error(&KEY_NOW_AND_THEN, title, span(written, bare.place)?, label)
        .place(span(written, keyed.place)?, format!("`{field}` is claimed only with this"))
        .note(format!(
            "`{field}` recognises every further command with the same input, also one that would emit no `{event}`"
        ))
        .help(format!("give `{other}` a key with `(idempotency)` too, which the input tells"))
        .help(format!("or take `(idempotency)` off the rule of `{field}`: it stays unique"));
    Some(found)
}

/// Whether one of the branches of an emission always happens, each with a key.
fn always(item: usize, branches: &[Branch<'_>]) -> bool {
    let mut of_item = branches.iter().filter(|branch| branch.place.0 == item).peekable();
    let mut last = None;
    while let Some(branch) = of_item.next() {
        if branch.key.is_none() || branch.emission.for_each.is_some() {
            return false;
        }
        if of_item.peek().is_none() {
            last = Some(branch);
        }
    }
    last.is_some_and(|last| last.emission.when.is_none())
}

fn collect<'m>(
    model: &'m Aggregate,
    command: &Command,
    emission: &'m Emission,
    place: (usize, usize),
    (changing, conditions): (&Changing, Vec<(&'m Expression, bool)>),
    found: &mut Vec<Branch<'m>>,
) {
    let within = changing.within(emission);
    let list = emission.for_each.as_ref().map(|(_, list)| list);
    let list = list.filter(|list| changing.has(list)).map(|list| (list, true));
    // It may read the element.
    let when = emission.when.as_ref().filter(|when| within.has(when));
    let here = || conditions.iter().copied().chain(list);
    let key = key(model, command, emission);
    let conditions: Vec<_> = here().chain(when.map(|when| (when, true))).collect();
    let otherwise: Vec<_> = here().chain(when.map(|when| (when, false))).collect();
    found.push(Branch { place, emission, conditions, key });
    if let Some(instead) = &emission.otherwise {
        let changing = changing.instead_of(emission);
        let place = (place.0, place.1 + 1);
        collect(model, command, instead, place, (&changing, otherwise), found);
    }
}

/// The field by which an event recognises the command, as far as its input tells it.
fn key<'m>(model: &'m Aggregate, command: &Command, emission: &Emission) -> Option<&'m str> {
    let event = model.events.iter().find(|event| event.name == emission.event)?;
    let known = |field: &str| {
        let keys = command.keys.iter().map(|(unique, _)| unique);
        let mut keys = keys.chain(command.retry_keys.iter().map(|key| &key.unique));
        keys.any(|unique| unique.idempotent && unique.field == field)
    };
    event.unique.iter().map(|unique| unique.field.as_str()).find(|field| known(field))
}

fn span(written: &syntax::Command, (index, instead): (usize, usize)) -> Option<Span> {
    let first = written.emit.get(index)?;
    let chain = std::iter::successors(Some(first), |one| one.otherwise.as_deref());
    chain.skip(instead).map(|emission| emission.event.span).next()
}
