//! What constants become in an expression: enough of one to tell what most upcasts and applies give.
//!
//! A second opinion on the code that [`super::super::expression`] emits and on the runtime that it calls,
//! none of whose code is here. Where it is not sure, it has no opinion.

mod collection;
mod function;
mod method;
mod number;
#[cfg(test)]
mod tests;

use self::method::call;
use self::number::{arithmetic, negated, order};
use super::json::json;
use crate::model::{Arm, Comparison, Expression, ExpressionKind, Logic, Pattern, Scope, Type};

/// A name and its constant.
pub(super) type Constant = (String, Expression);

/// What is known where an expression stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Known<'k> {
    state: &'k [Constant],
    event: &'k [Constant],
    locals: Vec<Constant>,
}

impl<'k> Known<'k> {
    /// Fields of the state before, and of the event.
    pub(super) fn new(state: &'k [Constant], event: &'k [Constant]) -> Self {
        Self { state, event, locals: Vec::new() }
    }

    /// A field of the state before.
    pub(super) fn before(&self, name: &str) -> Option<Expression> {
        self.state.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone())
    }

    fn with(&self, locals: impl IntoIterator<Item = Constant>) -> Self {
        let mut more = self.clone();
        more.locals.extend(locals);
        more
    }
}

/// What an expression is, given what is known; none where only running it could tell. All of its parts
/// are evaluated but those that the language leaves out, so what can be told cannot fail.
pub(super) fn evaluate(expression: &Expression, known: &Known<'_>) -> Option<Expression> {
    let kind = kind(&expression.kind, known)?;
    Some(Expression { kind, result: expression.result.clone() })
}

fn kind(expression: &ExpressionKind, known: &Known<'_>) -> Option<ExpressionKind> {
    use ExpressionKind as K;
    let whole = |inner: &Expression| evaluate(inner, known);
    let part = |inner: &Expression| kind(&inner.kind, known);
    let all = |items: &[Expression]| items.iter().map(whole).collect::<Option<Vec<_>>>();
    Some(match expression {
        K::String(_) | K::Integer(_) | K::Decimal(_) | K::Boolean(_) | K::Duration(_) => {
            expression.clone()
        }
        K::Timestamp(_) | K::Date(_) | K::Uuid(_) | K::Bytes(_) | K::None | K::Variant(_) => {
            expression.clone()
        }
        K::Read(Scope::State, name) => named(known.state, name)?,
        K::Read(Scope::Event, name) => named(known.event, name)?,
        K::Local(name) => named(&known.locals, name)?,
        K::Some(inner) => K::Some(Box::new(whole(inner)?)),
        K::Wrap(inner) => match part(inner)? {
            K::None => K::None,
            K::Some(value) => K::Some(Box::new(wrapped(*value, &inner.result)?)),
            _ => K::Wrap(Box::new(whole(inner)?)),
        },
        K::Plain(inner) => match part(inner)? {
            K::Wrap(value) => value.kind,
            K::None => K::None,
            K::Some(value) => match value.kind {
                K::Wrap(value) => K::Some(value),
                _ => return None,
            },
            _ => return None,
        },
        K::Widen(inner) => match part(inner)? {
            K::Integer(value) => K::Decimal(value.to_string()),
            _ => return None,
        },
        K::Field(base, name) => match part(base)? {
            K::Record(fields, None) => named(&fields, name)?,
            _ => return None,
        },
        K::OptionalField(base, name) => of_optional(&part(base)?, name)?,
        K::Record(fields, base) => {
            let fields = fields.iter().map(|(name, value)| Some((name.clone(), whole(value)?)));
            let base = base.as_deref().map(part);
            K::Record(updated(base, fields.collect::<Option<_>>()?)?, None)
        }
        K::List(items) => K::List(all(items)?),
        K::Set(members) => K::Set(collection::set(all(members)?)?),
        K::Map(entries) => {
            let entries = entries.iter().map(|(key, of)| Some((whole(key)?, whole(of)?)));
            K::Map(collection::map(entries.collect::<Option<_>>()?)?)
        }
        K::Not(inner) => K::Boolean(!truth(&part(inner)?)?),
        K::Negate(inner) => negated(&part(inner)?)?,
        K::Arithmetic(operator, left, right) => arithmetic(*operator, &part(left)?, &part(right)?)?,
        K::Compare(how, left, right) => K::Boolean(compare(*how, &whole(left)?, &whole(right)?)?),
        K::Logic(logic, left, right) => match (logic, truth(&part(left)?)?) {
            (Logic::And, false) | (Logic::Or, true) => K::Boolean(*logic == Logic::Or),
            _ => part(right)?,
        },
        K::If(condition, yes, no) => part(if truth(&part(condition)?)? { yes } else { no })?,
        K::Let(name, value, body) => {
            let local = (name.clone(), whole(value)?);
            kind(&body.kind, &known.with(Some(local)))?
        }
        K::Match(subject, arms) => matched(&part(subject)?, arms, known)?,
        K::Call(method, receiver, arguments) if takes_function(arguments) => {
            function::call(*method, part(receiver)?, arguments, known)?
        }
        K::Call(method, receiver, arguments) => call(*method, part(receiver)?, all(arguments)?)?,
        K::Derived(call) => part(&call.stands_for)?,
        K::Closure(..) => return None,
        K::Read(..) | K::Meta(_) | K::StreamId | K::Now | K::NewId | K::Format(_) => return None,
    })
}

