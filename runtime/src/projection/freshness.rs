//! [`Freshness`]: whether the rows of a projection are as fresh as `consistencyWindow` promises, and who is told.
//!
//! Each page tells it how late it is. A page that never comes tells nothing: so a runner has somebody beside it who looks
//! at the time ([`Projector::watch`]), and asks the store how much is waiting when the runner has not come to its end for a
//! while. Nothing is asked while the runner keeps up.

use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration as Time;

use tokio::time::{sleep, timeout};

use super::lag::{Lag, age, window};
use super::meter::{Gauge, Meter};
use super::{
    Projection, ProjectionName, ProjectionStatus, Projector, ProjectorError, ReadDatabase,
};
use crate::metadata::Position;
use crate::store::EventStore;
use crate::values::{Duration, Timestamp};

/// How often it is looked whether the runner keeps up: twice within the window, between these.
const LOOK_EVERY: (Time, Time) = (Time::from_millis(250), Time::from_secs(1));
/// How long an answer of the store or the read database is waited for.
const PATIENCE: Time = Time::from_secs(1);

/// Whether the rows are as fresh as promised, as far as is known.
pub(super) struct Freshness {
    projection: ProjectionName,
    window: Option<Duration>,
    meter: Meter,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Whether it was told last that they are late.
    late: bool,
    /// Whether somebody looks at the time.
    watched: bool,
    /// Whether the runner has nothing to do.
    idle: bool,
    /// Whether it came to the end of the store since the last look.
    came_up: bool,
    /// Whether a page was late since the last look.
    late_page: bool,
    /// When the rows were last known to show everything, or the runner began.
    fresh_at: Option<Timestamp>,
}

/// How the lag is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Evidence {
    /// From an event that waits, or waited.
    Event,
    /// From the time since the store was last heard of: what has come since is not known.
    Silence,
}

