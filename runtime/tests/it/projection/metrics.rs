//! What a running projection measures, and that it says once when it becomes later than promised and once when it no
//! longer is: told by the figures that a recorder gets, with a clock that the tests move.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use eventloom_runtime::projection::{
    MemoryReadDatabase, Projection, Projector, ProjectorError, ProjectorOptions,
};
use eventloom_runtime::store::{AllPage, EventFilter};
use eventloom_runtime::testing::intercept::{Intercepted, Interceptor};
use eventloom_runtime::testing::spans::{Captured, capture};
use eventloom_runtime::testing::{TestClock, block_on};
use eventloom_runtime::{EventStore, MemoryStore, Position, StoreError};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString,
    Unit,
};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::ledger::{Moves, PromptBalances};
use super::rig::{
    InMemory, Place, SOON, append, append_raw, clock, later, moved, opened, raw_event, tagged,
};
use super::unreliable::Unreliable;

const LAG_EVENTS: &str = "eventloom_projection_lag_events";
const LAG_SECONDS: &str = "eventloom_projection_lag_seconds";
const LATE: &str = "eventloom_projection_late_total";
const POISON: &str = "eventloom_projection_poison_events";
const POSITION: &str = "eventloom_projection_position";
const WINDOW: &str = "eventloom_projection_consistency_window_seconds";

/// The figures of one projection as a recorder gets them.
#[derive(Clone, Default)]
struct Figures {
    values: Arc<Mutex<HashMap<String, Arc<Figure>>>>,
    units: Arc<Mutex<HashMap<String, Option<Unit>>>>,
    recorded: Arc<Notify>,
}

#[derive(Default)]
struct Figure {
    labels: Vec<(String, String)>,
    /// A gauge's bits, a counter's count.
    value: AtomicU64,
    times: AtomicU64,
    recorded: Arc<Notify>,
}

impl Figure {
    fn store(&self, value: u64) {
        self.value.store(value, Ordering::SeqCst);
        self.times.fetch_add(1, Ordering::SeqCst);
        self.recorded.notify_waiters();
    }
}

impl CounterFn for Figure {
    fn increment(&self, value: u64) {
        self.store(self.value.load(Ordering::SeqCst) + value);
    }

    fn absolute(&self, value: u64) {
        self.store(value);
    }
}

#[expect(clippy::disallowed_types, reason = "gauges of `metrics` are floats")]
impl GaugeFn for Figure {
    fn increment(&self, _: f64) {
        unreachable!("gauges are set")
    }

    fn decrement(&self, _: f64) {
        unreachable!("gauges are set")
    }

    fn set(&self, value: f64) {
        self.store(value.to_bits());
    }
}

impl Figures {
    fn figure(&self, key: &Key) -> Arc<Figure> {
        let mut values = self.values.lock().expect("no panic");
        let labels = || key.labels().map(|it| (it.key().to_owned(), it.value().to_owned()));
        let new = || {
            let (labels, recorded) = (labels().collect(), Arc::clone(&self.recorded));
            Arc::new(Figure { labels, recorded, ..Figure::default() })
        };
        let known = values.entry(key.name().to_owned()).or_insert_with(new);
        assert!(labels().eq(known.labels.iter().cloned()), "one projection is measured");
        Arc::clone(known)
    }

    fn get(&self, name: &str) -> Option<Arc<Figure>> {
        self.values.lock().expect("no panic").get(name).cloned()
    }

    fn count(&self, name: &str) -> Option<u64> {
        self.get(name).map(|it| it.value.load(Ordering::SeqCst))
    }

    fn times(&self, name: &str) -> u64 {
        self.get(name).map_or(0, |it| it.times.load(Ordering::SeqCst))
    }

    /// The value of a gauge in thousandths.
    #[expect(clippy::disallowed_types, clippy::float_arithmetic, reason = "gauges are floats")]
    fn gauge(&self, name: &str) -> Option<i64> {
        self.count(name).map(|bits| (f64::from_bits(bits) * 1_000.0).round() as i64)
    }

    /// Waits until something holds of what has been recorded.
    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let wait = async {
            loop {
                let recorded = self.recorded.notified();
                if holds(self) {
                    return;
                }
                recorded.await;
            }
        };
        let waited = timeout(SOON, wait).await;
        assert!(waited.is_ok(), "not in half a minute: {what}");
    }

    /// Waits until the time was looked at so often.
    async fn looks(&self, times: u64) {
        let until = self.times(LAG_SECONDS) + times;
        self.until("looks at the time", |it| it.times(LAG_SECONDS) >= until).await;
    }
}

