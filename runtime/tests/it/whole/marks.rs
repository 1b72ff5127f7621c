//! What is marked as a part of a store, and what its mark refuses.

use eventloom_runtime::store::archive::{ArchiveStore, SegmentRecord};
use eventloom_runtime::store::whole::EventRecord;
use eventloom_runtime::store::{
    AppendTransaction, AppendedEvents, FoldError, FoldedChange, ImmediateFold,
};
use tokio::sync::oneshot;

use super::*;

/// A copy of the events alone that nothing marks, as a program left it that knew of no marks.
async fn copy_events_alone(from: &impl WholeStore, to: &impl WholeStore) {
    let id = CopyId::unique();
    let copying = Copying { id: id.clone(), after: 0, of: 3_000 };
    to.begin_copy(copying).await.expect("a copy");
    let shapes = from.shapes().await.expect("shapes");
    let part = || Part { copy: Some(id.clone()), ..Part::default() };
    to.restore(Part { shapes, ..part() }).await.expect("shapes");
    let (everything, mut after) = (EventFilter { metadata: true, ..EventFilter::default() }, 0);
    while after < 3_000 {
        let page = from.read_all(after, &everything, 1_000).await.expect("events");
        let events = page.events.iter().map(EventRecord::from).collect();
        to.restore(Part { events, ..part() }).await.expect("events");
        after = page.next;
    }
    to.end_copy(&id).await.expect("an end");
}

async fn is_refused<K: CopyKind>(kind: K, place: &K::Place) {
    match kind.open(place).await {
        Ok(_) => panic!("a part is no store"),
        Err(error) => assert!(matches!(error, StoreError::UnfinishedCopy { .. }), "{error}"),
    }
}

/// A movement behind those of [`fill_long`], or a command that was refused.
fn own(count: u64, command: Option<&str>) -> Append {
    let stream = StreamKey { aggregate: "Account", id: "long".into() };
    Append {
        stream: stream.clone(),
        expected: 3_000,
        events: (1..=count).map(|it| event(&stream, 3_000 + it, "Moved")).collect(),
        released: Vec::new(),
        passing: Vec::new(),
        keys: Vec::new(),
        content: [3; 16],
        command: command.map(|id| CommandRecord {
            id: Arc::from(id),
            refusal: Some(("No".to_owned(), String::new())),
            repeats: None,
        }),
        snapshot: None,
        epoch: None,
    }
}

/// A copy by a program without marks had been cut off between events and keys. The next one took the store for whole, wrote
/// the keys without a mark, and was cut off too: the store opened as any, and took a payment twice.
async fn a_store_without_its_keys_is_marked<K: CopyKind>(kind: K) {
    let (_one, from) = Sqlite.open_new().await.expect("a store");
    fill_long(&from).await;
    let place = kind.new_place();
    let to = kind.open_for_copy(&place).await;
    copy_events_alone(&from, &to).await;

    // The shapes and a part of the keys are written.
    let cut_off = whole::copy(&from, &failing(&to, 2), |_| ()).await.expect_err("it is cut off");
    assert!(matches!(cut_off, CopyError::To(_)), "{cut_off}");
    is_refused(kind, &place).await;

    let copied = whole::copy(&from, &to, |_| ()).await.expect("the rest");
    assert_eq!((copied.events, copied.records), (3_000, 3_000));
    assert_eq!(kind.open(&place).await.expect("a whole store").head().await, Ok(3_000));
}

#[test]
fn a_file_without_its_keys_is_marked() {
    block_on(a_store_without_its_keys_is_marked(Sqlite));
}

#[cfg(feature = "testing-postgres")]
#[test]
fn a_database_without_its_keys_is_marked() {
    block_on(a_store_without_its_keys_is_marked(Postgres));
}

