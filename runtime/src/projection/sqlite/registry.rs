//! The registry of read models: which tables there are, how far they have come, and which of them
//! the public views show.
//!
//! Everything here runs within the caller's transaction.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row};

use super::fault::Fault;
use super::names::{self, quoted};
use super::{poison, rows};
use crate::metadata::Position;
use crate::projection::{
    Checkpoint, Commit, ReadDatabaseError, RowsVersion, SeenEvent, Switched, Table, TableSpec,
    TableState, sql,
};
use crate::values::Uuid;

/// Adds what a registry lacks that an earlier program made.
pub(super) fn add_columns(connection: &Connection) -> Result<(), Fault> {
    const ADDED: [(&str, &str); 3] =
        [("seen_position", "INTEGER"), ("seen_event", "BLOB"), ("runner", "BLOB")];
    for (column, declared) in ADDED {
        let known = connection
            .prepare("SELECT 1 FROM pragma_table_info('eventloom_read_models') WHERE name = ?1")?
            .exists([column])?;
        if !known {
            let add = format!("ALTER TABLE eventloom_read_models ADD COLUMN {column} {declared}");
            connection.execute_batch(&add)?;
        }
    }
    Ok(())
}

/// Finds the table of an aggregate's projection, its target and meaning that serves reads, or creates it.
pub(super) fn open(connection: &Connection, spec: TableSpec) -> Result<TableState, Fault> {
    spec.check_key()?;
    names::check(&spec)?;
    check_target(connection, &spec)?;
    let table = match find(connection, spec, false)? {
        Some(table) => table,
        None => create(connection, spec, false)?,
    };
    // A program that was given an index after its rows finds them as they are.
    add_indexes(connection, &table)?;
    state(connection, table)
}

fn find(
    connection: &Connection,
    spec: TableSpec,
    shadow: bool,
) -> Result<Option<Table>, rusqlite::Error> {
    let id = connection
        .prepare_cached(
            "SELECT id FROM eventloom_read_models \
             WHERE aggregate = ?1 AND projection = ?2 AND target = ?3 AND meaning = ?4 \
             AND shadow = ?5",
        )?
        .query_row(
            (spec.aggregate, spec.projection, spec.name, names::meaning(spec.meaning), shadow),
            |row| row.get::<_, i64>(0),
        )
        .optional()?;
    Ok(id.map(|id| Table { spec, id: id.cast_unsigned(), shadow }))
}

/// A fault of reading rows; where they have been discarded meanwhile, or another rebuild has taken their
/// place, that is the reason.
pub(super) fn unless_gone(
    connection: &Connection,
    spec: TableSpec,
    shadow: bool,
    fault: Fault,
) -> Fault {
    match find(connection, spec, shadow) {
        Ok(None) => ReadDatabaseError::Gone(spec.full_name()).into(),
        _ => fault,
    }
}

fn create(connection: &Connection, spec: TableSpec, shadow: bool) -> Result<Table, Fault> {
    let name = names::rows(&spec, shadow);
    if let Some(kind) = kind_of(connection, &name)? {
        let reason = format!("there is a {kind} `{name}` that is none of Eventloom's; rename it");
        return Err(ReadDatabaseError::Unsuitable { projection: spec.full_name(), reason }.into());
    }
    connection.execute_batch(&rows::create(&spec, &name))?;
    connection
        .prepare_cached(
            "INSERT INTO eventloom_read_models \
             (aggregate, projection, target, meaning, shadow, position, revision, complete) \
             VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, 0)",
        )?
        .execute((
            spec.aggregate,
            spec.projection,
            spec.name,
            names::meaning(spec.meaning),
            shadow,
        ))?;
    let id = connection.last_insert_rowid().cast_unsigned();
    Ok(Table { spec, id, shadow })
}

/// Makes the indexes that the table does not have yet. One that is no longer asked for stays: a program
/// that runs beside this one may ask for it.
fn add_indexes(connection: &Connection, table: &Table) -> Result<(), Fault> {
    let rows = names::rows_of(table);
    let known: Vec<String> = connection
        .prepare_cached("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?1")?
        .query_map([&rows], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for columns in table.spec.indexes {
        let ending = names::index_ending(&table.spec, columns);
        if known.iter().any(|name| name.ends_with(&ending)) {
            continue;
        }
        let columns: Vec<String> = sql::indexed(&table.spec, columns).map(quoted).collect();
        connection.execute_batch(&format!(
            "CREATE INDEX {} ON {} ({})",
            quoted(&names::index(table, &ending)),
            quoted(&rows),
            columns.join(", ")
        ))?;
    }
    Ok(())
}

/// What has a name, if anything has.
fn kind_of(connection: &Connection, name: &str) -> Result<Option<String>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT type FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE")?
        .query_row([name], |row| row.get(0))
        .optional()
}

