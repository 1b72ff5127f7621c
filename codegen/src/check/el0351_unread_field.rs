//! A field of an event that nothing looks at.

use super::Checked;
use super::looking::{folds, reads, showing, shown_by};
use crate::catalogue::lints::UNREAD_FIELD;
use crate::diagnostic::Diagnostic;
use crate::model::{Aggregate, Event, Rule, Scenario, Scope};

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    for (syntax, model) in checked.aggregates() {
        let Some(model) = model else { continue };
        for (name, written) in &syntax.events {
            let event = model.events.iter().find(|event| event.name == name.value);
            let Some(event) = event.filter(|event| is_told(model, event)) else { continue };
            for (field, _) in &written.schema {
                if !is_looked_at(model, event, &field.value) {
                    let title = format!("nothing looks at `{}` of `{}`", field.value, event.name);
                    let found = Diagnostic::warning(&UNREAD_FIELD, title, field.span, "never read");
                    findings.push(found);
                }
            }
        }
    }
}

/// Whether the ontology says all that becomes of an event; a retired one was looked at in its time.
fn is_told(aggregate: &Aggregate, event: &Event) -> bool {
    event.apply.is_some()
        && !event.retired
        && shown_by(aggregate, &event.name).all(|projection| projection.on.is_some())
}

fn is_looked_at(aggregate: &Aggregate, event: &Event, field: &str) -> bool {
    let read = |value| reads(value, &[Scope::Event], field);
    aggregate.partition_key.as_deref() == Some(field)
        || event.occurred_at.as_deref() == Some(field)
        || event.unique.iter().chain(&event.released).any(|unique| unique.field == field)
        || folds(event).iter().any(|set| read(&set.value))
        || shown_by(aggregate, &event.name)
            .flat_map(|projection| showing(projection, &event.name))
            .any(read)
        || aggregate.invariants.iter().any(|invariant| match &invariant.rule {
            Rule::Event { events, check } => {
                events.contains(&event.name) && (read(check) || read(&invariant.message))
            }
            _ => false,
        })
        || is_expected(aggregate, event, field)
}

fn is_expected(aggregate: &Aggregate, event: &Event, field: &str) -> bool {
    let steps = aggregate.scenarios.iter().flat_map(Scenario::steps);
    let expected = steps.flat_map(|step| step.events.iter().flatten());
    expected
        .filter(|(name, _)| *name == event.name)
        .any(|(_, fields)| fields.iter().any(|expected| expected.field == field))
}
