//! `bank demo`: a short story on a fresh temporary database, which checks itself as it goes.
//!
//! The times are the story's own, so that it reads the same on every day.

use std::fmt::Debug;

use clap::Args;
use eventloom_runtime::repository::{AsOf, Executed};
use eventloom_runtime::{Command, CommandContext, Decimal, Timestamp};
use generated_example::bank_account::{
    AccountBalanceViewRow, BankAccount, DepositMoney, OpenAccount, WithdrawMoney,
};
use serde_json::{Map, Value, json};

use super::decide::tell;
use crate::database::File;
use crate::failure::Failure;
use crate::ledger::{Ledger, Place};
use crate::progress::Progress;
use crate::screen::Screen;
use crate::table::Align::{Left, Right};

/// Tell a short story on a fresh temporary database (the default).
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bank demo")]
pub(crate) struct Demo {}

const ACCOUNT: &str = "A1";

/// 2026-01-05T09:00:00Z, a Monday.
const MONDAY: Timestamp = Timestamp::from_micros(1_767_603_600_000_000);
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

impl Demo {
    pub(crate) async fn run(self, screen: &mut Screen) -> Result<(), Failure> {
        let folder =
            tempfile::tempdir().map_err(|error| Failure::failed("NoTemporaryFolder", error))?;
        let ledger = Place::new(File::at(folder.path().join("demo.db"))).create().await?;
        let mut story = Story { ledger: &ledger, screen, day: 0, facts: Map::new() };
        story.tell().await?;
        let facts = Value::Object(story.facts);
        if screen.is_json() { screen.json(&facts) } else { Ok(()) }
    }
}

struct Story<'a> {
    ledger: &'a Ledger<File>,
    screen: &'a mut Screen,
    day: i64,
    /// What the story is about, for programs.
    facts: Map<String, Value>,
}

