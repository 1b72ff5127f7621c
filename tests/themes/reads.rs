//! The read database under test: one in memory that keeps checkpoints and gives out rows as the
//! mutation says.

use eventloom_runtime::projection::{
    Checkpoint, Commit, Committed, Condition, MemoryReadDatabase, Query, ReadDatabase,
    ReadDatabaseError, ReadTransaction, RowValues, RowsVersion, Skip, Summary, Switched, Table,
    TableSpec, TableState, Value,
};
use eventloom_runtime::store::AppendTransaction;
use eventloom_runtime::{Position, Uuid};

use crate::mutations::Mutation as M;

/// The read database that every test of the harness runs on.
#[derive(Clone, Debug)]
pub(crate) struct ReadsUnderTest(pub(crate) MemoryReadDatabase);

type Read<T> = Result<T, ReadDatabaseError>;

impl ReadDatabase for ReadsUnderTest {
    async fn open(&self, spec: TableSpec) -> Read<TableState> {
        self.0.open(spec).await
    }

    async fn state(&self, table: Table) -> Read<TableState> {
        self.0.state(table).await
    }

    async fn checkpoint(&self, table: Table) -> Read<Checkpoint> {
        self.0.checkpoint(table).await
    }

    async fn load(&self, table: Table, keys: Vec<RowValues>) -> Read<Vec<RowValues>> {
        // Others have their turn, as they would in a database with a file.
        tokio::task::yield_now().await;
        if M::a_batch_forgets_the_rows_before.is_on() {
            return Ok(Vec::new());
        }
        self.0.load(table, keys).await
    }

    async fn load_matching(
        &self,
        table: Table,
        condition: Condition,
        limit: usize,
    ) -> Read<Vec<RowValues>> {
        self.0.load_matching(table, condition, limit).await
    }

    async fn commit(&self, mut commit: Commit) -> Read<Committed> {
        if M::a_checkpoint_stays_behind_its_rows.is_on() && !commit.table.shadow {
            commit.position -= Position::from(!commit.rows.is_empty());
        }
        if M::a_checkpoint_runs_ahead_of_its_rows.is_on() {
            commit.rows.truncate(1);
        }
        if M::a_checkpoint_is_not_compared.is_on() {
            commit.revision = self.0.state(commit.table).await?.revision;
        }
        self.0.commit(commit).await
    }

    async fn claim(&self, table: Table, runner: Uuid) -> Read<TableState> {
        self.0.claim(table, runner).await
    }

    async fn get(&self, table: Table, key: RowValues) -> Read<Option<RowValues>> {
        self.0.get(table, key).await
    }

    async fn page(
        &self,
        table: Table,
        after: Option<RowValues>,
        limit: usize,
    ) -> Read<Vec<RowValues>> {
        self.0.page(table, after, limit).await
    }

    async fn find(&self, table: Table, mut query: Query) -> Read<Vec<RowValues>> {
        if M::a_query_asks_nothing.is_on() {
            query.condition = Condition::Always(true);
        }
        if M::a_query_forgets_its_order.is_on() {
            query.order.clear();
        }
        if M::a_query_gives_one_row_less.is_on() {
            query.limit = query.limit.saturating_sub(1);
        }
        self.0.find(table, query).await
    }

    async fn summarize(&self, table: Table, mut summary: Summary) -> Read<Vec<RowValues>> {
        if M::a_sum_is_of_all_rows.is_on() {
            summary.condition = Condition::Always(true);
        }
        if M::groups_forget_their_order.is_on() {
            summary.order.clear();
        }
        if M::groups_are_one_less.is_on() {
            summary.limit = summary.limit.saturating_sub(1);
        }
        let mut groups = self.0.summarize(table, summary).await?;
        if M::a_count_is_one_more.is_on() {
            groups.iter_mut().flatten().for_each(|figure| {
                if let Value::Integer(count) = figure {
                    *count += 1;
                }
            });
        }
        Ok(groups)
    }

    async fn count(&self, table: Table) -> Read<u64> {
        self.0.count(table).await
    }

    async fn begin_rebuild(&self, spec: TableSpec) -> Read<TableState> {
        self.0.begin_rebuild(spec).await
    }

    async fn finish_rebuild(
        &self,
        shadow: Table,
        revision: u64,
        left_out: Vec<Position>,
    ) -> Read<Switched> {
        self.0.finish_rebuild(shadow, revision, left_out).await
    }

    async fn abandon_rebuild(&self, shadow: Table) -> Read<()> {
        self.0.abandon_rebuild(shadow).await
    }

    async fn versions(&self) -> Read<Vec<RowsVersion>> {
        self.0.versions().await
    }

    async fn discard(&self, version: &RowsVersion) -> Read<bool> {
        self.0.discard(version).await
    }

    async fn skips(&self, table: Table) -> Read<Vec<Skip>> {
        self.0.skips(table).await
    }

    fn within<'a>(
        &self,
        transaction: &'a dyn AppendTransaction,
    ) -> Result<Box<dyn ReadTransaction + 'a>, String> {
        self.0.within(transaction)
    }
}
