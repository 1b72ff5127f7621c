//! The bank on SQLite beside cqrs-es with sqlite-es, eventcore and the bare driver: one run, rounds that alternate. What
//! counts is the ratio, not the figure.
//!
//! ```sh
//! cargo run --release --manifest-path tests/peers/Cargo.toml -p sqlite -- [commands|replay|rebuild|<number of callers> …]
//! ```
//!
//! A command is load, decide, append one event. All have the same domain (`bank/account.yaml`), the same number of accounts
//! and streams of ten events to begin with, a write-ahead log and `synchronous=FULL`, whatever they have unless told.
//!
//! Eventloom and the bare driver link another SQLite than the peers, and a program can have one: they run in `ours`, which
//! this builds, and which measures when it is told to.

mod core;
mod cqrs;
mod ours;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use common::{ACCOUNTS, Asked, BEFORE, LONG, REBUILD, ROUNDS, Rates, run, timed};

use self::ours::Ours;

/// What 32 callers must reach of the best peer.
const FLOOR: f64 = 6.0;
/// Parts of the accounts that are enough to know how fast peers are which write event by event.
const CQRS_PART: usize = 10;
const CORE_PART: usize = 50;

fn main() -> ExitCode {
    let asked = Asked::read();
    let folder = tempfile::tempdir().expect("a folder");
    let mut ours = Ours::start(folder.path());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("tokio starts");
    let reached = runtime.block_on(async {
        let mut reached = true;
        if asked.wants("commands") {
            reached = commands(folder.path(), &mut ours, asked.callers()).await;
        }
        if asked.wants("replay") {
            replay(folder.path(), &mut ours).await;
        }
        if asked.wants("rebuild") {
            rebuild(folder.path(), &mut ours).await;
        }
        reached
    });
    if reached { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether 32 callers reach their floor.
async fn commands(folder: &Path, ours: &mut Ours, callers: Vec<usize>) -> bool {
    let cqrs = Arc::new(cqrs::Bank::open(&folder.join("cqrs_c")).await);
    let core = Arc::new(core::Bank::open(&folder.join("core_c")).await);
    cqrs.fill(ACCOUNTS, BEFORE).await;
    core.fill(ACCOUNTS, BEFORE).await;
    ours.ask("fill commands");
    let names =
        ["Eventloom", "cqrs-es", "eventcore", "raw insert, a commit each", "raw inserts, grouped"];
    let mut reached = true;
    for callers in callers {
        let mut rates = Rates::new(format!("commands/s, {callers} callers"), &names);
        for _ in 0..ROUNDS {
            rates.push(0, ours.ask(&format!("ours commands {callers}")));
            rates.push(
                1,
                run(callers, &cqrs, |bank, account| async move { bank.deposit(account).await })
                    .await,
            );
            rates.push(
                2,
                run(callers, &core, |bank, account| async move { bank.deposit(account).await })
                    .await,
            );
            rates.push(3, ours.ask(&format!("raw commands {callers}")));
            rates.push(4, ours.ask(&format!("raw grouped {callers}")));
        }
        rates.report();
        reached &= callers != 32 || rates.reaches(FLOOR, &[1, 2]);
    }
    reached
}

async fn replay(folder: &Path, ours: &mut Ours) {
    let cqrs = cqrs::Bank::open(&folder.join("cqrs_r")).await;
    let core = core::Bank::open(&folder.join("core_r")).await;
    cqrs.fill(1, LONG).await;
    core.fill(1, LONG).await;
    ours.ask("fill replay");
    let names = ["Eventloom", "cqrs-es", "eventcore", "raw read, decoded and folded"];
    let mut rates = Rates::new("replay of one account, events/s", &names);
    for _ in 0..ROUNDS {
        rates.push(0, ours.ask("ours replay"));
        rates.push(1, timed(LONG, cqrs.replay()).await);
        rates.push(2, timed(LONG, core.replay()).await);
        rates.push(3, ours.ask("raw replay"));
    }
    rates.report();
}

async fn rebuild(folder: &Path, ours: &mut Ours) {
    let (accounts, length) = REBUILD;
    let cqrs = cqrs::Bank::open(&folder.join("cqrs_b")).await;
    let core = core::Bank::open(&folder.join("core_b")).await;
    cqrs.fill(accounts / CQRS_PART, length).await;
    core.fill(accounts / CORE_PART, length).await;
    ours.ask("fill rebuild");
    let names = ["Eventloom", "cqrs-es", "eventcore", "by hand, folded in memory"];
    let mut rates = Rates::new("rebuild of a table of balances, events/s", &names);
    for _ in 0..ROUNDS {
        rates.push(0, ours.ask("ours rebuild"));
        rates.push(1, timed(accounts / CQRS_PART * length, cqrs.rebuild()).await);
        rates.push(2, timed(accounts / CORE_PART * length, core.rebuild()).await);
        rates.push(3, ours.ask("raw rebuild"));
    }
    rates.report();
}
