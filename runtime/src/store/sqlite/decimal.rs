//! The `decimal` collation: decimals stored as text, compared as the numbers they are.
//!
//! Registered on every connection of [`super::SqliteDatabase`], so that `ORDER BY`, comparisons and
//! indexes on columns declared `COLLATE decimal` are numeric and exact. The sqlite3 command line has
//! a collation of the same name and meaning. It never goes through floats, and it orders any text,
//! decimal or not: a collation that fails would corrupt indexes.

use std::cmp::Ordering;

/// Name of the collation, for column declarations.
pub const DECIMAL_COLLATION: &str = "decimal";

/// Orders decimals by value, and after them all other text by its bytes.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    match (Number::parse(left), Number::parse(right)) {
        (Some(left), Some(right)) => left.compare(&right),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => left.cmp(right),
    }
}

/// A decimal's digits without leading zeros before the point and trailing zeros after it.
struct Number<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
}

impl<'a> Number<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let zero = whole.is_empty() && fraction.is_empty();
        Some(Self { negative: negative && !zero, whole, fraction })
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.compare_magnitude(other),
            (true, true) => other.compare_magnitude(self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }

    /// Without leading zeros the longer whole part is the greater one; digits of equal length, and
    /// fractions of any length, order as text does.
    fn compare_magnitude(&self, other: &Self) -> Ordering {
        (self.whole.len(), self.whole, self.fraction).cmp(&(
            other.whole.len(),
            other.whole,
            other.fraction,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_order_by_value() {
        let ascending = [
            "-79228162514264337593543950335",
            "-100",
            "-99.5",
            "-10",
            "-9.000000000000000001",
            "-9",
            "-0.1",
            "-0.01",
            "0",
            "0.0000000000000000000000000001",
            "0.01",
            "0.1",
            "0.11",
            "0.2",
            "1",
            "2",
            "9",
            "10",
            "10.05",
            "10.5",
            "100",
            "79228162514264337593543950335",
        ];
        for (index, left) in ascending.iter().enumerate() {
            for (other, right) in ascending.iter().enumerate() {
                assert_eq!(compare(left, right), index.cmp(&other), "{left} and {right}");
            }
        }
    }

    #[test]
    fn other_spellings_of_a_number_are_equal_to_it() {
        for (left, right) in
            [("1", "1.0"), ("1.50", "1.5"), ("007", "7"), ("-0", "0"), ("-0.00", "0"), ("5.", "5")]
        {
            assert_eq!(compare(left, right), Ordering::Equal, "{left} and {right}");
        }
    }

    #[test]
    fn text_that_is_no_decimal_comes_last() {
        for text in ["", "-", ".", ".5", "1e3", "+1", "1.2.3", "--1", "1,5", "NaN", " 1", "Ä"] {
            assert_eq!(compare("99999", text), Ordering::Less, "{text}");
            assert_eq!(compare(text, "99999"), Ordering::Greater, "{text}");
            assert_eq!(compare(text, text), Ordering::Equal, "{text}");
        }
        assert_eq!(compare("a", "b"), Ordering::Less);
    }
}
