//! Commands: what a caller asks of an aggregate, and the context in which it is decided.

use std::cell::RefCell;
use std::fmt;

use crate::aggregate::{Aggregate, ApplyError, Refusal, Step};
use crate::codec::{FieldError, Writer};
use crate::eval::EvalError;
use crate::event::{DomainEvent, EventTypes, UniqueKey};
use crate::metadata::{Metadata, Sequence, StreamId};
use crate::values::{Timestamp, Uuid};

/// Which streams a command may address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Only a stream without events.
    New,
    /// Only a stream with events.
    Existing,
    /// Any stream.
    Any,
}

/// A command of an aggregate.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no command of `{A}`",
    label = "no command of `{A}`",
    note = "the commands of `{A}` are what its ontology declares under `commands`; they are generated into its module"
)]
pub trait Command<A: Aggregate>: Clone + fmt::Debug + Send + Sync + 'static {
    /// The ontology's name of the command.
    const NAME: &'static str;
    /// Which streams it may address.
    const TARGET: Target;
    /// Whether the decision checks that itself, by [`Decide::check_target`]; else it is checked before.
    const CHECKS_TARGET: bool = false;
    /// The fields whose keys are looked up when the decision comes to [`Decide::look_up`]; all others are
    /// looked up whatever it comes to.
    const LATER_KEYS: &'static [&'static str] = &[];

    /// Checks that the input fits its declared types, for example the digits of a `decimal(12,2)`.
    ///
    /// # Errors
    /// [`FieldError`] for the first field that does not.
    fn validate(&self) -> Result<(), FieldError>;

    /// Appends the input as a JSON object: with the name, this is the content by which a repeated
    /// command is recognised.
    fn write(&self, out: &mut Writer);

    /// Hands over the unique keys that the command's events will claim, as far as the input alone
    /// tells. They are looked up before a refusal is returned, so that a retry meets its own first
    /// outcome; those of [`Self::LATER_KEYS`] only where the decision has come to them.
    fn unique_keys(&self, claim: &mut dyn FnMut(UniqueKey));

    /// Hands over further keys by which the command may be recognised when it is sent again: told by its input
    /// and the stream alone, and claimed with `(idempotency)` if its decision comes to it. Unlike
    /// [`Self::unique_keys`] they refuse nothing: what another command has claimed is no concern of this one
    /// before its own events claim it.
    fn retry_keys(&self, stream: &StreamId, claim: &mut dyn FnMut(UniqueKey)) {
        let _ = (stream, claim);
    }

    /// Refusal for a target that does not fit [`Self::TARGET`].
    fn target_refused(stream: &StreamId) -> A::Error {
        match Self::TARGET {
            Target::New => {
                A::Error::already_exists(format!("{} `{stream}` exists already", A::NAME))
            }
            Target::Existing | Target::Any => {
                A::Error::not_found(format!("{} `{stream}` does not exist", A::NAME))
            }
        }
    }

    /// Decides: emits events into the context, or refuses. Pure but for the context's clock and ids.
    ///
    /// # Errors
    /// [`Halt`] with the refusal.
    fn decide(&self, context: &mut Decide<'_, A>) -> Result<(), Halt<A::Error>>;
}

/// An event that may be emitted: implemented for every event type of the aggregate that is not
/// retired.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be emitted by `{A}`",
    note = "an event can be emitted if the ontology declares it under `events` and it is not `retired: true`"
)]
pub trait Emit<A: Aggregate> {
    /// Checks that the fields fit their declared types.
    ///
    /// # Errors
    /// [`FieldError`] for the first field that does not.
    fn validate(&self) -> Result<(), FieldError>;

    /// The event as a member of the aggregate's events.
    fn into_event(self) -> A::Event;
}

/// Why a decision ended without its events.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Halt<E> {
    /// Refused; nothing is appended.
    Refused(E),
    /// Refused, but the events emitted so far are kept.
    RefusedKeeping(E),
    /// An event or a result does not fit its declared type.
    Invalid(FieldError),
    /// A hand-written part failed.
    Failed(String),
}

