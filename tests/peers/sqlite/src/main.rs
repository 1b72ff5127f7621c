//! The bank on SQLite beside cqrs-es with sqlite-es, eventcore and the bare driver: one run, rounds that alternate. What
//! counts is the ratio, not the figure.
//!
//! ```sh
//! cargo run --release --manifest-path tests/peers/Cargo.toml -p sqlite -- --help
//! ```
//!
//! A command is load, decide, append one event. All have the same domain (`bank/account.yaml`), the same number of accounts
//! and streams of ten events to begin with, a write-ahead log and `synchronous=FULL`, whatever they have unless told.
//!
//! Eventloom and the bare driver link another SQLite than the peers, and a program can have one: they run in `ours`, which
//! this builds, and which measures when it is told to.

#![allow(clippy::disallowed_types)] // figures for people, no money

mod core;
mod cqrs;
mod ours;

use std::cell::RefCell;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use common::asked::Asked;
use common::costs::{self, Costs, Used};
use common::line::{Contender, Kind, Line};
use common::work::{passes, turns};
use common::{ACCOUNTS, BEFORE, LOADED, LONG, ONCE, REBUILD, RUN, UNCACHED};

use self::ours::{Ours, asked};

const HELP: &str = "\
sqlite [commands] [load] [replay] [rebuild] [NUMBER OF CALLERS …]

The bank on SQLite, beside other event stores and the bare driver. Without arguments it runs all of:
  commands  load, decide, append one event, for 1, 32 and 256 callers or as many as are named
  load      of accounts of 100 events, for as many callers
  replay    of one account of 100,000 events
  rebuild   of a table of balances from 100,000 events (peers: of fewer), and of ours by 1, 2 and 4 readers
Every line tells how many a second, at best, and how many times that Eventloom reaches. Below the floor of 32 callers
the program fails.

In commands Eventloom decides from states in memory (`cache_size(10_000)`: all accounts fit), as its users do, where peers
read the stream each time. For 1 and 32 callers a line tells it without that cache, `cache_size(0)`, which is what to
compare where accounts are many and seldom come again. A load reads each event, as peers do: the cache is for commands.

Under a line stands what one unit of it (a command, an event) costs Eventloom and the best peer, over all rounds:
  writes  calls of the program that write, be it to wake a thread; and bytes that they write
  client  microseconds of CPU time of the program, and wall: of the clock
Nobody counts the syncs here. What they take is part of the waiting, as there is no server.
";

/// What 32 callers must reach of the best peer.
const FLOOR: f64 = 6.0;
/// Parts of the accounts that are enough to know how fast peers are which write event by event.
const CQRS_PART: usize = 10;
const CORE_PART: usize = 50;

