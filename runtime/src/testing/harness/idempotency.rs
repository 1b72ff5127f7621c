//! Theme idempotency: what is sent twice happens once.

use super::history::{Live, STREAMS, Step, any_command, path, step};
use super::world::{Execute, RepositoryOf, Sent, record, repository, send, stored};
use crate::aggregate::{Aggregate, Refusal};
use crate::clock::Clock;
use crate::event::UniqueKey;
use crate::metadata::{Position, StreamId};
use crate::repository::{CommandContext, ExecuteError};
use crate::store::EventStore;
use crate::testing::clock::TestClock;
use crate::testing::failure::{Check, Context, Failure, ensure, equal};
use crate::testing::fold::{Decision, Fold};
use crate::testing::property::for_any_list;
use crate::testing::run;
use crate::testing::stores::StoreKind;
use crate::testing::subject::{AnyCommand, EventOf, Subject};
use crate::values::Timestamp;

type SentOf<S> = Sent<<S as Subject>::Aggregate>;

/// A caller who sends a command twice is told the same twice.
fn same<A: Aggregate>(what: &str, second: &Sent<A>, first: &Sent<A>) -> Check {
    let same = match (second, first) {
        (Sent::Done(second), Sent::Done(first)) => {
            second.events == first.events && second.sequence == first.sequence
        }
        (Sent::Refused(second), Sent::Refused(first)) => second == first,
        (Sent::Invalid(second), Sent::Invalid(first)) => second == first,
        (Sent::Failed(second), Sent::Failed(first)) => second == first,
        _ => false,
    };
    if same {
        return Ok(());
    }
    Err(Failure::new(format!("{what} has another outcome"))
        .with("first", first.shown())
        .with("then", second.shown()))
}

fn with_id(number: usize) -> CommandContext {
    CommandContext::new().command_id(format!("command-{number}"))
}

/// A command that is sent again under its id has its first outcome again, refusals included, and
/// nothing is appended: at once, after everything that followed, and after a restart.
///
/// # Errors
/// The second outcome, where it is another one.
pub fn of_a_repeated_command<S: Subject, K: StoreKind>(kind: K) -> Check {
    for_any_list(K::CASES, 1..12, step::<S>, |steps| run(repeated::<S, K>(kind, steps)))
}

async fn repeated<S: Subject, K: StoreKind>(kind: K, steps: Vec<Step<S::Command>>) -> Check {
    let (place, store) = kind.open_new().await?;
    let clock = TestClock::default();
    let first = repository::<S, _>(store, clock.clone()).await?;
    let mut live = Live::<S>::new();
    let mut outcomes = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let (command, _) = live.choose(step, clock.now());
        let id = STREAMS[step.stream];
        let sent = send::<S, _>(&first, id, command, with_id(number)).await?;
        live.note(step.stream, &sent)?;
        again::<S, _>(&first, id, command, number, &sent).await?;
        outcomes.push((id, command.clone(), sent));
        clock.advance(crate::values::Duration::from_micros(1_000_000));
    }
    all_again::<S, _>(&first, &outcomes).await?;
    drop(first);
    let restarted = repository::<S, _>(kind.open(&place).await?, clock).await?;
    all_again::<S, _>(&restarted, &outcomes).await.context("when", || "after a restart".to_owned())
}

async fn all_again<S: Subject, E: EventStore>(
    repository: &RepositoryOf<S, E>,
    outcomes: &[(&str, S::Command, SentOf<S>)],
) -> Check {
    for (number, (stream, command, sent)) in outcomes.iter().enumerate() {
        again::<S, E>(repository, stream, command, number, sent).await?;
    }
    Ok(())
}

async fn again<S: Subject, E: EventStore>(
    repository: &RepositoryOf<S, E>,
    stream: &str,
    command: &S::Command,
    number: usize,
    first: &SentOf<S>,
) -> Check {
    let head = repository.store().head().await?;
    let second = send::<S, E>(repository, stream, command, with_id(number)).await?;
    same("a repeated command", &second, first).context("command", || format!("{command:?}"))?;
    if let Sent::Done(executed) = &second {
        ensure!(executed.duplicate, "a repeated command is reported as a new one: {command:?}");
    }
    nothing_appended(repository, head, "a repeated command").await
}

