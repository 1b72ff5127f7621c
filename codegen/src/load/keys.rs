//! The keys of the language: where they stand, what they mean, how they are written.
//!
//! One table drives lowering, which takes no key that is not in it, the suggestions for misspelt
//! keys, and the JSON Schema that editors are told by ([`forms`](super::forms) says what stands behind
//! a key). A key of a later release stands here too, so that it is refused with a reason and never
//! ignored.

use super::forms::*;

/// A mapping with fixed keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The top of a file.
    File,
    /// An entry of `constants` as a mapping.
    Constant,
    /// An entry of `derived` as a mapping.
    Derived,
    /// An entry of `events`.
    Event,
    /// An entry of `history`.
    OldVersion,
    /// An entry of `commands`.
    Command,
    /// `target` as a mapping.
    Target,
    /// An item of `steps`.
    Step,
    /// A refusal as a mapping.
    Rejection,
    /// An item of `emit`, beside the event.
    Emission,
    /// An item of `invariants` as a mapping.
    Invariant,
    /// `eventStore`.
    EventStore,
    /// An entry of `projections`.
    Projection,
    /// An entry of `queries`.
    Query,
    /// What `on` says for an event.
    RowRule,
    /// An entry of `scenarios`.
    Scenario,
    /// An item of `steps` of a scenario.
    ScenarioStep,
    /// `then` of a scenario.
    Outcome,
    /// A field of a schema as a mapping.
    Field,
}

impl Place {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::File,
        Self::Constant,
        Self::Derived,
        Self::Event,
        Self::OldVersion,
        Self::Command,
        Self::Target,
        Self::Step,
        Self::Rejection,
        Self::Emission,
        Self::Invariant,
        Self::EventStore,
        Self::Projection,
        Self::Query,
        Self::RowRule,
        Self::Scenario,
        Self::ScenarioStep,
        Self::Outcome,
        Self::Field,
    ];

    /// What has these keys, in the words of a message.
    #[must_use]
    pub fn described(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Constant => "a constant",
            Self::Derived => "a derived value",
            Self::Event => "an event",
            Self::OldVersion => "an earlier version of an event",
            Self::Command => "a command",
            Self::Target => "`target`",
            Self::Step => "a step",
            Self::Rejection => "a refusal",
            Self::Emission => "an item of `emit`",
            Self::Invariant => "an invariant",
            Self::EventStore => "`eventStore`",
            Self::Projection => "a projection",
            Self::Query => "a query",
            Self::RowRule => "a row rule",
            Self::Scenario => "a scenario",
            Self::ScenarioStep => "a step of a scenario",
            Self::Outcome => "`then`",
            Self::Field => "a field",
        }
    }
}

impl Place {
    /// How such a mapping is written.
    #[must_use]
    pub fn example(self) -> &'static str {
        match self {
            Self::File => "aggregateRoot: BankAccount",
            Self::Constant => "rates:\n  type: map<string, decimal>\n  value: {EUR: \"1\"}",
            Self::Derived => "owes:\n  input: {amount: decimal}\n  value: balance < amount",
            Self::Event => "AccountOpened:\n  version: v1\n  schema: {accountId: string}",
            Self::OldVersion => "v1:\n  schema: {accountId: string}",
            Self::Command => "DepositMoney:\n  input: {amount: decimal}\n  emit: MoneyDeposited",
            Self::Target => "target: {existing: NoSuchAccount}",
            Self::Step => "- reject: {AmountNotPositive: amount <= 0}",
            Self::Rejection => "NotEnough:\n  when: balance < amount",
            Self::Emission => "- {MoneyWithdrawn: {amount: fee}, when: fee > 0}",
            Self::Invariant => "- {name: LimitKept, check: balance <= limit}",
            Self::EventStore => "eventStore:\n  partitionKey: accountId",
            Self::Projection => {
                "AccountBalanceView:\n  source: [AccountOpened]\n  target: read_db.account_balance"
            }
            Self::Query => "byCustomer:\n  where: customerId == input.customerId\n  limit: 50",
            Self::RowRule => "MoneyDeposited:\n  update: {balance: row.balance + amount}",
            Self::Scenario => "an account opens:\n  when: {OpenAccount: {customerId: C1}}",
            Self::ScenarioStep => {
                "- when: {DepositMoney: {amount: \"5\"}}\n  then: {events: [MoneyDeposited]}"
            }
            Self::Outcome => "then: {error: AccountNotOpen}",
            Self::Field => "amount: decimal",
        }
    }
}

