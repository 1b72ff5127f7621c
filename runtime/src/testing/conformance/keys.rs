//! Unique keys: their scopes, who holds them, and what a store tells of a taken one.

use super::sample::{account, append, content, customer, key, key_across_all, unexpected};
use crate::store::{Append, AppendError, CommandRecord, EventStore, KeyClaim, StreamKey, TakenKey};
use crate::testing::failure::{Check, equal};
use crate::testing::stores::StoreKind;

fn claiming(stream: &StreamKey, expected: u64, keys: &[KeyClaim]) -> Append {
    Append { keys: keys.to_vec(), ..append(stream, expected, 1) }
}

async fn refused(store: &impl EventStore, append: Append, claim: &KeyClaim) -> Check<TakenKey> {
    match store.append(append).await {
        Err(AppendError::DuplicateKey(taken)) if taken.claim == *claim => Ok(*taken),
        outcome => Err(unexpected(&format!("DuplicateKey of {claim:?}"), &outcome)),
    }
}

pub(super) async fn a_key_is_taken_once_in_its_stream(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    store.append(claiming(&stream, 0, &[key("T1")])).await?;

    refused(&store, claiming(&stream, 1, &[key("T1")]), &key("T1")).await?;

    store.append(claiming(&stream, 1, &[key("T2")])).await?;
    refused(&store, claiming(&stream, 2, &[key("T3"), key("T2")]), &key("T2")).await?;
    Ok(())
}

pub(super) async fn a_key_of_a_stream_is_free_in_another(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    for stream in [account("A1"), account("A2"), customer("A1")] {
        store.append(claiming(&stream, 0, &[key("T1")])).await?;
    }
    Ok(())
}

pub(super) async fn a_key_across_all_is_taken_for_the_whole_aggregate_type(
    kind: impl StoreKind,
) -> Check {
    let (_place, store) = kind.open_new().await?;
    let claim = key_across_all("T1");
    store.append(claiming(&account("A1"), 0, std::slice::from_ref(&claim))).await?;

    for expected in [0, 1] {
        let stream = account(if expected == 0 { "A2" } else { "A1" });
        let again = claiming(&stream, expected, std::slice::from_ref(&claim));
        let taken = refused(&store, again, &claim).await?;
        equal("the stream that holds the key", &taken.stream, &account("A1"))?;
    }
    store.append(claiming(&customer("A2"), 0, &[claim])).await?;
    Ok(())
}

pub(super) async fn scopes_fields_and_values_of_keys_are_kept_apart(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let other_field = KeyClaim { field: "invoiceId", ..key("T1") };
    let claims = [
        key("T1"),
        key_across_all("T1"),
        other_field.clone(),
        KeyClaim { across_all: true, ..other_field },
        key("t1"),
        key("T1 "),
        key(""),
        key("T\u{0}1"),
        key("Ü"),
        key("U\u{308}"),
        key(&"T".repeat(3_000)),
    ];
    let stream = account("A1");
    for (expected, claim) in (0..).zip(&claims) {
        store.append(claiming(&stream, expected, std::slice::from_ref(claim))).await?;
    }
    let last = claims.len() as u64;
    for claim in &claims {
        refused(&store, claiming(&stream, last, std::slice::from_ref(claim)), claim).await?;
    }
    Ok(())
}

pub(super) async fn a_taken_key_tells_who_holds_it(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    store.append(append(&stream, 0, 2)).await?;
    let holder = Append {
        keys: vec![key("T1"), key_across_all("T1")],
        content: content(42),
        ..append(&stream, 2, 3)
    };
    store.append(holder).await?;

    let refusal = Some(("LimitHit".to_owned(), "balance 1 < 2 'ü'".to_owned()));
    let command = Some(CommandRecord { id: "C1".into(), refusal: refusal.clone(), repeats: None });
    let keeping =
        Append { keys: vec![key("T2")], content: content(42), command, ..append(&stream, 5, 1) };
    store.append(keeping).await?;

    for (claim, events, refusal) in [
        (key("T1"), (3, 5), None),
        (key_across_all("T1"), (3, 5), None),
        (key("T2"), (6, 6), refusal),
    ] {
        let expected = TakenKey {
            claim: claim.clone(),
            content: content(42),
            stream: stream.clone(),
            events,
            refusal,
        };
        let looked_up = store.taken_key(&stream, std::slice::from_ref(&claim)).await?;
        equal("the taken key, looked up", &looked_up, &Some(expected.clone()))?;
        let again = claiming(&stream, 6, std::slice::from_ref(&claim));
        let met = refused(&store, again, &claim).await?;
        equal("the taken key, met by an append", &met, &expected)?;
    }
    Ok(())
}

