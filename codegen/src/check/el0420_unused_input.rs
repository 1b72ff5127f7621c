//! An input that no step and no event of its command reads.

use super::Checked;
use crate::catalogue::lints::UNUSED_INPUT;
use crate::diagnostic::Diagnostic;
use crate::model::{Command, Decision, Expression, ExpressionKind, Scope};

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    for (syntax, model) in checked.aggregates() {
        for command in model.iter().flat_map(|model| &model.commands) {
            if matches!(command.decision, Decision::Custom(_)) {
                continue;
            }
            let written = syntax.commands.iter().find(|(name, _)| name.value == command.name);
            for (input, _) in written.iter().flat_map(|(_, written)| &written.input) {
                if !reads(command, &input.value) {
                    let title =
                        format!("`{}` never uses its input `{}`", command.name, input.value);
                    let found = Diagnostic::warning(&UNUSED_INPUT, title, input.span, "never read");
                    findings.push(found.help("use it in a step or an event, or remove it"));
                }
            }
        }
    }
}

fn reads(command: &Command, input: &str) -> bool {
    let of_input = |part: &Expression| matches!(&part.kind, ExpressionKind::Read(Scope::Input, name) if name == input);
    command.expressions().into_iter().any(|expression| expression.any(&of_input))
}