/// Refuses a target whose name something else has: a table, or the view of another projection.
fn check_target(connection: &Connection, spec: &TableSpec) -> Result<(), Fault> {
    let other: Option<String> = connection
        .prepare_cached(
            "SELECT aggregate || '.' || projection FROM eventloom_read_models \
             WHERE target = ?1 AND (aggregate, projection) <> (?2, ?3) LIMIT 1",
        )?
        .query_row((spec.name, spec.aggregate, spec.projection), |row| row.get(0))
        .optional()?;
    let taken = match (other, kind_of(connection, spec.name)?) {
        (Some(other), _) => format!("view of the projection {other}"),
        (None, None) => return Ok(()),
        (None, Some(kind)) if kind == "view" && newest(connection, spec.name)?.is_some() => {
            return Ok(());
        }
        (None, Some(kind)) => kind,
    };
    let (projection, name) = (spec.full_name(), spec.name);
    Err(ReadDatabaseError::NameTaken { projection, name, kind: taken }.into())
}

/// How far a table has come, with its poison and what was skipped.
pub(super) fn state(connection: &Connection, table: Table) -> Result<TableState, Fault> {
    let Checkpoint { position, revision, complete, runner, .. } = checkpoint(connection, table)?;
    let seen = seen(connection, table)?;
    let poison = poison::waiting(connection, table)?;
    let skipped = poison::skipped(connection, table.spec)?;
    let rebuild_stopped_by = poison::of_rebuild(connection, table.spec)?;
    Ok(TableState {
        table,
        position,
        seen,
        revision,
        complete,
        runner,
        poison,
        skipped,
        rebuild_stopped_by,
    })
}

fn seen(connection: &Connection, table: Table) -> Result<Option<SeenEvent>, rusqlite::Error> {
    let event = |row: &Row<'_>| {
        let id = row.get::<_, [u8; 16]>(1)?;
        Ok(SeenEvent { position: unsigned(row, 0)?, event_id: Uuid::from_bytes(id) })
    };
    connection
        .prepare_cached(
            "SELECT seen_position, seen_event FROM eventloom_read_models \
             WHERE id = ?1 AND seen_position IS NOT NULL",
        )?
        .query_row([table.id.cast_signed()], event)
        .optional()
}

/// How far a table has come.
pub(super) fn checkpoint(connection: &Connection, table: Table) -> Result<Checkpoint, Fault> {
    let found = connection
        .prepare_cached(
            "SELECT position, revision, complete, \
             (SELECT count(*) FROM eventloom_poison WHERE read_model = id), runner \
             FROM eventloom_read_models WHERE id = ?1",
        )?
        .query_row([table.id.cast_signed()], |row| {
            Ok(Checkpoint {
                position: unsigned(row, 0)?,
                revision: unsigned(row, 1)?,
                complete: row.get(2)?,
                poison: unsigned(row, 3)?,
                runner: row.get::<_, Option<[u8; 16]>>(4)?.map(Uuid::from_bytes),
            })
        })
        .optional()?;
    Ok(found.ok_or(ReadDatabaseError::Gone(table.spec.full_name()))?)
}

/// Refuses a table that is gone, or whose rows have not caught up.
pub(super) fn check_complete(connection: &Connection, table: Table) -> Result<(), Fault> {
    let found = connection
        .prepare_cached("SELECT position, complete FROM eventloom_read_models WHERE id = ?1")?
        .query_row([table.id.cast_signed()], |row| Ok((unsigned(row, 0)?, row.get(1)?)))
        .optional()?;
    let projection = table.spec.full_name();
    match found {
        Some((_, true)) => Ok(()),
        Some((position, false)) => {
            Err(ReadDatabaseError::BeingBuilt { projection, position }.into())
        }
        None => Err(ReadDatabaseError::Gone(projection).into()),
    }
}

/// Whether a table is still at the revision on which a change is based.
pub(super) fn is_at(
    connection: &Connection,
    table: Table,
    revision: u64,
) -> Result<bool, rusqlite::Error> {
    let found = connection
        .prepare_cached("SELECT revision FROM eventloom_read_models WHERE id = ?1")?
        .query_row([table.id.cast_signed()], |row| unsigned(row, 0))
        .optional()?;
    Ok(found == Some(revision))
}

