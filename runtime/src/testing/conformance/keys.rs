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
