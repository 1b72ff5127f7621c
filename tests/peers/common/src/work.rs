//! What is done for as long as it is asked for: callers that take turns, or passes one after the other.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::{ACCOUNTS, proc};

/// What was done, in what time, and what this process used meanwhile.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ran {
    pub units: usize,
    /// Seconds.
    pub wall: f64,
    /// CPU time of this process, in seconds.
    pub cpu: Option<f64>,
    /// CPU time of everything on this machine, in seconds.
    pub machine: Option<f64>,
    /// Calls of this process that write, and how many bytes.
    pub written: Option<(f64, f64)>,
}

impl Ran {
    /// Watches work that tells how much it was.
    pub async fn of(work: impl Future<Output = usize>) -> Self {
        let before = (proc::own(), proc::machine(), proc::written());
        let start = Instant::now();
        let units = work.await;
        let wall = start.elapsed().as_secs_f64();
        let since = |now: Option<f64>, then: Option<f64>| Some(now? - then?);
        let pair = |now: (f64, f64), then: (f64, f64)| (now.0 - then.0, now.1 - then.1);
        Self {
            units,
            wall,
            cpu: since(proc::own(), before.0),
            machine: since(proc::machine(), before.1),
            written: proc::written().zip(before.2).map(|(now, then)| pair(now, then)),
        }
    }

    /// As one program tells it to another, in a line.
    pub fn told(&self) -> String {
        let one = |it: Option<f64>| it.map_or_else(|| "-".to_owned(), |it| it.to_string());
        let (calls, bytes) = (self.written.map(|it| it.0), self.written.map(|it| it.1));
        let [cpu, machine, calls, bytes] = [self.cpu, self.machine, calls, bytes].map(one);
        format!("{} {} {cpu} {machine} {calls} {bytes}", self.units, self.wall)
    }

    /// What another program told.
    pub fn heard(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let &[units, wall, cpu, machine, calls, bytes] = words.as_slice() else { return None };
        let one = |it: &str| it.parse::<f64>().ok();
        Some(Self {
            units: units.parse().ok()?,
            wall: one(wall)?,
            cpu: one(cpu),
            machine: one(machine),
            written: one(calls).zip(one(bytes)),
        })
    }

    /// How many a second.
    pub fn rate(&self) -> f64 {
        self.units as f64 / self.wall
    }

    /// Both, one after the other.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let both = |one: Option<f64>, two: Option<f64>| Some(one? + two?);
        let pair = |one: (f64, f64), two: (f64, f64)| (one.0 + two.0, one.1 + two.1);
        Self {
            units: self.units + other.units,
            wall: self.wall + other.wall,
            cpu: both(self.cpu, other.cpu),
            machine: both(self.machine, other.machine),
            written: self.written.zip(other.written).map(|(one, two)| pair(one, two)),
        }
    }
}

/// Something to do for a time, or at least once.
pub type Work<'a> = Box<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = Ran> + 'a>> + 'a>;

/// So many callers, each one thing after the other with one account after the other.
pub fn turns<'a, B, F>(
    callers: usize,
    bank: &Arc<B>,
    does: impl Fn(Arc<B>, usize) -> F + Clone + Send + 'static,
) -> Work<'a>
where
    B: Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let bank = Arc::clone(bank);
    Box::new(move |time| {
        let (bank, does) = (Arc::clone(&bank), does.clone());
        Box::pin(Ran::of(async move { take_turns(callers, &bank, time, does).await }))
    })
}

async fn take_turns<B: Send + Sync + 'static, F: Future<Output = ()> + Send + 'static>(
    callers: usize,
    bank: &Arc<B>,
    time: Duration,
    does: impl Fn(Arc<B>, usize) -> F + Clone + Send + 'static,
) -> usize {
    let (start, done) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let (bank, done, does) = (Arc::clone(bank), Arc::clone(&done), does.clone());
            tokio::spawn(async move {
                let mut account = caller;
                while start.elapsed() < time {
                    does(Arc::clone(&bank), account % ACCOUNTS).await;
                    account += callers;
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a caller ends");
    }
    done.load(Ordering::Relaxed)
}

/// Passes over so many events each.
pub fn passes<'a, F: Future<Output = ()>>(events: usize, pass: impl Fn() -> F + 'a) -> Work<'a> {
    let pass = Rc::new(pass);
    Box::new(move |time| {
        let pass = Rc::clone(&pass);
        Box::pin(Ran::of(async move {
            let (start, mut units) = (Instant::now(), 0);
            while units == 0 || start.elapsed() < time {
                pass().await;
                units += events;
            }
            units
        }))
    })
}

/// Work, and after it each time a look at what it has done, which nobody measures.
pub fn then<'a, F: Future<Output = ()>>(work: Work<'a>, look: impl Fn() -> F + 'a) -> Work<'a> {
    let (work, look) = (Rc::new(work), Rc::new(look));
    Box::new(move |time| {
        let (work, look) = (Rc::clone(&work), Rc::clone(&look));
        Box::pin(async move {
            let ran = work(time).await;
            look().await;
            ran
        })
    })
}
