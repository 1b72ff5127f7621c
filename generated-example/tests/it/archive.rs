//! `bank archive`: what has aged out leaves the database, and every other command answers as before.

use std::fs;

use eventloom_runtime::store::archive::Archiver;
use eventloom_runtime::store::sqlite::{SqliteDatabase, SqliteStore};
use eventloom_runtime::testing::block_on;
use generated_example::bank_account::BankAccount;

use crate::bank::Bank;
use crate::file::HEADER;

/// A bank with accounts of 250, 120 and 3 events, which were recorded eight years ago.
fn old_bank() -> Bank {
    let bank = Bank::new();
    fill(&bank);
    age(&bank);
    bank
}

fn fill(bank: &Bank) {
    let mut rows = format!("{HEADER}\n");
    for (account, events) in [("A1", 250), ("A2", 120), ("A3", 3)] {
        rows.push_str(&format!("{account},C-{account},,open,1000,2017-01-05T09:00:00Z\n"));
        for number in 1..events {
            let time = format!("2017-02-05T09:{:02}:{:02}Z", number / 60, number % 60);
            rows.push_str(&format!("{account},,{account}-{number},deposit,1.50,{time}\n"));
        }
    }
    bank.write("rows.csv", rows);
    bank.run(["import", "rows.csv"]).succeeded();
}

/// Makes all events eight years older than they are.
fn age(bank: &Bank) {
    let path = bank.path("bank.db");
    block_on(async {
        let database = SqliteDatabase::open(path).expect("a database");
        let years = 8_i64 * 366 * 86_400 * 1_000_000;
        let sql = "UPDATE events SET recorded_at = recorded_at - ?1";
        database.write(move |it| Ok(it.execute(sql, [years])?)).await.expect("a change");
    });
}

/// What a bank says of its accounts and all that happened to them.
fn known(bank: &Bank) -> Vec<String> {
    let mut said = vec![bank.run(["export"]).succeeded().stdout];
    for account in ["A1", "A2", "A3"] {
        for arguments in [
            vec!["balance", account],
            vec!["history", account],
            vec!["timeline", account],
            vec!["as-of", account, "--sequence", "2"],
            vec!["as-of", account, "--time", "2017-02-05T09:01:00Z"],
        ] {
            said.push(bank.run(arguments).succeeded().stdout);
        }
    }
    said
}

#[test]
fn every_command_answers_as_before() {
    let bank = old_bank();
    let before = known(&bank);
    let told = bank.json(["archive", "--to", "old", "--dry-run"]);
    assert!(!bank.path("old").exists());

    let report = bank.json(["archive", "--to", "old"]);

    // Snapshots are made every 100 events, and the event that one ends with stays.
    assert_eq!((&report["events"], &report["streams"]), (&298.into(), &2.into()));
    for field in ["events", "streams", "stayed"] {
        assert_eq!(report["aggregates"][0][field], told["aggregates"][0][field]);
    }
    assert_eq!(report["aggregates"][0]["stayed"]["uncovered"], 51 + 21 + 3);
    assert_eq!(report["files"][0]["file"], "000001.ndjson.gz");
    assert_eq!(known(&bank), before);
    bank.run(["rebuild"]).succeeded();
    assert_eq!(known(&bank), before);
    // What was decided is known, and what comes is appended.
    let again = bank.json(["import", "rows.csv"]);
    assert_eq!((&again["applied"], &again["unchanged"]), (&0.into(), &373.into()));
    bank.run(["deposit", "A1", "5", "--transaction", "new"]).succeeded();
    let copied = bank.json(["copy", "--from", "bank.db", "--to", "copy.db"]);
    assert_eq!(copied["events"], 374);
    let of_copy = bank.run(["export", "--db", "copy.db"]).succeeded().stdout;
    assert_eq!(bank.run(["export"]).succeeded().stdout, of_copy);
    let second = bank.run(["archive", "--to", "old"]).succeeded().stdout;
    assert!(
        second.contains("archived 0 events of 0 accounts to old: 0 files with 0 bytes"),
        "{second}"
    );
    assert!(
        second.contains("BankAccount keeps its events for 7 years; what stayed: 1 recorded since"),
        "{second}"
    );
}

