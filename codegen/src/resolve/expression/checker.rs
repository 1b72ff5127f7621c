//! Gives types to an expression: what is written against what is expected.
//!
//! Every conversion the language makes by itself becomes a node of its own, so that emitting needs
//! no thought. A part that is wrong is reported and yields none; its neighbours are still checked.

use rust_decimal::Decimal;

use super::newtype;
use super::scope::{Local, Scope};
use super::tree::{Node, NodeKind};
use crate::catalogue::expressions::{NONE_NOT_HANDLED, TYPE_MISMATCH, TYPE_NOT_KNOWN};
use crate::catalogue::types::DIGITS;
use crate::diagnostic::Diagnostic;
use crate::model::{Expression, ExpressionKind, Type};
use crate::source::Span;
use crate::suggest::nearest;

/// The state of checking one expression.
pub(super) struct Checker<'a> {
    pub(super) scope: &'a Scope<'a>,
    /// The locals in view, the innermost last.
    pub(super) locals: Vec<Local>,
    pub(super) findings: &'a mut Vec<Diagnostic>,
    /// How many functions stand around.
    pub(super) functions: usize,
}

/// What a value is for: shown beside a mismatch.
pub(crate) struct Purpose {
    /// Where the type is stated.
    pub(crate) span: Span,
    /// What is stated there.
    pub(crate) text: String,
}

impl<'a> Checker<'a> {
    pub(super) fn new(scope: &'a Scope<'a>, findings: &'a mut Vec<Diagnostic>) -> Self {
        Self { scope, locals: scope.locals.clone(), findings, functions: 0 }
    }

