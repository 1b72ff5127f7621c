//! A read database that fails when it is told to: what a crash between two batches leaves behind.

use std::collections::VecDeque;
use std::future::Future;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use eventloom_runtime::projection::{
    Checkpoint, Commit, Committed, Condition, Query, ReadDatabase, ReadDatabaseError,
    ReadTransaction, RowValues, RowsVersion, Skip, Summary, Switched, Table, TableSpec, TableState,
};
use eventloom_runtime::store::AppendTransaction;
use eventloom_runtime::{Position, Uuid};
use tokio::sync::Semaphore;

/// What happens to one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It goes through.
    Written,
    /// Nothing is written, and the caller hears of a failure.
    Lost,
    /// It is written, and the caller hears of a failure.
    Unanswered,
    /// It goes through when somebody opens the gate.
    Held,
}

/// The row of a number.
type MakeRow = fn(usize) -> RowValues;

/// A read database with a plan of fates, one per commit; after its end all goes well.
#[derive(Clone)]
pub(crate) struct Unreliable<D> {
    rows: D,
    plan: Arc<Mutex<VecDeque<Fate>>>,
    /// Number of commits that were asked for.
    pub(crate) commits: Arc<AtomicUsize>,
    /// Lets one held commit through for each permit.
    pub(crate) gate: Arc<Semaphore>,
    /// How often it was asked for rows that match a condition.
    pub(crate) asked: Arc<AtomicUsize>,
    /// So many further rows match, each made of its number, whenever it is asked for the time of this range.
    more: Option<(RangeInclusive<usize>, usize, MakeRow)>,
    /// Whether its disk is full.
    full: Arc<AtomicBool>,
    /// Whether what was read of a checkpoint is held back until somebody opens the gate.
    holds_checkpoints: Arc<AtomicBool>,
    /// How often a checkpoint was read.
    pub(crate) looks: Arc<AtomicUsize>,
    /// The tables of the rebuilds that were begun.
    pub(crate) begun: Arc<Mutex<Vec<Table>>>,
    /// What somebody else does just before rows take the place of others.
    somebody_else: Option<SomebodyElse>,
    /// What somebody else does before and after it is read what was decided.
    decides: Option<Decides>,
    /// How often that was done.
    decisions: Arc<AtomicUsize>,
    /// What somebody else does just before a commit.
    commits_first: Option<Decides>,
    /// How often somebody took the place of a runner.
    pub(crate) claims: Arc<AtomicUsize>,
    /// Whether the answer to the next claim is lost, and the claim late.
    loses_a_claim: Arc<AtomicBool>,
    /// A claim that lands before the next commit does.
    late: Arc<Mutex<Option<(Table, Uuid)>>>,
    /// Who writes whenever the state of a table was read, as long as nobody takes its place.
    faster: Option<Uuid>,
}

/// Something that happens elsewhere.
pub(crate) type Elsewhere = Pin<Box<dyn Future<Output = ()> + Send>>;
type SomebodyElse = Arc<dyn Fn() -> Elsewhere + Send + Sync>;
/// The same, told how often it happened before.
type Decides = Arc<dyn Fn(usize) -> Elsewhere + Send + Sync>;

impl<D> Unreliable<D> {
    pub(crate) fn new(rows: D, plan: impl IntoIterator<Item = Fate>) -> Self {
        let plan = Arc::new(Mutex::new(plan.into_iter().collect()));
        let gate = Arc::new(Semaphore::new(0));
        Self {
            rows,
            plan,
            commits: Arc::default(),
            gate,
            asked: Arc::default(),
            more: None,
            full: Arc::default(),
            holds_checkpoints: Arc::default(),
            looks: Arc::default(),
            begun: Arc::default(),
            somebody_else: None,
            decides: None,
            commits_first: None,
            claims: Arc::default(),
            loses_a_claim: Arc::default(),
            late: Arc::default(),
            decisions: Arc::default(),
            faster: None,
        }
    }

    /// The same, where somebody else does something just before rows take the place of others.
    pub(crate) fn with_somebody_else(
        self,
        does: impl Fn() -> Elsewhere + Send + Sync + 'static,
    ) -> Self {
        Self { somebody_else: Some(Arc::new(does)), ..self }
    }