impl Recorder for Figures {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        self.units.lock().expect("no panic").insert(key.as_str().to_owned(), unit);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        self.units.lock().expect("no panic").insert(key.as_str().to_owned(), unit);
    }

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        unreachable!("there is no histogram")
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.figure(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.figure(key))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        unreachable!("there is no histogram")
    }
}

/// Runs a test on this thread, with a recorder of its own; gives what was said.
fn measured<F: Future<Output = ()>>(test: impl FnOnce(Figures) -> F) -> Vec<Captured> {
    let figures = Figures::default();
    let ((), said) =
        capture(|| metrics::with_local_recorder(&figures, || block_on(test(figures.clone()))));
    said
}

fn options(clock: &TestClock) -> ProjectorOptions {
    ProjectorOptions { clock: Arc::new(clock.clone()), ..ProjectorOptions::default() }
}

type PromptProjector<S, D> = Projector<PromptBalances, S, D>;

async fn prompt(
    place: &InMemory,
    clock: &TestClock,
) -> PromptProjector<MemoryStore, MemoryReadDatabase> {
    let (store, rows) = (place.store().clone(), place.rows().clone());
    Projector::open_with(store, rows, options(clock)).await.expect("the projection opens")
}

/// Runs a projection beside a piece of work, on the thread whose recorder is listening, and stops it then.
async fn beside(
    run: impl Future<Output = Result<(), ProjectorError>>,
    work: impl Future<Output = ()>,
) {
    tokio::select! {
        ended = run => panic!("it ended: {ended:?}"),
        () = work => {}
    }
}

/// How often it was said that something begins, and that it ends.
fn alarms(said: &[Captured]) -> (usize, usize) {
    let count = |level: &str, text: &str| {
        let is_it = |it: &&Captured| {
            it.level == level && it.field("message").is_some_and(|it| it.contains(text))
        };
        said.iter().filter(is_it).count()
    };
    (count("WARN", "consistencyWindow promises"), count("INFO", "within consistencyWindow again"))
}

#[test]
fn a_runner_measures_position_lag_and_poison() {
    measured(|figures| async move {
        let (place, clock) = (InMemory::new().await, clock());
        append(place.store(), "a", 0, &[opened("Ada"), tagged("x")]).await;
        append(place.store(), "b", 0, &[moved(1)]).await;
        let balances = prompt(&place, &clock).await;
        beside(balances.run(std::future::pending()), async {
            figures.until("it came up", |it| it.gauge(POISON) == Some(1_000)).await;
            assert_eq!(figures.gauge(POSITION), Some(3_000));
            assert_eq!((figures.gauge(LAG_EVENTS), figures.gauge(LAG_SECONDS)), (Some(0), Some(0)));
            assert_eq!(figures.gauge(WINDOW), Some(500));
            assert_eq!(figures.count(LATE), Some(0), "a counter is there before it counts");
            balances.skip_poison(1 + 2, "Olga", "opened never").await.expect("it is skipped");
            append(place.store(), "a", 2, &[moved(1)]).await;
            figures.until("it came up again", |it| it.gauge(POSITION) == Some(4_000)).await;
            figures.until("nothing is poison", |it| it.gauge(POISON) == Some(0)).await;
        })
        .await;
        for name in [POSITION, LAG_EVENTS, LAG_SECONDS, POISON, WINDOW, LATE] {
            let figure = figures.get(name).expect(name);
            let labels: Vec<_> =
                figure.labels.iter().map(|(name, value)| (&**name, &**value)).collect();
            let database = PromptBalances::DATABASE;
            let expected = [("projection", "Ledger.PromptBalances"), ("database", database)];
            assert_eq!(labels, expected, "{name}");
            let unit = figures.units.lock().expect("no panic")[name];
            let expected = if name.ends_with("_seconds") { Unit::Seconds } else { Unit::Count };
            assert_eq!(unit, Some(expected), "{name}");
        }
    });
}

