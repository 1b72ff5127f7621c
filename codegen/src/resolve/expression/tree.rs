//! An expression as parsed: the language's own tree, with places and without types.
//!
//! [`super::parse`] makes it, [`super::checker`] gives it types. What Rust knows and the language
//! does not has no node here.

use crate::model::{Arithmetic, Comparison, Logic};
use crate::source::Span;
use crate::syntax::Text;

/// A part of an expression.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// What it is.
    pub(super) kind: NodeKind,
    /// Where it stands.
    pub(super) span: Span,
}

impl Node {
    /// The parts that this one directly consists of.
    pub(super) fn parts(&self) -> Vec<&Self> {
        match &self.kind {
            NodeKind::String(..)
            | NodeKind::Integer(_)
            | NodeKind::Decimal(_)
            | NodeKind::Duration(_)
            | NodeKind::Boolean(_)
            | NodeKind::Name(_)
            | NodeKind::Variant(..) => Vec::new(),
            NodeKind::Member(inner, _)
            | NodeKind::Not(inner)
            | NodeKind::Negate(inner)
            | NodeKind::Closure(_, inner) => vec![inner],
            NodeKind::Call(_, parts) | NodeKind::List(parts) => parts.iter().collect(),
            NodeKind::Method(receiver, _, arguments) => {
                std::iter::once(receiver.as_ref()).chain(arguments).collect()
            }
            NodeKind::Binary(_, _, left, right) | NodeKind::Let(_, left, right) => {
                vec![left, right]
            }
            NodeKind::If(condition, then, otherwise) => vec![condition, then, otherwise],
            NodeKind::Match(subject, arms) => {
                std::iter::once(subject.as_ref()).chain(arms.iter().map(|arm| &arm.body)).collect()
            }
            NodeKind::Record(_, fields, base) => {
                fields.iter().map(|(_, value)| value).chain(base.as_deref()).collect()
            }
        }
    }
}

/// The kinds of parts.
#[derive(Clone, Debug)]
pub(super) enum NodeKind {
    /// `"text"`, with the file's byte for each byte of it where they can be told.
    String(String, Option<Vec<usize>>),
    /// An integer without its sign; its range is that of the type it gets.
    Integer(u128),
    /// A decimal in canonical text.
    Decimal(String),
    /// A span of time in microseconds.
    Duration(i64),
    /// `true` or `false`
    Boolean(bool),
    /// `x`
    Name(String),
    /// `Type::Variant`
    Variant(Text, Text),
    /// `x.y`
    Member(Box<Node>, Text),
    /// `now()`
    Call(Text, Vec<Node>),
    /// `x.len()`
    Method(Box<Node>, Text, Vec<Node>),
    /// `!x`
    Not(Box<Node>),
    /// `-x`
    Negate(Box<Node>),
    /// `a + b` and its kin, with the operator's place
    Binary(Operator, Span, Box<Node>, Box<Node>),
    /// `if c { a } else { b }`
    If(Box<Node>, Box<Node>, Box<Node>),
    /// `match x { … }`
    Match(Box<Node>, Vec<ArmNode>),
    /// `let x = a; b`
    Let(Text, Box<Node>, Box<Node>),
    /// `Line { sku: a, ..base }`
    Record(Text, Vec<(Text, Node)>, Option<Box<Node>>),
    /// `[a, b]`
    List(Vec<Node>),
    /// `|x, _| x.price`: the parameters, none for `_`, and the body
    Closure(Vec<Option<Text>>, Box<Node>),
}

/// Binary operators.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operator {
    /// `&&` and `||`
    Logic(Logic),
    /// `==` and its kin
    Compare(Comparison),
    /// `+` and its kin
    Arithmetic(Arithmetic),
}

/// An arm of a `match`.
#[derive(Clone, Debug)]
pub(super) struct ArmNode {
    /// `A | B`
    pub(super) patterns: Vec<PatternNode>,
    /// The value.
    pub(super) body: Node,
    /// The place of the patterns.
    pub(super) span: Span,
}

/// A pattern with its place.
#[derive(Clone, Debug)]
pub(super) struct PatternNode {
    /// What it matches.
    pub(super) kind: PatternKind,
    /// Where it stands.
    pub(super) span: Span,
}

/// The kinds of patterns.
#[derive(Clone, Debug)]
pub(super) enum PatternKind {
    /// `Open`, or `Status::Open`
    Variant(Option<Text>, Text),
    /// `Some(_)`
    SomeAny,
    /// `Some(x)`: a name to bind, or a variant
    Some(Text),
    /// `Some(Status::Open)`
    SomeVariant(Text, Text),
    /// `None`
    None,
    /// `_`
    Any,
}
