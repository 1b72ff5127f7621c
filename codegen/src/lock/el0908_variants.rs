//! A variant that an enum of a released version has lost: stored events may hold it.

use super::change::Kind;
use super::context::{Finding, Verified};
use super::reshaped;
use crate::catalogue::lock::VARIANT_LOST;
use crate::naming::collision_key;

pub(super) fn check(verified: &Verified<'_>, findings: &mut Vec<Finding>) {
    reshaped::check(verified, findings, &VARIANT_LOST, |change, of| {
        let field = change.path.join(".");
        match &change.kind {
            Kind::VariantLost(variant, None) => Some((
                format!("`{field}` of {of} was released with the variant `{variant}`"),
                format!("`{variant}` is gone"),
            )),
            // Another spelling is another rule's.
            Kind::VariantLost(variant, Some(to)) if collision_key(variant) != collision_key(to) => {
                Some((
                    format!(
                        "the variant `{variant}` of `{field}` of {of} is `{to}` after it was released"
                    ),
                    format!("`{variant}` is gone"),
                ))
            }
            _ => None,
        }
    });
}
