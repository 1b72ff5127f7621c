//! The seed ontology, byte for byte, with the parts that it leaves to hand written by hand: the two
//! examples of the guide that it comes from.

use eventloom_runtime::aggregate::ApplyError;
use eventloom_runtime::projection::{MemoryReadDatabase, ProjectionError, Projector};
use eventloom_runtime::repository::{Executed, NewEvents};
use eventloom_runtime::store::MemoryStore;
use eventloom_runtime::{Aggregate, Decimal, Metadata, Refusal, Timestamp, block_on};
use eventloom_tests::goldens::seed::bank_account::{
    AccountBalanceView, AccountBalanceViewHandler, AccountOpened, BankAccount, BankAccountBehavior,
    BankAccountEvent, BankAccountRepository, MoneyDeposited, MoneyWithdrawn,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The state that the seed leaves open.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Account {
    balance: Decimal,
}

impl BankAccountBehavior for Account {
    const REVISION: u32 = 1;

    fn apply_account_opened(
        &mut self,
        event: &AccountOpened,
        _: &Metadata,
    ) -> Result<(), ApplyError> {
        self.balance = event.initial_balance;
        Ok(())
    }

    fn apply_money_deposited(
        &mut self,
        event: &MoneyDeposited,
        _: &Metadata,
    ) -> Result<(), ApplyError> {
        self.balance = eventloom_runtime::eval::add(self.balance, event.amount)?;
        Ok(())
    }

    fn apply_money_withdrawn(
        &mut self,
        event: &MoneyWithdrawn,
        _: &Metadata,
    ) -> Result<(), ApplyError> {
        self.balance = eventloom_runtime::eval::subtract(self.balance, event.amount)?;
        Ok(())
    }

    fn balance(&self) -> Decimal {
        self.balance
    }
}

/// The read model that the seed leaves open.
struct Balances;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Balance {
    balance: Decimal,
    version: u64,
}

impl AccountBalanceViewHandler for Balances {
    const REVISION: u32 = 1;

    type Row = Balance;

    fn key(_: &BankAccountEvent, meta: &Metadata) -> Result<String, ProjectionError> {
        Ok(meta.stream_id.to_string())
    }

    fn on_account_opened(
        row: &mut Option<Balance>,
        event: &AccountOpened,
        meta: &Metadata,
    ) -> Result<(), ProjectionError> {
        *row = Some(Balance { balance: event.initial_balance, version: meta.sequence });
        Ok(())
    }

    fn on_money_deposited(
        row: &mut Option<Balance>,
        event: &MoneyDeposited,
        meta: &Metadata,
    ) -> Result<(), ProjectionError> {
        let row = row.as_mut().ok_or(ProjectionError::RowMissing)?;
        *row = Balance { balance: row.balance + event.amount, version: meta.sequence };
        Ok(())
    }

    fn on_money_withdrawn(
        row: &mut Option<Balance>,
        event: &MoneyWithdrawn,
        meta: &Metadata,
    ) -> Result<(), ProjectionError> {
        let row = row.as_mut().ok_or(ProjectionError::RowMissing)?;
        *row = Balance { balance: row.balance - event.amount, version: meta.sequence };
        Ok(())
    }
}

type Accounts = BankAccountRepository<Account, MemoryStore>;
type Recording = Result<
    Executed<BankAccount<Account>>,
    eventloom_runtime::repository::ExecuteError<<BankAccount<Account> as Aggregate>::Error>,
>;

fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(second * 1_000_000)
}

fn opened(balance: i64) -> AccountOpened {
    AccountOpened {
        account_id: "A1".to_owned(),
        customer_id: "C1".to_owned(),
        initial_balance: balance.into(),
        opened_at: at(1),
    }
}

fn deposited(amount: i64, transaction: &str) -> MoneyDeposited {
    MoneyDeposited {
        account_id: "A1".to_owned(),
        amount: amount.into(),
        transaction_id: transaction.to_owned(),
        deposited_at: at(2),
    }
}

fn withdrawn(amount: i64, transaction: &str) -> MoneyWithdrawn {
    MoneyWithdrawn {
        account_id: "A1".to_owned(),
        amount: amount.into(),
        transaction_id: transaction.to_owned(),
        withdrawn_at: at(3),
    }
}

async fn record(accounts: &Accounts, events: NewEvents<BankAccount<Account>>) -> Recording {
    accounts.record("A1", events).await
}

#[test]
fn the_seed_is_the_one_that_was_given() {
    let seed = include_bytes!("../data/ok/seed/banking-account.yaml");
    let hash: String = Sha256::digest(seed).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, "e429e293923eb1d00100bd3df750d0a24d58346c9dab626ae16dd2e7c0e04111");
}

#[test]
fn a_rebuilt_balance_is_1300_at_version_3() {
    block_on(async {
        let store = MemoryStore::new();
        let accounts = Accounts::open(store.clone()).await.expect("the repository opens");
        let events = NewEvents::new()
            .with(opened(1000))
            .with(deposited(500, "T1"))
            .with(withdrawn(200, "T2"));
        record(&accounts, events).await.expect("the events are recorded");
        let projector =
            Projector::<AccountBalanceView<Balances>, _, _>::open(store, MemoryReadDatabase::new())
                .await
                .expect("the projection opens");
        projector.rebuild(|_| {}).await.expect("the rebuild ends");
        let row =
            projector.read_model().get(&"A1".to_owned()).await.expect("a read").expect("a row");
        assert_eq!(row.row, Balance { balance: 1300.into(), version: 3 });
    });
}

#[test]
fn the_same_event_twice_gives_the_same_result_and_the_same_state() {
    block_on(async {
        let accounts = Accounts::open(MemoryStore::new()).await.expect("the repository opens");
        record(&accounts, NewEvents::new().with(opened(1000))).await.expect("opened");
        let first =
            record(&accounts, NewEvents::new().with(deposited(500, "T1"))).await.expect("first");
        let state = accounts.load("A1").await.expect("a state");
        let second =
            record(&accounts, NewEvents::new().with(deposited(500, "T1"))).await.expect("second");
        assert!(second.duplicate);
        assert_eq!((first.events, first.sequence), (second.events, second.sequence));
        assert_eq!(accounts.load("A1").await.expect("a state").state, state.state);
    });
}

#[test]
fn the_same_transaction_with_other_content_is_refused() {
    block_on(async {
        let accounts = Accounts::open(MemoryStore::new()).await.expect("the repository opens");
        let events = NewEvents::new().with(opened(1000)).with(deposited(500, "T1"));
        record(&accounts, events).await.expect("recorded");
        let other = record(&accounts, NewEvents::new().with(deposited(501, "T1"))).await;
        let error = other.expect_err("another amount under the same id");
        assert_eq!(error.refusal().map(Refusal::name), Some("DuplicateTransactionId"));
    });
}

#[test]
fn an_overdraft_is_refused_by_the_sentence_on_the_hand_written_state() {
    block_on(async {
        let accounts = Accounts::open(MemoryStore::new()).await.expect("the repository opens");
        record(&accounts, NewEvents::new().with(opened(100))).await.expect("opened");
        let error = record(&accounts, NewEvents::new().with(withdrawn(101, "T1"))).await;
        let error = error.expect_err("more than there is");
        assert_eq!(error.refusal().map(Refusal::name), Some("BalanceCannotBeNegative"));
    });
}
