//! An event that sets every field of the state, though the stream exists already.

use super::Checked;
use super::el0352_never_emitted::of_decision;
use super::looking::folds;
use crate::catalogue::lints::STATE_AS_EVENT;
use crate::diagnostic::Diagnostic;
use crate::model::{Aggregate, Event, ExpressionKind, Scope, Target};

/// Fewest fields of a state that is worth more than one event.
const FEWEST: usize = 3;

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    for (syntax, model) in checked.aggregates() {
        let Some(model) = model else { continue };
        for event in model.events.iter().filter(|event| is_the_state(model, event)) {
            let Some((name, _)) = syntax.events.iter().find(|(name, _)| name.value == event.name)
            else {
                continue;
            };
            let title = format!("`{}` sets the whole state", event.name);
            let found = Diagnostic::warning(&STATE_AS_EVENT, title, name.span, "what changed?");
            findings.push(found);
        }
    }
}

fn is_the_state(aggregate: &Aggregate, event: &Event) -> bool {
    let fields = aggregate.state.iter().flatten().count();
    let copied = folds(event).iter().filter(|set| {
        matches!(&set.value.kind, ExpressionKind::Read(Scope::Event, name) if *name == set.field)
    });
    fields >= FEWEST && copied.count() == fields && happens_again(aggregate, event)
}

/// Whether a command that is not only for new streams emits it.
fn happens_again(aggregate: &Aggregate, event: &Event) -> bool {
    let again = aggregate.commands.iter().filter(|command| command.target != Target::New);
    again
        .flat_map(|command| of_decision(&command.decision))
        .any(|emission| emission.event == event.name)
}
