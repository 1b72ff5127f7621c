//! The bank's database, opened: accounts for deciding, read models for looking.
//!
//! This is all a program needs to hold: a store, a repository, a projector per read model. Failures of
//! the runtime become failures of the command line here, each with what to do about it.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use eventloom_runtime::projection::{
    Poison, Projection, ProjectionStatus, Projector, ProjectorError, ProjectorOptions, Rebuild,
    Retried, Running, Selection, Skip,
};
use eventloom_runtime::repository::{AsOf, Executed, Loaded, RetryPolicy, TimelineEntry};
use eventloom_runtime::store::{AllPage, EventFilter, Page};
use eventloom_runtime::{Command, CommandContext, EventStore, Position, Refusal, Sequence};
use generated_example::bank_account::{
    AccountBalanceView, AccountBalanceViewRow, BankAccount, BankAccountError,
    BankAccountRepository, TransactionHistoryView, TransactionHistoryViewKey,
    TransactionHistoryViewRow,
};

use crate::database::Database;
use crate::failure::Failure;
use crate::progress::Progress;

/// Rows and events that are read at a time.
pub(crate) const PAGE: usize = 500;

/// How often a progress bar moves while the read models are brought up to date.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A read model of the bank's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum View {
    #[value(name = AccountBalanceView::NAME)]
    Balances,
    #[value(name = TransactionHistoryView::NAME)]
    Transactions,
}

impl View {
    /// In the order of [`Ledger::statuses`].
    const ALL: [Self; 2] = [Self::Balances, Self::Transactions];
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Balances => AccountBalanceView::NAME,
            Self::Transactions => TransactionHistoryView::NAME,
        })
    }
}

/// Where the bank's database lies.
pub(crate) struct Place<D>(D);

impl<D: Database> Place<D> {
    /// This database.
    pub(crate) fn new(database: D) -> Self {
        Self(database)
    }

    /// Opens the database, creating it where there is none.
    pub(crate) async fn create(&self) -> Result<Ledger<D>, Failure> {
        Ledger::open(&self.0, ProjectorOptions::default()).await
    }

    /// Opens the database, which must be there.
    pub(crate) async fn open(&self) -> Result<Ledger<D>, Failure> {
        self.open_with(ProjectorOptions::default()).await
    }

    /// Opens the database, which must be there, to keep its read models up to date like this.
    pub(crate) async fn open_with(&self, options: ProjectorOptions) -> Result<Ledger<D>, Failure> {
        self.0.check_there().await?;
        Ledger::open(&self.0, options).await
    }

    /// The folder with what was archived, where one was named.
    pub(crate) fn archive(&self) -> Option<&Path> {
        self.0.archive()
    }

    /// The events of the database, which must be there, with an archive in this folder.
    pub(crate) async fn events_with_archive(&self, folder: &Path) -> Result<D::Events, Failure> {
        self.0.check_there().await?;
        self.0.events(Some(folder)).await
    }
}

/// Half a minute of attempts: another process may be importing into the very account, and whoever
/// waits at a prompt would only send the command again.
const PATIENCE: RetryPolicy = RetryPolicy {
    attempts: 600,
    first_pause: Duration::from_millis(1),
    longest_pause: Duration::from_millis(100),
};

/// The bank's database, opened.
pub(crate) struct Ledger<D: Database> {
    accounts: BankAccountRepository<D::Events>,
    balances: Projector<AccountBalanceView, D::Events, D::Rows>,
    transactions: Projector<TransactionHistoryView, D::Events, D::Rows>,
}

impl<D: Database> Ledger<D> {
    /// Opens a database, to keep its read models up to date like this.
    pub(crate) async fn open(database: &D, options: ProjectorOptions) -> Result<Self, Failure> {
        let (store, rows) = database.open().await?;
        let accounts =
            BankAccountRepository::builder().retries(PATIENCE).open(store.clone()).await?;
        let balances = Projector::open_with(store.clone(), rows.clone(), options.clone()).await?;
        let transactions = Projector::open_with(store, rows, options).await?;
        Ok(Self { accounts, balances, transactions })
    }

    /// The accounts.
    pub(crate) fn accounts(&self) -> &BankAccountRepository<D::Events> {
        &self.accounts
    }

    /// Sends a command.
    pub(crate) async fn execute<C: Command<BankAccount>>(
        &self,
        account: &str,
        command: C,
        context: CommandContext,
    ) -> Result<Executed<BankAccount>, Failure> {
        Ok(self.accounts.execute_with(account, command, context).await?)
    }

