//! Operators and methods, as a whole aggregate uses them.

use eventloom_runtime::testing::block_on;
use eventloom_runtime::{DomainEvent, Duration, dec};
use eventloom_tests::goldens::expressions::machine::{Machine, MachineEvent, Start, Work};
use eventloom_tests::goldens::expressions::types::{Kind, Part};

use super::Bench;

fn part(kind: Kind, size: i64) -> Part {
    Part { name: "p-q".to_owned(), size, kind, note: Some("n".to_owned()) }
}

fn work(times: i64) -> Work {
    Work { part: part(Kind::Small, 1), factor: dec!(4), times }
}

async fn started() -> Bench<Machine> {
    let machines = Bench::new().await;
    machines.done(Start { name: " Xq".to_owned() }).await;
    machines.clock.advance(Duration::from_micros(90 * 60 * 1_000_000));
    machines
}

#[test]
fn expressions_mean_what_they_say() {
    block_on(async {
        let machines = started().await;
        let state = machines.state().await;
        assert_eq!((state.name.as_str(), state.nick, state.flag), ("xq", None, true));
        assert_eq!(state.names, [" Xq", "end"]);
        assert_eq!(state.day.map(|day| day.to_string()).as_deref(), Some("2026-11-21"));
        assert_eq!(machines.refused(work(5)).await.0, "NotEven");
        // kind is Small, and there is no spare part: the old kind.
        assert_eq!(machines.refused(work(4)).await.0, "OldKind");
    });
}

#[test]
fn a_calculation_that_does_not_fit_is_refused_by_its_name() {
    block_on(async {
        let machines = started().await;
        let (name, message) = machines.refused(work(i64::MIN)).await;
        assert_eq!(name, "NotEven", "{message}");
        let huge = Work { factor: dec!(79228162514264337593543950335), ..work(4) };
        let (name, message) = machines.refused(huge).await;
        assert_eq!(name, "ArithmeticOverflow");
        assert!(message.contains("/ 2 does not fit the 28 digits"), "{message}");
    });
}

#[test]
fn an_event_tells_itself_in_one_line() {
    let event = MachineEvent::Started(eventloom_tests::goldens::expressions::machine::Started {
        machine_id: "s".to_owned(),
        name: "Xq".to_owned(),
        at: super::time("2026-11-21T12:00:00Z"),
    });
    assert_eq!(event.describe(), "Started: name Xq");
}
