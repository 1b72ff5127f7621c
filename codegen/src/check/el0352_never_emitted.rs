//! An event that no command emits.

use super::Checked;
use super::looking::has_custom;
use crate::catalogue::lints::NEVER_EMITTED;
use crate::diagnostic::Diagnostic;
use crate::model::{Aggregate, Decision, Emission, Step};

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    for (syntax, model) in checked.aggregates() {
        let Some(model) = model else { continue };
        // Without commands, the events come from elsewhere; a hand-written decision may emit any.
        if model.commands.is_empty() || has_custom(model) {
            continue;
        }
        let emitted: Vec<&str> = emissions(model).map(|emission| emission.event.as_str()).collect();
        for (name, event) in &syntax.events {
            if !event.retired && !emitted.contains(&name.value.as_str()) {
                let title = format!("no command emits `{}`", name.value);
                let found = Diagnostic::warning(&NEVER_EMITTED, title, name.span, "never happens");
                findings.push(found);
            }
        }
    }
}

/// Every emission of an aggregate's commands, those of refusals and of `else` too.
pub(super) fn emissions(aggregate: &Aggregate) -> impl Iterator<Item = &Emission> {
    aggregate.commands.iter().flat_map(|command| of_decision(&command.decision))
}

/// Every emission of a decision, those of refusals and of `else` too.
pub(super) fn of_decision(decision: &Decision) -> Vec<&Emission> {
    let Decision::Declared { steps, emit, ensure } = decision else { return Vec::new() };
    let rejections = steps.iter().filter_map(|step| match step {
        Step::Reject(rejection) => Some(rejection),
        _ => None,
    });
    let kept = rejections.chain(ensure).flat_map(|rejection| &rejection.emit);
    let each =
        |first| std::iter::successors(Some(first), |one: &&Emission| one.otherwise.as_deref());
    emit.iter().chain(kept).flat_map(each).collect()
}
