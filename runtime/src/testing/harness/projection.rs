//! Theme projection: rows are what the events say, however and whenever they are folded.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;

use super::commands::nothing_shown;
use super::history::{Gone, Live, STREAMS, Step, Then, for_any_history};
use super::world::{RepositoryOf, repository};
use crate::aggregate::Aggregate;
use crate::eval::EvalError;
use crate::event::DomainEvent;
use crate::metadata::Metadata;
use crate::projection::{
    Condition, Consistency, FoldRow, Projection, ProjectionError, Projector, ProjectorOptions,
    ReadDatabase, ReadModel, Rows as Visited, Value,
};
use crate::repository::{CommandContext, Recorded};
use crate::store::EventStore;
use crate::testing::clock::TestClock;
use crate::testing::failure::{Check, Context, Failure, ensure, equal};
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
    mirrors_the_state::<S, P, K>(kind, &[])
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
    let seen = Cell::new(Mirrored::Nothing);
    for_any_history::<S>(K::CASES, 1..25, async |steps, live| {
        let followed = followed::<S, P, K>(kind, steps, live, mirrors).await;
        seen.set(seen.get().max(followed?));
        Ok(())
    })
    .and_then(|()| match seen.get() {
        _ if mirrors.is_empty() => Ok(()),
        Mirrored::Nothing => nothing_shown::<S>("no event was found that the projection folds"),
        Mirrored::NoRow => Err(Failure::new(
            "no event leads to a row, so that nothing mirrors the state: if only rare ones do, write a \
             scenario with such a command",
        )),
        Mirrored::Row => Ok(()),
    })
    .context("projection", || P::NAME.to_owned())
}

/// What a history showed of mirrors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mirrored {
    /// No event that the projection folds.
    Nothing,
    /// Such events, and never a row to compare.
    NoRow,
    /// A row that equals the state.
    Row,
}

async fn followed<S, P, K>(
    kind: K,
    steps: &[Step<S::Command>],
    live: &mut Live<S>,
    mirrors: &[Mirror<S>],
) -> Check<Mirrored>
where
    S: Subject,
    P: Projection<Event = EventOf<S>>,
    K: WithReads,
{
    let place = kind.new_place();
    let (store, reads) = kind.open_with_reads(&place).await?;
    let clock = TestClock::default();
    let lived = repository::<S, _>(store.clone(), clock.clone()).await?;
    let mut model = Model::<P>::default();
    let mut projector = open::<P, _, _>(&store, &reads, steps.len()).await?;
    let mut seen = Mirrored::Nothing;
    for (number, step) in steps.iter().enumerate() {
        let gone = projected(live, &lived, &clock, step, &model).await?;
        if model.take::<S>(recorded(&gone.events))?.is_err() {
            return Ok(seen);
        }
        if gone.events.iter().any(|it| P::SOURCES.contains(&it.event.event_type())) {
            seen = seen.max(Mirrored::NoRow);
        }
        match step.then {
            Then::Nothing => continue,
            Then::Project => {}
            Then::Restart(point) => {
                stopped_at(point, &projector).await?;
                projector = open::<P, _, _>(&store, &reads, number).await?;
            }
            Then::Rebuild => projector.rebuild(|_| ()).await?,
        }
        projector.catch_up().await?;
        let compared = compare::<S, P, _, _>(&projector, &model, live, mirrors)
            .await
            .context("after", || format!("step {} ({:?})", number + 1, step.then))?;
        seen = seen.max(compared);
    }
    projector.catch_up().await?;
    seen = seen.max(compare::<S, P, _, _>(&projector, &model, live, mirrors).await?);
    at_once::<S, P, K>(kind, &store, &model).await?;
    Ok(seen)
}

