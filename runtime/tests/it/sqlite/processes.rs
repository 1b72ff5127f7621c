//! Several processes on one file, and processes that die.
//!
//! A test starts this very binary again to run [`child`] alone, which does what the environment says.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use eventloom_runtime::store::sqlite::SqliteDatabase;
use eventloom_runtime::store::{AppendError, EventFilter};
use eventloom_runtime::{EventStore, StoreError};
use rusqlite::Connection;

use super::bank::{append, open, with_command, with_key};

const ROLE: &str = "EVENTLOOM_TEST_ROLE";
const FILE: &str = "EVENTLOOM_TEST_FILE";

/// What a child process does; nothing where this is run as a test among others.
#[test]
fn child() {
    let (Ok(role), Ok(file)) = (std::env::var(ROLE), std::env::var(FILE)) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        match role.as_str() {
            "endless" => append_endlessly(Path::new(&file)).await,
            "race" => race(Path::new(&file)).await,
            "squeezed" => append_until_it_fails(Path::new(&file)).await,
            "twice" => append_by_two_handles(Path::new(&file)).await,
            "names" => look_up_many_names(Path::new(&file)).await,
            "visit" => drop(open(Path::new(&file)).await),
            "unprivileged" => tell_why_it_does_not_open(Path::new(&file)).await,
            role => panic!("there is no role {role}"),
        }
    });
}

fn start(role: &str, file: &Path) -> Child {
    command(role, file, std::env::current_exe().expect("this binary").as_os_str())
        .args(["--exact", "sqlite::processes::child", "--nocapture"])
        .spawn()
        .expect("a child")
}

fn command(role: &str, file: &Path, program: &std::ffi::OsStr) -> Command {
    let mut command = Command::new(program);
    command.env(ROLE, role).env(FILE, file).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// What a child tells on lines of its own: `acknowledged STREAM SEQUENCE`.
fn acknowledged(line: &str) -> Option<(String, u64)> {
    let (stream, sequence) = line.split_once("acknowledged ")?.1.split_once(' ')?;
    Some((stream.to_owned(), sequence.trim().parse().ok()?))
}

/// Several streams at once, for ever, each append told as soon as it is acknowledged.
async fn append_endlessly(file: &Path) {
    let store = open(file).await;
    let mut running = tokio::task::JoinSet::new();
    for number in 0..8 {
        let store = store.clone();
        running.spawn(async move {
            let id = format!("S{number}");
            let page = store.read_stream(super::bank::read(&id, 0, 1_000_000)).await;
            let mut at = page.expect("the stream").len() as u64;
            loop {
                let appends = with_key(append(&id, at, 2), &format!("T{at}"));
                let appends = with_command(appends, &format!("{id} {at}"));
                store.append(appends).await.expect("an append");
                at += 2;
                println!("acknowledged {id} {at}");
            }
        });
    }
    running.join_all().await;
}

/// The story: kill -9 in the middle of appends. Whatever was acknowledged must be there, streams
/// without a gap, keys and commands with their events and no others.
#[test]
fn a_killed_process_loses_nothing_it_has_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bank.db");
    let mut last = BTreeMap::new();
    for round in 1..=4 {
        let mut child = start("endless", &file);
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut seen = 0;
        for line in lines {
            if let Some((stream, sequence)) = acknowledged(&line.expect("a line")) {
                last.insert(stream, sequence);
                seen += 1;
            }
            if seen == round * 37 {
                child.kill().expect("a kill");
            }
        }
        child.wait().expect("its end");
        assert!(seen >= round * 37, "the child came to an end by itself");
        check(&file, &last);
    }
}