/// The story: a batch that can't be written tells nothing of lateness, for it never passes. A read database was full for
/// an hour, and the promised half second was kept as far as anybody was told.
#[test]
fn a_stuck_runner_says_once_that_it_is_late_and_once_that_it_is_not() {
    let said = measured(|figures| async move {
        let (place, clock) = (InMemory::new().await, clock());
        let rows = Unreliable::new(place.rows().clone(), []);
        let balances =
            PromptProjector::open_with(place.store().clone(), rows.clone(), options(&clock));
        let balances = balances.await.expect("the projection opens");
        balances.catch_up().await.expect("the empty store is caught up with");
        rows.fail_from_now_on();
        append(place.store(), "a", 0, &[opened("Ada"), moved(1)]).await;
        beside(balances.run(std::future::pending()), async {
            figures.until("two wait", |it| it.gauge(LAG_EVENTS) == Some(2_000)).await;
            assert_eq!(figures.count(LATE), Some(0), "half a second has not passed");
            clock.set(later(600_000));
            figures.until("it is late", |it| it.count(LATE) == Some(1)).await;
            assert_eq!(figures.gauge(LAG_SECONDS), Some(600));
            clock.set(later(60_000_000));
            figures.looks(3).await;
            assert_eq!(figures.gauge(LAG_SECONDS), Some(60_000));
            rows.mend();
            figures.until("it came up", |it| it.gauge(POSITION) == Some(2_000)).await;
            figures.until("nothing waits", |it| it.gauge(LAG_EVENTS) == Some(0)).await;
            figures.looks(3).await;
            assert_eq!(figures.count(LATE), Some(1));
        })
        .await;
    });
    assert_eq!(alarms(&said), (1, 1), "{said:?}");
    let begin = said.iter().find(|it| it.level == "WARN" && it.field("window").is_some());
    let begin = begin.expect("an alarm");
    let fields = ["projection", "lag", "window"].map(|name| begin.field(name));
    assert_eq!(fields, [Some("Ledger.PromptBalances"), Some("PT0.6S"), Some("PT0.5S")]);
}

/// While its store is away a runner can't know what has come; it can't promise either.
#[test]
fn a_runner_whose_store_is_away_says_once_that_it_may_be_late() {
    let said = measured(|figures| async move {
        let (place, clock) = (InMemory::new().await, clock());
        let away = Away::default();
        let store = Intercepted::new(place.store().clone(), away.clone());
        let balances = PromptProjector::open_with(store, place.rows().clone(), options(&clock));
        let balances = balances.await.expect("the projection opens");
        append(place.store(), "a", 0, &[opened("Ada")]).await;
        balances.catch_up().await.expect("it catches up");
        away.0.store(true, Ordering::SeqCst);
        beside(balances.run(std::future::pending()), async {
            figures.looks(2).await;
            assert_eq!(figures.count(LATE), Some(0), "half a second has not passed");
            clock.set(later(700_000));
            figures.until("it may be late", |it| it.count(LATE) == Some(1)).await;
            assert_eq!(figures.gauge(LAG_SECONDS), Some(700));
            figures.looks(3).await;
            away.0.store(false, Ordering::SeqCst);
            figures.until("nothing waits", |it| it.gauge(LAG_SECONDS) == Some(0)).await;
            figures.looks(3).await;
        })
        .await;
        assert_eq!(figures.count(LATE), Some(1));
    });
    assert_eq!(alarms(&said), (1, 1), "{said:?}");
    let told = said.iter().filter_map(|it| it.field("message"));
    assert_eq!(told.filter(|it| it.contains("whether events wait is not known")).count(), 1);
}

/// Batches that all come late were an alarm each, with the end of one between two of them.
#[test]
fn late_batches_are_one_alarm() {
    let said = measured(|figures| async move {
        let (place, clock) = (InMemory::new().await, clock());
        let balances = prompt(&place, &clock).await;
        balances.catch_up().await.expect("the empty store is caught up with");
        clock.set(later(600_000));
        beside(balances.run(std::future::pending()), async {
            for number in 1..=5 {
                let entry = if number == 1 { opened("Ada") } else { moved(1) };
                append(place.store(), "a", number - 1, &[entry]).await;
                figures
                    .until("it came up", |it| it.gauge(POSITION) == Some(1_000 * number as i64))
                    .await;
            }
            assert_eq!(figures.count(LATE), Some(1));
        })
        .await;
    });
    assert_eq!(alarms(&said).0, 1, "{said:?}");
}