/// Writes all of a commit but its rows, after [`is_at`] has said that it may be written.
pub(super) fn record(connection: &Connection, commit: &Commit) -> Result<(), Fault> {
    let id = commit.table.id.cast_signed();
    let was_complete: bool = connection
        .prepare_cached("SELECT complete FROM eventloom_read_models WHERE id = ?1")?
        .query_row([id], |row| row.get(0))?;
    connection
        .prepare_cached(
            "UPDATE eventloom_read_models \
             SET position = ?2, complete = ?3, seen_position = ?4, seen_event = ?5, runner = ?6, \
             revision = revision + 1 WHERE id = ?1",
        )?
        .execute((
            id,
            commit.position.cast_signed(),
            commit.complete,
            commit.seen.map(|seen| seen.position.cast_signed()),
            commit.seen.map(|seen| *seen.event_id.as_bytes()),
            commit.runner.map(|runner| *runner.as_bytes()),
        ))?;
    poison::record(connection, commit)?;
    if commit.complete && !was_complete && !commit.table.shadow {
        show_newest(connection, commit.table.spec.name)?;
    }
    Ok(())
}

/// Makes somebody the one who runs a table.
pub(super) fn claim(
    connection: &Connection,
    table: Table,
    runner: Uuid,
) -> Result<TableState, Fault> {
    connection
        .prepare_cached(
            "UPDATE eventloom_read_models SET runner = ?2, revision = revision + 1 WHERE id = ?1",
        )?
        .execute((table.id.cast_signed(), runner.as_bytes()))?;
    state(connection, table)
}

/// Creates an empty table beside the one that serves, and drops the one of an earlier rebuild.
pub(super) fn begin_rebuild(connection: &Connection, spec: TableSpec) -> Result<TableState, Fault> {
    if find(connection, spec, false)?.is_none() {
        return Err(ReadDatabaseError::Gone(spec.full_name()).into());
    }
    if let Some(cut_off) = find(connection, spec, true)? {
        drop_table(connection, cut_off)?;
    }
    let shadow = create(connection, spec, true)?;
    add_indexes(connection, &shadow)?;
    state(connection, shadow)
}

/// Drops a table that is being rebuilt, or its rows alone, where it is to be known what stopped it.
pub(super) fn abandon_rebuild(connection: &Connection, shadow: Table) -> Result<(), Fault> {
    if !poison::waiting(connection, shadow)?.iter().any(|poison| poison.stops) {
        return drop_table(connection, shadow);
    }
    connection.execute_batch(&format!("DELETE FROM {}", quoted(&names::rows_of(&shadow))))?;
    // Whoever has read the revision must notice.
    connection.execute(
        "UPDATE eventloom_read_models SET position = 0, revision = revision + 1 WHERE id = ?1",
        [shadow.id.cast_signed()],
    )?;
    Ok(())
}

/// Drops a table and all that is known of it, but for decisions to skip.
fn drop_table(connection: &Connection, table: Table) -> Result<(), Fault> {
    if find(connection, table.spec, table.shadow)? != Some(table) {
        return Ok(());
    }
    forget(connection, table.id.cast_signed())?;
    drop_rows(connection, &names::rows_of(&table))?;
    Ok(())
}

fn forget(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM eventloom_poison WHERE read_model = ?1", [id])?;
    connection.execute("DELETE FROM eventloom_read_models WHERE id = ?1", [id])?;
    Ok(())
}

fn drop_rows(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    connection.execute_batch(&format!("DROP TABLE {}", quoted(name)))
}

/// Every version of every projection, the oldest first.
pub(super) fn versions(connection: &Connection) -> Result<Vec<RowsVersion>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT aggregate, projection, target, meaning, position, complete, \
         complete AND id = (SELECT max(id) FROM eventloom_read_models AS newest \
          WHERE newest.target = versions.target AND newest.complete AND NOT newest.shadow) \
         FROM eventloom_read_models AS versions WHERE NOT shadow ORDER BY id",
    )?;
    let versions = statement.query_map((), |row| {
        Ok(RowsVersion {
            aggregate: row.get(0)?,
            projection: row.get(1)?,
            target: row.get(2)?,
            meaning: read_meaning(row, 3)?,
            position: unsigned(row, 4)?,
            complete: row.get(5)?,
            shown: row.get(6)?,
        })
    })?;
    Ok(versions.collect::<Result<_, _>>()?)
}

fn read_meaning(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    u64::from_str_radix(&row.get::<_, String>(index)?, 16).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error))
    })
}

