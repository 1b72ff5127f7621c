//! Stores that break a promise about snapshots.

use super::*;

broken_stores! {
    /// Snapshots of appends are dropped.
    drops_snapshots {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            store.append(Append { snapshot: None, ..append }).await
        }
    } caught by a_snapshot_lands_with_its_append;

    /// The first snapshot of a stream stays for ever.
    keeps_the_first_snapshot {
        async fn append(&self, store: &MemoryStore, mut append: Append) -> Result<Appended, AppendError> {
            if append.expected > 0 {
                append.snapshot = None;
            }
            store.append(append).await
        }

        async fn save_snapshot(&self, store: &MemoryStore, stream: &StreamKey, snapshot: Snapshot) -> StoreResult<()> {
            match store.snapshot(stream, snapshot.meaning, Sequence::MAX).await? {
                Some(_) => Ok(()),
                None => store.save_snapshot(stream, snapshot).await,
            }
        }
    } caught by the_latest_snapshot_is_found, a_saved_snapshot_replaces_the_one_before;

    /// A snapshot is given whatever it stands for.
    gives_any_snapshot {
        async fn snapshot(
            &self,
            store: &MemoryStore,
            stream: &StreamKey,
            _meaning: u64,
            _at_most: Sequence,
        ) -> StoreResult<Option<Snapshot>> {
            for meaning in [0, 1, 7] {
                if let Some(found) = store.snapshot(stream, meaning, Sequence::MAX).await? {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        }
    } caught by
        a_snapshot_above_the_asked_sequence_is_not_given,
        a_snapshot_of_another_meaning_is_never_given;

    /// A snapshot that is to go stays.
    keeps_bad_snapshots {
        async fn discard_snapshot(&self, _: &MemoryStore, _: &StreamKey, _: u64) -> StoreResult<()> {
            Ok(())
        }
    } caught by a_discarded_snapshot_is_gone_alone;

    /// Snapshots are found by the stream's id alone.
    mixes_up_snapshots {
        async fn save_snapshot(&self, store: &MemoryStore, stream: &StreamKey, snapshot: Snapshot) -> StoreResult<()> {
            store.save_snapshot(&StreamKey { aggregate: "Account", ..stream.clone() }, snapshot).await
        }
    } caught by snapshots_of_streams_are_kept_apart;
}
