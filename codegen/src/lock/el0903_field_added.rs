//! A field that is new in a released version: stored events do not have it.

use super::change::Kind;
use super::context::{Finding, Verified};
use super::reshaped;
use crate::catalogue::lock::FIELD_ADDED;

pub(super) fn check(verified: &Verified<'_>, findings: &mut Vec<Finding>) {
    reshaped::check(verified, findings, &FIELD_ADDED, |change, of| {
        let field = change.path.join(".");
        (change.kind == Kind::Added).then(|| {
            (
                format!("`{field}` was added to {of}, which was released without it"),
                "stored events do not have it".to_owned(),
            )
        })
    });
}
