//! Events that are kept for a shorter time than was released: some will be archived that were promised.

use super::context::{Finding, Verified};
use super::facts::{Item, days};
use crate::catalogue::lock::RETENTION_SHORTENED;
use crate::diagnostic::Diagnostic;

pub(super) fn check(verified: &Verified<'_>, findings: &mut Vec<Finding>) {
    for (syntax, model) in verified.aggregates() {
        let was = verified.lock.get(&model.name, Item::Retention);
        let now = verified.now.get(&model.name, Item::Retention);
        let (Some(was), Some(now)) = (was, now) else { continue };
        // For ever is longer than any number of days.
        let kept = |retention: &str| days(retention).unwrap_or(u64::MAX);
        if kept(&now.value) >= kept(&was.value) {
            continue;
        }
        let written = syntax.event_store.retention_policy.as_ref();
        let place = written.map_or(syntax.name.span, |policy| policy.span);
        let title = format!(
            "events of `{}` are kept for a shorter time: older ones may be archived",
            model.name
        );
        let found =
            Diagnostic::warning(&RETENTION_SHORTENED, title, place, "shorter than released")
                .note(format!("released as {}, now {}", was.value, now.value))
                .help("where that is meant, release it: `eventloom lock`");
        findings.push(Finding::warning(&model.name, found));
    }
}
