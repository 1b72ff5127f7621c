//! Theme idempotency: what is sent twice happens once.

use super::commands::{Commands, nothing_shown};
use super::history::{Gone, Live, STREAMS, Step, for_any_history};
pub use super::keys::{Claims, Key};
use super::path::{after, path};
use super::world::{Execute, RepositoryOf, Sent, record, repository, send, stored, with_caller};
use crate::aggregate::{Aggregate, Refusal};
use crate::clock::Clock as _;
use crate::event::{DomainEvent, UniqueKey};
use crate::metadata::{Position, StreamId};
use crate::repository::{CommandContext, ExecuteError};
use crate::store::EventStore;
use crate::testing::clock::{START, TestClock};
use crate::testing::draw::{Draw, Range};
use crate::testing::failure::{Check, Context, Failure, ensure, equal};
use crate::testing::fold::{Decision, Fold};
use crate::testing::property::by_seed;
use crate::testing::run;
use crate::testing::stores::StoreKind;
use crate::testing::subject::{AnyCommand, EventOf, Subject};
use crate::values::Timestamp;

type SentOf<S> = Sent<<S as Subject>::Aggregate>;

/// A caller who sends a command twice is told the same twice.
fn same<A: Aggregate>(what: &str, second: &Sent<A>, first: &Sent<A>) -> Check {
    let same = match (second, first) {
        (Sent::Done(second), Sent::Done(first)) => {
            // Where nothing was to be done, the sequence is the stream's.
            second.events == first.events
                && (second.events.is_empty() || second.sequence == first.sequence)
        }
        (Sent::Refused(second), Sent::Refused(first)) => second == first,
        (Sent::Invalid(second), Sent::Invalid(first)) => second == first,
        (Sent::Failed(second), Sent::Failed(first)) => second == first,
        _ => false,
    };
    if same {
        return Ok(());
    }
    Err(Failure::new(format!("{what} has another outcome than the first"))
        .with("expected", first.shown())
        .with("found", second.shown()))
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
    for_any_history::<S>(K::CASES, 1..12, async |steps, live| {
        repeated::<S, K>(kind, steps, live).await
    })
}

async fn repeated<S: Subject, K: StoreKind>(
    kind: K,
    steps: &[Step<S::Command>],
    live: &mut Live<S>,
) -> Check {
    let (place, store) = kind.open_new().await?;
    let clock = TestClock::default();
    let first = repository::<S, _>(store, clock.clone()).await?;
    let mut outcomes = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let Gone { command, sent, .. } =
            live.go_with(&first, &clock, step, with_id(number)).await?;
        let id = STREAMS[step.stream];
        // What can't be decided has no outcome that is kept under its id.
        if matches!(sent, Sent::Done(_) | Sent::Refused(_)) {
            again::<S, _>(&first, id, &command, number, &sent).await?;
            outcomes.push((id, command, number, sent));
        }
        clock.advance(crate::values::Duration::from_micros(1_000_000));
    }
    all_again::<S, _>(&first, &outcomes).await?;
    drop(first);
    let restarted = repository::<S, _>(kind.open(&place).await?, clock).await?;
    all_again::<S, _>(&restarted, &outcomes).await.context("when", || "after a restart".to_owned())
}

