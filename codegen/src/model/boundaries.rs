//! Where a comparison of numbers turns: one side is a field that can be given any value, the other is
//! told by state and input.
//!
//! The harness tests both sides of such a guard by itself; any other guard needs a scenario.

use super::{Command, Comparison, Expression, ExpressionKind, Field, Scope, Type};

/// The boundary of a guard or rule.
#[derive(Clone, Copy, Debug)]
pub struct Boundary<'m> {
    /// Whose field it is that is brought there: the input's or the state's.
    pub scope: Scope,
    /// The field.
    pub field: &'m str,
    /// What it is compared with.
    pub other: &'m Expression,
    /// Whether the field is the right side.
    pub is_right: bool,
    /// The smallest step past the boundary.
    pub unit: Unit,
    /// Whether the comparison holds with the left side one unit below, on and above the right one.
    pub holds: [bool; 3],
}

/// The smallest step between two numbers of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Of an integer.
    One,
    /// Of a decimal with so many digits after the point.
    Decimal(u32),
}

/// The boundary of a command's guard, in its input where there is one.
#[must_use]
pub fn of_guard<'m>(
    command: &'m Command,
    state: &'m [Field],
    condition: &'m Expression,
) -> Option<Boundary<'m>> {
    let compared = compared(condition)?;
    place(Scope::Input, &command.input, compared).or_else(|| place(Scope::State, state, compared))
}

/// The boundary of a rule about the state.
#[must_use]
pub fn of_rule<'m>(state: &'m [Field], condition: &'m Expression) -> Option<Boundary<'m>> {
    place(Scope::State, state, compared(condition)?)
}

type Compared<'m> = (Comparison, &'m Expression, &'m Expression);

/// The sides of a comparison of numbers, which a guard or rule may be.
fn compared(condition: &Expression) -> Option<Compared<'_>> {
    match &condition.kind {
        ExpressionKind::Compare(comparison, left, right)
            if matches!(left.result, Type::Decimal(_) | Type::Integer) =>
        {
            Some((*comparison, left, right))
        }
        ExpressionKind::Not(inner) => {
            let (comparison, left, right) = compared(inner)?;
            Some((opposite(comparison), left, right))
        }
        _ => None,
    }
}

fn opposite(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Equal => Comparison::NotEqual,
        Comparison::NotEqual => Comparison::Equal,
        Comparison::Less => Comparison::GreaterOrEqual,
        Comparison::GreaterOrEqual => Comparison::Less,
        Comparison::Greater => Comparison::LessOrEqual,
        Comparison::LessOrEqual => Comparison::Greater,
    }
}

fn sides(comparison: Comparison) -> [bool; 3] {
    match comparison {
        Comparison::Less => [true, false, false],
        Comparison::LessOrEqual => [true, true, false],
        Comparison::Equal => [false, true, false],
        Comparison::NotEqual => [true, false, true],
        Comparison::GreaterOrEqual => [false, true, true],
        Comparison::Greater => [false, false, true],
    }
}

fn place<'m>(
    scope: Scope,
    fields: &'m [Field],
    (comparison, left, right): Compared<'m>,
) -> Option<Boundary<'m>> {
    for (side, other, is_right) in [(left, right, false), (right, left, true)] {
        let ExpressionKind::Read(of, name) = &side.kind else { continue };
        if *of != scope || other.reads(scope, name) || !is_calculable(other) {
            continue;
        }
        let field = fields.iter().find(|field| field.name == *name)?;
        let unit = match field.field_type {
            Type::Integer => Unit::One,
            Type::Decimal(None) => Unit::Decimal(2),
            Type::Decimal(Some((_, scale))) => Unit::Decimal(scale),
            _ => continue,
        };
        let field = field.name.as_str();
        return Some(Boundary { scope, field, other, is_right, unit, holds: sides(comparison) });
    }
    None
}

/// Whether state and input alone tell its value.
fn is_calculable(expression: &Expression) -> bool {
    !expression.any(&|part| {
        matches!(
            &part.kind,
            ExpressionKind::Local(_)
                | ExpressionKind::Now
                | ExpressionKind::NewId
                | ExpressionKind::Meta(_)
                | ExpressionKind::StreamId
                | ExpressionKind::Read(Scope::After | Scope::Before | Scope::Event | Scope::Row, _)
        )
    })
}
