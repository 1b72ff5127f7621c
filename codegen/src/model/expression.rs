//! Typed expressions. Every implicit conversion is spelled out, so that emitting needs no thought.

use serde::Serialize;
use serde::ser::Error as _;
use serde_json::Value;

use super::Type;

/// An expression with its type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expression {
    /// What it is.
    pub kind: ExpressionKind,
    /// Its type.
    pub result: Type,
}

/// The kinds of expressions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum ExpressionKind {
    /// Text.
    String(String),
    /// An integer.
    Integer(i64),
    /// A decimal in canonical text.
    Decimal(String),
    /// True or false.
    Boolean(bool),
    /// A span of time in microseconds (`5m`, `24h`).
    Duration(i64),
    /// A point in time in microseconds since 1970 (scenarios, defaults).
    Timestamp(i64),
    /// A date as `YYYY-MM-DD` (scenarios, defaults).
    Date(String),
    /// An id in canonical text (scenarios, defaults).
    Uuid(String),
    /// Bytes (scenarios, defaults).
    Bytes(Vec<u8>),
    /// The absent optional.
    None,
    /// A present optional: written, or T widened to T?.
    Some(Box<Expression>),
    /// An integer widened to decimal.
    Widen(Box<Expression>),
    /// The value of one with a type of its own; of an optional the value where there is one.
    Plain(Box<Expression>),
    /// A value as one with a type of its own, unchecked; of an optional where there is one. What new
    /// values must be is checked where they are appended.
    Wrap(Box<Expression>),
    /// A variant of the enum that is the result's type.
    Variant(String),
    /// A value from outside the expression.
    Read(Scope, String),
    /// `meta.x`
    Meta(MetaField),
    /// The stream's id, read by the partition key's name.
    StreamId,
    /// A `let`, pattern, closure, `forEach` or unwrapped local. Every local is read at least once, and
    /// its Rust name differs from that of every other local in view.
    Local(String),
    /// `now()`
    Now,
    /// `new_id()`
    NewId,
    /// `record.field`
    Field(Box<Expression>, String),
    /// `optional.field`: an optional of the field's type, not nested where the field is optional itself.
    OptionalField(Box<Expression>, String),
    /// `!x`
    Not(Box<Expression>),
    /// `-x`
    Negate(Box<Expression>),
    /// `a && b`, `a || b`, evaluated from the left, the right only where needed.
    Logic(Logic, Box<Expression>, Box<Expression>),
    /// `a == b` and its kin; both sides have one type (an optional against a plain value is widened).
    Compare(Comparison, Box<Expression>, Box<Expression>),
    /// `a + b` and its kin.
    Arithmetic(Arithmetic, Box<Expression>, Box<Expression>),
    /// `if c { a } else { b }`
    If(Box<Expression>, Box<Expression>, Box<Expression>),
    /// `match x { … }`, exhaustive.
    Match(Box<Expression>, Vec<Arm>),
    /// `{ let name = value; body }`
    Let(String, Box<Expression>, Box<Expression>),
    /// A method of the language.
    Call(Method, Box<Expression>, Vec<Expression>),
    /// `|x| x.price`: a function, and the argument of a method always. Its result is its body's.
    Closure(Vec<Parameter>, Box<Expression>),
    /// `Line { sku: a, ..base }`: every field, or some with a base.
    Record(Vec<(String, Expression)>, Option<Box<Expression>>),
    /// `[a, b]`
    List(Vec<Expression>),
    /// The members of a set, in any order. One that is a constant has them in their order, each once.
    Set(Vec<Expression>),
    /// The entries of a map. One that is a constant has them in the order of their keys, each once.
    Map(Vec<(Expression, Expression)>),
    /// Text with values between: `format("{x} of {y}")` and messages.
    Format(Vec<Piece>),
    /// A derived value of the state, by its name. It means what it stands for, so naming an expression
    /// changes nothing that is kept by its meaning.
    #[serde(untagged)]
    Derived(Box<DerivedCall>),
}

/// A derived value where it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DerivedCall {
    /// Of which state.
    pub scope: Scope,
    /// The name.
    pub name: String,
    /// What it is asked with, in the order of its parameters.
    pub arguments: Vec<Expression>,
    /// The same written out: each parameter is a `let`.
    pub stands_for: Expression,
}

impl Serialize for DerivedCall {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.arguments.is_empty() {
            return self.stands_for.kind.serialize(serializer);
        }
        // Its parameters are locals that have its name in front.
        let mut written = serde_json::to_value(&self.stands_for.kind).map_err(S::Error::custom)?;
        without_name(&mut written, &format!("{} ", self.name));
        written.serialize(serializer)
    }
}