async fn all_again<S: Subject, E: EventStore>(
    repository: &RepositoryOf<S, E>,
    outcomes: &[(&str, S::Command, usize, SentOf<S>)],
) -> Check {
    for (stream, command, number, sent) in outcomes {
        again::<S, E>(repository, stream, command, *number, sent).await?;
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
    by_seed(|seed| {
        let path = path::<S>("A1", 1, seed);
        let Some(first) = path.commands.first() else { return path.told(Ok(())) };
        let mut commands = Commands::<S>::new(seed);
        let others = (0..20).map(|_| commands.any());
        let others: Vec<_> = others
            .filter(|other| (other.name(), other.input()) != (first.name(), first.input()))
            .map(|other| ("A1", other))
            .chain([("B 2", first.clone())])
            .collect();
        path.told(run(async {
            let (_place, store) = kind.open_new().await?;
            let repository = repository::<S, _>(store, TestClock::default()).await?;
            send::<S, _>(&repository, "A1", first, with_id(1)).await?;
            let head = repository.store().head().await?;
            for (stream, other) in &others {
                reused::<S, _>(&repository, first, stream, other).await?;
                nothing_appended(&repository, head, "a command under a used id").await?;
            }
            Ok(())
        }))
    })
}

async fn reused<S: Subject, E: EventStore>(
    repository: &RepositoryOf<S, E>,
    first: &S::Command,
    stream: &str,
    command: &S::Command,
) -> Check {
    let execute =
        Execute { repository, stream: StreamId::from(stream), context: with_caller(with_id(1)) };
    let found = match command.visit(execute).await {
        Err(ExecuteError::CommandIdReused { .. }) => return Ok(()),
        // What can never be carried out has no outcome to be confused with.
        Err(ExecuteError::Invalid(_) | ExecuteError::Failed(_)) => return Ok(()),
        Ok(executed) => format!("accepted, with {:?}", executed.events),
        Err(error) => error.to_string(),
    };
    Err(Failure::new(format!("{command:?} to {stream} is accepted under the id of {first:?}"))
        .with("expected", "CommandIdReused")
        .with("found", found))
}

/// The same command under one id, sent by many at once, through repositories that know nothing of each
/// other, lands once; every sender is told the same.
///
/// # Errors
/// How often it landed, or who was told something else.
pub fn of_racing_commands<S: Subject, K: StoreKind>(kind: K) -> Check {
    by_seed(|seed| {
        let path = path::<S>("A1", 4, seed);
        path.told(run(async {
            let (_place, store) = kind.open_new().await?;
            for (number, command) in path.commands.iter().enumerate() {
                race::<S, _>(&store, command, number).await?;
            }
            let events = stored::<S>(&store).await?;
            equal("the number of events", &(events.len() as u64), &path.len())
        }))
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
    by_seed(|seed| {
        let path = path::<S>("A1", 3, seed);
        path.told(run(async {
            let (_place, store) = kind.open_new().await?;
            let target = repository::<S, _>(store, TestClock::default()).await?;
            for (number, events) in path.events.iter().enumerate() {
                let context = with_id(number);
                let first = record::<S, _>(&target, "A1", events.clone(), context).await?;
                let landed = matches!(&first, Sent::Done(it) if it.events.len() == events.len());
                ensure!(landed, "events that were decided are not recorded: {}", first.shown());
                let head = target.store().head().await?;
                let context = with_id(number);
                let second = record::<S, _>(&target, "A1", events.clone(), context).await?;
                same("a repeated event", &second, &first)?;
                nothing_appended(&target, head, "a repeated event").await?;
            }
            Ok(())
        }))
    })
}

/// A unique key that is taken: the same command again has its first outcome, another command with the
/// same key is refused by the name of the rule, and nothing is appended. A key without "(idempotency)"
/// is refused both times.
///
/// # Errors
/// What happened instead.
pub fn of_a_taken_key<S: Subject, K: StoreKind>(kind: K) -> Check {
    for_any_history::<S>(K::CASES, 4..25, async |steps, live| {
        taken::<S, K>(kind, steps, live).await
    })
}

async fn taken<S: Subject, K: StoreKind>(
    kind: K,
    steps: &[Step<S::Command>],
    live: &mut Live<S>,
) -> Check {
    let (place, store) = kind.open_new().await?;
    let clock = TestClock::default();
    let lived = repository::<S, _>(store, clock.clone()).await?;
    let mut sent = Vec::new();
    for step in steps {
        let gone = live.go(&lived, &clock, step).await?;
        let events = gone.events.iter().map(|recorded| &recorded.event);
        let claimed = claimed(events);
        let keys = shared(&claimed, &gone.command.unique_keys());
        let retry = shared(&claimed, &gone.command.retry_keys(&gone.before.stream_id));
        let is_told = !keys.is_empty() || !retry.is_empty();
        if is_told && matches!(gone.sent, Sent::Done(_)) {
            sent.push((gone.before, step.stream, gone.command, keys, !retry.is_empty(), gone.sent));
        }
    }
    drop(lived);
    let restarted = repository::<S, _>(kind.open(&place).await?, clock.clone()).await?;
    let mut commands = Commands::<S>::new(7);
    let now = clock.now();
    for (before, stream, command, keys, is_retry, first) in &sent {
        let id = STREAMS[*stream];
        let head = restarted.store().head().await?;
        if *is_retry {
            let second = send::<S, _>(&restarted, id, command, CommandContext::new()).await?;
            same("the same command with its key", &second, first)
                .context("command", || format!("{command:?}"))?;
            nothing_appended(&restarted, head, "a command with its key").await?;
            if keys.is_empty() {
                continue;
            }
        }
        // A key that has been released, or would be by this very command, refuses nothing.
        let (fold, next) = (&live.folds[*stream], (stream + 1) % STREAMS.len());
        let recognised = *is_retry || keys.iter().any(|key| key.idempotent);
        if (!recognised && is_free::<S>(fold, keys, command)) || keeps::<S>(fold, command, now) {
            continue;
        }
        let second = send::<S, _>(&restarted, id, command, CommandContext::new()).await?;
        let taken = taken_keys::<S>(fold, command);
        // By one such key the command is recognised before another is found to be taken, by itself.
        match (before_its_keys::<S>(fold, command, now), recognised) {
            (Some(decided), _) if !*is_retry => as_decided::<S>(&decided, &second),
            (_, true) => same("the same command with its key", &second, first),
            (_, false) => refused_by_key::<S>(&taken, &second),
        }
        .context("command", || format!("{command:?}"))?;
        let other = with_same_key::<S>(before, command, keys, &mut commands);
        let sent = |fold: &Fold<S::Aggregate>, keys: &[UniqueKey], command: &S::Command| {
            !is_free::<S>(fold, keys, command) && !keeps::<S>(fold, command, now)
        };
        if let Some(other) = other.filter(|other| sent(fold, keys, other)) {
            let outcome = send::<S, _>(&restarted, id, &other, CommandContext::new()).await?;
            meets_a_key::<S>(fold, &other, now, &outcome)
                .context("first", || format!("{command:?}"))
                .context("then", || format!("{other:?}"))?;
        }
        let wide: Vec<_> = keys.iter().filter(|key| key.across_all).cloned().collect();
        if !wide.is_empty() && sent(&live.folds[next], &wide, command) {
            let other = STREAMS[next];
            let outcome = send::<S, _>(&restarted, other, command, CommandContext::new()).await?;
            meets_a_key::<S>(&live.folds[next], command, now, &outcome)
                .context("first", || format!("{id}: {command:?}"))
                .context("then", || format!("the same to {other}"))?;
        }
        nothing_appended(&restarted, head, "a command with a taken key").await?;
    }
    Ok(())
}

/// What a command with taken keys comes to before they are looked up, where its steps put that first.
fn before_its_keys<S: Subject>(
    fold: &Fold<S::Aggregate>,
    command: &S::Command,
    now: Timestamp,
) -> Option<Decision<S::Aggregate>> {
    let decision = command.decide(fold, now);
    (!matches!(decision, Decision::Taken(_))).then_some(decision)
}

/// Whether such a command would append the events of a refusal that comes first.
fn keeps<S: Subject>(fold: &Fold<S::Aggregate>, command: &S::Command, now: Timestamp) -> bool {
    before_its_keys::<S>(fold, command, now).is_some_and(|decided| !decided.events().is_empty())
}

/// A command with a taken key is refused by it, or by what its steps put first.
fn meets_a_key<S: Subject>(
    fold: &Fold<S::Aggregate>,
    command: &S::Command,
    now: Timestamp,
    outcome: &SentOf<S>,
) -> Check {
    match before_its_keys::<S>(fold, command, now) {
        Some(decided) => as_decided::<S>(&decided, outcome),
        None => refused_by_key::<S>(&taken_keys::<S>(fold, command), outcome),
    }
}

/// What a command comes to before its keys are looked up, and appends nothing.
fn as_decided<S: Subject>(decided: &Decision<S::Aggregate>, outcome: &SentOf<S>) -> Check {
    let same = match (decided, outcome) {
        (Decision::Events(_), Sent::Done(found)) => found.events.is_empty() && !found.duplicate,
        (Decision::Refused(refusal, _), Sent::Refused(found)) => refusal.name() == found.name(),
        (Decision::Invalid(decided), Sent::Invalid(found)) => decided == found,
        (Decision::Failed(decided), Sent::Failed(found)) => decided == found,
        _ => false,
    };
    if same {
        return Ok(());
    }
    Err(Failure::new("what comes before the keys of a command does not end it")
        .with("expected", format!("{decided:?}"))
        .with("found", outcome.shown()))
}

/// Whether a command's keys have been released since, or would be by the command itself.
fn is_free<S: Subject>(
    fold: &Fold<S::Aggregate>,
    keys: &[UniqueKey],
    command: &S::Command,
) -> bool {
    keys.iter().any(|key| !fold.keys.contains(key)) || would_land::<S>(fold, command)
}

/// Whether a command is accepted in a stream, with whatever keys.
fn would_land<S: Subject>(fold: &Fold<S::Aggregate>, command: &S::Command) -> bool {
    command.decide(fold, fold.last_time.unwrap_or(START)).accepted().is_some()
}

/// The keys that events claim. A command names those of all events that it may lead to, whether or not
/// they happen: see [`AnyCommand::unique_keys`].
fn claimed<'e, E: DomainEvent>(events: impl IntoIterator<Item = &'e E>) -> Vec<UniqueKey> {
    let mut keys = Vec::new();
    events.into_iter().for_each(|event| event.unique_keys(&mut |key| keys.push(key)));
    keys
}

/// The keys of a command that are taken in a stream, by whichever command.
fn taken_keys<S: Subject>(fold: &Fold<S::Aggregate>, command: &S::Command) -> Vec<UniqueKey> {
    command.unique_keys().into_iter().filter(|key| fold.keys.contains(key)).collect()
}

fn shared(some: &[UniqueKey], others: &[UniqueKey]) -> Vec<UniqueKey> {
    some.iter().filter(|key| others.contains(key)).cloned().collect()
}

/// Every event claims the values of the fields that must be unique, and no others.
///
/// # Errors
/// The event that claims something else.
pub fn events_claim_their_keys<S: Subject>(
    draw: impl Fn(&str, &mut Draw) -> Option<EventOf<S>>,
    claims: &[Claims],
) -> Check {
    by_seed(|seed| {
        let mut chance = fastrand::Rng::with_seed(seed);
        for claims in claims {
            for _ in 0..32 {
                let numbers = (0..64).map(|_| chance.u64(..)).collect();
                let event = draw(claims.event, &mut Draw::new(numbers, Range::Likely));
                let event = event
                    .ok_or_else(|| Failure::new(format!("there is no event {}", claims.event)))?;
                claims.are_those_of(&event)?;
            }
        }
        Ok(())
    })
}

/// Two commands with one key, other in content, are sent at once: one lands and the other one is refused
/// by the name of the rule, whoever is first.
///
/// # Errors
/// What happened instead.
pub fn of_racing_keys<S: Subject, K: StoreKind>(kind: K) -> Check {
    by_seed(|seed| {
        let mut raced = 0;
        for round in 0..4 {
            let path = path::<S>("A1", round, seed.wrapping_add(round));
            let Some(pair) = pair_with_one_key::<S>(path.end(), seed) else { continue };
            raced += 1;
            let both = || format!("\n{:?}\n{:?}", pair.0, pair.1);
            let outcome = run(async {
                let (_place, store) = kind.open_new().await?;
                let first = repository::<S, _>(store.clone(), TestClock::default()).await?;
                for command in &path.commands {
                    send::<S, _>(&first, "A1", command, CommandContext::new()).await?;
                }
                race_of_keys::<S, _>(&store, path.end(), [&pair.0, &pair.1]).await
            });
            outcome.context("sent at once", both)?;
        }
        if raced > 0 {
            return Ok(());
        }
        nothing_shown::<S>("no two commands are accepted that differ and have one key")
    })
}

/// Two commands that differ and have one key, which the events of each would claim; each would be accepted.
fn pair_with_one_key<S: Subject>(
    fold: &Fold<S::Aggregate>,
    seed: u64,
) -> Option<(S::Command, S::Command)> {
    let mut commands = Commands::<S>::new(seed);
    let mut found: Vec<(S::Command, Vec<UniqueKey>)> = Vec::new();
    for _ in 0..1_000 {
        let command = commands.meeting(&fold.state);
        let Some((_, events)) = after(fold, &command) else { continue };
        let keys = shared(&claimed(&events), &command.unique_keys());
        let other = found.iter().find(|(other, others)| {
            (other.name(), other.input()) != (command.name(), command.input())
                && !shared(others, &keys).is_empty()
                // One may free what the other took.
                && !both_land::<S>(fold, other, &command)
                && !both_land::<S>(fold, &command, other)
        });
        if let Some((other, _)) = other {
            return Some((other.clone(), command));
        }
        if !keys.is_empty() {
            found.push((command, keys));
        }
    }
    None
}

fn both_land<S: Subject>(
    fold: &Fold<S::Aggregate>,
    first: &S::Command,
    second: &S::Command,
) -> bool {
    let after_first = after(fold, first);
    after_first.is_some_and(|(after_first, _)| would_land::<S>(&after_first, second))
}

async fn race_of_keys<S: Subject, E: EventStore>(
    store: &E,
    before: &Fold<S::Aggregate>,
    pair: [&S::Command; 2],
) -> Check {
    let [one, other] = pair.map(|command| {
        let events = after(before, command).map(|it| it.1).unwrap_or_default();
        [command.unique_keys(), claimed(&events)].concat()
    });
    let keys = shared(&one, &other);
    let first = [(pair[0], pair[1]), (pair[1], pair[0])].map(|(first, then)| {
        let (fold, _) = after(before, first)?;
        let now = fold.last_time.unwrap_or(START);
        before_its_keys::<S>(&fold, then, now)?.refusal()
    });
    let mut tasks = Vec::new();
    for command in pair {
        let repository = repository::<S, E>(store.clone(), TestClock::default()).await?;
        let command = command.clone();
        tasks.push(tokio::spawn(async move {
            send::<S, E>(&repository, "A1", &command, CommandContext::new()).await
        }));
    }
    let mut landed = 0;
    for task in tasks {
        match task.await.map_err(|error| Failure::new(format!("a sender: {error}")))?? {
            Sent::Done(executed) if !executed.duplicate => landed += 1,
            other if first.contains(&other.refusal()) && other.refusal().is_some() => {}
            other => refused_by_key::<S>(&keys, &other)?,
        }
    }
    equal("the number of commands that landed", &landed, &1)
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
    commands: &mut Commands<S>,
) -> Option<S::Command> {
    let differs = |other: &S::Command| {
        (other.name(), other.input()) != (command.name(), command.input())
            || after(before, other).map(|it| it.1) != after(before, command).map(|it| it.1)
    };
    (0..400).map(|_| commands.any()).find(|other| {
        other.unique_keys().iter().any(|key| keys.contains(key))
            && differs(other)
            && !is_invalid::<S>(other)
    })
}

fn is_invalid<S: Subject>(command: &S::Command) -> bool {
    matches!(command.decide(&Fold::new("A1"), START), Decision::Invalid(_))
}
