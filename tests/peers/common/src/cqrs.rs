//! The bank as cqrs-es has it, whatever it is stored in, with its view of one row an account.

use chrono::{DateTime, Utc};
use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent, EventEnvelope, View};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type")]
pub enum Event {
    AccountOpened { account_id: String, owner: String, currency: String, at: DateTime<Utc> },
    MoneyDeposited { account_id: String, amount: Decimal, at: DateTime<Utc> },
    MoneyWithdrawn { account_id: String, amount: Decimal, at: DateTime<Utc> },
}

impl DomainEvent for Event {
    fn event_type(&self) -> String {
        match self {
            Self::AccountOpened { .. } => "AccountOpened",
            Self::MoneyDeposited { .. } => "MoneyDeposited",
            Self::MoneyWithdrawn { .. } => "MoneyWithdrawn",
        }
        .to_owned()
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

pub enum Command {
    Open,
    Deposit(Decimal),
}

#[derive(Debug)]
pub struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Account {
    account_id: String,
    owner: String,
    balance: Decimal,
    open: bool,
}

impl Account {
    /// What it has.
    pub fn balance(&self) -> Decimal {
        self.balance
    }
}

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    type Command = Command;
    type Event = Event;
    type Error = Refused;
    type Services = ();

    async fn handle(
        &mut self,
        command: Command,
        _: &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Refused> {
        let (account_id, at) = (self.account_id.clone(), Utc::now());
        let event = match command {
            Command::Open if !self.open => Event::AccountOpened {
                account_id: "A".to_owned(),
                owner: "Ada Lovelace".to_owned(),
                currency: "EUR".to_owned(),
                at,
            },
            Command::Deposit(amount) if self.open && amount > Decimal::ZERO => {
                Event::MoneyDeposited { account_id, amount, at }
            }
            _ => return Err(Refused),
        };
        sink.write(event, self).await;
        Ok(())
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::AccountOpened { account_id, owner, .. } => {
                (self.account_id, self.owner, self.open) = (account_id, owner, true);
            }
            Event::MoneyDeposited { amount, .. } => self.balance += amount,
            Event::MoneyWithdrawn { amount, .. } => self.balance -= amount,
        }
    }
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Balance {
    account_id: String,
    balance: Decimal,
}

impl View<Account> for Balance {
    fn update(&mut self, event: &EventEnvelope<Account>) {
        match &event.payload {
            Event::AccountOpened { account_id, .. } => self.account_id.clone_from(account_id),
            Event::MoneyDeposited { amount, .. } => self.balance += amount,
            Event::MoneyWithdrawn { amount, .. } => self.balance -= amount,
        }
    }
}
