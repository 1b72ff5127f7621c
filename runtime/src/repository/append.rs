//! Appending, and what to do when nobody can say whether it took place.

use tracing::Instrument;

use super::Repository;
use super::folded::Folded;
use super::request::Request;
use super::verdict::{Change, Verdict};
use crate::aggregate::Aggregate;
use crate::metadata::Sequence;
use crate::store::{AppendError, Appended, EventStore, StoreError, StreamKey};

/// How often a connection may be made anew while an append is sent.
const CONFIRMATIONS: u32 = 5;
const RESTLESS: &str = "the connection to the store was made anew again and again while an append was sent; nothing was \
    changed: try again when the way to it holds";

impl<A: Aggregate, S: EventStore> Repository<A, S> {
    /// Appends what was decided on a known state.
    pub(super) async fn append(
        &self,
        request: &Request<'_, A>,
        known: &mut Folded<A>,
        verdict: &Verdict<A>,
    ) -> Result<Appended, AppendError> {
        let span = request.append_span(verdict);
        async {
            match self.send(request, known, verdict).await {
                Err(AppendError::Store(StoreError::OutcomeUnknown(reason))) => {
                    self.resolve(request, known, verdict, reason).await
                }
                answer => answer,
            }
        }
        .instrument(span)
        .await
    }

    /// Sends an append. Where the store may have become another one, the state's own last event is looked at first: a server
    /// that was restored, or that took the place of another, may have a stream of the same length and other events.
    async fn send(
        &self,
        request: &Request<'_, A>,
        known: &mut Folded<A>,
        verdict: &Verdict<A>,
    ) -> Result<Appended, AppendError> {
        for _ in 0..CONFIRMATIONS {
            let epoch = match self.store.append(verdict.append(request, known)).await {
                Err(AppendError::Unconfirmed { epoch }) => epoch,
                answer => return answer,
            };
            if !self.has_last(&request.stream, known).await? {
                return Err(AppendError::Unconfirmed { epoch });
            }
            known.epoch = epoch;
        }
        Err(StoreError::Unavailable(RESTLESS.to_owned()).into())
    }

    /// Whether a stream has the last event of a state at its place.
    async fn has_last(&self, stream: &StreamKey, known: &Folded<A>) -> Result<bool, StoreError> {
        let Some(before) = known.sequence.checked_sub(1) else { return Ok(true) };
        let page = match self.read_page(stream, before, 1, false).await {
            // So it is the last no more.
            Err(StoreError::ArchivedHistoryUnavailable { .. }) => return Ok(false),
            page => page?,
        };
        let last = page.iter().next().map(|event| event.meta.event_id);
        Ok(last.is_some() && last == known.last_event)
    }

    /// Finds out what became of an append: by looking for it, and by sending the same one again,
    /// which can land only once. Where even that can't tell, the outcome stays unknown.
    async fn resolve(
        &self,
        request: &Request<'_, A>,
        known: &mut Folded<A>,
        verdict: &Verdict<A>,
        reason: String,
    ) -> Result<Appended, AppendError> {
        let mut attempts = 1;
        while let Some(pause) = self.settings.retries.pause(attempts) {
            tokio::time::sleep(pause).await;
            attempts += 1;
            if let Ok(Some(appended)) = self.find(request, known.sequence, verdict).await {
                return Ok(appended);
            }
            match self.send(request, known, verdict).await {
                Ok(appended) => return Ok(appended),
                Err(AppendError::Store(error)) => {
                    tracing::warn!(%error, attempts, "the outcome of an append is still unknown");
                }
                // What this append was refused for may be the lost one itself.
                Err(error) => {
                    if let Ok(found) = self.find(request, known.sequence, verdict).await {
                        return found.ok_or(error);
                    }
                }
            }
        }
        Err(StoreError::OutcomeUnknown(reason).into())
    }

    /// Whether an append took place: told by the id of its last event, since it lands whole or not
    /// at all, and for one that only records an outcome by that record.
    async fn find(
        &self,
        request: &Request<'_, A>,
        expected: Sequence,
        verdict: &Verdict<A>,
    ) -> Result<Option<Appended>, StoreError> {
        match &verdict.change {
            Some(change) => self.find_events(request, expected, change).await,
            None => self.find_record(request, verdict).await,
        }
    }

    async fn find_events(
        &self,
        request: &Request<'_, A>,
        expected: Sequence,
        Change { events, .. }: &Change<A>,
    ) -> Result<Option<Appended>, StoreError> {
        let Some((_, last)) = events.last() else { return Ok(None) };
        let before = expected + events.len() as Sequence - 1;
        let page = self.read_page(&request.stream, before, 1, false).await?;
        let found = page.iter().next().filter(|stored| stored.meta.event_id == last.event_id);
        Ok(found.map(|found| Appended { position: found.position }))
    }

    async fn find_record(
        &self,
        request: &Request<'_, A>,
        verdict: &Verdict<A>,
    ) -> Result<Option<Appended>, StoreError> {
        let Some(found) = self.store.command(&request.id).await? else { return Ok(None) };
        let same = found.content == request.content
            && found.events == verdict.repeats
            && found.refusal == verdict.recorded_refusal();
        match same {
            true => Ok(Some(Appended { position: self.store.head().await? })),
            false => Ok(None),
        }
    }
}
