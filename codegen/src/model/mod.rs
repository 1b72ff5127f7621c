//! The ontology as meant: names resolved, expressions typed, no places. Every artefact is a view of it.
//!
//! Everything here is serialisable in a stable order, so that it can be hashed and compared.
//! Names are the ontology's own; [`crate::naming`] derives Rust's from them.

pub mod boundaries;
pub(crate) mod changing;
mod expression;
pub(crate) mod locals;
pub(crate) mod meaning;
mod newtype;
mod query;
mod rows;
mod shape;

pub use expression::*;
pub(crate) use newtype::whole;
pub use newtype::{Newtype, ValueRule};
pub use query::{Condition, Figure, FigureOf, Operand, Order, Query, Summary, TextTest, Where};
pub use rows::*;
use serde::Serialize;
pub use shape::Definitions;

/// A whole ontology.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ontology {
    /// Declared enums and records, in order of declaration.
    pub types: Vec<TypeDefinition>,
    /// What a program may set at its start; each has a default.
    pub config: Vec<Field>,
    /// The aggregates, in the order of their files.
    pub aggregates: Vec<Aggregate>,
}

/// A type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Type {
    /// `string`
    String,
    /// `integer`: i64
    Integer,
    /// `decimal`, or `decimal(p,s)`: p digits in all, s of them after the point
    Decimal(Option<(u32, u32)>),
    /// `boolean`
    Boolean,
    /// `timestamp`
    Timestamp,
    /// `date`
    Date,
    /// `duration`
    Duration,
    /// `uuid`
    Uuid,
    /// `bytes`
    Bytes,
    /// An enum, by its Rust name.
    Enum(String),
    /// A record, by its Rust name.
    Record(String),
    /// A single value with a type of its own: its Rust name, and the type of the value.
    Newtype(String, Box<Type>),
    /// `list<T>`
    List(Box<Type>),
    /// `set<T>`
    Set(Box<Type>),
    /// `map<K, V>`
    Map(Box<Type>, Box<Type>),
    /// `T?`
    Optional(Box<Type>),
}

/// An enum, record or single value that becomes a Rust type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum TypeDefinition {
    /// An enum; inline enums with the same variants in the same order are one.
    Enum(EnumType),
    /// A record.
    Record(RecordType),
    /// A single value.
    Newtype(Newtype),
}

/// An enum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EnumType {
    /// The Rust name: as declared, or owner and field for an inline enum (`BankAccountStatus`).
    pub name: String,
    /// Where an inline enum stands, for its documentation; none where it is declared under `types`.
    pub inline_at: Option<String>,
    /// The variants; the first is the initial value.
    pub variants: Vec<String>,
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordType {
    /// The declared name.
    pub name: String,
    /// The fields.
    pub fields: Vec<Field>,
}

/// A field of a record, event, state, input or row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// The ontology's name.
    pub name: String,
    /// The type.
    pub field_type: Type,
    /// The default, where one is written or the type has a zero.
    pub default: Option<Expression>,
}

/// What stands in the place of `partitionKey` where the aggregate is one stream.
pub const ONE_STREAM: &str = "none";

/// An aggregate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Aggregate {
    /// The ontology's name.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Path of the source file, for the header.
    pub source: String,
    /// Enums that stand inline in this aggregate.
    pub inline_types: Vec<TypeDefinition>,
    /// The state; none where it is hand-written.
    pub state: Option<Vec<Field>>,
    /// Named expressions over the state.
    pub derived: Vec<Derived>,
    /// The events.
    pub events: Vec<Event>,
    /// The commands.
    pub commands: Vec<Command>,
    /// The rules.
    pub invariants: Vec<Invariant>,
    /// Every refusal that the generated error enum has, each once, in order: targets, rejections and
    /// ensures by command, invariants, duplicate keys, then `OutOfOrder` and `ArithmeticOverflow`.
    pub refusals: Vec<Refusal>,
    /// `partitionKey`; none where the aggregate is one stream.
    pub partition_key: Option<String>,
    /// `snapshotStrategy`; none for `never`
    pub snapshot_every: Option<u64>,
    /// `retentionPolicy`
    pub retention: Retention,
    /// The projections.
    pub projections: Vec<Projection>,
    /// The scenarios.
    pub scenarios: Vec<Scenario>,
    /// Hash of all that the fold depends on.
    pub meaning: u64,
}

