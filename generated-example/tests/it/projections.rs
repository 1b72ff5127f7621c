//! `bank projections` and `bank run-projections`: where read models stand, and programs that keep them up to date.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::bank::{Bank, Ran};
use crate::file::{self, Shape};

#[test]
fn where_read_models_stand_is_told() {
    let bank = Bank::with_account();

    let before = bank.json(["projections"]);
    assert_eq!(before[0]["projection"], "BankAccount.AccountBalanceView");
    assert_eq!(before[0]["state"], "being built");
    assert_eq!((&before[0]["position"], &before[0]["head"]), (&json!(0), &json!(1)));
    bank.run(["balance", "A1"]).succeeded();
    bank.run(["history", "A1"]).succeeded();

    for (number, name) in ["AccountBalanceView", "TransactionHistoryView"].iter().enumerate() {
        let status = &bank.json(["projections"])[number];
        assert_eq!(
            *status,
            json!({
                "projection": format!("BankAccount.{name}"), "position": 1, "head": 1, "lagEvents": 0,
                "lagMicroseconds": 0, "eventsPerSecond": 0, "state": "up to date", "parked": [], "skipped": [],
                "haltedBy": null, "runner": null, "rebuildStoppedBy": null,
            })
        );
    }
    let drawn = bank.run(["projections"]).succeeded().stdout;
    assert!(
        drawn.contains("up to date") && drawn.contains("BankAccount.AccountBalanceView"),
        "{drawn}"
    );
    Bank::new().run(["run-projections"]).ended_with(2).said(&["there is no database"]);
}

/// A program that keeps read models up to date.
struct Service(Child);

impl Service {
    fn start(bank: &Bank) -> Self {
        // Short, so that those that are killed are replaced before the next of them is.
        let mut command = bank.command(["run-projections", "--lease", "20", "--json"]);
        Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a service"))
    }

    /// What it tells, to be read to its end: a pipe that is closed takes nothing more.
    fn lines(&mut self) -> impl Iterator<Item = String> + use<> {
        let stderr = self.0.stderr.take().expect("a pipe");
        BufReader::new(stderr).lines().map(|line| line.expect("text"))
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill {name} {}", self.0.id());
        let sent = std::process::Command::new("sh").args(["-c", &kill]).status();
        assert!(sent.is_ok_and(|sent| sent.success()), "a signal is sent");
    }

    fn kill(mut self) {
        self.0.kill().expect("a kill");
        self.0.wait().expect("an end");
    }

    /// Asks it to stop, as a supervisor does.
    fn stop(self) -> Ran {
        self.signal("-TERM");
        self.0.wait_with_output().expect("an end").into()
    }
}

/// Whether a service tells of its lateness, or of having to wait: on a busy machine it may.
fn is_of_a_busy_machine(line: &str) -> bool {
    ["late: ", "in time: ", "waiting: "].iter().any(|start| line.starts_with(start))
}

/// Whether a service tells whether it works or stands by.
fn is_role(line: &str) -> bool {
    ["ready: ", "leading: ", "standing by: "].iter().any(|role| line.starts_with(role))
}

