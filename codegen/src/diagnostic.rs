//! What the compiler tells: findings as data.
//!
//! [`crate::render`] turns them into text, [`crate::catalogue`] holds the codes they carry.

use crate::catalogue::Code;
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
    /// The permanent code.
    pub code: &'static Code,
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
    /// What to do; where it is empty, the code's own advice stands for it.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// A finding that fails the build. The label says what is at the place; it may be empty.
    pub fn error(
        code: &'static Code,
        title: impl Into<String>,
        place: Span,
        label: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity: Severity::Error,
            title: title.into(),
            primary: (place, label.into()),
            secondary: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
        }
    }

    /// A finding that lets the build go on.
    pub fn warning(
        code: &'static Code,
        title: impl Into<String>,
        place: Span,
        label: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, title, place, label) }
    }

    /// Adds another place that matters.
    #[must_use]
    pub fn place(mut self, span: Span, label: impl Into<String>) -> Self {
        self.secondary.push((span, label.into()));
        self
    }

    /// Adds a reason.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds a way out.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// The ways out, of which every finding has one.
    #[must_use]
    pub fn ways_out(&self) -> Vec<String> {
        if self.help.is_empty() { vec![self.code.advice()] } else { self.help.clone() }
    }
}

/// Whether any of these fails the build.
#[must_use]
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

/// Sorts by file and place, then by code and text, so that a report never depends on the order in
/// which rules ran; what was found twice is told once.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| {
        let key = |d: &Diagnostic| (d.primary.0, d.severity, d.code.id);
        key(a).cmp(&key(b)).then_with(|| a.title.cmp(&b.title))
    });
    diagnostics.dedup();
}
