//! Theme replay: the stored events, and nothing else, make the state.

use super::Golden;
use super::history::{Live, STREAMS, Step, for_any_history, live};
use super::migration::{fields_equal, read};
use super::schema::sample_metadata;
use super::world::{RepositoryOf, Stored, loaded, stored, uncached};
use crate::aggregate::Aggregate;
use crate::store::EventStore;
use crate::testing::clock::TestClock;
use crate::testing::failure::{Check, Context, Failure, equal};
use crate::testing::fold::Fold;
use crate::testing::stores::StoreKind;
use crate::testing::subject::{EventOf, StateOf, Subject};

/// Replaying gives the live state at every prefix of a history, after a restart too, and twice the
/// same; order is by sequence, whatever the clocks said.
///
/// # Errors
/// The shortest history that was found to replay to another state than it was lived in.
pub fn gives_the_live_state<S: Subject, K: StoreKind>(kind: K) -> Check {
    for_any_history::<S>(K::CASES, 1..25, async |steps, live| {
        replayed::<S, K>(kind, steps, live).await
    })
}

async fn replayed<S: Subject, K: StoreKind>(
    kind: K,
    steps: &[Step<S::Command>],
    lived: &mut Live<S>,
) -> Check {
    let (place, store) = kind.open_new().await?;
    live(&store, steps, lived).await?;
    drop(store);
    let store = kind.open(&place).await?;
    let repository = uncached::<S, _>(store.clone(), TestClock::default()).await?;

    let events = stored::<S>(&store).await?;
    equal("the number of stored events", &(events.len() as u64), &lived.len())?;
    for (index, id) in STREAMS.iter().enumerate() {
        let fold = &lived.folds[index];
        let expected = (fold.sequence, fold.state.clone());
        for _ in 0..2 {
            equal("the loaded state", &loaded::<S, _>(&repository, id).await?, &expected)
                .context("stream", || (*id).to_owned())?;
        }
        let folded = fold_stored::<S>(id, &events)?;
        equal("the fold of the stored events", &folded.state, &fold.state)
            .context("stream", || (*id).to_owned())?;
    }
    prefixes_agree(&repository, lived).await
}

/// The state as of every sequence that was reported while the history was lived.
async fn prefixes_agree<S: Subject, E: EventStore>(
    repository: &RepositoryOf<S, E>,
    live: &Live<S>,
) -> Check {
    for (stream, sequence, state) in &live.states {
        let found = repository.load_as_of(STREAMS[*stream], *sequence).await?;
        let found: (u64, StateOf<S>) = (found.sequence, found.state);
        equal("the state as of a sequence", &found, &(*sequence, state.clone()))
            .context("stream", || STREAMS[*stream].to_owned())?;
    }
    Ok(())
}

/// The events of one stream, folded by nothing but the aggregate's own `apply`.
pub(super) fn fold_stored<S: Subject>(
    stream: &str,
    events: &[Stored<EventOf<S>>],
) -> Check<Fold<S::Aggregate>> {
    let mut fold = Fold::<S::Aggregate>::new(stream);
    for stored in events.iter().filter(|stored| stored.meta.stream_id.as_str() == stream) {
        equal(
            "the sequence of the next stored event",
            &stored.meta.sequence,
            &(fold.sequence + 1),
        )?;
        fold.apply(&stored.event, &stored.meta).map_err(|error| {
            Failure::new(format!("a stored event cannot be applied: {error}"))
                .with("aggregate", <S::Aggregate as Aggregate>::NAME)
                .with("event", format!("{stored:?}"))
        })?;
    }
    Ok(fold)
}

/// A fold gives the same state for the same events, however often and in whatever process it runs: no
/// clock, no chance, no memory.
///
/// # Errors
/// The history whose two folds differ.
pub fn is_deterministic<S: Subject>() -> Check {
    for_any_history::<S>(32, 1..25, async |steps, lived| {
        let store = crate::store::MemoryStore::new();
        live(&store, steps, lived).await?;
        let events = stored::<S>(&store).await?;
        for id in STREAMS {
            let first = fold_stored::<S>(id, &events)?.state;
            let second = fold_stored::<S>(id, &events)?.state;
            equal("the second fold of the same events", &second, &first)?;
        }
        Ok(())
    })
}

/// What an event makes of a state, as the ontology says it.
#[derive(Clone, Copy, Debug)]
pub struct Applied {
    /// The state before, as JSON; none for the initial one.
    pub before: Option<&'static str>,
    /// The event.
    pub event: Golden,
    /// The state after, as JSON: the fields that can be told without running the fold.
    pub after: &'static str,
    /// Whether that is all that the event sets, so that it cannot fail to apply.
    pub certain: bool,
}

/// An event sets the fields that its `apply` names to what it says of them, and leaves all others alone.
///
/// The states after come from the ontology, not from the code under test: a fold that is wrong replays
/// as it was lived.
///
/// # Errors
/// The field that becomes another, or why an event cannot be applied.
pub fn applies_as_it_says<S: Subject>(samples: &[Applied]) -> Check {
    samples.iter().try_for_each(|sample| {
        applied::<S>(sample)
            .context("event", || format!("{:?}", sample.event))
            .context("state before", || sample.before.unwrap_or("the initial one").to_owned())
    })
}

fn applied<S: Subject>(sample: &Applied) -> Check {
    let mut state = match sample.before {
        Some(before) => S::Aggregate::read_state(before.as_bytes())
            .map_err(|error| Failure::new(format!("a state cannot be read: {error}")))?,
        None => StateOf::<S>::default(),
    };
    let event: EventOf<S> = read(sample.event)?;
    match S::Aggregate::apply(&mut state, &event, &sample_metadata()) {
        Ok(()) => {}
        // What overflows may do so.
        Err(_) if !sample.certain => return Ok(()),
        Err(error) => {
            return Err(Failure::new(format!("the event cannot be applied: {error}")));
        }
    }
    let mut after = Vec::new();
    S::Aggregate::write_state(&state, &mut after);
    fields_equal(&String::from_utf8_lossy(&after), sample.after)
}
