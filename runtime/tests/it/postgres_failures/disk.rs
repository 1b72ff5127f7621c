//! A disk that is full, and has room again later.
//!
//! `/dev/full` takes no byte and says so as a full disk does. Where it lies in place of the file of a table that is still
//! empty, the server meets the real failure, and nobody needs a disk of that kind or the right to make one.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use eventloom_runtime::EventStore;
use eventloom_runtime::projection::{
    Projector, ProjectorError, ReadDatabase, ReadDatabaseError, TableSpec,
};
use eventloom_runtime::store::{AppendError, CommandRecord, KeyClaim, StoreError, StreamKey};
use eventloom_runtime::testing::block_on;

use super::{Own, TABLE};
use crate::postgres::{append, read};
use crate::projection::ledger::{Balances, ImmediateBalances, LEDGER};
use crate::projection::rig::{self, InPostgres, Place, moved, opened};

/// What is too long for a table's own file goes to another one beside it.
fn long() -> String {
    let mut random = fastrand::Rng::with_seed(11);
    std::iter::repeat_with(|| random.alphanumeric()).take(300_000).collect()
}

/// Lets the disk be full for long values of a table, which has none yet.
async fn fill(own: &Own, table: &str) {
    let path = format!(
        "SELECT current_setting('data_directory') || '/' || pg_relation_filepath(reltoastrelid) \
         FROM pg_class WHERE oid = '{table}'::regclass"
    );
    let path = own.sql(&path).await.remove(0);
    let path = Path::new(&path);
    assert_eq!(fs::metadata(path).expect("a file").len(), 0, "it has no long values yet");
    fs::remove_file(path).expect("the file can be removed");
    std::os::unix::fs::symlink("/dev/full", path).expect("a link");
}

/// Makes room again: the table gets new files.
async fn empty(own: &Own, table: &str) {
    own.sql(&format!("VACUUM FULL {table}")).await;
}

fn is_full(error: &StoreError) -> bool {
    matches!(error, StoreError::Unwritable(reason)
        if reason.contains("has a full disk") && reason.contains("nothing was changed"))
}

/// An append that met a full disk left its key or its command behind, or took the store down with it until somebody
/// restarted the program.
#[test]
fn an_append_that_meets_a_full_disk_leaves_nothing_behind_and_later_lands() {
    block_on(async {
        let own = Own::start(&[]).await;
        let store = &own.store;
        store.append(append("a", 0, 1)).await.expect("an append");
        fill(&own, "eventloom.events").await;
        let mut large = append("a", 1, 2);
        large.events[1].data = format!("\"{}\"", long()).into_bytes();
        large.keys = vec![KeyClaim { field: "number", value: "7".to_owned(), across_all: true }];
        large.command = Some(CommandRecord { id: Arc::from("c"), refusal: None, repeats: None });

        for _ in 0..2 {
            let refused = store.append(large.clone()).await.expect_err("there is no room");
            assert!(matches!(&refused, AppendError::Store(error) if is_full(error)), "{refused:?}");
        }
        let (events, _) = read(store, 0).await;
        assert_eq!(events, [("a".to_owned(), 1)]);
        assert_eq!(store.command("c").await, Ok(None));
        let stream = StreamKey { aggregate: "Account", id: "a".into() };
        assert_eq!(store.taken_key(&stream, &large.keys).await, Ok(None));
        assert_eq!(
            store.append(append("b", 0, 1)).await.map(|it| it.position),
            Ok(2),
            "small ones have room"
        );

        empty(&own, "eventloom.events").await;
        assert_eq!(store.append(large.clone()).await.map(|it| it.position), Ok(4));
        let again = store.append(large).await;
        assert!(matches!(again, Err(AppendError::CommandKnown(_))), "{again:?}");
        assert_eq!(read(store, 0).await.0.len(), 4);
    });
}

/// A batch of rows that met a full disk was passed by, and the balance wrong from then on.
#[test]
fn rows_that_meet_a_full_disk_are_written_later() {
    block_on(async {
        let own = Own::start(&[]).await;
        rig::append(&own.store, "a", 0, &[opened("Ada")]).await;
        let balances = Projector::<Balances, _, _>::open(own.store.clone(), own.rows.clone()).await;
        let balances = balances.expect("a projector");
        balances.catch_up().await.expect("it catches up");
        let rows = own.sql(&format!("{TABLE} 'table'")).await.remove(0);
        fill(&own, &rows).await;
        rig::append(&own.store, "a", 1, &[moved(1)]).await;
        rig::append(&own.store, "b", 0, &[opened(&long()), moved(2)]).await;

        for _ in 0..2 {
            let refused = balances.catch_up().await.expect_err("there is no room");
            let told = matches!(&refused, ProjectorError::Database(ReadDatabaseError::Unwritable(reason))
                if reason.contains("has a full disk"));
            assert!(told, "{refused:?}");
            assert_eq!(balances.status().await.expect("a status").position, 1);
            let row = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
            assert_eq!(row.map(|row| row.moves), Some(0), "nothing of the batch is there");
        }

        empty(&own, &rows).await;
        balances.catch_up().await.expect("it catches up");
        for stream in ["a", "b"] {
            let row = balances.read_model().get(&stream.to_owned()).await.expect("an answer");
            assert_eq!(row.map(|row| row.moves), Some(1), "{stream}");
        }
    });
}

