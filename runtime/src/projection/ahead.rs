//! Pages of the store in their order, read and decoded ahead of who folds them.
//!
//! Several readers share the log by position: each takes the next stretch that nobody has taken, and what they read is handed
//! out in order. So a projection is folded as if one had read, whatever its keys.

use std::collections::VecDeque;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

use super::fold::Decoded;
use crate::event::DomainEvent;
use crate::metadata::Position;
use crate::store::{EventFilter, EventStore, PAGE_POSITIONS, StoreError};

/// A page that has been read and decoded.
pub(super) struct ReadPage<E> {
    pub(super) events: Decoded<E>,
    /// Up to here the page covers everything.
    pub(super) next: Position,
    /// Whether the store ended there.
    pub(super) at_end: bool,
}

/// What is read.
#[derive(Clone)]
pub(super) struct Reading<S> {
    pub(super) store: S,
    pub(super) filter: EventFilter,
    /// Events per page.
    pub(super) batch: usize,
}

impl<S: EventStore> Reading<S> {
    /// A page after a position.
    pub(super) async fn page<E: DomainEvent>(
        &self,
        after: Position,
    ) -> Result<ReadPage<E>, StoreError> {
        self.bounded(after, self.batch).await
    }

    async fn bounded<E: DomainEvent>(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<ReadPage<E>, StoreError> {
        let page = self.store.read_all(after, &self.filter, limit).await?;
        let (next, at_end) = (page.next, page.events.at_end());
        Ok(ReadPage { events: Decoded::new(page.events), next, at_end })
    }
}

/// Readers at work. When this is dropped they stop.
pub(super) struct Ahead<E, S> {
    reading: Reading<S>,
    stretches: VecDeque<Stretch<E>>,
    readers: JoinSet<()>,
    /// Where the next stretch begins.
    begin: Position,
    /// Positions of a stretch.
    length: u64,
}

/// A part of the log that one reader reads.
struct Stretch<E> {
    pages: mpsc::Receiver<Result<ReadPage<E>, StoreError>>,
    /// Everything up to here has come.
    covered: Position,
    end: Position,
}

impl<E: DomainEvent, S: EventStore> Ahead<E, S> {
    /// Has everything after a position read by this many readers, each of which holds at most two pages.
    pub(super) fn new(reading: Reading<S>, after: Position, readers: usize) -> Self {
        // A filtered read looks at so many positions: a stretch of a rare type is one page. One reader alone goes on and on.
        let length = if readers > 1 { PAGE_POSITIONS } else { u64::MAX };
        let (stretches, begin) = (VecDeque::new(), after);
        let mut ahead = Self { reading, stretches, readers: JoinSet::new(), begin, length };
        for _ in 0..readers.max(1) {
            ahead.begin_stretch();
        }
        ahead
    }

    fn begin_stretch(&mut self) {
        let (reading, begin) = (self.reading.clone(), self.begin);
        let end = begin.saturating_add(self.length);
        let (sender, pages) = mpsc::channel(1);
        self.readers.spawn(read(reading, begin, end, sender));
        self.stretches.push_back(Stretch { pages, covered: begin, end });
        self.begin = end;
    }

    /// The next page. After one at the end there is none.
    pub(super) async fn next(&mut self) -> Result<ReadPage<E>, StoreError> {
        loop {
            let Some(stretch) = self.stretches.front_mut() else {
                self.begin_stretch();
                continue;
            };
            if stretch.covered >= stretch.end {
                self.stretches.pop_front();
                while let Some(ended) = self.readers.try_join_next() {
                    resume_panic(ended);
                }
                self.begin_stretch();
                continue;
            }
            let Some(page) = stretch.pages.recv().await else {
                return Err(self.failed().await);
            };
            let page = page?;
            stretch.covered = page.next;
            return Ok(page);
        }
    }

    /// Why a reader ended before its stretch did. It is never taken for the stretch's end.
    async fn failed(&mut self) -> StoreError {
        while let Some(ended) = self.readers.join_next().await {
            resume_panic(ended);
        }
        StoreError::Unavailable("its reader was stopped: the program is ending".to_owned())
    }
}

/// A reader that was cancelled leaves its stretch short, which is found out there.
fn resume_panic(ended: Result<(), JoinError>) {
    if let Some(panic) = ended.err().and_then(|error| error.try_into_panic().ok()) {
        std::panic::resume_unwind(panic);
    }
}

/// Reads a stretch, as fast as its pages are taken. The last page may reach beyond the stretch.
async fn read<E: DomainEvent, S: EventStore>(
    reading: Reading<S>,
    mut after: Position,
    end: Position,
    pages: mpsc::Sender<Result<ReadPage<E>, StoreError>>,
) {
    while after < end {
        let left = usize::try_from(end - after).unwrap_or(usize::MAX);
        let page = reading.bounded(after, reading.batch.min(left)).await;
        let is_last = page.as_ref().map_or(true, |page| page.at_end);
        after = page.as_ref().map_or(after, |page| page.next);
        // Nobody takes pages any more where this fails.
        if pages.send(page).await.is_err() || is_last {
            return;
        }
    }
}