    /// An account that must exist, as of a moment.
    pub(crate) async fn account_as_of(
        &self,
        account: &str,
        moment: AsOf,
    ) -> Result<Loaded<BankAccount>, Failure> {
        let loaded = self.accounts.load_as_of(account, moment).await?;
        if loaded.exists() {
            return Ok(loaded);
        }
        if self.accounts.load(account).await?.exists() {
            let message = format!("the account `{account}` did not exist yet");
            return Err(Failure::refused(&BankAccountError::not_found(message)));
        }
        Err(no_account(account))
    }

    /// The row of an account, up to date; refused where events of the account are held back.
    pub(crate) async fn balance(&self, account: &str) -> Result<AccountBalanceViewRow, Failure> {
        self.balances.catch_up().await?;
        let status = self.balances.status().await?;
        if let Some(poison) = status.poison.into_iter().find(|it| it.stream_id.as_str() == account)
        {
            let (projection, poison) = (status.projection, Box::new(poison));
            return Err(ProjectorError::Parked { projection, poison }.into());
        }
        match self.balances.read_model().get(&account.to_owned()).await? {
            Some(row) => Ok(row),
            None => Err(no_account(account)),
        }
    }

    /// The movements of an account, up to date, in the order in which they happened.
    ///
    /// They are sorted here, in memory: the read model keeps them by transaction.
    pub(crate) async fn transactions(
        &self,
        account: &str,
    ) -> Result<Vec<TransactionHistoryViewRow>, Failure> {
        self.transactions.catch_up().await?;
        let model = self.transactions.read_model();
        let mut after = TransactionHistoryViewKey {
            account_id: account.to_owned(),
            transaction_id: String::new(),
        };
        let mut found = Vec::new();
        loop {
            let page = model.page(Some(&after), PAGE).await?;
            let before = found.len();
            found.extend(page.into_iter().take_while(|row| row.account_id == account));
            match found.last() {
                Some(last) if found.len() == before + PAGE => {
                    after.transaction_id.clone_from(&last.transaction_id);
                }
                _ => break,
            }
        }
        if found.is_empty() && !self.accounts.load(account).await?.exists() {
            return Err(no_account(account));
        }
        found.sort_unstable_by_key(|row| row.sequence);
        Ok(found)
    }

    /// What happened to an account after a sequence: a page, the first of which is never empty.
    pub(crate) async fn timeline(
        &self,
        account: &str,
        after: Sequence,
    ) -> Result<Vec<TimelineEntry>, Failure> {
        let page = self.accounts.timeline(account, after, PAGE).await?;
        if page.is_empty() && after == 0 { Err(no_account(account)) } else { Ok(page) }
    }

    /// The events of an account as they are stored, after a sequence: a page, the first of which is
    /// never empty.
    pub(crate) async fn events(&self, account: &str, after: Sequence) -> Result<Page, Failure> {
        let page = self.accounts.history(account, after, PAGE).await?;
        if page.is_empty() && after == 0 { Err(no_account(account)) } else { Ok(page) }
    }

    /// All events as they are stored, after a position: a page.
    pub(crate) async fn all_events(&self, after: Position) -> Result<AllPage, Failure> {
        let filter = EventFilter { metadata: true, ..EventFilter::default() };
        Ok(self.accounts.store().read_all(after, &filter, PAGE).await?)
    }

    /// Brings both read models up to date, with progress.
    pub(crate) async fn catch_up(&self) -> Result<(), Failure> {
        let behind = self.balances.lag().await?.events;
        let progress = Progress::counting("projecting", behind);
        let caught_up =
            async { tokio::try_join!(self.balances.catch_up(), self.transactions.catch_up()) };
        tokio::pin!(caught_up);
        let done = loop {
            tokio::select! {
                done = &mut caught_up => break done,
                () = tokio::time::sleep(LOOK_EVERY) => {
                    let left = self.balances.lag().await?.events;
                    progress.at(behind.saturating_sub(left), behind);
                }
            }
        };
        progress.clear();
        done?;
        Ok(())
    }

    /// Where both read models stand.
    pub(crate) async fn statuses(&self) -> Result<[ProjectionStatus; 2], Failure> {
        Ok(tokio::try_join!(self.balances.status(), self.transactions.status())?.into())
    }

    /// The events that are in the way of a read model.
    pub(crate) async fn poison(&self) -> Result<Vec<(View, Poison)>, Failure> {
        let statuses = self.statuses().await?;
        let poison = View::ALL.into_iter().zip(statuses);
        Ok(poison.flat_map(|(view, it)| it.poison.into_iter().map(move |it| (view, it))).collect())
    }

