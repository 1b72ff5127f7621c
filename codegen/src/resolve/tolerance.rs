//! Rules that are newer than a stream: a state that already breaks one accepts commands that don't
//! make it worse.
//!
//! A new stream has no past to excuse it. The state before its first command is the initial one, so an
//! initial value that breaks the rule is never taken for one that the stream has come to.

use std::cmp::Ordering;

use rust_decimal::Decimal;

use super::expression::newtype::plain;
use super::value_rule::{Subject, compare, logic, where_present};
use crate::model::{Comparison, Expression, ExpressionKind, Logic, Rule, Scope};

/// The condition under which a broken rule is no worse than before; none where that can't be told.
pub(crate) fn no_worse(
    subject: &Subject<'_>,
    comparison: Comparison,
    limit: &Expression,
) -> Option<Expression> {
    let direction = match comparison {
        Comparison::GreaterOrEqual | Comparison::Greater => Comparison::GreaterOrEqual,
        Comparison::LessOrEqual | Comparison::Less => Comparison::LessOrEqual,
        Comparison::Equal | Comparison::NotEqual => return None,
    };
    // A limit that is calculated may itself have moved.
    let limit_value = constant(limit)?;
    match subject {
        Subject::Event(..) => None,
        Subject::State(field) => {
            let before = ExpressionKind::Read(Scope::Before, field.name.clone());
            let before = Expression { kind: before, result: field.field_type.clone()? };
            let before = plain(before);
            let no_worse = no_further(subject.read(), before.clone(), direction);
            let initial = plain(field.default.clone()?);
            if initial.kind == ExpressionKind::None || holds(&initial, comparison, limit_value)? {
                return Some(no_worse);
            }
            let has_past = compare(Comparison::NotEqual, before, initial);
            Some(logic(Logic::And, has_past, no_worse))
        }
        // Of a hand-written state the initial value is not known, but a sum starts at zero.
        Subject::Behavior(method, of) => {
            let starts_well = satisfies(Decimal::ZERO, comparison, limit_value);
            let before = ExpressionKind::Local(Rule::before_local(method));
            let before = Expression { kind: before, result: of.clone() };
            starts_well.then(|| no_further(subject.read(), before, direction))
        }
    }
}

/// The value lies no further out than before; where there was none before, nothing excuses it.
fn no_further(after: Expression, before: Expression, direction: Comparison) -> Expression {
    where_present(
        after,
        "value",
        &|after| {
            where_present(
                before.clone(),
                "earlier",
                &|before| compare(direction, after.clone(), before),
                false,
            )
        },
        true,
    )
}

/// Whether a constant initial value keeps the rule.
fn holds(initial: &Expression, comparison: Comparison, limit: Decimal) -> Option<bool> {
    Some(satisfies(constant(initial)?, comparison, limit))
}

fn satisfies(value: Decimal, comparison: Comparison, limit: Decimal) -> bool {
    let order = value.cmp(&limit);
    match comparison {
        Comparison::GreaterOrEqual => order != Ordering::Less,
        Comparison::Greater => order == Ordering::Greater,
        Comparison::LessOrEqual => order != Ordering::Greater,
        Comparison::Less => order == Ordering::Less,
        Comparison::Equal => order == Ordering::Equal,
        Comparison::NotEqual => order != Ordering::Equal,
    }
}

/// The number that an expression stands for without reading anything.
fn constant(expression: &Expression) -> Option<Decimal> {
    match &expression.kind {
        ExpressionKind::Integer(number) | ExpressionKind::Duration(number) => {
            Some(Decimal::from(*number))
        }
        ExpressionKind::Decimal(digits) => Decimal::from_str_exact(digits).ok(),
        ExpressionKind::Some(inner) | ExpressionKind::Widen(inner) => constant(inner),
        _ => None,
    }
}
