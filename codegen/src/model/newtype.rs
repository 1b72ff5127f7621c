//! Single values with a type of their own, and the rules that new ones keep.

use std::str::FromStr;

use rust_decimal::Decimal;
use serde::Serialize;

use super::{Expression, ExpressionKind, Type};

/// A single value with a type of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Newtype {
    /// The declared name.
    pub name: String,
    /// The type of the value.
    pub base: Type,
    /// What new values keep. No part of what is stored: a rule binds decisions, and not the past.
    pub rules: Vec<ValueRule>,
    /// The declaration as written, for documentation.
    pub text: String,
    /// Values that keep the rules, the simplest first; empty where every value of the base does.
    pub samples: Vec<ExpressionKind>,
}

/// A rule of the values of a type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum ValueRule {
    /// No less than this number.
    AtLeast(String),
    /// No more than this number.
    AtMost(String),
    /// More than this number.
    GreaterThan(String),
    /// Less than this number.
    LessThan(String),
    /// So many characters.
    Characters {
        /// No fewer.
        least: Option<u32>,
        /// No more.
        most: Option<u32>,
    },
    /// The whole text matches this regular expression.
    Matching(String),
}

impl Newtype {
    /// Whether values of the base may break a rule, or have too many digits.
    #[must_use]
    pub fn is_checked(&self) -> bool {
        !self.rules.is_empty() || matches!(self.base, Type::Decimal(Some(_)))
    }

    /// The first rule that a constant of the base breaks, in words.
    #[must_use]
    pub fn broken_by(&self, value: &ExpressionKind) -> Option<String> {
        self.rules.iter().find(|rule| !rule.allows(value)).map(ValueRule::in_words)
    }

    /// The samples as values of this type; one of the base where it has no rules.
    #[must_use]
    pub fn sample_values(&self) -> Vec<Expression> {
        self.samples.iter().map(|kind| self.value(kind.clone())).collect()
    }

    /// A constant of the base as a value of this type.
    #[must_use]
    pub fn value(&self, kind: ExpressionKind) -> Expression {
        let inner = Box::new(Expression { kind, result: self.base.clone() });
        let result = Type::Newtype(self.name.clone(), Box::new(self.base.clone()));
        Expression { kind: ExpressionKind::Wrap(inner), result }
    }
}

impl ValueRule {
    /// Whether a constant keeps the rule.
    #[must_use]
    pub fn allows(&self, value: &ExpressionKind) -> bool {
        match self {
            Self::AtLeast(limit) => order(value, limit).is_none_or(std::cmp::Ordering::is_ge),
            Self::AtMost(limit) => order(value, limit).is_none_or(std::cmp::Ordering::is_le),
            Self::GreaterThan(limit) => order(value, limit).is_none_or(std::cmp::Ordering::is_gt),
            Self::LessThan(limit) => order(value, limit).is_none_or(std::cmp::Ordering::is_lt),
            Self::Characters { least, most } => text(value).is_none_or(|text| {
                let count = text.chars().count();
                least.is_none_or(|least| count >= least as usize)
                    && most.is_none_or(|most| count <= most as usize)
            }),
            Self::Matching(pattern) => {
                let regex = regex_lite::Regex::new(&whole(pattern));
                text(value).is_none_or(|text| regex.is_ok_and(|regex| regex.is_match(text)))
            }
        }
    }

    /// What a value must be, behind `must`.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::AtLeast(limit) => format!("be at least {limit}"),
            Self::AtMost(limit) => format!("be at most {limit}"),
            Self::GreaterThan(limit) => format!("be greater than {limit}"),
            Self::LessThan(limit) => format!("be less than {limit}"),
            Self::Characters { least: Some(least), most: Some(most) } if least == most => {
                format!("have {least} characters")
            }
            Self::Characters { least: Some(least), most: Some(most) } => {
                format!("have {least} to {most} characters")
            }
            Self::Characters { least: Some(least), .. } => {
                format!("have at least {least} characters")
            }
            Self::Characters { most, .. } => {
                format!("have at most {} characters", most.unwrap_or_default())
            }
            Self::Matching(pattern) => format!("match {pattern}"),
        }
    }
}

/// A pattern for the whole of a text, as the runtime reads it.
pub(crate) fn whole(pattern: &str) -> String {
    format!("^(?:{pattern})$")
}

/// How a constant number stands to a limit; none for what is no number.
fn order(value: &ExpressionKind, limit: &str) -> Option<std::cmp::Ordering> {
    let number = match value {
        ExpressionKind::Integer(value) => Decimal::from(*value),
        ExpressionKind::Decimal(text) => Decimal::from_str(text).ok()?,
        _ => return None,
    };
    Some(number.cmp(&Decimal::from_str(limit).ok()?))
}

fn text(value: &ExpressionKind) -> Option<&str> {
    match value {
        ExpressionKind::String(text) => Some(text),
        _ => None,
    }
}
