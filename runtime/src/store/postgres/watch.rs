//! Who waits for events is told of them, whoever appended them.
//!
//! Appends of this process are known at once. For those of others one task listens to what they notify, and looks at the
//! head now and then besides: a notification may be lost with its connection, and is sent only after the commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, future, stream};
use tokio::sync::watch;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, NoTls, Socket};

use super::database::PostgresDatabase;
use super::reads;
use crate::metadata::Position;

/// The channel on which appends are told.
const CHANNEL: &str = "eventloom_appended";
/// How often the head is looked at.
const POLL: Duration = Duration::from_millis(40);
/// The least time between two notifications of one process.
const NOTIFY_EVERY: Duration = Duration::from_millis(5);
/// How long after a failure the connection is made anew.
const RETRY: Duration = Duration::from_millis(500);

/// The head of a store, as far as it is known here.
pub(super) struct Watch {
    database: PostgresDatabase,
    /// What this process appended.
    appended: watch::Sender<Position>,
    /// What anybody appended.
    seen: watch::Sender<Position>,
    is_watched: AtomicBool,
}

impl Watch {
    /// Starts to tell others of what is appended here.
    pub(super) fn start(database: &PostgresDatabase) -> Arc<Self> {
        let this = Arc::new(Self {
            database: database.clone(),
            appended: watch::Sender::new(0),
            seen: watch::Sender::new(0),
            is_watched: AtomicBool::new(false),
        });
        tokio::spawn(notify(database.clone(), this.appended.subscribe()));
        this
    }

    /// Where appends of this process are told.
    pub(super) fn appended(&self) -> watch::Sender<Position> {
        self.appended.clone()
    }

    /// Waits until the head may lie beyond a position.
    pub(super) async fn changed(self: &Arc<Self>, after: Position) {
        if !self.is_watched.swap(true, Ordering::Relaxed) {
            let (seen, appended) = (self.seen.clone(), self.appended.subscribe());
            tokio::spawn(watch(self.database.clone(), seen, appended));
        }
        let (mut seen, mut appended) = (self.seen.subscribe(), self.appended.subscribe());
        let beyond = |head: &Position| *head > after;
        // Where the task has ended with its runtime, there is nothing to wait for: the read that follows tells.
        let _ =
            future::select(Box::pin(seen.wait_for(beyond)), Box::pin(appended.wait_for(beyond)))
                .await;
    }
}

/// Tells other processes of appends, for as long as there is a store that appends.
async fn notify(database: PostgresDatabase, mut appended: watch::Receiver<Position>) {
    while appended.changed().await.is_ok() {
        let position = *appended.borrow_and_update();
        let notified = async {
            let client = database.reader().await?;
            let statement = client.prepare_cached("SELECT pg_notify($1, $2)").await?;
            client.execute(&statement, &[&CHANNEL, &position.to_string()]).await?;
            Ok::<_, super::fault::Fault>(())
        };
        if let Err(error) = notified.await {
            tracing::debug!(%error, "others were not told of an append; they look for themselves");
        }
        tokio::time::sleep(NOTIFY_EVERY).await;
    }
}

/// Watches the head for as long as there is a store.
async fn watch(
    database: PostgresDatabase,
    seen: watch::Sender<Position>,
    appended: watch::Receiver<Position>,
) {
    let listening = async {
        loop {
            let address = database.address();
            let heard = match &address.tls {
                Some(tls) => listen(&database, tls.clone(), &seen).await,
                None => listen(&database, NoTls, &seen).await,
            };
            if let Err(error) = heard {
                tracing::debug!(%error, "the connection that listens for appends is made anew");
            }
            tokio::time::sleep(RETRY).await;
        }
    };
    let polling = async {
        // Ends when the store is dropped: it alone tells of appends.
        while appended.has_changed().is_ok() {
            tokio::time::sleep(POLL).await;
            if seen.receiver_count() == 0 {
                continue;
            }
            match database.reader().await {
                Ok(client) => match reads::head(&client).await {
                    Ok(head) => tell(&seen, head),
                    // Those who wait find out for themselves, and tell.
                    Err(_) => seen.send_modify(|head| *head = head.saturating_add(1)),
                },
                Err(_) => seen.send_modify(|head| *head = head.saturating_add(1)),
            }
        }
    };
    future::select(Box::pin(listening), Box::pin(polling)).await;
}

fn tell(seen: &watch::Sender<Position>, head: Position) {
    seen.send_if_modified(|known| std::mem::replace(known, head.max(*known)) < head);
}

async fn listen<T>(
    database: &PostgresDatabase,
    tls: T,
    seen: &watch::Sender<Position>,
) -> Result<(), tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, mut connection) = database.address().config.connect(tls).await?;
    let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
    let heard = async {
        while let Some(message) = messages.next().await {
            if let AsyncMessage::Notification(notification) = message?
                && let Ok(position) = notification.payload().parse()
            {
                tell(seen, position);
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
