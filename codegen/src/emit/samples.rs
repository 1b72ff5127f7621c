//! A value of every type, for examples that no scenario gives one.

use super::types::Types;
use crate::model::{Expression, ExpressionKind, Type, TypeDefinition};

/// Midnight of 2026-01-01.
const NEW_YEAR: i64 = 1_767_225_600_000_000;

/// A value of the type.
pub(crate) fn sample(types: &Types<'_>, of: &Type) -> Expression {
    let kind = match of {
        Type::String => ExpressionKind::String("text".to_owned()),
        Type::Integer => ExpressionKind::Integer(1),
        Type::Decimal(limits) => match limits {
            Some((precision, scale)) if precision == scale => {
                ExpressionKind::Decimal("0".to_owned())
            }
            _ => ExpressionKind::Decimal("1".to_owned()),
        },
        Type::Boolean => ExpressionKind::Boolean(true),
        Type::Timestamp => ExpressionKind::Timestamp(NEW_YEAR),
        Type::Date => ExpressionKind::Date("2026-01-01".to_owned()),
        Type::Duration => ExpressionKind::Duration(60_000_000),
        Type::Uuid => ExpressionKind::Uuid("00000000-0000-4000-8000-000000000001".to_owned()),
        Type::Bytes => ExpressionKind::Bytes(vec![1]),
        Type::List(_) => ExpressionKind::List(Vec::new()),
        Type::Set(_) => ExpressionKind::Set(Vec::new()),
        Type::Map(..) => ExpressionKind::Map(Vec::new()),
        Type::Optional(_) => ExpressionKind::None,
        Type::Enum(name) | Type::Record(name) => named(types, name),
        Type::Newtype(name, base) => {
            let kept = match types.get(name) {
                Some(TypeDefinition::Newtype(found)) => found.sample_values().pop(),
                _ => None,
            };
            return kept.unwrap_or_else(|| Expression {
                kind: ExpressionKind::Wrap(Box::new(sample(types, base))),
                result: of.clone(),
            });
        }
    };
    Expression { kind, result: of.clone() }
}

fn named(types: &Types<'_>, name: &str) -> ExpressionKind {
    match types.get(name) {
        Some(TypeDefinition::Enum(definition)) => {
            ExpressionKind::Variant(definition.variants.first().cloned().unwrap_or_default())
        }
        Some(TypeDefinition::Record(definition)) => {
            let fields = definition.fields.iter();
            let fields = fields.map(|it| (it.name.clone(), sample(types, &it.field_type)));
            ExpressionKind::Record(fields.collect(), None)
        }
        Some(TypeDefinition::Newtype(_)) | None => {
            unreachable!("the model names a type `{name}` that it does not have")
        }
    }
}
