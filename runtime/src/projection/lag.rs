//! How far a projection is behind: lag, the promised window, status, and waiting for one's own writes.

use std::time::Duration as Time;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::projector::Reached;
use super::{
    Checkpoint, Consistency, Poison, Projection, ProjectionName, Projector, ProjectorError,
    ReadDatabase, session,
};
use crate::codec::DecodeError;
use crate::event::DomainEvent;
use crate::metadata::{Position, StreamId};
use crate::store::{EventFilter, EventStore, StoredEvent};
use crate::values::{Duration, Timestamp, Uuid};

/// How often a wait looks at the checkpoint, which a runner in another process may move.
const LOOK_EVERY: Time = Time::from_millis(10);

/// How far the rows of a projection are behind the event store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// Positions that have not been looked at: no fewer than the events that concern the projection.
    pub events: u64,
    /// The age of the oldest event that concerns the projection and is not in its rows; zero where
    /// there is none.
    pub time: Duration,
}

/// An event of a type or version that only a newer program knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownEvent {
    /// Its place in the store.
    pub position: Position,
    /// Its stream.
    pub stream_id: StreamId,
    /// Stored name of its type.
    pub event_type: String,
    /// Its stored version.
    pub version: u32,
}

/// What an operator wants to know of a projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectionStatus {
    /// Name of the projection.
    pub projection: ProjectionName,
    /// [`Projection::MEANING`] of this program.
    pub meaning: u64,
    /// Every event up to here is in the rows, parked, or skipped.
    pub position: Position,
    /// The last position of the event store.
    pub head: Position,
    /// The runner that wrote last; none where none has, or it has stopped and said so. It may have gone without a word: only
    /// a position that moves shows that somebody works.
    pub runner: Option<Uuid>,
    /// Whether the rows may be read: false while they are built for the first time.
    pub complete: bool,
    /// How far the rows are behind.
    pub lag: Lag,
    /// The promised lag, where one is.
    pub window: Option<Duration>,
    /// Events that could not be folded and wait for a decision.
    pub poison: Vec<Poison>,
    /// Positions of the events that operators decided to skip.
    pub skipped: Vec<Position>,
    /// What stopped the last rebuild and waits for a decision. The rows that serve are as they were, and lack nothing for it.
    pub rebuild_stopped_by: Option<Poison>,
    /// The event before which this program halts until a newer one takes its place. It is not poison, and nothing
    /// is to be decided about it.
    pub halted_by: Option<UnknownEvent>,
}

impl ProjectionStatus {
    /// The event before which the whole projection stands still.
    pub fn stopped_by(&self) -> Option<&Poison> {
        self.poison.iter().find(|poison| poison.stops)
    }

    /// Whether the rows are as fresh as `consistencyWindow` promises.
    pub fn is_within_window(&self) -> bool {
        self.window.is_none_or(|window| self.lag.time <= window)
    }
}

impl<P: Projection, S: EventStore, D: ReadDatabase> Projector<P, S, D> {
    /// How far the rows are behind.
    ///
    /// # Errors
    /// A failure of the store or the read database.
    pub async fn lag(&self) -> Result<Lag, ProjectorError> {
        let position = self.position(self.checkpoint().await?);
        self.lag_after(position).await
    }

    pub(super) async fn lag_after(&self, position: Position) -> Result<Lag, ProjectorError> {
        let head = self.shared.store.head().await?;
        let first = self.first_between(position, head).await?;
        Ok(self.lag_at(position, head, first.as_ref()))
    }

    fn lag_at(&self, position: Position, head: Position, first: Option<&FirstEvent>) -> Lag {
        let now = self.shared.options.clock.now();
        let time = first.map_or(Duration::ZERO, |first| age(first.recorded_at, now));
        Lag { events: head.saturating_sub(position), time }
    }

    /// The first event of concern that is not in the rows, if there is one.
    async fn first_between(
        &self,
        mut after: Position,
        head: Position,
    ) -> Result<Option<FirstEvent>, ProjectorError> {
        let filter = session::filter::<P>();
        while after < head {
            let page = self.shared.store.read_all(after, &filter, 1).await?;
            let first = page.events.iter().next().map(FirstEvent::of::<P>);
            if first.is_some() || page.events.at_end() {
                return Ok(first);
            }
            after = page.next;
        }
        Ok(None)
    }

    /// Everything an operator wants to know. It is recorded too, where the feature `metrics` is on.
    ///
    /// # Errors
    /// A failure of the store or the read database.
    pub async fn status(&self) -> Result<ProjectionStatus, ProjectorError> {
        let state = self.state().await?;
        let head = self.shared.store.head().await?;
        let position = state.position.max(self.shared.reached.borrow().position);
        let first = self.first_between(position, head).await?;
        let lag = self.lag_at(position, head, first.as_ref());
        // Behind poison of its stream it would be held back, and halt nobody.
        let parked = |id: &StreamId| state.poison.iter().any(|it| !it.stops && it.stream_id == *id);
        let unknown = first.and_then(|first| first.unknown);
        let status = ProjectionStatus {
            projection: ProjectionName::of::<P>(),
            meaning: P::MEANING,
            position,
            head,
            runner: state.runner,
            complete: state.complete,
            lag,
            window: window::<P>(),
            rebuild_stopped_by: state.undecided_of_rebuild().cloned(),
            halted_by: unknown.filter(|unknown| !parked(&unknown.stream_id)),
            poison: state.poison,
            skipped: state.skipped,
        };
        self.shared.freshness.record(&status);
        Ok(status)
    }

