//! Operators between two values, and what the left side tells the right about optionals.

use super::checker::{Checker, HANDLE_NONE, same, value};
use super::names::beneath_optional;
use super::newtype::plain;
use super::tree::{Node, NodeKind, Operator};
use crate::catalogue::expressions::{NO_OPERATOR, NONE_NOT_HANDLED, TYPE_MISMATCH};
use crate::diagnostic::Diagnostic;
use crate::model::{Arithmetic, Comparison, Expression, ExpressionKind, Logic, Type};
use crate::source::Span;

impl Checker<'_> {
    pub(super) fn binary(
        &mut self,
        operator: Operator,
        place: Span,
        left: &Node,
        right: &Node,
        expected: Option<&Type>,
    ) -> Option<Expression> {
        match operator {
            Operator::Logic(logic) => self.logic(logic, left, right),
            Operator::Compare(comparison) => self.compare(comparison, place, left, right),
            Operator::Arithmetic(arithmetic) => {
                self.arithmetic(arithmetic, place, left, right, expected)
            }
        }
    }

    /// Both sides, each with the other's help where it has no type by itself.
    fn sides(
        &mut self,
        left: &Node,
        right: &Node,
        expected: Option<&Type>,
    ) -> Option<(Expression, Expression)> {
        if self.takes_hint(left) && !self.takes_hint(right) {
            let right = self.infer(right, expected);
            let hint = right.as_ref().map(|right| right.result.clone());
            let left = match (&right, hint) {
                (Some(_), Some(hint)) => self.infer(left, Some(&hint)),
                _ => return None,
            };
            return Some((left?, right?));
        }
        let found = self.infer(left, expected);
        let Some(found) = found else {
            // The right side alone may still show a mistake of its own.
            if !self.needs_context(right) {
                self.infer(right, expected);
            }
            return None;
        };
        let hint = found.result.clone();
        let hint = if self.takes_hint(right) { Some(hint) } else { expected.cloned() };
        let right = self.infer(right, hint.as_ref())?;
        Some((found, right))
    }

    /// Whether the node's type may depend on its neighbour: a list that is written out may be a set.
    fn takes_hint(&self, node: &Node) -> bool {
        self.needs_context(node) || matches!(node.kind, NodeKind::List(_))
    }

    fn compare(
        &mut self,
        comparison: Comparison,
        place: Span,
        left: &Node,
        right: &Node,
    ) -> Option<Expression> {
        let (left_span, right_span) = (left.span, right.span);
        let (left, right) = self.sides(left, right, None)?;
        let ordered = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        let (left, right) = match ordered {
            true => (plain(left), plain(right)),
            false => (left, right),
        };
        if ordered {
            for (side, span) in [(&left, left_span), (&right, right_span)] {
                self.check_ordered(&side.result, sign(comparison), span)?;
            }
        }
        let help = self
            .without_quotes(&left, &right.result)
            .or_else(|| self.without_quotes(&right, &left.result));
        match self.meet(left, right) {
            Ok((left, right)) => Some(value(
                ExpressionKind::Compare(comparison, Box::new(left), Box::new(right)),
                Type::Boolean,
            )),
            Err((left, right)) => {
                let (left, right) = (self.show(&left), self.show(&right));
                let title = format!("`{left}` and `{right}` cannot be compared");
                let found = Diagnostic::error(&TYPE_MISMATCH, title, place, "of two types");
                let found = found
                    .place(left_span, format!("`{left}`"))
                    .place(right_span, format!("`{right}`"));
                self.refuse(help.into_iter().fold(found, Diagnostic::help))
            }
        }
    }

    /// Whether values of the type are less or greater than each other, as `what` needs them to be.
    pub(super) fn check_ordered(&mut self, of: &Type, what: &str, span: Span) -> Option<()> {
        let shown = self.show(of);
        let label = format!("this is `{shown}`");
        match of {
            of if is_ordered(of) => Some(()),
            Type::Optional(_) => {
                let title = format!("`{what}` needs a value, but this may be none");
                let found = Diagnostic::error(&NONE_NOT_HANDLED, title, span, label);
                self.refuse(found.help(HANDLE_NONE))
            }
            _ => {
                let title = format!("values of `{shown}` are not less or greater than each other");
                let found = Diagnostic::error(&NO_OPERATOR, title, span, label);
                self.refuse(found.help("compare with `==` or `!=`"))
            }
        }
    }

    fn arithmetic(
        &mut self,
        arithmetic: Arithmetic,
        place: Span,
        left: &Node,
        right: &Node,
        expected: Option<&Type>,
    ) -> Option<Expression> {
        let (left_span, right_span) = (left.span, right.span);
        // A list or optional around the sum says nothing about its parts, nor do the digits of its place:
        // they bind what is stored.
        let decimal = expected.map(beneath_optional).is_some_and(|expected| {
            matches!(expected, Type::Decimal(_))
                && !matches!(arithmetic, Arithmetic::Divide | Arithmetic::Remainder)
        });
        let expected = decimal.then_some(&Type::Decimal(None));
        let (left, right) = self.sides(left, right, expected)?;
        let (left, right) = (plain(left), plain(right));
        for (side, span) in [(&left, left_span), (&right, right_span)] {
            if let Type::Optional(_) = side.result {
                let shown = self.show(&side.result);
                let title = format!("`{}` needs a value, but this may be none", symbol(arithmetic));
                let found =
                    Diagnostic::error(&NONE_NOT_HANDLED, title, span, format!("this is `{shown}`"));
                return self.refuse(found.help(HANDLE_NONE));
            }
        }
        let (left_type, right_type) = (left.result.clone(), right.result.clone());
        let Some(result) = result_of(arithmetic, &left_type, &right_type) else {
            return self.no_arithmetic(
                arithmetic,
                place,
                (&left_type, left_span),
                (&right_type, right_span),
            );
        };
        let met = match (&left_type, &right_type) {
            (Type::Integer, Type::Decimal(_)) | (Type::Decimal(_), Type::Integer) => {
                self.meet(left, right).ok()?
            }
            _ => (left, right),
        };
        let kind = ExpressionKind::Arithmetic(arithmetic, Box::new(met.0), Box::new(met.1));
        Some(value(kind, result))
    }

    fn no_arithmetic<T>(
        &mut self,
        arithmetic: Arithmetic,
        place: Span,
        left: (&Type, Span),
        right: (&Type, Span),
    ) -> Option<T> {
        let (left_shown, right_shown) = (self.show(left.0), self.show(right.0));
        let symbol = symbol(arithmetic);
        let title = format!("`{left_shown}` {symbol} `{right_shown}` has no meaning");
        let found = Diagnostic::error(&NO_OPERATOR, title, place, "not for these types")
            .place(left.1, format!("`{left_shown}`"))
            .place(right.1, format!("`{right_shown}`"));
        let numbers =
            [left.0, right.0].iter().all(|side| matches!(side, Type::Integer | Type::Decimal(_)));
        self.refuse(match (arithmetic, left.0) {
            (Arithmetic::Divide, _) if numbers => found.help(
                "say how to round: `a.div(b, 2, half_even)` has 2 digits after the point; `/` divides integers",
            ),
            (Arithmetic::Remainder, _) if numbers => found.help("`%` is for integers"),
            (Arithmetic::Add, Type::String) => {
                found.help("join texts with `a.concat(b)` or `format(\"{a} {b}\")`")
            }
            (Arithmetic::Add, Type::Timestamp | Type::Date) => {
                found.help("a span of time can be added to a time: `openedAt + 24h`")
            }
            (Arithmetic::Add, Type::List(_)) => {
                found.help("add an element with `.push(x)`, a list with `.extend(xs)`")
            }
            (Arithmetic::Add, Type::Set(_)) => {
                found.help("add a member with `.insert(x)`, a set with `.union(xs)`")
            }
            (Arithmetic::Subtract, Type::Set(_)) => {
                found.help("take a member out with `.remove(x)`, a set with `.difference(xs)`")
            }
            (Arithmetic::Add, Type::Map(..)) => {
                found.help("put a value in with `.insert(key, value)`")
            }
            _ => found,
        })
    }

    pub(super) fn no_operator<T>(&mut self, operator: &str, shown: &str, span: Span) -> Option<T> {
        let title = format!("`{operator}` has no meaning for {shown}");
        let found = Diagnostic::error(&NO_OPERATOR, title, span, format!("this is {shown}"));
        self.refuse(found.help(format!("`{operator}` is for numbers")))
    }

    /// `a && b`, `a || b`: what the left side has told about optionals, the right side knows.
    fn logic(&mut self, logic: Logic, left: &Node, right: &Node) -> Option<Expression> {
        let checked = self.check(left, &Type::Boolean);
        let Some(left) = checked else {
            self.check(right, &Type::Boolean);
            return None;
        };
        let present = present_when(&left, logic == Logic::And);
        let (right, used) = self.knowing(&present, |checker| checker.check(right, &Type::Boolean));
        let otherwise = value(ExpressionKind::Boolean(logic == Logic::Or), Type::Boolean);
        let right = used.into_iter().rev().fold(right?, |body, (local, optional)| {
            super::control::match_present(&local, optional, body, otherwise.clone())
        });
        Some(value(ExpressionKind::Logic(logic, Box::new(left), Box::new(right)), Type::Boolean))
    }
}

