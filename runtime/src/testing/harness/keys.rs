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
    /// The keys that it frees.
    pub released: &'static [Key],
}

impl Claims {
    /// An event claims and frees the values of these fields, as far as it has them, and nothing else.
    pub(super) fn are_those_of<E: DomainEvent>(&self, event: &E) -> Check {
        let mut data = Vec::new();
        event.write(&mut data);
        let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&data)
            .map_err(|error| Failure::new(format!("an event is no JSON object: {error}")))?;
        let (mut claimed, mut released) = (Vec::new(), Vec::new());
        event.unique_keys(&mut |key| claimed.push(key));
        event.released_keys(&mut |key| released.push(key));
        for (what, found, keys) in
            [("keys", claimed, self.keys), ("released keys", released, self.released)]
        {
            let mut found = found;
            found.sort();
            equal(&format!("the {what} of {}", self.event), &found, &values(keys, &fields))
                .context("event", || format!("{event:?}"))?;
        }
        Ok(())
    }
}

fn values(keys: &[Key], fields: &serde_json::Map<String, serde_json::Value>) -> Vec<UniqueKey> {
    let of = |key: &Key| {
        let Key { field, across_all, idempotent } = *key;
        let value = match fields.get(field)? {
            serde_json::Value::Null => return None,
            serde_json::Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        Some(UniqueKey { field, value, across_all, idempotent })
    };
    let mut values: Vec<_> = keys.iter().filter_map(of).collect();
    values.sort();
    values
}