    /// The events that stopped the last rebuild of a read model. Its rows lack nothing for them.
    pub(crate) async fn stopped_rebuilds(&self) -> Result<Vec<(View, Poison)>, Failure> {
        let statuses = View::ALL.into_iter().zip(self.statuses().await?);
        Ok(statuses.filter_map(|(view, it)| Some((view, it.rebuild_stopped_by?))).collect())
    }

    /// What was decided to be left out of a read model.
    pub(crate) async fn skips(&self) -> Result<Vec<(View, Skip)>, Failure> {
        let skips = tokio::try_join!(self.balances.skips(), self.transactions.skips())?;
        let skips = View::ALL.into_iter().zip(<[Vec<Skip>; 2]>::from(skips));
        Ok(skips.flat_map(|(view, them)| them.into_iter().map(move |it| (view, it))).collect())
    }

    /// Folds a poison event of a read model again.
    pub(crate) async fn retry_poison(
        &self,
        view: View,
        position: Position,
    ) -> Result<Retried, ProjectorError> {
        match view {
            View::Balances => self.balances.retry_poison(position).await,
            View::Transactions => self.transactions.retry_poison(position).await,
        }
    }

    /// Leaves a poison event out of a read model for good.
    pub(crate) async fn skip_poison(
        &self,
        view: View,
        position: Position,
        operator: &str,
        reason: &str,
    ) -> Result<Retried, ProjectorError> {
        match view {
            View::Balances => self.balances.skip_poison(position, operator, reason).await,
            View::Transactions => self.transactions.skip_poison(position, operator, reason).await,
        }
    }

    /// Decides as was decided elsewhere about the same events, and gives the decisions that can't be taken here: about events
    /// that are no poison events of these rows.
    pub(crate) async fn skip_as<'a>(
        &self,
        skips: &'a [(View, Skip)],
    ) -> Result<Vec<&'a (View, Skip)>, Failure> {
        for (view, skip) in skips {
            let caught_up = match view {
                View::Balances => self.balances.catch_up().await,
                View::Transactions => self.transactions.catch_up().await,
            };
            match caught_up {
                // It may be the very event that is to be skipped.
                Ok(_) | Err(ProjectorError::Stopped { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            let Skip { position, operator, reason, .. } = skip;
            match self.skip_poison(*view, *position, operator, reason).await {
                // Whether it was decided before is looked at below.
                Ok(_)
                | Err(ProjectorError::Stopped { .. } | ProjectorError::NoSuchPoison { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let kept = self.skips().await?;
        let is_kept = |view, at| kept.iter().any(|(of, it)| *of == view && it.position == at);
        Ok(skips.iter().filter(|(view, skip)| !is_kept(*view, skip.position)).collect())
    }

    /// Keeps both read models up to date from here on.
    pub(crate) fn follow(&self) -> [Running; 2] {
        [self.balances.spawn(), self.transactions.spawn()]
    }

    /// Builds both read models anew beside the old ones, in one reading that so many readers share; tells how many events
    /// it took.
    pub(crate) async fn rebuild(
        &self,
        readers: usize,
        progress: &Progress,
    ) -> Result<u64, Failure> {
        let (mut events, mut waits) = (0, false);
        Rebuild::of(&self.balances)
            .and(&self.transactions)
            .parallel(readers)
            .run(|step| {
                events = step.events;
                progress.at(step.position, step.head);
                if step.waits && !std::mem::replace(&mut waits, true) {
                    progress.tell(
                        "the new rows are complete; waiting for those who read the old ones, or change tables, or \
                         keep them up to date",
                    );
                }
            })
            .await?;
        Ok(events)
    }

    /// Builds the balances of the selected accounts anew, in place; tells of how many.
    pub(crate) async fn rebuild_balances(
        &self,
        selection: &Selection,
        progress: &Progress,
    ) -> Result<u64, Failure> {
        if let Some(account) = &selection.stream
            && self.accounts.history(account.as_str(), 0, 1).await?.is_empty()
        {
            return Err(no_account(account.as_str()));
        }
        self.balances.catch_up().await?;
        Ok(self.balances.rebuild_streams(selection, |built| progress.at(built, built)).await?)
    }
}

fn no_account(account: &str) -> Failure {
    let refusal = BankAccountError::not_found(format!("there is no account `{account}`"));
    Failure::refused(&refusal)
}
