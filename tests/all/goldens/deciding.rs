//! Commands: steps, narrowing, events in all forms, checks of the outcome.

use eventloom_runtime::testing::block_on;
use eventloom_tests::goldens::emit::cart::{
    AddItem, AddItems, Cart, CartError, CartEvent, CloseCart, NoteOwner, OpenCart, Sign, StampAll,
};
use eventloom_tests::goldens::emit::types::Item;
use eventloom_tests::goldens::enums::lamp::{self, Lamp};
use eventloom_tests::goldens::enums::types::Colour;
use eventloom_tests::goldens::{names, prose};

use super::Bench;

fn item(sku: &str, quantity: i64) -> AddItem {
    AddItem { sku: sku.to_owned(), quantity }
}

async fn open_cart() -> Bench<Cart> {
    let carts = Bench::new().await;
    carts.done(OpenCart { owner: "Ann".to_owned() }).await;
    carts
}

#[test]
fn steps_run_in_their_order() {
    block_on(async {
        let carts = Bench::<Cart>::new().await;
        assert_eq!(carts.refused(item("A", 1)).await.0, "CartNotFound");
        let carts = open_cart().await;
        assert_eq!(carts.refused(item("A", 0)).await.0, "QuantityNotPositive");
        carts.done(item("A", 2)).await;
        let again = carts.done(item("A", 20)).await;
        assert!(again.events.is_empty(), "nothing to do comes before the limit");
        carts.done(CloseCart).await;
        assert_eq!(carts.refused(item("A", 0)).await.0, "CartIsClosed");
    });
}

#[test]
fn a_refusal_keeps_the_events_it_names_and_no_others() {
    block_on(async {
        let carts = open_cart().await;
        let (name, message) = carts.refused(item("A", 11)).await;
        assert_eq!((name, message.as_str()), ("LimitExceeded", "11 is more than 10 for Ann"));
        let loaded = carts.repository.load(super::STREAM).await.unwrap();
        assert_eq!((loaded.sequence, loaded.state.limit_hits), (2, 1));
    });
}

#[test]
fn conditions_on_what_came_before_see_it() {
    block_on(async {
        let carts = open_cart().await;
        let done = carts.done(item("A", 10)).await;
        let kinds: Vec<_> = done.events.iter().map(|recorded| recorded.event.clone()).collect();
        assert!(matches!(
            kinds.as_slice(),
            [CartEvent::ItemAdded(_), CartEvent::LimitReached(reached)] if reached.total == 10
        ));
    });
}

