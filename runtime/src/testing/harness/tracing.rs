//! Theme tracing: correlation, causation and trace context run from the command to its events and on to
//! the projections, in what is stored and in the spans.

use super::commands::nothing_shown;
use super::path::{Path, path_by};
use super::projection::{Beyond, Model, recorded};
use super::world::{Sent, repository, send, send_saying, stored};
use crate::event::DomainEvent;
use crate::metadata::Metadata;
use crate::projection::{Projection, Projector};
use crate::repository::{CommandContext, Executed};
use crate::testing::clock::TestClock;
use crate::testing::failure::{Check, Context, Failure, ensure, equal};
use crate::testing::fold::caller;
use crate::testing::property::by_seed;
use crate::testing::run;
use crate::testing::spans::{Captured, capture_async, is_within};
use crate::testing::stores::{StoreKind, WithReads};
use crate::testing::subject::{AnyCommand, EventOf, Subject};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn context(number: usize) -> CommandContext {
    CommandContext::new()
        .command_id(format!("command-{number}"))
        .correlation_id(format!("correlation-{number}"))
        .causation_id(format!("causation-{number}"))
        .traceparent(TRACEPARENT)
        .actor(format!("actor-{number}"))
}

/// Of a command, who sends it.
fn by_somebody() -> CommandContext {
    CommandContext { actor: caller().actor, ..CommandContext::new() }
}

/// What is recorded of such a command where it has an id.
fn unsaid(number: usize) -> CommandContext {
    let id = format!("command-{number}");
    by_somebody().correlation_id(id.clone()).causation_id(id)
}

/// A command's span carries what its caller said, the span of its append lies within, and its events are
/// stored with the same; where the caller says nothing, command and events still belong together.
///
/// # Errors
/// What is missing in the span or the metadata.
pub fn runs_from_command_to_event<S: Subject, K: StoreKind>(kind: K) -> Check {
    by_seed(|seed| {
        let path = path_by::<S>("A1", 3, seed, context);
        path.told(run(traced::<S, K>(kind, &path)))?;
        let path = path_by::<S>("A1", 3, seed, unsaid);
        path.told(by_default::<S, K>(kind, &path))
    })
}

async fn traced<S: Subject, K: StoreKind>(kind: K, path: &Path<S>) -> Check {
    let (_place, store) = kind.open_new().await?;
    let repository = repository::<S, _>(store, TestClock::default()).await?;
    for (number, command) in path.commands.iter().enumerate() {
        let work = send::<S, _>(&repository, "A1", command, context(number));
        let (sent, captured) = capture_async(work).await;
        let sent = sent?;
        let executed = carried_out::<S>(&sent, command)?;
        spanned(&captured, command.name(), number)
            .context("captured", || shown(&captured))
            .context("command", || format!("{command:?}"))?;
        for recorded in &executed.events {
            carries(&recorded.meta, number).context("event", || format!("{recorded:?}"))?;
        }
    }
    for event in stored::<S>(repository.store()).await? {
        let number = path.command_of(event.meta.sequence);
        let number = number.ok_or_else(|| Failure::new("an event is stored of no command"))?;
        carries(&event.meta, number).context("stored event", || format!("{event:?}"))?;
    }
    Ok(())
}

/// What a command of a path came to: no projection is there that could refuse it.
fn carried_out<'s, S: Subject>(
    sent: &'s Sent<S::Aggregate>,
    command: &S::Command,
) -> Check<&'s Executed<S::Aggregate>> {
    match sent {
        Sent::Done(executed) => Ok(executed),
        _ => Err(Failure::new("a command that the fold accepts is not carried out")
            .with("command", format!("{command:?}"))
            .with("found", sent.shown())),
    }
}

fn carries(meta: &Metadata, number: usize) -> Check {
    let expected = context(number);
    equal("the correlation id of an event", &meta.correlation_id, &expected.correlation_id)?;
    equal("the causation id of an event", &meta.causation_id, &expected.causation_id)?;
    equal("the trace context of an event", &meta.traceparent, &expected.traceparent)?;
    equal("the actor of an event", &meta.actor, &expected.actor)
}

fn spanned(captured: &[Captured], command: &str, number: usize) -> Check {
    let expected = context(number);
    let is_command = |span: &&Captured| span.field("eventloom.command") == Some(command);
    let Some(outer) = captured.iter().position(|span| is_command(&span)) else {
        return Err(Failure::new(format!("there is no span with eventloom.command = {command}")));
    };
    let span = &captured[outer];
    for (field, value) in [
        ("correlation_id", &expected.correlation_id),
        ("causation_id", &expected.causation_id),
        ("traceparent", &expected.traceparent),
    ] {
        equal(&format!("the field {field} of the span"), &span.field(field), &value.as_deref())?;
    }
    let correlation = expected.correlation_id.as_deref();
    let append = captured.iter().enumerate().find(|(index, span)| {
        span.field("messaging.operation.type") == Some("send")
            && span.field("messaging.message.conversation_id") == correlation
            && is_within(captured, *index, outer)
    });
    ensure!(append.is_some(), "there is no span of the append within the span of the command");
    Ok(())
}

