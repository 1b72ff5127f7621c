//! Up to where a store has old events, so that a run need not look at what is young.
//!
//! Events lie in the order in which they were appended, and their times are those of the clocks of the programs that
//! appended them: hardly ever far apart. So what has aged out is the beginning of the store, give or take what lies between
//! two clocks. Where clocks were wrong for long, an old event may lie behind very many young ones: it leaves with a later run.

use super::ArchiveStore;
use crate::metadata::Position;
use crate::store::StoreError;
use crate::values::Timestamp;

/// Young events in a row behind which no old one is expected.
const YOUNG: usize = 4_096;
/// Places behind those that are looked at all the same: for a time in which a clock was far ahead.
const PROBES: u64 = 64;

/// Up to which position events are to be looked at, so that those are found which were recorded before a time.
pub(super) async fn to_be_looked_at(
    store: &impl ArchiveStore,
    before: Timestamp,
    head: Position,
) -> Result<Position, StoreError> {
    let mut old = an_old_one(store, before, head).await?;
    loop {
        let found = store.recorded(old, YOUNG).await?;
        if let Some((last, _)) = found.iter().rev().find(|(_, at)| *at < before) {
            old = *last;
            continue;
        }
        let Some((end, _)) = found.last().filter(|(last, _)| found.len() == YOUNG && *last < head)
        else {
            return Ok(head);
        };
        match probed(store, before, *end, head).await? {
            Some(position) => old = position,
            None => return Ok(*end),
        }
    }
}

/// The position of an old event behind which a young one lies nearby, or 0 where a young one is among the first.
async fn an_old_one(
    store: &impl ArchiveStore,
    before: Timestamp,
    head: Position,
) -> Result<Position, StoreError> {
    let (mut old, mut young) = (0, head.saturating_add(1));
    while young - old > YOUNG as Position {
        let middle = old + (young - old) / 2;
        match store.recorded(middle - 1, 1).await?.first() {
            Some((position, at)) if *position < young && *at < before => old = *position,
            _ => young = middle,
        }
    }
    Ok(old)
}

/// The position of an old event at one of some places between a position and the head.
async fn probed(
    store: &impl ArchiveStore,
    before: Timestamp,
    after: Position,
    head: Position,
) -> Result<Option<Position>, StoreError> {
    let step = ((head - after) / PROBES).max(1);
    let mut place = after;
    while place < head {
        match store.recorded(place, 1).await?.first() {
            Some((position, at)) if *at < before => return Ok(Some(*position)),
            Some((position, _)) => place = place.saturating_add(step).max(*position),
            None => return Ok(None),
        }
    }
    Ok(None)
}
