//! A second fold over the wallets' events: a state written by hand, strict about what comes first, of
//! streams that need not be ordered by time.

use std::collections::BTreeMap;

use eventloom_runtime::aggregate::Retention;
use eventloom_runtime::codec::{DecodeError, FieldError, decode_custom, encode_custom};
use eventloom_runtime::command::Emit;
use eventloom_runtime::{Aggregate, ApplyError, Metadata, SnapshotStrategy, Step};

use crate::wallet::{Moved, Named, Wallet, WalletError, WalletEvent};

/// Lines by number and name: a map that is no JSON as soon as it has an entry.
pub(crate) type Lines = BTreeMap<(u64, String), String>;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tab;

impl Aggregate for Tab {
    const NAME: &'static str = Wallet::NAME;
    const PARTITION_KEY: &'static str = Wallet::PARTITION_KEY;
    const SNAPSHOTS: SnapshotStrategy = Wallet::SNAPSHOTS;
    const RETENTION: Retention = Wallet::RETENTION;
    const MEANING: u64 = 0x7ab;
    const READS_METADATA: bool = false;
    const ORDERED_BY_TIME: bool = false;

    type State = Lines;
    type Event = WalletEvent;
    type Error = WalletError;
    type Config = ();

    fn apply(lines: &mut Lines, event: &WalletEvent, _: &Metadata) -> Result<(), ApplyError> {
        let number = lines.len() as u64;
        match event {
            WalletEvent::Named(Named { name }) => {
                lines.insert((number, name.clone()), String::new())
            }
            WalletEvent::Moved(_) if lines.is_empty() => {
                return Err(ApplyError::Custom("it has no name yet".to_owned()));
            }
            WalletEvent::Moved(Moved { entry, amount, .. }) => {
                lines.insert((number, entry.clone()), amount.to_string())
            }
            WalletEvent::LimitHit(_) => None,
        };
        Ok(())
    }

    fn check_event(_: &Step<'_, Self>) -> Result<(), WalletError> {
        Ok(())
    }

    fn check_state(_: &Lines, _: &Lines, (): &()) -> Result<(), WalletError> {
        Ok(())
    }

    fn write_state(state: &Lines, out: &mut Vec<u8>) {
        encode_custom(state, out);
    }

    fn read_state(data: &[u8]) -> Result<Lines, DecodeError> {
        decode_custom(data)
    }
}

impl Emit<Tab> for Moved {
    fn validate(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn into_event(self) -> WalletEvent {
        WalletEvent::Moved(self)
    }
}

impl Emit<Tab> for Named {
    fn validate(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn into_event(self) -> WalletEvent {
        WalletEvent::Named(self)
    }
}
