//! A decision on a known state: what is to be appended, and what the caller is told.

use std::collections::BTreeSet;

use super::folded::Folded;
use super::request::Request;
use super::{ExecuteError, Repository, snapshot};
use crate::aggregate::{Aggregate, Refusal};
use crate::codec::FieldError;
use crate::command::{Decide, Decided, Halt, NewId};
use crate::event::{DomainEvent, UniqueKey};
use crate::metadata::{Metadata, Sequence};
use crate::store::{Append, CommandRecord, EventStore, KeyClaim, NewEvent};
use crate::values::Uuid;

/// How a decision ended.
#[derive(Clone)]
pub(super) enum Ending<E> {
    Done,
    Refused(E),
    /// Refused when it was first sent, by a name that this program does not have.
    RefusedBefore {
        name: String,
        message: String,
    },
    Invalid(FieldError),
    Failed(String),
}

impl<E: Refusal> Ending<E> {
    /// How a command ended of which a store recorded this refusal, or none.
    pub(super) fn recorded(refusal: Option<(String, String)>) -> Self {
        let Some((name, message)) = refusal else { return Self::Done };
        match E::restore(&name, message.clone()) {
            Some(refusal) => Self::Refused(refusal),
            None => Self::RefusedBefore { name, message },
        }
    }

    pub(super) fn into_result(self) -> Result<(), ExecuteError<E>> {
        match self {
            Self::Done => Ok(()),
            Self::Refused(refusal) => Err(ExecuteError::Refused(refusal)),
            Self::RefusedBefore { name, message } => {
                Err(ExecuteError::RefusedBefore { name, message })
            }
            Self::Invalid(error) => Err(ExecuteError::Invalid(error)),
            Self::Failed(reason) => Err(ExecuteError::Failed(reason)),
        }
    }
}

/// A decision.
pub(super) struct Verdict<A: Aggregate> {
    pub(super) ending: Ending<A::Error>,
    /// The events to append, with the state that they lead to.
    pub(super) change: Option<Change<A>>,
    /// The events of the first time, where the command is sent again under another id or none.
    pub(super) repeats: Option<(Sequence, Sequence)>,
    /// The fields with a place among the steps whose keys are looked up, for the decision came to them.
    pub(super) looked_up: Vec<&'static str>,
}

/// Events to append; never none.
pub(super) struct Change<A: Aggregate> {
    pub(super) events: Vec<(A::Event, Metadata)>,
    /// In order, each once.
    pub(super) keys: Vec<UniqueKey>,
    /// What becomes free before these are claimed.
    pub(super) released: Vec<UniqueKey>,
    /// What is claimed and released again.
    pub(super) passing: Vec<UniqueKey>,
    pub(super) after: Folded<A>,
}

/// The keys of the events of a command.
#[derive(Default)]
struct Keys {
    claimed: BTreeSet<UniqueKey>,
    released: Vec<UniqueKey>,
    passing: Vec<UniqueKey>,
}

impl<A: Aggregate> Verdict<A> {
    pub(super) fn unchanged(ending: Ending<A::Error>) -> Self {
        Self { ending, change: None, repeats: None, looked_up: Vec::new() }
    }

    /// Whether anything is to be written.
    pub(super) fn is_written(&self, request: &Request<'_, A>) -> bool {
        let decided = !matches!(self.ending, Ending::Invalid(_) | Ending::Failed(_));
        self.change.is_some() || (request.has_id() && decided)
    }

    /// Whether the append will check all keys that the input tells, or frees them, and checks the command
    /// id with them.
    pub(super) fn claims_all_keys(&self, request: &Request<'_, A>) -> bool {
        let keys = [request.unique_keys(&self.looked_up), request.retry_keys()];
        self.change.is_some() && keys.iter().flatten().all(|key| self.settles(key))
    }

    /// Whether the append will check a key, or frees it.
    pub(super) fn settles(&self, key: &UniqueKey) -> bool {
        let Some(change) = &self.change else { return false };
        let others = [&change.released, &change.passing];
        change.keys.binary_search(key).is_ok() || others.iter().any(|keys| keys.contains(key))
    }

    /// The append that writes it down, decided on a known state. The same at every call, but for the epoch.
    pub(super) fn append(&self, request: &Request<'_, A>, known: &Folded<A>) -> Append {
        let expected = known.sequence;
        let mut append = Append {
            stream: request.stream.clone(),
            expected,
            events: Vec::new(),
            released: Vec::new(),
            passing: Vec::new(),
            keys: Vec::new(),
            content: request.content,
            command: self.command_record(request),
            snapshot: None,
            epoch: Some(known.epoch),
        };
        if let Some(Change { events, keys, released, passing, after }) = &self.change {
            append.events = events.iter().map(|(event, meta)| new_event(event, meta)).collect();
            append.keys = claims(keys);
            append.released = released.iter().map(claim).collect();
            append.passing = passing.iter().map(claim).collect();
            append.snapshot = snapshot::is_due::<A>(expected, after.sequence)
                .then(|| snapshot::write::<A>(after))
                .flatten();
        }
        append
    }

    /// Name and message of a refusal, as they are recorded.
    pub(super) fn recorded_refusal(&self) -> Option<(String, String)> {
        match &self.ending {
            Ending::Refused(refusal) => {
                Some((refusal.name().to_owned(), refusal.message().to_owned()))
            }
            Ending::RefusedBefore { name, message } => Some((name.clone(), message.clone())),
            Ending::Done | Ending::Invalid(_) | Ending::Failed(_) => None,
        }
    }

