//! Rebuilt rows on a server take the place of rows that somebody reads.

use eventloom_runtime::testing::block_on;
use tokio::sync::mpsc::unbounded_channel;

use super::ledger::{Balances, ImmediateBalances};
use super::rig::{InPostgres, Place, SOON, append, moved, open, opened};

/// A rebuild that waited for a reader kept the runner of its own process waiting too, so that the rows that serve stood
/// still, and after a quarter of an hour it threw away what it had built.
#[test]
fn a_rebuild_waits_for_readers_while_all_rows_go_on() {
    block_on(async {
        let place = InPostgres::new().await;
        append(place.store(), "a", 0, &[opened("Ada"), moved(15)]).await;
        let balances = open::<Balances, _>(&place).await;
        balances.catch_up().await.expect("it catches up");
        let running = balances.spawn();
        let held = place.place.session().await;
        held.run(r#"BEGIN; SELECT * FROM "table""#).await.expect("rows");
        let (tell, mut told) = unbounded_channel();
        let rebuild = balances.rebuild(move |step| {
            if step.waits {
                tell.send(step.position).expect("somebody listens");
            }
        });
        let reader = async {
            assert_eq!(told.recv().await, Some(2), "it waits");
            let position = append(place.store(), "a", 2, &[moved(1)]).await;
            balances.wait_for(position, SOON).await.expect("the rows that serve go on");
            while told.recv().await.expect("it waits") < position {}
            held.run("COMMIT").await.expect("an end");
            told
        };

        let (rebuilt, _told) = tokio::join!(rebuild, reader);

        rebuilt.expect("it is rebuilt");
        let position = append(place.store(), "a", 3, &[moved(1)]).await;
        balances.wait_for(position, SOON).await.expect("the rebuilt rows go on");
        let ada = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
        assert_eq!(ada.expect("a row").amount, 17.into());
        running.stop().await.expect("it stops");
    });
}

/// Rows of an `immediate` projection that wait for a reader were not brought up to date in between: each attempt did it all
/// again, within an append's place, and each held the appends up for longer.
#[test]
fn immediate_rows_are_brought_up_to_date_before_each_attempt() {
    block_on(async {
        let place = InPostgres::new().await;
        append(place.store(), "a", 0, &[opened("Ada"), moved(15)]).await;
        let balances = open::<ImmediateBalances, _>(&place).await;
        balances.catch_up().await.expect("it catches up");
        let held = place.place.session().await;
        held.run("BEGIN; SELECT * FROM immediate").await.expect("rows");
        let (tell, mut told) = unbounded_channel();
        let rebuild = balances.rebuild(move |step| {
            if step.waits {
                tell.send(step.position).expect("somebody listens");
            }
        });
        let reader = async {
            assert_eq!(told.recv().await, Some(2), "it waits");
            let position = append(place.store(), "a", 2, &[moved(1)]).await;
            for _ in 0..3 {
                if told.recv().await.expect("it waits") >= position {
                    held.run("COMMIT").await.expect("an end");
                    return told;
                }
            }
            panic!("nothing has been folded in between");
        };

        let (rebuilt, _told) = tokio::join!(rebuild, reader);

        rebuilt.expect("it is rebuilt");
        append(place.store(), "a", 3, &[moved(1)]).await;
        let ada = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
        assert_eq!(ada.expect("a row").amount, 17.into());
    });
}
