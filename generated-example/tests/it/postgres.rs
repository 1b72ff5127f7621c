//! The bank on PostgreSQL: what it says there is what it says on a file.

use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use eventloom_runtime::EventStore;
use eventloom_runtime::projection::{PostgresReadDatabase, ReadDatabase};
use eventloom_runtime::store::postgres::{PostgresDatabase, PostgresStore};
use eventloom_runtime::store::whole::{CopyId, Copying, WholeStore as _};
use eventloom_runtime::testing::block_on;
use eventloom_runtime::testing::postgres::{PostgresServer, TestDatabase};

use crate::bank::{Bank, Ran};
use crate::file::{self, Shape};
use crate::import::data;

/// What the README's reader types, and questions of every kind.
const SESSION: &[&[&str]] = &[
    &["open", "A1", "--customer", "C1", "--balance", "1000"],
    &["open", "A1", "--customer", "C1", "--balance", "1000"],
    &["deposit", "A1", "500", "--transaction", "T1"],
    &["withdraw", "A1", "200.50", "--transaction", "T2"],
    &["deposit", "A1", "500", "--transaction", "T1"],
    &["deposit", "A1", "501", "--transaction", "T1"],
    &["withdraw", "A1", "5000", "--transaction", "T3", "--command-id", "once"],
    &["withdraw", "A1", "5000", "--transaction", "T3", "--command-id", "once"],
    &["balance", "A1"],
    &["balance", "A2"],
    &["open", "A2", "--customer", "O'Neil \\ \"x\" ü", "--balance", "7"],
    &["history", "A1"],
    &["timeline", "A1"],
    &["as-of", "A1", "--sequence", "2"],
    &["rebuild"],
    &["balance", "A2"],
    &["close", "A2", "--reason", "moved"],
    &["withdraw", "A2", "1", "--transaction", "T9"],
    &["history", "A2"],
];

#[test]
fn a_session_is_the_same_as_on_a_file() {
    let database = TestDatabase::default();
    let url = block_on(database.url());
    let (server, file) = (Bank::on(&url), Bank::new());
    for arguments in SESSION {
        let (there, here) = (server.run(*arguments), file.run(*arguments));
        assert_eq!((there.code, tame(&there)), (here.code, tame(&here)), "{arguments:?}");
    }
    let untimed =
        |bank: &Bank| -> Vec<String> { data(bank).iter().map(|it| untimed(it)).collect() };
    assert_eq!(untimed(&server), untimed(&file));
}

/// An event without its time.
fn untimed(event: &str) -> String {
    let parts = event.split('"').filter(|part| !(part.starts_with("20") && part.ends_with('Z')));
    parts.collect()
}

/// What a run said, but for times and for the time it took.
fn tame(ran: &Ran) -> (String, String) {
    let untimed = |text: &str| {
        let is_line = |word: &str| word.chars().all(|it| "─┌┬┐├┼┤└┴┘".contains(it));
        let is_time = |word: &str| word.starts_with("20") && word.contains('T');
        let words = text.split_whitespace().filter(|word| !is_line(word));
        let words: Vec<_> = words.map(|word| if is_time(word) { "TIME" } else { word }).collect();
        let text = words.join(" ");
        text.split(" in ").next().unwrap_or_default().to_owned()
    };
    (untimed(&ran.stdout), ran.stderr.clone())
}

