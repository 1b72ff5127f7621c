//! An event that neither the state, nor a projection, nor a rule takes notice of.

use super::Checked;
use super::looking::shown_by;
use crate::catalogue::lints::NO_EFFECT;
use crate::diagnostic::Diagnostic;
use crate::model::{Aggregate, Event, Rule};

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    for (syntax, model) in checked.aggregates() {
        let Some(model) = model else { continue };
        for event in model.events.iter().filter(|event| has_no_effect(model, event)) {
            let Some((name, _)) = syntax.events.iter().find(|(name, _)| name.value == event.name)
            else {
                continue;
            };
            let title = format!("nothing takes notice of `{}`", event.name);
            findings.push(Diagnostic::warning(&NO_EFFECT, title, name.span, "changes nothing"));
        }
    }
}

fn has_no_effect(aggregate: &Aggregate, event: &Event) -> bool {
    event.apply.as_ref().is_some_and(Vec::is_empty)
        && !event.retired
        && event.unique.is_empty()
        && event.released.is_empty()
        && shown_by(aggregate, &event.name).next().is_none()
        && !aggregate.invariants.iter().any(|invariant| is_about(&invariant.rule, &event.name))
}

fn is_about(rule: &Rule, name: &str) -> bool {
    match rule {
        Rule::Event { events, .. } => events.iter().any(|event| event == name),
        Rule::Precedes { first, then } => first == name || then == name,
        Rule::CannotFollow { event, after } => event == name || after == name,
        Rule::NothingFollows { event } => event == name,
        Rule::State(_) | Rule::Behavior { .. } | Rule::OrderedByTime | Rule::Unique => false,
    }
}
