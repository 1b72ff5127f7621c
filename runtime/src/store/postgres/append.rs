//! One group of appends: calls of the database's function, and what came of each append.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::batch::{APPEND, Batch};
use super::catalog::Numbers;
use super::database::{Client, PostgresDatabase};
use super::fault::{self, Fault};
use super::immediate::OpenTransaction;
use super::reads::Known;
use super::single::{APPEND_EVENT, Single};
use crate::metadata::{Position, Sequence};
use crate::store::{
    Append, AppendError, AppendedEvents, FoldError, ImmediateFold, KeyClaim, StoreError, immediate,
};

/// Longer than any append takes: a server that has not answered by then is gone.
pub(super) const LONGEST: Duration = Duration::from_secs(120);

/// How often appends are sent again that the server ended for the sake of others.
const AGAIN: u32 = 5;

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
    /// It was not taken for another reason.
    Failed(AppendError),
}

/// Who appends, one group at a time.
pub(super) struct Appender {
    pub(super) database: PostgresDatabase,
    pub(super) known: Arc<Known>,
    numbers: Numbers,
    /// Of which connection the numbers are.
    epoch: u64,
}

/// Why a whole transaction came to nothing.
enum Failed {
    /// Before the appends were sent, or they are undone for sure.
    Before(Fault),
    /// After they were sent.
    Sent(Fault),
    /// An immediate projection could not write.
    Fold(AppendError),
    /// The same, for the sake of another transaction.
    GaveWay(AppendError),
}

impl Failed {
    /// Whether the server ended it for the sake of another transaction, and nothing of it is left.
    fn gave_way(&self) -> bool {
        match self {
            Self::Before(fault) | Self::Sent(fault) => fault.gave_way(),
            Self::GaveWay(_) => true,
            Self::Fold(_) => false,
        }
    }

    fn is_read_only(&self) -> bool {
        matches!(self, Self::Before(fault) | Self::Sent(fault) if fault.is_read_only())
    }
}

type Called = Result<Vec<Outcome>, Failed>;

impl Appender {
    pub(super) fn new(database: &PostgresDatabase, known: &Arc<Known>) -> Self {
        let (database, known) = (database.clone(), Arc::clone(known));
        Self { database, known, numbers: Numbers::default(), epoch: 0 }
    }

    /// Appends all of them in one transaction, and tells of each. Where the transaction failed for what may be the fault
    /// of one of them, each is tried alone.
    pub(super) async fn append(&mut self, group: &[&Append]) -> Vec<Outcome> {
        let done = match self.call(group).await {
            // The server may have been restarted since the connection was last used.
            Err(Failed::Before(fault @ Fault::Postgres(_))) if !fault.is_answer() => {
                self.call(group).await
            }
            done => done,
        };
        match self.settled(done, group.len()) {
            Some(outcomes) => outcomes,
            None => {
                let mut outcomes = Vec::new();
                for append in group {
                    let done = self.call(&[append]).await;
                    outcomes.extend(self.settled(done, 1).unwrap_or_default());
                }
                outcomes
            }
        }
    }

    /// As [`Self::append`], with folds that run in the transaction; on a thread that may be blocked.
    pub(super) fn append_folding(
        &mut self,
        group: &[&Append],
        folds: &[Arc<dyn ImmediateFold>],
        runtime: &Handle,
    ) -> Vec<Outcome> {
        let done = self.fold(group, folds, runtime);
        match self.settled(done, group.len()) {
            Some(outcomes) => outcomes,
            None => {
                let one = |append: &&Append| {
                    let done = self.fold(&[append], folds, runtime);
                    self.settled(done, 1).unwrap_or_default()
                };
                group.iter().flat_map(one).collect()
            }
        }
    }