    /// Waits until the rows show everything up to a position, such as that of one's own append.
    ///
    /// Somebody must be running the projection, here or in another process.
    ///
    /// # Errors
    /// [`ProjectorError::TimedOut`]; or [`ProjectorError::Stopped`] and [`ProjectorError::Parked`]
    /// where the rows won't show the event before an operator has decided.
    pub async fn wait_for(&self, position: Position, timeout: Time) -> Result<(), ProjectorError> {
        let mut reached = self.shared.reached.subscribe();
        // None where it lies beyond what the clock can tell: that is for ever.
        let deadline = Instant::now().checked_add(timeout);
        loop {
            let here = self.look(&mut reached, position).await?;
            let there = here.complete && here.position >= position;
            if here.poison {
                self.check_poison(position, there).await?;
            }
            if there {
                return Ok(());
            }
            let now = Instant::now();
            if deadline.is_some_and(|deadline| now >= deadline) {
                let (projection, wanted, position) =
                    (ProjectionName::of::<P>(), position, here.position);
                return Err(ProjectorError::TimedOut { projection, position, wanted });
            }
            let look = now + LOOK_EVERY;
            tokio::select! {
                _ = reached.changed() => {}
                () = sleep_until(deadline.map_or(look, |deadline| deadline.min(look))) => {}
            }
        }
    }

    /// How far the rows are; asks the read database only where this process doesn't know of enough.
    async fn look(
        &self,
        reached: &mut watch::Receiver<Reached>,
        position: Position,
    ) -> Result<Reached, ProjectorError> {
        let here = *reached.borrow_and_update();
        if here.complete && here.position >= position {
            return Ok(here);
        }
        let Checkpoint { position: there, complete, poison, .. } = self.checkpoint().await?;
        self.publish(Reached { position: there, complete, poison: poison > 0 });
        if P::CONSISTENCY == Consistency::Immediate && there < position {
            // Appends of no concern move no checkpoint.
            self.catch_up().await?;
        }
        Ok(*reached.borrow_and_update())
    }

    /// Refuses where poison keeps the event at `position` out of the rows.
    async fn check_poison(&self, position: Position, there: bool) -> Result<(), ProjectorError> {
        let mut earlier = self.state().await?.poison;
        earlier.retain(|poison| poison.position <= position);
        if let Some(stopped) = earlier.iter().position(|poison| poison.stops) {
            let poison = Box::new(earlier.swap_remove(stopped));
            return Err(ProjectorError::Stopped { projection: ProjectionName::of::<P>(), poison });
        }
        if earlier.is_empty() || !there {
            return Ok(());
        }
        let filter = EventFilter::default();
        let page = self.shared.store.read_all(position.saturating_sub(1), &filter, 1).await?;
        let waited_for = page.events.iter().next();
        // Another aggregate may have a stream of the same id.
        let ours = |it: &StoredEvent<'_>| it.position == position && it.aggregate == P::AGGREGATE;
        let stream = waited_for.filter(ours).map(|it| &it.meta.stream_id);
        let parked = earlier.iter().position(|poison| Some(&poison.stream_id) == stream);
        parked.map_or(Ok(()), |parked| {
            let poison = Box::new(earlier.swap_remove(parked));
            Err(ProjectorError::Parked { projection: ProjectionName::of::<P>(), poison })
        })
    }

    pub(super) async fn checkpoint(&self) -> Result<Checkpoint, ProjectorError> {
        Ok(self.shared.database.checkpoint(self.shared.table).await?)
    }

    pub(super) fn position(&self, checkpoint: Checkpoint) -> Position {
        checkpoint.position.max(self.shared.reached.borrow().position)
    }
}

/// The first event of concern that is not in the rows.
struct FirstEvent {
    recorded_at: Timestamp,
    /// Where this program does not know it.
    unknown: Option<UnknownEvent>,
}

impl FirstEvent {
    fn of<P: Projection>(event: StoredEvent<'_>) -> Self {
        let unknown = is_unknown::<P>(&event).then(|| UnknownEvent {
            position: event.position,
            stream_id: event.meta.stream_id.clone(),
            event_type: event.event_type.to_owned(),
            version: event.version,
        });
        Self { recorded_at: event.meta.recorded_at, unknown }
    }
}

/// Whether the fold halts before the event: see [`super::fold`].
fn is_unknown<P: Projection>(event: &StoredEvent<'_>) -> bool {
    match P::Event::read(event.event_type, event.version, event.data, event.meta) {
        Err(DecodeError::UnknownType(_)) => true,
        Err(DecodeError::UnknownVersion { .. }) => P::SOURCES.contains(&event.event_type),
        _ => false,
    }
}

/// The promised lag.
pub(super) fn window<P: Projection>() -> Option<Duration> {
    match P::CONSISTENCY {
        Consistency::Immediate => Some(Duration::ZERO),
        Consistency::Eventual { window } => window,
    }
}

/// Clocks of different machines differ: an event from the future has no age.
pub(super) fn age(recorded_at: Timestamp, now: Timestamp) -> Duration {
    now.since(recorded_at).max(Duration::ZERO)
}
