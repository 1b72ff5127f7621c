//! Clock and ids: the only sources of chance, handed to the repository.

use std::cell::RefCell;
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
    /// An id never given before: of an event, or of a command.
    fn new_id(&self) -> Uuid;

    /// The next id that a decision asks for by `new_id()`. A test may name these and no others.
    fn decided_id(&self) -> Uuid {
        self.new_id()
    }
}

/// Random ids that sort by the millisecond in which they were given: UUID version 7.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn new_id(&self) -> Uuid {
        let micros = u64::try_from(Timestamp::now().as_micros()).unwrap_or(0);
        let random = RANDOM.with_borrow_mut(RandomPool::take);
        uuid::Builder::from_unix_timestamp_millis(micros / 1_000, &random).into_uuid()
    }
}

/// Random bytes of one id.
type IdBytes = [u8; 10];

/// Random bytes of the operating system, fetched for many ids at a time: asking for each costs more
/// than all else about an id.
struct RandomPool {
    ids: [IdBytes; 128],
    left: usize,
}

thread_local! {
    static RANDOM: RefCell<RandomPool> =
        const { RefCell::new(RandomPool { ids: [[0; 10]; 128], left: 0 }) };
}

impl RandomPool {
    fn take(&mut self) -> IdBytes {
        if self.left == 0 {
            getrandom::fill(self.ids.as_flattened_mut())
                .expect("an operating system that has no random bytes runs no program of ours");
            self.left = self.ids.len();
        }
        self.left -= 1;
        self.ids[self.left]
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
