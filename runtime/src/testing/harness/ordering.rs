//! Theme ordering: the times of a stream never go back, whatever the clocks do.

use std::cell::Cell;

use super::commands::nothing_shown;
use super::history::{Live, STREAMS, Step, for_any_history};
use super::path::path;
use super::world::{RepositoryOf, Sent, repository, send, stored};
use crate::aggregate::Refusal;
use crate::event::DomainEvent;
use crate::repository::CommandContext;
use crate::store::EventStore;
use crate::testing::clock::{JumpingClock, START, TestClock};
use crate::testing::failure::{Check, Failure, ensure};
use crate::testing::fold::Fold;
use crate::testing::property::by_seed;
use crate::testing::run;
use crate::testing::stores::StoreKind;
use crate::testing::subject::{EventOf, RefusalOf, Subject};
use crate::values::{Duration, Timestamp};

/// An hour in microseconds.
const HOUR: i64 = 3_600_000_000;

/// Whatever the clocks of the programs show that write a stream, its times do not go back, and no command
/// is refused for it.
///
/// # Errors
/// The events whose times do, or the command that is.
pub fn times_never_go_back<S: Subject, K: StoreKind>(kind: K) -> Check {
    let longest = Cell::new(0);
    for_any_history::<S>(K::CASES, 1..30, async |steps, live| {
        let outcome = skewed::<S, K>(kind, steps, live).await;
        longest.set(live.folds.iter().map(|fold| fold.sequence).fold(longest.get(), u64::max));
        outcome
    })?;
    match longest.get() {
        // Of none at all there was word already.
        0 | 2.. => Ok(()),
        1 => nothing_shown::<S>("no stream that was found has more than one event"),
    }
}

async fn skewed<S: Subject, K: StoreKind>(
    kind: K,
    steps: &[Step<S::Command>],
    live: &mut Live<S>,
) -> Check {
    let (_place, store) = kind.open_new().await?;
    let jumping = JumpingClock::new(vec![HOUR, -3 * HOUR, 0, 1, -1, 5 * HOUR, -HOUR]);
    let programs = [
        repository::<S, _>(store.clone(), jumping).await?,
        repository::<S, _>(store.clone(), TestClock::default()).await?,
    ];
    for (number, step) in steps.iter().enumerate() {
        let refused = live.go_blindly(&programs[number % 2], step).await?;
        for (command, before, sent) in refused {
            ensure!(
                sent.refusal() != Some(out_of_order::<S>()) || !by_clock::<S>(&command, &before),
                "{command:?} is refused because a clock went back: {}",
                sent.shown()
            );
        }
    }
    in_order::<S>(&store).await
}

async fn in_order<S: Subject>(store: &impl EventStore) -> Check {
    let events = stored::<S>(store).await?;
    for id in STREAMS {
        let mut last: Option<(Timestamp, String)> = None;
        for stored in events.iter().filter(|stored| stored.meta.stream_id.as_str() == id) {
            let time = time_of::<S>(stored);
            let shown = format!("{:?} at {time}, sequence {}", stored.event, stored.meta.sequence);
            if let Some((_, before)) = last.filter(|(before, _)| *before > time) {
                return Err(Failure::new("the times of a stream go back")
                    .with("from", before)
                    .with("to", shown));
            }
            last = Some((time, shown));
        }
    }
    Ok(())
}

fn time_of<S: Subject>(stored: &super::world::Stored<EventOf<S>>) -> Timestamp {
    stored.event.occurred_at().unwrap_or(stored.meta.at)
}

/// A time that the caller supplies is taken as it is; one before the stream's last event is refused as
/// out of order, and nothing is appended; the same time is fine.
///
/// # Errors
/// What happened instead.
pub fn an_earlier_time_is_out_of_order<S: Subject, K: StoreKind>(kind: K) -> Check {
    by_seed(|seed| {
        let path = path::<S>("A1", 4, seed);
        if path.commands.len() == 1 {
            return nothing_shown::<S>(
                "no second command is accepted in any stream that was found",
            );
        }
        let mut decided_by_clock = 0;
        path.told(run(async {
            let (_place, store) = kind.open_new().await?;
            let repository = repository::<S, _>(store, TestClock::default()).await?;
            for (command, fold) in path.commands.iter().zip(path.kept()) {
                if let Some(last) = fold.last_time.filter(|_| by_clock::<S>(command, fold)) {
                    decided_by_clock += 1;
                    earlier_is_refused::<S, _>(&repository, command, last).await?;
                }
                let context = CommandContext::new().at(fold.last_time.unwrap_or(START));
                let sent = send::<S, _>(&repository, "A1", command, context).await?;
                ensure!(
                    matches!(sent, Sent::Done(_)),
                    "the same time is refused: {}",
                    sent.shown()
                );
            }
            Ok(())
        }))?;
        if path.commands.is_empty() || decided_by_clock > 0 {
            return Ok(());
        }
        nothing_shown::<S>("no random command is accepted whose event's time is the clock's")
    })
}

async fn earlier_is_refused<S: Subject, E: EventStore>(
    repository: &RepositoryOf<S, E>,
    command: &S::Command,
    last: Timestamp,
) -> Check {
    let out_of_order = out_of_order::<S>();
    let head = repository.store().head().await?;
    let earlier = Timestamp::from_micros(last.as_micros() - 1);
    let context = CommandContext::new().at(earlier);
    let sent = send::<S, _>(repository, "A1", command, context).await?;
    if sent.refusal() != Some(out_of_order) {
        let what = format!("a time before the last event is not refused as {out_of_order}");
        return Err(Failure::new(what)
            .with("found", sent.shown())
            .with("command", format!("{command:?}, at {earlier}"))
            .with("last event", format!("at {last}")));
    }
    ensure!(repository.store().head().await? == head, "an event out of order was appended");
    Ok(())
}

fn out_of_order<S: Subject>() -> &'static str {
    RefusalOf::<S>::out_of_order(String::new()).name()
}

/// Whether the events of a command take their time from the clock, and not from its input.
fn by_clock<S: Subject>(command: &S::Command, fold: &Fold<S::Aggregate>) -> bool {
    use crate::testing::subject::AnyCommand;
    let time = |at: Timestamp| {
        let decision = command.decide(fold, at);
        decision
            .accepted()
            .and_then(|events| events.first())
            .map(|(event, meta)| event.occurred_at().unwrap_or(meta.at))
    };
    let last = fold.last_time.unwrap_or_default();
    let later = last.checked_add(Duration::from_micros(HOUR)).unwrap_or(last);
    time(later) == Some(later)
}
