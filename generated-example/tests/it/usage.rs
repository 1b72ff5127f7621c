//! The generated types as a program calls them. The README shows parts of this file.

use eventloom_runtime::projection::{Projector, SqliteReadDatabase};
use eventloom_runtime::store::sqlite::{SqliteDatabase, SqliteStore};
use eventloom_runtime::{Decimal, Timestamp};
use generated_example::bank_account::{
    AccountBalanceView, BankAccountError, BankAccountRepository, DepositMoney, OpenAccount,
    WithdrawMoney,
};

type Anything = Box<dyn std::error::Error>;

#[tokio::test]
async fn an_overdraft_is_a_value_to_match_on() -> Result<(), Anything> {
    let folder = tempfile::tempdir()?;
    let database = SqliteDatabase::open(folder.path().join("bank.db"))?;
    let store = SqliteStore::open(&database).await?;
    let accounts = BankAccountRepository::open(store).await?;
    let open = OpenAccount { customer_id: "C1".into(), initial_balance: Decimal::from(100) };
    accounts.execute("A1", open).await?;

    let withdraw = WithdrawMoney { amount: Decimal::from(101), transaction_id: "T1".into() };
    let refused = accounts.execute("A1", withdraw).await.unwrap_err();
    assert!(matches!(refused.refusal(), Some(BankAccountError::InsufficientFunds { .. })));
    Ok(())
}

#[tokio::test]
async fn a_read_model_follows_and_the_past_stays() -> Result<(), Anything> {
    let folder = tempfile::tempdir()?;
    let database = SqliteDatabase::open(folder.path().join("bank.db"))?;
    let store = SqliteStore::open(&database).await?;
    let rows = SqliteReadDatabase::open(&database).await?;
    let accounts = BankAccountRepository::open(store.clone()).await?;
    let balances = Projector::<AccountBalanceView, _, _>::open(store, rows).await?;
    let open = OpenAccount { customer_id: "C1".into(), initial_balance: Decimal::from(1000) };
    accounts.execute("A1", open).await?;

    let running = balances.spawn();
    let deposit = DepositMoney { amount: Decimal::from(500), transaction_id: "T1".into() };
    let done = accounts.execute("A1", deposit).await?;
    balances.wait_for(done.position, std::time::Duration::from_secs(5)).await?;
    let row = balances.read_model().get(&"A1".to_owned()).await?.expect("A1 was opened");
    assert_eq!((row.balance, row.version), (Decimal::from(1500), 2));

    let before = accounts.load_as_of("A1", 1).await?;
    assert_eq!(before.state.balance, Decimal::from(1000));
    let long_ago = accounts.load_as_of("A1", Timestamp::from_micros(0)).await?;
    assert!(!long_ago.exists());
    running.stop().await?;
    Ok(())
}
