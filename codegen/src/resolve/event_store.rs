//! `eventStore:` the stream's id, when snapshots are written, how long events are kept.

use super::declared::Declared;
use crate::catalogue::event_store::{NO_PARTITION_KEY, RETENTION, SNAPSHOTS};
use crate::catalogue::events::KEY_FIELD_TYPE;
use crate::diagnostic::Diagnostic;
use crate::model::{ONE_STREAM, Retention, Type};
use crate::naming;
use crate::syntax::{EventStore, Text};

/// The section as meant.
pub(crate) struct Settings {
    /// None where there is one stream.
    pub(crate) partition_key: Option<String>,
    pub(crate) snapshot_every: Option<u64>,
    pub(crate) retention: Retention,
}

/// Resolves the section.
pub(crate) fn resolve(declared: &Declared<'_>, findings: &mut Vec<Diagnostic>) -> Option<Settings> {
    let section = &declared.syntax.event_store;
    check_key_fields(declared, findings);
    let partition_key = partition_key(section, declared, findings);
    let snapshot_every = snapshots(section.snapshot_strategy.as_ref(), findings);
    let retention = retention(section.retention_policy.as_ref(), findings);
    Some(Settings {
        partition_key: partition_key?,
        snapshot_every: snapshot_every?,
        retention: retention?,
    })
}

#[allow(clippy::option_option)] // one stream and not said are two things
fn partition_key(
    section: &EventStore,
    declared: &Declared<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Option<Option<String>> {
    let Some(key) = &section.partition_key else {
        let title = "the aggregate does not say what names its streams";
        let place = section.span.unwrap_or(declared.syntax.name.span);
        let found = Diagnostic::error(&NO_PARTITION_KEY, title, place, "no `partitionKey`");
        let key = declared.partition_key.map_or_else(|| own_key(declared), str::to_owned);
        let example = format!("`eventStore: {{partitionKey: {key}}}`");
        findings.push(found.help(format!("add {example} with your name for the id")));
        return None;
    };
    Some((key.value != ONE_STREAM).then(|| key.value.clone()))
}

/// A name for the id that nothing has yet: `loyaltyCardId`.
fn own_key(declared: &Declared<'_>) -> String {
    let name = naming::pascal(&declared.syntax.name.value);
    let (first, rest) = name.split_at(name.chars().next().map_or(0, char::len_utf8));
    format!("{}{rest}Id", first.to_lowercase())
}

/// Fields with the key's name hold the stream's id, which is text.
fn check_key_fields(declared: &Declared<'_>, findings: &mut Vec<Diagnostic>) {
    let Some(key) = declared.partition_key else { return };
    for event in &declared.events {
        let Some(field) = event.fields.get(key) else { continue };
        let Some(found) = field.field_type.as_ref().filter(|of| **of != Type::String) else {
            continue;
        };
        let shown = declared.types.show(found);
        let title = format!("`{key}` names the stream and must be a `string`, not `{shown}`");
        findings.push(
            Diagnostic::error(&KEY_FIELD_TYPE, title, field.span, format!("this is `{shown}`"))
                .help(format!("write `{key}: string`, or give the field another name")),
        );
    }
}

#[allow(clippy::option_option)] // never and wrong are two things
fn snapshots(written: Option<&Text>, findings: &mut Vec<Diagnostic>) -> Option<Option<u64>> {
    let Some(written) = written else { return Some(None) };
    let words: Vec<&str> = written.value.split_whitespace().collect();
    let every = match words.as_slice() {
        ["never"] => return Some(None),
        ["every", number, "events" | "event"] => number.parse::<u64>().ok().filter(|n| *n > 0),
        _ => None,
    };
    if every.is_none() {
        let title = format!("`{}` is no snapshot strategy", written.value);
        let found = Diagnostic::error(&SNAPSHOTS, title, written.span, "cannot be read");
        findings.push(found.help("write `every 100 events` or `never`"));
    }
    every.map(Some)
}

fn retention(written: Option<&Text>, findings: &mut Vec<Diagnostic>) -> Option<Retention> {
    let Some(written) = written else { return Some(Retention::Forever) };
    let words: Vec<&str> = written.value.split_whitespace().collect();
    let number = |text: &str| text.parse::<u32>().ok().filter(|n| *n > 0);
    let found = match words.as_slice() {
        ["forever"] => Some(Retention::Forever),
        [years, "years" | "year"] => {
            number(years).and_then(|years| years.checked_mul(12)).map(Retention::Months)
        }
        [months, "months" | "month"] => number(months).map(Retention::Months),
        [days, "days" | "day"] => number(days).map(Retention::Days),
        _ => None,
    };
    if found.is_none() {
        let title = format!("`{}` is no retention policy", written.value);
        let refused = Diagnostic::error(&RETENTION, title, written.span, "cannot be read");
        findings.push(refused.help("write `7 years`, `6 months`, `90 days` or `forever`"));
    }
    found
}
