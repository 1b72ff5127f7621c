//! The event store on PostgreSQL, beside what every store promises: the global order when transactions are in each other's
//! way, rights, other versions, servers that go away.

use std::sync::Arc;
use std::time::Duration;

use eventloom_runtime::store::postgres::{
    Granted, PostgresDatabase, PostgresOptions, PostgresStore,
};
use eventloom_runtime::store::{
    Append, AppendError, AppendTransaction, AppendedEvents, CommandRecord, EventFilter, FoldError,
    FoldedChange, ImmediateFold, KeyClaim, NewEvent, StoredEvent, StreamKey,
};
use eventloom_runtime::testing::block_on;
use eventloom_runtime::testing::postgres::{PostgresServer, Session, TestDatabase};
use eventloom_runtime::{EventStore, Metadata, StoreError, Timestamp, Uuid};
use tokio::time::timeout;

pub(crate) async fn open(place: &TestDatabase) -> PostgresStore {
    at(&place.url().await).await.expect("a store")
}

pub(crate) async fn at(url: &str) -> Result<PostgresStore, StoreError> {
    PostgresStore::open(&PostgresDatabase::at(url)?).await
}

pub(crate) fn append(id: &str, expected: u64, count: u64) -> Append {
    let event = |sequence| NewEvent {
        event_type: "Moved",
        version: 1,
        data: format!(r#"{{"of":"{id}","sequence":{sequence}}}"#).into_bytes(),
        meta: Metadata {
            event_id: Uuid::now_v7(),
            stream_id: id.into(),
            sequence,
            at: Timestamp::from_micros(0),
            recorded_at: Timestamp::from_micros(0),
            actor: None,
            correlation_id: None,
            causation_id: None,
            traceparent: None,
        },
    };
    Append {
        stream: StreamKey { aggregate: "Account", id: id.into() },
        expected,
        events: (expected + 1..=expected + count).map(event).collect(),
        released: Vec::new(),
        passing: Vec::new(),
        keys: Vec::new(),
        content: [1; 16],
        command: None,
        snapshot: None,
        epoch: None,
    }
}

/// Streams and sequences after a position, and where to go on.
pub(crate) async fn read(store: &PostgresStore, after: u64) -> (Vec<(String, u64)>, u64) {
    let page = store.read_all(after, &EventFilter::default(), 1_000).await.expect("a page");
    let events = page.events.iter();
    (events.map(|it| (it.meta.stream_id.to_string(), it.meta.sequence)).collect(), page.next)
}

/// An append as another program makes it, in a transaction that somebody has begun: one event, the first of a stream.
pub(crate) fn appending(id: &str) -> String {
    let nothing = ["'{}'"; 18].join(", ");
    format!(
        "SELECT outcomes[1] FROM eventloom.append(ARRAY['Account'], ARRAY['{id}'], ARRAY[0], ARRAY[1], \
         ARRAY['\\x01010101010101010101010101010101'::bytea], ARRAY[true], \
         ARRAY[1], ARRAY[1], ARRAY[1], ARRAY[gen_random_uuid()], ARRAY[now()], ARRAY[now()], \
         ARRAY[NULL], ARRAY[NULL], ARRAY[NULL], ARRAY[NULL], ARRAY['{{}}'], {nothing}, true)"
    )
}

async fn begin(place: &TestDatabase) -> Session {
    let session = place.session().await;
    session.run("BEGIN").await.expect("a transaction");
    session
}

/// Transaction A takes a position and stays open; B is to commit; a reader reads; A commits. In many systems B gets the next
/// position and commits first, the reader passes A's by, and A's event is never seen.
#[test]
fn an_event_that_is_committed_late_is_delivered() {
    block_on(async {
        let place = TestDatabase::default();
        let store = open(&place).await;
        store.append(append("first", 0, 1)).await.expect("an append");
        let a = begin(&place).await;
        assert_eq!(a.run(&appending("a")).await, Ok(vec!["0".to_owned()]));
        let b = tokio::spawn({
            let store = store.clone();
            async move { store.append(append("b", 0, 1)).await }
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        let (seen, next) = read(&store, 0).await;
        assert_eq!((seen.len(), next), (1, 1), "what is open is neither seen nor passed by");
        assert!(!b.is_finished(), "B has no position yet");

        a.run("COMMIT").await.expect("a commit");

        assert_eq!(b.await.expect("B").expect("an append").position, 3);
        let (seen, next) = read(&store, next).await;
        assert_eq!(seen, [("a".to_owned(), 1), ("b".to_owned(), 1)]);
        assert_eq!(next, 3);
    });
}

/// Where A rolls back, nobody waits for the position that it had: the next append gets it.
#[test]
fn a_rolled_back_append_leaves_no_gap() {
    block_on(async {
        let place = TestDatabase::default();
        let store = open(&place).await;
        store.append(append("first", 0, 1)).await.expect("an append");
        let a = begin(&place).await;
        a.run(&appending("a")).await.expect("an append");
        a.run("ROLLBACK").await.expect("an end");
        assert_eq!(store.append(append("b", 0, 2)).await.map(|it| it.position), Ok(3));
        let (seen, next) = read(&store, 0).await;
        assert_eq!((seen.len(), next), (3, 3));
    });
}

/// A caller gives up while its append waits for another program's. It was sent, so it may still land, and the next append on
/// the connection must be told of itself and not of that one.
#[test]
fn an_append_that_nobody_waits_for_lands_once_or_not_at_all() {
    block_on(async {
        let place = TestDatabase::default();
        let store = open(&place).await;
        store.append(append("first", 0, 1)).await.expect("an append");
        let a = begin(&place).await;
        a.run(&appending("a")).await.expect("an append");
        let given_up = timeout(Duration::from_millis(100), store.append(append("b", 0, 1))).await;
        given_up.expect_err("it waits for A");
        let next = tokio::spawn({
            let store = store.clone();
            async move { store.append(append("b", 0, 2)).await }
        });
        a.run("COMMIT").await.expect("a commit");

        let told = next.await.expect("an answer");

        let (seen, _) = read(&store, 2).await;
        let sequences: Vec<u64> = seen.iter().map(|it| it.1).collect();
        match told {
            Err(AppendError::Conflict { expected: 0, actual: 1 }) => assert_eq!(sequences, [1]),
            told => {
                assert_eq!(told.map(|it| it.position), Ok(4));
                assert_eq!(sequences, [1, 2]);
            }
        }
        let end = sequences.len() as u64;
        store.append(append("b", end, 1)).await.expect("an append");
    });
}

/// A reader that trusts in numbers from a sequence, as many do: the interleaving that this store delivers makes it lose an
/// event. This shows that the tests above can fail.
#[test]
fn a_naive_reader_loses_what_is_committed_late() {
    block_on(async {
        let place = TestDatabase::default();
        place.sql("CREATE TABLE naive (position bigserial PRIMARY KEY, name text)").await;
        let naive = async |after: u64| {
            let found = format!("SELECT position FROM naive WHERE position > {after} ORDER BY 1");
            place.sql(&found).await
        };
        let (a, b) = (begin(&place).await, begin(&place).await);
        a.run("INSERT INTO naive (name) VALUES ('a')").await.expect("an insert");
        b.run("INSERT INTO naive (name) VALUES ('b'); COMMIT").await.expect("an insert");
        let checkpoint = naive(0).await;
        assert_eq!(checkpoint, ["2"]);
        a.run("COMMIT").await.expect("a commit");
        assert!(naive(2).await.is_empty(), "event 1 is there now, and behind the checkpoint");
    });
}

/// An open transaction somewhere else on the server, which holds back what systems read that go by transaction ids.
#[test]
fn a_foreign_transaction_holds_nobody_up() {
    block_on(async {
        let (place, other) = (TestDatabase::default(), TestDatabase::default());
        let store = open(&place).await;
        other.sql("CREATE TABLE t (i int)").await;
        let foreign = begin(&other).await;
        foreign.run("INSERT INTO t VALUES (1)").await.expect("an insert");
        let within = begin(&place).await;
        within.run("CREATE TABLE t (i int)").await.expect("a table");
        store.append(append("a", 0, 3)).await.expect("an append");
        assert_eq!(read(&store, 0).await.1, 3);
    });
}

/// Several programs write, some of their connections are cut in the middle of it, and a reader follows: it sees every event
/// that is there, once and in order.
#[test]
fn a_reader_misses_nothing_among_writers_that_are_cut_off() {
    let seed = std::env::var("EVENTLOOM_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("EVENTLOOM_SEED={seed}");
    block_on(async {
        let place = TestDatabase::default();
        let reader = open(&place).await;
        let url = place.url().await;
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..6_u64 {
            writers.spawn(write(url.clone(), writer, seed ^ writer));
        }
        let killer = tokio::spawn(cut_off(place.session().await, seed));
        let (mut followed, mut after, mut total) = (Vec::new(), 0, 0);
        loop {
            total += writers.try_join_next().map_or(0, |ended| ended.expect("a writer"));
            let page = timeout(Duration::from_secs(60), read(&reader, after)).await;
            let (seen, next) = page.expect("a page in time");
            followed.extend(seen);
            let at_end = next == after;
            after = next;
            if at_end && writers.is_empty() && followed.len() as u64 >= total {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        killer.abort();
        let (all, _) = read(&reader, 0).await;
        assert_eq!(followed, all, "what was seen on the way is what is there");
        assert_eq!(all.len() as u64, total);
        for writer in 0..6 {
            let of = format!("s{writer}");
            let sequences: Vec<u64> = all.iter().filter(|it| it.0 == of).map(|it| it.1).collect();
            assert!(sequences.iter().copied().eq(1..=sequences.len() as u64), "{sequences:?}");
        }
        let gaps = place.sql("SELECT max(position) - count(*) FROM eventloom.events").await;
        assert_eq!(gaps, ["0"]);
    });
}

/// Appends until a stream has sixty events, whatever happens to the connection; gives how many it has.
async fn write(url: String, writer: u64, seed: u64) -> u64 {
    let mut random = fastrand::Rng::with_seed(seed);
    let store = at(&url).await.expect("a store");
    let mut expected = 0;
    while expected < 60 {
        let count = random.u64(1..4);
        match store.append(append(&format!("s{writer}"), expected, count)).await {
            Ok(_) => expected += count,
            Err(AppendError::Conflict { actual, .. }) => expected = actual,
            Err(AppendError::Store(_)) => tokio::time::sleep(Duration::from_millis(5)).await,
            Err(error) => panic!("{error}"),
        }
    }
    expected
}

/// Cuts off somebody who appends, again and again.
async fn cut_off(session: Session, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    loop {
        tokio::time::sleep(Duration::from_millis(random.u64(2..20))).await;
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
            WHERE application_name = 'eventloom' AND query LIKE '%eventloom.append%' \
            AND datname = current_database() ORDER BY random() LIMIT 1";
        session.run(kill).await.expect("a kill");
    }
}

/// The role that programs run as can append and read, and neither change nor delete what is there.
#[test]
fn a_program_needs_no_right_to_change_events() {
    block_on(async {
        let place = TestDatabase::default();
        let owner = open(&place).await;
        owner.append(append("a", 0, 1)).await.expect("an append");
        let name = format!("teller_{}", std::process::id());
        place.sql(&format!("DROP ROLE IF EXISTS {name}; CREATE ROLE {name} LOGIN")).await;
        owner.database().grant(&name, Granted::Program).await.expect("a grant");
        let url = place.url().await.replace("eventloom@", &format!("{name}@"));

        let program = at(&url).await.expect("a store");

        program.append(append("a", 1, 2)).await.expect("an append");
        assert_eq!(read(&program, 0).await.0.len(), 3);
        for forbidden in [
            "UPDATE eventloom.events SET data = '{}'",
            "DELETE FROM eventloom.events",
            "TRUNCATE eventloom.events",
            "INSERT INTO eventloom.events SELECT * FROM eventloom.events",
            "DROP TABLE eventloom.events",
            "DELETE FROM eventloom.unique_keys",
            "UPDATE eventloom.streams SET id = 'b'",
            "SELECT setval('eventloom.stream_numbers', 1)",
        ] {
            let said = place.session().await.run(&format!("SET ROLE {name}; {forbidden}")).await;
            let said = said.expect_err(forbidden);
            assert!(said.contains("permission denied") || said.contains("must be owner"), "{said}");
        }
        let odd = owner.database().grant(&format!("{name}\"; --"), Granted::Reader).await;
        odd.expect_err("there is no such role");
        place.sql(&format!("DROP OWNED BY {name}; DROP ROLE {name}")).await;
    });
}

/// A role was let in when the tables had version 1. Version 2 appends by a function that was not there then: were the role
/// not let use it, its programs would be refused from the day on which another one opened the store.
#[test]
fn whoever_could_append_before_an_update_can_append_after_it() {
    block_on(async {
        let place = TestDatabase::default();
        let name = format!("veteran_{}", std::process::id());
        let version_1 = include_str!("../../src/store/postgres/schema.sql");
        place
            .sql(&format!(
                "DROP ROLE IF EXISTS {name}; CREATE ROLE {name} LOGIN; CREATE SCHEMA eventloom;
                 CREATE TABLE eventloom.migrations (part text COLLATE \"C\" NOT NULL, version integer NOT NULL, \
                     applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (part, version));
                 {version_1};
                 INSERT INTO eventloom.migrations VALUES ('event store', 1);
                 GRANT USAGE ON SCHEMA eventloom TO {name};
                 GRANT SELECT ON ALL TABLES IN SCHEMA eventloom TO {name};
                 GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA eventloom TO {name}"
            ))
            .await;
        let url = place.url().await.replace("eventloom@", &format!("{name}@"));
        at(&url).await.map(drop).expect_err("only their owner changes the tables");
        let owner = open(&place).await;
        owner.append(append("a", 0, 1)).await.expect("an append");

        let program = at(&url).await.expect("a store");

        program.append(append("a", 1, 1)).await.expect("an append");
        program.append(append("a", 2, 2)).await.expect("an append");
        assert_eq!(read(&program, 0).await.0.len(), 4);
        place.sql(&format!("DROP OWNED BY {name}; DROP ROLE {name}")).await;
    });
}

/// Functions run with the rights of who owns the tables. Who calls them may have operators of his own, which are found
/// before those of the database where he has said so, and would run with these rights too.
#[test]
fn nothing_of_the_caller_runs_with_the_rights_of_the_owner() {
    block_on(async {
        let place = TestDatabase::default();
        let owner = open(&place).await;
        owner.append(append("a", 0, 1)).await.expect("an append");
        let name = format!("intruder_{}", std::process::id());
        place
            .sql(&format!(
                "DROP ROLE IF EXISTS {name}; CREATE ROLE {name} LOGIN; CREATE SCHEMA own AUTHORIZATION {name}"
            ))
            .await;
        owner.database().grant(&name, Granted::Program).await.expect("a grant");
        let intruder = place.session().await;
        let said = "RAISE EXCEPTION 'run as %', current_user";
        intruder
            .run(&format!(
                "SET ROLE {name};
                 CREATE FUNCTION own.say(text, text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN {said}; END$$;
                 CREATE FUNCTION own.say(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN {said}; END$$;
                 CREATE OPERATOR own.= (LEFTARG = text, RIGHTARG = text, FUNCTION = own.say);
                 CREATE OPERATOR own.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = own.say);
                 CREATE OPERATOR own.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = own.say);
                 CREATE OPERATOR own.<> (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = own.say);
                 SET search_path TO own, pg_catalog"
            ))
            .await
            .expect("operators of his own");
        let found = intruder.run("SELECT 'a'::text = 'a'::text").await.expect_err("it is his own");
        assert!(found.contains("run as"), "{found}");

        let one = |expected: u64, key: &str| {
            format!(
                "SELECT eventloom.append_event('Account', 'a', {expected}, '\\x01', 1, gen_random_uuid(), now(), now(), \
                 NULL, NULL, NULL, NULL, '{{}}', {key}, NULL, 'c{expected}', NULL)"
            )
        };
        let (none, key) = ("NULL, NULL, NULL", "1, 'transaction', false");
        assert_eq!(intruder.run(&one(1, none)).await, Ok(vec!["2".to_owned()]));
        assert_eq!(intruder.run(&one(2, key)).await, Ok(vec!["3".to_owned()]));
        for (expected, key, told) in [(0, none, "-4"), (3, key, "null"), (1, key, "0")] {
            let answer = intruder.run(&one(expected, key)).await;
            assert_eq!(answer, Ok(vec![told.to_owned()]), "what `append` decided");
        }
        place.sql(&format!("DROP OWNED BY {name} CASCADE; DROP ROLE {name}")).await;
    });
}

#[test]
fn a_database_of_a_newer_program_or_another_encoding_is_refused() {
    block_on(async {
        let place = TestDatabase::default();
        drop(open(&place).await);
        place.sql("INSERT INTO eventloom.migrations VALUES ('event store', 99)").await;
        let newer = at(&place.url().await).await.map(drop).expect_err("it must be refused");
        assert!(matches!(newer, StoreError::Foreign(_)), "{newer:?}");
        assert!(newer.to_string().contains("have version 99 and this program knows"), "{newer}");

        let name = format!("latin_{}", std::process::id());
        let create = "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0";
        place.sql(&format!("CREATE DATABASE {name} {create}")).await;
        let url = place.url().await;
        let url = format!("{}/{name}", url.rsplit_once('/').expect("an address").0);
        let latin = at(&url).await.map(drop).expect_err("it must be refused");
        assert!(latin.to_string().contains("LATIN1"), "{latin}");
        tokio::time::sleep(Duration::from_millis(100)).await;
        place.sql(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
    });
}

/// Whatever the role or the database is set to, appends see what was committed before them, and commits wait for the disk.
#[test]
fn settings_of_the_server_do_not_weaken_the_store() {
    block_on(async {
        let place = TestDatabase::default();
        let name = place.sql("SELECT current_database()").await.remove(0);
        place
            .sql(&format!(
                "ALTER DATABASE {name} SET default_transaction_isolation TO 'repeatable read'; \
                 ALTER DATABASE {name} SET synchronous_commit TO off"
            ))
            .await;
        let store = open(&place).await;
        let handles = [store.clone(), open(&place).await];
        for round in 0..10 {
            for (handle, id) in handles.iter().zip(["a", "b"]) {
                handle.append(append(id, round, 1)).await.expect("an append");
            }
        }
        assert_eq!(read(&store, 0).await.0.len(), 20);
        let naked = begin(&place).await;
        let said = naked.run(&appending("c")).await.expect_err("it must be refused");
        assert!(said.contains("READ COMMITTED"), "{said}");
    });
}

/// A server that is restarted is found again.
#[test]
fn a_restarted_server_is_found_again() {
    let mut server = PostgresServer::start(&["fsync=off"]).expect("a server");
    block_on(async {
        let store = at(&server.url("postgres")).await.expect("a store");
        store.append(append("a", 0, 1)).await.expect("an append");
        server.crash().expect("a crash");
        let down = store.append(append("a", 1, 1)).await.expect_err("nobody is there");
        let told = matches!(
            down,
            AppendError::Store(StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_))
        );
        assert!(told, "{down:?}");
        let down = store.head().await.expect_err("nobody is there");
        assert!(matches!(down, StoreError::Unavailable(_)), "{down:?}");
        server.restart().expect("a restart");
        tokio::time::sleep(Duration::from_millis(600)).await;
        store.append(append("a", 1, 1)).await.expect("an append");
        assert_eq!(read(&store, 0).await.0.len(), 2);
    });
}

/// More work at once than there are connections waits for its turn.
/// Of programs that opened a fresh database at the same time, one made the schema and the others were told that the database is
/// damaged, and to restore it from a backup.
#[test]
fn a_fresh_database_may_be_opened_by_many_at_once() {
    block_on(async {
        for _ in 0..5 {
            let place = TestDatabase::default();
            let url = place.url().await;
            let mut opening = tokio::task::JoinSet::new();
            for url in std::iter::repeat_n(url, 8) {
                opening.spawn(async move { at(&url).await.map(drop) });
            }
            for opened in opening.join_all().await {
                assert_eq!(opened, Ok(()));
            }
        }
    });
}

/// Where somebody had deleted the stream of a command or key by hand, whoever sent that again was never answered, and asked the
/// database without a pause.
#[test]
fn a_record_without_its_stream_is_told() {
    block_on(async {
        let place = TestDatabase::default();
        let store = open(&place).await;
        let mut first = append("a", 0, 1);
        first.command = Some(CommandRecord { id: "once".into(), refusal: None, repeats: None });
        let claim = |value: &str| KeyClaim {
            field: "transactionId",
            value: value.to_owned(),
            across_all: true,
        };
        first.keys = vec![claim("T1")];
        store.append(first.clone()).await.expect("an append");
        place.sql("UPDATE eventloom.commands SET stream = 999").await;
        place.sql("UPDATE eventloom.unique_keys SET stream = 999").await;

        let mut of_key = append("b", 0, 1);
        of_key.keys = vec![claim("T0"), claim("T1")];
        for (again, what) in [(first, "once"), (of_key, "T1")] {
            let told = timeout(Duration::from_secs(60), store.append(again)).await;
            let told = told.expect("an answer").expect_err("its stream is not there");
            let AppendError::Store(StoreError::Corrupt { place, .. }) = &told else {
                panic!("{told:?}")
            };
            assert!(place.contains(what), "{told}");
        }
        store.append(append("b", 0, 1)).await.expect("others go on");
    });
}

#[test]
fn connections_are_bounded() {
    block_on(async {
        let place = TestDatabase::default();
        let options = PostgresOptions { connections: 2, patience: Duration::from_secs(20) };
        let database = PostgresDatabase::with(&place.url().await, options).expect("an address");
        let store = PostgresStore::open(&database).await.expect("a store");
        let mut reads = tokio::task::JoinSet::new();
        for number in 0..100 {
            let store = store.clone();
            reads.spawn(async move {
                store.append(append(&format!("s{number}"), 0, 1)).await.expect("an append");
                store.head().await.expect("a head")
            });
        }
        assert_eq!(reads.join_all().await.len(), 100);
        let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'eventloom' \
            AND datname = current_database()";
        let count: u32 = place.sql(count).await.remove(0).parse().expect("a number");
        assert!(count <= 2 + 2 + 1 + 1, "{count} connections");
    });
}

/// What PostgreSQL can't hold is refused alone, whoever else appends at that moment.
#[test]
fn what_can_not_be_held_is_refused_alone() {
    block_on(async {
        let place = TestDatabase::default();
        let store = open(&place).await;
        let mut no_text = append("a", 0, 1);
        no_text.events[0].data = vec![0xff, 0xfe];
        // Nothing that could be made shorter.
        let mut random = fastrand::Rng::with_seed(7);
        let id: String = (0..9_000).map(|_| random.alphanumeric()).collect();
        let (one, two, three) = tokio::join!(
            store.append(no_text),
            store.append(append(&id, 0, 1)),
            store.append(append("b", 0, 1)),
        );
        for refused in [one, two] {
            let error = refused.expect_err("it must be refused");
            assert!(matches!(error, AppendError::Store(StoreError::Unwritable(_))), "{error:?}");
        }
        three.expect("an append");
        assert_eq!(read(&store, 0).await.0, [("b".to_owned(), 1)]);
    });
}

/// What an operator does who restores an older backup in place: everything after a position goes, all connections end, and the
/// numbers that the rest had are given out again.
async fn restore(place: &TestDatabase, position: u64, shapes: &[&str]) {
    let operator = place.session().await;
    let kept = shapes.iter().map(|shape| format!("'{shape}'")).collect::<Vec<_>>().join(", ");
    let statements = [
        "SET session_replication_role TO replica".to_owned(),
        format!("DELETE FROM eventloom.events WHERE position > {position}"),
        "DELETE FROM eventloom.streams WHERE no NOT IN (SELECT stream FROM eventloom.events)"
            .to_owned(),
        format!("DELETE FROM eventloom.shapes WHERE event_type NOT IN ({kept})"),
        "SELECT setval('eventloom.stream_numbers', (SELECT max(no) FROM eventloom.streams))"
            .to_owned(),
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()"
            .to_owned(),
    ];
    for statement in statements {
        operator.run(&statement).await.expect("an operator may");
    }
}

/// The numbers of streams and event types are kept in memory. A program that only read kept those of the server as it had been:
/// after a restore it told the events of a new account as those of one that was lost, and left out types that it took for
/// others.
#[test]
fn who_only_reads_does_not_take_new_streams_and_types_for_lost_ones() {
    block_on(async {
        let place = TestDatabase::default();
        let (store, reader) = (open(&place).await, open(&place).await);
        store.append(append("kept", 0, 1)).await.expect("an append");
        let mut lost = append("lost", 0, 1);
        lost.events[0].event_type = "Lost";
        store.append(lost).await.expect("an append");
        let of = |types: &[&'static str]| EventFilter {
            types: types.iter().map(|it| ("Account", *it)).collect(),
            ..EventFilter::default()
        };
        let read = async |filter: EventFilter| {
            let page = reader.read_all(0, &filter, 1_000).await.expect("a page");
            let told =
                |it: StoredEvent<'_>| (it.meta.stream_id.to_string(), it.event_type.to_owned());
            page.events.iter().map(told).collect::<Vec<_>>()
        };
        let told = |stream: &str, event_type: &str| (stream.to_owned(), event_type.to_owned());
        assert_eq!(read(of(&[])).await, [told("kept", "Moved"), told("lost", "Lost")]);

        restore(&place, 1, &["Moved"]).await;
        let mut new = append("new", 0, 1);
        new.events[0].event_type = "New";
        at(&place.url().await).await.expect("a store").append(new).await.expect("an append");

        assert_eq!(read(of(&[])).await, [told("kept", "Moved"), told("new", "New")]);
        assert_eq!(read(of(&["New"])).await, [told("new", "New")]);
        assert_eq!(read(of(&["Lost"])).await, []);
    });
}

/// The stream has as many events as before, and other ones: the state that the append was decided on never was.
#[test]
fn an_append_notices_that_the_server_was_restored() {
    block_on(async {
        let place = TestDatabase::default();
        let store = open(&place).await;
        store.append(append("a", 0, 2)).await.expect("an append");
        let epoch = store.epoch();
        let read_in = |epoch| Append { epoch: Some(epoch), ..append("a", 2, 1) };
        restore(&place, 1, &["Moved"]).await;
        at(&place.url().await)
            .await
            .expect("a store")
            .append(append("a", 1, 1))
            .await
            .expect("one");

        let refused = store.append(read_in(epoch)).await;

        let Err(AppendError::Unconfirmed { epoch: now }) = refused else { panic!("{refused:?}") };
        assert!(now != epoch && now == store.epoch(), "{now}");
        assert_eq!(store.append(read_in(now)).await.map(|it| it.position), Ok(3));
    });
}

/// Of several callers some read their state before the connection was made anew, and some after.
#[test]
fn of_a_group_those_are_refused_whose_state_is_doubtful() {
    block_on(async {
        let place = TestDatabase::default();
        let store = open(&place).await;
        store.append(append("first", 0, 1)).await.expect("an append");
        let now = store.epoch();
        let appends = (0..40).map(|number: u64| {
            let (store, epoch) = (store.clone(), Some(now + number % 2));
            let append = Append { epoch, ..append(&format!("a{number}"), 0, 1) };
            tokio::spawn(async move { (number, store.append(append).await) })
        });
        for task in appends.collect::<Vec<_>>() {
            match task.await.expect("an answer") {
                (number, Ok(_)) => assert_eq!(number % 2, 0),
                (number, refused) => {
                    assert_eq!(refused, Err(AppendError::Unconfirmed { epoch: now }));
                    assert_eq!(number % 2, 1);
                }
            }
        }
        let (seen, _) = read(&store, 1).await;
        assert_eq!(seen.len(), 20);
    });
}

/// An immediate projection that has no room for the rows of one stream, or can't be opened at all.
struct Full {
    opens: bool,
}

impl ImmediateFold for Full {
    fn aggregate(&self) -> &str {
        "Account"
    }

    fn name(&self) -> &str {
        "Full"
    }

    fn open(&self, _: &dyn AppendTransaction) -> Result<(), StoreError> {
        match self.opens {
            true => Ok(()),
            false => Err(StoreError::Unavailable("as planned".to_owned())),
        }
    }

    fn fold(
        &self,
        _: &dyn AppendTransaction,
        events: &AppendedEvents<'_>,
    ) -> Result<FoldedChange, FoldError> {
        match events.stream.id.as_str() {
            "x" => Err(FoldError::Store(StoreError::Unwritable("no room".to_owned()))),
            _ => Ok(Box::new(|_| Ok(()))),
        }
    }
}

/// The connection went with each transaction that was taken back, and with it all that was known of streams: whoever shared a
/// group with an append that could not be folded was told that the way to the server was broken.
#[test]
fn a_transaction_that_is_taken_back_puts_nothing_in_doubt() {
    block_on(async {
        let place = TestDatabase::default();
        let store = open(&place).await;
        store.append(append("first", 0, 1)).await.expect("an append");
        let epoch = store.epoch();
        store.fold_immediately(Arc::new(Full { opens: false })).await.expect_err("as planned");
        store.fold_immediately(Arc::new(Full { opens: true })).await.expect("it opens");
        let appends = (0..20).map(|number| {
            let id = if number == 10 { "x".to_owned() } else { format!("a{number}") };
            let (store, append) =
                (store.clone(), Append { epoch: Some(epoch), ..append(&id, 0, 1) });
            tokio::spawn(async move { (number, store.append(append).await) })
        });
        for task in appends.collect::<Vec<_>>() {
            let (number, told) = task.await.expect("an answer");
            match number {
                10 => {
                    let error = told.expect_err("there is no room");
                    assert!(error.to_string().contains("no room"), "{error}");
                }
                _ => drop(told.expect("an append")),
            }
        }
        assert_eq!(store.epoch(), epoch);
    });
}

/// The connection that appends went to a server that had taken another's place, and those that read still led to the other, which
/// confirmed all that it had been asked for before.
#[test]
fn no_reader_is_older_than_who_appends() {
    block_on(async {
        let place = TestDatabase::default();
        let store = open(&place).await;
        store.append(append("a", 0, 1)).await.expect("an append");
        store.head().await.expect("a head");
        let operator = place.session().await;
        let readers = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() \
            AND query LIKE '%max(position)%' AND pid <> pg_backend_pid() ORDER BY pid";
        let old = operator.run(readers).await.expect("processes");
        assert!(!old.is_empty());
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
            WHERE datname = current_database() AND query LIKE '%append_event%' AND pid <> pg_backend_pid()";
        let epoch = store.epoch();
        assert_eq!(operator.run(end).await, Ok(vec!["t".to_owned()]));
        while store.epoch() == epoch {
            // The first may find that nobody answers.
            drop(store.append(append("b", 0, 1)).await);
        }

        store.head().await.expect("a head");

        let new = operator.run(readers).await.expect("processes");
        assert!(!new.is_empty() && old.iter().all(|pid| !new.contains(pid)), "{old:?}, {new:?}");
    });
}
