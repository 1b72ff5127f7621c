//! The sections of an aggregate's file.

use super::Lowering;
use super::section::Section;
use crate::load::keys::Place;
use crate::load::tree::Entry;
use crate::naming::Kind;
use crate::syntax::{Aggregate, EventStore};

impl Lowering<'_> {
    pub(super) fn aggregate(&mut self, root: &Entry, section: &Section<'_>) -> Option<Aggregate> {
        let name = self.text_of(&root.key, &root.value, "aggregateRoot: BankAccount")?;
        self.check_name(&name, Kind::Aggregate);
        let event_store = self.event_store(section);
        Some(Aggregate {
            description: self.text(section, "description"),
            state: self.fields(section, "state"),
            derived: self.derived(section),
            events: self.events(section),
            commands: self.commands(section),
            invariants: self.invariants(section),
            event_store: EventStore { span: event_store.span.or(Some(name.span)), ..event_store },
            projections: self.projections(section),
            scenarios: self.scenarios(section),
            name,
        })
    }

    fn event_store(&mut self, file: &Section<'_>) -> EventStore {
        let Some(entry) = file.get("eventStore") else { return EventStore::default() };
        let Some(section) = self.section(Place::EventStore, &entry.key, &entry.value) else {
            return EventStore::default();
        };
        let partition_key = self.text(&section, "partitionKey");
        if let Some(key) = &partition_key {
            self.check_name(key, Kind::Field);
        }
        EventStore {
            partition_key,
            snapshot_strategy: self.text(&section, "snapshotStrategy"),
            retention_policy: self.text(&section, "retentionPolicy"),
            span: Some(entry.key.span),
        }
    }
}
