//! Who may archive on PostgreSQL, and databases from before there were archives.

use std::time::Duration;

use eventloom_runtime::EventStore as _;
use eventloom_runtime::projection::{PostgresReadDatabase, Projection, Projector};
use eventloom_runtime::store::archive::{ArchiveError, ArchiveStore as _};
use eventloom_runtime::store::postgres::{
    Granted, PostgresDatabase, PostgresOptions, PostgresStore,
};
use eventloom_runtime::store::{Append, EventFilter, StoreError};
use eventloom_runtime::testing::block_on;
use eventloom_runtime::testing::postgres::TestDatabase;

use crate::archiving::{all, archive, archiver, days_ago, events, live, seen, snapshot, stream};
use crate::projection::ledger::{Balances, ImmediateBalances};

async fn open(url: &str, folder: &std::path::Path) -> PostgresStore {
    let database = PostgresDatabase::at(url).expect("an address");
    PostgresStore::open_with_archive(&database, folder).await.expect("a store")
}

/// A database with a role of its own, by which it can be opened.
struct Shared {
    place: TestDatabase,
    role: String,
}

impl Shared {
    async fn new(name: &str) -> Self {
        let place = TestDatabase::default();
        let role = format!("{name}_{}", std::process::id());
        place.sql(&format!("DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN")).await;
        Self { place, role }
    }

    async fn url(&self) -> String {
        self.place.url().await.replace("eventloom@", &format!("{}@", self.role))
    }

    /// What is said to the role that tries something.
    async fn refused(&self, sql: &str) {
        let tried = format!("SET ROLE {}; {sql}", self.role);
        let said = self.place.session().await.run(&tried).await.expect_err(sql);
        assert!(said.contains("permission denied"), "{sql}: {said}");
    }

    async fn end(self) {
        self.place.sql(&format!("DROP OWNED BY {0}; DROP ROLE {0}", self.role)).await;
    }
}

async fn fill(store: &PostgresStore) {
    let mut append = events("a", 0, 20, days_ago(90));
    append.snapshot = Some(snapshot(15));
    store.append(append).await.expect("an append");
}

const ARCHIVE: &str = "SELECT eventloom.archive(1, 'f', 'd', 1, '\\x00', 1, 1, now(), 'A', ARRAY[1], ARRAY[0::bigint], \
    ARRAY[1::bigint], ARRAY[1::bigint], ARRAY['\\x00'::bytea], ARRAY['[]'], ARRAY[1], ARRAY[1::bigint], ARRAY[1::bigint], \
    ARRAY[1::bigint])";

/// The role that programs run as reads what is archived, and can't archive.
#[test]
fn a_program_cannot_let_events_leave() {
    block_on(async {
        let shared = Shared::new("program").await;
        let folder = tempfile::tempdir().expect("a folder");
        let owner = open(&shared.place.url().await, folder.path()).await;
        fill(&owner).await;
        owner.database().grant(&shared.role, Granted::Program).await.expect("a grant");
        let program = open(&shared.url().await, folder.path()).await;

        archiver(&program).run(|_| {}).await.expect_err("it is not allowed");
        assert_eq!(live(&owner).await, 20);
        for forbidden in [
            ARCHIVE,
            "SELECT eventloom.archive_identity('x')",
            "SELECT eventloom.archive_moved('x')",
            "DELETE FROM eventloom.events",
            "DELETE FROM eventloom.archive_ranges",
            "UPDATE eventloom.archive_blocks SET first = 0",
            "INSERT INTO eventloom.archive_segments SELECT * FROM eventloom.archive_segments",
        ] {
            shared.refused(forbidden).await;
        }
        let before = seen(&program).await;
        assert_eq!(archive(&owner).await.events(), 14);
        assert_eq!(seen(&program).await, before);
        assert_eq!(program.archived_to().await, Ok(Some(folder.path().to_owned())));
        program.append(events("a", 20, 1, days_ago(0))).await.expect("it goes on");
        drop(program);
        shared.end().await;
    });
}

/// The role that archives reads and archives, and neither appends nor changes anything but by that.
#[test]
fn an_archiver_can_archive_and_nothing_else() {
    block_on(async {
        let shared = Shared::new("archivist").await;
        let folder = tempfile::tempdir().expect("a folder");
        let owner = open(&shared.place.url().await, folder.path()).await;
        fill(&owner).await;
        let before = seen(&owner).await;
        owner.database().grant(&shared.role, Granted::Archiver).await.expect("a grant");
        let archivist = open(&shared.url().await, folder.path()).await;

        assert_eq!(archive(&archivist).await.events(), 14);

        assert_eq!(seen(&archivist).await, before);
        assert_eq!(live(&owner).await, 6);
        archivist.append(events("a", 20, 1, days_ago(0))).await.expect_err("it is not allowed");
        for forbidden in [
            "DELETE FROM eventloom.events",
            "UPDATE eventloom.events SET data = '{}'",
            "DELETE FROM eventloom.unique_keys",
            "DELETE FROM eventloom.snapshots",
            "DELETE FROM eventloom.archive_segments",
            "UPDATE eventloom.archive_ranges SET first = 0",
            "SELECT eventloom.begin_append()",
        ] {
            shared.refused(forbidden).await;
        }
        drop(archivist);
        shared.end().await;
    });
}

