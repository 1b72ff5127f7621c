//! The bank on PostgreSQL beside esrs, cqrs-es with postgres-es, eventcore and the bare driver: one server, one run, rounds
//! that alternate. What counts is the ratio, not the figure.
//!
//! ```sh
//! cargo run --release --manifest-path tests/peers/Cargo.toml -p postgres -- [commands|replay|rebuild|million|<number of callers> …]
//! ```
//!
//! A command is load, decide, append one event. All have the same domain (`bank/account.yaml`), the same number of accounts and
//! streams of ten events to begin with; the server has its default settings, and syncs. `million` has no peer: a rebuild of as
//! many events while the old rows are read throughout.

mod core;
mod cqrs;
mod prima;
mod raw;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{ACCOUNTS, Asked, BEFORE, LONG, REBUILD, ROUNDS, Rates, run, timed};
use eventloom_runtime::projection::PostgresReadDatabase;
use eventloom_runtime::store::postgres::{PostgresDatabase, PostgresStore};
use eventloom_runtime::testing::postgres::PostgresServer;
use tokio_postgres::NoTls;

type Bank = bank::Bank<PostgresStore, PostgresReadDatabase>;

/// What one caller must reach of the best peer.
const FLOOR: f64 = 1.6;
/// Parts of the accounts that are enough to know how fast peers are which write event by event; eventcore commits each.
const PART: usize = 10;
const CORE_PART: usize = 50;
/// Accounts and events of each for the large rebuild.
const MILLION: (usize, usize) = (1_000, 1_000);

fn main() -> ExitCode {
    let asked = Asked::read();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("tokio starts");
    let server = PostgresServer::start(&[]).expect("a server");
    let reached = runtime.block_on(async {
        let mut reached = true;
        if asked.wants("commands") {
            reached = commands(&server, asked.callers()).await;
        }
        if asked.wants("replay") {
            replay(&server).await;
        }
        if asked.wants("rebuild") {
            rebuild(&server).await;
        }
        if asked.wants("million") {
            million(&server).await;
        }
        reached
    });
    if reached { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// An empty database of this server.
async fn database(server: &PostgresServer, name: &str) -> String {
    let (client, connection) =
        tokio_postgres::connect(&server.url("postgres"), NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database");
    server.url(name)
}

async fn ours(server: &PostgresServer, name: &str) -> Bank {
    let database = PostgresDatabase::at(&database(server, name).await).expect("an address");
    let store = PostgresStore::open(&database).await.expect("a store");
    Bank::open(store, PostgresReadDatabase::open(&database).await.expect("rows")).await
}

/// Whether one caller reaches its floor.
async fn commands(server: &PostgresServer, callers: Vec<usize>) -> bool {
    let ours = Arc::new(ours(server, "ours_c").await);
    let esrs = Arc::new(prima::Bank::open(&database(server, "esrs_c").await).await);
    let cqrs = Arc::new(cqrs::Bank::open(&database(server, "cqrs_c").await).await);
    let core = Arc::new(core::Bank::open(&database(server, "core_c").await).await);
    let raw = Arc::new(raw::Bank::open(&database(server, "raw_c").await).await);
    ours.fill(ACCOUNTS, BEFORE).await;
    esrs.fill(ACCOUNTS, BEFORE).await;
    cqrs.fill(ACCOUNTS, BEFORE).await;
    core.fill(ACCOUNTS, BEFORE).await;
    raw.fill(ACCOUNTS, BEFORE).await;
    let names = [
        "Eventloom",
        "esrs",
        "cqrs-es",
        "eventcore",
        "raw insert, a commit each",
        "raw inserts, grouped",
    ];
    let mut reached = true;
    for callers in callers {
        let mut rates = Rates::new(format!("commands/s, {callers} callers"), &names);
        for _ in 0..ROUNDS {
            rates.push(
                0,
                run(callers, &ours, |bank, account| async move { bank.deposit(account).await })
                    .await,
            );
            rates.push(
                1,
                run(callers, &esrs, |bank, account| async move { bank.deposit(account).await })
                    .await,
            );
            rates.push(
                2,
                run(callers, &cqrs, |bank, account| async move { bank.deposit(account).await })
                    .await,
            );
            rates.push(
                3,
                run(callers, &core, |bank, account| async move { bank.deposit(account).await })
                    .await,
            );
            rates.push(
                4,
                run(callers, &raw, |bank, account| async move { bank.insert(account).await }).await,
            );
            rates.push(
                5,
                run(callers, &raw, |bank, account| async move { bank.grouped(account).await })
                    .await,
            );
        }
        rates.report();
        reached &= callers > 1 || rates.reaches(FLOOR, &[1, 2, 3]);
    }
    reached
}

async fn replay(server: &PostgresServer) {
    let ours = ours(server, "ours_r").await;
    let esrs = prima::Bank::open(&database(server, "esrs_r").await).await;
    let cqrs = cqrs::Bank::open(&database(server, "cqrs_r").await).await;
    let core = core::Bank::open(&database(server, "core_r").await).await;
    let raw = raw::Bank::open(&database(server, "raw_r").await).await;
    ours.fill(1, LONG).await;
    esrs.fill(1, LONG).await;
    cqrs.fill(1, LONG).await;
    core.fill(1, LONG).await;
    raw.fill(1, LONG).await;
    let names = ["Eventloom", "esrs", "cqrs-es", "eventcore", "raw read, decoded and folded"];
    let mut rates = Rates::new("replay of one account, events/s", &names);
    for _ in 0..ROUNDS {
        rates.push(0, timed(LONG, ours.replay()).await);
        rates.push(1, timed(LONG, esrs.replay()).await);
        rates.push(2, timed(LONG, cqrs.replay()).await);
        rates.push(3, timed(LONG, core.replay()).await);
        rates.push(4, timed(LONG, raw.replay()).await);
    }
    rates.report();
}

async fn rebuild(server: &PostgresServer) {
    let (accounts, length) = REBUILD;
    let ours = ours(server, "ours_b").await;
    let raw = raw::Bank::open(&database(server, "raw_b").await).await;
    ours.fill(accounts, length).await;
    raw.fill(accounts, length).await;
    // A part of the accounts is enough to know how fast they are.
    let esrs = prima::Bank::open(&database(server, "esrs_b").await).await;
    let cqrs = cqrs::Bank::open(&database(server, "cqrs_b").await).await;
    let core = core::Bank::open(&database(server, "core_b").await).await;
    esrs.fill(accounts / PART, length).await;
    cqrs.fill(accounts / PART, length).await;
    core.fill(accounts / CORE_PART, length).await;
    core.project().await;
    let names = ["Eventloom", "esrs", "cqrs-es", "eventcore", "by hand, folded in memory"];
    let mut rates = Rates::new("rebuild of a table of balances, events/s", &names);
    for _ in 0..ROUNDS {
        rates.push(0, timed(accounts * length, ours.rebuild()).await);
        rates.push(1, timed(accounts / PART * length, esrs.rebuild()).await);
        rates.push(2, timed(accounts / PART * length, cqrs.rebuild()).await);
        rates.push(3, timed(accounts / CORE_PART * length, core.rebuild()).await);
        rates.push(4, timed(accounts * length, raw.rebuild()).await);
    }
    rates.report();
}

async fn million(server: &PostgresServer) {
    let bank = Arc::new(ours(server, "million").await);
    bank.fill(MILLION.0, MILLION.1).await;
    bank.rebuild().await;
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
    bank.rebuild().await;
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
