//! Transactions of several statements.

use std::ops::Deref;

use super::database::Client;
use super::fault::Fault;

/// Keeps what was written. Of a transaction in which something failed, `COMMIT` alone would take all back and say so only in
/// a word that nobody reads; anything else before it is refused.
const COMMIT: &str = "SELECT 1; COMMIT";

/// A transaction on a connection. Where it is dropped before its end, the connection goes with it.
pub(crate) struct Begun {
    client: Option<Client>,
}

impl Begun {
    /// Begins one.
    pub(crate) async fn on(client: Client) -> Result<Self, Fault> {
        let this = Self { client: Some(client) };
        this.batch_execute("BEGIN").await?;
        Ok(this)
    }

    /// Keeps what was written, or takes it back where the job failed.
    pub(crate) async fn end<T, E: From<Fault>>(mut self, done: Result<T, E>) -> Result<T, E> {
        let statement = if done.is_ok() { COMMIT } else { "ROLLBACK" };
        let ended = self.batch_execute(statement).await;
        let Err(error) = ended else {
            // The connection is as it was: it goes back to its pool.
            self.client = None;
            return done;
        };
        let fault = Fault::from(error);
        match done {
            Err(first) => Err(first),
            Ok(_) if fault.is_answer() => Err(fault.into()),
            Ok(_) => Err(Fault::Unknown(Box::new(fault)).into()),
        }
    }
}

impl Deref for Begun {
    type Target = Client;

    fn deref(&self) -> &Client {
        let Some(client) = &self.client else { unreachable!("it is there until the end") };
        client
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            drop(Client::take(client));
        }
    }
}
