//! What a lock knows: facts, each with a key and a value, in the order in which they are written.
//!
//! [`super::text`] reads and writes them, [`Lock::of`] gathers those of an ontology.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Current, yaml};
use crate::model::{self, Aggregate, Definitions, Event, ONE_STREAM, Retention, meaning};
use crate::source::Span;
use crate::syntax::{self, RECORDED};

/// What has been released.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    pub(crate) facts: BTreeMap<Key, Fact>,
}

/// What a fact is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The aggregate.
    pub aggregate: String,
    /// What of it.
    pub item: Item,
}

/// What of an aggregate a fact is about. The order is that of the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// The name of the streams' id.
    Partition,
    /// How long events are kept, as [`days`] reads it.
    Retention,
    /// The meaning of the state before the first event.
    State,
    /// The shape of a version.
    Version {
        /// The event's stored name.
        event: String,
        /// The version.
        version: u32,
    },
    /// The meaning of the way from a version to the next.
    Upcast {
        /// The event's stored name.
        event: String,
        /// The version.
        version: u32,
    },
    /// The meaning of what the event does to the state.
    Apply {
        /// The event's stored name.
        event: String,
    },
    /// What the event's time goes by, where that is not its one timestamp.
    Time {
        /// The event's stored name.
        event: String,
    },
    /// That the event is no longer written.
    Retired {
        /// The event's stored name.
        event: String,
    },
    /// Where the values of a field must be unique.
    Unique {
        /// The event's stored name.
        event: String,
        /// The field.
        field: String,
    },
    /// The meaning of an invariant.
    Rule {
        /// The name of its refusal.
        refusal: String,
        /// The rule as written.
        text: String,
    },
    /// The meaning of a projection, apart from the versions of its events.
    Projection {
        /// Its name.
        name: String,
    },
    /// A name that is taken for ever, by an event or, without a name, by the aggregate.
    Reserved {
        /// The event's stored name.
        event: Option<String>,
    },
    /// A change that was accepted although it breaks what was released.
    Accepted {
        /// The code of what it breaks.
        code: String,
        /// What was changed.
        subject: String,
        /// What it was before.
        was: String,
    },
}

/// What a fact says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What is compared.
    pub value: String,
    /// The same for people, where the value is a hash; it is not compared.
    pub text: String,
    /// Its line in the lock; none where it comes from an ontology.
    pub span: Option<Span>,
}

impl Fact {
    pub(super) fn new(value: impl Into<String>, text: impl Into<String>) -> Self {
        Self { value: value.into(), text: text.into(), span: None }
    }
}

impl Key {
    pub(super) fn new(aggregate: &str, item: Item) -> Self {
        Self { aggregate: aggregate.to_owned(), item }
    }
}

impl fmt::Display for Key {
    /// `BankAccount.AccountClosed v1`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let aggregate = &self.aggregate;
        match &self.item {
            Item::Partition => write!(f, "{aggregate}.partitionKey"),
            Item::Retention => write!(f, "{aggregate}.retentionPolicy"),
            Item::State => write!(f, "{aggregate}.state"),
            Item::Version { event, version } => write!(f, "{aggregate}.{event} v{version}"),
            Item::Upcast { event, version } => {
                write!(f, "{aggregate}.{event} v{version} upcast")
            }
            Item::Apply { event } => write!(f, "{aggregate}.{event} apply"),
            Item::Time { event } => write!(f, "{aggregate}.{event} occurredAt"),
            Item::Retired { event } => write!(f, "{aggregate}.{event} retired"),
            Item::Unique { event, field } => write!(f, "{aggregate}.{event}.{field} unique"),
            Item::Rule { refusal, .. } => write!(f, "{aggregate} invariant {refusal}"),
            Item::Projection { name } => write!(f, "{aggregate} projection {name}"),
            Item::Reserved { event: Some(event) } => write!(f, "{aggregate}.{event} reserved"),
            Item::Reserved { event: None } => write!(f, "{aggregate} reserved"),
            Item::Accepted { code, subject, .. } => write!(f, "{code} {subject}"),
        }
    }
}

