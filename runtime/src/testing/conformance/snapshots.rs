//! Snapshots: found by stream and meaning, never another's and never a later one.

use super::sample::{account, append, customer, snapshot};
use crate::metadata::Sequence;
use crate::store::{Append, EventStore, Snapshot, StreamKey};
use crate::testing::failure::{Check, equal};
use crate::testing::stores::StoreKind;

async fn latest(
    store: &impl EventStore,
    stream: &StreamKey,
    meaning: u64,
) -> Check<Option<Snapshot>> {
    Ok(store.snapshot(stream, meaning, Sequence::MAX).await?)
}

pub(super) async fn a_snapshot_lands_with_its_append(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    equal("a snapshot that was never taken", &latest(&store, &stream, 7).await?, &None)?;
    let taken = Some(snapshot(3, 7, r#"{"balance":"1"}"#));

    store.append(Append { snapshot: taken.clone(), ..append(&stream, 0, 3) }).await?;

    equal("the snapshot", &latest(&store, &stream, 7).await?, &taken)
}

pub(super) async fn the_latest_snapshot_is_found(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    for expected in [0, 2, 4] {
        let taken = Some(snapshot(expected + 2, 7, &format!("after {}", expected + 2)));
        store.append(Append { snapshot: taken, ..append(&stream, expected, 2) }).await?;
    }
    let expected = Some(snapshot(6, 7, "after 6"));
    equal("the latest snapshot", &latest(&store, &stream, 7).await?, &expected)
}

pub(super) async fn a_snapshot_above_the_asked_sequence_is_not_given(
    kind: impl StoreKind,
) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    let taken = Some(snapshot(5, 7, "after 5"));
    store.append(Append { snapshot: taken.clone(), ..append(&stream, 0, 5) }).await?;

    for at_most in [0, 4] {
        let found = store.snapshot(&stream, 7, at_most).await?;
        equal(&format!("the snapshot at or below {at_most}"), &found, &None)?;
    }
    for at_most in [5, 6, Sequence::MAX] {
        let found = store.snapshot(&stream, 7, at_most).await?;
        equal(&format!("the snapshot at or below {at_most}"), &found, &taken)?;
    }
    Ok(())
}

pub(super) async fn a_snapshot_of_another_meaning_is_never_given(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    store.append(append(&stream, 0, 9)).await?;
    let meanings = [0, 1, u64::MAX, 1 << 63, (1 << 63) - 1];
    for (sequence, meaning) in (1..).zip(meanings) {
        store.save_snapshot(&stream, snapshot(sequence, meaning, "state")).await?;
    }
    for (sequence, meaning) in (1..).zip(meanings) {
        let expected = Some(snapshot(sequence, meaning, "state"));
        let found = latest(&store, &stream, meaning).await?;
        equal(&format!("the snapshot of meaning {meaning}"), &found, &expected)?;
    }
    equal("the snapshot of an unknown meaning", &latest(&store, &stream, 2).await?, &None)
}

pub(super) async fn a_saved_snapshot_replaces_the_one_before(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    let taken = Some(snapshot(5, 7, "broken"));
    store.append(Append { snapshot: taken, ..append(&stream, 0, 5) }).await?;

    let sound = snapshot(5, 7, "sound");
    store.save_snapshot(&stream, sound.clone()).await?;

    equal("the snapshot", &latest(&store, &stream, 7).await?, &Some(sound))
}

pub(super) async fn a_discarded_snapshot_is_gone_alone(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let (stream, other) = (account("A1"), account("A2"));
    for (stream, meaning) in [(&stream, 7), (&stream, 8), (&other, 7)] {
        store.save_snapshot(stream, snapshot(1, meaning, "state")).await?;
    }

    store.discard_snapshot(&stream, 7).await?;
    store.discard_snapshot(&account("A3"), 7).await?;

    equal("the discarded snapshot", &latest(&store, &stream, 7).await?, &None)?;
    let kept = Some(snapshot(1, 8, "state"));
    equal("the stream's other snapshot", &latest(&store, &stream, 8).await?, &kept)?;
    let kept = Some(snapshot(1, 7, "state"));
    equal("the other stream's snapshot", &latest(&store, &other, 7).await?, &kept)
}

pub(super) async fn snapshots_of_streams_are_kept_apart(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let streams = [account("A1"), account("A2"), customer("A1")];
    for stream in &streams {
        store.append(append(stream, 0, 1)).await?;
        store.save_snapshot(stream, snapshot(1, 7, &format!("{stream:?}"))).await?;
    }
    for stream in &streams {
        let expected = Some(snapshot(1, 7, &format!("{stream:?}")));
        equal("the snapshot", &latest(&store, stream, 7).await?, &expected)?;
    }
    equal("the snapshot of an absent stream", &latest(&store, &account("A3"), 7).await?, &None)
}
