//! The bank as eventcore has it, whatever it is stored in: state is folded by the command.

use chrono::{DateTime, Utc};
use eventcore::{
    Command, CommandError, CommandLogic, Event, NewEvents, RetryPolicy, StreamId, execute,
};
use eventcore_types::EventStore;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "type")]
pub enum Happened {
    AccountOpened { account_id: StreamId, owner: String, currency: String, at: DateTime<Utc> },
    MoneyDeposited { account_id: StreamId, amount: Decimal, at: DateTime<Utc> },
    MoneyWithdrawn { account_id: StreamId, amount: Decimal, at: DateTime<Utc> },
}

impl Happened {
    /// What it adds to the balance.
    pub fn change(&self) -> Decimal {
        match self {
            Self::AccountOpened { .. } => Decimal::ZERO,
            Self::MoneyDeposited { amount, .. } => *amount,
            Self::MoneyWithdrawn { amount, .. } => -*amount,
        }
    }
}

impl Event for Happened {
    fn stream_id(&self) -> &StreamId {
        match self {
            Self::AccountOpened { account_id, .. }
            | Self::MoneyDeposited { account_id, .. }
            | Self::MoneyWithdrawn { account_id, .. } => account_id,
        }
    }

    fn event_type_name() -> &'static str {
        "Happened"
    }
}

#[derive(Debug, Default)]
pub struct Account {
    owner: String,
    balance: Decimal,
    open: bool,
}

fn folded(mut state: Account, event: &Happened) -> Account {
    if let Happened::AccountOpened { owner, .. } = event {
        (state.owner, state.open) = (owner.clone(), true);
    }
    state.balance += event.change();
    state
}

#[derive(Command)]
struct Open {
    #[stream]
    account_id: StreamId,
}

impl CommandLogic for Open {
    type Event = Happened;
    type State = Account;

    fn apply(&self, state: Account, event: &Happened) -> Account {
        folded(state, event)
    }

    fn handle(&self, state: Account) -> Result<NewEvents<Happened>, CommandError> {
        eventcore::require!(!state.open, "it is open with {}", state.balance);
        let (account_id, at) = (self.account_id.clone(), Utc::now());
        let (owner, currency) = ("Ada Lovelace".to_owned(), "EUR".to_owned());
        Ok(vec![Happened::AccountOpened { account_id, owner, currency, at }].into())
    }
}

#[derive(Command)]
struct Deposit {
    #[stream]
    account_id: StreamId,
    amount: Decimal,
}

impl CommandLogic for Deposit {
    type Event = Happened;
    type State = Account;

    fn apply(&self, state: Account, event: &Happened) -> Account {
        folded(state, event)
    }

    fn handle(&self, state: Account) -> Result<NewEvents<Happened>, CommandError> {
        eventcore::require!(state.open && self.amount > Decimal::ZERO, "no deposit");
        let (account_id, amount, at) = (self.account_id.clone(), self.amount, Utc::now());
        Ok(vec![Happened::MoneyDeposited { account_id, amount, at }].into())
    }
}

fn id(account: &str) -> StreamId {
    StreamId::try_new(account.to_owned()).expect("an id")
}

pub async fn open(store: &impl EventStore, account: &str) {
    execute(store, Open { account_id: id(account) }, RetryPolicy::new()).await.expect("an account");
}

pub async fn deposit(store: &impl EventStore, account: &str) {
    let deposit = Deposit { account_id: id(account), amount: Decimal::new(1050, 2) };
    execute(store, deposit, RetryPolicy::new()).await.expect("a deposit");
}

/// Loads and folds a stream of one opening and deposits: a command that is refused has done so, and tells the balance.
pub async fn load(store: &impl EventStore, account: &str, events: usize) {
    let refused = execute(store, Open { account_id: id(account) }, RetryPolicy::new()).await;
    let balance = Decimal::new(1050, 2) * Decimal::from(events - 1);
    assert_eq!(refused.expect_err("it is open").to_string(), format!("it is open with {balance}"));
}
