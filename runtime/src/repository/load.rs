//! Loading: a snapshot, then the events after it, in bounded pages.

use super::folded::{self, Folded, check_follows, time_of};
use super::pages::Pages;
use super::{Repository, snapshot};
use crate::aggregate::Aggregate;
use crate::metadata::{Sequence, StreamId};
use crate::store::{Direction, EventStore, Page, Snapshot, StoreError, StreamKey, StreamRead};
use crate::values::Timestamp;

/// The state of a stream at some moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded<A: Aggregate> {
    /// The stream.
    pub stream_id: StreamId,
    /// The state.
    pub state: A::State,
    /// Sequence of the last event in the state; 0 where there is none.
    pub sequence: Sequence,
    /// The latest time of an event in the state.
    pub last_time: Option<Timestamp>,
}

impl<A: Aggregate> Loaded<A> {
    /// Whether there is any event.
    pub fn exists(&self) -> bool {
        self.sequence > 0
    }

    pub(super) fn new(stream: StreamKey, folded: Folded<A>) -> Self {
        let Folded { state, sequence, last_time, .. } = folded;
        Self { stream_id: stream.id, state, sequence, last_time }
    }
}

/// A moment in the life of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// After the event of this sequence.
    Sequence(Sequence),
    /// Before the first event that is later than this, by the events' own timestamps. Order is by
    /// sequence: where events were recorded out of the order of their times, those after the first
    /// later one are not in the state, even if their own time is earlier. So it is a state that the
    /// stream did have, and nothing later than the time is in it.
    Time(Timestamp),
}

impl From<Timestamp> for AsOf {
    fn from(time: Timestamp) -> Self {
        Self::Time(time)
    }
}

impl From<Sequence> for AsOf {
    fn from(sequence: Sequence) -> Self {
        Self::Sequence(sequence)
    }
}

impl AsOf {
    const NOW: Self = Self::Sequence(Sequence::MAX);

    fn covers(self, sequence: Sequence, time: Timestamp) -> bool {
        match self {
            Self::Sequence(last) => sequence <= last,
            Self::Time(last) => time <= last,
        }
    }

    fn last_sequence(self) -> Sequence {
        match self {
            Self::Sequence(last) => last,
            Self::Time(_) => Sequence::MAX,
        }
    }
}

impl<A: Aggregate, S: EventStore> Repository<A, S> {
    /// The state of a stream now.
    pub(super) async fn load_folded(&self, stream: &StreamKey) -> Result<Folded<A>, StoreError> {
        let epoch = self.store.epoch();
        let folded = match self.resume(stream, AsOf::NOW).await? {
            Start::Snapshot(folded) => folded,
            Start::Nothing => self.replay(stream, None).await?,
            Start::Ignored(sequence) => self.replay(stream, Some(sequence)).await?,
        };
        Ok(Folded { epoch, ..folded })
    }

    /// The state of a stream as of a moment.
    pub(super) async fn load_folded_as_of(
        &self,
        stream: &StreamKey,
        moment: AsOf,
    ) -> Result<Folded<A>, StoreError> {
        if let Start::Snapshot(folded) = self.resume(stream, moment).await? {
            return Ok(folded);
        }
        let mut folded = Folded::default();
        self.walk(stream, &mut folded, 0, moment, |_, _| {}).await?;
        Ok(folded)
    }

    /// Folds in what the stream holds beyond a state. Tells whether that was anything.
    pub(super) async fn catch_up(
        &self,
        stream: &StreamKey,
        folded: &mut Folded<A>,
    ) -> Result<bool, StoreError> {
        let before = folded.sequence;
        self.walk(stream, folded, before, AsOf::NOW, |_, _| {}).await?;
        Ok(folded.sequence > before)
    }

    /// Goes on from the latest snapshot for a moment, if there is one that can be trusted.
    ///
    /// Its own last event is read again: a store restored from a backup may hold snapshots of a
    /// future that it lost.
    async fn resume(&self, stream: &StreamKey, moment: AsOf) -> Result<Start<A>, StoreError> {
        let start = self.read_snapshot(stream, moment).await?;
        let Start::Snapshot(mut folded) = start else { return Ok(start) };
        let (sequence, before) = (folded.sequence, folded.sequence - 1);
        if self.walk(stream, &mut folded, before, moment, |_, _| {}).await? {
            return Ok(Start::Snapshot(folded));
        }
        Ok(ignore(stream, sequence, "the stream does not reach that far"))
    }

