//! [`Rebuild`]: builds rows anew beside those that serve reads, and puts them in their place.
//!
//! The rows that serve are read and kept up to date meanwhile. Memory is bounded by the batch.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::drive::{self, Driven, Interrupt, Passed, Source};
use super::lead::{Lead, OFTEN_BEATEN};
use super::projector::{Reached, interrupted};
use super::session::{Member, Session};
use super::{
    Consistency, Projection, ProjectionName, Projector, ProjectorError, ReadDatabase,
    ReadDatabaseError, Switched, Table, TableSpec, TableState, immediate,
};
use crate::event::DomainEvent;
use crate::metadata::Position;
use crate::store::{EventStore, StoreError};

/// How long those who come after are let go first, where readers were in the way.
const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(1);
/// The same, at the most, where appends wait while it is tried.
const BETWEEN_LATE_ATTEMPTS: Duration = Duration::from_secs(8);

/// How far a rebuild has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RebuildProgress {
    /// Everything up to here is in the new rows.
    pub position: Position,
    /// The last position of the event store.
    pub head: Position,
    /// Number of events folded.
    pub events: u64,
    /// Whether the new rows are complete and wait to take the place of the old ones: for those who read these or make other
    /// tables, or for a runner to stand by.
    pub waits: bool,
}

/// A rebuild of one projection, or of several of one aggregate that share a single reading.
///
/// ```no_run
/// # use eventloom_runtime::projection::*;
/// # use eventloom_runtime::{DomainEvent, EventStore};
/// # async fn example<E: DomainEvent, A: Projection<Event = E>, B: Projection<Event = E>>(
/// #     balances: Projector<A, impl EventStore, impl ReadDatabase>,
/// # ) -> Result<(), ProjectorError> {
/// Rebuild::of(&balances).run(|progress| println!("{} of {}", progress.position, progress.head)).await?;
/// # Ok(())
/// # }
/// ```
pub struct Rebuild<'a, E, S, D> {
    parts: Vec<Box<dyn Part<E, S, D> + 'a>>,
    readers: usize,
}

impl<'a, E: DomainEvent, S: EventStore, D: ReadDatabase> Rebuild<'a, E, S, D> {
    /// A rebuild of one projection.
    pub fn of<P: Projection<Event = E>>(projector: &'a Projector<P, S, D>) -> Self {
        Self { parts: vec![Box::new(projector)], readers: 1 }
    }

    /// Rebuilds another projection of the same aggregate and event store along with it.
    #[must_use]
    pub fn and<P: Projection<Event = E>>(mut self, projector: &'a Projector<P, S, D>) -> Self {
        self.parts.push(Box::new(projector));
        self
    }

    /// Has the events read and decoded by this many readers at once; one, if nothing is said. They share the log by position,
    /// and one fold takes it in order, so that it does for any projection. Each reader holds up to two pages in memory, and a
    /// connection of the store while it reads.
    #[must_use]
    pub fn parallel(self, readers: usize) -> Self {
        Self { readers: readers.max(1), ..self }
    }

    /// Rebuilds. The old rows serve until the new ones are complete; then they change places, one
    /// projection after the other, each at once.
    ///
    /// Who reads the old rows in that moment is waited for, however long it takes: meanwhile both are kept up to date, and
    /// `progress` tells that it waits ([`RebuildProgress::waits`]). Each attempt keeps those who come after waiting a moment;
    /// that of an `immediate` projection also those who append, for some seconds at the most.
    ///
    /// Where this fails, or is dropped before its end, the old rows stay, but for those of projections
    /// that have changed places by then: they serve the new ones, which are complete. To rebuild again
    /// does no harm. Runners that stand by for it may do so for the length of a lease then. What was built stays on disk where this is dropped, or can't drop it: the next rebuild does.
    ///
    /// # Errors
    /// [`ProjectorError::RebuildStopped`] where an event can't be folded that stops the projection, or behind which the new
    /// rows lack what the old ones show: [`Projector::skip_poison`] decides about it;
    /// [`ProjectorError::DecidedMeanwhile`] where rows are made of several streams, and had an event in them that was skipped
    /// while they were built;
    /// [`ProjectorError::Superseded`] where another rebuild was started meanwhile, or what [`Projector::catch_up`] fails
    /// with.
    pub async fn run(
        self,
        mut progress: impl FnMut(RebuildProgress) + Send,
    ) -> Result<(), ProjectorError> {
        let mut shadows = Vec::new();
        let built = self.build(&mut shadows, &mut progress).await;
        if built.is_err() {
            for (part, shadow) in self.parts.iter().zip(&shadows) {
                // What can't be dropped now is dropped by the next rebuild.
                let _ = part.database().abandon_rebuild(shadow.table()).await;
            }
        }
        built
    }

