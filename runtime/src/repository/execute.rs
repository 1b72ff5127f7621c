//! The life of a command: decide, append, and where that fails, find out why.
//!
//! The order of a command is: command id, unique keys, target, steps, invariants, append. The append
//! checks id, keys and sequence itself, so a command that has events to append is decided first and
//! nothing is read. Only a decision that does not claim the command's keys, such as a refusal, looks
//! the id and the keys up first: a retry must meet its own first outcome and not what follows from it.

use tracing::Instrument;

use super::folded::Folded;
use super::recorded::{Executed, Recorded};
use super::request::Request;
use super::verdict::{Change, Ending, Verdict, claim};
use super::{ExecuteError, Repository};
use crate::aggregate::{Aggregate, Refusal};
use crate::event::UniqueKey;
use crate::metadata::Position;
use crate::store::{AppendError, EventStore, KeyClaim, TakenKey};

type Outcome<A> = Result<Executed<A>, ExecuteError<<A as Aggregate>::Error>>;

impl<A: Aggregate, S: EventStore> Repository<A, S> {
    /// Carries a command out, or tells why not.
    pub(super) async fn run(&self, request: Request<'_, A>) -> Outcome<A> {
        let span = request.span();
        async {
            let slot = self.cache.slot(&request.stream.id);
            let mut slot = slot.lock().await;
            let (mut known, confirmed) = match slot.take() {
                Some(known) => (known, false),
                None => (self.load_folded(&request.stream).await?, true),
            };
            let outcome = self.settle(&request, &mut known, confirmed).await;
            // Whatever happened: what is known is the state at its sequence.
            *slot = Some(known);
            outcome
        }
        .instrument(span)
        .await
    }

    /// Decides until the decision stands. `confirmed` says that the state is not just a cached one.
    async fn settle(
        &self,
        request: &Request<'_, A>,
        known: &mut Folded<A>,
        mut confirmed: bool,
    ) -> Outcome<A> {
        let mut attempts = 0;
        let mut taken: Option<A::Error> = None;
        loop {
            let verdict = match &taken {
                Some(refusal) => Verdict::unchanged(Ending::Refused(refusal.clone())),
                None => self.decide(request, known),
            };
            if taken.is_none() && !verdict.claims_all_keys(request) {
                match self.recognise(request, known).await? {
                    Some(Recognised::Repeated(executed)) => return Ok(executed),
                    Some(Recognised::Taken(refusal)) => {
                        taken = Some(refusal);
                        continue;
                    }
                    None => {}
                }
            }
            if !verdict.is_written(request) {
                if !confirmed && taken.is_none() && self.catch_up(&request.stream, known).await? {
                    confirmed = true;
                    continue;
                }
                verdict.ending.into_result()?;
                let position = self.store.head().await?;
                return Ok(executed(Vec::new(), known, position));
            }
            match self.append(request, known.sequence, &verdict).await {
                Ok(appended) => return conclude(verdict, known, appended.position),
                Err(AppendError::Conflict { actual, .. }) => {
                    attempts += 1;
                    self.after_conflict(request, known, actual, attempts).await?;
                    confirmed = true;
                }
                Err(AppendError::CommandKnown(recorded)) => {
                    return self.first_outcome(request, known, *recorded).await;
                }
                Err(AppendError::DuplicateKey(key)) => {
                    let keys = verdict.change.map(|change| change.keys).unwrap_or_default();
                    match self.recognise_key(request, known, &keys, *key).await? {
                        Recognised::Repeated(executed) => return Ok(executed),
                        Recognised::Taken(refusal) => taken = Some(refusal),
                    }
                }
                Err(AppendError::Projection { projection, reason }) => {
                    return Err(ExecuteError::Projection { projection, reason });
                }
                Err(AppendError::Store(error)) => return Err(error.into()),
            }
        }
    }

    /// Waits a little and reads what others did, or gives up.
    async fn after_conflict(
        &self,
        request: &Request<'_, A>,
        known: &mut Folded<A>,
        actual: u64,
        attempts: u32,
    ) -> Result<(), ExecuteError<A::Error>> {
        let stream = &request.stream;
        let Some(pause) = self.settings.retries.pause(attempts) else {
            return Err(ExecuteError::Conflict { stream: stream.clone(), attempts });
        };
        tracing::debug!(attempts, "another command changed the stream first");
        tokio::time::sleep(pause).await;
        if actual < known.sequence {
            // The store has lost what this program saw, as after restoring a backup.
            *known = self.load_folded(stream).await?;
        } else {
            self.catch_up(stream, known).await?;
        }
        Ok(())
    }

    /// Whether a command has been carried out before, or has a key that is taken.
    async fn recognise(
        &self,
        request: &Request<'_, A>,
        known: &mut Folded<A>,
    ) -> Result<Option<Recognised<A>>, ExecuteError<A::Error>> {
        if request.has_id()
            && let Some(recorded) = self.store.command(&request.id).await?
        {
            let executed = self.first_outcome(request, known, recorded).await?;
            return Ok(Some(Recognised::Repeated(executed)));
        }
        let keys = request.unique_keys();
        if keys.is_empty() {
            return Ok(None);
        }
        let claims: Vec<KeyClaim> = keys.iter().map(claim).collect();
        match self.store.taken_key(&request.stream, &claims).await? {
            Some(taken) => self.recognise_key(request, known, &keys, taken).await.map(Some),
            None => Ok(None),
        }
    }

    /// Whether a taken key was taken by this very command.
    async fn recognise_key(
        &self,
        request: &Request<'_, A>,
        known: &mut Folded<A>,
        keys: &[UniqueKey],
        taken: TakenKey,
    ) -> Result<Recognised<A>, ExecuteError<A::Error>> {
        let idempotent = keys.iter().any(|key| key.idempotent && claim(key) == taken.claim);
        if idempotent && taken.content == request.content {
            let executed = self.first_outcome_by_key(request, known, &taken).await?;
            return Ok(Recognised::Repeated(executed));
        }
        let KeyClaim { field, value, .. } = &taken.claim;
        let message = format!(
            "the {field} `{value}` was taken by another command, at sequence {} of {} `{}`",
            taken.events.0, taken.stream.aggregate, taken.stream.id
        );
        Ok(Recognised::Taken(A::Error::duplicate_key(field, message)))
    }
}

/// What is found of a command under its id and keys.
enum Recognised<A: Aggregate> {
    /// The same command: its first outcome.
    Repeated(Executed<A>),
    /// Another command has a key: the refusal.
    Taken(A::Error),
}

/// Tells the caller of what was written, and moves on what is known.
fn conclude<A: Aggregate>(
    verdict: Verdict<A>,
    known: &mut Folded<A>,
    position: Position,
) -> Outcome<A> {
    let mut events = Vec::new();
    if let Some(Change { events: recorded, after, .. }) = verdict.change {
        *known = after;
        events = recorded.into_iter().map(|(event, meta)| Recorded { event, meta }).collect();
    }
    verdict.ending.into_result()?;
    Ok(executed(events, known, position))
}

fn executed<A: Aggregate>(
    events: Vec<Recorded<A::Event>>,
    known: &Folded<A>,
    position: Position,
) -> Executed<A> {
    let (sequence, state) = (known.sequence, known.state.clone());
    Executed { events, sequence, position, state, duplicate: false }
}
