//! Paths: commands that carry one stream on, each accepted after the ones before it.

use super::commands::{Commands, nothing_shown};
use crate::aggregate::Aggregate;
use crate::metadata::Sequence;
use crate::testing::clock::START;
use crate::testing::failure::{Check, Context};
use crate::testing::fold::Fold;
use crate::testing::subject::{AnyCommand, EventOf, Subject};

/// Commands that carry one stream on, each accepted after the ones before it.
pub(super) struct Path<S: Subject> {
    pub(super) commands: Vec<S::Command>,
    /// The events of each command.
    pub(super) events: Vec<Vec<EventOf<S>>>,
    /// The stream after each command: `folds[0]` is empty.
    pub(super) folds: Vec<Fold<S::Aggregate>>,
}

impl<S: Subject> Path<S> {
    /// Number of events.
    pub(super) fn len(&self) -> u64 {
        self.end().sequence
    }

    /// The stream after all commands.
    pub(super) fn end(&self) -> &Fold<S::Aggregate> {
        &self.folds[self.folds.len() - 1]
    }

    fn push(&mut self, command: S::Command, next: Fold<S::Aggregate>, events: Vec<EventOf<S>>) {
        self.commands.push(command);
        self.events.push(events);
        self.folds.push(next);
    }

    /// The number of the command that led to the event of a sequence.
    pub(super) fn command_of(&self, sequence: Sequence) -> Option<usize> {
        self.folds.iter().position(|fold| fold.sequence >= sequence)?.checked_sub(1)
    }

    /// Fails with the commands beside what failed; says so where there are none.
    pub(super) fn told(&self, outcome: Check) -> Check {
        let listed = || self.commands.iter().map(|command| format!("\n{command:?}")).collect();
        outcome.context("commands", listed)?;
        if self.commands.is_empty() {
            return nothing_shown::<S>("no random command is accepted by an empty stream");
        }
        Ok(())
    }
}

/// Looks for commands that lead to a stream of at least `length` events, or as many as can be found.
///
/// A command after which hardly anything is possible any more, such as the closing of an account, is
/// not taken unless there is no other.
pub(super) fn path<S: Subject>(stream: &str, length: u64, seed: u64) -> Path<S> {
    let mut commands = Commands::<S>::new(seed);
    let folds = vec![Fold::new(stream)];
    let mut path = Path { commands: Vec::new(), events: Vec::new(), folds };
    let (mut tried, mut dead_end) = (0, None);
    while tried < 400 && path.len() < length {
        tried += 1;
        let command = commands.meeting(&path.end().state);
        let Some((next, events)) = after(path.end(), &command) else { continue };
        if next.sequence >= length || goes_on(&mut commands, &next) {
            path.push(command, next, events);
            (tried, dead_end) = (0, None);
        } else {
            dead_end = Some((command, next, events));
        }
    }
    if let Some((command, next, events)) = dead_end {
        path.push(command, next, events);
    }
    path
}

/// Whether a stream is not at its end: some random command is accepted and changes it.
pub(super) fn goes_on<S: Subject>(commands: &mut Commands<S>, fold: &Fold<S::Aggregate>) -> bool {
    (0..60).any(|_| after(fold, &commands.meeting(&fold.state)).is_some())
}

/// The stream after a command that is accepted and changes something, and the events that do.
pub(super) fn after<A: Aggregate>(
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
