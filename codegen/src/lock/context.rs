//! What the rules of the lock look at: the two sides, and every version that both have.

use std::collections::BTreeMap;

use super::change::{Change, compare};
use super::facts::{Item, Lock};
use super::shape::Shape;
use super::{Current, yaml};
use crate::diagnostic::Diagnostic;
use crate::model::{Aggregate, Event};
use crate::source::{FileId, Span};
use crate::syntax::{self, Text};

/// A finding, and what of it is recorded where it is accepted.
pub(super) struct Finding {
    pub(super) diagnostic: Diagnostic,
    /// The aggregate.
    pub(super) aggregate: String,
    /// What of it was changed.
    pub(super) subject: String,
    /// What it was before.
    pub(super) was: String,
    /// What follows for names where it is accepted.
    pub(super) names: Names,
}

/// What an accepted change does to the names that are taken for ever: those of events, or of the aggregate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// Nothing.
    Stay,
    /// It takes one.
    Take(Option<String>),
    /// It gives one free.
    Free(Option<String>),
}

impl Finding {
    /// One that fails no build, so that nobody has to accept it.
    pub(super) fn warning(aggregate: &str, diagnostic: Diagnostic) -> Self {
        Self {
            diagnostic,
            aggregate: aggregate.to_owned(),
            subject: String::new(),
            was: String::new(),
            names: Names::Stay,
        }
    }
}

/// The two sides.
pub(super) struct Verified<'a> {
    pub(super) current: Current<'a>,
    /// What was released.
    pub(super) lock: &'a Lock,
    /// What would be.
    pub(super) now: Lock,
    /// The versions of which the two differ.
    pub(super) reshaped: Vec<Reshaped<'a>>,
    /// The events of the ontology by aggregate and stored name.
    events: BTreeMap<(&'a str, &'a str), Found<'a>>,
}

/// An event on both sides.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) aggregate: &'a str,
    pub(super) name: &'a Text,
    pub(super) syntax: &'a syntax::Event,
    pub(super) model: &'a Event,
}

/// A released version that has another shape now.
pub(super) struct Reshaped<'a> {
    pub(super) event: Found<'a>,
    pub(super) version: u32,
    pub(super) old: Shape,
    pub(super) new: Shape,
    pub(super) changes: Vec<Change>,
}

impl<'a> Verified<'a> {
    pub(super) fn new(current: Current<'a>, lock: &'a Lock) -> Self {
        let mut this = Self {
            current,
            lock,
            now: Lock::of(current),
            reshaped: Vec::new(),
            events: events(current),
        };
        for aggregate in lock.aggregates() {
            for stored in lock.events(aggregate) {
                if let Some(event) = this.event(aggregate, stored) {
                    this.compare(event, stored);
                }
            }
        }
        this
    }

    fn compare(&mut self, event: Found<'a>, stored: &str) {
        if self.last_version(event.aggregate, stored) > event.model.version {
            return; // what would be compared is not what was meant
        }
        for (version, fact) in self.lock.versions(event.aggregate, stored) {
            let item = Item::Version { event: stored.to_owned(), version };
            let Some(now) = self.now.get(event.aggregate, item) else { continue };
            if now.value != fact.value {
                let (old, new) = (Shape::parse(&fact.value), Shape::parse(&now.value));
                let changes = compare(&old, &new);
                self.reshaped.push(Reshaped { event, version, old, new, changes });
            }
        }
    }

    /// The highest released version of an event.
    pub(super) fn last_version(&self, aggregate: &str, stored: &str) -> u32 {
        self.lock.versions(aggregate, stored).map(|(version, _)| version).max().unwrap_or(0)
    }

    /// The shape of that version.
    pub(super) fn last_shape(&self, aggregate: &str, stored: &str) -> String {
        let last = self.lock.versions(aggregate, stored).last();
        last.map(|(_, fact)| fact.value.clone()).unwrap_or_default()
    }

