//! Theme concurrency: many at once on one stream, and on many streams, and nothing is lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::commands::{Commands, nothing_shown};
use super::history::{STREAMS, appended};
use super::path::{after, goes_on, path};
use super::replay::fold_stored;
use super::world::{RepositoryOf, Sent, Stored, loaded, repository, send, stored, uncached};
use crate::aggregate::Aggregate;
use crate::event::DomainEvent;
use crate::metadata::Sequence;
use crate::repository::{CommandContext, Recorded};
use crate::store::EventStore;
use crate::testing::clock::TestClock;
use crate::testing::failure::{Check, Context, Failure, equal};
use crate::testing::fold::{Decision, Fold};
use crate::testing::property::by_seed;
use crate::testing::run;
use crate::testing::stores::StoreKind;
use crate::testing::subject::{AnyCommand, EventOf, Subject};

const WRITERS: usize = 4;
/// How many commands of a writer are to be carried out.
const WINS: usize = 8;
/// How many commands a writer tries at most.
const TRIES: usize = 60;
/// Of how many commands a writer takes the first that would be accepted.
const CANDIDATES: usize = 16;

/// What one writer sent: by the trace context, each command and what it came to.
type Log<S> = BTreeMap<Arc<str>, (<S as Subject>::Command, Sent<<S as Subject>::Aggregate>)>;

/// Writers that know nothing of each other write one stream: every command is decided on the state that
/// it changes, each sequence has one winner, there is no gap and nothing is lost.
///
/// # Errors
/// The sequence that has several winners or none.
pub fn one_stream_has_one_winner_per_sequence<S: Subject, K: StoreKind>(kind: K) -> Check {
    by_seed(|seed| {
        // More than once: a command such as the closing of an account may end a race early.
        let mut most = 0;
        for race in 0..3 {
            most = one_race::<S, K>(kind, seed.wrapping_add(race))?.max(most);
        }
        if most < 2 {
            return nothing_shown::<S>("fewer than two writers had a command that is accepted");
        }
        Ok(())
    })
}

/// How many writers had a command that was accepted.
fn one_race<S: Subject, K: StoreKind>(kind: K, seed: u64) -> Check<usize> {
    let start = path::<S>("A1", 2, seed);
    run(async {
        let (_place, store) = kind.open_new().await?;
        let first = repository::<S, _>(store.clone(), TestClock::default()).await?;
        for command in &start.commands {
            send::<S, _>(&first, "A1", command, CommandContext::new()).await?;
        }
        let logs = write_all::<S, _>(&store, seed, |_| "A1").await?;
        one_winner_each::<S, _>(&store, start.len(), &logs).await?;
        all_landed::<S, _>(&store, &logs).await?;
        Ok(logs.iter().filter(|log| log.values().any(|(_, sent)| is_new(sent))).count())
    })
}

/// Writers of different streams do not hinder each other: everything lands, in order.
///
/// # Errors
/// What is missing.
pub fn many_streams_all_land<S: Subject, K: StoreKind>(kind: K) -> Check {
    by_seed(|seed| {
        let landed = run(async {
            let (_place, store) = kind.open_new().await?;
            let stream = |writer| STREAMS[writer % STREAMS.len()];
            let logs = write_all::<S, _>(&store, seed, stream).await?;
            let all = stored::<S>(&store).await?;
            equal("the number of stored events", &all.len(), &claimed::<S>(&all, &logs).len())?;
            all_landed::<S, _>(&store, &logs).await?;
            Ok(!all.is_empty())
        })?;
        if landed {
            return Ok(());
        }
        nothing_shown::<S>("none of the writers had a command that is accepted")
    })
}

/// The sequences of the events that writers were told of, and of those that their refusals keep.
fn claimed<S: Subject>(all: &[Stored<EventOf<S>>], logs: &[Log<S>]) -> Vec<Sequence> {
    let mut sequences = Vec::new();
    for (id, (_, sent)) in logs.iter().flatten() {
        match sent {
            Sent::Done(executed) if executed.duplicate => {}
            Sent::Done(executed) => {
                sequences.extend(executed.events.iter().map(|recorded| recorded.meta.sequence));
            }
            _ => {
                let kept = all.iter().filter(|it| it.meta.traceparent.as_ref() == Some(id));
                sequences.extend(kept.map(|stored| stored.meta.sequence));
            }
        }
    }
    sequences.sort_unstable();
    sequences
}

async fn one_winner_each<S: Subject, E: EventStore>(
    store: &E,
    before: Sequence,
    logs: &[Log<S>],
) -> Check {
    let sequences = claimed::<S>(&stored::<S>(store).await?, logs);
    let expected: Vec<_> = (before + 1..=before + sequences.len() as u64).collect();
    equal("the sequences that the writers won", &sequences, &expected)
}

fn is_new<A: Aggregate>(sent: &Sent<A>) -> bool {
    matches!(sent, Sent::Done(executed) if !executed.duplicate && !executed.events.is_empty())
}

async fn write_all<S: Subject, E: EventStore>(
    store: &E,
    seed: u64,
    stream: impl Fn(usize) -> &'static str,
) -> Check<Vec<Log<S>>> {
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        let mut writer = Writer::<S, _>::open(store.clone(), stream(number), number, seed).await?;
        // In turns first: then all but the last know a stream that has moved on, however fast they are.
        writer.write(1).await?;
        writers.push(writer);
    }
    let all_at_once = writers.into_iter().map(|mut writer| {
        tokio::spawn(async move {
            writer.write(WINS).await?;
            Check::Ok(writer.log)
        })
    });
    let tasks: Vec<_> = all_at_once.collect();
    let mut logs = Vec::new();
    for task in tasks {
        logs.push(
            task.await.map_err(|error| Failure::new(format!("a writer panicked: {error}")))??,
        );
    }
    Ok(logs)
}