    /// Without an id of the caller's, a refusal that keeps events with keys is recorded under the
    /// new id: a retry recognised by its key must find that it was refused.
    fn command_record(&self, request: &Request<'_, A>) -> Option<CommandRecord> {
        let refusal = self.recorded_refusal();
        let has_keys = self.change.as_ref().is_some_and(|change| !change.keys.is_empty());
        let recorded = request.has_id() || (refusal.is_some() && has_keys);
        recorded.then(|| CommandRecord { id: request.id.clone(), refusal, repeats: self.repeats })
    }
}

impl<A: Aggregate, S: EventStore> Repository<A, S> {
    /// Decides on a known state.
    pub(super) fn decide(&self, request: &Request<'_, A>, known: &Folded<A>) -> Verdict<A> {
        if let Err(error) = request.command.validate() {
            return Verdict::unchanged(Ending::Invalid(error));
        }
        if let Err(refusal) = request.command.check_target(&request.stream.id, known.sequence) {
            return Verdict::unchanged(Ending::Refused(refusal));
        }
        let mut new_id = |of| match of {
            NewId::Event => self.settings.ids.new_id(),
            NewId::Decision => self.settings.ids.decided_id(),
        };
        let template = self.template(request, known);
        let history = known.history.clone();
        let (state, config, last_time) = (&known.state, &*self.config, known.last_time);
        let mut context = Decide::new(state, config, history, last_time, template, &mut new_id);
        let ended = request.command.decide(&mut context);
        let looked_up = context.looked_up();
        let verdict = match ended {
            Ok(()) => concluded(Ending::Done, context, known.sequence),
            Err(Halt::RefusedKeeping(refusal)) => {
                concluded(Ending::Refused(refusal), context, known.sequence)
            }
            Err(Halt::Refused(refusal)) => Verdict::unchanged(Ending::Refused(refusal)),
            Err(Halt::Invalid(error)) => Verdict::unchanged(Ending::Invalid(error)),
            Err(Halt::Failed(reason)) => Verdict::unchanged(Ending::Failed(reason)),
        };
        Verdict { looked_up, ..verdict }
    }

    /// Metadata of the first event. Its time is the caller's as it is, or now, but never before the
    /// stream's last event.
    fn template(&self, request: &Request<'_, A>, known: &Folded<A>) -> Metadata {
        let (context, now) = (&request.context, self.settings.clock.now());
        let not_before = known.last_time.unwrap_or(now);
        Metadata {
            event_id: Uuid::nil(),
            stream_id: request.stream.id.clone(),
            sequence: known.sequence + 1,
            at: context.at.unwrap_or_else(|| now.max(not_before)),
            recorded_at: now,
            actor: context.actor.clone(),
            correlation_id: context.correlation_id.clone(),
            causation_id: context.causation_id.clone(),
            traceparent: context.traceparent.clone(),
        }
    }
}

/// The verdict of a decision whose events are to be appended, if they keep the rules.
fn concluded<A: Aggregate>(
    ending: Ending<A::Error>,
    context: Decide<'_, A>,
    before: Sequence,
) -> Verdict<A> {
    match context.finish().and_then(|decided| change(decided, before)) {
        Ok(change) => Verdict { change, ..Verdict::unchanged(ending) },
        Err(refusal) => Verdict::unchanged(Ending::Refused(refusal)),
    }
}

fn change<A: Aggregate>(
    decided: Decided<A>,
    before: Sequence,
) -> Result<Option<Change<A>>, A::Error> {
    let Decided { state, history, last_time, events } = decided;
    if events.is_empty() {
        return Ok(None);
    }
    let Keys { claimed, released, passing } = keys_of::<A>(&events)?;
    let keys = claimed.into_iter().collect();
    let sequence = before + events.len() as Sequence;
    let last_event = events.last().map(|(_, meta)| meta.event_id);
    Ok(Some(Change {
        events,
        keys,
        released,
        passing,
        after: Folded { state, sequence, last_time, history, last_event, ..Folded::default() },
    }))
}

/// The keys that the events claim, and those that they release. Events of one command may share a key that
/// only recognises the command; a key that must be unique is refused even among them. One that an event
/// claims and a later one releases is in passing: nobody may hold it, and nobody does afterwards. To release it
/// once more says nothing of who held it before.
fn keys_of<A: Aggregate>(events: &[(A::Event, Metadata)]) -> Result<Keys, A::Error> {
    let mut of = Keys::default();
    let mut twice = None;
    for (event, _) in events {
        event.released_keys(&mut |key| match of.claimed.remove(&key) {
            true => of.passing.push(key),
            false if of.passing.contains(&key) => {}
            false => of.released.push(key),
        });
        event.unique_keys(&mut |key| {
            if !of.claimed.insert(key.clone()) && !key.idempotent {
                twice = Some(key);
            }
        });
    }
    match twice {
        Some(key) => {
            let message =
                format!("two events of this command have the {} `{}`", key.field, key.value);
            Err(A::Error::duplicate_key(key.field, message))
        }
        None => Ok(of),
    }
}

fn new_event<E: DomainEvent>(event: &E, meta: &Metadata) -> NewEvent {
    let mut data = Vec::with_capacity(128);
    event.write(&mut data);
    NewEvent { event_type: event.event_type(), version: event.version(), data, meta: meta.clone() }
}

/// Keys as stores know them, in the order in which they are looked up: a command that is sent again must
/// be recognised before any other key of it is found to be taken, by itself.
pub(super) fn claims(keys: &[UniqueKey]) -> Vec<KeyClaim> {
    let of = |idempotent| keys.iter().filter(move |key| key.idempotent == idempotent);
    of(true).chain(of(false)).map(claim).collect()
}

/// A key as stores know it.
pub(super) fn claim(key: &UniqueKey) -> KeyClaim {
    KeyClaim { field: key.field, value: key.value.clone(), across_all: key.across_all }
}
