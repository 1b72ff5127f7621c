//! What an operator does about poison: retry an event after its cause is mended, or skip it.

use super::drive::Interrupt;
use super::fold::{Decoded, Fold};
use super::immediate::matches_rows;
use super::lead::{ATTEMPTS, Lead};
use super::projector::interrupted;
use super::{
    Commit, Committed, Poison, Projection, ProjectionName, Projector, ProjectorError, ReadDatabase,
    Skip, TableState, spans,
};
use crate::metadata::{Position, Sequence, StreamId};
use crate::store::{Direction, EventStore, Page, StreamKey, StreamRead};

/// What came of retrying or skipping a poison event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retried {
    /// Its stream is up to date again.
    Released,
    /// Its stream is parked again, at the same event or at a later one.
    Parked(Box<Poison>),
    /// It is in the way of no rows that serve: it stopped a rebuild, and the next one heeds what was decided.
    OfRebuild,
}

impl<P: Projection, S: EventStore, D: ReadDatabase> Projector<P, S, D> {
    /// Folds a poison event again, and the events of its stream that were held back behind it. What stopped a rebuild alone
    /// is folded again by the next one.
    ///
    /// Where a runner elsewhere always is faster, it stands by meanwhile. If this is dropped before its end, it may do so for
    /// the length of a lease.
    ///
    /// # Errors
    /// [`ProjectorError::NoSuchPoison`]; [`ProjectorError::Stopped`] where it stops the projection
    /// again; [`ProjectorError::Contended`] where others always are faster; or what [`Projector::catch_up`] fails with.
    pub async fn retry_poison(&self, position: Position) -> Result<Retried, ProjectorError> {
        self.decide(position, None).await
    }

    /// Leaves a poison event out of the rows for good, and folds the events that were held back
    /// behind it. The decision is recorded, and kept when the rows are rebuilt under the same meaning. Where the event
    /// stopped a rebuild alone, the rows that serve stay as they are: the next rebuild leaves it out. Runners may stand by
    /// as for [`Self::retry_poison`].
    ///
    /// # Errors
    /// As [`Self::retry_poison`].
    pub async fn skip_poison(
        &self,
        position: Position,
        operator: &str,
        reason: &str,
    ) -> Result<Retried, ProjectorError> {
        self.decide(position, Some((operator, reason))).await
    }

    /// What operators decided to skip, with their reasons, in the order of the positions.
    ///
    /// # Errors
    /// A failure of the read database.
    pub async fn skips(&self) -> Result<Vec<Skip>, ProjectorError> {
        Ok(self.shared.database.skips(self.shared.table).await?)
    }

    async fn decide(
        &self,
        position: Position,
        skip: Option<(&str, &str)>,
    ) -> Result<Retried, ProjectorError> {
        let (stopped, retried) = self.refold(position, skip).await?;
        if stopped {
            self.catch_up().await?;
        }
        Ok(retried)
    }

    /// Whether the event stopped the projection, and what became of its stream.
    async fn refold(
        &self,
        position: Position,
        skip: Option<(&str, &str)>,
    ) -> Result<(bool, Retried), ProjectorError> {
        let lead = Lead::of(self);
        let refolded = self.refold_led(position, skip, &lead).await;
        // What was decided is decided, whether or not that can be written.
        lead.let_go().await;
        refolded
    }

    async fn refold_led(
        &self,
        position: Position,
        skip: Option<(&str, &str)>,
        lead: &Lead<'_, P, S, D>,
    ) -> Result<(bool, Retried), ProjectorError> {
        let mut held = self.session().await;
        // Rows change here without the session's knowledge.
        *held = None;
        let mut beaten = 0;
        loop {
            let state = lead.look(beaten).await?;
            let found = found::<P>(&state, position)?;
            if let Some(refolded) = self.refold_once(&state, found, skip, lead).await? {
                return Ok(refolded);
            }
            // A runner elsewhere was faster: its rows are the ones to go on from.
            beaten += 1;
            if beaten >= ATTEMPTS {
                return Err(Lead::<P, S, D>::contended(&found.0.stream_id));
            }
            lead.give_way(&state, beaten).await?;
        }
    }

