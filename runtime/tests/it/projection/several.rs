//! Events that concern several rows: found by what earlier events made of them, and changed all or none.

use eventloom_runtime::codec::DecodeError;
use eventloom_runtime::projection::{
    Column, ColumnType, Condition, Consistency, Projection, ProjectionError, ProjectorError, Rows,
    Value, Values, visit_one,
};
use eventloom_runtime::{Metadata, Sequence};

use super::ledger::{Entry, LEDGER};
use super::rig::{Place, append, everywhere, moved, open, open_with, opened, tagged};

everywhere!(
    rows_match_as_the_events_before_left_them,
    an_event_changes_all_of_its_rows_or_none,
    elements_of_one_key_come_one_after_the_other,
    a_rebuild_finds_the_rows_of_its_own_table,
);

/// What each ledger's owner is called, and how often a letter was named.
#[derive(Clone, Debug, PartialEq)]
struct Name {
    id: String,
    name: String,
    times: i64,
}

/// - `Opened` makes the row of its stream, under its owner's name.
/// - `Tagged` with `a>b` calls all that are called `a` by the name `b`, and fails for one that was renamed twice;
///   with other text it counts each letter.
/// - `Closed` removes all rows that are called like the stream.
#[derive(Debug)]
struct Names;

fn renamed(row: &mut Option<Name>, to: &str) -> Result<(), ProjectionError> {
    let row = row.as_mut().ok_or(ProjectionError::RowMissing)?;
    if row.times > 1 {
        return Err(ProjectionError::Custom(format!("`{}` was renamed twice", row.id)));
    }
    to.clone_into(&mut row.name);
    row.times += 1;
    Ok(())
}

fn counted(row: &mut Option<Name>, letter: char) -> Result<(), ProjectionError> {
    let new = || Name { id: letter.to_string(), name: "letter".to_owned(), times: 0 };
    row.get_or_insert_with(new).times += 1;
    Ok(())
}

impl Projection for Names {
    const NAME: &'static str = "Names";
    const DATABASE: &'static str = "read_db";
    const TABLE: &'static str = "names";
    const CONSISTENCY: Consistency = Consistency::Eventual { window: None };
    const MEANING: u64 = 77;
    const AGGREGATE: &'static str = LEDGER;
    const SOURCES: &'static [&'static str] = &["Opened", "Tagged", "Closed"];
    const COLUMNS: &'static [Column] = &[
        Column { name: "id", column_type: ColumnType::Text, optional: false },
        Column { name: "name", column_type: ColumnType::Text, optional: false },
        Column { name: "times", column_type: ColumnType::Integer, optional: false },
    ];
    const KEY_COLUMNS: usize = 1;
    const KEY_IS_STREAM: bool = false;
    const READS_METADATA: bool = false;
    const INDEXES: &'static [&'static [&'static str]] = &[&["name"]];
    const SEVERAL_ROWS: bool = true;

    type Event = Entry;
    type Key = String;
    type Row = Name;

    fn key(event: &Entry, meta: &Metadata) -> Result<Option<String>, ProjectionError> {
        Ok(matches!(event, Entry::Opened { .. }).then(|| meta.stream_id.to_string()))
    }

    fn fold(row: &mut Option<Name>, event: &Entry, meta: &Metadata) -> Result<(), ProjectionError> {
        if let Entry::Opened { owner } = event {
            let (id, name) = (meta.stream_id.to_string(), owner.clone());
            *row = Some(Name { id, name, times: 0 });
        }
        Ok(())
    }

    fn visit(
        event: &Entry,
        meta: &Metadata,
        rows: &mut dyn Rows<Self>,
    ) -> Result<(), ProjectionError> {
        match event {
            Entry::Tagged { tag } => match tag.split_once('>') {
                Some((from, to)) => rows.matching(
                    &|| Condition::equal("name", Value::from(from)),
                    &|row| Ok(row.name == from),
                    &|row| renamed(row, to),
                ),
                None => tag.chars().try_for_each(|letter| {
                    rows.at(letter.to_string(), &|row| counted(row, letter))
                }),
            },
            Entry::Closed => {
                let name = meta.stream_id.as_str();
                rows.matching(
                    &|| Condition::equal("name", Value::from(name)),
                    &|row| Ok(row.name == name),
                    &|row| {
                        *row = None;
                        Ok(())
                    },
                )
            }
            _ => visit_one::<Self>(event, meta, rows),
        }
    }

    fn key_values(key: &String) -> Vec<Value> {
        vec![key.into()]
    }

    fn row_values(row: &Name) -> Vec<Value> {
        vec![(&row.id).into(), (&row.name).into(), (&row.times).into()]
    }

    fn row(values: Vec<Value>) -> Result<Name, DecodeError> {
        let mut values = Values::new(values, Self::COLUMNS);
        Ok(Name { id: values.take()?, name: values.take()?, times: values.take()? })
    }

    fn key_of(row: &Name) -> String {
        row.id.clone()
    }
}

