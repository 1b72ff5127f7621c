//! Patterns for text. Matching takes time in proportion to the text, whatever the pattern.

use std::sync::OnceLock;

use regex_lite::{NoExpand, Regex};

/// A pattern that is compiled at its first use and then kept; see [`pattern!`](crate::pattern).
#[derive(Debug)]
pub struct Pattern {
    text: &'static str,
    whole: OnceLock<Regex>,
    part: OnceLock<Regex>,
}

/// The [`Pattern`] of a text literal, compiled once for each place where this stands.
///
/// ```
/// use eventloom_runtime::pattern;
///
/// assert!(pattern!("[A-Z]{3}").matches("EUR"));
/// assert!(!pattern!("[A-Z]{3}").matches("EURO"));
/// ```
#[macro_export]
macro_rules! pattern {
    ($text:literal) => {{
        static PATTERN: $crate::eval::Pattern = $crate::eval::Pattern::new($text);
        &PATTERN
    }};
}

impl Pattern {
    /// The pattern that is written like this.
    pub const fn new(text: &'static str) -> Self {
        Self { text, whole: OnceLock::new(), part: OnceLock::new() }
    }

    /// Whether it describes the whole text, and not just a part.
    ///
    /// # Panics
    /// If it is no pattern, of which the compiler of the ontology makes sure.
    pub fn matches(&self, text: &str) -> bool {
        let whole = || compiled(&format!(r"\A(?:{})\z", self.text));
        self.whole.get_or_init(whole).is_match(text)
    }

    /// The text with each part that it describes replaced. The new text is taken as it is: `$1` has no
    /// meaning in it.
    ///
    /// # Panics
    /// If it is no pattern, of which the compiler of the ontology makes sure.
    pub fn replace_all(&self, text: &str, new: &str) -> String {
        let part = self.part.get_or_init(|| compiled(self.text));
        part.replace_all(text, NoExpand(new)).into_owned()
    }
}

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|error| {
        panic!("`{pattern}` was checked when the ontology was compiled, but is no pattern: {error}")
    })
}