#[cfg(feature = "testing-postgres")]
#[test]
fn a_bank_on_a_server_answers_as_before_too() {
    let database = eventloom_runtime::testing::postgres::TestDatabase::default();
    let bank = Bank::on(&block_on(database.url()));
    fill(&bank);
    let age = "UPDATE eventloom.events SET recorded_at = recorded_at - interval '8 years'";
    block_on(database.sql(age));
    let before = known(&bank);

    let report = bank.json(["archive", "--to", "old"]);

    assert_eq!(report["events"], 298);
    assert_eq!(known(&bank), before);
    bank.run(["rebuild"]).succeeded();
    assert_eq!(known(&bank), before);
    fs::rename(bank.path("old"), bank.path("moved")).expect("a folder");
    bank.run(["timeline", "A1"]).ended_with(3).said(&["000001.ndjson.gz", "`--archive DIR`"]);
    bank.run(["deposit", "A1", "5", "--transaction", "new"]).succeeded();
    let moved = bank.run(["timeline", "A2", "--archive", "moved"]).succeeded().stdout;
    assert!(before.contains(&moved));
}

#[test]
fn what_is_not_at_hand_is_told_and_found_where_it_is_named() {
    let bank = old_bank();
    let before = known(&bank);
    bank.run(["archive", "--to", "old"]).succeeded();
    fs::rename(bank.path("old"), bank.path("moved")).expect("a folder");

    bank.run(["timeline", "A1"]).ended_with(3).said(&[
        "BankAccount A1 (positions",
        "000001.ndjson.gz",
        "`--archive DIR`",
    ]);
    let json = bank.run(["export", "--json"]).ended_with(3);
    assert!(
        json.stdout.is_empty() || !json.stdout.contains("\"sequence\":100,"),
        "{}",
        json.stdout
    );
    // What is young needs no archive.
    bank.run(["balance", "A1"]).succeeded();
    bank.run(["deposit", "A1", "5", "--transaction", "new"]).succeeded();

    let moved = bank.run(["timeline", "A2", "--archive", "moved"]).succeeded().stdout;
    assert!(before.contains(&moved));
    let copied = ["copy", "--from", "bank.db", "--to", "copy.db", "--archive", "moved"];
    assert_eq!(bank.json(copied)["events"], 374);

    let file = bank.path("moved").join("000001.ndjson.gz");
    let mut bytes = fs::read(&file).expect("a file");
    bytes[100] ^= 1;
    fs::write(&file, bytes).expect("a file");
    bank.run(["timeline", "A2", "--archive", "moved"]).ended_with(3).said(&["SHA-256"]);
}

/// The folder was moved, and a run that had nothing to archive was told so: it did not remember it. Beside `--to`, the folder of
/// `--archive` was ignored without a word, and a dry run did not look at the folder at all.
#[test]
fn a_folder_that_has_moved_is_told_by_archiving_to_it() {
    let bank = old_bank();
    let before = known(&bank);
    bank.run(["archive", "--to", "old"]).succeeded();
    fs::rename(bank.path("old"), bank.path("moved")).expect("a folder");

    bank.run(["archive", "--to", "moved", "--archive", "old"]).ended_with(2).said(&["--archive"]);
    let dry = ["archive", "--to", "empty", "--dry-run"];
    bank.run(dry).ended_with(3).said(&["000001.ndjson.gz", "name the folder that has it"]);
    bank.run(["archive", "--to", "moved", "--dry-run"]).succeeded();
    bank.run(["timeline", "A1"]).ended_with(3);
    assert_eq!(bank.json(["archive", "--to", "moved"])["events"], 0);

    assert_eq!(known(&bank), before);
}

