//! The bank on the embedded store, beside raw rusqlite and serde_json in the same run.
//!
//! `cargo bench -p eventloom-tests --bench bank -- [commands|load|rebuild …]`. Each figure is the best
//! of three rounds that alternate with the raw loop's; what counts is the ratio, not the figure. Where
//! one is below its floor, the exit code is 1.
#![allow(clippy::disallowed_types, clippy::float_arithmetic)] // figures for people, no money
#![allow(missing_docs)]

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use eventloom_runtime::Decimal;
use eventloom_runtime::projection::{Projector, Rebuild, SqliteReadDatabase};
use eventloom_runtime::store::sqlite::{SqliteDatabase, SqliteStore};
use generated_example::bank_account::{
    AccountBalanceView, BankAccountRepository, DepositMoney, MoneyDeposited, MoneyWithdrawn,
    OpenAccount, TransactionHistoryView,
};

#[path = "support/log.rs"]
mod log;
#[path = "support/raw.rs"]
mod raw;

const ROUNDS: usize = 3;
const STREAMS: u64 = 640;
const RUN: Duration = Duration::from_millis(1_500);

type Bank = BankAccountRepository<SqliteStore>;

/// How often a caller was answered, and how often a second.
struct Run {
    done: u64,
    rate: f64,
}

fn main() -> ExitCode {
    let asked: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |section: &str| asked.is_empty() || asked.iter().any(|name| name == section);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("tokio starts");
    println!("{:<44} {:>12} {:>12} {:>7} {:>7}", "", "Eventloom/s", "raw/s", "ratio", "floor");
    let mut held = true;
    if wanted("commands") {
        held &= runtime.block_on(commands("commands, 1 caller", 1, 0.6));
        held &= runtime.block_on(commands("commands, 32 callers", 32, 0.35));
        held &= runtime.block_on(commands("commands, 256 callers", 256, 0.35));
    }
    if wanted("load") {
        held &= runtime.block_on(load());
    }
    if wanted("rebuild") {
        held &= runtime.block_on(rebuild());
    }
    ExitCode::from(u8::from(!held))
}

/// Prints the best rates and their ratio; tells whether that is not below its floor.
fn report(name: &str, ours: &[f64], raw: &[f64], floor: f64) -> bool {
    let best = |rates: &[f64]| rates.iter().copied().fold(0.0, f64::max);
    let (ours, raw) = (best(ours), best(raw));
    let held = ours / raw >= floor;
    let verdict = if held { "" } else { "  BELOW" };
    println!("{name:<44} {ours:>12.0} {raw:>12.0} {:>7.2} {floor:>7.2}{verdict}", ours / raw);
    held
}

fn rate(count: u64, since: Instant) -> f64 {
    count as f64 / since.elapsed().as_secs_f64()
}

impl Run {
    fn ended(done: u64, started: Instant) -> Self {
        Self { done, rate: rate(done, started) }
    }
}

async fn open(path: &Path) -> (SqliteDatabase, Bank) {
    let database = SqliteDatabase::open(path).expect("the database opens");
    let store = SqliteStore::open(&database).await.expect("the store opens");
    let bank = Bank::builder().cache_size(10_000).open(store).await.expect("the repository opens");
    (database, bank)
}

/// Deposits into accounts in turn: load, decide, append one event with its unique key.
async fn commands(name: &str, callers: u64, floor: f64) -> bool {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [our_path, raw_path] = ["ours.db", "raw.db"].map(|name| folder.path().join(name));
    let (_database, bank) = open(&our_path).await;
    for stream in 0..STREAMS {
        let open =
            OpenAccount { customer_id: "C1".to_owned(), initial_balance: Decimal::ONE_HUNDRED };
        bank.execute(format!("A{stream}"), open).await.expect("an account opens");
    }
    let connection = raw::create(&raw_path);
    let writer = Arc::new(raw::Writer::start(raw::open(&raw_path)));
    let numbers = Arc::new(AtomicU64::new(0));
    let (mut ours, mut raws) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(eventloom_commands(&bank, callers, &numbers).await.rate);
        raws.push(match callers {
            1 => raw_commits(&connection, &numbers).rate,
            _ => raw_commands(&writer, callers, &numbers).await.rate,
        });
    }
    let held = report(name, &ours, &raws, floor);
    if callers > 1 {
        let log = log::Held::new(&our_path);
        let ours = eventloom_commands(&bank, callers, &numbers).await.done as f64;
        let ours = ours / log.commits() as f64;
        let log = log::Held::new(&raw_path);
        let raw = raw_commands(&writer, callers, &numbers).await.done as f64;
        println!(
            "{:<44} {ours:>12.1} {:>12.1}",
            "    commands to a commit",
            raw / log.commits() as f64
        );
    }
    held
}

