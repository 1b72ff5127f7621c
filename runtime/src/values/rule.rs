//! Rules of named types: how long a text may be, what it looks like, between which limits a number lies.
//!
//! Generated types call these where something new is made or appended. What was recorded is read
//! whatever it is: a rule binds what is decided from now on, and not the past.

use std::fmt::Display;
use std::sync::OnceLock;

use regex_lite::Regex;

use super::{Decimal, RangeError};

/// How much of a value an error shows, in characters.
const SHOWN: usize = 60;

/// What a text of a named type looks like.
#[derive(Debug)]
pub struct Pattern {
    written: &'static str,
    /// None where it is no regular expression, which the compiler of the ontology refuses.
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// A regular expression for whole texts.
    pub const fn new(written: &'static str) -> Self {
        Self { written, regex: OnceLock::new() }
    }

    /// Checks that the whole text matches.
    ///
    /// # Errors
    /// [`RangeError`] where it does not.
    pub fn check(&self, name: &str, text: &str) -> Result<(), RangeError> {
        let regex = self.regex.get_or_init(|| Regex::new(&format!("^(?:{})$", self.written)).ok());
        match regex {
            Some(regex) if regex.is_match(text) => Ok(()),
            _ => Err(broken(name, &text, format_args!("does not match {}", self.written))),
        }
    }
}

/// Checks that a text has as many characters (Unicode scalar values) as it may.
///
/// # Errors
/// [`RangeError`] with the number that it has.
pub fn characters(
    name: &str,
    text: &str,
    least: Option<usize>,
    most: Option<usize>,
) -> Result<(), RangeError> {
    let count = text.chars().count();
    let limit = match (least, most) {
        (Some(least), _) if count < least => format!("at least {least}"),
        (_, Some(most)) if count > most => format!("at most {most}"),
        _ => return Ok(()),
    };
    Err(broken(name, &text, format_args!("has {count} characters, {limit} are allowed")))
}

/// Checks that a value is no less than the limit.
///
/// # Errors
/// [`RangeError`] where it is less.
pub fn at_least<T: PartialOrd + Display>(name: &str, value: T, limit: T) -> Result<(), RangeError> {
    if value >= limit {
        return Ok(());
    }
    Err(broken(name, &value, format_args!("is less than {limit}")))
}

/// Checks that a value is no more than the limit.
///
/// # Errors
/// [`RangeError`] where it is more.
pub fn at_most<T: PartialOrd + Display>(name: &str, value: T, limit: T) -> Result<(), RangeError> {
    if value <= limit {
        return Ok(());
    }
    Err(broken(name, &value, format_args!("is more than {limit}")))
}

/// Checks that a value is greater than the limit.
///
/// # Errors
/// [`RangeError`] where it is not.
pub fn greater_than<T: PartialOrd + Display>(
    name: &str,
    value: T,
    limit: T,
) -> Result<(), RangeError> {
    if value > limit {
        return Ok(());
    }
    Err(broken(name, &value, format_args!("is not greater than {limit}")))
}

/// Checks that a value is less than the limit.
///
/// # Errors
/// [`RangeError`] where it is not.
pub fn less_than<T: PartialOrd + Display>(
    name: &str,
    value: T,
    limit: T,
) -> Result<(), RangeError> {
    if value < limit {
        return Ok(());
    }
    Err(broken(name, &value, format_args!("is not less than {limit}")))
}

/// Checks that a decimal fits `decimal(precision, scale)`. Nothing is rounded: trailing zeros are
/// no digits, anything else that does not fit is refused.
///
/// # Errors
/// [`RangeError`] with the digits there are and the digits allowed.
pub fn digits(value: &Decimal, precision: u32, scale: u32) -> Result<(), RangeError> {
    let value = value.normalize();
    if value.scale() > scale {
        return Err(RangeError::new(format!(
            "{value} has {} digits after the point, decimal({precision},{scale}) allows {scale}",
            value.scale()
        )));
    }
    let whole = value.trunc().mantissa().unsigned_abs();
    let (digits, allowed) =
        (whole.checked_ilog10().map_or(0, |log| log + 1), precision.saturating_sub(scale));
    if digits > allowed {
        return Err(RangeError::new(format!(
            "{value} has {digits} digits before the point, decimal({precision},{scale}) allows {allowed}"
        )));
    }
    Ok(())
}

#[cold]
fn broken(name: &str, value: &dyn Display, why: std::fmt::Arguments<'_>) -> RangeError {
    let value = value.to_string();
    let mut shown: String = value.chars().take(SHOWN).collect();
    if shown.len() < value.len() {
        shown.push('…');
    }
    RangeError(format!("`{shown}` is no {name}: it {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(result: Result<(), RangeError>) -> String {
        result.expect_err("a rule is broken").to_string()
    }

    #[test]
    fn a_pattern_is_for_the_whole_text() {
        static CURRENCY: Pattern = Pattern::new("[A-Z]{3}");
        static EITHER: Pattern = Pattern::new("a|b");
        assert_eq!(CURRENCY.check("Currency", "EUR"), Ok(()));
        for wrong in ["EURO", "EU", "eur", "EUR\n", "\nEUR", ""] {
            assert!(CURRENCY.check("Currency", wrong).is_err(), "{wrong:?}");
        }
        assert!(EITHER.check("Either", "ab").is_err());
        assert_eq!(
            message(CURRENCY.check("Currency", "euro")),
            "`euro` is no Currency: it does not match [A-Z]{3}"
        );
    }

    #[test]
    fn limits_say_what_is_allowed() {
        assert_eq!(characters("Name", "Zoë", Some(3), Some(3)), Ok(()));
        assert_eq!(
            message(characters("Name", "", Some(1), None)),
            "`` is no Name: it has 0 characters, at least 1 are allowed"
        );
        let long = message(characters("Name", &"x".repeat(1_000), None, Some(80)));
        assert!(long.len() < 200 && long.ends_with("at most 80 are allowed"), "{long}");
        assert_eq!(at_least("Quantity", 1, 1), Ok(()));
        assert_eq!(message(at_least("Quantity", 0, 1)), "`0` is no Quantity: it is less than 1");
        assert_eq!(at_most("Percent", Decimal::ONE_HUNDRED, Decimal::ONE_HUNDRED), Ok(()));
        assert!(at_most("Percent", Decimal::new(10_001, 2), Decimal::ONE_HUNDRED).is_err());
        assert!(greater_than("Price", Decimal::ZERO, Decimal::ZERO).is_err());
        assert!(less_than("Share", 1, 1).is_err() && less_than("Share", 0, 1).is_ok());
    }
}
