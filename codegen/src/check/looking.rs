//! Who looks at what: the decisions, rules, projections and scenarios of an aggregate.

use crate::model::{Aggregate, Assignment, Decision, Event, Expression, Projection, Rule, Scope};

/// Whether any part of an expression reads a name of one of these scopes.
pub(super) fn reads(expression: &Expression, scopes: &[Scope], name: &str) -> bool {
    scopes.iter().any(|scope| expression.reads(*scope, name))
}

/// Every expression that decides or rules: of commands, their keys, and invariants.
pub(super) fn deciding(aggregate: &Aggregate) -> Vec<&Expression> {
    let commands = aggregate.commands.iter().flat_map(|command| {
        command.expressions().into_iter().chain(command.keys.iter().map(|(_, value)| value))
    });
    let invariants = aggregate.invariants.iter().flat_map(|invariant| {
        let check = match &invariant.rule {
            Rule::State(check) | Rule::Event { check, .. } | Rule::Behavior { check, .. } => {
                Some(check)
            }
            _ => None,
        };
        [Some(&invariant.message), check, invariant.tolerated.as_ref()].into_iter().flatten()
    });
    commands.chain(invariants).collect()
}

/// Every expression by which a projection treats an event.
pub(super) fn showing<'p>(projection: &'p Projection, event: &str) -> Vec<&'p Expression> {
    let rules = projection.on.iter().flatten().filter(|(name, _)| name == event);
    let rules = rules.flat_map(|(_, rules)| rules).flat_map(|rule| {
        let key = rule.key.iter().flatten();
        let found = rule.matching.iter().map(|matching| &matching.meaning);
        let found = found.chain(rule.for_each.iter().map(|(_, list)| list));
        let written = rule.columns.iter().chain(key).map(|column| &column.value);
        rule.when.iter().chain(found).chain(written)
    });
    rules.chain(projection.key.iter().map(|column| &column.value)).collect()
}

/// The projections that fold an event.
pub(super) fn shown_by<'a>(
    aggregate: &'a Aggregate,
    event: &'a str,
) -> impl Iterator<Item = &'a Projection> {
    aggregate
        .projections
        .iter()
        .filter(move |projection| projection.source.iter().any(|source| source == event))
}

/// Whether something that is written by hand may look at the state.
pub(super) fn is_by_hand(aggregate: &Aggregate) -> bool {
    aggregate.state.is_none()
        || aggregate.events.iter().any(|event| event.apply.is_none())
        || has_custom(aggregate)
}

/// Whether a decision is written by hand.
pub(super) fn has_custom(aggregate: &Aggregate) -> bool {
    aggregate.commands.iter().any(|command| matches!(command.decision, Decision::Custom(_)))
}

/// What an event does to the state, where the ontology says so.
pub(super) fn folds(event: &Event) -> &[Assignment] {
    event.apply.as_deref().unwrap_or_default()
}
