//! Clocks and ids under a test's control.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::{Clock, Ids};
use crate::values::{Duration, Timestamp, Uuid};

/// 2026-01-01T00:00:00Z, where test clocks start.
pub const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// A clock that stands still until it is moved. Clones are one clock.
#[derive(Clone, Debug)]
pub struct TestClock {
    micros: Arc<AtomicI64>,
}

impl Default for TestClock {
    fn default() -> Self {
        Self::at(START)
    }
}

impl TestClock {
    /// A clock that shows this time.
    pub fn at(time: Timestamp) -> Self {
        Self { micros: Arc::new(AtomicI64::new(time.as_micros())) }
    }

    /// Shows another time, earlier ones included.
    pub fn set(&self, time: Timestamp) {
        self.micros.store(time.as_micros(), Ordering::SeqCst);
    }

    /// Moves on, or back where the span is negative.
    pub fn advance(&self, span: Duration) {
        self.micros.fetch_add(span.as_micros(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.micros.load(Ordering::SeqCst))
    }
}

/// A clock that jumps at every look: forwards, backwards and not at all, in a fixed order.
#[derive(Clone, Debug)]
pub struct JumpingClock {
    jumps: Arc<Vec<i64>>,
    state: Arc<Mutex<(usize, i64)>>,
}

impl JumpingClock {
    /// Starts at [`START`] and moves by the jumps, in microseconds, over and over again.
    pub fn new(jumps: Vec<i64>) -> Self {
        Self { jumps: Arc::new(jumps), state: Arc::new(Mutex::new((0, START.as_micros()))) }
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Timestamp {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (looks, micros) = *state;
        let jump = self.jumps.get(looks % self.jumps.len().max(1)).copied().unwrap_or(0);
        *state = (looks + 1, micros + jump);
        Timestamp::from_micros(micros)
    }
}

/// Ids that count up: the same in every run.
#[derive(Clone, Debug, Default)]
pub struct CountingIds {
    given: Arc<AtomicU64>,
}

impl Ids for CountingIds {
    fn new_id(&self) -> Uuid {
        let number = self.given.fetch_add(1, Ordering::SeqCst) + 1;
        uuid::Builder::from_custom_bytes(u128::from(number).to_be_bytes()).into_uuid()
    }
}