    /// The outcomes; none where each append is to be tried alone.
    fn settled(&self, done: Called, count: usize) -> Option<Vec<Outcome>> {
        let error = match done {
            Ok(outcomes) => return Some(outcomes),
            // What can't be understood was carried out all the same.
            Err(Failed::Sent(fault)) if !fault.is_answer() || matches!(fault, Fault::Value(_)) => {
                fault::unknown(&fault, self.database.address()).into()
            }
            Err(Failed::Before(fault) | Failed::Sent(fault)) => {
                if fault.may_be_of_one() && count > 1 {
                    return None;
                }
                self.database.explained(fault).into()
            }
            // A server that is gone would stop each of them.
            Err(Failed::Fold(error)) if count > 1 && may_be_of_one(&error) => return None,
            Err(Failed::Fold(error) | Failed::GaveWay(error)) => error,
        };
        Some(vec![Outcome::Failed(error); count])
    }

    /// A connection, and the numbers that the appends need.
    async fn prepared(&mut self, group: &[&Append]) -> Result<Client, Failed> {
        let client = self.database.writer().await.map_err(Failed::Before)?;
        let epoch = self.database.epoch();
        if epoch != self.epoch {
            (self.numbers, self.epoch) = (Numbers::default(), epoch);
        }
        let learnt = self.numbers.learn(&client, group.iter().copied()).await;
        match learnt.map_err(Failed::Before) {
            Ok(()) => Ok(client),
            Err(failed) => {
                give_up(client, &failed);
                Err(failed)
            }
        }
    }

    async fn call(&mut self, group: &[&Append]) -> Called {
        let mut told = self.call_once(group).await;
        for _ in 0..AGAIN {
            if !told.as_ref().is_err_and(Failed::gave_way) {
                break;
            }
            told = self.call_once(group).await;
        }
        told
    }

    async fn call_once(&mut self, group: &[&Append]) -> Called {
        let client = self.prepared(group).await?;
        let epoch = self.epoch;
        let confirmed = group.iter().copied().filter(|append| append.check_epoch(epoch).is_ok());
        let confirmed: Vec<&Append> = confirmed.collect();
        let told = match confirmed.is_empty() {
            true => Ok(Vec::new()),
            false => self.ask(&client, &confirmed, true).await,
        };
        if let Err(failed) = &told {
            give_up(client, failed);
        }
        let mut told = told?.into_iter();
        let each = |append: &&Append| match append.check_epoch(epoch) {
            Ok(()) => told.next().ok_or_else(|| not_as_expected("append")),
            Err(unconfirmed) => Ok(Outcome::Failed(unconfirmed)),
        };
        group.iter().map(each).collect()
    }

    /// Calls the function, as a transaction of its own or within one.
    async fn ask(&self, client: &Client, group: &[&Append], writes: bool) -> Called {
        let unsent = |error: StoreError| Failed::Before(error.into());
        if let ([append], true) = (group, writes)
            && let Some(single) = Single::of(append, &self.numbers).map_err(unsent)?
        {
            let row = answer(client, APPEND_EVENT, &single.arguments()).await?;
            let told = row.try_get(0).map_err(|error| Failed::Sent(error.into()))?;
            return Ok(vec![single.outcome(told).ok_or_else(|| not_as_expected("append_event"))?]);
        }
        let mut batch = Batch::default();
        for append in group {
            batch.add(append, &self.numbers).map_err(unsent)?;
        }
        let row = answer(client, APPEND, &batch.arguments(&writes)).await?;
        let sent = |error: tokio_postgres::Error| Failed::Sent(error.into());
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
        told.filter(|told| told.len() == group.len()).ok_or_else(|| not_as_expected("append"))
    }

    /// One transaction with folds.
    fn fold(
        &mut self,
        group: &[&Append],
        folds: &[Arc<dyn ImmediateFold>],
        runtime: &Handle,
    ) -> Called {
        let mut told = self.fold_once(group, folds, runtime);
        for _ in 0..AGAIN {
            if !told.as_ref().is_err_and(Failed::gave_way) {
                break;
            }
            told = self.fold_once(group, folds, runtime);
        }
        told
    }