async fn eventloom_commands(bank: &Bank, callers: u64, numbers: &Arc<AtomicU64>) -> Run {
    let started = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (bank, numbers) = (bank.clone(), Arc::clone(numbers));
            tokio::spawn(async move {
                let mut done = 0;
                while started.elapsed() < RUN {
                    let number = numbers.fetch_add(1, Ordering::Relaxed);
                    let deposit = DepositMoney {
                        amount: Decimal::new(1050, 2),
                        transaction_id: format!("T{number}"),
                    };
                    bank.execute(format!("A{}", number % STREAMS), deposit)
                        .await
                        .expect("a deposit");
                    done += 1;
                }
                done
            })
        })
        .collect();
    Run::ended(total(tasks).await, started)
}

/// One caller needs no writer thread: the raw loop commits on the caller's own.
fn raw_commits(connection: &rusqlite::Connection, numbers: &AtomicU64) -> Run {
    let started = Instant::now();
    let mut done = 0;
    while started.elapsed() < RUN {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        raw::insert(connection, &raw::deposit(format!("A{}", number % STREAMS), number));
        done += 1;
    }
    Run::ended(done, started)
}

async fn raw_commands(writer: &Arc<raw::Writer>, callers: u64, numbers: &Arc<AtomicU64>) -> Run {
    let started = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (writer, numbers) = (Arc::clone(writer), Arc::clone(numbers));
            tokio::spawn(async move {
                let mut done = 0;
                while started.elapsed() < RUN {
                    let number = numbers.fetch_add(1, Ordering::Relaxed);
                    writer.insert(raw::deposit(format!("A{}", number % STREAMS), number)).await;
                    done += 1;
                }
                done
            })
        })
        .collect();
    Run::ended(total(tasks).await, started)
}

async fn total(tasks: Vec<tokio::task::JoinHandle<u64>>) -> u64 {
    let mut sum = 0;
    for task in tasks {
        sum += task.await.expect("a caller ends");
    }
    sum
}

/// An account of 100,000 events without a snapshot, and what a snapshot makes of its length.
async fn load() -> bool {
    const LENGTH: u64 = 100_000;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let connection = raw::create(&folder.path().join("raw.db"));
    let (database, bank) = open(&folder.path().join("ours.db")).await;
    for (stream, length) in [("short", 150), ("long", LENGTH)] {
        fill(&bank, &connection, stream, length).await;
    }
    let uncached = Bank::builder().cache_size(0).open(bank.store().clone());
    let uncached = uncached.await.expect("the repository opens");
    let mut times = Vec::new();
    for stream in ["short", "long"] {
        let started = Instant::now();
        for _ in 0..200 {
            uncached.load(stream).await.expect("the account loads");
        }
        times.push(started.elapsed().as_secs_f64() / 200.0 * 1e6);
    }
    let (mut ours, mut raws) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        forget_snapshots(&database).await;
        let started = Instant::now();
        let loaded = uncached.load("long").await.expect("the account loads");
        ours.push(rate(LENGTH, started));
        let started = Instant::now();
        let (balance, events) = raw::load(&connection, "long");
        raws.push(rate(LENGTH, started));
        assert_eq!((loaded.state.balance, loaded.sequence), (balance, events as u64));
    }
    let held = report("load of 100,000 events, no snapshot", &ours, &raws, 0.6);
    println!(
        "{:<44} {:>9.0} us {:>9.0} us {:>7.2}",
        "load with snapshot: 150, then 100,000 events",
        times[0],
        times[1],
        times[0] / times[1]
    );
    held
}

