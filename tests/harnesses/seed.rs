//! The harness of the seed: an ontology without state, commands or columns, which are written by hand.

use eventloom_runtime::eval::{add, subtract};
use eventloom_runtime::projection::ProjectionError;
use eventloom_runtime::{ApplyError, Decimal, Metadata};
use eventloom_tests::goldens::seed as ontology;
use ontology::bank_account::{
    AccountBalanceViewHandler, AccountOpened, BankAccountBehavior, BankAccountEvent,
    MoneyDeposited, MoneyWithdrawn, TransactionHistoryViewHandler,
};
use serde::{Deserialize, Serialize};

include!(concat!(env!("OUT_DIR"), "/seed/harness.rs"));

struct HarnessFixture;

impl bank_account::Fixture for HarnessFixture {
    type Behavior = Account;
    type AccountBalanceViewHandler = Balances;
    type TransactionHistoryViewHandler = Movements;

    fn may_follow(state: &Account, event: &BankAccountEvent) -> bool {
        matches!(event, BankAccountEvent::AccountOpened(_)) != state.is_open
    }
}

/// The state of an account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Account {
    is_open: bool,
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
struct Balances;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Balance {
    balance: Decimal,
    version: u64,
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

/// Every movement of money.
struct Movements;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Movement {
    account: String,
    amount: Decimal,
}

impl Movement {
    fn first(
        row: &mut Option<Self>,
        amount: Decimal,
        meta: &Metadata,
    ) -> Result<(), ProjectionError> {
        let movement = Self { account: meta.stream_id.to_string(), amount };
        match row.replace(movement) {
            Some(_) => Err(ProjectionError::RowExists),
            None => Ok(()),
        }
    }
}

impl TransactionHistoryViewHandler for Movements {
    const REVISION: u32 = 1;

    type Row = Movement;

    fn key(_: &BankAccountEvent, meta: &Metadata) -> Result<String, ProjectionError> {
        Ok(format!("{}/{}", meta.stream_id, meta.sequence))
    }

    fn on_money_deposited(
        row: &mut Option<Movement>,
        event: &MoneyDeposited,
        meta: &Metadata,
    ) -> Result<(), ProjectionError> {
        Movement::first(row, event.amount, meta)
    }

    fn on_money_withdrawn(
        row: &mut Option<Movement>,
        event: &MoneyWithdrawn,
        meta: &Metadata,
    ) -> Result<(), ProjectionError> {
        let amount = subtract(Decimal::ZERO, event.amount)?;
        Movement::first(row, amount, meta)
    }
}