fn main() -> ExitCode {
    let help = format!("{HELP}\n{}", costs::RULE);
    let asked = Asked::read(&help, &["commands", "load", "replay", "rebuild"]);
    let folder = tempfile::tempdir().expect("a folder");
    let ours = RefCell::new(Ours::start(folder.path()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("tokio starts");
    let reached = runtime.block_on(async {
        let mut reached = true;
        if asked.wants("commands") {
            reached = append(folder.path(), &ours, asked.callers()).await;
        }
        if asked.wants("load") {
            load(folder.path(), &ours, asked.callers()).await;
        }
        if asked.wants("replay") {
            replay(folder.path(), &ours).await;
        }
        if asked.wants("rebuild") {
            rebuild(folder.path(), &ours).await;
        }
        reached
    });
    if reached { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Tells what a unit of a line costs those who explain it, over all rounds: nothing is counted that would cost anything.
fn explain(unit: &'static str, line: &Line<'_>) {
    let mut costs = Costs::of(unit, &["writes", "bytes", "client", "wall"]);
    for contender in line.explained() {
        let ran = contender.total();
        let each = |total: Option<f64>| Some(total? / ran.units as f64);
        let micros = |time: Option<f64>| each(time).map(|time| time * 1e6);
        let (calls, bytes) = (ran.written.map(|it| it.0), ran.written.map(|it| it.1));
        let cells = [each(calls), each(bytes), micros(ran.cpu), micros(Some(ran.wall))];
        let used =
            Used { wall: ran.wall, client: ran.cpu, at_once: contender.at_once, ..Used::default() };
        costs.push(contender.name, &cells, &ran, &used);
    }
    costs.report();
}

/// Whether 32 callers reach their floor.
async fn append(folder: &Path, ours: &RefCell<Ours>, callers: &[usize]) -> bool {
    let cqrs = Arc::new(cqrs::Bank::open(&folder.join("cqrs_c")).await);
    let core = Arc::new(core::Bank::open(&folder.join("core_c")).await);
    cqrs.fill(ACCOUNTS, BEFORE).await;
    core.fill(ACCOUNTS, BEFORE).await;
    ours.borrow_mut().ask("fill commands");
    let mut reached = true;
    for callers in callers {
        let cqrs =
            turns(*callers, &cqrs, |bank, account| async move { bank.deposit(account).await });
        let core =
            turns(*callers, &core, |bank, account| async move { bank.deposit(account).await });
        let asked = |what: &str| asked(ours, &format!("{what} {callers}"));
        let mut contenders = vec![
            Contender::new(Kind::Ours, "Eventloom", asked("ours commands")),
            Contender::new(Kind::Peer, "cqrs-es", cqrs),
            Contender::new(Kind::Peer, "eventcore", core),
            Contender::new(Kind::Bare, "raw insert, a commit each", asked("raw commands")),
            Contender::new(Kind::Bare, "raw inserts, grouped", asked("raw grouped")),
        ];
        if *callers <= UNCACHED {
            let uncached = asked("ours uncached");
            contenders.push(Contender::new(Kind::Ours, "Eventloom, no cache", uncached));
        }
        let contenders = contenders.into_iter().map(|it| it.at_once(*callers)).collect();
        let title = format!("commands/s, {callers} callers");
        let line = Line::measure(&title, RUN, contenders).await;
        explain("a command", &line);
        reached &= *callers != 32 || line.reaches(FLOOR);
    }
    reached
}

async fn load(folder: &Path, ours: &RefCell<Ours>, callers: &[usize]) {
    let cqrs = Arc::new(cqrs::Bank::open(&folder.join("cqrs_l")).await);
    let core = Arc::new(core::Bank::open(&folder.join("core_l")).await);
    cqrs.fill(ACCOUNTS, LOADED).await;
    core.fill(ACCOUNTS, LOADED).await;
    ours.borrow_mut().ask("fill load");
    for callers in callers {
        let cqrs = turns(*callers, &cqrs, |bank, at| async move { bank.load(at, LOADED).await });
        let core = turns(*callers, &core, |bank, at| async move { bank.load(at, LOADED).await });
        let asked = |what: &str| asked(ours, &format!("{what} {callers}"));
        let contenders = vec![
            Contender::new(Kind::Ours, "Eventloom", asked("ours load")),
            Contender::new(Kind::Peer, "cqrs-es", cqrs),
            Contender::new(Kind::Peer, "eventcore", core),
            Contender::new(Kind::Bare, "raw read, decoded and folded", asked("raw load")),
        ];
        let contenders = contenders.into_iter().map(|it| it.at_once(*callers)).collect();
        let title = format!("loads of accounts of {LOADED} events/s, {callers} callers");
        let line = Line::measure(&title, RUN, contenders).await;
        explain("a load", &line);
    }
}

async fn replay(folder: &Path, ours: &RefCell<Ours>) {
    let cqrs = cqrs::Bank::open(&folder.join("cqrs_r")).await;
    let core = core::Bank::open(&folder.join("core_r")).await;
    cqrs.fill(1, LONG).await;
    core.fill(1, LONG).await;
    ours.borrow_mut().ask("fill replay");
    let contenders = vec![
        Contender::new(Kind::Ours, "Eventloom", asked(ours, "ours replay")),
        Contender::new(Kind::Peer, "cqrs-es", passes(LONG, || cqrs.load(0, LONG))),
        Contender::new(Kind::Peer, "eventcore", passes(LONG, || core.load(0, LONG))),
        Contender::new(Kind::Bare, "raw read, decoded and folded", asked(ours, "raw replay")),
    ];
    let line = Line::measure("replay of one account, events/s", ONCE, contenders).await;
    explain("an event", &line);
}

async fn rebuild(folder: &Path, ours: &RefCell<Ours>) {
    let (accounts, length) = REBUILD;
    let cqrs = cqrs::Bank::open(&folder.join("cqrs_b")).await;
    let core = core::Bank::open(&folder.join("core_b")).await;
    cqrs.fill(accounts / CQRS_PART, length).await;
    core.fill(accounts / CORE_PART, length).await;
    ours.borrow_mut().ask("fill rebuild");
    let all = accounts * length;
    let contenders = vec![
        Contender::new(Kind::Ours, "Eventloom", asked(ours, "ours rebuild 1")),
        Contender::new(Kind::Peer, "cqrs-es", passes(all / CQRS_PART, || cqrs.rebuild())),
        Contender::new(Kind::Peer, "eventcore", passes(all / CORE_PART, || core.rebuild())),
        Contender::new(Kind::Bare, "by hand, folded in memory", asked(ours, "raw rebuild")),
    ];
    let line = Line::measure("rebuild of a table of balances, events/s", ONCE, contenders).await;
    explain("an event", &line);
    // What is ours looks at its own rows.
    cqrs.check_rows(accounts / CQRS_PART, length).await;
    core.check_rows(accounts / CORE_PART, length);

    let contenders = vec![
        Contender::new(Kind::Ours, "Eventloom, 1 reader", asked(ours, "ours rebuild 1")),
        Contender::new(Kind::Ours, "Eventloom, 2 readers", asked(ours, "ours rebuild 2"))
            .at_once(2),
        Contender::new(Kind::Ours, "Eventloom, 4 readers", asked(ours, "ours rebuild 4"))
            .at_once(4),
    ];
    let title = "the same with several readers, events/s (no peer has that)";
    let line = Line::measure(title, ONCE, contenders).await;
    explain("an event", &line);
}
