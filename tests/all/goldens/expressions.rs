//! Operators and methods, as a whole aggregate uses them.

use eventloom_runtime::testing::block_on;
use eventloom_runtime::{Aggregate, DomainEvent, Duration, dec};
use eventloom_tests::goldens::expressions::machine::{Machine, MachineEvent, Start, Work};
use eventloom_tests::goldens::expressions::types::{Kind, Part};

use eventloom_tests::goldens::choices::dial::{
    Dial, DialError, DialEvent, DialState, Nested, Shortened, Turn,
};
use eventloom_tests::goldens::choices::types::Mode as DialMode;
use eventloom_tests::goldens::literals::shelf::{
    Asked, Compared, Counted, Kept, Shelf, ShelfEvent, ShelfState,
};
use eventloom_tests::goldens::literals::types::{Line, Mode};

use super::{Bench, meta};

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

fn folded<A: Aggregate>(mut state: A::State, event: &A::Event) -> A::State {
    A::apply(&mut state, event, &meta(1)).expect("an event that can be applied");
    state
}

/// A list in brackets was a vector in every place, of which clippy said that an array would do; and a number
/// that nothing else gave a type was an `i32`, in which three thousand millions have no place.
#[test]
fn what_is_written_out_is_a_list_or_an_integer() {
    let (a, b, word) = (1, 7, "x".to_owned());
    let line = Line { sku: "s".to_owned(), quantity: 5, note: None };
    let state = ShelfState { count: 7, numbers: vec![1, 7], ..ShelfState::default() };
    let asked = Asked { a, b, word: word.clone(), line: line.clone() };
    let state = folded::<Shelf>(state, &ShelfEvent::Asked(asked));
    assert_eq!((state.count, state.found, state.best), (2 + 7 + 2, true, Some(1)));
    assert_eq!(
        (state.text.as_str(), state.note.as_deref(), state.mode),
        ("x", Some("x"), Mode::High)
    );
    let compared = Compared { a, b, word: word.clone(), line: line.clone() };
    let state = folded::<Shelf>(state, &ShelfEvent::Compared(compared));
    assert_eq!((state.found, state.count, state.best), (true, 1 + 2, Some(7)));
    let kept = Kept { a, b, word, line: line.clone() };
    let state = folded::<Shelf>(state, &ShelfEvent::Kept(kept));
    assert_eq!(
        (state.numbers.as_slice(), state.words.join("")),
        ([1, 7, 3].as_slice(), "ax".to_owned())
    );
    let quantities: Vec<i64> = state.lines.iter().map(|line| line.quantity).collect();
    assert_eq!(quantities, [5, 1]);
    let state = folded::<Shelf>(state, &ShelfEvent::Counted(Counted { a: 1 }));
    assert_eq!((state.count, state.found), (3_000_000_001, true));
    assert_eq!(state.text, "5000000000 -9223372036854775808");
}

/// An arm that began with `(if … { … } else { … })` lost its parentheses, so that no Rust came out.
#[test]
fn a_choice_may_stand_anywhere() {
    let state =
        DialState { on: true, best: Some(9), nick: Some("n".to_owned()), ..DialState::default() };
    let nested = DialEvent::Nested(Nested { a: 4, b: 2 });
    let state = folded::<Dial>(state, &nested);
    assert_eq!((state.level, state.best, state.on), (9, Some(9), true));
    assert_eq!((state.nick.as_deref(), state.text.as_str()), (Some("n"), "n"));
    let state = DialState { best: None, mode: DialMode::Low, text: " t ".to_owned(), ..state };
    let state = folded::<Dial>(state, &nested);
    assert_eq!((state.level, state.best, state.text.as_str()), (5, Some(3), "t"));
    let state = folded::<Dial>(state, &DialEvent::Shortened(Shortened { a: 101, b: 2 }));
    assert_eq!((state.level, state.on, state.best, state.total), (0, true, None, dec!(1.5)));
}

#[test]
fn a_block_may_be_a_condition() {
    block_on(async {
        let dials = Bench::<Dial>::new().await;
        assert!(dials.done(Turn { a: 100, b: 1 }).await.events.is_empty(), "nothing to do");
        assert_eq!(dials.refused(Turn { a: -1, b: 0 }).await.0, "OutOfRange");
        assert_eq!(dials.refused(Turn { a: 4, b: 0 }).await.0, "Odd");
        // Off and nothing above 3: the other event, after which the mode is Off still.
        let done = dials.done(Turn { a: 3, b: 0 }).await;
        assert_eq!(done.events.len(), 2);
        assert!(matches!(done.events[0].event, DialEvent::Shortened(_)));
        let error = dials.failed(Turn { a: 500, b: 1 }).await;
        assert!(matches!(error.refusal(), Some(DialError::OutOfRange { .. })), "{error}");
    });
}
