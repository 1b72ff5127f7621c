//! What is worked out of rows, on every read database: exact sums, none, groups in their order, and
//! nothing that wraps.

use eventloom_runtime::projection::{
    Column, ColumnType, Commit, Committed, Condition, Figure, FigureOrder, MemoryReadDatabase,
    ReadDatabase, ReadDatabaseError, RowChange, RowValues, Summary, Table, TableSpec, Value,
};
use eventloom_runtime::testing::block_on;
use eventloom_runtime::{Decimal, dec};

const SPEC: TableSpec = TableSpec {
    aggregate: "Shop",
    projection: "Sales",
    name: "sales",
    meaning: 1,
    columns: &[
        Column { name: "id", column_type: ColumnType::Integer, optional: false },
        Column { name: "a\"; --", column_type: ColumnType::Text, optional: true },
        Column { name: "price", column_type: ColumnType::Decimal, optional: true },
        Column { name: "pieces", column_type: ColumnType::Integer, optional: false },
    ],
    key_columns: 1,
    indexes: &[],
};
const GROUP: &str = "a\"; --";

fn row(id: i64, group: Option<&str>, price: Option<Decimal>, pieces: i64) -> RowValues {
    vec![
        Value::Integer(id),
        group.map_or(Value::Null, Value::from),
        price.map_or(Value::Null, Value::Decimal),
        Value::Integer(pieces),
    ]
}

async fn filled<D: ReadDatabase>(database: &D, rows: Vec<RowValues>) -> Table {
    let state = database.open(SPEC).await.expect("it is opened");
    let rows = rows.into_iter().map(RowChange::Insert).collect();
    let commit = Commit { rows, complete: true, position: 1, ..Commit::unchanged(&state) };
    assert_eq!(database.commit(commit).await, Ok(Committed::Done));
    state.table
}

fn total(figures: Vec<Figure>) -> Summary {
    let condition = Condition::Always(true);
    Summary { condition, groups: None, figures, order: Vec::new(), offset: 0, limit: 1 }
}

fn by_group(figures: Vec<Figure>, order: Vec<FigureOrder>, limit: usize) -> Summary {
    Summary { groups: Some(vec![GROUP]), order, limit, ..total(figures) }
}

fn decimal(number: Decimal) -> Value {
    Value::Decimal(number)
}

async fn works_out<D: ReadDatabase>(database: &D) {
    let table = filled(
        database,
        vec![
            row(1, Some("x"), Some(dec!(0.1)), 9),
            row(2, None, Some(dec!(10)), 3),
            row(3, Some("X"), None, -10),
            row(4, Some("x"), Some(dec!(0.2)), 0),
            row(5, None, Some(dec!(9)), 1),
        ],
    )
    .await;
    let figures = vec![
        Figure::Count,
        Figure::Sum("price"),
        Figure::Sum("pieces"),
        Figure::Min("price"),
        Figure::Max("price"),
        Figure::Average("price", 2),
        Figure::Average("pieces", 1),
        Figure::Min(GROUP),
    ];
    let whole = database.summarize(table, total(figures.clone())).await.expect("figures");
    let expected = vec![
        Value::Integer(5),
        decimal(dec!(19.3)),
        Value::Integer(3),
        decimal(dec!(0.1)),
        decimal(dec!(10)),
        decimal(dec!(4.82)), // 4.825, half to even
        decimal(dec!(0.6)),
        Value::from("X"),
    ];
    assert_eq!(whole, [expected]);
    let nothing = Summary { condition: Condition::Always(false), ..total(figures) };
    let found = database.summarize(table, nothing.clone()).await.expect("figures");
    let zero = [Value::Integer(0), decimal(dec!(0)), Value::Integer(0)];
    let none = vec![Value::Null; 5];
    assert_eq!(found, [[zero.to_vec(), none].concat()], "of no rows there is one answer");
    let nothing = Summary { groups: Some(vec![GROUP]), ..nothing };
    assert_eq!(database.summarize(table, nothing).await, Ok(Vec::new()), "and of no group none");
}

