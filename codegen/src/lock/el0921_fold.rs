//! A released fold that gives other results now: what follows is that what was built with it is built anew.

use super::context::{Finding, Found, Verified};
use super::facts::{Fact, Item};
use super::shape::Shape;
use crate::catalogue::lock::FOLD;
use crate::diagnostic::Diagnostic;
use crate::model::{Aggregate, Event, ExpressionKind, MetaField, Scope};
use crate::source::Span;
use crate::syntax::RECORDED;

pub(super) fn check(verified: &Verified<'_>, findings: &mut Vec<Finding>) {
    for (syntax, model) in verified.aggregates() {
        for (item, was) in verified.lock.about(&model.name) {
            let Some(now) = verified.now.get(&model.name, item.clone()) else { continue };
            if now.value == was.value || is_of_new_version(verified, model, item, was, now) {
                continue;
            }
            let both = (was, now);
            let found = match item {
                Item::State => {
                    let first = syntax.state.iter().flatten().next();
                    let place = first.map_or(syntax.name.span, |(name, _)| name.span);
                    let changed = format!("the state of `{}`", model.name);
                    told(&changed, place, both, &[snapshots(model)])
                }
                Item::Apply { event } => {
                    let Some(found) = verified.event(&model.name, event) else { continue };
                    let changed = format!("what `{}` does to the state", found.name.value);
                    told(&changed, apply_place(found), both, &[snapshots(model)])
                }
                Item::Upcast { event, version } => {
                    let Some(found) = verified.event(&model.name, event) else { continue };
                    let name = &found.name.value;
                    let changed = format!("the upcast of `{name}` v{version}");
                    let mut follows = vec![snapshots(model)];
                    follows.extend(projections(model, name));
                    told(&changed, found.version_span(*version), both, &follows)
                }
                Item::Projection { name } => {
                    let place = syntax.projections.iter().find(|(known, _)| known.value == *name);
                    let place = place.map_or(syntax.name.span, |(name, _)| name.span);
                    told(&format!("`{name}`"), place, both, &[rebuilt(&[name])])
                }
                _ => continue,
            };
            findings.push(Finding::warning(&model.name, found));
        }
        for event in verified.lock.events(&model.name) {
            findings.extend(time(verified, model, event));
        }
    }
}

/// An event whose time goes by something else: its released versions and the stored ones of them too.
fn time(verified: &Verified<'_>, model: &Aggregate, stored: &str) -> Option<Finding> {
    let found = verified.event(&model.name, stored)?;
    let (version, shape) = verified.lock.versions(&model.name, stored).last()?;
    let item = Item::Time { event: stored.to_owned() };
    let was = match verified.lock.get(&model.name, item) {
        Some(chosen) => Some(chosen.value.clone()).filter(|field| field != RECORDED),
        None => only_timestamp(&Shape::parse(&shape.value)),
    };
    if found.model.version < version || is_carried(found.model, version, was.as_deref()) {
        return None;
    }
    let said = |time: Option<&str>| match time {
        None => "the time of its command".to_owned(),
        Some(field) => format!("`{field}`"),
    };
    let (was, now) = (said(was.as_deref()), said(found.model.occurred_at.as_deref()));
    let is_upcast = found.model.version > version && found.model.occurred_at.is_some();
    let now = if is_upcast { format!("{now} as the upcast gives it") } else { now };
    let name = &found.name.value;
    let title = format!(
        "the time of `{name}` changed: {}, and states as of a time go by {now}, also of what is stored",
        snapshots(model)
    );
    let place = found.syntax.occurred_at.as_ref().map_or(found.name.span, |field| field.span);
    let told = Diagnostic::warning(&FOLD, title, place, "changed since it was released")
        .note(format!("released with {was}"))
        .help("where that is meant, release it: `eventloom lock`");
    Some(Finding::warning(&model.name, told))
}

/// The field of a version by which its time went where nothing was said.
fn only_timestamp(shape: &Shape) -> Option<String> {
    let is_time = |of: &Shape| matches!(of, Shape::Name(name) if name == "timestamp");
    let mut times = shape.fields().iter().filter(|(_, of)| is_time(of));
    times.next().map(|(name, _)| name.clone()).filter(|_| times.next().is_none())
}

/// Whether an event's time is that of a released version: of this field, or of its command where there is none. An
/// upcast may carry it over, and may not work out another.
fn is_carried(event: &Event, released: u32, was: Option<&str>) -> bool {
    let Some(mut field) = event.occurred_at.as_deref() else { return was.is_none() };
    for old in event.history.iter().rev().filter(|old| old.version >= released) {
        let set = old.upcast.iter().find(|set| set.field == field);
        match set.map(|set| &set.value.kind) {
            Some(ExpressionKind::Read(Scope::Event, read)) => field = read,
            // The time of the command, by which an event goes that says of no other.
            Some(ExpressionKind::Meta(MetaField::At)) => {
                return was.is_none() && old.version == released;
            }
            _ => return false,
        }
    }
    was == Some(field)
}

/// Whether lines that stand as they stood give something else because an event has a new version, with
/// other types: that version was never released, and what follows from it is no surprise.
fn is_of_new_version(
    verified: &Verified<'_>,
    model: &Aggregate,
    item: &Item,
    was: &Fact,
    now: &Fact,
) -> bool {
    let is_new = |stored: &str, version| version > verified.last_version(&model.name, stored);
    match item {
        Item::Apply { event } => {
            let found = verified.event(&model.name, event);
            was.text == now.text && found.is_some_and(|of| is_new(event, of.model.version))
        }
        Item::Projection { name } => {
            let sources = model.projections.iter().filter(|of| of.name == *name);
            let sources: Vec<&String> = sources.flat_map(|of| &of.source).collect();
            let mut read = model.events.iter().filter(|event| sources.contains(&&event.name));
            read.any(|event| is_new(&event.stored_as, event.version))
        }
        _ => false,
    }
}

/// A build shows of a warning its title alone, so that says what follows.
fn told(changed: &str, place: Span, (was, now): (&Fact, &Fact), follows: &[String]) -> Diagnostic {
    let title = format!("{changed} changed: {}", follows.join(", and "));
    let found = Diagnostic::warning(&FOLD, title, place, "changed since it was released");
    let found = match was.text.is_empty() || was.text == now.text {
        true => found,
        false => found.note(format!("released as {}", was.text)),
    };
    found.help("where that is meant, release it: `eventloom lock`")
}

/// What follows from another state: a snapshot of another meaning is not used.
fn snapshots(model: &Aggregate) -> String {
    match model.snapshot_every {
        Some(_) => format!("the snapshots of `{}` drop", model.name),
        None => format!("each `{}` is another with its next load", model.name),
    }
}

/// What follows from other events.
fn projections(model: &Aggregate, event: &str) -> Option<String> {
    let reads = model.projections.iter().filter(|of| of.source.iter().any(|name| name == event));
    let names: Vec<&String> = reads.map(|projection| &projection.name).collect();
    (!names.is_empty()).then(|| rebuilt(&names))
}

fn rebuilt(projections: &[&String]) -> String {
    let names: Vec<String> = projections.iter().map(|name| format!("`{name}`")).collect();
    let verb = if names.len() == 1 { "rebuilds its table" } else { "rebuild their tables" };
    format!("{} {verb}", names.join(", "))
}

fn apply_place(event: Found<'_>) -> Span {
    let apply = event.syntax.apply.as_ref();
    let first = apply.and_then(|apply| apply.fields.first().map(|(field, _)| field.span));
    first.or(apply.and_then(|apply| apply.spread)).unwrap_or(event.name.span)
}
