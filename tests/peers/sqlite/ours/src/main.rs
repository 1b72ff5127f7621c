//! Eventloom and the bare driver on SQLite. A line on stdin is what to do, the line on stdout that answers it what it
//! ran: see the package `sqlite`, which asks.

mod raw;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::work::{Ran, Work, passes, turns};
use common::{ACCOUNTS, BEFORE, LOADED, LONG, ONCE, REBUILD, RUN};
use eventloom_runtime::projection::SqliteReadDatabase;
use eventloom_runtime::store::sqlite::{SqliteDatabase, SqliteStore};

type Bank = bank::Bank<SqliteStore, SqliteReadDatabase>;

fn main() {
    let folder = PathBuf::from(std::env::args_os().nth(1).expect("a folder"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("tokio starts");
    runtime.block_on(async {
        let mut banks = None;
        for line in std::io::stdin().lines() {
            let line = line.expect("a line");
            let ran = match line.strip_prefix("fill ") {
                Some(section) => {
                    banks = Some(Banks::filled(&folder, section).await);
                    Ran::default()
                }
                None => banks.as_ref().expect("filled before").measure(&line).await,
            };
            println!("{}", ran.told());
        }
    });
}

struct Banks {
    ours: Arc<Bank>,
    raw: Arc<raw::Bank>,
}

impl Banks {
    async fn filled(folder: &Path, section: &str) -> Self {
        let (accounts, length) = match section {
            "commands" => (2 * ACCOUNTS, BEFORE),
            "load" => (ACCOUNTS, LOADED),
            "replay" => (1, LONG),
            "rebuild" => REBUILD,
            other => panic!("there is no section {other}"),
        };
        let database =
            SqliteDatabase::open(folder.join(format!("ours_{section}"))).expect("a database");
        let store = SqliteStore::open(&database).await.expect("a store");
        let rows = SqliteReadDatabase::open(&database).await.expect("rows");
        let ours = Bank::open(store, rows).await;
        ours.fill(accounts, length).await;
        let raw = raw::Bank::open(&folder.join(format!("raw_{section}")));
        raw.fill(accounts, length);
        Self { ours: Arc::new(ours), raw: Arc::new(raw) }
    }

    async fn measure(&self, line: &str) -> Ran {
        let (accounts, length) = REBUILD;
        let words: Vec<&str> = line.split(' ').collect();
        let number = words.get(2).and_then(|last| last.parse().ok()).unwrap_or(1);
        let (ours, raw) = (&self.ours, &self.raw);
        let (time, work): (_, Work<'_>) = match words[..2] {
            ["ours", "commands"] => (
                RUN,
                turns(number, ours, |bank, account| async move { bank.deposit(account).await }),
            ),
            ["ours", "uncached"] => (
                RUN,
                turns(number, ours, |bank, at| async move { bank.deposit_uncached(at).await }),
            ),
            ["raw", "commands"] => {
                (RUN, turns(number, raw, |bank, account| async move { bank.insert(account) }))
            }
            ["raw", "grouped"] => (
                RUN,
                turns(number, raw, |bank, account| async move { bank.grouped(account).await }),
            ),
            ["ours", "load"] => {
                (RUN, turns(number, ours, |bank, at| async move { bank.load(at, LOADED).await }))
            }
            ["raw", "load"] => {
                (RUN, turns(number, raw, |bank, at| async move { bank.load(at, LOADED) }))
            }
            ["ours", "replay"] => (ONCE, passes(LONG, || ours.load(0, LONG))),
            ["raw", "replay"] => (ONCE, passes(LONG, || async { raw.load(0, LONG) })),
            ["ours", "rebuild"] => (ONCE, passes(accounts * length, move || ours.rebuild(number))),
            ["raw", "rebuild"] => (ONCE, passes(accounts * length, || async { raw.rebuild() })),
            _ => panic!("nobody knows how to do `{line}`"),
        };
        let ran = work(time).await;
        if words[..2] == ["ours", "rebuild"] {
            self.ours.check_rows(accounts, length).await;
        }
        ran
    }
}
