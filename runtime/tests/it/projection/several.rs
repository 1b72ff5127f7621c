//! Events that concern several rows: found by what earlier events made of them, and changed all or none.

use std::sync::atomic::Ordering;

use eventloom_runtime::codec::DecodeError;
use eventloom_runtime::projection::{
    Column, ColumnType, Condition, Consistency, Projection, ProjectionError, Projector,
    ProjectorError, ReadDatabase, Rows, TableSpec, Value, Values, visit_one,
};
use eventloom_runtime::store::AppendError;
use eventloom_runtime::{Metadata, Sequence};

use super::ledger::{Entry, LEDGER};
use super::rig::{
    Place, append, everywhere, moved, new_event, open, open_with, opened, tagged, try_append,
};
use super::unreliable::Unreliable;

everywhere!(
    rows_match_as_the_events_before_left_them,
    an_event_changes_all_of_its_rows_or_none,
    elements_of_one_key_come_one_after_the_other,
    a_rebuild_finds_the_rows_of_its_own_table,
    an_immediate_projection_that_looks_for_rows_is_refused,
    an_event_that_matches_too_many_rows_is_poison,
    rows_that_earlier_events_took_out_are_not_too_many,
    no_more_rows_are_loaded_than_asked_for,
    a_condition_is_asked_once_a_page,
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
///
/// Either soon after, or in the append's own transaction, where rows can't be looked for.
#[derive(Debug)]
struct NamesOf<const NOW: bool>;

type Names = NamesOf<false>;

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

impl<const NOW: bool> Projection for NamesOf<NOW> {
    const NAME: &'static str = "Names";
    const DATABASE: &'static str = "read_db";
    const TABLE: &'static str = "names";
    const CONSISTENCY: Consistency =
        if NOW { Consistency::Immediate } else { Consistency::Eventual { window: None } };
    const MEANING: u64 = 77;
    const AGGREGATE: &'static str = LEDGER;
    const SOURCES: &'static [&'static str] = &["Opened", "Tagged", "Closed"];
    const COLUMNS: &'static [Column] = &[
        Column { name: "id", column_type: ColumnType::Text, optional: false },
        Column { name: "name", column_type: ColumnType::Text, optional: false },
        Column { name: "times", column_type: ColumnType::Integer, optional: false },
    ];
    const KEY_COLUMNS: usize = 1;
    const KEY_IS_STREAM: bool = NOW;
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
    assert_eq!(poison.reason, "the row of id `2`: `2` was renamed twice");
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

/// A hand-written `visit` looked for rows in a projection that is immediate: those of other streams were not
/// loaded, so that none was found, and nobody was told.
async fn an_immediate_projection_that_looks_for_rows_is_refused<L: Place>(place: L) {
    let names = open::<NamesOf<true>, L>(&place).await;
    append_all(&place, &[("1", 0, opened("Ada")), ("2", 0, opened("Ada"))]).await;

    let event = new_event("1", 2, &tagged("Ada>Eve"));
    let refused = try_append(place.store(), "1", 1, vec![event]).await.expect_err("it can't be");

    let AppendError::Projection { projection, reason } = refused else { panic!("{refused:?}") };
    assert_eq!(projection, "Ledger.Names");
    assert_eq!(
        reason,
        "the table of Ledger.Names can't be kept: it is immediate, and its `visit` asks for the rows \
         that match a condition; name each row by its key, or let it be eventually_consistent"
    );
    let rows = names.read_model().page(None, 9).await.expect("rows");
    assert!(rows.iter().all(|row| row.name == "Ada"), "{rows:?}");
    append_all(&place, &[("3", 0, opened("Bob"))]).await;
    assert_eq!(names.read_model().count().await, Ok(3), "what names its row goes on");
}

fn another(number: usize) -> Vec<Value> {
    vec![Value::Text(format!("more {number}")), Value::Text("Ada".to_owned()), Value::Integer(0)]
}

/// All rows that a condition held for were loaded, however many: the memory of the machine was the limit.
async fn an_event_that_matches_too_many_rows_is_poison<L: Place>(place: L) {
    let events = [("1", 0, opened("Ada")), ("2", 0, tagged("Ada>Eve")), ("3", 0, opened("Bob"))];
    append_all(&place, &events).await;
    let rows = Unreliable::new(place.rows().clone(), []).with_more(1_000_000, another);
    let names =
        Projector::<Names, _, _>::open(place.store().clone(), rows).await.expect("it opens");

    let stopped = names.catch_up().await.expect_err("there are too many rows");

    let ProjectorError::Stopped { poison, .. } = stopped else { panic!("{stopped:?}") };
    assert_eq!(poison.position, 2);
    assert!(poison.reason.contains("it matches more than 100000 rows"), "{}", poison.reason);
    names.skip_poison(2, "me", "too many").await.expect("it goes on");
    assert_eq!(shown(&place).await, [row("1", "Ada", 0), row("3", "Bob", 0)]);
}

/// An event stopped its projection for rows that matched when its page began, and no longer when it was its turn:
/// which events are poison depended on where pages begin, and a rebuild stopped each time.
async fn rows_that_earlier_events_took_out_are_not_too_many<L: Place>(place: L) {
    let (first, second) = (tagged("Ada>Eve"), tagged("Eve>Cy"));
    let events =
        [("1", 0, opened("Ada")), ("9", 0, first), ("9", 1, second), ("2", 0, opened("Bob"))];
    append_all(&place, &events).await;
    let rows = Unreliable::new(place.rows().clone(), []).with_more_once(2, 1_000_000, another);
    let (store, asked) = (place.store().clone(), rows.asked.clone());
    let names = Projector::<Names, _, _>::open(store, rows).await.expect("it opens");

    names.catch_up().await.expect("what came before is written, and the rest asked anew");

    assert_eq!(shown(&place).await, [row("1", "Cy", 2), row("2", "Bob", 0)]);
    assert_eq!(asked.load(Ordering::Relaxed), 3, "two at first, one after the cut");
}

async fn no_more_rows_are_loaded_than_asked_for<L: Place>(place: L) {
    let events = [("1", 0, opened("Ada")), ("2", 0, opened("Ada")), ("3", 0, opened("Ada"))];
    append_all(&place, &events).await;
    open::<Names, L>(&place).await.catch_up().await.expect("it catches up");
    let table = place.rows().open(TableSpec::of::<Names>()).await.expect("a table").table;
    for (limit, expected) in [(0, 0), (2, 2), (3, 3), (9, 3)] {
        let all = Condition::equal("name", Value::from("Ada"));
        let found = place.rows().load_matching(table, all, limit).await.expect("rows");
        assert_eq!(found.len(), expected, "at most {limit}");
    }
}

/// Two conditions in turns were each asked for at every event.
async fn a_condition_is_asked_once_a_page<L: Place>(place: L) {
    let mut events = vec![("1", 0, opened("Ada")), ("2", 0, opened("Bob"))];
    let turns = [tagged("Ada>Eve"), tagged("Bob>Cy"), tagged("Ada>Eve"), tagged("Bob>Cy")];
    events.extend((0..).zip(turns).map(|(after, tag)| ("9", after, tag)));
    append_all(&place, &events).await;
    let rows = Unreliable::new(place.rows().clone(), []);
    let (store, asked) = (place.store().clone(), rows.asked.clone());
    let names = Projector::<Names, _, _>::open(store, rows).await.expect("it opens");

    names.catch_up().await.expect("it catches up");

    assert_eq!(shown(&place).await, [row("1", "Eve", 1), row("2", "Cy", 1)]);
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}
