//! An event that has another name, most likely, with nothing that leads from its stored name to it.

use super::context::{Finding, Found, Names, Verified};
use super::facts::Item;
use crate::catalogue::Code;
use crate::catalogue::lock::EVENT_RENAMED;
use crate::diagnostic::Diagnostic;
use crate::naming::collision_key;

pub(super) fn check(verified: &Verified<'_>, findings: &mut Vec<Finding>) {
    each(verified, |aggregate, stored, event, successor| {
        if successor != Successor::Recased {
            let now = &event.model.stored_as;
            let title = match successor {
                Successor::StoredAs => {
                    format!(
                        "`{}` was released as `{stored}` and would be stored as `{now}`",
                        event.name.value
                    )
                }
                _ => format!("`{stored}` was renamed `{}` after it was released", event.name.value),
            };
            findings.push(finding(verified, aggregate, stored, event, &EVENT_RENAMED, title));
        }
    });
}

/// Why an event is taken for the successor of one that has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Successor {
    /// Its name is the old one.
    StoredAs,
    /// Its name is the old one, spelled otherwise.
    Recased,
    /// It has the same versions with the same shapes.
    Alike,
}

/// Every released event that has gone and has a successor.
pub(super) fn each<'a>(
    verified: &'a Verified<'a>,
    mut with: impl FnMut(&'a str, &'a str, Found<'a>, Successor),
) {
    for aggregate in verified.lock.aggregates() {
        if verified.aggregate(aggregate).is_none() {
            continue;
        }
        for stored in verified.lock.events(aggregate) {
            if verified.event(aggregate, stored).is_none()
                && let Some((event, why)) = successor(verified, aggregate, stored)
            {
                with(aggregate, stored, event, why);
            }
        }
    }
}

/// The event that has the place of one that has gone, where there is one.
pub(super) fn successor<'a>(
    verified: &Verified<'a>,
    aggregate: &str,
    stored: &str,
) -> Option<(Found<'a>, Successor)> {
    let new = verified.unreleased(aggregate);
    let key = collision_key(stored);
    let by = |fits: &dyn Fn(&Found<'_>) -> bool| new.iter().copied().find(|event| fits(event));
    by(&|event| event.name.value == stored)
        .map(|event| (event, Successor::StoredAs))
        .or_else(|| {
            by(&|event| collision_key(&event.model.stored_as) == key)
                .map(|event| (event, Successor::Recased))
        })
        .or_else(|| {
            by(&|event| is_alike(verified, aggregate, stored, event))
                .map(|event| (event, Successor::Alike))
        })
}

/// Whether an event has every version that another was released with.
pub(super) fn is_alike(
    verified: &Verified<'_>,
    aggregate: &str,
    stored: &str,
    event: &Found<'_>,
) -> bool {
    verified.lock.versions(aggregate, stored).all(|(version, fact)| {
        let item = Item::Version { event: event.model.stored_as.clone(), version };
        verified.now.get(aggregate, item).is_some_and(|now| now.value == fact.value)
    })
}

pub(super) fn finding(
    verified: &Verified<'_>,
    aggregate: &str,
    stored: &str,
    event: Found<'_>,
    code: &'static Code,
    title: String,
) -> Finding {
    let shapes: Vec<String> = verified
        .lock
        .versions(aggregate, stored)
        .map(|(version, fact)| format!("released as `{stored}` v{version}: {}", fact.value))
        .collect();
    let written = event.syntax.stored_as.as_ref();
    let place = written.map_or(event.name.span, |stored_as| stored_as.span);
    let mut found = Diagnostic::error(code, title, place, "stored events have the old name");
    for shape in &shapes {
        found = found.note(shape);
    }
    let stored_as = super::yaml::scalar(stored);
    let found = match (event.name.value == stored, written) {
        (true, Some(_)) => found.help("remove `storedAs`"),
        (_, Some(_)) => found.help(format!("put `storedAs: {stored_as}` back")),
        (_, None) => found
            .help(format!("add `storedAs: {stored_as}` to `{}`", event.name.value))
            .help(format!("or `renamedFrom: {stored_as}`: then new events have the new name"))
            .help(format!("or call it `{stored}` again")),
    };
    Finding {
        diagnostic: found,
        aggregate: aggregate.to_owned(),
        subject: stored.to_owned(),
        was: verified.last_shape(aggregate, stored),
        names: Names::Take(Some(stored.to_owned())),
    }
}
