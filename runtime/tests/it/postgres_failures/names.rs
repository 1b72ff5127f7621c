//! Names and ids that an ontology, a caller or an attacker may choose, on their way through SQL.

use std::sync::Arc;

use eventloom_runtime::EventStore;
use eventloom_runtime::projection::{
    Column, ColumnType, Commit, Committed, Comparison, Condition, Operand, Query, ReadDatabase,
    ReadDatabaseError, RowChange, RowValues, Switched, TableSpec, Value,
};
use eventloom_runtime::store::postgres::Granted;
use eventloom_runtime::store::{
    CommandRecord, Direction, EventFilter, KeyClaim, StreamKey, StreamRead,
};
use eventloom_runtime::testing::block_on;

use crate::postgres::append;
use crate::projection::rig::{InPostgres, Place};

/// Names that end a statement, mean something to SQL, look like others, or are as long as a name may be.
const HOSTILE: [&str; 24] = [
    "\"; DROP TABLE eventloom.events; --",
    "'; DROP SCHEMA eventloom CASCADE; --",
    "$$; DROP SCHEMA public CASCADE; --",
    "/* a comment",
    "$1",
    "%s %I %L",
    "{} {0}",
    "back\\slash",
    "E'\\''",
    "select",
    "user",
    "excluded",
    "k",
    "c0",
    "schema.table",
    " ",
    "line\nbreak\ttab",
    "Übergröße",
    "a\u{301}",
    "\u{e1}",
    "admin",
    "\u{430}dmin",
    "\u{202e}gnp.exe",
    "a_name_of_as_many_bytes_as_one_may_have_which_are_sixty_three_1",
];

/// As long, and the same but for the last character.
const TWIN: &str = "a_name_of_as_many_bytes_as_one_may_have_which_are_sixty_three_2";
/// Cut off, this would be the first of the two.
const TOO_LONG: &str = "a_name_of_as_many_bytes_as_one_may_have_which_are_sixty_three_1x";

const fn text(name: &'static str) -> Column {
    Column { name, column_type: ColumnType::Text, optional: false }
}

const COLUMNS: [Column; 25] = {
    let mut columns = [text(TWIN); 25];
    let mut at = 0;
    while at < HOSTILE.len() {
        columns[at] = text(HOSTILE[at]);
        at += 1;
    }
    columns
};

/// Another form of the rows.
const ONE: &[Column] = &[text(TWIN)];

const fn spec(name: &'static str, meaning: u64) -> TableSpec {
    TableSpec {
        aggregate: HOSTILE[0],
        projection: name,
        name,
        meaning,
        columns: &COLUMNS,
        key_columns: 2,
        indexes: &[&[HOSTILE[2], HOSTILE[16]], &[TWIN]],
    }
}

/// A row that has in each column the name of the column.
fn row() -> RowValues {
    COLUMNS.iter().map(|column| column.name.into()).collect()
}

