//! Stores that break a promise about unique keys.

use super::*;

broken_stores! {
    /// Keys are not claimed.
    ignores_keys {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            store.append(Append { keys: Vec::new(), ..append }).await
        }
    } caught by
        a_key_is_taken_once_in_its_stream,
        a_key_across_all_is_taken_for_the_whole_aggregate_type,
        a_taken_key_leaves_nothing_behind,
        a_racing_key_is_taken_once;

    /// Every key is unique across all streams.
    takes_every_key_across_all {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            let keys = append.keys.into_iter().map(|key| KeyClaim { across_all: true, ..key });
            store.append(Append { keys: keys.collect(), ..append }).await
        }
    } caught by a_key_of_a_stream_is_free_in_another;

    /// No key is unique across all streams.
    takes_every_key_per_stream {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            let keys = append.keys.into_iter().map(|key| KeyClaim { across_all: false, ..key });
            store.append(Append { keys: keys.collect(), ..append }).await
        }
    } caught by a_key_across_all_is_taken_for_the_whole_aggregate_type;

    /// Keys are compared without case and blanks.
    tidies_up_keys {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            let keys = append.keys.into_iter().map(|key| KeyClaim {
                value: key.value.trim().to_lowercase(),
                ..key
            });
            store.append(Append { keys: keys.collect(), ..append }).await
        }
    } caught by scopes_fields_and_values_of_keys_are_kept_apart;

    /// A key that an append claims twice is taken when it is claimed again.
    counts_every_claim {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            let distinct: BTreeSet<_> = append.keys.iter().collect();
            if distinct.len() < append.keys.len() {
                return Err(StoreError::Unsupported("a key is claimed twice".to_owned()).into());
            }
            store.append(append).await
        }
    } caught by an_append_may_claim_a_key_twice;

    /// Without events there is nothing to write.
    drops_keys_without_events {
        async fn append(&self, store: &MemoryStore, mut append: Append) -> Result<Appended, AppendError> {
            if append.events.is_empty() {
                append.keys.clear();
            }
            store.append(append).await
        }
    } caught by keys_are_claimed_without_events_too;

    /// It forgets whose key it is.
    forgets_who_holds_a_key {
        async fn taken_key(
            &self,
            store: &MemoryStore,
            stream: &StreamKey,
            claims: &[KeyClaim],
        ) -> StoreResult<Option<TakenKey>> {
            let taken = store.taken_key(stream, claims).await?;
            Ok(taken.map(|taken| TakenKey { events: (0, 0), ..taken }))
        }
    } caught by a_taken_key_tells_who_holds_it;

    /// The last taken key of several is found.
    looks_up_keys_backwards {
        async fn taken_key(
            &self,
            store: &MemoryStore,
            stream: &StreamKey,
            claims: &[KeyClaim],
        ) -> StoreResult<Option<TakenKey>> {
            let claims: Vec<_> = claims.iter().rev().cloned().collect();
            store.taken_key(stream, &claims).await
        }
    } caught by the_first_taken_key_of_several_is_found;

    /// Keys are claimed for ever.
    keeps_released_keys {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            store.append(Append { released: Vec::new(), ..append }).await
        }
    } caught by a_released_key_is_free_again, a_key_is_released_and_claimed_in_one_append;

    /// Keys are released whoever holds them.
    releases_what_others_hold {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            if let Some(taken) = store.taken_key(&append.stream, &append.released).await? {
                release(store, taken.stream, vec![taken.claim]).await?;
            }
            store.append(append).await
        }
    } caught by a_key_is_released_by_the_stream_that_holds_it_alone, a_stream_without_events_frees_no_key_of_another;

    /// What is claimed for a moment is not looked for.
    overlooks_keys_in_passing {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            store.append(Append { passing: Vec::new(), ..append }).await
        }
    } caught by a_key_in_passing_must_be_free_and_stays_so;

    /// Keys are released before anything is checked.
    releases_before_it_checks {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            release(store, append.stream.clone(), append.released.clone()).await?;
            store.append(append).await
        }
    } caught by a_refused_append_releases_nothing;
}

/// Frees keys that a stream holds, and nothing else.
async fn release(
    store: &MemoryStore,
    stream: StreamKey,
    released: Vec<KeyClaim>,
) -> Result<Appended, AppendError> {
    let expected = length(store, &stream).await?;
    store
        .append(Append {
            stream,
            expected,
            events: Vec::new(),
            released,
            passing: Vec::new(),
            keys: Vec::new(),
            content: [0; 16],
            command: None,
            snapshot: None,
            epoch: None,
        })
        .await
}
