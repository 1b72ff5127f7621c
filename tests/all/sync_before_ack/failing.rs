//! A disk that fails in the middle of a commit. What is then told must be true: that nothing was
//! changed, or that nobody knows; and the store works again when the disk does. [`in_doubt`] shows
//! what comes before that.

mod in_doubt;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use eventloom_runtime::store::sqlite::{SqliteDatabase, SqliteOptions, SqliteStore};
use eventloom_runtime::store::{AppendError, Appended};
use eventloom_runtime::testing::block_on;
use eventloom_runtime::{EventStore, StoreError};

use super::{append, library};

const FOLDER: &str = "EVENTLOOM_DISK_FOLDER";
const FAULT: &str = "EVENTLOOM_DISK_FAULT";
const CALLERS: &str = "EVENTLOOM_DISK_CALLERS";
const STORY: &str = "EVENTLOOM_DISK_STORY";

/// Lines that the child adds to the library's log.
const FAILING: &str = "failing";
const ACKNOWLEDGED: &str = "acknowledged";

/// The child; nothing where this is run as a test among others.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let said = |name: &str| std::env::var(name).expect("what to do");
    let disk = Disk { plan: folder.join("plan"), fault: said(FAULT) };
    let callers = said(CALLERS).parse().expect("a number");
    block_on(async {
        if said(STORY) == "open" {
            return tell_whether_it_opens(&folder, &disk);
        }
        if said(STORY) == "plain" {
            return in_doubt::go_on_without_the_store(&folder, &disk);
        }
        let store = open(&folder).await;
        match said(STORY).as_str() {
            "go on" => in_doubt::go_on(&store, &disk, callers).await,
            "go on unsynced" => in_doubt::go_on_unsynced(&store, &disk, callers).await,
            "go on beside a reader" => in_doubt::go_on_beside_a_reader(&store, &disk).await,
            "go on with the log alone" => in_doubt::go_on_with_the_log_alone(&store, &disk).await,
            "append" => at_once(&store, callers, 2).await,
            "resend" => resend(&store, &disk, callers).await,
            "die" => die(&store, &disk, callers).await,
            "grow" => grow(&store, &disk, callers).await,
            story => panic!("there is no story {story}"),
        }
    });
}

/// The disk, which fails in the planned way or not at all.
struct Disk {
    plan: PathBuf,
    fault: String,
}

impl Disk {
    fn fails(&self) {
        note(FAILING);
        fs::write(&self.plan, &self.fault).expect("a plan");
    }

    fn works(&self) {
        fs::remove_file(&self.plan).expect("no plan");
    }
}

/// Adds a line to the library's log.
fn note(line: &str) {
    let log = std::env::var_os("SYNC_LOG").expect("a log");
    let mut log = OpenOptions::new().append(true).create(true).open(log).expect("the log");
    log.write_all(format!("{line}\n").as_bytes()).expect("a line");
}

async fn open(folder: &Path) -> SqliteStore {
    let options = SqliteOptions { busy_timeout: Duration::from_millis(300), ..Default::default() };
    let database = SqliteDatabase::open_with(folder.join("bank.db"), options);
    let database = database.expect("a database");
    SqliteStore::open(&database).await.expect("a store")
}

async fn at_once(store: &SqliteStore, callers: u64, round: u64) {
    let mut running = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let store = store.clone();
        running.spawn(async move {
            store.append(append(caller, round)).await.inspect(|_| note(ACKNOWLEDGED))
        });
    }
    for outcome in running.join_all().await {
        println!("{}", told(&outcome));
    }
    println!("at {}", store.head().await.expect("a head"));
}

fn told(outcome: &Result<Appended, AppendError>) -> &'static str {
    match outcome {
        Ok(_) => "appended",
        Err(AppendError::Store(error)) => told_of(error),
        Err(error) => panic!("{error:?}"),
    }
}

fn told_of(error: &StoreError) -> &'static str {
    match error {
        StoreError::OutcomeUnknown(_) => "unknown",
        StoreError::Unwritable(why) if why.contains("full") => "full",
        StoreError::Unwritable(_) => "unwritable",
        StoreError::Unavailable(why) if why.contains("the log is still in use") => "in use",
        StoreError::Unavailable(why) if why.contains("the log could not be copied") => "in doubt",
        error => panic!("{error:?}"),
    }
}

/// The same appends on a good disk, on a bad one, and on a good one again.
async fn resend(store: &SqliteStore, disk: &Disk, callers: u64) {
    at_once(store, callers, 0).await;
    disk.fails();
    at_once(store, callers, 1).await;
    disk.works();
    at_once(store, callers, 1).await;
}

/// Ends without closing anything, as if killed.
async fn die(store: &SqliteStore, disk: &Disk, callers: u64) {
    at_once(store, callers, 0).await;
    disk.fails();
    at_once(store, callers, 1).await;
    std::process::exit(0);
}

