//! esrs: state from events, a transactional table.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use esrs::handler::TransactionalEventHandler;
use esrs::manager::AggregateManager;
use esrs::rebuilder::{PgRebuilder, Rebuilder};
use esrs::store::StoreEvent;
use esrs::store::postgres::{PgStore, PgStoreBuilder, PgStoreError};
use esrs::{Aggregate, AggregateState};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, Pool, Postgres};
use uuid::Uuid;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "type")]
pub(crate) enum Event {
    AccountOpened { account_id: String, owner: String, currency: String, at: DateTime<Utc> },
    MoneyDeposited { account_id: String, amount: Decimal, at: DateTime<Utc> },
    MoneyWithdrawn { account_id: String, amount: Decimal, at: DateTime<Utc> },
}

pub(crate) enum Command {
    Open,
    Deposit(Decimal),
}

#[derive(Debug)]
pub(crate) struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

#[derive(Debug, Default)]
pub(crate) struct State {
    account_id: String,
    owner: String,
    balance: Decimal,
    open: bool,
}

pub(crate) struct Account;

impl Aggregate for Account {
    const NAME: &'static str = "account";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Refused;

    fn handle_command(state: &State, command: Command) -> Result<Vec<Event>, Refused> {
        let (account_id, at) = (state.account_id.clone(), Utc::now());
        Ok(vec![match command {
            Command::Open if !state.open => Event::AccountOpened {
                account_id: "A".to_owned(),
                owner: "Ada Lovelace".to_owned(),
                currency: "EUR".to_owned(),
                at,
            },
            Command::Deposit(amount) if state.open && amount > Decimal::ZERO => {
                Event::MoneyDeposited { account_id, amount, at }
            }
            _ => return Err(Refused),
        }])
    }

    fn apply_event(mut state: State, event: Event) -> State {
        match event {
            Event::AccountOpened { account_id, owner, .. } => {
                (state.account_id, state.owner, state.open) = (account_id, owner, true);
            }
            Event::MoneyDeposited { amount, .. } => state.balance += amount,
            Event::MoneyWithdrawn { amount, .. } => state.balance -= amount,
        }
        state
    }
}

/// The table of balances.
struct Table;

#[async_trait::async_trait]
impl TransactionalEventHandler<Account, PgStoreError, PgConnection> for Table {
    async fn handle(
        &self,
        event: &StoreEvent<Event>,
        connection: &mut PgConnection,
    ) -> Result<(), PgStoreError> {
        let by = match event.payload() {
            Event::AccountOpened { .. } => Decimal::ZERO,
            Event::MoneyDeposited { amount, .. } => *amount,
            Event::MoneyWithdrawn { amount, .. } => -*amount,
        };
        sqlx::query(
            "INSERT INTO balance_view VALUES ($1, $2::text::numeric) \
             ON CONFLICT (id) DO UPDATE SET balance = balance_view.balance + excluded.balance",
        )
        .bind(event.aggregate_id)
        .bind(by.to_string())
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn delete(&self, id: Uuid, connection: &mut PgConnection) -> Result<(), PgStoreError> {
        sqlx::query("DELETE FROM balance_view WHERE id = $1").bind(id).execute(connection).await?;
        Ok(())
    }
}

pub(crate) struct Bank {
    pool: Pool<Postgres>,
    manager: Arc<AggregateManager<PgStore<Account>>>,
}

fn id(account: usize) -> Uuid {
    Uuid::parse_str(&format!("00000000-0000-4000-8000-{account:012}")).expect("an id")
}

impl Bank {
    pub(crate) async fn open(url: &str) -> Self {
        let pool = sqlx::postgres::PgPoolOptions::new()
            .max_connections(10)
            .connect(url)
            .await
            .expect("a pool");
        let table = "CREATE TABLE balance_view (id uuid PRIMARY KEY, balance numeric NOT NULL)";
        sqlx::raw_sql(table).execute(&pool).await.expect("a table");
        let store: PgStore<Account> =
            PgStoreBuilder::new(pool.clone()).try_build().await.expect("a store");
        Self { pool, manager: Arc::new(AggregateManager::new(store)) }
    }

    /// One stream of three events by the peer itself, copied so often and so far.
    pub(crate) async fn fill(&self, accounts: usize, length: usize) {
        let first = Uuid::new_v4();
        let opened =
            self.manager.handle_command(AggregateState::with_id(first), Command::Open).await;
        opened.expect("the store").expect("an account");
        self.pay_in(first).await;
        let copy = format!(
            "INSERT INTO account_events (id, aggregate_id, payload, occurred_on, sequence_number) \
             SELECT gen_random_uuid(), ('00000000-0000-4000-8000-' || lpad(a::text, 12, '0'))::uuid, \
             payload, occurred_on, s FROM generate_series(0, {accounts} - 1) a, generate_series(1, {length}) s \
             JOIN account_events ON aggregate_id = '{first}' AND sequence_number = least(s, 2); \
             DELETE FROM account_events WHERE aggregate_id = '{first}'; ANALYZE account_events"
        );
        sqlx::raw_sql(&copy).execute(&self.pool).await.expect("events");
    }

    async fn pay_in(&self, id: Uuid) {
        let state = self.manager.load(id).await.expect("the store").expect("an account");
        let paid =
            self.manager.handle_command(state, Command::Deposit(Decimal::new(1050, 2))).await;
        paid.expect("the store").expect("a deposit");
    }

    pub(crate) async fn deposit(&self, account: usize) {
        self.pay_in(id(account)).await;
    }

    pub(crate) async fn load(&self, account: usize, length: usize) {
        let state = self.manager.load(id(account)).await.expect("the store").expect("an account");
        let loaded = (*state.sequence_number() as usize, state.inner().balance);
        assert_eq!(loaded, (length, Decimal::new(1050, 2) * Decimal::from(length - 1)));
    }

    pub(crate) async fn rebuild(&self) {
        PgRebuilder::<Account>::new()
            .with_transactional_event_handlers(vec![Box::new(Table)])
            .by_aggregate_id(self.pool.clone())
            .await
            .expect("a rebuild");
    }
}
