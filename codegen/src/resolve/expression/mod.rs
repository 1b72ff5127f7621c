//! Expressions: a checked subset of Rust's, from text to typed trees.
//!
//! `guard` looks the text over, `parse` makes the language's own tree of it, `checker` and its
//! neighbours give it types. Nothing is evaluated here; places within the text are `place`'s.

pub(crate) mod asked;
mod call;
mod checker;
mod control;
mod derived;
mod fold;
mod function;
mod guard;
pub(crate) mod literal;
mod meant;
mod names;
pub(crate) mod newtype;
mod operators;
mod parse;
mod place;
pub(crate) mod scope;
mod shapes;
mod template;
#[cfg(test)]
pub(super) mod tests;
mod tokens;
mod tree;
mod values;

use std::ops::Range;

use checker::Checker;
pub(crate) use checker::{Purpose, convert, convertible, same};
pub(crate) use control::{local_fault, unused};
pub(crate) use names::{beneath_optional, listed};
pub(crate) use operators::{is_ordered, present_when};
pub(crate) use parse::is_word;
use place::Places;
use scope::Scope;
pub(crate) use template::has_text;

use crate::diagnostic::Diagnostic;
use crate::model::{Expression, Type};
use crate::source::Span;
use crate::syntax;

impl Scope<'_> {
    /// The expression as a value of this type.
    pub(crate) fn check(
        &self,
        written: &syntax::Expression,
        expected: &Type,
        purpose: Option<&Purpose>,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Expression> {
        let before = findings.len();
        let found = self.parse(written, findings).and_then(|node| {
            let mut checker = Checker::new(self, findings);
            let found = checker.infer(&node, Some(expected))?;
            checker.coerce(found, expected, node.span, purpose)
        });
        if found.is_none() {
            meant::as_text(written, Some(expected), findings, before);
        }
        found
    }

    /// The expression with the type it has by itself.
    pub(crate) fn infer(
        &self,
        written: &syntax::Expression,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Expression> {
        let before = findings.len();
        let node = self.parse(written, findings);
        let found = node.and_then(|node| Checker::new(self, findings).infer(&node, None));
        if found.is_none() {
            meant::as_text(written, None, findings, before);
        }
        found
    }

    /// A condition: true or false.
    pub(crate) fn condition(
        &self,
        written: &syntax::Expression,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Expression> {
        self.check(written, &Type::Boolean, None, findings)
    }

    /// A text with values in braces.
    pub(crate) fn template(
        &self,
        written: &syntax::Expression,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Expression> {
        template::pieces(&mut Checker::new(self, findings), &written.text, Places::of(written))
    }

    fn parse(
        &self,
        written: &syntax::Expression,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<tree::Node> {
        if written.text.is_empty() {
            return None; // `load` has reported it
        }
        parse::parse(&written.text, Places::of(written), findings)
    }
}

/// The longest text of an expression or a sentence, in bytes.
pub(crate) use guard::MAX_BYTES;

/// The place of these bytes of an expression's text.
pub(crate) fn span_within(written: &syntax::Expression, bytes: Range<usize>) -> Span {
    Places::of(written).span(bytes)
}

/// A part of a text as an expression of its own.
pub(crate) fn part(written: &syntax::Expression, bytes: Range<usize>) -> syntax::Expression {
    let offsets = written.offsets.as_ref();
    syntax::Expression {
        text: written.text[bytes.clone()].to_owned(),
        span: span_within(written, bytes.clone()),
        offsets: offsets.and_then(|offsets| Some(offsets.get(bytes.start..=bytes.end)?.to_vec())),
    }
}
