//! The bank under test, and copies of it that are broken on purpose.

use eventloom_runtime::testing::{AnyCommand, Draw, Subject, Visit};

pub(super) use eventloom_tests::goldens::bank::bank_account::*;

/// The bank as it should be.
#[derive(Clone, Copy)]
pub(super) struct Bank;

/// Any command of the bank.
#[derive(Clone, Debug)]
pub(super) enum BankCommand {
    OpenAccount(OpenAccount),
    DepositMoney(DepositMoney),
    WithdrawMoney(WithdrawMoney),
    CloseAccount(CloseAccount),
}

impl AnyCommand<BankAccount> for BankCommand {
    fn visit<V: Visit<BankAccount>>(&self, visitor: V) -> V::Output {
        match self {
            Self::OpenAccount(command) => visitor.visit(command),
            Self::DepositMoney(command) => visitor.visit(command),
            Self::WithdrawMoney(command) => visitor.visit(command),
            Self::CloseAccount(command) => visitor.visit(command),
        }
    }
}

impl Subject for Bank {
    type Aggregate = BankAccount;
    type Command = BankCommand;

    fn command(draw: &mut Draw) -> BankCommand {
        match draw.below(4) {
            0 => BankCommand::OpenAccount(OpenAccount {
                customer_id: draw.text(),
                initial_balance: draw.decimal(),
            }),
            1 => BankCommand::DepositMoney(DepositMoney {
                amount: draw.decimal(),
                transaction_id: draw.text(),
            }),
            2 => BankCommand::WithdrawMoney(WithdrawMoney {
                amount: draw.decimal(),
                transaction_id: draw.text(),
            }),
            _ => BankCommand::CloseAccount(CloseAccount { reason: draw.text() }),
        }
    }
}