impl<E: Refusal> From<EvalError> for Halt<E> {
    fn from(error: EvalError) -> Self {
        Self::Refused(E::arithmetic_overflow(error.to_string()))
    }
}

impl<E> From<FieldError> for Halt<E> {
    fn from(error: FieldError) -> Self {
        Self::Invalid(error)
    }
}

impl<E: Refusal> From<ApplyError> for Halt<E> {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Eval(error) => error.into(),
            ApplyError::Field(error) => error.into(),
            ApplyError::Custom(reason) => Self::Failed(reason),
        }
    }
}

/// What a new id is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewId {
    /// An event that is emitted.
    Event,
    /// The decision asks for it: [`Decide::new_id`].
    Decision,
}

/// What a command is decided in: the state, the clock and ids, and the events so far.
pub struct Decide<'a, A: Aggregate> {
    state: &'a A::State,
    config: &'a A::Config,
    /// The state after the events so far; none before the first: a refusal copies no state.
    after: Option<A::State>,
    history: EventTypes,
    template: Metadata,
    last_time: Option<Timestamp>,
    /// The latest time of an event emitted here.
    emitted_time: Option<Timestamp>,
    new_id: &'a mut dyn FnMut(NewId) -> Uuid,
    events: Vec<(A::Event, Metadata)>,
    /// The fields of [`Command::LATER_KEYS`] that it has come to.
    looked_up: RefCell<Vec<&'static str>>,
}

impl<'a, A: Aggregate> Decide<'a, A> {
    /// A decision on `state`, reached after `sequence` events of the types in `history`, the last
    /// of which happened at `last_time`. `template` is the metadata of the next event but for its id;
    /// its `at` is what [`Self::now`] gives.
    pub fn new(
        state: &'a A::State,
        config: &'a A::Config,
        history: EventTypes,
        last_time: Option<Timestamp>,
        template: Metadata,
        new_id: &'a mut dyn FnMut(NewId) -> Uuid,
    ) -> Self {
        Self {
            state,
            config,
            after: None,
            history,
            template,
            last_time,
            emitted_time: None,
            new_id,
            events: Vec::new(),
            looked_up: RefCell::default(),
        }
    }

    /// Checks here that the command may address the stream: see [`Command::CHECKS_TARGET`].
    ///
    /// # Errors
    /// [`Halt`] where it may not.
    pub fn check_target<C: Command<A>>(&self) -> Result<(), Halt<A::Error>> {
        check_target::<A, C>(self.stream_id(), self.sequence()).map_err(Halt::Refused)
    }

    /// From here on, a key of this field that is taken comes before what the decision comes to: see
    /// [`Command::LATER_KEYS`].
    pub fn look_up(&self, field: &'static str) {
        self.looked_up.borrow_mut().push(field);
    }

