//! Something that was released and is no longer there: an aggregate, an event, a version.

use super::context::{Finding, Found, Names, Verified};
use super::el0910_event_renamed::successor;
use super::facts::Item;
use crate::catalogue::lock::REMOVED;
use crate::diagnostic::Diagnostic;

pub(super) fn check(verified: &Verified<'_>, findings: &mut Vec<Finding>) {
    for aggregate in verified.lock.aggregates() {
        if verified.aggregate(aggregate).is_some() {
            for stored in verified.lock.events(aggregate) {
                findings.extend(event(verified, aggregate, stored));
            }
        } else if !verified.current.beside.iter().any(|beside| beside == aggregate) {
            findings.push(whole(verified, aggregate));
        }
    }
}

fn whole(verified: &Verified<'_>, aggregate: &str) -> Finding {
    let events = verified.lock.events(aggregate);
    let first = events
        .first()
        .map_or(Item::Partition, |event| Item::Version { event: (*event).to_owned(), version: 1 });
    let released = verified.lock.aggregates();
    let new = verified.current.model.aggregates.iter().map(|new| new.name.as_str());
    let new: Vec<&str> = new.filter(|new| !released.contains(new)).collect();
    let title = format!("`{aggregate}` was released, and the ontology has no such aggregate");
    let place = verified.place(aggregate, first);
    let found = Diagnostic::error(&REMOVED, title, place, "released here")
        .note("stored events belong to their aggregate by its name: without it none can be read");
    let found = match new.as_slice() {
        [new] => found.help(format!("if it is `{new}` now, call it `{aggregate}` again")),
        _ => found.help(format!("put the file with `aggregateRoot: {aggregate}` back")),
    };
    Finding {
        diagnostic: found,
        aggregate: aggregate.to_owned(),
        subject: aggregate.to_owned(),
        was: events.into_iter().collect::<Vec<_>>().join(", "),
        names: Names::Take(None),
    }
}

fn event(verified: &Verified<'_>, aggregate: &str, stored: &str) -> Option<Finding> {
    match verified.event(aggregate, stored) {
        Some(event) => version(verified, event, stored),
        None if successor(verified, aggregate, stored).is_some() => None,
        None => Some(gone(verified, aggregate, stored)),
    }
}

fn gone(verified: &Verified<'_>, aggregate: &str, stored: &str) -> Finding {
    let title = format!("`{stored}` of `{aggregate}` was released and is no longer there");
    let last = verified.last_version(aggregate, stored);
    let in_lock =
        verified.place(aggregate, Item::Version { event: stored.to_owned(), version: last });
    let place = verified.aggregate(aggregate).map_or(in_lock, |(syntax, _)| syntax.name.span);
    let mut found = Diagnostic::error(&REMOVED, title, place, format!("has no `{stored}` now"));
    for (version, fact) in verified.lock.versions(aggregate, stored) {
        found = found.note(format!("released as v{version}: {}", fact.value));
    }
    let renamed = format!("`renamedFrom: {}`", super::yaml::scalar(stored));
    let yaml = verified.released_yaml(aggregate, stored, true);
    let found = found
        .help(format!(
            "keep it readable under `events:`; `retired` is for what is no longer written\n{yaml}"
        ))
        .help(format!("if it has another name now, give that event {renamed}"));
    Finding {
        diagnostic: found,
        aggregate: aggregate.to_owned(),
        subject: stored.to_owned(),
        was: verified.last_shape(aggregate, stored),
        names: Names::Take(Some(stored.to_owned())),
    }
}

/// A version above the current one, or one that the history lacks.
fn version(verified: &Verified<'_>, event: Found<'_>, stored: &str) -> Option<Finding> {
    let last = verified.last_version(event.aggregate, stored);
    let current = event.model.version;
    let is_known = |version| event.model.history.iter().any(|old| old.version == version);
    let gone = match last > current {
        true => last,
        false => (1..=last).find(|version| *version < current && !is_known(*version))?,
    };
    let name = &event.name.value;
    let (title, label) = match last > current {
        true => (
            format!("`{name}` was released as v{last} and is at v{current} now"),
            format!("v{last} is gone"),
        ),
        false => (
            format!("`{name}` was released as v{gone}, and its history lacks v{gone}"),
            format!("v{gone} is gone from its history"),
        ),
    };
    let mut found = Diagnostic::error(&REMOVED, title, event.syntax.version.span, label);
    for (version, fact) in verified.lock.versions(event.aggregate, stored) {
        found = found.note(format!("released as v{version}: {}", fact.value));
    }
    let found = if last > current {
        let yaml = verified.released_yaml(event.aggregate, stored, event.model.retired);
        found
            .help(format!("put v{last} and its history back\n{yaml}"))
            .help(format!("what is new belongs into v{}", last + 1))
    } else {
        let yaml = verified.history_yaml(event, stored, gone);
        found.help(format!("put it back under `history:`\n{yaml}"))
    };
    Some(Finding {
        diagnostic: found,
        aggregate: event.aggregate.to_owned(),
        subject: event.subject(gone),
        was: verified.last_shape(event.aggregate, stored),
        names: Names::Stay,
    })
}
