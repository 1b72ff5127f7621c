//! [`Lead`]: takes the place of a projection's runner for a while, to write rows that it would always be faster at.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::runner::LOOKS;
use super::{
    Checkpoint, Commit, Committed, Consistency, Projection, ProjectionName, Projector,
    ProjectorError, ReadDatabase, ReadDatabaseError, TableState,
};
use crate::metadata::StreamId;
use crate::store::EventStore;
use crate::values::Uuid;

/// How often it is tried what others are faster at.
pub(super) const ATTEMPTS: u32 = 100;
/// How often a runner may be faster before it is to stand by.
pub(super) const OFTEN_BEATEN: u32 = 3;
/// How often, within the length of a lease, those who stand by are told that it goes on.
const SIGNS_OF_LIFE: u32 = 4;
/// The shortest time between two of these.
const SHORTEST: Duration = Duration::from_millis(1);
/// How often the time is doubled for which it gives way to others.
const DOUBLED: u32 = 4;

/// Whoever writes rows in place of the projection's runner.
pub(super) struct Lead<'a, P: Projection, S, D> {
    pub(super) projector: &'a Projector<P, S, D>,
    id: Uuid,
    /// Whether runners may stand by for it.
    claimed: AtomicBool,
    /// Whether it is not known how a claim ended, which may land yet.
    unanswered: AtomicBool,
}

impl<'a, P: Projection, S: EventStore, D: ReadDatabase> Lead<'a, P, S, D> {
    pub(super) fn of(projector: &'a Projector<P, S, D>) -> Self {
        let (claimed, unanswered) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { projector, id: Uuid::now_v7(), claimed, unanswered }
    }

    /// The state to go on from, after so many attempts at which others were faster.
    pub(super) async fn look(&self, beaten: u32) -> Result<TableState, ProjectorError> {
        match beaten < OFTEN_BEATEN {
            true => self.projector.state().await,
            false => self.claim().await,
        }
    }

    /// Takes the place of whoever runs the projection, before what takes long: a runner whose commit is refused finds
    /// another there, and stands by. Gives the state after that.
    pub(super) async fn claim(&self) -> Result<TableState, ProjectorError> {
        let state = self.projector.state().await?;
        if P::CONSISTENCY == Consistency::Immediate {
            // Who appends looks at nobody's place.
            return Ok(state);
        }
        if state.runner == Some(self.id) {
            self.unanswered.store(false, Ordering::Relaxed);
            return Ok(state);
        }
        self.claimed.store(true, Ordering::Relaxed);
        self.unanswered.store(true, Ordering::Relaxed);
        let claimed = self.projector.shared.database.claim(state.table, self.id).await?;
        self.unanswered.store(false, Ordering::Relaxed);
        Ok(claimed)
    }

    /// Works on what goes by this state, which may take longer than a lease; gives the revision at which the table is then, if
    /// nobody else has written to it.
    pub(super) async fn working<T>(
        &self,
        state: &TableState,
        work: impl Future<Output = Result<T, ProjectorError>>,
    ) -> Result<(T, u64), ProjectorError> {
        if state.runner != Some(self.id) {
            return Ok((work.await?, state.revision));
        }
        let (working, ends) = oneshot::channel::<()>();
        let work = async {
            let done = work.await;
            drop(working);
            done
        };
        let (done, revision) = tokio::join!(work, self.show_life(state, ends));
        Ok((done?, revision?))
    }

    /// Commits nothing but a revision now and then, until the work ends or somebody else has written; gives the last one.
    async fn show_life(
        &self,
        state: &TableState,
        mut ends: oneshot::Receiver<()>,
    ) -> Result<u64, ProjectorError> {
        let every = (self.projector.shared.options.lease / SIGNS_OF_LIFE).max(SHORTEST);
        let mut revision = state.revision;
        while timeout(every, &mut ends).await.is_err() {
            let sign = Commit { revision, ..Commit::unchanged(state) };
            match self.projector.shared.database.commit(sign).await {
                Ok(Committed::Done) => revision += 1,
                // The work may be done all the same; where it has to know, its own commit finds out.
                Err(error) if error.is_transient() => break,
                moved => {
                    moved?;
                    break;
                }
            }
        }
        Ok(revision)
    }

    /// Waits a while where somebody else has written, so that of two who take each other's place one comes to its end: whoever
    /// took it last. After each time that others were faster it waits for longer.
    pub(super) async fn give_way(
        &self,
        state: &TableState,
        beaten: u32,
    ) -> Result<(), ProjectorError> {
        if P::CONSISTENCY == Consistency::Immediate {
            tokio::time::sleep(SHORTEST * 2_u32.pow(beaten.min(DOUBLED))).await;
            return Ok(());
        }
        if state.runner != Some(self.id) {
            return Ok(());
        }
        let lease = self.projector.shared.options.lease;
        let longest = lease.saturating_mul(2_u32.pow(beaten.min(DOUBLED)));
        let (began, mut seen) = (Instant::now(), None);
        while began.elapsed() < longest {
            let Checkpoint { revision, runner, .. } = self.projector.checkpoint().await?;
            if runner.is_none_or(|runner| runner == self.id) {
                break;
            }
            let (_, since) = *seen.insert(
                seen.filter(|(at, _)| *at == revision).unwrap_or((revision, Instant::now())),
            );
            if since.elapsed() >= lease {
                break;
            }
            tokio::time::sleep((lease / LOOKS.0).min(LOOKS.1)).await;
        }
        Ok(())
    }

    /// Lets runners go on, whatever came of the work. Where that can't be written they do after the length of a lease.
    pub(super) async fn let_go(&self) {
        if let Err(error) = self.give_back(false).await {
            let (projection, lease) =
                (ProjectionName::of::<P>(), self.projector.shared.options.lease);
            tracing::warn!(%projection, %error, ?lease, "runners stand by until a lease is over");
        }
    }

    /// Lets runners go on, where they may stand by for it.
    pub(super) async fn give_back(&self, durable: bool) -> Result<(), ProjectorError> {
        if !self.claimed.load(Ordering::Relaxed) {
            return Ok(());
        }
        for beaten in 0..ATTEMPTS {
            let state = self.look(beaten).await?;
            let other = state.runner.filter(|runner| *runner != self.id);
            // A claim that is under way lands before a commit does.
            let is_over = !durable && !self.unanswered.load(Ordering::Relaxed);
            let commit = Commit { runner: other, durable, ..Commit::unchanged(&state) };
            if (other.is_some() && is_over)
                || self.projector.shared.database.commit(commit).await? == Committed::Done
            {
                self.claimed.store(false, Ordering::Relaxed);
                return Ok(());
            }
        }
        let reason = format!("others kept writing to the table of {}", ProjectionName::of::<P>());
        Err(ReadDatabaseError::Unavailable(reason).into())
    }

    pub(super) fn contended(stream: &StreamId) -> ProjectorError {
        let (projection, stream) = (ProjectionName::of::<P>(), stream.clone());
        ProjectorError::Contended { projection, stream }
    }
}
