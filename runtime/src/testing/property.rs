//! Runs a check for many drawn cases, and shrinks a failing one to something a person can read.

use std::ops::Range as Length;
use std::str::FromStr;
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::draw::{Draw, Range};
use super::failure::{Check, Context, Failure};

/// The numbers a case is drawn from.
pub type Numbers = Vec<u64>;

/// How many numbers one value of a message, such as a command, is drawn from.
const PER_VALUE: usize = 24;

/// How long the simplest failing case is looked for, unless `PROPTEST_MAX_SHRINK_TIME` says: histories
/// in a store on disk shrink slowly.
const SHRINK_MILLIS: u32 = 10_000;

/// Environment variable: how many times as many cases.
const CASES: &str = "EVENTLOOM_CASES";
/// Environment variable: the seed of an earlier run.
const SEED: &str = "EVENTLOOM_SEED";

/// The seed where none is given: one for all tests of a process, so that one line repeats them all.
static CHANCE: LazyLock<u64> = LazyLock::new(|| fastrand::u64(..));

/// Runs a check that takes its chances from a seed.
///
/// # Errors
/// The failure of the check, with what to type to run it again.
pub fn by_seed(check: impl FnOnce(u64) -> Check) -> Check {
    let seed = number_from(SEED)?.unwrap_or(*CHANCE);
    check(seed).context("again", || again_with(seed))
}

/// What to type to run this test again, with the same draws.
fn again_with(seed: u64) -> String {
    format!("{SEED}={seed} cargo test {}", test_name()).trim_end().to_owned()
}

/// Name of the test that runs on this thread, as far as threads are named by their tests.
pub(super) fn test_name() -> String {
    let thread = std::thread::current();
    thread.name().filter(|name| *name != "main").unwrap_or_default().to_owned()
}

/// Checks a property of drawn values.
///
/// # Errors
/// The failure of the simplest failing case that was found, with the case and the seed.
pub fn for_any<T: std::fmt::Debug>(
    cases: u32,
    range: Range,
    draw: impl Fn(&mut Draw) -> T,
    check: impl Fn(T) -> Check,
) -> Check {
    let numbers = vec(any::<u64>(), 4 * PER_VALUE);
    let draw = |numbers: &Numbers| draw(&mut Draw::new(numbers.clone(), range));
    for_all(cases, numbers, |numbers| {
        check(draw(&numbers)).context("case", || format!("{:?}", draw(&numbers)))
    })
}

/// Checks a property of a list of drawn values, each with numbers of its own: a shorter list of simpler
/// values is the simpler case.
///
/// # Errors
/// As [`for_any`].
pub fn for_any_list<T: std::fmt::Debug>(
    cases: u32,
    length: Length<usize>,
    draw: impl Fn(&mut Draw) -> T,
    check: impl Fn(Vec<T>) -> Check,
) -> Check {
    let draw_all = |all: &[Numbers]| drawn(all, &draw);
    for_all(cases, lists(length), |all| {
        check(draw_all(&all)).context("case", || listed(&draw_all(&all)))
    })
}

/// The numbers of a list of values.
pub(super) fn lists(length: Length<usize>) -> impl Strategy<Value = Vec<Numbers>> {
    vec(vec(any::<u64>(), PER_VALUE), length)
}

/// A list of values, each of numbers of its own.
pub(super) fn drawn<T>(all: &[Numbers], draw: impl Fn(&mut Draw) -> T) -> Vec<T> {
    all.iter().map(|numbers| draw(&mut Draw::new(numbers.clone(), Range::Likely))).collect()
}

/// Checks a property of whatever a strategy gives.
///
/// # Errors
/// As [`for_any`].
pub fn for_all<S: Strategy>(cases: u32, strategy: S, check: impl Fn(S::Value) -> Check) -> Check {
    by_seed(|seed| for_all_by(seed, cases, strategy, check))
}

fn for_all_by<S: Strategy>(
    seed: u64,
    cases: u32,
    strategy: S,
    check: impl Fn(S::Value) -> Check,
) -> Check {
    let by_environment = Config::default();
    let config = Config {
        cases: cases.saturating_mul(number_from(CASES)?.unwrap_or(1)),
        failure_persistence: None,
        max_shrink_iters: 2_000,
        max_shrink_time: match by_environment.max_shrink_time {
            0 => SHRINK_MILLIS,
            chosen => chosen,
        },
        ..by_environment
    };
    let mut runner = TestRunner::new_with_rng(config, rng(seed));
    let outcome = runner.run(&strategy, |value| {
        check(value).map_err(|failure| TestCaseError::fail(failure.to_string()))
    });
    match outcome {
        Ok(()) => Ok(()),
        Err(TestError::Fail(_, value)) => Err(again(check, value)),
        Err(TestError::Abort(reason)) => Err(Failure::new(format!("no case was tried: {reason}"))),
    }
}

/// The failure of the simplest case. Its text went through proptest; run again it keeps its parts.
fn again<T>(check: impl Fn(T) -> Check, value: T) -> Failure {
    match check(value) {
        Err(failure) => failure,
        Ok(()) => Failure::new(
            "a case failed, and did not fail when it was run again: something in it is left to \
             chance, for example the order of threads",
        ),
    }
}

fn rng(seed: u64) -> TestRng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
}

fn number_from<N: FromStr>(variable: &str) -> Check<Option<N>> {
    let Some(text) = std::env::var_os(variable) else { return Ok(None) };
    match text.to_str().and_then(|text| text.trim().parse().ok()) {
        Some(number) => Ok(Some(number)),
        None => Err(Failure::new(format!("{variable} must be a number, but is {text:?}"))),
    }
}

/// One line per value.
fn listed<T: std::fmt::Debug>(values: &[T]) -> String {
    values.iter().map(|value| format!("\n{value:?}")).collect()
}
