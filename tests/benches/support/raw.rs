//! The limit beside which figures are printed: plain rusqlite and serde_json, no library between.
//!
//! One table, cached statements, serde derives; no conflict handling, no metadata, no checkpoint. Its
//! connection is set up as Eventloom's writing one is: what is compared is the work, not the settings.

use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use eventloom_runtime::Decimal;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

const SCHEMA: &str = "
    CREATE TABLE events (
        position INTEGER PRIMARY KEY, stream_id TEXT NOT NULL, sequence INTEGER NOT NULL,
        type TEXT NOT NULL, data TEXT NOT NULL, recorded_at INTEGER NOT NULL,
        UNIQUE (stream_id, sequence)) STRICT;
    CREATE TABLE balance (
        account_id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, balance TEXT NOT NULL,
        version INTEGER NOT NULL, updated_at TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE history (
        account_id TEXT NOT NULL, transaction_id TEXT NOT NULL, kind TEXT NOT NULL,
        amount TEXT NOT NULL, sequence INTEGER NOT NULL, at TEXT NOT NULL,
        PRIMARY KEY (account_id, transaction_id)) STRICT, WITHOUT ROWID;";

/// The event that opens an account.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountOpened {
    pub(crate) account_id: String,
    pub(crate) customer_id: String,
    pub(crate) initial_balance: Decimal,
    pub(crate) opened_at: String,
}

/// A deposit; a withdrawal has the same fields but for its time's name.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Moved {
    pub(crate) account_id: String,
    pub(crate) amount: Decimal,
    pub(crate) transaction_id: String,
    #[serde(alias = "withdrawnAt")]
    pub(crate) deposited_at: String,
}

/// An event as the raw loop inserts it.
#[derive(Clone)]
pub(crate) struct RawEvent {
    pub(crate) stream: String,
    pub(crate) sequence: u64,
    pub(crate) event_type: &'static str,
    pub(crate) data: String,
}

pub(crate) fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("the raw database opens");
    connection.pragma_update(None, "journal_mode", "WAL").expect("WAL");
    connection.pragma_update(None, "synchronous", "FULL").expect("FULL");
    connection.pragma_update(None, "cache_size", -32 * 1024).expect("32 MiB");
    connection.pragma_update(None, "temp_store", "MEMORY").expect("memory");
    connection.pragma_update(None, "wal_autocheckpoint", 4096).expect("16 MiB");
    connection.busy_timeout(Duration::from_secs(5)).expect("busy timeout");
    connection
}

pub(crate) fn create(path: &Path) -> Connection {
    let connection = open(path);
    connection.execute_batch(SCHEMA).expect("the raw schema");
    connection
}

pub(crate) fn insert(connection: &Connection, event: &RawEvent) {
    connection
        .prepare_cached(
            "INSERT INTO events (stream_id, sequence, type, data, recorded_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                event.stream,
                event.sequence as i64,
                event.event_type,
                event.data,
                1_790_000_000_000_000_i64,
            ])
        })
        .expect("a raw insert");
}

/// Inserts all events, `group` to a transaction.
pub(crate) fn insert_all(connection: &Connection, events: &[RawEvent], group: usize) {
    for events in events.chunks(group) {
        let transaction = connection.unchecked_transaction().expect("begin");
        for event in events {
            insert(&transaction, event);
        }
        transaction.commit().expect("commit");
    }
}

/// A deposit as an event of the raw loop.
pub(crate) fn deposit(stream: String, sequence: u64) -> RawEvent {
    let data = serde_json::to_string(&Moved {
        account_id: stream.clone(),
        amount: Decimal::new(1050, 2),
        transaction_id: format!("t-{stream}-{sequence}"),
        deposited_at: "2026-01-01T00:00:00Z".to_owned(),
    })
    .expect("a deposit is JSON");
    RawEvent { stream, sequence, event_type: "MoneyDeposited", data }
}

/// A thread that owns a connection and commits what is queued together.
pub(crate) struct Writer {
    queue: mpsc::SyncSender<(RawEvent, oneshot::Sender<()>)>,
}

impl Writer {
    pub(crate) fn start(connection: Connection) -> Self {
        let (queue, received) = mpsc::sync_channel::<(RawEvent, oneshot::Sender<()>)>(1024);
        std::thread::spawn(move || {
            let mut answers = Vec::new();
            while let Ok(first) = received.recv() {
                let transaction = connection.unchecked_transaction().expect("begin");
                for (event, answer) in std::iter::once(first).chain(received.try_iter().take(511)) {
                    insert(&transaction, &event);
                    answers.push(answer);
                }
                transaction.commit().expect("commit");
                answers
                    .drain(..)
                    .for_each(|answer: oneshot::Sender<()>| answer.send(()).unwrap_or_default());
            }
        });
        Self { queue }
    }