    async fn build(
        &self,
        shadows: &mut Vec<Box<dyn Member<E>>>,
        progress: &mut (dyn FnMut(RebuildProgress) + Send),
    ) -> Result<(), ProjectorError> {
        for part in &self.parts {
            let state = part.database().begin_rebuild(part.spec()).await?;
            shadows.push(part.shadow(state));
        }
        let events = self.fold(shadows, progress).await?;
        // Before any of them changes places: what stops one is decided before all are rebuilt.
        for (part, shadow) in self.parts.iter().zip(shadows.iter_mut()) {
            part.complete(&mut **shadow).await?;
        }
        let mut waits = |position| {
            progress(RebuildProgress { position, head: position, events, waits: true });
        };
        for (part, shadow) in self.parts.iter().zip(shadows) {
            part.finish(&mut **shadow, &mut waits).await?;
        }
        Ok(())
    }

    /// Folds what there is; gives the number of events.
    async fn fold(
        &self,
        shadows: &mut [Box<dyn Member<E>>],
        progress: &mut (dyn FnMut(RebuildProgress) + Send),
    ) -> Result<u64, ProjectorError> {
        let Some(first) = self.parts.first() else {
            return Ok(0);
        };
        let metadata = self.parts.iter().any(|part| part.source().metadata);
        let source = Source { metadata, readers: self.readers, ..first.source() };
        let head = source.store.head().await?;
        let (mut events, mut seen) = (0, 0);
        let mut passed = |passed: Passed<'_, E>| {
            // Of a page that was cut the rest comes again.
            events += passed.events.between(seen, passed.seen);
            let position = passed.seen;
            seen = position;
            progress(RebuildProgress { position, head: head.max(position), events, waits: false });
        };
        loop {
            let mut driven: Vec<_> = (self.parts.iter().zip(shadows.iter_mut()))
                .map(|(part, shadow)| Driven { database: part.database(), member: &mut **shadow })
                .collect();
            let folded = drive::drive(&source, &mut driven, &mut passed).await;
            let Err(interrupt) = folded else { break };
            if !self.heeds_stop(shadows, &interrupt).await? {
                return Err(of_rebuild(interrupted(interrupt)));
            }
        }
        Ok(events)
    }

    /// Whether it may go on after one of the projections stopped before an event.
    async fn heeds_stop(
        &self,
        shadows: &mut [Box<dyn Member<E>>],
        interrupt: &Interrupt,
    ) -> Result<bool, ProjectorError> {
        let Some((name, position)) = interrupt.stopped_at() else { return Ok(false) };
        let mut parts = self.parts.iter().zip(shadows);
        match parts.find(|(part, _)| part.spec().full_name() == name) {
            Some((part, shadow)) => part.heeds_stop(&mut **shadow, position).await,
            None => Ok(false),
        }
    }
}

impl<P: Projection, S: EventStore, D: ReadDatabase> Projector<P, S, D> {
    /// Builds the rows anew; see [`Rebuild`].
    ///
    /// # Errors
    /// As [`Rebuild::run`].
    pub async fn rebuild(
        &self,
        progress: impl FnMut(RebuildProgress) + Send,
    ) -> Result<(), ProjectorError> {
        Rebuild::of(self).run(progress).await
    }
}

