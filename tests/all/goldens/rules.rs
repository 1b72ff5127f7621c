//! Invariants: each sentence refuses what it says, and nothing else.

use eventloom_runtime::testing::block_on;
use eventloom_runtime::{Decimal, Duration, dec};
use eventloom_tests::goldens::invariants::tank::{
    Break, Drain, Fill, Name, Open, Resize, Rest, Tank,
};

use super::Bench;

fn fill(amount: Decimal, ticket: &str) -> Fill {
    Fill { amount, ticket: ticket.to_owned() }
}

fn drain(amount: Decimal, ticket: &str) -> Drain {
    Drain { amount, ticket: ticket.to_owned() }
}

fn name(label: &str, serial: Option<&str>) -> Name {
    Name { label: label.to_owned(), serial: serial.map(str::to_owned) }
}

async fn filled() -> Bench<Tank> {
    let tanks = Bench::new().await;
    tanks.done(fill(dec!(40), "T1")).await;
    tanks
}

#[test]
fn fields_of_the_state_and_of_events_keep_their_bounds() {
    block_on(async {
        let tanks = filled().await;
        assert_eq!(tanks.refused(drain(dec!(41), "T2")).await.0, "LevelCannotBeNegative");
        assert_eq!(tanks.refused(fill(dec!(0), "T2")).await.0, "AmountMustBePositive");
        assert_eq!(tanks.refused(name("", None)).await.0, "LabelMustNotBeEmpty");
        let empty = Bench::<Tank>::new().await;
        assert_eq!(empty.refused(Resize { capacity: 9 }).await.0, "CapacityMustBeAtLeast10");
        assert_eq!(empty.refused(Resize { capacity: 1001 }).await.0, "TooLarge");
        empty.done(Resize { capacity: 10 }).await;
        empty.done(Resize { capacity: 1000 }).await;
        for _ in 0..4 {
            empty.done(Open).await;
        }
        assert_eq!(empty.refused(Open).await.0, "OpensMustBeLessThan5");
    });
}

#[test]
fn events_keep_their_order() {
    block_on(async {
        let tanks = Bench::<Tank>::new().await;
        tanks.done(Open).await;
        assert_eq!(tanks.refused(drain(dec!(1), "T1")).await.0, "FilledMustPrecedeDrained");
        let tanks = filled().await;
        assert_eq!(tanks.refused(Resize { capacity: 50 }).await.0, "ResizedCannotFollowFilled");
        let tanks = Bench::<Tank>::new().await;
        tanks.done(Break).await;
        assert_eq!(tanks.refused(Open).await.0, "NothingCanFollowBroke");
    });
}

#[test]
fn phases_move_as_they_may() {
    block_on(async {
        let tanks = filled().await;
        tanks.done(drain(dec!(1), "T2")).await;
        tanks.done(fill(dec!(1), "T3")).await;
        tanks.done(Rest).await;
        let (name, message) = tanks.refused(drain(dec!(1), "T4")).await;
        assert_eq!(name, "PhaseTransitionNotAllowed", "{message}");
    });
}

#[test]
fn expressions_bind_the_outcome_and_the_step() {
    block_on(async {
        let tanks = filled().await;
        tanks.done(fill(dec!(50), "T2")).await;
        let (name, message) = tanks.refused(fill(dec!(11), "T3")).await;
        assert_eq!((name, message.as_str()), ("WithinCapacity", "101 does not fit 100"));
        let tanks = Bench::<Tank>::new().await;
        assert_eq!(tanks.refused(fill(dec!(50.01), "T1")).await.0, "NoHugeStep");
        tanks.done(fill(dec!(50), "T1")).await;
    });
}

#[test]
fn keys_are_unique_in_their_scope() {
    block_on(async {
        let tanks = filled().await;
        tanks.clock.advance(Duration::from_micros(1_000_000));
        assert!(tanks.done(fill(dec!(40), "T1")).await.duplicate);
        assert_eq!(tanks.refused(fill(dec!(41), "T1")).await.0, "DuplicateTicket");
        tanks.done(name("a", Some("S1"))).await;
        tanks.done(name("b", None)).await;
        tanks.done(name("c", None)).await;
        let other = tanks.repository.execute("other", name("d", Some("S1"))).await.unwrap_err();
        assert_eq!(other.refusal().map(eventloom_runtime::Refusal::name), Some("DuplicateSerial"));
        tanks.repository.execute("other", fill(dec!(1), "T1")).await.unwrap();
    });
}
