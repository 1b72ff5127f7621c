//! The bank on PostgreSQL beside esrs, cqrs-es with postgres-es, eventcore and the bare driver: one server, one run, rounds
//! that alternate. What counts is the ratio, not the figure.
//!
//! ```sh
//! cargo run --release --manifest-path tests/peers/Cargo.toml -p postgres -- --help
//! ```
//!
//! A command is load, decide, append one event. All have the same domain (`bank/account.yaml`), the same number of accounts and
//! streams of ten events to begin with; the server has its default settings, and syncs. With SQL it is checked that every event
//! is there and every balance of a table right (`checks.rs`); a replay checks the balance that it comes to by itself. What a unit
//! costs is told by `meter.rs`.

#![allow(clippy::disallowed_types)] // figures for people, no money

mod checks;
mod core;
mod cqrs;
mod meter;
mod prima;
mod raw;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::asked::Asked;
use common::line::{Contender, Kind, Line};
use common::work::{passes, then, turns};
use common::{ACCOUNTS, BEFORE, LOADED, LONG, ONCE, REBUILD, RUN, UNCACHED, costs};
use eventloom_runtime::projection::PostgresReadDatabase;
use eventloom_runtime::store::postgres::{PostgresDatabase, PostgresStore};
use eventloom_runtime::testing::postgres::PostgresServer;
use tokio_postgres::{Client, NoTls};

use self::checks::Ledger;
use self::meter::Meter;

type Bank = bank::Bank<PostgresStore, PostgresReadDatabase>;

const HELP: &str = "\
postgres [commands] [load] [replay] [rebuild] [million] [NUMBER OF CALLERS …]

The bank on a temporary PostgreSQL server, beside other event stores and the bare driver. Without arguments all of:
  commands  load, decide, append one event, for 1, 32 and 256 callers or as many as are named
  load      of accounts of 100 events, for as many callers
  replay    of one account of 100,000 events
  rebuild   of a table of balances from 100,000 events (peers: of fewer), and of ours by 1, 2 and 4 readers
  million   a rebuild of ours from 1,000,000 events while the old rows are read; no peer has that
Every line tells how many a second, at best, and how many times that Eventloom reaches. Below the floor of one caller
the program fails.

In commands Eventloom decides from states in memory (`cache_size(10_000)`: all accounts fit), as its users do, where peers
read the stream each time. For 1 and 32 callers a line tells it without that cache, `cache_size(0)`, which is what to
compare where accounts are many and seldom come again. A load reads each event, as peers do: the cache is for commands.
";

/// What one caller must reach of the best peer.
const FLOOR: f64 = 1.6;
/// Parts of the accounts that are enough to know how fast peers are which write event by event, and which commit each.
const WRITES_EACH: usize = 10;
const COMMITS_EACH: usize = 50;
/// Accounts and events of each for the large rebuild.
const MILLION: (usize, usize) = (1_000, 1_000);

/// Names, by whose first words the databases are called.
const EVENTLOOM: &str = "Eventloom";
const ESRS: &str = "esrs";
const CQRS: &str = "cqrs-es";
const CORE: &str = "eventcore";
const RAW: &str = "raw";

