//! Events that stop a rebuild: seen, decided about, and of no concern to the rows that serve.

use std::sync::Arc;

use eventloom_runtime::codec::DecodeError;
use eventloom_runtime::projection::{
    Column, Commit, Committed, Consistency, Poison, Projection, ProjectionError, Projector,
    ProjectorError, ReadDatabase, ReadDatabaseError, Rebuild, Retried, RowChange, Switched,
    TableSpec, Value,
};
use eventloom_runtime::{EventStore, Metadata};

use super::ledger::{Balances, Entry, Tag, Tags, of_ledger};
use super::rig::{
    Place, SOON, append, batches, everywhere, moved, open, open_with, opened, tagged,
};
use super::unreliable::{Fate, Unreliable};

everywhere!(
    what_stops_a_rebuild_can_be_seen_and_decided,
    rows_are_served_as_they_are_meanwhile,
    a_rebuild_that_succeeds_forgets_what_stopped_the_last,
    a_retry_is_for_the_next_rebuild,
    one_decision_does_for_the_rows_and_their_rebuild,
    the_next_event_that_stops_it_is_told,
    rows_of_a_stopped_rebuild_take_nobodys_place,
    a_rebuild_that_fails_otherwise_leaves_nothing_to_decide,
    what_stopped_a_rebuild_goes_with_its_version,
);

/// [`Tags`] in a program that folds less, under the same meaning: what was folded once is poison now.
#[derive(Debug)]
pub(crate) struct Strict;

impl Projection for Strict {
    const NAME: &'static str = Tags::NAME;
    const DATABASE: &'static str = Tags::DATABASE;
    const TABLE: &'static str = Tags::TABLE;
    const CONSISTENCY: Consistency = Tags::CONSISTENCY;
    const MEANING: u64 = Tags::MEANING;
    const AGGREGATE: &'static str = Tags::AGGREGATE;
    const SOURCES: &'static [&'static str] = Tags::SOURCES;
    const COLUMNS: &'static [Column] = Tags::COLUMNS;
    const KEY_COLUMNS: usize = 1;
    const KEY_IS_STREAM: bool = false;
    const READS_METADATA: bool = false;

    type Event = Entry;
    type Key = String;
    type Row = Tag;

    fn key(event: &Entry, meta: &Metadata) -> Result<Option<String>, ProjectionError> {
        Tags::key(event, meta)
    }

    fn fold(row: &mut Option<Tag>, event: &Entry, meta: &Metadata) -> Result<(), ProjectionError> {
        match event {
            Entry::Tagged { tag } if tag.starts_with("bad") => {
                Err(ProjectionError::Custom("a bad tag".to_owned()))
            }
            event => Tags::fold(row, event, meta),
        }
    }

    fn key_values(key: &String) -> Vec<Value> {
        Tags::key_values(key)
    }

    fn row_values(row: &Tag) -> Vec<Value> {
        Tags::row_values(row)
    }

    fn row(values: Vec<Value>) -> Result<Tag, DecodeError> {
        Tags::row(values)
    }

    fn key_of(row: &Tag) -> String {
        Tags::key_of(row)
    }
}

/// Tags at positions 1 to 5, of which the last but one is bad, and rows of all of them.
async fn fill<L: Place>(place: &L) {
    append(place.store(), "a", 0, &[tagged("x"), tagged("y"), tagged("x")]).await;
    append(place.store(), "b", 0, &[tagged("bad"), tagged("x")]).await;
    open::<Tags, L>(place).await.catch_up().await.expect("it catches up");
}

type StrictTags<L> = Projector<Strict, <L as Place>::Store, <L as Place>::Rows>;

async fn tags<L: Place>(strict: &StrictTags<L>) -> Vec<(String, i64)> {
    let rows = strict.read_model().page(None, 9).await.expect("a page");
    rows.into_iter().map(|row| (row.tag, row.uses)).collect()
}

fn counted(tags: &[(&str, i64)]) -> Vec<(String, i64)> {
    tags.iter().map(|(tag, uses)| ((*tag).to_owned(), *uses)).collect()
}

/// What waits for a decision: of the rows, and of their rebuild.
async fn undecided<L: Place>(strict: &StrictTags<L>) -> (usize, Option<Poison>) {
    let status = strict.status().await.expect("a status");
    (status.poison.len(), status.rebuild_stopped_by)
}