    /// As [`Self::refold`], from a state; none where it is the state no longer.
    async fn refold_once(
        &self,
        state: &TableState,
        (poison, of_rebuild): (&Poison, bool),
        skip: Option<(&str, &str)>,
        lead: &Lead<'_, P, S, D>,
    ) -> Result<Option<(bool, Retried)>, ProjectorError> {
        match skip {
            None if of_rebuild => return Ok(Some((false, Retried::OfRebuild))),
            None if poison.stops => return Ok(Some((true, Retried::Released))),
            _ => {}
        }
        let position = poison.position;
        let decided = |(operator, reason)| {
            Skip::of(poison, operator, reason, self.shared.options.clock.now())
        };
        let refolded = match of_rebuild {
            true => Commit::unchanged(state),
            false => {
                let folding = self.refold_parked(state, poison, skip.is_some());
                let (refolded, revision) = lead.working(state, folding).await?;
                Commit { released: vec![position], revision, ..refolded }
            }
        };
        let commit = Commit { skips: skip.into_iter().map(decided).collect(), ..refolded };
        let parked = commit.poison.first().cloned().map(Box::new);
        if self.shared.database.commit(commit).await? != Committed::Done {
            return Ok(None);
        }
        if let Some((operator, reason)) = skip {
            let projection = ProjectionName::of::<P>();
            tracing::warn!(%projection, position, operator, reason, "an event is skipped");
        }
        let retried = match (of_rebuild, parked) {
            (true, _) => Retried::OfRebuild,
            (false, Some(poison)) => Retried::Parked(poison),
            (false, None) => Retried::Released,
        };
        Ok(Some((poison.stops && !of_rebuild, retried)))
    }

    /// Folds a parked stream from its poison event to the checkpoint, in memory. Where the event
    /// stopped the projection nothing lies between them.
    async fn refold_parked(
        &self,
        state: &TableState,
        poison: &Poison,
        skip: bool,
    ) -> Result<Commit, ProjectorError> {
        let skipped = state.skipped.iter().copied().chain(skip.then_some(poison.position));
        let fold = Fold::<P>::new(&[], skipped, false);
        self.refold_stream(state, &poison.stream_id, poison.sequence - 1, fold).await
    }

    /// Folds a stream after a sequence and up to the checkpoint, in memory.
    pub(super) async fn refold_stream(
        &self,
        state: &TableState,
        stream: &StreamId,
        mut after: Sequence,
        mut fold: Fold<P>,
    ) -> Result<Commit, ProjectorError> {
        let mut commit = Commit::unchanged(state);
        loop {
            let (page, more) = self.of_stream(state, stream, after).await?;
            let page = Decoded::new(page);
            let needed = fold.prepare(&page, 0);
            if !needed.conditions.is_empty() {
                let (because, otherwise) =
                    ("its streams are parked one by one", "set `KEY_IS_STREAM` to false");
                return Err(matches_rows::<P>(because, otherwise).into());
            }
            fold.learn(self.shared.database.load(state.table, needed.keys).await?)?;
            let folded = fold
                .fold(&page, self.shared.options.clock.now(), spans::are_recorded())
                .expect("every row has just been loaded");
            if let Some(halt) = folded.halt {
                let name = ProjectionName::of::<P>();
                return Err(interrupted(Interrupt::Halted(name, halt)));
            }
            // The rows of the pages before are among these.
            commit.rows = folded.rows;
            commit.poison = folded.poison;
            match more {
                Some(last) if commit.poison.is_empty() => after = last,
                _ => return Ok(commit),
            }
        }
    }

    /// The next events of a stream up to the checkpoint, and the sequence after which more may follow.
    async fn of_stream(
        &self,
        state: &TableState,
        stream: &StreamId,
        after: Sequence,
    ) -> Result<(Page, Option<Sequence>), ProjectorError> {
        let read = StreamRead {
            stream: StreamKey { aggregate: P::AGGREGATE, id: stream.clone() },
            after,
            direction: Direction::Forwards,
            limit: self.shared.options.batch.max(1),
            metadata: P::READS_METADATA || spans::are_recorded(),
        };
        let mut page = self.shared.store.read_stream(read).await?;
        let read = page.len();
        let seen = page.iter().take_while(|event| event.position <= state.position).count();
        let last = page.iter().next_back().map(|event| event.meta.sequence);
        page.truncate(seen);
        Ok((page, last.filter(|_| seen == read)))
    }
}

/// The poison event at a position, and whether it is in the way of a rebuild alone.
fn found<P: Projection>(
    state: &TableState,
    position: Position,
) -> Result<(&Poison, bool), ProjectorError> {
    let is_it = |poison: &&Poison| poison.position == position;
    let of_rows = state.poison.iter().find(is_it).map(|poison| (poison, false));
    let of_rebuild = || state.undecided_of_rebuild().filter(is_it).map(|poison| (poison, true));
    let projection = ProjectionName::of::<P>();
    of_rows.or_else(of_rebuild).ok_or(ProjectorError::NoSuchPoison { projection, position })
}
