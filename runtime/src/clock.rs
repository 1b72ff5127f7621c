//! Clock and ids: the only sources of chance, handed to the repository.

use crate::values::{Timestamp, Uuid};

/// Where a repository takes the time from.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The clock of the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Where a repository takes new ids from.
pub trait Ids: Send + Sync + 'static {
    /// An id never given before.
    fn new_id(&self) -> Uuid;
}
