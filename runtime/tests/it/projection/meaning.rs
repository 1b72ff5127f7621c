//! Two versions of a program side by side: each keeps its own rows.

use eventloom_runtime::projection::{
    Projector, ReadDatabase, ReadDatabaseError, ReadModelError, RowsVersion,
};

use super::ledger::{Balances, LEDGER, Namesakes, NextBalances, TILL, of_ledger};
use super::rig::{Place, append, append_to, everywhere, moved, open, opened};

everywhere!(
    a_changed_meaning_builds_rows_of_its_own,
    an_older_version_goes_on_beside_a_newer_one,
    half_built_rows_are_not_read,
    versions_that_nobody_runs_are_discarded,
    rows_of_another_store_are_built_anew_once_they_are_discarded,
    a_runner_whose_rows_were_discarded_says_so,
    rows_that_are_built_anew_are_not_read_before_they_are_whole,
    projections_of_one_name_keep_their_own_rows,
);

/// What is listed of a version of `Balances` whose one event is folded.
fn version(meaning: u64, shown: bool) -> RowsVersion {
    RowsVersion {
        aggregate: LEDGER.to_owned(),
        projection: "Balances".to_owned(),
        target: "table".to_owned(),
        meaning,
        position: 1,
        complete: true,
        shown,
    }
}

/// The projections of two aggregates had one name, equal columns and events of equal names: they shared
/// one table and one checkpoint, so that neither had all of its rows and each showed some of the other's.
async fn projections_of_one_name_keep_their_own_rows<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    append_to(TILL, place.store(), "a", &[opened("Eve"), moved(2)]).await;
    append_to(TILL, place.store(), "b", &[moved(2)]).await;
    let balances = open::<Balances, L>(&place).await;
    let namesakes = open::<Namesakes, L>(&place).await;

    balances.catch_up().await.expect("it catches up");
    namesakes.catch_up().await.expect("it catches up");
    namesakes.skip_poison(4, "Olga", "never opened").await.expect("it is skipped");

    let (ours, theirs) = (balances.read_model(), namesakes.read_model());
    let owner = ours.get(&"a".to_owned()).await.expect("an answer").expect("a row").owner;
    assert_eq!((&*owner, ours.count().await), ("Ada", Ok(1)));
    let owner = theirs.get(&"a".to_owned()).await.expect("an answer").expect("a row").owner;
    assert_eq!((&*owner, theirs.count().await), ("Eve", Ok(1)));
    let (aggregate, target) = (TILL.to_owned(), "namesakes".to_owned());
    let of_ledger = RowsVersion { position: 4, ..version(1, true) };
    let of_till = RowsVersion { aggregate, target, ..of_ledger.clone() };
    let both = vec![of_ledger.clone(), of_till.clone()];
    assert_eq!(place.rows().versions().await, Ok(both), "operators see whose is whose");
    assert_eq!(place.rows().discard(&of_ledger).await, Ok(true));
    assert_eq!(place.rows().versions().await, Ok(vec![of_till]));
    let skipped = open::<Namesakes, L>(&place).await;
    skipped.rebuild(|_| {}).await.expect("it is rebuilt");
    assert_eq!(skipped.status().await.expect("a status").poison, vec![], "it stays skipped");
}

async fn a_changed_meaning_builds_rows_of_its_own<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada"), moved(1)]).await;
    let old = open::<Balances, L>(&place).await;
    old.catch_up().await.expect("it catches up");

    let new = open::<NextBalances, L>(&place).await;
    assert_eq!(new.status().await.expect("a status").position, 0);
    new.catch_up().await.expect("it catches up");

    assert_eq!(new.read_model().count().await, Ok(1));
    assert_eq!(old.read_model().count().await, Ok(1));
}

async fn an_older_version_goes_on_beside_a_newer_one<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    let (old, new) = (open::<Balances, L>(&place).await, open::<NextBalances, L>(&place).await);
    new.catch_up().await.expect("it catches up");
    old.catch_up().await.expect("it catches up");
    append(place.store(), "a", 1, &[moved(1)]).await;

    old.catch_up().await.expect("it catches up");

    let (old, new) = (old.read_model(), new.read_model());
    let old = old.get(&"a".to_owned()).await.expect("an answer").expect("a row");
    let new = new.get(&"a".to_owned()).await.expect("an answer").expect("a row");
    assert_eq!((old.moves, new.moves), (1, 0), "neither touches the other's rows");
}

