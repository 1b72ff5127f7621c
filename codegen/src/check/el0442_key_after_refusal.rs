//! A key by which commands are recognised, looked up after what can end a retry otherwise.

use super::Checked;
use crate::catalogue::lints::KEY_AFTER_REFUSAL;
use crate::diagnostic::Diagnostic;
use crate::model::changing::Changing;
use crate::model::{Command, Decision, Step, Target};
use crate::syntax;

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    for (syntax, model) in checked.aggregates() {
        for command in model.iter().flat_map(|model| &model.commands) {
            let written = syntax.commands.iter().find(|(name, _)| name.value == command.name);
            for step in written.iter().flat_map(|(_, written)| &written.steps) {
                let syntax::Step::Unique(field) = step else { continue };
                let Some(first) = met_by_a_retry(command, &field.value) else { continue };
                let title = format!("a retry of `{}` may not be recognised", command.name);
                let label = format!("looked up after {first}");
                let found = Diagnostic::warning(&KEY_AFTER_REFUSAL, title, field.span, label);
                findings.push(found.help("move the step up, or remove it"));
            }
        }
    }
}

/// What may end a retry before its key is looked up, where the key recognises commands.
fn met_by_a_retry(command: &Command, field: &str) -> Option<String> {
    command.keys.iter().find(|(unique, _)| unique.field == field && unique.idempotent)?;
    let Decision::Declared { steps, .. } = &command.decision else { return None };
    let place = steps.iter().position(|step| matches!(step, Step::Unique(of) if of == field))?;
    let before = &steps[..place];
    let is_checked = before.contains(&Step::Target) || !steps.contains(&Step::Target);
    if let (Target::New, Some(refusal), true) =
        (command.target, &command.target_refusal, is_checked)
    {
        return Some(format!("`{refusal}`"));
    }
    let mut changing = Changing::default();
    before.iter().find_map(|step| {
        changing.pass(step);
        match step {
            Step::Reject(rejection) => {
                changing.has(&rejection.when).then(|| format!("`{}`", rejection.refusal))
            }
            Step::NothingToDo(condition) => {
                changing.has(condition).then(|| "`nothingToDo`".to_owned())
            }
            Step::Let(..) | Step::Unwrap { .. } | Step::Target | Step::Unique(_) => None,
        }
    })
}
