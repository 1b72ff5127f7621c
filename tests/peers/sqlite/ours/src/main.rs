//! Eventloom and the bare driver on SQLite. A line on stdin is what to do, the line on stdout that answers it how many a
//! second it did: see the package `sqlite`, which asks.

mod raw;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{ACCOUNTS, BEFORE, LONG, REBUILD, run, timed};
use eventloom_runtime::projection::SqliteReadDatabase;
use eventloom_runtime::store::sqlite::{SqliteDatabase, SqliteStore};

type Bank = bank::Bank<SqliteStore, SqliteReadDatabase>;

fn main() {
    let folder = PathBuf::from(std::env::args_os().nth(1).expect("a folder"));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("tokio starts");
    runtime.block_on(async {
        let mut banks = None;
        for line in std::io::stdin().lines() {
            let line = line.expect("a line");
            let rate = match line.strip_prefix("fill ") {
                Some(section) => {
                    banks = Some(Banks::filled(&folder, section).await);
                    0.0
                }
                None => banks.as_ref().expect("filled before").measure(&line).await,
            };
            println!("{rate}");
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
            "commands" => (ACCOUNTS, BEFORE),
            "replay" => (1, LONG),
            "rebuild" => REBUILD,
            other => panic!("there is no section {other}"),
        };
        let database = SqliteDatabase::open(folder.join(format!("ours_{section}"))).expect("a database");
        let store = SqliteStore::open(&database).await.expect("a store");
        let rows = SqliteReadDatabase::open(&database).await.expect("rows");
        let ours = Bank::open(store, rows).await;
        ours.fill(accounts, length).await;
        let raw = raw::Bank::open(&folder.join(format!("raw_{section}")));
        raw.fill(accounts, length);
        Self { ours: Arc::new(ours), raw: Arc::new(raw) }
    }

    async fn measure(&self, line: &str) -> f64 {
        let (accounts, length) = REBUILD;
        let callers = || line.rsplit(' ').next().and_then(|last| last.parse().ok()).expect("a number of callers");
        match line.split(' ').take(2).collect::<Vec<_>>()[..] {
            ["ours", "commands"] => {
                run(callers(), &self.ours, |bank, account| async move { bank.deposit(account).await }).await
            }
            ["raw", "commands"] => run(callers(), &self.raw, |bank, account| async move { bank.insert(account) }).await,
            ["raw", "grouped"] => {
                run(callers(), &self.raw, |bank, account| async move { bank.grouped(account).await }).await
            }
            ["ours", "replay"] => timed(LONG, self.ours.replay()).await,
            ["raw", "replay"] => timed(LONG, async { self.raw.replay() }).await,
            ["ours", "rebuild"] => timed(accounts * length, self.ours.rebuild()).await,
            ["raw", "rebuild"] => timed(accounts * length, async { self.raw.rebuild() }).await,
            _ => panic!("nobody knows how to do `{line}`"),
        }
    }
}
