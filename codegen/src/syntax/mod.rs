//! The ontology as written: every name and expression with its place, nothing resolved yet.
//!
//! `load` makes it, `resolve` reads it. Where the text was wrong, `load` has reported it and left
//! the part out, so that everything else can still be checked.

use std::ops::Range;

use crate::source::{Span, Spanned};

/// A name or text with its place.
pub type Text = Spanned<String>;

/// An expression as written: parsed by `resolve`, where the scopes are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    /// The text, YAML quoting removed. Empty where `load` has reported that there is no expression:
    /// then nothing more is said about it.
    pub text: String,
    /// The place of the whole scalar, quotes included.
    pub span: Span,
    /// For each byte of `text`, and one past its end, the byte in the file; none where the scalar's
    /// style does not allow a mapping (then the whole scalar is blamed).
    pub offsets: Option<Vec<usize>>,
}

impl Expression {
    /// The place of a part of the text; of the whole scalar where there is no mapping.
    #[must_use]
    pub fn place(&self, range: Range<usize>) -> Span {
        let byte = |at: usize| self.offsets.as_ref().and_then(|offsets| offsets.get(at).copied());
        match (byte(range.start), byte(range.end)) {
            (Some(start), Some(end)) => Span { start, end: end.max(start), ..self.span },
            _ => self.span,
        }
    }
}

/// A mapping in the order written.
pub type Map<T> = Vec<(Text, T)>;

/// All files of a build.
#[derive(Clone, Debug, Default)]
pub struct Ontology {
    /// `types:` of all files.
    pub types: Map<TypeDeclaration>,
    /// `constants:` of all files.
    pub constants: Map<(TypeExpression, ConstantValue)>,
    /// `config:` of all files.
    pub config: Map<Field>,
    /// The aggregates.
    pub aggregates: Vec<Aggregate>,
    /// `allow:` of all places.
    pub allowed: Vec<Allowed>,
}

/// A warning that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Its code.
    pub code: Text,
    /// Where it is allowed: the file, or the thing that `allow` stands in.
    pub within: Span,
}

/// The value of a constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConstantValue {
    /// `name: type = value`
    Expression(Expression),
    /// `name: {type: …, value: …}`: plain data, as in scenarios.
    Plain(Literal),
}

/// A type as written, for example `list<Line>?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeExpression {
    /// What kind of type.
    pub kind: TypeKind,
    /// The place of the whole type.
    pub span: Span,
}

/// The forms of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeKind {
    /// A scalar or declared name, with arguments: `decimal(12,2)` has two.
    Name {
        /// The name.
        name: Text,
        /// The arguments in parentheses.
        arguments: Vec<Spanned<u32>>,
    },
    /// `enum[A, B]`
    Enum(Vec<Text>),
    /// `list<T>`
    List(Box<TypeExpression>),
    /// `set<T>`
    Set(Box<TypeExpression>),
    /// `map<K, V>`
    Map(Box<TypeExpression>, Box<TypeExpression>),
    /// `T?`
    Optional(Box<TypeExpression>),
    /// No type: `load` has reported it, and nothing more is said about it or what has it.
    Broken,
}

/// A field as written: `name: T` or `name: T = default`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The type.
    pub field_type: TypeExpression,
    /// The default.
    pub default: Option<Expression>,
}

/// An entry of `types:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeDeclaration {
    /// `Status: enum[A, B]`
    Enum(Vec<Text>),
    /// `Line: {sku: string, quantity: integer}`
    Record(Map<Field>),
    /// `Quantity: integer from 1 to 999`
    Newtype(Newtype),
}

/// A name of its own for a single value, with rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newtype {
    /// The type of the value.
    pub base: TypeExpression,
    /// The rules.
    pub rules: Vec<NewtypeRule>,
    /// The whole as written, for documentation.
    pub text: String,
}

