//! Transactions that PostgreSQL ends for the sake of others: deadlocks and serialisation failures.

use std::time::Duration;

use eventloom_runtime::EventStore;
use eventloom_runtime::store::{AppendError, StoreError};
use eventloom_runtime::testing::block_on;
use eventloom_runtime::testing::postgres::TestDatabase;

use super::{TABLE, ended, found};
use crate::postgres::{append, appending, open, read};
use crate::projection::ledger::{Balances, ImmediateBalances};
use crate::projection::rig::{self, InPostgres, Place, moved, opened};

/// Whether somebody waits for a lock on a table.
fn waits_for(table: &str) -> String {
    format!("SELECT pid FROM pg_locks WHERE NOT granted AND relation = '{table}'::regclass")
}

/// Somebody reads the events under a lock and then appends, as a script for a migration does: the opposite order of ours.
/// PostgreSQL ends one of the two, and we were it: the append failed though nothing spoke against it, and whoever was not
/// ready to send a command again lost it.
#[test]
fn an_append_that_is_ended_for_a_deadlock_is_made_again() {
    block_on(async {
        let place = TestDatabase::default();
        let store = open(&place).await;
        store.append(append("a", 0, 1)).await.expect("an append");
        let other = place.session().await;
        let lock = "BEGIN; SET LOCAL deadlock_timeout TO '1h'; LOCK TABLE eventloom.events IN SHARE ROW EXCLUSIVE MODE";
        other.run(lock).await.expect("a lock");
        let ours = tokio::spawn({
            let store = store.clone();
            async move { store.append(append("a", 1, 2)).await }
        });
        found(&place.session().await, &waits_for("eventloom.events")).await;

        let theirs = ended(other.run(&appending("theirs"))).await;
        other.run("COMMIT").await.expect("an end");

        assert_eq!(theirs, Ok(vec!["0".to_owned()]));
        let ours = ended(ours).await.expect("no panic");
        assert_eq!(ours.map(|it| it.position), Ok(4));
        let (events, next) = read(&store, 0).await;
        let one = |stream: &str, sequence| (stream.to_owned(), sequence);
        assert_eq!(events, [one("a", 1), one("theirs", 1), one("a", 2), one("a", 3)]);
        assert_eq!(next, 4);
    });
}

/// The same inside a transaction with an immediate projection: rows and events are both there once, or neither.
#[test]
fn an_immediate_projection_survives_a_deadlock() {
    block_on(async {
        let place = InPostgres::new().await;
        let balances = rig::open::<ImmediateBalances, _>(&place).await;
        rig::append(place.store(), "a", 0, &[opened("Ada")]).await;
        let rows = place.place.sql(&format!("{TABLE} 'immediate'")).await.remove(0);
        for (round, table) in (1..).zip(["eventloom.events", &rows]) {
            let other = place.place.session().await;
            let lock = format!(
                "BEGIN; SET LOCAL deadlock_timeout TO '1h'; LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"
            );
            other.run(&lock).await.expect("a lock");
            let ours = tokio::spawn({
                let store = place.store().clone();
                let event = rig::new_event("a", round + 1, &moved(1));
                async move { rig::try_append(&store, "a", round, vec![event]).await }
            });
            found(&place.place.session().await, &waits_for(table)).await;

            ended(other.run("LOCK TABLE eventloom.appending IN EXCLUSIVE MODE; COMMIT"))
                .await
                .expect("a lock");

            let ours = ended(ours).await.expect("no panic");
            assert_eq!(ours, Ok(round + 1), "{table}");
            let row = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
            let (moves, events) =
                (row.map(|row| row.moves.unsigned_abs()), place.store().head().await);
            assert_eq!((moves, events), (Some(round), Ok(round + 1)), "{table}");
        }
    });
}

/// A trigger of the user's that refuses an append so many times for the sake of another transaction, and then lets it pass.
fn refusing(times: u32, code: &str) -> String {
    format!(
        "CREATE SEQUENCE public.tries; \
         CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF nextval('public.tries') <= {times} THEN RAISE EXCEPTION 'another went first' USING ERRCODE = '{code}'; END IF; \
         RETURN NEW; END $$; \
         CREATE TRIGGER refuse BEFORE INSERT ON eventloom.events FOR EACH STATEMENT EXECUTE FUNCTION public.refuse()"
    )
}

