//! What the server counts while somebody works, in a round that is not compared with any other: the rounds which are compared
//! run with none of it switched on.
//!
//! A server's process adds what it counted to what others can see when it is idle for a while, or ends. So the connections of
//! who is measured are ended before and after; all of them connect again by themselves.

use std::time::Duration;

use common::RUN;
use common::costs::{Costs, Used};
use common::line::{Contender, Line};
use common::proc;
use eventloom_runtime::testing::postgres::PostgresServer;
use tokio_postgres::Client;

use crate::{connected, database_name};

/// What the columns hold.
pub(crate) const COLUMNS: &str = "\
Under a line stands what one unit of it (a command, an event) costs Eventloom and the best peer, in a round of its own:
  sent    statements that the client sent, as pg_stat_statements counts them: BEGIN and COMMIT too
  inside  statements that ran inside functions and triggers of the server
  trans.  transactions of the database
  syncs   of the log; WAL B: bytes of it
  client  microseconds of CPU time of this program; server: of all processes of the server; sync: microseconds in
          which the log was synced; wall: of the clock";

const NAMES: [&str; 9] =
    ["sent", "inside", "trans.", "syncs", "WAL B", "client", "server", "sync", "wall"];

/// How long who is measured connects and warms up, which is counted in no time.
const WARM_UP: Duration = Duration::from_millis(200);

/// Who looks at the server.
pub(crate) struct Meter {
    client: Client,
    postmaster: u32,
    has_statements: bool,
    has_log: bool,
}

/// A server that can count statements, where its module for that is installed.
pub(crate) async fn start() -> (PostgresServer, Meter) {
    let mut server = PostgresServer::start(&[]).expect("a server");
    let asked = "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_stat_statements'";
    let client = connected(&server, "postgres").await;
    let has_statements =
        client.query_one(asked, &[]).await.expect("an answer").get::<_, i64>(0) > 0;
    if has_statements {
        let loaded = "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'";
        client.batch_execute(loaded).await.expect("a setting");
        drop(client);
        server.crash().expect("an end");
        server.restart().expect("a server");
    }
    let meter = Meter::of(connected(&server, "postgres").await, has_statements).await;
    (server, meter)
}

/// What was counted by some time; what the server can't tell is missing.
#[derive(Clone, Copy, Default)]
struct Counted {
    sent: Option<f64>,
    inside: Option<f64>,
    transactions: f64,
    syncs: Option<f64>,
    bytes: Option<f64>,
    /// Seconds.
    syncing: Option<f64>,
}

impl Meter {
    async fn of(client: Client, has_module: bool) -> Self {
        let asked = "SELECT current_setting('server_version_num')::integer, \
            split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::integer";
        let row = client.query_one(asked, &[]).await.expect("an answer");
        let (version, postmaster): (i32, i32) = (row.get(0), row.get(1));
        let has_statements = has_module && version >= 140_000;
        if has_statements {
            client.batch_execute("CREATE EXTENSION pg_stat_statements").await.expect("its view");
        }
        // Later ones count what is synced elsewhere.
        let has_log = (140_000..180_000).contains(&version);
        let postmaster = u32::try_from(postmaster).expect("a process");
        let meter = Self { client, postmaster, has_statements, has_log };
        meter.watch(false).await;
        meter
    }

