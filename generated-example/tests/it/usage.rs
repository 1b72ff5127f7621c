//! The generated types as a program calls them. The README and `docs/program.md` show parts of this file.

use std::time::Duration;

use eventloom_runtime::projection::{
    Projector, Rebuild, RebuildProgress, Selection, SqliteReadDatabase,
};
use eventloom_runtime::repository::RetryPolicy;
use eventloom_runtime::store::sqlite::{SqliteDatabase, SqliteStore};
use eventloom_runtime::{
    CommandContext, Date, Decimal, ExecuteError, Refusal, StoreError, Timestamp,
};
use generated_example::bank_account::{
    AccountBalanceView, BankAccountError, BankAccountRepository, DepositMoney, OpenAccount,
    WithdrawMoney,
};

type Anything = Box<dyn std::error::Error>;

#[test]
fn values_are_made_of_their_texts() -> Result<(), Anything> {
    let price: Decimal = "19.90".parse()?;
    let opened: Timestamp = "2026-11-21T10:30:00+01:00".parse()?;
    let notice: eventloom_runtime::Duration = "PT36H".parse()?;
    let day: Date = "2026-11-21".parse()?;
    let tomorrow = opened.checked_add(notice).ok_or("after the year 9999")?;

    assert_eq!(price, Decimal::new(199, 1));
    assert_eq!((opened.date(), opened.to_string()), (day, "2026-11-21T09:30:00Z".to_owned()));
    assert_eq!(
        (notice.to_string(), tomorrow.to_string()),
        ("PT36H".into(), "2026-11-22T21:30:00Z".into())
    );
    Ok(())
}

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
    balances.wait_for(done.position, Duration::from_secs(5)).await?;
    let row = balances.read_model().get(&"A1".to_owned()).await?.expect("A1 was opened");
    assert_eq!((row.balance, row.version), (Decimal::from(1500), 2));

    let before = accounts.load_as_of("A1", 1).await?;
    assert_eq!(before.state.balance, Decimal::from(1000));
    let long_ago = accounts.load_as_of("A1", Timestamp::from_micros(0)).await?;
    assert!(!long_ago.exists());
    running.stop().await?;

    let told = |step: RebuildProgress| println!("{} of {}", step.position, step.head);
    Rebuild::of(&balances).parallel(4).run(told).await?;

    let selection = Selection { stream: Some("A1".into()), ..Selection::default() };
    balances.rebuild_streams(&selection, |built| println!("{built} built")).await?;
    assert_eq!(balances.read_model().get(&"A1".to_owned()).await?, Some(row));
    Ok(())
}

/// Opens the account `A1` with a balance of 1000.
async fn opened(store: &SqliteStore) -> Result<BankAccountRepository<SqliteStore>, Anything> {
    let accounts = BankAccountRepository::open(store.clone()).await?;
    let open = OpenAccount { customer_id: "C1".into(), initial_balance: Decimal::from(1000) };
    accounts.execute("A1", open).await?;
    Ok(accounts)
}

#[tokio::test]
async fn a_command_with_an_id_is_sent_again_safely() -> Result<(), Anything> {
    let folder = tempfile::tempdir()?;
    let database = SqliteDatabase::open(folder.path().join("bank.db"))?;
    let accounts = opened(&SqliteStore::open(&database).await?).await?;
    let withdraw = WithdrawMoney { amount: Decimal::from(300), transaction_id: "T1".into() };

    let context = CommandContext::new().command_id("batch 7, row 12").actor("till 3");
    let first = accounts.execute_with("A1", withdraw.clone(), context.clone()).await?;
    let again = accounts.execute_with("A1", withdraw.clone(), context.clone()).await?;
    assert!(!first.duplicate && again.duplicate);
    assert_eq!(again.sequence, first.sequence);

    let other = WithdrawMoney { amount: Decimal::from(301), ..withdraw };
    let reused = accounts.execute_with("A1", other, context).await.unwrap_err();
    assert!(matches!(reused, ExecuteError::CommandIdReused { .. }));
    Ok(())
}

/// What a till says of a command that was not carried out.
fn told(error: &ExecuteError<BankAccountError>) -> String {
    match error {
        ExecuteError::Refused(BankAccountError::InsufficientFunds { message }) => {
            format!("not enough money: {message}")
        }
        ExecuteError::Refused(refusal) => format!("no: {}", refusal.message()),
        ExecuteError::Conflict { .. } | ExecuteError::Store(StoreError::Unavailable(_)) => {
            "please try again".to_owned()
        }
        other => other.to_string(),
    }
}

#[tokio::test]
async fn an_error_is_told_in_words() -> Result<(), Anything> {
    let folder = tempfile::tempdir()?;
    let database = SqliteDatabase::open(folder.path().join("bank.db"))?;
    let accounts = opened(&SqliteStore::open(&database).await?).await?;
    let withdraw = WithdrawMoney { amount: Decimal::from(1001), transaction_id: "T1".into() };
    let refused = accounts.execute("A1", withdraw.clone()).await.unwrap_err();
    assert_eq!(told(&refused), "not enough money: balance 1000 is less than 1001");
    let unknown = accounts.execute("A2", withdraw).await.unwrap_err();
    assert_eq!(told(&unknown), "no: BankAccount `A2` does not exist");
    Ok(())
}

#[tokio::test]
async fn retries_are_as_patient_as_they_are_told_to_be() -> Result<(), Anything> {
    let folder = tempfile::tempdir()?;
    let database = SqliteDatabase::open(folder.path().join("bank.db"))?;
    let store = SqliteStore::open(&database).await?;
    let retries = RetryPolicy { attempts: 5, ..RetryPolicy::default() };
    let accounts = BankAccountRepository::builder().retries(retries).open(store).await?;
    assert!(!accounts.load("A1").await?.exists());
    Ok(())
}

#[tokio::test]
async fn a_timeline_tells_what_happened() -> Result<(), Anything> {
    let folder = tempfile::tempdir()?;
    let database = SqliteDatabase::open(folder.path().join("bank.db"))?;
    let accounts = opened(&SqliteStore::open(&database).await?).await?;
    let deposit = DepositMoney { amount: Decimal::from(500), transaction_id: "T1".into() };
    accounts.execute("A1", deposit).await?;

    let mut lines = Vec::new();
    for entry in accounts.timeline("A1", 0, 100).await? {
        lines.push(format!("{} {}", entry.sequence, entry.description));
    }
    assert_eq!(lines[0], "1 Account opened: customer id C1, initial balance 1000");
    assert_eq!(lines[1], "2 Money deposited: amount 500, transaction id T1");
    Ok(())
}

#[tokio::test]
async fn a_read_model_catches_up_when_asked() -> Result<(), Anything> {
    let folder = tempfile::tempdir()?;
    let database = SqliteDatabase::open(folder.path().join("bank.db"))?;
    let store = SqliteStore::open(&database).await?;
    opened(&store).await?;

    let rows = SqliteReadDatabase::open(&database).await?;
    let balances = Projector::<AccountBalanceView, _, _>::open(store, rows).await?;
    balances.catch_up().await?;
    for row in balances.read_model().page(None, 100).await? {
        assert_eq!((row.account_id.as_str(), row.balance), ("A1", Decimal::from(1000)));
    }
    assert_eq!(balances.read_model().count().await?, 1);
    Ok(())
}