/// The source had gone on after its head was read. What it had gained was written without a mark into a store that had all
/// until then, and was in use.
async fn what_has_all_is_not_written_to_unmarked<K: CopyKind>(kind: K) {
    let (_one, from) = Sqlite.open_new().await.expect("a store");
    fill_long(&from).await;
    let place = kind.new_place();
    let to = kind.open_for_copy(&place).await;
    whole::copy(&from, &to, |_| ()).await.expect("a copy");
    from.append(own(1, None)).await.expect("an append");

    let behind = Failing { head: 3_000, ..failing(&from, 0) };
    let cut_off = whole::copy(&behind, &failing(&to, 1), |_| ()).await.expect_err("it is cut off");
    assert!(matches!(cut_off, CopyError::To(_)), "{cut_off}");
    is_refused(kind, &place).await;

    let copied = whole::copy(&from, &to, |_| ()).await.expect("the rest");
    assert_eq!(copied.events, 3_001);
    let again = whole::copy(&from, &failing(&to, 0), |_| ()).await;
    assert_eq!(again, Ok(copied), "nothing is written where nothing is missing");
}

#[test]
fn a_file_that_has_all_is_not_written_to_unmarked() {
    block_on(what_has_all_is_not_written_to_unmarked(Sqlite));
}

#[cfg(feature = "testing-postgres")]
#[test]
fn a_database_that_has_all_is_not_written_to_unmarked() {
    block_on(what_has_all_is_not_written_to_unmarked(Postgres));
}

/// A store that is in use has what the one that it was copied from never had: a refusal, say. It can't become the same any
/// more, and stays in use.
async fn what_has_something_of_its_own_stays_in_use<K: CopyKind>(kind: K) {
    let (_one, from) = Sqlite.open_new().await.expect("a store");
    fill_long(&from).await;
    let place = kind.new_place();
    let to = kind.open_for_copy(&place).await;
    copy_events_alone(&from, &to).await;
    let open = kind.open(&place).await.expect("nothing marks it");
    open.append(own(0, Some("own"))).await.expect("a refusal");
    drop(open);

    let differs = whole::copy(&from, &to, |_| ()).await;
    let is_told = matches!(differs, Err(CopyError::Differs { to_records: 3_001, .. }));
    assert!(is_told, "{differs:?}");
    let open = kind.open(&place).await.expect("it is what it was, and has its keys");
    let mut again = own(1, None);
    again.keys = vec![key("2", true)];
    let taken = open.append(again).await;
    assert!(matches!(taken, Err(AppendError::DuplicateKey(_))), "{taken:?}");
    drop(open);

    let untouched = whole::copy(&from, &failing(&to, 0), |_| ()).await;
    assert_eq!(untouched, differs);
}

#[test]
fn a_file_with_something_of_its_own_stays_in_use() {
    block_on(what_has_something_of_its_own_stays_in_use(Sqlite));
}

#[cfg(feature = "testing-postgres")]
#[test]
fn a_database_with_something_of_its_own_stays_in_use() {
    block_on(what_has_something_of_its_own_stays_in_use(Postgres));
}

/// A copy was run again into a store that was in use, and was cut off: it had marked the store, which had a refusal of its own and
/// so could never become the same. It was refused to everybody from then on, however often the copy was run again.
async fn what_is_in_use_does_not_stay_marked<K: CopyKind>(kind: K) {
    let (_one, from) = Sqlite.open_new().await.expect("a store");
    fill_long(&from).await;
    let place = kind.new_place();
    let to = kind.open_for_copy(&place).await;
    whole::copy(&from, &to, |_| ()).await.expect("a copy");
    from.append(own(0, Some("theirs"))).await.expect("a refusal");
    let open = kind.open(&place).await.expect("it is whole");
    open.append(own(0, Some("own"))).await.expect("a refusal");
    drop(open);

    let cut_off = whole::copy(&from, &failing(&to, 1), |_| ()).await.expect_err("it is cut off");
    assert!(matches!(cut_off, CopyError::To(_)), "{cut_off}");
    is_refused(kind, &place).await;

    let differs = whole::copy(&from, &to, |_| ()).await;

    let is_told =
        matches!(differs, Err(CopyError::Differs { from_records: 3_001, to_records: 3_002, .. }));
    assert!(is_told, "{differs:?}");
    let open = kind.open(&place).await.expect("it lacks nothing, and can be used again");
    for id in ["own", "theirs"] {
        let known = open.command(id).await.expect("an answer");
        assert!(known.is_some_and(|it| it.refusal.is_some()), "{id}");
    }
    drop(open);
    let untouched = whole::copy(&from, &failing(&to, 0), |_| ()).await;
    assert_eq!(untouched, differs);
}

