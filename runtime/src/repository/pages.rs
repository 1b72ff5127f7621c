//! The pages of a stream, each read while the one before it is folded.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use super::Repository;
use crate::aggregate::Aggregate;
use crate::metadata::Sequence;
use crate::store::{EventStore, Page, StoreError, StreamKey};

/// Walks a stream forwards, one page ahead of its caller.
pub(super) struct Pages<'a, A: Aggregate, S> {
    repository: &'a Repository<A, S>,
    stream: &'a StreamKey,
    /// Sequence of the last event that was read.
    cursor: Sequence,
    /// Nothing beyond this sequence is read.
    last: Sequence,
    ahead: Option<Ahead<'a>>,
}

/// A page that is being read.
struct Ahead<'a> {
    /// What came of the first poll.
    begun: Poll<Result<Page, StoreError>>,
    /// What is left where that did not end it.
    read: Pin<Box<dyn Future<Output = Result<Page, StoreError>> + Send + 'a>>,
}

impl<'a, A: Aggregate, S: EventStore> Pages<'a, A, S> {
    /// The events of a stream after one sequence, up to another.
    pub(super) async fn between(
        repository: &'a Repository<A, S>,
        stream: &'a StreamKey,
        after: Sequence,
        last: Sequence,
    ) -> Self {
        let mut pages = Self { repository, stream, cursor: after, last, ahead: None };
        pages.begin().await;
        pages
    }

    /// The next page; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Page>, StoreError> {
        let Some(Ahead { begun, read }) = self.ahead.take() else { return Ok(None) };
        let page = match begun {
            Poll::Ready(page) => page?,
            Poll::Pending => read.await?,
        };
        self.cursor += page.len() as u64;
        if !page.at_end() {
            self.begin().await;
        }
        Ok(Some(page))
    }

    /// Begins to read the next page. Polled once, a read on another thread goes on by itself while
    /// the caller folds.
    async fn begin(&mut self) {
        let room = self.last.saturating_sub(self.cursor);
        let most = self.repository.settings.page_size;
        let limit = usize::try_from(room).map_or(most, |room| room.min(most));
        if limit > 0 {
            let (stream, metadata) = (self.stream, A::READS_METADATA);
            let read = self.repository.read_page(stream, self.cursor, limit, metadata);
            let mut read: Pin<Box<dyn Future<Output = _> + Send + 'a>> = Box::pin(read);
            let begun = poll_fn(|context| Poll::Ready(read.as_mut().poll(context))).await;
            self.ahead = Some(Ahead { begun, read });
        }
    }
}
