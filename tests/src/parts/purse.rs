//! The decisions that the ontology `retried` leaves open.

use eventloom_runtime::command::Decide;
use eventloom_runtime::eval::add;
use eventloom_runtime::{Decimal, Halt};

use crate::goldens::retried::purse::{
    Paid, PayByHand, PayLinesByHand, PayNamedByHand, Purse, PurseBehavior, PurseError,
};

/// Pays what is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Payer;

impl PurseBehavior for Payer {
    const REVISION: u32 = 1;

    fn decide_pay_by_hand(
        context: &mut Decide<'_, Purse<Self>>,
        command: &PayByHand,
    ) -> Result<(), Halt<PurseError>> {
        affordable(context, command.amount)?;
        pay(context, &command.transaction_id, command.amount)
    }

    fn decide_pay_named_by_hand(
        context: &mut Decide<'_, Purse<Self>>,
        command: &PayNamedByHand,
    ) -> Result<(), Halt<PurseError>> {
        affordable(context, command.amount)?;
        pay(context, command.transaction_id.as_str(), command.amount)
    }

    fn decide_pay_lines_by_hand(
        context: &mut Decide<'_, Purse<Self>>,
        command: &PayLinesByHand,
    ) -> Result<(), Halt<PurseError>> {
        let total = command.lines.iter().try_fold(Decimal::ZERO, |sum, it| add(sum, it.amount))?;
        affordable(context, total)?;
        command.lines.iter().try_for_each(|line| pay(context, &line.transaction_id, line.amount))
    }
}

fn affordable(context: &Decide<'_, Purse<Payer>>, amount: Decimal) -> Result<(), Halt<PurseError>> {
    if amount <= context.state().balance {
        return Ok(());
    }
    let message = format!("{amount} is more than {}", context.state().balance);
    Err(Halt::Refused(PurseError::InsufficientFunds { message }))
}

fn pay(
    context: &mut Decide<'_, Purse<Payer>>,
    transaction_id: &str,
    amount: Decimal,
) -> Result<(), Halt<PurseError>> {
    let (transaction_id, paid_at) = (transaction_id.to_owned(), context.now());
    context.emit(Paid { transaction_id, amount, paid_at })
}