/// The function of the database lets nothing go that would tear a stream, whatever a program asks of it.
#[test]
fn the_database_itself_keeps_streams_whole() {
    block_on(async {
        let place = TestDatabase::default();
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(&place.url().await, folder.path()).await;
        fill(&store).await;
        let stream = place.sql("SELECT no FROM eventloom.streams").await.remove(0);
        for (gone, last, told, why) in [
            ("20", 21, "may leave the live table", "the last event"),
            ("2", 21, "may leave the live table", "the second without the first"),
            ("1, 3", 21, "may leave the live table", "one left out"),
            ("21", 21, "may leave the live table", "one that is not there"),
            ("1, 2", 1, "are not between 1 and 1", "one that readers would not look for"),
        ] {
            let numbers = format!("ARRAY[{gone}]::bigint[]");
            let sql = format!(
                "SELECT eventloom.archive(1, 'f', 'd', 1, '\\x00', 1, {last}, now(), 'A', ARRAY[1], ARRAY[0::bigint], \
                 ARRAY[1::bigint], ARRAY[1::bigint], ARRAY['\\x00'::bytea], ARRAY['[]'], \
                 array_fill(1, ARRAY[cardinality({numbers})]), {numbers}, \
                 array_fill({stream}::bigint, ARRAY[cardinality({numbers})]), {numbers})"
            );
            let said = place.session().await.run(&sql).await.expect_err(why);
            assert!(said.contains(told), "{why}: {said}");
        }
        assert_eq!(live(&store).await, 20);
        assert!(store.segments().await.expect("segments").is_empty());
    });
}

/// A database from before there were archives is migrated, and the roles that read it go on reading.
#[test]
fn an_older_database_is_migrated_with_its_grants() {
    block_on(async {
        let shared = Shared::new("older").await;
        let folder = tempfile::tempdir().expect("a folder");
        let url = shared.place.url().await;
        let owner = open(&url, folder.path()).await;
        fill(&owner).await;
        let before = seen(&owner).await;
        owner.database().grant(&shared.role, Granted::Program).await.expect("a grant");
        drop(owner);
        shared
            .place
            .sql(
                "DROP FUNCTION eventloom.archive, eventloom.archive_identity, eventloom.archive_moved, \
                 eventloom.append_one, eventloom.append_event; \
                 DROP TABLE eventloom.archive_store, eventloom.archive_segments, eventloom.archive_blocks, \
                 eventloom.archive_ranges; \
                 DELETE FROM eventloom.migrations WHERE part = 'event store' AND version > 1",
            )
            .await;
        let database = PostgresDatabase::at(&shared.url().await).expect("an address");
        PostgresStore::open(&database).await.map(drop).expect_err("it may not migrate");

        let owner = open(&url, folder.path()).await;
        let program = open(&shared.url().await, folder.path()).await;

        assert_eq!(seen(&program).await, before);
        assert_eq!(archive(&owner).await.events(), 14);
        assert_eq!(seen(&program).await, before);
        drop(program);
        shared.end().await;
    });
}

/// The right to archive was a connection of those for rows, for as long as a run took: a program with one of them could not
/// fold or read a row meanwhile.
#[test]
fn the_right_to_archive_takes_no_connection_from_others() {
    block_on(async {
        let place = TestDatabase::default();
        let url = place.url().await;
        let options = PostgresOptions { connections: 1, ..PostgresOptions::default() };
        let database = PostgresDatabase::with(&url, options).expect("an address");
        let store = PostgresStore::open(&database).await.expect("a store");
        let lock = store.lock_archive().await.expect("an answer").expect("nobody else archives");

        let others = async {
            PostgresReadDatabase::open(&database).await.expect("a connection for rows");
            assert_eq!(store.head().await, Ok(0));
            fill(&store).await;
            store.lock_archive().await.expect("an answer").is_none()
        };

        let is_turned_away = tokio::time::timeout(Duration::from_secs(20), others).await;
        assert!(is_turned_away.expect("nobody waits for it"));
        drop(lock);
        assert!(store.lock_archive().await.expect("an answer").is_some(), "it is free again");
    });
}

