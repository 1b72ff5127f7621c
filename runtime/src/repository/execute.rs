//! The life of a command: decide, append, and where that fails, find out why.
//!
//! The order of a command is: command id, unique keys, target, steps, invariants, append. The append
//! checks id, keys and sequence itself, so a command that has events to append is decided first and
//! nothing is read. Only a decision that does not claim the command's keys, such as a refusal, looks
//! the id and the keys up first: a retry must meet its own first outcome and not what follows from it.
//! Where only a key tells that a command was carried out before, its new id is recorded with the first
//! outcome: it stands for this command from then on.

use tracing::Instrument;

use super::folded::Folded;
use super::recorded::{Executed, Recorded};
use super::request::Request;
use super::verdict::{Change, Ending, Verdict, claim, claims};
use super::{ExecuteError, Repository};
use crate::aggregate::{Aggregate, Refusal};
use crate::event::UniqueKey;
use crate::metadata::Position;
use crate::store::{
    AppendError, EventStore, KeyClaim, Page, RecordedCommand, StoreError, StreamKey, TakenKey,
};

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
        confirmed: bool,
    ) -> Outcome<A> {
        let mut tried = Tried { attempts: 0, confirmed };
        // The key that settled it: it stays taken until the stream moves on, for an event may release it.
        let mut taken: Option<Taken> = None;
        loop {
            let verdict = match &taken {
                Some(taken) => taken.verdict(request),
                None => self.decide(request, known),
            };
            if taken.is_none() && !verdict.claims_all_keys(request) {
                // An append checks the id itself.
                if !verdict.is_written(request)
                    && let Some(recorded) = self.recorded(request).await?
                {
                    return self.first_outcome(request, known, recorded).await;
                }
                taken = self.taken_key(request, &verdict).await?;
                if taken.is_some() {
                    self.look_again(request, known, &mut tried, &mut taken).await?;
                    continue;
                }
            }
            if !verdict.is_written(request) {
                let cached = !tried.confirmed && taken.is_none();
                if cached && self.refresh(&request.stream, known).await? {
                    tried.confirmed = true;
                    continue;
                }
                return self.conclude(request, known, verdict, None).await;
            }
            match self.append(request, known, &verdict).await {
                Ok(appended) => {
                    return self.conclude(request, known, verdict, Some(appended.position)).await;
                }
                Err(AppendError::Conflict { .. } | AppendError::Unconfirmed { .. }) => {
                    tried.attempts += 1;
                    self.after_conflict(request, known, tried.attempts).await?;
                    (tried.confirmed, taken) = (true, None);
                }
                Err(AppendError::CommandKnown(recorded)) => {
                    return self.first_outcome(request, known, *recorded).await;
                }
                Err(AppendError::DuplicateKey(key)) => {
                    let keys = verdict.change.map(|change| change.keys).unwrap_or_default();
                    taken = Some(Taken::new(&keys, *key));
                    self.look_again(request, known, &mut tried, &mut taken).await?;
                }
                Err(AppendError::Projection { projection, reason }) => {
                    return Err(ExecuteError::Projection { projection, reason });
                }
                Err(AppendError::Store(error)) => return Err(error.into()),
            }
        }
    }

    /// Where a key is taken for a decision on a state that may be out of date: forgets the key if it was, for on
    /// the present state the command may release it first, or claim another. Of a state that has just been
    /// read this is so where the stream itself took the key meanwhile.
    async fn look_again(
        &self,
        request: &Request<'_, A>,
        known: &mut Folded<A>,
        tried: &mut Tried,
        taken: &mut Option<Taken>,
    ) -> Result<(), ExecuteError<A::Error>> {
        // What recognises a command is never free again.
        if taken.as_ref().is_some_and(|taken| taken.recognises(request)) {
            return Ok(());
        }
        let own = taken.as_ref().is_some_and(|taken| taken.key.stream == request.stream);
        if tried.confirmed && !own || !self.refresh(&request.stream, known).await? {
            return Ok(());
        }
        if tried.confirmed {
            tried.attempts += 1;
            self.pause(request, tried.attempts).await?;
            // What the pause let pass may be what is decided on.
            self.refresh(&request.stream, known).await?;
        }
        tried.confirmed = true;
        *taken = None;
        Ok(())
    }

    /// Waits a little before the next attempt, or gives up.
    async fn pause(
        &self,
        request: &Request<'_, A>,
        attempts: u32,
    ) -> Result<(), ExecuteError<A::Error>> {
        let Some(pause) = self.settings.retries.pause(attempts) else {
            return Err(ExecuteError::Conflict { stream: request.stream.clone(), attempts });
        };
        tracing::debug!(attempts, "another command changed the stream first");
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// Waits a little and reads what others did, or gives up.
    async fn after_conflict(
        &self,
        request: &Request<'_, A>,
        known: &mut Folded<A>,
        attempts: u32,
    ) -> Result<(), ExecuteError<A::Error>> {
        self.pause(request, attempts).await?;
        self.refresh(&request.stream, known).await?;
        Ok(())
    }

    /// Brings a cached state up to date; tells whether it was not. Its own last event is read again: a
    /// store restored from a backup may have lost it, and have another one in its place.
    pub(super) async fn refresh(
        &self,
        stream: &StreamKey,
        known: &mut Folded<A>,
    ) -> Result<bool, StoreError> {
        let epoch = self.store.epoch();
        let Some(before) = known.sequence.checked_sub(1) else {
            known.epoch = epoch;
            return self.catch_up(stream, known).await;
        };
        let page = match self.read_page(stream, before, 2, false).await {
            // Others have appended behind it, and it is archived where this program can't read. A snapshot is further on.
            Err(StoreError::ArchivedHistoryUnavailable { .. }) => Page::default(),
            page => page?,
        };
        let last = page.iter().next().map(|event| event.meta.event_id);
        if last.is_none() || last != known.last_event {
            *known = self.load_folded(stream).await?;
            return Ok(true);
        }
        known.epoch = epoch;
        match (page.len(), page.at_end()) {
            (1, true) => Ok(false),
            _ => self.catch_up(stream, known).await,
        }
    }

    /// What is recorded under the caller's id.
    async fn recorded(
        &self,
        request: &Request<'_, A>,
    ) -> Result<Option<RecordedCommand>, StoreError> {
        match request.has_id() {
            true => self.store.command(&request.id).await,
            false => Ok(None),
        }
    }

    /// A key that this very command has claimed before, else the first that is taken of those that the input
    /// tells.
    async fn taken_key(
        &self,
        request: &Request<'_, A>,
        verdict: &Verdict<A>,
    ) -> Result<Option<Taken>, StoreError> {
        if let Some(claimed) = self.claimed_before(request, verdict).await? {
            return Ok(Some(claimed));
        }
        let mut keys = request.unique_keys(&verdict.looked_up);
        keys.retain(|key| !verdict.settles(key));
        if keys.is_empty() {
            return Ok(None);
        }
        let taken = self.store.taken_key(&request.stream, &claims(&keys)).await?;
        Ok(taken.map(|taken| Taken::new(&keys, taken)))
    }

    /// The first of its further keys that this very command has claimed. What others have claimed is passed over.
    async fn claimed_before(
        &self,
        request: &Request<'_, A>,
        verdict: &Verdict<A>,
    ) -> Result<Option<Taken>, StoreError> {
        let mut keys = request.retry_keys();
        keys.retain(|key| !verdict.settles(key));
        let mut claims = claims(&keys);
        while !claims.is_empty() {
            let Some(key) = self.store.taken_key(&request.stream, &claims).await? else { break };
            if key.content == request.content {
                return Ok(Some(Taken { key, idempotent: true }));
            }
            let Some(at) = claims.iter().position(|claim| *claim == key.claim) else { break };
            claims.drain(..=at);
        }
        Ok(None)
    }

    /// Tells the caller of what was decided, and of what was written, at `position`, if anything was.
    async fn conclude(
        &self,
        request: &Request<'_, A>,
        known: &mut Folded<A>,
        verdict: Verdict<A>,
        position: Option<Position>,
    ) -> Outcome<A> {
        let mut events = Vec::new();
        if let Some(Change { events: recorded, after, .. }) = verdict.change {
            *known = Folded { epoch: known.epoch, ..after };
            events = recorded.into_iter().map(|(event, meta)| Recorded { event, meta }).collect();
        }
        verdict.ending.into_result()?;
        if verdict.repeats.is_some() {
            return self.repeated(request, known, verdict.repeats).await;
        }
        let position = match position {
            Some(position) => position,
            None => self.store.head().await?,
        };
        let (sequence, state) = (known.sequence, known.state.clone());
        Ok(Executed { events, sequence, position, state, duplicate: false })
    }
}

