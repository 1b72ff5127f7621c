//! What the compiler tells: findings as data, rendered elsewhere.

use crate::source::Span;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The build fails.
    Error,
    /// The build goes on.
    Warning,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Permanent code, for example `EL0012`.
    pub code: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// What happened, in one line.
    pub title: String,
    /// Where, and what is there: the caret's label.
    pub primary: (Span, String),
    /// Other places that matter, each with what is there.
    pub secondary: Vec<(Span, String)>,
    /// Why it is so.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Vec<String>,
}