/// What was refused for the sake of another transaction was told as a failure at once, though the server says that it may
/// be tried again; and one that is refused for ever must end, with nothing done.
#[test]
fn a_serialisation_failure_is_tried_again_and_not_for_ever() {
    for code in ["40001", "40P01"] {
        block_on(async {
            let place = TestDatabase::default();
            let store = open(&place).await;
            place.sql(&refusing(2, code)).await;

            let done = store.append(append("a", 0, 3)).await.map(|it| it.position);

            assert_eq!(done, Ok(3), "{code}");
            place.sql("SELECT setval('public.tries', 1, false)").await;
            place
                .sql(&format!(
                    "DROP FUNCTION public.refuse CASCADE; DROP SEQUENCE public.tries; {}",
                    refusing(1_000, code)
                ))
                .await;
            let refused = ended(store.append(append("a", 3, 1))).await.expect_err("it is refused");
            assert!(
                matches!(refused, AppendError::Store(StoreError::Unavailable(_))),
                "{refused:?}"
            );
            assert!(refused.to_string().contains("nothing was changed"), "{refused}");
            assert_eq!(read(&store, 0).await.0.len(), 3, "{code}");
            place.sql("DROP FUNCTION public.refuse CASCADE").await;
            assert_eq!(store.append(append("a", 3, 1)).await.map(|it| it.position), Ok(4));
        });
    }
}

/// A database or a role whose transactions are all serialisable, as an administrator sets it: appends and commits that
/// should only wait for each other were ended by PostgreSQL, and an append could not see what was committed while it waited.
#[test]
fn transactions_that_are_serialisable_by_default_change_nothing() {
    for (level, place) in [("serializable", "database"), ("repeatable read", "role")] {
        block_on(async {
            let at = TestDatabase::default();
            let name = at.sql("SELECT current_database()").await.remove(0);
            let set = match place {
                "database" => format!("ALTER DATABASE {name} SET"),
                _ => format!("ALTER ROLE eventloom IN DATABASE {name} SET"),
            };
            at.sql(&format!("{set} default_transaction_isolation TO '{level}'")).await;
            assert_eq!(at.sql("SHOW transaction_isolation").await, [level]);
            let place = InPostgres::at(at).await;
            let (other, rows) = place.open_again().await;
            let immediate = rig::open::<ImmediateBalances, _>(&place).await;
            let balances = rig::open::<Balances, _>(&place).await;
            rig::append(place.store(), "a", 0, &[opened("Ada")]).await;

            let race = |store: eventloom_runtime::store::postgres::PostgresStore| {
                tokio::spawn(async move {
                    let (mut expected, mut landed) = (1, 0);
                    while landed < 25 {
                        let event = rig::new_event("a", expected + 1, &moved(1));
                        match rig::try_append(&store, "a", expected, vec![event]).await {
                            Ok(_) => (landed, expected) = (landed + 1, expected + 1),
                            Err(AppendError::Conflict { actual, .. }) => expected = actual,
                            Err(error) => panic!("{error}"),
                        }
                    }
                })
            };
            let racers = [race(place.store().clone()), race(other)];
            let following = async {
                loop {
                    balances.catch_up().await.expect("it catches up");
                    let row = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
                    if row.is_some_and(|row| row.moves == 50) {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            };
            ended(following).await;
            for racer in racers {
                racer.await.expect("every append has an outcome");
            }
            balances.rebuild(|_| {}).await.expect("it is rebuilt");

            assert_eq!(place.store().head().await, Ok(51));
            immediate.catch_up().await.expect("it catches up");
            for model in [
                immediate.read_model().get(&"a".to_owned()).await,
                balances.read_model().get(&"a".to_owned()).await,
            ] {
                assert_eq!(model.expect("an answer").map(|row| row.moves), Some(50));
            }
            drop(rows);
        });
    }
}
