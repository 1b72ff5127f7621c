//! What goes wrong around PostgreSQL: locks in each other's way, a full disk, a server that hangs, what administrators set
//! and what they do to tables, names and passwords of any kind.
//!
//! Each test opens with the story of its failure.

mod addresses;
mod deadlocks;
/// Where there is a `/dev/full`.
#[cfg(target_os = "linux")]
mod disk;
mod hanging;
mod names;
mod savepoints;
mod settings;
mod statements;
mod upkeep;

use std::future::Future;
use std::time::Duration;

use eventloom_runtime::projection::PostgresReadDatabase;
use eventloom_runtime::store::postgres::{PostgresDatabase, PostgresStore};
use eventloom_runtime::testing::postgres::{PostgresServer, Session};
use tokio::time::timeout;

/// Longer than anything here takes that does not hang.
const LONGEST: Duration = Duration::from_secs(60);

/// Waits for what must not hang.
async fn ended<T>(what: impl Future<Output = T>) -> T {
    timeout(LONGEST, what).await.expect("it comes to an end")
}

/// Asks until something is found.
async fn found(session: &Session, sql: &str) -> String {
    let asked = async {
        loop {
            let mut found = session.run(sql).await.expect("an answer");
            if let Some(found) = found.pop() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    ended(asked).await
}

/// A server of a test's own, with a store and read models.
struct Own {
    server: PostgresServer,
    store: PostgresStore,
    rows: PostgresReadDatabase,
}

impl Own {
    async fn start(settings: &[&str]) -> Self {
        let settings = [&["fsync=off", "full_page_writes=off"], settings].concat();
        let server = PostgresServer::start(&settings).expect("a server");
        let database = PostgresDatabase::at(&server.url("postgres")).expect("an address");
        let store = PostgresStore::open(&database).await.expect("a store");
        let rows = PostgresReadDatabase::open(&database).await.expect("read models");
        Self { server, store, rows }
    }

    async fn session(&self) -> Session {
        Session::at(&self.server.url("postgres")).await
    }

    async fn sql(&self, statements: &str) -> Vec<String> {
        let done = self.session().await.run(statements).await;
        done.unwrap_or_else(|said| panic!("{statements}: {said}"))
    }
}

/// The table of the rows of a target.
const TABLE: &str =
    "SELECT 'eventloom.rows_' || id FROM eventloom.read_models WHERE NOT shadow AND target = ";
