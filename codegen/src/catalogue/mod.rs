//! Every diagnostic code: what it says, why the rule exists, an example, and the way out.
//!
//! A code is permanent: once released it keeps its meaning and is never given to another rule.
//! Each group of rules declares its codes in a file of its own with [`codes!`], which also gathers
//! them; a diagnostic can only be made from a declared code. Findings are in [`crate::diagnostic`].

pub mod checks;
pub mod commands;
pub mod derived;
pub mod event_store;
pub mod events;
pub mod expressions;
pub mod invariants;
pub mod lints;
pub mod load;
pub mod lock;
pub mod names;
pub mod projections;
pub mod scenarios;
pub mod types;

/// One permanent code and its explanation.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// The code, for example `EL0012`.
    pub id: &'static str,
    /// What is wrong, in one sentence.
    pub what: &'static str,
    /// Why that is refused.
    pub why: &'static str,
    /// A piece of YAML that shows it.
    pub example: &'static str,
    /// What to do.
    pub fix: &'static str,
}

impl Code {
    /// What to do, as it stands behind `help:`.
    #[must_use]
    pub fn advice(&self) -> String {
        let fix = self.fix.trim_end_matches('.');
        let mut letters = fix.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
    }
}

/// Declares the codes of one group as statics, and `ALL`, the list of them.
macro_rules! codes {
    ($($name:ident = $id:literal { what: $what:literal, why: $why:literal, example: $example:literal, fix: $fix:literal $(,)? })*) => {
        $(
            #[doc = $what]
            pub static $name: $crate::catalogue::Code = $crate::catalogue::Code {
                id: $id,
                what: $what,
                why: $why,
                example: $example,
                fix: $fix,
            };
        )*

        /// Every code of this group.
        pub static ALL: &[&$crate::catalogue::Code] = &[$(&$name),*];
    };
}
pub(crate) use codes;

/// The groups, in the order of their numbers.
static GROUPS: &[&[&Code]] = &[
    load::ALL,
    names::ALL,
    types::ALL,
    expressions::ALL,
    derived::ALL,
    events::ALL,
    commands::ALL,
    invariants::ALL,
    projections::ALL,
    scenarios::ALL,
    checks::ALL,
    event_store::ALL,
    lock::ALL,
    lints::ALL,
];

/// Every code there is.
pub fn all() -> impl Iterator<Item = &'static Code> {
    GROUPS.iter().flat_map(|group| group.iter().copied())
}

/// Whether it is a warning, which an ontology may allow.
#[must_use]
pub fn is_lint(code: &Code) -> bool {
    lints::ALL.iter().any(|lint| lint.id == code.id)
}

/// The code with this id, as a user types it (`el0012` too).
#[must_use]
pub fn find(id: &str) -> Option<&'static Code> {
    all().find(|code| code.id.eq_ignore_ascii_case(id.trim()))
}
