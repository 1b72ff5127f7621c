//! Events: fields, times, earlier versions, and what they do to the state.

use super::names;
use super::scope::Scope;
use super::types::Type;
use super::yaml::Yaml;
use super::{Draw, Event, Field, fields};

impl Draw {
    pub(crate) fn draw_events(&mut self) -> Yaml {
        let count = self.random.usize(2..6);
        let mut entries = Vec::new();
        for index in 0..count {
            // The first is emitted, so that there is something to ask for.
            let retired = index > 0 && self.chance(10);
            let (event, written) = self.event(retired);
            entries.push((event.name.clone(), written));
            self.events.push(event);
        }
        Yaml::Map(entries)
    }

    fn event(&mut self, retired: bool) -> (Event, Yaml) {
        let name = self.name();
        let mut of = self.event_fields();
        let mut entries = Vec::new();
        let time = self.event_time(&mut of, &mut entries);
        let event = Event { name, fields: of, time, retired };
        if self.chance(3) {
            entries.push(("description".to_owned(), self.prose()));
        }
        if retired {
            entries.push(("retired".to_owned(), Yaml::word("true")));
        }
        if self.chance(6) {
            entries.push(("storedAs".to_owned(), Yaml::word(format!("stored-{}", event.name))));
        }
        let history = self.history(&event);
        entries.push(("version".to_owned(), Yaml::word(format!("v{}", history.len() + 1))));
        entries.push(("schema".to_owned(), fields(&event.fields)));
        if !history.is_empty() {
            entries.push(("history".to_owned(), Yaml::Map(history)));
        }
        entries.push(("apply".to_owned(), self.apply(&event)));
        (event, Yaml::Map(entries))
    }

    fn event_fields(&mut self) -> Vec<Field> {
        let count = self.random.usize(..5);
        let mut of = self.fields(count, 2);
        // Fields that the state has too are what `..: event` copies.
        for field in self.state.clone() {
            let met = of.iter().any(|other| names::meet(&other.name, &field.name));
            if !met && self.chance(4) {
                of.push(Field { default: None, ..field });
            }
        }
        if self.chance(3) {
            of.insert(0, Field::new(self.partition_key.clone(), Type::String));
        }
        of
    }

    /// Makes it clear when the event happens.
    fn event_time(
        &mut self,
        of: &mut Vec<Field>,
        entries: &mut Vec<(String, Yaml)>,
    ) -> Option<String> {
        if !of.iter().any(|field| field.of == Type::Timestamp) && !self.chance(5) {
            of.push(Field::new("happenedAt", Type::Timestamp));
        }
        let times = of.iter().filter(|field| field.of == Type::Timestamp);
        let times: Vec<String> = times.map(|field| field.name.clone()).collect();
        let written = match times.as_slice() {
            [one] if !self.chance(6) => return Some(one.clone()),
            [] if self.random.bool() => return None,
            [] => None,
            several if self.random.bool() => Some(self.one(several).clone()),
            _ => None,
        };
        let occurred = written.clone().unwrap_or_else(|| "recorded".to_owned());
        entries.push(("occurredAt".to_owned(), Yaml::word(occurred)));
        written
    }

    /// The versions before, the oldest first.
    fn history(&mut self, event: &Event) -> Vec<(String, Yaml)> {
        let count = self.random.usize(..8).saturating_sub(5);
        let mut versions = Vec::new();
        let mut newer = event.fields.clone();
        for version in (1..=count).rev() {
            let (older, upcast) = self.older(event, &newer);
            let mut entries = vec![("schema".to_owned(), fields(&older))];
            if !upcast.is_empty() {
                entries.push(("upcast".to_owned(), Yaml::Map(upcast)));
            }
            versions.insert(0, (format!("v{version}"), Yaml::Map(entries)));
            newer = older;
        }
        versions
    }

    /// The version before these fields, and what makes them of it.
    fn older(&mut self, event: &Event, newer: &[Field]) -> (Vec<Field>, Vec<(String, Yaml)>) {
        let mut older: Vec<Field> = Vec::new();
        let (mut missing, mut upcast) = (Vec::new(), Vec::new());
        for field in newer {
            let fixed =
                event.time.as_ref() == Some(&field.name) || field.name == self.partition_key;
            match if fixed { 9 } else { self.random.u8(..10) } {
                0 | 1 => missing.push(field.clone()),
                2 => {
                    let others = newer.iter().chain(&older);
                    let mut taken: Vec<String> = others.map(|other| other.name.clone()).collect();
                    taken.push(self.partition_key.clone());
                    let name = names::field(&mut self.random, &taken);
                    let value = Yaml::text(format!("event.{name}"));
                    upcast.push((field.name.clone(), value));
                    older.push(Field::new(name, field.of.clone()));
                }
                3 => older.push(Field::new(field.name.clone(), before(&field.of))),
                _ => older.push(field.clone()),
            }
        }
        for field in missing {
            // What was recorded must be readable, whatever it is.
            let mut scope = Scope { infallible: true, ..Scope::default() };
            self.see(&mut scope, "event", &older, &[]);
            self.see_own_meta(&mut scope);
            self.see_constants(&mut scope);
            match self.expression(&scope, &field.of, 2) {
                Some(value) => upcast.push((field.name, Yaml::text(value))),
                None => older.push(field),
            }
        }
        (older, upcast)
    }

    fn apply(&mut self, event: &Event) -> Yaml {
        let mut scope = Scope::default();
        let state = self.state.clone();
        self.see(&mut scope, "event", &event.fields, &state);
        self.see(&mut scope, "state", &state, &event.fields);
        self.see_own_meta(&mut scope);
        self.see_constants(&mut scope);
        let mut entries = Vec::new();
        let mut rest = Vec::new();
        for field in state {
            if self.random.bool() {
                rest.push(field);
            } else if let Some(value) = self.expression(&scope, &field.of, 3) {
                entries.push((field.name, Yaml::text(value)));
            }
        }
        let is_shared = |field: &&Field| event.fields.iter().any(|other| other.name == field.name);
        let shared: Vec<&Field> = rest.iter().filter(is_shared).collect();
        let copies = |field: &&Field| {
            event.fields.iter().any(|other| other.name == field.name && other.of.same(&field.of))
        };
        if !shared.is_empty() && shared.iter().all(copies) && self.random.bool() {
            // What has no line of its own is copied.
            entries.retain(|(name, _)| !shared.iter().any(|field| field.name == *name));
            let unwritten = |field: &&Field| !entries.iter().any(|(name, _)| *name == field.name);
            let state = self.state.iter().filter(is_shared).filter(unwritten);
            if state.clone().all(|field| copies(&field)) {
                entries.push(("..".to_owned(), Yaml::word("event")));
            }
        }
        Yaml::Map(entries)
    }
}

/// A type whose values become this one's by themselves.
fn before(of: &Type) -> Type {
    match of {
        Type::Decimal(None) => Type::Integer,
        Type::Decimal(Some((28, scale))) => Type::Decimal(Some((20, *scale))),
        Type::Optional(inner) | Type::Newtype(_, inner) => (**inner).clone(),
        other => other.clone(),
    }
}