    /// What this server can't tell, for the reader.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        if !self.has_statements {
            missing.push(
                "no statements are counted: pg_stat_statements of PostgreSQL 14 or later is not installed",
            );
        }
        if !self.has_log {
            missing.push("no syncs are counted: only PostgreSQL 14 to 17 tell them in pg_stat_wal");
        }
        missing
    }

    /// Tells what a unit of a line costs those who explain it.
    pub(crate) async fn explain(&self, unit: &'static str, line: &Line<'_>, section: &str) {
        let mut costs = Costs::of(unit, &NAMES);
        for contender in line.explained() {
            let database = database_name(contender.name, section);
            self.cost(&mut costs, contender, &database).await;
        }
        costs.report();
    }

    async fn cost(&self, costs: &mut Costs, contender: &Contender<'_>, database: &str) {
        self.watch(true).await;
        self.disconnect(database).await;
        let before = self.counted(database).await;
        let warm = contender.run(WARM_UP).await;
        let cpu = proc::family(self.postmaster);
        let ran = contender.run(RUN).await;
        let server = proc::family(self.postmaster).zip(cpu).map(|(now, then)| now - then);
        self.disconnect(database).await;
        let after = self.counted(database).await;
        self.watch(false).await;
        let counted = after.since(&before);
        let all = warm.and(ran);
        let syncing = counted.syncing.map(|time| time / all.wall * ran.wall);
        let of_all = |count: Option<f64>| Some(count? / all.units as f64);
        let micros = |time: Option<f64>| Some(time? * 1e6 / ran.units as f64);
        let cells = [
            of_all(counted.sent),
            of_all(counted.inside),
            of_all(Some(counted.transactions)),
            of_all(counted.syncs),
            of_all(counted.bytes),
            micros(ran.cpu),
            micros(server),
            micros(syncing),
            micros(Some(ran.wall)),
        ];
        let used = Used {
            wall: ran.wall,
            client: ran.cpu,
            server: server.unwrap_or(0.0),
            sync: syncing.unwrap_or(0.0),
            at_once: contender.at_once,
        };
        costs.push(contender.name, &cells, &ran, &used);
    }

    /// Has everything counted, or no more than in any other server.
    async fn watch(&self, on: bool) {
        let (track, ids, timing) = if on { ("all", "auto", "on") } else { ("none", "off", "off") };
        let mut settings = Vec::new();
        if self.has_statements {
            settings.push(("pg_stat_statements.track", track));
            settings.push(("compute_query_id", ids));
        }
        if self.has_log {
            settings.push(("track_wal_io_timing", timing));
        }
        for (name, value) in &settings {
            let set = format!("ALTER SYSTEM SET {name} = '{value}'");
            self.client.batch_execute(&set).await.expect("a setting");
        }
        self.client.batch_execute("SELECT pg_reload_conf()").await.expect("a signal");
        for (name, value) in settings {
            let is_set = || async {
                let shown = self.client.query_one(&format!("SHOW {name}"), &[]).await;
                shown.expect("a setting").get::<_, String>(0) == value
            };
            while !is_set().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    /// Ends the connections to a database, so that all that they counted can be seen.
    async fn disconnect(&self, database: &str) {
        let found = "SELECT pid FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'";
        let found = self.client.query(found, &[&database]).await.expect("processes");
        let ended: Vec<i32> = found.iter().map(|row| row.get(0)).collect();
        // In one statement with the search, the planner might end others first and look for their database afterwards.
        let end = "SELECT pg_terminate_backend(pid) FROM unnest($1::integer[]) pid";
        self.client.query(end, &[&ended]).await.expect("ends");
        let left = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY($1)";
        loop {
            let left = self.client.query_one(left, &[&ended]).await.expect("an answer");
            // Clients hear of it a little later.
            tokio::time::sleep(Duration::from_millis(50)).await;
            if left.get::<_, i64>(0) == 0 {
                return;
            }
        }
    }

    async fn counted(&self, database: &str) -> Counted {
        let transactions =
            "SELECT (xact_commit + xact_rollback)::float8 FROM pg_stat_database WHERE datname = $1";
        let transactions = self.client.query_one(transactions, &[&database]).await;
        let mut counted =
            Counted { transactions: transactions.expect("an answer").get(0), ..Counted::default() };
        if self.has_statements {
            let asked = "SELECT coalesce(sum(calls) FILTER (WHERE toplevel), 0)::float8, \
                coalesce(sum(calls) FILTER (WHERE NOT toplevel), 0)::float8 FROM pg_stat_statements \
                WHERE dbid = (SELECT oid FROM pg_database WHERE datname = $1)";
            let row = self.client.query_one(asked, &[&database]).await.expect("an answer");
            (counted.sent, counted.inside) = (row.get(0), row.get(1));
        }
        if self.has_log {
            let asked =
                "SELECT wal_sync::float8, wal_bytes::float8, wal_sync_time / 1000 FROM pg_stat_wal";
            let row = self.client.query_one(asked, &[]).await.expect("an answer");
            (counted.syncs, counted.bytes, counted.syncing) = (row.get(0), row.get(1), row.get(2));
        }
        counted
    }
}

impl Counted {
    fn since(&self, before: &Self) -> Self {
        let since = |now: Option<f64>, then: Option<f64>| Some(now? - then?);
        Self {
            sent: since(self.sent, before.sent),
            inside: since(self.inside, before.inside),
            transactions: self.transactions - before.transactions,
            syncs: since(self.syncs, before.syncs),
            bytes: since(self.bytes, before.bytes),
            syncing: since(self.syncing, before.syncing),
        }
    }
}