    pub(crate) async fn insert(&self, event: RawEvent) {
        let (answer, answered) = oneshot::channel();
        self.queue.send((event, answer)).expect("the writer runs");
        answered.await.expect("the writer answers");
    }
}

/// Reads a whole stream and folds it; gives the balance and the number of events.
pub(crate) fn load(connection: &Connection, stream: &str) -> (Decimal, usize) {
    let mut select = connection
        .prepare_cached("SELECT type, data FROM events WHERE stream_id = ?1 ORDER BY sequence")
        .expect("the raw select");
    let mut rows = select.query([stream]).expect("rows");
    let (mut balance, mut count) = (Decimal::ZERO, 0);
    while let Some(row) = rows.next().expect("a row") {
        let data = row.get_ref(1).expect("data").as_bytes().expect("text");
        match row.get_ref(0).expect("type").as_str().expect("text") {
            "AccountOpened" => {
                balance =
                    serde_json::from_slice::<AccountOpened>(data).expect("opened").initial_balance;
            }
            "MoneyDeposited" => {
                balance += serde_json::from_slice::<Moved>(data).expect("deposit").amount
            }
            _ => balance -= serde_json::from_slice::<Moved>(data).expect("withdrawal").amount,
        }
        count += 1;
    }
    (balance, count)
}

struct Account {
    customer_id: String,
    balance: Decimal,
    version: i64,
    updated_at: String,
}

/// Sets a connection up for rebuilds: commits are not synced, as read models can be worked out again.
/// The log is moved into the file by [`empty`] alone, while nobody looks at the clock.
pub(crate) fn prepare_rebuilds(connection: &Connection) {
    connection.pragma_update(None, "synchronous", "NORMAL").expect("NORMAL");
    connection.pragma_update(None, "wal_autocheckpoint", 0).expect("never");
}

/// Empties the tables for the next rebuild.
pub(crate) fn empty(connection: &Connection) {
    connection.execute_batch("DELETE FROM balance; DELETE FROM history").expect("empty tables");
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("a checkpoint");
}

/// Reads everything once, folds in memory, writes both tables in one transaction.
pub(crate) fn rebuild(connection: &Connection) -> usize {
    let transaction = connection.unchecked_transaction().expect("begin");
    let mut accounts: HashMap<String, Account> = HashMap::new();
    let mut count = 0;
    {
        let mut select = transaction
            .prepare("SELECT type, data, sequence FROM events ORDER BY position")
            .expect("the raw select");
        let mut history = transaction
            .prepare("INSERT INTO history VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
            .expect("the raw insert");
        let mut rows = select.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            let data = row.get_ref(1).expect("data").as_bytes().expect("text");
            let version: i64 = row.get(2).expect("sequence");
            let event_type = row.get_ref(0).expect("type").as_str().expect("text");
            if event_type == "AccountOpened" {
                let event: AccountOpened = serde_json::from_slice(data).expect("opened");
                accounts.insert(
                    event.account_id,
                    Account {
                        customer_id: event.customer_id,
                        balance: event.initial_balance,
                        version,
                        updated_at: event.opened_at,
                    },
                );
            } else {
                let event: Moved = serde_json::from_slice(data).expect("moved");
                let account = accounts.get_mut(&event.account_id).expect("an open account");
                let deposit = event_type == "MoneyDeposited";
                account.balance += if deposit { event.amount } else { -event.amount };
                account.version = version;
                history
                    .execute(params![
                        event.account_id,
                        event.transaction_id,
                        if deposit { "Deposit" } else { "Withdrawal" },
                        event.amount.to_string(),
                        version,
                        event.deposited_at,
                    ])
                    .expect("a history row");
                account.updated_at = event.deposited_at;
            }
            count += 1;
        }
        let mut insert = transaction
            .prepare("INSERT INTO balance VALUES (?1, ?2, ?3, ?4, ?5)")
            .expect("the raw insert");
        for (id, account) in &accounts {
            insert
                .execute(params![
                    id,
                    account.customer_id,
                    account.balance.to_string(),
                    account.version,
                    account.updated_at,
                ])
                .expect("a balance row");
        }
    }
    transaction.commit().expect("commit");
    count
}
