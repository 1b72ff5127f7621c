//! What is refused inside an append's transaction, and those who append in the same one.

use std::time::Duration;

use eventloom_runtime::EventStore;
use eventloom_runtime::store::AppendError;
use eventloom_runtime::testing::block_on;

use super::{TABLE, ended, found};
use crate::projection::ledger::{Entry, ImmediateBalances};
use crate::projection::rig::{
    InPostgres, Place, append, appending, moved, new_event, open, opened, tagged,
};

/// A text that no index takes, of which nothing could be packed.
fn noise() -> String {
    let mut random = fastrand::Rng::with_seed(7);
    std::iter::repeat_with(|| random.alphanumeric()).take(20_000).collect()
}

/// An event that another program had appended could not be written into the rows of an immediate projection. What the server
/// refused ended the whole transaction: appends of no concern to the projection, which shared it by chance, were refused
/// too, and told that their connection had stood still.
#[test]
fn a_refusal_within_a_transaction_is_nobody_elses() {
    block_on(async {
        let place = InPostgres::new().await;
        let balances = open::<ImmediateBalances, _>(&place).await;
        let rows = place.place.sql(&format!("{TABLE} 'immediate'")).await.remove(0);
        place.place.sql(&format!("CREATE INDEX by_owner ON {rows} (\"order\")")).await;
        let (without, _) = place.open_again().await;
        append(&without, "long", 0, &[opened(&noise())]).await;
        // Three who come while a fourth is appending share the next transaction.
        let holder = place.place.session().await;
        holder.run("BEGIN; SELECT eventloom.begin_append()").await.expect("a lock");
        let send = |stream: &'static str, entry: Entry| {
            let (store, event) = (place.store().clone(), new_event(stream, 1, &entry));
            tokio::spawn(async move { store.append(appending(stream, 0, vec![event])).await })
        };
        let first = send("first", tagged("t"));
        let waits = "SELECT pid FROM pg_locks WHERE relation = 'eventloom.appending'::regclass AND NOT granted";
        found(&place.place.session().await, waits).await;
        let refused = send("refused", opened("Ada"));
        tokio::time::sleep(Duration::from_millis(50)).await;
        let others = [send("second", tagged("t")), send("third", tagged("t"))];
        tokio::time::sleep(Duration::from_millis(50)).await;
        holder.run("COMMIT").await.expect("an end");

        ended(first).await.expect("no panic").expect("an append");
        for other in others {
            ended(other).await.expect("no panic").expect("an append of no concern");
        }
        let refused = ended(refused).await.expect("no panic").expect_err("the rows are behind");
        let told =
            matches!(&refused, AppendError::Projection { reason, .. } if reason.contains("index"));
        assert!(told, "{refused:?}");

        place.place.sql("DROP INDEX eventloom.by_owner").await;
        append(place.store(), "refused", 0, &[opened("Ada"), moved(1)]).await;
        assert_eq!(balances.read_model().count().await, Ok(2));
        assert_eq!(place.place.sql("SELECT count(*) FROM eventloom.events").await, ["6"]);
    });
}