/// How far a command has got.
struct Tried {
    /// How often others were first.
    attempts: u32,
    /// Whether the state is not just a cached one.
    confirmed: bool,
}

/// A key of the command that is taken.
struct Taken {
    key: TakenKey,
    idempotent: bool,
}

impl Taken {
    fn new(keys: &[UniqueKey], taken: TakenKey) -> Self {
        let idempotent = keys.iter().any(|key| key.idempotent && claim(key) == taken.claim);
        Self { key: taken, idempotent }
    }

    /// Whether this very command took the key.
    fn recognises<A: Aggregate>(&self, request: &Request<'_, A>) -> bool {
        self.idempotent && self.key.content == request.content
    }

    /// The first outcome, where this very command took the key; else the refusal.
    fn verdict<A: Aggregate>(&self, request: &Request<'_, A>) -> Verdict<A> {
        let TakenKey { claim: KeyClaim { field, value, .. }, stream, events, refusal, .. } =
            &self.key;
        if self.recognises(request) {
            let (ending, repeats) = (Ending::recorded(refusal.clone()), Some(*events));
            return Verdict { repeats, ..Verdict::unchanged(ending) };
        }
        let message = format!(
            "the {field} `{value}` was taken by another command, at sequence {} of {} `{}`",
            events.0, stream.aggregate, stream.id
        );
        Verdict::unchanged(Ending::Refused(A::Error::duplicate_key(field, message)))
    }
}