    /// The same, where somebody else does something before it is read what was decided, each even time, and after that, each
    /// odd time.
    pub(crate) fn with_decisions(
        self,
        does: impl Fn(usize) -> Elsewhere + Send + Sync + 'static,
    ) -> Self {
        Self { decides: Some(Arc::new(does)), ..self }
    }

    /// The same, where somebody else does something just before each commit, told how many there were.
    pub(crate) fn with_commits_first(
        self,
        does: impl Fn(usize) -> Elsewhere + Send + Sync + 'static,
    ) -> Self {
        Self { commits_first: Some(Arc::new(does)), ..self }
    }

    /// The next claim fails, and lands later.
    pub(crate) fn lose_a_claim(&self) {
        self.loses_a_claim.store(true, Ordering::SeqCst);
    }

    /// The same, where a runner elsewhere is always faster than whoever has read the state of a table.
    pub(crate) fn with_a_faster_runner(self) -> Self {
        Self { faster: Some(Uuid::now_v7()), ..self }
    }

    /// From now on each checkpoint that was read is old when the caller hears of it: it waits for the gate.
    pub(crate) fn hold_checkpoints(&self) {
        self.holds_checkpoints.store(true, Ordering::SeqCst);
    }

    /// Its disk is full from now on, until it is mended.
    pub(crate) fn fail_from_now_on(&self) {
        self.full.store(true, Ordering::SeqCst);
    }

    /// There is room on the disk again.
    pub(crate) fn mend(&self) {
        self.full.store(false, Ordering::SeqCst);
    }

    /// The same, with so many further rows that match every condition.
    pub(crate) fn with_more(self, rows: usize, row: MakeRow) -> Self {
        Self { more: Some((1..=usize::MAX, rows, row)), ..self }
    }

    /// The same, but only where it is asked for this time.
    pub(crate) fn with_more_once(self, time: usize, rows: usize, row: MakeRow) -> Self {
        Self { more: Some((time..=time, rows, row)), ..self }
    }
}

impl<D: ReadDatabase> Unreliable<D> {
    /// Has a claim land that is late.
    pub(crate) async fn land(&self) {
        let late = self.late.lock().expect("no panic").take();
        if let Some((table, runner)) = late {
            self.rows.claim(table, runner).await.expect("it lands");
        }
    }

    async fn decide(&self) {
        let times = self.decisions.fetch_add(1, Ordering::SeqCst);
        assert!(times < 1_000, "it is looked for ever");
        if let Some(decides) = &self.decides {
            decides(times).await;
        }
    }
}

impl<D: ReadDatabase> ReadDatabase for Unreliable<D> {
    async fn open(&self, spec: TableSpec) -> Result<TableState, ReadDatabaseError> {
        self.rows.open(spec).await
    }

    async fn state(&self, table: Table) -> Result<TableState, ReadDatabaseError> {
        let state = self.rows.state(table).await?;
        if self.faster.is_some_and(|faster| state.runner.is_none_or(|runner| runner == faster)) {
            let moved = Commit { runner: self.faster, ..Commit::unchanged(&state) };
            self.rows.commit(moved).await?;
            let before = self.commits.fetch_add(1, Ordering::SeqCst);
            assert!(before < 1_000, "it is left to be faster for ever");
        }
        Ok(state)
    }

    async fn checkpoint(&self, table: Table) -> Result<Checkpoint, ReadDatabaseError> {
        let checkpoint = self.rows.checkpoint(table).await;
        self.looks.fetch_add(1, Ordering::SeqCst);
        if self.holds_checkpoints.load(Ordering::SeqCst) {
            self.gate.acquire().await.expect("it is never closed").forget();
        }
        checkpoint
    }

    async fn load(
        &self,
        table: Table,
        keys: Vec<RowValues>,
    ) -> Result<Vec<RowValues>, ReadDatabaseError> {
        self.rows.load(table, keys).await
    }

