//! A name that is taken for ever: of an event that is no longer written, or of one that is no longer there.

use super::context::{Finding, Names, Verified};
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
                        let stored_as = found.syntax.stored_as.as_ref().unwrap_or(found.name);
                        findings.push(reserved(&model.name, event, stored_as.span, "event"));
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

fn written_again(verified: &Verified<'_>, aggregate: &str, event: &str) -> Option<Finding> {
    let found = verified.event(aggregate, event).filter(|found| !found.model.retired)?;
    let name = &found.name.value;
    let title = format!("`{name}` was released as retired and would be written again");
    let diagnostic = Diagnostic::error(&NAME_TAKEN, title, found.name.span, "retired before")
        .note("who reads the events has been told that no more of them come")
        .help("put `retired: true` back, and give what happens now a name of its own");
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
