//! Queries on every read database: none, numbers as numbers, orders, and names that are none of ours.

use eventloom_runtime::projection::Comparison::{Equal, Greater, Less, NotEqual};
use eventloom_runtime::projection::TextTest::{Contains, EndsWith, StartsWith};
use eventloom_runtime::projection::{
    Column, ColumnType, Commit, Committed, Condition, MemoryReadDatabase, Operand, Order, Query,
    ReadDatabase, ReadDatabaseError, RowChange, RowValues, Table, TableSpec, Value,
};
use eventloom_runtime::testing::block_on;
use eventloom_runtime::{Decimal, dec};

const SPEC: TableSpec = TableSpec {
    aggregate: "Shop",
    projection: "Articles",
    name: "articles",
    meaning: 1,
    columns: &[
        Column { name: "group", column_type: ColumnType::Text, optional: false },
        Column { name: "id", column_type: ColumnType::Integer, optional: false },
        Column { name: "a\"; --", column_type: ColumnType::Text, optional: true },
        Column { name: "price", column_type: ColumnType::Decimal, optional: true },
        Column { name: "pieces", column_type: ColumnType::Integer, optional: false },
    ],
    key_columns: 2,
    indexes: &[&["price"], &["a\"; --", "pieces"]],
};

fn row(group: &str, id: i64, name: Option<&str>, price: Option<Decimal>, pieces: i64) -> RowValues {
    vec![
        Value::from(group),
        Value::Integer(id),
        name.map_or(Value::Null, Value::from),
        price.map_or(Value::Null, Value::Decimal),
        Value::Integer(pieces),
    ]
}

fn rows() -> Vec<RowValues> {
    vec![
        row("A", 1, Some("x"), Some(dec!(9)), 9),
        row("A", 2, None, Some(dec!(10)), 3),
        row("A", 10, Some("it's"), None, 10),
        row("B", 1, Some("X"), Some(dec!(0.5)), 0),
        row("ä", 1, None, None, -1),
    ]
}

async fn filled<D: ReadDatabase>(database: &D, spec: TableSpec) -> Table {
    let state = database.open(spec).await.expect("it is opened");
    let rows = rows().into_iter().map(RowChange::Insert).collect();
    let commit = Commit { rows, complete: true, position: 1, ..Commit::unchanged(&state) };
    assert_eq!(database.commit(commit).await, Ok(Committed::Done));
    state.table
}

fn query(condition: Condition) -> Query {
    Query { condition, order: Vec::new(), offset: 0, limit: 100 }
}

/// The places in [`rows`] of what is found.
async fn found<D: ReadDatabase>(database: &D, query: Query) -> Vec<usize> {
    let table = database.open(SPEC).await.expect("it is open").table;
    let found = database.find(table, query).await.expect("rows");
    let place = |row: &RowValues| rows().iter().position(|it| it == row).expect("one of the rows");
    found.iter().map(place).collect()
}