    /// Looks at something without a word: what it gives, and what would be said.
    pub(super) fn quietly<T>(
        &self,
        look: impl FnOnce(&mut Checker<'_>) -> T,
    ) -> (T, Vec<Diagnostic>) {
        let mut findings = Vec::new();
        let mut probe = Checker {
            scope: self.scope,
            locals: self.locals.clone(),
            findings: &mut findings,
            functions: self.functions,
        };
        (look(&mut probe), findings)
    }

    /// Reports, and yields nothing.
    pub(super) fn refuse<T>(&mut self, found: Diagnostic) -> Option<T> {
        self.findings.push(found);
        None
    }

    /// A type as the ontology writes it.
    pub(super) fn show(&self, shown: &Type) -> String {
        self.scope.types.show(shown)
    }

    /// The expression as a value of this type.
    pub(super) fn check(&mut self, node: &Node, expected: &Type) -> Option<Expression> {
        let found = self.infer(node, Some(expected))?;
        self.coerce(found, expected, node.span, None)
    }

    /// The expression with the type it has by itself; what is expected helps where it has none.
    pub(super) fn infer(&mut self, node: &Node, expected: Option<&Type>) -> Option<Expression> {
        match &node.kind {
            NodeKind::String(text, _) => self.text(text, expected, node.span),
            NodeKind::Integer(digits) => self.integer(*digits, false, expected, node.span),
            NodeKind::Decimal(digits) => Some(decimal(digits.clone())),
            NodeKind::Duration(micros) => {
                Some(value(ExpressionKind::Duration(*micros), Type::Duration))
            }
            NodeKind::Boolean(truth) => Some(value(ExpressionKind::Boolean(*truth), Type::Boolean)),
            NodeKind::Name(name) => self.name(name, node.span, expected),
            NodeKind::Variant(owner, variant) => self.owned_variant(owner, variant),
            NodeKind::Member(base, field) => self.member(base, field),
            NodeKind::Call(function, arguments) => self.function(function, arguments, node.span),
            NodeKind::Method(receiver, method, arguments) => {
                self.method(receiver, method, arguments, expected)
            }
            NodeKind::Not(inner) => {
                let inner = self.check(inner, &Type::Boolean)?;
                Some(value(ExpressionKind::Not(Box::new(inner)), Type::Boolean))
            }
            NodeKind::Negate(inner) => self.negate(inner, expected),
            NodeKind::Binary(operator, place, left, right) => {
                self.binary(*operator, *place, left, right, expected)
            }
            NodeKind::If(condition, then, otherwise) => {
                self.choice(condition, then, otherwise, expected)
            }
            NodeKind::Match(subject, arms) => self.match_arms(subject, arms, node.span, expected),
            NodeKind::Let(name, bound, body) => self.binding(name, bound, body, expected),
            NodeKind::Record(name, fields, base) => {
                self.record(name, fields, base.as_deref(), node.span)
            }
            NodeKind::List(elements) => self.list(elements, node.span, expected),
            NodeKind::Closure(..) => self.function_not_here(node.span),
        }
    }

    /// A value as one of this type, with the conversion spelled out.
    pub(super) fn coerce(
        &mut self,
        found: Expression,
        expected: &Type,
        span: Span,
        purpose: Option<&Purpose>,
    ) -> Option<Expression> {
        let found = self.folded(found, span)?;
        let found = match newtype::wrap(found, expected) {
            Ok(wrapped) => return self.within_rules(wrapped, span, purpose),
            Err(found) => found,
        };
        match convert(found, expected) {
            Ok(converted) => self.within_digits(converted, expected, span),
            Err(found) => {
                let refused = self.mismatch(&found, expected, span);
                self.refuse(match purpose {
                    Some(purpose) => refused.place(purpose.span, purpose.text.clone()),
                    None => refused,
                })
            }
        }
    }

    /// A constant must fit the digits of its place: it would be refused each time.
    pub(super) fn within_digits(
        &mut self,
        found: Expression,
        expected: &Type,
        span: Span,
    ) -> Option<Expression> {
        let constant = match &found.kind {
            ExpressionKind::Some(inner) => &inner.kind,
            kind => kind,
        };
        let (Type::Decimal(Some((digits, scale))), ExpressionKind::Decimal(text)) =
            (super::names::beneath_optional(expected), constant)
        else {
            return Some(found);
        };
        if crate::resolve::types::fits_digits(text, *digits, *scale) {
            return Some(found);
        }
        let title = format!("`{text}` does not fit `{}`", self.show(expected));
        let refused = Diagnostic::error(&DIGITS, title, span, "too many digits");
        self.refuse(refused.help(format!(
            "at most {} digits before the point and {scale} after it",
            digits - scale
        )))
    }

    fn mismatch(&self, found: &Expression, expected: &Type, span: Span) -> Diagnostic {
        let (is, wanted) = (self.show(&found.result), self.show(expected));
        if let Type::Optional(inner) = &found.result
            && convertible(inner, expected)
        {
            let title = format!("this may be none, but `{wanted}` is expected");
            return Diagnostic::error(&NONE_NOT_HANDLED, title, span, format!("this is `{is}`"))
                .help(HANDLE_NONE);
        }
        let title = format!("expected `{wanted}`, found `{is}`");
        let refused = Diagnostic::error(&TYPE_MISMATCH, title, span, format!("this is `{is}`"));
        if let Some(help) = self.without_quotes(found, expected) {
            return refused.help(help);
        }
        match (&found.result, super::names::beneath_optional(expected)) {
            (Type::Decimal(_), Type::Integer) => {
                refused.help("`.to_integer()` cuts the digits after the point off")
            }
            (Type::Timestamp, Type::Date) => refused.help("`.date()` is the day of a time, in UTC"),
            (_, Type::String) => refused.help("`format(\"{…}\")` makes a text of a value"),
            _ => refused,
        }
    }

    /// How a variant, number or boolean is written, where a text stands in place of one.
    pub(super) fn without_quotes(&self, found: &Expression, expected: &Type) -> Option<String> {
        let ExpressionKind::String(text) = &found.kind else { return None };
        let plain = match super::names::beneath_optional(expected) {
            Type::Enum(rust) => return Some(self.variant_without_quotes(text, rust)),
            Type::Integer => text.parse::<i64>().is_ok(),
            Type::Decimal(_) => Decimal::from_str_exact(text).is_ok(),
            Type::Boolean => matches!(text.as_str(), "true" | "false"),
            _ => false,
        };
        plain.then(|| format!("write `{text}` without quotes"))
    }

    fn variant_without_quotes(&self, text: &str, rust: &str) -> String {
        let variants = self.scope.types.variants(rust);
        let variants: Vec<&str> = variants.iter().map(String::as_str).collect();
        let exact = variants.iter().copied().find(|variant| *variant == text);
        match exact.or_else(|| nearest(text, variants.iter().copied())) {
            Some(variant) => format!("write `{variant}` without quotes"),
            None => format!("a variant stands without quotes: {}", super::names::listed(&variants)),
        }
    }

    /// The type of this can't be told from the expression alone.
    pub(super) fn not_known<T>(&mut self, what: &str, span: Span, help: &str) -> Option<T> {
        let title = format!("the type of {what} cannot be told here");
        self.refuse(Diagnostic::error(&TYPE_NOT_KNOWN, title, span, "of which type?").help(help))
    }
}

/// How to get at the value of an optional.
pub(super) const HANDLE_NONE: &str = "give a value for none with `.unwrap_or(…)`, decide with `match x { Some(y) => …, None => … }`, or reject none in an earlier step";

/// A typed node.
pub(super) fn value(kind: ExpressionKind, result: Type) -> Expression {
    Expression { kind, result }
}

/// A decimal from canonical text.
pub(super) fn decimal(digits: String) -> Expression {
    value(ExpressionKind::Decimal(digits), Type::Decimal(None))
}

/// Whether a value of one type becomes one of the other by itself.
pub(crate) fn convertible(from: &Type, to: &Type) -> bool {
    match (from, to) {
        (Type::Newtype(..), Type::Newtype(..)) => from == to,
        (Type::Newtype(_, base), to) => convertible(base, to),
        (Type::Optional(from), Type::Optional(to)) if newtype::is_base(from, to) => true,
        (Type::Decimal(_) | Type::Integer, Type::Decimal(_)) => true,
        (Type::Optional(from), Type::Optional(to))
        | (Type::List(from), Type::List(to))
        | (Type::Set(from), Type::Set(to)) => same(from, to),
        (Type::Map(..), Type::Map(..)) => same(from, to),
        (from, Type::Optional(to)) => convertible(from, to),
        (from, to) => from == to,
    }
}

/// Whether two types are one in expressions: digits bind what is stored, not what is calculated.
pub(crate) fn same(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Decimal(_), Type::Decimal(_)) => true,
        (Type::Optional(a), Type::Optional(b))
        | (Type::List(a), Type::List(b))
        | (Type::Set(a), Type::Set(b)) => same(a, b),
        (Type::Map(a_key, a), Type::Map(b_key, b)) => same(a_key, b_key) && same(a, b),
        (a, b) => a == b,
    }
}

/// The value as one of this type; the value itself where there is no conversion.
pub(crate) fn convert(found: Expression, expected: &Type) -> Result<Expression, Expression> {
    if same(&found.result, expected) {
        return Ok(found);
    }
    match (&found.result, expected) {
        (Type::Integer, Type::Decimal(_)) => Ok(widen(found)),
        (Type::Newtype(_, base), to) if convertible(base, to) => {
            convert(newtype::plain(found), expected)
        }
        (Type::Optional(from), Type::Optional(to)) if newtype::is_base(from, to) => {
            Ok(newtype::plain(found))
        }
        (from, Type::Optional(to)) if convertible(from, to) => {
            let inner = convert(found, to)?;
            Ok(value(ExpressionKind::Some(Box::new(inner)), expected.clone()))
        }
        _ => Err(found),
    }
}

fn widen(found: Expression) -> Expression {
    match found.kind {
        ExpressionKind::Integer(number) => decimal(number.to_string()),
        kind => {
            let inner = Box::new(Expression { kind, result: found.result });
            value(ExpressionKind::Widen(inner), Type::Decimal(None))
        }
    }
}
