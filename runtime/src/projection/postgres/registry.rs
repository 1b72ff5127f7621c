//! The registry of read models: which tables there are, how far they have come, and which of them
//! the public views show.
//!
//! Everything here runs within the caller's transaction, but for plain reads.

use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

use super::fault::Fault;
use super::view::{self, View};
use super::{indexes, names, poison, rows};
use crate::metadata::Position;
use crate::projection::{
    Checkpoint, Commit, ReadDatabaseError, RowsVersion, SeenEvent, Switched, Table, TableSpec,
    TableState,
};
use crate::store::postgres::{Client, locks, text};
use crate::values::Uuid;

/// Lets nobody else create, drop or change tables until the transaction ends. Who is in the way of that is not waited for
/// without end.
pub(super) async fn hold(client: &Client) -> Result<(), Fault> {
    let hold = format!(
        "SET LOCAL lock_timeout TO '10s'; SELECT pg_advisory_xact_lock({})",
        locks::READ_MODELS
    );
    client.batch_execute(&hold).await?;
    Ok(())
}

/// As [`hold`], within the transaction of an append: others that append wait meanwhile. What ends the server's own upkeep
/// takes it a second.
pub(super) async fn hold_briefly(client: &Client) -> Result<(), Fault> {
    give_way(client).await?;
    let hold = "SELECT pg_advisory_xact_lock(7311146993704727156); SET LOCAL lock_timeout TO '2s'";
    client.batch_execute(hold).await?;
    Ok(())
}

/// From here on the transaction waits for readers of what it replaces so long only, and fails then: those who came after it
/// go first.
pub(super) async fn give_way(client: &Client) -> Result<(), Fault> {
    client.batch_execute("SET LOCAL lock_timeout TO '200ms'").await?;
    Ok(())
}

/// Ends the server's own upkeep of tables, which gives way to those alone who wait for a second or more. No reader and no
/// runner waits for this.
async fn end_upkeep(client: &Client, tables: &[u64]) -> Result<(), Fault> {
    if tables.is_empty() {
        return Ok(());
    }
    let tables: Vec<String> = tables.iter().map(|id| names::rows(*id)).collect();
    let lock = format!("LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE", tables.join(", "));
    client.batch_execute(&lock).await?;
    Ok(())
}

/// Finds the table of an aggregate's projection, its target and meaning that serves reads.
pub(super) async fn find(
    client: &Client,
    spec: TableSpec,
    shadow: bool,
) -> Result<Option<Table>, Fault> {
    let found = client
        .query_opt(
            "SELECT id FROM eventloom.read_models WHERE aggregate = $1 AND projection = $2 \
             AND target = $3 AND meaning = $4 AND shadow = $5",
            &[
                &text::stored(spec.aggregate),
                &text::stored(spec.projection),
                &spec.name,
                &names::meaning(spec.meaning),
                &shadow,
            ],
        )
        .await?;
    found.map(|row| Ok(Table { spec, id: number(&row, 0)?, shadow })).transpose()
}

/// Whether a table has all that this program needs, so that nothing has to be made.
pub(super) async fn is_ready(client: &Client, schema: &str, table: &Table) -> Result<bool, Fault> {
    let view = View { schema, target: table.spec.name };
    Ok(indexes::missing(client, table).await?.is_empty()
        && schema_of(client, table.spec.name).await?.as_deref() == Some(schema)
        && view::is_right(client, view).await?)
}

