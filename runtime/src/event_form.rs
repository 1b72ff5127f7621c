//! The event form: one event as the JSON that people and other programs are given.
//!
//! `{type, version, aggregateId, sequence, data, meta: {eventId, correlationId, causationId,
//! traceparent, actor, at}}`, always with all of these fields in this order, so that every line of
//! an export looks the same: a text that was not supplied is `null`. `data` is what is stored, in
//! the version in which it is stored; `at` is in RFC 3339.

use crate::codec::Writer;
use crate::event::DomainEvent;
use crate::metadata::Metadata;
use crate::repository::Recorded;
use crate::store::StoredEvent;

impl StoredEvent<'_> {
    /// The event form. Texts of the metadata that were not read are `null` in it.
    pub fn to_json(&self) -> String {
        event_form(self.event_type, self.version, self.data, self.meta)
    }
}

impl<E: DomainEvent> Recorded<E> {
    /// The event form.
    pub fn to_json(&self) -> String {
        let mut data = Vec::new();
        self.event.write(&mut data);
        event_form(self.event.event_type(), self.event.version(), &data, &self.meta)
    }
}

fn event_form(event_type: &str, version: u32, data: &[u8], meta: &Metadata) -> String {
    let mut out = Writer::from(Vec::with_capacity(data.len() + 512));
    out.object(|out| {
        out.text_field("type", Some(event_type));
        out.field("version", &i64::from(version));
        out.text_field("aggregateId", Some(meta.stream_id.as_str()));
        out.field("sequence", &meta.sequence_number());
        out.name("data");
        out.raw(data);
        out.name("meta");
        out.object(|out| {
            out.field("eventId", &meta.event_id);
            out.text_field("correlationId", meta.correlation_id.as_deref());
            out.text_field("causationId", meta.causation_id.as_deref());
            out.text_field("traceparent", meta.traceparent.as_deref());
            out.text_field("actor", meta.actor.as_deref());
            out.field("at", &meta.at);
        });
    });
    // Data that is not UTF-8 is damaged, and shown as far as it goes.
    String::from_utf8(out.into_bytes())
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
