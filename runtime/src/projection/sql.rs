//! What the SQL of SQLite and of PostgreSQL has in common: names, quoted always, and what an index is of.

use super::TableSpec;

/// A name as an identifier, whatever characters or reserved words it is made of.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The meaning as it stands in names and in the registry.
pub(super) fn meaning(meaning: u64) -> String {
    format!("{meaning:016x}")
}

/// The places of an index's columns in the table, which tell it from others.
pub(super) fn places(spec: &TableSpec, columns: &[&str]) -> String {
    let place = |name: &&str| spec.columns.iter().position(|column| column.name == *name);
    let places =
        columns.iter().map(|name| place(name).map_or_else(String::new, |it| it.to_string()));
    places.collect::<Vec<_>>().join("_")
}

/// The columns of an index with those of the key, so that rows that are found by it come in the order of their keys.
pub(super) fn indexed(
    spec: &TableSpec,
    columns: &'static [&'static str],
) -> impl Iterator<Item = &'static str> {
    let keys = spec.columns[..spec.key_columns.min(spec.columns.len())].iter();
    let keys = keys.map(|column| column.name).filter(|name| !columns.contains(name));
    columns.iter().copied().chain(keys)
}

/// Refuses an index on a column that the table does not have.
pub(super) fn check_indexes(spec: &TableSpec) -> Result<(), String> {
    let mut indexed = spec.indexes.iter().copied().flatten();
    match indexed.find(|name| spec.columns.iter().all(|it| it.name != **name)) {
        Some(name) => Err(format!("it has an index on `{name}`, which is none of its columns")),
        None => Ok(()),
    }
}