#[test]
fn a_file_in_use_does_not_stay_marked() {
    block_on(what_is_in_use_does_not_stay_marked(Sqlite));
}

#[cfg(feature = "testing-postgres")]
#[test]
fn a_database_in_use_does_not_stay_marked() {
    block_on(what_is_in_use_does_not_stay_marked(Postgres));
}

/// The same where the source had gone on: what it had gained is a reason to mark the store, which must lose the mark when it lacks
/// nothing any more, also where it knows one of the commands otherwise.
async fn what_was_in_use_becomes_whole_again<K: CopyKind>(kind: K) {
    let (_one, from) = Sqlite.open_new().await.expect("a store");
    fill_long(&from).await;
    let place = kind.new_place();
    let to = kind.open_for_copy(&place).await;
    whole::copy(&from, &to, |_| ()).await.expect("a copy");
    let open = kind.open(&place).await.expect("it is whole");
    for id in ["own", "both"] {
        open.append(own(0, Some(id))).await.expect("a refusal");
    }
    drop(open);
    let otherwise = Append { content: [4; 16], ..own(0, Some("both")) };
    from.append(otherwise).await.expect("a refusal");
    from.append(own(1, None)).await.expect("an append");

    let cut_off = whole::copy(&from, &failing(&to, 2), |_| ()).await.expect_err("it is cut off");
    assert!(matches!(cut_off, CopyError::To(_)), "{cut_off}");
    is_refused(kind, &place).await;

    let differs = whole::copy(&from, &to, |_| ()).await;
    let is_told = matches!(differs, Err(CopyError::Differs { to: 3_001, to_records: 3_002, .. }));
    assert!(is_told, "{differs:?}");
    let open = kind.open(&place).await.expect("it lacks nothing");
    assert_eq!(open.head().await, Ok(3_001));
}

#[test]
fn a_file_that_was_in_use_becomes_whole_again() {
    block_on(what_was_in_use_becomes_whole_again(Sqlite));
}

#[cfg(feature = "testing-postgres")]
#[test]
fn a_database_that_was_in_use_becomes_whole_again() {
    block_on(what_was_in_use_becomes_whole_again(Postgres));
}

/// A part has a key that its source has freed since: it is not taken for something of its own, or the key would be refused in the
/// copy for ever.
async fn a_part_with_a_freed_key_stays_marked<K: CopyKind>(kind: K) {
    let (_one, from) = Sqlite.open_new().await.expect("a store");
    fill_long(&from).await;
    let place = kind.new_place();
    let to = kind.open_for_copy(&place).await;
    whole::copy(&from, &failing(&to, 5), |_| ()).await.expect_err("it is cut off among the keys");
    let mut frees = own(1, None);
    frees.released = vec![key("1", false)];
    from.append(frees).await.expect("an append");

    for _ in 0..2 {
        let differs = whole::copy(&from, &to, |_| ()).await;
        let is_told = matches!(
            differs,
            Err(CopyError::Differs { from_records: 2_999, to_records: 3_000, .. })
        );
        assert!(is_told, "{differs:?}");
        is_refused(kind, &place).await;
    }
}

#[test]
fn a_part_of_a_file_with_a_freed_key_stays_marked() {
    block_on(a_part_with_a_freed_key_stays_marked(Sqlite));
}

#[cfg(feature = "testing-postgres")]
#[test]
fn a_part_of_a_database_with_a_freed_key_stays_marked() {
    block_on(a_part_with_a_freed_key_stays_marked(Postgres));
}

/// The same of a store that was whole and is in use: it is not marked in the first place.
async fn what_does_not_fit_is_not_marked<K: CopyKind>(kind: K) {
    let (_one, from) = Sqlite.open_new().await.expect("a store");
    fill_long(&from).await;
    let place = kind.new_place();
    let to = kind.open_for_copy(&place).await;
    whole::copy(&from, &to, |_| ()).await.expect("a copy");
    let mut frees = own(1, None);
    frees.released = vec![key("1", false)];
    from.append(frees).await.expect("an append");

    let differs = whole::copy(&from, &failing(&to, 0), |_| ()).await;

    assert!(matches!(differs, Err(CopyError::Differs { to: 3_000, .. })), "{differs:?}");
    let open = kind.open(&place).await.expect("it is what it was");
    assert_eq!(open.head().await, Ok(3_000));
}