/// A named expression over the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Derived {
    /// The ontology's name.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Its parameters, which the value reads as locals of their names.
    pub input: Vec<Field>,
    /// The value, which reads the state.
    pub value: Expression,
    /// The value as written, for documentation.
    pub text: String,
}

/// How long events are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Retention {
    /// For ever.
    Forever,
    /// So many days.
    Days(u32),
    /// So many months.
    Months(u32),
}

/// A refusal of an aggregate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The name, unique within the aggregate.
    pub name: String,
    /// What it stands for, for its documentation.
    pub description: String,
    /// What the runtime uses it for.
    pub role: RefusalRole,
}

/// What a refusal is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum RefusalRole {
    /// Named by a command or an invariant.
    Rule,
    /// The runtime's `already_exists`.
    AlreadyExists,
    /// The runtime's `not_found`.
    NotFound,
    /// The runtime's `duplicate_key` for this field.
    DuplicateKey(String),
    /// The runtime's `out_of_order`.
    OutOfOrder,
    /// The runtime's `arithmetic_overflow`.
    ArithmeticOverflow,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// The ontology's name.
    pub name: String,
    /// The name under which it is stored.
    pub stored_as: String,
    /// The names under which it was stored before, and is still read.
    pub renamed_from: Vec<String>,
    /// For people.
    pub description: Option<String>,
    /// The current version.
    pub version: u32,
    /// The fields of the current version.
    pub fields: Vec<Field>,
    /// The timestamp field that is the event's time; none where it is `meta.at`.
    pub occurred_at: Option<String>,
    /// Whether it may no longer be emitted.
    pub retired: bool,
    /// Earlier versions, ascending.
    pub history: Vec<OldVersion>,
    /// The fold; none where it is hand-written.
    pub apply: Option<Vec<Assignment>>,
    /// The fields whose values must be unique.
    pub unique: Vec<UniqueField>,
    /// The unique fields whose values become free with it.
    pub released: Vec<UniqueField>,
}

impl Event {
    /// The field by which the event's time goes, where that is not its one timestamp, as it is where nothing is
    /// said: none where it is the time of the command although there is a timestamp.
    #[must_use]
    pub fn chosen_time(&self) -> Option<Option<&str>> {
        let mut times = self.fields.iter().filter(|field| field.field_type == Type::Timestamp);
        let first = times.next().map(|field| field.name.as_str());
        let one = first.filter(|_| times.next().is_none());
        let chosen = self.occurred_at.as_deref();
        (chosen != one).then_some(chosen)
    }
}

/// An earlier version of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OldVersion {
    /// The version.
    pub version: u32,
    /// Its fields.
    pub fields: Vec<Field>,
    /// Every field of the next version, with its value (`event.x` reads this version's fields).
    pub upcast: Vec<Assignment>,
}

/// A field that gets a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assignment {
    /// The field.
    pub field: String,
    /// The value, of the field's type.
    pub value: Expression,
}

/// A field whose values must be unique.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UniqueField {
    /// The field.
    pub field: String,
    /// Across all streams of the type.
    pub across_all: bool,
    /// Whether the same content again is no error.
    pub idempotent: bool,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Command {
    /// The ontology's name.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Which streams.
    pub target: Target,
    /// The refusal for a target that does not fit; none for `any`.
    pub target_refusal: Option<String>,
    /// The input.
    pub input: Vec<Field>,
    /// How it is decided.
    pub decision: Decision,
    /// The unique keys that are known from the input: field, and its value (reads input only).
    pub keys: Vec<(UniqueField, Expression)>,
    /// The further keys by which the command is recognised when it is sent again.
    pub retry_keys: Vec<RetryKey>,
}

/// A key that a command may claim: told by its input and the stream, the same each time it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RetryKey {
    /// The field.
    pub unique: UniqueField,
    /// Its value.
    pub value: Expression,
    /// Once per element: the local's name, and the list.
    pub for_each: Option<(String, Expression)>,
}

/// Which streams a command may address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Target {
    /// `new`
    New,
    /// `existing`
    Existing,
    /// `any`
    Any,
}

/// How a command is decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Decision {
    /// `handler: custom`, with the refusals that it names.
    Custom(Vec<String>),
    /// By these steps, events and checks.
    Declared {
        /// Before the events.
        steps: Vec<Step>,
        /// The events.
        emit: Vec<Emission>,
        /// After the events (`after.x` is the outcome).
        ensure: Vec<Rejection>,
    },
}