async fn shown<L: Place>(place: &L) -> Vec<(String, String, i64)> {
    let names = open::<Names, L>(place).await.read_model();
    let rows = names.page(None, 100).await.expect("rows");
    rows.into_iter().map(|row| (row.id, row.name, row.times)).collect()
}

fn row(id: &str, name: &str, times: i64) -> (String, String, i64) {
    (id.to_owned(), name.to_owned(), times)
}

async fn append_all<L: Place>(place: &L, events: &[(&str, Sequence, Entry)]) {
    for (stream, after, event) in events {
        append(place.store(), stream, *after, std::slice::from_ref(event)).await;
    }
}

/// In one batch, and across batches: a row that an event of the same batch renames matches by its new name.
async fn rows_match_as_the_events_before_left_them<L: Place>(_: L) {
    for batch in [100, 1, 2, 3] {
        let place = L::new().await;
        append_all(
            &place,
            &[
                ("1", 0, opened("Ada")),
                ("2", 0, opened("Bob")),
                ("3", 0, opened("Ada")),
                ("1", 1, tagged("Ada>Eve")),
                ("4", 0, opened("Ada")),
                ("2", 1, tagged("Eve>Bob")),
                ("2", 2, tagged("Ada>Zoe")),
                ("Bob", 0, opened("Bob")),
                ("Bob", 1, Entry::Closed),
            ],
        )
        .await;
        open_with::<Names, L>(&place, batch).await.catch_up().await.expect("it catches up");
        assert_eq!(shown(&place).await, [row("4", "Zoe", 1)], "in batches of {batch}");
    }
}

/// The first of the rows was renamed when the second failed, and stayed so.
async fn an_event_changes_all_of_its_rows_or_none<L: Place>(place: L) {
    let events = [
        ("1", 0, opened("Ada")),
        ("2", 0, opened("Bob")),
        ("2", 1, tagged("Bob>Cy")),
        ("2", 2, tagged("Cy>Ada")),
        ("3", 0, opened("Ada")),
        ("9", 0, tagged("Ada>Eve")),
        ("3", 1, tagged("Ada>Zoe")),
    ];
    append_all(&place, &events).await;
    let names = open_with::<Names, L>(&place, 100).await;

    let stopped = names.catch_up().await.expect_err("one row can't be renamed");

    let ProjectorError::Stopped { poison, .. } = stopped else { panic!("{stopped:?}") };
    assert_eq!((poison.position, poison.stops), (6, true), "no stream goes on alone");
    assert!(poison.reason.contains("`2` was renamed twice"), "{}", poison.reason);
    let before = [row("1", "Ada", 0), row("2", "Ada", 2), row("3", "Ada", 0)];
    assert_eq!(names.status().await.expect("a status").position, 5);
    // They are not complete, and not to be read; a second try finds them as they were.
    let again = names.catch_up().await.expect_err("it is not mended");
    assert!(matches!(again, ProjectorError::Stopped { .. }), "{again:?}");
    append_all(&place, &[("2", 3, Entry::Closed)]).await;
    names.skip_poison(6, "me", "it never was").await.expect_err("the next one fails alike");
    names.skip_poison(7, "me", "it never was").await.expect("it goes on");
    assert_eq!(shown(&place).await, before);
}

async fn elements_of_one_key_come_one_after_the_other<L: Place>(place: L) {
    append_all(&place, &[("1", 0, tagged("abca")), ("1", 1, tagged("")), ("2", 0, tagged("cc"))])
        .await;
    open_with::<Names, L>(&place, 2).await.catch_up().await.expect("it catches up");
    let counted = [row("a", "letter", 2), row("b", "letter", 1), row("c", "letter", 3)];
    assert_eq!(shown(&place).await, counted);
}

/// While rows are rebuilt, those that serve are ahead, and match what the rebuilt ones do not yet.
async fn a_rebuild_finds_the_rows_of_its_own_table<L: Place>(place: L) {
    let events = [
        ("1", 0, opened("Ada")),
        ("1", 1, tagged("Ada>Eve")),
        ("2", 0, opened("Ada")),
        ("2", 1, tagged("Eve>Bob")),
        ("3", 0, moved(1)),
    ];
    append_all(&place, &events).await;
    let names = open_with::<Names, L>(&place, 1).await;
    names.catch_up().await.expect("it catches up");
    let before = shown(&place).await;
    assert_eq!(before, [row("1", "Bob", 2), row("2", "Ada", 0)]);

    names.rebuild(|_| ()).await.expect("it is rebuilt");

    assert_eq!(shown(&place).await, before);
}