async fn answers<D: ReadDatabase>(database: &D) {
    filled(database, SPEC).await;
    let of = |column, comparison, value| Condition::column(column, comparison, value);
    let name = "a\"; --";
    let price = |number| Value::Decimal(number);
    let pieces_as_price = |comparison| {
        let (pieces, price) = (Operand::Widened("pieces"), Operand::Column("price"));
        Condition::Compare(pieces, comparison, price)
    };
    let cases = [
        (Condition::Always(true), vec![0, 1, 2, 3, 4]),
        (Condition::Always(false), vec![]),
        (Condition::All(vec![]), vec![0, 1, 2, 3, 4]),
        (Condition::Any(vec![]), vec![]),
        (Condition::equal(name, Value::from("x")), vec![0]),
        (Condition::equal(name, Value::from("it's")), vec![2]),
        // None equals none, and differs from every value.
        (Condition::equal(name, Value::Null), vec![1, 4]),
        (Condition::Absent(name), vec![1, 4]),
        (of(name, NotEqual, Value::from("x")), vec![1, 2, 3, 4]),
        (of(name, NotEqual, Value::Null), vec![0, 2, 3]),
        // Decimals are compared as numbers, and what is none is neither less nor not less.
        (of("price", Less, price(dec!(10))), vec![0, 3]),
        (of("price", Less, price(dec!(10))).negated(), vec![1, 2, 4]),
        (of("price", Equal, price(dec!(10.00))), vec![1]),
        (of("price", Greater, Value::Null), vec![]),
        (of("price", Greater, Value::Null).negated(), vec![0, 1, 2, 3, 4]),
        (pieces_as_price(Equal), vec![0]),
        (pieces_as_price(Less), vec![1, 3]),
        (pieces_as_price(Less).negated(), vec![0, 2, 4]),
        (of("pieces", Greater, Value::Integer(9)), vec![2]),
        (
            Condition::Any(vec![
                Condition::All(vec![Condition::Absent(name), Condition::Absent("price").negated()]),
                of("group", Greater, Value::from("A")),
            ]),
            vec![1, 3, 4],
        ),
        (Condition::After(vec![Value::from("A"), Value::Integer(2)]), vec![2, 3, 4]),
        (Condition::After(vec![Value::from("A"), Value::Integer(11)]), vec![3, 4]),
    ];
    for (condition, expected) in cases {
        assert_eq!(found(database, query(condition.clone())).await, expected, "{condition:?}");
    }
    let all = |order: &[Order], offset, limit| Query {
        condition: Condition::Always(true),
        order: order.to_vec(),
        offset,
        limit,
    };
    const BY_PRICE: &[Order] = &[Order::ascending("price")];
    const FALLING: &[Order] = &[Order::descending("price"), Order::ascending("pieces")];
    assert_eq!(found(database, all(BY_PRICE, 0, 100)).await, [2, 4, 3, 0, 1], "none comes first");
    assert_eq!(found(database, all(FALLING, 0, 100)).await, [1, 0, 3, 4, 2]);
    assert_eq!(found(database, all(FALLING, 1, 2)).await, [0, 3]);
    assert_eq!(found(database, all(FALLING, 9, 2)).await, Vec::<usize>::new());
    assert_eq!(found(database, all(FALLING, 0, 0)).await, Vec::<usize>::new());
}

#[test]
fn conditions_mean_in_memory_what_the_language_means() {
    block_on(async { answers(&MemoryReadDatabase::new()).await });
}

/// Texts are compared by their characters: SQLite's `LIKE` takes `a` for `A`, knows wild cards, and its `lower`
/// knows ASCII alone; some of its functions end a text at a NUL.
async fn answers_of_texts<D: ReadDatabase>(database: &D) {
    const NAMES: [Option<&str>; 7] =
        [Some("Ärger%"), Some("ärger"), Some("a\0b"), Some(""), None, Some("A_C"), Some("abc")];
    let state = database.open(SPEC).await.expect("it is opened");
    let rows =
        NAMES.iter().zip(0..).map(|(name, id)| RowChange::Insert(row("A", id, *name, None, 0)));
    let commit =
        Commit { rows: rows.collect(), complete: true, position: 1, ..Commit::unchanged(&state) };
    assert_eq!(database.commit(commit).await, Ok(Committed::Done));
    const NAME: &str = "a\"; --";
    let value = |text: &str| Operand::Value(Value::from(text));
    let text = |test, other: &str| Condition::Text(Operand::Column(NAME), test, value(other));
    let lower = |test, other: &str| Condition::Text(Operand::Lowercase(NAME), test, value(other));
    for (condition, expected) in [
        (text(StartsWith, "Ä"), vec![0]),
        (text(StartsWith, "a"), vec![2, 6]),
        (text(StartsWith, ""), vec![0, 1, 2, 3, 5, 6]),
        (text(StartsWith, "").negated(), vec![4]),
        (text(EndsWith, "%"), vec![0]),
        (text(EndsWith, "b"), vec![2]),
        (text(Contains, "_"), vec![5]),
        (text(Contains, "\0"), vec![2]),
        (text(Contains, "rge"), vec![0, 1]),
        (lower(StartsWith, "ä"), vec![0, 1]),
        (lower(Contains, "c"), vec![5, 6]),
        (Condition::Text(value("xabcx"), Contains, Operand::Column(NAME)), vec![3, 6]),
        (
            Condition::Text(Operand::Column(NAME), Contains, Operand::Lowercase(NAME)),
            vec![1, 2, 3, 6],
        ),
        (Condition::Compare(Operand::Lowercase(NAME), Equal, value("a_c")), vec![5]),
        (Condition::Text(Operand::Column(NAME), Contains, Operand::Value(Value::Null)), vec![]),
    ] {
        let found = database.find(state.table, query(condition.clone())).await.expect("rows");
        let found: Vec<i64> = found
            .iter()
            .filter_map(|row| match row.get(1) {
                Some(Value::Integer(id)) => Some(*id),
                _ => None,
            })
            .collect();
        assert_eq!(found, expected, "{condition:?}");
    }
}