pub(super) async fn the_first_taken_key_of_several_is_found(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    store.append(claiming(&stream, 0, &[key("T1"), key("T2"), key("T3")])).await?;

    let claims = [key("free"), key("T2"), key("T1")];
    let taken = store.taken_key(&stream, &claims).await?.map(|taken| taken.claim);
    equal("the first taken key", &taken, &Some(key("T2")))?;
    refused(&store, claiming(&stream, 1, &claims), &key("T2")).await?;

    let free = store.taken_key(&stream, &[key("free"), key_across_all("T1")]).await?;
    equal("the taken key of free ones", &free, &None)?;
    let elsewhere = store.taken_key(&account("A2"), &claims).await?;
    equal("the taken key in another stream", &elsewhere, &None)?;
    equal("the taken key of none", &store.taken_key(&stream, &[]).await?, &None)
}

pub(super) async fn an_append_may_claim_a_key_twice(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    let claims = [key("T1"), key_across_all("T1"), key("T1"), key_across_all("T1")];
    store.append(claiming(&stream, 0, &claims)).await?;
    for claim in claims {
        let again = claiming(&stream, 1, std::slice::from_ref(&claim));
        let taken = refused(&store, again, &claim).await?;
        equal("the events that took the key", &taken.events, &(1, 1))?;
    }
    Ok(())
}

pub(super) async fn keys_are_claimed_without_events_too(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    store.append(append(&stream, 0, 3)).await?;
    let claim = key_across_all("T1");
    store.append(Append { keys: vec![claim.clone()], ..append(&stream, 3, 0) }).await?;

    let again = claiming(&account("A2"), 0, std::slice::from_ref(&claim));
    let taken = refused(&store, again, &claim).await?;

    let found = (&taken.stream, taken.events);
    equal("who took the key, with which events", &found, &(&stream, (4, 3)))
}

fn releasing(stream: &StreamKey, expected: u64, keys: &[KeyClaim]) -> Append {
    Append { released: keys.to_vec(), ..append(stream, expected, 1) }
}

pub(super) async fn a_released_key_is_free_again(kind: impl StoreKind) -> Check {
    let (place, store) = kind.open_new().await?;
    let (stream, other) = (account("A1"), account("A2"));
    let keys = [key("T1"), key_across_all("T1"), key("T2")];
    store.append(claiming(&stream, 0, &keys)).await?;

    store.append(releasing(&stream, 1, &[key("T1"), key_across_all("T1"), key("never")])).await?;
    let free = store.taken_key(&stream, &[key("T1"), key_across_all("T1")]).await?;
    equal("the taken key of those that were released", &free, &None)?;
    refused(&store, claiming(&stream, 2, &[key("T2")]), &key("T2")).await?;

    drop(store);
    let store = kind.open(&place).await?;
    store.append(claiming(&other, 0, &[key_across_all("T1")])).await?;
    store.append(claiming(&stream, 2, &[key("T1")])).await?;
    let taken = refused(&store, claiming(&stream, 3, &[key("T1")]), &key("T1")).await?;
    equal("the events that took the key again", &taken.events, &(3, 3))
}

