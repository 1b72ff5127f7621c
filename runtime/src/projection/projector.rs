//! [`Projector`]: keeps the rows of one projection up to date.
//!
//! It reads the event store, folds in memory and writes rows and checkpoint together, so that every
//! event is in the rows exactly once, whatever crashes and however many projectors run. Rebuilding is
//! [`super::rebuild`], the live loop [`super::runner`], poison is [`super::poison`], `immediate` is [`super::immediate`].

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration as Time;

use tokio::sync::{Mutex, MutexGuard, oneshot, watch};
use tokio::task::JoinHandle;

use super::drive::{self, Driven, Interrupt, Passed, Source};
use super::fold::Halt;
use super::freshness::Freshness;
use super::immediate;
use super::runner::Runner;
use super::session::Session;
use super::{
    Consistency, Projection, ProjectionName, ProjectorError, ReadDatabase, ReadModel, SeenEvent,
    Table, TableSpec, TableState, spans,
};
use crate::clock::{Clock, SystemClock};
use crate::metadata::Position;
use crate::store::EventStore;
use crate::values::Uuid;

/// How a [`Projector`] works.
#[derive(Clone)]
pub struct ProjectorOptions {
    /// Most events that are folded and written together: what bounds memory.
    pub batch: usize,
    /// Where the time comes from that lag is measured by.
    pub clock: Arc<dyn Clock>,
    /// How long a runner that has events to fold may go without a commit before another takes its place.
    pub lease: Time,
}

impl Default for ProjectorOptions {
    fn default() -> Self {
        Self { batch: 8_192, clock: Arc::new(SystemClock), lease: Time::from_secs(5) }
    }
}

/// Keeps the rows of a projection up to date. Cheap to clone; clones share one runner's memory.
///
/// Any number of projectors, in any number of processes, may run the same projection: each event is
/// folded into the rows once. One of them does the work, and the others stand by ([`Self::run`]).
pub struct Projector<P: Projection, S, D> {
    pub(super) shared: Arc<Shared<P, S, D>>,
}

pub(super) struct Shared<P: Projection, S, D> {
    pub(super) store: S,
    pub(super) database: D,
    pub(super) options: ProjectorOptions,
    pub(super) table: Table,
    /// Held by whoever folds; none where the table must be looked at again first.
    session: Mutex<Option<Session<P>>>,
    pub(super) reached: watch::Sender<Reached>,
    pub(super) freshness: Freshness,
}

/// How far the rows are known to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) position: Position,
    pub(super) complete: bool,
    /// Whether events may wait for a decision.
    pub(super) poison: bool,
}

impl Reached {
    pub(super) fn of(state: &TableState) -> Self {
        let poison = !state.poison.is_empty();
        Self { position: state.position, complete: state.complete, poison }
    }

    fn at(self, position: Position) -> Self {
        Self { position, ..self }
    }
}

impl<P: Projection, S, D> Clone for Projector<P, S, D> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<P: Projection, S: EventStore, D: ReadDatabase> Projector<P, S, D> {
    /// Opens a projection: finds its table or creates it empty. Where the projection's meaning has
    /// changed the table is a new one, which [`Self::catch_up`] or [`Self::run`] builds while the
    /// public view still shows the old one.
    ///
    /// An `immediate` projection is brought up to date before this returns, and is from now on
    /// folded inside the appends of `store` and its clones.
    ///
    /// # Errors
    /// [`ProjectorError`].
    pub async fn open(store: S, database: D) -> Result<Self, ProjectorError> {
        Self::open_with(store, database, ProjectorOptions::default()).await
    }

