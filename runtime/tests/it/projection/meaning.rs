//! Two versions of a program side by side: each keeps its own rows.

use eventloom_runtime::projection::ReadModelError;

use super::ledger::{Balances, NextBalances};
use super::rig::{Place, append, everywhere, moved, open, opened};

everywhere!(
    a_changed_meaning_builds_rows_of_its_own,
    an_older_version_goes_on_beside_a_newer_one,
    half_built_rows_are_not_read,
);

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

    assert_eq!(early, Err(ReadModelError::BeingBuilt { projection: "Balances", position: 0 }));
    balances.catch_up().await.expect("it catches up");
    assert!(rows.get(&"a".to_owned()).await.is_ok());
}
