//! Faults on purpose: what happens to a store in production, at the appends where a test wants it.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::intercept::{Intercepted, Interceptor};
use crate::store::{Append, AppendError, Appended, EventStore, StoreError};

/// What happens to one append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// None: the append goes through.
    None,
    /// The store can't be reached; nothing lands.
    Unavailable,
    /// The store can't write, as on a full disk; nothing lands.
    Unwritable,
    /// Another writer was faster: a conflict, although the stream is where it was.
    Conflict,
    /// The connection breaks after the commit: it landed, and nobody was told.
    AnswerLost,
    /// The connection breaks before the commit: nothing landed, and nobody was told.
    RequestLost,
    /// The append takes this long, and lands.
    Slow(Duration),
}

/// A plan of [`Fault`]s, one per append; after its end all goes well. Clones share one plan.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    plan: Arc<Mutex<VecDeque<Fault>>>,
}

/// A store with a plan of faults.
pub type Faulty<S> = Intercepted<S, Faults>;

impl Faults {
    /// The faults of the next appends, in order.
    pub fn plan(&self, faults: impl IntoIterator<Item = Fault>) {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).extend(faults);
    }

    /// How many faults of the plan have not come to pass.
    pub fn left(&self) -> usize {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// A store to which these faults happen.
    pub fn on<S: EventStore>(&self, store: S) -> Faulty<S> {
        Intercepted::new(store, self.clone())
    }

    fn next(&self) -> Fault {
        let next = self.plan.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        next.unwrap_or(Fault::None)
    }
}

impl<S: EventStore> Interceptor<S> for Faults {
    fn append(
        &self,
        store: &S,
        append: Append,
    ) -> impl Future<Output = Result<Appended, AppendError>> + Send {
        let fault = self.next();
        async move {
            match fault {
                Fault::None => store.append(append).await,
                Fault::Unavailable => Err(StoreError::Unavailable(planned()).into()),
                Fault::Unwritable => Err(StoreError::Unwritable(planned()).into()),
                Fault::Conflict => {
                    let expected = append.expected;
                    Err(AppendError::Conflict { expected, actual: expected + 1 })
                }
                Fault::AnswerLost => {
                    store.append(append).await?;
                    Err(StoreError::OutcomeUnknown(planned()).into())
                }
                Fault::RequestLost => Err(StoreError::OutcomeUnknown(planned()).into()),
                Fault::Slow(span) => {
                    tokio::time::sleep(span).await;
                    store.append(append).await
                }
            }
        }
    }
}

fn planned() -> String {
    "a fault that a test planned".to_owned()
}
