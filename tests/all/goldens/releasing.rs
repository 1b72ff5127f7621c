//! Unique keys that events free, where a program does not know all that happened.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use eventloom_runtime::repository::{CommandContext, NewEvents};
use eventloom_runtime::store::{Append, AppendError, Appended};
use eventloom_runtime::testing::intercept::{Intercepted, Interceptor};
use eventloom_runtime::{EventStore, MemoryStore};
use eventloom_tests::goldens::release::member::{
    BadgeGiven, BadgeReturned, GiveBadge, Join, Member, MemberEvent, MemberRepository, TakeLocker,
    ToggleBadge,
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

/// A stream that claimed a key twice and released it twice was let through though it held the key: the second
/// release was taken for one that came before the claim.
#[tokio::test]
async fn what_is_released_twice_was_not_free_before() {
    let store = MemoryStore::new();
    let members = joined(&store, "M1").await;
    let given =
        BadgeGiven { badge: badge("B1"), given_at: "2026-11-21T12:00:00Z".parse().unwrap() };
    let returned = BadgeReturned { badge: badge("B1"), returned_at: given.given_at };
    let twice =
        || NewEvents::new().with(given.clone()).with(returned.clone()).with(returned.clone());
    // Free, it is given, and free again.
    members.record("M1", twice()).await.expect("a free badge");
    members.record("M1", NewEvents::new().with(given.clone())).await.expect("a free badge");
    let refused = members.record("M1", twice()).await.expect_err("the badge is held");
    assert_eq!(refused.refusal().map(eventloom_runtime::Refusal::name), Some("DuplicateBadge"));
    // Released first, it may be claimed, and released again.
    let first = NewEvents::new().with(returned.clone()).with(given.clone()).with(returned.clone());
    members.record("M1", first).await.expect("a badge that was given back");
}

/// Lets another program act between the look at the state and the append, once.
#[derive(Clone)]
struct Meanwhile(Arc<Mutex<Option<MemberRepository<MemoryStore>>>>);

impl Interceptor<MemoryStore> for Meanwhile {
    async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
        let other = self.0.lock().expect("no panic").take();
        if let Some(other) = other {
            other.execute("M1", ToggleBadge { badge: badge("B1") }).await.expect("a free badge");
        }
        store.append(append).await
    }
}

/// The badge was given by another program after the state had been read: the append met the key that its own
/// stream had taken meanwhile, and the command was refused for it, at each attempt of a program that reads
/// the state anew, although on the present state it gives the badge back.
#[tokio::test]
async fn a_key_that_the_stream_took_meanwhile_is_decided_on_the_present_state() {
    let store = MemoryStore::new();
    joined(&store, "M1").await;
    let other = MemberRepository::open(store.clone()).await.expect("the same store");
    let meanwhile = Meanwhile(Arc::new(Mutex::new(Some(other))));
    let between = Intercepted::new(store, meanwhile);
    let members = MemberRepository::open(between).await.expect("the same store");
    let done = members.execute("M1", ToggleBadge { badge: badge("B1") }).await.expect("its own");
    let [back] = done.events.as_slice() else { panic!("{:?}", done.events) };
    assert!(matches!(back.event, MemberEvent::BadgeReturned(_)), "{back:?}");
}

/// Before the first refusal is recorded, another program returns the badge and changes the stream.
#[derive(Clone, Default)]
struct ReturnedMeanwhile(Arc<AtomicBool>);

impl Interceptor<MemoryStore> for ReturnedMeanwhile {
    async fn append(&self, store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
        if append.events.is_empty() && !self.0.swap(true, Ordering::Relaxed) {
            let other = MemberRepository::open(store.clone()).await.expect("the same store");
            other.execute("M1", ToggleBadge { badge: badge("B1") }).await.expect("it is returned");
            other.execute("M2", TakeLocker { locker: 7 }).await.expect("a free locker");
        }
        store.append(append).await
    }
}

/// A key that was taken when it was looked up was remembered over a conflict, and refused although it had
/// become free.
#[tokio::test]
async fn a_key_is_looked_up_again_after_a_conflict() {
    let store = MemoryStore::new();
    joined(&store, "M2").await;
    let first = joined(&store, "M1").await;
    first.execute("M1", GiveBadge { badge: badge("B1") }).await.expect("a free badge");
    let meanwhile = ReturnedMeanwhile::default();
    let intercepted = Intercepted::new(store.clone(), meanwhile.clone());
    let members = MemberRepository::open(intercepted).await.expect("the same store");

    let given = GiveBadge { badge: badge("B1") };
    let context = CommandContext::new().command_id("C1");
    let done = members.execute_with("M2", given, context).await.expect("the badge is free");

    assert!(meanwhile.0.load(Ordering::Relaxed), "a refusal was about to be recorded");
    assert_eq!((done.sequence, done.state.badge.as_deref()), (3, Some("B1")));
}
