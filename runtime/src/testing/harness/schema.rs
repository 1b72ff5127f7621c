//! Theme schema: what is stored of an event is what the ontology says, to the byte.

use std::fmt::Debug;

use super::Golden;
use crate::event::{DomainEvent, EventShape};
use crate::metadata::{Metadata, StreamId};
use crate::testing::clock::START;
use crate::testing::draw::{Draw, Range};
use crate::testing::failure::{Check, Context, Failure, ensure, equal};
use crate::testing::property::for_any;
use crate::testing::shape;
use crate::values::Uuid;

/// Metadata of an event that was never stored.
pub(super) fn sample_metadata() -> Metadata {
    Metadata {
        event_id: Uuid::nil(),
        stream_id: StreamId::from("sample"),
        sequence: 1,
        at: START,
        recorded_at: START,
        actor: None,
        correlation_id: None,
        causation_id: None,
        traceparent: None,
    }
}

pub(super) fn written<E: DomainEvent>(event: &E) -> String {
    let mut out = Vec::new();
    event.write(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

pub(super) fn shape_of<E: DomainEvent>(
    event_type: &str,
    version: u32,
) -> Check<&'static EventShape> {
    let mut shapes = E::SHAPES.iter();
    shapes
        .find(|shape| shape.event_type == event_type && shape.version == version)
        .ok_or_else(|| Failure::new(format!("there is no shape of {event_type} v{version}")))
}

fn read<E: DomainEvent>(event_type: &str, version: u32, data: &str) -> Check<E> {
    E::read(event_type, version, data.as_bytes(), &sample_metadata())
        .map_err(|error| Failure::new(format!("{event_type} v{version} cannot be read: {error}")))
        .context("data", || data.to_owned())
}

/// Whatever an event holds: it is written in its shape, and read back as it was.
///
/// # Errors
/// The simplest event that is not.
pub fn round_trips<E: DomainEvent>(draw: impl Fn(&mut Draw) -> E) -> Check {
    for_any(64, Range::Wide, draw, |event| {
        let (event_type, version) = (event.event_type(), event.version());
        let data = written(&event);
        let shape = shape_of::<E>(event_type, version)?.shape;
        shape::conforms(shape, data.as_bytes())
            .map_err(|reason| {
                Failure::new(format!("what is written is not of its shape: {reason}"))
            })
            .context("shape", || shape.to_owned())
            .context("data", || data.clone())?;
        let back: E = read(event_type, version, &data)?;
        equal("the event that was read back", &back, &event).context("data", || data.clone())?;
        equal("the data of the event that was read back", &written(&back), &data)
    })
}

/// An event is written with exactly these bytes, and these bytes are read as that event.
///
/// The bytes come from the ontology, not from the code under test: they are what lies in stores.
///
/// # Errors
/// What is written or read instead.
pub fn keeps_its_bytes<E: DomainEvent>(samples: &[(Golden, E)]) -> Check {
    for (golden, event) in samples {
        let found = (event.event_type(), event.version());
        equal("type and version", &found, &(golden.event_type, golden.version))?;
        equal("what is written", &written(event).as_str(), &golden.data)
            .context("event", || format!("{event:?}"))?;
        let found: E = read(golden.event_type, golden.version, golden.data)?;
        equal("what is read", &found, event).context("data", || golden.data.to_owned())?;
    }
    Ok(())
}

/// Data that is not of the shape of its version is an error that says what is wrong: a field that is
/// missing, unknown or doubled, a value of another type, data that is cut short.
///
/// # Errors
/// What is accepted, or refused without naming its reason.
pub fn refuses_other_shapes<E: DomainEvent>(golden: Golden) -> Check {
    let Golden { event_type, version, data: golden } = golden;
    let shape = shape_of::<E>(event_type, version)?.shape;
    let fields = shape::fields(shape).map_err(Failure::new)?;
    let refuses = |data: &str, naming: &str| refuses::<E>(event_type, version, data, naming);
    let object = golden.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let object =
        object.ok_or_else(|| Failure::new(format!("the golden data is no object: {golden}")))?;
    let comma = if object.is_empty() { "" } else { "," };

    refuses(&format!(r#"{{"notAField":1{comma}{object}}}"#), "notAField")?;
    for (name, optional) in &fields {
        let without = without(golden, name)?;
        if !optional {
            refuses(&without, name)?;
            refuses(&with(&without, name, "null"), name)?;
        }
        refuses(&format!(r#"{{{object},"{name}":null}}"#), name)?;
        refuses(&with(&without, name, "1.5"), name)?;
        // A map takes any key, but no type takes such a number.
        refuses(&with(&without, name, r#"{"notAField":1.5}"#), name)?;
    }
    for data in ["", "null", "[]", "1", "{", &golden[..golden.len() - 1], &format!("{golden}x")] {
        refuses(data, "")?;
    }
    Ok(())
}

fn refuses<E: DomainEvent>(event_type: &str, version: u32, data: &str, naming: &str) -> Check {
    match E::read(event_type, version, data.as_bytes(), &sample_metadata()) {
        Err(error) if error.to_string().contains(naming) => Ok(()),
        Err(error) => Err(Failure::new(format!("the error does not name `{naming}`: {error}"))),
        Ok(event) => {
            Err(Failure::new("data of another shape is accepted")
                .with("read as", format!("{event:?}")))
        }
    }
    .context("data", || data.to_owned())
}

fn without(golden: &str, name: &str) -> Check<String> {
    let mut value: serde_json::Map<String, serde_json::Value> = serde_json::from_str(golden)
        .map_err(|error| Failure::new(format!("the golden data is no object: {error}")))?;
    ensure!(value.remove(name).is_some(), "the golden data has no field `{name}`");
    serde_json::to_string(&value).map_err(|error| Failure::new(error.to_string()))
}

fn with(object: &str, name: &str, value: &str) -> String {
    let comma = if object == "{}" { "" } else { "," };
    format!(r#"{{"{name}":{value}{comma}{}"#, &object[1..])
}

/// Types and versions that the ontology does not have are errors that name them; every one that it has
/// is known to the code, by the shape that the ontology gives it.
///
/// # Errors
/// The type or version that is taken for another.
pub fn knows_its_versions<E: DomainEvent>(ontology: &[EventShape]) -> Check {
    for shape in ontology {
        let found = shape_of::<E>(shape.event_type, shape.version)?.shape;
        equal(
            &format!("the shape of {} v{}", shape.event_type, shape.version),
            &found,
            &shape.shape,
        )?;
    }
    equal("the number of shapes", &E::SHAPES.len(), &ontology.len())?;
    unknown::<E>("NoSuchEvent", 1, "NoSuchEvent")?;
    for event_type in E::TYPES {
        let versions = ontology.iter().filter(|shape| shape.event_type == *event_type);
        let newest = versions.map(|shape| shape.version).max().unwrap_or(0);
        for version in [0, newest + 1, u32::MAX] {
            unknown::<E>(event_type, version, &version.to_string())?;
        }
    }
    Ok(())
}

fn unknown<E: DomainEvent>(event_type: &str, version: u32, naming: &str) -> Check {
    use crate::codec::DecodeError::{UnknownType, UnknownVersion};
    match E::read(event_type, version, b"{}", &sample_metadata()) {
        Err(error @ (UnknownType(_) | UnknownVersion { .. }))
            if error.to_string().contains(naming) && error.to_string().contains(event_type) =>
        {
            Ok(())
        }
        other => Err(Failure::new(format!(
            "{event_type} v{version} is not in the ontology, but reading it gives {}",
            shown(&other)
        ))),
    }
}

fn shown<T: Debug, X: std::fmt::Display>(outcome: &Result<T, X>) -> String {
    match outcome {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("the error `{error}`"),
    }
}
