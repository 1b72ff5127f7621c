//! What operators decide while rows are built anew: what was skipped meanwhile is left out of the rebuilt rows, and these
//! take no place of rows that show more.
//!
//! What counts is what a rebuild has really left out ([`Member::skipped`]), which is not what has been decided by now.

use std::collections::BTreeSet;

use super::drive::{self, Driven, Interrupt};
use super::fold::Fold;
use super::projector::interrupted;
use super::rebuild::of_rebuild;
use super::session::Member;
use super::{
    Commit, Committed, Poison, Projection, ProjectionName, Projector, ProjectorError, ReadDatabase,
    Skip, Table, TableState,
};
use crate::metadata::{Position, StreamId};
use crate::store::EventStore;

impl<P: Projection, S: EventStore, D: ReadDatabase> Projector<P, S, D> {
    /// Brings the rebuilt rows up to date, with what was decided meanwhile. Each time that it begins anew it has left out one
    /// event more.
    pub(super) async fn complete(
        &self,
        shadow: &mut dyn Member<P::Event>,
    ) -> Result<(), ProjectorError> {
        loop {
            self.drive_shadow(shadow).await?;
            self.heed_skips(shadow).await?;
            if self.is_decided(shadow.table(), shadow.skipped()).await? {
                return Ok(());
            }
        }
    }

    async fn drive_shadow(&self, shadow: &mut dyn Member<P::Event>) -> Result<(), ProjectorError> {
        loop {
            let database = &self.shared.database;
            let mut driven = [Driven { database, member: &mut *shadow }];
            let driven = drive::drive(&self.source(), &mut driven, &mut |_| {}).await;
            let Err(interrupt) = driven else { return Ok(()) };
            let stopped_at = interrupt.stopped_at().map(|(_, position)| position);
            if !self.heeds_stop(shadow, stopped_at).await? {
                return Err(of_rebuild(interrupted(interrupt)));
            }
        }
    }

    /// Whether a rebuild may go on that has stopped before an event: somebody has decided meanwhile to skip it.
    pub(super) async fn heeds_stop(
        &self,
        shadow: &mut dyn Member<P::Event>,
        stopped_at: Option<Position>,
    ) -> Result<bool, ProjectorError> {
        let Some(at) = stopped_at.filter(|at| !shadow.skipped().contains(at)) else {
            return Ok(false);
        };
        self.heed_skips(shadow).await?;
        Ok(shadow.skipped().contains(&at))
    }

    /// Leaves out of the rebuilt rows what was decided to be skipped since they were begun.
    async fn heed_skips(&self, shadow: &mut dyn Member<P::Event>) -> Result<(), ProjectorError> {
        let unheeded = self.unheeded(shadow.table(), shadow.skipped()).await?;
        if unheeded.is_empty() {
            return Ok(());
        }
        // What is decided from here on is for the next time: it must not be taken for left out.
        let heeded = shadow.skipped().iter().copied();
        let heeded: Vec<_> = heeded.chain(unheeded.iter().map(|skip| skip.position)).collect();
        for stream in streams_of(&unheeded).iter().filter(|_| P::KEY_IS_STREAM) {
            self.leave_out(shadow.table(), stream, &heeded).await?;
        }
        let state = self.shared.database.state(shadow.table()).await?;
        check_unfolded::<P>(&unheeded, state.position)?;
        shadow.renew(TableState { skipped: heeded, ..state });
        Ok(())
    }

    /// The decisions that the rebuilt rows know nothing of.
    async fn unheeded(
        &self,
        shadow: Table,
        heeded: &[Position],
    ) -> Result<Vec<Skip>, ProjectorError> {
        let mut skips = self.shared.database.skips(shadow).await?;
        skips.retain(|skip| !heeded.contains(&skip.position));
        Ok(skips)
    }

    /// Builds the rows of a stream anew without the events at these positions.
    async fn leave_out(
        &self,
        shadow: Table,
        stream: &StreamId,
        heeded: &[Position],
    ) -> Result<(), ProjectorError> {
        let state = self.shared.database.state(shadow).await?;
        let fold = Fold::<P>::replacing(heeded.iter().copied());
        let folded = self.refold_stream(&state, stream, 0, fold).await.map_err(of_rebuild)?;
        let parked = state.poison.iter().filter(|it| it.stream_id == *stream && !it.stops);
        let released = parked.map(|poison| poison.position).collect();
        self.commit_shadow(Commit { released, ..folded }).await
    }

    /// Stops where readers would lose what the rows that serve show: somebody is to decide about the events behind which the
    /// rebuilt ones hold streams back. False where somebody has just decided.
    async fn is_decided(&self, shadow: Table, heeded: &[Position]) -> Result<bool, ProjectorError> {
        let rebuilt = self.shared.database.state(shadow).await?;
        let serving = self.state().await?;
        let lacking = rebuilt.lacking(&serving);
        let is_new = |at: &Position| serving.skipped.contains(at) && !heeded.contains(at);
        if lacking.iter().any(|it| is_new(&it.position)) {
            return Ok(false);
        }
        let stopping = |poison: &Poison| Poison { stops: true, ..poison.clone() };
        let lacking: Vec<Poison> = lacking.into_iter().map(stopping).collect();
        let Some(first) = lacking.first().cloned() else { return Ok(true) };
        self.commit_shadow(Commit { poison: lacking, ..Commit::unchanged(&rebuilt) }).await?;
        let (projection, poison) = (ProjectionName::of::<P>(), Box::new(first));
        Err(ProjectorError::RebuildStopped { projection, poison })
    }

    async fn commit_shadow(&self, commit: Commit) -> Result<(), ProjectorError> {
        match self.shared.database.commit(commit).await? {
            Committed::Done => Ok(()),
            Committed::Moved | Committed::RowExists => {
                Err(interrupted(Interrupt::Moved(ProjectionName::of::<P>())))
            }
        }
    }
}

fn streams_of(skips: &[Skip]) -> BTreeSet<&StreamId> {
    skips.iter().map(|skip| &skip.stream_id).collect()
}

/// Where rows are made of several streams, none can be taken out of them again.
fn check_unfolded<P: Projection>(skips: &[Skip], folded: Position) -> Result<(), ProjectorError> {
    let is_in = |skip: &&Skip| !P::KEY_IS_STREAM && skip.position <= folded;
    match skips.iter().find(is_in) {
        Some(Skip { position, .. }) => Err(ProjectorError::DecidedMeanwhile {
            projection: ProjectionName::of::<P>(),
            position: *position,
        }),
        None => Ok(()),
    }
}
