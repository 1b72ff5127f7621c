//! Spans: what a command leads to can be followed, and nothing is made up.

use eventloom_runtime::CommandContext;
use eventloom_runtime::testing::block_on;
use eventloom_runtime::testing::spans::{Captured, capture, is_within};

use super::{Bench, put};

fn find(captured: &[Captured], name: &str) -> usize {
    captured.iter().position(|span| span.name == name).expect(name)
}

#[test]
fn a_command_is_a_span_and_its_append_lies_within() {
    let bench = block_on(Bench::new());
    let context = CommandContext::new()
        .command_id("C1")
        .correlation_id("R1")
        .causation_id("event-7")
        .traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let (executed, captured) =
        capture(|| block_on(bench.wallets.execute_with("W", put("E1", "1"), context)).unwrap());
    let (process, send) = (find(&captured, "process"), find(&captured, "send"));
    assert!(is_within(&captured, send, process));
    let span = &captured[process];
    for (field, value) in [
        ("otel.name", "process Wallet"),
        ("messaging.system", "eventloom"),
        ("messaging.operation.name", "process"),
        ("messaging.operation.type", "process"),
        ("messaging.destination.name", "Wallet"),
        ("messaging.destination.partition.id", "W"),
        ("messaging.message.id", "C1"),
        ("messaging.message.conversation_id", "R1"),
        ("eventloom.command", "Put"),
        ("correlation_id", "R1"),
        ("causation_id", "event-7"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ] {
        assert_eq!(span.field(field), Some(value), "{field}");
    }
    assert_eq!(captured[send].field("otel.name"), Some("send Wallet"));
    let meta = &executed.events[0].meta;
    assert_eq!(meta.correlation_id.as_deref(), Some("R1"));
    assert_eq!(meta.causation_id.as_deref(), Some("event-7"));
    assert_eq!(meta.traceparent.as_deref(), span.field("traceparent"));
}

#[test]
fn without_a_context_ids_are_given_and_no_trace_is_made_up() {
    let bench = block_on(Bench::new());
    let (executed, captured) = capture(|| block_on(bench.put("W", "E1", "1")).unwrap());
    let meta = &executed.events[0].meta;
    let span = &captured[find(&captured, "process")];
    assert_eq!((meta.traceparent.as_deref(), span.field("traceparent")), (None, None));
    assert_eq!(meta.correlation_id, meta.causation_id);
    assert_eq!(meta.causation_id.as_deref(), span.field("messaging.message.id"));
    let other = block_on(bench.put("W", "E2", "1")).unwrap();
    assert_ne!(other.events[0].meta.causation_id, meta.causation_id);

    let id = CommandContext::new().command_id("C1");
    let executed = block_on(bench.wallets.execute_with("W", put("E3", "1"), id)).unwrap();
    let meta = &executed.events[0].meta;
    assert_eq!(meta.correlation_id.as_deref(), Some("C1"));
    assert_eq!(meta.causation_id.as_deref(), Some("C1"));
}
