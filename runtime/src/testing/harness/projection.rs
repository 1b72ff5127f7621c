//! Theme projection: rows are what the events say, however and whenever they are folded.

use std::collections::BTreeMap;
use std::time::Duration;

use super::history::{Live, STREAMS, Step, Then, step};
use super::world::{Stored, repository, stored};
use crate::aggregate::Aggregate;
use crate::eval::EvalError;
use crate::projection::{
    Consistency, Projection, Projector, ProjectorOptions, ReadDatabase, ReadModel, Value,
};
use crate::store::EventStore;
use crate::testing::clock::TestClock;
use crate::testing::failure::{Check, Context, Failure, equal};
use crate::testing::property::for_any_list;
use crate::testing::run;
use crate::testing::stores::WithReads;
use crate::testing::subject::{EventOf, StateOf, Subject};

/// Rows by key.
type Rows<P> = BTreeMap<<P as Projection>::Key, <P as Projection>::Row>;

/// A column that must equal something of the state.
pub struct Mirror<S: Subject> {
    /// The column.
    pub column: &'static str,
    /// As the ontology says it.
    pub says: &'static str,
    /// What it must equal.
    pub of: fn(&StateOf<S>) -> Result<Value, EvalError>,
}

/// Folded bit by bit, in any batches, with restarts and interruptions between, rows are the same as
/// folded at once into a new table, rebuilt in place, or folded here by nothing but the projection's
/// own rules.
///
/// # Errors
/// The shortest history whose rows differ.
pub fn incremental_equals_rebuilt<S, P, K>(kind: K) -> Check
where
    S: Subject,
    P: Projection<Event = EventOf<S>>,
    K: WithReads,
{
    for_any_list(K::CASES, 1..25, step::<S>, |steps| {
        run(followed::<S, P, K>(kind, steps, &[])).context("projection", || P::NAME.to_owned())
    })
}

/// Columns that mirror the state equal it, after every event and any history.
///
/// # Errors
/// The column, and the state that it does not equal.
pub fn mirrors_the_state<S, P, K>(kind: K, mirrors: &[Mirror<S>]) -> Check
where
    S: Subject,
    P: Projection<Event = EventOf<S>>,
    K: WithReads,
{
    for_any_list(K::CASES, 1..25, step::<S>, |steps| {
        run(followed::<S, P, K>(kind, steps, mirrors)).context("projection", || P::NAME.to_owned())
    })
}

async fn followed<S, P, K>(kind: K, steps: Vec<Step<S::Command>>, mirrors: &[Mirror<S>]) -> Check
where
    S: Subject,
    P: Projection<Event = EventOf<S>>,
    K: WithReads,
{
    let place = kind.new_place();
    let (store, reads) = kind.open_with_reads(&place).await?;
    let clock = TestClock::default();
    let lived = repository::<S, _>(store.clone(), clock.clone()).await?;
    let mut live = Live::<S>::new();
    let mut projector = open::<P, _, _>(&store, &reads, steps.len()).await?;
    for (number, step) in steps.iter().enumerate() {
        live.go(&lived, &clock, step).await?;
        match step.then {
            Then::Nothing => continue,
            Then::Project => {}
            Then::Interrupt => {
                let _ = tokio::time::timeout(Duration::ZERO, projector.catch_up()).await;
                projector = open::<P, _, _>(&store, &reads, number).await?;
            }
            Then::Rebuild => projector.rebuild(|_| ()).await?,
        }
        projector.catch_up().await?;
        compare::<S, P, _, _>(&store, &projector, &live, mirrors)
            .await
            .context("after", || format!("step {} ({:?})", number + 1, step.then))?;
    }
    projector.catch_up().await?;
    compare::<S, P, _, _>(&store, &projector, &live, mirrors).await?;
    at_once::<S, P, K>(kind, &store).await
}

/// A projector with a batch of one of several sizes.
async fn open<P: Projection, E: EventStore, D: ReadDatabase>(
    store: &E,
    reads: &D,
    number: usize,
) -> Check<Projector<P, E, D>> {
    let batch = [1, 2, 5, 1_000][number % 4];
    let options = ProjectorOptions { batch, ..ProjectorOptions::default() };
    Ok(Projector::open_with(store.clone(), reads.clone(), options).await?)
}

async fn compare<S, P, E, D>(
    store: &E,
    projector: &Projector<P, E, D>,
    live: &Live<S>,
    mirrors: &[Mirror<S>],
) -> Check
where
    S: Subject,
    P: Projection<Event = EventOf<S>>,
    E: EventStore,
    D: ReadDatabase,
{
    let rows = rows(&projector.read_model()).await?;
    let expected = folded::<S, P>(&stored::<S>(store).await?)?;
    equal("the rows", &rows, &expected)?;
    let waiting = projector.status().await?.poison;
    equal("the events that could not be folded", &waiting, &Vec::new())?;
    for (index, id) in STREAMS.iter().enumerate() {
        for mirror in mirrors {
            mirrored::<S, P>(mirror, &rows, id, &live.folds[index].state)?;
        }
    }
    Ok(())
}

