//! Named values: rules bind what is decided, and never what was recorded.

use eventloom_runtime::testing::{Check, block_on, given};
use eventloom_runtime::{DomainEvent, ExecuteError, Uuid, dec};
use eventloom_tests::goldens::newtypes::order::{
    AddLine, DoubleLast, Order, OrderEvent, PlaceOrder, SetLevel,
};
use eventloom_tests::goldens::newtypes::types::{
    Currency, CustomerId, Name, Percent, Price, Quantity, Sku,
};

use super::Bench;

fn place(currency: &str) -> PlaceOrder {
    PlaceOrder {
        currency: currency.to_owned(),
        customer: CustomerId::new(Uuid::nil()),
        name: Name::recorded("Ann".to_owned()),
        discount: dec!(0),
    }
}

fn line(quantity: i64) -> AddLine {
    AddLine {
        sku: Sku::recorded("ABC-1".to_owned()),
        quantity: Quantity::recorded(quantity),
        price: Price::recorded(dec!(1)),
        note: None,
    }
}

/// An order of the time before its types had rules: no currency, too much of a rebate, no name, too many pieces.
const PLACED: &str = r#"{"orderId":"s","currency":"euro!","customer":"00000000-0000-0000-0000-000000000000","name":null,"rebate":"150.12","placedAt":"2020-01-01T00:00:00Z"}"#;
const ADDED: &str = r#"{"orderId":"s","line":{"sku":"x","quantity":5000,"price":"-1","exact":"1","note":null},"note":null,"addedAt":"2020-01-01T00:00:00Z"}"#;

#[test]
fn a_value_is_made_by_its_rules() {
    assert_eq!(Currency::new("EUR").map(Currency::into_string), Ok("EUR".to_owned()));
    let refused = |error: eventloom_runtime::values::RangeError| error.to_string();
    assert_eq!(
        Currency::new("eur").map_err(refused),
        Err("`eur` is no Currency: it does not match [A-Z]{3}".to_owned())
    );
    assert!(Sku::new("AB").is_err() && Sku::new("ABCDEFGHI").is_err());
    assert!(Quantity::new(0).is_err() && Quantity::new(1).is_ok() && Quantity::new(1000).is_err());
    assert!(Percent::new(dec!(0.125)).is_err() && Percent::new(dec!(100)).is_ok());
    assert!(Price::new(dec!(0)).is_err() && Price::new(dec!(0.001)).is_ok());
}

#[test]
fn what_breaks_a_rule_is_an_error_of_its_field_and_nothing_is_appended() {
    block_on(async {
        let orders = Bench::<Order>::new().await;
        orders.done(place("EUR")).await;
        for (quantity, reason) in [(0, "is less than 1"), (1_000, "is more than 999")] {
            match orders.failed(line(quantity)).await {
                ExecuteError::Invalid(error) => assert_eq!(
                    error.to_string(),
                    format!("quantity: `{quantity}` is no Quantity: it {reason}")
                ),
                other => panic!("{other}"),
            }
        }
        // Calculated by the command, it is checked in the event.
        orders.done(line(500)).await;
        match orders.failed(DoubleLast).await {
            ExecuteError::Invalid(error) => assert_eq!(error.field, "quantity"),
            other => panic!("{other}"),
        }
        match orders.failed(SetLevel { to: -6 }).await {
            ExecuteError::Invalid(error) => assert_eq!(error.field, "level"),
            other => panic!("{other}"),
        }
        assert_eq!(orders.done(SetLevel { to: 3 }).await.state.pieces, 500);
    });
}

#[test]
fn what_was_recorded_before_the_rules_is_read_and_goes_on() -> Check {
    given::<Order>("s")
        .stored("OrderPlaced", 1, PLACED)
        .stored("LineAdded", 1, ADDED)
        .when(line(2))?
        .then_accepted()?
        .then_state_with(r#"{"currency":"euro!","name":"?","discount":"150.12","pieces":5002}"#)?;
    Ok(())
}

#[test]
fn in_the_store_it_is_the_plain_value() {
    let shapes: Vec<&str> = OrderEvent::SHAPES.iter().map(|shape| shape.shape).collect();
    assert!(shapes[1].contains("currency: string, customer: uuid, day: date"), "{}", shapes[1]);
    assert!(shapes[2].contains("line: {exact: decimal(6,3), note: string?"), "{}", shapes[2]);
}
