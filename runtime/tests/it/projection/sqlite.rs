//! Read models in SQLite: what people find who open the file, and several programs on one file.

use eventloom_runtime::codec::DecodeError;
use eventloom_runtime::projection::{
    Column, ColumnType, Commit, Committed, Consistency, MemoryReadDatabase, Projection,
    ProjectionError, Projector, ProjectorError, ReadDatabase, ReadDatabaseError, RowChange,
    SqliteReadDatabase, TableSpec, Value,
};
use eventloom_runtime::store::MemoryStore;
use eventloom_runtime::store::sqlite::SqliteDatabase;
use eventloom_runtime::testing::block_on;
use eventloom_runtime::{Decimal, EventStore, Metadata, Timestamp};

use super::everything::{Everything, everything};
use super::ledger::{
    Balance, Balances, Entry, ImmediateBalances, NextBalances, Rival, Usurper, of_ledger,
};
use super::rig::{InSqlite, Place, append, moved, open, open_with, opened, tagged};

type Text = Vec<String>;

fn column(sql: &rusqlite::Connection, query: &str) -> Text {
    let mut statement = sql.prepare(query).expect("a query");
    let rows = statement.query_map((), |row| {
        Ok(match row.get_ref(0)? {
            rusqlite::types::ValueRef::Integer(number) => number.to_string(),
            other => other.as_str().expect("text").to_owned(),
        })
    });
    rows.expect("rows").collect::<Result<_, _>>().expect("texts")
}

