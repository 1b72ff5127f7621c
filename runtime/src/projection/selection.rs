//! [`Selection`]: builds anew the rows of some streams, in place.
//!
//! A fold can't leave events out and still be right. So a selection says which streams are meant, and all that has happened to
//! these is folded.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::fold::Fold;
use super::{
    Commit, Committed, Poison, Projection, ProjectionName, Projector, ProjectorError, ReadDatabase,
    TableSpec, TableState,
};
use crate::metadata::{Position, StreamId};
use crate::store::{Direction, EventFilter, EventStore, StreamKey, StreamRead};
use crate::values::{Timestamp, Uuid};

/// Streams that are remembered before their rows are built: what bounds memory. For more the log is read again.
const STREAMS: usize = 100_000;
/// How often one stream is tried that others are faster at.
const ATTEMPTS: u32 = 100;
/// How often a runner may be faster before it is to stand by.
pub(super) const OFTEN_BEATEN: u32 = 3;
/// How often, within the length of a lease, those who stand by are told that it goes on.
const SIGNS_OF_LIFE: u32 = 4;
/// The shortest time between two of these.
const SHORTEST: Duration = Duration::from_millis(1);

/// Which streams are meant: those with an event of which all holds that is said here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Of this stream alone.
    pub stream: Option<StreamId>,
    /// Of one of these types, by their stored names; of any type that the projection folds, where there are none.
    pub event_types: Vec<&'static str>,
    /// Recorded at this time or later.
    pub from: Option<Timestamp>,
    /// Recorded before this time.
    pub until: Option<Timestamp>,
}

impl Selection {
    /// The stream, where nothing else is said.
    fn one_stream(&self) -> Option<&StreamId> {
        let whole = Self { stream: self.stream.clone(), ..Self::default() };
        self.stream.as_ref().filter(|_| *self == whole)
    }

    fn filter<P: Projection>(&self) -> EventFilter {
        let types = if self.event_types.is_empty() { P::SOURCES } else { &self.event_types };
        let types = types.iter().map(|event_type| (P::AGGREGATE, *event_type)).collect();
        EventFilter { types, ..EventFilter::default() }
    }

    fn holds(&self, stream: &StreamId, recorded_at: Timestamp) -> bool {
        self.stream.as_ref().is_none_or(|only| only == stream)
            && self.from.is_none_or(|from| recorded_at >= from)
            && self.until.is_none_or(|until| recorded_at < until)
    }
}

impl<P: Projection, S: EventStore, D: ReadDatabase> Projector<P, S, D> {
    /// Builds the rows of the selected streams anew from all their events, in place and one stream at a time: for rows that
    /// were damaged or changed by hand. Events that were skipped stay so, and a stream that is parked is tried again. Runners
    /// stand by meanwhile. Tells how many streams were built, and of each.
    ///
    /// Rows of streams without events are not found: they go when the whole projection is rebuilt.
    ///
    /// # Errors
    /// [`ProjectorError::NotByStream`] where a row may be made of events of several streams;
    /// [`ProjectorError::RebuildStopped`] where a complete row would lack what lies behind an event that can't be folded: it
    /// is as it was, and a rebuild of all rows that runs meanwhile is given up;
    /// [`ProjectorError::Contended`] where others keep writing; or what [`Projector::catch_up`] fails with.
    pub async fn rebuild_streams(
        &self,
        selection: &Selection,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<u64, ProjectorError> {
        if !P::KEY_IS_STREAM {
            return Err(ProjectorError::NotByStream(ProjectionName::of::<P>()));
        }
        let lead = Lead::of(self);
        let built = lead.build(selection, &mut progress).await;
        let released = lead.release().await;
        built.and_then(|built| released.map(|()| built))
    }
}

/// Whether it is known already that rows will show less than they do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lacking {
    Undecided,
    Decided,
}

/// Whoever builds rows in place of the projection's runner.
pub(super) struct Lead<'a, P: Projection, S, D> {
    projector: &'a Projector<P, S, D>,
    id: Uuid,
}

impl<'a, P: Projection, S: EventStore, D: ReadDatabase> Lead<'a, P, S, D> {
    pub(super) fn of(projector: &'a Projector<P, S, D>) -> Self {
        Self { projector, id: Uuid::now_v7() }
    }

