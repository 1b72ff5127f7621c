//! What a repository is set up with.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::Repository;
use super::cache::Cache;
use crate::aggregate::Aggregate;
use crate::clock::{Clock, Ids, RandomIds, SystemClock};
use crate::event::DomainEvent;
use crate::store::{EventStore, StoreError};

/// What a repository works with.
pub(super) struct Settings {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn Ids>,
    pub(super) retries: RetryPolicy,
    pub(super) page_size: usize,
}

/// How often and how patiently a command is decided again when others change its stream first, and
/// an append is looked for whose outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// At most so many attempts in all.
    pub attempts: u32,
    /// The longest pause before the second attempt; it doubles with every further one.
    pub first_pause: Duration,
    /// No pause is longer.
    pub longest_pause: Duration,
}

impl Default for RetryPolicy {
    /// Twenty attempts over about a second.
    fn default() -> Self {
        Self {
            attempts: 20,
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(100),
        }
    }
}

impl RetryPolicy {
    /// The pause after so many attempts: a random part of the longest one, so that those who met
    /// once don't meet again. None after the last attempt.
    pub(super) fn pause(&self, attempts: u32) -> Option<Duration> {
        if attempts >= self.attempts {
            return None;
        }
        let doubled = self.first_pause.saturating_mul(1 << (attempts - 1).min(20));
        let longest = doubled.min(self.longest_pause).as_micros();
        let longest = u64::try_from(longest).unwrap_or(u64::MAX);
        Some(Duration::from_micros(fastrand::u64(0..=longest)))
    }
}

/// Sets a repository up: see [`Repository::builder`].
pub struct RepositoryBuilder<A: Aggregate, S> {
    settings: Settings,
    config: A::Config,
    cache_size: usize,
    opens: PhantomData<fn(S) -> A>,
}

impl<A: Aggregate, S: EventStore> Default for RepositoryBuilder<A, S> {
    fn default() -> Self {
        let settings = Settings {
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            retries: RetryPolicy::default(),
            page_size: 1_000,
        };
        Self { settings, config: A::Config::default(), cache_size: 4_096, opens: PhantomData }
    }
}

impl<A: Aggregate, S: EventStore> RepositoryBuilder<A, S> {
    /// Takes the time from this clock instead of the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.settings.clock = Arc::new(clock);
        self
    }

    /// Takes new ids from here instead of random ones.
    #[must_use]
    pub fn ids(mut self, ids: impl Ids) -> Self {
        self.settings.ids = Arc::new(ids);
        self
    }

    /// Decides with these values of the ontology's `config` instead of its defaults.
    #[must_use]
    pub fn config(mut self, config: A::Config) -> Self {
        self.config = config;
        self
    }

    /// Keeps the states of so many streams at hand, 4,096 if nothing is said; 0 for none.
    #[must_use]
    pub fn cache_size(mut self, streams: usize) -> Self {
        self.cache_size = streams;
        self
    }

    /// Repeats commands that met others by this policy.
    #[must_use]
    pub fn retries(mut self, policy: RetryPolicy) -> Self {
        self.settings.retries = policy;
        self
    }

    /// Reads so many events at a time, 1,000 if nothing is said.
    #[must_use]
    pub fn page_size(mut self, events: usize) -> Self {
        self.settings.page_size = events.max(1);
        self
    }

    /// Opens the repository on a store.
    ///
    /// # Errors
    /// [`StoreError::ShapeMismatch`] where the store holds other shapes for the events of this
    /// program, [`StoreError::Config`] where a value it is set to is not of its type, or a failure of
    /// the store.
    pub async fn open(self, store: S) -> Result<Repository<A, S>, StoreError> {
        A::check_config(&self.config).map_err(StoreError::Config)?;
        store.register(A::NAME, A::Event::SHAPES).await?;
        Ok(Repository {
            store,
            settings: Arc::new(self.settings),
            config: Arc::new(self.config),
            cache: Arc::new(Cache::new(self.cache_size)),
        })
    }
}
