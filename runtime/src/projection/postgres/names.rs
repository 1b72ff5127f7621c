//! Names of tables and columns in SQL: built from an ontology's names, quoted always.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

pub(super) use crate::projection::sql::{meaning, quoted};
use crate::projection::{ColumnType, ReadDatabaseError, Table, TableSpec, sql};
use crate::store::postgres::LONGEST_NAME;

/// Begins the names of PostgreSQL's own tables.
const RESERVED: &str = "pg_";

/// Columns that every table of PostgreSQL has.
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// Columns that an index has at most.
const INDEXED: usize = 32;

/// Bytes of the end of an index's name. Before them come `rows_` and a number.
const ENDING: usize = 36;

/// The table of the rows of a read model.
pub(super) fn rows(id: u64) -> String {
    format!("eventloom.rows_{id}")
}

/// The table of the rows.
pub(super) fn rows_of(table: &Table) -> String {
    rows(table.id)
}

/// What ends the name of an index of these columns, whose places in the table tell it from others. A rebuilt table keeps
/// its indexes under the names that they were given, which begin with its own.
pub(super) fn index_ending(spec: &TableSpec, columns: &[&str]) -> String {
    let ending = format!("_by_{}", sql::places(spec, columns));
    if ending.len() <= ENDING {
        return ending;
    }
    let hash = Sha256::digest(&ending);
    format!("_by_{}", hash[..12].iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// Refuses an index of more columns than there may be, of which those of the key are some.
fn check_index(spec: &TableSpec, columns: &'static [&'static str]) -> Result<(), String> {
    let count = sql::indexed(spec, columns).count();
    match (count > INDEXED, columns) {
        (false, _) => Ok(()),
        (true, []) => {
            Err(format!("its key has {count} columns, and PostgreSQL takes at most {INDEXED}"))
        }
        (true, _) => Err(format!(
            "its index on `{}` has {count} columns with those of the key, and PostgreSQL takes at most {INDEXED}",
            columns.join("`, `")
        )),
    }
}

/// Refuses what PostgreSQL can't make a table of.
pub(super) fn check(spec: &TableSpec) -> Result<(), ReadDatabaseError> {
    let unsuitable = |reason: String| {
        let projection = spec.full_name();
        Err(ReadDatabaseError::Unsuitable { projection, reason })
    };
    if spec.name.starts_with(RESERVED) {
        let reason = format!("names that begin with `{RESERVED}` are reserved; rename the target");
        return unsuitable(reason);
    }
    let mut columns = HashSet::new();
    for column in spec.columns {
        if !columns.insert(column.name) {
            return unsuitable(format!("it has two columns `{}`; rename one", column.name));
        }
        if SYSTEM_COLUMNS.contains(&column.name) {
            return unsuitable(format!(
                "every table of PostgreSQL has a column `{}` of its own; rename this one",
                column.name
            ));
        }
    }
    let keys = &spec.columns[..spec.key_columns.min(spec.columns.len())];
    if let Some(key) = keys.iter().find(|key| key.column_type == ColumnType::Json) {
        return unsuitable(format!(
            "its key column `{}` is a list or a record, which PostgreSQL can't compare; name its rows by something else",
            key.name
        ));
    }
    if let Err(reason) = sql::check_indexes(spec) {
        return unsuitable(reason);
    }
    let mut indexes = [[].as_slice()].into_iter().chain(spec.indexes.iter().copied());
    if let Some(reason) = indexes.find_map(|columns| check_index(spec, columns).err()) {
        return unsuitable(reason);
    }
    let mut names = spec.columns.iter().map(|column| column.name).chain([spec.name]);
    if let Some(name) = names.clone().find(|name| name.is_empty() || name.contains('\0')) {
        return unsuitable(format!("{name:?} can't be a name; rename it"));
    }
    if let Some(name) = names.find(|name| name.len() > LONGEST_NAME) {
        return unsuitable(format!(
            "the name `{name}` has more than {LONGEST_NAME} bytes; shorten it"
        ));
    }
    Ok(())
}