impl Place {
    /// The keys that such a mapping can't be without.
    #[must_use]
    pub fn required(self) -> &'static [&'static str] {
        match self {
            Self::Constant => &["type", "value"],
            Self::Derived => &["value"],
            Self::Event => &["version", "schema"],
            Self::OldVersion => &["schema"],
            Self::Rejection => &["when"],
            Self::Invariant => &["name", "check"],
            Self::EventStore => &["partitionKey"],
            Self::Projection => &["source", "target"],
            Self::ScenarioStep => &["when"],
            _ => &[],
        }
    }

    /// The keys of which such a mapping has exactly one; none where that is no rule.
    #[must_use]
    pub fn one_of(self) -> &'static [&'static str] {
        match self {
            Self::Target => &["new", "existing"],
            Self::Step => &["reject", "nothingToDo", "let", "unique"],
            Self::RowRule => &["insert", "update", "upsert", "delete"],
            _ => &[],
        }
    }

    /// The keys that a file may have that names no aggregate.
    pub(crate) const SHARED: [&str; 5] = ["description", "types", "constants", "config", "allow"];
}

/// Whether a key is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is; what stands behind it, and how it is written.
    Supported(Form, &'static str),
    /// Not yet; the text says what to do until then.
    Later(&'static str),
}

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The mapping it stands in.
    pub place: Place,
    /// The key as written.
    pub name: &'static str,
    /// What it means, in one line.
    pub meaning: &'static str,
    /// Whether it is understood.
    pub status: Status,
}

const fn key(
    place: Place,
    name: &'static str,
    form: Form,
    meaning: &'static str,
    example: &'static str,
) -> Key {
    Key { place, name, meaning, status: Status::Supported(form, example) }
}

const fn later(
    place: Place,
    name: &'static str,
    meaning: &'static str,
    until_then: &'static str,
) -> Key {
    Key { place, name, meaning, status: Status::Later(until_then) }
}

const CALLER: &str = "let the calling program do it";