/// A page of few events of many looks at so many positions. Where it ended was found by the next live event behind them, which
/// was looked for a moment later: events that were archived in that moment lay before it, and were passed over.
#[test]
fn what_is_archived_right_behind_a_page_is_not_passed_over() {
    block_on(async {
        const RARE: &str = "LimitHit";
        let place = TestDatabase::default();
        let folder = tempfile::tempdir().expect("a folder");
        let url = place.url().await;
        let (store, reader) = (open(&url, folder.path()).await, open(&url, folder.path()).await);
        let filter = EventFilter { types: vec![("Wallet", RARE)], ..EventFilter::default() };
        let rare = |mut append: Append, index: usize| {
            append.events[index].event_type = RARE;
            append
        };
        let young = |id| rare(events(id, 0, 1, days_ago(0)), 0);
        let long = |expected| {
            let mut append = events("long", expected, 1_000, days_ago(90));
            append.events.iter_mut().for_each(|event| event.event_type = "Moved");
            append
        };
        store.append(young("first")).await.expect("an append");
        store.append(long(0)).await.expect("an append");
        // The reader knows types and streams but one.
        all(&reader, &filter, 10).await.expect("events");
        store.append(young("unknown")).await.expect("an append");
        for expected in (1_000..17_000).step_by(1_000) {
            // At position 16,390, and a page looks at 16,384.
            let append = long(expected);
            let append = if expected == 16_000 { rare(append, 387) } else { append };
            store.append(append).await.expect("an append");
        }
        store.save_snapshot(&stream("long"), snapshot(17_000)).await.expect("a snapshot");
        let before = all(&store, &filter, 10).await.expect("events");
        let positions: Vec<u64> = before.iter().map(|event| event.position).collect();
        assert_eq!(positions, [1, 1_002, 16_390]);

        // It has read its events, and wants to know whose the second is.
        let holder = place.session().await;
        holder.run("BEGIN; LOCK TABLE eventloom.streams").await.expect("a lock");
        let reading = tokio::spawn(async move { all(&reader, &filter, 10).await });
        let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'eventloom.streams'::regclass";
        while place.sql(waits).await != ["1"] {
            tokio::task::yield_now().await;
        }
        assert_eq!(archive(&store).await.events(), 16_999);
        holder.run("COMMIT").await.expect("an end");

        assert_eq!(reading.await.expect("no panic").expect("events"), before);
    });
}

/// Makes the tables what they were at version 3.
const OF_BEFORE: &str = "ALTER TABLE eventloom.archive_segments DROP COLUMN aggregate; \
    ALTER TABLE eventloom.archive_blocks DROP COLUMN types; \
    ALTER TABLE eventloom.archive_store DROP COLUMN folder; \
    DROP FUNCTION eventloom.append_event, eventloom.archive_moved; \
    DELETE FROM eventloom.migrations WHERE part = 'event store' AND version > 3";

/// Waits for somebody to wait for a table.
const WAITS: &str = "DO $$ BEGIN \
    WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'relation' \
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) LOOP \
    PERFORM pg_sleep(0.01); END LOOP; END $$";

/// What the tables were before the first release, they do not say what segments hold. Those of a database that archived
/// nothing learn to, with their grants; the others' archives can't be read.
#[test]
fn tables_of_before_the_first_release_are_migrated_where_nothing_is_archived() {
    block_on(async {
        let shared = Shared::new("before").await;
        let folder = tempfile::tempdir().expect("a folder");
        let url = shared.place.url().await;
        let owner = open(&url, folder.path()).await;
        fill(&owner).await;
        owner.database().grant(&shared.role, Granted::Program).await.expect("a grant");
        owner.database().grant(&shared.role, Granted::Archiver).await.expect("a grant");
        let before = seen(&owner).await;
        drop(owner);
        shared.place.sql(OF_BEFORE).await;

        drop(open(&url, folder.path()).await);
        let program = open(&shared.url().await, folder.path()).await;

        assert_eq!(seen(&program).await, before);
        assert_eq!(archive(&program).await.events(), 14, "who might archive may go on");
        assert_eq!(seen(&program).await, before);
        drop(program);
        shared.place.sql(OF_BEFORE).await;
        let refused = opened(&url).await.expect_err("an archive of before");
        assert!(matches!(refused, StoreError::Foreign(_)), "{refused:?}");
        let refused = refused.to_string();
        assert!(refused.contains("from before the first release"), "{refused}");
        shared.end().await;
    });
}

async fn opened(url: &str) -> Result<(), StoreError> {
    let database = PostgresDatabase::at(url).expect("an address");
    PostgresStore::open(&database).await.map(drop)
}

