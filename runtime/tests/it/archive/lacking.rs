//! Appends with an `immediate` projection that has not seen what is archived by now.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use eventloom_runtime::projection::{Projection, Projector, ProjectorError};
use eventloom_runtime::store::archive::{ArchiveRule, Archiver};
use eventloom_runtime::store::{
    Append, AppendError, AppendTransaction, AppendedEvents, EventFilter, FoldError, FoldedChange,
    ImmediateFold, Snapshot,
};
use eventloom_runtime::testing::intercept::{Intercepted, Interceptor};
use eventloom_runtime::testing::{TestClock, block_on};
use eventloom_runtime::values::Duration;
use eventloom_runtime::{EventStore as _, Sequence, StoreError};

use super::projections::RULE;
use super::{Kind, Rig, Store, files};
use crate::archiving::ArchiveKind as _;
use crate::projection::ledger::{Entry, ImmediateBalances, ImmediateNamesakes, LEDGER, TILL};
use crate::projection::rig::{appending, moved, new_event, opened, tagged};

type Immediate<P> = Projector<P, Store, <Kind as crate::archiving::ArchiveKind>::Rows>;

async fn open<P: Projection>(store: &Store) -> Immediate<P> {
    let rows = Kind.rows(store).await;
    Projector::open(store.clone(), rows).await.expect("it opens")
}

/// An append of entries, with a snapshot of all of them.
fn old(aggregate: &'static str, expected: Sequence, entries: &[Entry]) -> Append {
    let events = (expected + 1..).zip(entries).map(|(it, entry)| new_event("a", it, entry));
    let mut append = appending("a", expected, events.collect());
    append.stream.aggregate = aggregate;
    let sequence = expected + entries.len() as u64;
    append.snapshot = Some(Snapshot { sequence, meaning: RULE.meaning, data: b"{}\n{}".to_vec() });
    append
}

fn one_more(aggregate: &'static str, expected: Sequence) -> Append {
    let mut append = appending("a", expected, vec![new_event("a", expected + 1, &moved(1))]);
    append.stream.aggregate = aggregate;
    append
}

/// Lets all leave but the last, in files of twenty.
async fn archive(store: &Store) {
    let clock = TestClock::default();
    clock.advance(Duration::from_micros(2 * 86_400_000_000));
    let of_till = ArchiveRule { aggregate: TILL, ..RULE };
    let run = Archiver::new(store).rule(RULE).rule(of_till).clock(clock).segment_events(20);
    run.run(|_| {}).await.expect("an archive");
}

/// An account that was opened, and has so many movements.
fn account(moves: usize) -> Vec<Entry> {
    std::iter::once(opened("Ada")).chain((0..moves).map(|_| moved(1))).collect()
}

/// Files of which the projection needs nothing were asked for along with those that it needs: an append failed for one of
/// them.
#[test]
fn an_append_needs_no_files_of_other_types() {
    block_on(async {
        let rig = Rig::new().await;
        let balances = open::<ImmediateBalances>(&rig.store).await;
        let other = rig.again(Some(&rig.archive())).await;
        let tags = vec![tagged("x"); 20];
        let entries = [account(19), tags, vec![moved(1)]].concat();
        other.append(old(LEDGER, 0, &entries)).await.expect("an append");
        archive(&other).await;
        let [_, of_tags] = files(&rig.archive()).try_into().expect("two files");
        fs::remove_file(of_tags).expect("a file");

        rig.store.append(one_more(LEDGER, 41)).await.expect("it needs another file");

        let ada = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
        assert_eq!(ada.expect("a row").moves, 21);
    });
}

/// An append failed for a file that another one had lacked.
#[test]
fn an_append_fails_for_its_own_files_alone() {
    block_on(async {
        let rig = Rig::new().await;
        let balances = open::<ImmediateBalances>(&rig.store).await;
        let tills = open::<ImmediateNamesakes>(&rig.store).await;
        let other = rig.again(Some(&rig.archive())).await;
        for append in [old(LEDGER, 0, &account(40)), old(TILL, 0, &account(20))] {
            other.append(append).await.expect("an append");
        }
        archive(&other).await;
        let [first, second, _] = files(&rig.archive()).try_into().expect("three files");
        let gone = [&first, &second].map(|it| (it.clone(), it.with_extension("gone")));
        for (file, aside) in &gone {
            fs::rename(file, aside).expect("a file");
        }

        for missing in [&first, &second] {
            let error = rig.store.append(one_more(LEDGER, 41)).await.expect_err("it is missing");
            let told = error.to_string();
            assert!(told.contains(&missing.display().to_string()), "{told}");
            assert!(told.contains("it is not there"), "{told}");
            rig.store
                .append(one_more(TILL, 21 + u64::from(missing == &second)))
                .await
                .expect("its own");
            fs::rename(missing.with_extension("gone"), missing).expect("a file");
        }

        rig.store.append(one_more(LEDGER, 41)).await.expect("all is there");
        let row = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
        assert_eq!(row.expect("a row").moves, 41);
        let row = tills.read_model().get(&"a".to_owned()).await.expect("an answer");
        assert_eq!(row.expect("a row").moves, 22);
    });
}

