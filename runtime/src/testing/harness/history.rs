//! Histories: random commands to a few streams, run for real, with a fold of every stream beside them.

use std::cell::Cell;
use std::ops::Range as Length;

use super::commands::{Candidate, Commands, nothing_shown, simple};
use super::world::{RepositoryOf, Sent, repository, send};
use crate::aggregate::{Aggregate, Refusal};
use crate::clock::Clock;
use crate::event::DomainEvent;
use crate::metadata::{Metadata, Sequence};
use crate::repository::{CommandContext, Recorded};
use crate::store::{EventStore, StoredEvent};
use crate::testing::clock::TestClock;
use crate::testing::draw::Draw;
use crate::testing::failure::{Check, Context, Failure, equal};
use crate::testing::fold::{Decision, Fold};
use crate::testing::property::{drawn, for_all, lists};
use crate::testing::run;
use crate::testing::subject::{AnyCommand, EventOf, StateOf, Subject};
use crate::values::{Duration, Timestamp};

/// The streams of a history.
pub(super) const STREAMS: [&str; 3] = ["A1", "B 2", "ü"];

/// How many commands a step has to choose from.
const CANDIDATES: usize = 8;

/// One step of a history: time passes, and one of several commands is sent to a stream.
pub(super) struct Step<C> {
    /// Which of the streams.
    pub stream: usize,
    /// How much time passes before; the clocks of different machines also go back.
    pub pause: Duration,
    /// The first of these that would be accepted is sent, else the first.
    pub candidates: Vec<Candidate<C>>,
    /// Whether the first is sent in any case.
    pub insists: bool,
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
    /// It is stopped on the way, at this point, and started again.
    Restart(u32),
    /// It is built anew.
    Rebuild,
}

/// Draws a step.
pub(super) fn step<S: Subject>(draw: &mut Draw) -> Step<S::Command> {
    let stream = draw.below(if S::ONE_STREAM { 1 } else { STREAMS.len() });
    let pause = Duration::from_micros([0, 1_000_000, 2_000_000, -3_600_000_000][draw.below(4)]);
    let point = u32::try_from(draw.below(12)).unwrap_or(0);
    let thens = [Then::Nothing, Then::Nothing, Then::Project, Then::Restart(point), Then::Rebuild];
    let then = thens[draw.below(thens.len())];
    let insists = draw.below(4) == 3;
    let mut others = Commands::<S>::new(draw.seed());
    let mut candidates = vec![simple::<S>(draw)];
    candidates.extend((1..CANDIDATES).map(|_| others.candidate()));
    Step { stream, pause, candidates, insists, then }
}

/// Checks a property of histories of any length in a range. A failure tells the commands of the shortest
/// history that was found.
pub(super) fn for_any_history<S: Subject>(
    cases: u32,
    length: Length<usize>,
    check: impl AsyncFn(&[Step<S::Command>], &mut Live<S>) -> Check,
) -> Check {
    let shown = Cell::new(false);
    for_all(cases, lists(length), |numbers| {
        let steps = drawn(&numbers, step::<S>);
        let mut live = Live::new();
        let outcome = run(check(&steps, &mut live));
        shown.set(shown.get() || live.len() > 0);
        outcome.context("commands", || live.told.concat())
    })?;
    if shown.get() { Ok(()) } else { nothing_shown::<S>("no random command is accepted") }
}

