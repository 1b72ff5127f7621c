//! Rebuilt rows that would show less than those that serve, which stay until somebody has decided.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use eventloom_runtime::codec::DecodeError;
use eventloom_runtime::projection::{
    Column, Consistency, Projection, ProjectionError, Projector, ProjectorError, ReadDatabase,
    Retried, Selection, Switched, TableSpec, Value,
};
use eventloom_runtime::{Decimal, Metadata};

use super::ledger::{Balance, Balances, Entry, ImmediateBalances};
use super::rig::{Place, append, batches, everywhere, moved, open, opened};
use super::unreliable::{Fate, Unreliable};

everywhere!(
    a_complete_row_stays_until_it_is_decided,
    a_complete_row_that_is_immediate_stays_until_it_is_decided,
    all_that_is_lacking_is_decided_after_one_rebuild,
    a_stream_that_is_held_back_already_is_in_the_way_of_nothing,
    rows_that_never_were_complete_are_in_the_way_of_nothing,
    a_skip_is_heeded_while_a_rebuild_runs,
    what_is_lacking_is_found_by_the_switch_itself,
    a_runner_that_is_always_faster_stands_by,
    a_complete_row_that_is_selected_stays_until_it_is_decided,
);

/// A projection in a program that folds less, under the same meaning: what was folded once is poison now.
#[derive(Debug)]
pub(crate) struct Strict<P>(PhantomData<P>);

impl<P: Projection<Event = Entry, Key = String, Row = Balance>> Projection for Strict<P> {
    const NAME: &'static str = P::NAME;
    const DATABASE: &'static str = P::DATABASE;
    const TABLE: &'static str = P::TABLE;
    const CONSISTENCY: Consistency = P::CONSISTENCY;
    const MEANING: u64 = P::MEANING;
    const AGGREGATE: &'static str = P::AGGREGATE;
    const SOURCES: &'static [&'static str] = P::SOURCES;
    const COLUMNS: &'static [Column] = P::COLUMNS;
    const KEY_COLUMNS: usize = P::KEY_COLUMNS;
    const KEY_IS_STREAM: bool = P::KEY_IS_STREAM;
    const READS_METADATA: bool = P::READS_METADATA;

    type Event = Entry;
    type Key = String;
    type Row = Balance;

    fn key(event: &Entry, meta: &Metadata) -> Result<Option<String>, ProjectionError> {
        P::key(event, meta)
    }

    fn fold(
        row: &mut Option<Balance>,
        event: &Entry,
        meta: &Metadata,
    ) -> Result<(), ProjectionError> {
        match event {
            Entry::Moved { amount } if *amount == Decimal::from(13) => {
                Err(ProjectionError::Custom("an unlucky number".to_owned()))
            }
            event => P::fold(row, event, meta),
        }
    }

    fn key_values(key: &String) -> Vec<Value> {
        P::key_values(key)
    }

    fn row_values(row: &Balance) -> Vec<Value> {
        P::row_values(row)
    }

    fn row(values: Vec<Value>) -> Result<Balance, DecodeError> {
        P::row(values)
    }

    fn key_of(row: &Balance) -> String {
        P::key_of(row)
    }
}

/// The third event is unlucky.
async fn fill<L: Place>(place: &L) {
    append(place.store(), "a", 0, &[opened("Ada"), moved(10), moved(13), moved(2)]).await;
}

pub(crate) async fn amount<P, S, D>(balances: &Projector<P, S, D>) -> Decimal
where
    P: Projection<Key = String, Row = Balance>,
    S: eventloom_runtime::EventStore,
    D: ReadDatabase,
{
    let row = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
    row.expect("a row").amount
}