async fn groups<D: ReadDatabase>(database: &D) {
    let table = filled(
        database,
        vec![
            row(1, Some("b"), Some(dec!(1.50)), 1),
            row(2, None, None, 1),
            row(3, Some("a"), Some(dec!(1.5)), 1),
            row(4, Some("B"), Some(dec!(2)), 1),
            row(5, None, None, 1),
        ],
    )
    .await;
    let figures = || vec![Figure::Column(GROUP), Figure::Sum("price"), Figure::Count];
    let told = |name: Option<&str>, sum: Decimal, count| {
        vec![name.map_or(Value::Null, Value::from), decimal(sum), Value::Integer(count)]
    };
    let (none, a) = (told(None, dec!(0), 2), told(Some("a"), dec!(1.5), 1));
    let (b, large_b) = (told(Some("b"), dec!(1.5), 1), told(Some("B"), dec!(2), 1));
    for (order, offset, limit, expected) in [
        (vec![], 0, 10, vec![&none, &large_b, &a, &b]),
        (vec![], 1, 2, vec![&large_b, &a]),
        (vec![], 9, 9, vec![]),
        (vec![FigureOrder::descending(1)], 0, 10, vec![&large_b, &a, &b, &none]),
        (vec![FigureOrder::descending(1)], 1, 2, vec![&a, &b]),
        (vec![FigureOrder::ascending(2), FigureOrder::descending(0)], 0, 2, vec![&b, &a]),
        (vec![FigureOrder::ascending(0)], 0, 1, vec![&none]),
        (vec![], 0, 0, vec![]),
    ] {
        let summary = Summary { offset, ..by_group(figures(), order.clone(), limit) };
        let found = database.summarize(table, summary).await.expect("figures");
        let expected: Vec<_> = expected.into_iter().cloned().collect();
        assert_eq!(found, expected, "{order:?} {offset} {limit}");
    }
}

/// A database's own sum would be a float, or wrap, or fail on the way to a sum that fits.
async fn is_exact<D: ReadDatabase>(database: &D) {
    let tiny = dec!(0.0000000000000000000000000001);
    let table = filled(
        database,
        vec![
            row(1, Some("back"), Some(Decimal::MAX), i64::MAX),
            row(2, Some("back"), Some(dec!(1)), 1),
            row(3, Some("back"), Some(Decimal::MIN), i64::MIN),
            row(4, Some("over"), Some(Decimal::MAX), i64::MAX),
            row(5, Some("over"), Some(tiny), 1),
        ],
    )
    .await;
    let of = |group: &str, figure| Summary {
        condition: Condition::equal(GROUP, Value::from(group)),
        ..total(vec![figure])
    };
    let back =
        [(Figure::Sum("price"), decimal(dec!(1))), (Figure::Sum("pieces"), Value::Integer(0))];
    for (figure, expected) in back {
        assert_eq!(database.summarize(table, of("back", figure)).await, Ok(vec![vec![expected]]));
    }
    for (figure, words) in [
        (Figure::Sum("price"), "the sum of `price` of Shop.Sales leaves the range of its type"),
        (Figure::Sum("pieces"), "the sum of `pieces` of Shop.Sales leaves the range of its type"),
        (Figure::Average("price", 2), "the average of `price` of Shop.Sales leaves the range"),
    ] {
        let error = database.summarize(table, of("over", figure)).await.expect_err("too great");
        assert!(matches!(error, ReadDatabaseError::Overflow { .. }), "{error:?}");
        assert!(error.to_string().starts_with(words), "{error}");
    }
    let unknown = database.summarize(table, total(vec![Figure::Sum("PRICE")])).await;
    assert!(matches!(unknown, Err(ReadDatabaseError::NoColumn { column: "PRICE", .. })));
}

/// More groups than are kept at once.
async fn keeps_the_greatest_of_many<D: ReadDatabase>(database: &D) {
    const MANY: i64 = 3000;
    let name = |id: i64| format!("{:05}", id * 7919 % MANY);
    let rows = (0..MANY).map(|id| row(id, Some(&name(id)), Some(Decimal::from(id)), 1)).collect();
    let table = filled(database, rows).await;
    let figures = vec![Figure::Column(GROUP), Figure::Sum("price")];
    let summary = by_group(figures, vec![FigureOrder::descending(1)], 3);
    let found = database.summarize(table, summary).await.expect("figures");
    let greatest = (1..=3).map(|nth| MANY - nth);
    let expected: Vec<RowValues> =
        greatest.map(|id| vec![Value::Text(name(id)), Value::Decimal(Decimal::from(id))]).collect();
    assert_eq!(found, expected);
}

macro_rules! on_every_database {
    ($($check:ident),+) => {
        mod in_memory {
            use super::*;
            $(#[test]
            fn $check() {
                block_on(async { super::$check(&MemoryReadDatabase::new()).await });
            })+
        }

        #[cfg(feature = "testing-postgres")]
        mod in_postgres {
            use super::super::rig::{InPostgres, Place as _};
            use super::*;
            $(#[test]
            fn $check() {
                block_on(async { super::$check(InPostgres::new().await.rows()).await });
            })+
        }

        #[cfg(feature = "sqlite")]
        mod in_sqlite {
            use super::super::rig::{InSqlite, Place as _};
            use super::*;
            $(#[test]
            fn $check() {
                block_on(async { super::$check(InSqlite::new().await.rows()).await });
            })+
        }
    };
}

on_every_database!(works_out, groups, is_exact, keeps_the_greatest_of_many);
