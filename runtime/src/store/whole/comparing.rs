//! What two stores have in common: all of it, or all that one of them has.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::{Copied, CopyError, PART, Record, ShapeRecord, WholeStore, everything};
use crate::metadata::Position;
use crate::store::{StoreError, StoredEvent};

/// Records that are looked for together: some megabytes of hashes.
const LOOKED_FOR: usize = 100_000;

/// All that a store has.
pub(super) struct Contents {
    /// Counts and hash of it, the same whatever the order of its records.
    pub(super) whole: Copied,
    /// Hash of the events alone.
    events: [u8; 32],
}

/// Reads a store whole.
pub(super) async fn contents(
    store: &impl WholeStore,
    progress: &mut (dyn FnMut(Position) + Send),
) -> Result<Contents, StoreError> {
    let (mut hash, mut events, mut after) = (Sha256::new(), 0, 0);
    loop {
        let page = store.read_all(after, &everything(), PART).await?;
        for event in page.events.iter() {
            events += 1;
            hash_event(&mut hash, &event);
        }
        after = page.next;
        progress(after);
        if page.events.at_end() {
            break;
        }
    }
    let of_events = hash.clone().finalize().into();
    let (mut sum, mut records, mut place) = ([0; 32], 0, None::<String>);
    loop {
        let page = store.records(place.as_deref(), PART).await?;
        for record in &page.records {
            records += 1;
            add(&mut sum, &hash_record(record));
        }
        place = page.next;
        if place.is_none() {
            break;
        }
    }
    hash.update(sum);
    let mut shapes = store.shapes().await?;
    shapes.sort();
    for ShapeRecord { aggregate, event_type, version, shape } in &shapes {
        let texts = [Some(aggregate.as_str()), Some(event_type), shape.as_deref()];
        texts.into_iter().for_each(|text| hash_text(&mut hash, text));
        hash.update(version.to_be_bytes());
    }
    let whole = Copied { events, records, hash: hash.finalize().into() };
    Ok(Contents { whole, events: of_events })
}

/// A store that is compared, and what its failures are called.
type Side<'s, S> = (&'s S, fn(StoreError) -> CopyError);

/// Whether a store lacks nothing of another one, and has nothing of its own but what fits it: see [`fits`].
pub(super) async fn lacks_nothing(
    to: (&impl WholeStore, &Contents),
    from: (&impl WholeStore, &Contents),
) -> Result<bool, CopyError> {
    let ((to, there), (from, source)) = (to, from);
    if source.events != there.events {
        return Ok(false);
    }
    let name = |it: ShapeRecord| (it.aggregate, it.event_type, it.version);
    let shapes = to.shapes().await.map_err(CopyError::To)?;
    let shapes: BTreeSet<_> = shapes.into_iter().map(name).collect();
    let wanted = from.shapes().await.map_err(CopyError::From)?;
    if !wanted.into_iter().map(name).all(|it| shapes.contains(&it)) {
        return Ok(false);
    }
    Ok(are_in((from, CopyError::From), (to, CopyError::To), false).await? && fits(to, from).await?)
}

/// Whether all keys and commands that a store has are those of another one, but commands that came to no event: these it may
/// know by itself where it was in use. A key that the other has no more, or has for other events, must not be taken for one of
/// its own.
pub(super) async fn fits(to: &impl WholeStore, from: &impl WholeStore) -> Result<bool, CopyError> {
    are_in((to, CopyError::To), (from, CopyError::From), true).await
}

/// Whether the records of one store are in another, as they are; of commands that came to no event only that they are known, or
/// not even that. So many are looked for at a time that memory is bounded.
async fn are_in(
    (some, failed): Side<'_, impl WholeStore>,
    (all, failed_to_look): Side<'_, impl WholeStore>,
    spares_idle: bool,
) -> Result<bool, CopyError> {
    let mut place = None::<String>;
    loop {
        let mut missing = BTreeMap::new();
        loop {
            let page = some.records(place.as_deref(), PART).await.map_err(failed)?;
            missing.extend(page.records.iter().map(|it| (identity(it), came_to(it))));
            place = page.next;
            if place.is_none() || missing.len() >= LOOKED_FOR {
                break;
            }
        }
        let mut at = None::<String>;
        while !missing.is_empty() {
            let page = all.records(at.as_deref(), PART).await.map_err(failed_to_look)?;
            for record in &page.records {
                let is_other =
                    missing.remove(&identity(record)).is_some_and(|it| it != came_to(record));
                if is_other {
                    return Ok(false);
                }
            }
            at = page.next;
            if at.is_none() {
                break;
            }
        }
        if missing.values().any(|it| it.is_some() || !spares_idle) {
            return Ok(false);
        }
        if place.is_none() {
            return Ok(true);
        }
    }
}

