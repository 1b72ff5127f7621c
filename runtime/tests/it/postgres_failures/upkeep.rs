//! Those who keep a database up: the server's own upkeep, operators, and people with tables of their own.

use std::time::Duration;

use eventloom_runtime::projection::{Projector, ReadDatabase};
use eventloom_runtime::testing::block_on;

use super::{Own, TABLE, ended, found};
use crate::projection::ledger::{Balances, NextBalances};
use crate::projection::rig::{InPostgres, Place, append, moved, open, opened};

/// The server's own upkeep of a large table, which goes on for long and lets those go first who wait for a second, was met
/// by a switch that never waited so long: a rebuild tried and tried, and was not done before the upkeep was.
#[test]
fn a_rebuild_changes_places_though_the_server_tidies_the_rows_up() {
    block_on(async {
        let own = Own::start(&["autovacuum_naptime=1s"]).await;
        append(&own.store, "a", 0, &[opened("Ada"), moved(15)]).await;
        let balances = Projector::<Balances, _, _>::open(own.store.clone(), own.rows.clone()).await;
        let balances = balances.expect("a projector");
        balances.catch_up().await.expect("it catches up");
        let rows = own.sql(&format!("{TABLE} 'table'")).await.remove(0);
        // Rows of no stream, so many of them that to tidy them up takes minutes.
        own.sql(&format!(
            "INSERT INTO {rows} SELECT 'x' || i, repeat(md5(i::text), 30), 0, 0 FROM generate_series(1, 10000) AS i; \
             ALTER TABLE {rows} SET (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1, \
             autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0); \
             DELETE FROM {rows} WHERE \"select\" LIKE 'x%'"
        ))
        .await;
        let tidying = format!(
            "SELECT pid FROM pg_stat_activity WHERE query LIKE 'autovacuum: VACUUM%{rows}' \
             AND pid IN (SELECT pid FROM pg_locks WHERE granted AND relation = '{rows}'::regclass)"
        );
        found(&own.session().await, &tidying).await;

        ended(balances.rebuild(|_| {})).await.expect("it is rebuilt");

        let row = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
        assert_eq!(row.map(|row| row.moves), Some(1));
    });
}

