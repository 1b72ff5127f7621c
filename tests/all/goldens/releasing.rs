//! Unique keys that events free, where a program does not know all that happened.

use eventloom_runtime::MemoryStore;
use eventloom_runtime::repository::NewEvents;
use eventloom_tests::goldens::release::member::{
    BadgeGiven, BadgeReturned, GiveBadge, Join, Member, MemberEvent, MemberRepository, ToggleBadge,
};

fn badge(text: &str) -> String {
    text.to_owned()
}

async fn joined(store: &MemoryStore, id: &str) -> MemberRepository<MemoryStore> {
    let members = MemberRepository::open(store.clone()).await.expect("a store of this program");
    let email = "ada@example.org".to_owned();
    members.execute(id, Join { email }).await.expect("a new member");
    members
}

/// The key was looked up before the state: a program whose cached state was out of date got that its own
/// stream holds the badge, at each attempt and for ever, and not what the present state makes of it.
#[tokio::test]
async fn a_key_that_another_program_claimed_here_is_decided_on_the_present_state() {
    let store = MemoryStore::new();
    let first = joined(&store, "M1").await;
    let second = MemberRepository::open(store.clone()).await.expect("the same store");
    second.execute("M1", ToggleBadge { badge: badge("B1") }).await.expect("a free badge");
    let done = first.execute("M1", ToggleBadge { badge: badge("B1") }).await.expect("its own");
    let [back] = done.events.as_slice() else { panic!("{:?}", done.events) };
    assert!(matches!(back.event, MemberEvent::BadgeReturned(_)), "{back:?}");

    second.execute("M1", GiveBadge { badge: badge("B2") }).await.expect("a free badge");
    let done = first.execute("M1", GiveBadge { badge: badge("B2") }).await.expect("its own");
    assert_eq!(done.events.len(), 2, "returned and given: {:?}", done.events);
}

/// The claim was dropped with the key, so that a badge of another was given without a question.
#[tokio::test]
async fn what_others_hold_is_not_taken_for_a_moment() {
    let store = MemoryStore::new();
    let members = joined(&store, "M1").await;
    joined(&store, "M2").await;
    members.execute("M1", GiveBadge { badge: badge("B1") }).await.expect("a free badge");
    let of_another = members.record("M2", lent("B1")).await.expect_err("the badge is another's");
    assert!(of_another.to_string().contains("DuplicateBadge"), "{of_another}");
    members.record("M2", lent("B2")).await.expect("nobody's badge");
    members.execute("M1", GiveBadge { badge: badge("B2") }).await.expect("it is free again");
}

/// A badge that is given and returned at once.
fn lent(text: &str) -> NewEvents<Member> {
    let mut events = NewEvents::new();
    let at = "2026-01-02T00:00:00Z".parse().expect("a time");
    events.push(BadgeGiven { badge: badge(text), given_at: at });
    events.push(BadgeReturned { badge: badge(text), returned_at: at });
    events
}