/// Goes a step beside a projection, which may refuse an append only for an amount that it cannot hold.
async fn projected<S, P, E>(
    live: &mut Live<S>,
    repository: &RepositoryOf<S, E>,
    clock: &TestClock,
    step: &Step<S::Command>,
    model: &Model<P>,
) -> Check<Gone<S>>
where
    S: Subject,
    P: Projection<Event = EventOf<S>>,
    E: EventStore,
{
    let may_refuse = |events: &[(EventOf<S>, Metadata)]| {
        let events = events.iter().map(|(event, meta)| (event, meta));
        match (Model::<P> { rows: model.rows.clone() }).take::<S>(events)? {
            Err(_) => Ok(()),
            Ok(()) => Err(Failure::new("a projection refuses events that its rules can fold")),
        }
    };
    live.go_projected(repository, clock, step, CommandContext::new(), may_refuse).await
}

/// Runs a projector and stops it on the way: before the batch of this number in a store that answers at
/// once, else wherever it is when it has waited so often.
async fn stopped_at<P: Projection, E: EventStore, D: ReadDatabase>(
    point: u32,
    projector: &Projector<P, E, D>,
) -> Check {
    let mut left = point;
    let stop = poll_fn(move |_| match left.checked_sub(1) {
        Some(fewer) => {
            left = fewer;
            Poll::Pending
        }
        None => Poll::Ready(()),
    });
    let longest = Duration::from_micros(u64::from(point) * 200);
    at_most(longest, projector.run(stop)).await.unwrap_or(Ok(())).map_err(Failure::from)
}

async fn at_most<T>(longest: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(longest, work).await.ok()
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
    projector: &Projector<P, E, D>,
    model: &Model<P>,
    live: &Live<S>,
    mirrors: &[Mirror<S>],
) -> Check<Mirrored>
where
    S: Subject,
    P: Projection<Event = EventOf<S>>,
    E: EventStore,
    D: ReadDatabase,
{
    let rows = rows(&projector.read_model()).await?;
    equal("the rows", &rows, &model.rows)?;
    let waiting = projector.status().await?.poison;
    equal("the events that could not be folded", &waiting, &Vec::new())?;
    let mut seen = Mirrored::Nothing;
    for mirror in mirrors {
        for (index, id) in STREAMS.iter().enumerate() {
            seen = seen.max(mirrored::<S, P>(mirror, &rows, id, &live.folds[index].state)?);
        }
        for key in rows.keys() {
            let of_stream = STREAMS.iter().any(|id| is_key_of::<P>(key, id));
            ensure!(of_stream, "a row that mirrors a stream has the key of none: {key:?}");
        }
    }
    Ok(seen)
}

/// The same history, folded in one go into a read database that has seen nothing of it.
async fn at_once<S, P, K>(kind: K, store: &K::Store, model: &Model<P>) -> Check
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
    equal("the rows that were built at once", &found, &model.rows)
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
pub(super) struct Model<P: Projection> {
    rows: Rows<P>,
}

/// An amount is beyond what its column can hold: why it is.
pub(super) struct Beyond(pub(super) String);

/// Events with their metadata, as [`Model::take`] takes them.
pub(super) fn recorded<E>(events: &[Recorded<E>]) -> impl Iterator<Item = (&E, &Metadata)> {
    events.iter().map(|Recorded { event, meta }| (event, meta))
}

impl<P: Projection> Default for Model<P> {
    fn default() -> Self {
        Self { rows: Rows::<P>::new() }
    }
}

impl<P: Projection> Model<P> {
    /// Folds in events, up to an amount that is beyond what its column can hold. Commands that let such
    /// amounts in stop the read model sooner or later, but it is not wrong before.
    pub(super) fn take<'e, S>(
        &mut self,
        events: impl Iterator<Item = (&'e P::Event, &'e Metadata)>,
    ) -> Check<Result<(), Beyond>>
    where
        S: Subject,
        P: Projection<Event = EventOf<S>>,
    {
        for (event, meta) in events {
            let cannot = match catch_unwind(AssertUnwindSafe(|| self.fold(event, meta))) {
                Ok(Ok(())) => continue,
                Ok(Err(error @ (ProjectionError::Eval(_) | ProjectionError::Field(_)))) => {
                    return Ok(Err(Beyond(error.to_string())));
                }
                Ok(Err(error)) => format!("the projection cannot take a valid history: {error}"),
                Err(_) => "the projection panics over a valid history".to_owned(),
            };
            return Err(Failure::new(cannot)
                .with("event", format!("{event:?}"))
                .with("aggregate", <S::Aggregate as Aggregate>::NAME));
        }
        Ok(Ok(()))
    }

    fn fold(&mut self, event: &P::Event, meta: &Metadata) -> Result<(), ProjectionError> {
        if P::SEVERAL_ROWS {
            return P::visit(event, meta, self);
        }
        let Some(key) = P::key(event, meta)? else { return Ok(()) };
        self.at(key, &|row| P::fold(row, event, meta))
    }
}