    /// Opens a projection with other than the default options.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_with(
        store: S,
        database: D,
        options: ProjectorOptions,
    ) -> Result<Self, ProjectorError> {
        immediate::check::<P>()?;
        let state = database.open(TableSpec::of::<P>()).await?;
        let (position, seen, reached) = (state.position, state.seen, Reached::of(&state));
        let projector = Self {
            shared: Arc::new(Shared {
                store,
                database,
                options,
                table: state.table,
                session: Mutex::new(Some(Session::new(state))),
                reached: watch::Sender::new(reached),
                freshness: Freshness::new::<P>(),
            }),
        };
        projector.check_store(position, seen).await?;
        if P::CONSISTENCY == Consistency::Immediate {
            projector.catch_up().await?;
        }
        Ok(projector)
    }

    /// Folds every event that the store has; returns the position up to which the rows are complete. Where a runner elsewhere
    /// always is faster, these are the events that there were when it first was.
    ///
    /// # Errors
    /// [`ProjectorError::Stopped`] and [`ProjectorError::UnknownVersion`] where an event stands in
    /// the way; everything before it is written.
    pub async fn catch_up(&self) -> Result<Position, ProjectorError> {
        let reached = self.catch_up_beside_others().await?;
        if P::CONSISTENCY == Consistency::Immediate {
            return immediate::register(self, None).await;
        }
        Ok(reached)
    }

    async fn catch_up_beside_others(&self) -> Result<Position, ProjectorError> {
        if let Some(advanced) = self.advance(true, None).await? {
            return Ok(advanced.seen);
        }
        let head = self.shared.store.head().await?;
        loop {
            let state = self.state().await?;
            if state.complete && state.position >= head {
                self.check_store(state.position, state.seen).await?;
                let (position, poison) = (state.position, state.poison.len());
                self.publish(Reached::of(&state));
                self.shared.freshness.came_up(position, poison, self.shared.options.clock.now());
                return Ok(position);
            }
            if let Some(advanced) = self.advance(true, None).await? {
                return Ok(advanced.seen);
            }
        }
    }

    /// Keeps the rows up to date until `stop` is ready, which may be at any time: what is under way
    /// then is either written whole or not at all.
    ///
    /// Where several run, the one that has written last goes on, and the others stand by: they take its place when it stops,
    /// or has events to fold and commits nothing for the length of [`ProjectorOptions::lease`]. Nothing rests on that length
    /// or on a clock: whoever comes back late finds the checkpoint moved, and its commit is refused.
    ///
    /// Failures that may pass, such as a locked file or a full disk, are reported as warnings and
    /// tried again, in growing intervals up to five seconds.
    ///
    /// Where the rows become later than `consistencyWindow` promises, a warning says so once, and once it is told that
    /// they no longer are; also while the runner is stuck.
    ///
    /// # Errors
    /// As [`Self::catch_up`].
    pub async fn run(&self, stop: impl Future<Output = ()> + Send) -> Result<(), ProjectorError> {
        self.run_as(Uuid::now_v7(), stop).await
    }

    async fn run_as(
        &self,
        runner: Uuid,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(), ProjectorError> {
        let mut stop = pin!(stop);
        if P::CONSISTENCY == Consistency::Immediate {
            // Appends do it.
            stop.await;
            return Ok(());
        }
        let (mut runner, mut watch) = (Runner::new(self, runner), pin!(self.watch()));
        let ended = loop {
            tokio::select! {
                biased;
                () = &mut stop => break Ok(()),
                went = runner.step() => if let Err(error) = went { break Err(error) },
                never = &mut watch => match never {},
            }
        };
        runner.give_up().await;
        ended
    }

    /// Runs the projection in a task of its own.
    pub fn spawn(&self) -> Running {
        let (stop, stopped) = oneshot::channel();
        let projector = self.clone();
        // The channel closes when its handle goes, which is a stop too.
        let until = async move { stopped.await.unwrap_or_default() };
        let runner = Uuid::now_v7();
        let task = tokio::spawn(async move { projector.run_as(runner, until).await });
        Running { runner, stop, task }
    }

    /// Typed access to the rows.
    pub fn read_model(&self) -> ReadModel<P, D> {
        ReadModel::of(self.shared.database.clone(), self.shared.table)
    }

    /// Folds up to the end of the store; none where another runner wrote meanwhile, whose checkpoint is the one to go on
    /// from, or where `runner` is to stand by for another. `eager` writes a checkpoint even where no row changed.
    pub(super) async fn advance(
        &self,
        eager: bool,
        runner: Option<RunBy>,
    ) -> Result<Option<Advanced>, ProjectorError> {
        self.shared.freshness.works();
        let mut held = self.session().await;
        let mut session = match held.take() {
            Some(session) => session,
            None => {
                let state = self.state().await?;
                self.check_store(state.position, state.seen).await?;
                if runner.is_some_and(|by| by.stands_by_for(state.runner)) {
                    return Ok(None);
                }
                Session::new(state)
            }
        };
        if let Some(by) = runner {
            session.run_by(by.id);
        }
        let (before, revision) = (session.seen_so_far(), session.state().revision);
        match self.drive(&mut session, eager).await {
            Ok(()) => {
                let (seen, written) = (session.seen_so_far(), session.state().position);
                if seen == before {
                    self.check_store(seen, session.state().seen).await?;
                }
                let wrote = session.state().revision != revision;
                self.publish(Reached::of(session.state()).at(seen));
                let poison = session.state().poison.len();
                self.shared.freshness.came_up(seen, poison, self.shared.options.clock.now());
                *held = Some(session);
                Ok(Some(Advanced { seen, written, wrote }))
            }
            Err(Interrupt::Moved(_)) => Ok(None),
            Err(interrupt) => Err(interrupted(interrupt)),
        }
    }

    async fn drive(&self, session: &mut Session<P>, eager: bool) -> Result<(), Interrupt> {
        let shared = &*self.shared;
        let traced = spans::are_recorded();
        let source = Source { traced, eager, ..self.source() };
        let mut reached = Reached::of(session.state());
        let mut driven = [Driven { database: &shared.database, member: session }];
        let mut passed = |passed: Passed<'_, P::Event>| {
            // Before its position is told: who waits for a parked event must look for it.
            reached.poison |= passed.poison;
            self.publish(reached.at(passed.seen));
            let (seen, oldest) = (passed.seen, passed.events.first_recorded_at());
            shared.freshness.passed(seen, oldest, reached.complete, shared.options.clock.now());
        };
        drive::drive(&source, &mut driven, &mut passed).await
    }

    pub(super) fn source(&self) -> Source<'_, S> {
        Source {
            store: &self.shared.store,
            clock: &*self.shared.options.clock,
            batch: self.shared.options.batch.max(1),
            readers: 1,
            metadata: P::READS_METADATA,
            traced: false,
            eager: true,
        }
    }

    /// Refuses rows that know of events that the store does not have: new events at the old positions would be
    /// taken for folded. `seen` finds that out where as many have come since.
    pub(super) async fn check_store(
        &self,
        position: Position,
        seen: Option<SeenEvent>,
    ) -> Result<(), ProjectorError> {
        let (projection, store) = (ProjectionName::of::<P>(), &self.shared.store);
        let head = store.head().await?;
        if position > head {
            return Err(ProjectorError::AheadOfStore { projection, position, head });
        }
        let Some(SeenEvent { position, event_id: seen }) = seen else { return Ok(()) };
        match drive::id_at(store, position).await? {
            Some(found) if found != seen => {
                Err(ProjectorError::OtherHistory { projection, position, seen, found })
            }
            _ => Ok(()),
        }
    }

    /// Tells those who wait. What has been reached once stays reached.
    pub(super) fn publish(&self, news: Reached) {
        self.shared.reached.send_if_modified(|reached| {
            let grown = Reached {
                position: reached.position.max(news.position),
                complete: reached.complete || news.complete,
                // What is known of a later place is not taken back by older news.
                poison: news.poison || (news.position < reached.position && reached.poison),
            };
            std::mem::replace(reached, grown) != grown
        });
    }

    /// The right to fold, shared by all clones. What it holds is put back only when it is known to
    /// agree with the table.
    pub(super) async fn session(&self) -> MutexGuard<'_, Option<Session<P>>> {
        self.shared.session.lock().await
    }

    pub(super) async fn state(&self) -> Result<TableState, ProjectorError> {
        Ok(self.shared.database.state(self.shared.table).await?)
    }
}