/// Whether values of the type are less or greater than each other.
pub(crate) fn is_ordered(of: &Type) -> bool {
    matches!(
        of,
        Type::String
            | Type::Integer
            | Type::Decimal(_)
            | Type::Timestamp
            | Type::Date
            | Type::Duration
    )
}

/// The optionals that are present where the condition has this value.
pub(crate) fn present_when(condition: &Expression, holds: bool) -> Vec<Expression> {
    use crate::model::Method;
    match &condition.kind {
        ExpressionKind::Call(Method::IsSome | Method::IsSomeAnd, optional, _) if holds => {
            readable(optional)
        }
        ExpressionKind::Call(Method::IsNone, optional, _) if !holds => readable(optional),
        ExpressionKind::Not(inner) => present_when(inner, !holds),
        ExpressionKind::Derived(call) if call.arguments.is_empty() => {
            present_when(&call.stands_for, holds)
        }
        ExpressionKind::Logic(logic, left, right) if (*logic == Logic::And) == holds => {
            let mut both = present_when(left, holds);
            both.extend(present_when(right, holds));
            both
        }
        ExpressionKind::Compare(Comparison::Equal, left, right) => {
            present_when_equal(left, right, holds)
        }
        ExpressionKind::Compare(Comparison::NotEqual, left, right) => {
            present_when_equal(left, right, !holds)
        }
        _ => Vec::new(),
    }
}

