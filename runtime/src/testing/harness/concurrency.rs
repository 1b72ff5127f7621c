//! Theme concurrency: many at once on one stream, and on many streams, and nothing is lost.

use super::history::{STREAMS, any_command, path};
use super::replay::fold_stored;
use super::world::{Execute, RepositoryOf, Stored, loaded, repository, send, stored, uncached};
use crate::aggregate::Aggregate;
use crate::metadata::{Sequence, StreamId};
use crate::repository::{CommandContext, ExecuteError, Executed};
use crate::store::EventStore;
use crate::testing::clock::TestClock;
use crate::testing::failure::{Check, Context, Failure, ensure, equal};
use crate::testing::fold::Fold;
use crate::testing::run;
use crate::testing::stores::StoreKind;
use crate::testing::subject::{AnyCommand, EventOf, Subject};

const WRITERS: usize = 4;

/// What one writer had carried out: which events, at which sequences.
type Won<S> = Vec<Executed<<S as Subject>::Aggregate>>;

/// Writers that know nothing of each other write one stream: every command is decided on the state that
/// it changes, each sequence has one winner, there is no gap and nothing is lost.
///
/// # Errors
/// The sequence that has several winners or none.
pub fn one_stream_has_one_winner_per_sequence<S: Subject, K: StoreKind>(kind: K) -> Check {
    // More than once: a command such as the closing of an account may end a race early.
    (0..3).try_for_each(|_| one_race::<S, K>(kind))
}

fn one_race<S: Subject, K: StoreKind>(kind: K) -> Check {
    let start = path::<S>("A1", 2, fastrand::u64(..));
    run(async {
        let (_place, store) = kind.open_new().await?;
        let first = repository::<S, _>(store.clone(), TestClock::default()).await?;
        for command in &start.commands {
            send::<S, _>(&first, "A1", command, CommandContext::new()).await?;
        }
        let before = start.folds[start.folds.len() - 1].sequence;
        let won = write_all::<S, _>(&store, |_| "A1").await?;
        one_winner_each::<S>(before, won)?;
        states_agree::<S, _>(&store).await
    })
}

/// Writers of different streams do not hinder each other: everything lands, in order.
///
/// # Errors
/// What is missing.
pub fn many_streams_all_land<S: Subject, K: StoreKind>(kind: K) -> Check {
    run(async {
        let (_place, store) = kind.open_new().await?;
        let won = write_all::<S, _>(&store, |writer| STREAMS[writer % STREAMS.len()]).await?;
        let recorded: usize = won.iter().flatten().map(|executed| executed.events.len()).sum();
        equal("the number of stored events", &stored::<S>(&store).await?.len(), &recorded)?;
        states_agree::<S, _>(&store).await
    })
}

async fn write_all<S: Subject, E: EventStore>(
    store: &E,
    stream: impl Fn(usize) -> &'static str,
) -> Check<Vec<Won<S>>> {
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        let seed = fastrand::u64(..);
        let mut writer = Writer::<S, _>::open(store.clone(), stream(number), seed).await?;
        // In turns first: then all but the last know a stream that has moved on, however fast they are.
        writer.write(1).await?;
        writers.push(writer);
    }
    let all_at_once = writers.into_iter().map(|mut writer| {
        tokio::spawn(async move {
            writer.write(8).await?;
            Check::Ok(writer.won)
        })
    });
    let tasks: Vec<_> = all_at_once.collect();
    let mut won = Vec::new();
    for task in tasks {
        won.push(task.await.map_err(|error| Failure::new(format!("a writer panicked: {error}")))??);
    }
    let landed = won.iter().map(Vec::len).sum::<usize>();
    ensure!(landed > 0, "none of the writers had a command that is accepted");
    Ok(won)
}

/// One who sends random commands to a stream, and knows nothing of the others.
struct Writer<S: Subject, E: EventStore> {
    repository: RepositoryOf<S, E>,
    stream: StreamId,
    chance: fastrand::Rng,
    won: Won<S>,
}

impl<S: Subject, E: EventStore> Writer<S, E> {
    async fn open(store: E, stream: &str, seed: u64) -> Check<Self> {
        let repository = repository::<S, E>(store, TestClock::default()).await?;
        let chance = fastrand::Rng::with_seed(seed);
        Ok(Self { repository, stream: StreamId::from(stream), chance, won: Vec::new() })
    }

    /// Sends commands until so many more were carried out, or none seems to be accepted.
    async fn write(&mut self, more: usize) -> Check {
        let enough = self.won.len() + more;
        for _ in 0..60 {
            if self.won.len() == enough {
                break;
            }
            let command = any_command::<S>(&mut self.chance);
            let (stream, context) = (self.stream.clone(), CommandContext::new());
            let execute = Execute { repository: &self.repository, stream, context };
            use ExecuteError::{Failed, Invalid, Refused};
            match command.visit(execute).await {
                Ok(executed) if !executed.duplicate => self.won.push(executed),
                Ok(_) | Err(Refused(_) | Invalid(_) | Failed(_)) => {}
                Err(error) => return Err(Failure::new(format!("{command:?} failed: {error}"))),
            }
        }
        Ok(())
    }
}

fn one_winner_each<S: Subject>(before: Sequence, won: Vec<Won<S>>) -> Check {
    let events = won.iter().flatten().flat_map(|executed| &executed.events);
    let mut sequences: Vec<_> = events.map(|recorded| recorded.meta.sequence).collect();
    sequences.sort_unstable();
    let expected: Vec<_> = (before + 1..=before + sequences.len() as u64).collect();
    equal("the sequences that the writers won", &sequences, &expected)
}

/// What was stored is a valid history of every stream, and what is loaded is its fold.
async fn states_agree<S: Subject, E: EventStore>(store: &E) -> Check {
    let events = stored::<S>(store).await?;
    let reader = uncached::<S, E>(store.clone(), TestClock::default()).await?;
    for id in STREAMS {
        let fold = fold_stored::<S>(id, &events)?;
        let expected = (fold.sequence, fold.state.clone());
        equal("the loaded state", &loaded::<S, E>(&reader, id).await?, &expected)?;
        valid::<S>(id, &events).context("stream", || id.to_owned())?;
    }
    Ok(())
}

/// Each event was decided on the state before it: recorded again one after the other, none is refused.
fn valid<S: Subject>(stream: &str, events: &[Stored<EventOf<S>>]) -> Check {
    let mut fold = Fold::<S::Aggregate>::new(stream);
    for stored in events.iter().filter(|stored| stored.meta.stream_id.as_str() == stream) {
        let before = fold.state.clone();
        fold.apply(&stored.event, &stored.meta)
            .map_err(|error| Failure::new(format!("a stored event cannot be applied: {error}")))?;
        let kept = <S::Aggregate as Aggregate>::check_state(&before, &fold.state);
        kept.map_err(|refusal| {
            Failure::new(format!("a rule of the state was broken by writers at once: {refusal}"))
                .with("event", format!("{stored:?}"))
        })?;
    }
    Ok(())
}