/// One who sends random commands to a stream, and knows nothing of the others.
struct Writer<S: Subject, E: EventStore> {
    repository: RepositoryOf<S, E>,
    stream: &'static str,
    number: usize,
    commands: Commands<S>,
    /// The stream as far as the writer has seen it, which may be old by now.
    seen: Fold<S::Aggregate>,
    log: Log<S>,
}

impl<S: Subject, E: EventStore> Writer<S, E> {
    async fn open(store: E, stream: &'static str, number: usize, seed: u64) -> Check<Self> {
        let repository = repository::<S, E>(store, TestClock::default()).await?;
        let commands = Commands::new(seed.wrapping_add(number as u64));
        let seen = Fold::new(stream);
        Ok(Self { repository, stream, number, commands, seen, log: Log::<S>::new() })
    }

    /// Sends commands until so many more were carried out, or none seems to be accepted.
    async fn write(&mut self, more: usize) -> Check {
        let mut won = 0;
        for _ in 0..TRIES {
            if won == more {
                break;
            }
            let command = self.promising().await?;
            // What no decision and no fold can read tells the writer and its command.
            let id = format!("00-{:032x}-{:016x}-01", self.number + 1, self.log.len() + 1);
            let id: Arc<str> = id.into();
            let context = CommandContext::new().traceparent(Arc::clone(&id));
            let sent = send::<S, E>(&self.repository, self.stream, &command, context).await?;
            won += usize::from(is_new(&sent));
            self.log.insert(id, (command, sent));
        }
        Ok(())
    }

    /// Of a few commands the first that would be accepted by what the writer has seen, and not the last
    /// that ever is.
    async fn promising(&mut self) -> Check<S::Command> {
        let new = appended::<S, E>(&self.repository, self.stream, self.seen.sequence).await?;
        for Recorded { event, meta } in new {
            self.seen.apply(&event, &meta).map_err(|error| {
                Failure::new(format!("a stored event cannot be applied: {error}"))
            })?;
        }
        let first = self.commands.meeting(&self.seen.state);
        let (mut command, mut accepted) = (first.clone(), None);
        for _ in 1..CANDIDATES {
            if let Some((next, _)) = after(&self.seen, &command) {
                if goes_on(&mut self.commands, &next) {
                    return Ok(command);
                }
                accepted = Some(command);
            }
            command = self.commands.meeting(&self.seen.state);
        }
        Ok(accepted.unwrap_or(first))
    }
}

/// What the writers were told is what is stored, event for event; every command was decided on the state
/// that its events follow, and what is loaded is the fold of it all.
async fn all_landed<S: Subject, E: EventStore>(store: &E, logs: &[Log<S>]) -> Check {
    let all = stored::<S>(store).await?;
    for (command, sent) in logs.iter().flat_map(BTreeMap::values) {
        let Sent::Done(executed) = sent else { continue };
        for event in &executed.events {
            is_stored(&all, event).context("command", || format!("{command:?}"))?;
        }
    }
    let reader = uncached::<S, E>(store.clone(), TestClock::default()).await?;
    for id in STREAMS {
        let fold = fold_stored::<S>(id, &all)?;
        let expected = (fold.sequence, fold.state.clone());
        equal("the loaded state", &loaded::<S, E>(&reader, id).await?, &expected)?;
        let events = all.iter().filter(|stored| stored.meta.stream_id.as_str() == id);
        decided_again::<S>(id, &events.collect::<Vec<_>>(), logs)
            .context("stream", || id.to_owned())?;
    }
    Ok(())
}

/// The event that a writer was told of lies in the store, once, at its sequence.
fn is_stored<E: PartialEq + std::fmt::Debug>(all: &[Stored<E>], told: &Recorded<E>) -> Check {
    let same = |stored: &&Stored<E>| stored.meta.event_id == told.meta.event_id;
    let found: Vec<_> = all.iter().filter(same).map(|it| (it.meta.sequence, &it.event)).collect();
    equal("what is stored of an event", &found, &vec![(told.meta.sequence, &told.event)])
}

/// One command after the other leads to the same events again, each decided on the state before it.
fn decided_again<S: Subject>(id: &str, events: &[&Stored<EventOf<S>>], logs: &[Log<S>]) -> Check {
    let mut fold = Fold::<S::Aggregate>::new(id);
    for group in events.chunk_by(|a, b| a.meta.traceparent == b.meta.traceparent) {
        let first = group[0];
        let sender = first.meta.traceparent.as_ref();
        // Those before the race are of no writer.
        if let Some((command, sent)) = sender.and_then(|id| logs.iter().find_map(|log| log.get(id)))
        {
            let decision = command.decide(&fold, first.meta.at);
            same_types(&decision, group)
                .context("command", || format!("{command:?}"))
                .context("its sender was told", || sent.shown())
                .context("state before", || format!("{:?}", fold.state))?;
        }
        for stored in group {
            fold.apply(&stored.event, &stored.meta).map_err(|error| {
                Failure::new(format!("a stored event cannot be applied: {error}"))
            })?;
        }
    }
    Ok(())
}

fn same_types<A: Aggregate>(decision: &Decision<A>, group: &[&Stored<A::Event>]) -> Check {
    let decided: Vec<_> = decision.events().iter().map(|(event, _)| event.event_type()).collect();
    let found: Vec<_> = group.iter().map(|stored| stored.event.event_type()).collect();
    equal("what a command leads to on the state that its events follow", &found, &decided)
        .context("decided alone", || format!("{decision:?}"))
}