    /// The fields of which keys are looked up.
    pub(crate) fn looked_up(&self) -> Vec<&'static str> {
        self.looked_up.borrow().clone()
    }

    /// The state before the command.
    pub fn state(&self) -> &'a A::State {
        self.state
    }

    /// What the program is set to.
    pub fn config(&self) -> &'a A::Config {
        self.config
    }

    /// The state after the events emitted so far.
    pub fn after(&self) -> &A::State {
        self.after.as_ref().unwrap_or(self.state)
    }

    /// The stream that is addressed.
    pub fn stream_id(&self) -> &StreamId {
        &self.template.stream_id
    }

    /// The time of this decision: the same at every call.
    pub fn now(&self) -> Timestamp {
        self.template.at
    }

    /// A new id: another one at every call.
    pub fn new_id(&mut self) -> Uuid {
        (self.new_id)(NewId::Decision)
    }

    /// Metadata of the event that is emitted next.
    pub fn meta(&self) -> &Metadata {
        &self.template
    }

    /// Number of events before the next one.
    pub fn sequence(&self) -> Sequence {
        self.template.sequence - 1
    }

    /// Emits an event: checks it, folds it into [`Self::after`], and keeps it for the append.
    ///
    /// # Errors
    /// [`Halt`] where the event breaks a rule, or its fold fails.
    pub fn emit<E: Emit<A>>(&mut self, event: E) -> Result<(), Halt<A::Error>> {
        event.validate()?;
        self.push(event.into_event())
    }

    /// Records an event that was decided elsewhere and has been validated.
    pub(crate) fn record(&mut self, event: A::Event) -> Result<(), Halt<A::Error>> {
        self.push(event)
    }

    fn push(&mut self, event: A::Event) -> Result<(), Halt<A::Error>> {
        check_stream::<A>(&event, self.stream_id())?;
        let mut meta = self.template.clone();
        meta.event_id = (self.new_id)(NewId::Event);
        let time = event.occurred_at().unwrap_or_else(|| {
            // One that has no time of its own happens after those that do.
            meta.at = self.emitted_time.map_or(meta.at, |time| meta.at.max(time));
            meta.at
        });
        if A::ORDERED_BY_TIME && self.last_time.is_some_and(|last| time < last) {
            return Err(Halt::Refused(A::Error::out_of_order(format!(
                "{} at {time} lies before the stream's last event at {}",
                event.event_type(),
                self.last_time.unwrap_or(time),
            ))));
        }
        // A decision may go on after a refused event: the state must not keep it.
        self.after = Some(self.fold(&event, &meta)?);
        self.history.insert(event.type_index());
        self.last_time = self.last_time.max(Some(time));
        self.emitted_time = self.emitted_time.max(Some(time));
        self.template.sequence += 1;
        self.events.push((event, meta));
        Ok(())
    }

    /// The state after one more event.
    fn fold(&self, event: &A::Event, meta: &Metadata) -> Result<A::State, Halt<A::Error>> {
        let before = self.after();
        let mut after = before.clone();
        A::apply(&mut after, event, meta)?;
        let (history, config) = (&self.history, self.config);
        let step = Step { before, event, after: &after, history, config };
        A::check_event(&step).map_err(Halt::Refused)?;
        Ok(after)
    }

    /// Ends the decision: checks the state that the events lead to and hands them over.
    ///
    /// # Errors
    /// The refusal of the first rule that the state breaks.
    pub fn finish(self) -> Result<Decided<A>, A::Error> {
        if let Some(after) = &self.after {
            A::check_state(self.state, after, self.config)?;
        }
        Ok(Decided {
            state: self.after.unwrap_or_else(|| self.state.clone()),
            history: self.history,
            last_time: self.last_time,
            events: self.events,
        })
    }
}

/// Refuses an event that names another stream than the one it goes to. To put the right name into it would book
/// one stream's event to another without a word.
fn check_stream<A: Aggregate>(event: &A::Event, stream: &StreamId) -> Result<(), FieldError> {
    match event.named_stream() {
        Some(named) if named != stream.as_str() => Err(FieldError {
            field: A::PARTITION_KEY,
            reason: format!(
                "{} names the stream `{named}`, and is recorded in `{stream}`",
                event.event_type()
            ),
        }),
        _ => Ok(()),
    }
}

/// Whether a command may address a stream of so many events.
pub(crate) fn check_target<A: Aggregate, C: Command<A>>(
    stream: &StreamId,
    sequence: Sequence,
) -> Result<(), A::Error> {
    match (C::TARGET, sequence) {
        (Target::New, 0) | (Target::Existing, 1..) | (Target::Any, _) => Ok(()),
        (Target::New, _) | (Target::Existing, 0) => Err(C::target_refused(stream)),
    }
}

/// The outcome of a decision: events to append, and what they lead to.
pub struct Decided<A: Aggregate> {
    /// The state after the events.
    pub state: A::State,
    /// The event types that have occurred, the new ones included.
    pub history: EventTypes,
    /// The latest time of an event of the stream.
    pub last_time: Option<Timestamp>,
    /// The events with their metadata, in order; empty where there is nothing to do.
    pub events: Vec<(A::Event, Metadata)>,
}
