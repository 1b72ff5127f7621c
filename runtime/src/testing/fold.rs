//! One stream without a store: the state that events add up to, and what commands would do to it.
//!
//! The harness compares stores with it, and looks for commands in it that a history can go on with.
//! It knows neither command ids nor snapshots nor retries: those are the repository's.

use std::collections::BTreeSet;
use std::fmt;

use crate::aggregate::{Aggregate, ApplyError, Refusal};
use crate::clock::Ids as _;
use crate::codec::FieldError;
use crate::command::{Command, Decide, Emit, Halt, NewId, check_target};
use crate::event::{DomainEvent, EventTypes, UniqueKey};
use crate::metadata::{Metadata, Sequence, StreamId};
use crate::repository::CommandContext;
use crate::testing::clock::{GivenIds, START};
use crate::values::{Timestamp, Uuid};

/// What tests say of every command, unless they try something else: folds and decisions may read it, so it
/// is the same in a fold and in a store.
pub fn caller() -> CommandContext {
    CommandContext::new()
        .actor("harness")
        .correlation_id("harness-correlation")
        .causation_id("harness-cause")
}

/// A stream as a fold.
pub struct Fold<A: Aggregate> {
    /// The id of the stream.
    pub stream_id: StreamId,
    /// What its events add up to.
    pub state: A::State,
    /// Sequence of the last event.
    pub sequence: Sequence,
    /// The types of the events.
    pub history: EventTypes,
    /// The latest time of an event.
    pub last_time: Option<Timestamp>,
    /// The keys that are taken, by this stream or, across all, by another.
    pub keys: BTreeSet<UniqueKey>,
    /// Those that this stream holds.
    pub held: BTreeSet<UniqueKey>,
    /// What the program is set to.
    pub config: A::Config,
    /// Who sends the next command, and why.
    pub caller: CommandContext,
    /// What `new_id()` gives, where a test names it.
    pub ids: Option<GivenIds>,
}

/// What a command would do.
pub enum Decision<A: Aggregate> {
    /// It leads to these events, which may be none.
    Events(Vec<(A::Event, Metadata)>),
    /// It is refused, and these events are kept.
    Refused(A::Error, Vec<(A::Event, Metadata)>),
    /// Unique keys of it are taken: the refusal of each. The store tells one of them.
    Taken(Vec<A::Error>),
    /// A value does not fit its type.
    Invalid(FieldError),
    /// A hand-written part fails.
    Failed(String),
}

impl<A: Aggregate> Decision<A> {
    /// The events, where the command is accepted.
    pub fn accepted(&self) -> Option<&[(A::Event, Metadata)]> {
        match self {
            Self::Events(events) => Some(events),
            _ => None,
        }
    }

    /// The events that are appended, also those that a refusal keeps.
    pub fn events(&self) -> &[(A::Event, Metadata)] {
        match self {
            Self::Events(events) | Self::Refused(_, events) => events,
            Self::Taken(_) | Self::Invalid(_) | Self::Failed(_) => &[],
        }
    }

    /// The name of the refusal, where the command is refused.
    pub fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal, _) => Some(refusal.name()),
            Self::Taken(refusals) => refusals.first().map(Refusal::name),
            _ => None,
        }
    }
}

impl<A: Aggregate> fmt::Debug for Decision<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Events(events) => write!(f, "{:?}", only_events::<A>(events)),
            Self::Refused(refusal, events) if events.is_empty() => {
                write!(f, "{}: {}", refusal.name(), refusal.message())
            }
            Self::Refused(refusal, events) => {
                let events = only_events::<A>(events);
                write!(f, "{}: {}, keeping {events:?}", refusal.name(), refusal.message())
            }
            Self::Taken(refusals) => {
                let names: Vec<_> = refusals.iter().map(Refusal::name).collect();
                write!(f, "{}", names.join(" or "))
            }
            Self::Invalid(error) => write!(f, "invalid {error}"),
            Self::Failed(reason) => write!(f, "failed: {reason}"),
        }
    }
}

fn only_events<A: Aggregate>(events: &[(A::Event, Metadata)]) -> Vec<&A::Event> {
    events.iter().map(|(event, _)| event).collect()
}

