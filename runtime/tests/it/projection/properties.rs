//! For any history, any batch size and any points of restart and crash: incremental = rebuilt = worked
//! out one event after the other.

use std::future::Future;

use eventloom_runtime::projection::{Projector, Rebuild};
use eventloom_runtime::testing::block_on;
use proptest::prelude::*;

use super::ledger::{Balances, Entry, Moves, Tags};
use super::model::Expected;
use super::rig::{Place, append, batches, moved, opened, tagged};
use super::unreliable::{Fate, Unreliable};

/// One append of a history, and what is done after it.
#[derive(Clone, Debug)]
struct Round {
    stream: usize,
    entries: Vec<Entry>,
    then: Then,
}

#[derive(Clone, Debug)]
enum Then {
    Nothing,
    /// A program is started that folds so many events at a time, and its commits fare like this.
    CatchUp(usize, Vec<Fate>),
    Rebuild(usize),
}

const STREAMS: [&str; 4] = ["a", "b", "A", "ä"];

fn entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        2 => "[a-c]".prop_map(|owner| opened(&owner)),
        8 => (-50..50_i64).prop_map(moved),
        3 => prop::sample::select(vec!["x", "y", "X", "Y", "z"]).prop_map(tagged),
        1 => Just(Entry::Closed),
    ]
}

fn then() -> impl Strategy<Value = Then> {
    let fate = prop_oneof![
        4 => Just(Fate::Written),
        1 => Just(Fate::Lost),
        1 => Just(Fate::Unanswered),
    ];
    prop_oneof![
        3 => Just(Then::Nothing),
        4 => (1..9_usize, prop::collection::vec(fate, 0..4))
            .prop_map(|(batch, fates)| Then::CatchUp(batch, fates)),
        1 => (1..9_usize).prop_map(Then::Rebuild),
    ]
}

fn history() -> impl Strategy<Value = Vec<Round>> {
    let round = (0..STREAMS.len(), prop::collection::vec(entry(), 1..6), then());
    let round = round.prop_map(|(stream, entries, then)| Round { stream, entries, then });
    prop::collection::vec(round, 1..14)
}

async fn catch_up<L: Place>(place: &L, batch: usize, fates: &[Fate]) {
    let rows = Unreliable::new(place.rows().clone(), fates.iter().copied());
    let (store, options) = (place.store().clone(), batches(batch));
    let balances = Projector::<Balances, _, _>::open_with(store.clone(), rows.clone(), options);
    let tags = Projector::<Tags, _, _>::open_with(store, rows, batches(batch));
    // Where a commit fails the program ends here, and another one goes on.
    let _ = balances.await.expect("it opens").catch_up().await;
    let _ = tags.await.expect("it opens").catch_up().await;
}

async fn rebuild<L: Place>(place: &L, batch: usize) {
    let (store, rows) = (place.store().clone(), place.rows().clone());
    let balances =
        Projector::<Balances, _, _>::open_with(store.clone(), rows.clone(), batches(batch));
    let tags = Projector::<Tags, _, _>::open_with(store, rows, batches(batch));
    let (balances, tags) = (balances.await.expect("it opens"), tags.await.expect("it opens"));
    Rebuild::of(&balances).and(&tags).run(|_| {}).await.expect("both are rebuilt");
}

/// What a reader finds: the rows of both projections, and the poison of one.
async fn found<L: Place>(
    place: &L,
) -> (Vec<super::ledger::Balance>, Vec<super::ledger::Tag>, Vec<(String, u64)>) {
    let (store, rows) = (place.store().clone(), place.rows().clone());
    let balances =
        Projector::<Balances, _, _>::open(store.clone(), rows.clone()).await.expect("it opens");
    let tags = Projector::<Tags, _, _>::open(store, rows).await.expect("it opens");
    let poison = balances.status().await.expect("a status").poison;
    (
        balances.read_model().page(None, 100).await.expect("a page"),
        tags.read_model().page(None, 100).await.expect("a page"),
        poison.into_iter().map(|it| (it.stream_id.to_string(), it.position)).collect(),
    )
}

