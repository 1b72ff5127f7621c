//! What administrators set on a database, for all who use it.

use std::time::Duration;

use eventloom_runtime::EventStore;
use eventloom_runtime::projection::{Projector, ProjectorError, ReadDatabaseError};
use eventloom_runtime::store::{AppendError, StoreError};
use eventloom_runtime::testing::block_on;
use eventloom_runtime::testing::postgres::TestDatabase;

use super::{Own, ended};
use crate::postgres::{append, open, read};
use crate::projection::ledger::{Balances, ImmediateBalances};
use crate::projection::rig::{self, InPostgres, Place, moved, opened};

/// Sets something on a test's database, for those who connect from now on.
async fn set(place: &TestDatabase, setting: &str) {
    let name = place.sql("SELECT current_database()").await.remove(0);
    place.sql(&format!("ALTER DATABASE {name} {setting}")).await;
}

/// Ends the connections of programs, as an administrator does after a setting.
async fn cut(place: &TestDatabase) {
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE datname = current_database() AND application_name = 'eventloom'";
    place.sql(cut).await;
    // A connection that was used just now is taken to be there still.
    tokio::time::sleep(Duration::from_millis(600)).await;
}

/// An administrator made a database readable only, cut all connections, and made it writable again. Programs that had
/// connected meanwhile kept connections that could only read, and could append nothing until somebody restarted them.
#[test]
fn what_was_read_only_for_a_while_is_written_again() {
    block_on(async {
        let place = InPostgres::new().await;
        rig::append(place.store(), "a", 0, &[opened("Ada")]).await;
        let balances = rig::open::<Balances, _>(&place).await;
        balances.catch_up().await.expect("it catches up");
        rig::append(place.store(), "a", 1, &[moved(1)]).await;
        set(&place.place, "SET default_transaction_read_only TO on").await;
        cut(&place.place).await;

        let event = || vec![rig::new_event("a", 3, &moved(1))];
        for _ in 0..3 {
            let refused = rig::try_append(place.store(), "a", 2, event()).await;
            let Err(AppendError::Store(StoreError::Unwritable(reason))) = refused else {
                panic!("{refused:?}")
            };
            assert!(
                reason.contains("can only be read") && reason.contains("nothing was changed"),
                "{reason}"
            );
            let refused = balances.catch_up().await.expect_err("it can only be read");
            let told =
                matches!(refused, ProjectorError::Database(ReadDatabaseError::Unwritable(_)));
            assert!(told, "{refused:?}");
            balances.rebuild(|_| {}).await.expect_err("it can only be read");
        }
        assert_eq!(place.store().head().await, Ok(2));
        let row = balances.read_model().get(&"a".to_owned()).await.expect("what is there is read");
        assert_eq!(row.map(|row| row.moves), Some(0));

        let admin = place.place.session().await;
        let name = admin.run("SELECT current_database()").await.expect("a name").remove(0);
        admin.run("SET default_transaction_read_only TO off").await.expect("a setting");
        admin
            .run(&format!("ALTER DATABASE {name} RESET default_transaction_read_only"))
            .await
            .expect("a reset");

        // No program is restarted; each of its connections is made anew when it is next refused.
        assert_eq!(rig::try_append(place.store(), "a", 2, event()).await, Ok(3));
        let going_on = async {
            while balances.catch_up().await.is_err() || balances.rebuild(|_| {}).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        ended(going_on).await;
        let row = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
        assert_eq!(row.map(|row| row.moves), Some(2));
    });
}

/// Of a role that may only read, each connection can only read: it was ended and made anew for each question.
#[test]
fn who_may_only_read_keeps_its_connection() {
    block_on(async {
        let place = InPostgres::new().await;
        rig::append(place.store(), "a", 0, &[opened("Ada")]).await;
        set(&place.place, "SET default_transaction_read_only TO on").await;
        cut(&place.place).await;

        let mut connections = Vec::new();
        for _ in 0..4 {
            assert_eq!(place.store().head().await, Ok(1));
            let own = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() \
                AND application_name = 'eventloom' AND query LIKE '%max(%'";
            connections.extend(place.place.sql(own).await);
            // A connection that was used just now is not looked at.
            tokio::time::sleep(Duration::from_millis(600)).await;
        }
        connections.dedup();
        // It is made anew once: what it can may have been a setting of the time when it was made.
        assert!((1..=2).contains(&connections.len()), "{connections:?}");
    });
}

/// A server came back from a failure as one that can only be read, and became a full one some time after. What was sent
/// meanwhile must be refused, not lost.
#[test]
fn a_server_that_comes_back_read_only_refuses_and_goes_on_later() {
    block_on(async {
        let mut own = Own::start(&[]).await;
        let (store, rows) = (own.store.clone(), own.rows.clone());
        rig::append(&store, "a", 0, &[opened("Ada")]).await;
        let balances = Projector::<ImmediateBalances, _, _>::open(store.clone(), rows).await;
        let balances = balances.expect("a projector");
        own.sql("ALTER SYSTEM SET default_transaction_read_only TO on").await;
        own.server.crash().expect("a crash");
        own.server.restart().expect("a restart");
        tokio::time::sleep(Duration::from_millis(600)).await;

        for _ in 0..2 {
            let event = vec![rig::new_event("a", 2, &moved(1))];
            let refused = rig::try_append(&store, "a", 1, event).await;
            let told = matches!(&refused, Err(AppendError::Store(StoreError::Unwritable(_))));
            assert!(told, "{refused:?}");
        }
        assert_eq!(store.head().await, Ok(1));

        let admin = own.session().await;
        admin.run("SET default_transaction_read_only TO off").await.expect("a setting");
        admin.run("ALTER SYSTEM RESET default_transaction_read_only").await.expect("a setting");
        admin.run("SELECT pg_reload_conf()").await.expect("a reload");
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(rig::append(&store, "a", 1, &[moved(1)]).await, 2);
        let row = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
        assert_eq!(row.map(|row| row.moves), Some(1));
    });
}

/// An administrator's limit on how long statements take ended an append that waited for another's: it must be told as what
/// it is, leave nothing behind, and take no other append along.
#[test]
fn a_statement_that_takes_too_long_leaves_nothing_behind() {
    block_on(async {
        let place = TestDatabase::default();
        drop(open(&place).await);
        set(&place, "SET statement_timeout TO '300ms'").await;
        let store = open(&place).await;
        let holder = place.session().await;
        holder
            .run("SET statement_timeout TO 0; BEGIN; SELECT eventloom.begin_append()")
            .await
            .expect("a lock");

        let refused = ended(store.append(append("a", 0, 1))).await.expect_err("it takes too long");

        let AppendError::Store(StoreError::Unavailable(reason)) = &refused else {
            panic!("{refused:?}")
        };
        assert!(
            reason.contains("statement_timeout") && reason.contains("nothing was changed"),
            "{reason}"
        );
        holder.run("COMMIT").await.expect("an end");
        assert_eq!(store.append(append("a", 0, 1)).await.map(|it| it.position), Ok(1));
        assert_eq!(read(&store, 0).await.0.len(), 1);
    });
}

/// Limits that suit people's queries, an administrator thought, and cut off what has several statements in a transaction,
/// or waits its turn as it should.
#[test]
fn limits_for_idle_transactions_and_locks_do_not_reach_the_store() {
    block_on(async {
        let at = TestDatabase::default();
        set(&at, "SET idle_in_transaction_session_timeout TO '1ms'").await;
        set(&at, "SET lock_timeout TO '50ms'").await;
        let place = InPostgres::at(at).await;
        let immediate = rig::open::<ImmediateBalances, _>(&place).await;
        let balances = rig::open::<Balances, _>(&place).await;
        rig::append(place.store(), "a", 0, &[opened("Ada")]).await;
        let holder = place.place.session().await;
        let hold =
            "SET idle_in_transaction_session_timeout TO 0; BEGIN; SELECT eventloom.begin_append()";
        holder.run(hold).await.expect("a lock");
        let ending = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(400)).await;
            holder.run("COMMIT").await.expect("an end");
        });
        for sequence in 1..=20 {
            rig::append(place.store(), "a", sequence, &[moved(1)]).await;
        }
        ending.await.expect("it ends");
        balances.catch_up().await.expect("it catches up");
        balances.rebuild(|_| {}).await.expect("it is rebuilt");
        immediate.rebuild(|_| {}).await.expect("it is rebuilt");
        for row in [
            immediate.read_model().get(&"a".to_owned()).await,
            balances.read_model().get(&"a".to_owned()).await,
        ] {
            assert_eq!(row.expect("an answer").map(|row| row.moves), Some(20));
        }
    });
}