/// Any event of an aggregate, to be recorded whether or not it may be emitted.
#[derive(Clone, Debug)]
pub struct Any<E>(pub E);

// Who writes `context.emit(x)` never means it, so a compile error doesn't offer it.
#[diagnostic::do_not_recommend]
impl<A: Aggregate> Emit<A> for Any<A::Event> {
    fn validate(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn into_event(self) -> A::Event {
        self.0
    }
}

impl<A: Aggregate> Clone for Fold<A> {
    fn clone(&self) -> Self {
        Self {
            stream_id: self.stream_id.clone(),
            state: self.state.clone(),
            sequence: self.sequence,
            history: self.history.clone(),
            last_time: self.last_time,
            keys: self.keys.clone(),
            held: self.held.clone(),
            config: self.config.clone(),
            caller: self.caller.clone(),
            ids: self.ids.clone(),
        }
    }
}

impl<A: Aggregate> Fold<A> {
    /// An empty stream.
    pub fn new(stream_id: impl Into<StreamId>) -> Self {
        Self {
            stream_id: stream_id.into(),
            state: A::State::default(),
            sequence: 0,
            history: EventTypes::default(),
            last_time: None,
            keys: BTreeSet::new(),
            held: BTreeSet::new(),
            config: A::Config::default(),
            caller: caller(),
            ids: None,
        }
    }

    /// Metadata of the next event, at a time.
    pub fn metadata(&self, at: Timestamp) -> Metadata {
        Metadata {
            event_id: Uuid::from_u128(u128::from(self.sequence) + 1),
            stream_id: self.stream_id.clone(),
            sequence: self.sequence + 1,
            at,
            recorded_at: at,
            actor: self.caller.actor.clone(),
            correlation_id: self.caller.correlation_id.clone(),
            causation_id: self.caller.causation_id.clone(),
            traceparent: self.caller.traceparent.clone(),
        }
    }

    /// Folds in the next event.
    ///
    /// # Errors
    /// What the aggregate's fold fails with.
    pub fn apply(&mut self, event: &A::Event, meta: &Metadata) -> Result<(), ApplyError> {
        A::apply(&mut self.state, event, meta)?;
        let time = event.occurred_at().unwrap_or(meta.at);
        self.sequence += 1;
        self.history.insert(event.type_index());
        self.last_time = Some(self.last_time.map_or(time, |last| last.max(time)));
        self.take_keys(event);
        Ok(())
    }

    /// Frees the keys that an event releases, and takes those that it claims.
    fn take_keys(&mut self, event: &A::Event) {
        event.released_keys(&mut |key| {
            if self.held.remove(&key) {
                self.keys.remove(&key);
            }
        });
        event.unique_keys(&mut |key| {
            self.held.insert(key.clone());
            self.keys.insert(key);
        });
    }

    /// Folds in events that a command led to.
    ///
    /// # Errors
    /// What the aggregate's fold fails with.
    pub fn apply_all(&mut self, events: &[(A::Event, Metadata)]) -> Result<(), ApplyError> {
        events.iter().try_for_each(|(event, meta)| self.apply(event, meta))
    }

    /// What a command would do now. The time is no earlier than the last event's.
    pub fn decide<C: Command<A>>(&self, command: &C, now: Timestamp) -> Decision<A> {
        let (decision, looked_up) = self.decide_free(command, now);
        // A command may take what it frees itself.
        let settled = settled_keys::<A>(decision.events());
        let taken = self.taken_keys(|claim| {
            command.unique_keys(&mut |key| {
                let is_due = !C::LATER_KEYS.contains(&key.field) || looked_up.contains(&key.field);
                if is_due && !settled.contains(&key) {
                    claim(key);
                }
            });
        });
        if taken.is_empty() { decision } else { Decision::Taken(taken) }
    }

    /// What a command would do now, its own keys aside, and those of which fields it has come to that are
    /// looked up in its steps.
    fn decide_free<C: Command<A>>(
        &self,
        command: &C,
        now: Timestamp,
    ) -> (Decision<A>, Vec<&'static str>) {
        if let Err(error) = command.validate() {
            return (Decision::Invalid(error), Vec::new());
        }
        if !C::CHECKS_TARGET
            && let Err(refusal) = check_target::<A, C>(&self.stream_id, self.sequence)
        {
            return (Decision::Refused(refusal, Vec::new()), Vec::new());
        }
        let mut looked_up = Vec::new();
        let decision = self.decide_with(now, |context| {
            let outcome = command.decide(context);
            looked_up = context.looked_up();
            outcome
        });
        (decision, looked_up)
    }