fn check(file: &Path, acknowledged: &BTreeMap<String, u64>) {
    let raw = Connection::open(file).expect("the file");
    let sound: String =
        raw.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
    assert_eq!(sound, "ok");
    let streams = "SELECT id, count(*), min(sequence), max(sequence), \
                   (SELECT count(*) FROM unique_keys WHERE stream = no), \
                   (SELECT count(*) FROM commands WHERE stream = no) \
                   FROM streams JOIN events ON stream = no GROUP BY no";
    let mut streams = raw.prepare(streams).expect("a query");
    let mut rows = streams.query([]).expect("rows");
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next().expect("a row") {
        let id: String = row.get(0).expect("an id");
        let number = |column| row.get::<_, i64>(column).expect("a number").unsigned_abs();
        let (count, first, last) = (number(1), number(2), number(3));
        assert_eq!((first, last), (1, count), "{id} has a gap");
        assert_eq!((number(4), number(5)), (count / 2, count / 2), "{id}");
        found.insert(id, last);
    }
    for (stream, last) in acknowledged {
        let found = found.get(stream).copied().unwrap_or(0);
        assert!(found >= *last, "{stream}: {last} events were acknowledged, {found} are there");
    }
}

/// Two handles on one file, each of which appends in turn whenever a line comes in.
async fn append_by_two_handles(file: &Path) {
    let handles = [open(file).await, open(file).await];
    for (at, line) in std::io::stdin().lines().enumerate() {
        line.expect("a line");
        let sequence = at as u64 + 1;
        handles[at % 2].append(append("A", sequence - 1, 1)).await.expect("an append");
        println!("acknowledged A {sequence}");
    }
}

/// The story: a program opened its file twice. The second time it looked at the file by itself first,
/// and when a process closes a file, the system drops all locks that the process has on it, those of
/// SQLite too. The next program that came and went believed to be the last one, moved the log into
/// the file and removed it, and the first went on to acknowledge events into a log without a name.
#[cfg(unix)]
#[test]
fn a_file_that_is_opened_twice_keeps_its_locks_and_its_log() {
    use std::io::Write;
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().expect("a folder");
    let (file, log) = (folder.path().join("bank.db"), folder.path().join("bank.db-wal"));
    let mut command = command("twice", &file, std::env::current_exe().expect("this").as_os_str());
    command.args(["--exact", "sqlite::processes::child", "--nocapture"]).stdin(Stdio::piped());
    let mut twice = command.spawn().expect("a child");
    let mut input = twice.stdin.take().expect("its input");
    let output = BufReader::new(twice.stdout.take().expect("its output"));
    let mut told = output.lines().filter_map(|line| acknowledged(&line.expect("a line")));
    let mut append_one = || {
        input.write_all(b"\n").expect("the child listens");
        told.next().expect("the child appends").1
    };
    let count = || {
        let other = Connection::open(&file).expect("the file");
        other.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, i64>(0))
    };
    // What an older SQLite does when it closes a file, and a newer one no longer without a second look.
    let count_alone = || {
        let other = Connection::open(&file).expect("the file");
        other.busy_timeout(Duration::ZERO).expect("no waiting");
        other.pragma_update(None, "locking_mode", "EXCLUSIVE").expect("a mode");
        other.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, i64>(0))
    };
    let log_now = || std::fs::metadata(&log).map(|log| log.ino()).expect("the log is there");
    assert_eq!((append_one(), append_one()), (1, 2));
    let first = log_now();

    let alone = count_alone().map_err(|error| error.sqlite_error_code());
    assert_eq!(alone, Err(Some(rusqlite::ErrorCode::DatabaseBusy)), "the file is not locked");
    assert_eq!(count(), Ok(2));
    assert_eq!(log_now(), first, "a program that read removed the log");
    assert!(start("visit", &file).wait().expect("its end").success());
    assert_eq!(log_now(), first, "a program that opened and closed the file removed the log");

    assert_eq!((append_one(), append_one()), (3, 4));
    assert_eq!(count(), Ok(4));
    twice.kill().expect("a kill");
    twice.wait().expect("its end");
    check_events(&file, 4);
    assert!(start("visit", &file).wait().expect("its end").success());
    check_events(&file, 4);
}