/// Two services ran, and neither they nor `bank projections` said which of them worked, or whether anybody did.
#[test]
fn who_works_and_who_stands_by_is_told() {
    let bank = Bank::with_account();
    let ran = bank.run(["projections"]).succeeded();
    assert!(ran.stdout.contains("nobody runs BankAccount.AccountBalanceView"), "{}", ran.stdout);
    let mut first = Service::start(&bank);
    let mut told = first.lines();
    let views = ["BankAccount.AccountBalanceView", "BankAccount.TransactionHistoryView"];
    let leading: Vec<String> =
        told.by_ref().filter(|it| it.starts_with("leading: ")).take(2).collect();
    let runners: Vec<&str> = (leading.iter().zip(views))
        .map(|(line, view)| {
            let line = line.strip_prefix("leading: this runner, ").expect("a runner");
            line.strip_suffix(&*format!(", keeps {view} up to date")).expect(view)
        })
        .collect();
    let seen = bank.json(["projections"]);
    for (status, runner) in seen.as_array().expect("a list").iter().zip(&runners) {
        assert!(status["runner"].as_str().expect("a runner").ends_with(runner), "{status}");
    }
    assert!(bank.run(["projections"]).succeeded().stdout.contains(runners[0]));

    let mut second = Service::start(&bank);
    let mut of_second = second.lines();
    for ((line, view), runner) in of_second.by_ref().take(2).zip(views).zip(&runners) {
        let start = format!("standing by: runner {runner} keeps {view} up to date; this one is ");
        assert!(line.starts_with(&start), "{line}");
    }
    let [second, first] = [second, first].map(|it| it.stop().succeeded().json());
    assert_eq!((&second[0]["led"], &first[0]["led"]), (&json!(false), &json!(true)));
    assert!(first[0]["runner"].as_str().expect("an id").ends_with(runners[0]), "{first}");
    let none = &bank.json(["projections"])[0]["runner"];
    assert!(none.is_null(), "who stopped has said so: {none}");
    let rest: Vec<String> =
        told.chain(of_second).filter(|line| !is_of_a_busy_machine(line)).collect();
    assert!(rest.iter().all(|line| is_role(line)), "{rest:?}");
}

/// Whoever closed standard error, as a supervisor does whose log is full, ended the service with the next line that it told.
#[test]
fn a_service_works_on_where_nobody_reads_what_it_tells() {
    let bank = Bank::with_account();
    let mut service = Service::start(&bank);
    drop(service.0.stderr.take());
    let begun = Instant::now();
    while bank.json(["projections"])[1]["state"] != "up to date" {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does nothing");
    }
    // In that time it tells which role it has.
    sleep(Duration::from_secs(3));
    let stopped = service.stop().succeeded().json();
    assert_eq!(stopped[1]["led"], true);
}

/// A service said that it was ready for rows that nobody kept up to date any more: an event stood in their way, and its runner had
/// ended.
#[test]
fn a_runner_that_has_ended_is_not_told_of_as_ready() {
    let bank = Bank::new();
    crate::poison::spoiled_on_a_file(&bank);
    let mut service = Service::start(&bank);
    let mut told = service.lines();
    let is_stop = |line: &String| line.contains("stopped before position 3");
    assert!(told.any(|line| is_stop(&line)), "an event is in the way");
    // Some looks later.
    sleep(Duration::from_secs(3));
    let shown = bank.run(["projections"]).succeeded().stdout;
    assert!(shown.contains("stopped TransactionHistoryView: position 3"), "{shown}");
    assert!(!shown.contains("nobody runs BankAccount.TransactionHistoryView"), "{shown}");
    service.stop().ended_with(3);
    let after: Vec<String> = told.collect();
    let said = |start: &str| after.iter().filter(|line| line.starts_with(start)).count();
    let ended = "ended: this program no longer runs BankAccount.TransactionHistoryView";
    assert_eq!(said(ended), 1, "{after:?}");
    assert_eq!(said("ready: BankAccount.TransactionHistoryView"), 0, "{after:?}");
}

