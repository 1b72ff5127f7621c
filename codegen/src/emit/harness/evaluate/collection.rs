//! Sets and maps, and their methods.

use std::cmp::Ordering;

use crate::model::{Expression, ExpressionKind, Method, Type};

/// The entries of a map, by their keys.
pub(super) type Entries = Vec<(Expression, Expression)>;

/// How two keys stand to each other; none for what is not sure here: only the generated code knows the
/// order of an enum's variants.
fn order(a: &Expression, b: &Expression) -> Option<Ordering> {
    use ExpressionKind::{Date, Integer, String, Uuid, Variant};
    match (&a.kind, &b.kind) {
        (Integer(a), Integer(b)) => Some(a.cmp(b)),
        (String(a), String(b)) | (Uuid(a), Uuid(b)) | (Date(a), Date(b)) => Some(a.cmp(b)),
        (ExpressionKind::Wrap(a), ExpressionKind::Wrap(b)) => order(a, b),
        (Variant(a), Variant(b)) => (a == b).then_some(Ordering::Equal),
        _ => None,
    }
}

/// Where a key is, or where it belongs.
fn position<'k>(
    keys: impl Iterator<Item = &'k Expression>,
    key: &Expression,
) -> Option<Result<usize, usize>> {
    let mut count = 0;
    for known in keys {
        match order(key, known)? {
            Ordering::Less => return Some(Err(count)),
            Ordering::Equal => return Some(Ok(count)),
            Ordering::Greater => count += 1,
        }
    }
    Some(Err(count))
}

/// The members in their order, each once.
pub(super) fn set(members: Vec<Expression>) -> Option<Vec<Expression>> {
    let mut sorted = Vec::new();
    for member in members {
        if let Err(at) = position(sorted.iter(), &member)? {
            sorted.insert(at, member);
        }
    }
    Some(sorted)
}

/// The entries in the order of their keys, each once.
pub(super) fn map(entries: Entries) -> Option<Entries> {
    let mut sorted = Vec::new();
    for (key, value) in entries {
        put(&mut sorted, key, value)?;
    }
    Some(sorted)
}

fn put(entries: &mut Entries, key: Expression, value: Expression) -> Option<()> {
    match position(entries.iter().map(|(key, _)| key), &key)? {
        Ok(at) => entries[at].1 = value,
        Err(at) => entries.insert(at, (key, value)),
    }
    Some(())
}

/// The list under a key, a new one where there is none.
pub(super) fn entry(
    entries: &mut Entries,
    key: Expression,
    of: Type,
) -> Option<&mut Vec<Expression>> {
    let at = match position(entries.iter().map(|(key, _)| key), &key)? {
        Ok(at) => at,
        Err(at) => {
            let empty = Expression { kind: ExpressionKind::List(Vec::new()), result: of };
            entries.insert(at, (key, empty));
            at
        }
    };
    match &mut entries[at].1.kind {
        ExpressionKind::List(items) => Some(items),
        _ => None,
    }
}

/// What a method of a set gives.
pub(super) fn of_set(
    method: Method,
    mut members: Vec<Expression>,
    arguments: Vec<Expression>,
) -> Option<ExpressionKind> {
    let other = |arguments: Vec<Expression>| match arguments.into_iter().next()?.kind {
        ExpressionKind::Set(other) => Some(other),
        _ => None,
    };
    Some(match method {
        Method::SetLen => ExpressionKind::Integer(i64::try_from(members.len()).ok()?),
        Method::SetIsEmpty => ExpressionKind::Boolean(members.is_empty()),
        Method::SetContains => {
            let found = position(members.iter(), arguments.first()?)?;
            ExpressionKind::Boolean(found.is_ok())
        }
        Method::SetInsert => {
            members.extend(arguments);
            ExpressionKind::Set(set(members)?)
        }
        Method::SetRemove => {
            if let Ok(at) = position(members.iter(), arguments.first()?)? {
                members.remove(at);
            }
            ExpressionKind::Set(members)
        }
        Method::SetUnion => {
            members.extend(other(arguments)?);
            ExpressionKind::Set(set(members)?)
        }
        Method::SetIntersection | Method::SetDifference => {
            let (other, mut kept) = (other(arguments)?, Vec::new());
            for member in members {
                let shared = position(other.iter(), &member)?.is_ok();
                if shared == (method == Method::SetIntersection) {
                    kept.push(member);
                }
            }
            ExpressionKind::Set(kept)
        }
        _ => return None,
    })
}

/// What a method of a map gives.
pub(super) fn of_map(
    method: Method,
    mut entries: Entries,
    arguments: Vec<Expression>,
) -> Option<ExpressionKind> {
    let at = |entries: &Entries| position(entries.iter().map(|(key, _)| key), arguments.first()?);
    Some(match method {
        Method::MapLen => ExpressionKind::Integer(i64::try_from(entries.len()).ok()?),
        Method::MapIsEmpty => ExpressionKind::Boolean(entries.is_empty()),
        Method::MapContainsKey => ExpressionKind::Boolean(at(&entries)?.is_ok()),
        Method::MapGet => match at(&entries)? {
            Ok(at) => super::method::present(Some(entries.swap_remove(at).1))?,
            Err(_) => ExpressionKind::None,
        },
        Method::MapInsert => {
            let [key, value] = arguments.as_slice() else { return None };
            let (key, value) = (key.clone(), value.clone());
            put(&mut entries, key, value)?;
            ExpressionKind::Map(entries)
        }
        Method::MapRemove => {
            if let Ok(at) = at(&entries)? {
                entries.remove(at);
            }
            ExpressionKind::Map(entries)
        }
        Method::MapKeys => ExpressionKind::List(entries.into_iter().map(|(key, _)| key).collect()),
        Method::MapValues => {
            ExpressionKind::List(entries.into_iter().map(|(_, value)| value).collect())
        }
        _ => return None,
    })
}