/// What an operator had set on a table, such as when the server tidies it up, was gone with the table that a rebuild
/// replaced.
#[test]
fn what_an_operator_set_on_a_table_outlives_a_rebuild() {
    block_on(async {
        let place = InPostgres::new().await;
        append(place.store(), "a", 0, &[opened("Ada"), moved(15)]).await;
        let balances = open::<Balances, _>(&place).await;
        balances.catch_up().await.expect("it catches up");
        let rows = place.place.sql(&format!("{TABLE} 'table'")).await.remove(0);
        place
            .place
            .sql(&format!(
                "ALTER TABLE {rows} SET (autovacuum_vacuum_scale_factor = 0.01, fillfactor = 60, \
                 toast.autovacuum_enabled = false)"
            ))
            .await;
        let set = format!(
            "SELECT unnest(o.reloptions) FROM pg_class o JOIN pg_class t ON o.oid IN (t.oid, t.reltoastrelid) \
             WHERE t.oid = '{rows}'::regclass ORDER BY 1"
        );
        let before = place.place.sql(&set).await;
        assert_eq!(before.len(), 3, "{before:?}");

        balances.rebuild(|_| {}).await.expect("it is rebuilt");

        assert_eq!(place.place.sql(&set).await, before);
        assert_eq!(place.place.sql(r#"SELECT "rowid" FROM "table""#).await, ["1"]);
    });
}

/// A table of the user's own that took a read model's name after its projection was opened: the commit that completed the
/// rows failed for it, again and again, or worse, took it for ours.
#[test]
fn a_table_of_the_users_own_is_left_alone_and_holds_nobody_up() {
    block_on(async {
        let place = InPostgres::new().await;
        append(place.store(), "a", 0, &[opened("Ada"), moved(15)]).await;
        for (make, mine, drop) in [
            (
                r#"CREATE TABLE public."table" AS SELECT 'mine' AS note"#,
                r#"SELECT note FROM public."table""#,
                r#"DROP TABLE public."table""#,
            ),
            (
                r#"CREATE VIEW public."table" AS SELECT 'mine' AS note"#,
                r#"SELECT note FROM public."table""#,
                r#"DROP VIEW public."table""#,
            ),
        ] {
            let balances = open::<Balances, _>(&place).await;
            place.place.sql(make).await;

            balances.catch_up().await.expect("it catches up");
            balances.rebuild(|_| {}).await.expect("it is rebuilt");

            assert_eq!(place.place.sql(mine).await, ["mine"]);
            let row = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
            assert_eq!(row.map(|row| row.owner).as_deref(), Some("Ada"));
            let versions = place.rows().versions().await.expect("versions");
            assert_eq!(place.rows().discard(&versions[0]).await, Ok(true));
            assert_eq!(place.place.sql(mine).await, ["mine"]);

            place.place.sql(drop).await;
            let balances = open::<Balances, _>(&place).await;
            balances.catch_up().await.expect("it catches up");
            assert_eq!(place.place.sql(r#"SELECT "order" FROM "table""#).await, ["Ada"]);
            assert_eq!(place.rows().discard(&versions[0]).await, Ok(true));
        }
    });
}

/// A view of the user's own, of the name of a read model and made of its rows so that some are left out, was taken for ours
/// and pointed at all of them: who might see some saw all.
#[test]
fn a_view_of_the_users_own_on_our_rows_is_not_replaced() {
    block_on(async {
        let place = InPostgres::new().await;
        append(place.store(), "a", 0, &[opened("Ada")]).await;
        append(place.store(), "b", 0, &[opened("Bob")]).await;
        let balances = open::<Balances, _>(&place).await;
        balances.catch_up().await.expect("it catches up");
        let rows = place.place.sql(&format!("{TABLE} 'table'")).await.remove(0);
        let seen = r#"SELECT "order" FROM public."table" ORDER BY 1"#;
        assert_eq!(place.place.sql(seen).await, ["Ada", "Bob"]);
        let narrow = format!(
            r#"CREATE OR REPLACE VIEW public."table" AS SELECT * FROM {rows} WHERE "order" = 'Ada'"#
        );
        place.place.sql(&narrow).await;

        let refused = balances.rebuild(|_| {}).await.expect_err("a view names the old rows");
        assert!(refused.to_string().contains("view \"table\" depends on table"), "{refused}");
        open::<NextBalances, _>(&place).await.catch_up().await.expect("it catches up");
        assert_eq!(place.place.sql(seen).await, ["Ada"]);
        for version in place.rows().versions().await.expect("versions").iter().rev() {
            let _ = place.rows().discard(version).await;
        }
        assert_eq!(place.place.sql(seen).await, ["Ada"]);
        balances.catch_up().await.expect("its rows are there");

        place.place.sql(r#"DROP VIEW public."table""#).await;
        open::<Balances, _>(&place).await.rebuild(|_| {}).await.expect("it is rebuilt");
        assert_eq!(place.place.sql(seen).await, ["Ada", "Bob"]);
    });
}

/// A view that could not be pointed at its rows when they were complete, since its schema was away, stayed away until the
/// projection was opened again: with a program that runs for months, for months.
#[test]
fn a_view_that_could_not_be_shown_is_shown_beside_a_later_commit() {
    block_on(async {
        let place = InPostgres::new().await;
        append(place.store(), "a", 0, &[opened("Ada")]).await;
        let balances = open::<Balances, _>(&place).await;
        place.place.sql("ALTER SCHEMA public RENAME TO away").await;
        balances.catch_up().await.expect("the rows are right without their view");
        let views = "SELECT schemaname FROM pg_views WHERE viewname = 'table'";
        assert!(place.place.sql(views).await.is_empty());
        let row = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
        assert_eq!(row.map(|row| row.owner).as_deref(), Some("Ada"));

        place.place.sql("ALTER SCHEMA away RENAME TO public").await;
        let shown = async {
            for sequence in 1.. {
                tokio::time::sleep(Duration::from_millis(300)).await;
                append(place.store(), "a", sequence, &[moved(1)]).await;
                balances.catch_up().await.expect("it catches up");
                if !place.place.sql(views).await.is_empty() {
                    return sequence;
                }
            }
            0
        };
        let moves = ended(shown).await;

        let shown = place.place.sql(r#"SELECT "rowid" FROM "table""#).await;
        assert_eq!(shown, [moves.to_string()]);
    });
}