/// Takes a derived value's name from its parameters.
fn without_name(written: &mut Value, name: &str) {
    let strip = |local: &mut Value| {
        let rest = local.as_str().and_then(|local| local.strip_prefix(name));
        if let Some(rest) = rest.map(|rest| format!(" {rest}")) {
            *local = Value::String(rest);
        }
    };
    match written {
        Value::Array(parts) => parts.iter_mut().for_each(|part| without_name(part, name)),
        Value::Object(parts) => {
            for (kind, part) in parts {
                match (kind.as_str(), &mut *part) {
                    ("Local", local) => strip(local),
                    ("Let", Value::Array(binding)) => binding.iter_mut().take(1).for_each(strip),
                    _ => {}
                }
                without_name(part, name);
            }
        }
        _ => {}
    }
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Scope {
    /// The state: before the event in apply, before the command in commands, the outcome in invariants.
    State,
    /// The state before, in invariants.
    Before,
    /// The state after the events so far, in commands.
    After,
    /// The event.
    Event,
    /// The command's input.
    Input,
    /// The row before the event.
    Row,
    /// What the program is set to.
    Config,
}

/// Fields of `meta`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum MetaField {
    /// timestamp
    At,
    /// integer
    Sequence,
    /// timestamp
    RecordedAt,
    /// string
    StreamId,
    /// string?
    Actor,
    /// string?
    CorrelationId,
    /// string?
    CausationId,
}

/// Boolean operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Logic {
    /// `&&`
    And,
    /// `||`
    Or,
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// Arithmetic: integer and decimal (both sides alike), or times and spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Arithmetic {
    /// `+`: number + number, timestamp + duration, duration + duration
    Add,
    /// `-`: number - number, timestamp - timestamp, timestamp - duration, duration - duration
    Subtract,
    /// `*`: number * number
    Multiply,
    /// `/`: integers
    Divide,
    /// `%`: integers
    Remainder,
}

/// A parameter of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// The local that the body reads; none for `_`.
    pub local: Option<String>,
    /// What it is given.
    pub of: Type,
}

/// An arm of a `match`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Arm {
    /// What it matches.
    pub patterns: Vec<Pattern>,
    /// Its value.
    pub body: Expression,
}

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Pattern {
    /// A variant of the subject's enum.
    Variant(String),
    /// `Some(name)`; the name is read in the body.
    Some(String),
    /// `Some(_)`
    SomeAny,
    /// `Some(Variant)` on an optional enum.
    SomeVariant(String),
    /// `None`
    None,
    /// `_`
    Any,
}

/// A piece of a text with values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Piece {
    /// Text as it is.
    Text(String),
    /// A value: decimals in canonical form, times in RFC 3339, enums by name, an absent optional as `none`.
    Value(Expression),
}

/// The methods of the language. The runtime's `eval` module has a function for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[allow(missing_docs)] // each is documented where its signature stands: `resolve::methods`
pub enum Method {
    // string
    StringLen,
    StringIsEmpty,
    StringTrim,
    StringToLowercase,
    StringStartsWith,
    StringEndsWith,
    StringContains,
    StringConcat,
    StringReplace,
    StringMatches,
    StringReplaceMatching,
    // integer and decimal
    Abs,
    Min,
    Max,
    Clamp,
    ToDecimal,
    // decimal
    Round,
    Div(Rounding),
    ToInteger,
    // optional
    IsSome,
    IsNone,
    UnwrapOr,
    Or,
    IsSomeAnd,
    AndThen,
    OptionalMap,
    // list
    ListLen,
    ListIsEmpty,
    ListContains,
    ListPush,
    ListExtend,
    ListFirst,
    ListLast,
    ListGet,
    ListAny,
    ListAll,
    ListCount,
    ListFilter,
    ListMap,
    ListSum,
    ListSumOf,
    ListRemoveWhere,
    ListRemoveFirst,
    ListReplaceWhere,
    ListUpsertBy,
    ListMin,
    ListMax,
    ListMinBy,
    ListMaxBy,
    ListSortBy,
    ListSortByDesc,
    ListFlatMap,
    ListFold,
    ListFind,
    ListPosition,
    ListEnumerate,
    ListDistinct,
    ListGroupBy,
    ListToMap,
    // set
    SetLen,
    SetIsEmpty,
    SetContains,
    SetInsert,
    SetRemove,
    SetUnion,
    SetIntersection,
    SetDifference,
    SetAny,
    SetAll,
    SetFilter,
    // map
    MapLen,
    MapIsEmpty,
    MapGet,
    MapInsert,
    MapRemove,
    MapContainsKey,
    MapKeys,
    MapValues,
    MapMapValues,
    MapFilter,
    // time
    TimestampDate,
    DurationDays,
    DurationHours,
    DurationMinutes,
    DurationSeconds,
}

/// How `div` rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Rounding {
    /// `half_even`
    HalfEven,
    /// `half_up`: away from zero
    HalfUp,
}

impl Expression {
    /// Whether this expression or any part of it has a property.
    pub fn any(&self, property: &dyn Fn(&Self) -> bool) -> bool {
        property(self) || self.parts().into_iter().any(|part| part.any(property))
    }

    /// Whether it reads this name of this scope.
    #[must_use]
    pub fn reads(&self, scope: Scope, name: &str) -> bool {
        self.any(&|part| {
            matches!(&part.kind, ExpressionKind::Read(of, read) if *of == scope && read == name)
        })
    }

