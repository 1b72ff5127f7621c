//! A field of a released version that could be absent and is required now.

use super::change::Kind;
use super::context::{Finding, Verified};
use super::reshaped;
use crate::catalogue::lock::REQUIRED;

pub(super) fn check(verified: &Verified<'_>, findings: &mut Vec<Finding>) {
    reshaped::check(verified, findings, &REQUIRED, |change, of| {
        let field = change.path.join(".");
        let old = change.old.as_ref()?;
        (change.kind == Kind::Required).then(|| {
            (
                format!("`{field}` of {of} was released as `{old}` and is required now"),
                "stored events may not have it".to_owned(),
            )
        })
    });
}
