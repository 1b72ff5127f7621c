//! The order in which sets have their members and maps their keys, for values that are written out.

use std::cmp::Ordering;

use super::types::Types;
use crate::model::{Expression, ExpressionKind, Type};

/// How two constants of one key type stand to each other: as their values do in generated code.
pub(crate) fn of_keys(types: &Types, a: &Expression, b: &Expression) -> Ordering {
    match (&a.kind, &b.kind) {
        (ExpressionKind::Integer(a), ExpressionKind::Integer(b)) => a.cmp(b),
        (ExpressionKind::Variant(a_name), ExpressionKind::Variant(b_name)) => {
            let position = |of: &Type, name: &String| match of {
                Type::Enum(rust) => types.variants(rust).iter().position(|it| it == name),
                _ => None,
            };
            position(&a.result, a_name).cmp(&position(&b.result, b_name))
        }
        (ExpressionKind::String(a), ExpressionKind::String(b))
        | (ExpressionKind::Uuid(a), ExpressionKind::Uuid(b))
        // Years are written with four digits, so their texts are ordered as they are.
        | (ExpressionKind::Date(a), ExpressionKind::Date(b)) => a.cmp(b),
        (ExpressionKind::Wrap(a), ExpressionKind::Wrap(b)) => of_keys(types, a, b),
        _ => Ordering::Equal,
    }
}

/// Whether a value is written out as it is, so that it can be compared here.
pub(crate) fn is_written_out(key: &Expression) -> bool {
    match &key.kind {
        ExpressionKind::Wrap(inner) => is_written_out(inner),
        kind => matches!(
            kind,
            ExpressionKind::Integer(_)
                | ExpressionKind::Variant(_)
                | ExpressionKind::String(_)
                | ExpressionKind::Uuid(_)
                | ExpressionKind::Date(_)
        ),
    }
}