/// As whom a projector folds.
#[derive(Clone, Copy)]
pub(super) struct RunBy {
    pub(super) id: Uuid,
    /// Whose place it takes, which was found to have gone.
    pub(super) replaces: Option<Uuid>,
}

impl RunBy {
    fn stands_by_for(self, runner: Option<Uuid>) -> bool {
        runner.is_some_and(|runner| runner != self.id && Some(runner) != self.replaces)
    }
}

/// How far a projector came.
#[derive(Clone, Copy)]
pub(super) struct Advanced {
    /// Everything up to here has been seen.
    pub(super) seen: Position,
    /// The checkpoint that says so; behind where what came after it was of no concern.
    pub(super) written: Position,
    /// Whether anything was written.
    pub(super) wrote: bool,
}

/// A projection that runs in a task of its own. When this is dropped it stops, sooner or later.
#[derive(Debug)]
pub struct Running {
    runner: Uuid,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ProjectorError>>,
}

impl Running {
    /// By which it is known to others: where it is [`ProjectionStatus::runner`], this one leads, and others stand by.
    ///
    /// [`ProjectionStatus::runner`]: super::ProjectionStatus::runner
    pub fn runner(&self) -> Uuid {
        self.runner
    }

    /// Whether it is still running: it ends by itself where an event stands in its way.
    pub fn is_running(&self) -> bool {
        !self.task.is_finished()
    }

    /// Stops it, and waits until it has.
    ///
    /// # Errors
    /// What it ended with by itself.
    pub async fn stop(self) -> Result<(), ProjectorError> {
        drop(self.stop);
        match self.task.await {
            Ok(ended) => ended,
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is shutting down, and took the task along.
                Err(_) => Ok(()),
            },
        }
    }
}

/// Why a drive ended, as users of a projector see it.
pub(super) fn interrupted(interrupt: Interrupt) -> ProjectorError {
    match interrupt {
        Interrupt::Moved(projection) => ProjectorError::Superseded { projection },
        Interrupt::Store(error) => error.into(),
        Interrupt::Database(error) => error.into(),
        Interrupt::Halted(projection, Halt::Poison(poison)) => {
            ProjectorError::Stopped { projection, poison }
        }
        Interrupt::Halted(projection, Halt::Unknown { position, event_type, version }) => {
            ProjectorError::UnknownVersion { projection, event_type, version, position }
        }
    }
}
