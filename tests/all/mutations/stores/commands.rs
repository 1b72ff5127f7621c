//! Stores that break a promise about command ids.

use super::*;

broken_stores! {
    /// Command ids are not recorded.
    ignores_command_ids {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            store.append(Append { command: None, ..append }).await
        }
    } caught by
        a_command_is_recorded_with_its_events,
        a_command_id_is_used_once_in_the_whole_store,
        a_known_command_leaves_nothing_behind,
        a_racing_command_lands_once;

    /// A command's refusal is not kept.
    forgets_refusals {
        async fn command(&self, store: &MemoryStore, id: &str) -> StoreResult<Option<RecordedCommand>> {
            let known = store.command(id).await?;
            Ok(known.map(|known| RecordedCommand { refusal: None, ..known }))
        }
    } caught by
        a_refused_command_is_recorded_without_events,
        a_refused_command_may_keep_events,
        a_refusal_is_recorded_for_an_absent_stream;

    /// A refusal is recorded whatever it was decided on.
    records_refusals_unchecked {
        async fn append(&self, store: &MemoryStore, mut append: Append) -> Result<Appended, AppendError> {
            if append.events.is_empty() {
                append.expected = length(store, &append.stream).await?;
            }
            store.append(append).await
        }
    } caught by a_refusal_decided_on_an_outdated_state_is_a_conflict;
}
