//! A name that is spelled in another way than it is stored: JSON and stores tell `accountId` from
//! `account_id`, whatever becomes of them in Rust.

use super::change::Kind;
use super::context::{Finding, Verified};
use super::el0910_event_renamed::{self, Successor};
use super::reshaped;
use crate::catalogue::lock::CASING;
use crate::naming::collision_key;

pub(super) fn check(verified: &Verified<'_>, findings: &mut Vec<Finding>) {
    reshaped::check(verified, findings, &CASING, |change, of| {
        let field = change.path.join(".");
        match &change.kind {
            Kind::Recased(to) => Some((
                format!("`{field}` of {of} is spelled `{to}` after it was released"),
                format!("stored as `{field}`"),
            )),
            Kind::VariantLost(variant, Some(to)) if collision_key(variant) == collision_key(to) => {
                Some((
                    format!(
                        "the variant `{variant}` of `{field}` of {of} is spelled `{to}` after it was \
                         released"
                    ),
                    format!("stored as `{variant}`"),
                ))
            }
            _ => None,
        }
    });
    el0910_event_renamed::each(verified, |aggregate, stored, event, successor| {
        if successor == Successor::Recased {
            let title =
                format!("`{stored}` is spelled `{}` after it was released", event.name.value);
            findings.push(el0910_event_renamed::finding(
                verified, aggregate, stored, event, &CASING, title,
            ));
        }
    });
}
