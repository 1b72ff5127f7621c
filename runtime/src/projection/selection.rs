//! [`Selection`]: builds anew the rows of some streams, in place.
//!
//! A fold can't leave events out and still be right. So a selection says which streams are meant, and all that has happened to
//! these is folded.

use std::collections::BTreeSet;

use super::fold::Fold;
use super::lead::{ATTEMPTS, Lead};
use super::{
    Commit, Committed, Consistency, Poison, Projection, ProjectionName, Projector, ProjectorError,
    ReadDatabase, TableSpec, TableState,
};
use crate::metadata::{Position, StreamId};
use crate::store::{Direction, EventFilter, EventStore, StreamKey, StreamRead};
use crate::values::Timestamp;

/// Streams that are remembered before their rows are built: what bounds memory. For more the log is read again.
const STREAMS: usize = 100_000;

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
    /// stand by meanwhile, and for the length of a lease where this is dropped before its end. Tells how many streams were built,
    /// and of each.
    ///
    /// Rows of streams without events are not found: they go when the whole projection is rebuilt.
    ///
    /// # Errors
    /// [`ProjectorError::NotByStream`] where a row may be made of events of several streams;
    /// [`ProjectorError::RebuildStopped`] where a complete row would lack what lies behind an event that can't be folded: it
    /// is as it was, and a rebuild of all rows that runs meanwhile is given up;
    /// [`ProjectorError::Contended`] where others keep writing, such as those who append where it is `immediate`; or what [`Projector::catch_up`] fails with.
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
        // What was built is durable then: runners do not do it again.
        let given_back = lead.give_back(true).await;
        built.and_then(|built| given_back.map(|()| built))
    }
}

impl<P: Projection, S: EventStore, D: ReadDatabase> Lead<'_, P, S, D> {
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
                self.stream(&stream).await?;
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

    async fn stream(&self, stream: &StreamId) -> Result<(), ProjectorError> {
        let mut held = self.projector.session().await;
        // Rows change here without the session's knowledge.
        *held = None;
        for beaten in 1..=ATTEMPTS {
            let state = self.claim().await?;
            let fold = Fold::<P>::replacing(state.skipped.iter().copied());
            let folding = self.projector.refold_stream(&state, stream, 0, fold);
            let (folded, revision) = self.working(&state, folding).await?;
            let rebuilt = TableState { poison: folded.poison.clone(), ..state.clone() };
            if let Some(poison) = rebuilt.lacking(&state).first() {
                return Err(self.stopped_by(poison).await?);
            }
            let parked = state.poison.iter().filter(|it| it.stream_id == *stream && !it.stops);
            let released = parked.map(|poison| poison.position).collect();
            // Nobody's place is given back there, which makes it durable elsewhere.
            let durable = P::CONSISTENCY == Consistency::Immediate;
            let commit = Commit { released, revision, durable, ..folded };
            if self.projector.shared.database.commit(commit).await? == Committed::Done {
                return Ok(());
            }
            self.give_way(&state, beaten).await?;
        }
        Err(Self::contended(stream))
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
}
