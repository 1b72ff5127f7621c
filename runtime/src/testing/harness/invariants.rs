//! Theme invariants: no command, and no sequence of commands, leads to what the ontology rules out.

use std::fmt;

use super::history::{Live, STREAMS, Step, any_command, path, step};
use super::world::{Sent, loaded, repository, uncached};
use crate::aggregate::{Aggregate, Refusal};
use crate::eval::EvalError;
use crate::event::{DomainEvent, EventTypes};
use crate::repository::Recorded;
use crate::store::EventStore;
use crate::testing::clock::{START, TestClock};
use crate::testing::failure::{Check, Context, Failure, ensure, equal};
use crate::testing::fold::{Decision, Fold};
use crate::testing::property::for_any_list;
use crate::testing::run;
use crate::testing::stores::StoreKind;
use crate::testing::subject::{AnyCommand, EventOf, StateOf, Subject};

/// What an expression of the ontology gives.
pub type Evaluated<T> = Result<T, EvalError>;

/// A rule of the ontology for the state after a command, compiled apart from the code that guards it.
pub struct StateRule<S: Subject> {
    /// As the ontology says it.
    pub says: &'static str,
    /// Whether a state keeps it, given the state before the command.
    pub holds: fn(before: &StateOf<S>, after: &StateOf<S>) -> Evaluated<bool>,
}

