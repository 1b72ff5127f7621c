//! Parts that are written by hand: a fold, a decision, read models; and a whole state.

use eventloom_runtime::command::Decide;
use eventloom_runtime::projection::CustomRow;
use eventloom_runtime::repository::NewEvents;
use eventloom_runtime::testing::block_on;
use eventloom_runtime::{ApplyError, Decimal, ExecuteError, Halt, Metadata, Projection, dec};
use eventloom_tests::goldens::by_hand::purse::{Fill, Purse, PurseBehavior};
use eventloom_tests::goldens::custom::wallet::{
    Audit, Charge, Charged, PointsGranted, Transfer, Wallet, WalletBehavior, WalletError,
    WalletEvent, WalletState, WalletView,
};
use eventloom_tests::parts::coins::Coins;
use eventloom_tests::parts::wallet::{Points, Views};

use super::{Bench, meta, time};

#[test]
fn hand_written_parts_stand_beside_generated_ones() {
    block_on(async {
        let wallets = Bench::<Wallet<Points>>::new().await;
        wallets.done(Charge { amount: dec!(1.50) }).await;
        let done = wallets.done(Transfer { amount: dec!(2), parts: 2 }).await;
        assert_eq!(done.events.len(), 3);
        assert_eq!((done.state.balance, done.state.points), (dec!(5.5), 5));
        let error = wallets.failed(Transfer { amount: dec!(2), parts: 0 }).await;
        assert!(error.to_string().contains("0 parts"), "{error}");
        let overdrawn = wallets.refused(Transfer { amount: dec!(-6), parts: 1 }).await;
        assert_eq!(overdrawn.0, "BalanceCannotBeNegative");
    });
}

struct Other;

impl WalletBehavior for Other {
    const REVISION: u32 = 2;

    fn apply_points_granted(
        _state: &mut WalletState,
        _event: &PointsGranted,
        _meta: &Metadata,
    ) -> Result<(), ApplyError> {
        Ok(())
    }

    fn decide_transfer(
        _context: &mut Decide<'_, Wallet<Self>>,
        _command: &Transfer,
    ) -> Result<(), Halt<WalletError>> {
        Ok(())
    }
}

/// Snapshots are kept by meaning: a changed hand-written fold must not meet those of the old one.
#[test]
fn a_revision_changes_the_meaning() {
    use eventloom_runtime::Aggregate;
    assert_ne!(Wallet::<Points>::MEANING, Wallet::<Other>::MEANING);
}

fn charged(amount: Decimal) -> WalletEvent {
    let charged_at = time("2026-11-21T12:00:00Z");
    WalletEvent::Charged(Charged { wallet_id: "s".to_owned(), amount, charged_at })
}

/// The handler counts before it fails: the count must not stay.
#[test]
fn a_handler_that_fails_leaves_the_row_as_it_was() {
    let mut row = None;
    WalletView::<Views>::fold(&mut row, &charged(Decimal::MAX), &meta(1)).unwrap();
    WalletView::<Views>::fold(&mut row, &charged(Decimal::ONE), &meta(2)).unwrap_err();
    assert_eq!(row.map(|row| row.charges), Some(1));
    assert_eq!(WalletView::<Views>::key(&charged(dec!(1)), &meta(1)), Ok(Some("s".to_owned())));
}

#[test]
fn a_handler_may_bring_a_row_of_its_own() {
    let mut row = None;
    Audit::<Views>::fold(&mut row, &charged(dec!(1)), &meta(1)).unwrap();
    Audit::<Views>::fold(&mut row, &charged(dec!(2)), &meta(2)).unwrap();
    let row: CustomRow<Vec<String>> = row.unwrap();
    assert_eq!(
        (row.key.as_str(), row.row.as_slice()),
        ("s", &["1".to_owned(), "2".to_owned()][..])
    );
    assert_eq!(Audit::<Views>::row(Audit::<Views>::row_values(&row)), Ok(row));
}

/// The rules on `Balance` and on `BeforeBalance` shared a local: the last of three rules on the two took the
/// balance before the command for the other value, and refused what was allowed.
#[test]
fn a_value_named_like_the_past_of_another_is_a_value_of_its_own() {
    block_on(async {
        let purses = Bench::<Purse<Coins>>::new().await;
        purses.done(Fill { amount: dec!(1001) }).await;
        let done = purses.done(Fill { amount: dec!(1) }).await;
        assert_eq!((done.state.balance(), done.state.before_balance()), (dec!(1002), dec!(2)));
        let refused = purses.refused(Fill { amount: dec!(-1003) }).await;
        assert_eq!(refused.0, "BalanceCannotBeNegative");
    });
}

/// An import mixed two wallets up: the charge of one went into the stream of the other, was accepted there, and
/// each read model that goes by the field booked it to the one, each state to the other.
#[test]
fn an_event_that_names_another_stream_is_refused() {
    block_on(async {
        let wallets = Bench::<Wallet<Points>>::new().await;
        let charge = |wallet: &str| Charged {
            wallet_id: wallet.to_owned(),
            amount: dec!(1),
            charged_at: time("2026-11-21T12:00:00Z"),
        };
        let mixed = NewEvents::new().with(charge("s")).with(charge("t"));
        let refused = wallets.repository.record("s", mixed).await;
        let Err(ExecuteError::Invalid(told)) = refused else { panic!("{refused:?}") };
        assert_eq!(told.field, "walletId");
        assert_eq!(told.reason, "Charged names the stream `t`, and is recorded in `s`");
        assert_eq!(wallets.state().await.balance, dec!(0));
        wallets.repository.record("s", NewEvents::new().with(charge("s"))).await.expect("its own");
    });
}
