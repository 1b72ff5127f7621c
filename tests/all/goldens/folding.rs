//! Apply: lists in place, records, right sides that see the state before the event, declared digits.

use eventloom_runtime::testing::block_on;
use eventloom_runtime::{
    Aggregate, ApplyError, Bytes, Duration, ExecuteError, Timestamp, Uuid, dec,
};
use eventloom_tests::goldens::lists::order::{
    AddLine, ChangeAddress, DoubleLast, Order, PlaceOrder, ReplaceLines, Tag,
};
use eventloom_tests::goldens::lists::types::{Address, Line};
use eventloom_tests::goldens::scalars::sample::{
    Double, Doubled, Sample, SampleEvent, SampleState, Take,
};
use eventloom_tests::goldens::scalars::types::{Money, Tree};

use super::{Bench, meta};

fn line(sku: &str, quantity: i64) -> Line {
    Line { sku: sku.to_owned(), quantity, price: dec!(1.50), note: None }
}

#[test]
fn lists_grow_and_records_are_changed() {
    block_on(async {
        let orders = Bench::<Order>::new().await;
        orders.done(PlaceOrder { lines: vec![line("A", 1)], ship_to: None }).await;
        assert_eq!(orders.refused(DoubleLast).await.0, "NoLast");
        let add = AddLine { sku: "B".to_owned(), quantity: 2, price: dec!(3) };
        orders.done(add.clone()).await;
        orders.done(DoubleLast).await;
        let state = orders.state().await;
        assert_eq!(state.lines.iter().map(|line| line.quantity).collect::<Vec<_>>(), [1, 2, 4]);
        assert_eq!(state.last.map(|last| last.quantity), Some(4));
        let (_, message) = orders.refused(add).await;
        assert_eq!(message, "there are 3 lines already, the last is B");
    });
}

/// Replacing the lines reads their old first and old number while it sets the new ones.
#[test]
fn right_sides_see_the_state_before_the_event() {
    block_on(async {
        let orders = Bench::<Order>::new().await;
        orders.done(PlaceOrder { lines: vec![line("A", 1), line("B", 2)], ship_to: None }).await;
        orders.done(ReplaceLines { lines: vec![line("C", 3)] }).await;
        let state = orders.state().await;
        assert_eq!(state.last, Some(line("A", 1)));
        assert_eq!(state.count, 2);
        assert_eq!(state.lines, [line("C", 3)]);
    });
}

#[test]
fn an_absent_record_has_absent_fields() {
    block_on(async {
        let orders = Bench::<Order>::new().await;
        orders.done(PlaceOrder { lines: vec![line("A", 1)], ship_to: None }).await;
        orders.done(ChangeAddress { city: "Rome".to_owned() }).await;
        let unknown = Address { street: "unknown".to_owned(), city: "Rome".to_owned() };
        assert_eq!(orders.state().await.ship_to, Some(unknown));
        orders.done(Tag { tag: "x".to_owned() }).await;
        assert!(orders.done(Tag { tag: "x".to_owned() }).await.events.is_empty());
    });
}

fn take() -> Take {
    let money = Money { amount: dec!(12.34), tip: Some(dec!(0.5)) };
    let leaf = Tree { name: "leaf".to_owned(), children: Vec::new(), worth: None };
    Take {
        text: "ü \"x\"\n".to_owned(),
        number: i64::MIN,
        exact: dec!(0.0000000000000000000000000001),
        limited: dec!(9999999999.99),
        yes: false,
        when: Some(Timestamp::MAX),
        day: eventloom_runtime::values::date(2024, 2, 29),
        span: Duration::from_micros(-1),
        id: Uuid::from_u128(7),
        raw: Bytes(vec![0, 255]),
        money: vec![money.clone()],
        best: Some(money),
        amounts: vec![dec!(999.9)],
        maybe: vec![Some(1), None],
        tree: Some(Tree { name: "root".to_owned(), children: vec![leaf], worth: None }),
    }
}

#[test]
fn every_type_comes_back_from_the_store_as_it_was() {
    block_on(async {
        let samples = Bench::<Sample>::new().await;
        let done = samples.done(take()).await;
        let again = Bench::<Sample> {
            repository: eventloom_runtime::Repository::builder()
                .open(samples.repository.store().clone())
                .await
                .unwrap(),
            clock: samples.clock.clone(),
        };
        let loaded = again.state().await;
        assert_eq!(loaded, done.state);
        assert_eq!(loaded.money, take().money);
        let mut data = Vec::new();
        Sample::write_state(&loaded, &mut data);
        assert_eq!(Sample::read_state(&data), Ok(loaded));
    });
}

#[test]
fn defaults_are_those_that_are_written() {
    let state = SampleState::default();
    assert_eq!((state.text.as_str(), state.number, state.yes), ("start", 7, true));
    assert_eq!((state.exact, state.zero), (dec!(0.05), dec!(0)));
    assert_eq!(state.span, Duration::from_micros(90 * 60 * 1_000_000));
}

async fn invalid(command: Take) -> String {
    match Bench::<Sample>::new().await.failed(command).await {
        ExecuteError::Invalid(error) => error.to_string(),
        error => panic!("{error}"),
    }
}

#[test]
fn digits_are_checked_wherever_they_stand() {
    block_on(async {
        assert!(invalid(Take { limited: dec!(0.001), ..take() }).await.starts_with("limited: "));
        let money = Money { amount: dec!(0.001), tip: None };
        assert!(
            invalid(Take { money: vec![money.clone()], ..take() }).await.starts_with("amount: ")
        );
        assert!(invalid(Take { best: Some(money), ..take() }).await.starts_with("amount: "));
        let money = Money { amount: dec!(1), tip: Some(dec!(10000)) };
        let leaf = Tree { name: String::new(), children: Vec::new(), worth: Some(money) };
        let tree = Tree { name: String::new(), children: vec![leaf], worth: None };
        assert!(invalid(Take { tree: Some(tree), ..take() }).await.starts_with("tip: "));
        assert!(
            invalid(Take { amounts: vec![dec!(1), dec!(0.01)], ..take() })
                .await
                .starts_with("amounts: ")
        );
    });
}

/// A product of declared digits can have more of them than the field it goes to.
#[test]
fn a_fold_that_leaves_the_declared_digits_changes_nothing() {
    block_on(async {
        let samples = Bench::<Sample>::new().await;
        samples.done(take()).await;
        let error = samples.failed(Double { by: dec!(1.5) }).await;
        assert!(
            matches!(&error, ExecuteError::Invalid(field) if field.field == "limited"),
            "{error}"
        );
    });
    let mut state = SampleState { limited: dec!(0.01), ..SampleState::default() };
    let before = state.clone();
    let at = super::time("2026-11-21T12:00:00Z");
    let event = SampleEvent::Doubled(Doubled { sample_id: "s".to_owned(), at, by: dec!(0.1) });
    let error = Sample::apply(&mut state, &event, &meta(1)).unwrap_err();
    assert!(matches!(error, ApplyError::Field(_)), "{error}");
    assert_eq!(state, before);
}
