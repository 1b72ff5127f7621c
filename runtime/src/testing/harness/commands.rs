//! Commands by chance, drawn so that some are accepted: values of the types, values that the ontology
//! itself names, commands that its scenarios tell, and amounts at the boundaries of guards.

use std::fmt;
use std::io::Write;

use crate::aggregate::Aggregate;
use crate::testing::draw::{Draw, Range};
use crate::testing::failure::{Check, Failure};
use crate::testing::property::test_name;
use crate::testing::subject::{StateOf, Subject};

/// How many numbers a command is drawn from.
const NUMBERS: usize = 24;

/// A command, and at which boundary it meets the state of its stream.
#[derive(Clone)]
pub(super) struct Candidate<C> {
    pub(super) command: C,
    /// The number of the boundary, and how many units beside it.
    pub(super) boundary: Option<(usize, i64)>,
}

impl<C: Clone> Candidate<C> {
    /// The command as it is sent to a stream in this state.
    pub(super) fn meeting<S: Subject<Command = C>>(&self, state: &StateOf<S>) -> C {
        let mut command = self.command.clone();
        if let Some((boundary, units)) = self.boundary {
            S::at_boundary(state, &mut command, boundary, units);
        }
        command
    }
}

impl<C: fmt::Debug> fmt::Debug for Candidate<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.command.fmt(f)
    }
}

/// Draws a candidate whose command is simpler the smaller the numbers are.
pub(super) fn simple<S: Subject>(draw: &mut Draw) -> Candidate<S::Command> {
    let boundary = match draw.below(4) {
        3 => boundary::<S>(draw.below(S::BOUNDARIES), draw.below(3)),
        _ => None,
    };
    Candidate { command: S::command(draw), boundary }
}

fn boundary<S: Subject>(number: usize, side: usize) -> Option<(usize, i64)> {
    let units = i64::try_from(side).unwrap_or(0) - 1;
    (S::BOUNDARIES > 0).then_some((number, units))
}

/// Draws commands by a seed, without end.
pub(super) struct Commands<S: Subject> {
    chance: fastrand::Rng,
    /// The commands of scenarios.
    told: Vec<S::Command>,
}

impl<S: Subject> Commands<S> {
    pub(super) fn new(seed: u64) -> Self {
        let told = S::stories().into_iter().filter_map(|story| story.when).collect();
        Self { chance: fastrand::Rng::with_seed(seed), told }
    }

    /// A command, whatever the state.
    pub(super) fn any(&mut self) -> S::Command {
        if !self.told.is_empty() && self.chance.u8(..8) == 0 {
            return self.told[self.chance.usize(..self.told.len())].clone();
        }
        let numbers = (0..NUMBERS).map(|_| self.chance.u64(..)).collect();
        S::command(&mut Draw::new(numbers, Range::Likely))
    }

    /// A command for any state, now and then at one of its boundaries.
    pub(super) fn candidate(&mut self) -> Candidate<S::Command> {
        let at_boundary = S::BOUNDARIES > 0 && self.chance.u8(..3) == 0;
        let boundary = at_boundary
            .then(|| boundary::<S>(self.chance.usize(..S::BOUNDARIES), self.chance.usize(..3)));
        Candidate { command: self.any(), boundary: boundary.flatten() }
    }

    /// A command for this state.
    pub(super) fn meeting(&mut self, state: &StateOf<S>) -> S::Command {
        self.candidate().meeting::<S>(state)
    }
}

/// Passes, but says on the terminal that a check had nothing to go by, also where the output of tests
/// is captured: a test that cannot fail must not look like one that passed.
pub(super) fn nothing_shown<S: Subject>(what: &str) -> Check {
    shows_nothing::<S>(&format!(
        "{what}. Write a scenario with such a command, and the harness will draw commands like it"
    ))
}

/// The same where no scenario would help.
pub(super) fn shows_nothing<S: Subject>(what: &str) -> Check {
    let (test, aggregate) = (test_name(), <S::Aggregate as Aggregate>::NAME);
    let line = format!("\neventloom: {test} of {aggregate} shows nothing: {what}.\n");
    std::io::stderr()
        .write_all(line.as_bytes())
        .map_err(|error| Failure::new(format!("{line} and this cannot be told: {error}")))
}
