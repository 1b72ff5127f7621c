//! Appending, and what to do when nobody can say whether it took place.

use tracing::Instrument;

use super::Repository;
use super::request::Request;
use super::verdict::Verdict;
use crate::aggregate::Aggregate;
use crate::metadata::Sequence;
use crate::store::{AppendError, Appended, Direction, EventStore, StoreError, StreamRead};

impl<A: Aggregate, S: EventStore> Repository<A, S> {
    /// Appends what was decided. An unknown outcome is resolved: by looking for the events, and by
    /// sending the same append again, which can land only once. Where even that can't tell, the
    /// error says so.
    pub(super) async fn append(
        &self,
        request: &Request<'_, A>,
        expected: Sequence,
        verdict: &Verdict<A>,
    ) -> Result<Appended, AppendError> {
        let span = request.append_span(verdict);
        async {
            let mut doubt = None;
            let mut attempts = 0;
            loop {
                match self.store.append(verdict.append(request, expected)).await {
                    Err(AppendError::Store(StoreError::OutcomeUnknown(reason))) => {
                        doubt = Some(reason);
                    }
                    Err(AppendError::Store(_)) if doubt.is_some() => {}
                    answer if doubt.is_none() => return answer,
                    Ok(appended) => return Ok(appended),
                    // The append that this answer is about may be the lost one.
                    Err(error) => match self.find(request, expected, verdict).await {
                        Ok(found) => return found.ok_or(error),
                        Err(error) => {
                            tracing::warn!(%error, "the outcome of an append is still unknown")
                        }
                    },
                }
                attempts += 1;
                let Some(pause) = self.settings.retries.pause(attempts) else {
                    return Err(StoreError::OutcomeUnknown(doubt.unwrap_or_default()).into());
                };
                tokio::time::sleep(pause).await;
                if let Ok(Some(appended)) = self.find(request, expected, verdict).await {
                    return Ok(appended);
                }
            }
        }
        .instrument(span)
        .await
    }

    /// The outcome of an append that took place: told by the id of its first event, and for one
    /// without events by the append's own repetition, which then meets its command id.
    async fn find(
        &self,
        request: &Request<'_, A>,
        expected: Sequence,
        verdict: &Verdict<A>,
    ) -> Result<Option<Appended>, StoreError> {
        let Some(change) = &verdict.change else { return Ok(None) };
        let read = StreamRead {
            stream: request.stream.clone(),
            after: expected,
            direction: Direction::Forwards,
            limit: change.events.len(),
            metadata: false,
        };
        let page = self.store.read_stream(read).await?;
        let ours = page
            .iter()
            .zip(&change.events)
            .all(|(stored, (_, meta))| stored.meta.event_id == meta.event_id);
        let last = page.iter().next_back().filter(|_| ours && page.len() == change.events.len());
        Ok(last.map(|last| Appended { position: last.position }))
    }
}
