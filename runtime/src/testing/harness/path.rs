//! Paths: commands that carry one stream on, each accepted after the ones before it.

use super::commands::{Commands, nothing_shown};
use crate::aggregate::Aggregate;
use crate::metadata::{Metadata, Sequence};
use crate::repository::CommandContext;
use crate::testing::clock::START;
use crate::testing::failure::{Check, Context};
use crate::testing::fold::{Decision, Fold, caller};
use crate::testing::subject::{AnyCommand, EventOf, Subject};

/// Commands that carry one stream on, each accepted after the ones before it.
pub(super) struct Path<S: Subject> {
    pub(super) commands: Vec<S::Command>,
    /// The events of each command.
    pub(super) events: Vec<Vec<EventOf<S>>>,
    /// The sequences before the first command and after each.
    pub(super) sequences: Vec<Sequence>,
    /// Streams on the way that are wanted, with the number of commands behind each. A fold knows all keys of
    /// its stream: to keep every one would take the square of a long path.
    kept: Vec<(usize, Fold<S::Aggregate>)>,
    end: Fold<S::Aggregate>,
}

impl<S: Subject> Path<S> {
    fn new(stream: &str, keep: impl Fn(Sequence) -> bool) -> Self {
        let end = Fold::new(stream);
        let kept = if keep(0) { vec![(0, end.clone())] } else { Vec::new() };
        Self { commands: Vec::new(), events: Vec::new(), sequences: vec![0], kept, end }
    }

    /// Number of events.
    pub(super) fn len(&self) -> u64 {
        self.end.sequence
    }

    /// The stream after all commands.
    pub(super) fn end(&self) -> &Fold<S::Aggregate> {
        &self.end
    }

    /// The streams that were kept, in order.
    pub(super) fn kept(&self) -> impl Iterator<Item = &Fold<S::Aggregate>> {
        self.kept.iter().map(|(_, fold)| fold)
    }

    /// The stream after so many commands, where it was kept or is the last.
    pub(super) fn after(&self, commands: usize) -> Option<&Fold<S::Aggregate>> {
        if commands == self.commands.len() {
            return Some(&self.end);
        }
        let found = self.kept.binary_search_by_key(&commands, |(commands, _)| *commands);
        found.ok().map(|index| &self.kept[index].1)
    }

    fn push(
        &mut self,
        command: S::Command,
        next: Fold<S::Aggregate>,
        events: Vec<EventOf<S>>,
        keep: impl Fn(Sequence) -> bool,
    ) {
        self.commands.push(command);
        self.events.push(events);
        self.sequences.push(next.sequence);
        if keep(next.sequence) {
            self.kept.push((self.commands.len(), next.clone()));
        }
        self.end = next;
    }

    /// The number of the command that led to the event of a sequence.
    pub(super) fn command_of(&self, sequence: Sequence) -> Option<usize> {
        self.sequences.iter().position(|after| *after >= sequence)?.checked_sub(1)
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
    path_keeping(stream, length, seed, |_| true)
}

/// The same, each command said of what a test says of the one of its number.
pub(super) fn path_by<S: Subject>(
    stream: &str,
    length: u64,
    seed: u64,
    says: impl Fn(usize) -> CommandContext,
) -> Path<S> {
    path_of(stream, length, seed, |_| true, says)
}

/// The same, keeping only streams of some lengths on the way.
pub(super) fn path_keeping<S: Subject>(
    stream: &str,
    length: u64,
    seed: u64,
    keep: impl Fn(Sequence) -> bool,
) -> Path<S> {
    path_of(stream, length, seed, keep, |_| caller())
}

fn path_of<S: Subject>(
    stream: &str,
    length: u64,
    seed: u64,
    keep: impl Fn(Sequence) -> bool,
    says: impl Fn(usize) -> CommandContext,
) -> Path<S> {
    let mut commands = Commands::<S>::new(seed);
    let mut path = Path::new(stream, &keep);
    let (mut tried, mut dead_end) = (0, None);
    while tried < 400 && path.len() < length {
        tried += 1;
        path.end.caller = says(path.commands.len());
        let command = commands.meeting(&path.end().state);
        let Some((next, events)) = after(path.end(), &command) else { continue };
        if next.sequence >= length || goes_on(&mut commands, &next) {
            path.push(command, next, events, &keep);
            (tried, dead_end) = (0, None);
        } else {
            dead_end = Some((command, next, events));
        }
    }
    if let Some((command, next, events)) = dead_end {
        path.push(command, next, events, &keep);
    }
    path
}

/// Whether a stream is not at its end: some random command is accepted and changes it.
pub(super) fn goes_on<S: Subject>(commands: &mut Commands<S>, fold: &Fold<S::Aggregate>) -> bool {
    (0..60).any(|_| decided(fold, &commands.meeting(&fold.state)).is_some())
}

/// The stream after a command that is accepted and changes something, and the events that do.
pub(super) fn after<A: Aggregate>(
    fold: &Fold<A>,
    command: &impl AnyCommand<A>,
) -> Option<(Fold<A>, Vec<A::Event>)> {
    let events = decided(fold, command)?;
    let mut next = fold.clone();
    next.apply_all(&events).ok()?;
    Some((next, events.into_iter().map(|(event, _)| event).collect()))
}

/// The events of a command that is accepted and has some.
fn decided<A: Aggregate>(
    fold: &Fold<A>,
    command: &impl AnyCommand<A>,
) -> Option<Vec<(A::Event, Metadata)>> {
    match command.decide(fold, fold.last_time.unwrap_or(START)) {
        Decision::Events(events) if !events.is_empty() => Some(events),
        _ => None,
    }
}
