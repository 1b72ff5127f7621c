//! One line of an archive: the event form with what it lacks to be the stored event again.
//!
//! `{type, version, aggregateId, sequence, data, meta: {…}, position, aggregate, recordedAt}`. Data stands in it byte for
//! byte. Where it can't, because it has a line break or white space around it or is no JSON, `data` is `null` and
//! `dataText` has it as a text.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::codec::Writer;
use crate::metadata::{Metadata, Position, StreamId};
use crate::store::{StoredEvent, StoredShape};
use crate::values::{Timestamp, parse_uuid};

/// An event as it was read from an archive.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct ArchivedEvent {
    pub(in crate::store) shape: Arc<StoredShape>,
    pub(in crate::store) position: Position,
    pub(in crate::store) meta: Metadata,
    pub(in crate::store) data: Vec<u8>,
}

type Object<'a> = BTreeMap<String, &'a RawValue>;

/// Appends the line of an event, its end included.
pub(super) fn write(event: &StoredEvent<'_>, out: &mut Vec<u8>) -> Result<(), NotText> {
    let data = str::from_utf8(event.data).map_err(|_| NotText)?;
    let meta = event.meta;
    let mut line = Writer::from(std::mem::take(out));
    line.object(|line| {
        line.text_field("type", Some(event.event_type));
        line.field("version", &i64::from(event.version));
        line.text_field("aggregateId", Some(meta.stream_id.as_str()));
        number(line, "sequence", meta.sequence);
        line.name("data");
        match stands_alone(data) {
            true => line.raw(event.data),
            false => {
                line.raw(b"null");
                line.text_field("dataText", Some(data));
            }
        }
        line.name("meta");
        line.object(|line| {
            line.field("eventId", &meta.event_id);
            line.text_field("correlationId", meta.correlation_id.as_deref());
            line.text_field("causationId", meta.causation_id.as_deref());
            line.text_field("traceparent", meta.traceparent.as_deref());
            line.text_field("actor", meta.actor.as_deref());
            line.field("at", &meta.at);
        });
        number(line, "position", event.position);
        line.text_field("aggregate", Some(event.aggregate));
        line.field("recordedAt", &meta.recorded_at);
    });
    *out = line.into_bytes();
    out.push(b'\n');
    Ok(())
}

/// The data of an event is not UTF-8: it is damaged.
#[derive(Clone, Copy, Debug)]
pub(super) struct NotText;

fn number(line: &mut Writer, name: &str, number: u64) {
    line.name(name);
    line.raw(number.to_string().as_bytes());
}

/// Whether data is read back as it was written, in the middle of a line.
fn stands_alone(data: &str) -> bool {
    let is_one_line = !data.contains(['\n', '\r']);
    let read = serde_json::from_str::<&RawValue>(data);
    is_one_line && data != "null" && read.is_ok_and(|read| read.get() == data)
}

/// Reads a line.
pub(super) fn read(line: &[u8]) -> Result<ArchivedEvent, String> {
    let line: Object<'_> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let meta: Object<'_> = value(&line, "meta")?;
    let data = match line.get("dataText") {
        Some(text) => read_raw::<String>(text)?.into_bytes(),
        None => raw(&line, "data")?.get().as_bytes().to_vec(),
    };
    Ok(ArchivedEvent {
        shape: Arc::new(StoredShape {
            aggregate: value(&line, "aggregate")?,
            event_type: value(&line, "type")?,
            version: value(&line, "version")?,
        }),
        position: value(&line, "position")?,
        meta: Metadata {
            event_id: parse_uuid(&value::<String>(&meta, "eventId")?).map_err(told)?,
            stream_id: StreamId::from(value::<String>(&line, "aggregateId")?),
            sequence: value(&line, "sequence")?,
            at: time(&meta, "at")?,
            recorded_at: time(&line, "recordedAt")?,
            actor: text(&meta, "actor")?,
            correlation_id: text(&meta, "correlationId")?,
            causation_id: text(&meta, "causationId")?,
            traceparent: text(&meta, "traceparent")?,
        },
        data,
    })
}

fn raw<'a>(object: &Object<'a>, name: &str) -> Result<&'a RawValue, String> {
    object.get(name).copied().ok_or_else(|| format!("it has no `{name}`"))
}

fn value<'a, T: serde::Deserialize<'a>>(object: &Object<'a>, name: &str) -> Result<T, String> {
    read_raw(raw(object, name)?).map_err(|error| format!("`{name}`: {error}"))
}

fn read_raw<'a, T: serde::Deserialize<'a>>(raw: &'a RawValue) -> Result<T, String> {
    serde_json::from_str(raw.get()).map_err(|error| error.to_string())
}

fn time(object: &Object<'_>, name: &str) -> Result<Timestamp, String> {
    value::<String>(object, name)?.parse().map_err(told)
}

fn text(object: &Object<'_>, name: &str) -> Result<Option<Arc<str>>, String> {
    Ok(value::<Option<String>>(object, name)?.map(Arc::from))
}

#[allow(clippy::needless_pass_by_value)] // as `map_err` gives it
fn told(error: crate::values::RangeError) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::Uuid;

    fn comes_back(data: &str, text: Option<&str>, sequence: u64) {
        let text: Option<Arc<str>> = text.map(Arc::from);
        let meta = Metadata {
            event_id: Uuid::from_u128(7),
            stream_id: StreamId::from("a\0\"\u{1}ä"),
            sequence,
            at: Timestamp::MIN,
            recorded_at: Timestamp::from_micros(1),
            actor: text.clone(),
            correlation_id: None,
            causation_id: text.clone(),
            traceparent: text,
        };
        let event = StoredEvent {
            aggregate: "Other \0 aggregate",
            event_type: "It's \"moved\"\n",
            version: u32::MAX,
            position: u64::MAX >> 1,
            data: data.as_bytes(),
            meta: &meta,
        };
        let mut line = Vec::new();
        write(&event, &mut line).expect("text");
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1, "{data:?}");
        let read = read(&line).expect("a line");
        assert_eq!(str::from_utf8(&read.data), Ok(data));
        assert_eq!(read.meta, meta);
        assert_eq!(read.position, event.position);
        assert_eq!(read.shape.aggregate, event.aggregate);
        assert_eq!(read.shape.event_type, event.event_type);
        assert_eq!(read.shape.version, event.version);
    }

    /// Data comes back byte for byte, however it is written: doubled names, spaces, escapes, long numbers, no JSON at all.
    #[test]
    fn an_event_comes_back_byte_for_byte() {
        for data in [
            "{}",
            r#"{"a": 1.10,  "a":1e400}"#,
            r#"{"amount":123456789012345678901234567890.00,"\u0061":"\u0000\/"}"#,
            " {} ",
            "{\n}",
            "{\"a\":\r\n1}",
            "null",
            "",
            "no JSON",
            "{\"dataText\":\"x\"}",
            "\u{feff}{}",
        ] {
            comes_back(data, Some("O'Neil\0\n\u{1}"), 1);
            comes_back(data, None, u64::MAX >> 1);
            comes_back(data, Some(""), 0);
        }
    }
}