impl Lock {
    /// What an ontology would release.
    #[must_use]
    pub fn of(current: Current<'_>) -> Self {
        let mut lock = Self::default();
        for aggregate in &current.model.aggregates {
            let written = current.syntax.aggregates.iter().find(|a| a.name.value == aggregate.name);
            lock.add_aggregate(current.model, aggregate, written);
        }
        lock
    }

    /// The fact of this key.
    #[must_use]
    pub fn get(&self, aggregate: &str, item: Item) -> Option<&Fact> {
        self.facts.get(&Key::new(aggregate, item))
    }

    /// The facts about an aggregate.
    pub(super) fn about<'l>(
        &'l self,
        aggregate: &'l str,
    ) -> impl Iterator<Item = (&'l Item, &'l Fact)> {
        let own = self.facts.range(Key::new(aggregate, Item::Partition)..);
        let own = own.take_while(move |(key, _)| key.aggregate == aggregate);
        own.map(|(key, fact)| (&key.item, fact))
    }

    /// The released versions of an event, ascending, with their shapes.
    pub(super) fn versions<'l>(
        &'l self,
        aggregate: &'l str,
        event: &'l str,
    ) -> impl Iterator<Item = (u32, &'l Fact)> {
        let of = |version| Key::new(aggregate, Item::Version { event: event.to_owned(), version });
        self.facts.range(of(0)..=of(u32::MAX)).filter_map(|(key, fact)| match key.item {
            Item::Version { version, .. } => Some((version, fact)),
            _ => None,
        })
    }

    /// The aggregates with a released event.
    pub(super) fn aggregates(&self) -> BTreeSet<&str> {
        let released = self.facts.keys().filter(|key| matches!(key.item, Item::Version { .. }));
        released.map(|key| key.aggregate.as_str()).collect()
    }

    /// The stored names of an aggregate's released events.
    pub(super) fn events<'l>(&'l self, aggregate: &'l str) -> BTreeSet<&'l str> {
        let names = self.about(aggregate).filter_map(|(item, _)| match item {
            Item::Version { event, .. } => Some(event.as_str()),
            _ => None,
        });
        names.collect()
    }

    fn add(&mut self, aggregate: &str, item: Item, fact: Fact) {
        self.facts.insert(Key::new(aggregate, item), fact);
    }

    fn add_aggregate(
        &mut self,
        model: &model::Ontology,
        aggregate: &Aggregate,
        written: Option<&syntax::Aggregate>,
    ) {
        let (name, definitions) = (aggregate.name.as_str(), Definitions::of(model, aggregate));
        self.add(name, Item::Partition, Fact::new(partition(aggregate), ""));
        self.add(name, Item::Retention, Fact::new(retention(aggregate.retention), ""));
        let state = hash(meaning::of_state(aggregate, definitions));
        let shape = aggregate.state.as_ref().map_or_else(String::new, |s| definitions.shape(s));
        self.add(name, Item::State, Fact::new(state, shape));
        let written = written.into_iter().flat_map(|of| &of.events);
        let written: BTreeMap<&str, &syntax::Event> =
            written.map(|(name, event)| (name.value.as_str(), event)).collect();
        for event in &aggregate.events {
            let written = written.get(event.name.as_str()).copied();
            // What lies in stores under an old name is held to the same facts for ever.
            for stored in event.stored_names() {
                self.add_event(name, definitions, (event, stored), written);
            }
        }
        for rule in &aggregate.invariants {
            let (refusal, text) = (rule.refusal.clone(), one_line(&rule.text));
            let meaning = hash(meaning::of_rule(&rule.rule));
            self.add(name, Item::Rule { refusal, text }, Fact::new(meaning, ""));
        }
        for projection in &aggregate.projections {
            let meaning = hash(meaning::of_table(projection, definitions));
            let of = projection.name.clone();
            self.add(name, Item::Projection { name: of }, Fact::new(meaning, ""));
        }
    }

    fn add_event(
        &mut self,
        aggregate: &str,
        definitions: Definitions<'_>,
        (event, stored): (&Event, &String),
        written: Option<&syntax::Event>,
    ) {
        // Whatever comes to an event has to be decided on here: whether it is a part of what is released.
        let Event {
            name: _,
            stored_as: _,
            renamed_from: _,
            description: _,
            version,
            fields,
            // See `chosen_time`.
            occurred_at: _,
            retired,
            history,
            apply,
            unique,
            // What is free is free for later events; none is read differently.
            released: _,
        } = event;
        let stored = || stored.clone();
        let versions = history.iter().map(|old| (old.version, &old.fields));
        for (version, fields) in versions.chain([(*version, fields)]) {
            let item = Item::Version { event: stored(), version };
            self.add(aggregate, item, Fact::new(definitions.shape(fields), ""));
        }
        for old in history {
            let versions = written.into_iter().flat_map(|event| &event.history);
            let mut found = versions.filter(|(version, _)| version.value == old.version);
            let lines = found.next().and_then(|(_, old)| old.upcast.as_ref());
            let meaning = hash(meaning::of_assignments(Some(&old.upcast)));
            let item = Item::Upcast { event: stored(), version: old.version };
            let text = lines.map_or_else(|| "{}".to_owned(), |lines| assignments(lines, false));
            self.add(aggregate, item, Fact::new(meaning, text));
        }
        let text = written.and_then(|event| event.apply.as_ref()).map_or_else(
            || "by hand".to_owned(),
            |apply| assignments(&apply.fields, apply.spread.is_some()),
        );
        let meaning = hash(meaning::of_assignments(apply.as_deref()));
        self.add(aggregate, Item::Apply { event: stored() }, Fact::new(meaning, text));
        if let Some(time) = event.chosen_time() {
            let time = time.unwrap_or(RECORDED);
            self.add(aggregate, Item::Time { event: stored() }, Fact::new(time, ""));
        }
        if *retired {
            self.add(aggregate, Item::Retired { event: stored() }, Fact::new("", ""));
        }
        for unique in unique {
            let item = Item::Unique { event: stored(), field: unique.field.clone() };
            self.add(aggregate, item, Fact::new(scope(unique), ""));
        }
    }
}

