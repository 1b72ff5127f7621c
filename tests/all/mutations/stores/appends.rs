//! Stores that break a promise about appends.

use super::*;

broken_stores! {
    /// A conflict that is reported as success.
    swallows_conflicts {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            match store.append(append).await {
                Err(AppendError::Conflict { .. }) => Ok(Appended { position: store.head().await? }),
                outcome => outcome,
            }
        }
    } caught by
        an_outdated_expectation_is_a_conflict,
        an_expectation_ahead_of_the_stream_is_a_conflict,
        a_stream_is_created_only_once,
        a_new_stream_expects_nothing,
        each_sequence_of_a_stream_has_one_winner;

    /// The stream's end is looked up first, and the append goes to wherever it is then.
    checks_before_it_appends {
        async fn append(&self, store: &MemoryStore, mut append: Append) -> Result<Appended, AppendError> {
            let actual = length(store, &append.stream).await?;
            if actual != append.expected {
                return Err(AppendError::Conflict { expected: append.expected, actual });
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
            append.expected = length(store, &append.stream).await?;
            store.append(append).await
        }
    } caught by
        each_sequence_of_a_stream_has_one_winner,
        the_command_is_checked_first_then_keys_then_the_sequence;

    /// Nobody asks in which epoch the state was read.
    heeds_no_epoch {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            store.append(Append { epoch: None, ..append }).await
        }
    } caught by
        an_append_of_another_epoch_is_refused;

    /// Every event is an append of its own.
    appends_piece_by_piece {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            let mut appended = Appended { position: store.head().await? };
            for (offset, event) in (0..).zip(append.events.clone()) {
                let piece = Append {
                    expected: append.expected + offset,
                    events: vec![event],
                    keys: Vec::new(),
                    snapshot: None,
                    ..append.clone()
                };
                appended = store.append(piece).await?;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Ok(appended)
        }
    } caught by
        an_append_given_up_by_its_caller_lands_whole_or_not_at_all,
        a_stream_is_read_whole_while_others_write;

    /// The snapshot is written before anything is checked.
    writes_the_snapshot_first {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            if let Some(snapshot) = append.snapshot.clone() {
                store.save_snapshot(&append.stream, snapshot).await?;
            }
            store.append(append).await
        }
    } caught by
        a_taken_key_leaves_nothing_behind,
        a_known_command_leaves_nothing_behind,
        an_outdated_expectation_is_a_conflict;

    /// One refused append takes the next one with it.
    refuses_the_neighbour_too {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            let marker = StreamKey { aggregate: "Marker", id: StreamId::from("refused") };
            let refused = store.snapshot(&marker, 0, 1).await?.is_some_and(|it| it.data == b"yes");
            let outcome = if refused {
                Err(StoreError::Unavailable("the transaction failed".to_owned()).into())
            } else {
                store.append(append).await
            };
            let data = if outcome.is_err() && !refused { b"yes".to_vec() } else { Vec::new() };
            store.save_snapshot(&marker, Snapshot { sequence: 1, meaning: 0, data }).await?;
            outcome
        }
    } caught by one_refused_append_is_not_its_neighbours;

    /// Every second append is acknowledged and lost.
    loses_every_second_append {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            if append.expected % 2 == 1 {
                return Ok(Appended { position: store.head().await? });
            }
            store.append(append).await
        }
    } caught by sequences_go_on_without_a_gap, appends_to_many_streams_all_land;

    /// Sequences are kept in sixteen bits.
    counts_in_sixteen_bits {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            store.append(append).await.map_err(|error| match error {
                AppendError::Conflict { expected, actual } => {
                    AppendError::Conflict { expected, actual: actual & 0xffff }
                }
                error => error,
            })
        }
    } caught by a_stream_outgrows_sixteen_bits;

    /// Positions count per append.
    gives_every_append_position_one {
        async fn head(&self, store: &MemoryStore) -> StoreResult<Position> {
            Ok(store.head().await?.min(1))
        }

        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            store.append(append).await.map(|_| Appended { position: 1 })
        }
    } caught by positions_grow_across_streams, the_global_order_is_the_order_of_the_appends;

    /// Streams are found by their id alone.
    forgets_the_aggregate_type {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            let stream = StreamKey { aggregate: "Account", ..append.stream };
            store.append(Append { stream, ..append }).await
        }
    } caught by
        same_ids_of_different_aggregates_are_different_streams,
        a_read_tells_aggregate_type_and_metadata;

    /// Ids are trimmed and compared without case.
    tidies_up_ids {
        async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            let stream = with_id(&append.stream, |id| id.trim().to_lowercase());
            let command = append.command.map(|command| CommandRecord {
                id: Arc::from(command.id.trim().to_lowercase()),
                ..command
            });
            store.append(Append { stream, command, ..append }).await
        }

        async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> StoreResult<Page> {
            let stream = with_id(&read.stream, |id| id.trim().to_lowercase());
            store.read_stream(StreamRead { stream, ..read }).await
        }
    } caught by strange_ids_are_just_ids, command_ids_are_compared_as_they_are;

    /// Names of aggregates and events are made fit for tables.
    tidies_up_names {
        async fn append(&self, store: &MemoryStore, mut append: Append) -> Result<Appended, AppendError> {
            for event in &mut append.events {
                if !event.event_type.is_ascii() {
                    event.event_type = "_";
                }
            }
            store.append(append).await
        }
    } caught by strange_names_are_just_names;

    /// Data is cut off at a limit of the column.
    cuts_off_big_data {
        async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> StoreResult<Page> {
            let page = store.read_stream(read).await?;
            Ok(changed(&page, |event| {
                let kept = event.data.len().min(65_535);
                (event.position, event.meta.clone(), event.data[..kept].to_vec())
            }))
        }
    } caught by big_events_and_big_appends_land;

    /// The trace context has no column.
    drops_the_traceparent {
        async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> StoreResult<Page> {
            let page = store.read_stream(read).await?;
            Ok(with_metadata(&page, |meta| meta.traceparent = None))
        }
    } caught by an_event_comes_back_as_it_went_in;

    /// A read without texts gives the texts of somebody else.
    mixes_up_texts {
        async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> StoreResult<Page> {
            let bare = !read.metadata;
            let page = store.read_stream(read).await?;
            Ok(with_metadata(&page, |meta| {
                if bare {
                    meta.actor = Some(Arc::from("somebody else"));
                }
            }))
        }
    } caught by metadata_may_come_back_without_its_texts;

    /// An absent text comes back empty.
    makes_absent_texts_empty {
        async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> StoreResult<Page> {
            let page = store.read_stream(read).await?;
            Ok(with_metadata(&page, |meta| {
                meta.actor.get_or_insert_with(|| Arc::from(""));
            }))
        }
    } caught by absent_texts_of_the_metadata_stay_absent;

    /// Times are kept to the second.
    rounds_times {
        async fn read_stream(&self, store: &MemoryStore, read: StreamRead) -> StoreResult<Page> {
            let page = store.read_stream(read).await?;
            Ok(with_metadata(&page, |meta| {
                let seconds = meta.at.as_micros() / 1_000_000;
                meta.at = Timestamp::from_micros(seconds * 1_000_000);
            }))
        }
    } caught by times_far_from_now_come_back;
}
