//! The fourth stage: holds an ontology to what has been released of it.
//!
//! A lock is a text beside the ontology ([`text`]) with facts about every version that was ever released
//! ([`Lock`]). A build only verifies; [`write()`] makes the next lock and refuses what would break stored
//! events, unless that is accepted with a reason, which the lock keeps. What is not in the lock changes
//! freely. Stores record the shapes of what they hold themselves: that catches what was never locked.
//!
//! One rule, one file, one code, as in [`crate::check`]: codes below EL0920 are about replay and fail the
//! build, those above say what follows from a change of behaviour.

mod change;
mod context;
mod diff;
mod facts;
mod place;
mod reshaped;
mod shape;
mod text;
mod write;
mod yaml;

mod el0901_removed;
mod el0902_reshaped;
mod el0903_field_added;
mod el0904_field_removed;
mod el0905_type_changed;
mod el0906_field_renamed;
mod el0907_required;
mod el0908_variants;
mod el0909_narrowed;
mod el0910_event_renamed;
mod el0911_casing;
mod el0912_partition_key;
mod el0913_unique_key;
mod el0914_name_taken;
mod el0921_fold;
mod el0922_invariant;
mod el0923_retention;

pub use diff::{Accepted, Diff, Difference, diff};
pub use facts::{Fact, Item, Key, Lock};
pub use write::{Acceptance, Refused, write};

use context::{Finding, Verified};

use crate::diagnostic::{Diagnostic, has_errors};
use crate::source::Sources;
use crate::{Understood, model, syntax};

/// An ontology without mistakes, as the lock looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Current<'a> {
    /// As written: with places.
    pub syntax: &'a syntax::Ontology,
    /// As meant.
    pub model: &'a model::Ontology,
    /// Aggregates that share the lock and are not part of this build.
    pub beside: &'a [String],
}

impl<'a> Current<'a> {
    /// An ontology as it was understood; none where it has mistakes.
    #[must_use]
    pub fn of(understood: &'a Understood, sources: &'a Sources) -> Option<Self> {
        let sound = !has_errors(&understood.diagnostics);
        let model = understood.model.as_ref().filter(|_| sound)?;
        Some(Self { syntax: &understood.syntax, model, beside: &sources.beside })
    }
}

type Rule = fn(&Verified<'_>, &mut Vec<Finding>);

/// What the shapes of versions alone can tell.
const SHAPES: &[Rule] = &[
    el0901_removed::check,
    el0902_reshaped::check,
    el0903_field_added::check,
    el0904_field_removed::check,
    el0905_type_changed::check,
    el0906_field_renamed::check,
    el0907_required::check,
    el0908_variants::check,
    el0909_narrowed::check,
    el0910_event_renamed::check,
    el0911_casing::check,
];

/// What needs the whole model.
const REST: &[Rule] = &[
    el0912_partition_key::check,
    el0913_unique_key::check,
    el0914_name_taken::check,
    el0921_fold::check,
    el0922_invariant::check,
    el0923_retention::check,
];

/// Holds an ontology to a lock.
#[must_use]
pub fn verify(current: Current<'_>, lock: &Lock) -> Vec<Diagnostic> {
    findings(current, lock).into_iter().map(|finding| finding.diagnostic).collect()
}

fn findings(current: Current<'_>, lock: &Lock) -> Vec<Finding> {
    held_to(current, lock, &[SHAPES, REST].concat())
}

fn held_to(current: Current<'_>, lock: &Lock, rules: &[Rule]) -> Vec<Finding> {
    let verified = Verified::new(current, lock);
    let mut findings = Vec::new();
    for rule in rules {
        rule(&verified, &mut findings);
    }
    findings
}

/// The lock that lies beside an ontology; none where nothing has been released.
///
/// # Errors
/// What is wrong with it.
pub fn read(sources: &Sources) -> Result<Option<Lock>, Vec<Diagnostic>> {
    match &sources.lock {
        None => Ok(None),
        Some(file) => match &file.refused {
            Some(refused) => Err(vec![refused.clone()]),
            None => Lock::parse(&file.text).map(Some),
        },
    }
}

/// The stage: reads the lock, where there is one, and holds the ontology to it; where something else is
/// wrong, the shapes of its events, so that a changed event is not told only after all that follows from it.
pub(crate) fn check(understood: &Understood, sources: &Sources) -> Vec<Diagnostic> {
    let lock = match read(sources) {
        Err(findings) => return findings,
        Ok(None) => return Vec::new(),
        Ok(Some(lock)) => lock,
    };
    let (syntax, beside) = (&understood.syntax, sources.beside.as_slice());
    let rules = [SHAPES, REST].concat();
    let whole = understood.model.as_ref().map(|model| (model, rules.as_slice()));
    let sides = whole.or_else(|| understood.events.as_ref().map(|events| (events, SHAPES)));
    let Some((model, rules)) = sides else { return Vec::new() };
    let findings = held_to(Current { syntax, model, beside }, &lock, rules);
    findings.into_iter().map(|finding| finding.diagnostic).collect()
}
