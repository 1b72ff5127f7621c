//! Events that are all called created, updated or deleted.

use super::Checked;
use crate::catalogue::lints::CRUD_NAMES;
use crate::diagnostic::Diagnostic;

/// How such events end.
const ENDS: &[&str] =
    &["Created", "Updated", "Deleted", "Edited", "Modified", "Saved", "Inserted", "Upserted"];

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    for (syntax, _) in checked.aggregates() {
        let is_crud = |name: &str| ENDS.iter().any(|end| name.ends_with(end));
        let (total, crud) = (
            syntax.events.len(),
            syntax.events.iter().filter(|(name, _)| is_crud(&name.value)).count(),
        );
        // One alone may be the beginning of a stream.
        if total >= 2 && crud == total {
            let title = format!("the events of `{}` say that rows change", syntax.name.value);
            let found = Diagnostic::warning(&CRUD_NAMES, title, syntax.name.span, "what happens?");
            findings.push(found);
        }
    }
}
