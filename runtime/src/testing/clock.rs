//! Clocks and ids under a test's control.

use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::{Clock, Ids, RandomIds};
use crate::testing::failure::{Check, Failure};
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

/// What `new_id()` gives in decisions, one after the other. Events and commands have random ids beside
/// them. Clones share what is left.
#[derive(Clone, Debug)]
pub struct GivenIds {
    named: Arc<Vec<Uuid>>,
    asked: Arc<AtomicUsize>,
}

impl GivenIds {
    /// These ids, in this order.
    pub fn new(named: Vec<Uuid>) -> Self {
        Self { named: Arc::new(named), asked: Arc::default() }
    }

    /// `new_id()` was asked for no more ids than there are.
    ///
    /// # Errors
    /// How many there are, and how many were asked for.
    pub fn suffice(&self) -> Check {
        let (named, asked) = (self.named.len(), self.asked.load(Ordering::SeqCst));
        match asked <= named {
            true => Ok(()),
            false => Err(self.otherwise("too few ids are given for what `new_id()` is asked for")),
        }
    }

    /// `new_id()` was asked for each of them.
    ///
    /// # Errors
    /// Those that are left.
    pub fn none_is_left(&self) -> Check {
        let left = self.named.iter().skip(self.asked.load(Ordering::SeqCst));
        let left: Vec<String> = left.map(ToString::to_string).collect();
        match left.is_empty() {
            true => Ok(()),
            false => {
                let failure = self.otherwise("ids are given that `new_id()` was never asked for");
                Err(failure.with("left", left.join(", ")))
            }
        }
    }

    fn otherwise(&self, what: &str) -> Failure {
        Failure::new(what)
            .with("given", self.named.len().to_string())
            .with("asked for", self.asked.load(Ordering::SeqCst).to_string())
    }
}

impl Ids for GivenIds {
    fn new_id(&self) -> Uuid {
        RandomIds.new_id()
    }

    /// One that is asked for too much is random: [`Self::suffice`] tells of it.
    fn decided_id(&self) -> Uuid {
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        self.named.get(number).copied().unwrap_or_else(|| RandomIds.new_id())
    }
}
