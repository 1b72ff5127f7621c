//! A projection all of whose rules are of rows that are there already.

use super::Checked;
use crate::catalogue::lints::NO_ROW_EVER;
use crate::diagnostic::Diagnostic;
use crate::model::{Projection, Verb};

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    for (syntax, model) in checked.aggregates() {
        for projection in model.iter().flat_map(|model| &model.projections) {
            let written = syntax.projections.iter().find(|(name, _)| name.value == projection.name);
            let Some((name, written)) = written.filter(|_| makes_none(projection)) else {
                continue;
            };
            let mut rules = written.on.iter().flatten().flat_map(|(_, rules)| rules);
            let place = rules.next().map_or(name.span, |rule| rule.verb.span);
            let title = format!("`{}` never makes a row", name.value);
            let found = Diagnostic::warning(&NO_ROW_EVER, title, place, "of which row?");
            findings.push(found.help("write `upsert`, or add the event with which a row begins"));
        }
    }
}

/// Rules that are written by hand may make rows.
fn makes_none(projection: &Projection) -> bool {
    let Some(on) = &projection.on else { return false };
    let mut rules = on.iter().flat_map(|(_, rules)| rules).peekable();
    rules.peek().is_some() && rules.all(|rule| matches!(rule.verb, Verb::Update | Verb::Delete))
}