impl<P: Projection> Visited<P> for Model<P> {
    fn at(&mut self, key: P::Key, fold: FoldRow<'_, P>) -> Result<(), ProjectionError> {
        let mut row = self.rows.remove(&key);
        fold(&mut row)?;
        self.rows.extend(row.map(|row| (key, row)));
        Ok(())
    }

    /// Looks at every row there is, and asks no database.
    fn matching(
        &mut self,
        _: &dyn Fn() -> Condition,
        holds: &dyn Fn(&P::Row) -> Result<bool, ProjectionError>,
        fold: FoldRow<'_, P>,
    ) -> Result<(), ProjectionError> {
        let mut found = Vec::new();
        for (key, row) in &self.rows {
            if holds(row)? {
                found.push(key.clone());
            }
        }
        found.into_iter().try_for_each(|key| self.at(key, fold))
    }
}

fn is_key_of<P: Projection>(key: &P::Key, stream: &str) -> bool {
    P::key_values(key).first() == Some(&Value::Text(stream.to_owned()))
}

/// Streams without a row have nothing to mirror.
fn mirrored<S, P>(
    mirror: &Mirror<S>,
    rows: &Rows<P>,
    stream: &str,
    state: &StateOf<S>,
) -> Check<Mirrored>
where
    S: Subject,
    P: Projection<Event = EventOf<S>>,
{
    let row = rows.iter().find(|(key, _)| is_key_of::<P>(key, stream));
    let Some((_, row)) = row else { return Ok(Mirrored::Nothing) };
    let found = column::<P>(row, mirror.column)?;
    let expected = (mirror.of)(state)
        .map_err(|error| Failure::new(format!("a mirrored value cannot be calculated: {error}")))?;
    equal(&format!("the column `{}`", mirror.column), &found, &expected)
        .context("the ontology says", || mirror.says.to_owned())
        .context("stream", || stream.to_owned())
        .context("state", || format!("{state:?}"))?;
    Ok(Mirrored::Row)
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
    for_any_history::<S>(K::CASES, 5..25, async |steps, live| {
        handled_twice::<S, P, K>(kind, steps, live).await
    })
    .context("projection", || P::NAME.to_owned())
}

async fn handled_twice<S, P, K>(kind: K, steps: &[Step<S::Command>], live: &mut Live<S>) -> Check
where
    S: Subject,
    P: Projection<Event = EventOf<S>>,
    K: WithReads,
{
    let place = kind.new_place();
    let (store, reads) = kind.open_with_reads(&place).await?;
    let clock = TestClock::default();
    let lived = repository::<S, _>(store.clone(), clock.clone()).await?;
    let mut model = Model::<P>::default();
    let first = open::<P, _, _>(&store, &reads, 0).await?;
    let second = open::<P, _, _>(&store, &reads, 1).await?;
    for step in steps {
        let gone = projected(live, &lived, &clock, step, &model).await?;
        if model.take::<S>(recorded(&gone.events))?.is_err() {
            return Ok(());
        }
        if step.then != Then::Nothing {
            let (one, other) = tokio::join!(first.catch_up(), second.catch_up());
            one?;
            other?;
        }
    }
    for projector in [&first, &first, &second, &open::<P, _, _>(&store, &reads, 2).await?] {
        projector.catch_up().await?;
        compare::<S, P, _, _>(projector, &model, live, &[]).await?;
    }
    Ok(())
}
