//! Who waits for events is told of them, whoever appended them.
//!
//! Appends of this process are known at once. For those of others one task looks at the head now and then, and at once when
//! somebody notifies: a notification is sent after the commit and may be lost with its connection, and what it says is not
//! believed but looked up.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, future, stream};
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinHandle;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, NoTls, Socket};

use super::database::PostgresDatabase;
use super::fault::Fault;
use super::reads;
use crate::metadata::Position;

/// The channel on which appends are told.
const CHANNEL: &str = "eventloom_appended";
/// How often the head is looked at, while somebody waits.
const POLL: Duration = Duration::from_millis(40);
/// Tells others. What may be lost need not wait for the disk, and must not make appends wait for it.
const TELL: &str = "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)";
/// The least time between two notifications of one process.
const NOTIFY_EVERY: Duration = Duration::from_millis(5);
/// How long after a failure the connection is made anew.
const RETRY: Duration = Duration::from_millis(500);

/// The head of a store, as far as it is known here.
pub(super) struct Watch {
    database: PostgresDatabase,
    head: watch::Sender<Head>,
    /// The task that looks.
    looking: Mutex<Option<JoinHandle<()>>>,
}

/// What is known of the head.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Head {
    position: Position,
    /// The last of them that was appended by this process.
    own: Position,
    /// How often it could not be read.
    failures: u64,
}

impl Watch {
    /// Starts to tell others of what is appended here.
    pub(super) fn start(database: &PostgresDatabase) -> Arc<Self> {
        let head = watch::Sender::default();
        tokio::spawn(notify(database.clone(), head.subscribe()));
        Arc::new(Self { database: database.clone(), head, looking: Mutex::default() })
    }

    /// Where appends of this process are told.
    pub(super) fn head(&self) -> watch::Sender<Head> {
        self.head.clone()
    }

    /// Waits until the head may lie beyond a position.
    pub(super) async fn changed(&self, after: Position) {
        let mut head = self.head.subscribe();
        let failures = head.borrow_and_update().failures;
        self.look().await;
        // A failure is for the read that follows to tell. The sender lives as long as this.
        let _ = head.wait_for(|head| head.position > after || head.failures != failures).await;
    }

    /// Has somebody look, in the runtime of who asks where that of the last has ended.
    async fn look(&self) {
        let mut looking = self.looking.lock().await;
        if looking.as_ref().is_none_or(JoinHandle::is_finished) {
            *looking = Some(tokio::spawn(look(self.database.clone(), self.head.clone())));
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(looking) = self.looking.get_mut().take() {
            looking.abort();
        }
    }
}

/// Tells of a position, which is the head as far as is known: it may have gone back with the database.
pub(super) fn tell(head: &watch::Sender<Head>, position: Position) {
    head.send_if_modified(|known| std::mem::replace(&mut known.position, position) != position);
}

/// Tells of a position at which something was appended here.
pub(super) fn tell_own(head: &watch::Sender<Head>, position: Position) {
    head.send_modify(|known| (known.position, known.own) = (position, position));
}

/// Tells other processes of appends of this one, for as long as there is a store.
async fn notify(database: PostgresDatabase, mut head: watch::Receiver<Head>) {
    let mut told = 0;
    while head.changed().await.is_ok() {
        let position = head.borrow_and_update().own;
        if std::mem::replace(&mut told, position) == position {
            continue;
        }
        let notified = async {
            let client = database.reader().await?;
            let statement = client.prepare_cached(TELL).await?;
            client.execute(&statement, &[&CHANNEL, &position.to_string()]).await?;
            Ok::<_, Fault>(())
        };
        if let Err(error) = notified.await {
            tracing::debug!(%error, "others were not told of an append; they look for themselves");
        }
        tokio::time::sleep(NOTIFY_EVERY).await;
    }
}

/// Looks at the head, until it is aborted.
async fn look(database: PostgresDatabase, head: watch::Sender<Head>) {
    let nudge = Notify::new();
    let listening = async {
        loop {
            let address = database.address();
            let heard = match &address.tls {
                Some(tls) => listen(&database, tls.clone(), &nudge).await,
                None => listen(&database, NoTls, &nudge).await,
            };
            if let Err(error) = heard {
                tracing::debug!(%error, "the connection that listens for appends is made anew");
            }
            tokio::time::sleep(RETRY).await;
        }
    };
    let looking = async {
        loop {
            // Either way it is time to look.
            let _ = tokio::time::timeout(POLL, nudge.notified()).await;
            if head.receiver_count() <= 1 {
                // Nobody waits but who tells others.
                continue;
            }
            let found = async {
                let client = database.reader().await?;
                reads::head(&client).await
            };
            match found.await {
                Ok(position) => tell(&head, position),
                Err(_) => {
                    head.send_modify(|head| head.failures += 1);
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    };
    future::join(listening, looking).await;
}

async fn listen<T>(
    database: &PostgresDatabase,
    tls: T,
    nudge: &Notify,
) -> Result<(), tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, mut connection) = database.address().config.connect(tls).await?;
    let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
    let heard = async {
        while let Some(message) = messages.next().await {
            if let AsyncMessage::Notification(_) = message? {
                nudge.notify_one();
            }
        }
        Ok(())
    };
    let asked = async {
        client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
        future::pending().await
    };
    match future::select(Box::pin(heard), Box::pin(asked)).await {
        future::Either::Left((ended, _)) | future::Either::Right((ended, _)) => ended,
    }
}
