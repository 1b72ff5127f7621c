//! What an aggregate declares: every field with its type, before any expression is looked at.
//!
//! Expressions refer to each other's fields in any order, so all fields come first.

use std::rc::Rc;

use super::defaults;
use super::derived::DerivedValues;
use super::fields::Fields;
use super::types::Types;
use crate::diagnostic::Diagnostic;
use crate::model;
use crate::suggest::nearest;
use crate::syntax::{self, RECORDED, Text};

/// The declared names of an aggregate.
pub(crate) struct Declared<'a> {
    pub(crate) syntax: &'a syntax::Aggregate,
    /// The types of the ontology, and the enums that stand inline in the aggregate.
    pub(crate) types: Types,
    pub(crate) state: Option<Fields>,
    pub(crate) derived: Vec<model::Derived>,
    pub(crate) events: Vec<DeclaredEvent<'a>>,
    /// The input of each command, in order.
    pub(crate) inputs: Vec<Fields>,
    /// The columns of each projection, in order.
    pub(crate) columns: Vec<Option<Fields>>,
    /// The declared inputs of each projection's queries, in order.
    pub(crate) asked: Vec<Vec<Option<Fields>>>,
    /// The name of the stream's id; where the ontology does not say it, the one that is likely meant.
    pub(crate) partition_key: Option<&'a str>,
}

/// An event with its fields.
pub(crate) struct DeclaredEvent<'a> {
    pub(crate) name: &'a Text,
    pub(crate) syntax: &'a syntax::Event,
    pub(crate) fields: Fields,
    /// Earlier versions, ascending.
    pub(crate) history: Vec<(u32, Fields, &'a syntax::OldVersion)>,
}

impl<'a> Declared<'a> {
    /// Resolves the types of all fields; the first place of an inline enum names it, so the order is
    /// state, events, commands, projections.
    pub(crate) fn new(
        syntax: &'a syntax::Aggregate,
        base: &Types,
        findings: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut types = base.clone();
        let mut fields = |owner: &str, written: &syntax::Map<syntax::Field>| {
            types.fields(owner, written, findings)
        };
        let mut state = syntax.state.as_ref().map(|state| fields(&syntax.name.value, state));
        let mut events: Vec<DeclaredEvent<'a>> = syntax
            .events
            .iter()
            .map(|(name, event)| DeclaredEvent::new(name, event, &mut fields))
            .collect();
        let mut inputs: Vec<Fields> = syntax
            .commands
            .iter()
            .map(|(name, command)| fields(&name.value, &command.input))
            .collect();
        let mut columns: Vec<Option<Fields>> = syntax
            .projections
            .iter()
            .map(|(name, projection)| {
                projection.columns.as_ref().map(|columns| fields(&name.value, columns))
            })
            .collect();
        let mut asked = |name: &Text, query: &syntax::Query| {
            query.input.as_ref().map(|input| fields(&name.value, input))
        };
        let asked: Vec<Vec<Option<Fields>>> = syntax
            .projections
            .iter()
            .map(|(_, projection)| {
                projection.queries.iter().map(|(name, query)| asked(name, query)).collect()
            })
            .collect();

        if let (Some(state), Some(written)) = (&mut state, &syntax.state) {
            defaults::of_fields(&types, state, written, findings);
            defaults::refuse_without(&types, state, findings);
        }
        for event in &mut events {
            defaults::of_fields(&types, &mut event.fields, &event.syntax.schema, findings);
            for (_, fields, old) in &mut event.history {
                defaults::of_fields(&types, fields, &old.schema, findings);
            }
        }
        for (input, (_, command)) in inputs.iter_mut().zip(&syntax.commands) {
            defaults::of_fields(&types, input, &command.input, findings);
        }
        for (columns, (_, projection)) in columns.iter_mut().zip(&syntax.projections) {
            if let (Some(columns), Some(written)) = (columns, &projection.columns) {
                defaults::of_fields(&types, columns, written, findings);
            }
        }
        let table = DerivedValues::declare(syntax, state.as_ref(), &mut types, findings);
        types.derived = Rc::new(table);
        let derived = Rc::clone(&types.derived).to_model(&types, findings);
        let partition_key = syntax.event_store.partition_key.as_ref();
        let partition_key = partition_key.map(|key| key.value.as_str());
        // Without one the build fails already: nothing more is to be said of what would be the id.
        let partition_key = match partition_key {
            Some(model::ONE_STREAM) => None,
            written => written.or_else(|| likely_key(syntax, &events, &inputs)),
        };
        let mut this =
            Self { syntax, types, state, derived, events, inputs, columns, asked, partition_key };
        let mut columns = std::mem::take(&mut this.columns);
        for (columns, (_, projection)) in columns.iter_mut().zip(&syntax.projections) {
            let Some(columns) = columns else { continue };
            super::projection::declare_aggregates(&this, projection, columns, findings);
        }
        Self { columns, ..this }
    }