#[test]
fn an_import_is_the_same_as_on_a_file_and_may_be_killed() {
    let shape = Shape { rows: 2_000, accounts: 25, trouble: 8 };
    let mut rows = Vec::new();
    file::write(&mut rows, shape, 7).expect("a Vec takes it");
    let database = TestDatabase::default();
    let url = block_on(database.url());
    let (server, file) = (Bank::on(&url), Bank::new());
    for bank in [&server, &file] {
        bank.write("rows.csv", &rows);
    }
    file.run(["import", "rows.csv"]).succeeded();

    for millis in [60, 150, 250, 400] {
        let mut import = server
            .command(["import", "rows.csv"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("an import");
        sleep(Duration::from_millis(millis));
        // It may have come to its end.
        let _ = import.kill();
        import.wait().expect("an end");
    }
    server.run(["import", "rows.csv"]).succeeded();

    let sorted = |bank: &Bank| {
        let mut events = data(bank);
        events.sort();
        events
    };
    assert_eq!(sorted(&server), sorted(&file));
    assert_eq!(server.read("rows.rejected.csv"), file.read("rows.rejected.csv"));
    for account in (0..shape.accounts).map(|number| format!("A{number}")) {
        for question in ["balance", "history"] {
            assert_eq!(server.json([question, &account]), file.json([question, &account]));
        }
    }
}

/// From a file to a server and back, cut off in between: the copies say what the bank said, byte for byte, and know what was
/// decided before.
#[test]
fn a_bank_is_copied_to_a_server_and_back() {
    let shape = Shape { rows: 4_000, accounts: 30, trouble: 8 };
    let mut rows = Vec::new();
    file::write(&mut rows, shape, 11).expect("a Vec takes it");
    let bank = Bank::new();
    bank.write("rows.csv", &rows);
    bank.run(["import", "rows.csv"]).succeeded();
    let database = TestDatabase::default();
    let url = block_on(database.url());

    for millis in [40, 90, 140] {
        let mut copy = bank.command(["copy", "--from", "bank.db", "--to", &url]);
        let mut copy = copy.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a copy");
        sleep(Duration::from_millis(millis));
        // It may have come to its end.
        let _ = copy.kill();
        copy.wait().expect("an end");
    }
    let there = bank.json(["copy", "--from", "bank.db", "--to", &url]);
    let back = bank.json(["copy", "--from", &url, "--to", "back.db"]);

    assert_eq!(there, back);
    let export = |db: &str| bank.run(["export", "--db", db]).succeeded().stdout;
    let [here, server, file] = ["bank.db", &*url, "back.db"].map(export);
    assert_eq!(there["events"], here.lines().count());
    assert!(here == server && server == file, "the exports differ");
    for db in [&*url, "back.db"] {
        // Every row was decided before, the refused ones too.
        let again = bank.json(["import", "rows.csv", "--db", db]);
        assert_eq!((&again["applied"], &again["rows"]), (&0.into(), &4_000.into()), "{again}");
        for account in ["A0", "A1", "A29"] {
            assert_eq!(
                bank.json(["balance", account, "--db", db]),
                bank.json(["balance", account])
            );
        }
    }
    let other = TestDatabase::default();
    let taken = block_on(other.url());
    bank.run(["open", "A1", "--customer", "C1", "--db", &taken]).succeeded();
    let refused = bank.run(["copy", "--from", "bank.db", "--to", &taken]);
    refused
        .ended_with(3)
        .said(&["other events than the one that is copied", "copy into an empty one"]);
    assert_eq!(block_on(other.sql("SELECT count(*) FROM eventloom.events")), ["1"]);
}

/// A copy that was cut off left a part of the bank on the server, of which every command told as of the whole.
#[test]
fn a_part_of_a_bank_on_a_server_is_refused() {
    let bank = Bank::with_account();
    let database = TestDatabase::default();
    let url = block_on(database.url());
    block_on(async {
        let part = PostgresDatabase::open_for_copy(&url).expect("an address");
        let store = PostgresStore::open(&part).await.expect("a store");
        let copying = Copying { id: CopyId::unique(), after: 0, of: 1 };
        store.begin_copy(copying).await.expect("a copy");
    });
    for command in [&["balance", "A1"][..], &["deposit", "A1", "5"], &["export"], &["projections"]]
    {
        let ran = bank.run(command.iter().chain(&["--db", &*url]));
        ran.ended_with(3).said(&[
            "a part of another store alone",
            "up to position 0 of 1",
            "run the copy again",
        ]);
    }
    bank.run(["copy", "--from", "bank.db", "--to", &url]).succeeded();
    assert_eq!(bank.json(["balance", "A1", "--db", &url]), bank.json(["balance", "A1"]));

    // By another address it is the same.
    let other = url.replacen("postgres://", "postgresql://", 1);
    let ran = bank.run(["copy", "--from", &url, "--to", &other]);
    ran.ended_with(2).said(&["are the same", "nothing was changed"]);
}

/// As the documents show it.
#[tokio::test]
async fn a_program_opens_a_database_by_its_address() -> Result<(), Box<dyn std::error::Error>> {
    let place = TestDatabase::default();
    let address = place.url().await;
    let database = PostgresDatabase::at(&address)?;
    let store = PostgresStore::open(&database).await?;
    let rows = PostgresReadDatabase::open(&database).await?;
    assert_eq!(store.head().await?, 0);
    assert!(rows.versions().await?.is_empty());
    Ok(())
}

#[test]
fn what_is_wrong_with_a_server_is_told_without_its_password() {
    let nobody = Bank::on("postgres://bank:s3cret@127.0.0.1:1/bank");
    let start = Instant::now();
    let said = nobody
        .run(["balance", "A1"])
        .ended_with(3)
        .said(&["PostgreSQL 127.0.0.1:1/bank can't be reached", "check that the server runs"]);
    assert!(start.elapsed() < Duration::from_secs(20));
    assert!(!format!("{said:?}").contains("s3cret"));
    // Another scheme was taken for the name of a file, which was told whole.
    for url in ["Postgres://bank:s3cret@127.0.0.1:1/bank", "mysql://bank:s3cret@127.0.0.1:1/bank"] {
        let other = Bank::on(url).run(["balance", "A1"]);
        assert!(!other.stderr.contains("s3cret"), "{}", other.stderr);
        other.ended_with(2).said(&["write `postgres://"]);
    }
    // A list of keys and values was taken for the name of a file too, and `open` even made it.
    for list in ["host=127.0.0.1 port=1 user=bank password=s3cret", "PASSWORD = s3cret"] {
        let listed = Bank::on(list);
        for command in
            [&["balance", "A1"][..], &["open", "A1", "--customer", "C1", "--balance", "10"]]
        {
            let said = listed.run(command);
            assert!(!format!("{said:?}").contains("s3cret"), "{said:?}");
            assert!(matches!(said.code, Some(2 | 3)), "{said:?}");
        }
        let copied = listed.run(["copy", "--from", list, "--to", "copy.db"]);
        assert!(!format!("{copied:?}").contains("s3cret"), "{copied:?}");
        let left = std::fs::read_dir(listed.path("")).expect("a folder").count();
        assert_eq!(left, 0, "no file has such a name");
    }
    #[cfg(unix)]
    {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;
        let latin = OsStr::from_bytes(b"postgres://bank:s3cr\xe9t@127.0.0.1:1/bank");
        let said =
            Bank::new().run(["balance", "A1", "--db"].map(OsStr::new).iter().chain(&[latin]));
        assert!(!format!("{said:?}").contains("s3cr"), "{said:?}");
        said.ended_with(2).said(&["not text in UTF-8", "two hexadecimal digits"]);
    }
    let garbled = Bank::on("postgres://bank:s3cr?t@[nowhere/bank");
    let said = garbled.run(["balance", "A1"]).ended_with(2).said(&["write `postgres://"]);
    assert!(!format!("{said:?}").contains("s3cr"));

    let mut server = PostgresServer::start(&["fsync=off"]).expect("a server");
    let missing = Bank::on(&server.url("nowhere"));
    missing.run(["balance", "A1"]).ended_with(3).said(&["is not there", "create the database"]);
    let bank = Bank::on(&server.url("postgres"));
    bank.run(["open", "A1", "--customer", "C1", "--balance", "10"]).succeeded();
    server.crash().expect("a crash");
    bank.run(["balance", "A1"]).ended_with(3).said(&["can't be reached"]);
    server.restart().expect("a restart");
    let balance = bank.json(["balance", "A1"]);
    assert_eq!(balance["balance"], "10");
}

/// Another database than the bank's was taken for an empty bank: tables were made in it, and a copy of nothing was told to be a
/// success.
#[test]
fn a_question_to_a_database_without_a_bank_is_refused() {
    let database = TestDatabase::default();
    let url = block_on(database.url());
    let there = Bank::on(&url);
    let file = Bank::with_account();
    let questions: [&[&str]; 15] = [
        &["balance", "A1"],
        &["history", "A1"],
        &["timeline", "A1"],
        &["as-of", "A1", "--sequence", "1"],
        &["deposit", "A1", "5"],
        &["withdraw", "A1", "5"],
        &["close", "A1", "--reason", "moved"],
        &["export"],
        &["projections"],
        &["poison"],
        &["rebuild"],
        &["run-projections"],
        &["archive", "--to", "old"],
        &["archive", "--to", "old", "--dry-run"],
        &["copy", "--from", &url, "--to", "copy.db"],
    ];
    let address = url.rsplit('/').next().expect("the name of the database");
    for question in questions {
        let ran = there.run(question).ended_with(2);
        ran.said(&["there is no bank in PostgreSQL ", address, "--db", "`bank open`"]);
    }
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'eventloom'";
    assert_eq!(block_on(database.sql(schemas)), ["0"], "nothing was made");
    assert!(!there.path("copy.db").exists() && !there.path("old").exists());

    file.run(["copy", "--from", "bank.db", "--to", &url]).succeeded();
    there.run(["balance", "A1"]).succeeded();
}

#[test]
fn services_that_are_killed_apply_nothing_twice() {
    let database = TestDatabase::default();
    let url = block_on(database.url());
    crate::projections::services_that_are_killed_apply_nothing_twice(&Bank::on(&url));
}

async fn opened(database: &TestDatabase) -> PostgresStore {
    let database = PostgresDatabase::at(&database.url().await).expect("an address");
    PostgresStore::open(&database).await.expect("a store")
}

#[test]
fn an_operator_decides() {
    let database = TestDatabase::default();
    let (url, store) = (block_on(database.url()), block_on(opened(&database)));
    crate::poison::an_operator_decides(&Bank::on(&url), &store, || {
        block_on(database.sql(&crate::poison::mending("eventloom.events")));
    });
}

#[test]
fn what_only_a_newer_program_knows_is_told() {
    let database = TestDatabase::default();
    let (url, store) = (block_on(database.url()), block_on(opened(&database)));
    crate::poison::what_only_a_newer_program_knows_is_told(&Bank::on(&url), &store);
}