/// A rebuild that met an event which it couldn't fold took all that was known of the event along when it was given up.
/// Nothing was shown that could have been skipped, and each rebuild ended in the same way.
async fn what_stops_a_rebuild_can_be_seen_and_decided<L: Place>(place: L) {
    fill(&place).await;
    let strict = open_with::<Strict, L>(&place, 2).await;

    let stopped = strict.rebuild(|_| {}).await.expect_err("it can't be rebuilt");

    let told = stopped.to_string();
    assert!(told.contains("the rebuild of Ledger.tags stopped before position 4"), "{told}");
    let ProjectorError::RebuildStopped { poison, .. } = stopped else { panic!("{stopped:?}") };
    assert_eq!(undecided::<L>(&strict).await, (0, Some(*poison.clone())));
    assert_eq!((poison.position, poison.stream_id.as_str(), poison.sequence), (4, "b", 1));
    assert!(poison.reason.contains("a bad tag"), "{poison:?}");

    let restarted = open::<Strict, L>(&place).await;
    assert_eq!(restarted.skip_poison(4, "Olga", "a typing error").await, Ok(Retried::OfRebuild));

    assert_eq!(undecided::<L>(&strict).await, (0, None), "it is decided");
    let skips = strict.skips().await.expect("decisions");
    assert_eq!((skips[0].position, &*skips[0].operator), (4, "Olga"));
    assert!(skips[0].failure.contains("a bad tag"), "{skips:?}");
    strict.rebuild(|_| {}).await.expect("it is rebuilt without the event");
    assert_eq!(tags::<L>(&strict).await, counted(&[("x", 3), ("y", 1)]));
    assert_eq!(undecided::<L>(&strict).await, (0, None));
}

async fn rows_are_served_as_they_are_meanwhile<L: Place>(place: L) {
    fill(&place).await;
    let strict = open::<Strict, L>(&place).await;
    let before = counted(&[("bad", 1), ("x", 3), ("y", 1)]);
    strict.rebuild(|_| {}).await.expect_err("it can't be rebuilt");

    for decided in [false, true] {
        if decided {
            let skipped = strict.skip_poison(4, "Olga", "a typing error").await;
            assert_eq!(skipped, Ok(Retried::OfRebuild));
        }
        assert_eq!(tags::<L>(&strict).await, before, "decided: {decided}");
        let status = strict.status().await.expect("a status");
        assert_eq!((status.complete, status.poison, status.lag.events), (true, vec![], 0));
        assert_eq!(strict.wait_for(4, SOON).await, Ok(()), "they show it");
    }
    let position = append(place.store(), "a", 3, &[tagged("z")]).await;
    assert_eq!(strict.catch_up().await, Ok(position), "they go on");
    let rows = tags::<L>(&strict).await;
    assert_eq!(rows, counted(&[("bad", 1), ("x", 3), ("y", 1), ("z", 1)]));
}

async fn a_rebuild_that_succeeds_forgets_what_stopped_the_last<L: Place>(place: L) {
    fill(&place).await;
    let strict = open::<Strict, L>(&place).await;
    strict.rebuild(|_| {}).await.expect_err("it can't be rebuilt");

    open::<Tags, L>(&place).await.rebuild(|_| {}).await.expect("the mended program can");

    assert_eq!(undecided::<L>(&strict).await, (0, None));
    let projection = of_ledger("tags");
    let none = ProjectorError::NoSuchPoison { projection, position: 4 };
    assert_eq!(strict.skip_poison(4, "Olga", "a typing error").await, Err(none));
}

async fn a_retry_is_for_the_next_rebuild<L: Place>(place: L) {
    fill(&place).await;
    let strict = open::<Strict, L>(&place).await;
    strict.rebuild(|_| {}).await.expect_err("it can't be rebuilt");

    assert_eq!(strict.retry_poison(4).await, Ok(Retried::OfRebuild));

    let (_, still) = undecided::<L>(&strict).await;
    assert_eq!(still.map(|poison| poison.position), Some(4), "nobody has tried it yet");
}

/// Rows of a new meaning stopped where their rebuild stopped too.
async fn one_decision_does_for_the_rows_and_their_rebuild<L: Place>(place: L) {
    append(place.store(), "a", 0, &[tagged("x"), tagged("bad"), tagged("x")]).await;
    let strict = open::<Strict, L>(&place).await;
    strict.catch_up().await.expect_err("it stops");
    strict.rebuild(|_| {}).await.expect_err("it can't be rebuilt");
    let (of_rows, of_rebuild) = undecided::<L>(&strict).await;
    assert_eq!((of_rows, of_rebuild.map(|poison| poison.position)), (1, Some(2)));

    assert_eq!(strict.skip_poison(2, "Olga", "a typing error").await, Ok(Retried::Released));

    assert_eq!(undecided::<L>(&strict).await, (0, None));
    assert_eq!(tags::<L>(&strict).await, counted(&[("x", 2)]));
    strict.rebuild(|_| {}).await.expect("it is rebuilt");
    assert_eq!(tags::<L>(&strict).await, counted(&[("x", 2)]));
}

