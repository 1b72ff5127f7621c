//! The live loop: folds what there is, waits for more, and stands by while another runner does.

use std::time::{Duration, Instant};

use super::projector::{Advanced, Reached, RunBy};
use super::{
    Checkpoint, Commit, Committed, Projection, ProjectionName, Projector, ProjectorError,
    ReadDatabase,
};
use crate::store::EventStore;
use crate::values::Uuid;

/// How long a checkpoint may lag behind while only events of no concern come in.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(100);
/// How often a runner that has nothing to do looks whether the store was restored from a backup, or the one that it stands by
/// for has gone.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often, within the length of a lease, it is looked whether a runner that has something to do still does it; and the
/// longest time in between.
pub(super) const LOOKS: (u32, Duration) = (20, Duration::from_millis(250));
/// First and longest pause after a failure that may pass.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(5));
/// How long a runner that stops tries to tell the others.
const FAREWELL: Duration = Duration::from_secs(1);

/// One of those who may keep the rows of a projection up to date.
pub(super) struct Runner<'a, P: Projection, S, D> {
    projector: &'a Projector<P, S, D>,
    id: Uuid,
    /// Whether it was the last who wrote.
    leads: bool,
    /// Whose place it takes, which has not moved for the length of a lease.
    replaces: Option<Uuid>,
    watched: Option<Watched>,
    written: Instant,
    pause: Duration,
}

/// A runner that has events to fold, as it was last seen to move.
struct Watched {
    runner: Uuid,
    revision: u64,
    since: Instant,
}

impl<'a, P: Projection, S: EventStore, D: ReadDatabase> Runner<'a, P, S, D> {
    pub(super) fn new(projector: &'a Projector<P, S, D>, id: Uuid) -> Self {
        let (written, pause) = (Instant::now(), PAUSES.0);
        Self { projector, id, leads: false, replaces: None, watched: None, written, pause }
    }

    /// Folds what there is and waits for more, or for its turn.
    pub(super) async fn step(&mut self) -> Result<(), ProjectorError> {
        match self.go_on().await {
            Ok(()) => {
                self.pause = PAUSES.0;
                Ok(())
            }
            Err(error) if error.may_pass() => {
                let pause = self.pause;
                tracing::warn!(projection = %ProjectionName::of::<P>(), %error, ?pause, "the projection tries again");
                tokio::time::sleep(pause).await;
                // Another may have taken its place.
                self.leads = false;
                self.pause = (pause * 2).min(PAUSES.1);
                Ok(())
            }
            Err(error) => {
                tracing::error!(projection = %ProjectionName::of::<P>(), %error, "the projection has stopped");
                self.projector.record_the_end().await;
                Err(error)
            }
        }
    }

    async fn go_on(&mut self) -> Result<(), ProjectorError> {
        if !self.leads {
            if !self.may_lead().await? {
                return Ok(());
            }
            // What was known when another led is looked at anew, and whether the store is still the one it was.
            *self.projector.session().await = None;
        }
        let eager = self.written.elapsed() >= CHECKPOINT_EVERY;
        // Somebody in this very program may have taken its place, and with it what was known of the table.
        let by = RunBy { id: self.id, replaces: self.replaces.take() };
        match self.projector.advance(eager, Some(by)).await? {
            Some(advanced) => {
                self.leads |= advanced.wrote;
                if eager {
                    self.written = Instant::now();
                }
                self.wait(advanced).await;
            }
            // Somebody wrote who took its place, or mended something.
            None => self.leads = false,
        }
        Ok(())
    }

    /// Whether there is nobody to stand by for; waits a little where there is.
    async fn may_lead(&mut self) -> Result<bool, ProjectorError> {
        let shared = &*self.projector.shared;
        shared.freshness.works();
        let Checkpoint { position, revision, complete, poison, runner } =
            self.projector.checkpoint().await?;
        let Some(runner) = runner.filter(|runner| *runner != self.id) else {
            self.watched = None;
            return Ok(true);
        };
        self.projector.publish(Reached { position, complete, poison: poison > 0 });
        let head = shared.store.head().await?;
        if position > head {
            // The store is another, which is found out and told by going on.
            self.watched = None;
            return Ok(true);
        }
        if position == head {
            let poison = usize::try_from(poison).unwrap_or(usize::MAX);
            shared.freshness.came_up(position, poison, shared.options.clock.now());
            // Who has nothing to do commits nothing.
            self.watched = None;
            let _ = tokio::time::timeout(LOOK_EVERY, shared.store.changed(head)).await;
            return Ok(false);
        }
        let lease = shared.options.lease;
        let watched = self.watched.take();
        let watched = watched
            .filter(|it| it.runner == runner && it.revision == revision)
            .unwrap_or(Watched { runner, revision, since: Instant::now() });
        if watched.since.elapsed() < lease {
            self.watched = Some(watched);
            tokio::time::sleep((lease / LOOKS.0).min(LOOKS.1)).await;
            return Ok(false);
        }
        let projection = ProjectionName::of::<P>();
        self.replaces = Some(runner);
        tracing::warn!(%projection, ?lease, "the projection's runner has not moved for the length of its lease; another goes on");
        Ok(true)
    }

    /// Waits for more events. Where none come for a while, the checkpoint is due, or another look at
    /// whether the store still has what it had.
    async fn wait(&self, advanced: Advanced) {
        let changed = self.projector.shared.store.changed(advanced.seen);
        let longest = match advanced.written < advanced.seen {
            true => CHECKPOINT_EVERY.saturating_sub(self.written.elapsed()),
            false => LOOK_EVERY,
        };
        // Either way there is something to do.
        let _ = tokio::time::timeout(longest, changed).await;
    }

    /// Lets those who stand by go on at once. Where that can't be written, they wait for the length of a lease.
    pub(super) async fn give_up(self) {
        // Whether it leads is looked up: it may have been stopped between a commit and its answer.
        match tokio::time::timeout(FAREWELL, self.release()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(projection = %ProjectionName::of::<P>(), %error, "the runner left without a word");
            }
            Err(_) => {
                tracing::debug!(projection = %ProjectionName::of::<P>(), "the runner left without a word");
            }
        }
    }

    async fn release(&self) -> Result<(), ProjectorError> {
        let mut held = self.projector.session().await;
        // The table moves without the session's knowledge.
        *held = None;
        loop {
            let state = self.projector.state().await?;
            if state.runner.is_some_and(|runner| runner != self.id) {
                return Ok(());
            }
            // Where nobody leads there may yet be a commit of its own under way, for which this waits and which it finds then.
            let commit = Commit { runner: None, ..Commit::unchanged(&state) };
            if self.projector.shared.database.commit(commit).await? == Committed::Done {
                return Ok(());
            }
        }
    }
}