/// A name was taken for a part of a statement, or for another one that looks like it.
#[test]
fn names_of_targets_and_columns_are_names() {
    block_on(async {
        let place = InPostgres::new().await;
        place.store().append(append("a", 0, 1)).await.expect("an append");
        let all = HOSTILE.into_iter().chain([TWIN]);
        for name in all.clone() {
            let rows = place.rows();
            let state = rows.open(spec(name, 1)).await.expect(name);
            let commit = Commit {
                rows: vec![RowChange::Put(row())],
                complete: true,
                ..Commit::unchanged(&state)
            };
            assert_eq!(rows.commit(commit).await, Ok(Committed::Done), "{name:?}");
            for column in &COLUMNS {
                let equal = Condition::Compare(
                    Operand::Column(column.name),
                    Comparison::Equal,
                    Operand::Value(column.name.into()),
                );
                let found = rows.find(state.table, Query { limit: 2, ..Query::all(equal) }).await;
                assert_eq!(found, Ok(vec![row()]), "{name:?} {column:?}");
            }
            let key: Vec<Value> = row()[..2].to_vec();
            assert_eq!(rows.get(state.table, key.clone()).await, Ok(Some(row())));
            assert_eq!(rows.load(state.table, vec![key.clone()]).await, Ok(vec![row()]));
            assert_eq!(rows.page(state.table, Some(key.clone()), 5).await, Ok(Vec::new()));

            let shadow = rows.begin_rebuild(spec(name, 1)).await.expect(name);
            let commit = Commit {
                rows: vec![RowChange::Insert(row())],
                complete: true,
                ..Commit::unchanged(&shadow)
            };
            assert_eq!(rows.commit(commit).await, Ok(Committed::Done));
            assert_eq!(
                rows.finish_rebuild(shadow.table, shadow.revision + 1, vec![]).await,
                Ok(Switched::Done),
                "{name:?}"
            );
            // Other columns: the view is made anew, and what is granted on it granted again.
            let quoted = format!("\"{}\"", name.replace('"', "\"\""));
            place.place.sql(&format!("GRANT SELECT ON public.{quoted} TO PUBLIC")).await;
            let fewer = TableSpec { columns: ONE, key_columns: 1, indexes: &[], ..spec(name, 2) };
            let state = rows.open(fewer).await.expect(name);
            let commit = Commit {
                rows: vec![RowChange::Put(vec![name.into()])],
                complete: true,
                ..Commit::unchanged(&state)
            };
            assert_eq!(rows.commit(commit).await, Ok(Committed::Done));
            let shown = format!("SELECT \"{TWIN}\" FROM public.{quoted}");
            assert_eq!(place.place.sql(&shown).await, [name]);
        }
        let views =
            place.place.sql("SELECT viewname FROM pg_views WHERE schemaname = 'public'").await;
        assert_eq!(views.len(), all.clone().count(), "each has a view of its own: {views:?}");
        assert!(all.clone().all(|name| views.iter().any(|view| view == name)), "{views:?}");
        let granted = "SELECT count(*) FROM pg_class \
             WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace AND relacl::text LIKE '%=r/%'";
        assert_eq!(place.place.sql(granted).await, [views.len().to_string()]);
        for version in place.rows().versions().await.expect("versions") {
            assert_eq!(place.rows().discard(&version).await, Ok(true), "{version:?}");
        }
        let left = "SELECT count(*) FROM pg_class WHERE relname LIKE 'rows\\_%'";
        assert_eq!(place.place.sql(left).await, ["0"]);
        assert_eq!(place.store().head().await, Ok(1), "the events are there");

        let refused = place.rows().open(spec(TOO_LONG, 1)).await.expect_err("it must be refused");
        assert!(refused.to_string().contains(TOO_LONG), "{refused}");
    });
}

/// So many columns that the name of an index, which is made of their places, was longer than a name may be. PostgreSQL cut it
/// off: the second of two was taken for the first, and each new start of a program failed as the index was there already.
#[test]
fn indexes_of_many_columns_are_told_apart() {
    const LONG: [&str; 25] = {
        let mut names = [TWIN; 25];
        let mut at = 0;
        while at < HOSTILE.len() {
            names[at] = HOSTILE[at];
            at += 1;
        }
        names
    };
    const SHORTER: [&str; 24] = HOSTILE;
    block_on(async {
        let place = InPostgres::new().await;
        let both = TableSpec { indexes: &[&LONG, &SHORTER], ..spec("many", 1) };
        for _ in 0..3 {
            place.rows().open(both).await.expect("a table");
        }
        let (other, again) = place.open_again().await;
        again.open(both).await.expect("a table");
        drop(other);
        let count = "SELECT count(*) FROM pg_indexes WHERE tablename LIKE 'rows\\_%'";
        assert_eq!(place.place.sql(count).await, ["3"], "with that of its key");
    });
}

