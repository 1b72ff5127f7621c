//! Two events of an aggregate that are, or were, stored under one name, so that neither could be read again.

use std::collections::BTreeMap;

use super::Checked;
use crate::catalogue::checks::{RENAMED_FROM_ITSELF, STORED_NAME};
use crate::diagnostic::Diagnostic;
use crate::syntax::{Event, Text};

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    for aggregate in &checked.syntax.aggregates {
        let mut seen: BTreeMap<&str, (&Text, &Text)> = BTreeMap::new();
        for (name, event) in &aggregate.events {
            let stored = event.stored_as.as_ref().unwrap_or(name);
            findings.extend(from_itself(name, stored, event));
            for stored in std::iter::once(stored).chain(&event.renamed_from) {
                match seen.get(stored.value.as_str()) {
                    // Two events of one name are told as such.
                    Some((first, _)) if first.value == name.value => {}
                    Some(first) => {
                        let is_old = |name: &Text| {
                            let mut events = aggregate.events.iter().map(|(_, event)| event);
                            events.any(|event| {
                                event.renamed_from.iter().any(|old| old.span == name.span)
                            })
                        };
                        let old = is_old(stored) || is_old(first.1);
                        findings.push(meeting(*first, (name, stored), old));
                    }
                    None => {
                        seen.insert(&stored.value, (name, stored));
                    }
                }
            }
        }
    }
}

fn meeting(
    (first, first_stored): (&Text, &Text),
    (name, stored): (&Text, &Text),
    is_old: bool,
) -> Diagnostic {
    let title = format!("`{}` and `{}` are stored under one name", first.value, name.value);
    let label = format!("stored as `{}`", stored.value);
    let help = match is_old {
        true => format!("remove `{}` from `renamedFrom`: that name is in use", stored.value),
        false => "give one of them another `storedAs`, or call it otherwise".to_owned(),
    };
    Diagnostic::error(&STORED_NAME, title, stored.span, label)
        .place(first_stored.span, format!("stored as `{}` too", stored.value))
        .help(help)
}

/// An old name that is the present one, or stands twice.
fn from_itself(name: &Text, stored: &Text, event: &Event) -> Vec<Diagnostic> {
    let mut known: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    for old in &event.renamed_from {
        let (name, of) = (&name.value, old.value.as_str());
        let title = match of {
            of if of == stored.value => Some(format!("`{name}` is stored as `{of}` anyway")),
            of if known.contains(&of) => Some(format!("`{name}` was renamed from `{of}` twice")),
            _ => None,
        };
        if let Some(title) = title {
            let label = "changes nothing";
            let report = Diagnostic::error(&RENAMED_FROM_ITSELF, title, old.span, label);
            found.push(report.help("remove it: `renamedFrom` names what it was called before"));
        }
        known.push(of);
    }
    found
}