pub(super) async fn a_key_is_released_by_the_stream_that_holds_it_alone(
    kind: impl StoreKind,
) -> Check {
    let (_place, store) = kind.open_new().await?;
    let (stream, other) = (account("A1"), account("A2"));
    let claim = key_across_all("T1");
    store.append(claiming(&stream, 0, &[claim.clone(), key("T1")])).await?;

    store.append(releasing(&other, 0, &[claim.clone(), key("T1")])).await?;
    store.append(releasing(&customer("A1"), 0, &[claim.clone(), key("T1")])).await?;
    refused(&store, claiming(&other, 1, std::slice::from_ref(&claim)), &claim).await?;
    refused(&store, claiming(&stream, 1, &[key("T1")]), &key("T1")).await?;

    let mut both = releasing(&other, 1, std::slice::from_ref(&claim));
    both.keys.push(claim.clone());
    let taken = refused(&store, both, &claim).await?;
    equal("the stream that holds the key", &taken.stream, &stream)
}

pub(super) async fn a_key_is_released_and_claimed_in_one_append(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    store.append(claiming(&stream, 0, &[key("T1"), key_across_all("T1")])).await?;

    let mut both = releasing(&stream, 1, &[key("T1"), key_across_all("T1")]);
    both.keys = vec![key("T1"), key("T2"), key_across_all("T1")];
    store.append(both).await?;
    for claim in [key("T1"), key("T2"), key_across_all("T1")] {
        let again = claiming(&stream, 2, std::slice::from_ref(&claim));
        let taken = refused(&store, again, &claim).await?;
        equal("the events that hold the key", &taken.events, &(2, 2))?;
    }
    Ok(())
}

/// A key that was claimed across all, freed by a stream that had no event yet, once went to that stream: both
/// were "no stream that I know".
pub(super) async fn a_stream_without_events_frees_no_key_of_another(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let (stream, other) = (account("A1"), account("A2"));
    let held = key_across_all("T1");
    store.append(claiming(&stream, 0, std::slice::from_ref(&held))).await?;

    let mut first = releasing(&other, 0, &[held.clone(), key("T1")]);
    first.keys = vec![held.clone()];
    let taken = refused(&store, first, &held).await?;
    equal("the stream that holds the key", &taken.stream, &stream)?;

    let mut first = releasing(&other, 0, &[held.clone(), key("T1")]);
    first.keys = vec![key("T1"), key_across_all("T2")];
    store.append(first).await?;
    let taken =
        refused(&store, claiming(&stream, 1, &[key_across_all("T2")]), &key_across_all("T2"))
            .await?;
    equal("the stream that holds the new key", &taken.stream, &other)?;
    refused(&store, claiming(&other, 1, std::slice::from_ref(&held)), &held).await?;
    Ok(())
}

pub(super) async fn a_refused_append_releases_nothing(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    store.append(claiming(&stream, 0, &[key("T1"), key("T2")])).await?;

    let outdated = releasing(&stream, 0, &[key("T1")]);
    match store.append(outdated).await {
        Err(AppendError::Conflict { .. }) => {}
        outcome => return Err(unexpected("Conflict", &outcome)),
    }
    let mut taken = releasing(&stream, 1, &[key("T1")]);
    taken.keys.push(key("T2"));
    refused(&store, taken, &key("T2")).await?;
    refused(&store, claiming(&stream, 1, &[key("T1")]), &key("T1")).await?;
    Ok(())
}

pub(super) async fn a_key_in_passing_must_be_free_and_stays_so(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let (stream, other) = (account("A1"), account("A2"));
    let (held, free) = (key_across_all("T1"), key_across_all("T2"));
    store.append(claiming(&stream, 0, std::slice::from_ref(&held))).await?;

    let passing = |stream: &StreamKey, expected, claim: &KeyClaim| Append {
        passing: vec![claim.clone()],
        ..append(stream, expected, 2)
    };
    refused(&store, passing(&other, 0, &held), &held).await?;
    refused(&store, passing(&stream, 1, &held), &held).await?;

    store.append(passing(&other, 0, &free)).await?;
    let taken = store.taken_key(&other, std::slice::from_ref(&free)).await?;
    equal("the taken key of those in passing", &taken, &None)
}
