//! Statements that a connection keeps prepared, on both sides of it.

use eventloom_runtime::projection::{
    Comparison, Condition, Operand, PostgresReadDatabase, Projector, Query, ReadDatabase, TableSpec,
};
use eventloom_runtime::store::postgres::{PostgresDatabase, PostgresOptions, PostgresStore};
use eventloom_runtime::testing::block_on;
use eventloom_runtime::testing::postgres::TestDatabase;

use crate::projection::ledger::Balances;
use crate::projection::rig::{append, moved, opened};

/// Each rebuild has a table of another name, and each query of another form another text. All of their statements stayed
/// prepared for as long as their connections lived, here and in the server: a program that ran for months grew without end.
#[test]
fn a_connection_keeps_a_bounded_number_of_statements() {
    block_on(async {
        let place = TestDatabase::default();
        let options = PostgresOptions { connections: 1, ..PostgresOptions::default() };
        let database = PostgresDatabase::with(&place.url().await, options).expect("an address");
        let store = PostgresStore::open(&database).await.expect("a store");
        let rows = PostgresReadDatabase::open(&database).await.expect("read models");
        append(&store, "a", 0, &[opened("Ada"), moved(1)]).await;
        let balances = Projector::<Balances, _, _>::open(store.clone(), rows.clone()).await;
        let balances = balances.expect("a projector");
        // Whoever commits rows tells how many statements its connection has.
        place
            .sql(
                "CREATE TABLE public.statements (time serial, many bigint); \
                 CREATE FUNCTION public.look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 INSERT INTO public.statements (many) SELECT count(*) FROM pg_prepared_statements; RETURN NULL; END $$; \
                 CREATE TRIGGER look AFTER UPDATE ON eventloom.read_models FOR EACH STATEMENT EXECUTE FUNCTION public.look()",
            )
            .await;
        let most = "SELECT max(many) FROM public.statements";
        balances.catch_up().await.expect("it catches up");
        for _ in 0..20 {
            balances.rebuild(|_| {}).await.expect("it is rebuilt");
        }
        println!("after 20 rebuilds: {:?}", place.sql(most).await);
        let table = rows.open(TableSpec::of::<Balances>()).await.expect("a table").table;
        for many in 0..700 {
            let one = Condition::Compare(
                Operand::Column("order"),
                Comparison::Equal,
                Operand::Value("Ada".into()),
            );
            let query =
                Query { limit: 10, ..Query::all(Condition::Any(vec![one; many % 350 + 1])) };
            let found = rows.find(table, query).await.expect("rows");
            assert_eq!(found.len(), 1);
        }

        append(&store, "a", 2, &[moved(1)]).await;
        balances.catch_up().await.expect("it catches up");

        let many: u64 = place.sql(most).await.remove(0).parse().expect("a number");
        println!("after 350 queries of other forms too: {many}");
        assert!((2..=300).contains(&many), "{many} statements");
        let row = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
        assert_eq!(row.map(|row| row.moves), Some(2));
    });
}