    /// How many parts it has, itself among them. What a derived value is asked with counts twice: it stands
    /// in what the value stands for too.
    #[must_use]
    pub fn size(&self) -> usize {
        let asked_with: &[Self] = match &self.kind {
            ExpressionKind::Derived(call) => &call.arguments,
            _ => &[],
        };
        1 + self.parts().into_iter().chain(asked_with).map(Self::size).sum::<usize>()
    }

    /// The expressions that this one directly consists of, in the order of evaluation.
    pub fn parts(&self) -> Vec<&Self> {
        match &self.kind {
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
            | ExpressionKind::Variant(_)
            | ExpressionKind::Read(..)
            | ExpressionKind::Meta(_)
            | ExpressionKind::StreamId
            | ExpressionKind::Local(_)
            | ExpressionKind::Now
            | ExpressionKind::NewId => Vec::new(),
            ExpressionKind::Some(inner)
            | ExpressionKind::Widen(inner)
            | ExpressionKind::Plain(inner)
            | ExpressionKind::Wrap(inner)
            | ExpressionKind::Field(inner, _)
            | ExpressionKind::OptionalField(inner, _)
            | ExpressionKind::Not(inner)
            | ExpressionKind::Negate(inner)
            | ExpressionKind::Closure(_, inner) => vec![inner],
            ExpressionKind::Logic(_, left, right)
            | ExpressionKind::Compare(_, left, right)
            | ExpressionKind::Arithmetic(_, left, right)
            | ExpressionKind::Let(_, left, right) => vec![left, right],
            ExpressionKind::If(condition, then, otherwise) => vec![condition, then, otherwise],
            ExpressionKind::Derived(call) => vec![&call.stands_for],
            ExpressionKind::Match(subject, arms) => {
                std::iter::once(subject.as_ref()).chain(arms.iter().map(|arm| &arm.body)).collect()
            }
            ExpressionKind::Call(_, receiver, arguments) => {
                std::iter::once(receiver.as_ref()).chain(arguments).collect()
            }
            ExpressionKind::Record(fields, base) => {
                fields.iter().map(|(_, value)| value).chain(base.as_deref()).collect()
            }
            ExpressionKind::List(elements) | ExpressionKind::Set(elements) => {
                elements.iter().collect()
            }
            ExpressionKind::Map(entries) => {
                entries.iter().flat_map(|(key, value)| [key, value]).collect()
            }
            ExpressionKind::Format(pieces) => pieces
                .iter()
                .filter_map(|piece| match piece {
                    Piece::Value(value) => Some(value),
                    Piece::Text(_) => None,
                })
                .collect(),
        }
    }

    /// The expressions of [`Self::parts`], to be changed.
    pub fn parts_mut(&mut self) -> Vec<&mut Self> {
        match &mut self.kind {
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
            | ExpressionKind::Variant(_)
            | ExpressionKind::Read(..)
            | ExpressionKind::Meta(_)
            | ExpressionKind::StreamId
            | ExpressionKind::Local(_)
            | ExpressionKind::Now
            | ExpressionKind::NewId => Vec::new(),
            ExpressionKind::Some(inner)
            | ExpressionKind::Widen(inner)
            | ExpressionKind::Plain(inner)
            | ExpressionKind::Wrap(inner)
            | ExpressionKind::Field(inner, _)
            | ExpressionKind::OptionalField(inner, _)
            | ExpressionKind::Not(inner)
            | ExpressionKind::Negate(inner)
            | ExpressionKind::Closure(_, inner) => vec![inner],
            ExpressionKind::Logic(_, left, right)
            | ExpressionKind::Compare(_, left, right)
            | ExpressionKind::Arithmetic(_, left, right)
            | ExpressionKind::Let(_, left, right) => vec![left, right],
            ExpressionKind::If(condition, then, otherwise) => vec![condition, then, otherwise],
            ExpressionKind::Derived(call) => vec![&mut call.stands_for],
            ExpressionKind::Match(subject, arms) => std::iter::once(&mut **subject)
                .chain(arms.iter_mut().map(|arm| &mut arm.body))
                .collect(),
            ExpressionKind::Call(_, receiver, arguments) => {
                std::iter::once(&mut **receiver).chain(arguments).collect()
            }
            ExpressionKind::Record(fields, base) => {
                fields.iter_mut().map(|(_, value)| value).chain(base.as_deref_mut()).collect()
            }
            ExpressionKind::List(elements) | ExpressionKind::Set(elements) => {
                elements.iter_mut().collect()
            }
            ExpressionKind::Map(entries) => {
                entries.iter_mut().flat_map(|(key, value)| [key, value]).collect()
            }
            ExpressionKind::Format(pieces) => pieces
                .iter_mut()
                .filter_map(|piece| match piece {
                    Piece::Value(value) => Some(value),
                    Piece::Text(_) => None,
                })
                .collect(),
        }
    }
}
