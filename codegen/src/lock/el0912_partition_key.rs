//! Another name for the streams' id: commands, rows and the fields that hold it would mean something else.

use super::context::{Finding, Names, Verified};
use super::facts::{Item, partition};
use crate::catalogue::lock::PARTITION_KEY;
use crate::diagnostic::Diagnostic;
use crate::model::ONE_STREAM;

pub(super) fn check(verified: &Verified<'_>, findings: &mut Vec<Finding>) {
    for (syntax, model) in verified.aggregates() {
        let Some(released) = verified.lock.get(&model.name, Item::Partition) else { continue };
        let (was, is) = (&released.value, partition(model));
        if was == is {
            continue;
        }
        let written = syntax.event_store.partition_key.as_ref();
        let place = written.map_or(syntax.name.span, |key| key.span);
        let title =
            format!("`{}` was released with the partition key `{was}`, not `{is}`", model.name);
        let found = Diagnostic::error(&PARTITION_KEY, title, place, format!("`{was}` before"))
            .note(match was.as_str() {
                ONE_STREAM => "every stored event belongs to the one stream that there was",
                _ => "every stored event belongs to a stream that was named by the old key",
            })
            .help(format!("put `partitionKey: {was}` back"))
            .help("events that belong to something else are another aggregate's");
        findings.push(Finding {
            diagnostic: found,
            aggregate: model.name.clone(),
            subject: "partitionKey".to_owned(),
            was: was.clone(),
            names: Names::Stay,
        });
    }
}