/// A step of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Step {
    /// Refuse where the condition holds.
    Reject(Rejection),
    /// Succeed without events where the condition holds.
    NothingToDo(Expression),
    /// Name a value.
    Let(String, Expression),
    /// Check the target here, and not before the steps.
    Target,
    /// Look up the keys of this field here, and not before the target.
    Unique(String),
    /// From here on, the optional at this place is known to be present: bind its value to a local of
    /// this name. Expressions that follow read the local.
    Unwrap {
        /// The local's name.
        local: String,
        /// The optional.
        optional: Expression,
    },
}

/// A refusal with its condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejection {
    /// Name of the refusal.
    pub refusal: String,
    /// The condition.
    pub when: Expression,
    /// The message, of type string.
    pub message: Expression,
    /// The condition as written, for documentation.
    pub text: String,
    /// Events that are kept with the refusal.
    pub emit: Vec<Emission>,
}

/// An emitted event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Emission {
    /// The event.
    pub event: String,
    /// Every field of the event, in its order, with its value.
    pub fields: Vec<Assignment>,
    /// Only where this holds.
    pub when: Option<Expression>,
    /// Locals for the values of optionals that are present where `when` holds.
    pub present: Vec<(String, Expression)>,
    /// Instead, where it does not.
    pub otherwise: Option<Box<Emission>>,
    /// Locals for the values of optionals that are present where `when` does not hold.
    pub otherwise_present: Vec<(String, Expression)>,
    /// Once per element: the local's name, and the list.
    pub for_each: Option<(String, Expression)>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Invariant {
    /// The sentence or name as written, for documentation.
    pub text: String,
    /// Name of the refusal.
    pub refusal: String,
    /// The message, of type string, reading what the rule reads.
    pub message: Expression,
    /// The rule.
    pub rule: Rule,
    /// Of a sentence about a number of the state: holds where the outcome is no worse than the state
    /// before the command. Then a state that breaks the rule is accepted, because it broke it before:
    /// the rule is newer than the stream. Reads `state` and `before`; of a hand-written state the local
    /// named like the method, and [`Rule::before_local`].
    pub tolerated: Option<Expression>,
}

/// The kinds of rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Rule {
    /// Must hold for the state after a command; reads `state` (the outcome) and `before`.
    State(Expression),
    /// Must hold for the state after each of these events (all where empty); reads `state` (after the
    /// event) and `before` (before it). `X must never decrease` and transitions are of this kind.
    Event {
        /// Names of events; empty for all.
        events: Vec<String>,
        /// The condition; may read `event` where there is exactly one event.
        check: Expression,
    },
    /// With a hand-written state: the behaviour has a method of this name and type, to which the
    /// condition refers as the local of the same name.
    Behavior {
        /// The method.
        method: String,
        /// Its type.
        method_type: Type,
        /// The condition on the local named like the method.
        check: Expression,
    },
    /// `Events must be ordered by timestamp`: the runtime's.
    OrderedByTime,
    /// `X must be unique`: see [`Event::unique`].
    Unique,
    /// `A must precede B`
    Precedes {
        /// A
        first: String,
        /// B
        then: String,
    },
    /// `A cannot follow B`
    CannotFollow {
        /// A
        event: String,
        /// B
        after: String,
    },
    /// `Nothing can follow A`
    NothingFollows {
        /// A
        event: String,
    },
}

impl Rule {
    /// The local that holds the method's value before the command, where [`Invariant::tolerated`]
    /// reads it. With its space it is no name that an ontology could give to another method.
    #[must_use]
    pub fn before_local(method: &str) -> String {
        format!("before {method}")
    }
}

/// A projection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Projection {
    /// The ontology's name.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// The events it folds.
    pub source: Vec<String>,
    /// The database part of `target`.
    pub database: String,
    /// The table part of `target`.
    pub table: String,
    /// `immediate` or `eventually_consistent`.
    pub immediate: bool,
    /// `consistencyWindow` in microseconds.
    pub window_micros: Option<i64>,
    /// The read model; none where neither columns nor rules are declared and the handler brings its own row.
    pub columns: Option<Vec<Field>>,
    /// Key columns with their expressions (they read `event` and `meta`); empty where hand-written.
    pub key: Vec<Assignment>,
    /// Whether the key is the stream's id and nothing else.
    pub key_is_stream: bool,
    /// The rules by event; none where the handler is hand-written.
    pub on: Option<Vec<(String, Vec<RowRule>)>>,
    /// Columns that must equal a value of the state: column, and an expression that reads `state`.
    pub mirrors: Vec<Assignment>,
    /// Columns by which rows are found fast, beside the key.
    pub indexes: Vec<Vec<String>>,
    /// What is asked of the rows.
    pub queries: Vec<Query>,
    /// Hash of all that the rows depend on.
    pub meaning: u64,
}