    /// The event of this name.
    pub(crate) fn event(&self, name: &str) -> Option<&DeclaredEvent<'a>> {
        self.events.iter().find(|event| event.name.value == name)
    }

    /// The declared inputs of a projection's queries.
    pub(crate) fn query_inputs(&self, projection: &Text) -> &[Option<Fields>] {
        let known = self.syntax.projections.iter().position(|(name, _)| name == projection);
        known.and_then(|known| self.asked.get(known)).map_or(&[], Vec::as_slice)
    }

    /// The event of this name, or a finding.
    pub(crate) fn find_event(
        &self,
        name: &Text,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<&DeclaredEvent<'a>> {
        let found = self.event(&name.value);
        if found.is_none() {
            let aggregate = &self.syntax.name.value;
            let title = format!("`{aggregate}` has no event `{}`", name.value);
            let code = &crate::catalogue::events::UNKNOWN_EVENT;
            let refused = Diagnostic::error(code, title, name.span, "unknown event");
            let names: Vec<&str> =
                self.events.iter().map(|event| event.name.value.as_str()).collect();
            findings.push(match nearest(&name.value, names.iter().copied()) {
                Some(meant) => refused.help(format!("did you mean `{meant}`?")),
                None if names.is_empty() => refused.help("declare it under `events:`"),
                None => refused.help(format!(
                    "the events are {}; others are declared under `events:`",
                    super::expression::listed(&names)
                )),
            });
        }
        found
    }
}

/// The text that all events have and no command asks for, the one named like an id of the aggregate
/// before others.
fn likely_key<'a>(
    syntax: &'a syntax::Aggregate,
    events: &[DeclaredEvent<'a>],
    inputs: &[Fields],
) -> Option<&'a str> {
    let (_, first) = syntax.events.first()?;
    let is_text = |event: &DeclaredEvent<'_>, name: &str| {
        let field = event.fields.get(name);
        field.is_some_and(|field| field.field_type == Some(crate::model::Type::String))
    };
    let names = first.schema.iter().map(|(name, _)| name.value.as_str());
    let names = names
        .filter(|name| events.iter().all(|event| is_text(event, name)))
        .filter(|name| !inputs.iter().any(|input| input.contains(name)));
    let aggregate = syntax.name.value.to_lowercase();
    names.min_by_key(|name| {
        let of = name.strip_suffix("Id").map(str::to_lowercase);
        let named = of.as_ref().is_some_and(|of| aggregate.ends_with(of.as_str()));
        (!named, of.is_none())
    })
}

impl<'a> DeclaredEvent<'a> {
    fn new(
        name: &'a Text,
        syntax: &'a syntax::Event,
        fields: &mut impl FnMut(&str, &syntax::Map<syntax::Field>) -> Fields,
    ) -> Self {
        let current = fields(&name.value, &syntax.schema);
        let mut history: Vec<_> = syntax
            .history
            .iter()
            .map(|(version, old)| {
                let owner = format!("{}V{}", name.value, version.value);
                (version.value, fields(&owner, &old.schema), old)
            })
            .collect();
        history.sort_by_key(|(version, _, _)| *version);
        Self { name, syntax, fields: current, history }
    }

    /// Whether the event may no longer be emitted.
    pub(crate) fn retired(&self) -> bool {
        self.syntax.retired
    }

    /// The name of the timestamp field that is the event's time, as far as that is clear.
    pub(crate) fn occurred_at(&self) -> Option<&str> {
        match &self.syntax.occurred_at {
            Some(named) if named.value == RECORDED => None,
            Some(named) => Some(&named.value),
            None => match self.times().as_slice() {
                [only] => Some(only),
                _ => None,
            },
        }
    }

    /// Whether one of several fields could be its time, which is reported where it is declared.
    pub(crate) fn is_time_unclear(&self) -> bool {
        self.syntax.occurred_at.is_none() && self.times().len() > 1
    }

    fn times(&self) -> Vec<&str> {
        let is_time =
            |field: &&super::fields::Field| field.field_type == Some(crate::model::Type::Timestamp);
        self.fields.0.iter().filter(is_time).map(|field| field.name.as_str()).collect()
    }
}
