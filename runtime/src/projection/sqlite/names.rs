//! Names of tables and columns in SQL: built from an ontology's names, quoted always.

use std::collections::HashSet;

use crate::projection::{ReadDatabaseError, Table, TableSpec};

/// Begins the names of tables that are not projections' targets.
const RESERVED: [&str; 2] = ["sqlite_", "eventloom_"];

/// A name as an identifier, whatever characters or reserved words it is made of.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The meaning as it stands in names and in the registry.
pub(super) fn meaning(spec: &TableSpec) -> String {
    format!("{:016x}", spec.meaning)
}

/// The table of the rows of a projection's meaning, which serves reads.
pub(super) fn rows(spec: &TableSpec) -> String {
    format!("{}__{}", spec.name, meaning(spec))
}

/// The table of the rows of a projection's meaning while they are rebuilt.
pub(super) fn shadow_rows(spec: &TableSpec) -> String {
    format!("{}__rebuild", rows(spec))
}

/// The table of the rows.
pub(super) fn rows_of(table: &Table) -> String {
    if table.shadow { shadow_rows(&table.spec) } else { rows(&table.spec) }
}

/// Refuses what SQLite can't make a table of.
pub(super) fn check(spec: &TableSpec) -> Result<(), ReadDatabaseError> {
    let unsuitable = |reason: String| {
        let projection = spec.projection;
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
    let mut names = spec.columns.iter().map(|column| column.name).chain([spec.name]);
    if let Some(name) = names.find(|name| name.is_empty() || name.contains('\0')) {
        return unsuitable(format!("{name:?} can't be a name; rename it"));
    }
    Ok(())
}
