//! Histories: random commands to a few streams, run for real, with a fold of every stream beside them.

use std::fmt::Debug;

use super::world::{RepositoryOf, Sent, repository, send};
use crate::aggregate::Aggregate;
use crate::clock::Clock;
use crate::metadata::Sequence;
use crate::repository::CommandContext;
use crate::store::EventStore;
use crate::testing::clock::{START, TestClock};
use crate::testing::draw::{Draw, Range};
use crate::testing::failure::{Check, Context, Failure, equal};
use crate::testing::fold::{Decision, Fold};
use crate::testing::subject::{AnyCommand, EventOf, StateOf, Subject};
use crate::values::{Duration, Timestamp};

/// The streams of a history.
pub(super) const STREAMS: [&str; 3] = ["A1", "B 2", "ü"];

/// One step of a history: time passes, and one of several commands is sent to a stream.
#[derive(Clone)]
pub(super) struct Step<C> {
    /// Which of the streams.
    pub stream: usize,
    /// How much time passes before.
    pub pause: Duration,
    /// The first of these that would be accepted is sent, else the first.
    pub candidates: Vec<C>,
    /// What a projection does after it.
    pub then: Then,
}

/// What a projection does after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// It is left behind.
    Nothing,
    /// It catches up.
    Project,
    /// It is interrupted while it catches up, and started again.
    Interrupt,
    /// It is built anew.
    Rebuild,
}

impl<C: Debug> Debug for Step<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, after {}: {:?}", STREAMS[self.stream], self.pause, self.candidates)
    }
}

/// Draws a step.
pub(super) fn step<S: Subject>(draw: &mut Draw) -> Step<S::Command> {
    let stream = draw.below(STREAMS.len());
    let pause = Duration::from_micros(i64::try_from(draw.below(3)).unwrap_or(0) * 1_000_000);
    let thens = [Then::Nothing, Then::Nothing, Then::Project, Then::Interrupt, Then::Rebuild];
    let then = thens[draw.below(thens.len())];
    Step { stream, pause, candidates: (0..3).map(|_| S::command(draw)).collect(), then }
}

/// A history as it is lived: what was sent, and what it came to.
pub(super) struct Live<S: Subject> {
    /// Each stream as a fold of the events that the repository reported.
    pub(super) folds: Vec<Fold<S::Aggregate>>,
    /// The state that was reported at each sequence, by stream.
    pub(super) states: Vec<(usize, Sequence, StateOf<S>)>,
}

impl<S: Subject> Live<S> {
    pub(super) fn new() -> Self {
        Self { folds: STREAMS.iter().map(|id| Fold::new(*id)).collect(), states: Vec::new() }
    }

    /// Number of events.
    pub(super) fn len(&self) -> u64 {
        self.folds.iter().map(|fold| fold.sequence).sum()
    }

    /// The command of a step that is sent.
    pub(super) fn choose<'c>(
        &self,
        step: &'c Step<S::Command>,
        now: Timestamp,
    ) -> (&'c S::Command, Decision<S::Aggregate>) {
        let fold = &self.folds[step.stream];
        let decided = |command: &'c S::Command| (command, command.decide(fold, now));
        let accepted = |(_, decision): &(_, Decision<S::Aggregate>)| {
            decision.accepted().is_some_and(|events| !events.is_empty())
        };
        let mut candidates = step.candidates.iter().map(decided);
        let first = candidates.next().expect("a step has several candidates");
        if accepted(&first) { first } else { candidates.find(accepted).unwrap_or(first) }
    }

    /// Sends the command of a step, and compares what it comes to with what the fold decides. Hands
    /// over both.
    pub(super) async fn go<E: EventStore>(
        &mut self,
        repository: &RepositoryOf<S, E>,
        clock: &TestClock,
        step: &Step<S::Command>,
    ) -> Check<(S::Command, Sent<S::Aggregate>)> {
        clock.advance(step.pause);
        let (command, decision) = self.choose(step, clock.now());
        let id = STREAMS[step.stream];
        let sent = send::<S, E>(repository, id, command, CommandContext::new()).await?;
        self.note(step.stream, &sent)?;
        agree::<S::Aggregate>(&decision, &sent)
            .context("stream", || id.to_owned())
            .context("command", || format!("{command:?}"))?;
        Ok((command.clone(), sent))
    }

    /// Folds in what a command came to.
    pub(super) fn note(&mut self, stream: usize, sent: &Sent<S::Aggregate>) -> Check {
        let Sent::Done(executed) = sent else { return Ok(()) };
        if executed.duplicate {
            return Ok(());
        }
        let fold = &mut self.folds[stream];
        for recorded in &executed.events {
            equal("the sequence of a new event", &recorded.meta.sequence, &(fold.sequence + 1))
                .context("stream", || STREAMS[stream].to_owned())?;
            fold.apply(&recorded.event, &recorded.meta).map_err(|error| {
                Failure::new(format!("an event that was accepted cannot be applied: {error}"))
                    .with("event", format!("{recorded:?}"))
            })?;
        }
        equal("the state that the command reports", &executed.state, &fold.state)
            .context("events", || format!("{:?}", executed.events))?;
        self.states.push((stream, fold.sequence, fold.state.clone()));
        Ok(())
    }
}