async fn forget_snapshots(database: &SqliteDatabase) {
    let deleted =
        database.write(|transaction| Ok(transaction.execute("DELETE FROM snapshots", [])?));
    deleted.await.expect("the snapshots are gone");
}

/// An account of so many events, in both databases.
async fn fill(bank: &Bank, connection: &rusqlite::Connection, stream: &str, length: u64) {
    let open = OpenAccount { customer_id: "C1".to_owned(), initial_balance: Decimal::ONE_HUNDRED };
    let opened = bank.execute(stream, open).await.expect("an account opens");
    let time = opened.events[0].meta.at;
    let mut sequence = 1;
    while sequence < length {
        let mut events = eventloom_runtime::repository::NewEvents::new();
        for _ in 0..1_000.min(length - sequence) {
            sequence += 1;
            let (account_id, transaction_id) = (stream.to_owned(), format!("T{sequence}"));
            if sequence % 2 == 0 {
                let amount = Decimal::new(1050, 2);
                events.push(MoneyDeposited {
                    account_id,
                    amount,
                    transaction_id,
                    deposited_at: time,
                });
            } else {
                let amount = Decimal::new(1049, 2);
                events.push(MoneyWithdrawn {
                    account_id,
                    amount,
                    transaction_id,
                    withdrawn_at: time,
                });
            }
        }
        bank.record(stream, events).await.expect("the events are recorded");
    }
    raw::insert_all(connection, &copied(bank, stream).await, 1_000);
}

/// The events of a stream, byte for byte, for the raw database.
async fn copied(bank: &Bank, stream: &str) -> Vec<raw::RawEvent> {
    use eventloom_runtime::EventStore;
    use eventloom_runtime::store::{Direction, StreamKey, StreamRead};
    let mut events: Vec<raw::RawEvent> = Vec::new();
    loop {
        let read = StreamRead {
            stream: StreamKey { aggregate: "BankAccount", id: stream.into() },
            after: events.len() as u64,
            direction: Direction::Forwards,
            limit: 1_000,
            metadata: false,
        };
        let page = bank.store().read_stream(read).await.expect("a page");
        if page.is_empty() {
            return events;
        }
        events.extend(page.iter().map(|event| raw::RawEvent {
            stream: stream.to_owned(),
            sequence: event.meta.sequence,
            event_type: match event.event_type {
                "AccountOpened" => "AccountOpened",
                "MoneyDeposited" => "MoneyDeposited",
                _ => "MoneyWithdrawn",
            },
            data: String::from_utf8(event.data.to_vec()).expect("JSON is UTF-8"),
        }));
    }
}

/// Both projections over 1,000 accounts of 100 events each, into real tables.
async fn rebuild() -> bool {
    const ACCOUNTS: u64 = 1_000;
    const LENGTH: u64 = 100;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("ours.db");
    let connection = raw::create(&folder.path().join("raw.db"));
    let (database, bank) = open(&path).await;
    for account in 0..ACCOUNTS {
        fill(&bank, &connection, &format!("A{account}"), LENGTH).await;
    }
    let reads = SqliteReadDatabase::open(&database).await.expect("the read database opens");
    let store = bank.store().clone();
    let balances = Projector::<AccountBalanceView, _, _>::open(store.clone(), reads.clone())
        .await
        .expect("the balances open");
    let history = Projector::<TransactionHistoryView, _, _>::open(store, reads)
        .await
        .expect("the history opens");
    raw::prepare_rebuilds(&connection);
    let (mut ours, mut raws) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let started = Instant::now();
        Rebuild::of(&balances).and(&history).run(|_| {}).await.expect("the rebuild ends");
        ours.push(rate(ACCOUNTS * LENGTH, started));
        raw::empty(&connection);
        let started = Instant::now();
        let events = raw::rebuild(&connection);
        raws.push(rate(events as u64, started));
    }
    report("rebuild of both projections, 1,000 x 100", &ours, &raws, 0.5)
}
