//! The views that people read: each is named as a target, and shows its newest complete rows.

use super::fault::Fault;
use super::names::{self, quoted};
use super::registry::number;
use crate::store::postgres::Client;

/// A view that is there within a transaction alone, under the lock of those who change views.
const PLAIN: &str = "eventloom.plain_view";

/// The view of a target.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub(super) schema: &'a str,
    pub(super) target: &'a str,
}

impl View<'_> {
    fn name(self) -> String {
        format!("{}.{}", quoted(self.schema), quoted(self.target))
    }
}

/// What has the name of a view, if anything has.
pub(super) async fn kind_of(client: &Client, view: View<'_>) -> Result<Option<String>, Fault> {
    let found = client
        .query_opt(
            "SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' \
             WHEN 'i' THEN 'index' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' ELSE 'table' END \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = $1 AND c.relname = $2",
            &[&view.schema, &view.target],
        )
        .await?;
    found.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// The rows that it shows, if it is there and one of ours.
pub(super) async fn shows(client: &Client, view: View<'_>) -> Result<Option<u64>, Fault> {
    let found = client
        .query_opt(
            "SELECT substring(r.relname FROM '^rows_([0-9]+)$')::bigint \
             FROM pg_class v JOIN pg_namespace n ON n.oid = v.relnamespace \
             JOIN pg_rewrite w ON w.ev_class = v.oid \
             JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid \
             AND d.refclassid = 'pg_class'::regclass \
             JOIN pg_class r ON r.oid = d.refobjid JOIN pg_namespace o ON o.oid = r.relnamespace \
             WHERE n.nspname = $1 AND v.relname = $2 AND v.relkind = 'v' \
             AND o.nspname = 'eventloom' AND r.relname ~ '^rows_[0-9]+$' LIMIT 1",
            &[&view.schema, &view.target],
        )
        .await?;
    found.map(|row| number(&row, 0)).transpose()
}

/// Whether it shows the newest complete rows, or is not there as they are not.
pub(super) async fn is_right(client: &Client, view: View<'_>) -> Result<bool, Fault> {
    Ok(shows(client, view).await? == newest(client, view.target).await?)
}

/// Points it at the newest complete rows.
pub(super) async fn show_newest(client: &Client, view: View<'_>) -> Result<(), Fault> {
    match newest(client, view.target).await? {
        Some(rows) => show(client, view, rows).await,
        None if is_free(client, view).await? => {
            client.batch_execute(&format!("DROP VIEW IF EXISTS {}", view.name())).await?;
            Ok(())
        }
        None => Ok(()),
    }
}

/// Whether nothing has the name, or a view of ours: what is somebody else's is not replaced.
async fn is_free(client: &Client, view: View<'_>) -> Result<bool, Fault> {
    let kind = match shows(client, view).await? {
        Some(rows) if is_ours(client, view, rows).await? => None,
        _ => kind_of(client, view).await?,
    };
    if let Some(kind) = &kind {
        let view = view.name();
        tracing::warn!(view, "a {kind} of yours has the name of a read model, which is not shown");
    }
    Ok(kind.is_none())
}

/// Whether a view of some rows is as we make it: of all of them, with all that they have. Of one that leaves something out,
/// those who may read it would see the rest.
async fn is_ours(client: &Client, view: View<'_>, rows: u64) -> Result<bool, Fault> {
    // What the server makes of the statement is for the server to say.
    let of = names::rows(rows);
    client.batch_execute(&format!("CREATE VIEW {PLAIN} AS SELECT * FROM {of}")).await?;
    let found = client
        .query_one(
            "SELECT pg_get_viewdef(to_regclass($1)) = pg_get_viewdef(to_regclass($2))",
            &[&PLAIN, &view.name()],
        )
        .await?;
    client.batch_execute(&format!("DROP VIEW {PLAIN}")).await?;
    Ok(found.try_get(0)?)
}

/// Points it at rows. Where they have the columns that it has, and perhaps more after them, views that name it stay as
/// they are; where they have others, such views are left with what they know, and the rights of those who read it are
/// granted anew.
pub(super) async fn show(client: &Client, view: View<'_>, rows: u64) -> Result<(), Fault> {
    if !is_free(client, view).await? {
        return Ok(());
    }
    let (name, rows) = (view.name(), names::rows(rows));
    let (shown, new) = (columns(client, &name).await?, columns(client, &rows).await?);
    let options = options(client, &name).await?;
    let create = format!("VIEW {name} {options} AS SELECT * FROM {rows}");
    if new.starts_with(&shown) {
        client.batch_execute(&format!("CREATE OR REPLACE {create}")).await?;
        return Ok(());
    }
    if is_named_by_others(client, &name).await? {
        tracing::warn!(
            view = name,
            "the view shows older rows still: the newer ones have other columns, and views of yours name it; drop \
             them, and open the projection again"
        );
        return Ok(());
    }
    let grants = grants(client, &name).await?;
    client.batch_execute(&format!("DROP VIEW {name}; CREATE {create}; {grants}")).await?;
    Ok(())
}

/// The columns of a table or a view, none where it is not there.
async fn columns(client: &Client, name: &str) -> Result<Vec<String>, Fault> {
    let found = client
        .query(
            "SELECT (a.attname, a.atttypid, a.attcollation)::text FROM pg_attribute a \
             WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            &[&name],
        )
        .await?;
    found.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

async fn is_named_by_others(client: &Client, name: &str) -> Result<bool, Fault> {
    let found = client
        .query_one(
            "SELECT EXISTS (SELECT FROM pg_depend d \
             JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid \
             WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = to_regclass($1) \
             AND w.ev_class <> d.refobjid)",
            &[&name],
        )
        .await?;
    Ok(found.try_get(0)?)
}

/// What was set on a view, which would else be reset.
async fn options(client: &Client, name: &str) -> Result<String, Fault> {
    let sql = "SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = to_regclass($1)";
    let found = client.query_opt(sql, &[&name]).await?;
    let options: Option<String> = found.map(|row| row.try_get(0)).transpose()?.flatten();
    Ok(options.map_or_else(String::new, |options| format!("WITH ({options})")))
}

/// The statements that grant what is granted on a view.
async fn grants(client: &Client, name: &str) -> Result<String, Fault> {
    let found = client
        .query_one(
            "SELECT coalesce(string_agg(format('GRANT %s ON %s TO %s%s;', g.privilege_type, $1::text, \
             CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END, \
             CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), ' '), '') \
             FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS g WHERE c.oid = to_regclass($1)",
            &[&name],
        )
        .await?;
    Ok(found.try_get(0)?)
}

/// The newest complete rows of a target.
async fn newest(client: &Client, target: &str) -> Result<Option<u64>, Fault> {
    let found = client
        .query_opt(
            "SELECT id FROM eventloom.read_models \
             WHERE target = $1 AND complete AND NOT shadow ORDER BY id DESC LIMIT 1",
            &[&target],
        )
        .await?;
    found.map(|row| number(&row, 0)).transpose()
}
