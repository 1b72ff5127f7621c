//! Patterns for text: checked when the ontology is compiled, by the crate that will match them.

use std::ops::Range;

use regex_lite::Regex;
use regex_syntax::ast::parse::Parser;

/// Why a text is no pattern.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The bytes of it that are to blame.
    pub(crate) at: Range<usize>,
    /// What is wrong there.
    pub(crate) why: String,
}

/// Checks a pattern, alone and as the one for a whole text.
pub(crate) fn check(pattern: &str) -> Result<(), Fault> {
    Regex::new(pattern).map_err(|error| fault(pattern, &error))?;
    // A comment at the end of a verbose pattern would take in what is put around it.
    Regex::new(&format!(r"\A(?:{pattern})\z")).map(|_| ()).map_err(|_| Fault {
        at: 0..pattern.len(),
        why: "it cannot be a pattern for a whole text".to_owned(),
    })
}

/// The crate that matches tells no places. One that reads the same patterns does, though it knows some that
/// the first doesn't, as `\p{L}`.
fn fault(pattern: &str, error: &regex_lite::Error) -> Fault {
    match Parser::new().parse(pattern) {
        Err(found) => {
            let span = found.span();
            Fault { at: span.start.offset..span.end.offset, why: found.kind().to_string() }
        }
        Ok(_) => Fault { at: 0..pattern.len(), why: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, check};

    fn wrong(pattern: &str) -> (String, String) {
        let Fault { at, why } = check(pattern).expect_err(pattern);
        (pattern[at].to_owned(), why)
    }

    #[test]
    fn what_is_no_pattern_is_blamed_where_it_is_wrong() {
        for sound in ["[A-Z]{3}", r"\d{4}-\d{2}", "a|b", "", "(?i)eur", "(?x) a # comment\n"] {
            assert_eq!(check(sound), Ok(()), "{sound}");
        }
        for (pattern, part) in
            [("[A-Z", "["), ("a(b", "("), ("a)b", ")"), ("ä{2,1}", "{2,1}"), (r"\q", r"\q")]
        {
            let (found, why) = wrong(pattern);
            if !part.is_empty() {
                assert_eq!(found, part, "{pattern}: {why}");
            }
        }
        // What only the larger crate knows, and what would not survive being put into a whole.
        for pattern in [r"\p{L}", "(?x) a # comment"] {
            assert_eq!(wrong(pattern).0, pattern);
        }
    }
}
