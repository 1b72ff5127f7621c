//! Transactions of several statements.

use std::ops::Deref;

use super::database::{Client, READ_ONLY, is_read_only};
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
        let Ok(done) = done else {
            self.take_back().await;
            return done;
        };
        let Err(error) = self.batch_execute(COMMIT).await else {
            self.is_over();
            return Ok(done);
        };
        let fault = Fault::from(error);
        match fault.is_answer() {
            true => Err(fault.into()),
            false => Err(Fault::Unknown(Box::new(fault)).into()),
        }
    }

    /// Takes back what was written, and keeps the connection.
    pub(super) async fn undo(mut self) {
        self.take_back().await;
    }

    /// Takes back what was written. A connection that can only read is of no further use.
    async fn take_back(&mut self) {
        let told = self.simple_query(&format!("ROLLBACK; {READ_ONLY}")).await;
        if told.is_ok_and(|told| !is_read_only(&told)) {
            self.is_over();
        }
    }

    /// The connection is as it was: it goes back to its pool.
    fn is_over(&mut self) {
        self.client = None;
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
