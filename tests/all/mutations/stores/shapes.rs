//! Stores that break a promise about the shapes of events.

use super::*;

broken_stores! {
    /// Every program is let in.
    takes_any_shape {
        async fn register(
            &self,
            _store: &MemoryStore,
            _aggregate: &'static str,
            _shapes: &'static [EventShape],
        ) -> StoreResult<()> {
            Ok(())
        }
    } caught by a_changed_shape_is_refused, new_versions_and_types_are_added;

    /// A program is let in only once.
    takes_shapes_only_once {
        async fn register(
            &self,
            store: &MemoryStore,
            aggregate: &'static str,
            shapes: &'static [EventShape],
        ) -> StoreResult<()> {
            let marker = StreamKey { aggregate: "Marker", id: StreamId::from(aggregate) };
            if store.snapshot(&marker, 0, 1).await?.is_some() {
                return Err(StoreError::Unsupported("it was registered before".to_owned()));
            }
            store.save_snapshot(&marker, Snapshot { sequence: 1, meaning: 0, data: Vec::new() }).await?;
            store.register(aggregate, shapes).await
        }
    } caught by the_same_shapes_are_welcome_again;

    /// Shapes are recorded one by one, until one is refused.
    records_shapes_of_a_refused_program {
        async fn register(
            &self,
            store: &MemoryStore,
            aggregate: &'static str,
            shapes: &'static [EventShape],
        ) -> StoreResult<()> {
            for shape in shapes {
                store.register(aggregate, std::slice::from_ref(shape)).await?;
            }
            Ok(())
        }
    } caught by a_refused_program_leaves_no_shapes;

    /// Shapes are compared without the aggregate type.
    mixes_up_shapes {
        async fn register(
            &self,
            store: &MemoryStore,
            _aggregate: &'static str,
            shapes: &'static [EventShape],
        ) -> StoreResult<()> {
            store.register("Account", shapes).await
        }
    } caught by shapes_of_aggregates_are_kept_apart;
}