#[cfg(unix)]
fn check_events(file: &Path, count: i64) {
    let raw = Connection::open(file).expect("the file");
    let sound = raw.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
    assert_eq!(sound.as_deref(), Ok("ok"));
    let found = "SELECT count(*), min(sequence), max(sequence) FROM events";
    let found = raw.query_row(found, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    assert_eq!(found, Ok((count, 1, count)));
}

/// Looks up commands of ever other aggregate types until it is refused.
async fn look_up_many_names(file: &Path) {
    let store = open(file).await;
    for number in 0..10_000 {
        match store.command(&format!("C{number}")).await {
            Ok(found) => assert!(found.is_some()),
            Err(error) => return println!("refused after {number}: {error}"),
        }
    }
}

/// The story: each name of an aggregate type that a file held was kept for as long as the program ran,
/// however many there were and however long, and again for each time the file was opened.
#[tokio::test]
async fn a_file_cannot_fill_the_memory_with_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bank.db");
    drop(open(&file).await);
    let raw = Connection::open(&file).expect("the file");
    let many = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) ";
    raw.execute_batch(&format!(
        "BEGIN;
         {many} INSERT INTO streams (no, aggregate, id) SELECT i + 1, 'N' || i, 'x' FROM n;
         {many} INSERT INTO commands (id, stream, content)
                SELECT 'C' || i, i + 1, zeroblob(16) FROM n;
         UPDATE streams SET aggregate = printf('%.*c', 2000, 'x') WHERE no = 10000;
         COMMIT"
    ))
    .expect("sound SQL");
    let store = open(&file).await;
    let error = store.command("C9999").await.expect_err("the name is too long");
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");

    let told = start("names", &file).wait_with_output().expect("its end");

    let told = String::from_utf8(told.stdout).expect("text");
    assert!(told.contains("refused after 4096: "), "{told}");
    assert!(
        told.contains("more than 4096 names of aggregate types in the databases it opened"),
        "{told}"
    );
    assert!(!told.contains("corrupt"), "it may be the fault of another file: {told}");
}

/// Every process appends to the same few streams and counts what it won.
async fn race(file: &Path) {
    let store = open(file).await;
    let mut at = [0; 4];
    let mut won = 0;
    while won < 200 {
        let number = won % at.len();
        let id = format!("S{number}");
        match store.append(append(&id, at[number], 1)).await {
            Ok(_) => {
                at[number] += 1;
                won += 1;
                println!("acknowledged {id} {}", at[number]);
            }
            Err(AppendError::Conflict { actual, .. }) => at[number] = actual,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn processes_that_race_for_streams_win_each_sequence_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bank.db");
    let children: Vec<Child> = (0..3).map(|_| start("race", &file)).collect();
    let mut won = Vec::new();
    for child in children {
        let output = child.wait_with_output().expect("its end");
        assert!(output.status.success());
        let told = String::from_utf8(output.stdout).expect("text");
        won.extend(told.lines().filter_map(acknowledged));
    }
    assert_eq!(won.len(), 600);
    won.sort();
    won.dedup();
    assert_eq!(won.len(), 600, "two processes won the same sequence");
    let raw = Connection::open(&file).expect("the file");
    let count = "SELECT count(*), max(position) FROM events";
    let counts = raw.query_row(count, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
    assert_eq!(counts, Ok((600, 600)));
}

/// A reader waits for events; another process appends one.
#[tokio::test]
async fn a_reader_hears_of_another_processs_events() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bank.db");
    let store = open(&file).await;
    let mut child = start("endless", &file);
    let mut head = 0;
    for _ in 0..5 {
        let heard = tokio::time::timeout(Duration::from_secs(60), store.changed(head)).await;
        heard.expect("news");
        let page = store.read_all(head, &EventFilter::default(), 1_000_000).await.expect("a page");
        assert!(page.next >= head);
        head = page.next;
    }
    child.kill().expect("a kill");
    child.wait().expect("its end");
    assert!(head > 0);
}

async fn append_until_it_fails(file: &Path) {
    let store = open(file).await;
    let mut at = 0;
    let error = loop {
        match store.append(append("A", at, 50)).await {
            Ok(_) => at += 50,
            Err(error) => break error,
        }
    };
    println!("acknowledged A {at}");
    let unwritable = matches!(error, AppendError::Store(StoreError::Unwritable(_)));
    println!("unwritable {unwritable}: {error}");
    let head = store.head().await.expect("reading still works");
    println!("head {head}");
}

/// A quota that stops the log from growing, by the shell's `ulimit`: every write beyond it fails.
#[cfg(unix)]
#[test]
fn a_file_that_may_not_grow_refuses_appends_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bank.db");
    let binary = std::env::current_exe().expect("this binary");
    let script = "trap '' XFSZ; ulimit -f 512; \
                  exec \"$0\" --exact sqlite::processes::child --nocapture";
    let output = command("squeezed", &file, "sh".as_ref())
        .arg("-c")
        .arg(script)
        .arg(binary)
        .output()
        .expect("its end");
    let told = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{told}");
    let (_, last) = told.lines().find_map(acknowledged).expect("what was acknowledged");
    assert!(last > 0, "{told}");
    assert!(told.contains("unwritable true"), "{told}");
    assert!(told.contains(&format!("head {last}")), "{told}");
    let raw = Connection::open(&file).expect("the file");
    let count = raw.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, i64>(0));
    assert_eq!(count, Ok(last.cast_signed()));
}