/// The repository decides as the fold does.
fn agree<A: Aggregate>(decision: &Decision<A>, sent: &Sent<A>) -> Check {
    use crate::event::DomainEvent;
    let shown = || Failure::new("the repository decides otherwise than the fold");
    let same = match (decision, sent) {
        (Decision::Events(decided), Sent::Done(executed)) => {
            let decided: Vec<_> = decided.iter().map(|(event, _)| event.event_type()).collect();
            let recorded = executed.events.iter().map(|recorded| recorded.event.event_type());
            executed.duplicate || recorded.eq(decided)
        }
        (Decision::Refused(..), Sent::Refused(_)) => decision.refusal() == sent.refusal(),
        // A key that was taken by this very command.
        (Decision::Refused(..), Sent::Done(executed)) => executed.duplicate,
        (Decision::Invalid(decided), Sent::Invalid(found)) => decided == found,
        (Decision::Failed(decided), Sent::Failed(found)) => decided == found,
        _ => false,
    };
    if same {
        return Ok(());
    }
    Err(shown().with("fold", format!("{decision:?}")).with("repository", sent.shown()))
}

/// Runs a history in a store.
pub(super) async fn live<S: Subject, E: EventStore>(
    store: &E,
    steps: &[Step<S::Command>],
) -> Check<Live<S>> {
    let clock = TestClock::default();
    let repository = repository::<S, E>(store.clone(), clock.clone()).await?;
    let mut live = Live::new();
    for step in steps {
        live.go(&repository, &clock, step).await?;
    }
    Ok(live)
}

/// Commands that carry one stream on, each accepted after the ones before it.
pub(super) struct Path<S: Subject> {
    pub(super) commands: Vec<S::Command>,
    /// The events of each command.
    pub(super) events: Vec<Vec<EventOf<S>>>,
    /// The stream after each command: `folds[0]` is empty.
    pub(super) folds: Vec<Fold<S::Aggregate>>,
}

/// Looks for commands that lead to a stream of at least `length` events, or as many as can be found.
///
/// A command after which hardly anything is possible any more, such as the closing of an account, is
/// not taken.
pub(super) fn path<S: Subject>(stream: &str, length: u64, seed: u64) -> Path<S> {
    let mut chance = fastrand::Rng::with_seed(seed);
    let folds = vec![Fold::new(stream)];
    let mut path = Path { commands: Vec::new(), events: Vec::new(), folds };
    let mut tried = 0;
    while tried < 300 {
        let fold = &path.folds[path.folds.len() - 1];
        if fold.sequence >= length {
            break;
        }
        tried += 1;
        let command = any_command::<S>(&mut chance);
        let Some((next, events)) = after(fold, &command) else { continue };
        let goes_on = (0..40).any(|_| after(&next, &any_command::<S>(&mut chance)).is_some());
        if goes_on || next.sequence >= length {
            path.commands.push(command);
            path.events.push(events);
            path.folds.push(next);
            tried = 0;
        }
    }
    path
}

/// Draws a command by numbers of chance.
pub(super) fn any_command<S: Subject>(chance: &mut fastrand::Rng) -> S::Command {
    let numbers = (0..24).map(|_| chance.u64(..)).collect();
    S::command(&mut Draw::new(numbers, Range::Likely))
}

/// The stream after a command that is accepted and changes something, and the events that do.
fn after<A: Aggregate>(
    fold: &Fold<A>,
    command: &impl AnyCommand<A>,
) -> Option<(Fold<A>, Vec<A::Event>)> {
    let now = fold.last_time.unwrap_or(START);
    let decision = command.decide(fold, now);
    let events = decision.accepted().filter(|events| !events.is_empty())?;
    let mut next = fold.clone();
    next.apply_all(events).ok()?;
    Some((next, events.iter().map(|(event, _)| event.clone()).collect()))
}
