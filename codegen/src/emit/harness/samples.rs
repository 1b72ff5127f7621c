//! Sample values of every type, as the golden bytes hold them.

use super::super::types::Types;
use super::evaluate::Constant;
use crate::model::{Expression, ExpressionKind, Field, Type, TypeDefinition};

/// How much a sample value holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sample {
    /// Something in every field, with what careless code breaks on.
    Full,
    /// The same, but numbers with which an upcast can calculate.
    Moderate,
    /// Zero, empty, absent.
    Least,
}

/// A value of each field.
pub(super) fn fields(types: &Types<'_>, fields: &[Field], sample: Sample) -> Vec<Constant> {
    fields.iter().map(|it| (it.name.clone(), value(types, &it.field_type, sample, 0))).collect()
}

/// Deeper than this, records within themselves come to an end.
const DEEPEST: u32 = 3;

fn value(types: &Types<'_>, of: &Type, sample: Sample, depth: u32) -> Expression {
    let full = sample != Sample::Least && depth < DEEPEST;
    let moderate = sample == Sample::Moderate;
    let kind = match of {
        Type::String if full => ExpressionKind::String("Zoë \"Z\" O'Neil\\\n日本".to_owned()),
        Type::String => ExpressionKind::String(String::new()),
        Type::Integer if full && moderate => ExpressionKind::Integer(-907),
        // Beyond what a JavaScript number keeps.
        Type::Integer if full => ExpressionKind::Integer(-9_007_199_254_740_993),
        Type::Integer => ExpressionKind::Integer(0),
        Type::Decimal(None) if full && moderate => ExpressionKind::Decimal("-1234.05".to_owned()),
        Type::Decimal(None) if full => {
            ExpressionKind::Decimal("-1234567890123456789.012345678".to_owned())
        }
        Type::Decimal(Some((digits, scale))) if full => {
            ExpressionKind::Decimal(largest_decimal(*digits, *scale))
        }
        Type::Decimal(_) => ExpressionKind::Decimal("0".to_owned()),
        Type::Boolean => ExpressionKind::Boolean(full),
        // 2026-01-02T03:04:05.678901Z
        Type::Timestamp if full => ExpressionKind::Timestamp(1_767_323_045_678_901),
        Type::Timestamp => ExpressionKind::Timestamp(0),
        Type::Date if full => ExpressionKind::Date("2024-02-29".to_owned()),
        Type::Date => ExpressionKind::Date("1970-01-01".to_owned()),
        Type::Duration if full => ExpressionKind::Duration(93_784_000_005),
        Type::Duration => ExpressionKind::Duration(0),
        Type::Uuid if full => {
            ExpressionKind::Uuid("01890a5d-ac96-774b-bcce-b302099a8057".to_owned())
        }
        Type::Uuid => ExpressionKind::Uuid("00000000-0000-0000-0000-000000000000".to_owned()),
        Type::Bytes if full => ExpressionKind::Bytes(vec![0, 1, 254, 255]),
        Type::Bytes => ExpressionKind::Bytes(Vec::new()),
        Type::Optional(inner) if full => {
            ExpressionKind::Some(Box::new(value(types, inner, sample, depth + 1)))
        }
        Type::Optional(_) => ExpressionKind::None,
        Type::List(item) if full => ExpressionKind::List(vec![
            value(types, item, sample, depth + 1),
            value(types, item, Sample::Least, depth + 1),
        ]),
        Type::List(_) => ExpressionKind::List(Vec::new()),
        // Of several members with careless text, the order would depend on it.
        Type::Set(member) if full => {
            ExpressionKind::Set(vec![value(types, member, sample, depth + 1)])
        }
        Type::Set(_) => ExpressionKind::Set(Vec::new()),
        Type::Map(key, of) if full => ExpressionKind::Map(vec![(
            value(types, key, sample, depth + 1),
            value(types, of, sample, depth + 1),
        )]),
        Type::Map(..) => ExpressionKind::Map(Vec::new()),
        Type::Enum(name) | Type::Record(name) => named(types, name, sample, depth),
        Type::Newtype(name, base) => {
            let mut kept = match types.get(name) {
                Some(TypeDefinition::Newtype(found)) => found.sample_values(),
                _ => Vec::new(),
            };
            let kept = if full { kept.pop() } else { kept.into_iter().next() };
            return kept.unwrap_or_else(|| Expression {
                kind: ExpressionKind::Wrap(Box::new(value(types, base, sample, depth))),
                result: of.clone(),
            });
        }
    };
    Expression { kind, result: of.clone() }
}

fn named(types: &Types<'_>, name: &str, sample: Sample, depth: u32) -> ExpressionKind {
    match types.get(name) {
        Some(TypeDefinition::Enum(definition)) => {
            let variant = match sample {
                Sample::Full | Sample::Moderate => definition.variants.last(),
                Sample::Least => definition.variants.first(),
            };
            ExpressionKind::Variant(variant.cloned().unwrap_or_default())
        }
        Some(TypeDefinition::Record(definition)) => {
            let fields = definition.fields.iter();
            let fields =
                fields.map(|it| (it.name.clone(), value(types, &it.field_type, sample, depth + 1)));
            ExpressionKind::Record(fields.collect(), None)
        }
        Some(TypeDefinition::Newtype(_)) | None => {
            unreachable!("the model names a type `{name}` that it does not have")
        }
    }
}

/// As many nines as fit, for example `999.99`.
fn largest_decimal(digits: u32, scale: u32) -> String {
    let nines = |count: u32| "9".repeat(count as usize);
    let whole = match digits.saturating_sub(scale) {
        0 => "0".to_owned(),
        count => nines(count),
    };
    if scale == 0 { whole } else { format!("{whole}.{}", nines(scale)) }
}
