//! The seed ontology, byte for byte, with the parts that it leaves to hand written by hand: the two
//! examples of the guide that it comes from.

use eventloom_runtime::projection::{MemoryReadDatabase, Projector};
use eventloom_runtime::repository::{Executed, NewEvents};
use eventloom_runtime::store::MemoryStore;
use eventloom_runtime::{Aggregate, Refusal, Timestamp, block_on};
use eventloom_tests::goldens::seed::bank_account::{
    AccountBalanceView, AccountOpened, BankAccount, BankAccountRepository, MoneyDeposited,
    MoneyWithdrawn,
};
use eventloom_tests::parts::account::{Account, Balance, Balances};
use sha2::{Digest, Sha256};

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