    /// Folds a stream from its first event, and writes the snapshot that is missing: where one is
    /// due, or in the place of one that was `ignored`. Where there is nothing to put in its place, that
    /// one is taken away: it would be met again at every load.
    ///
    /// That one is missing is the rule after a change of the fold, and else the trace of damage.
    async fn replay(
        &self,
        stream: &StreamKey,
        ignored: Option<Sequence>,
    ) -> Result<Folded<A>, StoreError> {
        let (mut folded, mut due) = (Folded::default(), None);
        self.walk(stream, &mut folded, 0, AsOf::NOW, |folded, page_end| {
            // Of a page, only its last one may be the last of the stream: a state may be large.
            let sequence = Some(folded.sequence);
            if sequence == ignored || sequence == snapshot::last_due::<A>(page_end) {
                due = Some(folded.clone());
            }
        })
        .await?;
        let missing = due.and_then(|due| snapshot::write_readable::<A>(&due));
        if missing.is_some() || ignored.is_some() {
            self.replace_snapshot(stream, missing).await;
        }
        Ok(folded)
    }

    /// Folds the events after `cursor` into a state, up to the first that a moment does not cover,
    /// and tells whether the stream has the state's own last event. That is not looked at where `cursor` is
    /// at it, as it is unless the state comes from a snapshot. `each` is told every state and where its
    /// page ends.
    async fn walk(
        &self,
        stream: &StreamKey,
        folded: &mut Folded<A>,
        mut cursor: Sequence,
        moment: AsOf,
        mut each: impl FnMut(&Folded<A>, Sequence) + Send,
    ) -> Result<bool, StoreError> {
        let start = folded.sequence;
        let mut pages = Pages::between(self, stream, cursor, moment.last_sequence()).await;
        while let Some(page) = pages.next().await? {
            let page_end = cursor + page.len() as Sequence;
            for stored in page.iter() {
                check_follows(&stored, cursor)?;
                cursor += 1;
                if cursor <= start {
                    folded.last_event = Some(stored.meta.event_id);
                    continue;
                }
                let event: A::Event = folded::read(&stored)?;
                if !moment.covers(cursor, time_of(&event, stored.meta)) {
                    return Ok(true);
                }
                folded.apply(&event, &stored)?;
                each(folded, page_end);
            }
        }
        Ok(cursor >= start)
    }

    /// The state of the latest snapshot for a moment. One that can't be read is ignored: the events
    /// hold the truth.
    async fn read_snapshot(
        &self,
        stream: &StreamKey,
        moment: AsOf,
    ) -> Result<Start<A>, StoreError> {
        if snapshot::last_due::<A>(Sequence::MAX).is_none() {
            return Ok(Start::Nothing);
        }
        let last = moment.last_sequence();
        let Some(found) = self.store.snapshot(stream, A::MEANING, last).await? else {
            return Ok(Start::Nothing);
        };
        match snapshot::read::<A>(&found) {
            Ok(folded) => {
                let time = folded.last_time.unwrap_or(Timestamp::MIN);
                let covered = moment.covers(folded.sequence, time);
                Ok(if covered { Start::Snapshot(folded) } else { Start::Nothing })
            }
            Err(error) => Ok(ignore(stream, found.sequence, &error.to_string())),
        }
    }

    /// A snapshot is never worth a failure: without it, the next load replays.
    async fn replace_snapshot(&self, stream: &StreamKey, snapshot: Option<Snapshot>) {
        let replaced = match snapshot {
            Some(snapshot) => self.store.save_snapshot(stream, snapshot).await,
            None => self.store.discard_snapshot(stream, A::MEANING).await,
        };
        if let Err(error) = replaced {
            tracing::warn!(
                aggregate = A::NAME, stream = %stream.id, %error,
                "a snapshot that is missing or can't be trusted could not be replaced"
            );
        }
    }

    /// The next events of a stream.
    pub(super) async fn read_page(
        &self,
        stream: &StreamKey,
        after: Sequence,
        limit: usize,
        metadata: bool,
    ) -> Result<Page, StoreError> {
        let direction = Direction::Forwards;
        let read = StreamRead { stream: stream.clone(), after, direction, limit, metadata };
        self.store.read_stream(read).await
    }
}

/// Where folding a stream starts.
enum Start<A: Aggregate> {
    Nothing,
    Snapshot(Folded<A>),
    /// At nothing, because the snapshot of this sequence can't be trusted.
    Ignored(Sequence),
}

fn ignore<A: Aggregate>(stream: &StreamKey, sequence: Sequence, reason: &str) -> Start<A> {
    tracing::warn!(
        aggregate = A::NAME, stream = %stream.id, sequence, reason,
        "a snapshot is ignored and the stream replayed"
    );
    Start::Ignored(sequence)
}