/// Hears of a rebuild that waits for others.
type Waits<'a> = dyn FnMut(Position) + Send + 'a;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A projector, but for the types of its projection.
trait Part<E, S, D>: Send + Sync {
    fn spec(&self) -> TableSpec;

    fn database(&self) -> &D;

    fn source(&self) -> Source<'_, S>;

    /// A session on a table that is being rebuilt.
    fn shadow(&self, state: TableState) -> Box<dyn Member<E>>;

    /// Whether it may go on after it stopped before an event.
    fn heeds_stop<'a>(
        &'a self,
        shadow: &'a mut dyn Member<E>,
        position: Position,
    ) -> Boxed<'a, Result<bool, ProjectorError>>;

    /// Folds what has come since, and refuses rows of which readers would have less than now.
    fn complete<'a>(
        &'a self,
        shadow: &'a mut dyn Member<E>,
    ) -> Boxed<'a, Result<(), ProjectorError>>;

    /// Folds what has come since, and puts the rebuilt rows in their place. Says up to where they are whenever readers of
    /// the old ones are waited for.
    fn finish<'a>(
        &'a self,
        shadow: &'a mut dyn Member<E>,
        waits: &'a mut Waits<'_>,
    ) -> Boxed<'a, Result<(), ProjectorError>>;
}

impl<P: Projection, S: EventStore, D: ReadDatabase> Part<P::Event, S, D> for &Projector<P, S, D> {
    fn spec(&self) -> TableSpec {
        TableSpec::of::<P>()
    }

    fn database(&self) -> &D {
        &self.shared.database
    }

    fn source(&self) -> Source<'_, S> {
        Projector::source(self)
    }

    fn shadow(&self, state: TableState) -> Box<dyn Member<P::Event>> {
        Box::new(Session::<P>::new(state))
    }

    fn heeds_stop<'a>(
        &'a self,
        shadow: &'a mut dyn Member<P::Event>,
        position: Position,
    ) -> Boxed<'a, Result<bool, ProjectorError>> {
        Box::pin(Projector::heeds_stop(self, shadow, Some(position)))
    }

    fn complete<'a>(
        &'a self,
        shadow: &'a mut dyn Member<P::Event>,
    ) -> Boxed<'a, Result<(), ProjectorError>> {
        Box::pin(Projector::complete(self, shadow))
    }

    fn finish<'a>(
        &'a self,
        shadow: &'a mut dyn Member<P::Event>,
        waits: &'a mut Waits<'_>,
    ) -> Boxed<'a, Result<(), ProjectorError>> {
        Box::pin(self.switch(shadow, waits))
    }
}

impl<P: Projection, S: EventStore, D: ReadDatabase> Projector<P, S, D> {
    async fn switch(
        &self,
        shadow: &mut dyn Member<P::Event>,
        waits: &mut Waits<'_>,
    ) -> Result<(), ProjectorError> {
        if P::CONSISTENCY == Consistency::Immediate {
            return self.switch_immediate(shadow, waits).await;
        }
        let lead = Lead::of(self);
        let switched = self.switch_led(shadow, &lead, waits).await;
        lead.let_go().await;
        switched
    }

    /// Switches within an append's place, which others that append wait for: whatever can be done before is.
    async fn switch_immediate(
        &self,
        shadow: &mut dyn Member<P::Event>,
        waits: &mut Waits<'_>,
    ) -> Result<(), ProjectorError> {
        let (mut pause, mut doubtful) = (BETWEEN_ATTEMPTS, None);
        loop {
            if let Some(before) = doubtful
                && self.has_switched(shadow.table(), before).await?
            {
                return immediate::register(self, None).await.map(|_| ());
            }
            // What was decided meanwhile is not left out of them for being known.
            let skipped = shadow.skipped().to_vec();
            let state = self.shared.database.state(shadow.table()).await?;
            shadow.renew(TableState { skipped, ..state });
            self.complete(shadow).await?;
            let before = self.checkpoint().await?.revision;
            match immediate::register(self, Some((shadow.table(), shadow.skipped().to_vec()))).await
            {
                Ok(_) => return Ok(()),
                Err(error) if is_doubtful(&error) => doubtful = Some(before),
                Err(ProjectorError::Database(error)) if error.is_transient() => {}
                Err(error) => return Err(of_rebuild(error)),
            }
            waits(shadow.seen());
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(BETWEEN_LATE_ATTEMPTS);
        }
    }