#[test]
fn conditions_on_texts_mean_in_memory_what_the_language_means() {
    block_on(async { answers_of_texts(&MemoryReadDatabase::new()).await });
}

async fn refuses<D: ReadDatabase>(database: &D) {
    let table = filled(database, SPEC).await;
    const BY_NOTHING: &[Order] = &[Order::ascending("name")];
    let unknown = [
        query(Condition::equal("1 OR 1", Value::Null)),
        Query { order: BY_NOTHING.to_vec(), ..query(Condition::Always(true)) },
        query(Condition::Any(vec![Condition::Absent("PRICE").negated()])),
    ];
    for query in unknown {
        let refused = database.find(table, query).await;
        assert!(matches!(refused, Err(ReadDatabaseError::NoColumn { .. })), "{refused:?}");
    }
    let error =
        database.find(table, query(Condition::Absent("name"))).await.expect_err("no column");
    assert_eq!(error.to_string(), "Shop.Articles has no column `name`");
}

#[test]
fn a_column_that_is_none_is_refused_in_memory() {
    block_on(async { refuses(&MemoryReadDatabase::new()).await });
}

#[cfg(feature = "testing-postgres")]
mod in_postgres {
    use super::super::postgres::column;
    use super::super::rig::{InPostgres, Place};
    use super::*;

    #[test]
    fn conditions_mean_in_postgres_what_the_language_means() {
        block_on(async { answers(InPostgres::new().await.rows()).await });
    }

    #[test]
    fn conditions_on_texts_mean_in_postgres_what_the_language_means() {
        block_on(async { answers_of_texts(InPostgres::new().await.rows()).await });
    }

    #[test]
    fn a_column_that_is_none_is_refused_in_postgres() {
        block_on(async { refuses(InPostgres::new().await.rows()).await });
    }

    /// A rebuilt table keeps the names of its indexes when it takes the place of the one that served, where the
    /// next rebuild must not meet them; and an index may come after its rows.
    #[test]
    fn indexes_are_made_once_and_outlive_rebuilds() {
        const INDEXES: &str = "SELECT indexdef::text FROM pg_indexes WHERE schemaname = 'eventloom' \
            AND tablename LIKE 'rows\\_%' AND indexname LIKE '%\\_by\\_%' ORDER BY indexdef";
        block_on(async {
            let place = InPostgres::new().await;
            filled(place.rows(), TableSpec { indexes: &[], ..SPEC }).await;
            assert_eq!(column(&place, INDEXES).await, Vec::<String>::new());
            for _ in 0..3 {
                let opened = place.rows().open(SPEC).await.expect("it is opened again");
                let all = column(&place, INDEXES).await;
                assert_eq!(all.len(), 2, "{all:?}");
                let shadow = place.rows().begin_rebuild(SPEC).await.expect("a second table");
                let rows = super::rows().into_iter().map(RowChange::Insert).collect();
                let commit =
                    Commit { rows, complete: true, position: 1, ..Commit::unchanged(&shadow) };
                assert_eq!(place.rows().commit(commit).await, Ok(Committed::Done));
                place.rows().finish_rebuild(shadow.table, 1, vec![]).await.expect("it is switched");
                let count = place.rows().count(opened.table).await;
                assert_eq!(count, Ok(super::rows().len() as u64));
            }
        });
    }

    #[test]
    fn an_index_finds_rows() {
        block_on(async {
            let place = InPostgres::new().await;
            filled(place.rows(), SPEC).await;
            let plan = "SET enable_seqscan TO off; \
                EXPLAIN SELECT * FROM articles WHERE (\"price\" IS NOT NULL AND \"price\" = 9)";
            let plan = column(&place, plan).await.join("\n");
            assert!(plan.contains("_by_"), "{plan}");
        });
    }
}

