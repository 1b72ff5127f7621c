//! The text form of decimals: canonical when written, strict and exact when read.

use super::{Decimal, RangeError};

/// The largest mantissa of a [`Decimal`]: 96 bits.
const MAX_MANTISSA: u128 = (1 << 96) - 1;

/// The canonical text: no trailing zeros, no exponent, no negative zero.
pub fn canonical(value: &Decimal) -> String {
    value.normalize().to_string()
}

/// Reads `-?digits(.digits)?`, keeping the value exactly or refusing it. Trailing zeros are dropped.
///
/// # Errors
/// [`RangeError`] for another form, or more digits than a [`Decimal`] keeps.
pub fn parse(text: &str) -> Result<Decimal, RangeError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    if whole.is_empty() || fraction.is_empty() {
        return Err(RangeError::new("expected digits, with digits on both sides of a point"));
    }
    let fraction = fraction.trim_end_matches('0');
    let mantissa = accumulate(accumulate(0, whole)?, fraction)?;
    let scale = u32::try_from(fraction.len()).unwrap_or(u32::MAX);
    let mantissa = if negative { -mantissa } else { mantissa };
    Decimal::try_from_i128_with_scale(mantissa, scale).map_err(|_| too_long())
}

fn accumulate(start: i128, digits: &str) -> Result<i128, RangeError> {
    digits.bytes().try_fold(start, |sum, byte| match byte {
        b'0'..=b'9' if sum.unsigned_abs() <= MAX_MANTISSA => Ok(sum * 10 + i128::from(byte - b'0')),
        b'0'..=b'9' => Err(too_long()),
        _ => Err(RangeError::new("expected digits, with digits on both sides of a point")),
    })
}

fn too_long() -> RangeError {
    RangeError::new("it has more than the 28 digits that a decimal keeps exactly")
}
