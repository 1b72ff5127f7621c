//! Commands that are sent again without an id, and are recognised by keys that their input gives in roundabout
//! ways.

use eventloom_runtime::testing::block_on;
use eventloom_runtime::{Command, dec};
use eventloom_tests::goldens::retried::purse::{
    AddMoney, AddWithWelcome, CashCheque, Pay, PayAll, PayByHand, PayInParts, PayLabelled,
    PayLinesByHand, PayNamedByHand, PayOrNote, PayTidied, Purse, TakeFee,
};
use eventloom_tests::goldens::retried::types::{Line, Payment, Reference};
use eventloom_tests::parts::purse::Payer;

use super::Bench;

type Purses = Bench<Purse<Payer>>;

async fn with_money() -> Purses {
    let purses = Purses::new().await;
    purses.done(AddMoney { amount: dec!(100) }).await;
    purses
}

/// A payment took all that was there. Its answer got lost, it was sent again, and told that there are
/// insufficient funds: its key was looked for only where it was an input as it is, so the second decision met
/// what the first had done. The caller took it for refused, and paid once more from elsewhere.
async fn meets_itself(command: impl Command<Purse<Payer>>) {
    let purses = with_money().await;
    let first = purses.done(command.clone()).await;
    let second = purses.done(command).await;
    assert_eq!((&second.events, second.duplicate), (&first.events, true));
    assert_eq!(purses.state().await, first.state);
}

#[test]
fn a_retry_meets_itself_by_a_calculated_key() {
    block_on(async {
        meets_itself(Pay { reference: " T1 ".to_owned(), amount: dec!(100) }).await;
        meets_itself(CashCheque { number: 7, amount: dec!(100) }).await;
        let (tidied_text, reference) = (" A".to_owned(), "T2 ".to_owned());
        meets_itself(PayTidied { tidied_text, reference, amount: dec!(100) }).await;
    });
}

#[test]
fn a_retry_meets_itself_by_the_keys_of_a_list() {
    block_on(async {
        let payment =
            |reference: &str| Payment { reference: reference.to_owned(), amount: dec!(50) };
        meets_itself(PayAll { payments: vec![payment("T1"), payment("T2")] }).await;
        let (labels, payments) = (vec!["A".to_owned()], vec![payment("T1"), payment("T2")]);
        meets_itself(PayLabelled { labels, payments }).await;
        let (reference, parts) = (Some("T".to_owned()), vec![dec!(60), dec!(0), dec!(40)]);
        meets_itself(PayInParts { reference, parts }).await;
    });
}

#[test]
fn a_retry_of_a_decision_by_hand_meets_itself() {
    block_on(async {
        meets_itself(PayByHand { transaction_id: "T1".to_owned(), amount: dec!(100) }).await;
        let transaction_id = Reference::new("T1").expect("a reference");
        meets_itself(PayNamedByHand { transaction_id, amount: dec!(100) }).await;
        let line = |id: &str| Line { transaction_id: id.to_owned(), amount: dec!(50) };
        meets_itself(PayLinesByHand { lines: vec![line("T1"), line("T2")] }).await;
    });
}

/// A refusal that keeps a note is an outcome: there was enough money when the command came again, and it was
/// carried out although its caller had been told that it was refused.
#[test]
fn a_refusal_that_kept_a_note_is_refused_again_by_the_note() {
    block_on(async {
        let purses = with_money().await;
        let command = PayOrNote { reference: "T1".to_owned(), amount: dec!(150) };
        let first = purses.refused(command.clone()).await;
        purses.done(AddMoney { amount: dec!(100) }).await;
        assert_eq!(purses.refused(command).await, first);
        assert_eq!(purses.state().await.balance, dec!(200));
    });
}

/// What two commands have in common is no reason to take one for the other: a fee has another id each time.
#[test]
fn a_command_with_a_new_key_each_time_is_no_retry() {
    block_on(async {
        let purses = with_money().await;
        for _ in 0..2 {
            assert!(!purses.done(TakeFee { amount: dec!(50) }).await.duplicate);
        }
        assert_eq!(purses.refused(TakeFee { amount: dec!(50) }).await.0, "InsufficientFunds");
    });
}

/// Keys that may recognise a command refuse nothing: only its own earlier sending counts.
#[test]
fn a_key_that_another_command_has_is_no_concern_of_a_refused_one() {
    block_on(async {
        let purses = with_money().await;
        purses.done(PayByHand { transaction_id: "T1".to_owned(), amount: dec!(90) }).await;
        let other = PayByHand { transaction_id: "T1".to_owned(), amount: dec!(50) };
        assert_eq!(purses.refused(other).await.0, "InsufficientFunds");
        let other = PayByHand { transaction_id: "T1".to_owned(), amount: dec!(10) };
        assert_eq!(purses.refused(other).await.0, "DuplicateTransactionId");
        // One of its keys is another command's, the next its own.
        let line = |id: &str, amount| Line { transaction_id: id.to_owned(), amount };
        let lines = PayLinesByHand { lines: vec![line("T2", dec!(4)), line("T3", dec!(6))] };
        let first = purses.done(lines.clone()).await;
        let second = purses.done(lines).await;
        assert_eq!((&second.events, second.duplicate), (&first.events, true));
        let others = PayLinesByHand { lines: vec![line("T1", dec!(4)), line("T9", dec!(6))] };
        assert_eq!(purses.refused(others).await.0, "InsufficientFunds");
    });
}

/// Money was added twice, and the second time told to be the first over again: the key of a welcome, which is
/// the stream's id, had been claimed by the same content, though the command claims it no more.
#[test]
fn a_key_that_the_input_does_not_tell_recognises_nothing() {
    block_on(async {
        let purses = Purses::new().await;
        let command = AddWithWelcome { amount: dec!(10) };
        for balance in [dec!(10), dec!(20)] {
            let done = purses.done(command.clone()).await;
            assert_eq!((done.duplicate, done.state.balance), (false, balance));
        }
    });
}