/// `stream idempotent`: among which values one is unique, and whether it recognises a command.
pub(super) fn scope(unique: &model::UniqueField) -> String {
    let scope = if unique.across_all { "aggregate" } else { "stream" };
    let idempotent = if unique.idempotent { " idempotent" } else { "" };
    format!("{scope}{idempotent}")
}

fn retention(retention: Retention) -> String {
    match retention {
        Retention::Forever => "forever".to_owned(),
        Retention::Days(days) => format!("{days} days"),
        Retention::Months(months) => format!("{months} months"),
    }
}

/// How many days a retention is at least; none where it is for ever or nothing that this program writes.
pub(super) fn days(retention: &str) -> Option<u64> {
    let (count, unit) = retention.split_once(' ')?;
    let count = count.parse::<u32>().ok().map(u64::from)?;
    match unit {
        "days" => Some(count),
        // 4 years of 48 months have 1461 days.
        "months" => Some(count * 1461 / 48),
        _ => None,
    }
}

/// A hash as it is written.
pub(super) fn hash(hash: u64) -> String {
    format!("{hash:016x}")
}

/// Lines of an `apply` or upcast in the order of their fields, which has no meaning.
fn assignments(lines: &syntax::Map<syntax::Expression>, spread: bool) -> String {
    let line = |(field, value): &(syntax::Text, syntax::Expression)| {
        format!("{}: {}", field.value, yaml::scalar(&one_line(&value.text)))
    };
    let mut lines: Vec<String> = lines.iter().map(line).collect();
    lines.sort();
    if spread {
        lines.insert(0, "..: event".to_owned());
    }
    format!("{{{}}}", lines.join(", "))
}

/// A text with single spaces for every white space.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The partition key as it is written.
pub(super) fn partition(aggregate: &Aggregate) -> &str {
    aggregate.partition_key.as_deref().unwrap_or(ONE_STREAM)
}
