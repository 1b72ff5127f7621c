//! Conditions that sentences mean, as typed expressions.
//!
//! A rule about an optional binds its value where there is one.

use super::declared::DeclaredEvent;
use super::expression::has_text;
use super::expression::newtype::{plain, plain_type};
use super::fields::Field;
use crate::model::{
    Arm, Comparison, Expression, ExpressionKind, Logic, Method, Pattern, Piece, Rule, Scope, Type,
};
use crate::naming;

/// What a sentence about a value is about.
pub(crate) enum Subject<'a> {
    /// A field of the state after a command.
    State(&'a Field),
    /// A field of an event.
    Event(&'a DeclaredEvent<'a>, &'a Field),
    /// A value that the hand-written behaviour shows: its method.
    Behavior(String, Type),
}

impl Subject<'_> {
    /// The type of the value, `?` left away; none where it is broken.
    pub(crate) fn value_type(&self) -> Option<Type> {
        Some(match plain_type(&self.full_type()?) {
            Type::Optional(inner) => *inner,
            plain => plain,
        })
    }

    fn full_type(&self) -> Option<Type> {
        match self {
            Self::State(field) | Self::Event(_, field) => field.field_type.clone(),
            Self::Behavior(_, of) => Some(of.clone()),
        }
    }

    /// The expression that reads it.
    pub(crate) fn read(&self) -> Expression {
        let result = self.full_type().unwrap_or(Type::Boolean);
        let kind = match self {
            Self::State(field) => ExpressionKind::Read(Scope::State, field.name.clone()),
            Self::Event(_, field) => ExpressionKind::Read(Scope::Event, field.name.clone()),
            Self::Behavior(method, _) => ExpressionKind::Local(method.clone()),
        };
        plain(Expression { kind, result })
    }

    /// The condition on the value, which holds by itself where there is none.
    pub(crate) fn check(&self, condition: &dyn Fn(Expression) -> Expression) -> Expression {
        where_present(self.read(), "value", condition, true)
    }

    /// The same, where the condition may not fit the type.
    pub(crate) fn try_check(
        &self,
        condition: &dyn Fn(Expression) -> Option<Expression>,
    ) -> Option<Expression> {
        let of = self.value_type()?;
        let probe = Expression { kind: ExpressionKind::None, result: of };
        condition(probe)?;
        // The probe had the type that the condition will see.
        Some(self.check(&|value| condition(value).unwrap_or_else(|| constant(true))))
    }

    /// The rule with this condition.
    pub(crate) fn rule(&self, check: Expression) -> Rule {
        match self {
            Self::State(_) => Rule::State(check),
            Self::Event(event, _) => Rule::Event { events: vec![event.name.value.clone()], check },
            Self::Behavior(method, of) => {
                Rule::Behavior { method: method.clone(), method_type: of.clone(), check }
            }
        }
    }

    /// The sentence with the value that breaks it.
    pub(crate) fn message(&self, sentence: &str) -> Expression {
        let shown = self.value_type().is_none_or(|of| has_text(&of));
        if !shown {
            return super::command::text(sentence);
        }
        let value = Piece::Value(self.read());
        let pieces = vec![Piece::Text(format!("{sentence}, but would be ")), value];
        Expression { kind: ExpressionKind::Format(pieces), result: Type::String }
    }
}

/// The method of the behaviour for a subject in words: `Open orders` becomes `openOrders`.
pub(crate) fn method_name(subject: &str) -> String {
    let words =
        subject.split(|c: char| c.is_whitespace() || c == '-').collect::<Vec<_>>().join("_");
    let pascal = naming::rust_type(&words);
    let mut letters = pascal.chars();
    letters
        .next()
        .map_or(String::new(), |first| first.to_ascii_lowercase().to_string() + letters.as_str())
}

/// A condition on a value, or on the value of an optional.
pub(crate) fn where_present(
    read: Expression,
    local: &str,
    condition: &dyn Fn(Expression) -> Expression,
    absent: bool,
) -> Expression {
    let Type::Optional(inner) = read.result.clone() else { return condition(read) };
    let value = Expression { kind: ExpressionKind::Local(local.to_owned()), result: *inner };
    let arms = vec![
        Arm { patterns: vec![Pattern::Some(local.to_owned())], body: condition(value) },
        Arm { patterns: vec![Pattern::None], body: constant(absent) },
    ];
    truth(ExpressionKind::Match(Box::new(read), arms))
}