/// The story: a balance said 25 and was complete. One of its events was damaged on the disk, the rows were rebuilt, and the
/// rebuild told of a success: from then on the balance said 10.
async fn it_stays_until_it_is_decided<L: Place, P>(place: L)
where
    P: Projection<Event = Entry, Key = String, Row = Balance>,
{
    fill(&place).await;
    open::<P, L>(&place).await.catch_up().await.expect("it catches up");
    let strict = open::<Strict<P>, L>(&place).await;

    let stopped = strict.rebuild(|_| {}).await.expect_err("it would show less");

    let ProjectorError::RebuildStopped { poison, .. } = stopped else { panic!("{stopped:?}") };
    assert_eq!((poison.position, poison.stream_id.as_str()), (3, "a"));
    assert_eq!(amount(&strict).await, 25.into(), "it is as it was");
    let status = strict.status().await.expect("a status");
    assert_eq!((status.poison.len(), status.rebuild_stopped_by), (0, Some(*poison)));
    assert_eq!(strict.skip_poison(3, "Olga", "damaged").await, Ok(Retried::OfRebuild));
    assert_eq!(amount(&strict).await, 25.into(), "it is not built anew yet");
    strict.rebuild(|_| {}).await.expect("it is rebuilt without the event");
    assert_eq!(amount(&strict).await, 12.into());
    let status = strict.status().await.expect("a status");
    assert_eq!((status.poison.len(), status.rebuild_stopped_by), (0, None));
}

async fn a_complete_row_stays_until_it_is_decided<L: Place>(place: L) {
    it_stays_until_it_is_decided::<L, Balances>(place).await;
}

async fn a_complete_row_that_is_immediate_stays_until_it_is_decided<L: Place>(place: L) {
    it_stays_until_it_is_decided::<L, ImmediateBalances>(place).await;
}

/// To build a single row anew did the same to it.
async fn a_complete_row_that_is_selected_stays_until_it_is_decided<L: Place>(place: L) {
    fill(&place).await;
    open::<Balances, L>(&place).await.catch_up().await.expect("it catches up");
    let strict = open::<Strict<Balances>, L>(&place).await;
    let ada = Selection { stream: Some("a".into()), ..Selection::default() };

    let stopped = strict.rebuild_streams(&ada, |_| {}).await.expect_err("it would show less");

    let ProjectorError::RebuildStopped { poison, .. } = stopped else { panic!("{stopped:?}") };
    assert_eq!(amount(&strict).await, 25.into(), "it is as it was");
    let status = strict.status().await.expect("a status");
    assert_eq!((status.poison.len(), status.rebuild_stopped_by), (0, Some(*poison)));
    assert_eq!(strict.skip_poison(3, "Olga", "damaged").await, Ok(Retried::OfRebuild));
    strict.rebuild_streams(&ada, |_| {}).await.expect("it is built without the event");
    assert_eq!(amount(&strict).await, 12.into());
}

async fn all_that_is_lacking_is_decided_after_one_rebuild<L: Place>(place: L) {
    fill(&place).await;
    append(place.store(), "b", 0, &[opened("Bob"), moved(13), moved(1)]).await;
    open::<Balances, L>(&place).await.catch_up().await.expect("it catches up");
    let strict = open::<Strict<Balances>, L>(&place).await;
    strict.rebuild(|_| {}).await.expect_err("it would show less");

    for position in [3, 6] {
        let told = strict.status().await.expect("a status").rebuild_stopped_by;
        assert_eq!(told.map(|poison| poison.position), Some(position));
        let skipped = strict.skip_poison(position, "Olga", "damaged").await;
        assert_eq!(skipped, Ok(Retried::OfRebuild));
    }

    assert_eq!(strict.status().await.expect("a status").rebuild_stopped_by, None);
    strict.rebuild(|_| {}).await.expect("it is rebuilt");
}

async fn a_stream_that_is_held_back_already_is_in_the_way_of_nothing<L: Place>(place: L) {
    fill(&place).await;
    let strict = open::<Strict<Balances>, L>(&place).await;
    strict.catch_up().await.expect("it parks the stream");

    strict.rebuild(|_| {}).await.expect("readers lose nothing");

    assert_eq!(strict.status().await.expect("a status").poison.len(), 1);
    assert_eq!(amount(&strict).await, 10.into());
}

async fn rows_that_never_were_complete_are_in_the_way_of_nothing<L: Place>(place: L) {
    fill(&place).await;
    let strict = open::<Strict<Balances>, L>(&place).await;

    strict.rebuild(|_| {}).await.expect("nobody has read anything");

    assert_eq!(strict.status().await.expect("a status").poison.len(), 1);
}