async fn nothing_appended<A: Aggregate, E: EventStore>(
    repository: &crate::Repository<A, E>,
    head: Position,
    what: &str,
) -> Check {
    let now = repository.store().head().await?;
    ensure!(now == head, "{what} appended something: the head was {head} and is {now}");
    Ok(())
}

/// A command id that is used again for another command, or the same command to another stream, is
/// refused, and nothing is appended.
///
/// # Errors
/// What is accepted instead.
pub fn of_a_reused_command_id<S: Subject, K: StoreKind>(kind: K) -> Check {
    run(async {
        let (_place, store) = kind.open_new().await?;
        let repository = repository::<S, _>(store, TestClock::default()).await?;
        let mut chance = fastrand::Rng::with_seed(7);
        let first = any_command::<S>(&mut chance);
        send::<S, _>(&repository, "A1", &first, with_id(1)).await?;
        let head = repository.store().head().await?;
        let others = (0..20).map(|_| any_command::<S>(&mut chance));
        let others: Vec<_> = others
            .filter(|other| (other.name(), other.input()) != (first.name(), first.input()))
            .map(|other| ("A1", other))
            .chain([("B 2", first.clone())])
            .collect();
        for (stream, other) in others {
            let stream = StreamId::from(stream);
            let context = with_id(1);
            let outcome = other.visit(Execute { repository: &repository, stream, context }).await;
            let refused = matches!(outcome, Err(ExecuteError::CommandIdReused { .. }))
                || matches!(outcome, Err(ExecuteError::Invalid(_) | ExecuteError::Failed(_)));
            let outcome = outcome.map(|executed| executed.events);
            ensure!(refused, "{other:?} is accepted under the id of {first:?}: {outcome:?}");
            nothing_appended(&repository, head, "a command under a used id").await?;
        }
        Ok(())
    })
}

/// The same command under one id, sent by many at once, through repositories that know nothing of each
/// other, lands once; every sender is told the same.
///
/// # Errors
/// How often it landed, or who was told something else.
pub fn of_racing_commands<S: Subject, K: StoreKind>(kind: K) -> Check {
    let path = path::<S>("A1", 4, fastrand::u64(..));
    run(async {
        let (_place, store) = kind.open_new().await?;
        for (number, command) in path.commands.iter().enumerate() {
            race::<S, _>(&store, command, number).await?;
        }
        let last = path.folds[path.folds.len() - 1].sequence;
        let events = stored::<S>(&store).await?;
        equal("the number of events", &(events.len() as u64), &last)
    })
}

async fn race<S: Subject, E: EventStore>(store: &E, command: &S::Command, number: usize) -> Check {
    let mut tasks = Vec::new();
    for _ in 0..6 {
        let repository = repository::<S, E>(store.clone(), TestClock::default()).await?;
        let command = command.clone();
        tasks.push(tokio::spawn(async move {
            send::<S, E>(&repository, "A1", &command, with_id(number)).await
        }));
    }
    let mut outcomes = Vec::new();
    for task in tasks {
        let outcome = task.await.map_err(|error| Failure::new(format!("a sender: {error}")))?;
        outcomes.push(outcome?);
    }
    let new = outcomes.iter().filter(|sent| matches!(sent, Sent::Done(it) if !it.duplicate));
    equal("the number of senders whose command was new", &new.count(), &1)
        .context("command", || format!("{command:?}"))?;
    for outcome in &outcomes {
        same("a racing sender's command", outcome, &outcomes[0])?;
    }
    Ok(())
}

/// Events that are recorded twice under one id are there once.
///
/// # Errors
/// What was appended the second time.
pub fn of_a_repeated_event<S: Subject, K: StoreKind>(kind: K) -> Check {
    let path = path::<S>("A1", 3, fastrand::u64(..));
    run(async {
        let (_place, store) = kind.open_new().await?;
        let source = repository::<S, _>(store.clone(), TestClock::default()).await?;
        for command in &path.commands {
            send::<S, _>(&source, "A1", command, CommandContext::new()).await?;
        }
        let (_place, target) = kind.open_new().await?;
        let target = repository::<S, _>(target, TestClock::default()).await?;
        for (number, event) in stored::<S>(&store).await?.into_iter().enumerate() {
            let event = event.event;
            let first = record::<S, _>(&target, "A1", [event.clone()], with_id(number)).await?;
            let head = target.store().head().await?;
            let second = record::<S, _>(&target, "A1", [event], with_id(number)).await?;
            same("a repeated event", &second, &first)?;
            nothing_appended(&target, head, "a repeated event").await?;
        }
        Ok(())
    })
}