async fn tell_why_it_does_not_open(file: &Path) {
    match SqliteDatabase::open(file) {
        Ok(_) => println!("opened"),
        Err(StoreError::Unwritable(reason)) => println!("unwritable: {reason}"),
        Err(error) => println!("another error: {error}"),
    }
}

/// Lets everybody read and enter, and nobody write.
#[cfg(unix)]
fn make_read_only(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = if path.is_dir() { 0o555 } else { 0o444 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("permissions");
}

/// Root may write everything, so that as root the child runs as nobody, from a copy that nobody can
/// reach.
#[cfg(unix)]
fn told_without_privileges(folder: &Path, file: &Path) -> String {
    use std::os::unix::process::CommandExt;
    let probe = folder.join("probe");
    std::fs::write(&probe, "").expect("a file");
    make_read_only(&probe);
    let privileged = std::fs::OpenOptions::new().write(true).open(&probe).is_ok();
    let mut binary = std::env::current_exe().expect("this binary");
    if privileged {
        let copy = folder.join("copy");
        std::fs::copy(&binary, &copy).expect("a copy");
        binary = copy;
    }
    let mut command = command("unprivileged", file, binary.as_os_str());
    if privileged {
        command.uid(65_534);
    }
    command.args(["--exact", "sqlite::processes::child", "--nocapture"]).current_dir("/");
    let output = command.output().expect("its end");
    String::from_utf8(output.stdout).expect("text")
}

#[cfg(unix)]
#[tokio::test]
async fn read_only_files_and_folders_are_told_and_left_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let open_to_all = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open_to_all.clone()).expect("permissions");
    let within = folder.path().join("within");
    std::fs::create_dir(&within).expect("a folder");
    let file = within.join("bank.db");
    let store = open(&file).await;
    store.append(append("A", 0, 3)).await.expect("an append");
    drop(store);
    make_read_only(&file);
    make_read_only(&within);
    let before = std::fs::read(&file).expect("the file");

    let told = told_without_privileges(folder.path(), &file);
    assert!(told.contains("unwritable: ") && told.contains("bank.db is read-only"), "{told}");
    assert!(told.contains("and name the copy"), "what to do who only reads: {told}");
    let told = told_without_privileges(folder.path(), &within.join("new.db"));
    assert!(told.contains("unwritable: ") && told.contains("new.db cannot be created"), "{told}");
    let writable = std::fs::Permissions::from_mode(0o666);
    std::fs::set_permissions(&file, writable).expect("permissions");
    let told = told_without_privileges(folder.path(), &file);
    assert!(told.contains("unwritable: ") && told.contains("and its folder"), "{told}");
    assert_eq!(std::fs::read(&file).expect("the file"), before);
    std::fs::set_permissions(&within, open_to_all).expect("permissions");
}
