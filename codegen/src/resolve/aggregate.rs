//! One aggregate: its parts resolved in the order in which they depend on each other.

use super::declared::Declared;
use super::invariant::Rules;
use super::refusals::Refusals;
use super::types::Types;
use super::{command, event, event_store, invariant, keys, projection, recognised, scenario};
use crate::diagnostic::Diagnostic;
use crate::model::{self, RefusalRole, Rule, meaning};
use crate::syntax;

/// Resolves an aggregate; its hashes are set by [`set_meanings`].
pub(crate) fn resolve(
    syntax: &syntax::Aggregate,
    source: &str,
    base: &Types,
    findings: &mut Vec<Diagnostic>,
) -> Option<model::Aggregate> {
    let declared = Declared::new(syntax, base, findings);
    let settings = event_store::resolve(&declared, findings);
    let events =
        all(declared.events.iter().map(|event| event::resolve(&declared, event, findings)));
    let mut refusals = Refusals::default();
    let commands =
        all(syntax.commands.iter().zip(&declared.inputs).map(|((name, command), input)| {
            command::resolve(&declared, name, command, input, &mut refusals, findings)
        }));
    let rules = invariant::resolve_all(&declared, findings);
    let no_rules = Rules::default();
    add_refusals(&mut refusals, &syntax.name.value, rules.as_ref().unwrap_or(&no_rules));
    let projections =
        all(syntax.projections.iter().zip(&declared.columns).map(|((name, syntax), columns)| {
            projection::resolve(&declared, name, syntax, columns.as_ref(), findings)
        }));
    let names: Vec<&str> = refusals.names().collect();
    let known = rules.is_some() && commands.is_some();
    let scenarios = all(syntax.scenarios.iter().map(|(name, scenario)| {
        // Where a rule or command is broken, a refusal may only seem to be unknown.
        let errors = scenario.steps.iter().filter_map(|step| step.error.as_ref());
        let errors = errors.map(|error| error.value.as_str()).filter(|_| !known);
        let names: Vec<&str> = names.iter().copied().chain(errors).collect();
        scenario::resolve(&declared, name, scenario, &names, findings)
    }));

    let (settings, rules) = (settings?, rules?);
    let (mut events, mut commands) = (events?, commands?);
    for (event, unique) in rules.unique {
        if let Some(event) = events.iter_mut().find(|known| known.name == event) {
            event.unique.push(unique);
        }
    }
    keys::release(&declared, &mut events, findings)?;
    let mut sound = true;
    for (command, (_, written)) in commands.iter_mut().zip(&syntax.commands) {
        keys::add(command, &events);
        recognised::add(command, &events, &declared.types);
        sound &= keys::check_steps(command, &written.steps, &events, findings);
    }
    if !sound {
        return None;
    }
    Some(model::Aggregate {
        name: syntax.name.value.clone(),
        description: syntax.description.as_ref().map(|text| text.value.clone()),
        source: source.to_owned(),
        inline_types: declared.types.definitions_beyond(base),
        state: declared.state.as_ref().map(super::fields::Fields::to_model),
        derived: declared.derived,
        events,
        commands,
        invariants: rules.invariants,
        refusals: refusals.to_model(),
        partition_key: settings.partition_key,
        snapshot_every: settings.snapshot_every,
        retention: settings.retention,
        projections: projections?,
        scenarios: scenarios?,
        meaning: 0,
    })
}

/// An aggregate with nothing but its events, and of them the shapes of their versions.
pub(crate) fn events(
    syntax: &syntax::Aggregate,
    base: &Types,
    findings: &mut Vec<Diagnostic>,
) -> model::Aggregate {
    let declared = Declared::new(syntax, base, findings);
    model::Aggregate {
        name: syntax.name.value.clone(),
        description: None,
        source: String::new(),
        inline_types: declared.types.definitions_beyond(base),
        state: None,
        derived: Vec::new(),
        events: declared.events.iter().map(event::shapes).collect(),
        commands: Vec::new(),
        invariants: Vec::new(),
        refusals: Vec::new(),
        partition_key: None,
        snapshot_every: None,
        retention: model::Retention::Forever,
        projections: Vec::new(),
        scenarios: Vec::new(),
        meaning: 0,
    }
}

/// All of them, or none where one is wrong; every one is looked at.
fn all<T>(parts: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let parts: Vec<Option<T>> = parts.collect();
    parts.into_iter().collect()
}

/// The refusals of rules and of the runtime, after those of the commands.
fn add_refusals(refusals: &mut Refusals, aggregate: &str, rules: &Rules) {
    let words = crate::naming::snake(aggregate).replace('_', " ");
    let exists = (format!("{aggregate}AlreadyExists"), format!("The {words} exists already."));
    let missing = (format!("{aggregate}NotFound"), format!("The {words} does not exist."));
    refusals.ensure(&exists.0, &RefusalRole::AlreadyExists, &exists.1);
    refusals.ensure(&missing.0, &RefusalRole::NotFound, &missing.1);
    let of_rule = |wanted: fn(&Rule) -> bool| {
        rules.invariants.iter().filter(move |invariant| wanted(&invariant.rule))
    };
    for invariant in of_rule(|rule| !matches!(rule, Rule::Unique | Rule::OrderedByTime)) {
        refusals.add(&invariant.refusal, RefusalRole::Rule, None, &invariant.text);
    }
    for key in &rules.keys {
        let role = RefusalRole::DuplicateKey(key.field.clone());
        refusals.add(&key.refusal, role, None, &key.text);
    }
    for invariant in of_rule(|rule| matches!(rule, Rule::OrderedByTime)) {
        refusals.add(&invariant.refusal, RefusalRole::OutOfOrder, None, &invariant.text);
    }
    let late = "An event lies before the last one of its stream.";
    refusals.ensure("OutOfOrder", &RefusalRole::OutOfOrder, late);
    let overflow = "A calculation left the range of its type.";
    refusals.ensure("ArithmeticOverflow", &RefusalRole::ArithmeticOverflow, overflow);
}

/// Hashes what each fold depends on, once all types are known.
pub(crate) fn set_meanings(aggregate: &mut model::Aggregate, types: &[model::TypeDefinition]) {
    aggregate.meaning = meaning::of_aggregate(aggregate, types);
    let meanings: Vec<u64> = aggregate
        .projections
        .iter()
        .map(|projection| meaning::of_projection(projection, aggregate, types))
        .collect();
    for (projection, meaning) in aggregate.projections.iter_mut().zip(meanings) {
        projection.meaning = meaning;
    }
}