/// A history as it is lived: what was sent, and what it came to.
pub(super) struct Live<S: Subject> {
    /// Each stream as a fold of the events that were reported or kept.
    pub(super) folds: Vec<Fold<S::Aggregate>>,
    /// The state at each sequence that a command led to, by stream.
    pub(super) states: Vec<(usize, Sequence, StateOf<S>)>,
    /// For people: each command, its stream and what it came to.
    told: Vec<String>,
    /// The commands whose refusals kept events: by stream, name and input, with the refusal.
    refused: Vec<(usize, &'static str, String, &'static str)>,
    /// The commands that led to events: by stream, name and input.
    done: Vec<(usize, &'static str, String)>,
}

/// A step that was gone.
pub(super) struct Gone<S: Subject> {
    pub(super) command: S::Command,
    pub(super) sent: Sent<S::Aggregate>,
    /// The stream before.
    pub(super) before: Fold<S::Aggregate>,
    /// What was appended: the events of a command, or those that its refusal keeps.
    pub(super) events: Vec<Recorded<EventOf<S>>>,
}

/// A command that was refused, with the stream before and what it came to.
type Refused<S> =
    (<S as Subject>::Command, Fold<<S as Subject>::Aggregate>, Sent<<S as Subject>::Aggregate>);

impl<S: Subject> Live<S> {
    pub(super) fn new() -> Self {
        let folds = STREAMS.iter().map(|id| Fold::new(*id)).collect();
        let (states, told) = (Vec::new(), Vec::new());
        Self { folds, states, told, refused: Vec::new(), done: Vec::new() }
    }

    /// Number of events.
    pub(super) fn len(&self) -> u64 {
        self.folds.iter().map(|fold| fold.sequence).sum()
    }

    /// The command of a step that is sent.
    fn choose(
        &self,
        step: &Step<S::Command>,
        now: Timestamp,
    ) -> (S::Command, Decision<S::Aggregate>) {
        let fold = &self.folds[step.stream];
        let mut decided = step.candidates.iter().map(|candidate| {
            let command = candidate.meeting::<S>(&fold.state);
            let decision = command.decide(fold, now);
            (command, decision)
        });
        let first = decided.next().expect("a step has several candidates");
        if step.insists || is_change(&first.1) {
            return first;
        }
        decided.find(|(_, decision)| is_change(decision)).unwrap_or(first)
    }

    /// Sends the command of a step, and compares what it comes to with what the fold decides.
    pub(super) async fn go<E: EventStore>(
        &mut self,
        repository: &RepositoryOf<S, E>,
        clock: &TestClock,
        step: &Step<S::Command>,
    ) -> Check<Gone<S>> {
        self.go_with(repository, clock, step, CommandContext::new()).await
    }

    /// The same, with what the caller says beside the command.
    pub(super) async fn go_with<E: EventStore>(
        &mut self,
        repository: &RepositoryOf<S, E>,
        clock: &TestClock,
        step: &Step<S::Command>,
        context: CommandContext,
    ) -> Check<Gone<S>> {
        let never = |_: &[_]| Err(Failure::new("a projection refuses events where there is none"));
        self.go_projected(repository, clock, step, context, never).await
    }

    /// The same beside an immediate projection. Where it refuses events, `may_refuse` is asked whether it
    /// may.
    pub(super) async fn go_projected<E: EventStore>(
        &mut self,
        repository: &RepositoryOf<S, E>,
        clock: &TestClock,
        step: &Step<S::Command>,
        context: CommandContext,
        may_refuse: impl FnOnce(&[(EventOf<S>, Metadata)]) -> Check,
    ) -> Check<Gone<S>> {
        clock.advance(step.pause);
        let (command, decision) = self.choose(step, clock.now());
        let (stream, id) = (step.stream, STREAMS[step.stream]);
        self.told.push(format!("\n{id}: {command:?}"));
        let sent = send::<S, E>(repository, id, &command, context).await?;
        self.told.push(format!("\n  → {}", sent.shown()));
        let before = self.folds[stream].clone();
        let events = appended::<S, E>(repository, id, before.sequence).await?;
        if let Sent::Done(executed) = &sent
            && !executed.duplicate
        {
            let stored = only_events(&events);
            equal("what is stored of a command's events", &stored, &only_events(&executed.events))?;
        }
        self.note(stream, &sent, &events)?;
        if let Sent::Unfolded(reason) = &sent {
            may_refuse(decision.events())
                .context("events", || format!("{decision:?}"))
                .context("the append was refused by", || reason.clone())?;
        }
        self.agree(stream, &command, &decision, &sent, &events)?;
        Ok(Gone { command, sent, before, events })
    }