async fn the_next_event_that_stops_it_is_told<L: Place>(place: L) {
    fill(&place).await;
    append(place.store(), "c", 0, &[tagged("bad too"), opened("Ada")]).await;
    open::<Tags, L>(&place).await.catch_up().await.expect("it catches up");
    let strict = open::<Strict, L>(&place).await;
    let balances = open::<Balances, L>(&place).await;
    for position in [4, 6] {
        let both = Rebuild::of(&strict).and(&balances);
        let stopped = both.run(|_| {}).await.expect_err("it can't be rebuilt");
        assert!(stopped.to_string().contains("Ledger.tags stopped before"), "{stopped}");
        let of_other = balances.status().await.expect("a status").rebuild_stopped_by;
        assert_eq!(of_other, None, "it stood in the way of the other alone");

        let skipped = strict.skip_poison(position, "Olga", "a typing error").await;
        assert_eq!(skipped, Ok(Retried::OfRebuild));
    }
    Rebuild::of(&strict).and(&balances).run(|_| {}).await.expect("both are rebuilt");
    assert_eq!(tags::<L>(&strict).await, counted(&[("x", 3), ("y", 1)]));
}

async fn rows_of_a_stopped_rebuild_take_nobodys_place<L: Place>(place: L) {
    fill(&place).await;
    let strict = open::<Strict, L>(&place).await;
    strict.rebuild(|_| {}).await.expect_err("it can't be rebuilt");
    let stopped_by = undecided::<L>(&strict).await.1.expect("what stopped it");
    let spec = TableSpec::of::<Strict>();
    let shadow = place.rows().begin_rebuild(spec).await.expect("a shadow");
    let row = RowChange::Insert(Tags::row_values(&Tag { tag: "x".to_owned(), uses: 3 }));
    let commit = Commit {
        position: 9,
        rows: vec![row],
        poison: vec![stopped_by],
        ..Commit::unchanged(&shadow)
    };
    assert_eq!(place.rows().commit(commit).await, Ok(Committed::Done));

    place.rows().abandon_rebuild(shadow.table).await.expect("its rows go");

    let late = place.rows().finish_rebuild(shadow.table, shadow.revision + 1, vec![]).await;
    assert_eq!(late, Ok(Switched::Moved));
    let left = place.rows().load(shadow.table, vec![vec![(&"x".to_owned()).into()]]).await;
    assert_eq!(left, Ok(vec![]), "what is left is what stopped it");
    assert_eq!(tags::<L>(&strict).await, counted(&[("bad", 1), ("x", 3), ("y", 1)]));
}

async fn a_rebuild_that_fails_otherwise_leaves_nothing_to_decide<L: Place>(place: L) {
    fill(&place).await;
    append(place.store(), "c", 0, &[moved(1)]).await;
    let rows = Unreliable::new(place.rows().clone(), [Fate::Written, Fate::Lost]);
    let store = place.store().clone();
    let options = batches(1);
    let begun = Arc::clone(&rows.begun);
    let failing = Projector::<Strict, _, _>::open_with(store, rows, options).await;

    let failed = failing.expect("it opens").rebuild(|_| {}).await;

    assert!(matches!(failed, Err(ProjectorError::Database(_))), "{failed:?}");
    let strict = open::<Strict, L>(&place).await;
    assert_eq!(undecided::<L>(&strict).await, (0, None));
    let shadow = begun.lock().expect("no panic")[0];
    let left = place.rows().state(shadow).await;
    assert_eq!(left, Err(ReadDatabaseError::Gone(of_ledger("tags"))));
}

async fn what_stopped_a_rebuild_goes_with_its_version<L: Place>(place: L) {
    fill(&place).await;
    let strict = open::<Strict, L>(&place).await;
    strict.rebuild(|_| {}).await.expect_err("it can't be rebuilt");
    let versions = place.rows().versions().await.expect("versions");
    assert_eq!(versions.len(), 1, "what stopped is none: {versions:?}");

    assert_eq!(place.rows().discard(&versions[0]).await, Ok(true));

    let anew = open::<Strict, L>(&place).await;
    assert_eq!(undecided::<L>(&anew).await, (0, None));
    assert_eq!(place.store().head().await, Ok(5));
}
