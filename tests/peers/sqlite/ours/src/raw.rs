//! The bare driver: what could be had if nothing but the least were done. No expected version, no metadata.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;

use common::DATA;
use rusqlite::{Connection, params};
use rust_decimal::Decimal;
use serde::Deserialize;
use tokio::sync::oneshot;

const TABLES: &str = "
    CREATE TABLE events (position integer PRIMARY KEY, stream text NOT NULL, sequence integer NOT NULL,
        event_type text NOT NULL, data text NOT NULL, UNIQUE (stream, sequence)) STRICT;
    CREATE TABLE balances (id text PRIMARY KEY, balance text NOT NULL) STRICT;";

const INSERT: &str =
    "INSERT INTO events (stream, sequence, event_type, data) VALUES (?1, ?2, 'MoneyDeposited', ?3)";

/// Inserts that share a commit at most.
const GROUP: usize = 512;

type Asked = (String, i64, oneshot::Sender<()>);

pub(crate) struct Bank {
    connection: Mutex<Connection>,
    sequence: AtomicI64,
    queue: mpsc::Sender<Asked>,
}

fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("a file");
    connection.pragma_update(None, "journal_mode", "wal").expect("a log");
    connection.pragma_update(None, "synchronous", "full").expect("a setting");
    connection
}

impl Bank {
    pub(crate) fn open(path: &Path) -> Self {
        let connection = open(path);
        connection.execute_batch(TABLES).expect("tables");
        let (queue, asked) = mpsc::channel();
        let path = PathBuf::from(path);
        thread::spawn(move || write(&open(&path), &asked));
        Self { connection: Mutex::new(connection), sequence: AtomicI64::new(1_000_000), queue }
    }

    pub(crate) fn fill(&self, accounts: usize, length: usize) {
        let fill = format!(
            "WITH RECURSIVE a(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM a WHERE n < {accounts} - 1), \
             s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {length}) \
             INSERT INTO events (stream, sequence, event_type, data) \
             SELECT 'A' || a.n, s.n, 'MoneyDeposited', '{DATA}' FROM a, s; ANALYZE"
        );
        self.connection().execute_batch(&fill).expect("events");
    }

    fn connection(&self) -> std::sync::MutexGuard<'_, Connection> {
        self.connection.lock().expect("nobody panics with it")
    }

    pub(crate) fn insert(&self, account: usize) {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let connection = self.connection();
        let mut insert = connection.prepare_cached(INSERT).expect("a statement");
        insert.execute(params![format!("A{account}"), sequence, DATA]).expect("an insert");
    }

    pub(crate) async fn grouped(&self, account: usize) {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let (answer, done) = oneshot::channel();
        self.queue.send((format!("A{account}"), sequence, answer)).expect("the writer");
        done.await.expect("an answer");
    }

    pub(crate) fn load(&self, account: usize, length: usize) {
        let connection = self.connection();
        let (mut balance, mut count) = (Decimal::ZERO, 0);
        let read = "SELECT event_type, data FROM events WHERE stream = ?1 ORDER BY sequence";
        let mut read = connection.prepare_cached(read).expect("a statement");
        let mut rows = read.query([format!("A{account}")]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            balance += amount(text(row, 0), text(row, 1));
            count += 1;
        }
        assert_eq!((count, balance), (length, Decimal::new(1050, 2) * Decimal::from(length)));
    }

    pub(crate) fn rebuild(&self) {
        let mut connection = self.connection();
        connection.execute_batch("DELETE FROM balances").expect("an empty table");
        let mut after = 0;
        loop {
            let (last, changes) = page(&connection, after);
            if last == after {
                break;
            }
            after = last;
            let transaction = connection.transaction().expect("a transaction");
            for (id, by) in changes {
                add(&transaction, &id, by);
            }
            transaction.commit().expect("a commit");
        }
    }
}

/// Inserts what is asked for, all that has come meanwhile in one transaction.
fn write(connection: &Connection, asked: &mpsc::Receiver<Asked>) {
    while let Ok(first) = asked.recv() {
        let group: Vec<Asked> =
            std::iter::once(first).chain(asked.try_iter().take(GROUP - 1)).collect();
        connection.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
        let mut insert = connection.prepare_cached(INSERT).expect("a statement");
        for (stream, sequence, _) in &group {
            insert.execute(params![stream, sequence, DATA]).expect("an insert");
        }
        connection.execute_batch("COMMIT").expect("a commit");
        for (_, _, answer) in group {
            // Who asked may be gone.
            let _ = answer.send(());
        }
    }
}

/// The last position of a page, and what its events change.
fn page(connection: &Connection, after: i64) -> (i64, HashMap<String, Decimal>) {
    let read = "SELECT position, stream, event_type, data FROM events WHERE position > ?1 ORDER BY position LIMIT 8192";
    let mut read = connection.prepare_cached(read).expect("a statement");
    let mut rows = read.query([after]).expect("rows");
    let (mut last, mut changes) = (after, HashMap::<String, Decimal>::new());
    while let Some(row) = rows.next().expect("a row") {
        last = row.get(0).expect("a position");
        let by = amount(text(row, 2), text(row, 3));
        match changes.get_mut(text(row, 1)) {
            Some(balance) => *balance += by,
            None => drop(changes.insert(text(row, 1).to_owned(), by)),
        }
    }
    (last, changes)
}

/// SQLite has no decimals: the sum is made here.
fn add(connection: &Connection, id: &str, by: Decimal) {
    let mut read = connection
        .prepare_cached("SELECT balance FROM balances WHERE id = ?1")
        .expect("a statement");
    let known = read.query_row([id], |row| row.get::<_, String>(0));
    let known = known.map_or(Decimal::ZERO, |known| known.parse().expect("a balance"));
    let write = "INSERT INTO balances VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET balance = ?2";
    let mut write = connection.prepare_cached(write).expect("a statement");
    write.execute(params![id, (known + by).to_string()]).expect("a balance");
}

fn text<'a>(row: &'a rusqlite::Row<'_>, column: usize) -> &'a str {
    row.get_ref(column).expect("a column").as_str().expect("a text")
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
