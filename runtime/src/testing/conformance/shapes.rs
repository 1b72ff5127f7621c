//! Shapes: a store never takes a program whose events look different from those it holds.

use super::sample::{ACCOUNT, CUSTOMER, MOVED, OPENED};
use crate::event::EventShape;
use crate::store::{EventStore, StoreError};
use crate::testing::failure::{Check, Failure, equal};
use crate::testing::stores::StoreKind;

const fn shape(event_type: &'static str, version: u32, shape: &'static str) -> EventShape {
    EventShape { event_type, version, shape }
}

const KNOWN: &[EventShape] = &[
    shape(OPENED, 1, "{owner: string}"),
    shape(OPENED, 2, "{owner: string, balance: decimal}"),
    shape(MOVED, 1, "{amount: decimal}"),
];
const EXTENDED: &[EventShape] = &[
    KNOWN[0],
    KNOWN[1],
    KNOWN[2],
    shape(MOVED, 2, "{amount: decimal, by: string}"),
    shape("Closed", 1, "{}"),
];
const CHANGED: &[EventShape] =
    &[shape("Added", 1, "{}"), KNOWN[0], shape(OPENED, 2, "{owner: string}"), KNOWN[2]];
const ADDED_OTHERWISE: &[EventShape] = &[shape("Added", 1, "{amount: decimal}")];

async fn refuses_changed(store: &impl EventStore) -> Check {
    let due = StoreError::ShapeMismatch {
        event_type: OPENED.to_owned(),
        version: 2,
        stored: "{owner: string, balance: decimal}".to_owned(),
        program: "{owner: string}".to_owned(),
        newest: 2,
    };
    match store.register(ACCOUNT, CHANGED).await {
        Err(found) => equal("the refusal of a changed shape", &found, &due),
        Ok(()) => Err(Failure::new("a program with another shape for stored events was let in")),
    }
}

pub(super) async fn the_same_shapes_are_welcome_again(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    store.register(ACCOUNT, KNOWN).await?;
    store.register(ACCOUNT, KNOWN).await?;
    Ok(())
}

pub(super) async fn a_changed_shape_is_refused(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    store.register(ACCOUNT, KNOWN).await?;
    refuses_changed(&store).await?;
    refuses_changed(&store.clone()).await
}

pub(super) async fn new_versions_and_types_are_added(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    store.register(ACCOUNT, KNOWN).await?;
    store.register(ACCOUNT, EXTENDED).await?;
    store.register(ACCOUNT, KNOWN).await?;
    refuses_changed(&store).await
}

pub(super) async fn a_refused_program_leaves_no_shapes(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    store.register(ACCOUNT, KNOWN).await?;
    refuses_changed(&store).await?;
    store.register(ACCOUNT, ADDED_OTHERWISE).await?;
    Ok(())
}

pub(super) async fn shapes_of_aggregates_are_kept_apart(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    store.register(ACCOUNT, KNOWN).await?;
    store.register(CUSTOMER, CHANGED).await?;
    refuses_changed(&store).await
}

pub(super) async fn shapes_are_kept_over_a_restart(kind: impl StoreKind) -> Check {
    let (place, store) = kind.open_new().await?;
    store.register(ACCOUNT, KNOWN).await?;
    drop(store);
    refuses_changed(&kind.open(&place).await?).await
}
