//! eventcore on PostgreSQL, and its transactional projection: each event with the progress in a transaction of its own.

use common::core::Happened;
use eventcore::Event;
use eventcore::postgres::PostgresEventStore;
use eventcore::postgres::projections::{
    DeliveryPosition, DeliverySourceId, EventTypeName, NoopAfterCommit, PostgresProjectionConfig,
    PostgresProjectionReset, PostgresProjectionSource, PostgresProjectionStore, PostgresProjector,
    ProjectionSelection, ProjectionSelectionId, ProjectionStreamFilter, ProjectorName, Transaction,
    reset_and_replay_transactional_projection,
};
use sqlx::{Pool, Postgres};

/// The table of balances.
struct Table(ProjectorName);

impl PostgresProjector for Table {
    type Event = Happened;
    type Error = sqlx::Error;
    type AfterCommit = NoopAfterCommit;

    fn name(&self) -> &ProjectorName {
        &self.0
    }

    async fn apply<'a, 'c>(
        &'a mut self,
        event: &'a Happened,
        _: DeliveryPosition,
        transaction: &'a mut Transaction<'c, Postgres>,
    ) -> Result<NoopAfterCommit, sqlx::Error>
    where
        'c: 'a,
    {
        sqlx::query(
            "INSERT INTO balance_view VALUES ($1, $2::text::numeric) \
             ON CONFLICT (id) DO UPDATE SET balance = balance_view.balance + excluded.balance",
        )
        .bind(event.stream_id().to_string())
        .bind(event.change().to_string())
        .execute(&mut **transaction)
        .await?;
        Ok(NoopAfterCommit)
    }
}

/// Makes the table empty again.
struct Emptied;

impl PostgresProjectionReset for Emptied {
    type Error = sqlx::Error;

    async fn reset<'a, 'c>(
        &'a mut self,
        transaction: &'a mut Transaction<'c, Postgres>,
    ) -> Result<(), sqlx::Error>
    where
        'c: 'a,
    {
        sqlx::query("DELETE FROM balance_view").execute(&mut **transaction).await?;
        Ok(())
    }
}

pub(crate) struct Bank {
    pool: Pool<Postgres>,
    store: PostgresEventStore,
}

fn source(pool: &Pool<Postgres>) -> PostgresProjectionSource {
    let id = DeliverySourceId::try_new("bank".to_owned()).expect("an id");
    PostgresProjectionSource::from_pool(pool.clone(), id)
}

impl Bank {
    pub(crate) async fn open(url: &str) -> Self {
        let pool = sqlx::postgres::PgPoolOptions::new()
            .max_connections(10)
            .connect(url)
            .await
            .expect("a pool");
        let store = PostgresEventStore::from_pool(pool.clone());
        store.migrate().await;
        Self { pool, store }
    }

    /// One stream of two events by the peer itself, copied so often and so far.
    pub(crate) async fn fill(&self, accounts: usize, length: usize) {
        common::core::open(&self.store, "first").await;
        common::core::deposit(&self.store, "first").await;
        let copy = format!(
            "ALTER TABLE eventcore_events DISABLE TRIGGER USER; \
             INSERT INTO eventcore_events (event_id, stream_id, stream_version, event_type, event_data) \
             SELECT gen_random_uuid(), 'A' || a, s, event_type, \
             jsonb_set(event_data, '{{account_id}}', to_jsonb('A' || a)) \
             FROM generate_series(0, {accounts} - 1) a, generate_series(1, {length}) s \
             JOIN eventcore_events ON stream_id = 'first' AND stream_version = least(s, 2); \
             DELETE FROM eventcore_events WHERE stream_id = 'first'; \
             ALTER TABLE eventcore_events ENABLE TRIGGER USER; ANALYZE eventcore_events"
        );
        sqlx::raw_sql(&copy).execute(&self.pool).await.expect("events");
    }

    /// Makes what its projections need. Every append costs more from then on, so that a bank which only appends does without.
    pub(crate) async fn project(&self) {
        source(&self.pool).migrate().await.expect("an order of delivery");
        PostgresProjectionStore::from_pool(self.pool.clone())
            .migrate()
            .await
            .expect("a table of progress");
        let table = "CREATE TABLE balance_view (id text PRIMARY KEY, balance numeric NOT NULL)";
        sqlx::raw_sql(table).execute(&self.pool).await.expect("a table");
    }

    pub(crate) async fn deposit(&self, account: usize) {
        common::core::deposit(&self.store, &format!("A{account}")).await;
    }

    pub(crate) async fn load(&self, account: usize, length: usize) {
        common::core::load(&self.store, &format!("A{account}"), length).await;
    }

    pub(crate) async fn rebuild(&self) {
        let types =
            vec![EventTypeName::try_new(Happened::event_type_name().to_owned()).expect("a type")];
        let id = ProjectionSelectionId::try_new("all".to_owned()).expect("an id");
        let all = ProjectionSelection::try_new(id, ProjectionStreamFilter::All, types)
            .expect("a selection");
        let table = Table(ProjectorName::try_new("balances".to_owned()).expect("a name"));
        let rows = PostgresProjectionStore::from_pool(self.pool.clone());
        let config = PostgresProjectionConfig::new(all);
        reset_and_replay_transactional_projection(
            table,
            &mut Emptied,
            &source(&self.pool),
            &rows,
            config,
        )
        .await
        .expect("a rebuild");
    }
}
