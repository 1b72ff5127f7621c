//! A command that moves an amount, and by which a retry is not recognised.

use super::Checked;
use super::branches::{branches, goes_without_key};
use super::looking::{folds, reads};
use crate::catalogue::lints::MONEY_WITHOUT_KEY;
use crate::diagnostic::Diagnostic;
use crate::model::{
    Aggregate, Arithmetic, Assignment, Command, Event, Expression, ExpressionKind, Scope, Target,
    Type,
};

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    for (syntax, model) in checked.aggregates() {
        let Some(model) = model else { continue };
        for command in &model.commands {
            let Some((event, field)) = moves(model, command) else { continue };
            let Some((name, _)) =
                syntax.commands.iter().find(|(name, _)| name.value == command.name)
            else {
                continue;
            };
            let title = format!("a retry of `{}` moves `{field}` again", command.name);
            let label = format!("`{event}` has no key that tells a retry");
            findings.push(Diagnostic::warning(&MONEY_WITHOUT_KEY, title, name.span, label));
        }
    }
}

/// The event and the field of the state by which the command moves an amount unrecognised: no key is claimed
/// along with the event that is the same each time. A stream is begun but once.
fn moves<'a>(aggregate: &'a Aggregate, command: &'a Command) -> Option<(&'a str, &'a str)> {
    if command.target == Target::New {
        return None;
    }
    let branches = branches(aggregate, command);
    branches.iter().filter(|branch| goes_without_key(branch, &branches)).find_map(|branch| {
        let event = event(aggregate, &branch.emission.event)?;
        let moved = folds(event).iter().find(|set| is_moved(set))?;
        Some((event.name.as_str(), moved.field.as_str()))
    })
}

fn event<'a>(aggregate: &'a Aggregate, name: &str) -> Option<&'a Event> {
    aggregate.events.iter().find(|event| event.name == name)
}

/// Whether a decimal becomes more or less by something of the event.
fn is_moved(set: &Assignment) -> bool {
    let moves = |part: &Expression| match &part.kind {
        ExpressionKind::Arithmetic(Arithmetic::Add | Arithmetic::Subtract, left, right) => {
            let of_event = |side: &Expression| {
                side.any(&|part| matches!(part.kind, ExpressionKind::Read(Scope::Event, _)))
            };
            [left, right].into_iter().any(|side| reads(side, &[Scope::State], &set.field))
                && [left, right].into_iter().any(|side| of_event(side))
        }
        _ => false,
    };
    matches!(set.value.result, Type::Decimal(_)) && set.value.any(&moves)
}
