//! Decimals: every result is exact and canonical (no trailing zeros), or an error.
//!
//! `rust_decimal`'s own checked operations round silently once a result needs more digits than it
//! holds. Here the calculation is done on the integers behind the decimals: a decimal is
//! `mantissa / 10^scale` with a mantissa below 2^96 and a scale of at most 28.

use super::{Add, EvalError, Multiply, Signed, Subtract};
use crate::values::Decimal;

/// The largest scale of a decimal.
const MAX_SCALE: u32 = Decimal::MAX_SCALE;

/// How [`div`] treats what lies between two results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest; in the middle, to the even one.
    HalfEven,
    /// To the nearest; in the middle, away from zero.
    HalfUp,
}

/// A decimal literal: `dec!(0.05)`. Checked and converted when the program is compiled.
///
/// ```
/// use eventloom_runtime::dec;
///
/// assert_eq!(dec!(0.05).to_string(), "0.05");
/// assert_eq!(dec!(-12).to_string(), "-12");
/// ```
#[macro_export]
macro_rules! dec {
    ($value:literal) => {
        const { $crate::eval::decimal(stringify!($value)) }
    };
}

/// The decimal of a literal such as `-12.05`; see [`dec!`](crate::dec).
///
/// # Panics
/// On any other text: use [`dec!`](crate::dec), which makes that an error of the compiler.
pub const fn decimal(text: &str) -> Decimal {
    let bytes = text.as_bytes();
    let negative = !bytes.is_empty() && bytes[0] == b'-';
    let (mut mantissa, mut digits, mut scale, mut point) = (0_u128, 0, 0, false);
    let mut at = if negative { 1 } else { 0 };
    while at < bytes.len() {
        match bytes[at] {
            b'.' if !point => point = true,
            digit @ b'0'..=b'9' => {
                mantissa = mantissa * 10 + (digit - b'0') as u128;
                digits += 1;
                scale += point as u32;
            }
            _ => panic!("a decimal literal consists of digits and one point"),
        }
        at += 1;
    }
    assert!(digits > 0 && digits <= 29, "a decimal literal has 1 to 29 digits");
    assert!(scale <= MAX_SCALE, "a decimal literal has at most 28 digits after the point");
    assert!(mantissa >> 96 == 0, "the digits of a decimal literal fit 96 bits");
    let (low, middle, high) = (mantissa as u32, (mantissa >> 32) as u32, (mantissa >> 64) as u32);
    Decimal::from_parts(low, middle, high, negative, scale)
}

impl Add for Decimal {
    type Sum = Self;

    fn add(self, other: Self) -> Result<Self, EvalError> {
        sum(self, other.mantissa(), other.scale()).ok_or_else(|| overflow(self, '+', other))
    }
}

impl Subtract for Decimal {
    type Difference = Self;

    fn subtract(self, other: Self) -> Result<Self, EvalError> {
        sum(self, -other.mantissa(), other.scale()).ok_or_else(|| overflow(self, '-', other))
    }
}

impl Multiply for Decimal {
    fn multiply(self, other: Self) -> Result<Self, EvalError> {
        product(self, other).ok_or_else(|| overflow(self, '*', other))
    }
}

impl Signed for Decimal {
    fn negate(self) -> Result<Self, EvalError> {
        Ok(opposite(self.normalize()))
    }
}

fn sum(a: Decimal, b_mantissa: i128, b_scale: u32) -> Option<Decimal> {
    let (mut a, mut a_scale) = (a.mantissa(), a.scale());
    let (mut b, mut b_scale) = (b_mantissa, b_scale);
    if a_scale != b_scale {
        // Without the zeros at the end of the finer one, what overflows here can't fit in the end.
        if a_scale < b_scale {
            (b, b_scale) = without_zeros(b, b_scale);
        } else {
            (a, a_scale) = without_zeros(a, a_scale);
        }
        let scale = a_scale.max(b_scale);
        a = raised(a, scale - a_scale)?;
        b = raised(b, scale - b_scale)?;
        a_scale = scale;
    }
    canonical(a.checked_add(b)?, a_scale)
}

fn product(a: Decimal, b: Decimal) -> Option<Decimal> {
    let (mut x, mut y, mut scale) = (a.mantissa(), b.mantissa(), a.scale() + b.scale());
    if let Some(product) = x.checked_mul(y) {
        return canonical(product, scale);
    }
    // Too large as it is: take out the tens that the two have together.
    while scale > 0 {
        if x % 10 == 0 {
            x /= 10;
        } else if y % 10 == 0 {
            y /= 10;
        } else if x % 2 == 0 && y % 5 == 0 {
            (x, y) = (x / 2, y / 5);
        } else if x % 5 == 0 && y % 2 == 0 {
            (x, y) = (x / 5, y / 2);
        } else {
            break;
        }
        scale -= 1;
    }
    canonical(x.checked_mul(y)?, scale)
}

