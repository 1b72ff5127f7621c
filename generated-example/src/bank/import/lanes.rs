//! A batch of rows, decided: one lane per account, in which rows wait for each other.

use std::collections::HashMap;

use eventloom_runtime::store::sqlite::SqliteStore;
use eventloom_runtime::{Command, CommandContext, ExecuteError, StreamId};
use generated_example::bank_account::{
    BankAccount, BankAccountError, BankAccountRepository, CloseAccount, DepositMoney, OpenAccount,
    WithdrawMoney,
};
use tokio::task::JoinSet;

use super::row::{Order, Row};
use crate::failure::Failure;

type Accounts = BankAccountRepository<SqliteStore>;

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

/// Decides the rows; the answers come in the order of the rows.
pub(super) async fn decide(
    accounts: &Accounts,
    rows: Vec<Result<Row, String>>,
) -> Result<Vec<Answer>, Failure> {
    let mut answers: Vec<Option<Answer>> = vec![None; rows.len()];
    let mut lanes: HashMap<StreamId, Vec<(usize, Row)>> = HashMap::new();
    for (index, row) in rows.into_iter().enumerate() {
        match row {
            Ok(row) => lanes.entry(row.account.clone()).or_default().push((index, row)),
            Err(reason) => answers[index] = Some(Answer::Malformed { reason }),
        }
    }
    let mut running = JoinSet::new();
    for rows in lanes.into_values() {
        running.spawn(lane(accounts.clone(), rows));
    }
    while let Some(ended) = running.join_next().await {
        let answered =
            ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
        for (index, answer) in answered {
            answers[index] = Some(answer);
        }
    }
    // Every row is either malformed or in a lane, and every lane answers each of its rows or fails.
    Ok(answers.into_iter().flatten().collect())
}

/// Decides the rows of one account, one after the other.
async fn lane(
    accounts: Accounts,
    rows: Vec<(usize, Row)>,
) -> Result<Vec<(usize, Answer)>, Failure> {
    let mut answers = Vec::with_capacity(rows.len());
    for (index, row) in rows {
        answers.push((index, decide_row(&accounts, row).await?));
    }
    Ok(answers)
}

async fn decide_row(accounts: &Accounts, row: Row) -> Result<Answer, Failure> {
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

async fn send<C: Command<BankAccount>>(
    accounts: &Accounts,
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