    async fn load_matching(
        &self,
        table: Table,
        condition: Condition,
        limit: usize,
    ) -> Result<Vec<RowValues>, ReadDatabaseError> {
        let time = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let mut rows = self.rows.load_matching(table, condition, limit).await?;
        if let Some((times, more, row)) = &self.more
            && times.contains(&time)
        {
            rows.extend((0..*more.min(&(limit - rows.len()))).map(row));
        }
        Ok(rows)
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, ReadDatabaseError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(ReadDatabaseError::Unwritable("the disk is full".to_owned()));
        }
        let fate = self.plan.lock().expect("no panic").pop_front().unwrap_or(Fate::Written);
        let times = self.commits.fetch_add(1, Ordering::SeqCst);
        self.land().await;
        if let Some(does) = &self.commits_first {
            does(times).await;
        }
        match fate {
            Fate::Lost => return Err(ReadDatabaseError::Unavailable("as planned".to_owned())),
            Fate::Held => self.gate.acquire().await.expect("it is never closed").forget(),
            Fate::Written | Fate::Unanswered => {}
        }
        let committed = self.rows.commit(commit).await?;
        match fate {
            Fate::Unanswered => Err(ReadDatabaseError::OutcomeUnknown("as planned".to_owned())),
            _ => Ok(committed),
        }
    }

    async fn claim(&self, table: Table, runner: Uuid) -> Result<TableState, ReadDatabaseError> {
        self.claims.fetch_add(1, Ordering::SeqCst);
        if self.loses_a_claim.swap(false, Ordering::SeqCst) {
            *self.late.lock().expect("no panic") = Some((table, runner));
            return Err(ReadDatabaseError::OutcomeUnknown("as planned".to_owned()));
        }
        self.rows.claim(table, runner).await
    }

    async fn get(
        &self,
        table: Table,
        key: RowValues,
    ) -> Result<Option<RowValues>, ReadDatabaseError> {
        self.rows.get(table, key).await
    }

    async fn page(
        &self,
        table: Table,
        after: Option<RowValues>,
        limit: usize,
    ) -> Result<Vec<RowValues>, ReadDatabaseError> {
        self.rows.page(table, after, limit).await
    }

    async fn find(&self, table: Table, query: Query) -> Result<Vec<RowValues>, ReadDatabaseError> {
        self.rows.find(table, query).await
    }

    async fn summarize(
        &self,
        table: Table,
        summary: Summary,
    ) -> Result<Vec<RowValues>, ReadDatabaseError> {
        self.rows.summarize(table, summary).await
    }

    async fn count(&self, table: Table) -> Result<u64, ReadDatabaseError> {
        self.rows.count(table).await
    }

    async fn begin_rebuild(&self, spec: TableSpec) -> Result<TableState, ReadDatabaseError> {
        let begun = self.rows.begin_rebuild(spec).await?;
        self.begun.lock().expect("no panic").push(begun.table);
        Ok(begun)
    }

    async fn finish_rebuild(
        &self,
        shadow: Table,
        revision: u64,
        left_out: Vec<Position>,
    ) -> Result<Switched, ReadDatabaseError> {
        if let Some(does) = &self.somebody_else {
            does().await;
        }
        self.rows.finish_rebuild(shadow, revision, left_out).await
    }

    async fn abandon_rebuild(&self, shadow: Table) -> Result<(), ReadDatabaseError> {
        self.rows.abandon_rebuild(shadow).await
    }

    async fn versions(&self) -> Result<Vec<RowsVersion>, ReadDatabaseError> {
        self.rows.versions().await
    }

    async fn discard(&self, version: &RowsVersion) -> Result<bool, ReadDatabaseError> {
        self.rows.discard(version).await
    }

    async fn skips(&self, table: Table) -> Result<Vec<Skip>, ReadDatabaseError> {
        self.decide().await;
        let skips = self.rows.skips(table).await;
        self.decide().await;
        skips
    }

    fn within<'a>(
        &self,
        transaction: &'a dyn AppendTransaction,
    ) -> Result<Box<dyn ReadTransaction + 'a>, String> {
        self.rows.within(transaction)
    }
}
