//! A released version that is wider, or has more variants: other values, other bytes, another shape.

use super::change::Kind;
use super::context::{Finding, Verified};
use super::reshaped;
use crate::catalogue::lock::RESHAPED;

pub(super) fn check(verified: &Verified<'_>, findings: &mut Vec<Finding>) {
    reshaped::check(verified, findings, &RESHAPED, |change, of| {
        let field = change.path.join(".");
        let (old, new) = (change.old.as_ref()?, change.new.as_ref()?);
        match &change.kind {
            Kind::Widened => Some((
                format!("`{field}` of {of} was released as `{old}` and is `{new}` now"),
                format!("`{new}` now"),
            )),
            Kind::Variants => Some((
                format!("the variants of `{field}` of {of} changed after it was released"),
                format!("`{new}` now"),
            )),
            // Two texts that could not be read as fields.
            Kind::Retyped if field.is_empty() => {
                Some((format!("{of} changed after it was released"), "another shape".to_owned()))
            }
            _ => None,
        }
    });
}
