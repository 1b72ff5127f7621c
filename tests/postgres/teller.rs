//! A program of the bank: tellers who send commands until it is killed, each again and again until it is answered, and a
//! projection that follows.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;
use std::{env, io, thread};

use eventloom_runtime::projection::{PostgresReadDatabase, Projector};
use eventloom_runtime::store::postgres::{PostgresDatabase, PostgresOptions, PostgresStore};
use eventloom_runtime::testing::block_on;
use eventloom_runtime::{CommandContext, Decimal, ExecuteError, StoreError};
use generated_example::bank_account::{
    AccountBalanceView, BankAccountRepository, DepositMoney, OpenAccount,
};

const DATABASE: &str = "EVENTLOOM_TEST_DATABASE";
const NAME: &str = "EVENTLOOM_TEST_NAME";

/// Accounts that tellers pay in to; the first is everybody's.
pub(crate) const ACCOUNTS: usize = 6;

/// Does the work of a program, for ever; nothing where this is run as a test among others.
#[test]
fn teller() {
    let (Ok(url), Ok(name)) = (env::var(DATABASE), env::var(NAME)) else { return };
    block_on(async {
        let options = PostgresOptions { connections: 3, patience: Duration::from_secs(5) };
        let database = PostgresDatabase::with(&url, options).expect("an address");
        let (accounts, balances) = loop {
            match open(&database).await {
                Ok(open) => break open,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        let _running = balances.spawn();
        let tellers: Vec<_> = (0..ACCOUNTS)
            .map(|teller| tokio::spawn(pay_in(accounts.clone(), name.clone(), teller)))
            .collect();
        for teller in tellers {
            teller.await.expect("a teller goes on until it is killed");
        }
    });
}

type Balances = Projector<AccountBalanceView, PostgresStore, PostgresReadDatabase>;

/// The bank, opened.
pub(crate) async fn open(
    database: &PostgresDatabase,
) -> Result<(BankAccountRepository<PostgresStore>, Balances), String> {
    let told = |error: StoreError| error.to_string();
    let store = PostgresStore::open(database).await.map_err(told)?;
    let accounts = BankAccountRepository::open(store.clone()).await.map_err(told)?;
    let rows = PostgresReadDatabase::open(database).await.map_err(|error| error.to_string())?;
    let balances = Projector::open(store, rows).await.map_err(|error| error.to_string())?;
    Ok((accounts, balances))
}

/// Pays in, now to an account of the teller's own and now to that of all, and tells what was acknowledged.
async fn pay_in(accounts: BankAccountRepository<PostgresStore>, name: String, teller: usize) {
    for number in 0_u64.. {
        let account = format!("A{}", if number % 3 == 0 { 0 } else { teller });
        let id = format!("{name}-{teller}-{number}");
        loop {
            let command =
                DepositMoney { amount: Decimal::from(number % 7 + 1), transaction_id: id.clone() };
            let context = CommandContext::new().command_id(id.as_str());
            match accounts.execute_with(account.as_str(), command, context).await {
                Ok(_) => {
                    say(&format!("paid {account} {id} {}", number % 7 + 1));
                    break;
                }
                Err(ExecuteError::Refused(_)) => {
                    let command =
                        OpenAccount { customer_id: "C".to_owned(), initial_balance: Decimal::ZERO };
                    // Somebody else may be first, or the server away.
                    let _ = accounts.execute(account.as_str(), command).await;
                }
                // Nobody knows, or nothing was done: the same again.
                Err(ExecuteError::Store(_) | ExecuteError::Conflict { .. }) => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// A line that is out before anything else is done.
fn say(line: &str) {
    let mut out = io::stdout().lock();
    // Who listens may have killed this program.
    let _ = out.write_all(format!("\n{line}\n").as_bytes());
    let _ = out.flush();
}

/// What was acknowledged: the account, the transaction and its amount.
pub(crate) type Paid = (String, String, u64);

/// A program that runs until it is killed.
pub(crate) struct Teller {
    child: Child,
    told: Receiver<Paid>,
}

impl Teller {
    /// Starts one.
    pub(crate) fn start(url: &str, name: &str) -> Self {
        let mut child = Command::new(env::current_exe().expect("this binary"))
            .env(DATABASE, url)
            .env(NAME, name)
            .args(["--exact", "teller::teller", "--nocapture"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a program");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let (tell, told) = std::sync::mpsc::channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let words: Vec<&str> = line.split(' ').collect();
                let ["paid", account, id, amount] = words[..] else { continue };
                let Ok(amount) = amount.parse() else { continue };
                // A line that was cut off is none.
                if tell.send((account.to_owned(), id.to_owned(), amount)).is_err() {
                    return;
                }
            }
        });
        Self { child, told }
    }

    /// Stops it where it stands, so that others take its work for abandoned; and lets it go on.
    pub(crate) fn hold(&self, time: Duration) {
        let signal = |name: &str| {
            let sent = Command::new("sh")
                .args(["-c", &format!("kill {name} {}", self.child.id())])
                .status();
            assert!(sent.is_ok_and(|sent| sent.success()), "a signal is sent");
        };
        signal("-STOP");
        thread::sleep(time);
        signal("-CONT");
    }

    /// Kills it as kill -9 does, and gives what it had acknowledged.
    pub(crate) fn kill(mut self) -> Vec<Paid> {
        self.child.kill().expect("a kill");
        self.child.wait().expect("its end");
        self.told.iter().collect()
    }
}
