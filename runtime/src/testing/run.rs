//! Runs asynchronous checks in plain `#[test]` functions.

use std::future::Future;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::failure::{Check, Failure};

/// Longer than any check takes; what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// One runtime for all tests of a process. Its threads make spawned tasks truly parallel.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a test process can start four threads")
});

/// Runs a future to its end. The future itself runs on the calling thread.
pub fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.block_on(future)
}

/// Runs a check to its end, or fails where it hangs.
///
/// # Errors
/// The check's failure.
pub fn run<T>(check: impl Future<Output = Check<T>>) -> Check<T> {
    block_on(async { timeout(PATIENCE, check).await })
        .unwrap_or_else(|_| Err(Failure::new("the check hung for two minutes and was given up")))
}