/// What was decided while a rebuild ran was not known to it: for a moment readers saw the stream held back again.
async fn a_skip_is_heeded_while_a_rebuild_runs<L: Place>(place: L) {
    fill(&place).await;
    let strict = open::<Strict<Balances>, L>(&place).await;
    strict.catch_up().await.expect("it parks the stream");
    let rows = Unreliable::new(place.rows().clone(), [Fate::Held]);
    let (commits, gate) = (Arc::clone(&rows.commits), Arc::clone(&rows.gate));
    let rebuilding =
        Projector::<Strict<Balances>, _, _>::open_with(place.store().clone(), rows, batches(100));
    let rebuilding = rebuilding.await.expect("it opens");
    let decide = async {
        while commits.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let skipped = strict.skip_poison(3, "Olga", "damaged").await;
        assert_eq!(skipped, Ok(Retried::Released));
        gate.add_permits(1);
    };

    let (rebuilt, ()) = tokio::join!(rebuilding.rebuild(|_| {}), decide);

    rebuilt.expect("it is rebuilt without the event");
    assert_eq!(strict.status().await.expect("a status").poison, vec![]);
    assert_eq!(amount(&strict).await, 12.into());
}

/// Between the last look and the switch somebody may have mended what held the stream back.
async fn what_is_lacking_is_found_by_the_switch_itself<L: Place>(place: L) {
    fill(&place).await;
    let strict = open::<Strict<Balances>, L>(&place).await;
    strict.catch_up().await.expect("it parks the stream");
    let spec = TableSpec::of::<Strict<Balances>>();
    let shadow = place.rows().begin_rebuild(spec).await.expect("a shadow");
    let poison = strict.status().await.expect("a status").poison;
    let commit = eventloom_runtime::projection::Commit {
        position: 9,
        poison,
        ..eventloom_runtime::projection::Commit::unchanged(&shadow)
    };
    place.rows().commit(commit).await.expect("it is written");
    let mended = open::<Balances, L>(&place).await.retry_poison(3).await;
    assert_eq!(mended, Ok(Retried::Released));

    let switched = place.rows().finish_rebuild(shadow.table, shadow.revision + 1, vec![]).await;

    assert_eq!(switched, Ok(Switched::Lacking));
    assert_eq!(amount(&strict).await, 25.into());
}

/// A rebuild over a slow link found the rows that serve ahead of its own at each attempt, and went on for ever.
async fn a_runner_that_is_always_faster_stands_by<L: Place>(place: L) {
    fill(&place).await;
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");
    let (store, other) = (place.store().clone(), open::<Balances, L>(&place).await);
    let serving = place.rows().open(TableSpec::of::<Balances>()).await.expect("a table").table;
    let faster = Arc::new(AtomicU32::new(0));
    let (times, looked) = (Arc::clone(&faster), place.rows().clone());
    let rows = Unreliable::new(place.rows().clone(), []).with_somebody_else(move || {
        let (store, other, looked) = (store.clone(), other.clone(), looked.clone());
        let times = Arc::clone(&times);
        Box::pin(async move {
            let leads = looked.checkpoint(serving).await.expect("a checkpoint").runner;
            if leads.is_some() {
                return;
            }
            let before = u64::from(times.fetch_add(1, Ordering::SeqCst));
            assert!(before < 9, "it is left to be faster for ever");
            append(&store, "a", 4 + before, &[moved(1)]).await;
            other.catch_up().await.expect("it catches up");
        })
    });
    let rebuilding = Projector::<Balances, _, _>::open(place.store().clone(), rows).await;
    let mut waits = 0;

    let rebuilding = rebuilding.expect("it opens");
    rebuilding.rebuild(|step| waits += u32::from(step.waits)).await.expect("it is rebuilt");

    assert!(waits > 0, "it is told");
    let times = faster.load(Ordering::SeqCst);
    assert_eq!(amount(&balances).await, (25 + i64::from(times)).into());
    let left = place.rows().checkpoint(serving).await.expect("a checkpoint");
    assert_eq!(left.runner, None, "runners may go on");
}
