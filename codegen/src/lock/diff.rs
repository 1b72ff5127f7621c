//! What the next lock would say that the last one does not, as data.

use std::fmt;

use serde::Serialize;

use super::facts::{Fact, Item, Key, Lock};
use super::{Current, verify};
use crate::diagnostic::Diagnostic;
use crate::model::Aggregate;

/// Everything that changed since something was released.
#[derive(Clone, Debug, Default)]
pub struct Diff {
    /// What is new, other or gone, in the order of the lock.
    pub differences: Vec<Difference>,
    /// What follows for snapshots and read models when the program is deployed.
    pub follows: Vec<String>,
    /// What breaks stored events (errors), and what to know of the rest (warnings).
    pub findings: Vec<Diagnostic>,
    /// What was accepted earlier although it broke what was released.
    pub accepted: Vec<Accepted>,
}

/// Something that is new, other or gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What: `BankAccount.AccountClosed v2`.
    pub what: String,
    /// What was released; none where it is new.
    pub released: Option<String>,
    /// What is in the ontology; none where it is gone.
    pub now: Option<String>,
}

/// A change that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Accepted {
    /// The code of what it broke.
    pub code: String,
    /// The aggregate.
    pub aggregate: String,
    /// What of it was changed.
    pub what: String,
    /// What it was before.
    pub was: String,
    /// Why.
    pub reason: String,
}

/// What changed since a lock was written.
#[must_use]
pub fn diff(old: &Lock, current: Current<'_>) -> Diff {
    let now = Lock::of(current);
    let here = |key: &Key| {
        let is_here = current.model.aggregates.iter().any(|of| of.name == key.aggregate);
        is_here || !current.beside.contains(&key.aggregate)
    };
    let keys = old.facts.keys().filter(|key| here(key)).chain(now.facts.keys());
    let keys: std::collections::BTreeSet<&Key> = keys.collect();
    let differences = keys.into_iter().filter_map(|key| difference(key, old, &now));
    Diff {
        differences: differences.collect(),
        follows: current.model.aggregates.iter().flat_map(|of| follows(of, old, &now)).collect(),
        findings: verify(current, old),
        accepted: old.accepted(),
    }
}

fn difference(key: &Key, old: &Lock, now: &Lock) -> Option<Difference> {
    if matches!(key.item, Item::Reserved { .. } | Item::Accepted { .. }) {
        return None;
    }
    let (released, is) = (old.facts.get(key), now.facts.get(key));
    if released.map(|fact| &fact.value) == is.map(|fact| &fact.value) {
        return None;
    }
    let shown = |fact: Option<&Fact>| fact.map(|fact| shown(key, fact));
    Some(Difference { what: key.to_string(), released: shown(released), now: shown(is) })
}

/// A fact for people: what stands for a hash says it in words.
fn shown(key: &Key, fact: &Fact) -> String {
    match &key.item {
        Item::Rule { text, .. } => text.clone(),
        Item::Retired { .. } => "retired".to_owned(),
        Item::Projection { .. } => format!("rows {}", fact.value),
        _ if fact.text.is_empty() => fact.value.clone(),
        _ => fact.text.clone(),
    }
}

/// What is built anew because something under it changed; of what was never released, nothing.
fn follows(aggregate: &Aggregate, old: &Lock, now: &Lock) -> Vec<String> {
    let name = &aggregate.name;
    if old.events(name).is_empty() {
        return Vec::new();
    }
    let differs = |wanted: &dyn Fn(&Item) -> bool| {
        let side = |lock: &Lock| {
            let own = lock.about(name).filter(|(item, _)| wanted(item));
            own.map(|(item, fact)| (item.clone(), fact.value.clone())).collect::<Vec<_>>()
        };
        side(old) != side(now)
    };
    let of_event = |item: &Item, stored: &dyn Fn(&str) -> bool| match item {
        Item::Version { event, .. } | Item::Upcast { event, .. } => stored(event),
        _ => false,
    };
    let mut follows = Vec::new();
    let folds = |item: &Item| {
        matches!(item, Item::State | Item::Apply { .. } | Item::Time { .. })
            || of_event(item, &|_| true)
    };
    if aggregate.snapshot_every.is_some() && differs(&folds) {
        follows.push(format!("the snapshots of `{name}` drop"));
    }
    for projection in &aggregate.projections {
        let reads = |stored: &str| {
            let mut sources =
                aggregate.events.iter().filter(|e| projection.source.contains(&e.name));
            sources.any(|event| event.stored_as == stored)
        };
        let own = Item::Projection { name: projection.name.clone() };
        let is_new = old.get(name, own.clone()).is_none();
        if is_new {
            follows.push(format!("`{}` builds its table from the first event", projection.name));
        } else if differs(&|item| *item == own || of_event(item, &reads)) {
            follows.push(format!("`{}` rebuilds its table from the first event", projection.name));
        }
    }
    follows
}

impl Lock {
    /// What was accepted although it broke what was released.
    #[must_use]
    pub fn accepted(&self) -> Vec<Accepted> {
        let accepted = self.facts.iter().filter_map(|(key, fact)| match &key.item {
            Item::Accepted { code, subject, was } => Some(Accepted {
                code: code.clone(),
                aggregate: key.aggregate.clone(),
                what: subject.clone(),
                was: was.clone(),
                reason: fact.value.clone(),
            }),
            _ => None,
        });
        accepted.collect()
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.released, &self.now) {
            (None, Some(now)) => write!(f, "+ {}: {now}", self.what),
            (Some(released), None) => write!(f, "- {}: {released}", self.what),
            (Some(released), Some(now)) => {
                write!(f, "~ {}\n    released: {released}\n    now:      {now}", self.what)
            }
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Display for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, aggregate, what, was, reason } = self;
        let was = if was.is_empty() { String::new() } else { format!(", which was {was}") };
        write!(f, "! {code} {aggregate} {what}{was}: {reason}")
    }
}

impl fmt::Display for Diff {
    /// Without the findings, which are shown with their places by [`crate::render`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.differences.iter().try_for_each(|difference| writeln!(f, "{difference}"))?;
        self.follows.iter().try_for_each(|follows| writeln!(f, "> {follows}"))?;
        self.accepted.iter().try_for_each(|accepted| writeln!(f, "{accepted}"))
    }
}