    /// What a decision would do now, without asking for keys and target.
    pub fn decide_with(
        &self,
        now: Timestamp,
        decide: impl FnOnce(&mut Decide<'_, A>) -> Result<(), Halt<A::Error>>,
    ) -> Decision<A> {
        let mut ids = u128::from(self.sequence) << 64;
        let mut new_id = |of| match (&self.ids, of) {
            (Some(named), NewId::Decision) => named.decided_id(),
            _ => {
                ids += 1;
                Uuid::from_u128(ids)
            }
        };
        let template = self.metadata(self.last_time.map_or(now, |last| last.max(now)));
        let history = self.history.clone();
        let (state, config, last_time) = (&self.state, &self.config, self.last_time);
        let mut context = Decide::new(state, config, history, last_time, template, &mut new_id);
        let outcome = decide(&mut context);
        match outcome {
            Ok(()) => match context.finish() {
                Ok(decided) => self.check_keys(decided.events, Decision::Events),
                Err(refusal) => Decision::Refused(refusal, Vec::new()),
            },
            Err(Halt::RefusedKeeping(refusal)) => match context.finish() {
                Ok(decided) => {
                    self.check_keys(decided.events, |kept| Decision::Refused(refusal, kept))
                }
                Err(refusal) => Decision::Refused(refusal, Vec::new()),
            },
            Err(Halt::Refused(refusal)) => Decision::Refused(refusal, Vec::new()),
            Err(Halt::Invalid(error)) => Decision::Invalid(error),
            Err(Halt::Failed(reason)) => Decision::Failed(reason),
        }
    }

    fn check_keys(
        &self,
        events: Vec<(A::Event, Metadata)>,
        free: impl FnOnce(Vec<(A::Event, Metadata)>) -> Decision<A>,
    ) -> Decision<A> {
        let (mut fold, mut taken) = (self.clone(), Vec::new());
        for (event, _) in &events {
            // A key that recognises a command may stand in several of its events.
            taken.extend(fold.taken_keys(|claim| {
                event.unique_keys(&mut |key| {
                    if !key.idempotent || self.keys.contains(&key) {
                        claim(key);
                    }
                });
            }));
            fold.take_keys(event);
        }
        if taken.is_empty() { free(events) } else { Decision::Taken(taken) }
    }

    fn taken_keys(&self, keys: impl FnOnce(&mut dyn FnMut(UniqueKey))) -> Vec<A::Error> {
        let mut taken = Vec::new();
        keys(&mut |key| {
            if self.keys.contains(&key) {
                taken.push(taken_key::<A>(&key));
            }
        });
        taken
    }

    /// Folds in events as they were written down, a second apart, or each at its own time.
    ///
    /// # Errors
    /// What the aggregate's fold fails with.
    pub fn given(&mut self, events: impl IntoIterator<Item = A::Event>) -> Result<(), ApplyError> {
        for event in events {
            let seconds =
                i64::try_from(self.sequence).unwrap_or(i64::MAX).saturating_mul(1_000_000);
            let at = Timestamp::from_micros(START.as_micros().saturating_add(seconds));
            let meta = self.metadata(event.occurred_at().unwrap_or(at));
            self.apply(&event, &meta)?;
        }
        Ok(())
    }
}

fn taken_key<A: Aggregate>(key: &UniqueKey) -> A::Error {
    A::Error::duplicate_key(key.field, format!("the {} `{}` is taken", key.field, key.value))
}

/// The keys that events claim or free.
fn settled_keys<A: Aggregate>(events: &[(A::Event, Metadata)]) -> BTreeSet<UniqueKey> {
    let mut keys = BTreeSet::new();
    for (event, _) in events {
        event.released_keys(&mut |key| {
            keys.insert(key);
        });
        event.unique_keys(&mut |key| {
            keys.insert(key);
        });
    }
    keys
}