    /// Sends all commands of a step, whatever they come to; hands over those that were refused, with the
    /// stream before.
    pub(super) async fn go_blindly<E: EventStore>(
        &mut self,
        repository: &RepositoryOf<S, E>,
        step: &Step<S::Command>,
    ) -> Check<Vec<Refused<S>>> {
        let (stream, id) = (step.stream, STREAMS[step.stream]);
        let mut refused = Vec::new();
        for candidate in &step.candidates {
            let before = self.folds[stream].clone();
            let command = candidate.meeting::<S>(&before.state);
            let sent = send::<S, E>(repository, id, &command, CommandContext::new()).await?;
            self.told.push(format!("\n{id}: {command:?}\n  → {}", sent.shown()));
            let events = appended::<S, E>(repository, id, before.sequence).await?;
            self.note(stream, &sent, &events)?;
            if sent.refusal().is_some() {
                refused.push((command, before, sent));
            }
        }
        Ok(refused)
    }

    /// Folds in what a command came to.
    fn note(
        &mut self,
        stream: usize,
        sent: &Sent<S::Aggregate>,
        events: &[Recorded<EventOf<S>>],
    ) -> Check {
        for recorded in events {
            let fold = &mut self.folds[stream];
            equal("the sequence of a new event", &recorded.meta.sequence, &(fold.sequence + 1))
                .context("stream", || STREAMS[stream].to_owned())?;
            let mut released = Vec::new();
            recorded.event.released_keys(&mut |key| released.push(key));
            released.retain(|key| key.across_all && fold.held.contains(key));
            fold.apply(&recorded.event, &recorded.meta).map_err(|error| {
                Failure::new(format!("an event that was accepted cannot be applied: {error}"))
                    .with("event", format!("{recorded:?}"))
            })?;
            // Free for the other streams too.
            for fold in &mut self.folds {
                fold.keys.retain(|key| !released.contains(key));
            }
            recorded.event.unique_keys(&mut |key| {
                // Taken for the other streams too.
                if key.across_all {
                    self.folds.iter_mut().for_each(|fold| {
                        fold.keys.insert(key.clone());
                    });
                }
            });
        }
        let fold = &self.folds[stream];
        if let Sent::Done(executed) = sent {
            equal("the state that the command reports", &executed.state, &fold.state)
                .context("events", || format!("{:?}", executed.events))?;
        }
        if !events.is_empty() {
            self.states.push((stream, fold.sequence, fold.state.clone()));
        }
        Ok(())
    }

    /// The repository decides as the fold does, and appends what the fold decides and no more.
    fn agree(
        &mut self,
        stream: usize,
        command: &S::Command,
        decision: &Decision<S::Aggregate>,
        sent: &Sent<S::Aggregate>,
        events: &[Recorded<EventOf<S>>],
    ) -> Check {
        let appends = |decided: &[(EventOf<S>, _)]| {
            let decided = decided.iter().map(|(event, _)| event.event_type());
            decided.eq(events.iter().map(|recorded| recorded.event.event_type()))
        };
        let same = match (decision, sent) {
            (Decision::Events(decided), Sent::Done(executed)) => {
                !executed.duplicate && appends(decided)
            }
            (Decision::Refused(refusal, kept), Sent::Refused(found)) => {
                refusal.name() == found.name() && appends(kept)
            }
            (Decision::Taken(refusals), Sent::Refused(found)) => {
                appends(&[])
                    && (refusals.iter().any(|refusal| refusal.name() == found.name())
                        || self.refused_before(stream, command, found.name()))
            }
            // The keys were taken by this very command.
            (Decision::Taken(_), Sent::Done(executed)) => executed.duplicate && appends(&[]),
            (Decision::Invalid(decided), Sent::Invalid(found)) => decided == found && appends(&[]),
            (Decision::Failed(decided), Sent::Failed(found)) => decided == found && appends(&[]),
            // The caller has asked whether it may be.
            (Decision::Events(_) | Decision::Refused(..), Sent::Unfolded(_)) => appends(&[]),
            _ => false,
        };
        let same = same || (appends(&[]) && self.is_recognised(stream, command, sent));
        match sent {
            Sent::Refused(refusal) if !events.is_empty() => {
                self.refused.push((stream, command.name(), command.input(), refusal.name()));
            }
            Sent::Done(_) if !events.is_empty() => {
                self.done.push((stream, command.name(), command.input()));
            }
            _ => {}
        }
        if same {
            return Ok(());
        }
        let appended_nonetheless = !events.is_empty() && decision.events().is_empty();
        let what = match decision {
            _ if !appended_nonetheless => "the repository decides otherwise than the fold",
            Decision::Invalid(_) => "a command with an invalid value appended events",
            Decision::Failed(_) => "a command whose decision failed appended events",
            _ => "a command that was refused, or had nothing to do, appended events",
        };
        Err(Failure::new(what)
            .with("expected", format!("{decision:?}"))
            .with("found", sent.shown())
            .with("appended", format!("{:?}", only_events(events)))
            .with("state before", format!("{:?}", self.folds[stream].state)))
    }