/// Whoever archives while the tables change has not archived into those that go.
#[test]
fn tables_change_only_when_nobody_archives() {
    block_on(async {
        let place = TestDatabase::default();
        let url = place.url().await;
        opened(&url).await.expect("a store");
        place.sql(OF_BEFORE).await;
        let archiver = place.session().await;
        let segment = "BEGIN; INSERT INTO eventloom.archive_segments \
            (no, file, folder, bytes, sha256, first, last, archived_at) VALUES (1, 'f', 'd', 1, '', 1, 1, now())";
        archiver.run(segment).await.expect("a segment");

        let opening = tokio::spawn(async move { opened(&url).await });
        place.sql(WAITS).await;
        archiver.run("COMMIT").await.expect("a commit");

        let refused = opening.await.expect("an end").expect_err("something is archived");
        assert!(refused.to_string().contains("from before the first release"), "{refused}");
        assert_eq!(place.sql("SELECT file FROM eventloom.archive_segments").await, ["f"]);
    });
}

/// While somebody dumped the database, a program of a new version waited for the tables that it was to change, and behind it
/// everybody who wanted to read, for hours and without a word.
#[test]
fn tables_that_are_in_use_are_not_waited_for_without_end() {
    block_on(async {
        let place = TestDatabase::default();
        let url = place.url().await;
        opened(&url).await.expect("a store");
        place.sql(OF_BEFORE).await;
        let (dump, reader) = (place.session().await, place.session().await);
        let dumping = "BEGIN; LOCK TABLE eventloom.archive_segments IN ACCESS SHARE MODE";
        dump.run(dumping).await.expect("a lock");
        let address = url.clone();
        let opening = tokio::spawn(async move { opened(&address).await });
        place.sql(WAITS).await;

        let read =
            "SET statement_timeout TO '30s'; SELECT count(*) FROM eventloom.archive_segments";
        let found = reader.run(read).await.expect("who reads is not held up");
        assert_eq!(found, ["0"]);

        let refused = tokio::time::timeout(Duration::from_secs(90), opening).await;
        let refused = refused.expect("it gives up").expect("an end").expect_err("it is in use");
        assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
        for part in ["event store", "pg_stat_activity", "nothing was changed"] {
            assert!(refused.to_string().contains(part), "{refused}");
        }
        let address = url.clone();
        let opening = tokio::spawn(async move { opened(&address).await });
        place.sql(WAITS).await;
        dump.run("COMMIT").await.expect("an end");
        opening.await.expect("an end").expect("nobody is in its way");
    });
}

/// The program of an archiver was killed while its server waited with a commit. The next run did not see what was about to be
/// archived, and told to delete the file that has it.
#[test]
fn a_run_that_is_not_over_is_waited_for() {
    block_on(async {
        let shared = Shared::new("next").await;
        let folder = tempfile::tempdir().expect("a folder");
        let owner = open(&shared.place.url().await, folder.path()).await;
        fill(&owner).await;
        owner.database().grant(&shared.role, Granted::Archiver).await.expect("a grant");
        let next = open(&shared.url().await, folder.path()).await;
        let killed = shared.place.session().await;
        let segment = "BEGIN; INSERT INTO eventloom.archive_segments \
            (no, file, folder, bytes, sha256, first, last, archived_at, aggregate) \
            VALUES (7, 'f', 'd', 1, '', 1, 1, now(), 'A')";
        killed.run(segment).await.expect("a segment");

        let busy = archiver(&next).run(|_| {}).await.expect_err("a run is not over");

        assert!(matches!(busy, ArchiveError::Busy { .. }), "{busy:?}");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
        killed.run("ROLLBACK").await.expect("an end");
        assert_eq!(archive(&next).await.events(), 14);
        drop(next);
        shared.end().await;
    });
}

async fn opens_and_rebuilds<P: Projection>(store: &PostgresStore, rows: &PostgresReadDatabase) {
    let projector = Projector::<P, _, _>::open(store.clone(), rows.clone()).await;
    projector.expect("it opens").rebuild(|_| {}).await.expect("it is rebuilt");
}

/// The archive and the tables of read models had one lock: as long as somebody archived, no new projection could be opened and
/// none rebuilt, and an `immediate` one held up all appends while it tried.
#[test]
fn who_archives_is_in_nobodys_way() {
    block_on(async {
        let place = TestDatabase::default();
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(&place.url().await, folder.path()).await;
        fill(&store).await;
        let rows = PostgresReadDatabase::open(store.database()).await.expect("a read database");
        let archiving = store.lock_archive().await.expect("an answer");
        assert!(archiving.is_some());

        opens_and_rebuilds::<Balances>(&store, &rows).await;
        opens_and_rebuilds::<ImmediateBalances>(&store, &rows).await;

        assert!(store.lock_archive().await.expect("an answer").is_none(), "it is archived already");
        drop(archiving);
        let session = place.session().await;
        // As long as tables of read models are changed.
        session.run("SELECT pg_advisory_lock(7311146993704727156)").await.expect("a lock");
        assert_eq!(archive(&store).await.events(), 14);
    });
}