impl Freshness {
    pub(super) fn new<P: Projection>() -> Self {
        Self {
            projection: ProjectionName::of::<P>(),
            window: window::<P>(),
            meter: Meter::new(ProjectionName::of::<P>(), P::DATABASE),
            known: Mutex::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing panics while it is held.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The runner has something to do.
    pub(super) fn works(&self) {
        self.known().idle = false;
    }

    /// Looks at a page that has just been written: up to where, and when its first event was recorded. Rows that are
    /// built for the first time, and can't be read yet, are not late.
    pub(super) fn passed(
        &self,
        seen: Position,
        oldest: Option<Timestamp>,
        complete: bool,
        now: Timestamp,
    ) {
        self.meter.set(Gauge::Position, seen);
        let Some(oldest) = oldest else { return };
        let lag = age(oldest, now);
        self.meter.set_time(Gauge::LagTime, lag);
        if !complete {
            return;
        }
        let watched = {
            let mut known = self.known();
            known.late_page |= self.is_late(lag);
            known.watched
        };
        // Where somebody looks at the time he tells the end, so that not each page begins it anew.
        if self.is_late(lag) || !watched {
            self.tell(lag, Evidence::Event);
        }
    }

    /// The rows show everything that the store has.
    pub(super) fn came_up(&self, seen: Position, poison: usize, now: Timestamp) {
        let mut known = self.known();
        (known.idle, known.came_up, known.fresh_at) = (true, true, Some(now));
        drop(known);
        self.meter.set(Gauge::Position, seen);
        self.meter.set(Gauge::PoisonEvents, poison as u64);
        self.measured(Lag { events: 0, time: Duration::ZERO });
    }

    fn measured(&self, lag: Lag) {
        self.meter.set(Gauge::LagEvents, lag.events);
        self.meter.set_time(Gauge::LagTime, lag.time);
    }

    /// Records what an operator is told.
    pub(super) fn record(&self, status: &ProjectionStatus) {
        self.meter.set(Gauge::Position, status.position);
        self.meter.set(Gauge::PoisonEvents, status.poison.len() as u64);
        self.measured(status.lag);
    }

    /// Whether the runner keeps up. Where it does, and no page was late since the last look, the rows are fresh.
    fn keeps_up(&self, now: Timestamp) -> bool {
        let mut known = self.known();
        let keeps_up = known.idle || known.came_up;
        let was_late = std::mem::take(&mut known.late_page);
        known.came_up = false;
        if keeps_up {
            known.fresh_at = Some(now);
        }
        drop(known);
        if keeps_up && !was_late {
            self.tell(Duration::ZERO, Evidence::Event);
        }
        keeps_up
    }

    /// A look found so much waiting.
    fn found(&self, lag: Lag, complete: bool, now: Timestamp) {
        self.known().fresh_at = now.checked_sub(lag.time);
        self.measured(lag);
        if complete {
            self.tell(lag.time, Evidence::Event);
        }
    }

    /// A look found nobody who answers: the rows may be as late as that has lasted.
    fn found_nobody(&self, complete: bool, now: Timestamp) {
        let fresh_at = self.known().fresh_at;
        let lag = fresh_at.map_or(Duration::ZERO, |fresh_at| age(fresh_at, now));
        self.meter.set_time(Gauge::LagTime, lag);
        if complete {
            self.tell(lag, Evidence::Silence);
        }
    }

    fn is_late(&self, lag: Duration) -> bool {
        self.window.is_some_and(|window| lag > window)
    }

    /// Speaks up where it begins or ends that the rows are late.
    fn tell(&self, lag: Duration, evidence: Evidence) {
        let Some(window) = self.window else { return };
        let late = self.is_late(lag);
        if std::mem::replace(&mut self.known().late, late) == late {
            return;
        }
        let projection = self.projection;
        if !late {
            tracing::info!(%projection, %lag, %window, "rows are within consistencyWindow again");
            return;
        }
        self.meter.late();
        match evidence {
            Evidence::Event => {
                tracing::warn!(%projection, %lag, %window, "rows are later than consistencyWindow promises");
            }
            Evidence::Silence => {
                tracing::warn!(
                    %projection, %lag, %window,
                    "rows may be later than consistencyWindow promises: whether events wait is not known"
                );
            }
        }
    }

    fn look_every(&self) -> Time {
        let micros = self.window.and_then(|window| u64::try_from(window.as_micros()).ok());
        let (least, most) = LOOK_EVERY;
        micros.map_or(most, |micros| (Time::from_micros(micros) / 2).clamp(least, most))
    }
}

/// While this lives, somebody looks at the time.
struct Watched<'a>(&'a Freshness);

impl<'a> Watched<'a> {
    fn begin(freshness: &'a Freshness, now: Timestamp) -> Self {
        freshness.meter.describe();
        if let Some(window) = freshness.window {
            freshness.meter.set_time(Gauge::Window, window);
        }
        let mut known = freshness.known();
        known.watched = true;
        known.fresh_at.get_or_insert(now);
        Self(freshness)
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.0.known().watched = false;
    }
}

impl<P: Projection, S: EventStore, D: ReadDatabase> Projector<P, S, D> {
    /// Looks beside a runner whether it keeps up, for as long as it is let.
    pub(super) async fn watch(&self) -> Infallible {
        let (freshness, clock) = (&self.shared.freshness, &self.shared.options.clock);
        let _watched = Watched::begin(freshness, clock.now());
        loop {
            sleep(freshness.look_every()).await;
            if freshness.keeps_up(clock.now()) {
                continue;
            }
            // What is wrong is told by the runner, to whom it happens too.
            let measured = timeout(PATIENCE, self.measure()).await.ok().and_then(Result::ok);
            let complete = self.shared.reached.borrow().complete;
            match measured {
                Some((lag, complete)) => freshness.found(lag, complete, clock.now()),
                None => freshness.found_nobody(complete, clock.now()),
            }
        }
    }

    /// How much waits, and whether the rows can be read. Where the read database doesn't tell how far they are, this
    /// process's runner does.
    async fn measure(&self) -> Result<(Lag, bool), ProjectorError> {
        let (position, complete) = match self.checkpoint().await {
            Ok(checkpoint) => (self.position(checkpoint), checkpoint.complete),
            Err(_) => {
                let reached = *self.shared.reached.borrow();
                (reached.position, reached.complete)
            }
        };
        Ok((self.lag_after(position).await?, complete))
    }

    /// Records where a runner ended that goes no further; whoever asks for the status records it from then on.
    pub(super) async fn record_the_end(&self) {
        // What it ended with is told; this is an extra.
        let _ = timeout(PATIENCE, self.status()).await;
    }
}