/// `a < b` and its kin.
pub(crate) fn compare(comparison: Comparison, left: Expression, right: Expression) -> Expression {
    truth(ExpressionKind::Compare(comparison, Box::new(left), Box::new(right)))
}

/// Whether a text, list, set or map has anything in it; none for other types.
pub(crate) fn not_empty(value: Expression) -> Option<Expression> {
    let method = match value.result {
        Type::String => Method::StringIsEmpty,
        Type::List(_) => Method::ListIsEmpty,
        Type::Set(_) => Method::SetIsEmpty,
        Type::Map(..) => Method::MapIsEmpty,
        _ => return None,
    };
    let empty = truth(ExpressionKind::Call(method, Box::new(value), Vec::new()));
    Some(truth(ExpressionKind::Not(Box::new(empty))))
}

/// The state's field is no less than before; a value that has come does not go again.
pub(crate) fn never_decreases(field: &str, of: &Type) -> Option<Expression> {
    let plain_of = plain_type(of);
    let inner = match &plain_of {
        Type::Optional(inner) => inner.as_ref(),
        plain => plain,
    };
    let ordered = matches!(
        inner,
        Type::Integer | Type::Decimal(_) | Type::Timestamp | Type::Date | Type::Duration
    );
    let read = |scope| {
        let kind = ExpressionKind::Read(scope, field.to_owned());
        plain(Expression { kind, result: of.clone() })
    };
    let check = where_present(
        read(Scope::Before),
        "earlier",
        &|earlier| {
            where_present(
                read(Scope::State),
                "later",
                &|later| compare(Comparison::GreaterOrEqual, later, earlier.clone()),
                false,
            )
        },
        true,
    );
    ordered.then_some(check)
}

/// The state's field keeps its variant or makes one of these steps.
pub(crate) fn moves(field: &str, of: &Type, steps: &[(String, String)]) -> Expression {
    let read = |scope| Expression {
        kind: ExpressionKind::Read(scope, field.to_owned()),
        result: of.clone(),
    };
    let is = |scope, variant: &String| {
        let variant =
            Expression { kind: ExpressionKind::Variant(variant.clone()), result: of.clone() };
        compare(Comparison::Equal, read(scope), variant)
    };
    let keeps = compare(Comparison::Equal, read(Scope::State), read(Scope::Before));
    let step = |(from, to): &(String, String)| {
        logic(Logic::And, is(Scope::Before, from), is(Scope::State, to))
    };
    any_of(keeps, steps.iter().map(step).collect())
}

/// The first or any of the others. Many are joined in groups: the stages after this one go down into
/// each part of an expression, and a long chain would be as deep as it is long.
fn any_of(first: Expression, mut others: Vec<Expression>) -> Expression {
    const GROUP: usize = 32;
    let join = |allowed, step| logic(Logic::Or, allowed, step);
    while others.len() > GROUP {
        let groups = others.chunks(GROUP);
        others = groups.filter_map(|group| group.iter().cloned().reduce(join)).collect();
    }
    others.into_iter().fold(first, join)
}

/// The sentence with the step that breaks it.
pub(crate) fn move_message(field: &str, of: &Type, sentence: &str) -> Expression {
    let read = |scope| {
        let kind = ExpressionKind::Read(scope, field.to_owned());
        Piece::Value(Expression { kind, result: of.clone() })
    };
    let pieces = vec![
        Piece::Text(format!("{sentence}, but would move from ")),
        read(Scope::Before),
        Piece::Text(" to ".into()),
        read(Scope::State),
    ];
    Expression { kind: ExpressionKind::Format(pieces), result: Type::String }
}

pub(crate) fn logic(logic: Logic, left: Expression, right: Expression) -> Expression {
    truth(ExpressionKind::Logic(logic, Box::new(left), Box::new(right)))
}

fn constant(value: bool) -> Expression {
    truth(ExpressionKind::Boolean(value))
}

fn truth(kind: ExpressionKind) -> Expression {
    Expression { kind, result: Type::Boolean }
}
