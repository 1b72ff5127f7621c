//! Values with a type of their own: they become plain values by themselves, and plain values become
//! theirs where what is recorded is checked.

use super::checker::{Checker, Purpose, convert, same, value};
use super::names::beneath_optional;
use crate::catalogue::types::{BREAKS_RULE, UNCHECKED};
use crate::diagnostic::Diagnostic;
use crate::model::{Expression, ExpressionKind, Type};
use crate::source::Span;

/// Whether values of the one type are those of the other, with a name.
pub(crate) fn is_base(from: &Type, to: &Type) -> bool {
    matches!(from, Type::Newtype(_, base) if same(base, to))
}

/// The type of the value itself, beneath an optional too.
pub(crate) fn plain_type(of: &Type) -> Type {
    match of {
        Type::Newtype(_, base) => base.as_ref().clone(),
        Type::Optional(inner) => Type::Optional(Box::new(plain_type(inner))),
        other => other.clone(),
    }
}

/// The value itself, of an optional where there is one.
pub(crate) fn plain(found: Expression) -> Expression {
    if !matches!(beneath_optional(&found.result), Type::Newtype(..)) {
        return found;
    }
    let result = plain_type(&found.result);
    match found.kind {
        ExpressionKind::Wrap(inner) if inner.result == result => *inner,
        _ => value(ExpressionKind::Plain(Box::new(found)), result),
    }
}

/// The value as one with the type of its own that is expected; the value itself where none is, where it
/// is one already, or where it is none of the base.
pub(crate) fn wrap(found: Expression, expected: &Type) -> Result<Expression, Expression> {
    let of = beneath_optional(expected);
    // One name does not become another.
    if !matches!(of, Type::Newtype(..))
        || matches!(beneath_optional(&found.result), Type::Newtype(..))
        || found.kind == ExpressionKind::None
    {
        return Err(found);
    }
    // A plain value in an optional is wrapped first, so that constants stay constants.
    if !matches!(found.result, Type::Optional(_)) {
        let inner = convert(found, &plain_type(of))?;
        let wrapped = value(ExpressionKind::Wrap(Box::new(inner)), of.clone());
        return convert(wrapped, expected);
    }
    let inner = convert(found, &plain_type(expected))?;
    Ok(value(ExpressionKind::Wrap(Box::new(inner)), expected.clone()))
}

impl Checker<'_> {
    /// A value with a type of its own that was a plain one: what is written out keeps the rules, what is
    /// not is checked later.
    pub(super) fn within_rules(
        &mut self,
        wrapped: Expression,
        span: Span,
        purpose: Option<&Purpose>,
    ) -> Option<Expression> {
        let Type::Newtype(rust, _) = beneath_optional(&wrapped.result) else {
            return Some(wrapped);
        };
        let newtype = self.scope.types.newtype_of(rust)?;
        let shown = self.show(beneath_optional(&wrapped.result));
        let inner = match &wrapped.kind {
            ExpressionKind::Some(inner) => &inner.kind,
            kind => kind,
        };
        let ExpressionKind::Wrap(inner) = inner else { return Some(wrapped) };
        if is_written_out(&inner.kind) {
            let inner = self.within_digits(inner.as_ref().clone(), &newtype.base, span)?;
            let Some(rule) = newtype.broken_by(&inner.kind) else { return Some(wrapped) };
            let title = format!("this is no `{shown}`: it must {rule}");
            let refused = Diagnostic::error(&BREAKS_RULE, title, span, "breaks the rule");
            return self.refuse(match purpose {
                Some(purpose) => refused.place(purpose.span, purpose.text.clone()),
                None => refused,
            });
        }
        if self.scope.checks_later || !newtype.is_checked() {
            return Some(wrapped);
        }
        let plain = self.show(&inner.result);
        let title = format!("nothing checks here that this `{plain}` is a `{shown}`");
        let refused = Diagnostic::error(&UNCHECKED, title, span, format!("this is `{plain}`"))
            .help(format!("let the event carry a `{shown}`: the command that emits it checks it"))
            .help(format!("or declare the field as `{plain}`"));
        self.refuse(match purpose {
            Some(purpose) => refused.place(purpose.span, purpose.text.clone()),
            None => refused,
        })
    }
}

/// Whether a value is told without running anything.
fn is_written_out(kind: &ExpressionKind) -> bool {
    matches!(
        kind,
        ExpressionKind::String(_)
            | ExpressionKind::Integer(_)
            | ExpressionKind::Decimal(_)
            | ExpressionKind::Duration(_)
            | ExpressionKind::Date(_)
            | ExpressionKind::Uuid(_)
    )
}
