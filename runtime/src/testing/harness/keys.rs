//! The unique keys of events, as the ontology says them.

use crate::event::{DomainEvent, UniqueKey};
use crate::testing::failure::{Check, Context, Failure, equal};

/// A field whose values must be unique.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The field.
    pub field: &'static str,
    /// Whether across all streams.
    pub across_all: bool,
    /// Whether it recognises a command that is sent again.
    pub idempotent: bool,
}

/// The keys that events of a type claim.
#[derive(Clone, Copy, Debug)]
pub struct Claims {
    /// The type.
    pub event: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
}

impl Claims {
    /// An event claims the values of these fields, as far as it has them, and nothing else.
    pub(super) fn are_those_of<E: DomainEvent>(&self, event: &E) -> Check {
        let mut data = Vec::new();
        event.write(&mut data);
        let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&data)
            .map_err(|error| Failure::new(format!("an event is no JSON object: {error}")))?;
        let expected = self.keys.iter().filter_map(|key| {
            let Key { field, across_all, idempotent } = *key;
            let value = match fields.get(field)? {
                serde_json::Value::Null => return None,
                serde_json::Value::String(text) => text.clone(),
                value => value.to_string(),
            };
            Some(UniqueKey { field, value, across_all, idempotent })
        });
        let mut expected: Vec<_> = expected.collect();
        let mut found = Vec::new();
        event.unique_keys(&mut |key| found.push(key));
        expected.sort();
        found.sort();
        equal(&format!("the keys of {}", self.event), &found, &expected)
            .context("event", || format!("{event:?}"))
    }
}
