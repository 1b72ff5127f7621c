//! Work on aggregates side by side: none needs what another gives, and an ontology of a thousand events
//! is compiled at every edit.
//!
//! The order of the results is that of the aggregates, whichever is ready first.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Bytes of a thread's stack: as many as the main thread has by default, for expressions are as deep
/// here as there.
const STACK: usize = 8 << 20;

/// What each of two kinds of work makes of each item.
pub(super) fn both<T, A, B>(
    items: &[T],
    first: impl Fn(&T) -> A + Sync,
    second: impl Fn(&T) -> B + Sync,
) -> (Vec<A>, Vec<B>)
where
    T: Sync,
    A: Send,
    B: Send,
{
    let half = items.len();
    let done = on_all_cores(2 * half, |at| match at.checked_sub(half) {
        None => (Some(first(&items[at])), None),
        Some(at) => (None, Some(second(&items[at]))),
    });
    let (firsts, seconds): (Vec<_>, Vec<_>) = done.into_iter().unzip();
    (firsts.into_iter().flatten().collect(), seconds.into_iter().flatten().collect())
}

/// What the work gives for each number below `count`, in their order.
fn on_all_cores<R: Send>(count: usize, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                return done;
            }
            done.push((at, work(at)));
        }
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(count);
    let mut done = thread::scope(|scope| {
        // Where no thread is to be had, this one does it alone.
        let spawn = |_| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, take).ok();
        let helpers: Vec<_> = (1..threads).filter_map(spawn).collect();
        let mut done = take();
        for helper in helpers {
            done.extend(helper.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
