//! The text form of decimals: canonical when written, strict and exact when read.

use std::fmt;
use std::str;

use super::{Decimal, RangeError};

/// Digits that surely fit into 64 bits.
const SHORT: usize = 19;

/// The canonical text: no trailing zeros, no exponent, no negative zero.
pub fn canonical(value: &Decimal) -> String {
    Text::new(value).as_str().to_owned()
}

/// Reads `-?digits(.digits)?`, keeping the value exactly or refusing it. Trailing zeros are dropped.
///
/// # Errors
/// [`RangeError`] for another form, or more digits than a [`Decimal`] keeps.
pub fn parse(text: &str) -> Result<Decimal, RangeError> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let point = digits.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = match point {
        Some(point) => (&digits[..point], &digits[point + 1..]),
        None => (digits, &b"0"[..]),
    };
    if whole.is_empty() || fraction.is_empty() {
        return Err(not_digits());
    }
    let zeros = fraction.iter().rev().take_while(|digit| **digit == b'0').count();
    let fraction = &fraction[..fraction.len() - zeros];
    let mantissa = if whole.len() + fraction.len() <= SHORT {
        i128::from(short_number(short_number(0, whole)?, fraction)?)
    } else {
        long_number(long_number(0, whole)?, fraction)?
    };
    let scale = u32::try_from(fraction.len()).unwrap_or(u32::MAX);
    Decimal::try_from_i128_with_scale(if negative { -mantissa } else { mantissa }, scale)
        .map_err(|_| too_long())
}

fn short_number(start: u64, digits: &[u8]) -> Result<u64, RangeError> {
    digits.iter().try_fold(start, |sum, digit| match digit {
        b'0'..=b'9' => Ok(sum * 10 + u64::from(digit - b'0')),
        _ => Err(not_digits()),
    })
}

fn long_number(start: i128, digits: &[u8]) -> Result<i128, RangeError> {
    digits.iter().try_fold(start, |sum, digit| match digit {
        b'0'..=b'9' => sum
            .checked_mul(10)
            .and_then(|sum| sum.checked_add(i128::from(digit - b'0')))
            .ok_or_else(too_long),
        _ => Err(not_digits()),
    })
}

#[cold]
fn not_digits() -> RangeError {
    RangeError::new("expected digits, with digits on both sides of a point")
}

#[cold]
fn too_long() -> RangeError {
    RangeError::new("it has more than the 28 digits that a decimal keeps exactly")
}

/// The canonical text, built in place: at most 29 digits, a zero before the point, the point, a sign.
pub(crate) struct Text {
    bytes: [u8; 32],
    start: usize,
}

impl Text {
    pub(crate) fn new(value: &Decimal) -> Self {
        let value = value.normalize();
        let mut text = Self { bytes: [b'0'; 32], start: 32 };
        let scale = value.scale();
        let mut rest = value.mantissa().unsigned_abs();
        let mut written = 0;
        while rest > 0 || written <= scale {
            if written == scale && scale > 0 {
                text.push(b'.');
            }
            let digit = match u64::try_from(rest) {
                Ok(short) => {
                    rest = u128::from(short / 10);
                    short % 10
                }
                Err(_) => {
                    let digit = rest % 10;
                    rest /= 10;
                    digit as u64
                }
            };
            text.push(b'0' + digit as u8);
            written += 1;
        }
        if value.is_sign_negative() {
            text.push(b'-');
        }
        text
    }

    fn push(&mut self, byte: u8) {
        self.start -= 1;
        self.bytes[self.start] = byte;
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).expect("digits, a point and a sign are ASCII")
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
