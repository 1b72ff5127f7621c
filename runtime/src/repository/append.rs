//! Appending, and what to do when nobody can say whether it took place.

use tracing::Instrument;

use super::Repository;
use super::request::Request;
use super::verdict::{Change, Verdict};
use crate::aggregate::Aggregate;
use crate::metadata::Sequence;
use crate::store::{AppendError, Appended, EventStore, StoreError};

impl<A: Aggregate, S: EventStore> Repository<A, S> {
    /// Appends what was decided.
    pub(super) async fn append(
        &self,
        request: &Request<'_, A>,
        expected: Sequence,
        verdict: &Verdict<A>,
    ) -> Result<Appended, AppendError> {
        let span = request.append_span(verdict);
        async {
            match self.store.append(verdict.append(request, expected)).await {
                Err(AppendError::Store(StoreError::OutcomeUnknown(reason))) => {
                    self.resolve(request, expected, verdict, reason).await
                }
                answer => answer,
            }
        }
        .instrument(span)
        .await
    }

    /// Finds out what became of an append: by looking for it, and by sending the same one again,
    /// which can land only once. Where even that can't tell, the outcome stays unknown.
    async fn resolve(
        &self,
        request: &Request<'_, A>,
        expected: Sequence,
        verdict: &Verdict<A>,
        reason: String,
    ) -> Result<Appended, AppendError> {
        let mut attempts = 1;
        while let Some(pause) = self.settings.retries.pause(attempts) {
            tokio::time::sleep(pause).await;
            attempts += 1;
            if let Ok(Some(appended)) = self.find(request, expected, verdict).await {
                return Ok(appended);
            }
            match self.store.append(verdict.append(request, expected)).await {
                Ok(appended) => return Ok(appended),
                Err(AppendError::Store(error)) => {
                    tracing::warn!(%error, attempts, "the outcome of an append is still unknown");
                }
                // What this append was refused for may be the lost one itself.
                Err(error) => {
                    if let Ok(found) = self.find(request, expected, verdict).await {
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
