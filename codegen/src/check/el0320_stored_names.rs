//! Two events of an aggregate that are stored under one name, so that neither could be read again.

use std::collections::BTreeMap;

use super::Checked;
use crate::catalogue::checks::STORED_NAME;
use crate::diagnostic::Diagnostic;
use crate::syntax::Text;

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    for aggregate in &checked.syntax.aggregates {
        let mut seen: BTreeMap<&str, &Text> = BTreeMap::new();
        for (name, event) in &aggregate.events {
            let stored = event.stored_as.as_ref().unwrap_or(name);
            match seen.get(stored.value.as_str()) {
                // Two events of one name are told as such.
                Some(first) if first.value == name.value => {}
                Some(first) => findings.push(
                    Diagnostic::error(
                        &STORED_NAME,
                        format!("`{}` and `{}` are stored under one name", first.value, name.value),
                        stored.span,
                        format!("stored as `{}`", stored.value),
                    )
                    .place(first.span, format!("stored as `{}` too", stored.value))
                    .help("give one of them another `storedAs`"),
                ),
                None => {
                    seen.insert(&stored.value, name);
                }
            }
        }
    }
}
