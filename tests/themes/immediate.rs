//! An immediate view that is broken on purpose. The bank's ontology has none, so the two checks that see
//! one are called here as its harness would call them.
//!
//! What an immediate view cannot fold, the append refuses. The harness took every such refusal for an
//! amount beyond the columns, and so a view that failed or panicked was green.

use eventloom_runtime::codec::{DecodeError, FieldError};
use eventloom_runtime::projection::{Column, Consistency, ProjectionError, Value};
use eventloom_runtime::testing::harness::projection;
use eventloom_runtime::testing::subject::{AnyCommand, Subject, Visit};
use eventloom_runtime::testing::{Check, Draw, Memory};
use eventloom_runtime::{Metadata, Projection};
use eventloom_tests::goldens::bank::bank_account::{
    AccountBalanceView, AccountBalanceViewRow, BankAccount, BankAccountEvent, DepositMoney,
    OpenAccount,
};

/// Accounts that are opened and filled.
#[derive(Clone, Copy)]
struct Accounts;

#[derive(Clone, Debug)]
enum Filling {
    Open(OpenAccount),
    Deposit(DepositMoney),
}

impl AnyCommand<BankAccount> for Filling {
    fn visit<V: Visit<BankAccount>>(&self, visitor: V) -> V::Output {
        match self {
            Self::Open(command) => visitor.visit(command),
            Self::Deposit(command) => visitor.visit(command),
        }
    }
}

impl Subject for Accounts {
    type Aggregate = BankAccount;
    type Command = Filling;

    fn command(draw: &mut Draw) -> Filling {
        match draw.below(2) {
            0 => Filling::Open(OpenAccount {
                customer_id: draw.text(),
                initial_balance: draw.decimal(),
            }),
            _ => Filling::Deposit(DepositMoney {
                amount: draw.decimal(),
                transaction_id: draw.text(),
            }),
        }
    }
}

/// What a view does with deposits.
trait Deposits: Send + Sync + 'static {
    fn fold() -> Result<(), ProjectionError>;
}

/// The bank's view, if it were immediate.
struct Immediate<D>(std::marker::PhantomData<D>);

impl<D: Deposits> Projection for Immediate<D> {
    const NAME: &'static str = AccountBalanceView::NAME;
    const DATABASE: &'static str = AccountBalanceView::DATABASE;
    const TABLE: &'static str = AccountBalanceView::TABLE;
    const CONSISTENCY: Consistency = Consistency::Immediate;
    const MEANING: u64 = AccountBalanceView::MEANING;
    const AGGREGATE: &'static str = AccountBalanceView::AGGREGATE;
    const SOURCES: &'static [&'static str] = AccountBalanceView::SOURCES;
    const COLUMNS: &'static [Column] = AccountBalanceView::COLUMNS;
    const KEY_COLUMNS: usize = AccountBalanceView::KEY_COLUMNS;
    const KEY_IS_STREAM: bool = AccountBalanceView::KEY_IS_STREAM;
    const READS_METADATA: bool = AccountBalanceView::READS_METADATA;

    type Event = BankAccountEvent;
    type Key = String;
    type Row = AccountBalanceViewRow;

    fn key(event: &BankAccountEvent, meta: &Metadata) -> Result<Option<String>, ProjectionError> {
        AccountBalanceView::key(event, meta)
    }

    fn fold(
        row: &mut Option<AccountBalanceViewRow>,
        event: &BankAccountEvent,
        meta: &Metadata,
    ) -> Result<(), ProjectionError> {
        if matches!(event, BankAccountEvent::MoneyDeposited(_)) {
            D::fold()?;
        }
        AccountBalanceView::fold(row, event, meta)
    }

    fn key_values(key: &String) -> Vec<Value> {
        AccountBalanceView::key_values(key)
    }

    fn row_values(row: &AccountBalanceViewRow) -> Vec<Value> {
        AccountBalanceView::row_values(row)
    }

    fn row(values: Vec<Value>) -> Result<AccountBalanceViewRow, DecodeError> {
        AccountBalanceView::row(values)
    }

    fn key_of(row: &AccountBalanceViewRow) -> String {
        AccountBalanceView::key_of(row)
    }
}

/// What each of the two checks says of a view.
fn checks<D: Deposits>() -> [Check; 2] {
    [
        projection::incremental_equals_rebuilt::<Accounts, Immediate<D>, _>(Memory),
        projection::an_event_handled_twice_counts_once::<Accounts, Immediate<D>, _>(Memory),
    ]
}

/// Holds that a view is red, and that each check says so in these words.
#[track_caller]
fn is_red<D: Deposits>(words: &str) {
    for check in checks::<D>() {
        let failure = check.expect_err("a broken view is green").to_string();
        assert!(failure.contains(words), "no `{words}` in: {failure}");
    }
}

macro_rules! deposits {
    ($($name:ident: $fold:expr;)+) => {$(
        struct $name;

        impl Deposits for $name {
            fn fold() -> Result<(), ProjectionError> {
                $fold
            }
        }
    )+};
}

deposits! {
    Folded: Ok(());
    Panics: panic!("on purpose");
    Fails: Err(ProjectionError::Custom("on purpose".to_owned()));
    Exists: Err(ProjectionError::RowExists);
    Unfit: Err(ProjectionError::Field(FieldError { field: "balance", reason: "too large".to_owned() }));
}

#[test]
fn a_view_that_folds_everything_is_green() {
    assert_eq!(checks::<Folded>(), [Ok(()), Ok(())]);
}

/// Commands may let in what a column can't hold: then the append is refused, and no row is wrong.
#[test]
fn a_view_may_refuse_what_its_columns_cannot_hold() {
    assert_eq!(checks::<Unfit>(), [Ok(()), Ok(())]);
}

#[test]
fn a_view_that_panics_is_red() {
    is_red::<Panics>("the projection panics over a valid history");
}

#[test]
fn a_view_that_fails_is_red() {
    is_red::<Fails>("the projection cannot take a valid history: on purpose");
}

#[test]
fn a_view_that_finds_a_row_where_there_is_none_is_red() {
    is_red::<Exists>("the projection cannot take a valid history: insert: the row exists already");
}
