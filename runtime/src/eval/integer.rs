//! Integers: 64 bits, checked.

use super::{Add, EvalError, Multiply, Signed, Subtract};

impl Add for i64 {
    type Sum = Self;

    fn add(self, other: Self) -> Result<Self, EvalError> {
        self.checked_add(other).ok_or_else(|| overflow(self, '+', other))
    }
}

impl Subtract for i64 {
    type Difference = Self;

    fn subtract(self, other: Self) -> Result<Self, EvalError> {
        self.checked_sub(other).ok_or_else(|| overflow(self, '-', other))
    }
}

impl Multiply for i64 {
    fn multiply(self, other: Self) -> Result<Self, EvalError> {
        self.checked_mul(other).ok_or_else(|| overflow(self, '*', other))
    }
}

impl Signed for i64 {
    fn negate(self) -> Result<Self, EvalError> {
        self.checked_neg().ok_or_else(|| overflow(0, '-', self))
    }
}

/// `a / b` on integers: the fraction is dropped, so that `-7 / 2` is `-3`.
///
/// # Errors
/// [`EvalError::DivisionByZero`], or [`EvalError::Overflow`] for the smallest integer by -1.
pub fn divide(a: i64, b: i64) -> Result<i64, EvalError> {
    if b == 0 {
        return Err(EvalError::DivisionByZero);
    }
    a.checked_div(b).ok_or_else(|| overflow(a, '/', b))
}

/// `a % b` on integers: what [`divide`] leaves, with the sign of `a`, so that `-7 % 2` is `-1`.
///
/// # Errors
/// [`EvalError::DivisionByZero`].
pub fn remainder(a: i64, b: i64) -> Result<i64, EvalError> {
    if b == 0 {
        return Err(EvalError::DivisionByZero);
    }
    // The smallest integer by -1 leaves 0, though its quotient does not fit.
    Ok(a.wrapping_rem(b))
}

#[cold]
fn overflow(a: i64, operator: char, b: i64) -> EvalError {
    EvalError::Overflow(format!("{a} {operator} {b} leaves the range of an integer"))
}
