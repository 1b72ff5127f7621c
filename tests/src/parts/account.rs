//! The state and the balance view of the seed, which leaves both open.

use eventloom_runtime::eval::{add, subtract};
use eventloom_runtime::projection::ProjectionError;
use eventloom_runtime::{ApplyError, Decimal, Metadata};
use serde::{Deserialize, Serialize};

use crate::goldens::seed::bank_account::{
    AccountBalanceViewHandler, AccountOpened, BankAccountBehavior, BankAccountEvent,
    MoneyDeposited, MoneyWithdrawn,
};

/// The state of an account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Whether it was opened.
    pub is_open: bool,
    balance: Decimal,
}

impl BankAccountBehavior for Account {
    const REVISION: u32 = 1;

    fn apply_account_opened(
        &mut self,
        event: &AccountOpened,
        _: &Metadata,
    ) -> Result<(), ApplyError> {
        *self = Self { is_open: true, balance: event.initial_balance };
        Ok(())
    }

    fn apply_money_deposited(
        &mut self,
        event: &MoneyDeposited,
        _: &Metadata,
    ) -> Result<(), ApplyError> {
        self.balance = add(self.balance, event.amount)?;
        Ok(())
    }

    fn apply_money_withdrawn(
        &mut self,
        event: &MoneyWithdrawn,
        _: &Metadata,
    ) -> Result<(), ApplyError> {
        self.balance = subtract(self.balance, event.amount)?;
        Ok(())
    }

    fn balance(&self) -> Decimal {
        self.balance
    }
}

/// The balance of every account, with the number of events behind it.
pub struct Balances;

/// A row of [`Balances`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    /// What is in the account.
    pub balance: Decimal,
    /// Number of events.
    pub version: u64,
}

impl AccountBalanceViewHandler for Balances {
    const REVISION: u32 = 1;

    type Row = Balance;

    fn key(_: &BankAccountEvent, meta: &Metadata) -> Result<String, ProjectionError> {
        Ok(meta.stream_id.to_string())
    }

    fn on_account_opened(
        row: &mut Option<Balance>,
        event: &AccountOpened,
        meta: &Metadata,
    ) -> Result<(), ProjectionError> {
        *row = Some(Balance { balance: event.initial_balance, version: meta.sequence });
        Ok(())
    }

    fn on_money_deposited(
        row: &mut Option<Balance>,
        event: &MoneyDeposited,
        meta: &Metadata,
    ) -> Result<(), ProjectionError> {
        let row = row.as_mut().ok_or(ProjectionError::RowMissing)?;
        *row = Balance { balance: add(row.balance, event.amount)?, version: meta.sequence };
        Ok(())
    }

    fn on_money_withdrawn(
        row: &mut Option<Balance>,
        event: &MoneyWithdrawn,
        meta: &Metadata,
    ) -> Result<(), ProjectionError> {
        let row = row.as_mut().ok_or(ProjectionError::RowMissing)?;
        *row = Balance { balance: subtract(row.balance, event.amount)?, version: meta.sequence };
        Ok(())
    }
}
