//! The fold, the decision and the two read models that the ontology `custom` leaves open.

use eventloom_runtime::command::Decide;
use eventloom_runtime::eval::{add, to_integer};
use eventloom_runtime::projection::ProjectionError;
use eventloom_runtime::{ApplyError, Decimal, Halt, Metadata};

use crate::goldens::custom::wallet::{
    AuditHandler, Charged, PointsGranted, Transfer, Wallet, WalletBehavior, WalletError,
    WalletEvent, WalletState, WalletViewHandler, WalletViewRow,
};

/// A point per whole unit; a transfer charges each of its parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Points;

impl WalletBehavior for Points {
    const REVISION: u32 = 1;

    fn apply_points_granted(
        state: &mut WalletState,
        event: &PointsGranted,
        _: &Metadata,
    ) -> Result<(), ApplyError> {
        state.points = add(state.points, to_integer(event.amount)?)?;
        Ok(())
    }

    fn decide_transfer(
        context: &mut Decide<'_, Wallet<Self>>,
        command: &Transfer,
    ) -> Result<(), Halt<WalletError>> {
        if command.parts > 5 {
            let message = format!("{} parts are too many", command.parts);
            return Err(Halt::Refused(WalletError::TooManyParts { message }));
        }
        if command.amount.is_zero() {
            let message = "there is nothing to split".to_owned();
            return Err(Halt::Refused(WalletError::NothingToSplit { message }));
        }
        if command.parts < 1 {
            return Err(Halt::Failed(format!("{} parts", command.parts)));
        }
        // The harness once looked at the first thousand events of a command, and was red for more.
        let events = if command.parts == 5 { 1_001 } else { command.parts };
        for _ in 0..events {
            context.emit(Charged {
                wallet_id: context.stream_id().to_string(),
                amount: command.amount,
                charged_at: context.now(),
            })?;
        }
        context.emit(PointsGranted {
            wallet_id: context.stream_id().to_string(),
            amount: context.after().balance,
            granted_at: context.now(),
        })
    }
}

/// Balances with the number of charges, and the amounts one after the other.
pub struct Views;

impl WalletViewHandler for Views {
    const REVISION: u32 = 1;

    fn on_charged(
        row: &mut Option<WalletViewRow>,
        event: &Charged,
        meta: &Metadata,
    ) -> Result<(), ProjectionError> {
        let row = row.get_or_insert_with(|| WalletViewRow {
            wallet_id: meta.stream_id.to_string(),
            balance: Decimal::ZERO,
            charges: 0,
        });
        row.charges = add(row.charges, 1)?;
        row.balance = add(row.balance, event.amount)?;
        Ok(())
    }

    fn on_points_granted(
        _: &mut Option<WalletViewRow>,
        _: &PointsGranted,
        _: &Metadata,
    ) -> Result<(), ProjectionError> {
        Ok(())
    }
}

impl AuditHandler for Views {
    const REVISION: u32 = 1;

    type Row = Vec<String>;

    fn key(_: &WalletEvent, meta: &Metadata) -> Result<String, ProjectionError> {
        Ok(meta.stream_id.to_string())
    }

    fn on_charged(
        row: &mut Option<Vec<String>>,
        event: &Charged,
        _: &Metadata,
    ) -> Result<(), ProjectionError> {
        row.get_or_insert_default().push(event.amount.to_string());
        Ok(())
    }
}