/// Where the view of a target is.
async fn schema_of(client: &Client, target: &str) -> Result<Option<String>, Fault> {
    let sql = "SELECT schema FROM eventloom.read_models WHERE target = $1 LIMIT 1";
    let found = client.query_opt(sql, &[&target]).await?;
    found.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// Finds the table, or creates it; the caller holds others off.
pub(super) async fn open(client: &Client, schema: &str, spec: TableSpec) -> Result<Table, Fault> {
    check_rights(client, schema, &spec).await?;
    check_target(client, schema, &spec).await?;
    let table = match find(client, spec, false).await? {
        Some(table) => table,
        None => create(client, schema, spec, false).await?,
    };
    // A program that was given an index after its rows finds them as they are.
    indexes::add(client, &table).await?;
    Ok(table)
}

/// A fault of reading rows; where they have been discarded meanwhile, or another rebuild has taken their
/// place, that is the reason.
pub(super) fn unless_gone(table: Table, fault: Fault) -> Fault {
    match fault.is(&SqlState::UNDEFINED_TABLE) {
        true => ReadDatabaseError::Gone(table.spec.full_name()).into(),
        false => fault,
    }
}

async fn create(
    client: &Client,
    schema: &str,
    spec: TableSpec,
    shadow: bool,
) -> Result<Table, Fault> {
    let row = client
        .query_one(
            "INSERT INTO eventloom.read_models \
             (id, aggregate, projection, target, meaning, shadow, schema, position, revision, complete) \
             VALUES (nextval('eventloom.read_model_ids'), $1, $2, $3, $4, $5, $6, 0, 0, false) RETURNING id",
            &[
                &text::stored(spec.aggregate),
                &text::stored(spec.projection),
                &spec.name,
                &names::meaning(spec.meaning),
                &shadow,
                &schema,
            ],
        )
        .await?;
    let table = Table { spec, id: number(&row, 0)?, shadow };
    client.batch_execute(&rows::create(&spec, &names::rows_of(&table))).await?;
    Ok(table)
}

/// Refuses to begin what this user may not do.
async fn check_rights(client: &Client, schema: &str, spec: &TableSpec) -> Result<(), Fault> {
    let found = client
        .query(
            "SELECT n.nspname::text, has_schema_privilege(n.oid, 'CREATE') FROM pg_namespace n \
             WHERE n.nspname IN ('eventloom', $1) ORDER BY 1",
            &[&schema],
        )
        .await?;
    let mut is_there = false;
    for row in &found {
        let name: &str = row.try_get(0)?;
        is_there |= name == schema;
        if !row.try_get::<_, bool>(1)? {
            return Err(ReadDatabaseError::Unwritable(format!(
                "this user may not create anything in the schema `{name}`, where the table of {} or its view is to \
                 be; run projections as the user who owns the read models",
                spec.full_name()
            ))
            .into());
        }
    }
    if is_there {
        return Ok(());
    }
    let reason =
        format!("its view is to be in the schema `{schema}`, which is not there; create it");
    Err(ReadDatabaseError::Unsuitable { projection: spec.full_name(), reason }.into())
}

/// Refuses a target whose name something else has: a table, or the view of another projection.
async fn check_target(client: &Client, schema: &str, spec: &TableSpec) -> Result<(), Fault> {
    let other = client
        .query_opt(
            "SELECT aggregate || '.' || projection FROM eventloom.read_models \
             WHERE target = $1 AND (aggregate, projection) <> ($2, $3) LIMIT 1",
            &[&spec.name, &text::stored(spec.aggregate), &text::stored(spec.projection)],
        )
        .await?;
    if let Some(known) = schema_of(client, spec.name).await?.filter(|known| known != schema) {
        let reason = format!(
            "its view is in the schema `{known}`, and this program wants it in `{schema}`; open the read models in \
             that one, or discard their versions first"
        );
        return Err(ReadDatabaseError::Unsuitable { projection: spec.full_name(), reason }.into());
    }
    let view = View { schema, target: spec.name };
    let taken = match (other, view::kind_of(client, view).await?) {
        (Some(other), _) => {
            let other: String = other.try_get(0)?;
            format!("view of the projection {}", text::read(&other))
        }
        (None, None) => return Ok(()),
        (None, Some(_)) if view::shows(client, view).await?.is_some() => return Ok(()),
        (None, Some(kind)) => kind,
    };
    let (projection, name) = (spec.full_name(), spec.name);
    Err(ReadDatabaseError::NameTaken { projection, name, kind: taken }.into())
}

/// How far a table has come, with its poison and what was skipped.
pub(super) async fn state(client: &Client, table: Table) -> Result<TableState, Fault> {
    let spec = table.spec;
    let statement = client
        .prepare_cached(
            "SELECT position, revision, complete, seen_position, seen_event, runner \
             FROM eventloom.read_models WHERE id = $1",
        )
        .await?;
    let found = client.query_opt(&statement, &[&id(table)]).await?;
    let row = found.ok_or(ReadDatabaseError::Gone(spec.full_name()))?;
    let seen: Option<i64> = row.try_get(3)?;
    let seen = seen
        .map(|_| {
            Ok::<_, Fault>(SeenEvent { position: number(&row, 3)?, event_id: row.try_get(4)? })
        })
        .transpose()?;
    Ok(TableState {
        table,
        position: number(&row, 0)?,
        seen,
        revision: number(&row, 1)?,
        complete: row.try_get(2)?,
        runner: row.try_get(5)?,
        poison: poison::waiting(client, id(table)).await?,
        skipped: poison::skipped(client, spec).await?,
        rebuild_stopped_by: poison::of_rebuild(client, spec).await?,
    })
}

/// Lets nobody else move a table until the transaction ends.
pub(super) async fn hold_table(client: &Client, table: Table) -> Result<(), Fault> {
    let statement = client
        .prepare_cached("SELECT FROM eventloom.read_models WHERE id = $1 FOR NO KEY UPDATE")
        .await?;
    client.execute(&statement, &[&id(table)]).await?;
    Ok(())
}

/// How far a table has come.
pub(super) async fn checkpoint(client: &Client, table: Table) -> Result<Checkpoint, Fault> {
    let statement = client
        .prepare_cached(
            "SELECT position, revision, complete, \
             (SELECT count(*) FROM eventloom.poison WHERE read_model = id), runner \
             FROM eventloom.read_models WHERE id = $1",
        )
        .await?;
    let found = client.query_opt(&statement, &[&id(table)]).await?;
    let row = found.ok_or(ReadDatabaseError::Gone(table.spec.full_name()))?;
    Ok(Checkpoint {
        position: number(&row, 0)?,
        revision: number(&row, 1)?,
        complete: row.try_get(2)?,
        poison: number(&row, 3)?,
        runner: row.try_get(4)?,
    })
}

/// Refuses a table that is gone, or whose rows have not caught up. Rows that have once caught up stay complete.
pub(super) async fn check_complete(client: &Client, table: Table) -> Result<(), Fault> {
    let statement = client
        .prepare_cached("SELECT position, complete FROM eventloom.read_models WHERE id = $1")
        .await?;
    let projection = table.spec.full_name();
    match client.query_opt(&statement, &[&id(table)]).await? {
        Some(row) if row.try_get(1)? => Ok(()),
        Some(row) => {
            let position = number(&row, 0)?;
            Err(ReadDatabaseError::BeingBuilt { projection, position }.into())
        }
        None => Err(ReadDatabaseError::Gone(projection).into()),
    }
}

/// Takes the checkpoint of a commit over, where the table is still at the revision on which it is based: then whether the
/// rows were complete before. Until the transaction ends nobody else moves it.
pub(super) async fn move_on(client: &Client, commit: &Commit) -> Result<Option<bool>, Fault> {
    let statement = client
        .prepare_cached(
            "UPDATE eventloom.read_models AS m \
             SET position = $3, complete = $4, seen_position = $5, seen_event = $6, runner = $7, \
             revision = m.revision + 1 \
             FROM (SELECT id, complete FROM eventloom.read_models WHERE id = $1 AND revision = $2 FOR UPDATE) \
             AS before WHERE m.id = before.id RETURNING before.complete",
        )
        .await?;
    let moved = client
        .query_opt(
            &statement,
            &[
                &id(commit.table),
                &commit.revision.cast_signed(),
                &commit.position.cast_signed(),
                &commit.complete,
                &commit.seen.map(|seen| seen.position.cast_signed()),
                &commit.seen.map(|seen| seen.event_id),
                &commit.runner,
            ],
        )
        .await?;
    moved.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// Makes somebody the one who runs a table. Until the transaction ends nobody else moves it.
pub(super) async fn claim(client: &Client, table: Table, runner: Uuid) -> Result<(), Fault> {
    let statement = client
        .prepare_cached(
            "UPDATE eventloom.read_models SET runner = $2, revision = revision + 1 WHERE id = $1",
        )
        .await?;
    client.execute(&statement, &[&id(table), &runner]).await?;
    Ok(())
}

/// Creates an empty table beside the one that serves, and drops the one of an earlier rebuild.
pub(super) async fn begin_rebuild(
    client: &Client,
    schema: &str,
    spec: TableSpec,
) -> Result<Table, Fault> {
    let Some(serving) = find(client, spec, false).await? else {
        return Err(ReadDatabaseError::Gone(spec.full_name()).into());
    };
    if let Some(cut_off) = find(client, spec, true).await? {
        drop_table(client, cut_off).await?;
    }
    let shadow = create(client, schema, spec, true).await?;
    keep_options(client, serving, shadow).await?;
    indexes::add(client, &shadow).await?;
    Ok(shadow)
}

/// Sets on a rebuilt table what operators have set on the one that serves, such as when the server tidies it up.
async fn keep_options(client: &Client, serving: Table, shadow: Table) -> Result<(), Fault> {
    let found = client
        .query_one(
            "SELECT string_agg(format('%s%I = %L', o.part, split_part(o.text, '=', 1), \
             substr(o.text, strpos(o.text, '=') + 1)), ', ') \
             FROM (SELECT '' AS part, unnest(reloptions) AS text FROM pg_class WHERE oid = to_regclass($1) \
             UNION ALL SELECT 'toast.', unnest(t.reloptions) FROM pg_class c \
             JOIN pg_class t ON t.oid = c.reltoastrelid WHERE c.oid = to_regclass($1)) AS o",
            &[&names::rows_of(&serving)],
        )
        .await?;
    let set: Option<String> = found.try_get(0)?;
    let set = set.map_or_else(String::new, |set| format!(", SET ({set})"));
    let rows = names::rows_of(&shadow);
    client.batch_execute(&format!("ALTER TABLE {rows} RESET (fillfactor){set}")).await?;
    Ok(())
}

/// Drops a table that is being rebuilt, or its rows alone, where it is to be known what stopped it.
pub(super) async fn abandon_rebuild(client: &Client, shadow: Table) -> Result<(), Fault> {
    if !poison::waiting(client, id(shadow)).await?.iter().any(|poison| poison.stops) {
        return drop_table(client, shadow).await;
    }
    client.batch_execute(&format!("TRUNCATE {}", names::rows_of(&shadow))).await?;
    // Whoever has read the revision must notice.
    let sql =
        "UPDATE eventloom.read_models SET position = 0, revision = revision + 1 WHERE id = $1";
    client.execute(sql, &[&id(shadow)]).await?;
    Ok(())
}

/// Drops a table and all that is known of it, but for decisions to skip.
async fn drop_table(client: &Client, table: Table) -> Result<(), Fault> {
    if find(client, table.spec, table.shadow).await? != Some(table) {
        return Ok(());
    }
    forget(client, id(table)).await?;
    drop_rows(client, table.id).await
}

async fn forget(client: &Client, id: i64) -> Result<(), Fault> {
    client.execute("DELETE FROM eventloom.poison WHERE read_model = $1", &[&id]).await?;
    client.execute("DELETE FROM eventloom.read_models WHERE id = $1", &[&id]).await?;
    Ok(())
}

async fn drop_rows(client: &Client, id: u64) -> Result<(), Fault> {
    client.batch_execute(&format!("DROP TABLE {}", names::rows(id))).await?;
    Ok(())
}

/// Every version of every projection, the oldest first.
pub(super) async fn versions(client: &Client) -> Result<Vec<RowsVersion>, Fault> {
    let found = client
        .query(
            "SELECT aggregate, projection, target, meaning, position, complete, \
             complete AND id = (SELECT max(id) FROM eventloom.read_models AS newest \
              WHERE newest.target = versions.target AND newest.complete AND NOT newest.shadow) \
             FROM eventloom.read_models AS versions WHERE NOT shadow ORDER BY id",
            &[],
        )
        .await?;
    let version = |row: &Row| {
        let text = |column| {
            let stored: &str = row.try_get(column)?;
            Ok::<_, Fault>(text::read(stored).into_owned())
        };
        let meaning = u64::from_str_radix(row.try_get(3)?, 16).map_err(|error| {
            ReadDatabaseError::Corrupt(format!("the meaning of a read model is none: {error}"))
        })?;
        Ok(RowsVersion {
            aggregate: text(0)?,
            projection: text(1)?,
            target: text(2)?,
            meaning,
            position: number(row, 4)?,
            complete: row.try_get(5)?,
            shown: row.try_get::<_, Option<bool>>(6)?.unwrap_or(false),
        })
    };
    found.iter().map(version).collect()
}

/// Drops a version with all that is known of it; the view falls back to the newest that is left.
pub(super) async fn discard(client: &Client, version: &RowsVersion) -> Result<bool, Fault> {
    let RowsVersion { aggregate, projection, target, meaning, .. } = version;
    let (aggregate, projection) = (text::stored(aggregate), text::stored(projection));
    let meaning = names::meaning(*meaning);
    let found = client
        .query(
            "SELECT id, schema FROM eventloom.read_models \
             WHERE aggregate = $1 AND projection = $2 AND target = $3 AND meaning = $4",
            &[&aggregate, &projection, target, &meaning],
        )
        .await?;
    let tables = found.iter().map(|row| number(row, 0)).collect::<Result<Vec<u64>, _>>()?;
    end_upkeep(client, &tables).await?;
    give_way(client).await?;
    for table in &tables {
        forget(client, table.cast_signed()).await?;
    }
    if let Some(row) = found.first() {
        view::show_newest(client, View { schema: row.try_get(1)?, target }).await?;
    }
    for table in &tables {
        drop_rows(client, *table).await?;
    }
    client
        .execute(
            "DELETE FROM eventloom.skipped \
             WHERE aggregate = $1 AND projection = $2 AND target = $3 AND meaning = $4",
            &[&aggregate, &projection, target, &meaning],
        )
        .await?;
    Ok(!found.is_empty())
}

/// Puts a rebuilt table in the place of the one that serves.
pub(super) async fn finish_rebuild(
    client: &Client,
    schema: &str,
    (shadow, revision): (Table, u64),
    left_out: &[Position],
) -> Result<Switched, Fault> {
    let spec = shadow.spec;
    if let Some(serving) = find(client, spec, false).await?
        && find(client, spec, true).await? == Some(shadow)
    {
        end_upkeep(client, &[serving.id, shadow.id]).await?;
    }
    give_way(client).await?;
    // No runner may move either of the two from here on.
    let row = client
        .query_opt(
            "SELECT position FROM eventloom.read_models WHERE id = $1 AND revision = $2 FOR UPDATE",
            &[&id(shadow), &revision.cast_signed()],
        )
        .await?;
    let Some(row) = row else { return Ok(Switched::Moved) };
    let rebuilt = number(&row, 0)?;
    let Some(serving) = find(client, spec, false).await? else {
        return Err(ReadDatabaseError::Gone(spec.full_name()).into());
    };
    let row = client
        .query_one(
            "SELECT position FROM eventloom.read_models WHERE id = $1 FOR UPDATE",
            &[&id(serving)],
        )
        .await?;
    if rebuilt < number(&row, 0)? {
        return Ok(Switched::Behind);
    }
    let served = state(client, serving).await?;
    if !served.skips_only(left_out) {
        return Ok(Switched::Decided);
    }
    if !state(client, shadow).await?.lacking(&served).is_empty() {
        return Ok(Switched::Lacking);
    }
    keep_options(client, serving, shadow).await?;
    // The view is pointed at the new rows before the old ones go: it may be named by views of the user's.
    let view = View { schema, target: spec.name };
    if view::shows(client, view).await? == Some(serving.id) {
        view::show(client, view, shadow.id).await?;
    }
    drop_rows(client, serving.id).await?;
    client
        .batch_execute(&format!(
            "ALTER TABLE {} RENAME TO rows_{}",
            names::rows(shadow.id),
            serving.id
        ))
        .await?;
    take_over(client, shadow, serving, rebuilt).await?;
    Ok(Switched::Done)
}

/// What is known of the rebuilt table is now known of the one that serves.
async fn take_over(
    client: &Client,
    shadow: Table,
    serving: Table,
    position: Position,
) -> Result<(), Fault> {
    let (shadow, serving) = (id(shadow), id(serving));
    client.execute("DELETE FROM eventloom.poison WHERE read_model = $1", &[&serving]).await?;
    client
        .execute(
            "UPDATE eventloom.poison SET read_model = $2 WHERE read_model = $1",
            &[&shadow, &serving],
        )
        .await?;
    client
        .execute(
            "UPDATE eventloom.read_models AS m \
             SET position = $3, complete = true, seen_position = s.seen_position, seen_event = s.seen_event, \
             revision = m.revision + 1 FROM eventloom.read_models AS s WHERE m.id = $2 AND s.id = $1",
            &[&shadow, &serving, &position.cast_signed()],
        )
        .await?;
    client.execute("DELETE FROM eventloom.read_models WHERE id = $1", &[&shadow]).await?;
    Ok(())
}

fn id(table: Table) -> i64 {
    table.id.cast_signed()
}

/// Positions, revisions and counts: numbers of ours, which never were negative.
pub(super) fn number(row: &Row, index: usize) -> Result<u64, Fault> {
    Ok(row.try_get::<_, i64>(index)?.cast_unsigned())
}