/// A rule of the ontology for a new event, with the states before and after it.
pub struct EventRule<S: Subject> {
    /// As the ontology says it.
    pub says: &'static str,
    /// Whether the event keeps it.
    pub holds: fn(&crate::Step<'_, S::Aggregate>) -> Evaluated<bool>,
}

/// The rules of an aggregate that values tell.
pub struct Rules<S: Subject> {
    /// Those for the state after a command.
    pub state: &'static [StateRule<S>],
    /// Those for a new event.
    pub event: &'static [EventRule<S>],
}

/// No sequence of commands breaks a rule, and a command that is refused or has nothing to do appends
/// nothing.
///
/// # Errors
/// The shortest sequence of commands that was found to break one.
pub fn hold_after_any_commands<S: Subject, K: StoreKind>(kind: K, rules: &Rules<S>) -> Check {
    for_any_list(K::CASES, 1..30, step::<S>, |steps| run(kept::<S, K>(kind, rules, steps)))
}

async fn kept<S: Subject, K: StoreKind>(
    kind: K,
    rules: &Rules<S>,
    steps: Vec<Step<S::Command>>,
) -> Check {
    let (_place, store) = kind.open_new().await?;
    let clock = TestClock::default();
    let lived = repository::<S, _>(store.clone(), clock.clone()).await?;
    let reader = uncached::<S, _>(store.clone(), clock.clone()).await?;
    let mut live = Live::<S>::new();
    for step in &steps {
        let head = store.head().await?;
        let before = live.folds[step.stream].clone();
        let (command, sent) = live.go(&lived, &clock, step).await?;
        match &sent {
            Sent::Done(executed) if !executed.events.is_empty() => {
                let (_, after) = loaded::<S, _>(&reader, STREAMS[step.stream]).await?;
                keeps_all(rules, before, &executed.events, &after)
            }
            _ if store.head().await? != head => refused_with_events::<S>(&before, &command, &sent),
            _ => Ok(()),
        }
        .context("command", || format!("{command:?}"))?;
    }
    Ok(())
}

fn keeps_all<S: Subject>(
    rules: &Rules<S>,
    before: Fold<S::Aggregate>,
    events: &[Recorded<EventOf<S>>],
    after: &StateOf<S>,
) -> Check {
    let failed = |error: EvalError| Failure::new(format!("a rule cannot be calculated: {error}"));
    for rule in rules.state {
        // A state that breaks a rule from before it was made may stay as it is.
        let kept = (rule.holds)(&before.state, after).map_err(failed)?
            || !(rule.holds)(&before.state, &before.state).map_err(failed)?;
        kept_or(kept, rule.says, after)?;
    }
    let mut fold = before;
    for Recorded { event, meta } in events {
        let (before, history) = (fold.state.clone(), fold.history.clone());
        fold.apply(event, meta)
            .map_err(|error| Failure::new(format!("an event cannot be applied: {error}")))?;
        let step = crate::Step { before: &before, event, after: &fold.state, history: &history };
        for rule in rules.event {
            kept_or((rule.holds)(&step).map_err(failed)?, rule.says, &fold.state)
                .context("event", || format!("{event:?}"))?;
        }
    }
    Ok(())
}

fn kept_or(kept: bool, says: &str, state: &impl fmt::Debug) -> Check {
    if kept {
        return Ok(());
    }
    Err(Failure::new("a rule of the ontology is broken")
        .with("the ontology says", says)
        .with("state", format!("{state:?}")))
}

/// Only a refusal that keeps events may append some.
fn refused_with_events<S: Subject>(
    before: &Fold<S::Aggregate>,
    command: &S::Command,
    sent: &Sent<S::Aggregate>,
) -> Check {
    match command.decide(before, START) {
        Decision::Refused(_, events) if !events.is_empty() => Ok(()),
        _ => Err(Failure::new("a command that was refused, or had nothing to do, appended events")
            .with("outcome", sent.shown())),
    }
}

/// A guard of a command that compares two values, and how to bring a command to its boundary.
pub struct Boundary<S: Subject> {
    /// The command.
    pub command: &'static str,
    /// The refusal.
    pub refusal: &'static str,
    /// The guard as the ontology says it.
    pub says: &'static str,
    /// Changes the command, or the state where the command has no say, so that the left side of the
    /// comparison lies this many of the smallest units above the right one; false where it can't.
    pub place: fn(&mut StateOf<S>, &mut S::Command, units: i64) -> Evaluated<bool>,
    /// Whether the guard refuses one unit below its boundary, on it, and one unit above.
    pub refuses: [bool; 3],
}

/// A guard decides as the ontology says on its boundary and one unit to either side.
///
/// States are those of random histories, with the commands that get past the guards before this one.
///
/// # Errors
/// The state and command that are decided otherwise; or that no state was found in which the guard
/// decides, so that only a scenario could show it.
pub fn boundary_is_where_it_says<S: Subject>(boundary: &Boundary<S>) -> Check {
    let mut seen = [false; 3];
    let mut chance = fastrand::Rng::new();
    for round in 0..40 {
        let path = path::<S>("A1", round % 8, chance.u64(..));
        let fold = &path.folds[path.folds.len() - 1];
        for _ in 0..60 {
            let command = any_command::<S>(&mut chance);
            if command.name() == boundary.command {
                try_sides(boundary, fold, &command, &mut seen)?;
            }
        }
        if seen.iter().all(|side| *side) {
            return Ok(());
        }
    }
    Err(Failure::new("no state was found in which this guard decides: write a scenario for it")
        .with("the ontology says", boundary.says)
        .with("found below, on and above the boundary", format!("{seen:?}")))
}

fn try_sides<S: Subject>(
    boundary: &Boundary<S>,
    fold: &Fold<S::Aggregate>,
    command: &S::Command,
    seen: &mut [bool; 3],
) -> Check {
    for (side, units) in [-1, 0, 1].into_iter().enumerate() {
        let (mut fold, mut command) = (fold.clone(), command.clone());
        if (boundary.place)(&mut fold.state, &mut command, units) != Ok(true) {
            continue;
        }
        let decision = command.decide(&fold, START);
        let refused = decision.refusal() == Some(boundary.refusal);
        let accepted = decision.accepted().is_some();
        let contradicts = if boundary.refuses[side] { accepted } else { refused };
        if contradicts {
            return Err(Failure::new(format!(
                "`{}` {} {}",
                command.name(),
                if refused { "is refused" } else { "is accepted" },
                ["one unit below the boundary", "on the boundary", "one unit above the boundary"]
                    [side]
            ))
            .with("the ontology says", format!("{} refuses: {}", boundary.refusal, boundary.says))
            .with("state", format!("{:?}", fold.state))
            .with("command", format!("{command:?}")));
        }
        seen[side] |= refused || (accepted && !boundary.refuses[side]);
    }
    Ok(())
}

/// A rule of the state that compares two values, and how to bring a state to its boundary.
pub struct StateBoundary<S: Subject> {
    /// The refusal.
    pub refusal: &'static str,
    /// The rule as the ontology says it.
    pub says: &'static str,
    /// Changes the state so that the left side of the comparison lies this many of the smallest units
    /// above the right one.
    pub place: fn(&mut StateOf<S>, units: i64) -> Evaluated<()>,
    /// Whether the rule holds one unit below its boundary, on it, and one unit above.
    pub holds: [bool; 3],
}

/// The guard after a command refuses every outcome that breaks the rule, by its name, and no other.
///
/// # Errors
/// The outcome that is let through, or refused.
pub fn state_is_guarded<S: Subject>(boundary: &StateBoundary<S>) -> Check {
    let sound = boundary.holds.iter().zip([-1, 0, 1]).find(|(holds, _)| **holds);
    let (_, sound) =
        sound.ok_or_else(|| Failure::new("the rule holds nowhere near its boundary"))?;
    let at = |units| {
        let mut state = StateOf::<S>::default();
        let placed = (boundary.place)(&mut state, units);
        placed.map_err(|error| Failure::new(format!("the boundary has no value: {error}")))?;
        Check::Ok(state)
    };
    let mut refused = false;
    for (units, holds) in [-1, 0, 1].into_iter().zip(boundary.holds) {
        let before = at(sound)?;
        let after = at(units)?;
        let found = <S::Aggregate as Aggregate>::check_state(&before, &after);
        let found = found.err().map(|refusal| refusal.name());
        // Another rule may refuse such a state first: then this one has no say.
        let contradicts = if holds { found == Some(boundary.refusal) } else { found.is_none() };
        if contradicts {
            return Err(Failure::new(format!(
                "a command with this outcome is {}",
                found.map_or("let through".to_owned(), |name| format!("refused as {name}"))
            ))
            .with("the ontology says", boundary.says)
            .with("outcome", format!("{after:?}")));
        }
        refused |= !holds && found == Some(boundary.refusal);
    }
    ensure!(refused, "no outcome was refused as {}: {}", boundary.refusal, boundary.says);
    Ok(())
}

/// What may not follow on what in a stream.
pub struct OrderRule {
    /// The refusal.
    pub refusal: &'static str,
    /// The rule as the ontology says it.
    pub says: &'static str,
    /// The types of the events before.
    pub before: &'static [&'static str],
    /// The type of the next event.
    pub next: &'static str,
    /// Whether it is refused.
    pub refused: bool,
}

