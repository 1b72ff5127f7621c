//! [`Selection`]: builds anew the rows of some streams, in place.
//!
//! A fold can't leave events out and still be right. So a selection says which streams are meant, and all that has happened to
//! these is folded.

use std::collections::BTreeSet;

use super::fold::Fold;
use super::{
    Commit, Committed, Projection, ProjectionName, Projector, ProjectorError, ReadDatabase,
};
use crate::metadata::StreamId;
use crate::store::{EventFilter, EventStore};
use crate::values::{Timestamp, Uuid};

/// Streams that are remembered before their rows are built: what bounds memory.
const STREAMS: usize = 10_000;
/// How often one stream is tried that another runner is faster at.
const ATTEMPTS: u32 = 100;

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
    /// stand by meanwhile. Tells how many streams were built, and again after each.
    ///
    /// # Errors
    /// [`ProjectorError::NotByStream`] where a row may be made of events of several streams;
    /// [`ProjectorError::Superseded`] where others keep writing; or what [`Projector::catch_up`] fails with.
    pub async fn rebuild_streams(
        &self,
        selection: &Selection,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<u64, ProjectorError> {
        if !P::KEY_IS_STREAM {
            return Err(ProjectorError::NotByStream(ProjectionName::of::<P>()));
        }
        let mut held = self.session().await;
        // Rows change here without the session's knowledge.
        *held = None;
        let mut lead = Lead { projector: self, id: Uuid::now_v7() };
        let built = lead.build(selection, &mut progress).await;
        let released = lead.release().await;
        built.and_then(|built| released.map(|()| built))
    }
}

/// Whoever builds rows in place of the projection's runner.
struct Lead<'a, P: Projection, S, D> {
    projector: &'a Projector<P, S, D>,
    id: Uuid,
}

impl<P: Projection, S: EventStore, D: ReadDatabase> Lead<'_, P, S, D> {
    async fn build(
        &mut self,
        selection: &Selection,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<u64, ProjectorError> {
        let store = &self.projector.shared.store;
        let state = self.projector.state().await?;
        self.projector.check_store(state.position, state.seen).await?;
        if let Some(stream) = selection.one_stream() {
            self.stream(stream).await?;
            progress(1);
            return Ok(1);
        }
        let (filter, until) = (selection.filter::<P>(), state.position);
        let (mut built, mut after) = (0, 0);
        let mut streams = BTreeSet::new();
        while after < until {
            let page = store.read_all(after, &filter, self.projector.source().batch).await?;
            let events = page.events.iter().take_while(|event| event.position <= until);
            let selected =
                events.filter(|it| selection.holds(&it.meta.stream_id, it.meta.recorded_at));
            streams.extend(selected.map(|event| event.meta.stream_id.clone()));
            after = page.next;
            let is_last = page.events.at_end() || after >= until;
            if !is_last && streams.len() < STREAMS {
                continue;
            }
            for stream in std::mem::take(&mut streams) {
                self.stream(&stream).await?;
                built += 1;
                progress(built);
            }
            if is_last {
                break;
            }
        }
        Ok(built)
    }

    async fn stream(&self, stream: &StreamId) -> Result<(), ProjectorError> {
        for _ in 0..ATTEMPTS {
            let state = self.projector.state().await?;
            let fold = Fold::<P>::replacing(state.skipped.iter().copied());
            let folded = self.projector.refold_stream(&state, stream, 0, fold).await?;
            let parked = state.poison.iter().filter(|it| it.stream_id == *stream && !it.stops);
            let released = parked.map(|poison| poison.position).collect();
            if self.commit(Commit { released, ..folded }).await? == Committed::Done {
                return Ok(());
            }
        }
        Err(ProjectorError::Superseded { projection: ProjectionName::of::<P>() })
    }

    /// Runners that find the table moved by another stand by while it goes on.
    async fn commit(&self, commit: Commit) -> Result<Committed, ProjectorError> {
        let commit = Commit { runner: Some(self.id), ..commit };
        Ok(self.projector.shared.database.commit(commit).await?)
    }

    async fn release(&self) -> Result<(), ProjectorError> {
        let state = self.projector.state().await?;
        if state.runner == Some(self.id) {
            let commit = Commit { runner: None, ..Commit::unchanged(&state) };
            self.projector.shared.database.commit(commit).await?;
        }
        Ok(())
    }
}
