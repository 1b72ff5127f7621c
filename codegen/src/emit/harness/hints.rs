//! Values that the ontology itself names: what scenarios give a field, and the constants of guards and
//! rules with their neighbours. Drawn often, they get commands past guards, and to their edges.

use std::collections::BTreeSet;

use super::super::view::View;
use crate::model::{Assignment, Expression, ExpressionKind, Field, Rule, Scenario, Type};

/// More than these would thin each other out.
const MOST: usize = 16;

/// What is known of the fields of a command or event.
#[derive(Default)]
pub(super) struct Hints<'m> {
    /// What scenarios give the fields by name.
    told: Vec<&'m Assignment>,
    /// The constants of guards and rules.
    constants: Vec<&'m Expression>,
    /// The fields that hold unique keys, which must mostly be new.
    keys: BTreeSet<&'m str>,
}

impl<'m> Hints<'m> {
    /// For a command: what scenarios give it, and the constants of its own decision and of the rules.
    pub(super) fn of(view: &View<'m>, command: &str) -> Self {
        let events = &view.aggregate.events;
        let keys = events.iter().flat_map(|event| event.unique.iter().map(|it| it.field.as_str()));
        let steps = view.aggregate.scenarios.iter().flat_map(Scenario::steps);
        let sent = steps.filter_map(|step| step.when.as_ref());
        let told = sent.filter(|(name, _)| name == command).flat_map(|(_, values)| values);
        let decision = view.aggregate.commands.iter().filter(|it| it.name == command);
        let mut constants = Vec::new();
        for expression in decision.flat_map(|command| command.expressions()) {
            collect(expression, &mut constants);
        }
        for invariant in &view.aggregate.invariants {
            if let Rule::State(check) | Rule::Event { check, .. } = &invariant.rule {
                collect(check, &mut constants);
            }
        }
        Self { told: told.collect(), constants, keys: keys.collect() }
    }

    /// Values for a field; none for one that holds keys.
    pub(super) fn for_field(&self, field: &Field) -> Vec<Expression> {
        if self.keys.contains(field.name.as_str()) {
            return Vec::new();
        }
        let told = self.told.iter().filter(|told| told.field == field.name);
        let told = told.map(|told| told.value.clone());
        let constants = self.constants.iter().flat_map(|it| near(it, &field.field_type));
        let mut values: Vec<Expression> = Vec::new();
        for value in told.chain(constants) {
            if !values.contains(&value) && values.len() < MOST {
                values.push(value);
            }
        }
        values
    }
}

fn collect<'m>(expression: &'m Expression, constants: &mut Vec<&'m Expression>) {
    match expression.kind {
        ExpressionKind::Integer(_) | ExpressionKind::Decimal(_) | ExpressionKind::String(_) => {
            constants.push(expression);
        }
        _ => expression.parts().into_iter().for_each(|part| collect(part, constants)),
    }
}

/// A constant and its neighbours as values of a type.
fn near(constant: &Expression, of: &Type) -> Vec<Expression> {
    let as_type = |kind| Expression { kind, result: of.clone() };
    let around = |value: i64| {
        [Some(value), value.checked_sub(1), value.checked_add(1)].into_iter().flatten()
    };
    match (&constant.kind, of) {
        (ExpressionKind::String(text), Type::String) => {
            vec![as_type(ExpressionKind::String(text.clone()))]
        }
        (ExpressionKind::Integer(value), Type::Integer) => {
            around(*value).map(|value| as_type(ExpressionKind::Integer(value))).collect()
        }
        (ExpressionKind::Integer(value), Type::Decimal(limits)) => around(*value)
            .map(|value| value.to_string())
            .filter(|text| fits(text, *limits))
            .map(|text| as_type(ExpressionKind::Decimal(text)))
            .collect(),
        (ExpressionKind::Decimal(text), Type::Decimal(limits)) => match text.parse::<i64>() {
            Ok(value) => near(&as_type(ExpressionKind::Integer(value)), of),
            Err(_) if limits.is_none() => vec![as_type(ExpressionKind::Decimal(text.clone()))],
            Err(_) => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Whether a whole number has no more digits than a decimal takes before the point.
fn fits(whole: &str, limits: Option<(u32, u32)>) -> bool {
    let digits = whole.trim_start_matches('-').len();
    limits.is_none_or(|(all, scale)| digits <= all.saturating_sub(scale) as usize)
}