#[test]
fn a_file_that_does_not_fit_is_not_marked() {
    block_on(what_does_not_fit_is_not_marked(Sqlite));
}

#[cfg(feature = "testing-postgres")]
#[test]
fn a_database_that_does_not_fit_is_not_marked() {
    block_on(what_does_not_fit_is_not_marked(Postgres));
}

/// What belonged to no copy was written into a store in which another copy was unfinished.
async fn a_part_of_no_copy_is_refused<K: CopyKind>(kind: K) {
    let place = kind.new_place();
    let to = kind.open_for_copy(&place).await;
    let id = CopyId::unique();
    to.restore(Part::default()).await.expect("nothing is marked");
    to.begin_copy(Copying { id: id.clone(), after: 0, of: 3 }).await.expect("a copy");
    let refused = to.restore(Part::default()).await.expect_err("it belongs to no copy");
    assert!(refused.to_string().contains("another copy"), "{refused}");
    to.end_copy(&id).await.expect("an end");
    to.restore(Part::default()).await.expect("nothing is marked");
}

#[test]
fn a_part_of_no_copy_is_refused_by_a_file() {
    block_on(a_part_of_no_copy_is_refused(Sqlite));
}

#[cfg(feature = "testing-postgres")]
#[test]
fn a_part_of_no_copy_is_refused_by_a_database() {
    block_on(a_part_of_no_copy_is_refused(Postgres));
}

struct Idle;

impl ImmediateFold for Idle {
    fn aggregate(&self) -> &str {
        "Account"
    }

    fn name(&self) -> &str {
        "Idle"
    }

    fn open(&self, _: &dyn AppendTransaction) -> Result<(), StoreError> {
        Ok(())
    }

    fn fold(
        &self,
        _: &dyn AppendTransaction,
        _: &AppendedEvents<'_>,
    ) -> Result<FoldedChange, FoldError> {
        Err(FoldError::Store(StoreError::Unsupported("nothing is folded".to_owned())))
    }
}

/// A program went on to use what it had opened to copy into after the copy had been cut off: it appended to the part, and
/// what it archived from it took the mark off.
async fn who_copies_writes_nothing_else<K: CopyKind<Store: ArchiveStore>>(kind: K) {
    let (_one, from) = Sqlite.open_new().await.expect("a store");
    fill_long(&from).await;
    let place = kind.new_place();
    let to = kind.open_for_copy(&place).await;
    to.register("Account", SHAPES).await.expect("nothing is marked");
    whole::copy(&from, &failing(&to, 2), |_| ()).await.expect_err("it is cut off");

    let stream = StreamKey { aggregate: "Account", id: "long".into() };
    let snapshot = Snapshot { sequence: 1, meaning: 7, data: vec![1] };
    let segment = SegmentRecord {
        number: 1,
        aggregate: "Account".to_owned(),
        file: "1".to_owned(),
        folder: "old".to_owned(),
        bytes: 1,
        sha256: [0; 32],
        first: 1,
        last: 1,
        archived_at: Timestamp::MAX,
    };
    let appended = match to.append(Append { expected: 1_000, ..own(0, Some("own")) }).await {
        Err(AppendError::Store(error)) => Err(error),
        other => panic!("{other:?}"),
    };
    let refused = [
        appended,
        to.register("Account", SHAPES).await,
        to.save_snapshot(&stream, snapshot).await,
        to.discard_snapshot(&stream, 7).await,
        to.fold_immediately(Arc::new(Idle)).await,
        to.leave(segment, Vec::new()).await,
    ];
    for (number, refused) in refused.into_iter().enumerate() {
        let is_told = matches!(refused, Err(StoreError::UnfinishedCopy { copied: 1_000, .. }));
        assert!(is_told, "{number}: {refused:?}");
    }
    is_refused(kind, &place).await;
    assert_eq!(to.head().await, Ok(1_000), "it can be read, as a copy must");

    let differs = whole::copy(&from, &to, |_| ()).await;
    assert!(matches!(differs, Err(CopyError::Differs { .. })), "it has shapes of its own");
}

#[test]
fn who_copies_writes_nothing_else_into_a_part_of_a_file() {
    block_on(who_copies_writes_nothing_else(Sqlite));
}

