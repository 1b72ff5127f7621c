//! A command that moves an amount, and by which a retry is not recognised.

use super::Checked;
use super::el0352_never_emitted::of_decision;
use super::looking::{folds, reads};
use crate::catalogue::lints::MONEY_WITHOUT_KEY;
use crate::diagnostic::Diagnostic;
use crate::model::changing::Changing;
use crate::model::{
    Aggregate, Arithmetic, Assignment, Command, Decision, Emission, Event, Expression,
    ExpressionKind, Scope, Target, Type, UniqueField,
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

/// The event and the field of the state by which the command moves an amount unrecognised. A stream is
/// begun but once.
fn moves<'a>(aggregate: &'a Aggregate, command: &Command) -> Option<(&'a str, &'a str)> {
    if command.target == Target::New {
        return None;
    }
    let Decision::Declared { steps, .. } = &command.decision else { return None };
    let (emitted, changing) = (of_decision(&command.decision), Changing::after(steps));
    if emitted.iter().any(|emission| is_keyed(aggregate, emission, &changing)) {
        return None;
    }
    emitted.iter().find_map(|emission| {
        let event = event(aggregate, &emission.event)?;
        let moved = folds(event).iter().find(|set| is_moved(set))?;
        Some((event.name.as_str(), moved.field.as_str()))
    })
}

fn event<'a>(aggregate: &'a Aggregate, name: &str) -> Option<&'a Event> {
    aggregate.events.iter().find(|event| event.name == name)
}

/// Whether an emission claims the same key each time the command is sent. One that depends on the state, the clock
/// or a new id is another key each time.
fn is_keyed(aggregate: &Aggregate, emission: &Emission, changing: &Changing) -> bool {
    let within = changing.within(emission);
    let is_same = |unique: &UniqueField| {
        let mut fields = emission.fields.iter();
        let value = fields.find(|value| value.field == unique.field).map(|value| &value.value);
        value.is_some_and(|value| value.kind != ExpressionKind::None && !within.has(value))
    };
    let event = event(aggregate, &emission.event);
    event.is_some_and(|event| event.unique.iter().any(is_same))
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