#[test]
fn the_view_has_the_name_of_the_target_and_shows_the_rows() {
    block_on(async {
        let place = InSqlite::new().await;
        append(place.store(), "a", 0, &[opened("Ada"), moved(15)]).await;
        let balances = open::<Balances, _>(&place).await;
        let sql = place.sql();
        let views = "SELECT name FROM sqlite_schema WHERE type = 'view' AND name <> 'event_log'";
        assert_eq!(column(&sql, views), Text::new(), "half-built rows are not shown");

        balances.catch_up().await.expect("it catches up");

        assert_eq!(column(&sql, views), ["table"]);
        assert_eq!(column(&sql, r#"SELECT "select" FROM "table""#), ["a"]);
        assert_eq!(column(&sql, r#"SELECT "group ""by""; --" FROM "table""#), ["15"]);
        let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'table%'";
        assert_eq!(column(&sql, tables), ["table__0000000000000001"]);
    });
}

#[test]
fn the_view_moves_forward_only() {
    block_on(async {
        let place = InSqlite::new().await;
        append(place.store(), "a", 0, &[opened("Ada")]).await;
        let old = open::<Balances, _>(&place).await;
        old.catch_up().await.expect("it catches up");
        let sql = place.sql();
        let shown = "SELECT sql FROM sqlite_schema WHERE name = 'table'";
        let new = open::<NextBalances, _>(&place).await;
        assert!(column(&sql, shown)[0].contains("table__0000000000000001"), "the new is not built");

        new.catch_up().await.expect("it catches up");
        assert!(column(&sql, shown)[0].contains("table__0000000000000002"));
        append(place.store(), "a", 1, &[moved(1)]).await;
        old.catch_up().await.expect("it catches up");
        old.rebuild(|_| {}).await.expect("it is rebuilt");

        assert!(column(&sql, shown)[0].contains("table__0000000000000002"), "it never goes back");
        assert_eq!(column(&sql, r#"SELECT "rowid" FROM "table""#), ["0"]);
        let restarted = open::<Balances, _>(&place).await;
        restarted.catch_up().await.expect("it catches up");
        assert!(column(&sql, shown)[0].contains("table__0000000000000002"));
    });
}

#[test]
fn the_view_falls_back_when_the_newest_version_is_discarded() {
    block_on(async {
        let place = InSqlite::new().await;
        append(place.store(), "a", 0, &[opened("Ada")]).await;
        open::<Balances, _>(&place).await.catch_up().await.expect("it catches up");
        open::<NextBalances, _>(&place).await.catch_up().await.expect("it catches up");
        let sql = place.sql();
        let objects = "SELECT name FROM sqlite_schema WHERE name LIKE 'table%' ORDER BY name";

        let versions = place.rows().versions().await.expect("versions");
        let [old, new] = versions.as_slice() else { panic!("{versions:?}") };

        place.rows().discard(new).await.expect("it is discarded");
        assert_eq!(column(&sql, objects), ["table", "table__0000000000000001"]);
        assert_eq!(column(&sql, r#"SELECT "select" FROM "table""#), ["a"]);

        place.rows().discard(old).await.expect("it is discarded");
        assert_eq!(column(&sql, objects), Text::new());
    });
}

/// People build views of their own on top of ours, and a rebuild replaces the table under them.
#[test]
fn views_of_the_users_own_survive_a_rebuild() {
    block_on(async {
        let place = InSqlite::new().await;
        append(place.store(), "a", 0, &[opened("Ada")]).await;
        let balances = open::<Balances, _>(&place).await;
        balances.catch_up().await.expect("it catches up");
        let sql = place.sql();
        sql.execute_batch(r#"CREATE VIEW vips AS SELECT "order" AS owner FROM "table""#)
            .expect("a view");

        balances.rebuild(|_| {}).await.expect("it is rebuilt");

        assert_eq!(column(&sql, "SELECT owner FROM vips"), ["Ada"]);
        let left = "SELECT name FROM sqlite_schema WHERE name LIKE '%rebuild%'";
        assert_eq!(column(&sql, left), Text::new());
    });
}

#[test]
fn a_target_whose_name_is_taken_is_refused() {
    block_on(async {
        let place = InSqlite::new().await;
        open::<Balances, _>(&place).await;

        let rival = place.rows().open(TableSpec::of::<Rival>()).await;
        let usurper = place.rows().open(TableSpec::of::<Usurper>()).await;

        let (projection, name) = (of_ledger("Rival"), "TABLE");
        let kind = "view of the projection Ledger.Balances".to_owned();
        assert_eq!(rival, Err(ReadDatabaseError::NameTaken { projection, name, kind }));
        let (projection, name, kind) = (of_ledger("Usurper"), "events", "table".to_owned());
        assert_eq!(usurper, Err(ReadDatabaseError::NameTaken { projection, name, kind }));
    });
}

#[test]
fn names_that_sqlite_cannot_have_are_refused() {
    const TWICE: &[Column] = &[
        Column { name: "id", column_type: ColumnType::Text, optional: false },
        Column { name: "ID", column_type: ColumnType::Text, optional: false },
    ];
    const NUL: &[Column] =
        &[Column { name: "a\0b", column_type: ColumnType::Text, optional: false }];
    const KEY: &[Column] = &[Column { name: "id", column_type: ColumnType::Text, optional: true }];
    const FINE: &[Column] =
        &[Column { name: "id", column_type: ColumnType::Text, optional: false }];
    let cases = [
        ("table", TWICE, "two columns `ID`"),
        ("table", NUL, "can't be a name"),
        ("table", KEY, "its key column `id` is optional"),
        ("table", &[], "it has no key"),
        ("", FINE, "can't be a name"),
        ("sqlite_things", FINE, "names that begin with `sqlite_` are reserved"),
        ("Eventloom_things", FINE, "names that begin with `eventloom_` are reserved"),
    ];
    block_on(async {
        let place = InSqlite::new().await;
        for (name, columns, expected) in cases {
            let key_columns = columns.len().min(1);
            let spec = TableSpec {
                aggregate: "A",
                projection: "P",
                name,
                meaning: 1,
                columns,
                key_columns,
                indexes: &[],
            };
            let refused = place.rows().open(spec).await.expect_err("it must be refused");
            assert!(refused.to_string().contains(expected), "{name:?}: {refused}");
        }
    });
}

#[test]
fn every_type_comes_back_as_it_was() {
    block_on(async {
        let place = InSqlite::new().await;
        let spec = TableSpec::of::<Everything>();
        let state = place.rows().open(spec).await.expect("a table");
        let row = everything(1_795_253_400_000_000, Decimal::MAX);
        let least = everything(Timestamp::MIN.as_micros(), Decimal::MIN);
        let rows = vec![RowChange::Insert(row.clone()), RowChange::Put(least.clone())];
        let commit = Commit { rows, complete: true, ..Commit::unchanged(&state) };

        assert_eq!(place.rows().commit(commit).await, Ok(Committed::Done));

        let all = place.rows().page(state.table, None, 10).await;
        assert_eq!(all, Ok(vec![least.clone(), row.clone()]), "in the order of their values");
        assert_eq!(place.rows().get(state.table, row[..9].to_vec()).await, Ok(Some(row)));
        let sql = place.sql();
        let times = column(&sql, "SELECT timestamp FROM everything");
        assert!(times.contains(&"2026-11-21T09:30:00.000000Z".to_owned()), "{times:?}");
        let days = column(&sql, "SELECT datetime(timestamp) FROM everything");
        assert!(days.contains(&"2026-11-21 09:30:00".to_owned()), "SQL tools read it: {days:?}");
        let after = place.rows().page(state.table, Some(least[..9].to_vec()), 10).await;
        assert_eq!(after.map(|rows| rows.len()), Ok(1));
    });
}

#[test]
fn a_row_that_was_damaged_is_told_by_its_column() {
    block_on(async {
        let place = InSqlite::new().await;
        append(place.store(), "a", 0, &[opened("Ada")]).await;
        let balances = open::<Balances, _>(&place).await;
        balances.catch_up().await.expect("it catches up");
        let damage = r#"UPDATE "table__0000000000000001" SET "group ""by""; --" = 'a lot'"#;
        place.sql().execute(damage, ()).expect("a damage");

        let read = balances.read_model().get(&"a".to_owned()).await.expect_err("it is damaged");

        let text = read.to_string();
        assert!(text.contains("column `group \"by\"; --` does not hold a Decimal"), "{text}");
    });
}

/// The commit loses against another runner of another program: nothing of it is written.
#[test]
fn commits_of_two_programs_exclude_each_other() {
    block_on(async {
        let place = InSqlite::new().await;
        let (_, other) = place.open_again().await;
        let spec = TableSpec::of::<Balances>();
        let (mine, theirs) = (place.rows().open(spec).await, other.open(spec).await);
        let (mine, theirs) = (mine.expect("a table"), theirs.expect("the same table"));
        assert_eq!(mine, theirs);
        let row = |amount: i64| {
            vec![
                Value::Text("a".to_owned()),
                Value::Text("Ada".to_owned()),
                Value::Decimal(amount.into()),
                Value::Integer(0),
            ]
        };
        let commit = |state, amount, position| Commit {
            rows: vec![RowChange::Put(row(amount))],
            position,
            complete: true,
            ..Commit::unchanged(state)
        };

        assert_eq!(other.commit(commit(&theirs, 1, 4)).await, Ok(Committed::Done));
        assert_eq!(place.rows().commit(commit(&mine, 2, 7)).await, Ok(Committed::Moved));

        let checkpoint = place.rows().checkpoint(mine.table).await.expect("a checkpoint");
        assert_eq!((checkpoint.position, checkpoint.revision), (4, 1));
        let key = vec![Value::Text("a".to_owned())];
        assert_eq!(place.rows().get(mine.table, key).await, Ok(Some(row(1))));
    });
}

#[test]
fn a_refused_insert_takes_the_whole_commit_with_it() {
    block_on(async {
        let place = InSqlite::new().await;
        append(place.store(), "a", 0, &[opened("Ada")]).await;
        let balances = open::<Balances, _>(&place).await;
        balances.catch_up().await.expect("it catches up");
        let state = place.rows().open(TableSpec::of::<Balances>()).await.expect("a table");
        let row = |id: &str| {
            let texts = [id, "Eve"].map(|text| Value::Text(text.to_owned()));
            let [id, owner] = texts;
            vec![id, owner, Value::Decimal(Decimal::ONE), Value::Integer(1)]
        };
        let rows = vec![RowChange::Insert(row("b")), RowChange::Insert(row("a"))];
        let commit = Commit { rows, position: 9, ..Commit::unchanged(&state) };

        assert_eq!(place.rows().commit(commit).await, Ok(Committed::RowExists));

        assert_eq!(balances.read_model().count().await, Ok(1));
        let after = place.rows().open(TableSpec::of::<Balances>()).await.expect("a table");
        assert_eq!(after, state);
    });
}

#[test]
fn runners_of_two_programs_fold_each_event_once() {
    block_on(async {
        let place = InSqlite::new().await;
        let (store, rows) = place.open_again().await;
        let one = open::<Balances, _>(&place).await;
        let other = Projector::<Balances, _, _>::open(store.clone(), rows).await.expect("it opens");
        let (one_runs, other_runs) = (one.spawn(), other.spawn());
        append(place.store(), "a", 0, &[opened("Ada")]).await;
        for sequence in 1..60 {
            match sequence % 2 {
                0 => append(place.store(), "a", sequence, &[moved(1)]).await,
                _ => append(&store, "a", sequence, &[moved(1)]).await,
            };
        }

        one.wait_for(60, super::rig::SOON).await.expect("they get there");
        other.wait_for(60, super::rig::SOON).await.expect("they get there");

        one_runs.stop().await.expect("it stops");
        other_runs.stop().await.expect("it stops");
        let ada = one.read_model().get(&"a".to_owned()).await.expect("an answer").expect("a row");
        assert_eq!(ada.moves, 59);
    });
}

/// An older version of the program, without the projection, appends too.
#[test]
fn an_immediate_projection_makes_up_for_appends_of_other_programs() {
    block_on(async {
        let place = InSqlite::new().await;
        let balances = open::<ImmediateBalances, _>(&place).await;
        append(place.store(), "a", 0, &[opened("Ada")]).await;
        let (older, _) = place.open_again().await;
        append(&older, "a", 1, &[moved(1), moved(2)]).await;
        append(&older, "b", 0, &[opened("Bob"), tagged("x")]).await;

        append(place.store(), "a", 3, &[moved(4)]).await;

        let rows = balances.read_model();
        let ada = rows.get(&"a".to_owned()).await.expect("an answer").expect("a row");
        assert_eq!((ada.amount, ada.moves), (7.into(), 3));
        assert_eq!(rows.count().await, Ok(2));
        append(&older, "b", 2, &[moved(9)]).await;
        let head = older.head().await.expect("a head");
        balances.wait_for(head, super::rig::SOON).await.expect("it makes up for it");
        let bob = rows.get(&"b".to_owned()).await.expect("an answer").expect("a row");
        assert_eq!(bob.amount, 9.into());
    });
}

#[test]
fn immediate_rows_must_lie_with_their_events() {
    block_on(async {
        let (place, elsewhere) = (InSqlite::new().await, InSqlite::new().await);
        let refusal = |opened: Result<(), ProjectorError>| {
            let error = opened.expect_err("it must be refused");
            assert!(matches!(error, ProjectorError::NotImmediate { .. }), "{error:?}");
            error.to_string()
        };
        let store = place.store().clone();

        let memory =
            Projector::<ImmediateBalances, _, _>::open(store.clone(), MemoryReadDatabase::new());
        let memory = refusal(memory.await.map(drop));
        let other = elsewhere.rows().clone();
        let other = Projector::<ImmediateBalances, _, _>::open(store.clone(), other);
        let other = refusal(other.await.map(drop));
        let events = MemoryStore::new();
        let events = Projector::<ImmediateBalances, _, _>::open(events, place.rows().clone());
        let events = refusal(events.await.map(drop));

        assert!(memory.contains("its rows lie in memory and its events don't"), "{memory}");
        assert!(other.contains("no transaction holds both"), "{other}");
        assert!(events.contains("its rows lie in SQLite and its events don't"), "{events}");
        append(&store, "a", 0, &[moved(1)]).await;
    });
}

/// Two handles on one file are one database; a symbolic link is no other file.
#[test]
fn the_same_file_by_another_name_is_the_same_database() {
    block_on(async {
        let place = InSqlite::new().await;
        let link = place.folder.path().join("link.db");
        #[cfg(unix)]
        std::os::unix::fs::symlink(place.store().database().path(), &link).expect("a link");
        #[cfg(not(unix))]
        std::fs::hard_link(place.store().database().path(), &link).expect("a link");
        let database = SqliteDatabase::open(place.store().database().path()).expect("a database");
        let rows = SqliteReadDatabase::open(&database).await.expect("a read database");

        let balances = Projector::<ImmediateBalances, _, _>::open(place.store().clone(), rows);
        let balances = balances.await.expect("the file is the same");

        append(place.store(), "a", 0, &[opened("Ada")]).await;
        assert_eq!(balances.read_model().count().await, Ok(1));
    });
}

/// An immediate projection of running totals was opened on an empty store. Another program, without it,
/// appended more than a page; then every append here failed, because a row of an earlier page, forgotten
/// meanwhile, was taken for a new one, and what was written of the page could not be taken back.
#[test]
fn an_immediate_projection_finds_the_rows_of_earlier_pages() {
    block_on(async {
        let place = InSqlite::new().await;
        let totals = open_with::<ImmediateTotals, _>(&place, 2).await;
        let (other, _) = place.open_again().await;
        for sequence in 0..5 {
            append(&other, "a", sequence, &[moved(1)]).await;
            append(&other, "b", sequence, &[moved(10)]).await;
        }

        append(place.store(), "a", 5, &[moved(1)]).await;

        let rows = totals.read_model().page(None, 9).await.expect("a page");
        let totals: Vec<_> = rows.iter().map(|row| (&*row.id, row.moves)).collect();
        assert_eq!(totals, [("a", 6), ("b", 5)]);
    });
}

/// Totals in the append's own transaction: an upsert.
#[derive(Debug)]
struct ImmediateTotals;

impl Projection for ImmediateTotals {
    const NAME: &'static str = "ImmediateTotals";
    const DATABASE: &'static str = "read_db";
    const TABLE: &'static str = "totals";
    const CONSISTENCY: Consistency = Consistency::Immediate;
    const MEANING: u64 = 90;
    const AGGREGATE: &'static str = Balances::AGGREGATE;
    const SOURCES: &'static [&'static str] = &["Moved"];
    const COLUMNS: &'static [Column] = Balances::COLUMNS;
    const KEY_COLUMNS: usize = 1;
    const KEY_IS_STREAM: bool = true;
    const READS_METADATA: bool = false;

    type Event = Entry;
    type Key = String;
    type Row = Balance;

    fn key(event: &Entry, meta: &Metadata) -> Result<Option<String>, ProjectionError> {
        Balances::key(event, meta)
    }

    fn fold(
        row: &mut Option<Balance>,
        event: &Entry,
        meta: &Metadata,
    ) -> Result<(), ProjectionError> {
        if row.is_none() {
            Balances::fold(row, &opened("nobody"), meta)?;
        }
        Balances::fold(row, event, meta)
    }

    fn key_values(key: &String) -> Vec<Value> {
        Balances::key_values(key)
    }

    fn row_values(row: &Balance) -> Vec<Value> {
        Balances::row_values(row)
    }

    fn row(values: Vec<Value>) -> Result<Balance, DecodeError> {
        Balances::row(values)
    }

    fn key_of(row: &Balance) -> String {
        Balances::key_of(row)
    }
}

/// Rows that a program built before it kept the ids of events: its registry has no columns for them.
#[test]
fn a_registry_of_an_earlier_program_is_brought_up_to_date() {
    block_on(async {
        let place = InSqlite::new().await;
        append(place.store(), "a", 0, &[opened("Ada"), moved(1)]).await;
        open::<Balances, _>(&place).await.catch_up().await.expect("it catches up");
        for column in ["seen_position", "seen_event"] {
            let alter = format!("ALTER TABLE eventloom_read_models DROP COLUMN {column}");
            place.sql().execute_batch(&alter).expect("it is as it was");
        }
        for _ in 0..2 {
            let (store, rows) = place.open_again().await;
            append(&store, "a", place_of(&store).await, &[moved(1)]).await;
            let balances = Projector::<Balances, _, _>::open(store, rows).await.expect("it opens");
            balances.catch_up().await.expect("it catches up");
        }
        let seen = "SELECT seen_position FROM eventloom_read_models WHERE length(seen_event) = 16";
        assert_eq!(column(&place.sql(), seen), ["4"]);
        assert_eq!(column(&place.sql(), r#"SELECT "group ""by""; --" FROM "table""#), ["3"]);
    });
}

/// How many events there are, all of one stream.
async fn place_of(store: &impl EventStore) -> u64 {
    store.head().await.expect("a head")
}
