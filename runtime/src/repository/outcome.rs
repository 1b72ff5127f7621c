//! The first outcome of a command that is sent again, from what the store recorded of it.

use super::folded::{self, Folded};
use super::recorded::{Executed, Recorded};
use super::request::Request;
use super::verdict::Ending;
use super::{ExecuteError, Repository};
use crate::aggregate::Aggregate;
use crate::metadata::{Position, Sequence};
use crate::store::{EventStore, RecordedCommand, StoreError, StreamKey};

type Outcome<A> = Result<Executed<A>, ExecuteError<<A as Aggregate>::Error>>;

impl<A: Aggregate, S: EventStore> Repository<A, S> {
    /// The outcome recorded under the command's id, if it is the same command.
    pub(super) async fn first_outcome(
        &self,
        request: &Request<'_, A>,
        known: &mut Folded<A>,
        recorded: RecordedCommand,
    ) -> Outcome<A> {
        if recorded.content != request.content {
            return Err(ExecuteError::CommandIdReused { command_id: request.id.clone() });
        }
        Ending::<A::Error>::recorded(recorded.refusal).into_result()?;
        self.repeated(request, known, recorded.events).await
    }

    /// The outcome of a command that was carried out before and led to these events, or to none.
    pub(super) async fn repeated(
        &self,
        request: &Request<'_, A>,
        known: &mut Folded<A>,
        range: Option<(Sequence, Sequence)>,
    ) -> Outcome<A> {
        let found = match range {
            Some(range) => self.read_range(&request.stream, range).await?,
            None => Found { events: Vec::new(), position: self.store.head().await? },
        };
        self.refresh(&request.stream, known).await?;
        tracing::debug!("this command was carried out before");
        Ok(Executed {
            sequence: range.map_or(known.sequence, |(_, last)| last),
            events: found.events,
            position: found.position,
            state: known.state.clone(),
            duplicate: true,
        })
    }

    /// The events of a range of sequences.
    async fn read_range(
        &self,
        stream: &StreamKey,
        (first, last): (Sequence, Sequence),
    ) -> Result<Found<A>, StoreError> {
        let mut found = Found { events: Vec::new(), position: 0 };
        let mut cursor = first.saturating_sub(1);
        while cursor < last {
            let room = usize::try_from(last - cursor).unwrap_or(usize::MAX);
            let limit = room.min(self.settings.page_size);
            let page = self.read_page(stream, cursor, limit, true).await?;
            for stored in page.iter() {
                folded::check_follows(&stored, cursor)?;
                cursor += 1;
                let event = folded::read(&stored)?;
                found.events.push(Recorded { event, meta: stored.meta.clone() });
                found.position = stored.position;
            }
            if page.is_empty() {
                return Err(missing(stream, cursor + 1));
            }
        }
        Ok(found)
    }
}

struct Found<A: Aggregate> {
    events: Vec<Recorded<A::Event>>,
    position: Position,
}

fn missing(stream: &StreamKey, sequence: Sequence) -> StoreError {
    StoreError::Corrupt {
        what: "the outcome of a command".to_owned(),
        place: format!("{} {}, sequence {sequence}", stream.aggregate, stream.id),
        reason: "the command is recorded, but this event of it is not there".to_owned(),
    }
}
