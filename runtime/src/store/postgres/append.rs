//! One group of appends: a call of the database's function, and what came of each.

use super::batch::{APPEND, Batch};
use super::catalog::Numbers;
use super::database::PostgresDatabase;
use super::fault::{self, Fault};
use crate::metadata::{Position, Sequence};
use crate::store::{Append, KeyClaim, StoreError};

/// What came of one append.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// It is there; the position is that of its last event, or of the store's.
    Appended(Position),
    /// Its command id has been used.
    CommandKnown,
    /// A key of it is taken.
    KeyTaken(KeyClaim),
    /// Its stream is at another sequence.
    Conflict(Sequence),
    /// The store failed.
    Failed(StoreError),
}

/// Who appends, one group at a time.
pub(super) struct Appender {
    database: PostgresDatabase,
    numbers: Numbers,
}

/// Why a whole call came to nothing.
enum Failed {
    /// Before the appends were sent.
    Before(Fault),
    /// After that.
    Sent(Fault),
}

impl Appender {
    pub(super) fn new(database: &PostgresDatabase) -> Self {
        Self { database: database.clone(), numbers: Numbers::default() }
    }

    /// Appends all of them in one transaction, and tells of each. Where the transaction failed for what may be the fault
    /// of one of them, each is tried alone.
    pub(super) async fn append(&mut self, group: &[&Append]) -> Vec<Outcome> {
        let error = match self.call_again(group).await {
            Ok(outcomes) => return outcomes,
            Err(Failed::Sent(fault)) if !fault.is_answer() => {
                fault::unknown(&fault, self.database.address())
            }
            Err(Failed::Sent(fault)) if fault.may_be_of_one() && group.len() > 1 => {
                let mut outcomes = Vec::new();
                for append in group {
                    outcomes.extend(Box::pin(self.append(&[append])).await);
                }
                return outcomes;
            }
            Err(Failed::Before(fault) | Failed::Sent(fault)) => self.database.explained(fault),
        };
        vec![Outcome::Failed(error); group.len()]
    }

    /// Calls, and once more where the connection turned out to be gone before the appends were sent: the server may
    /// have been restarted.
    async fn call_again(&mut self, group: &[&Append]) -> Result<Vec<Outcome>, Failed> {
        match self.call(group).await {
            Err(Failed::Before(fault @ Fault::Postgres(_))) if !fault.is_answer() => {
                self.call(group).await
            }
            done => done,
        }
    }

    async fn call(&mut self, group: &[&Append]) -> Result<Vec<Outcome>, Failed> {
        let before = |error: tokio_postgres::Error| Failed::Before(error.into());
        let client = self.database.writer().await.map_err(Failed::Before)?;
        let appends = group.iter().copied();
        self.numbers.learn(&client, appends.clone()).await.map_err(Failed::Before)?;
        let statement = client.prepare_cached(APPEND).await.map_err(before)?;
        let mut batch = Batch::default();
        for append in appends {
            batch.add(append, &self.numbers).map_err(|error| Failed::Before(error.into()))?;
        }
        let sent = |error: tokio_postgres::Error| Failed::Sent(error.into());
        let row = client.query_one(&statement, &batch.arguments()).await.map_err(sent)?;
        let read = || {
            let outcomes: Vec<i32> = row.try_get(0)?;
            Ok::<_, tokio_postgres::Error>((outcomes, row.try_get::<_, Vec<i64>>(1)?))
        };
        let (outcomes, details) = read().map_err(sent)?;
        let told = outcomes.into_iter().zip(details).map(|(outcome, detail)| {
            Some(match outcome {
                0 => Outcome::Appended(detail.unsigned_abs()),
                1 => Outcome::CommandKnown,
                2 => Outcome::KeyTaken(batch.key(detail)?.clone()),
                _ => Outcome::Conflict(detail.unsigned_abs()),
            })
        });
        let told: Option<Vec<_>> = told.collect();
        told.filter(|told| told.len() == group.len()).ok_or_else(|| {
            let reason = "the function `append` answers otherwise than this program expects";
            Failed::Sent(Fault::Value(reason.to_owned()))
        })
    }
}
