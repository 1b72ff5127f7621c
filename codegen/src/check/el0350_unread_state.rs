//! A field of the state that nothing looks at.

use super::Checked;
use super::looking::{deciding, folds, is_by_hand, reads};
use crate::catalogue::lints::UNREAD_STATE;
use crate::diagnostic::Diagnostic;
use crate::model::{Aggregate, Scenario, Scope};

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    for (syntax, model) in checked.aggregates() {
        let (Some(model), Some(state)) = (model, &syntax.state) else { continue };
        // A read model of another program may be all that the state is for.
        if is_by_hand(model) || model.commands.is_empty() {
            continue;
        }
        for (name, _) in state.iter().filter(|(name, _)| !is_looked_at(model, &name.value)) {
            let title = format!("nothing looks at `{}`", name.value);
            findings.push(Diagnostic::warning(&UNREAD_STATE, title, name.span, "never read"));
        }
    }
}

fn is_looked_at(aggregate: &Aggregate, field: &str) -> bool {
    let read = |value| reads(value, &[Scope::State, Scope::Before, Scope::After], field);
    let mirrors = aggregate.projections.iter().flat_map(|projection| &projection.mirrors);
    let others = aggregate.events.iter().flat_map(folds).filter(|set| set.field != field);
    let steps = aggregate.scenarios.iter().flat_map(Scenario::steps);
    let expected = steps.flat_map(|step| step.state.iter().flatten());
    let derived = aggregate.derived.iter().map(|derived| &derived.value);
    deciding(aggregate).into_iter().chain(derived).any(read)
        || mirrors.chain(others).any(|set| read(&set.value))
        || expected.into_iter().any(|expected| expected.field == field)
}
