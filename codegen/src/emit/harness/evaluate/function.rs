//! Methods that take a function.

use super::collection::{self, Entries};
use super::method::present;
use super::number::arithmetic;
use super::{Known, evaluate, truth};
use crate::emit::harness::json::json;
use crate::model::{Arithmetic, Expression, ExpressionKind, Method, Type};

/// What a method gives that asks a function; none for those that are not here.
pub(super) fn call(
    method: Method,
    receiver: ExpressionKind,
    arguments: &[Expression],
    known: &Known<'_>,
) -> Option<ExpressionKind> {
    match receiver {
        ExpressionKind::List(items) => of_list(method, items, arguments, known),
        ExpressionKind::Set(members) => of_set(method, members, arguments, known),
        ExpressionKind::Map(entries) => of_map(method, entries, arguments, known),
        ExpressionKind::Some(value) => of_present(method, *value, arguments, known),
        ExpressionKind::None => of_absent(method),
        _ => None,
    }
}

fn of_list(
    method: Method,
    items: Vec<Expression>,
    arguments: &[Expression],
    known: &Known<'_>,
) -> Option<ExpressionKind> {
    let of_each = |item: &Expression| applied(arguments.first()?, &[item], known);
    let holds = |item: &Expression| truth(&of_each(item)?.kind);
    match method {
        Method::ListAny => {
            first_that(&items, holds).map(|it| ExpressionKind::Boolean(it.is_some()))
        }
        Method::ListAll => first_that(&items, |item| holds(item).map(|holds| !holds))
            .map(|it| ExpressionKind::Boolean(it.is_none())),
        Method::ListCount => {
            let kept = kept(items, holds)?;
            i64::try_from(kept.len()).ok().map(ExpressionKind::Integer)
        }
        Method::ListFilter => kept(items, holds).map(ExpressionKind::List),
        Method::ListRemoveWhere => {
            kept(items, |item| holds(item).map(|holds| !holds)).map(ExpressionKind::List)
        }
        Method::ListRemoveFirst => {
            let mut rest = items;
            if let Some(first) = first_that(&rest, holds)? {
                rest.remove(first);
            }
            Some(ExpressionKind::List(rest))
        }
        Method::ListReplaceWhere => {
            let new = |item: Expression| match holds(&item)? {
                true => applied(arguments.get(1)?, &[&item], known),
                false => Some(item),
            };
            items.into_iter().map(new).collect::<Option<_>>().map(ExpressionKind::List)
        }
        Method::ListUpsertBy => upserted(items, arguments, known).map(ExpressionKind::List),
        Method::ListFind => {
            let found = first_that(&items, holds)?;
            present(found.and_then(|first| items.into_iter().nth(first)))
        }
        Method::ListFold => {
            let start = evaluate(arguments.first()?, known)?;
            let next =
                |so_far: Expression, item| applied(arguments.get(1)?, &[&so_far, item], known);
            items.iter().try_fold(start, next).map(|end| end.kind)
        }
        Method::ListMap => {
            items.iter().map(of_each).collect::<Option<_>>().map(ExpressionKind::List)
        }
        Method::ListSumOf => {
            let numbers = items.iter().map(of_each).collect::<Option<Vec<_>>>()?;
            sum(&numbers, &arguments.first()?.result)
        }
        Method::ListGroupBy => grouped(items, arguments.first()?, known).map(ExpressionKind::Map),
        Method::ListToMap => {
            let entry = |item: &Expression| {
                Some((of_each(item)?, applied(arguments.get(1)?, &[item], known)?))
            };
            let entries = items.iter().map(entry).collect::<Option<_>>()?;
            collection::map(entries).map(ExpressionKind::Map)
        }
        _ => None,
    }
}

fn of_set(
    method: Method,
    members: Vec<Expression>,
    arguments: &[Expression],
    known: &Known<'_>,
) -> Option<ExpressionKind> {
    let of_list = |method| of_list(method, members, arguments, known);
    match method {
        Method::SetAny => of_list(Method::ListAny),
        Method::SetAll => of_list(Method::ListAll),
        Method::SetFilter => match of_list(Method::ListFilter)? {
            ExpressionKind::List(kept) => Some(ExpressionKind::Set(kept)),
            _ => None,
        },
        _ => None,
    }
}