impl Projection {
    /// Whether the event may concern several rows.
    #[must_use]
    pub fn visits_several(&self, event: &str) -> bool {
        let rules = self.on.iter().flatten().filter(|(name, _)| name == event);
        rules.flat_map(|(_, rules)| rules).any(RowRule::is_of_several)
    }

    /// Whether any event may.
    #[must_use]
    pub fn has_several_rows(&self) -> bool {
        self.source.iter().any(|event| self.visits_several(event))
    }
}

/// A scenario; its values are constant expressions of their fields' types.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Scenario {
    /// The sentence.
    pub name: String,
    /// The stream's id: as a value of the partition key's field says, else made from the aggregate's name.
    pub stream_id: String,
    /// Events before; every field has a value (the stream's id and times are filled in).
    pub given: Vec<(String, Vec<Assignment>)>,
    /// What the program is set to, where that is not the default.
    pub config: Vec<Assignment>,
    /// What `new_id()` gives, in order; none where that is left open.
    pub ids: Option<Vec<Expression>>,
    /// What happens first.
    pub first: ScenarioStep,
    /// What happens after that, in the same stream.
    pub then: Vec<ScenarioStep>,
}

/// A command of a scenario, and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScenarioStep {
    /// The command; every input has a value.
    pub when: Option<(String, Vec<Assignment>)>,
    /// The clock of the command, in microseconds since 1970: as written, else a second after what was
    /// before.
    pub now_micros: i64,
    /// The events expected; only the named fields are compared.
    pub events: Option<Vec<(String, Vec<Assignment>)>>,
    /// The refusal expected.
    pub error: Option<String>,
    /// The state expected; only the named fields are compared.
    pub state: Option<Vec<Assignment>>,
    /// The rows expected, by projection; only the named columns are compared.
    pub rows: Vec<(String, Vec<Vec<Assignment>>)>,
}

impl Scenario {
    /// What happens, in order.
    pub fn steps(&self) -> impl Iterator<Item = &ScenarioStep> {
        std::iter::once(&self.first).chain(&self.then)
    }

    /// The only command with what comes of it, in a program that is set as usual and makes its own ids.
    #[must_use]
    pub fn as_usual(&self) -> Option<&ScenarioStep> {
        let usual = self.then.is_empty() && self.config.is_empty() && self.ids.is_none();
        usual.then_some(&self.first)
    }
}

impl Event {
    /// Every name under which it may be stored, the one that is written first.
    pub fn stored_names(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.stored_as).chain(&self.renamed_from)
    }
}

impl Command {
    /// Every expression of the decision, in the order in which they are evaluated.
    #[must_use]
    pub fn expressions(&self) -> Vec<&Expression> {
        let Decision::Declared { steps, emit, ensure } = &self.decision else { return Vec::new() };
        let mut all = Vec::new();
        for step in steps {
            match step {
                Step::Reject(rejection) => rejection.collect(&mut all),
                Step::NothingToDo(value)
                | Step::Let(_, value)
                | Step::Unwrap { optional: value, .. } => all.push(value),
                Step::Target | Step::Unique(_) => {}
            }
        }
        emit.iter().for_each(|emission| emission.collect(&mut all));
        ensure.iter().for_each(|rejection| rejection.collect(&mut all));
        all
    }
}

impl Rejection {
    fn collect<'a>(&'a self, all: &mut Vec<&'a Expression>) {
        all.extend([&self.when, &self.message]);
        self.emit.iter().for_each(|emission| emission.collect(all));
    }
}

impl Emission {
    fn collect<'a>(&'a self, all: &mut Vec<&'a Expression>) {
        all.extend(self.for_each.iter().map(|(_, list)| list));
        all.extend(&self.when);
        all.extend(
            self.present.iter().chain(&self.otherwise_present).map(|(_, optional)| optional),
        );
        all.extend(self.fields.iter().map(|assignment| &assignment.value));
        self.otherwise.iter().for_each(|otherwise| otherwise.collect(all));
    }
}