fn tags_of(entries: &[(&str, Entry)]) -> Vec<(String, i64)> {
    let mut tags = std::collections::BTreeMap::<String, i64>::new();
    for (_, entry) in entries {
        if let Entry::Tagged { tag } = entry {
            match tag.as_str() {
                "X" | "Y" => drop(tags.remove(&tag.to_lowercase())),
                _ => *tags.entry(tag.clone()).or_default() += 1,
            }
        }
    }
    tags.into_iter().collect()
}

async fn check<L: Place>(place: L, history: Vec<Round>, batch: usize) -> Result<(), TestCaseError> {
    let mut log: Vec<(&str, Entry)> = Vec::new();
    for round in &history {
        let stream = STREAMS[round.stream];
        let expected = log.iter().filter(|(id, _)| *id == stream).count() as u64;
        append(place.store(), stream, expected, &round.entries).await;
        log.extend(round.entries.iter().map(|entry| (stream, entry.clone())));
        match &round.then {
            Then::Nothing => {}
            Then::CatchUp(batch, fates) => catch_up(&place, *batch, fates).await,
            Then::Rebuild(batch) => rebuild(&place, *batch).await,
        }
    }
    let expected = Expected::of(log.iter().map(|(stream, entry)| (*stream, entry)));
    let mut poison: Vec<_> = expected.poison.clone().into_iter().collect();
    poison.sort_by_key(|(_, position)| *position);

    catch_up(&place, batch, &[]).await;
    let incremental = found(&place).await;
    rebuild(&place, batch).await;
    let rebuilt = found(&place).await;

    prop_assert_eq!(&incremental, &rebuilt);
    prop_assert_eq!(rebuilt.0, expected.rows());
    let tags: Vec<_> = rebuilt.1.into_iter().map(|row| (row.tag, row.uses)).collect();
    prop_assert_eq!(tags, tags_of(&log));
    prop_assert_eq!(rebuilt.2, poison);
    Ok(())
}

fn run<L: Place>(cases: u32, place: impl Fn() -> std::pin::Pin<Box<dyn Future<Output = L>>>) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(history in history(), batch in 1..20_usize)| {
        block_on(async { check(place().await, history, batch).await })?;
    });
}

#[test]
fn in_memory_rows_are_what_their_events_say() {
    run(256, || Box::pin(super::rig::InMemory::new()));
}

#[cfg(feature = "sqlite")]
#[test]
fn in_sqlite_rows_are_what_their_events_say() {
    run(12, || Box::pin(super::rig::InSqlite::new()));
}

#[cfg(feature = "testing-postgres")]
#[test]
fn in_postgres_rows_are_what_their_events_say() {
    run(8, || Box::pin(super::rig::InPostgres::new()));
}

/// The optimistic path: tables that are built from nothing take unknown keys for new ones.
#[test]
fn inserts_of_the_same_key_are_found_at_any_distance() {
    let amounts = prop::collection::vec(0..12_i64, 1..40);
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(amounts in amounts, batch in 1..12_usize)| {
        block_on(async {
            let place = super::rig::InMemory::new().await;
            for (stream, amount) in amounts.iter().enumerate() {
                append(place.store(), &stream.to_string(), 0, &[moved(*amount)]).await;
            }
            let (store, rows) = (place.store().clone(), place.rows().clone());
            let moves = Projector::<Moves, _, _>::open_with(store, rows, batches(batch)).await;
            let moves = moves.expect("it opens");
            let _ = moves.catch_up().await;

            let double = (0..amounts.len()).find(|at| amounts[..*at].contains(&amounts[*at]));
            let stopped = moves.status().await.expect("a status").poison;
            let stopped = stopped.first().map(|poison| poison.position);
            prop_assert_eq!(stopped, double.map(|at| at as u64 + 1));
            Ok(())
        })?;
    });
}
