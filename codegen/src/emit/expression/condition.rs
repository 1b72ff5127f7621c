//! Comparisons, and what `&&`, `||` and `!` make of them.

use proc_macro2::TokenStream;
use quote::quote;

use super::code::comparable;
use super::{Code, Compiler, Kind, Level, inner_type, method};
use crate::model::{Comparison, Expression, ExpressionKind, Logic, Type};

impl Compiler<'_> {
    pub(super) fn not(&self, inner: &Expression) -> Code {
        match &inner.kind {
            ExpressionKind::Not(inner) => self.compile(inner),
            ExpressionKind::Boolean(value) => self.boolean(!value),
            ExpressionKind::Compare(comparison, left, right) => {
                self.compare(opposite(*comparison), left, right)
            }
            ExpressionKind::Logic(logic, left, right) => {
                let opposite = match logic {
                    Logic::And => Logic::Or,
                    Logic::Or => Logic::And,
                };
                joined(opposite, self.not(left), self.not(right))
            }
            ExpressionKind::Call(method, receiver, arguments) => match method::opposite(*method) {
                Some(opposite) => self.call(opposite, receiver, arguments, &inner.result),
                None => self.plain_not(inner),
            },
            _ => self.plain_not(inner),
        }
    }

    pub(super) fn plain_not(&self, inner: &Expression) -> Code {
        let inner = self.compile(inner).operand(Level::Unary);
        Code::value(quote!(!#inner), true).at(Level::Unary)
    }

    pub(super) fn boolean(&self, value: bool) -> Code {
        Code::value(quote!(#value), true)
    }

    pub(super) fn logic(&self, logic: Logic, left: &Expression, right: &Expression) -> Code {
        joined(logic, self.compile(left), self.compile(right))
    }

    pub(super) fn compare(
        &self,
        comparison: Comparison,
        left: &Expression,
        right: &Expression,
    ) -> Code {
        let special = self
            .compare_with_none(comparison, left, right)
            .or_else(|| self.compare_with_boolean(comparison, left, right))
            .or_else(|| self.compare_with_empty(comparison, left, right));
        if let Some(code) = special {
            return code;
        }
        let (a, b) = (self.compile(left).into_list(), self.compile(right).into_list());
        let is_optional = matches!(left.result, Type::Optional(_));
        let ordered = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        let (a, b) = if a.kind == Kind::Copy && b.kind == Kind::Copy {
            (a.operand(Level::Unary), b.operand(Level::Unary))
        } else if is_optional {
            if a.kind == Kind::Place && b.kind == Kind::Place {
                (a.tokens, b.tokens)
            } else {
                (self.option_ref(left, a), self.option_ref(right, b))
            }
        } else if left.result == Type::String && ordered {
            (a.into_str(), b.into_str())
        } else {
            comparable(a, b)
        };
        let operator = match comparison {
            Comparison::Equal => quote!(==),
            Comparison::NotEqual => quote!(!=),
            Comparison::Less => quote!(<),
            Comparison::LessOrEqual => quote!(<=),
            Comparison::Greater => quote!(>),
            Comparison::GreaterOrEqual => quote!(>=),
        };
        Code::value(quote!(#a #operator #b), true).at(Level::Compare)
    }

    pub(super) fn compare_with_none(
        &self,
        comparison: Comparison,
        left: &Expression,
        right: &Expression,
    ) -> Option<Code> {
        let other = match (&left.kind, &right.kind) {
            (ExpressionKind::None, _) => right,
            (_, ExpressionKind::None) => left,
            _ => return None,
        };
        let other = self.compile(other).operand(Level::Atom);
        match comparison {
            Comparison::Equal => Some(Code::value(quote!(#other.is_none()), true)),
            Comparison::NotEqual => Some(Code::value(quote!(#other.is_some()), true)),
            _ => None,
        }
    }

    /// `x == true` is `x`.
    pub(super) fn compare_with_boolean(
        &self,
        comparison: Comparison,
        left: &Expression,
        right: &Expression,
    ) -> Option<Code> {
        let (other, value) = match (&left.kind, &right.kind) {
            (ExpressionKind::Boolean(value), _) => (right, *value),
            (_, ExpressionKind::Boolean(value)) => (left, *value),
            _ => return None,
        };
        match comparison {
            Comparison::Equal if value => Some(self.compile(other)),
            Comparison::NotEqual if !value => Some(self.compile(other)),
            Comparison::Equal | Comparison::NotEqual => Some(self.not(other)),
            _ => None,
        }
    }

    /// `x == ""` and `x == []` are `x.is_empty()`.
    pub(super) fn compare_with_empty(
        &self,
        comparison: Comparison,
        left: &Expression,
        right: &Expression,
    ) -> Option<Code> {
        let other = match (is_empty(left), is_empty(right)) {
            (true, _) => right,
            (_, true) => left,
            _ => return None,
        };
        let other = self.compile(other).operand(Level::Atom);
        let empty = Code::value(quote!(#other.is_empty()), true);
        match comparison {
            Comparison::Equal => Some(empty),
            Comparison::NotEqual => {
                let empty = empty.tokens;
                Some(Code::value(quote!(!#empty), true).at(Level::Unary))
            }
            _ => None,
        }
    }

    /// An optional as `Option<&T>`, text as `Option<&str>`.
    pub(crate) fn option_ref(&self, expression: &Expression, code: Code) -> TokenStream {
        let text = *inner_type(&expression.result) == Type::String;
        match &expression.kind {
            ExpressionKind::Some(inner) => {
                let inner = self.compile(inner);
                let inner = if text { inner.into_str() } else { inner.borrow() };
                quote!(Some(#inner))
            }
            _ if code.kind == Kind::OptionalText => code.tokens,
            _ if code.kind == Kind::OptionalReference => {
                let base = code.tokens;
                if text { quote!(#base.map(String::as_str)) } else { base }
            }
            _ => {
                let base = code.operand(Level::Atom);
                if text { quote!(#base.as_deref()) } else { quote!(#base.as_ref()) }
            }
        }
    }
}

/// `a && b` or `a || b`
pub(super) fn joined(logic: Logic, left: Code, right: Code) -> Code {
    let (level, operator) = match logic {
        Logic::And => (Level::And, quote!(&&)),
        Logic::Or => (Level::Or, quote!(||)),
    };
    let (left, right) = (left.operand(level), right.operand(level));
    Code::value(quote!(#left #operator #right), true).at(level)
}

pub(super) fn is_empty(expression: &Expression) -> bool {
    match &expression.kind {
        ExpressionKind::String(text) => text.is_empty(),
        ExpressionKind::List(items) | ExpressionKind::Set(items) => items.is_empty(),
        ExpressionKind::Map(entries) => entries.is_empty(),
        _ => false,
    }
}

pub(super) fn opposite(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Equal => Comparison::NotEqual,
        Comparison::NotEqual => Comparison::Equal,
        Comparison::Less => Comparison::GreaterOrEqual,
        Comparison::LessOrEqual => Comparison::Greater,
        Comparison::Greater => Comparison::LessOrEqual,
        Comparison::GreaterOrEqual => Comparison::Less,
    }
}