/// A unique key that is taken: the same command again has its first outcome, another command with the
/// same key is refused by the name of the rule, and nothing is appended. A key without "(idempotency)"
/// is refused both times.
///
/// # Errors
/// What happened instead.
pub fn of_a_taken_key<S: Subject, K: StoreKind>(kind: K) -> Check {
    for_any_list(K::CASES, 4..25, step::<S>, |steps| run(taken::<S, K>(kind, steps)))
}

async fn taken<S: Subject, K: StoreKind>(kind: K, steps: Vec<Step<S::Command>>) -> Check {
    let (place, store) = kind.open_new().await?;
    let clock = TestClock::default();
    let lived = repository::<S, _>(store, clock.clone()).await?;
    let mut live = Live::<S>::new();
    let mut sent = Vec::new();
    for step in &steps {
        let before = live.folds[step.stream].clone();
        let (command, outcome) = live.go(&lived, &clock, step).await?;
        let keys = command.unique_keys();
        if !keys.is_empty() && matches!(&outcome, Sent::Done(it) if !it.events.is_empty()) {
            sent.push((before, step.stream, command, keys, outcome));
        }
    }
    drop(lived);
    let restarted = repository::<S, _>(kind.open(&place).await?, clock).await?;
    let mut chance = fastrand::Rng::with_seed(7);
    for (before, stream, command, keys, first) in &sent {
        let id = STREAMS[*stream];
        let head = restarted.store().head().await?;
        let second = send::<S, _>(&restarted, id, command, CommandContext::new()).await?;
        same_key_same_command::<S>(keys, first, &second)
            .context("command", || format!("{command:?}"))?;
        if let Some(other) = with_same_key::<S>(before, command, keys, &mut chance) {
            let outcome = send::<S, _>(&restarted, id, &other, CommandContext::new()).await?;
            refused_by_key::<S>(keys, &outcome)
                .context("first", || format!("{command:?}"))
                .context("then", || format!("{other:?}"))?;
        }
        nothing_appended(&restarted, head, "a command with a taken key").await?;
    }
    Ok(())
}

fn same_key_same_command<S: Subject>(
    keys: &[UniqueKey],
    first: &SentOf<S>,
    second: &SentOf<S>,
) -> Check {
    if !keys.iter().all(|key| key.idempotent) {
        return refused_by_key::<S>(keys, second);
    }
    same("the same command with its key", second, first)
}

fn refused_by_key<S: Subject>(keys: &[UniqueKey], outcome: &SentOf<S>) -> Check {
    type Error<S> = <<S as Subject>::Aggregate as Aggregate>::Error;
    let names = keys.iter().map(|key| Error::<S>::duplicate_key(key.field, String::new()).name());
    let names: Vec<_> = names.collect();
    let refused = outcome.refusal().is_some_and(|name| names.contains(&name));
    if refused {
        return Ok(());
    }
    Err(Failure::new("a command with a taken key is not refused")
        .with("expected", format!("{names:?}"))
        .with("found", outcome.shown()))
}

/// Another command with one of the keys, if drawing finds one: another by its content, or by what it
/// would have done, whatever its content says.
fn with_same_key<S: Subject>(
    before: &Fold<S::Aggregate>,
    command: &S::Command,
    keys: &[UniqueKey],
    chance: &mut fastrand::Rng,
) -> Option<S::Command> {
    let differs = |other: &S::Command| {
        (other.name(), other.input()) != (command.name(), command.input())
            || done::<S>(before, other) != done::<S>(before, command)
    };
    (0..400).map(|_| any_command::<S>(chance)).find(|other| {
        other.unique_keys().iter().any(|key| keys.contains(key))
            && differs(other)
            && !is_invalid::<S>(other)
    })
}

/// The events that a command would have led to.
fn done<S: Subject>(before: &Fold<S::Aggregate>, command: &S::Command) -> Option<Vec<EventOf<S>>> {
    let decision = command.decide(before, before.last_time.unwrap_or_default());
    let events = decision.accepted()?;
    Some(events.iter().map(|(event, _)| event.clone()).collect())
}

fn is_invalid<S: Subject>(command: &S::Command) -> bool {
    let fold = Fold::new("A1");
    matches!(command.decide(&fold, Timestamp::default()), Decision::Invalid(_))
}
