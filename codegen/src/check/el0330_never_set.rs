//! A field of the state that no event ever sets: it keeps its first value for ever. Where that value
//! is written down, it is meant.

use super::Checked;
use crate::catalogue::lints::NEVER_SET;
use crate::diagnostic::Diagnostic;

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    for (syntax, model) in checked.aggregates() {
        let (Some(model), Some(state)) = (model, &syntax.state) else { continue };
        // What is folded by hand may set any field.
        let Some(folds) =
            model.events.iter().map(|event| event.apply.as_ref()).collect::<Option<Vec<_>>>()
        else {
            continue;
        };
        for (name, _) in state.iter().filter(|(_, field)| field.default.is_none()) {
            let sets = folds.iter().any(|fold| fold.iter().any(|set| set.field == name.value));
            if !sets && !folds.is_empty() {
                let title = format!("no event ever sets `{}`", name.value);
                let found =
                    Diagnostic::warning(&NEVER_SET, title, name.span, "keeps its first value");
                findings.push(found.help("set it in an `apply`, or remove it"));
            }
        }
    }
}
