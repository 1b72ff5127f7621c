//! A number of a released version that takes fewer digits than stored events may have.

use super::change::Kind;
use super::context::{Finding, Verified};
use super::reshaped;
use crate::catalogue::lock::NARROWED;

pub(super) fn check(verified: &Verified<'_>, findings: &mut Vec<Finding>) {
    reshaped::check(verified, findings, &NARROWED, |change, of| {
        let field = change.path.join(".");
        let (old, new) = (change.old.as_ref()?, change.new.as_ref()?);
        (change.kind == Kind::Narrowed).then(|| {
            (
                format!(
                    "`{field}` of {of} was released as `{old}`, and `{new}` takes fewer digits"
                ),
                "digits are refused, never rounded".to_owned(),
            )
        })
    });
}
