//! The next lock: what the ontology says now, beside what is taken for ever and what was accepted.

use std::collections::BTreeSet;
use std::fmt;

use super::context::{Finding, Names};
use super::facts::{Fact, Item, Key, Lock, one_line};
use super::{Current, findings};
use crate::diagnostic::{Diagnostic, Severity};

/// That changes of a code may be released although they break what was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// The code, as a user types it.
    pub code: String,
    /// Why; the lock keeps it.
    pub reason: String,
}

/// Why there is no next lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The ontology breaks what was released, in ways that were not accepted.
    Breaks(Vec<Diagnostic>),
    /// An acceptance gives no reason.
    NoReason(Acceptance),
    /// Nothing of that code was found, so that accepting it is a slip.
    NothingToAccept(Acceptance),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Breaks(found) => {
                let codes: BTreeSet<&str> = found.iter().map(|found| found.code.id).collect();
                let codes: Vec<&str> = codes.into_iter().collect();
                write!(
                    f,
                    "the ontology breaks what was released ({}); nothing was locked",
                    codes.join(", ")
                )
            }
            Self::NoReason(of) => {
                write!(f, "accepting {} needs a reason, which the lock keeps", of.code)
            }
            Self::NothingToAccept(of) => {
                write!(f, "there is no {} to accept; nothing was locked", of.code)
            }
        }
    }
}

impl std::error::Error for Refused {}

/// The text of the next lock.
///
/// # Errors
/// Where the ontology breaks what was released, unless that is accepted with a reason.
pub fn write(
    current: Current<'_>,
    old: Option<&Lock>,
    accepted: &[Acceptance],
) -> Result<String, Refused> {
    if let Some(without) = accepted.iter().find(|of| one_line(&of.reason).is_empty()) {
        return Err(Refused::NoReason(without.clone()));
    }
    let nothing = Lock::default();
    let old = old.unwrap_or(&nothing);
    let breaking: Vec<Finding> = findings(current, old)
        .into_iter()
        .filter(|finding| finding.diagnostic.severity == Severity::Error)
        .collect();
    let by = |finding: &Finding| {
        let id = finding.diagnostic.code.id;
        accepted.iter().find(|of| of.code.trim().eq_ignore_ascii_case(id))
    };
    let is_used = |of: &&Acceptance| breaking.iter().any(|finding| by(finding) == Some(of));
    if let Some(unused) = accepted.iter().find(|of| !is_used(of)) {
        return Err(Refused::NothingToAccept(unused.clone()));
    }
    let refused: Vec<Diagnostic> = breaking
        .iter()
        .filter(|finding| by(finding).is_none())
        .map(|finding| finding.diagnostic.clone())
        .collect();
    if !refused.is_empty() {
        return Err(Refused::Breaks(refused));
    }
    let mut lock = Lock::of(current);
    lock.keep(old, current);
    for finding in &breaking {
        if let Some(of) = by(finding) {
            lock.accept(finding, &of.reason);
        }
    }
    Ok(lock.to_text())
}

impl Lock {
    /// Takes over what no ontology says: reserved names, what was accepted, and the aggregates of files that
    /// are no part of this build.
    fn keep(&mut self, old: &Self, current: Current<'_>) {
        let is_beside = |key: &Key| {
            let here = current.model.aggregates.iter().any(|of| of.name == key.aggregate);
            !here && current.beside.contains(&key.aggregate)
        };
        for (key, fact) in &old.facts {
            if matches!(key.item, Item::Reserved { .. } | Item::Accepted { .. }) || is_beside(key) {
                self.facts.insert(key.clone(), fact.clone());
            }
        }
    }

    /// Records what was accepted.
    fn accept(&mut self, finding: &Finding, reason: &str) {
        let of = &finding.aggregate;
        let item = Item::Accepted {
            code: finding.diagnostic.code.id.to_owned(),
            subject: finding.subject.clone(),
            was: finding.was.clone(),
        };
        self.facts.insert(Key::new(of, item), Fact::new(one_line(reason), ""));
        match finding.names.clone() {
            Names::Stay => {}
            Names::Take(event) => {
                self.facts.insert(Key::new(of, Item::Reserved { event }), Fact::new("", ""));
            }
            Names::Free(event) => {
                self.facts.remove(&Key::new(of, Item::Reserved { event }));
            }
        }
    }
}
