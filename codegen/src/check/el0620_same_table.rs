//! Two projections that write to one table, or to one that a database keeps for itself.

use std::collections::BTreeMap;

use super::Checked;
use crate::catalogue::checks::SAME_TABLE;
use crate::diagnostic::Diagnostic;
use crate::syntax::Text;

/// Tables that start like this are the database's own, or the runtime's.
const TAKEN_PREFIXES: [&str; 3] = ["sqlite_", "pg_", "eventloom_"];

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<String, &Text> = BTreeMap::new();
    let projections = checked.syntax.aggregates.iter().flat_map(|aggregate| &aggregate.projections);
    for target in projections.filter_map(|(_, projection)| projection.target.as_ref()) {
        let table = target.value.to_ascii_lowercase();
        let name = table.rsplit('.').next().unwrap_or_default();
        if let Some(prefix) = TAKEN_PREFIXES.iter().find(|prefix| name.starts_with(**prefix)) {
            let title = format!("tables that start with `{prefix}` are not for projections");
            let found = Diagnostic::error(&SAME_TABLE, title, target.span, "taken");
            findings.push(found.help("choose another name"));
        }
        match seen.get(&table) {
            Some(first) => findings.push(
                Diagnostic::error(
                    &SAME_TABLE,
                    format!("two projections write to `{}`", target.value),
                    target.span,
                    "this table",
                )
                .place(first.span, "is written already")
                .help("give each projection a table of its own"),
            ),
            None => {
                seen.insert(table, target);
            }
        }
    }
}