/// A file that a run has left behind is told, and what it is; without it everything is as before.
#[test]
fn a_file_that_nobody_needs_is_told() {
    let bank = old_bank();
    let before = known(&bank);
    fs::create_dir_all(bank.path("old").join("000001.manifest.json.tmp")).expect("a folder");
    bank.run(["archive", "--to", "old"]).ended_with(3);
    fs::remove_dir(bank.path("old").join("000001.manifest.json.tmp")).expect("a folder");
    bank.write("old/000001.ndjson.gz", "of a run that was cut off");

    // A dry run keeps nobody from archiving, and a file that it told to delete was needed a moment later.
    let said = bank.run(["archive", "--to", "old", "--dry-run"]).succeeded().stdout;
    assert!(said.contains("000001.ndjson.gz is not known to this bank now: keep it"), "{said}");
    assert!(!said.contains("deleted"), "{said}");
    let said = bank.run(["archive", "--to", "old"]).succeeded().stdout;
    let told = "000001.ndjson.gz holds nothing that this bank needs";
    assert!(said.contains(told) && said.contains("may be deleted"), "{said}");

    fs::remove_file(bank.path("old").join("000001.ndjson.gz")).expect("a file");
    assert_eq!(known(&bank), before);
}

/// As `docs/stores.md` shows it.
#[test]
fn a_program_archives_by_itself() -> Result<(), Box<dyn std::error::Error>> {
    let bank = old_bank();
    block_on(async {
        let database = SqliteDatabase::open(bank.path("bank.db"))?;
        let folder = bank.path("archive");
        let store = SqliteStore::open_with_archive(&database, &folder).await?;
        let report = Archiver::new(&store).aggregate::<BankAccount>().run(|_| {}).await?;
        assert_eq!(report.events(), 298);
        Ok(())
    })
}

/// kill -9 at any moment, again and again: every event is there once, wherever it lies.
#[cfg(unix)]
#[test]
fn an_archiver_that_is_killed_loses_and_doubles_nothing() {
    let undisturbed = old_bank();
    let old = fs::read(undisturbed.path("bank.db")).expect("a file");
    let again = || {
        let bank = Bank::new();
        bank.write("bank.db", &old);
        bank
    };
    killed_and_killed(&undisturbed, again, 12);
}

/// The same where the server goes on, and has yet to find out that the archiver is no more.
#[cfg(all(unix, feature = "testing-postgres"))]
#[test]
fn an_archiver_of_a_server_that_is_killed_loses_and_doubles_nothing() {
    use eventloom_runtime::testing::postgres::TestDatabase;

    let databases = std::cell::RefCell::new(Vec::new());
    let again = || {
        let database = TestDatabase::default();
        let bank = Bank::on(&block_on(database.url()));
        fill(&bank);
        let age = "UPDATE eventloom.events SET recorded_at = recorded_at - interval '8 years'";
        block_on(database.sql(age));
        databases.borrow_mut().push(database);
        bank
    };
    killed_and_killed(&again(), again, 8);
}

/// Kills the archiver of a bank at moments of the time that it takes undisturbed; of another one where it was faster.
#[cfg(unix)]
fn killed_and_killed(undisturbed: &Bank, again: impl Fn() -> Bank, least: u32) {
    use std::process::Stdio;
    use std::thread::sleep;
    use std::time::Instant;

    let started = Instant::now();
    undisturbed.run(["archive", "--to", "old"]).succeeded();
    let whole = started.elapsed();
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut kills, mut bank) = (0, again());
    let mut before = bank.run(["export"]).succeeded().stdout;
    while kills < least {
        let mut command = bank.command(["archive", "--to", "old"]);
        let mut archiver = command.stdout(Stdio::null()).spawn().expect("the binary runs");
        sleep(whole * random.u32(..1_000) / 1_000);
        archiver.kill().expect("it can be killed");
        let is_killed = archiver.wait().expect("an end").code().is_none();
        assert_eq!(bank.run(["export"]).succeeded().stdout, before);
        kills += u32::from(is_killed);
        if !is_killed {
            assert_eq!(bank.json(["archive", "--to", "old"])["events"], 0);
            bank = again();
            before = bank.run(["export"]).succeeded().stdout;
        }
    }
    bank.run(["archive", "--to", "old"]).succeeded();
    assert_eq!(bank.run(["export"]).succeeded().stdout, before);
    assert_eq!(bank.json(["archive", "--to", "old"])["events"], 0);
}
