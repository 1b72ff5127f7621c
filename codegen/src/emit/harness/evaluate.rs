//! What constants become in an expression: enough of one to tell what most upcasts give.

use super::json::json;
use crate::model::{Comparison, Expression, ExpressionKind, Scope};

/// What an expression is for an event whose fields are these constants; none where only running it could
/// tell.
pub(super) fn evaluate(
    expression: &Expression,
    event: &[(String, Expression)],
) -> Option<Expression> {
    let evaluated = |inner: &Expression| evaluate(inner, event);
    let with = |kind| Some(Expression { kind, result: expression.result.clone() });
    match &expression.kind {
        ExpressionKind::String(_)
        | ExpressionKind::Integer(_)
        | ExpressionKind::Decimal(_)
        | ExpressionKind::Boolean(_)
        | ExpressionKind::Duration(_)
        | ExpressionKind::Timestamp(_)
        | ExpressionKind::Date(_)
        | ExpressionKind::Uuid(_)
        | ExpressionKind::Bytes(_)
        | ExpressionKind::None
        | ExpressionKind::Variant(_) => Some(expression.clone()),
        ExpressionKind::Read(Scope::Event, name) => {
            let field = event.iter().find(|(field, _)| field == name);
            field.map(|(_, value)| value.clone())
        }
        ExpressionKind::Some(inner) => with(ExpressionKind::Some(Box::new(evaluated(inner)?))),
        ExpressionKind::Widen(inner) => match evaluated(inner)?.kind {
            ExpressionKind::Integer(value) => with(ExpressionKind::Decimal(value.to_string())),
            _ => None,
        },
        ExpressionKind::Field(base, name) => match evaluated(base)?.kind {
            ExpressionKind::Record(fields, None) => {
                fields.into_iter().find(|(field, _)| field == name).map(|(_, value)| value)
            }
            _ => None,
        },
        ExpressionKind::Record(fields, None) => {
            let fields = fields.iter().map(|(name, value)| Some((name.clone(), evaluated(value)?)));
            with(ExpressionKind::Record(fields.collect::<Option<_>>()?, None))
        }
        ExpressionKind::List(items) => {
            with(ExpressionKind::List(items.iter().map(evaluated).collect::<Option<_>>()?))
        }
        ExpressionKind::Not(inner) => with(ExpressionKind::Boolean(!truth(&evaluated(inner)?)?)),
        ExpressionKind::Compare(Comparison::Equal, left, right) => {
            with(ExpressionKind::Boolean(json(&evaluated(left)?)? == json(&evaluated(right)?)?))
        }
        ExpressionKind::Compare(Comparison::NotEqual, left, right) => {
            with(ExpressionKind::Boolean(json(&evaluated(left)?)? != json(&evaluated(right)?)?))
        }
        ExpressionKind::If(condition, yes, no) => {
            if truth(&evaluated(condition)?)? {
                evaluated(yes)
            } else {
                evaluated(no)
            }
        }
        _ => None,
    }
}

fn truth(value: &Expression) -> Option<bool> {
    match value.kind {
        ExpressionKind::Boolean(value) => Some(value),
        _ => None,
    }
}