/// A hash of what there can be but once in a store.
fn identity(record: &Record) -> [u8; 32] {
    let mut hash = Sha256::new();
    match record {
        Record::Key { by, field, value, across_all, .. } => {
            hash.update([0, u8::from(*across_all)]);
            let stream = (!across_all).then_some(by.stream.as_str());
            let texts = [Some(by.aggregate.as_str()), Some(field), Some(value), stream];
            texts.into_iter().for_each(|text| hash_text(&mut hash, text));
        }
        Record::Command { id, .. } => {
            hash.update([1]);
            hash_text(&mut hash, Some(id));
        }
    }
    hash.finalize().into()
}

/// A hash of what a record says; none of a command that came to no event.
fn came_to(record: &Record) -> Option<[u8; 32]> {
    match record {
        Record::Command { events: None, .. } => None,
        record => Some(hash_record(record)),
    }
}

fn hash_event(hash: &mut Sha256, event: &StoredEvent<'_>) {
    let meta = event.meta;
    hash.update(event.position.to_be_bytes());
    hash.update(meta.sequence.to_be_bytes());
    hash.update(event.version.to_be_bytes());
    hash.update(meta.event_id.as_bytes());
    hash.update(meta.at.as_micros().to_be_bytes());
    hash.update(meta.recorded_at.as_micros().to_be_bytes());
    let names = [event.aggregate, event.event_type, meta.stream_id.as_str()];
    names.into_iter().for_each(|name| hash_text(hash, Some(name)));
    let texts = [&meta.actor, &meta.correlation_id, &meta.causation_id, &meta.traceparent];
    texts.into_iter().for_each(|text| hash_text(hash, text.as_deref()));
    hash.update((event.data.len() as u64).to_be_bytes());
    hash.update(event.data);
}

fn hash_record(record: &Record) -> [u8; 32] {
    let mut hash = Sha256::new();
    let (by, events) = match record {
        Record::Key { by, field, value, across_all, events } => {
            hash.update([0, u8::from(*across_all)]);
            [field, value].into_iter().for_each(|text| hash_text(&mut hash, Some(text)));
            (by, Some(*events))
        }
        Record::Command { by, id, events, refusal } => {
            hash.update([1, u8::from(refusal.is_some())]);
            hash_text(&mut hash, Some(id));
            if let Some((name, message)) = refusal {
                [name, message].into_iter().for_each(|text| hash_text(&mut hash, Some(text)));
            }
            (by, *events)
        }
    };
    [by.aggregate.as_str(), by.stream.as_str()]
        .into_iter()
        .for_each(|text| hash_text(&mut hash, Some(text)));
    hash.update(by.content);
    if let Some((first, last)) = events {
        hash.update(first.to_be_bytes());
        hash.update(last.to_be_bytes());
    }
    hash.finalize().into()
}

/// A text with its length, so that no two lists of texts look the same.
fn hash_text(hash: &mut Sha256, text: Option<&str>) {
    hash.update(text.map_or(u64::MAX, |text| text.len() as u64).to_be_bytes());
    hash.update(text.unwrap_or_default());
}

/// The sum of two hashes as numbers, which does not depend on the order of what is summed.
fn add(sum: &mut [u8; 32], hash: &[u8; 32]) {
    let mut carry = 0;
    for (digit, other) in sum.iter_mut().zip(hash).rev() {
        let [over, total] = (u16::from(*digit) + u16::from(*other) + carry).to_be_bytes();
        (*digit, carry) = (total, u16::from(over));
    }
}