/// The rows of an immediate projection have no room, though the events have: the append must not land without them.
#[test]
fn an_append_whose_rows_have_no_room_is_refused() {
    block_on(async {
        let own = Own::start(&[]).await;
        let balances =
            Projector::<ImmediateBalances, _, _>::open(own.store.clone(), own.rows.clone()).await;
        let balances = balances.expect("a projector");
        rig::append(&own.store, "a", 0, &[opened("Ada")]).await;
        let rows = own.sql(&format!("{TABLE} 'immediate'")).await.remove(0);
        fill(&own, &rows).await;
        let event = || vec![rig::new_event("b", 1, &opened(&long()))];

        let (refused, other) = tokio::join!(
            rig::try_append(&own.store, "b", 0, event()),
            rig::try_append(&own.store, "a", 1, vec![rig::new_event("a", 2, &moved(1))]),
        );

        let refused = refused.expect_err("there is no room");
        assert!(matches!(&refused, AppendError::Store(error) if is_full(error)), "{refused:?}");
        assert_eq!(other, Ok(2), "who needs little room has it");
        assert_eq!(own.store.head().await, Ok(2));
        assert_eq!(balances.read_model().count().await, Ok(1));

        empty(&own, &rows).await;
        assert_eq!(rig::try_append(&own.store, "b", 0, event()).await, Ok(3));
        assert_eq!(balances.read_model().count().await, Ok(2));
    });
}

/// The disk filled up while rows were rebuilt beside those that serve, which takes as much room again. The rebuild failed,
/// as it must, and its half-built table stayed and kept the disk full.
#[test]
fn a_rebuild_that_meets_a_full_disk_gives_its_room_back() {
    block_on(async {
        let place = InPostgres::new().await;
        rig::append(place.store(), "a", 0, &[opened("Ada"), moved(1)]).await;
        rig::append(place.store(), "b", 0, &[opened("Bob")]).await;
        let balances = rig::open_with::<Balances, _>(&place, 2).await;
        balances.catch_up().await.expect("it catches up");
        // Tables that are made from now on have room for one row.
        place
            .place
            .sql(
                "CREATE FUNCTION public.full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF NEW.\"select\" <> 'a' THEN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END IF; \
                 RETURN NEW; END $$; \
                 CREATE FUNCTION public.fill() RETURNS event_trigger LANGUAGE plpgsql AS $$ DECLARE made record; BEGIN \
                 FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE object_type = 'table' LOOP \
                 EXECUTE format('CREATE TRIGGER full_disk BEFORE INSERT ON %s FOR EACH ROW \
                 EXECUTE FUNCTION public.full_disk()', made.objid::regclass); END LOOP; END $$; \
                 CREATE EVENT TRIGGER fill ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION public.fill()",
            )
            .await;

        let refused = balances.rebuild(|_| {}).await.expect_err("there is no room");

        let told = matches!(&refused, ProjectorError::Database(ReadDatabaseError::Unwritable(reason))
            if reason.contains("has a full disk"));
        assert!(told, "{refused:?}");
        let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'eventloom' AND tablename LIKE 'rows\\_%'";
        assert_eq!(place.place.sql(tables).await, ["1"]);
        assert_eq!(
            place.place.sql(r#"SELECT "order" FROM "table" ORDER BY 1"#).await,
            ["Ada", "Bob"]
        );
        rig::append(place.store(), "a", 2, &[moved(1)]).await;
        balances.catch_up().await.expect("the rows that serve go on");

        place.place.sql("DROP EVENT TRIGGER fill").await;
        balances.rebuild(|_| {}).await.expect("it is rebuilt");
        assert_eq!(place.place.sql(tables).await, ["1"]);
        assert_eq!(place.place.sql(r#"SELECT "rowid" FROM "table" ORDER BY 1"#).await, ["0", "2"]);
        let opened = place.rows().open(TableSpec::of::<Balances>()).await.expect("a table");
        assert_eq!((opened.table.spec.aggregate, opened.position), (LEDGER, 4));
    });
}
