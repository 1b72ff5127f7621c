//! A field that a released version has lost: stored events have it.

use super::change::Kind;
use super::context::{Finding, Verified};
use super::reshaped;
use crate::catalogue::lock::FIELD_REMOVED;

pub(super) fn check(verified: &Verified<'_>, findings: &mut Vec<Finding>) {
    reshaped::check(verified, findings, &FIELD_REMOVED, |change, of| {
        let field = change.path.join(".");
        (change.kind == Kind::Removed).then(|| {
            (
                format!("{of} was released with `{field}` and has it no more"),
                format!("`{field}` is gone"),
            )
        })
    });
}