fn shown(captured: &[Captured]) -> String {
    captured.iter().map(|span| format!("\n{} {:?}", span.name, span.fields)).collect()
}

/// Without a word from the caller, the command's id is correlation and cause of its events.
fn by_default<S: Subject, K: StoreKind>(kind: K, path: &Path<S>) -> Check {
    run(async {
        let (_place, store) = kind.open_new().await?;
        let repository = repository::<S, _>(store, TestClock::default()).await?;
        for (number, command) in path.commands.iter().enumerate() {
            let context = match number % 2 {
                1 => by_somebody(),
                _ => by_somebody().command_id(format!("command-{number}")),
            };
            let command_id = context.command_id.clone();
            let before = repository.load("A1").await?.sequence;
            let sent = send_saying::<S, _>(&repository, "A1", command, context).await?;
            if number > 0 && sent.refusal().is_some() {
                // Decided by an id that the repository made up, which no fold can know.
                break;
            }
            carried_out::<S>(&sent, command)?;
            let events = stored::<S>(repository.store()).await?;
            for event in events.iter().filter(|event| event.meta.sequence > before) {
                let meta = &event.meta;
                ensure!(meta.correlation_id.is_some(), "an event has no correlation id: {event:?}");
                ensure!(
                    meta.causation_id == meta.correlation_id
                        && (command_id.is_none() || meta.causation_id == command_id),
                    "an event is not caused by its command {command_id:?}: {event:?}"
                );
            }
        }
        Ok(())
    })
}

/// The span in which a projection folds an event carries what the event was stored with.
///
/// # Errors
/// The event without such a span.
pub fn runs_on_to_the_projection<S, P, K>(kind: K) -> Check
where
    S: Subject,
    P: Projection<Event = EventOf<S>>,
    K: WithReads,
{
    by_seed(|seed| {
        let Some(path) = path_to::<S, P>(seed) else {
            let what = format!("no random command leads to an event of {}", P::NAME);
            return nothing_shown::<S>(&what);
        };
        path.told(run(async {
            let place = kind.new_place();
            let (store, reads) = kind.open_with_reads(&place).await?;
            let repository = repository::<S, _>(store.clone(), TestClock::default()).await?;
            let mut events = Vec::new();
            for (number, command) in path.commands.iter().enumerate() {
                let sent = send::<S, _>(&repository, "A1", command, context(number)).await?;
                let executed = carried_out::<S>(&sent, command)?;
                events.extend(executed.events.iter().cloned());
            }
            if let Err(Beyond(why)) = Model::<P>::default().take::<S>(recorded(&events))? {
                let what = format!("an amount is beyond what the columns can hold: {why}");
                return nothing_shown::<S>(&what);
            }
            let projector = Projector::<P, _, _>::open(store.clone(), reads).await?;
            let (caught_up, captured) = capture_async(projector.catch_up()).await;
            caught_up?;
            // As the command reported them: the store is what might lose something on the way.
            for event in events {
                if is_folded::<P>(&event.event, &event.meta) {
                    projected::<P>(&captured, &event.meta)
                        .context("captured", || shown(&captured))
                        .context("event", || format!("{:?}", event.event))?;
                }
            }
            Ok(())
        }))
    })
    .context("projection", || P::NAME.to_owned())
}

/// Commands of which at least one leads to an event that the projection folds.
fn path_to<S, P>(seed: u64) -> Option<Path<S>>
where
    S: Subject,
    P: Projection<Event = EventOf<S>>,
{
    let is_source = |event: &EventOf<S>| P::SOURCES.contains(&event.event_type());
    let mut paths = (0..20).map(|round| path_by::<S>("A1", 6, seed.wrapping_add(round), context));
    paths.find(|path| path.events.iter().flatten().any(is_source))
}

/// Whether the projection has a row for an event: one that its `when` leaves out is folded nowhere.
fn is_folded<P: Projection>(event: &P::Event, meta: &Metadata) -> bool {
    P::SOURCES.contains(&event.event_type())
        && (P::SEVERAL_ROWS || !matches!(P::key(event, meta), Ok(None)))
}

fn projected<P: Projection>(captured: &[Captured], meta: &Metadata) -> Check {
    let id = meta.event_id.to_string();
    let span = captured.iter().find(|span| {
        span.field("messaging.message.id") == Some(&*id)
            && span.field("messaging.consumer.group.name") == Some(P::NAME)
    });
    let span = span.ok_or_else(|| Failure::new("there is no span in which the event is folded"))?;
    for (field, value) in [
        ("correlation_id", &meta.correlation_id),
        ("causation_id", &meta.causation_id),
        ("traceparent", &meta.traceparent),
    ] {
        equal(&format!("the field {field} of the span"), &span.field(field), &value.as_deref())?;
    }
    Ok(())
}