/// An index of more columns than there may be was refused as a value that should be made shorter, and tried again for ever.
#[test]
fn an_index_of_too_many_columns_is_refused_by_name() {
    block_on(async {
        let place = InPostgres::new().await;
        let names: Vec<String> = (0..40).map(|number| format!("column {number}")).collect();
        let names: Vec<&'static str> =
            names.into_iter().map(|name| &*Box::leak(name.into_boxed_str())).collect();
        let columns: Vec<Column> = names.iter().map(|name| text(name)).collect();
        let columns: &'static [Column] = columns.leak();
        let (fits, wide) = (names[1..32].to_vec().leak(), names[1..33].to_vec().leak());
        let of = |name, key_columns, index: &'static [&'static str]| {
            let indexes: &'static [&'static [&'static str]] = vec![index].leak();
            TableSpec { columns, key_columns, indexes, ..spec(name, 1) }
        };
        place.rows().open(of("fits", 1, fits)).await.expect("a table");
        place.rows().open(of("keys", 32, &[])).await.expect("a table");
        for (spec, expected) in [
            (of("wide", 1, wide), "its index on `column 1`, `column 2`"),
            (of("long", 33, &[]), "its key has 33 columns"),
        ] {
            let refused = place.rows().open(spec).await.expect_err("it must be refused");
            let told = matches!(&refused, ReadDatabaseError::Unsuitable { reason, .. }
                if reason.contains(expected) && reason.contains("at most 32"));
            assert!(told, "{refused:?}");
        }
    });
}

/// Ids, types, fields and keys are values, which no statement is made of: each comes back as it was, and none is another's.
#[test]
fn names_of_streams_and_events_are_values() {
    block_on(async {
        let place = InPostgres::new().await;
        let store = place.store();
        for (sequence, name) in (0..).zip(HOSTILE) {
            let mut one = append(name, 0, 1);
            one.stream.aggregate = name;
            one.events[0].event_type = name;
            one.events[0].meta.actor = Some(name.into());
            one.keys = vec![KeyClaim { field: name, value: name.to_owned(), across_all: true }];
            one.command = Some(CommandRecord { id: Arc::from(name), refusal: None, repeats: None });
            assert_eq!(store.append(one).await.map(|it| it.position), Ok(sequence + 1), "{name:?}");
        }
        for name in HOSTILE {
            let stream = StreamKey { aggregate: name, id: name.into() };
            let read = StreamRead {
                stream: stream.clone(),
                after: 0,
                limit: 5,
                direction: Direction::Forwards,
                metadata: true,
            };
            let page = store.read_stream(read).await.expect("a page");
            let event = page.iter().next().expect("an event");
            assert_eq!((event.event_type, event.meta.actor.as_deref()), (name, Some(name)));
            assert_eq!(store.streams(name, None, 5).await.map(|all| all.len()), Ok(1));
            let known = store.command(name).await.expect("an answer").expect("a command");
            assert_eq!(known.stream, stream);
            let claim = KeyClaim { field: name, value: name.to_owned(), across_all: true };
            let taken = store.taken_key(&stream, &[claim]).await.expect("an answer");
            assert_eq!(taken.map(|taken| taken.stream), Some(stream));
            let filter = EventFilter { types: vec![(name, name)], ..EventFilter::default() };
            assert_eq!(store.read_all(0, &filter, 50).await.map(|page| page.events.len()), Ok(1));
        }
    });
}

/// A role with a name of more bytes than PostgreSQL takes was cut off, and rights given to another of that name.
#[test]
fn rights_are_given_to_nobody_of_a_shorter_name() {
    block_on(async {
        let place = InPostgres::new().await;
        let name = format!("{:_<63}", format!("role_{}", std::process::id()));
        place.place.sql(&format!("DROP ROLE IF EXISTS {name}; CREATE ROLE {name}")).await;
        let database = place.rows().database();
        let refused = database.grant(&format!("{name}x"), Granted::Program).await;
        let may = format!("SELECT has_schema_privilege('{name}', 'eventloom', 'USAGE')");
        assert_eq!(place.place.sql(&may).await, ["f"]);
        let refused = refused.expect_err("there is no such role").to_string();
        assert!(refused.contains(&format!("{name}x")), "{refused}");
        database.grant(&name, Granted::Program).await.expect("a grant");
        assert_eq!(place.place.sql(&may).await, ["t"]);
        place.place.sql(&format!("DROP OWNED BY {name}; DROP ROLE {name}")).await;
    });
}