/// Somebody appends when the rows have been brought up to date, archives that, and takes the files away.
#[derive(Clone)]
struct Meanwhile {
    other: Store,
    archive: PathBuf,
}

impl Interceptor<Store> for Meanwhile {
    async fn fold_immediately(
        &self,
        store: &Store,
        fold: Arc<dyn ImmediateFold>,
    ) -> Result<(), StoreError> {
        self.other.append(old(LEDGER, 0, &account(20))).await.expect("an append");
        archive(&self.other).await;
        files(&self.archive).iter().for_each(|file| fs::remove_file(file).expect("a file"));
        store.fold_immediately(fold).await
    }
}

/// A projection that could not be opened for a missing file said that it is to be opened again.
#[test]
fn a_projection_that_cannot_be_opened_says_what_is_missing() {
    block_on(async {
        let rig = Rig::new().await;
        let (other, folder) = (rig.again(Some(&rig.archive())).await, rig.archive());
        let meanwhile = Meanwhile { other, archive: folder.clone() };
        let store = Intercepted::new(rig.store.clone(), meanwhile);
        let rows = Kind.rows(&rig.store).await;
        let balances = Projector::<ImmediateBalances, _, _>::open(store, rows).await;

        let error = balances.err().expect("a file is missing");

        assert!(matches!(error, ProjectorError::Store(_)), "{error:?}");
        let told = error.to_string();
        assert!(told.contains(&folder.join("000001.ndjson.gz").display().to_string()), "{told}");
        assert!(told.contains("it is not there") && !told.contains("again"), "{told}");
    });
}

/// Reads everything there is in each append, and counts that.
#[derive(Default)]
struct Reads(AtomicUsize);

impl ImmediateFold for Reads {
    fn aggregate(&self) -> &'static str {
        LEDGER
    }

    fn name(&self) -> &'static str {
        "Reads"
    }

    fn open(&self, _: &dyn AppendTransaction) -> Result<(), StoreError> {
        Ok(())
    }

    fn fold(
        &self,
        transaction: &dyn AppendTransaction,
        _: &AppendedEvents<'_>,
    ) -> Result<FoldedChange, FoldError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let mut after = 0;
        loop {
            let page = transaction.read_all(after, &EventFilter::default(), 1_000)?;
            after = page.next;
            if page.events.at_end() {
                return Ok(Box::new(|_| Ok(())));
            }
        }
    }
}

/// What is more than the memory keeps was read again and again, each time with another transaction.
#[test]
fn an_append_that_needs_too_much_gives_up_soon() {
    block_on(async {
        let rig = Rig::new().await;
        let reads = Arc::new(Reads::default());
        rig.store.fold_immediately(reads.clone()).await.expect("it opens");
        let other = rig.again(Some(&rig.archive())).await;
        let big = vec![tagged(&"x".repeat(256 * 1024)); 10];
        let fill = async |range: std::ops::Range<u64>| {
            for number in range {
                other.append(old(LEDGER, number * 10, &big)).await.expect("an append");
            }
            archive(&other).await;
        };
        fill(0..5).await;
        rig.store.append(one_more(LEDGER, 50)).await.expect("there is memory for that");
        let enough = reads.0.swap(0, Ordering::SeqCst);
        assert!(enough <= 4, "{enough}");

        other.append(old(LEDGER, 51, &big[..9])).await.expect("an append");
        fill(6..8).await;
        let error = rig.store.append(one_more(LEDGER, 80)).await.expect_err("there is not");

        let AppendError::Store(StoreError::ArchivedHistoryUnavailable { reason, .. }) = error
        else {
            panic!("{error:?}");
        };
        assert!(reason.contains("more than an append can wait for"), "{reason}");
        let in_vain = reads.0.load(Ordering::SeqCst);
        assert!(in_vain <= 16, "{in_vain}");
    });
}