fn takes_function(arguments: &[Expression]) -> bool {
    arguments.iter().any(|argument| matches!(argument.kind, ExpressionKind::Closure(..)))
}

/// A value in an optional, with its name.
fn wrapped(value: Expression, optional: &Type) -> Option<Expression> {
    let Type::Optional(_) = optional else { return None };
    let result = value.result.clone();
    Some(Expression { kind: ExpressionKind::Wrap(Box::new(value)), result })
}

fn named(constants: &[Constant], name: &str) -> Option<ExpressionKind> {
    let found = constants.iter().rev().find(|(known, _)| known == name);
    found.map(|(_, value)| value.kind.clone())
}

fn of_optional(base: &ExpressionKind, name: &str) -> Option<ExpressionKind> {
    let ExpressionKind::Some(record) = base else {
        return (*base == ExpressionKind::None).then_some(ExpressionKind::None);
    };
    let ExpressionKind::Record(fields, None) = &record.kind else { return None };
    let (_, value) = fields.iter().find(|(field, _)| field == name)?;
    Some(match value.kind {
        ExpressionKind::Some(_) | ExpressionKind::None => value.kind.clone(),
        _ => ExpressionKind::Some(Box::new(value.clone())),
    })
}

/// The fields of a record, or of a base some of whose fields are given.
fn updated(base: Option<Option<ExpressionKind>>, given: Vec<Constant>) -> Option<Vec<Constant>> {
    let Some(base) = base else { return Some(given) };
    let ExpressionKind::Record(mut fields, None) = base? else { return None };
    for (name, value) in given {
        fields.iter_mut().find(|(field, _)| *field == name)?.1 = value;
    }
    Some(fields)
}

fn truth(value: &ExpressionKind) -> Option<bool> {
    match value {
        ExpressionKind::Boolean(value) => Some(*value),
        _ => None,
    }
}

fn compare(how: Comparison, left: &Expression, right: &Expression) -> Option<bool> {
    let equal = || Some(json(left)? == json(right)?);
    let order = || order(&left.kind, &right.kind);
    match how {
        Comparison::Equal => equal(),
        Comparison::NotEqual => equal().map(|equal| !equal),
        Comparison::Less => order().map(|order| order.is_lt()),
        Comparison::LessOrEqual => order().map(|order| order.is_le()),
        Comparison::Greater => order().map(|order| order.is_gt()),
        Comparison::GreaterOrEqual => order().map(|order| order.is_ge()),
    }
}

fn matched(subject: &ExpressionKind, arms: &[Arm], known: &Known<'_>) -> Option<ExpressionKind> {
    let mut fitting = arms.iter().filter_map(|arm| {
        let local = arm.patterns.iter().find_map(|pattern| binds(pattern, subject))?;
        Some((arm, local))
    });
    let (arm, local) = fitting.next()?;
    kind(&arm.body.kind, &known.with(local))
}

/// What a pattern names, if anything, where it fits.
fn binds(pattern: &Pattern, subject: &ExpressionKind) -> Option<Option<Constant>> {
    use ExpressionKind as K;
    match (pattern, subject) {
        (Pattern::Some(name), K::Some(inner)) => Some(Some((name.clone(), (**inner).clone()))),
        (Pattern::SomeVariant(wanted), K::Some(inner)) => {
            (inner.kind == K::Variant(wanted.clone())).then_some(None)
        }
        (Pattern::Variant(wanted), K::Variant(found)) => (wanted == found).then_some(None),
        (Pattern::SomeAny, K::Some(_)) | (Pattern::None, K::None) | (Pattern::Any, _) => Some(None),
        _ => None,
    }
}