/// Rows that are built for the first time can't be read, and are not late.
#[test]
fn a_first_build_is_not_late() {
    let said = measured(|figures| async move {
        let (place, clock) = (InMemory::new().await, clock());
        append(place.store(), "a", 0, &[opened("Ada"), moved(1)]).await;
        clock.set(later(60_000_000));
        let rows = Unreliable::new(place.rows().clone(), []);
        rows.fail_from_now_on();
        let balances =
            PromptProjector::open_with(place.store().clone(), rows.clone(), options(&clock));
        let balances = balances.await.expect("the projection opens");
        beside(balances.run(std::future::pending()), async {
            figures.until("a look", |it| it.gauge(LAG_SECONDS) == Some(60_000)).await;
            figures.looks(2).await;
            rows.mend();
            figures.until("it came up", |it| it.gauge(POSITION) == Some(2_000)).await;
        })
        .await;
        assert_eq!(figures.count(LATE), Some(0));
    });
    assert_eq!(alarms(&said), (0, 0), "{said:?}");
}

/// The hot path stays as it was: whoever keeps up asks for nothing more than before.
#[test]
fn a_runner_that_keeps_up_asks_the_store_nothing_to_be_measured() {
    measured(|figures| async move {
        let (place, clock) = (InMemory::new().await, clock());
        let asked = Asked::default();
        let store = Intercepted::new(place.store().clone(), asked.clone());
        let balances = PromptProjector::open_with(store, place.rows().clone(), options(&clock));
        let balances = balances.await.expect("the projection opens");
        beside(balances.run(std::future::pending()), async {
            for number in 1..=20 {
                let entry = if number == 1 { opened("Ada") } else { moved(1) };
                append(place.store(), "a", number - 1, &[entry]).await;
                figures
                    .until("it came up", |it| it.gauge(POSITION) == Some(1_000 * number as i64))
                    .await;
            }
        })
        .await;
        assert_eq!(asked.single.load(Ordering::SeqCst), 0, "no event was read to learn its age");
    });
}

/// A projection that an event stopped is measured where it ended, and from then on by whoever asks.
#[test]
fn a_stopped_runner_is_measured_where_it_ended() {
    measured(|figures| async move {
        let (place, clock) = (InMemory::new().await, clock());
        append(place.store(), "a", 0, &[moved(1), moved(3)]).await;
        let (store, rows) = (place.store().clone(), place.rows().clone());
        let moves = Projector::<Moves, _, _>::open_with(store, rows, options(&clock)).await;
        let moves = moves.expect("the projection opens");
        clock.set(later(2_000_000));
        append_raw(place.store(), "a", 2, vec![raw_event("a", 3, "Moved", 9, b"{}".to_vec())])
            .await;

        moves.run(std::future::pending()).await.expect_err("it halts");

        let read = |name| figures.gauge(name);
        assert_eq!(
            (read(POSITION), read(LAG_EVENTS), read(LAG_SECONDS)),
            (Some(2_000), Some(1_000), Some(2_000))
        );
        clock.set(later(3_000_000));
        moves.status().await.expect("a status");
        assert_eq!(figures.gauge(LAG_SECONDS), Some(3_000));
    });
}

/// A store that can't be reached while that is set.
#[derive(Clone, Default)]
struct Away(Arc<AtomicBool>);

impl Away {
    fn check(&self) -> Result<(), StoreError> {
        match self.0.load(Ordering::SeqCst) {
            true => Err(StoreError::Unavailable("it is away".to_owned())),
            false => Ok(()),
        }
    }
}

impl<S: EventStore> Interceptor<S> for Away {
    async fn head(&self, store: &S) -> Result<Position, StoreError> {
        self.check()?;
        store.head().await
    }

    async fn read_all(
        &self,
        store: &S,
        after: Position,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<AllPage, StoreError> {
        self.check()?;
        store.read_all(after, filter, limit).await
    }
}

/// Counts what is read of a store one event at a time, by type: to learn its age.
#[derive(Clone, Default)]
struct Asked {
    single: Arc<AtomicU64>,
}

impl<S: EventStore> Interceptor<S> for Asked {
    async fn read_all(
        &self,
        store: &S,
        after: Position,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<AllPage, StoreError> {
        if limit == 1 && !filter.types.is_empty() {
            self.single.fetch_add(1, Ordering::SeqCst);
        }
        store.read_all(after, filter, limit).await
    }
}
