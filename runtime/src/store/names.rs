//! Names of aggregate types, kept for as long as the process runs.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Names of aggregate types that are kept.
const AGGREGATES: usize = 4096;
/// Length in bytes of such a name.
const NAME_BYTES: usize = 1024;

/// Names of aggregate types that the process knows.
struct Names {
    /// Those of the program itself, of which there are no more than there are.
    own: BTreeSet<&'static str>,
    /// Those that databases told.
    told: BTreeSet<&'static str>,
}

static NAMES: Mutex<Names> = Mutex::new(Names::new());

impl Names {
    const fn new() -> Self {
        Self { own: BTreeSet::new(), told: BTreeSet::new() }
    }

    /// The name as it is kept for as long as the program runs. No ontology has as many of them, or as
    /// long ones, as a database may claim that is to fill the memory.
    fn keep(&mut self, name: &str) -> std::result::Result<&'static str, UnlikelyName> {
        if let Some(known) = self.own.get(name).or_else(|| self.told.get(name)) {
            return Ok(known);
        }
        if name.len() > NAME_BYTES {
            return Err(UnlikelyName::TooLong);
        }
        if self.told.len() >= AGGREGATES {
            return Err(UnlikelyName::TooMany);
        }
        let name: &'static str = Box::leak(name.into());
        self.told.insert(name);
        Ok(name)
    }
}

/// Knows an aggregate type of the program, whatever names databases have told.
pub(crate) fn know(aggregate: &'static str) {
    lock(&NAMES).own.insert(aggregate);
}

/// The name of an aggregate type as a database tells it.
pub(crate) fn aggregate(name: &str) -> std::result::Result<&'static str, UnlikelyName> {
    lock(&NAMES).keep(name)
}

/// A name that is hardly one of an aggregate type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnlikelyName {
    /// The database is not what it should be.
    #[error("an aggregate type has a name of more than {NAME_BYTES} bytes")]
    TooLong,
    /// It may be the fault of another database.
    #[error(
        "this process has met more than {AGGREGATES} names of aggregate types in the databases it opened; \
         no program has as many: see which of them is damaged or foreign, and start again without it"
    )]
    TooMany,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database that told of thousands of names filled what the process keeps of them, and from then on every
    /// one was corrupt, also for the program's own aggregates; nothing told that from a name too long.
    #[test]
    fn names_of_a_bad_file_are_not_in_the_way_of_the_programs_own() {
        let mut names = Names::new();
        for number in 0..AGGREGATES {
            assert!(names.keep(&format!("A{number}")).is_ok());
        }
        assert_eq!(names.keep("Account"), Err(UnlikelyName::TooMany));
        assert_eq!(names.keep(&"x".repeat(NAME_BYTES + 1)), Err(UnlikelyName::TooLong));
        assert_eq!(names.keep("A7"), Ok("A7"));

        names.own.insert("Account");

        assert_eq!(names.keep("Account"), Ok("Account"));
    }

    #[test]
    fn a_name_counts_once_however_often_it_is_told() {
        let mut names = Names::new();
        names.own.insert("Account");
        for _ in 0..=AGGREGATES {
            assert_eq!(names.keep("Account"), Ok("Account"));
            assert_eq!(names.keep("Till"), Ok("Till"));
        }
        assert_eq!(names.told.len(), 1);
    }
}
