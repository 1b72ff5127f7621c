//! What the generated harness knows of an aggregate: its commands, and how to draw them.

use std::fmt;

use crate::aggregate::Aggregate;
use crate::codec::{FieldError, Writer};
use crate::command::{Command, Decide, Halt, Target};
use crate::event::{DomainEvent, UniqueKey};
use crate::metadata::StreamId;
use crate::testing::draw::Draw;
use crate::testing::fold::{Any, Decision, Fold};
use crate::testing::harness::Golden;
use crate::values::Timestamp;

/// An aggregate under test.
pub trait Subject: Copy + Send + Sync + 'static {
    /// The aggregate.
    type Aggregate: Aggregate;
    /// Its commands, in one type.
    type Command: AnyCommand<Self::Aggregate>;

    /// Whether all its events lie in one stream: then its histories do too.
    const ONE_STREAM: bool = false;

    /// Draws a command.
    fn command(draw: &mut Draw) -> Self::Command;

    /// How many boundaries the guards of its commands have: see [`Self::at_boundary`].
    const BOUNDARIES: usize = 0;

    /// Brings a command to a boundary of one of its guards in a state, or some of the smallest units
    /// beside it. A command without that boundary stays as it is.
    fn at_boundary(
        _state: &StateOf<Self>,
        _command: &mut Self::Command,
        _boundary: usize,
        _units: i64,
    ) {
    }

    /// What the ontology's scenarios tell.
    fn stories() -> Vec<Story<Self>> {
        Vec::new()
    }
}

/// A scenario of the ontology, as far as it shows the way to states and commands.
pub struct Story<S: Subject> {
    /// The events before, as they lie in a store.
    pub given: Vec<Golden>,
    /// The command.
    pub when: Option<S::Command>,
}

/// The events of an aggregate under test.
pub type EventOf<S> = <<S as Subject>::Aggregate as Aggregate>::Event;
/// The state of an aggregate under test.
pub type StateOf<S> = <<S as Subject>::Aggregate as Aggregate>::State;
/// The refusals of an aggregate under test.
pub type RefusalOf<S> = <<S as Subject>::Aggregate as Aggregate>::Error;

/// A command of any type of an aggregate.
pub trait AnyCommand<A: Aggregate>: Clone + fmt::Debug + Send + Sync + 'static {
    /// Hands the command over with its own type.
    fn visit<V: Visit<A>>(&self, visitor: V) -> V::Output;

    /// The ontology's name of the command.
    fn name(&self) -> &'static str {
        self.visit(Name)
    }

    /// Which streams it may address.
    fn target(&self) -> Target {
        self.visit(Targets)
    }

    /// Its input as JSON.
    fn input(&self) -> String {
        self.visit(Input)
    }

    /// The keys that it would claim, as far as the input tells.
    fn unique_keys(&self) -> Vec<UniqueKey> {
        self.visit(Keys)
    }

    /// The further keys by which it is recognised when it is sent to this stream again.
    fn retry_keys(&self, stream: &StreamId) -> Vec<UniqueKey> {
        self.visit(RetryKeys(stream))
    }

    /// What it would do to a stream now.
    fn decide(&self, fold: &Fold<A>, now: Timestamp) -> Decision<A> {
        self.visit(Decided { fold, now })
    }
}

/// The command of an aggregate that has none: to record an event.
pub struct RecordEvent<A: Aggregate> {
    /// The event.
    pub event: A::Event,
    /// Puts the event into a stream, at a time.
    pub place: fn(&mut A::Event, &StreamId, Timestamp),
    /// Whether the event may happen in a state.
    pub may_follow: fn(&A::State, &A::Event) -> bool,
}

impl<A: Aggregate> Clone for RecordEvent<A> {
    fn clone(&self) -> Self {
        Self { event: self.event.clone(), place: self.place, may_follow: self.may_follow }
    }
}

impl<A: Aggregate> fmt::Debug for RecordEvent<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.event, f)
    }
}

impl<A: Aggregate> Command<A> for RecordEvent<A> {
    const NAME: &'static str = "RecordEvent";
    const TARGET: Target = Target::Any;

    fn validate(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn write(&self, out: &mut Writer) {
        let mut data = Vec::new();
        self.event.write(&mut data);
        out.name(self.event.event_type());
        out.raw(&data);
    }

    fn unique_keys(&self, claim: &mut dyn FnMut(UniqueKey)) {
        self.event.unique_keys(claim);
    }

    fn decide(&self, context: &mut Decide<'_, A>) -> Result<(), Halt<A::Error>> {
        let mut event = self.event.clone();
        (self.place)(&mut event, context.stream_id(), context.now());
        if !(self.may_follow)(context.state(), &event) {
            return Err(Halt::Failed(format!("{} may not happen now", event.event_type())));
        }
        context.emit(Any(event))
    }
}

/// What is done to a command once its type is known.
pub trait Visit<A: Aggregate> {
    /// What it gives.
    type Output;

    /// Takes the command.
    fn visit<C: Command<A>>(self, command: &C) -> Self::Output;
}

struct Name;

impl<A: Aggregate> Visit<A> for Name {
    type Output = &'static str;

    fn visit<C: Command<A>>(self, _: &C) -> &'static str {
        C::NAME
    }
}

struct Targets;

impl<A: Aggregate> Visit<A> for Targets {
    type Output = Target;

    fn visit<C: Command<A>>(self, _: &C) -> Target {
        C::TARGET
    }
}

struct Input;

impl<A: Aggregate> Visit<A> for Input {
    type Output = String;

    fn visit<C: Command<A>>(self, command: &C) -> String {
        let mut out = Writer::default();
        out.object(|out| command.write(out));
        String::from_utf8_lossy(&out.into_bytes()).into_owned()
    }
}

struct Keys;

impl<A: Aggregate> Visit<A> for Keys {
    type Output = Vec<UniqueKey>;

    fn visit<C: Command<A>>(self, command: &C) -> Vec<UniqueKey> {
        let mut keys = Vec::new();
        command.unique_keys(&mut |key| keys.push(key));
        keys
    }
}

struct RetryKeys<'a>(&'a StreamId);

impl<A: Aggregate> Visit<A> for RetryKeys<'_> {
    type Output = Vec<UniqueKey>;

    fn visit<C: Command<A>>(self, command: &C) -> Vec<UniqueKey> {
        let mut keys = Vec::new();
        command.retry_keys(self.0, &mut |key| keys.push(key));
        keys
    }
}

struct Decided<'a, A: Aggregate> {
    fold: &'a Fold<A>,
    now: Timestamp,
}

impl<A: Aggregate> Visit<A> for Decided<'_, A> {
    type Output = Decision<A>;

    fn visit<C: Command<A>>(self, command: &C) -> Decision<A> {
        self.fold.decide(command, self.now)
    }
}