fn of_map(
    method: Method,
    entries: Entries,
    arguments: &[Expression],
    known: &Known<'_>,
) -> Option<ExpressionKind> {
    let function = arguments.first()?;
    let mut found = Entries::new();
    for (key, value) in entries {
        match method {
            Method::MapMapValues => {
                let new = applied(function, &[&value], known)?;
                found.push((key, new));
            }
            Method::MapFilter => {
                if truth(&applied(function, &[&key, &value], known)?.kind)? {
                    found.push((key, value));
                }
            }
            _ => return None,
        }
    }
    Some(ExpressionKind::Map(found))
}

/// Under each key the items that have it.
fn grouped(items: Vec<Expression>, key: &Expression, known: &Known<'_>) -> Option<Entries> {
    let of = items.first().map(|item| Type::List(Box::new(item.result.clone())));
    let mut groups = Entries::new();
    for item in items {
        let key = applied(key, &[&item], known)?;
        collection::entry(&mut groups, key, of.clone()?)?.push(item);
    }
    Some(groups)
}

fn of_present(
    method: Method,
    value: Expression,
    arguments: &[Expression],
    known: &Known<'_>,
) -> Option<ExpressionKind> {
    let given = applied(arguments.first()?, &[&value], known)?;
    match method {
        Method::IsSomeAnd | Method::AndThen => Some(given.kind),
        Method::OptionalMap => Some(ExpressionKind::Some(Box::new(given))),
        _ => None,
    }
}

fn of_absent(method: Method) -> Option<ExpressionKind> {
    match method {
        Method::IsSomeAnd => Some(ExpressionKind::Boolean(false)),
        Method::AndThen | Method::OptionalMap => Some(ExpressionKind::None),
        _ => None,
    }
}

/// What a function gives for these.
fn applied(function: &Expression, given: &[&Expression], known: &Known<'_>) -> Option<Expression> {
    let ExpressionKind::Closure(parameters, body) = &function.kind else { return None };
    let locals = parameters
        .iter()
        .zip(given)
        .filter_map(|(parameter, given)| Some((parameter.local.clone()?, (*given).clone())));
    evaluate(body, &known.with(locals))
}

/// The first item for which the condition holds; those behind it are not asked.
fn first_that(
    items: &[Expression],
    holds: impl Fn(&Expression) -> Option<bool>,
) -> Option<Option<usize>> {
    for (index, item) in items.iter().enumerate() {
        if holds(item)? {
            return Some(Some(index));
        }
    }
    Some(None)
}

fn kept(
    items: Vec<Expression>,
    holds: impl Fn(&Expression) -> Option<bool>,
) -> Option<Vec<Expression>> {
    let mut kept = Vec::new();
    for item in items {
        if holds(&item)? {
            kept.push(item);
        }
    }
    Some(kept)
}

fn upserted(
    mut items: Vec<Expression>,
    arguments: &[Expression],
    known: &Known<'_>,
) -> Option<Vec<Expression>> {
    let [key, new, merged] = arguments else { return None };
    let new = evaluate(new, known)?;
    let key = |item: &Expression| json(&applied(key, &[item], known)?);
    let wanted = key(&new)?;
    match first_that(&items, |item| Some(key(item)? == wanted))? {
        Some(at) => items[at] = applied(merged, &[&items[at]], known)?,
        None => items.push(new),
    }
    Some(items)
}

/// The numbers added one after the other, from zero.
pub(super) fn sum(numbers: &[Expression], of: &Type) -> Option<ExpressionKind> {
    let zero = match of {
        Type::Integer => ExpressionKind::Integer(0),
        Type::Decimal(_) => ExpressionKind::Decimal("0".to_owned()),
        _ => return None,
    };
    numbers.iter().try_fold(zero, |sum, number| arithmetic(Arithmetic::Add, &sum, &number.kind))
}