    /// Whether a switch was done of which nobody knows how it ended; `before` is the revision of the rows before it.
    async fn has_switched(&self, shadow: Table, before: u64) -> Result<bool, ProjectorError> {
        match self.shared.database.state(shadow).await {
            Ok(_) => Ok(false),
            // The rows that serve are others now, or another rebuild has dropped these.
            Err(ReadDatabaseError::Gone(projection)) => {
                match self.checkpoint().await?.revision > before {
                    true => Ok(true),
                    false => Err(ProjectorError::Superseded { projection }),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn switch_led(
        &self,
        shadow: &mut dyn Member<P::Event>,
        lead: &Lead<'_, P, S, D>,
        waits: &mut Waits<'_>,
    ) -> Result<(), ProjectorError> {
        while !self.take_over(shadow, lead, waits).await? {
            // The rows that serve are kept up to date meanwhile.
            lead.let_go().await;
            waits(shadow.seen());
            tokio::time::sleep(BETWEEN_ATTEMPTS).await;
        }
        Ok(())
    }

    /// Puts the rebuilt rows in their place; false where readers of the old ones are in the way.
    async fn take_over(
        &self,
        shadow: &mut dyn Member<P::Event>,
        lead: &Lead<'_, P, S, D>,
        waits: &mut Waits<'_>,
    ) -> Result<bool, ProjectorError> {
        // From here on no runner of this projector moves the rows that serve.
        let mut held = self.session().await;
        let mut behind = 0;
        loop {
            if behind < OFTEN_BEATEN {
                self.complete(shadow).await?;
            } else {
                // A runner elsewhere may be faster for ever: it is to stand by.
                *held = None;
                let state = lead.claim().await?;
                lead.working(&state, self.complete(shadow)).await?;
            }
            let database = &self.shared.database;
            match database
                .finish_rebuild(shadow.table(), shadow.revision(), shadow.skipped().to_vec())
                .await?
            {
                Switched::Done => {
                    *held = None;
                    let (position, complete, poison) = (shadow.seen(), true, true);
                    self.publish(Reached { position, complete, poison });
                    return Ok(true);
                }
                Switched::Busy => return Ok(false),
                // A runner elsewhere has gone on, and its readers must not see rows go back.
                Switched::Behind => {
                    self.check_store(self.checkpoint().await?.position, None).await?;
                    behind += 1;
                    if behind >= OFTEN_BEATEN {
                        waits(shadow.seen());
                    }
                }
                // An operator has decided something just now: it is looked at again.
                Switched::Lacking | Switched::Decided => {}
                Switched::Moved => {
                    return Err(interrupted(Interrupt::Moved(ProjectionName::of::<P>())));
                }
            }
        }
    }
}

/// What stops a rebuild does not stop the rows that serve.
pub(super) fn of_rebuild(error: ProjectorError) -> ProjectorError {
    match error {
        ProjectorError::Stopped { projection, poison } => {
            ProjectorError::RebuildStopped { projection, poison }
        }
        error => error,
    }
}

/// Whether it may have been done all the same.
fn is_doubtful(error: &ProjectorError) -> bool {
    use ProjectorError::{Database, Store};
    let of_rows = matches!(error, Database(ReadDatabaseError::OutcomeUnknown(_)));
    of_rows || matches!(error, Store(StoreError::OutcomeUnknown(_)))
}