/// Two services at a time, one of them killed again and again and another stopped for a while in the middle of what it did, while a file
/// of movements is imported: the rows are those of a fold from the beginning, no event missing and none applied twice.
pub(crate) fn services_that_are_killed_apply_nothing_twice(bank: &Bank) {
    let shape = Shape { rows: 6_000, accounts: 25, trouble: 8 };
    let mut rows = Vec::new();
    file::write(&mut rows, shape, 5).expect("a Vec takes it");
    bank.write("rows.csv", &rows);
    bank.run(["open", "B1", "--customer", "C1", "--balance", "1"]).succeeded();
    let mut import = bank
        .command(["import", "rows.csv"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("an import");
    let held = Service::start(bank);
    let begun = Instant::now();
    while bank.json(["projections"])[0]["position"] == 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does nothing");
    }
    held.signal("-STOP");
    let mut stopped = Some(Instant::now());
    let mut service = Service::start(bank);
    let mut kills = 0;
    while kills < 5 || import.try_wait().expect("a state").is_none() {
        sleep(Duration::from_millis(30 + 40 * (kills % 5)));
        service.kill();
        service = Service::start(bank);
        kills += 1;
        // It may hold the lock of a file, for which an import waits five seconds.
        if stopped.is_some_and(|at| at.elapsed() > Duration::from_secs(2)) {
            held.signal("-CONT");
            stopped = None;
        }
    }
    assert!(import.wait().expect("an end").success());
    held.signal("-CONT");
    let head = bank.events().len();

    let start = Instant::now();
    let at_head = |bank: &Bank| {
        let all = bank.json(["projections"]);
        all.as_array().expect("a list").iter().all(|it| it["position"] == head)
    };
    while !at_head(bank) {
        assert!(start.elapsed() < Duration::from_secs(30), "{}", bank.json(["projections"]));
        sleep(Duration::from_millis(100));
    }
    for service in [held, service] {
        let stopped = service.stop().succeeded();
        // On a busy machine they may have been late.
        let is_lateness = |line: &str| line.starts_with("late: ") || line.starts_with("in time: ");
        let is_expected = |line: &str| is_role(line) || is_lateness(line);
        assert!(stopped.stderr.lines().all(is_expected), "{}", stopped.stderr);
        let told = stopped.json();
        assert_eq!((&told[0]["position"], &told[1]["position"]), (&json!(head), &json!(head)));
    }
    let accounts: Vec<String> = (0..shape.accounts).map(|number| format!("A{number}")).collect();
    let seen = || -> Vec<_> {
        let ask = |account: &String| ["balance", "history"].map(|it| bank.json([it, account]));
        accounts.iter().map(ask).collect()
    };
    let followed = seen();
    assert_eq!(bank.json(["rebuild"])["events"], head);
    assert_eq!(seen(), followed);
}

#[test]
fn services_on_a_file_that_are_killed_apply_nothing_twice() {
    services_that_are_killed_apply_nothing_twice(&Bank::new());
}

/// The story: rows that were minutes behind looked as good as others to whoever ran them. Something else holds the file, as a
/// backup does, and the service can't write.
#[test]
fn a_service_says_once_that_it_is_late_and_once_that_it_is_in_time() {
    let bank = Bank::with_account();
    bank.run(["balance", "A1"]).succeeded();
    let mut service = Service::start(&bank);
    let told = BufReader::new(service.0.stderr.take().expect("a pipe")).lines();
    let mut told = told.map(|line| line.expect("text")).filter(|line| !is_role(line));
    let mut next = || told.next().expect("a line");
    let begun = Instant::now();
    // Nobody but the service builds the other rows.
    while bank.json(["projections"])[1]["state"] != "up to date" {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does nothing");
    }
    service.signal("-STOP");
    bank.run(["deposit", "A1", "1", "--transaction", "T1"]).succeeded();
    let other = rusqlite::Connection::open(bank.path("bank.db")).expect("an SQLite file");
    other.busy_timeout(Duration::from_secs(20)).expect("patience");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    service.signal("-CONT");

    let late = next();
    assert!(late.starts_with("late: BankAccount.AccountBalanceView is 1 events and PT"), "{late}");
    assert!(late.ends_with(" behind; PT0.5S is promised"), "{late}");
    other.execute_batch("ROLLBACK").expect("the lock is let go");
    assert_eq!(next(), "in time: BankAccount.AccountBalanceView is within PT0.5S again");

    service.stop().succeeded();
    assert!(told.next().is_none(), "each is said once");
}
