//! Theme invariants: no command, and no sequence of commands, leads to what the ontology rules out.

use std::fmt;

use super::Golden;
use super::commands::{Commands, nothing_shown};
use super::history::{Gone, Live, STREAMS, Step, for_any_history};
pub use super::order::OrderRule;
use super::order::Told;
use super::path::path;
use super::schema::sample_metadata;
use super::world::{loaded, repository, stored, uncached};
use crate::aggregate::{Aggregate, Refusal};
use crate::eval::EvalError;
use crate::event::{DomainEvent, EventTypes};
use crate::repository::Recorded;
use crate::store::EventStore;
use crate::testing::clock::{START, TestClock};
use crate::testing::draw::{Draw, Range};
use crate::testing::failure::{Check, Context, Failure, equal};
use crate::testing::fold::Fold;
use crate::testing::property::by_seed;
use crate::testing::stores::StoreKind;
use crate::testing::subject::{AnyCommand, EventOf, StateOf, Subject};

/// What an expression of the ontology gives.
pub type Evaluated<T> = Result<T, EvalError>;

/// A rule of the ontology for the state after a command, compiled apart from the code that guards it.
pub struct StateRule<S: Subject> {
    /// As the ontology says it.
    pub says: &'static str,
    /// Whether a state keeps it, given the state before the command: one that broke a rule about a number
    /// before may stay as it is.
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
    for_any_history::<S>(K::CASES, 1..30, async |steps, live| {
        kept::<S, K>(kind, rules, steps, live).await
    })
}

