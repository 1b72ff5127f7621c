//! [`Meter`]: what is measured of a projection, for the recorder that the program installed with the crate `metrics`.
//!
//! Names follow Prometheus: base units, `_total` for what only grows. Without the feature `metrics` nothing is recorded.

#[cfg(feature = "metrics")]
use metrics::{Key, Label, Level, Metadata, Unit, with_recorder};

use super::ProjectionName;
use crate::values::Duration;

/// A gauge of a projection.
#[derive(Clone, Copy)]
pub(super) enum Gauge {
    /// Everything up to this position of the event store is in the rows, parked, or skipped.
    Position,
    /// Positions of the event store that have not been looked at.
    LagEvents,
    /// Events that wait for an operator's decision.
    PoisonEvents,
    /// A time: the age of the oldest event that is not in the rows.
    LagTime,
    /// A time: the lag that `consistencyWindow` promises.
    Window,
}

/// In the order of [`Gauge`].
#[cfg(feature = "metrics")]
const GAUGES: [(&str, Unit, &str); 5] = [
    (
        "eventloom_projection_position",
        Unit::Count,
        "position of the event store up to which everything is in the rows, parked, or skipped",
    ),
    (
        "eventloom_projection_lag_events",
        Unit::Count,
        "positions of the event store that have not been looked at",
    ),
    (
        "eventloom_projection_poison_events",
        Unit::Count,
        "events that could not be folded and wait for a decision",
    ),
    (
        "eventloom_projection_lag_seconds",
        Unit::Seconds,
        "age of the oldest event that is not in the rows",
    ),
    (
        "eventloom_projection_consistency_window_seconds",
        Unit::Seconds,
        "the lag that consistencyWindow promises",
    ),
];

#[cfg(feature = "metrics")]
const LATE: (&str, Unit, &str) = (
    "eventloom_projection_late_total",
    Unit::Count,
    "times that the rows became later than consistencyWindow promises",
);

#[cfg(feature = "metrics")]
const METADATA: Metadata<'static> =
    Metadata::new("eventloom_runtime", Level::INFO, Some(module_path!()));

/// What is measured of one projection.
pub(super) struct Meter {
    #[cfg(feature = "metrics")]
    gauges: [Key; 5],
    #[cfg(feature = "metrics")]
    late: Key,
}

#[cfg(feature = "metrics")]
impl Meter {
    /// A meter of a projection whose target is in a database of this name.
    pub(super) fn new(projection: ProjectionName, database: &'static str) -> Self {
        let labels = vec![
            Label::new("projection", projection.to_string()),
            Label::new("database", database),
        ];
        let key = |name| Key::from_parts(name, labels.clone());
        Self { gauges: GAUGES.map(|(name, ..)| key(name)), late: key(LATE.0) }
    }

    /// Tells a recorder what the figures mean, and that nothing has been late yet.
    pub(super) fn describe(&self) {
        with_recorder(|recorder| {
            for (name, unit, text) in GAUGES {
                recorder.describe_gauge(name.into(), Some(unit), text.into());
            }
            let (name, unit, text) = LATE;
            recorder.describe_counter(name.into(), Some(unit), text.into());
            recorder.register_counter(&self.late, &METADATA).increment(0);
        });
    }

    // The facade's gauges are floats. Counts are exact in them up to 2^53.
    #[expect(
        clippy::disallowed_types,
        reason = "gauges of `metrics` are floats; no money is among them"
    )]
    pub(super) fn set(&self, gauge: Gauge, value: u64) {
        self.gauge(gauge).set(value as f64);
    }

    pub(super) fn set_time(&self, gauge: Gauge, value: Duration) {
        let micros = u64::try_from(value.as_micros()).unwrap_or(0);
        self.gauge(gauge).set(std::time::Duration::from_micros(micros));
    }

    fn gauge(&self, gauge: Gauge) -> metrics::Gauge {
        with_recorder(|recorder| recorder.register_gauge(&self.gauges[gauge as usize], &METADATA))
    }

    /// Counts that the rows became late.
    pub(super) fn late(&self) {
        with_recorder(|recorder| recorder.register_counter(&self.late, &METADATA).increment(1));
    }
}

#[cfg(not(feature = "metrics"))]
impl Meter {
    pub(super) fn new(_: ProjectionName, _: &'static str) -> Self {
        Self {}
    }

    pub(super) fn describe(&self) {}

    pub(super) fn set(&self, _: Gauge, _: u64) {}

    pub(super) fn set_time(&self, _: Gauge, _: Duration) {}

    pub(super) fn late(&self) {}
}