#[cfg(feature = "testing-postgres")]
#[test]
fn who_copies_writes_nothing_else_into_a_part_of_a_database() {
    block_on(who_copies_writes_nothing_else(Postgres));
}

/// A read looked for the mark when it was over. One that began on a part and was over after the copy found none.
#[test]
fn a_read_that_began_on_a_part_is_refused() {
    block_on(async {
        let (place, open) = Sqlite.open_new().await.expect("a store");
        let to = Sqlite.open_for_copy(&place).await;
        let id = CopyId::unique();
        to.begin_copy(Copying { id: id.clone(), after: 0, of: 3 }).await.expect("a copy");
        let (started, has_started) = oneshot::channel();
        let (end, ended) = oneshot::channel::<()>();
        let database = open.database().clone();
        let reading = tokio::spawn(async move {
            let read = database.try_read(move |_| {
                started.send(()).expect("the test waits");
                ended.blocking_recv().expect("the test ends it");
                Ok::<_, StoreError>(())
            });
            read.await
        });
        // Where nothing is read, it does not start.
        let has_read = has_started.await.is_ok();
        to.end_copy(&id).await.expect("an end");
        let _ = end.send(());
        let read = reading.await.expect("no panic");
        assert!(matches!(read, Err(StoreError::UnfinishedCopy { .. })), "{read:?}, {has_read}");
        assert_eq!(open.head().await, Ok(0));
    });
}

/// A program that connected at the moment in which a copy ended was told that the schema lacks something, and to restore
/// it from a backup.
#[cfg(feature = "testing-postgres")]
#[test]
fn who_connects_when_a_copy_ends_finds_a_whole_store() {
    block_on(async {
        let place = Postgres.new_place();
        let to = Postgres.open_for_copy(&place).await;
        let copying = Copying { id: CopyId::unique(), after: 0, of: 3 };
        to.begin_copy(copying.clone()).await.expect("a copy");
        let end = place.session().await;
        end.run("BEGIN; DROP TABLE eventloom.unfinished_copy").await.expect("an end");
        let url = place.url().await;
        let opening = tokio::spawn(async move {
            let database = PostgresDatabase::at(&url).expect("an address");
            PostgresStore::open(&database).await
        });
        let waits = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
            WHERE d.datname = current_database() AND NOT l.granted";
        while !opening.is_finished() && place.sql(waits).await == ["0"] {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        end.run("COMMIT").await.expect("a commit");
        let open = opening.await.expect("no panic");
        let open = open.unwrap_or_else(|error| panic!("{error}"));
        let in_use = to.begin_copy(copying).await.expect_err("it is in use");
        for part in ["other programs have the database open", "another `PostgresDatabase`"] {
            assert!(in_use.to_string().contains(part), "{in_use}");
        }
        assert_eq!(open.head().await, Ok(0));
    });
}

/// Somebody else than the owner copied, and was advised to be granted what no grant gives.
#[cfg(feature = "testing-postgres")]
#[test]
fn nobody_but_the_owner_copies_into_a_database() {
    use eventloom_runtime::store::postgres::Granted;

    block_on(async {
        let (_one, from) = Sqlite.open_new().await.expect("a store");
        let (place, owner) = Postgres.open_new().await.expect("a store");
        let name = format!("copier_{}", std::process::id());
        place.sql(&format!("DROP ROLE IF EXISTS {name}; CREATE ROLE {name} LOGIN")).await;
        owner.database().grant(&name, Granted::Program).await.expect("a grant");
        drop(owner);
        let url = place.url().await.replace("eventloom@", &format!("{name}@"));
        let database = PostgresDatabase::open_for_copy(&url).expect("an address");
        let to = PostgresStore::open(&database).await.expect("a store");
        let refused = whole::copy(&from, &to, |_| ()).await.expect_err("it is not the owner's");
        assert!(matches!(refused, CopyError::NotBegun(StoreError::Unwritable(_))), "{refused}");
        for part in ["does not own the tables", "no grant is enough", "nothing was changed"] {
            assert!(refused.to_string().contains(part), "{refused}");
        }
        place.sql(&format!("DROP OWNED BY {name}; DROP ROLE {name}")).await;
    });
}