/// More than a log is allowed to have.
async fn grow(store: &SqliteStore, disk: &Disk, callers: u64) {
    let big = |caller, round| {
        let mut append = append(caller, round);
        append.events[0].data = format!(r#"{{"text":"{}"}}"#, "x".repeat(4 << 20)).into_bytes();
        append
    };
    for round in 0..10 {
        match round {
            0 => disk.fails(),
            8 => disk.works(),
            _ => {}
        }
        for caller in 0..callers {
            store.append(big(caller, round)).await.expect("an append");
        }
    }
    println!("at {}", store.head().await.expect("a head"));
    std::process::exit(0);
}

fn tell_whether_it_opens(folder: &Path, disk: &Disk) {
    disk.fails();
    match SqliteDatabase::open(folder.join("bank.db")) {
        Ok(_) => println!("opened"),
        Err(StoreError::Unwritable(why)) if why.contains("use a local disk") => {
            println!("unwritable");
        }
        Err(error) => panic!("{error:?}"),
    }
}

/// Runs the child, and gives what it told line by line.
fn run(folder: &Path, story: &str, fault: &str, callers: u64) -> Vec<String> {
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    command
        .args(["--exact", "sync_before_ack::failing::child", "--nocapture"])
        .env(FOLDER, folder)
        .env(STORY, story)
        .env(FAULT, fault)
        .env(CALLERS, callers.to_string())
        .env("DISK_FAULT", folder.join("plan"))
        .env("SYNC_LOG", folder.join("log"))
        .env("LD_PRELOAD", library(folder));
    let output = command.output().expect("a child");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    let words = ["appended", "unknown", "full", "unwritable", "in use", "in doubt", "opened"];
    let is_told = |line: &&str| words.contains(line) || line.starts_with("at ");
    told.lines().filter(is_told).map(str::to_owned).collect()
}

/// What a round tells: so many times the same, and the head.
fn round(callers: u64, word: &str, head: u64) -> Vec<String> {
    let mut told = vec![word.to_owned(); usize::try_from(callers).expect("a few")];
    told.push(format!("at {head}"));
    told
}

/// Alone an append is committed on its caller's thread, in company on the store's own.
#[test]
fn a_commit_that_fails_is_told_as_what_it_is_and_lands_once_when_sent_again() {
    for (fault, word) in [("sync", "unknown"), ("write", "unwritable"), ("full", "full")] {
        for callers in [1, 8] {
            let folder = tempfile::tempdir().expect("a folder");
            let mut told = run(folder.path(), "resend", fault, callers);
            if fault == "sync" && callers > 1 {
                // Who comes after the one whose outcome nobody knows is refused.
                assert!(told.iter().any(|told| told == word), "nobody is told {word}: {told:?}");
                let later = told.iter_mut().filter(|word| *word == "in doubt");
                later.for_each(|told| *told = word.to_owned());
            }
            let expected = [
                round(callers, "appended", callers),
                round(callers, word, callers),
                round(callers, "appended", callers * 2),
            ];
            assert_eq!(told, expected.concat(), "{fault}, {callers} callers");
        }
    }
}

/// The story: the log had been written and could not be synced. The program saw nothing of the
/// append, and would have told its caller that it had failed; then it crashed, and the next one
/// found it in the log. Of what could not even be written there is never anything to be found.
#[test]
fn after_a_crash_an_unknown_append_is_there_and_a_refused_one_is_not() {
    for (fault, word, found) in
        [("sync", "unknown", 2), ("write", "unwritable", 1), ("full", "full", 1)]
    {
        let folder = tempfile::tempdir().expect("a folder");
        let told = run(folder.path(), "die", fault, 1);
        assert_eq!(told, [round(1, "appended", 1), round(1, word, 1)].concat(), "{fault}");
        let head = block_on(async { open(folder.path()).await.head().await });
        assert_eq!(head, Ok(found), "{fault}");
    }
}

/// Some network file systems have no memory that programs share, which the log needs.
#[test]
fn a_place_without_shared_memory_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(run(folder.path(), "open", "map", 1), ["unwritable"]);
}

/// Some file systems have no links, by which a new file gets its name when it is complete.
#[test]
fn a_place_without_links_is_as_good() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(run(folder.path(), "open", "link", 1), ["opened"]);
    block_on(async {
        let appended = open(folder.path()).await.append(append(0, 0)).await;
        assert_eq!(appended, Ok(Appended { position: 1 }));
    });
    let drafts = fs::read_dir(folder.path()).expect("a folder").filter(|entry| {
        let name = entry.as_ref().expect("a file").file_name();
        name.to_string_lossy().contains(".new-")
    });
    assert_eq!(drafts.count(), 0);
}

/// A disk without room for the file's growth: the log keeps what was acknowledged until there is.
#[test]
fn a_log_that_cannot_be_moved_into_the_file_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(run(folder.path(), "grow", "move", 1), ["at 10"]);
    let length = |name: &str| fs::metadata(folder.path().join(name)).expect("a file").len();
    assert!(length("bank.db") > 16 << 20, "the log was moved when there was room again");
    let head = block_on(async { open(folder.path()).await.head().await });
    assert_eq!(head, Ok(10));
}
