//! A refusal that neither a derived case nor a scenario meets.

use super::Checked;
use crate::catalogue::lints::UNTESTED_GUARD;
use crate::diagnostic::Diagnostic;
use crate::model::{Aggregate, Command, Decision, Rejection, Scenario, Step, boundaries};
use crate::syntax::{self, Text};

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    for (syntax, model) in checked.aggregates() {
        let Some(model) = model else { continue };
        for (name, written) in &syntax.commands {
            let command = model.commands.iter().find(|command| command.name == name.value);
            let Some(command) = command else { continue };
            for refusal in untested(model, command) {
                let Some(place) = place(written, refusal) else { continue };
                let title = format!("nothing tests that `{}` refuses `{refusal}`", command.name);
                let found = Diagnostic::warning(&UNTESTED_GUARD, title, place.span, "never met");
                let then = format!(
                    "tell a scenario with `when: {{{}: …}}` and `then: {{error: {refusal}}}`",
                    command.name
                );
                findings.push(found.help(then));
            }
        }
    }
}

/// The refusals of a command that no test meets, each once.
fn untested<'m>(aggregate: &'m Aggregate, command: &'m Command) -> Vec<&'m str> {
    let untold = |refusal: &&str| !is_told(aggregate, command, refusal);
    let (steps, ensure) = match &command.decision {
        Decision::Declared { steps, ensure, .. } => (steps, ensure),
        Decision::Custom(refuses) => {
            return refuses.iter().map(String::as_str).filter(untold).collect();
        }
    };
    let state = aggregate.state.as_deref().unwrap_or_default();
    let guards = steps.iter().filter_map(|step| match step {
        Step::Reject(rejection) => Some(rejection),
        _ => None,
    });
    let is_derived =
        |guard: &&Rejection| boundaries::of_guard(command, state, &guard.when).is_some();
    let undecided = guards.filter(|guard| !is_derived(guard)).chain(ensure);
    let mut names: Vec<&str> =
        undecided.map(|rejection| rejection.refusal.as_str()).filter(untold).collect();
    names.dedup();
    names
}

fn is_told(aggregate: &Aggregate, command: &Command, refusal: &str) -> bool {
    aggregate.scenarios.iter().flat_map(Scenario::steps).any(|step| {
        step.error.as_deref() == Some(refusal)
            && step.when.as_ref().is_some_and(|(name, _)| *name == command.name)
    })
}

/// Where a command first says when it refuses by a name.
fn place<'s>(command: &'s syntax::Command, refusal: &str) -> Option<&'s Text> {
    let rejected = command.steps.iter().flat_map(|step| match step {
        syntax::Step::Reject(rejections) => rejections.as_slice(),
        _ => &[],
    });
    let named = rejected.chain(&command.ensure).map(|(name, _)| name);
    let mut named = named.chain(&command.refuses);
    named.find(|name| name.value == refusal)
}
