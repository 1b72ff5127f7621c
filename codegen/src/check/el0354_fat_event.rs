//! An event with more fields than one fact needs.

use super::Checked;
use crate::catalogue::lints::FAT_EVENT;
use crate::diagnostic::Diagnostic;

/// Most fields of an event that is about one thing: our own measure.
const MOST: usize = 16;

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    for (syntax, _) in checked.aggregates() {
        for (name, event) in syntax.events.iter().filter(|(_, event)| event.schema.len() > MOST) {
            let title = format!("`{}` has {} fields", name.value, event.schema.len());
            let label = format!("more than {MOST}");
            findings.push(Diagnostic::warning(&FAT_EVENT, title, name.span, label));
        }
    }
}
