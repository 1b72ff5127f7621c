//! A line of what is told: the same work of several, in rounds that alternate, and what ours is of each. What counts is the
//! ratio, not the figure.

use std::cell::Cell;
use std::time::Duration;

use crate::ROUNDS;
use crate::work::{Ran, Work};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ours,
    Peer,
    /// The bare driver, which does less.
    Bare,
}

/// One of those that are measured.
pub struct Contender<'a> {
    pub kind: Kind,
    pub name: &'a str,
    /// How many work at one time.
    pub at_once: usize,
    work: Work<'a>,
    best: Cell<f64>,
    total: Cell<Ran>,
}

impl<'a> Contender<'a> {
    pub fn new(kind: Kind, name: &'a str, work: Work<'a>) -> Self {
        Self { kind, name, at_once: 1, work, best: Cell::default(), total: Cell::default() }
    }

    /// The same, where so many work at one time.
    #[must_use]
    pub fn at_once(self, at_once: usize) -> Self {
        Self { at_once, ..self }
    }

    /// Has it work for a time.
    pub async fn run(&self, time: Duration) -> Ran {
        let ran = (self.work)(time).await;
        let total = self.total.get();
        self.total.set(if total.units == 0 { ran } else { total.and(ran) });
        ran
    }

    /// All that it ever ran.
    pub fn total(&self) -> Ran {
        self.total.get()
    }
}

/// Contenders that were measured, ours first.
pub struct Line<'a>(Vec<Contender<'a>>);

impl<'a> Line<'a> {
    /// Measures all of them, in rounds of a time each, and tells the best of each and what ours is of it.
    pub async fn measure(title: &str, time: Duration, contenders: Vec<Contender<'a>>) -> Self {
        for _ in 0..ROUNDS {
            for one in &contenders {
                let rate = one.run(time).await.rate();
                one.best.set(one.best.get().max(rate));
            }
        }
        println!("{title}");
        for one in &contenders {
            let (best, ours) = (one.best.get(), contenders[0].best.get());
            println!("    {:<32} {best:>12.0}   {:>7.2} ×", one.name, ours / best);
        }
        Self(contenders)
    }

    /// Those whose costs explain the line: what is ours, and the best peer.
    pub fn explained(&self) -> impl Iterator<Item = &Contender<'a>> {
        self.0.iter().filter(|it| it.kind == Kind::Ours).chain(self.best_peer())
    }

    fn best_peer(&self) -> Option<&Contender<'a>> {
        let peers = self.0.iter().filter(|it| it.kind == Kind::Peer);
        peers.max_by(|one, two| one.best.get().total_cmp(&two.best.get()))
    }

    /// Whether ours is at least so many times the best peer; where it is not, that is told.
    pub fn reaches(&self, floor: f64) -> bool {
        let best = self.best_peer().map_or(0.0, |peer| peer.best.get());
        let reached = self.0[0].best.get() >= floor * best;
        if !reached {
            println!("    BELOW THE FLOOR of {floor} × the best peer");
        }
        reached
    }

    /// How many units each has done by now, by its name, costs included.
    pub fn done(&self) -> impl Iterator<Item = (&str, usize)> {
        self.0.iter().map(|one| (one.name, one.total().units))
    }
}
