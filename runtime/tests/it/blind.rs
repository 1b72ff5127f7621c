//! A third fold over the wallets' events: a count that is written as JSON and can't be read back.

use eventloom_runtime::aggregate::Retention;
use eventloom_runtime::codec::DecodeError;
use eventloom_runtime::{Aggregate, ApplyError, Metadata, SnapshotStrategy, Step};

use crate::wallet::{Wallet, WalletError, WalletEvent};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Blind;

impl Aggregate for Blind {
    const NAME: &'static str = Wallet::NAME;
    const PARTITION_KEY: &'static str = Wallet::PARTITION_KEY;
    const SNAPSHOTS: SnapshotStrategy = Wallet::SNAPSHOTS;
    const RETENTION: Retention = Wallet::RETENTION;
    const MEANING: u64 = 0xb11d;
    const READS_METADATA: bool = false;
    const ORDERED_BY_TIME: bool = false;

    type State = u64;
    type Event = WalletEvent;
    type Error = WalletError;
    type Config = ();

    fn apply(count: &mut u64, _: &WalletEvent, _: &Metadata) -> Result<(), ApplyError> {
        *count += 1;
        Ok(())
    }

    fn check_event(_: &Step<'_, Self>) -> Result<(), WalletError> {
        Ok(())
    }

    fn check_state(_: &u64, _: &u64, (): &()) -> Result<(), WalletError> {
        Ok(())
    }

    fn write_state(state: &u64, out: &mut Vec<u8>) {
        out.extend_from_slice(state.to_string().as_bytes());
    }

    fn read_state(_: &[u8]) -> Result<u64, DecodeError> {
        Err(DecodeError::invalid("on purpose"))
    }
}
