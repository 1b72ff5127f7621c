//! The bare driver: what could be had if nothing but the least were done. No expected version, no metadata.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use common::DATA;
use rust_decimal::Decimal;
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Statement};

const TABLES: &str = "
    CREATE TABLE events (position bigserial PRIMARY KEY, stream text NOT NULL, sequence bigint NOT NULL,
        event_type text NOT NULL, data text NOT NULL, UNIQUE (stream, sequence));
    CREATE TABLE balances (id text PRIMARY KEY, balance numeric NOT NULL);";

const INSERT: &str =
    "INSERT INTO events (stream, sequence, event_type, data) VALUES ($1, $2, $3, $4)";
const INSERT_ALL: &str = "INSERT INTO events (stream, sequence, event_type, data) \
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[])";
const READ: &str = "SELECT event_type, data FROM events WHERE stream = $1 ORDER BY sequence";

struct Connection {
    client: Client,
    insert: Statement,
    insert_all: Statement,
    read: Statement,
}

pub(crate) struct Bank {
    connections: Vec<Arc<Connection>>,
    next: AtomicUsize,
    sequence: AtomicI64,
    queue: mpsc::UnboundedSender<(String, i64, oneshot::Sender<()>)>,
}

impl Bank {
    pub(crate) async fn open(url: &str) -> Self {
        let mut connections = Vec::new();
        for number in 0..10 {
            let (client, connection) =
                tokio_postgres::connect(url, NoTls).await.expect("a connection");
            tokio::spawn(connection);
            if number == 0 {
                client.batch_execute(TABLES).await.expect("tables");
            }
            let insert = client.prepare(INSERT).await.expect("a statement");
            let insert_all = client.prepare(INSERT_ALL).await.expect("a statement");
            let read = client.prepare(READ).await.expect("a statement");
            connections.push(Arc::new(Connection { client, insert, insert_all, read }));
        }
        let (queue, mut arriving) = mpsc::unbounded_channel::<(String, i64, oneshot::Sender<()>)>();
        let writer = Arc::clone(&connections[0]);
        tokio::spawn(async move {
            let mut group = Vec::new();
            while arriving.recv_many(&mut group, 512).await > 0 {
                let (mut streams, mut sequences, mut answers) =
                    (Vec::new(), Vec::new(), Vec::new());
                for (stream, sequence, answer) in group.drain(..) {
                    streams.push(stream);
                    sequences.push(sequence);
                    answers.push(answer);
                }
                let types = vec!["MoneyDeposited"; streams.len()];
                let data = vec![DATA; streams.len()];
                let values: [&(dyn ToSql + Sync); 4] = [&streams, &sequences, &types, &data];
                writer.client.execute(&writer.insert_all, &values).await.expect("inserts");
                for answer in answers {
                    // Who asked may be gone.
                    let _ = answer.send(());
                }
            }
        });
        Self { connections, next: AtomicUsize::new(0), sequence: AtomicI64::new(1_000_000), queue }
    }

    fn connection(&self) -> &Connection {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        &self.connections[next % self.connections.len()]
    }

    pub(crate) async fn fill(&self, accounts: usize, length: usize) {
        let fill = format!(
            "INSERT INTO events (stream, sequence, event_type, data) SELECT 'A' || a, s, 'MoneyDeposited', '{DATA}' \
             FROM generate_series(0, {accounts} - 1) a, generate_series(1, {length}) s; ANALYZE events"
        );
        self.connection().client.batch_execute(&fill).await.expect("events");
    }

    pub(crate) async fn insert(&self, account: usize) {
        let (connection, sequence) =
            (self.connection(), self.sequence.fetch_add(1, Ordering::Relaxed));
        let stream = format!("A{account}");
        let values: [&(dyn ToSql + Sync); 4] = [&stream, &sequence, &"MoneyDeposited", &DATA];
        connection.client.execute(&connection.insert, &values).await.expect("an insert");
    }

    pub(crate) async fn grouped(&self, account: usize) {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let (answer, done) = oneshot::channel();
        self.queue.send((format!("A{account}"), sequence, answer)).expect("the writer");
        done.await.expect("an answer");
    }

    pub(crate) async fn load(&self, account: usize, length: usize) {
        let (mut balance, mut count) = (Decimal::ZERO, 0);
        let (connection, stream) = (self.connection(), format!("A{account}"));
        let rows = connection.client.query(&connection.read, &[&stream]).await.expect("rows");
        for row in rows {
            balance += amount(row.get(0), row.get(1));
            count += 1;
        }
        assert_eq!((count, balance), (length, Decimal::new(1050, 2) * Decimal::from(length)));
    }

    pub(crate) async fn rebuild(&self) {
        let client = &self.connection().client;
        client.batch_execute("TRUNCATE balances").await.expect("an empty table");
        let page = "SELECT position, stream, event_type, data FROM events WHERE position > $1 ORDER BY position LIMIT 8192";
        let page = client.prepare(page).await.expect("a statement");
        let mut after = 0_i64;
        loop {
            let rows = client.query(&page, &[&after]).await.expect("rows");
            let Some(last) = rows.last() else { break };
            after = last.get(0);
            let mut changes = HashMap::<&str, Decimal>::new();
            for row in &rows {
                *changes.entry(row.get(1)).or_default() += amount(row.get(2), row.get(3));
            }
            let (ids, balances): (Vec<&str>, Vec<Decimal>) = changes.into_iter().unzip();
            let write = "INSERT INTO balances SELECT * FROM unnest($1::text[], $2::numeric[]) \
                ON CONFLICT (id) DO UPDATE SET balance = balances.balance + excluded.balance";
            client.execute(write, &[&ids, &balances]).await.expect("balances");
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
struct Moved {
    account_id: String,
    amount: Decimal,
    deposited_at: String,
}

fn amount(event_type: &str, data: &str) -> Decimal {
    let moved: Moved = serde_json::from_str(data).expect("an event");
    if event_type == "MoneyDeposited" { moved.amount } else { -moved.amount }
}