#[cfg(feature = "sqlite")]
mod in_sqlite {
    use eventloom_runtime::projection::SqliteReadDatabase;

    use super::super::rig::{InSqlite, Place};
    use super::*;

    #[test]
    fn conditions_mean_in_sqlite_what_the_language_means() {
        block_on(async { answers(InSqlite::new().await.rows()).await });
    }

    #[test]
    fn conditions_on_texts_mean_in_sqlite_what_the_language_means() {
        block_on(async { answers_of_texts(InSqlite::new().await.rows()).await });
    }

    #[test]
    fn a_column_that_is_none_is_refused_in_sqlite() {
        block_on(async { refuses(InSqlite::new().await.rows()).await });
    }

    fn indexes(place: &InSqlite) -> Vec<String> {
        let sql = place.sql();
        let mut statement = sql
            .prepare(
                "SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL \
                 AND tbl_name LIKE 'articles%' ORDER BY name",
            )
            .expect("a query");
        let texts = statement.query_map((), |row| row.get(0)).expect("rows");
        texts.collect::<Result<_, _>>().expect("texts")
    }

    async fn rebuild(rows: &SqliteReadDatabase) {
        let shadow = rows.begin_rebuild(SPEC).await.expect("a second table");
        let all = super::rows().into_iter().map(RowChange::Insert).collect();
        let commit =
            Commit { rows: all, complete: true, position: 1, ..Commit::unchanged(&shadow) };
        assert_eq!(rows.commit(commit).await, Ok(Committed::Done));
        rows.finish_rebuild(shadow.table, 1, vec![]).await.expect("it is switched");
    }

    /// A rebuilt table keeps the names of its indexes when it takes the place of the one that served, where the
    /// next rebuild must not meet them.
    #[test]
    fn indexes_are_made_once_and_outlive_rebuilds() {
        block_on(async {
            let place = InSqlite::new().await;
            filled(place.rows(), SPEC).await;
            for _ in 0..3 {
                place.rows().open(SPEC).await.expect("it is opened again");
                let all = indexes(&place);
                let [named, priced] = all.as_slice() else { panic!("{all:?}") };
                assert!(named.ends_with(r#"("a""; --", "pieces", "group", "id")"#), "{named}");
                assert!(priced.ends_with(r#"("price", "group", "id")"#), "{priced}");
                rebuild(place.rows()).await;
            }
        });
    }

    /// An index is no part of a projection's meaning: rows that are there are not built anew for it.
    #[test]
    fn an_index_may_come_after_its_rows() {
        block_on(async {
            let place = InSqlite::new().await;
            filled(place.rows(), TableSpec { indexes: &[], ..SPEC }).await;
            assert_eq!(indexes(&place), Vec::<String>::new());
            place.rows().open(SPEC).await.expect("it is opened");
            assert_eq!(indexes(&place).len(), 2);
            // An older program that runs on does without them, and takes none away.
            place.rows().open(TableSpec { indexes: &[], ..SPEC }).await.expect("it is opened");
            assert_eq!(indexes(&place).len(), 2);
            let strange: &[&[&str]] = &[&["name"]];
            let refused = place.rows().open(TableSpec { indexes: strange, ..SPEC }).await;
            let refused = refused.expect_err("no column").to_string();
            assert!(refused.contains("an index on `name`"), "{refused}");
        });
    }

    #[test]
    fn an_index_finds_rows() {
        block_on(async {
            let place = InSqlite::new().await;
            filled(place.rows(), SPEC).await;
            let sql = place.sql();
            // As the connections of a program have it.
            sql.create_collation("decimal", |a: &str, b: &str| a.cmp(b)).expect("a collation");
            let plan: String = sql
                .query_row(
                    "EXPLAIN QUERY PLAN SELECT * FROM articles WHERE (\"price\" IS ?) \
                     ORDER BY \"group\", \"id\"",
                    ["9"],
                    |row| row.get(3),
                )
                .expect("a plan");
            assert!(plan.contains("USING INDEX"), "{plan}");
        });
    }
}
