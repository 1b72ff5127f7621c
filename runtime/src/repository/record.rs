//! Recording events that were decided elsewhere: imports and tests.

use super::request::Attempt;
use crate::aggregate::Aggregate;
use crate::codec::{FieldError, Writer};
use crate::command::{Decide, Emit, Halt};
use crate::event::{DomainEvent, UniqueKey};
use crate::metadata::{Sequence, StreamId};

/// Events to record without a command: see [`crate::Repository::record`].
#[derive(Clone, Debug)]
pub struct NewEvents<A: Aggregate> {
    events: Vec<A::Event>,
    invalid: Option<FieldError>,
}

impl<A: Aggregate> Default for NewEvents<A> {
    fn default() -> Self {
        Self { events: Vec::new(), invalid: None }
    }
}

impl<A: Aggregate> NewEvents<A> {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more event at the end.
    #[must_use]
    pub fn with(mut self, event: impl Emit<A>) -> Self {
        self.push(event);
        self
    }

    /// Adds an event at the end.
    pub fn push(&mut self, event: impl Emit<A>) {
        if let Err(error) = event.validate() {
            self.invalid.get_or_insert(error);
        }
        self.events.push(event.into_event());
    }
}

impl<A: Aggregate> Attempt<A> for NewEvents<A> {
    fn name(&self) -> &'static str {
        "record"
    }

    fn write(&self, out: &mut Writer) {
        let mut data = Vec::new();
        for event in &self.events {
            out.name(event.event_type());
            data.clear();
            event.write(&mut data);
            out.raw(&data);
        }
    }

    fn validate(&self) -> Result<(), FieldError> {
        self.invalid.clone().map_or(Ok(()), Err)
    }

    fn unique_keys(&self, claim: &mut dyn FnMut(UniqueKey)) {
        self.events.iter().for_each(|event| event.unique_keys(claim));
    }

    fn retry_keys(&self, _: &StreamId, _: &mut dyn FnMut(UniqueKey)) {}

    fn check_target(&self, _: &StreamId, _: Sequence) -> Result<(), A::Error> {
        Ok(())
    }

    fn later_keys(&self) -> &'static [&'static str] {
        &[]
    }

    fn decide(&self, context: &mut Decide<'_, A>) -> Result<(), Halt<A::Error>> {
        self.events.iter().try_for_each(|event| context.record(event.clone()))
    }
}