/// A rule of a type's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewtypeRule {
    /// `at least N`, and the first half of `from N to M`
    AtLeast(Text),
    /// `at most N`, and the second half of `from N to M`
    AtMost(Text),
    /// `greater than N`
    GreaterThan(Text),
    /// `less than N`
    LessThan(Text),
    /// `of N characters`, `of N to M characters`, `of at least N characters`, `of at most N characters`
    Characters {
        /// No fewer.
        least: Option<Spanned<u32>>,
        /// No more.
        most: Option<Spanned<u32>>,
        /// The whole rule.
        span: Span,
    },
    /// `matching [A-Z]{3}`: the rest of the line
    Matching(Text),
}

impl NewtypeRule {
    /// Where the rule, or its number, stands.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::AtLeast(text)
            | Self::AtMost(text)
            | Self::GreaterThan(text)
            | Self::LessThan(text)
            | Self::Matching(text) => text.span,
            Self::Characters { span, .. } => *span,
        }
    }
}

/// One aggregate file.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// `aggregateRoot:`
    pub name: Text,
    /// `description:`
    pub description: Option<Text>,
    /// `state:`; none where it is hand-written.
    pub state: Option<Map<Field>>,
    /// `derived:`
    pub derived: Map<Derived>,
    /// `events:`
    pub events: Map<Event>,
    /// `commands:`
    pub commands: Map<Command>,
    /// `invariants:`
    pub invariants: Vec<Invariant>,
    /// `eventStore:`
    pub event_store: EventStore,
    /// `projections:`
    pub projections: Map<Projection>,
    /// `scenarios:`
    pub scenarios: Map<Scenario>,
}

/// A named expression over the state.
#[derive(Clone, Debug)]
pub struct Derived {
    /// `description:`
    pub description: Option<Text>,
    /// `input:`, its parameters.
    pub input: Map<Field>,
    /// `value:`, or what follows the name.
    pub value: Expression,
}

/// The word of `occurredAt:` for the time of the command.
pub const RECORDED: &str = "recorded";

/// One event.
#[derive(Clone, Debug)]
pub struct Event {
    /// `description:`
    pub description: Option<Text>,
    /// `version: vN`
    pub version: Spanned<u32>,
    /// `schema:`
    pub schema: Map<Field>,
    /// `apply:`; none where it is hand-written.
    pub apply: Option<Assignments>,
    /// `history:` by version.
    pub history: Vec<(Spanned<u32>, OldVersion)>,
    /// `retired: true`
    pub retired: bool,
    /// `storedAs:`
    pub stored_as: Option<Text>,
    /// `renamedFrom:`
    pub renamed_from: Vec<Text>,
    /// `release:`
    pub release: Vec<Text>,
    /// `occurredAt:`
    pub occurred_at: Option<Text>,
}

/// An earlier version of an event.
#[derive(Clone, Debug)]
pub struct OldVersion {
    /// `schema:`
    pub schema: Map<Field>,
    /// `upcast:` to the next version.
    pub upcast: Option<Map<Expression>>,
}

/// `field: expression` lines, with `..: event` apart.
#[derive(Clone, Debug, Default)]
pub struct Assignments {
    /// The lines.
    pub fields: Map<Expression>,
    /// The place of `..: event`, where it is written.
    pub spread: Option<Span>,
}

/// One command.
#[derive(Clone, Debug)]
pub struct Command {
    /// `description:`
    pub description: Option<Text>,
    /// `target:`
    pub target: Option<TargetSyntax>,
    /// `input:`
    pub input: Map<Field>,
    /// `reject:` (short form) or `steps:`, in order.
    pub steps: Vec<Step>,
    /// `emit:`, in order.
    pub emit: Vec<Emission>,
    /// `ensure:`
    pub ensure: Map<Rejection>,
    /// `handler: custom`
    pub custom: Option<Span>,
    /// `refuses:`, the refusals of a decision that is written by hand.
    pub refuses: Vec<Text>,
}