/// An optional that equals a value, or does not equal none, is present.
fn present_when_equal(left: &Expression, right: &Expression, equal: bool) -> Vec<Expression> {
    match (&left.kind, &right.kind, equal) {
        (_, ExpressionKind::Some(_), true) | (_, ExpressionKind::None, false) => readable(left),
        (ExpressionKind::Some(_), _, true) | (ExpressionKind::None, _, false) => readable(right),
        _ => Vec::new(),
    }
}

/// Only what is read, not calculated, can be found again.
fn readable(optional: &Expression) -> Vec<Expression> {
    let path = match &optional.kind {
        ExpressionKind::Read(..) | ExpressionKind::Local(_) | ExpressionKind::Derived(_) => true,
        ExpressionKind::Field(base, _) | ExpressionKind::OptionalField(base, _) => {
            !readable(base).is_empty()
        }
        ExpressionKind::Meta(_) => true,
        _ => false,
    };
    if path { vec![optional.clone()] } else { Vec::new() }
}

/// The type of a calculation, or none where it has no meaning.
fn result_of(arithmetic: Arithmetic, left: &Type, right: &Type) -> Option<Type> {
    use Arithmetic::{Add, Divide, Multiply, Remainder, Subtract};
    match (left, arithmetic, right) {
        (Type::Integer, _, Type::Integer) => Some(Type::Integer),
        (
            Type::Integer | Type::Decimal(_),
            Add | Subtract | Multiply,
            Type::Integer | Type::Decimal(_),
        ) => Some(Type::Decimal(None)),
        (Type::Timestamp, Add | Subtract, Type::Duration) => Some(Type::Timestamp),
        (Type::Timestamp, Subtract, Type::Timestamp) => Some(Type::Duration),
        (Type::Duration, Add | Subtract, Type::Duration) => Some(Type::Duration),
        (_, Divide | Remainder, _) => None,
        (left, _, right) => {
            debug_assert!(!(same(left, right) && matches!(left, Type::Integer)));
            None
        }
    }
}

fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "==",
        Comparison::NotEqual => "!=",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    }
}

fn symbol(arithmetic: Arithmetic) -> &'static str {
    match arithmetic {
        Arithmetic::Add => "+",
        Arithmetic::Subtract => "-",
        Arithmetic::Multiply => "*",
        Arithmetic::Divide => "/",
        Arithmetic::Remainder => "%",
    }
}
