//! The harness of the seed: an ontology without state, commands or columns, which are written by hand.

use eventloom_runtime::eval::subtract;
use eventloom_runtime::projection::ProjectionError;
use eventloom_runtime::{Decimal, Metadata};
use eventloom_tests::goldens::seed as ontology;
use eventloom_tests::parts::account::{Account, Balances};
use ontology::bank_account::{
    BankAccountEvent, MoneyDeposited, MoneyWithdrawn, TransactionHistoryViewHandler,
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
