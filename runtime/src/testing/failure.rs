//! What a check found: the one error type of everything under [`crate::testing`].
//!
//! A check returns it rather than panics, so that a test of the checks themselves (a mutation) needs
//! no unwinding. Printed, it says which theme, what must hold, and what was found.

use std::fmt;

use crate::projection::{ProjectorError, ReadModelError};
use crate::store::{AppendError, StoreError};

/// The outcome of a check.
pub type Check<T = ()> = Result<T, Failure>;

/// A check failed.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure {
    found: String,
    context: Vec<(&'static str, String)>,
}

impl Failure {
    /// A failure that was found.
    pub fn new(found: impl Into<String>) -> Self {
        Self { found: found.into(), context: Vec::new() }
    }

    /// Adds what a reader wants to know beside it, under a heading such as `theme` or `history`.
    #[must_use]
    pub fn with(mut self, heading: &'static str, text: impl Into<String>) -> Self {
        self.context.push((heading, text.into()));
        self
    }

    /// What was found, without its context.
    pub fn found(&self) -> &str {
        &self.found
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.found)?;
        for (heading, text) in &self.context {
            write!(f, "\n  {heading}: {}", text.replace('\n', "\n    "))?;
        }
        Ok(())
    }
}

/// As [`fmt::Display`]: this is what a test that returns the failure prints.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failure {}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(format!("the store failed where it should not: {error}"))
    }
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        Self::new(format!("an append was refused that should land: {error}"))
    }
}

impl From<ProjectorError> for Failure {
    fn from(error: ProjectorError) -> Self {
        Self::new(format!("a projection failed where it should not: {error}"))
    }
}

impl From<ReadModelError> for Failure {
    fn from(error: ReadModelError) -> Self {
        Self::new(format!("rows cannot be read: {error}"))
    }
}

/// Adds context to the failure of a check.
pub trait Context<T> {
    /// As [`Failure::with`]; the text is made only where there is a failure.
    ///
    /// # Errors
    /// The failure, with its context.
    fn context(self, heading: &'static str, text: impl FnOnce() -> String) -> Check<T>;
}

impl<T> Context<T> for Check<T> {
    fn context(self, heading: &'static str, text: impl FnOnce() -> String) -> Check<T> {
        self.map_err(|failure| failure.with(heading, text()))
    }
}

/// Checks that a value is what it must be.
///
/// # Errors
/// A failure that shows both.
pub fn equal<T: PartialEq + fmt::Debug>(what: &str, found: &T, expected: &T) -> Check {
    if found == expected {
        return Ok(());
    }
    let (expected, found) = (format!("{expected:?}"), format!("{found:?}"));
    let alike = expected.chars().zip(found.chars()).take_while(|(a, b)| a == b).count();
    let start =
        if expected.len().max(found.len()) > LONG { alike.saturating_sub(LONG / 10) } else { 0 };
    Err(Failure::new(format!("{what} differs"))
        .with("expected", part(&expected, start))
        .with("found", part(&found, start)))
}

/// More characters than this nobody reads.
const LONG: usize = 2_000;

/// A text that is short enough to be read: of a long one the beginning.
pub(super) fn shortened(text: &str) -> String {
    part(text, 0)
}

/// A text from a character on, with a word about what is left out.
fn part(text: &str, start: usize) -> String {
    let shown: String = text.chars().skip(start).take(LONG).collect();
    let before = if start > 0 { format!("({start} characters alike) … ") } else { String::new() };
    let rest = text.chars().count().saturating_sub(start + LONG);
    let after = if rest > 0 { format!(" … ({rest} characters more)") } else { String::new() };
    format!("{before}{shown}{after}")
}

/// Returns a [`Failure`] unless a condition holds.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err($crate::testing::Failure::new(format!($($message)+)));
        }
    };
}

pub(crate) use ensure;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_shown_where_it_does() {
        let long = |last: &str| vec!["x".repeat(3_000), last.to_owned()];
        let failure =
            equal("the list", &long("found"), &long("expected")).expect_err("they differ");
        let shown = failure.to_string();
        assert!(shown.contains("expected\"]") && shown.contains("found\"]"), "{shown}");
        assert!(shown.contains("characters alike) … xxx") && shown.len() < 1_000, "{shown}");

        let failure = equal("the number", &1, &2).expect_err("they differ");
        assert_eq!(failure.to_string(), "the number differs\n  expected: 2\n  found: 1");
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        assert_eq!(shortened("short"), "short");
        let cut = shortened(&"é".repeat(LONG + 5));
        assert!(cut.ends_with("é … (5 characters more)"), "{cut}");
    }
}