/// An event that may not stand where it would stand in its stream is refused by the rule's name; one
/// that may is not.
///
/// # Errors
/// The order that is let through, or refused.
pub fn order_is_guarded<S: Subject>(
    sample: impl Fn(&str) -> Option<EventOf<S>>,
    rules: &[OrderRule],
) -> Check {
    for rule in rules {
        let event = sample(rule.next)
            .ok_or_else(|| Failure::new(format!("there is no sample of {}", rule.next)))?;
        let mut history = EventTypes::default();
        for name in rule.before {
            let index = EventOf::<S>::TYPES.iter().position(|known| known == name);
            history.insert(index.ok_or_else(|| Failure::new(format!("there is no event {name}")))?);
        }
        let state = StateOf::<S>::default();
        let step = crate::Step { before: &state, event: &event, after: &state, history: &history };
        let found = <S::Aggregate as Aggregate>::check_event(&step).err();
        let name = found.as_ref().map(Refusal::name);
        // Another rule of order may refuse it first.
        let refused = name == Some(rule.refusal)
            || (rule.refused && rules.iter().any(|other| name == Some(other.refusal)));
        equal(
            &format!("whether {} is refused after {:?}", rule.next, rule.before),
            &refused,
            &rule.refused,
        )
        .context("the ontology says", || rule.says.to_owned())?;
    }
    Ok(())
}

impl fmt::Debug for OrderRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.says)
    }
}

/// Commands that contradict each other in a row are each refused or accepted as a whole: what is refused
/// has no trace in the store.
///
/// # Errors
/// The trace that was found.
pub fn refused_commands_leave_no_trace<S: Subject, K: StoreKind>(kind: K) -> Check {
    for_any_list(K::CASES, 1..15, step::<S>, |steps| {
        run(async {
            let (_place, store) = kind.open_new().await?;
            let clock = TestClock::default();
            let lived = repository::<S, _>(store.clone(), clock.clone()).await?;
            let mut live = Live::<S>::new();
            for step in &steps {
                let head = store.head().await?;
                let before = live.folds[step.stream].clone();
                let (command, sent) = live.go(&lived, &clock, step).await?;
                if sent.refusal().is_none() {
                    continue;
                }
                if store.head().await? == head {
                    no_trace::<S, _>(&store, &live, step.stream, &command).await?;
                } else {
                    refused_with_events::<S>(&before, &command, &sent)
                        .context("command", || format!("{command:?}"))?;
                }
            }
            ensure!(store.head().await? >= live.len(), "events were lost");
            Ok(())
        })
    })
}

async fn no_trace<S: Subject, E: EventStore>(
    store: &E,
    live: &Live<S>,
    stream: usize,
    command: &S::Command,
) -> Check {
    let id = STREAMS[stream];
    let reader = uncached::<S, _>(store.clone(), TestClock::default()).await?;
    let expected = (live.folds[stream].sequence, live.folds[stream].state.clone());
    equal("the state after a refused command", &loaded::<S, _>(&reader, id).await?, &expected)
        .context("command", || format!("{command:?}"))?;
    let keys = command.unique_keys();
    let claims: Vec<_> = keys
        .iter()
        .filter(|key| !live.folds.iter().any(|fold| fold.keys.contains(key)))
        .map(|key| crate::store::KeyClaim {
            field: key.field,
            value: key.value.clone(),
            across_all: key.across_all,
        })
        .collect();
    let taken = store.taken_key(&super::world::stream_key::<S>(id), &claims).await?;
    equal("the key that a refused command took", &taken, &None)
        .context("command", || format!("{command:?}"))
}
