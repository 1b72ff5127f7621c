//! Checks of declared types, for the `validate` of generated commands and events.

use super::FieldError;
use crate::values::Decimal;

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
    let value = value.normalize();
    let refuse = |reason: String| Err(FieldError { field, reason });
    if value.scale() > scale {
        return refuse(format!(
            "{value} has {} digits after the point, decimal({precision},{scale}) allows {scale}",
            value.scale()
        ));
    }
    let whole = value.trunc().mantissa().unsigned_abs();
    let (digits, allowed) =
        (whole.checked_ilog10().map_or(0, |log| log + 1), precision.saturating_sub(scale));
    if digits > allowed {
        return refuse(format!(
            "{value} has {digits} digits before the point, decimal({precision},{scale}) allows {allowed}"
        ));
    }
    Ok(())
}
