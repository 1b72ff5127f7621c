//! Read models in PostgreSQL: what people find who open the database, and several programs on one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eventloom_runtime::projection::{
    Column, ColumnType, Commit, Committed, PostgresReadDatabase, Projector, ReadDatabase,
    ReadDatabaseError, RowChange, TableSpec,
};
use eventloom_runtime::store::postgres::{PostgresDatabase, PostgresOptions, PostgresStore};
use eventloom_runtime::testing::block_on;
use eventloom_runtime::{Decimal, Timestamp};

use super::everything::{Everything, everything};
use super::ledger::{
    Balances, ImmediateBalances, Moves, NextBalances, Rival, Tags, Usurper, of_ledger,
};
use super::rig::{InPostgres, Place, SOON, append, moved, open, opened};

/// The first column of what the last of some statements finds.
pub(crate) async fn column(place: &InPostgres, statements: &str) -> Vec<String> {
    place.place.sql(statements).await
}

const VIEWS: &str = "SELECT viewname FROM pg_views WHERE schemaname = 'public' ORDER BY 1";
const SHOWN: &str =
    "SELECT substring(definition FROM 'rows_[0-9]+') FROM pg_views WHERE viewname = 'table'";

#[test]
fn the_view_has_the_name_of_the_target_and_shows_the_rows() {
    block_on(async {
        let place = InPostgres::new().await;
        append(place.store(), "a", 0, &[opened("Ada"), moved(15)]).await;
        let balances = open::<Balances, _>(&place).await;
        assert!(column(&place, VIEWS).await.is_empty(), "half-built rows are not shown");

        balances.catch_up().await.expect("it catches up");

        assert_eq!(column(&place, VIEWS).await, ["table"]);
        assert_eq!(column(&place, r#"SELECT "select" FROM "table""#).await, ["a"]);
        assert_eq!(column(&place, r#"SELECT "group ""by""; --" FROM "table""#).await, ["15"]);
    });
}

#[test]
fn the_view_moves_forward_only_and_falls_back_when_the_newest_is_discarded() {
    block_on(async {
        let place = InPostgres::new().await;
        append(place.store(), "a", 0, &[opened("Ada")]).await;
        let old = open::<Balances, _>(&place).await;
        old.catch_up().await.expect("it catches up");
        let first = column(&place, SHOWN).await;
        let new = open::<NextBalances, _>(&place).await;
        assert_eq!(column(&place, SHOWN).await, first, "the new is not built");

        new.catch_up().await.expect("it catches up");
        let second = column(&place, SHOWN).await;
        assert_ne!(second, first);
        append(place.store(), "a", 1, &[moved(1)]).await;
        old.catch_up().await.expect("it catches up");
        old.rebuild(|_| {}).await.expect("it is rebuilt");

        assert_eq!(column(&place, SHOWN).await, second, "it never goes back");
        assert_eq!(column(&place, r#"SELECT "rowid" FROM "table""#).await, ["0"]);
        let versions = place.rows().versions().await.expect("versions");
        let [older, newer] = versions.as_slice() else { panic!("{versions:?}") };
        assert!(newer.shown && !older.shown);

        assert_eq!(place.rows().discard(newer).await, Ok(true));
        assert_eq!(column(&place, r#"SELECT "select" FROM "table""#).await, ["a"]);
        assert_eq!(place.rows().discard(older).await, Ok(true));
        assert!(column(&place, VIEWS).await.is_empty());
        let tables = "SELECT tablename FROM pg_tables WHERE tablename LIKE 'rows\\_%'";
        assert!(column(&place, tables).await.is_empty());
        assert_eq!(place.rows().discard(older).await, Ok(false));
    });
}

/// People build views of their own on top of ours, and a rebuild replaces the table under them.
#[test]
fn views_of_the_users_own_survive_a_rebuild() {
    block_on(async {
        let place = InPostgres::new().await;
        append(place.store(), "a", 0, &[opened("Ada")]).await;
        let balances = open::<Balances, _>(&place).await;
        balances.catch_up().await.expect("it catches up");
        column(&place, r#"CREATE VIEW vips AS SELECT "order" AS owner FROM "table""#).await;

        balances.rebuild(|_| {}).await.expect("it is rebuilt");

        assert_eq!(column(&place, "SELECT owner FROM vips").await, ["Ada"]);
        let tables = "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'rows\\_%'";
        assert_eq!(column(&place, tables).await, ["1"]);
    });
}

/// Readers of the old rows see them to the end, and those who come meanwhile never wait for long: the switch gives way.
#[test]
fn reads_go_on_while_rows_are_rebuilt_and_switched() {
    block_on(async {
        let place = InPostgres::new().await;
        for stream in ["a", "b", "c"] {
            append(place.store(), stream, 0, &[opened("Ada"), moved(15)]).await;
        }
        let balances = open::<Balances, _>(&place).await;
        balances.catch_up().await.expect("it catches up");
        let over = Arc::new(AtomicBool::new(false));
        let reader = tokio::spawn({
            let (model, over) = (balances.read_model().clone(), Arc::clone(&over));
            async move {
                let (mut reads, mut longest) = (0, Duration::ZERO);
                while !over.load(Ordering::Relaxed) {
                    let start = std::time::Instant::now();
                    let rows = model.page(None, 10).await.expect("rows");
                    assert_eq!(rows.len(), 3);
                    longest = longest.max(start.elapsed());
                    reads += 1;
                }
                (reads, longest)
            }
        });
        // A transaction that has read the rows holds them for a second.
        let held = place.place.session().await;
        held.run(r#"BEGIN; SELECT * FROM "table""#).await.expect("rows");
        let holder = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            held.run("COMMIT").await.expect("an end");
        });

        balances.rebuild(|_| {}).await.expect("it is rebuilt");

        holder.await.expect("it ends");
        for _ in 0..3 {
            balances.rebuild(|_| {}).await.expect("it is rebuilt");
        }
        over.store(true, Ordering::Relaxed);
        let (reads, longest) = reader.await.expect("every read was answered");
        assert!(reads > 20, "{reads} reads");
        assert!(longest < Duration::from_millis(900), "a read waited {longest:?}");
    });
}

#[test]
fn a_target_whose_name_is_taken_is_refused() {
    block_on(async {
        let place = InPostgres::new().await;
        open::<Balances, _>(&place).await;
        column(&place, "CREATE TABLE public.events (id int)").await;

        let usurper = place.rows().open(TableSpec::of::<Usurper>()).await;

        let (projection, name, kind) = (of_ledger("Usurper"), "events", "table".to_owned());
        assert_eq!(usurper, Err(ReadDatabaseError::NameTaken { projection, name, kind }));
        // Its target differs from that of `Balances` in its letters' case, which PostgreSQL tells apart.
        assert!(place.rows().open(TableSpec::of::<Rival>()).await.is_ok());
    });
}

#[test]
fn names_that_postgres_cannot_have_are_refused() {
    const TWICE: &[Column] = &[
        Column { name: "id", column_type: ColumnType::Text, optional: false },
        Column { name: "id", column_type: ColumnType::Text, optional: false },
    ];
    const SYSTEM: &[Column] =
        &[Column { name: "xmin", column_type: ColumnType::Text, optional: false }];
    const NUL: &[Column] =
        &[Column { name: "a\0b", column_type: ColumnType::Text, optional: false }];
    const KEY: &[Column] = &[Column { name: "id", column_type: ColumnType::Text, optional: true }];
    const LIST: &[Column] =
        &[Column { name: "id", column_type: ColumnType::Json, optional: false }];
    const FINE: &[Column] =
        &[Column { name: "id", column_type: ColumnType::Text, optional: false }];
    const LONG: &str = "a_name_of_more_characters_than_postgres_takes_without_cutting_some_off";
    let cases = [
        ("table", TWICE, "two columns `id`"),
        ("table", SYSTEM, "every table of PostgreSQL has a column `xmin`"),
        ("table", NUL, "can't be a name"),
        ("table", KEY, "its key column `id` is optional"),
        ("table", LIST, "its key column `id` is a list or a record"),
        ("table", &[], "it has no key"),
        ("", FINE, "can't be a name"),
        ("pg_things", FINE, "names that begin with `pg_` are reserved"),
        (LONG, FINE, "has more than 63 bytes"),
    ];
    block_on(async {
        let place = InPostgres::new().await;
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
        let place = InPostgres::new().await;
        let spec = TableSpec::of::<Everything>();
        let state = place.rows().open(spec).await.expect("a table");
        let row = everything(1_795_253_400_000_000, Decimal::MAX);
        let least = everything(Timestamp::MIN.as_micros(), Decimal::MIN);
        let fine = everything(Timestamp::MAX.as_micros(), Decimal::new(1, 28));
        let rows = vec![
            RowChange::Insert(row.clone()),
            RowChange::Put(least.clone()),
            RowChange::Put(fine.clone()),
        ];
        let commit = Commit { rows, complete: true, ..Commit::unchanged(&state) };

        assert_eq!(place.rows().commit(commit).await, Ok(Committed::Done));

        let all = place.rows().page(state.table, None, 10).await;
        let sorted = vec![least.clone(), fine.clone(), row.clone()];
        assert_eq!(all, Ok(sorted), "in the order of their values");
        for row in [&row, &least, &fine] {
            let found = place.rows().get(state.table, row[..9].to_vec()).await;
            assert_eq!(found, Ok(Some(row.clone())));
            let loaded = place.rows().load(state.table, vec![row[..9].to_vec()]).await;
            assert_eq!(loaded, Ok(vec![row.clone()]));
        }
        let seen = "SET TIME ZONE 'UTC'; SELECT concat_ws(' ', \"integer\", \"decimal\", \"boolean\", \"timestamp\", \
            \"date\", \"duration\", \"uuid\", \"bytes\", \"json\"->>0) FROM everything ORDER BY \"decimal\" DESC LIMIT 1";
        assert_eq!(
            column(&place, seen).await,
            [
                "-9223372036854775808 79228162514264337593543950335 t 2026-11-21 09:30:00+00 2026-11-21 \
              -00:00:00.000001 00000000-0000-0000-0000-000000000007 \\x00ff a"
            ]
        );
        let after = place.rows().page(state.table, Some(least[..9].to_vec()), 10).await;
        assert_eq!(after.map(|rows| rows.len()), Ok(2));
        let gone = vec![RowChange::Delete(row[..9].to_vec())];
        let state = place.rows().state(state.table).await.expect("a table");
        let commit = Commit { rows: gone, ..Commit::unchanged(&state) };
        assert_eq!(place.rows().commit(commit).await, Ok(Committed::Done));
        assert_eq!(place.rows().count(state.table).await, Ok(2));
    });
}

#[test]
fn a_row_that_was_damaged_is_told_by_its_column() {
    block_on(async {
        let place = InPostgres::new().await;
        append(place.store(), "a", 0, &[opened("Ada")]).await;
        let balances = open::<Balances, _>(&place).await;
        balances.catch_up().await.expect("it catches up");
        let rows = column(&place, SHOWN).await.remove(0);
        let damage = format!(r#"UPDATE eventloom.{rows} SET "group ""by""; --" = 'NaN'"#);
        column(&place, &damage).await;

        let read = balances.read_model().get(&"a".to_owned()).await.expect_err("it is damaged");

        let text = read.to_string();
        assert!(text.contains("column `group \"by\"; --` does not hold a Decimal"), "{text}");
    });
}

/// The commit loses against another runner of another program: nothing of it is written.
#[test]
fn commits_of_two_programs_exclude_each_other() {
    block_on(async {
        let place = InPostgres::new().await;
        let (_, other) = place.open_again().await;
        let spec = TableSpec::of::<Everything>();
        let mine = place.rows().open(spec).await.expect("a table");
        let theirs = other.open(spec).await.expect("a table");
        let commit = |state, at| Commit {
            rows: vec![RowChange::Put(everything(at, Decimal::ONE))],
            position: 1,
            ..Commit::unchanged(state)
        };

        let (one, two) =
            tokio::join!(place.rows().commit(commit(&mine, 1)), other.commit(commit(&theirs, 2)));

        let outcomes = [one.expect("an outcome"), two.expect("an outcome")];
        assert!(outcomes.contains(&Committed::Done) && outcomes.contains(&Committed::Moved));
        let state = place.rows().state(mine.table).await.expect("a table");
        assert_eq!((state.revision, state.position), (1, 1));
        let insert = Commit {
            rows: vec![
                RowChange::Insert(everything(1, Decimal::ONE)),
                RowChange::Insert(everything(2, Decimal::ONE)),
            ],
            ..Commit::unchanged(&state)
        };
        assert_eq!(place.rows().commit(insert).await, Ok(Committed::RowExists));
        let rows = place
            .rows()
            .load(
                mine.table,
                vec![
                    everything(1, Decimal::ONE)[..9].to_vec(),
                    everything(2, Decimal::ONE)[..9].to_vec(),
                ],
            )
            .await;
        assert_eq!(rows.map(|rows| rows.len()), Ok(1), "nothing of a refused commit is written");
    });
}

/// Rows may lie on another server than their events.
#[test]
fn rows_may_lie_elsewhere() {
    block_on(async {
        let (events, rows) = (InPostgres::new().await, InPostgres::new().await);
        append(events.store(), "a", 0, &[opened("Ada"), moved(15)]).await;
        let balances =
            Projector::<Balances, _, _>::open(events.store().clone(), rows.rows().clone());
        let balances = balances.await.expect("a projector");
        balances.catch_up().await.expect("it catches up");
        let row = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
        assert_eq!(row.map(|row| row.amount), Some(Decimal::from(15)));
        assert_eq!(column(&rows, r#"SELECT "select" FROM "table""#).await, ["a"]);
    });
}

const fn text(name: &'static str) -> Column {
    Column { name, column_type: ColumnType::Text, optional: false }
}

const fn things(meaning: u64, columns: &'static [Column]) -> TableSpec {
    let (aggregate, projection, name) = ("Ledger", "Things", "things");
    TableSpec { aggregate, projection, name, meaning, columns, key_columns: 1, indexes: &[] }
}

const OLD: TableSpec = things(1, &[text("id"), text("owner")]);
const LONGER: TableSpec = things(2, &[text("id"), text("owner"), text("note")]);
const OTHER: TableSpec = things(3, &[text("id"), text("holder")]);

/// Opens a table and makes it complete.
async fn complete(place: &InPostgres, spec: TableSpec) {
    let state = place.rows().open(spec).await.expect("a table");
    let row = spec.columns.iter().map(|column| column.name.into()).collect();
    let commit =
        Commit { rows: vec![RowChange::Put(row)], complete: true, ..Commit::unchanged(&state) };
    assert_eq!(place.rows().commit(commit).await, Ok(Committed::Done));
}

/// A new version with other columns once dropped the view and with it what was granted on it: reports stopped until somebody
/// granted it anew.
#[test]
fn what_is_granted_on_a_view_outlives_a_new_version() {
    block_on(async {
        let place = InPostgres::new().await;
        complete(&place, OLD).await;
        let name = format!("re\"porter_{}", std::process::id());
        let role = format!("\"{}\"", name.replace('"', "\"\""));
        let create = format!("DROP ROLE IF EXISTS {role}; CREATE ROLE {role}");
        column(&place, &format!("{create}; GRANT SELECT ON things TO {role} WITH GRANT OPTION"))
            .await;
        column(&place, "GRANT SELECT ON things TO PUBLIC").await;
        let granted = "SELECT relacl::text FROM pg_class WHERE relname = 'things'";
        let before = column(&place, granted).await;

        for spec in [LONGER, OTHER] {
            complete(&place, spec).await;
            assert_eq!(column(&place, granted).await, before, "{spec:?}");
        }

        assert_eq!(column(&place, "SELECT holder FROM things").await, ["holder"]);
        column(&place, &format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
    });
}

/// A view of the user's once made the commit fail that completed a new version, again and again: the projection stood still.
#[test]
fn a_view_of_the_users_own_keeps_no_projection_from_going_on() {
    block_on(async {
        let place = InPostgres::new().await;
        complete(&place, OLD).await;
        column(&place, "CREATE VIEW vips AS SELECT owner FROM things").await;

        complete(&place, LONGER).await;
        assert_eq!(column(&place, "SELECT note FROM things").await, ["note"]);
        complete(&place, OTHER).await;
        assert_eq!(column(&place, "SELECT owner FROM vips").await, ["owner"]);
        assert_eq!(column(&place, "SELECT note FROM things").await, ["note"], "the older rows");
        let versions = place.rows().versions().await.expect("versions");
        let refused = place.rows().discard(&versions[1]).await.expect_err("it is still shown");
        assert!(refused.to_string().contains("views that name what is to go"), "{refused}");

        column(&place, "DROP VIEW vips").await;
        place.rows().open(OTHER).await.expect("a table");

        assert_eq!(column(&place, "SELECT holder FROM things").await, ["holder"]);
        assert_eq!(place.rows().discard(&versions[1]).await, Ok(true));
    });
}

/// Who reads the view while it is to be pointed elsewhere does not hold the rows up; nor does a view that was lost.
#[test]
fn a_view_that_is_behind_is_mended_when_its_projection_is_opened() {
    block_on(async {
        let place = InPostgres::new().await;
        complete(&place, OLD).await;
        let held = place.place.session().await;
        held.run("BEGIN; SELECT * FROM things").await.expect("rows");
        let ending = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            held.run("COMMIT").await.expect("an end");
        });
        complete(&place, OTHER).await;
        ending.await.expect("it ends");
        assert_eq!(column(&place, "SELECT holder FROM things").await, ["holder"]);

        column(&place, "DROP VIEW things").await;
        place.rows().open(OLD).await.expect("a table");

        assert_eq!(column(&place, "SELECT holder FROM things").await, ["holder"]);
    });
}

#[test]
fn a_schema_that_does_not_suit_is_refused() {
    block_on(async {
        let place = InPostgres::new().await;
        complete(&place, OLD).await;
        let database = place.rows().database();
        let reports =
            PostgresReadDatabase::open_in(database, "reports").await.expect("read models");
        for (spec, expected) in [
            (things(4, OLD.columns), "in the schema `reports`, which is not there; create it"),
            (OLD, "in the schema `reports`, which is not there; create it"),
        ] {
            let refused = reports.open(spec).await.expect_err("it must be refused").to_string();
            assert!(refused.contains(expected), "{refused}");
        }
        column(&place, "CREATE SCHEMA reports").await;
        let refused = reports.open(OLD).await.expect_err("it must be refused").to_string();
        assert!(refused.contains("its view is in the schema `public`"), "{refused}");

        let name = format!("guest_{}", std::process::id());
        let create = format!(
            "DROP ROLE IF EXISTS {name}; CREATE ROLE {name} LOGIN; GRANT USAGE ON SCHEMA eventloom TO {name}; \
             GRANT ALL ON ALL TABLES IN SCHEMA eventloom TO {name}"
        );
        column(&place, &create).await;
        let url = place.place.url().await.replace("eventloom@", &format!("{name}@"));
        let guest = PostgresDatabase::at(&url).expect("an address");
        let guest = PostgresReadDatabase::open(&guest).await.expect("read models");
        guest.open(OLD).await.expect("what is there needs no rights to make it");
        let refused = guest.open(OTHER).await.expect_err("it must be refused").to_string();
        assert!(refused.contains("may not create anything in the schema `eventloom`"), "{refused}");
        column(&place, &format!("DROP OWNED BY {name}; DROP ROLE {name}")).await;
    });
}

/// A key too long for an index was once taken for a full disk, and its commit tried again for ever.
#[test]
fn a_value_that_an_index_cannot_hold_is_refused_for_good() {
    block_on(async {
        let place = InPostgres::new().await;
        let state = place.rows().open(OLD).await.expect("a table");
        // Nothing that could be packed.
        let mut noise = 1_u64;
        let long: String = std::iter::repeat_with(|| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'!' + (noise >> 33).to_le_bytes()[0] % 90)
        })
        .take(20_000)
        .collect();
        let row = vec![(&long).into(), "Ada".into()];
        let commit = Commit { rows: vec![RowChange::Put(row)], ..Commit::unchanged(&state) };

        let refused = place.rows().commit(commit).await.expect_err("it must be refused");

        assert!(matches!(refused, ReadDatabaseError::Unsuitable { .. }), "{refused:?}");
        assert!(!refused.is_transient());
    });
}

/// Readers of the old rows once made the rebuild of an immediate projection fail at its end, after all its work.
#[test]
fn rows_of_an_immediate_projection_are_switched_behind_their_readers() {
    block_on(async {
        let place = InPostgres::new().await;
        append(place.store(), "a", 0, &[opened("Ada"), moved(15)]).await;
        let balances = open::<ImmediateBalances, _>(&place).await;
        let held = place.place.session().await;
        held.run("BEGIN; SELECT * FROM immediate").await.expect("rows");
        let ending = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            held.run("COMMIT").await.expect("an end");
        });

        balances.rebuild(|_| {}).await.expect("it is rebuilt");

        ending.await.expect("it ends");
        append(place.store(), "a", 2, &[moved(1)]).await;
        let shown = column(&place, r#"SELECT "group ""by""; --" FROM immediate"#).await;
        assert_eq!(shown, ["16"]);
    });
}

/// Each projection once had a connection for as long as it ran, so that a server was full before its day began.
#[test]
fn any_number_of_projections_shares_a_few_connections() {
    block_on(async {
        let place = InPostgres::new().await;
        let options = PostgresOptions { connections: 2, ..PostgresOptions::default() };
        let url = place.place.url().await;
        let database = PostgresDatabase::with(&url, options).expect("an address");
        let store = PostgresStore::open(&database).await.expect("a store");
        let rows = PostgresReadDatabase::open(&database).await.expect("a read database");
        let mut running = Vec::new();
        for _ in 0..12 {
            let (store, rows) = (store.clone(), rows.clone());
            let balances = Projector::<Balances, _, _>::open(store.clone(), rows.clone()).await;
            running.push(balances.expect("it opens").spawn());
            let tags = Projector::<Tags, _, _>::open(store.clone(), rows.clone()).await;
            running.push(tags.expect("it opens").spawn());
            let moves = Projector::<Moves, _, _>::open(store, rows).await;
            running.push(moves.expect("it opens").spawn());
        }
        let balances = Projector::<Balances, _, _>::open(store.clone(), rows).await;
        let balances = balances.expect("it opens");

        for sequence in 0..50 {
            let entry = if sequence == 0 { opened("Ada") } else { moved(1) };
            let position = append(&store, "a", sequence, &[entry]).await;
            balances.wait_for(position, SOON).await.expect("the rows get there");
        }

        let own = "SELECT count(*)::text FROM pg_stat_activity \
                   WHERE application_name = 'eventloom' AND datname = current_database()";
        let open: u32 = column(&place, own).await[0].parse().expect("a number");
        // Two that read events, two for rows, one that appends, one that listens; and those of the place itself.
        assert!(open <= 12, "{open} connections are open");
        for running in running {
            running.stop().await.expect("it stops");
        }
        let ada = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
        assert_eq!(ada.expect("a row").moves, 49);
    });
}