async fn half_built_rows_are_not_read<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    let balances = open::<Balances, L>(&place).await;
    let rows = balances.read_model();

    let early = rows.get(&"a".to_owned()).await;

    assert_eq!(
        early,
        Err(ReadModelError::BeingBuilt { projection: of_ledger("Balances"), position: 0 })
    );
    balances.catch_up().await.expect("it catches up");
    assert!(rows.get(&"a".to_owned()).await.is_ok());
}

async fn versions_that_nobody_runs_are_discarded<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    let (old, new) = (open::<Balances, L>(&place).await, open::<NextBalances, L>(&place).await);
    old.catch_up().await.expect("it catches up");
    new.catch_up().await.expect("it catches up");
    let versions = place.rows().versions().await;
    assert_eq!(versions, Ok(vec![version(1, false), version(2, true)]));

    let others = RowsVersion { projection: "Others".to_owned(), ..version(2, true) };
    assert_eq!(place.rows().discard(&version(1, false)).await, Ok(true));
    assert_eq!(place.rows().discard(&version(1, true)).await, Ok(false), "it is gone");
    assert_eq!(place.rows().discard(&others).await, Ok(false));

    assert_eq!(place.rows().versions().await, Ok(vec![version(2, true)]));
    assert_eq!(new.read_model().count().await, Ok(1));
}

async fn rows_of_another_store_are_built_anew_once_they_are_discarded<L: Place>(place: L) {
    append(place.store(), "a", 0, &[moved(1), opened("Ada")]).await;
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");
    balances.skip_poison(1, "Olga", "opened too late").await.expect("it is skipped");
    let restored = L::new().await;
    append(restored.store(), "a", 0, &[opened("Eve")]).await;

    place.rows().discard(&version(1, true)).await.expect("it is discarded");

    let (store, rows) = (restored.store().clone(), place.rows().clone());
    let anew = Projector::<Balances, _, _>::open(store, rows).await.expect("it opens");
    anew.catch_up().await.expect("it catches up");
    let eve = anew.read_model().get(&"a".to_owned()).await.expect("an answer");
    assert_eq!(eve.expect("a row").owner, "Eve", "what was skipped there is not skipped here");
}

async fn a_runner_whose_rows_were_discarded_says_so<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");
    place.rows().discard(&version(1, true)).await.expect("it is discarded");
    append(place.store(), "a", 1, &[moved(1)]).await;

    let gone = balances.catch_up().await;

    assert_eq!(gone, Err(ReadDatabaseError::Gone(of_ledger("Balances")).into()));
    let anew = open::<Balances, L>(&place).await;
    anew.catch_up().await.expect("a restart builds them anew");
    assert_eq!(anew.read_model().count().await, Ok(1));
}

/// A program that only read the rows had once seen that they are complete. They were discarded and built anew by
/// another: the reader got answers from however few rows there were by then.
async fn rows_that_are_built_anew_are_not_read_before_they_are_whole<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");
    let rows = balances.read_model();
    assert_eq!(rows.count().await, Ok(1));

    place.rows().discard(&version(1, true)).await.expect("it is discarded");
    let anew = open::<Balances, L>(&place).await;

    let projection = of_ledger("Balances");
    let gone = ReadModelError::from(ReadDatabaseError::Gone(projection));
    assert_eq!(rows.count().await, Err(gone.clone()));
    assert_eq!(rows.get(&"a".to_owned()).await, Err(gone.clone()));
    assert_eq!(rows.page(None, 10).await, Err(gone));
    let being_built = ReadModelError::BeingBuilt { projection, position: 0 };
    assert_eq!(anew.read_model().count().await, Err(being_built));
    anew.catch_up().await.expect("it catches up");
    assert_eq!(anew.read_model().count().await, Ok(1));
}