    async fn build(
        &self,
        selection: &Selection,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<u64, ProjectorError> {
        let state = self.projector.state().await?;
        self.projector.check_store(state.position, state.seen).await?;
        let (mut built, mut after) = (0, None);
        loop {
            let streams = match selection.one_stream() {
                Some(stream) => self.existing(stream).await?,
                None => self.selected(selection, after.as_ref(), state.position).await?,
            };
            let is_last = streams.len() < STREAMS;
            for stream in streams {
                self.stream(&stream, Lacking::Undecided).await?;
                built += 1;
                progress(built);
                after = Some(stream);
            }
            if is_last {
                return Ok(built);
            }
        }
    }

    /// The stream, where it has an event.
    async fn existing(&self, stream: &StreamId) -> Result<BTreeSet<StreamId>, ProjectorError> {
        let stream = StreamKey { aggregate: P::AGGREGATE, id: stream.clone() };
        let (after, limit, metadata) = (0, 1, false);
        let direction = Direction::Forwards;
        let read = StreamRead { stream: stream.clone(), after, direction, limit, metadata };
        let found = self.projector.shared.store.read_stream(read).await?;
        Ok(Some(stream.id).filter(|_| !found.is_empty()).into_iter().collect())
    }

    /// The first selected streams after one, in the order of their ids.
    async fn selected(
        &self,
        selection: &Selection,
        after: Option<&StreamId>,
        until: Position,
    ) -> Result<BTreeSet<StreamId>, ProjectorError> {
        let (store, filter) = (&self.projector.shared.store, selection.filter::<P>());
        let (mut streams, mut position) = (BTreeSet::new(), 0);
        while position < until {
            let page = store.read_all(position, &filter, self.projector.source().batch).await?;
            for event in page.events.iter().take_while(|event| event.position <= until) {
                let stream = &event.meta.stream_id;
                if after.is_some_and(|after| stream <= after)
                    || !selection.holds(stream, event.meta.recorded_at)
                    || streams.contains(stream)
                {
                    continue;
                }
                streams.insert(stream.clone());
                if streams.len() > STREAMS {
                    streams.pop_last();
                }
            }
            if page.events.at_end() {
                break;
            }
            position = page.next;
        }
        Ok(streams)
    }

    /// Builds the rows of a stream anew, about whose events somebody has decided: what they lack then was known.
    pub(super) async fn decided_stream(&self, stream: &StreamId) -> Result<(), ProjectorError> {
        self.stream(stream, Lacking::Decided).await
    }

    async fn stream(&self, stream: &StreamId, lacking: Lacking) -> Result<(), ProjectorError> {
        let mut held = self.projector.session().await;
        // Rows change here without the session's knowledge.
        *held = None;
        for _ in 0..ATTEMPTS {
            let state = self.claim().await?;
            let (folded, revision) = self.refold(&state, stream).await?;
            let rebuilt = TableState { poison: folded.poison.clone(), ..state.clone() };
            if lacking == Lacking::Undecided
                && let Some(poison) = rebuilt.lacking(&state).first()
            {
                return Err(self.stopped_by(poison).await?);
            }
            let parked = state.poison.iter().filter(|it| it.stream_id == *stream && !it.stops);
            let released = parked.map(|poison| poison.position).collect();
            let commit = Commit { released, revision, ..folded };
            if self.projector.shared.database.commit(commit).await? == Committed::Done {
                return Ok(());
            }
        }
        let (projection, stream) = (ProjectionName::of::<P>(), stream.clone());
        Err(ProjectorError::Contended { projection, stream })
    }

    /// Has it decided about an event behind which the rows would show less than they do: as about one that stopped a rebuild
    /// of them all.
    async fn stopped_by(&self, poison: &Poison) -> Result<ProjectorError, ProjectorError> {
        let database = &self.projector.shared.database;
        let poison = Poison { stops: true, ..poison.clone() };
        let shadow = database.begin_rebuild(TableSpec::of::<P>()).await?;
        let commit = Commit { poison: vec![poison.clone()], ..Commit::unchanged(&shadow) };
        let projection = ProjectionName::of::<P>();
        if database.commit(commit).await? != Committed::Done {
            return Err(ProjectorError::Superseded { projection });
        }
        database.abandon_rebuild(shadow.table).await?;
        Ok(ProjectorError::RebuildStopped { projection, poison: Box::new(poison) })
    }

    /// Folds the stream, which may take longer than a lease, and gives the revision at which the table is then, if nobody else
    /// has written to it.
    async fn refold(
        &self,
        state: &TableState,
        stream: &StreamId,
    ) -> Result<(Commit, u64), ProjectorError> {
        let fold = Fold::<P>::replacing(state.skipped.iter().copied());
        let (working, ends) = oneshot::channel::<()>();
        let folded = async {
            let folded = self.projector.refold_stream(state, stream, 0, fold).await;
            drop(working);
            folded
        };
        let (folded, revision) = tokio::join!(folded, self.show_life(state, ends));
        Ok((folded?, revision?))
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
            if self.projector.shared.database.commit(sign).await? != Committed::Done {
                break;
            }
            revision += 1;
        }
        Ok(revision)
    }

    /// Takes the place of whoever runs the projection, before what takes long: a runner whose commit is refused finds
    /// another there, and stands by. Gives the state after that.
    pub(super) async fn claim(&self) -> Result<TableState, ProjectorError> {
        let state = self.projector.state().await?;
        if state.runner == Some(self.id) {
            return Ok(state);
        }
        Ok(self.projector.shared.database.claim(state.table, self.id).await?)
    }

    /// Lets runners go on, where it has taken their place.
    pub(super) async fn give_back(&self) -> Result<(), ProjectorError> {
        loop {
            let state = self.projector.state().await?;
            if state.runner != Some(self.id) {
                return Ok(());
            }
            let commit = Commit { runner: None, ..Commit::unchanged(&state) };
            if self.projector.shared.database.commit(commit).await? == Committed::Done {
                return Ok(());
            }
        }
    }

    /// Lets runners go on. What was built is durable then: they do not do it again.
    async fn release(&self) -> Result<(), ProjectorError> {
        loop {
            let state = self.projector.state().await?;
            let runner = state.runner.filter(|runner| *runner != self.id);
            let commit = Commit { runner, durable: true, ..Commit::unchanged(&state) };
            if self.projector.shared.database.commit(commit).await? == Committed::Done {
                return Ok(());
            }
        }
    }
}
