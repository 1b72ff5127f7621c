//! The bank's read models in the same thin coat.

use std::any::Any as Something;

use eventloom_runtime::codec::DecodeError;
use eventloom_runtime::projection::{Column, Consistency, ProjectionError, Value};
use eventloom_runtime::{Metadata, Projection};
use eventloom_tests::goldens::bank::bank_account as sound;
use eventloom_tests::goldens::bank::bank_account::{
    AccountBalanceViewRow, TransactionHistoryViewKey, TransactionHistoryViewRow,
};

use crate::bank::{BankAccountEvent, next_number};
use crate::mutations::Mutation as M;

macro_rules! views {
    ($($name:ident: $key:ty => $row:ty;)+) => {$(
        /// The read model of that name.
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name;

        impl Projection for $name {
            const NAME: &'static str = sound::$name::NAME;
            const DATABASE: &'static str = sound::$name::DATABASE;
            const TABLE: &'static str = sound::$name::TABLE;
            const CONSISTENCY: Consistency = sound::$name::CONSISTENCY;
            const MEANING: u64 = sound::$name::MEANING;
            const AGGREGATE: &'static str = sound::$name::AGGREGATE;
            const SOURCES: &'static [&'static str] = sound::$name::SOURCES;
            const COLUMNS: &'static [Column] = sound::$name::COLUMNS;
            const KEY_COLUMNS: usize = sound::$name::KEY_COLUMNS;
            const KEY_IS_STREAM: bool = sound::$name::KEY_IS_STREAM;
            const READS_METADATA: bool = sound::$name::READS_METADATA;

            type Event = BankAccountEvent;
            type Key = $key;
            type Row = $row;

            fn key(
                event: &BankAccountEvent,
                meta: &Metadata,
            ) -> Result<Option<$key>, ProjectionError> {
                sound::$name::key(&event.0, meta)
            }

            fn fold(
                row: &mut Option<$row>,
                event: &BankAccountEvent,
                meta: &Metadata,
            ) -> Result<(), ProjectionError> {
                if M::a_view_writes_no_row.is_on() {
                    return Ok(());
                }
                sound::$name::fold(row, &event.0, meta)?;
                if let Some(row) = row {
                    misfold(row, &event.0);
                }
                Ok(())
            }

            fn key_values(key: &$key) -> Vec<Value> {
                sound::$name::key_values(key)
            }

            fn row_values(row: &$row) -> Vec<Value> {
                sound::$name::row_values(row)
            }

            fn row(values: Vec<Value>) -> Result<$row, DecodeError> {
                sound::$name::row(values)
            }

            fn key_of(row: &$row) -> $key {
                sound::$name::key_of(row)
            }
        }
    )+};
}

views! {
    AccountBalanceView: String => AccountBalanceViewRow;
    TransactionHistoryView: TransactionHistoryViewKey => TransactionHistoryViewRow;
}

fn misfold(row: &mut dyn Something, event: &sound::BankAccountEvent) {
    use sound::BankAccountEvent as E;
    let number = || i64::try_from(next_number()).unwrap_or(i64::MAX);
    if let Some(row) = row.downcast_mut::<AccountBalanceViewRow>() {
        match (M::on(), event) {
            (Some(M::a_row_depends_on_the_run), _) => row.version += number(),
            (Some(M::a_row_is_read_after_the_change), E::MoneyDeposited(event)) => {
                row.balance += event.amount;
            }
            (Some(M::a_mirror_drifts), _) => row.balance = row.balance.round_dp(0),
            (Some(M::a_column_is_one_behind), _) => row.version -= 1,
            _ => {}
        }
    }
    if let Some(row) = row.downcast_mut::<TransactionHistoryViewRow>()
        && M::a_row_depends_on_the_run.is_on()
    {
        row.sequence += number();
    }
}