/// The same history, folded in one go into a read database that has seen nothing of it.
async fn at_once<S, P, K>(kind: K, store: &K::Store) -> Check
where
    S: Subject,
    P: Projection<Event = EventOf<S>>,
    K: WithReads,
{
    if P::CONSISTENCY == Consistency::Immediate {
        // It knows no other database than its store's own.
        return Ok(());
    }
    let place = kind.new_place();
    let (_, reads) = kind.open_with_reads(&place).await?;
    let projector = Projector::<P, _, _>::open(store.clone(), reads).await?;
    projector.catch_up().await?;
    let found = rows(&projector.read_model()).await?;
    equal("the rows that were built at once", &found, &folded::<S, P>(&stored::<S>(store).await?)?)
}

/// All rows, read in pages.
pub(super) async fn rows<P: Projection, D: ReadDatabase>(
    model: &ReadModel<P, D>,
) -> Check<Rows<P>> {
    let (mut all, mut last) = (Rows::<P>::new(), None);
    loop {
        let page = model.page(last.as_ref(), 3).await?;
        let Some(end) = page.last() else { return Ok(all) };
        last = Some(P::key_of(end));
        for row in page {
            let key = P::key_of(&row);
            if let Some(twice) = all.insert(key, row) {
                return Err(Failure::new(format!("a row comes twice in pages: {twice:?}")));
            }
        }
    }
}

/// The rows by the projection's rules alone: event by event, without a runner, a batch or a database.
pub(super) fn folded<S, P>(events: &[Stored<EventOf<S>>]) -> Check<Rows<P>>
where
    S: Subject,
    P: Projection<Event = EventOf<S>>,
{
    let mut rows = Rows::<P>::new();
    for stored in events {
        let poison = |error| {
            Failure::new(format!("the projection cannot take a valid history: {error}"))
                .with("event", format!("{:?}, sequence {}", stored.event, stored.meta.sequence))
                .with("aggregate", <S::Aggregate as Aggregate>::NAME)
        };
        let Some(key) = P::key(&stored.event, &stored.meta).map_err(poison)? else { continue };
        let mut row = rows.remove(&key);
        P::fold(&mut row, &stored.event, &stored.meta).map_err(poison)?;
        rows.extend(row.map(|row| (key, row)));
    }
    Ok(rows)
}

/// Streams without a row have nothing to mirror.
fn mirrored<S, P>(mirror: &Mirror<S>, rows: &Rows<P>, stream: &str, state: &StateOf<S>) -> Check
where
    S: Subject,
    P: Projection<Event = EventOf<S>>,
{
    let of_stream = |row: &&P::Row| {
        P::key_values(&P::key_of(row)).first() == Some(&Value::Text(stream.to_owned()))
    };
    let Some(row) = rows.values().find(of_stream) else { return Ok(()) };
    let found = column::<P>(row, mirror.column)?;
    let expected = (mirror.of)(state)
        .map_err(|error| Failure::new(format!("a mirrored value cannot be calculated: {error}")))?;
    equal(&format!("the column `{}`", mirror.column), &found, &expected)
        .context("the ontology says", || mirror.says.to_owned())
        .context("stream", || stream.to_owned())
        .context("state", || format!("{state:?}"))
}

/// The value of a column.
pub(super) fn column<P: Projection>(row: &P::Row, name: &str) -> Check<Value> {
    let index = P::COLUMNS.iter().position(|column| column.name == name);
    let value = index.and_then(|index| P::row_values(row).into_iter().nth(index));
    value.ok_or_else(|| Failure::new(format!("{} has no column `{name}`", P::NAME)))
}

/// An event that is delivered twice is folded once: to runners that work at the same time, to one that
/// starts again, and to one that is asked again.
///
/// # Errors
/// The rows that differ.
pub fn an_event_handled_twice_counts_once<S, P, K>(kind: K) -> Check
where
    S: Subject,
    P: Projection<Event = EventOf<S>>,
    K: WithReads,
{
    for_any_list(K::CASES, 5..25, step::<S>, |steps| {
        run(handled_twice::<S, P, K>(kind, steps)).context("projection", || P::NAME.to_owned())
    })
}

async fn handled_twice<S, P, K>(kind: K, steps: Vec<Step<S::Command>>) -> Check
where
    S: Subject,
    P: Projection<Event = EventOf<S>>,
    K: WithReads,
{
    let place = kind.new_place();
    let (store, reads) = kind.open_with_reads(&place).await?;
    let clock = TestClock::default();
    let lived = repository::<S, _>(store.clone(), clock.clone()).await?;
    let mut live = Live::<S>::new();
    let first = open::<P, _, _>(&store, &reads, 0).await?;
    let second = open::<P, _, _>(&store, &reads, 1).await?;
    for step in &steps {
        live.go(&lived, &clock, step).await?;
        if step.then != Then::Nothing {
            let (one, other) = tokio::join!(first.catch_up(), second.catch_up());
            one?;
            other?;
        }
    }
    for projector in [&first, &first, &second, &open::<P, _, _>(&store, &reads, 2).await?] {
        projector.catch_up().await?;
        compare::<S, P, _, _>(&store, projector, &live, &[]).await?;
    }
    Ok(())
}