    /// Every aggregate as written, with its model.
    pub(super) fn aggregates(
        &self,
    ) -> impl Iterator<Item = (&'a syntax::Aggregate, &'a Aggregate)> + use<'a> {
        let models = &self.current.model.aggregates;
        self.current.syntax.aggregates.iter().filter_map(|syntax| {
            let model = models.iter().find(|model| model.name == syntax.name.value)?;
            Some((syntax, model))
        })
    }

    /// An aggregate of the ontology.
    pub(super) fn aggregate(&self, name: &str) -> Option<(&'a syntax::Aggregate, &'a Aggregate)> {
        let syntax = self.current.syntax.aggregates.iter().find(|a| a.name.value == name)?;
        let model = self.current.model.aggregates.iter().find(|a| a.name == name)?;
        Some((syntax, model))
    }

    /// The event of the ontology that is, or was, stored under a name.
    pub(super) fn event(&self, aggregate: &str, stored: &str) -> Option<Found<'a>> {
        self.events.get(&(aggregate, stored)).copied()
    }

    /// The events of an aggregate that were never released.
    pub(super) fn unreleased(&self, aggregate: &str) -> Vec<Found<'a>> {
        let released = self.lock.events(aggregate);
        let own = self.events.iter().filter(|((of, _), _)| *of == aggregate);
        let is_new = |found: &Found<'_>| {
            found.model.stored_names().all(|stored| !released.contains(stored.as_str()))
        };
        let mut new: Vec<Found<'a>> = own
            .filter(|((_, stored), found)| found.model.stored_as == *stored && is_new(found))
            .map(|(_, found)| *found)
            .collect();
        // As they are written, so that of several the first is meant.
        new.sort_by_key(|event| event.name.span);
        new
    }

    /// Where the lock says something.
    pub(super) fn place(&self, aggregate: &str, item: Item) -> Span {
        let span = self.lock.get(aggregate, item).and_then(|fact| fact.span);
        span.unwrap_or(Span { file: FileId::LOCK, start: 0, end: 0 })
    }

    /// The whole event as it was released, to paste. Fields that it still has stand in their order.
    pub(super) fn released_yaml(&self, aggregate: &str, stored: &str, retired: bool) -> String {
        let mut writer = yaml::Writer::new(self.current);
        let last = self.last_version(aggregate, stored);
        let order = self.event(aggregate, stored).map(|event| event.syntax.schema.clone());
        let order = order.unwrap_or_default();
        let mut lines = vec![format!("{stored}:"), format!("  version: v{last}")];
        if retired {
            lines.push("  retired: true".to_owned());
        }
        let mut history = Vec::new();
        for (version, fact) in self.lock.versions(aggregate, stored) {
            let schema = writer.schema(&Shape::parse(&fact.value), &order, version);
            if version == last {
                lines.push(format!("  schema: {schema}"));
                continue;
            }
            history.extend([format!("    v{version}:"), format!("      schema: {schema}")]);
            let upcast = self.released_upcast(aggregate, stored, version);
            history.extend(upcast.map(|upcast| format!("      upcast: {upcast}")));
        }
        let apply = self.lock.get(aggregate, Item::Apply { event: stored.to_owned() });
        if let Some(apply) = apply.filter(|apply| apply.text.starts_with('{')) {
            lines.push(format!("  apply: {}", apply.text));
        }
        if !history.is_empty() {
            lines.push("  history:".to_owned());
            lines.extend(history);
        }
        for (name, fields) in &writer.missing {
            lines.extend(["and under `types:`".to_owned(), format!("  {name}: {fields}")]);
        }
        lines.join("\n")
    }

    /// The upcast from a version as it was released; none where every field was carried over.
    fn released_upcast(&self, aggregate: &str, stored: &str, version: u32) -> Option<&'a str> {
        let upcast = Item::Upcast { event: stored.to_owned(), version };
        let text = &self.lock.get(aggregate, upcast)?.text;
        (text != "{}").then_some(text)
    }

    /// The entry of a released version in the history of its event, to paste.
    pub(super) fn history_yaml(&self, event: Found<'_>, stored: &str, version: u32) -> String {
        let mut writer = yaml::Writer::new(self.current);
        let item = Item::Version { event: stored.to_owned(), version };
        let released = self.lock.get(event.aggregate, item).map_or("", |fact| &fact.value);
        let schema = writer.schema(&Shape::parse(released), &event.syntax.schema, version);
        let mut lines = vec![format!("v{version}:"), format!("  schema: {schema}")];
        let upcast = self.released_upcast(event.aggregate, stored, version);
        lines.extend(upcast.map(|upcast| format!("  upcast: {upcast}")));
        for (name, fields) in &writer.missing {
            lines.extend(["and under `types:`".to_owned(), format!("  {name}: {fields}")]);
        }
        lines.join("\n")
    }
}

fn events(current: Current<'_>) -> BTreeMap<(&str, &str), Found<'_>> {
    let mut events = BTreeMap::new();
    for model in &current.model.aggregates {
        let written = current.syntax.aggregates.iter().find(|of| of.name.value == model.name);
        let written = written.into_iter().flat_map(|of| &of.events);
        let written: BTreeMap<&str, &(Text, syntax::Event)> =
            written.map(|event| (event.0.value.as_str(), event)).collect();
        for event in &model.events {
            if let Some((name, syntax)) = written.get(event.name.as_str()) {
                let found = Found { aggregate: &model.name, name, syntax, model: event };
                for stored in event.stored_names() {
                    events.insert((model.name.as_str(), stored.as_str()), found);
                }
            }
        }
    }
    events
}

impl Found<'_> {
    /// The place of a version: of its entry, or where the current one is said.
    pub(super) fn version_span(&self, version: u32) -> Span {
        let history = self.syntax.history.iter().find(|(known, _)| known.value == version);
        history.map_or(self.syntax.version.span, |(known, _)| known.span)
    }

    /// The fields of a version as written.
    pub(super) fn schema(&self, version: u32) -> &syntax::Map<syntax::Field> {
        let history = self.syntax.history.iter().find(|(known, _)| known.value == version);
        history.map_or(&self.syntax.schema, |(_, old)| &old.schema)
    }

    /// `AccountClosed v2`
    pub(super) fn subject(&self, version: u32) -> String {
        format!("{} v{version}", self.model.stored_as)
    }
}