impl Story<'_> {
    async fn tell(&mut self) -> Result<(), Failure> {
        self.screen.heading("A bank account, told by its events")?;
        self.open().await?;
        self.deposit().await?;
        self.withdraw().await?;
        self.overdraw().await?;
        self.deposit_again().await?;
        self.look().await?;
        self.look_back().await?;
        self.rebuild().await
    }

    async fn open(&mut self) -> Result<(), Failure> {
        self.chapter("Monday: customer C1 opens account A1 with 1000.")?;
        let command =
            OpenAccount { customer_id: "C1".to_owned(), initial_balance: Decimal::from(1000) };
        let opened = self.send(command).await?;
        self.carried_out("opened", &opened)?;
        check("the opening balance", &opened.state.balance, &Decimal::from(1000))
    }

    async fn deposit(&mut self) -> Result<(), Failure> {
        self.chapter("Tuesday: 500 come in, as transaction T1.")?;
        let deposited = self.send(deposit(500, "T1")).await?;
        self.carried_out("deposited", &deposited)?;
        check("the balance after the deposit", &deposited.state.balance, &Decimal::from(1500))
    }

    async fn withdraw(&mut self) -> Result<(), Failure> {
        self.chapter("Wednesday: 200 go out, as transaction T2.")?;
        let withdrawn = self.send(withdraw(200, "T2")).await?;
        self.carried_out("withdrawn", &withdrawn)?;
        check("the balance after the withdrawal", &withdrawn.state.balance, &Decimal::from(1300))
    }

    async fn overdraw(&mut self) -> Result<(), Failure> {
        self.chapter("Thursday: 5000 are asked for, which is more than there is.")?;
        match self.send(withdraw(5000, "T3")).await {
            Err(Failure::Refused { error, message }) => {
                self.screen.bad("refused", format_args!("{error}: {message}"))?;
                check("the refusal", &error.as_str(), &"InsufficientFunds")?;
                self.fact("refused", json!({"error": error, "message": message}));
            }
            Err(failure) => return Err(failure),
            Ok(_) => return Err(untrue("the overdraft", &"carried out", &"refused")),
        }
        self.check_unchanged().await
    }

    async fn deposit_again(&mut self) -> Result<(), Failure> {
        self.chapter("Friday: the deposit T1 arrives a second time, as messages do.")?;
        let repeated = self.send(deposit(500, "T1")).await?;
        check("whether the deposit was recognised", &repeated.duplicate, &true)?;
        self.fact("duplicate", json!({"sequence": repeated.sequence, "appended": 0}));
        self.screen.good(
            "no-op",
            format_args!("T1 was decided before, as #{}: nothing was appended", repeated.sequence),
        )?;
        self.check_unchanged().await
    }

    async fn look(&mut self) -> Result<(), Failure> {
        self.chapter("The read model AccountBalanceView shows:")?;
        let row = self.row_as_expected().await?;
        let balance = row.balance.normalize().to_string();
        self.fact("view", json!({"balance": balance, "version": row.version}));
        if self.screen.is_json() {
            return Ok(());
        }
        let mut table = self.screen.table(&[
            ("account", Left),
            ("customer", Left),
            ("balance", Right),
            ("version", Right),
        ]);
        table.row(vec![
            row.account_id,
            row.customer_id,
            balance.clone(),
            row.version.to_string(),
        ])?;
        table.finish()?;
        self.screen.line(format_args!("balance {balance}, version {}", row.version))
    }

    async fn look_back(&mut self) -> Result<(), Failure> {
        let tuesday = Timestamp::from_micros(MONDAY.as_micros() + DAY);
        self.chapter("Looking back: the account as it was on Tuesday evening.")?;
        let evening = Timestamp::from_micros(tuesday.as_micros() + DAY / 3);
        let then = self.ledger.account_as_of(ACCOUNT, AsOf::Time(evening)).await?;
        let balance = then.state.balance.normalize();
        self.screen
            .line(format_args!("balance {balance} after #{}, as of {evening}", then.sequence))?;
        let fact = json!({"balance": balance.to_string(), "sequence": then.sequence});
        self.fact("asOfTuesday", fact);
        check("the balance of Tuesday", &balance, &Decimal::from(1500))
    }

    async fn rebuild(&mut self) -> Result<(), Failure> {
        self.chapter("The read models are built anew from the events, beside the old ones.")?;
        let progress = Progress::counting("rebuilding", 0);
        let rebuilt = self.ledger.rebuild(1, &progress).await;
        progress.clear();
        let events = rebuilt?;
        check("the number of events", &events, &3)?;
        let row = self.row_as_expected().await?;
        self.fact("rebuilt", json!({"events": events, "version": row.version}));
        self.screen.good(
            "rebuilt",
            format_args!(
                "from {events} events: balance {}, version {}, as before",
                row.balance.normalize(),
                row.version
            ),
        )
    }

    fn chapter(&mut self, title: &str) -> Result<(), Failure> {
        self.screen.line("")?;
        self.screen.heading(title)
    }

    fn fact(&mut self, name: &str, fact: Value) {
        self.facts.insert(name.to_owned(), fact);
    }

    fn carried_out(&mut self, name: &str, executed: &Executed<BankAccount>) -> Result<(), Failure> {
        let balance = executed.state.balance.normalize().to_string();
        self.fact(name, json!({"sequence": executed.sequence, "balance": balance}));
        tell(executed, self.screen)
    }

    /// Sends a command on the next day of the story.
    async fn send<C: Command<BankAccount>>(
        &mut self,
        command: C,
    ) -> Result<Executed<BankAccount>, Failure> {
        let at = Timestamp::from_micros(MONDAY.as_micros() + self.day * DAY);
        self.day += 1;
        self.ledger.execute(ACCOUNT, command, CommandContext::new().at(at)).await
    }

    async fn check_unchanged(&mut self) -> Result<(), Failure> {
        let account = self.ledger.account_as_of(ACCOUNT, AsOf::Sequence(u64::MAX)).await?;
        check("the last event", &account.sequence, &3)?;
        let balance = account.state.balance.normalize();
        self.screen.quiet(format_args!("A1 still has {balance} at #{}", account.sequence))
    }

    async fn row_as_expected(&self) -> Result<AccountBalanceViewRow, Failure> {
        let row = self.ledger.balance(ACCOUNT).await?;
        check("the balance of the view", &row.balance, &Decimal::from(1300))?;
        check("the version of the view", &row.version, &3)?;
        Ok(row)
    }
}

fn deposit(amount: i64, transaction: &str) -> DepositMoney {
    DepositMoney { amount: Decimal::from(amount), transaction_id: transaction.to_owned() }
}

fn withdraw(amount: i64, transaction: &str) -> WithdrawMoney {
    WithdrawMoney { amount: Decimal::from(amount), transaction_id: transaction.to_owned() }
}

/// A story that isn't true ends the program with a failure.
fn check<T: Debug + PartialEq>(what: &str, found: &T, expected: &T) -> Result<(), Failure> {
    if found == expected { Ok(()) } else { Err(untrue(what, found, expected)) }
}

fn untrue(what: &str, found: &dyn Debug, expected: &dyn Debug) -> Failure {
    Failure::failed(
        "DemoFailed",
        format_args!("the story went wrong: {what} should be {expected:?} and is {found:?}"),
    )
}
