//! Rows on their way: one lane per account, in which rows wait for each other.
//!
//! A lane takes what has gathered for its account, decides it row by row, and is set up again while
//! more has come in. No lane waits for another, so that the commits of many accounts share a sync.
//! How many rows are under way is bounded by who adds them.

use std::collections::HashMap;

use eventloom_runtime::{Command, CommandContext, EventStore, ExecuteError, StreamId};
use generated_example::bank_account::{
    BankAccount, BankAccountError, BankAccountRepository, CloseAccount, DepositMoney, OpenAccount,
    WithdrawMoney,
};
use tokio::task::JoinSet;

use super::row::{Order, Row};
use crate::failure::Failure;

type Accounts<S> = BankAccountRepository<S>;

/// What came of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Applied now.
    Applied,
    /// Applied before.
    Unchanged,
    /// Refused, now or before.
    Refused { error: String, message: String },
    /// Not a row.
    Malformed { reason: String },
}

/// Answers of one lane, each with the number under which its row was added.
pub(super) type Answers = Vec<(u64, Answer)>;

/// Rows that are being decided. Dropping it stops all lanes.
pub(super) struct Lanes<S> {
    accounts: Accounts<S>,
    running: JoinSet<Result<(StreamId, Answers), Failure>>,
    /// Rows that wait for their account's lane, by the accounts that have one.
    waiting: HashMap<StreamId, Vec<(u64, Row)>>,
}

impl<S: EventStore> Lanes<S> {
    pub(super) fn new(accounts: &Accounts<S>) -> Self {
        Self { accounts: accounts.clone(), running: JoinSet::new(), waiting: HashMap::new() }
    }

    /// Adds a row, behind those that were added before it.
    pub(super) fn add(&mut self, number: u64, row: Row) {
        match self.waiting.get_mut(&row.account) {
            Some(waiting) => waiting.push((number, row)),
            None => {
                self.waiting.insert(row.account.clone(), Vec::new());
                self.start(row.account.clone(), vec![(number, row)]);
            }
        }
    }

    /// Answers of the next lane that has some; none where no row is under way.
    pub(super) async fn next(&mut self) -> Option<Result<Answers, Failure>> {
        let ended = self.running.join_next().await?;
        let ended = ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        Some(ended.map(|(account, answers)| {
            self.go_on(account);
            answers
        }))
    }

    fn go_on(&mut self, account: StreamId) {
        match self.waiting.get_mut(&account) {
            Some(waiting) if !waiting.is_empty() => {
                let rows = std::mem::take(waiting);
                self.start(account, rows);
            }
            _ => drop(self.waiting.remove(&account)),
        }
    }

    fn start(&mut self, account: StreamId, rows: Vec<(u64, Row)>) {
        self.running.spawn(lane(self.accounts.clone(), account, rows));
    }
}

/// Decides rows of one account, one after the other.
async fn lane<S: EventStore>(
    accounts: Accounts<S>,
    account: StreamId,
    rows: Vec<(u64, Row)>,
) -> Result<(StreamId, Answers), Failure> {
    let mut answers = Vec::with_capacity(rows.len());
    for (number, row) in rows {
        answers.push((number, decide_row(&accounts, row).await?));
    }
    Ok((account, answers))
}

async fn decide_row<S: EventStore>(accounts: &Accounts<S>, row: Row) -> Result<Answer, Failure> {
    let Row { account, order, at, command_id } = row;
    let context = CommandContext::new().command_id(command_id).at(at);
    match order {
        Order::Open { customer_id, initial_balance } => {
            send(accounts, account, OpenAccount { customer_id, initial_balance }, context).await
        }
        Order::Deposit { amount, transaction_id } => {
            send(accounts, account, DepositMoney { amount, transaction_id }, context).await
        }
        Order::Withdraw { amount, transaction_id } => {
            send(accounts, account, WithdrawMoney { amount, transaction_id }, context).await
        }
        Order::Close => {
            send(accounts, account, CloseAccount { reason: "imported".to_owned() }, context).await
        }
    }
}

async fn send<C: Command<BankAccount>, S: EventStore>(
    accounts: &Accounts<S>,
    account: StreamId,
    command: C,
    context: CommandContext,
) -> Result<Answer, Failure> {
    match accounts.execute_with(account, command, context).await {
        Ok(executed) if executed.duplicate => Ok(Answer::Unchanged),
        Ok(_) => Ok(Answer::Applied),
        Err(error) => refused(error),
    }
}

/// A refusal answers its row; anything else stops the import, which can be run again.
fn refused(error: ExecuteError<BankAccountError>) -> Result<Answer, Failure> {
    match Failure::from(error) {
        Failure::Refused { error, message } => Ok(Answer::Refused { error, message }),
        failure => Err(failure),
    }
}
