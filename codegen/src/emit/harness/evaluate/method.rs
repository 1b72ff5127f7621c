//! Methods of optionals and lists.

use super::collection::{of_map, of_set};
use crate::model::{Expression, ExpressionKind, Method};

/// What a method gives; none for those that are not here.
pub(super) fn call(
    method: Method,
    receiver: ExpressionKind,
    arguments: Vec<Expression>,
) -> Option<ExpressionKind> {
    match receiver {
        ExpressionKind::List(items) => of_list(method, items, arguments),
        ExpressionKind::Set(members) => of_set(method, members, arguments),
        ExpressionKind::Map(entries) => of_map(method, entries, arguments),
        ExpressionKind::Some(_) | ExpressionKind::None => of_optional(method, &receiver, arguments),
        _ => None,
    }
}

fn of_optional(
    method: Method,
    receiver: &ExpressionKind,
    arguments: Vec<Expression>,
) -> Option<ExpressionKind> {
    let value = match receiver {
        ExpressionKind::Some(value) => Some(&value.kind),
        _ => None,
    };
    let otherwise = arguments.into_iter().next().map(|it| it.kind);
    match method {
        Method::IsSome => Some(ExpressionKind::Boolean(value.is_some())),
        Method::IsNone => Some(ExpressionKind::Boolean(value.is_none())),
        Method::UnwrapOr => value.cloned().or(otherwise),
        _ => None,
    }
}

fn of_list(
    method: Method,
    mut items: Vec<Expression>,
    arguments: Vec<Expression>,
) -> Option<ExpressionKind> {
    match method {
        Method::ListLen => i64::try_from(items.len()).ok().map(ExpressionKind::Integer),
        Method::ListIsEmpty => Some(ExpressionKind::Boolean(items.is_empty())),
        Method::ListSum => sum(&items),
        Method::ListFirst => present(items.into_iter().next()),
        Method::ListLast => present(items.pop()),
        Method::ListPush => {
            items.extend(arguments);
            Some(ExpressionKind::List(items))
        }
        Method::ListExtend => {
            let ExpressionKind::List(more) = arguments.into_iter().next()?.kind else {
                return None;
            };
            items.extend(more);
            Some(ExpressionKind::List(items))
        }
        _ => None,
    }
}

/// The items added; none for an empty list, whose zero depends on its type.
fn sum(items: &[Expression]) -> Option<ExpressionKind> {
    super::function::sum(items, &items.first()?.result)
}

/// An item as an optional; none for an item that is one itself.
pub(super) fn present(item: Option<Expression>) -> Option<ExpressionKind> {
    let Some(item) = item else { return Some(ExpressionKind::None) };
    let nested = matches!(item.kind, ExpressionKind::Some(_) | ExpressionKind::None);
    (!nested).then(|| ExpressionKind::Some(Box::new(item)))
}