/// `a / b`, rounded to `scale` digits after the point.
///
/// # Errors
/// [`EvalError::DivisionByZero`], or [`EvalError::Overflow`] where the result does not fit or the
/// scale does not lie within 0 to 28.
pub fn div(a: Decimal, b: Decimal, scale: i64, rounding: Rounding) -> Result<Decimal, EvalError> {
    let places = places("div", scale)?;
    if b.is_zero() {
        return Err(EvalError::DivisionByZero);
    }
    let quotient = quotient(a.normalize(), b.normalize(), places, rounding);
    let quotient = quotient.ok_or_else(|| overflow(a, '/', b))?;
    Ok(if a.is_sign_negative() == b.is_sign_negative() { quotient } else { opposite(quotient) })
}

/// |a / b| with `places` digits after the point, by long division.
fn quotient(a: Decimal, b: Decimal, places: u32, rounding: Rounding) -> Option<Decimal> {
    let (dividend, divisor) = (a.mantissa().abs(), b.mantissa().abs());
    let (a_scale, b_scale) = (a.scale(), b.scale());
    let (mut head, mut rest) = (dividend / divisor, dividend % divisor);
    for _ in a_scale..b_scale {
        rest *= 10;
        head = head.checked_mul(10)?.checked_add(rest / divisor)?;
        rest %= divisor;
    }
    // Now |a / b| = (head + rest / divisor) / 10^head_scale.
    let head_scale = a_scale.saturating_sub(b_scale);
    if places < head_scale {
        let unit = 10_i128.pow(head_scale - places);
        let sticky = i128::from(rest != 0);
        let rounded = rounded(head / unit, 2 * (head % unit) + sticky, unit, rounding);
        return canonical(rounded, places);
    }
    let mut tail = 0;
    for _ in head_scale..places {
        rest *= 10;
        tail = tail * 10 + rest / divisor;
        rest %= divisor;
    }
    let even = if places == head_scale { head } else { tail };
    let up = rounded(even, 2 * rest, divisor, rounding) - even;
    sum(canonical(head, head_scale)?, tail + up, places)
}

/// `value`, or one more where `twice_rest / 2` is above half of `unit`, or in the middle and
/// `rounding` says so.
fn rounded(value: i128, twice_rest: i128, unit: i128, rounding: Rounding) -> i128 {
    let middle_goes_up = rounding == Rounding::HalfUp || value % 2 != 0;
    let up = twice_rest > unit || (twice_rest == unit && middle_goes_up);
    value + i128::from(up)
}

/// `a` rounded to `scale` digits after the point; in the middle, to the even one.
///
/// # Errors
/// [`EvalError::Overflow`] where the scale does not lie within 0 to 28.
pub fn round(a: Decimal, scale: i64) -> Result<Decimal, EvalError> {
    Ok(a.round_dp(places("round", scale)?).normalize())
}

/// The whole part of `a`: the fraction is dropped, so that `-1.9` becomes `-1`.
///
/// # Errors
/// [`EvalError::Overflow`] where it does not fit 64 bits.
pub fn to_integer(a: Decimal) -> Result<i64, EvalError> {
    i64::try_from(a.trunc().mantissa()).map_err(|_| {
        EvalError::Overflow(format!("{} leaves the range of an integer", a.normalize()))
    })
}

/// `-a`, but never a negative zero: it would show as `-0`.
fn opposite(a: Decimal) -> Decimal {
    if a.is_zero() { a } else { -a }
}

fn places(method: &str, scale: i64) -> Result<u32, EvalError> {
    u32::try_from(scale).ok().filter(|places| *places <= MAX_SCALE).ok_or_else(|| {
        EvalError::Overflow(format!("{method} to {scale} digits, which must lie within 0 to 28"))
    })
}

/// `mantissa * 10^by`
fn raised(mantissa: i128, by: u32) -> Option<i128> {
    mantissa.checked_mul(10_i128.pow(by))
}

/// `mantissa / 10^scale` without trailing zeros, or none where it does not fit.
fn canonical(mantissa: i128, scale: u32) -> Option<Decimal> {
    let (mantissa, scale) = without_zeros(mantissa, scale);
    Decimal::try_from_i128_with_scale(mantissa, scale).ok()
}

fn without_zeros(mantissa: i128, scale: u32) -> (i128, u32) {
    // Division of 64 bits is many times faster, and nearly every amount fits.
    if let Ok(mut small) = i64::try_from(mantissa) {
        let mut scale = scale;
        while scale > 0 && small % 10 == 0 {
            small /= 10;
            scale -= 1;
        }
        return (small.into(), scale);
    }
    let (mut mantissa, mut scale) = (mantissa, scale);
    while scale > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    (mantissa, scale)
}

#[cold]
fn overflow(a: Decimal, operator: char, b: Decimal) -> EvalError {
    let (a, b) = (a.normalize(), b.normalize());
    EvalError::Overflow(format!("{a} {operator} {b} does not fit the 28 digits of a decimal"))
}
