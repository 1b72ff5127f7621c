//! Checks of declared types, for the `validate` of generated commands and events.

use super::FieldError;
use crate::values::{Decimal, RangeError, rule};

/// Checks that a decimal fits `decimal(precision, scale)`. Nothing is rounded: trailing zeros are
/// no digits, anything else that does not fit is refused.
///
/// # Errors
/// [`FieldError`] with the digits there are and the digits allowed.
pub fn digits(
    value: &Decimal,
    field: &'static str,
    precision: u32,
    scale: u32,
) -> Result<(), FieldError> {
    named(rule::digits(value, precision, scale), field)
}

/// The outcome of the rules of a named type, as the field's.
///
/// # Errors
/// [`FieldError`] with the rule that is broken.
pub fn named(outcome: Result<(), RangeError>, field: &'static str) -> Result<(), FieldError> {
    outcome.map_err(|error| FieldError { field, reason: error.to_string() })
}

/// What is wrong within a field, as the field's.
///
/// # Errors
/// [`FieldError`] with the part and what is wrong with it.
pub fn within(outcome: Result<(), FieldError>, field: &'static str) -> Result<(), FieldError> {
    outcome.map_err(|error| FieldError { field, reason: error.to_string() })
}
