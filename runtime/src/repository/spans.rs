//! Spans: one for a command, one for its append, named by the OpenTelemetry conventions for
//! messaging (`{operation} {destination}` in `otel.name`).

use tracing::field::Empty;
use tracing::{Span, info_span};

use super::request::Request;
use super::verdict::Verdict;
use crate::aggregate::Aggregate;

impl<A: Aggregate> Request<'_, A> {
    /// Around everything a command leads to.
    pub(super) fn span(&self) -> Span {
        let context = &self.context;
        let span = info_span!(
            "process",
            otel.name = format_args!("process {}", A::NAME),
            otel.kind = "consumer",
            messaging.system = "eventloom",
            messaging.operation.name = "process",
            messaging.operation.type = "process",
            messaging.destination.name = A::NAME,
            messaging.destination.partition.id = self.stream.id.as_str(),
            messaging.message.id = &*self.id,
            messaging.message.conversation_id = context.correlation_id.as_deref(),
            eventloom.command = self.command.name(),
            correlation_id = context.correlation_id.as_deref(),
            causation_id = context.causation_id.as_deref(),
            traceparent = Empty,
        );
        if let Some(traceparent) = &context.traceparent {
            span.record("traceparent", &**traceparent);
        }
        span
    }

    /// Around one append.
    pub(super) fn append_span(&self, verdict: &Verdict<A>) -> Span {
        let events = verdict.change.as_ref().map_or(0, |change| change.events.len());
        info_span!(
            "send",
            otel.name = format_args!("send {}", A::NAME),
            otel.kind = "producer",
            messaging.system = "eventloom",
            messaging.operation.name = "send",
            messaging.operation.type = "send",
            messaging.destination.name = A::NAME,
            messaging.destination.partition.id = self.stream.id.as_str(),
            messaging.message.conversation_id = self.context.correlation_id.as_deref(),
            messaging.batch.message_count = events,
        )
    }
}
