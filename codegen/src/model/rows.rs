//! The rules of a projection: what an event does to a row, and to which.

use serde::Serialize;

use super::{Assignment, Condition, Expression, ExpressionKind, Scope};

/// What an event does to the row of its key; the first of several whose condition holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowRule {
    /// The condition; may read `row` (then the rule needs an existing row).
    pub when: Option<Expression>,
    /// The verb.
    pub verb: Verb,
    /// For `insert`: every column that is not key. For `update` and `upsert`: the columns that change.
    pub columns: Vec<Assignment>,
    /// A key of its own.
    pub key: Option<Vec<Assignment>>,
    /// An insert on an existing row is no error and changes nothing.
    pub ignore_conflict: bool,
    /// An update or delete of a missing row is no error.
    pub skip_missing: bool,
    /// The rows, where they are found by other columns than the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matching: Option<Matching>,
    /// Once per element: the local's name, and the list, which reads the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_each: Option<(String, Expression)>,
}

/// A condition on rows, by which an event finds them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Matching {
    /// What it means; reads the row and the event.
    pub meaning: Expression,
    /// The same as a read database can answer it.
    #[serde(skip)]
    pub asked: Condition,
}

impl RowRule {
    /// The rule's own key, or the projection's.
    #[must_use]
    pub fn own_or<'k>(&'k self, key: &'k [Assignment]) -> &'k [Assignment] {
        self.key.as_deref().unwrap_or(key)
    }

    /// Whether it may concern other rows than the one of the event's key.
    #[must_use]
    pub fn is_of_several(&self) -> bool {
        self.matching.is_some() || self.for_each.is_some()
    }

    /// Whether the condition reads the row.
    #[must_use]
    pub fn asks_row(&self) -> bool {
        let reads_row =
            |part: &Expression| matches!(part.kind, ExpressionKind::Read(Scope::Row, _));
        self.when.as_ref().is_some_and(|when| when.any(&reads_row))
    }
}

/// The rules of an event whose conditions choose its key: those before the rules at the end that all have
/// one key.
#[must_use]
pub fn choosing_key<'r>(key: &[Assignment], rules: &'r [RowRule]) -> &'r [RowRule] {
    let Some(last) = rules.last() else { return rules };
    let alike = |rule: &&RowRule| is_same_key(rule.own_or(key), last.own_or(key));
    let alike = rules.iter().rev().take_while(alike).count();
    &rules[..rules.len() - alike]
}

/// Whether two keys are the same, in whatever order their columns stand.
#[must_use]
pub fn is_same_key(one: &[Assignment], other: &[Assignment]) -> bool {
    one.len() == other.len() && one.iter().all(|column| other.contains(column))
}

/// The verbs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Verb {
    /// The row must not exist.
    Insert,
    /// The row must exist.
    Update,
    /// The row may exist; absent, it starts as the zero row.
    Upsert,
    /// The row must exist and is removed.
    Delete,
}