/// Every key of the language.
#[rustfmt::skip] // one key, one line
pub static KEYS: &[Key] = {
    use Form::{Assignments, Expression, Keys, Literal, Name, Switch, Text, Type, Words};
    use Place::*;
    &[
        key(File, "aggregateRoot", Name, "the name of the aggregate", "aggregateRoot: BankAccount"),
        key(File, "description", Text, "what the aggregate is, for people", "description: A current account."),
        key(File, "types", TYPES, "declared enums and records", "types:\n  Line: {sku: string, quantity: integer}"),
        key(File, "constants", CONSTANTS, "typed values, readable everywhere", "constants:\n  maxLines: integer = 10"),
        key(File, "config", FIELDS, "typed values that a program may set at its start", "config:\n  maxLines: integer = 20"),
        key(File, "state", FIELDS, "the fields of the state; `{}` for none", "state:\n  balance: decimal"),
        key(File, "derived", DERIVED, "named expressions over the state", "derived:\n  available: balance - reserved"),
        key(File, "events", EVENTS, "the events by name", "events:\n  AccountOpened:\n    version: v1\n    schema: {accountId: string}"),
        key(File, "commands", COMMANDS, "the commands by name", "commands:\n  OpenAccount:\n    target: new\n    input: {customerId: string}\n    emit: AccountOpened"),
        key(File, "invariants", INVARIANTS, "rules that always hold, as sentences", "invariants:\n  - Balance cannot be negative"),
        key(File, "eventStore", Keys(EventStore), "how the events are kept", "eventStore:\n  partitionKey: accountId"),
        key(File, "projections", PROJECTIONS, "the read models by name", "projections:\n  AccountBalanceView:\n    source: [AccountOpened]\n    target: read_db.account_balance"),
        key(File, "scenarios", SCENARIOS, "examples that become tests, by sentence", "scenarios:\n  an account opens:\n    when: {OpenAccount: {customerId: C1}}\n    then: {events: [AccountOpened]}"),
        key(File, "allow", ALLOWED, "warnings that are meant, each with the reason", "allow:\n  EL0351: the auditors ask for it"),
        later(File, "services", "facts from outside", "let the caller pass them as input"),
        later(File, "messages", "what comes from or goes to the outside", CALLER),
        later(File, "policies", "commands that follow an event", CALLER),
        later(File, "saga", "a saga", CALLER),
        later(File, "input", "the input of a saga", CALLER),
        later(File, "steps", "the steps of a saga", CALLER),
        later(File, "on", "the transitions of a saga", CALLER),
        later(File, "deadline", "when a saga gives up", CALLER),
        key(Constant, "type", Type, "the type of the value", "type: map<string, decimal>"),
        key(Constant, "value", Literal, "the value, as plain data", "value: {EUR: \"1\", USD: \"0.92\"}"),
        key(Derived, "description", Text, "what it is, for people", "description: What can be spent."),
        key(Derived, "input", FIELDS, "what it is asked with", "input: {amount: decimal}"),
        key(Derived, "value", Expression, "the expression, over the state and the input", "value: balance < amount"),
        key(Event, "description", Text, "what happened, for people", "description: A customer opened the account."),
        key(Event, "version", VERSION, "the version that is written now", "version: v1"),
        key(Event, "schema", FIELDS, "the fields", "schema: {accountId: string, amount: decimal}"),
        key(Event, "apply", Assignments, "what it does to the state; `{}` for nothing", "apply: {balance: balance + amount}"),
        key(Event, "history", HISTORY, "earlier versions", "history:\n  v1:\n    schema: {accountId: string}\n    upcast: {reason: '\"unknown\"'}"),
        key(Event, "retired", Switch, "readable, but no longer written", "retired: true"),
        key(Event, "storedAs", Text, "the name in the store", "storedAs: account-opened"),
        key(Event, "renamedFrom", OLD_NAMES, "old names under which stored events are still read", "renamedFrom: AccountCreated"),
        key(Event, "release", SOME_NAMES, "the unique field whose value becomes free", "release: seat"),
        key(Event, "occurredAt", Name, "the field that is the event's time, or `recorded`", "occurredAt: openedAt"),
        key(Event, "allow", ALLOWED, "warnings that are meant, each with the reason", "allow:\n  EL0351: the auditors ask for it"),
        key(OldVersion, "schema", FIELDS, "the fields of this version", "schema: {accountId: string}"),
        key(OldVersion, "upcast", EXPRESSIONS, "the next version's fields that don't carry over by name", "upcast: {reason: '\"unknown\"'}"),
        key(Command, "description", Text, "what it is for", "description: Pays money in."),
        key(Command, "target", TARGET, "which streams it addresses: new, existing or any", "target: new"),
        key(Command, "input", FIELDS, "what the caller gives", "input: {amount: decimal}"),
        key(Command, "reject", REFUSALS, "refusals in order; the first that holds counts", "reject:\n  AmountNotPositive: amount <= 0"),
        key(Command, "steps", STEPS, "refusals and other steps, in order; `target` says where the target is checked", "steps:\n  - reject: {AmountNotPositive: amount <= 0}"),
        key(Command, "emit", EMIT, "the events", "emit: MoneyDeposited"),
        key(Command, "ensure", REFUSALS, "conditions on the outcome", "ensure:\n  LimitExceeded: after.balance <= 1000"),
        key(Command, "handler", Words(&["custom"]), "`custom` for a hand-written decision", "handler: custom"),
        key(Command, "refuses", NAMES, "the refusals of a hand-written decision", "refuses: [NoSeatLeft, TooLate]"),
        key(Command, "allow", ALLOWED, "warnings that are meant, each with the reason", "allow:\n  EL0351: the auditors ask for it"),
        key(Target, "new", Name, "the refusal where the stream exists", "target: {new: AlreadyOpen}"),
        key(Target, "existing", Name, "the refusal where there is no stream", "target: {existing: NoSuchAccount}"),
        key(Step, "reject", REFUSALS, "refusals in order", "- reject: {AmountNotPositive: amount <= 0}"),
        key(Step, "nothingToDo", Expression, "succeed without events where this holds", "- nothingToDo: status == Closed"),
        key(Step, "let", EXPRESSIONS, "names for values", "- let: {fee: amount * 2}"),
        later(Step, "ask", "a question to a service", "let the caller pass the answer as input"),
        key(Step, "unique", Name, "the field whose key is looked up here, and not before the target", "- unique: paymentId"),
        key(Rejection, "when", Expression, "the condition under which it refuses", "when: balance < amount"),
        key(Rejection, "message", Text, "what the caller is told", "message: balance {balance} is less than {amount}"),
        key(Rejection, "emit", EMIT, "events that are kept with the refusal", "emit: LimitHit"),
        key(Emission, "when", Expression, "only where this holds", "- {MoneyWithdrawn: {}, when: amount > 0}"),
        key(Emission, "else", EMISSION, "the event where `when` does not hold", "- {A: {}, when: amount > 0, else: {B: {}}}"),
        key(Emission, "forEach", ONE_ELEMENT, "once per element of a list", "- {LineAdded: {sku: l.sku}, forEach: {l: lines}}"),
        key(Invariant, "name", Name, "the name of the refusal", "name: LimitKept"),
        key(Invariant, "check", Expression, "what must hold", "check: balance <= limit"),
        key(Invariant, "message", Text, "what the caller is told", "message: balance {balance} is over {limit}"),
        key(Invariant, "after", NAMES, "the events after which it is checked", "after: [MoneyWithdrawn]"),
        key(EventStore, "partitionKey", Name, "the name of the stream's id", "partitionKey: accountId"),
        key(EventStore, "snapshotStrategy", SNAPSHOTS, "how often a snapshot is taken", "snapshotStrategy: every 100 events"),
        key(EventStore, "retentionPolicy", RETENTION, "how long events are kept", "retentionPolicy: 7 years"),
        key(Projection, "description", Text, "what it shows, for people", "description: The balance of every account."),
        key(Projection, "source", NAMES, "the events it reads", "source: [AccountOpened, MoneyDeposited]"),
        key(Projection, "target", TABLE, "database and table", "target: read_db.account_balance"),
        key(Projection, "updateStrategy", STRATEGY, "eventually_consistent or immediate", "updateStrategy: eventually_consistent"),
        key(Projection, "consistencyWindow", Text, "how far it may lag", "consistencyWindow: 500ms"),
        key(Projection, "key", ROW_KEY, "what identifies a row", "key: accountId"),
        key(Projection, "columns", FIELDS, "the columns of a row, with their types or aggregates", "columns: {accountId: string, balance: decimal, deposits: count(MoneyDeposited)}"),
        key(Projection, "mirrors", EXPRESSIONS, "columns that always equal a value of the state", "mirrors: {balance: state.balance}"),
        key(Projection, "on", ROW_RULES, "what each event does to its row", "on:\n  MoneyDeposited:\n    update: {balance: row.balance + amount}"),
        key(Projection, "indexes", INDEXES, "columns by which rows are found fast", "indexes: [customerId, [status, updatedAt]]"),
        key(Projection, "queries", QUERIES, "what is asked of the rows, as typed functions", "queries:\n  byCustomer:\n    where: customerId == input.customerId\n    orderBy: updatedAt desc\n    limit: 50"),
        key(Query, "description", Text, "what it finds, for people", "description: The accounts of a customer."),
        key(Query, "input", FIELDS, "what the caller gives, where `where` does not tell", "input: {name: string?}"),
        key(Query, "where", Expression, "what holds for the rows", "where: customerId == input.customerId"),
        key(Query, "orderBy", ORDER, "the columns that they are sorted by", "orderBy: [status, updatedAt desc]"),
        key(Query, "limit", Expression, "how many rows at most", "limit: 50"),
        key(Query, "offset", Expression, "how many rows are left out first", "offset: input.from"),
        key(Query, "select", SELECT, "what is worked out of the rows, or of each group of them", "select: {day: row.day, total: sum(amount), number: count()}"),
        key(Query, "groupBy", SOME_NAMES, "the columns in which the rows of a group are alike", "groupBy: day"),
        key(RowRule, "insert", Assignments, "add the row, which must not exist", "insert: {balance: initialBalance}"),
        key(RowRule, "update", Assignments, "change the row, which must exist", "update: {balance: row.balance + amount}"),
        key(RowRule, "upsert", Assignments, "change the row, or a new one with zero values", "upsert: {total: row.total + amount}"),
        key(RowRule, "delete", Words(&["row"]), "remove the row", "delete: row"),
        key(RowRule, "when", Expression, "only where this holds", "when: amount > 0"),
        key(RowRule, "key", ROW_KEY, "another key than the projection's", "key: {day: depositedAt.date()}"),
        key(RowRule, "onConflict", Words(&["ignore"]), "`ignore`: inserting an existing row changes nothing", "onConflict: ignore"),
        key(RowRule, "onMissing", Words(&["skip"]), "`skip`: updating a missing row changes nothing", "onMissing: skip"),
        key(RowRule, "match", Expression, "the rows, found by other columns than the key", "match: row.customerId == customerId"),
        key(RowRule, "forEach", ONE_ELEMENT, "once per element of a list", "forEach: {line: lines}"),
        key(Scenario, "given", HAPPENED, "events before", "given:\n  - AccountOpened: {customerId: C1}"),
        key(Scenario, "when", ASKED, "the command", "when: {DepositMoney: {amount: \"5\"}}"),
        key(Scenario, "then", Keys(Outcome), "the outcome", "then: {error: AccountNotOpen}"),
        key(Scenario, "now", Text, "the clock", "now: 2026-01-31T12:00:00Z"),
        key(Scenario, "config", VALUES, "what the program is set to; the defaults where nothing is said", "config: {maxLines: 2}"),
        later(Scenario, "services", "answers of services", "give the answer as input"),
        key(Scenario, "ids", IDS, "what `new_id()` gives, in order", "ids: [67e55044-10b1-426f-9247-bb680e5fe0c8]"),
        key(Scenario, "steps", STORY, "several commands in turn, instead of `when` and `then`", "steps:\n  - when: {DepositMoney: {amount: \"5\"}}\n  - advanceTo: 2026-02-01T00:00:00Z\n    when: {CloseAccount: {reason: moved}}\n    then: {error: BalanceLeft}"),
        key(ScenarioStep, "advanceTo", Text, "the clock of this command and on, no earlier than before", "advanceTo: 2026-02-01T00:00:00Z"),
        key(ScenarioStep, "when", ASKED, "the command", "when: {DepositMoney: {amount: \"5\"}}"),
        key(ScenarioStep, "then", Keys(Outcome), "the outcome; accepted, where nothing is said", "then: {error: AccountNotOpen}"),
        key(Outcome, "events", HAPPENED, "the events that are written; only named fields are compared", "then:\n  events:\n    - MoneyDeposited: {amount: \"5\"}"),
        key(Outcome, "error", Name, "the refusal", "then: {error: AccountNotOpen}"),
        key(Outcome, "state", VALUES, "the state after; only named fields are compared", "then: {state: {balance: \"5\"}}"),
        key(Outcome, "rows", ROWS, "rows by projection; only named columns are compared", "then:\n  rows:\n    AccountBalanceView:\n      - {balance: \"5\"}"),
        later(Outcome, "messages", "messages that are sent", "leave them out"),
        later(Outcome, "asked", "questions to services", "leave them out"),
        later(Field, "type", "the type of a field with attributes", "write `name: type`"),
        later(Field, "personal", "data of a person, erasable by key", "keep personal data outside the events"),
    ]
};

/// The keys of a mapping.
pub fn of(place: Place) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.place == place)
}

/// The fixed words behind a key.
pub(super) fn words(place: Place, name: &str) -> &'static [&'static str] {
    match find(place, name).map(|key| key.status) {
        Some(Status::Supported(form, _)) => form.words(),
        _ => &[],
    }
}

/// A key of a mapping by its name.
#[must_use]
pub fn find(place: Place, name: &str) -> Option<&'static Key> {
    of(place).find(|key| key.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn rules_of_a_place_name_its_keys() {
        for place in KEYS.iter().map(|key| key.place) {
            for name in place.required().iter().chain(place.one_of()) {
                assert!(find(place, name).is_some(), "{place:?} has no key {name}");
            }
        }
    }

    #[test]
    fn no_key_stands_twice() {
        let mut seen = BTreeSet::new();
        for key in KEYS {
            assert!(seen.insert((key.place, key.name)), "{key:?}");
        }
    }
}
