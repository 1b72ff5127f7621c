//! The meaning of a fold: a hash of everything its results depend on, and of nothing else.
//!
//! Snapshots and read models are kept by it; the lock keeps the meanings of the parts, to tell which changed. Descriptions, commands, rules and scenarios do not
//! count: they do not change what events add up to.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Aggregate, Assignment, Definitions, Event, Field, Projection, RowRule, Rule, TypeDefinition,
};

/// What a fold does beside what the ontology says: raised when an upcast, an apply or a row rule that is
/// written as before gives another result, or checks something that it did not check.
const SEMANTICS: u32 = 1;

/// The meaning of an aggregate's state.
pub(crate) fn of_aggregate(aggregate: &Aggregate, types: &[TypeDefinition]) -> u64 {
    let definitions = Definitions::new(types, &aggregate.inline_types);
    let event = |event: &Event| {
        let apply = event.apply.as_deref().map(assignments);
        let mut all = json!({"event": history(event, definitions), "apply": apply});
        // A snapshot tells when the stream's last event happened.
        if let Some(time) = event.chosen_time() {
            all["occurredAt"] = json!(time);
        }
        all
    };
    hash(&json!({
        "semantics": SEMANTICS,
        "state": state(aggregate, definitions),
        "events": by_name(&aggregate.events, |event| &event.name, event),
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
    let sources = by_name(sources, |event| &event.name, |event| history(event, definitions));
    let mut all = table(projection, definitions);
    all["semantics"] = json!(SEMANTICS);
    all["aggregate"] = json!(aggregate.name);
    all["sources"] = json!(sources);
    hash(&all)
}

/// The meaning of an aggregate's state before the first event; of a hand-written one, that it is.
pub(crate) fn of_state(aggregate: &Aggregate, definitions: Definitions<'_>) -> u64 {
    checksum(&state(aggregate, definitions))
}

/// The meaning of the lines of an `apply` or an upcast; of a hand-written one, that it is.
pub(crate) fn of_assignments(written: Option<&[Assignment]>) -> u64 {
    let mut lines: Option<Vec<&Assignment>> = written.map(|lines| lines.iter().collect());
    lines.iter_mut().for_each(|lines| lines.sort_by(|a, b| a.field.cmp(&b.field)));
    checksum(&lines)
}

/// The meaning of a rule.
pub(crate) fn of_rule(rule: &Rule) -> u64 {
    checksum(rule)
}

/// The meaning of a projection apart from the versions of its events.
pub(crate) fn of_table(projection: &Projection, definitions: Definitions<'_>) -> u64 {
    let mut all = table(projection, definitions);
    all["sources"] = json!(projection.source.iter().collect::<BTreeSet<_>>());
    checksum(&all)
}

/// The fields of the state with what they are before the first event.
fn state(aggregate: &Aggregate, definitions: Definitions<'_>) -> Value {
    let state =
        |state: &Vec<Field>| by_name(state, |field| &field.name, |it| field(it, definitions));
    json!(aggregate.state.as_ref().map(state))
}

/// Columns, key and rules.
fn table(projection: &Projection, definitions: Definitions<'_>) -> Value {
    // A table has its columns in their order, and its key's.
    let column = |column: &Field| field(column, definitions);
    let columns = |columns: &Vec<Field>| columns.iter().map(column).collect::<Vec<_>>();
    let rules = |(event, rules): &(String, Vec<RowRule>)| {
        json!([event, rules.iter().map(row_rule).collect::<Vec<_>>()])
    };
    let on = projection.on.as_ref().map(|on| by_name(on, |(event, _)| event, rules));
    json!({
        "columns": projection.columns.as_ref().map(columns),
        "key": canonical(&projection.key),
        "on": on,
    })
}

/// An event's stored name, and every version's shape with the way to the next.
fn history(event: &Event, definitions: Definitions<'_>) -> Value {
    let versions: Vec<Value> = event
        .history
        .iter()
        .map(|old| json!({"shape": definitions.shape(&old.fields), "upcast": assignments(&old.upcast)}))
        .collect();
    let mut all = json!({
        "name": event.name,
        "stored": event.stored_as,
        "version": event.version,
        "shape": definitions.shape(&event.fields),
        "history": versions,
    });
    if !event.renamed_from.is_empty() {
        all["renamedFrom"] = json!(event.renamed_from.iter().collect::<BTreeSet<_>>());
    }
    all
}

/// A field, with what it is before the first event.
fn field(field: &Field, definitions: Definitions<'_>) -> Value {
    json!([field.name, definitions.type_shape(&field.field_type), canonical(&field.default)])
}

/// Every right side sees what was before, so the order of the lines has no meaning.
fn assignments(assignments: &[Assignment]) -> Value {
    by_name(assignments, |it| &it.field, canonical).into()
}

fn row_rule(rule: &RowRule) -> Value {
    let mut all = canonical(rule);
    all["columns"] = assignments(&rule.columns);
    all
}

/// Parts of which only the names tell them apart, not their order.
fn by_name<'p, T: 'p>(
    parts: impl IntoIterator<Item = &'p T>,
    name: impl Fn(&T) -> &String,
    canonical: impl Fn(&T) -> Value,
) -> Vec<Value> {
    let mut parts: Vec<&T> = parts.into_iter().collect();
    parts.sort_by(|a, b| name(a).cmp(name(b)));
    parts.into_iter().map(canonical).collect()
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

/// A hash of what the lock keeps for each event: of a thousand events, SHA-256 took as long as half of all
/// the rest in a build script, which is not optimised. Nobody gains by two parts of one hash.
fn checksum(part: &impl Serialize) -> u64 {
    let mut hash = Checksum::default();
    // As above; and a checksum takes every byte.
    serde_json::to_writer(&mut hash, part).expect("the model has a form as JSON");
    hash.0
}

/// FNV-1a with 64 bits, as its authors publish it.
pub(crate) struct Checksum(pub(crate) u64);

impl Default for Checksum {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl std::io::Write for Checksum {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::Checksum;

    #[test]
    fn the_checksum_is_the_published_one() {
        for (text, sum) in [("", 0xcbf2_9ce4_8422_2325), ("foobar", 0x8594_4171_f739_67e8)] {
            let mut hash = Checksum::default();
            hash.write_all(text.as_bytes()).expect("it takes every byte");
            assert_eq!(hash.0, sum, "{text}");
        }
    }
}