fn main() -> ExitCode {
    let help = format!("{HELP}\n{}\n\n{}", meter::COLUMNS, costs::RULE);
    let asked = Asked::read(&help, &["commands", "load", "replay", "rebuild", "million"]);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("tokio starts");
    let reached = runtime.block_on(async {
        let (server, meter) = meter::start().await;
        for missing in meter.missing() {
            println!("{missing}");
        }
        let mut reached = true;
        if asked.wants("commands") {
            reached = append(&server, &meter, asked.callers()).await;
        }
        if asked.wants("load") {
            load(&server, &meter, asked.callers()).await;
        }
        if asked.wants("replay") {
            replay(&server, &meter).await;
        }
        if asked.wants("rebuild") {
            rebuild(&server, &meter).await;
        }
        if asked.wants("million") {
            million(&server).await;
        }
        reached
    });
    if reached { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn connected(server: &PostgresServer, database: &str) -> Client {
    let url = server.url(database);
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

/// The database of a contender in a section: of all that have the first word of its name.
fn database_name(contender: &str, section: &str) -> String {
    format!("{section}_{}", first_word(contender).to_lowercase().replace('-', "_"))
}

fn first_word(contender: &str) -> &str {
    contender.split([',', ' ']).next().unwrap_or(contender)
}

/// An empty database of this server.
async fn database(server: &PostgresServer, contender: &str, section: &str) -> String {
    let (client, name) = (connected(server, "postgres").await, database_name(contender, section));
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database");
    server.url(&name)
}

async fn ours(server: &PostgresServer, section: &str) -> Bank {
    let database = database(server, EVENTLOOM, section).await;
    let database = PostgresDatabase::at(&database).expect("an address");
    let store = PostgresStore::open(&database).await.expect("a store");
    Bank::open(store, PostgresReadDatabase::open(&database).await.expect("rows")).await
}

struct Banks {
    ours: Arc<Bank>,
    esrs: Arc<prima::Bank>,
    cqrs: Arc<cqrs::Bank>,
    core: Arc<core::Bank>,
    raw: Arc<raw::Bank>,
}

impl Banks {
    async fn open(server: &PostgresServer, section: &str) -> Self {
        let database = async |name| database(server, name, section).await;
        Self {
            ours: Arc::new(ours(server, section).await),
            esrs: Arc::new(prima::Bank::open(&database(ESRS).await).await),
            cqrs: Arc::new(cqrs::Bank::open(&database(CQRS).await).await),
            core: Arc::new(core::Bank::open(&database(CORE).await).await),
            raw: Arc::new(raw::Bank::open(&database(RAW).await).await),
        }
    }

    /// Ours has accounts of its own for each way to load them.
    async fn fill(&self, ours: usize, accounts: usize, length: usize) {
        self.ours.fill(ours, length).await;
        self.esrs.fill(accounts, length).await;
        self.cqrs.fill(accounts, length).await;
        self.core.fill(accounts, length).await;
        self.raw.fill(accounts, length).await;
    }
}

/// Whether one caller reaches its floor.
async fn append(server: &PostgresServer, meter: &Meter, callers: &[usize]) -> bool {
    let banks = Banks::open(server, "commands").await;
    banks.fill(2 * ACCOUNTS, ACCOUNTS, BEFORE).await;
    let mut ledger = Ledger::open(server, "commands").await;
    let mut reached = true;
    for callers in callers {
        let title = format!("commands/s, {callers} callers");
        let line = Line::measure(&title, RUN, appending(&banks, *callers)).await;
        meter.explain("a command", &line, "commands").await;
        ledger.check_deposits(server, line.done()).await;
        reached &= *callers > 1 || line.reaches(FLOOR);
    }
    reached
}

fn appending(banks: &Banks, callers: usize) -> Vec<Contender<'static>> {
    let ours =
        turns(callers, &banks.ours, |bank, account| async move { bank.deposit(account).await });
    let esrs =
        turns(callers, &banks.esrs, |bank, account| async move { bank.deposit(account).await });
    let cqrs =
        turns(callers, &banks.cqrs, |bank, account| async move { bank.deposit(account).await });
    let core =
        turns(callers, &banks.core, |bank, account| async move { bank.deposit(account).await });
    let each =
        turns(callers, &banks.raw, |bank, account| async move { bank.insert(account).await });
    let grouped =
        turns(callers, &banks.raw, |bank, account| async move { bank.grouped(account).await });
    let mut contenders = vec![
        Contender::new(Kind::Ours, EVENTLOOM, ours),
        Contender::new(Kind::Peer, ESRS, esrs),
        Contender::new(Kind::Peer, CQRS, cqrs),
        Contender::new(Kind::Peer, CORE, core),
        Contender::new(Kind::Bare, "raw insert, a commit each", each),
        Contender::new(Kind::Bare, "raw inserts, grouped", grouped),
    ];
    if callers <= UNCACHED {
        let uncached = turns(callers, &banks.ours, |bank, account| async move {
            bank.deposit_uncached(account).await
        });
        contenders.push(Contender::new(Kind::Ours, "Eventloom, no cache", uncached));
    }
    contenders.into_iter().map(|it| it.at_once(callers)).collect()
}

async fn load(server: &PostgresServer, meter: &Meter, callers: &[usize]) {
    let banks = Banks::open(server, "load").await;
    banks.fill(ACCOUNTS, ACCOUNTS, LOADED).await;
    for callers in callers {
        let title = format!("loads of accounts of {LOADED} events/s, {callers} callers");
        let line = Line::measure(&title, RUN, loading(&banks, *callers)).await;
        meter.explain("a load", &line, "load").await;
    }
}

fn loading(banks: &Banks, callers: usize) -> Vec<Contender<'static>> {
    let ours = turns(callers, &banks.ours, |bank, at| async move { bank.load(at, LOADED).await });
    let esrs = turns(callers, &banks.esrs, |bank, at| async move { bank.load(at, LOADED).await });
    let cqrs = turns(callers, &banks.cqrs, |bank, at| async move { bank.load(at, LOADED).await });
    let core = turns(callers, &banks.core, |bank, at| async move { bank.load(at, LOADED).await });
    let raw = turns(callers, &banks.raw, |bank, at| async move { bank.load(at, LOADED).await });
    let contenders = vec![
        Contender::new(Kind::Ours, EVENTLOOM, ours),
        Contender::new(Kind::Peer, ESRS, esrs),
        Contender::new(Kind::Peer, CQRS, cqrs),
        Contender::new(Kind::Peer, CORE, core),
        Contender::new(Kind::Bare, "raw read, decoded and folded", raw),
    ];
    contenders.into_iter().map(|it| it.at_once(callers)).collect()
}

async fn replay(server: &PostgresServer, meter: &Meter) {
    let banks = Banks::open(server, "replay").await;
    banks.fill(1, 1, LONG).await;
    let Banks { ours, esrs, cqrs, core, raw } = &banks;
    let contenders = vec![
        Contender::new(Kind::Ours, EVENTLOOM, passes(LONG, || ours.load(0, LONG))),
        Contender::new(Kind::Peer, ESRS, passes(LONG, || esrs.load(0, LONG))),
        Contender::new(Kind::Peer, CQRS, passes(LONG, || cqrs.load(0, LONG))),
        Contender::new(Kind::Peer, CORE, passes(LONG, || core.load(0, LONG))),
        Contender::new(
            Kind::Bare,
            "raw read, decoded and folded",
            passes(LONG, || raw.load(0, LONG)),
        ),
    ];
    let line = Line::measure("replay of one account, events/s", ONCE, contenders).await;
    meter.explain("an event", &line, "replay").await;
}

async fn rebuild(server: &PostgresServer, meter: &Meter) {
    let (accounts, length) = REBUILD;
    let Banks { ours, esrs, cqrs, core, raw } = &Banks::open(server, "rebuild").await;
    ours.fill(accounts, length).await;
    esrs.fill(accounts / WRITES_EACH, length).await;
    cqrs.fill(accounts / COMMITS_EACH, length).await;
    core.fill(accounts / COMMITS_EACH, length).await;
    core.project().await;
    raw.fill(accounts, length).await;
    let all = accounts * length;
    let (written, committed) = (all / WRITES_EACH, all / COMMITS_EACH);
    let contenders = vec![
        Contender::new(Kind::Ours, EVENTLOOM, passes(all, || ours.rebuild(1))),
        Contender::new(Kind::Peer, ESRS, passes(written, || esrs.rebuild())),
        Contender::new(Kind::Peer, CQRS, passes(committed, || cqrs.rebuild())),
        Contender::new(Kind::Peer, CORE, passes(committed, || core.rebuild())),
        Contender::new(Kind::Bare, "by hand, folded in memory", passes(all, || raw.rebuild())),
    ];
    let line = Line::measure("rebuild of a table of balances, events/s", ONCE, contenders).await;
    meter.explain("an event", &line, "rebuild").await;
    let ledger = Ledger::open(server, "rebuild").await;
    ledger.check_rows(server, &ours.rows().await).await;

    let ledger = &ledger;
    let readers =
        [(1, "Eventloom, 1 reader"), (2, "Eventloom, 2 readers"), (4, "Eventloom, 4 readers")];
    let contenders = readers.into_iter().map(|(readers, name)| {
        let checked = async || ledger.check_ours(&ours.rows().await);
        let work = then(passes(all, move || ours.rebuild(readers)), checked);
        Contender::new(Kind::Ours, name, work).at_once(readers)
    });
    let title = "the same with several readers, events/s (no peer has that)";
    let line = Line::measure(title, ONCE, contenders.collect()).await;
    meter.explain("an event", &line, "rebuild").await;
    ledger.check_rows(server, &ours.rows().await).await;
}

async fn million(server: &PostgresServer) {
    let bank = Arc::new(ours(server, "million").await);
    bank.fill(MILLION.0, MILLION.1).await;
    bank.rebuild(1).await;
    let rows = bank.rows().await;
    assert_eq!(rows.len(), MILLION.0);
    let over = Arc::new(AtomicBool::new(false));
    let readers = [(); 2].map(|()| {
        let (bank, rows, over) = (Arc::clone(&bank), rows.clone(), Arc::clone(&over));
        tokio::spawn(async move {
            let (mut reads, mut longest) = (0, Duration::ZERO);
            while !over.load(Ordering::Relaxed) {
                let start = Instant::now();
                assert_eq!(bank.rows().await, rows, "no row is missing, and none is wrong");
                longest = longest.max(start.elapsed());
                reads += 1;
            }
            (reads, longest)
        })
    });
    let start = Instant::now();
    bank.rebuild(1).await;
    let time = start.elapsed();
    over.store(true, Ordering::Relaxed);
    let events = MILLION.0 * MILLION.1;
    println!("rebuild of {events} events with reads throughout");
    println!(
        "    {time:?}, {:.0} events/s, peak memory {} of this process",
        events as f64 / time.as_secs_f64(),
        peak()
    );
    for reader in readers {
        let (reads, longest) = reader.await.expect("every read is answered");
        println!(
            "    {reads} reads of all {} rows, none failed, none wrong; the longest took {longest:?}",
            rows.len()
        );
    }
}

/// What this process ever had in memory.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |it| it.trim().to_owned())
}