/// `target: new` or `target: {existing: ArticleNotFound}`.
#[derive(Clone, Debug)]
pub struct TargetSyntax {
    /// `new`, `existing` or `any`.
    pub kind: Text,
    /// The name of the refusal.
    pub refusal: Option<Text>,
}

/// A step before the events.
#[derive(Clone, Debug)]
pub enum Step {
    /// `reject:` with its refusals in order.
    Reject(Map<Rejection>),
    /// `nothingToDo:`
    NothingToDo(Expression),
    /// `let:` with its names in order.
    Let(Map<Expression>),
    /// `target`: where the target is checked.
    Target(Span),
    /// `unique:` where the keys of a field are looked up.
    Unique(Text),
}

/// A refusal: `Name: condition` or `Name: {when, message, emit}`.
#[derive(Clone, Debug)]
pub struct Rejection {
    /// The condition.
    pub when: Expression,
    /// `message:` with `{placeholders}`.
    pub message: Option<Expression>,
    /// `emit:` events that are kept.
    pub emit: Vec<Emission>,
}

/// One emitted event.
#[derive(Clone, Debug)]
pub struct Emission {
    /// The event.
    pub event: Text,
    /// The fields that are set; others are filled from the input.
    pub fields: Map<Expression>,
    /// `when:`
    pub when: Option<Expression>,
    /// `else:`
    pub otherwise: Option<Box<Emission>>,
    /// `forEach: {name: list}`
    pub for_each: Option<(Text, Expression)>,
}

/// An entry of `invariants:`.
#[derive(Clone, Debug)]
pub enum Invariant {
    /// A sentence; its form is found by `resolve::sentence`.
    Sentence(Expression),
    /// `{name, check, message, after}`
    Check {
        /// `name:`
        name: Text,
        /// `check:`
        check: Expression,
        /// `message:`
        message: Option<Expression>,
        /// `after:` events
        after: Option<Vec<Text>>,
    },
}

/// `eventStore:`
#[derive(Clone, Debug, Default)]
pub struct EventStore {
    /// `partitionKey:`
    pub partition_key: Option<Text>,
    /// `snapshotStrategy:` as written.
    pub snapshot_strategy: Option<Text>,
    /// `retentionPolicy:` as written.
    pub retention_policy: Option<Text>,
    /// The place of the section, or of the aggregate's name where there is none.
    pub span: Option<Span>,
}

/// One projection.
#[derive(Clone, Debug)]
pub struct Projection {
    /// `description:`
    pub description: Option<Text>,
    /// `source:`
    pub source: Vec<Text>,
    /// `target: db.table`
    pub target: Option<Text>,
    /// `updateStrategy:`
    pub update_strategy: Option<Text>,
    /// `consistencyWindow:` as written.
    pub consistency_window: Option<Text>,
    /// `key:`
    pub key: Option<KeySyntax>,
    /// `columns:` with a type; none where the handler is hand-written.
    pub columns: Option<Map<Field>>,
    /// Those with an aggregate in place of a type, each with its place among all.
    pub aggregates: Vec<(usize, Text, AggregateColumn)>,
    /// `mirrors:`
    pub mirrors: Map<Expression>,
    /// `indexes:` each with its columns.
    pub indexes: Vec<Vec<Text>>,
    /// `queries:`
    pub queries: Map<Query>,
    /// `on:`; none where the handler is hand-written. An `A | B` key is one entry with two events.
    pub on: Option<Vec<(Vec<Text>, Vec<RowRule>)>>,
}

/// `sum(A.amount | B.amount)`, in place of the type of a column.
#[derive(Clone, Debug)]
pub struct AggregateColumn {
    /// `sum`
    pub folding: Folding,
    /// Events, each with the field where it says one.
    pub terms: Vec<(Text, Option<Text>)>,
    /// The digits after the point of an average.
    pub scale: Option<Spanned<u32>>,
    /// The whole.
    pub span: Span,
    /// The place of `sum`.
    pub word: Span,
}

