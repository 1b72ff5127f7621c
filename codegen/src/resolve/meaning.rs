//! The meaning of a fold: a hash of everything its results depend on, and of nothing else.
//!
//! Snapshots and read models are kept by it. Descriptions, commands, rules and scenarios do not
//! count: they do not change what events add up to.

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::model::{Aggregate, Definitions, Event, Field, Projection, TypeDefinition};

/// The meaning of an aggregate's state.
pub(crate) fn of_aggregate(aggregate: &Aggregate, types: &[TypeDefinition]) -> u64 {
    let definitions = Definitions::new(types, &aggregate.inline_types);
    let events: Vec<Value> = aggregate
        .events
        .iter()
        .map(
            |event| json!({"event": history(event, definitions), "apply": canonical(&event.apply)}),
        )
        .collect();
    hash(&json!({
        "state": aggregate.state.as_ref().map(|state| fields(state, definitions)),
        "events": events,
    }))
}

/// The meaning of a projection's rows.
pub(crate) fn of_projection(
    projection: &Projection,
    aggregate: &Aggregate,
    types: &[TypeDefinition],
) -> u64 {
    let definitions = Definitions::new(types, &aggregate.inline_types);
    let sources = aggregate.events.iter().filter(|event| projection.source.contains(&event.name));
    hash(&json!({
        "sources": sources.map(|event| history(event, definitions)).collect::<Vec<_>>(),
        "columns": projection.columns.as_ref().map(|columns| fields(columns, definitions)),
        "key": canonical(&projection.key),
        "on": canonical(&projection.on),
    }))
}

/// An event's stored name, and every version's shape with the way to the next.
fn history(event: &Event, definitions: Definitions<'_>) -> Value {
    let versions: Vec<Value> = event
        .history
        .iter()
        .map(|old| json!({"shape": definitions.shape(&old.fields), "upcast": canonical(&old.upcast)}))
        .collect();
    json!({
        "name": event.name,
        "stored": event.stored_as,
        "version": event.version,
        "shape": definitions.shape(&event.fields),
        "history": versions,
    })
}

/// Fields in their order, because columns have one, with what they are before the first event.
fn fields(fields: &[Field], definitions: Definitions<'_>) -> Vec<Value> {
    let field = |field: &Field| {
        json!([field.name, definitions.type_shape(&field.field_type), canonical(&field.default)])
    };
    fields.iter().map(field).collect()
}

/// A part of the model as JSON; its maps are sorted by key.
fn canonical(part: &impl Serialize) -> Value {
    // The model's types derive their serialisation and hold no map with keys other than text.
    serde_json::to_value(part).expect("the model has a form as JSON")
}

/// The first eight bytes of SHA-256.
fn hash(meaning: &Value) -> u64 {
    let digest = Sha256::digest(meaning.to_string().as_bytes());
    digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}
