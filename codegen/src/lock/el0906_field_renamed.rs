//! A field of a released version that has another name, most likely: stored events have the old one.

use super::change::Kind;
use super::context::{Finding, Verified};
use super::reshaped;
use crate::catalogue::lock::FIELD_RENAMED;

pub(super) fn check(verified: &Verified<'_>, findings: &mut Vec<Finding>) {
    reshaped::check(verified, findings, &FIELD_RENAMED, |change, of| {
        let field = change.path.join(".");
        match &change.kind {
            Kind::Renamed(to) => Some((
                format!("`{field}` of {of} was renamed `{to}` after it was released"),
                format!("stored as `{field}`"),
            )),
            _ => None,
        }
    });
}