#[test]
fn a_loop_emits_one_event_per_item_and_the_alternative_stands_in() {
    block_on(async {
        let carts = open_cart().await;
        let items = ["A", "B"].map(|sku| Item { sku: sku.to_owned(), quantity: 2 }).to_vec();
        let done = carts.done(AddItems { items }).await;
        let [_, _, last] = done.events.as_slice() else { panic!("{:?}", done.events) };
        let CartEvent::Stamped(stamped) = &last.event else { panic!("{last:?}") };
        assert_eq!(stamped.number, 2);
        assert_ne!(stamped.id, stamped.other);
        let done = carts.done(StampAll).await;
        let ids: Vec<_> = done
            .events
            .iter()
            .map(|recorded| match &recorded.event {
                CartEvent::Stamped(stamped) => stamped.id,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(ids.len(), 2);
        assert_ne!(ids[0], ids[1]);
    });
}

/// An optional that `when` has shown to be present was still one in the fields beside it, so that the
/// plainest way to write such an event did not compile.
#[test]
fn what_a_condition_has_shown_to_be_present_is_a_plain_value_in_its_event() {
    block_on(async {
        let carts = open_cart().await;
        let noted = |note: Option<&str>| NoteOwner { note: note.map(str::to_owned) };
        let texts = |done: &eventloom_runtime::Executed<Cart>| -> Vec<(String, String)> {
            let events = done.events.iter().map(|recorded| match &recorded.event {
                CartEvent::Noted(noted) => (noted.owner.clone(), noted.note.clone()),
                other => panic!("{other:?}"),
            });
            events.collect()
        };
        let pair = |owner: &str, note: &str| (owner.to_owned(), note.to_owned());
        let absent = texts(&carts.done(noted(None)).await);
        assert_eq!(absent, [pair("nobody", "no note"), pair("Ann", "in the end")]);
        let present = texts(&carts.done(noted(Some("hi"))).await);
        assert_eq!(present, [pair("Ann", "hi"), pair("hi", "hi"), pair("Ann", "in the end")]);
    });
}

/// `meta.actor` stayed optional after a step had rejected its absence, whatever the help said.
#[test]
fn an_actor_who_is_known_is_a_plain_value() {
    block_on(async {
        let carts = open_cart().await;
        assert_eq!(carts.refused(Sign).await.0, "Nobody");
        let ann = eventloom_runtime::CommandContext::default().actor("Ann");
        let done = carts.repository.execute_with(super::STREAM, Sign, ann).await.unwrap();
        let [signed] = done.events.as_slice() else { panic!("{:?}", done.events) };
        let CartEvent::Noted(noted) = &signed.event else { panic!("{signed:?}") };
        assert_eq!((noted.owner.as_str(), noted.note.as_str()), ("Ann", "signed by Ann"));
    });
}

#[test]
fn an_outcome_that_is_not_allowed_appends_nothing() {
    block_on(async {
        let carts = open_cart().await;
        let items = vec![Item { sku: "A".to_owned(), quantity: 7 }; 2];
        let (name, message) = carts.refused(AddItems { items }).await;
        assert_eq!((name, message.as_str()), ("LimitExceeded", "the cart would hold 14"));
        assert_eq!(carts.state().await.items, []);
    });
}

#[test]
fn a_target_can_have_a_refusal_of_its_own() {
    block_on(async {
        let carts = Bench::<Cart>::new().await;
        let (name, message) = carts.refused(CloseCart).await;
        assert_eq!((name, message.as_str()), ("NoSuchCart", "Cart `s` does not exist"));
        let carts = open_cart().await;
        let again = OpenCart { owner: "Bob".to_owned() };
        let error = carts.failed(again).await;
        assert!(matches!(error.refusal(), Some(CartError::CartStandsThere { .. })), "{error}");
    });
}

#[test]
fn enums_are_matched_narrowed_and_compared() {
    block_on(async {
        let lamps = Bench::<Lamp>::new().await;
        lamps.done(lamp::SwitchOn { colour: Colour::Green }).await;
        let (_, message) = lamps.refused(lamp::SwitchOn { colour: Colour::Red }).await;
        assert_eq!(message, "the lamp is On and Green");
        assert_eq!(lamps.refused(lamp::Restore).await.0, "NothingToRestore");
        lamps.done(lamp::Next).await;
        let state = lamps.state().await;
        assert_eq!((state.colour, state.previous), (Colour::DarkBlue, Some(Colour::Green)));
        lamps.done(lamp::Restore).await;
        let state = lamps.state().await;
        assert_eq!((state.colour, state.previous), (Colour::Green, Some(Colour::DarkBlue)));
        assert_eq!(state.seen, [Colour::Green, Colour::DarkBlue, Colour::Green]);
        lamps.done(lamp::SwitchOff { reason: lamp::SwitchedOffReason::Timer }).await;
        let off = lamps.done(lamp::SwitchOff { reason: lamp::SwitchedOffReason::Timer }).await;
        assert!(off.events.is_empty());
    });
}

#[test]
fn names_of_rust_and_of_the_runtime_are_ordinary_names() {
    use names::r#match::{Aggregate, Match, MatchError, Refusal, Step, Timestamp};
    use names::types::{Value, Writer};

    block_on(async {
        let matches = Bench::<Match>::new().await;
        let first = Aggregate { r#type: "t".to_owned(), event: "e".to_owned(), add: 3 };
        matches.done(first.clone()).await;
        matches.done(first).await;
        let state = matches.state().await;
        assert_eq!((state.r#fn, state.add, state.r#type.as_str()), (2, 6, "t"));
        let out = eventloom_runtime::dec!(1);
        let refusal = Refusal { round: -out, out, fields: 1, required: 1 };
        let error = matches.failed(refusal).await;
        assert!(matches!(error.refusal(), Some(MatchError::Some { .. })), "{error}");
        let record = names::types::Record { note: "n".to_owned() };
        let value = Value { r#match: 1, r#type: "v".to_owned(), record, step: None };
        let command = Timestamp { value: value.clone(), writer: Writer::Result, context: 1 };
        let done = matches.done(command.clone()).await;
        assert_eq!((done.state.step, done.state.context), (Some(value), Writer::Result));
        assert_eq!(matches.done(Step).await.events.len(), 4);
        // After an event `E`, whose struct is a value as well: its place among the types is another one.
        assert_eq!(matches.refused(command).await.0, "CommandCannotFollowE");
        // A value that is named `refusal` is that value, beside the refusal that it goes with.
        let empty = Aggregate { r#type: String::new(), event: "e".to_owned(), add: 3 };
        assert_eq!(matches.refused(empty).await.0, "Refusal");
        assert_eq!(matches.state().await.add, 6 + 4);
    });
}

#[test]
fn texts_come_out_as_they_were_written() {
    block_on(async {
        let notes = Bench::<prose::note::Note>::new().await;
        let (name, message) = notes.refused(prose::note::Write { text: String::new() }).await;
        assert_eq!((name, message.as_str()), ("Empty", "no {text}: \"\" 🦀 \\ "));
        let (_, message) = notes.refused(prose::note::Write { text: "`".to_owned() }).await;
        assert_eq!(message, "100% of ``` is \"code\"");
        let (_, message) = notes.refused(prose::note::Write { text: "x".repeat(100) }).await;
        assert_eq!(message, format!("{} <long> [text]", "x".repeat(100)));
    });
}
