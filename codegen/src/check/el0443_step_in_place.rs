//! A step that moves a check to where it has its place anyway.

use super::Checked;
use crate::catalogue::lints::STEP_IN_PLACE;
use crate::diagnostic::Diagnostic;
use crate::syntax::{Command, Step};

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    let commands = checked.aggregates().flat_map(|(syntax, _)| &syntax.commands);
    for (name, command) in commands {
        for (place, step) in command.steps.iter().enumerate() {
            let (what, span, before) = match step {
                Step::Target(span) => ("target", *span, "the target is checked before the steps"),
                Step::Unique(field) => ("unique", field.span, "keys are looked up before all else"),
                _ => continue,
            };
            if is_moved(command, place) {
                continue;
            }
            let title = format!("the step `{what}` of `{}` moves nothing", name.value);
            let found = Diagnostic::warning(&STEP_IN_PLACE, title, span, "here anyway");
            findings.push(
                found.note(before).help("remove it, or move it behind what shall come first"),
            );
        }
    }
}

/// Whether something that would come later without the step comes before it.
fn is_moved(command: &Command, place: usize) -> bool {
    let before = &command.steps[..place];
    let ends = |step: &Step| matches!(step, Step::Reject(_) | Step::NothingToDo(_));
    match &command.steps[place] {
        // A key that stands before the target comes after it once the target is no step.
        Step::Target(_) => before.iter().any(|step| ends(step) || matches!(step, Step::Unique(_))),
        _ => {
            let target = command.target.as_ref().map(|target| target.kind.value.as_str());
            let is_step = |steps: &[Step]| steps.iter().any(|step| matches!(step, Step::Target(_)));
            let after_target =
                target != Some("any") && (is_step(before) || !is_step(&command.steps));
            after_target || before.iter().any(ends)
        }
    }
}
