//! Types of single values with rules: `integer from 1 to 999`, `string of 1 to 80 characters`,
//! `string matching [A-Z]{3}`.
//!
//! Whether a rule fits its type and can be kept is `resolve`'s question.

use super::{MapHelp, Parser, Refused};
use crate::load::lower::Lowering;
use crate::source::Spanned;
use crate::syntax::{Expression, Newtype, NewtypeRule, Text};

/// The words that a rule begins with.
const BEGINNINGS: [&str; 7] = ["from", "at", "greater", "less", "of", "matching", "and"];

/// The forms, for those who wrote none of them.
pub(super) const FORMS: &str = "the rules of a number are `from 1 to 999`, `at least 1`, `at most 999`, `greater than 0` and `less than 1`, joined by `and`; of a text `of 1 to 80 characters` and `matching [A-Z]{3}`";

/// Whether a text goes on with a rule.
pub(super) fn begins(rest: &str) -> bool {
    let word = rest.split_whitespace().next().unwrap_or_default();
    BEGINNINGS.contains(&word)
}

impl Lowering<'_> {
    /// A type with its rules; none, and reported, where it is none.
    pub(super) fn newtype(&mut self, text: &Expression) -> Option<Newtype> {
        let mut parser = Parser { text, at: 0, end: text.text.len(), depth: 0 };
        let parsed = parser.one().and_then(|base| Ok((base, parser.rules()?)));
        match parsed {
            Ok((base, rules)) => Some(Newtype { base, rules, text: text.text.trim().to_owned() }),
            Err(diagnostic) => {
                self.lose(*diagnostic);
                None
            }
        }
    }
}

impl Parser<'_> {
    fn rules(&mut self) -> Result<Vec<NewtypeRule>, Refused> {
        let mut rules = Vec::new();
        while self.peek().is_some() {
            if !rules.is_empty() && !matches!(rules.last(), Some(NewtypeRule::Characters { .. })) {
                self.word("and")?;
            }
            self.rule(&mut rules)?;
        }
        Ok(rules)
    }

    fn rule(&mut self, rules: &mut Vec<NewtypeRule>) -> Result<(), Refused> {
        let word = self.next_word();
        match word.value.as_str() {
            "from" => {
                rules.push(NewtypeRule::AtLeast(self.limit()?));
                self.word("to")?;
                rules.push(NewtypeRule::AtMost(self.limit()?));
            }
            "at" => rules.push(match self.least_or_most()? {
                true => NewtypeRule::AtLeast(self.limit()?),
                false => NewtypeRule::AtMost(self.limit()?),
            }),
            "greater" => {
                self.word("than")?;
                rules.push(NewtypeRule::GreaterThan(self.limit()?));
            }
            "less" => {
                self.word("than")?;
                rules.push(NewtypeRule::LessThan(self.limit()?));
            }
            "of" => rules.push(self.characters()?),
            "matching" => {
                self.skip_space();
                let (start, pattern) = (self.at, self.rest().trim_end().to_owned());
                self.at = self.end;
                let span = self.text.place(start..start + pattern.len());
                if pattern.is_empty() {
                    return Err(self
                        .refuse_next("a pattern is missing".to_owned())
                        .map_help(FORMS));
                }
                rules.push(NewtypeRule::Matching(Spanned { value: pattern, span }));
            }
            other => {
                let title = format!("`{other}` begins no rule");
                let at = self.at - other.len();
                return Err(self.refuse(at..self.at, &title).map_help(FORMS));
            }
        }
        Ok(())
    }

    /// `3 characters`, `1 to 80 characters`, `at least 1 character`, `at most 80 characters`
    fn characters(&mut self) -> Result<NewtypeRule, Refused> {
        let from = self.at;
        self.skip_space();
        let (least, most) = if self.rest().starts_with("at ") {
            self.next_word();
            match self.least_or_most()? {
                true => (Some(self.number()?), None),
                false => (None, Some(self.number()?)),
            }
        } else {
            let least = self.number()?;
            self.skip_space();
            let most = if self.rest().starts_with("to ") {
                self.next_word();
                self.number()?
            } else {
                least.clone()
            };
            (Some(least), Some(most))
        };
        let word = self.next_word();
        if !matches!(word.value.as_str(), "character" | "characters") {
            let at = self.at - word.value.len();
            let title = "a number of characters is followed by `characters`";
            return Err(self.refuse(at..self.at, title).map_help(FORMS));
        }
        let from = from + self.text.text[from..].len() - self.text.text[from..].trim_start().len();
        Ok(NewtypeRule::Characters { least, most, span: self.text.place(from..self.at) })
    }

    /// `least` or `most`; whether it is the first.
    fn least_or_most(&mut self) -> Result<bool, Refused> {
        let word = self.next_word();
        match word.value.as_str() {
            "least" => Ok(true),
            "most" => Ok(false),
            other => {
                let at = self.at - other.len();
                let title = "`at` is followed by `least` or `most`";
                Err(self.refuse(at..self.at, title).map_help(FORMS))
            }
        }
    }

    fn word(&mut self, wanted: &str) -> Result<(), Refused> {
        let word = self.next_word();
        if word.value == wanted {
            return Ok(());
        }
        let at = self.at - word.value.len();
        let title = match word.value.as_str() {
            "" => format!("`{wanted}` is missing"),
            other => format!("`{wanted}` belongs here, not `{other}`"),
        };
        Err(self.refuse(at..self.at, &title).map_help(FORMS))
    }

    /// A number as it is written.
    fn limit(&mut self) -> Result<Text, Refused> {
        let word = self.next_word();
        if word.value.is_empty() {
            return Err(self.refuse_next("a number is missing".to_owned()).map_help(FORMS));
        }
        Ok(word)
    }

    /// The characters up to the next white space.
    fn next_word(&mut self) -> Text {
        self.skip_space();
        let rest = self.rest();
        let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let range = self.at..self.at + length;
        self.at = range.end;
        Spanned { value: rest[..length].to_owned(), span: self.text.place(range) }
    }
}