/// Drops a version with all that is known of it; the view falls back to the newest that is left.
pub(super) fn discard(connection: &Connection, version: &RowsVersion) -> Result<bool, Fault> {
    let RowsVersion { aggregate, projection, target, meaning, .. } = version;
    let of = (aggregate, projection, target, names::meaning(*meaning));
    let found: Vec<(i64, String, bool)> = connection
        .prepare_cached(
            "SELECT id, target, shadow FROM eventloom_read_models \
             WHERE aggregate = ?1 AND projection = ?2 AND target = ?3 AND meaning = ?4",
        )?
        .query_map((of.0, of.1, of.2, &of.3), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (id, target, shadow) in &found {
        forget(connection, *id)?;
        drop_rows(connection, &names::table(target, *meaning, *shadow))?;
        show_newest(connection, target)?;
    }
    connection.execute(
        "DELETE FROM eventloom_skipped \
         WHERE aggregate = ?1 AND projection = ?2 AND target = ?3 AND meaning = ?4",
        of,
    )?;
    Ok(!found.is_empty())
}

/// Puts a rebuilt table in the place of the one that serves.
pub(super) fn finish_rebuild(
    connection: &Connection,
    shadow: Table,
    revision: u64,
    left_out: &[Position],
) -> Result<Switched, Fault> {
    let spec = shadow.spec;
    if !is_at(connection, shadow, revision)? {
        return Ok(Switched::Moved);
    }
    let Some(serving) = find(connection, spec, false)? else {
        return Err(ReadDatabaseError::Gone(spec.full_name()).into());
    };
    let rebuilt = checkpoint(connection, shadow)?.position;
    if rebuilt < checkpoint(connection, serving)?.position {
        return Ok(Switched::Behind);
    }
    let served = state(connection, serving)?;
    if !served.skips_only(left_out) {
        return Ok(Switched::Decided);
    }
    if !state(connection, shadow)?.lacking(&served).is_empty() {
        return Ok(Switched::Lacking);
    }
    drop_rows(connection, &names::rows(&spec, false))?;
    rename(connection, &names::rows(&spec, true), &names::rows(&spec, false))?;
    take_over(connection, shadow, serving, rebuilt)?;
    show_newest(connection, spec.name)?;
    Ok(Switched::Done)
}

/// Gives a table another name. Views that name it, ours and the user's, are left as they are: SQLite
/// would otherwise look into each and refuse, the table they show being gone for a moment.
fn rename(connection: &Connection, from: &str, to: &str) -> rusqlite::Result<()> {
    connection.pragma_update(None, "legacy_alter_table", true)?;
    let sql = format!("ALTER TABLE {} RENAME TO {}", quoted(from), quoted(to));
    let renamed = connection.execute_batch(&sql);
    connection.pragma_update(None, "legacy_alter_table", false)?;
    renamed
}

/// What is known of the rebuilt table is now known of the one that serves.
fn take_over(
    connection: &Connection,
    shadow: Table,
    serving: Table,
    position: Position,
) -> rusqlite::Result<()> {
    let seen = seen(connection, shadow)?;
    let (shadow, serving) = (shadow.id.cast_signed(), serving.id.cast_signed());
    connection.execute("DELETE FROM eventloom_poison WHERE read_model = ?1", [serving])?;
    connection.execute(
        "UPDATE eventloom_poison SET read_model = ?2 WHERE read_model = ?1",
        [shadow, serving],
    )?;
    connection.execute("DELETE FROM eventloom_read_models WHERE id = ?1", [shadow])?;
    connection.execute(
        "UPDATE eventloom_read_models \
         SET position = ?2, complete = 1, seen_position = ?3, seen_event = ?4, \
         revision = revision + 1 WHERE id = ?1",
        (
            serving,
            position.cast_signed(),
            seen.map(|seen| seen.position.cast_signed()),
            seen.map(|seen| *seen.event_id.as_bytes()),
        ),
    )?;
    Ok(())
}

/// Points the public view at the newest complete rows.
fn show_newest(connection: &Connection, target: &str) -> rusqlite::Result<()> {
    let view = quoted(target);
    connection.execute_batch(&format!("DROP VIEW IF EXISTS {view}"))?;
    if let Some(rows) = newest(connection, target)? {
        let rows = quoted(&rows);
        connection.execute_batch(&format!("CREATE VIEW {view} AS SELECT * FROM {rows}"))?;
    }
    Ok(())
}

/// The table of the newest complete rows of a target.
fn newest(connection: &Connection, target: &str) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached(
            "SELECT target || '__' || meaning FROM eventloom_read_models \
             WHERE target = ?1 AND complete = 1 AND shadow = 0 ORDER BY id DESC LIMIT 1",
        )?
        .query_row([target], |row| row.get(0))
        .optional()
}

/// Positions, revisions and counts: numbers of ours, which never were negative.
pub(super) fn unsigned(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    row.get(index).map(i64::cast_unsigned)
}
