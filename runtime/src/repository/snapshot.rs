//! Snapshots: what is written beside the state, when one is due, and how one is read back.
//!
//! Two lines of JSON: what the repository keeps beside the state, then the state. Event types are
//! kept by name: their indexes change when the ontology does.

use super::folded::Folded;
use crate::aggregate::{Aggregate, SnapshotStrategy};
use crate::codec::{
    DecodeError, Fields, Record, Writer, decode, encode, is_news, optional, required,
};
use crate::event::{DomainEvent, EventTypes};
use crate::metadata::Sequence;
use crate::store::Snapshot;
use crate::values::Timestamp;

/// What is kept beside the state.
struct Beside {
    last_time: Option<Timestamp>,
    history: Vec<String>,
}

impl Record for Beside {
    fn write(&self, out: &mut Writer) {
        out.field("lastTime", &self.last_time);
        out.field("history", &self.history);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, DecodeError> {
        let (mut last_time, mut history) = (None, None);
        fields.read(&mut [("lastTime", &mut last_time), ("history", &mut history)])?;
        Ok(Self { last_time: optional(last_time), history: required(history, "history")? })
    }
}

/// The last sequence at or below this one at which a snapshot is due, if there is one.
pub(super) fn last_due<A: Aggregate>(sequence: Sequence) -> Option<Sequence> {
    match A::SNAPSHOTS {
        SnapshotStrategy::Never | SnapshotStrategy::Every(0) => None,
        SnapshotStrategy::Every(events) => {
            Some(sequence - sequence % events).filter(|due| *due > 0)
        }
    }
}

/// Whether an append from one sequence to another makes a snapshot due.
pub(super) fn is_due<A: Aggregate>(before: Sequence, after: Sequence) -> bool {
    last_due::<A>(after).is_some_and(|due| due > before)
}

/// The snapshot of a state; none where the state can't be written.
pub(super) fn write<A: Aggregate>(folded: &Folded<A>) -> Option<Snapshot> {
    let named = A::Event::TYPES.iter().enumerate();
    let history = named
        .filter(|(index, _)| folded.history.contains(*index))
        .map(|(_, name)| (*name).to_owned())
        .collect();
    let mut data = Vec::new();
    encode(&Beside { last_time: folded.last_time, history }, &mut data);
    data.push(b'\n');
    let beside = data.len();
    A::write_state(&folded.state, &mut data);
    let sequence = folded.sequence;
    (data.len() > beside).then_some(Snapshot { sequence, meaning: A::MEANING, data })
}

/// As [`write`], read back: none, with an error in the log, once for the aggregate, where no load could use
/// it. It would be replaced at every load, each time after a replay.
pub(super) fn write_readable<A: Aggregate>(folded: &Folded<A>) -> Option<Snapshot> {
    let snapshot = write(folded)?;
    let reason = match read::<A>(&snapshot) {
        Ok(read) if read.is_same(folded) => return Some(snapshot),
        Ok(_) => "it is read as another state".to_owned(),
        Err(error) => error.to_string(),
    };
    if is_news::<A>() {
        tracing::error!(
            aggregate = A::NAME,
            reason,
            "a state can't be read back from its snapshot: its streams are replayed"
        );
    }
    None
}

/// The state of a snapshot.
pub(super) fn read<A: Aggregate>(snapshot: &Snapshot) -> Result<Folded<A>, DecodeError> {
    if snapshot.sequence == 0 {
        return Err(DecodeError::invalid("it stands for no event"));
    }
    if snapshot.meaning != A::MEANING {
        return Err(DecodeError::invalid("it was made by another fold"));
    }
    let line_end = snapshot.data.iter().position(|byte| *byte == b'\n');
    let line_end = line_end.ok_or_else(|| DecodeError::invalid("its first line has no end"))?;
    let (beside, state) = snapshot.data.split_at(line_end + 1);
    let beside: Beside = decode(beside)?;
    let mut history = EventTypes::default();
    for name in &beside.history {
        let index = A::Event::TYPES.iter().position(|known| known == name);
        history.insert(index.ok_or_else(|| DecodeError::UnknownType(name.clone()))?);
    }
    Ok(Folded {
        state: A::read_state(state)?,
        sequence: snapshot.sequence,
        last_time: beside.last_time,
        history,
        ..Folded::default()
    })
}
