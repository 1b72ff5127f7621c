//! A field of a released version that has a type in which old values have no place.

use super::change::Kind;
use super::context::{Finding, Verified};
use super::reshaped;
use crate::catalogue::lock::TYPE_CHANGED;

pub(super) fn check(verified: &Verified<'_>, findings: &mut Vec<Finding>) {
    reshaped::check(verified, findings, &TYPE_CHANGED, |change, of| {
        let field = change.path.join(".");
        let (old, new) = (change.old.as_ref()?, change.new.as_ref()?);
        (change.kind == Kind::Retyped && !field.is_empty()).then(|| {
            (
                format!("`{field}` of {of} was released as `{old}` and is `{new}` now"),
                format!("`{new}` now"),
            )
        })
    });
}
