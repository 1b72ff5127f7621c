//! A name that is taken for ever: of an event that is no longer written, or of one that is no longer there.

use super::context::{Finding, Found, Names, Verified};
use super::facts::Item;
use crate::catalogue::lock::NAME_TAKEN;
use crate::diagnostic::Diagnostic;
use crate::source::Span;

pub(super) fn check(verified: &Verified<'_>, findings: &mut Vec<Finding>) {
    for (syntax, model) in verified.aggregates() {
        for (item, _) in verified.lock.about(&model.name) {
            match item {
                Item::Retired { event } => {
                    findings.extend(written_again(verified, &model.name, event))
                }
                Item::Reserved { event: Some(event) } => {
                    if let Some(found) = verified.event(&model.name, event) {
                        let place = place(&found, event);
                        findings.push(reserved(&model.name, event, place, "event"));
                    }
                }
                Item::Reserved { event: None } => {
                    findings.push(reserved(
                        &model.name,
                        &model.name,
                        syntax.name.span,
                        "aggregate",
                    ));
                }
                _ => {}
            }
        }
    }
}

/// Where an event is given this stored name.
fn place(event: &Found<'_>, stored: &str) -> Span {
    let old = event.syntax.renamed_from.iter().find(|old| old.value == stored);
    old.or(event.syntax.stored_as.as_ref()).unwrap_or(event.name).span
}

fn written_again(verified: &Verified<'_>, aggregate: &str, event: &str) -> Option<Finding> {
    let found = verified.event(aggregate, event).filter(|found| !found.model.retired)?;
    let name = &found.name.value;
    let is_old = found.model.renamed_from.iter().any(|old| old == event);
    let (title, help) = if is_old {
        (
            format!("`{event}` was released as retired, and `{name}` would go on with it"),
            format!("keep `{event}` with `retired: true`, and take it out of `renamedFrom`"),
        )
    } else {
        (
            format!("`{name}` was released as retired and would be written again"),
            "put `retired: true` back, and give what happens now a name of its own".to_owned(),
        )
    };
    let place = if is_old { place(&found, event) } else { found.name.span };
    let diagnostic = Diagnostic::error(&NAME_TAKEN, title, place, "retired before")
        .note("who reads the events has been told that no more of them come")
        .help(help);
    Some(Finding {
        diagnostic,
        aggregate: aggregate.to_owned(),
        subject: format!("{event} retired"),
        was: "retired".to_owned(),
        names: Names::Stay,
    })
}

fn reserved(aggregate: &str, name: &str, place: Span, what: &str) -> Finding {
    let title = format!("the name `{name}` is taken for ever by an {what} of the past");
    let diagnostic = Diagnostic::error(&NAME_TAKEN, title, place, "taken")
        .note(
            "it was released, and its removal accepted: stores may still hold it, in other shapes",
        )
        .help("choose another name");
    Finding {
        diagnostic,
        aggregate: aggregate.to_owned(),
        subject: format!("{name} reserved"),
        was: "reserved".to_owned(),
        names: Names::Free((what == "event").then(|| name.to_owned())),
    }
}