async fn kept<S: Subject, K: StoreKind>(
    kind: K,
    rules: &Rules<S>,
    steps: &[Step<S::Command>],
    live: &mut Live<S>,
) -> Check {
    let (_place, store) = kind.open_new().await?;
    let clock = TestClock::default();
    let lived = repository::<S, _>(store.clone(), clock.clone()).await?;
    let reader = uncached::<S, _>(store.clone(), clock.clone()).await?;
    for step in steps {
        let head = store.head().await?;
        let Gone { command, before, events, .. } = live.go(&lived, &clock, step).await?;
        if events.is_empty() {
            equal(
                "the head of the store after a command without events",
                &store.head().await?,
                &head,
            )
        } else {
            let (_, after) = loaded::<S, _>(&reader, STREAMS[step.stream]).await?;
            keeps_all(rules, before, &events, &after)
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
        kept_or((rule.holds)(&before.state, after).map_err(failed)?, rule.says, after)?;
    }
    let mut fold = before;
    for Recorded { event, meta } in events {
        let (before, history) = (fold.state.clone(), fold.history.clone());
        fold.apply(event, meta)
            .map_err(|error| Failure::new(format!("an event cannot be applied: {error}")))?;
        let step = crate::Step {
            before: &before,
            event,
            after: &fold.state,
            history: &history,
            config: &fold.config,
        };
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
    /// Whether something else refuses this command by the same name: then a refusal does not tell that it
    /// is this guard's.
    pub shared: bool,
}

/// A guard decides as the ontology says on its boundary and one unit to either side.
///
/// States are those of random histories and of the ontology's scenarios, with the commands that get past
/// the guards before this one.
///
/// # Errors
/// The state and command that are decided otherwise; or that no state was found in which the guard
/// decides, so that only a scenario could show it.
pub fn boundary_is_where_it_says<S: Subject>(boundary: &Boundary<S>) -> Check {
    by_seed(|seed| {
        let told = told_states::<S>()?;
        let mut seen = [Seen::No; 3];
        let mut commands = Commands::<S>::new(seed);
        for round in 0..60 {
            let path = path::<S>("A1", round % 8, seed.wrapping_add(round));
            for fold in told.iter().chain([path.end()]) {
                for _ in 0..40 {
                    let command = commands.meeting(&fold.state);
                    if command.name() == boundary.command {
                        try_sides(boundary, fold, &command, &mut seen)?;
                    }
                }
            }
            if seen.iter().all(|side| *side == Seen::Decided) {
                return Ok(());
            }
        }
        if seen.iter().all(|side| *side != Seen::No) {
            return Ok(());
        }
        Err(Failure::new(
            "no state was found in which this guard decides: write a scenario whose `given` leads to one",
        )
        .with("the ontology says", format!("{} refuses: {}", boundary.refusal, boundary.says))
        .with("found below, on and above the boundary", format!("{seen:?}")))
    })
}

/// How one side of a boundary was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
enum Seen {
    /// Not at all.
    No,
    /// A command is refused, but by another guard, before this one or after it.
    Elsewhere,
    /// The guard refused a command, or let one through that is accepted.
    Decided,
}

/// The streams that scenarios begin with, after each of their events.
fn told_states<S: Subject>() -> Check<Vec<Fold<S::Aggregate>>> {
    let mut folds = Vec::new();
    for story in S::stories() {
        let mut fold = Fold::new("A1");
        for Golden { event_type, version, data } in story.given {
            let read = EventOf::<S>::read(event_type, version, data.as_bytes(), &sample_metadata());
            let event = read.map_err(|error| {
                Failure::new(format!("an event of a scenario cannot be read: {error}"))
            })?;
            if fold.given([event]).is_err() {
                break;
            }
            folds.push(fold.clone());
        }
    }
    Ok(folds)
}

fn try_sides<S: Subject>(
    boundary: &Boundary<S>,
    fold: &Fold<S::Aggregate>,
    command: &S::Command,
    seen: &mut [Seen; 3],
) -> Check {
    let mut found = [Seen::No; 3];
    for (side, units) in [-1, 0, 1].into_iter().enumerate() {
        let (mut fold, mut command) = (fold.clone(), command.clone());
        if (boundary.place)(&mut fold.state, &mut command, units) != Ok(true) {
            continue;
        }
        let decision = command.decide(&fold, START);
        let refused = decision.refusal() == Some(boundary.refusal);
        let accepted = decision.accepted().is_some();
        let contradicts =
            if boundary.refuses[side] { accepted } else { refused && !boundary.shared };
        if contradicts {
            return Err(Failure::new(format!(
                "`{}` is {} {}",
                command.name(),
                if refused { "refused" } else { "accepted" },
                ["one unit below the boundary", "on the boundary", "one unit above the boundary"]
                    [side]
            ))
            .with("the ontology says", format!("{} refuses: {}", boundary.refusal, boundary.says))
            .with(
                "expected",
                if refused { "any other outcome".to_owned() } else { boundary.refusal.to_owned() },
            )
            .with("found", format!("{decision:?}"))
            .with("state", format!("{:?}", fold.state))
            .with("command", format!("{command:?}")));
        }
        found[side] = match boundary.refuses[side] {
            true if refused => Seen::Decided,
            false if accepted => Seen::Decided,
            _ => Seen::Elsewhere,
        };
    }
    // Another guard's refusal tells something only where this one had a say on some side.
    let has_say =
        found.iter().zip(boundary.refuses).any(|(it, refuses)| refuses && *it == Seen::Decided);
    for (seen, found) in seen.iter_mut().zip(found) {
        if (has_say || found == Seen::Decided) && found > *seen {
            *seen = found;
        }
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
    /// Whether another rule refuses by the same name: then a refusal does not tell that it is this rule's.
    pub shared: bool,
}

/// The guard after a command refuses every outcome that breaks the rule, by its name, and no other.
///
/// States are the first one, those of the ontology's scenarios and those of random histories: in some of
/// them another rule may be broken, which comes first.
///
/// # Errors
/// The outcome that is let through, or refused.
pub fn state_is_guarded<S: Subject>(boundary: &StateBoundary<S>) -> Check {
    by_seed(|seed| {
        let mut states = vec![StateOf::<S>::default()];
        states.extend(told_states::<S>()?.into_iter().map(|fold| fold.state));
        let paths = (0..8).map(|round| path::<S>("A1", round, seed.wrapping_add(round)));
        states.extend(paths.map(|path| path.end().state.clone()));
        let mut decided = false;
        for state in states {
            decided |= guards_near(boundary, &state)?;
        }
        if decided {
            return Ok(());
        }
        let (refusal, says) = (boundary.refusal, boundary.says);
        nothing_shown::<S>(&format!("in every state another rule refuses before {refusal}: {says}"))
    })
}

/// Brings a state to the boundary of a rule and to either side of it; whether the rule refused it there.
fn guards_near<S: Subject>(boundary: &StateBoundary<S>, state: &StateOf<S>) -> Check<bool> {
    let sides = || [-1, 0, 1].into_iter().zip(boundary.holds);
    let at = |units| {
        let mut state = state.clone();
        // A boundary beyond what can be calculated is none.
        (boundary.place)(&mut state, units).is_ok().then_some(state)
    };
    let before = sides().find(|(_, holds)| *holds);
    let (sound, _) =
        before.ok_or_else(|| Failure::new("the rule holds nowhere near its boundary"))?;
    let Some(before) = at(sound) else { return Ok(false) };
    let mut refused = false;
    for (units, holds) in sides() {
        let Some(after) = at(units) else { continue };
        let config = <S::Aggregate as Aggregate>::Config::default();
        let found = <S::Aggregate as Aggregate>::check_state(&before, &after, &config);
        let found = found.err().map(|refusal| refusal.name());
        // Another rule may refuse such a state first: then this one has no say.
        let by_name = found == Some(boundary.refusal);
        let contradicts = if holds { by_name && !boundary.shared } else { found.is_none() };
        if contradicts {
            return Err(Failure::new(format!(
                "a command with this outcome is {}",
                found.map_or("let through".to_owned(), |name| format!("refused as {name}"))
            ))
            .with("the ontology says", boundary.says)
            .with("outcome", format!("{after:?}")));
        }
        refused |= !holds && by_name;
    }
    Ok(refused)
}

/// An event that may not stand where it would stand in its stream is refused by the rule's name; one
/// that may is not.
///
/// # Errors
/// The order that is let through, or refused.
pub fn order_is_guarded<S: Subject>(
    draw: impl Fn(&str, &mut Draw) -> Option<EventOf<S>>,
    rules: &[OrderRule],
) -> Check {
    by_seed(|seed| {
        let mut chance = fastrand::Rng::with_seed(seed);
        for rule in rules {
            let events = std::iter::repeat_with(|| {
                let numbers = (0..64).map(|_| chance.u64(..)).collect();
                draw(rule.next, &mut Draw::new(numbers, Range::Likely))
            });
            one_order_is_guarded::<S>(events.take(200), rule, rules)
                .context("the ontology says", || rule.says.to_owned())
                .context("refusal", || rule.refusal.to_owned())?;
        }
        Ok(())
    })
}

/// Tries events until one of them shows whether the rule refuses it: another rule may refuse some, or most.
fn one_order_is_guarded<S: Subject>(
    events: impl Iterator<Item = Option<EventOf<S>>>,
    rule: &OrderRule,
    rules: &[OrderRule],
) -> Check {
    let what = format!("whether {} is refused after {:?}", rule.next, rule.before);
    let (mut last, mut perhaps) = (None, false);
    for event in events {
        let event =
            event.ok_or_else(|| Failure::new(format!("there is no event {}", rule.next)))?;
        let found = refused_after::<S>(rule.before, &event)?;
        match rule.told(found, rules) {
            Told::Kept => return Ok(()),
            Told::Broken => {
                return equal(&what, &false, &true).context("event", || format!("{event:?}"));
            }
            Told::Misnamed => {
                let what = format!("the refusal of {} after {:?}", rule.next, rule.before);
                return equal(&what, &found, &Some(rule.refusal))
                    .context("event", || format!("{event:?}"));
            }
            Told::Perhaps => perhaps = true,
            Told::Nothing => last = Some(event),
        }
    }
    if !rule.refused {
        return equal(&what, &true, &false).context("event", || format!("{last:?}"));
    }
    if perhaps {
        return Ok(());
    }
    nothing_shown::<S>(&format!("every {} breaks another rule than: {}", rule.next, rule.says))
}

/// The refusal of an event in a stream with events of these types.
fn refused_after<S: Subject>(before: &[&str], event: &EventOf<S>) -> Check<Option<&'static str>> {
    let mut history = EventTypes::default();
    for name in before {
        let index = EventOf::<S>::TYPES.iter().position(|known| known == name);
        history.insert(index.ok_or_else(|| Failure::new(format!("there is no event {name}")))?);
    }
    let state = StateOf::<S>::default();
    let config = <S::Aggregate as Aggregate>::Config::default();
    let (before, after, history, config) = (&state, &state, &history, &config);
    let step = crate::Step { before, event, after, history, config };
    let refusal = <S::Aggregate as Aggregate>::check_event(&step).err();
    Ok(refusal.map(|refusal| refusal.name()))
}

/// Commands that contradict each other in a row are each refused or accepted as a whole: what is refused
/// has no trace in the store.
///
/// # Errors
/// The trace that was found.
pub fn refused_commands_leave_no_trace<S: Subject, K: StoreKind>(kind: K) -> Check {
    for_any_history::<S>(K::CASES, 1..15, async |steps, live| {
        let (_place, store) = kind.open_new().await?;
        let clock = TestClock::default();
        let lived = repository::<S, _>(store.clone(), clock.clone()).await?;
        for step in steps {
            let gone = live.go(&lived, &clock, step).await?;
            if gone.sent.refusal().is_some() && gone.events.is_empty() {
                no_trace::<S, _>(&store, live, step.stream, &gone.command).await?;
            }
        }
        equal(
            "the number of stored events",
            &(stored::<S>(&store).await?.len() as u64),
            &live.len(),
        )
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