    fn fold_once(
        &mut self,
        group: &[&Append],
        folds: &[Arc<dyn ImmediateFold>],
        runtime: &Handle,
    ) -> Called {
        let client = runtime.block_on(self.prepared(group))?;
        let open = OpenTransaction::begin(client, &self.database, &self.known.archive, runtime);
        let open = open.map_err(Failed::Before)?;
        let each = |append: &&Append| match append.check_epoch(self.epoch) {
            Ok(()) => self.fold_one(append, folds, &open),
            Err(unconfirmed) => Ok(Outcome::Failed(unconfirmed)),
        };
        let failed = match group.iter().map(each).collect() {
            Ok(outcomes) => {
                open.commit().map_err(Failed::Sent)?;
                return Ok(outcomes);
            }
            // Nothing was committed, whatever has happened: not even the connection need be there.
            Err(Failed::Sent(fault)) => Failed::Before(fault),
            Err(Failed::Fold(error)) if open.gave_way() => Failed::GaveWay(error),
            Err(failed) => failed,
        };
        open.undo();
        Err(failed)
    }

    /// Decides an append, lets the folds compute what it changes, and only then writes: what is refused has written
    /// nothing.
    fn fold_one(
        &self,
        append: &Append,
        folds: &[Arc<dyn ImmediateFold>],
        open: &OpenTransaction,
    ) -> Result<Outcome, Failed> {
        let ask = |writes| {
            let mut told = open.wait(self.ask(open.client(), &[append], writes))?;
            Ok::<_, Failed>(told.remove(0))
        };
        if append.events.is_empty() {
            return ask(true);
        }
        let told = ask(false)?;
        let Outcome::Appended(last) = told else { return Ok(told) };
        let before = last - append.events.len() as Position;
        let events = AppendedEvents {
            stream: &append.stream,
            events: &append.events,
            before,
            first: before + 1,
        };
        let mut changes = Vec::new();
        for fold in folds {
            match immediate::compute(&**fold, open, &events) {
                Ok(change) => changes.push((fold, change)),
                Err(error @ FoldError::Refused(_)) => {
                    return Ok(Outcome::Failed(error.of(&**fold)));
                }
                Err(error @ FoldError::Store(_)) => return Err(Failed::Fold(error.of(&**fold))),
            }
        }
        let outcome = ask(true)?;
        for (fold, change) in changes {
            immediate::write(change, open).map_err(|error| Failed::Fold(error.of(&**fold)))?;
        }
        Ok(outcome)
    }
}

/// The one row that a call of a function comes to.
async fn answer(
    client: &Client,
    call: &str,
    arguments: &[&(dyn ToSql + Sync)],
) -> Result<Row, Failed> {
    let statement = client.prepare_cached(call).await;
    let statement = statement.map_err(|error| Failed::Before(error.into()))?;
    let asked = client.query_one(&statement, arguments);
    match tokio::time::timeout(LONGEST, asked).await {
        Ok(row) => row.map_err(|error| Failed::Sent(error.into())),
        Err(_) => Err(Failed::Sent(Fault::NoAnswer)),
    }
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self::Sent(fault)
    }
}

/// Lets go of a connection that failed, and keeps it from being used again where it would fail again.
fn give_up(client: Client, failed: &Failed) {
    // Whoever is answered next on a connection that has not answered would get that answer.
    if matches!(failed, Failed::Sent(Fault::NoAnswer)) || failed.is_read_only() {
        drop(Client::take(client));
    }
}

fn not_as_expected(function: &str) -> Failed {
    let reason = format!("the function `{function}` answers otherwise than this program expects");
    Failed::Sent(Fault::Value(reason))
}

fn may_be_of_one(error: &AppendError) -> bool {
    !matches!(error, AppendError::Store(StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_)))
}

impl From<StoreError> for Outcome {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}
