//! Spans of projections, named by the OpenTelemetry messaging conventions: a projection is a consumer
//! of the aggregate's events.

use tracing::Span;

use super::{Projection, ProjectionName};
use crate::store::StoredEvent;

/// Whether spans of single events are recorded by anybody, so that their texts are worth reading.
pub(super) fn are_recorded() -> bool {
    tracing::enabled!(tracing::Level::INFO)
}

/// The folding of one event, with what led to it.
pub(super) fn event<P: Projection>(stored: &StoredEvent<'_>) -> Span {
    let meta = stored.meta;
    tracing::info_span!(
        "eventloom.project",
        "otel.kind" = "consumer",
        "messaging.system" = "eventloom",
        "messaging.operation.type" = "process",
        "messaging.destination.name" = stored.aggregate,
        "messaging.consumer.group.name" = P::NAME,
        "messaging.message.id" = %meta.event_id,
        projection = P::NAME,
        event_type = stored.event_type,
        stream_id = meta.stream_id.as_str(),
        sequence = meta.sequence,
        position = stored.position,
        actor = meta.actor.as_deref(),
        correlation_id = meta.correlation_id.as_deref(),
        causation_id = meta.causation_id.as_deref(),
        traceparent = meta.traceparent.as_deref(),
    )
}

/// The folding and writing of one page of events.
pub(super) fn batch(projection: ProjectionName, events: usize) -> Span {
    tracing::debug_span!("eventloom.project_batch", %projection, events)
}
