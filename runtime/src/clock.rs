//! Clock and ids: the only sources of chance, handed to the repository.

use std::future::Future;

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

/// Random ids that sort by the time they were given: UUID version 7.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// Runs a future to its end on the calling thread: for examples and small programs. A server has a
/// runtime of its own.
///
/// # Panics
/// Inside an asynchronous task, where there is a runtime already: `.await` the future instead.
pub fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime on the calling thread, with nothing but a clock, takes nothing that could be missing")
        .block_on(future)
}
