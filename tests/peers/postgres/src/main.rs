//! The bank on PostgreSQL beside esrs, cqrs-es with postgres-es and the bare driver: one server, one run, rounds that
//! alternate. What counts is the ratio, not the figure.
//!
//! ```sh
//! cargo run --release --manifest-path tests/peers/Cargo.toml -p postgres -- [commands|replay|rebuild|million …]
//! ```
//!
//! A command is load, decide, append one event. All have the same domain (`account.yaml`), the same number of accounts and
//! streams of ten events to begin with; the server has its default settings, and syncs. `million` has no peer: a rebuild of as
//! many events while the old rows are read throughout.

mod cqrs;
mod ours;
mod prima;
mod raw;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use eventloom_runtime::testing::postgres::PostgresServer;
use tokio_postgres::NoTls;

const ROUNDS: usize = 3;
const RUN: Duration = Duration::from_millis(1_500);
/// Accounts that commands go to in turn, no two callers to one at a time, and events that each has before.
pub(crate) const ACCOUNTS: usize = 768;
pub(crate) const BEFORE: usize = 10;
/// Events of the account that is replayed.
pub(crate) const LONG: usize = 100_000;
/// Accounts and events of each for a rebuild.
pub(crate) const REBUILD: (usize, usize) = (1_000, 100);
/// The same of the large rebuild.
const MILLION: (usize, usize) = (1_000, 1_000);

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |section: &str| asked.is_empty() || asked.iter().any(|name| name == section);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("tokio starts");
    let server = PostgresServer::start(&[]).expect("a server");
    runtime.block_on(async {
        if wanted("commands") {
            commands(&server).await;
        }
        if wanted("replay") {
            replay(&server).await;
        }
        if wanted("rebuild") {
            rebuild(&server).await;
        }
        if wanted("million") {
            million(&server).await;
        }
    });
}

/// An empty database of this server.
async fn database(server: &PostgresServer, name: &str) -> String {
    let (client, connection) =
        tokio_postgres::connect(&server.url("postgres"), NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database");
    server.url(name)
}

async fn commands(server: &PostgresServer) {
    let ours = Arc::new(ours::Bank::open(&database(server, "ours_c").await).await);
    let esrs = Arc::new(prima::Bank::open(&database(server, "esrs_c").await).await);
    let cqrs = Arc::new(cqrs::Bank::open(&database(server, "cqrs_c").await).await);
    let raw = Arc::new(raw::Bank::open(&database(server, "raw_c").await).await);
    ours.fill(ACCOUNTS, BEFORE).await;
    esrs.fill(ACCOUNTS, BEFORE).await;
    cqrs.fill(ACCOUNTS, BEFORE).await;
    raw.fill(ACCOUNTS, BEFORE).await;
    for callers in [1, 32, 256] {
        let mut rates = [const { Vec::new() }; 5];
        for _ in 0..ROUNDS {
            rates[0].push(run(callers, &ours, |bank, account| async move { bank.deposit(account).await }).await);
            rates[1].push(run(callers, &esrs, |bank, account| async move { bank.deposit(account).await }).await);
            rates[2].push(run(callers, &cqrs, |bank, account| async move { bank.deposit(account).await }).await);
            rates[3].push(run(callers, &raw, |bank, account| async move { bank.insert(account).await }).await);
            rates[4].push(run(callers, &raw, |bank, account| async move { bank.grouped(account).await }).await);
        }
        report(
            &format!("commands/s, {callers} callers"),
            &rates,
            &["Eventloom", "esrs", "cqrs-es", "raw insert, a commit each", "raw inserts, grouped"],
        );
    }
}

async fn replay(server: &PostgresServer) {
    let ours = ours::Bank::open(&database(server, "ours_r").await).await;
    let esrs = prima::Bank::open(&database(server, "esrs_r").await).await;
    let cqrs = cqrs::Bank::open(&database(server, "cqrs_r").await).await;
    let raw = raw::Bank::open(&database(server, "raw_r").await).await;
    ours.fill(1, LONG).await;
    esrs.fill(1, LONG).await;
    cqrs.fill(1, LONG).await;
    raw.fill(1, LONG).await;
    let mut rates = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        rates[0].push(timed(LONG, ours.replay()).await);
        rates[1].push(timed(LONG, esrs.replay()).await);
        rates[2].push(timed(LONG, cqrs.replay()).await);
        rates[3].push(timed(LONG, raw.replay()).await);
    }
    report("replay of one account, events/s", &rates, &["Eventloom", "esrs", "cqrs-es", "raw read, decoded and folded"]);
}

async fn rebuild(server: &PostgresServer) {
    let (accounts, length) = REBUILD;
    let ours = ours::Bank::open(&database(server, "ours_b").await).await;
    let raw = raw::Bank::open(&database(server, "raw_b").await).await;
    ours.fill(accounts, length).await;
    raw.fill(accounts, length).await;
    // A tenth of the accounts is enough to know how fast they are.
    let esrs = prima::Bank::open(&database(server, "esrs_b").await).await;
    let cqrs = cqrs::Bank::open(&database(server, "cqrs_b").await).await;
    esrs.fill(accounts / 10, length).await;
    cqrs.fill(accounts / 10, length).await;
    let mut rates = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        rates[0].push(timed(accounts * length, ours.rebuild()).await);
        rates[1].push(timed(accounts * length / 10, esrs.rebuild()).await);
        rates[2].push(timed(accounts * length / 10, cqrs.rebuild()).await);
        rates[3].push(timed(accounts * length, raw.rebuild()).await);
    }
    report("rebuild of a table of balances, events/s", &rates, &["Eventloom", "esrs", "cqrs-es", "by hand, folded in memory"]);
}

async fn million(server: &PostgresServer) {
    let bank = Arc::new(ours::Bank::open(&database(server, "million").await).await);
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
    println!("    {time:?}, {:.0} events/s, peak memory {} of this process", events as f64 / time.as_secs_f64(), peak());
    for reader in readers {
        let (reads, longest) = reader.await.expect("every read is answered");
        println!("    {reads} reads of all {} rows, none failed, none wrong; the longest took {longest:?}", rows.len());
    }
}

/// What this process ever had in memory.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |it| it.trim().to_owned())
}

async fn timed(events: usize, work: impl Future<Output = ()>) -> f64 {
    let start = Instant::now();
    work.await;
    events as f64 / start.elapsed().as_secs_f64()
}

/// So many callers, each one deposit after the other: how many a second.
async fn run<B: Send + Sync + 'static, F: Future<Output = ()> + Send + 'static>(
    callers: usize,
    bank: &Arc<B>,
    deposit: impl Fn(Arc<B>, usize) -> F + Clone + Send + 'static,
) -> f64 {
    let (start, next) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let (bank, next, deposit) = (Arc::clone(bank), Arc::clone(&next), deposit.clone());
            tokio::spawn(async move {
                let mut account = caller;
                while start.elapsed() < RUN {
                    deposit(Arc::clone(&bank), account % ACCOUNTS).await;
                    account += callers;
                    next.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a caller ends");
    }
    next.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}

/// The best of each, and what ours is of it.
fn report(title: &str, rates: &[Vec<f64>], names: &[&str]) {
    let best: Vec<f64> = rates.iter().map(|of| of.iter().copied().fold(0.0, f64::max)).collect();
    println!("{title}");
    for (name, rate) in names.iter().zip(&best) {
        println!("    {name:<32} {rate:>12.0}   {:>7.2} ×", best[0] / rate);
    }
}