    /// Whether this very command came to the same before, and may be told by a key of which the fold knows
    /// nothing.
    fn is_recognised(
        &self,
        stream: usize,
        command: &S::Command,
        sent: &Sent<S::Aggregate>,
    ) -> bool {
        let fold = &self.folds[stream];
        let keys = command.retry_keys(&fold.stream_id);
        let same = match sent {
            Sent::Done(executed) => {
                executed.duplicate && self.done.contains(&(stream, command.name(), command.input()))
            }
            Sent::Refused(found) => self.refused_before(stream, command, found.name()),
            _ => false,
        };
        same && keys.iter().any(|key| fold.keys.contains(key))
    }

    /// Whether this very command was refused so and kept events, which hold its keys.
    fn refused_before(&self, stream: usize, command: &S::Command, refusal: &str) -> bool {
        let same = |of: &&(usize, &str, String, &str)| {
            (of.0, of.1, of.3) == (stream, command.name(), refusal) && of.2 == command.input()
        };
        self.refused.iter().any(|of| same(&of))
    }
}

/// Whether a command would be accepted and change something.
fn is_change<A: Aggregate>(decision: &Decision<A>) -> bool {
    decision.accepted().is_some_and(|events| !events.is_empty())
}

fn only_events<E>(events: &[Recorded<E>]) -> Vec<&E> {
    events.iter().map(|recorded| &recorded.event).collect()
}

/// What lies in a stream after a sequence, however much a command emitted.
pub(super) async fn appended<S: Subject, E: EventStore>(
    repository: &RepositoryOf<S, E>,
    id: &str,
    mut after: Sequence,
) -> Check<Vec<Recorded<EventOf<S>>>> {
    let mut all = Vec::new();
    loop {
        let page = repository.history(id, after, 1_000).await?;
        for stored in page.iter() {
            all.push(read::<S>(&stored)?);
            after = stored.meta.sequence;
        }
        if page.at_end() {
            return Ok(all);
        }
    }
}

fn read<S: Subject>(stored: &StoredEvent<'_>) -> Check<Recorded<EventOf<S>>> {
    let event = EventOf::<S>::read(stored.event_type, stored.version, stored.data, stored.meta);
    let event = event.map_err(|error| {
        Failure::new(format!("a stored event cannot be read: {error}"))
            .with("event", format!("{} v{}", stored.event_type, stored.version))
    })?;
    Ok(Recorded { event, meta: stored.meta.clone() })
}

/// Runs a history in a store.
pub(super) async fn live<S: Subject, E: EventStore>(
    store: &E,
    steps: &[Step<S::Command>],
    live: &mut Live<S>,
) -> Check {
    let clock = TestClock::default();
    let repository = repository::<S, E>(store.clone(), clock.clone()).await?;
    for step in steps {
        live.go(&repository, &clock, step).await?;
    }
    Ok(())
}
