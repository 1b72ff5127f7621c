//! Reading rows by key, and all of them in the order of their keys.

use eventloom_runtime::Decimal;
use eventloom_runtime::projection::ReadModel;

use super::ledger::{Balances, Moves};
use super::rig::{Place, append, everywhere, moved, open, opened};

everywhere!(
    pages_follow_each_other_without_gap,
    decimals_are_in_the_order_of_their_values,
    texts_are_in_the_order_of_their_bytes,
    a_program_that_runs_no_projection_reads,
);

async fn pages_follow_each_other_without_gap<L: Place>(place: L) {
    for stream in 0..25 {
        append(place.store(), &format!("s{stream:02}"), 0, &[opened("Ada")]).await;
    }
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");
    let rows = balances.read_model();
    let (mut after, mut seen) = (None, Vec::new());

    loop {
        let page = rows.page(after.as_ref(), 10).await.expect("a page");
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        seen.extend(page.into_iter().map(|row| row.id));
    }

    assert_eq!(seen, (0..25).map(|stream| format!("s{stream:02}")).collect::<Vec<_>>());
    assert_eq!(rows.page(None, 0).await, Ok(vec![]));
}

/// As text, 10 comes before 9, and -1 before -2.
async fn decimals_are_in_the_order_of_their_values<L: Place>(place: L) {
    let amounts = ["10", "9", "-2", "-1", "0.5", "0.25", "100", "9.999"];
    let entries: Vec<_> = amounts
        .iter()
        .map(|amount| super::ledger::Entry::Moved { amount: amount.parse().expect("a decimal") })
        .collect();
    append(place.store(), "a", 0, &entries).await;
    let moves = open::<Moves, L>(&place).await;
    moves.catch_up().await.expect("it catches up");

    let first = moves.read_model().page(None, 4).await.expect("a page");
    let second = moves.read_model().page(first.last(), 100).await.expect("a page");

    let decimals = |rows: &[(Decimal, i64)]| rows.iter().map(|row| row.0.to_string()).collect();
    let (first, second): (Vec<_>, Vec<_>) = (decimals(&first), decimals(&second));
    assert_eq!(first, ["-2", "-1", "0.25", "0.5"]);
    assert_eq!(second, ["9", "9.999", "10", "100"]);
}

async fn texts_are_in_the_order_of_their_bytes<L: Place>(place: L) {
    let ids = ["b", "a", "B", "ä", "a'b", "a\"b", "", "a b", "🙂", "%", "a\0b"];
    for id in ids {
        append(place.store(), id, 0, &[opened("Ada"), moved(1)]).await;
    }
    let balances = open::<Balances, L>(&place).await;
    balances.catch_up().await.expect("it catches up");

    let rows = balances.read_model().page(None, 100).await.expect("a page");

    let mut sorted = ids;
    sorted.sort_unstable();
    assert_eq!(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), sorted);
    for id in ids {
        let row = balances.read_model().get(&id.to_owned()).await.expect("an answer");
        assert_eq!(row.expect("a row").id, id);
    }
}

async fn a_program_that_runs_no_projection_reads<L: Place>(place: L) {
    append(place.store(), "a", 0, &[opened("Ada")]).await;
    open::<Balances, L>(&place).await.catch_up().await.expect("it catches up");

    let rows = ReadModel::<Balances, _>::open(place.rows().clone()).await.expect("it opens");

    assert_eq!(rows.clone().count().await, Ok(1));
}
