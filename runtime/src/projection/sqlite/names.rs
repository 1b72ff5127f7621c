//! Names of tables and columns in SQL: built from an ontology's names, quoted always.

use std::collections::HashSet;

pub(super) use crate::projection::sql::{meaning, quoted};
use crate::projection::{ReadDatabaseError, Table, TableSpec, sql};

/// Begins the names of tables that are not projections' targets.
const RESERVED: [&str; 2] = ["sqlite_", "eventloom_"];

/// The table of the rows of a target and meaning: the one that serves reads, or the one that is
/// being rebuilt.
pub(super) fn table(target: &str, meaning: u64, shadow: bool) -> String {
    let shadow = if shadow { "__rebuild" } else { "" };
    format!("{target}__{}{shadow}", sql::meaning(meaning))
}

/// The table of a projection's rows.
pub(super) fn rows(spec: &TableSpec, shadow: bool) -> String {
    table(spec.name, spec.meaning, shadow)
}

/// The table of the rows.
pub(super) fn rows_of(table: &Table) -> String {
    rows(&table.spec, table.shadow)
}

/// What ends the name of an index of these columns, whose places in the table tell it from others.
pub(super) fn index_ending(spec: &TableSpec, columns: &[&str]) -> String {
    format!("__by_{}", sql::places(spec, columns))
}

/// An index whose name ends so. A rebuilt table keeps its indexes under the names that they were given, so the
/// table's id, which no other has had, tells them from those of the one that served before.
pub(super) fn index(table: &Table, ending: &str) -> String {
    format!("{}__{}{ending}", rows(&table.spec, false), table.id)
}

/// Refuses what SQLite can't make a table of.
pub(super) fn check(spec: &TableSpec) -> Result<(), ReadDatabaseError> {
    let unsuitable = |reason: String| {
        let projection = spec.full_name();
        Err(ReadDatabaseError::Unsuitable { projection, reason })
    };
    let target = spec.name.to_ascii_lowercase();
    if let Some(prefix) = RESERVED.iter().find(|prefix| target.starts_with(*prefix)) {
        let reason = format!("names that begin with `{prefix}` are reserved; rename the target");
        return unsuitable(reason);
    }
    let mut columns = HashSet::new();
    for column in spec.columns {
        if !columns.insert(column.name.to_ascii_lowercase()) {
            return unsuitable(format!(
                "it has two columns `{}`, which SQLite tells apart by more than upper and lower \
                 case; rename one",
                column.name
            ));
        }
    }
    if let Err(reason) = sql::check_indexes(spec) {
        return unsuitable(reason);
    }
    let mut names = spec.columns.iter().map(|column| column.name).chain([spec.name]);
    if let Some(name) = names.find(|name| name.is_empty() || name.contains('\0')) {
        return unsuitable(format!("{name:?} can't be a name; rename it"));
    }
    Ok(())
}
