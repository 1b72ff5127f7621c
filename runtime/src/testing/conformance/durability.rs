//! A restart: whatever was acknowledged is there again. A store in memory is kept open instead.

use super::global::wakes;
use super::sample::{
    Traces, account, append, command, customer, everything, holds, key, leaving_traces,
    read_to_end, snapshot, traces, unexpected,
};
use crate::metadata::Sequence;
use crate::store::{Append, AppendError, EventStore};
use crate::testing::failure::{Check, Failure, equal};
use crate::testing::stores::StoreKind;

pub(super) async fn everything_is_there_after_a_restart(kind: impl StoreKind) -> Check {
    let (place, store) = kind.open_new().await?;
    let stream = account("A1");
    store.append(append(&stream, 0, 3)).await?;
    store.append(leaving_traces(&stream, 3)).await?;
    store.append(append(&customer("C1"), 0, 2)).await?;
    store.save_snapshot(&stream, snapshot(4, 7, "after 4")).await?;
    let before: (Traces, _) =
        (traces(&store, &stream).await?, read_to_end(&store, &everything(), 2).await?);
    drop(store);

    let store = kind.open(&place).await?;

    let after = (traces(&store, &stream).await?, read_to_end(&store, &everything(), 2).await?);
    equal("what the store holds", &after, &before)?;
    let saved = store.snapshot(&stream, 7, Sequence::MAX).await?;
    equal("the saved snapshot", &saved, &Some(snapshot(4, 7, "after 4")))?;
    holds(&store, &stream, 5).await?;
    Ok(())
}

pub(super) async fn a_restarted_store_still_refuses(kind: impl StoreKind) -> Check {
    let (place, store) = kind.open_new().await?;
    let stream = account("A1");
    let first = Append { keys: vec![key("T1")], command: command("C1"), ..append(&stream, 0, 2) };
    store.append(first.clone()).await?;
    drop(store);
    let store = kind.open(&place).await?;

    let outcome = store.append(first.clone()).await;
    if !matches!(outcome, Err(AppendError::CommandKnown(_))) {
        return Err(unexpected("CommandKnown", &outcome));
    }
    let outcome = store.append(Append { command: None, ..first.clone() }).await;
    if !matches!(outcome, Err(AppendError::DuplicateKey(_))) {
        return Err(unexpected("DuplicateKey", &outcome));
    }
    let outcome = store.append(append(&stream, 0, 1)).await;
    if outcome != Err(AppendError::Conflict { expected: 0, actual: 2 }) {
        return Err(unexpected("Conflict: expected 0, actual 2", &outcome));
    }
    Ok(())
}

pub(super) async fn positions_go_on_growing_after_a_restart(kind: impl StoreKind) -> Check {
    let (place, store) = kind.open_new().await?;
    let mut expected = Vec::new();
    drop(store);
    for round in 0..3 {
        let store = kind.open(&place).await?;
        store.append(append(&account("A1"), round * 2, 2)).await?;
        expected.extend([round * 2 + 1, round * 2 + 2]);
        let all = read_to_end(&store, &everything(), 3).await?;
        let sequences: Vec<_> = all.iter().map(|event| event.2).collect();
        equal("the sequences in global order", &sequences, &expected)?;
    }
    Ok(())
}

pub(super) async fn two_handles_show_one_store(kind: impl StoreKind) -> Check {
    let (place, first) = kind.open_new().await?;
    let second = kind.open(&place).await?;
    let stream = account("A1");
    for (expected, store) in [&first, &second, &second, &first].into_iter().enumerate() {
        store.append(append(&stream, expected as u64, 1)).await?;
    }
    for store in [&first, &second] {
        holds(store, &stream, 4).await?;
        equal("the head", &store.head().await?, &second.head().await?)?;
    }
    Ok(())
}

pub(super) async fn a_reader_is_woken_by_another_handle(kind: impl StoreKind) -> Check {
    let (place, first) = kind.open_new().await?;
    let second = kind.open(&place).await?;
    let waiting =
        tokio::spawn(async move { wakes(&second, 0, "an append through another handle").await });
    first.append(append(&account("A1"), 0, 1)).await?;
    waiting.await.map_err(|error| Failure::new(format!("the waiting task panicked: {error}")))?
}
