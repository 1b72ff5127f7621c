//! Indexes of rows: made with their tables, or later, where a program asks for more of them.

use super::fault::Fault;
use super::names::{self, quoted};
use super::rows;
use crate::projection::{Table, sql};
use crate::store::postgres::Client;

/// The indexes that the table does not have yet, each by its ending and columns. One that is no longer asked for stays: a
/// program that runs beside this one may ask for it.
pub(super) async fn missing(
    client: &Client,
    table: &Table,
) -> Result<Vec<(String, &'static [&'static str])>, Fault> {
    if table.spec.indexes.is_empty() {
        return Ok(Vec::new());
    }
    let known = client
        .query(
            "SELECT indexname::text FROM pg_indexes WHERE schemaname = 'eventloom' AND tablename = $1",
            &[&format!("rows_{}", table.id)],
        )
        .await?;
    let known: Vec<String> = known.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let all = table.spec.indexes.iter();
    let all = all.map(|columns| (names::index_ending(&table.spec, columns), *columns));
    Ok(all.filter(|(ending, _)| !known.iter().any(|name| name.ends_with(ending))).collect())
}

/// Makes those that the table does not have yet.
pub(super) async fn add(client: &Client, table: &Table) -> Result<(), Fault> {
    for (ending, columns) in missing(client, table).await? {
        let of = |name: &str| table.spec.columns.iter().find(|column| column.name == name);
        let sorted = |name: &'static str| match of(name) {
            Some(column) if rows::is_json(column) => {
                let nulls = if column.optional { " NULLS FIRST" } else { "" };
                format!("({}::text) COLLATE \"C\"{nulls}", quoted(name))
            }
            Some(column) if column.optional => format!("{} NULLS FIRST", quoted(name)),
            _ => quoted(name),
        };
        let columns: Vec<String> = sql::indexed(&table.spec, columns).map(sorted).collect();
        client
            .batch_execute(&format!(
                "CREATE INDEX {} ON {} ({})",
                quoted(&format!("rows_{}{ending}", table.id)),
                names::rows_of(table),
                columns.join(", ")
            ))
            .await?;
    }
    Ok(())
}