/// What an aggregate makes of the values of its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folding {
    /// `count`
    Count,
    /// `sum`
    Sum,
    /// `min`
    Min,
    /// `max`
    Max,
    /// `average`
    Average,
}

/// `key: field` or `key: {column: expression}`.
#[derive(Clone, Debug)]
pub enum KeySyntax {
    /// One field, column and expression alike.
    Field(Text),
    /// Columns with their expressions.
    Columns(Map<Expression>),
}

/// One query.
#[derive(Clone, Debug)]
pub struct Query {
    /// `description:`
    pub description: Option<Text>,
    /// `input:`; none where it is told by what it is compared with.
    pub input: Option<Map<Field>>,
    /// `where:`
    pub condition: Option<Expression>,
    /// `orderBy:`
    pub order: Vec<OrderSyntax>,
    /// `limit:`
    pub limit: Option<Expression>,
    /// `offset:`
    pub offset: Option<Expression>,
    /// `select:`
    pub select: Option<Map<Selected>>,
    /// `groupBy:`
    pub group_by: Option<Vec<Text>>,
    /// Whether a key stands there that could be any, which has been reported.
    pub is_strange: bool,
}

/// An entry of `select`: a column of the group, or an aggregate of its rows.
#[derive(Clone, Debug)]
pub struct Selected {
    /// `sum`; none for a column by itself.
    pub folding: Option<Spanned<Folding>>,
    /// The column; none for `count()`.
    pub column: Option<Text>,
    /// The digits after the point of an average.
    pub scale: Option<Spanned<u32>>,
}

/// `column`, `column asc` or `column desc`.
#[derive(Clone, Debug)]
pub struct OrderSyntax {
    /// The column.
    pub column: Text,
    /// `desc`
    pub descending: bool,
}

/// What an event does to a row; the first of several whose `when` holds.
#[derive(Clone, Debug)]
pub struct RowRule {
    /// `when:`
    pub when: Option<Expression>,
    /// The verb.
    pub verb: Spanned<Verb>,
    /// What the columns become.
    pub columns: Assignments,
    /// `key:` of this rule, where it overrides the projection's.
    pub key: Option<KeySyntax>,
    /// `match:` what holds for the rows.
    pub matching: Option<Expression>,
    /// `forEach: {name: list}`
    pub for_each: Option<(Text, Expression)>,
    /// `onConflict: ignore`
    pub ignore_conflict: bool,
    /// `onMissing: skip`
    pub skip_missing: bool,
}

/// The verbs of a row rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `insert`
    Insert,
    /// `update`
    Update,
    /// `upsert`
    Upsert,
    /// `delete`
    Delete,
}

/// One scenario.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    /// `given:` events.
    pub given: Vec<(Text, Map<Literal>)>,
    /// `now:`
    pub now: Option<Text>,
    /// `config:`
    pub config: Map<Literal>,
    /// `ids:` with the key's place.
    pub ids: Option<(Span, Vec<Text>)>,
    /// `steps:`, or `when:` and `then:` as the only one.
    pub steps: Vec<ScenarioStep>,
}

/// A command and what comes of it.
#[derive(Clone, Debug, Default)]
pub struct ScenarioStep {
    /// `advanceTo:`
    pub advance_to: Option<Text>,
    /// `when:` command.
    pub when: Option<(Text, Map<Literal>)>,
    /// `then.events:`
    pub events: Option<Vec<(Text, Map<Literal>)>>,
    /// `then.error:`
    pub error: Option<Text>,
    /// `then.state:`
    pub state: Option<Map<Literal>>,
    /// `then.rows:` by projection.
    pub rows: Map<Vec<Map<Literal>>>,
}

/// A value of a scenario or a constant: plain data, typed by the field it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// A scalar as text, whatever its YAML style; `quoted` tells `"null"` from `null`.
    Scalar {
        /// The text.
        text: Text,
        /// Whether it was quoted.
        quoted: bool,
    },
    /// A list.
    List(Vec<Literal>, Span),
    /// A record or a map.
    Record(Map<Literal>, Span),
}
