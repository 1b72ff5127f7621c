//! What the benches beside peers share: how much is measured, callers that take turns, and how ratios are told. What counts
//! is the ratio, not the figure.

#[cfg(feature = "eventcore")]
pub mod core;
#[cfg(feature = "cqrs")]
pub mod cqrs;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

pub const ROUNDS: usize = 3;
const RUN: Duration = Duration::from_millis(1_500);
/// Callers at one time, where nothing else is asked for.
const CALLERS: [usize; 3] = [1, 32, 256];
/// Accounts that commands go to in turn, no two callers to one at a time, and events that each has before.
pub const ACCOUNTS: usize = 768;
pub const BEFORE: usize = 10;
/// Events of the account that is replayed.
pub const LONG: usize = 100_000;
/// Accounts and events of each for a rebuild.
pub const REBUILD: (usize, usize) = (1_000, 100);

/// What the program's arguments ask for: sections, all if none is named, and numbers of callers.
pub struct Asked(Vec<String>);

impl Asked {
    pub fn read() -> Self {
        Self(std::env::args().skip(1).collect())
    }

    pub fn wants(&self, section: &str) -> bool {
        let mut sections = self.0.iter().filter(|word| word.parse::<usize>().is_err()).peekable();
        sections.peek().is_none() || sections.any(|word| word == section)
    }

    pub fn callers(&self) -> Vec<usize> {
        let callers: Vec<usize> = self.0.iter().filter_map(|word| word.parse().ok()).collect();
        if callers.is_empty() { CALLERS.to_vec() } else { callers }
    }
}

/// An event as the bare drivers store it.
pub const DATA: &str =
    r#"{"accountId":"A7","amount":"10.50","depositedAt":"2026-11-21T09:30:00.123456Z"}"#;

/// How many events a second it takes.
pub async fn timed(events: usize, work: impl Future<Output = ()>) -> f64 {
    let start = Instant::now();
    work.await;
    events as f64 / start.elapsed().as_secs_f64()
}

/// So many callers, each one deposit after the other: how many a second.
pub async fn run<B: Send + Sync + 'static, F: Future<Output = ()> + Send + 'static>(
    callers: usize,
    bank: &Arc<B>,
    deposit: impl Fn(Arc<B>, usize) -> F + Clone + Send + 'static,
) -> f64 {
    let (start, next) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let (bank, next, deposit) = (Arc::clone(bank), Arc::clone(&next), deposit.clone());
            tokio::spawn(async move {
                let mut account = caller;
                while start.elapsed() < RUN {
                    deposit(Arc::clone(&bank), account % ACCOUNTS).await;
                    account += callers;
                    next.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a caller ends");
    }
    next.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}

/// What was measured of several, ours first.
pub struct Rates<'a> {
    title: String,
    names: &'a [&'a str],
    best: Vec<f64>,
}

impl<'a> Rates<'a> {
    pub fn new(title: impl Into<String>, names: &'a [&'a str]) -> Self {
        Self { title: title.into(), names, best: vec![0.0; names.len()] }
    }

    /// Takes in what one of them reached in a round.
    pub fn push(&mut self, of: usize, rate: f64) {
        self.best[of] = self.best[of].max(rate);
    }

    /// Tells the best of each, and what ours is of it.
    pub fn report(&self) {
        println!("{}", self.title);
        for (name, rate) in self.names.iter().zip(&self.best) {
            println!("    {name:<32} {rate:>12.0}   {:>7.2} ×", self.best[0] / rate);
        }
    }

    /// Whether ours is at least so many times the best of some others; where it is not, that is told.
    pub fn reaches(&self, floor: f64, others: &[usize]) -> bool {
        let best = others.iter().map(|of| self.best[*of]).fold(0.0, f64::max);
        let reached = self.best[0] >= floor * best;
        if !reached {
            println!("    BELOW THE FLOOR of {floor} × the best peer");
        }
        reached
    }
}
