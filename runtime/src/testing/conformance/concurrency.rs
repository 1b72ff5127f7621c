//! Many writers and readers at once: one winner per sequence, nothing lost, nothing overtaken.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::Barrier;

use super::sample::{
    ACCOUNT, ALL, MOVED, Seen, account, append, command, content, everything, holds, key,
    key_across_all, only, read_to_end, seen, snapshot, unexpected, whole,
};
use crate::metadata::Sequence;
use crate::store::{Append, AppendError, Appended, EventStore};
use crate::testing::failure::{Check, Failure, ensure, equal};
use crate::testing::stores::StoreKind;

const WRITERS: u64 = 8;

/// Runs a task per number, all at once, and gives back what they returned.
async fn together<T, F>(count: u64, task: impl Fn(u64) -> F) -> Check<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(count as usize));
    let tasks: Vec<_> = (0..count)
        .map(|number| {
            let (barrier, task) = (Arc::clone(&barrier), task(number));
            tokio::spawn(async move {
                barrier.wait().await;
                task.await
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        let outcome = task.await;
        outcomes
            .push(outcome.map_err(|error| Failure::new(format!("a writer panicked: {error}")))?);
    }
    Ok(outcomes)
}

/// Appends single events to a stream until so many have landed, re-reading after each conflict.
async fn insist<S: EventStore>(store: S, id: String, count: u64) -> Check<Vec<Sequence>> {
    let stream = account(&id);
    let (mut expected, mut won) = (0, Vec::new());
    while (won.len() as u64) < count {
        match store.append(append(&stream, expected, 1)).await {
            Ok(_) => {
                expected += 1;
                won.push(expected);
            }
            Err(AppendError::Conflict { expected: told, actual })
                if told == expected && actual > expected =>
            {
                expected = actual;
            }
            outcome => {
                return Err(unexpected("a Conflict with a later sequence, if at all", &outcome));
            }
        }
    }
    Ok(won)
}

pub(super) async fn each_sequence_of_a_stream_has_one_winner(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let outcomes = together(WRITERS, |_| insist(store.clone(), "A1".to_owned(), 20)).await?;

    let mut won = Vec::new();
    for outcome in outcomes {
        won.extend(outcome?);
    }
    won.sort_unstable();
    equal("the sequences won by all writers", &won, &(1..=WRITERS * 20).collect())?;
    holds(&store, &account("A1"), WRITERS * 20).await?;
    Ok(())
}

pub(super) async fn appends_to_many_streams_all_land(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let outcomes = together(32, |number| insist(store.clone(), format!("A{number}"), 10)).await?;

    for (number, outcome) in outcomes.into_iter().enumerate() {
        equal("the sequences won by a lone writer", &outcome?, &(1..=10).collect())?;
        holds(&store, &account(&format!("A{number}")), 10).await?;
    }
    equal("the number of events", &read_to_end(&store, &everything(), 50).await?.len(), &320)
}

pub(super) async fn a_reader_misses_nothing_while_others_write(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let total = WRITERS * 40;
    let follower = tokio::spawn(follow(store.clone(), total, 7));
    let slow_follower = tokio::spawn(follow(store.clone(), total, ALL));
    let outcomes =
        together(WRITERS, |number| insist(store.clone(), format!("A{}", number % 3), 40)).await?;
    for outcome in outcomes {
        outcome?;
    }
    let all = read_to_end(&store, &everything(), ALL).await?;
    for follower in [follower, slow_follower] {
        let followed = follower
            .await
            .map_err(|error| Failure::new(format!("a reader panicked: {error}")))??;
        in_stream_order(&followed)?;
        equal("what a reader saw while others wrote", &followed, &all)?;
    }
    Ok(())
}

/// Reads the global order from the start until so many events have been seen.
async fn follow<S: EventStore>(store: S, total: u64, limit: usize) -> Check<Seen> {
    let (mut all, mut after) = (Seen::new(), 0);
    while (all.len() as u64) < total {
        let page = store.read_all(after, &everything(), limit).await?;
        all.extend(seen(&page));
        ensure!(page.next >= after, "a read after position {after} leads back to {}", page.next);
        after = page.next;
        if page.events.at_end() && (all.len() as u64) < total {
            store.changed(after).await;
        }
    }
    Ok(all)
}

fn in_stream_order(seen: &Seen) -> Check {
    let (mut last, mut position) = (BTreeMap::<&str, Sequence>::new(), 0);
    for (at, stream, sequence) in seen {
        ensure!(*at > position, "position {at} was delivered after position {position}");
        position = *at;
        let before = last.insert(stream, *sequence).unwrap_or(0);
        ensure!(
            *sequence == before + 1,
            "{stream}: sequence {sequence} was delivered after sequence {before}"
        );
    }
    Ok(())
}

pub(super) async fn a_filtered_reader_misses_nothing_while_others_write(
    kind: impl StoreKind,
) -> Check {
    let (_place, store) = kind.open_new().await?;
    let total = WRITERS * 20;
    let filter = only(&[(ACCOUNT, MOVED)]);
    let follower = tokio::spawn({
        let (store, filter) = (store.clone(), filter.clone());
        async move {
            let (mut all, mut after) = (Seen::new(), 0);
            while (all.len() as u64) < total - WRITERS {
                let page = store.read_all(after, &filter, 3).await?;
                all.extend(seen(&page));
                after = page.next;
                if page.events.at_end() && (all.len() as u64) < total - WRITERS {
                    store.changed(after).await;
                }
            }
            Check::Ok(all)
        }
    });
    let outcomes =
        together(WRITERS, |number| insist(store.clone(), format!("A{number}"), 20)).await?;
    for outcome in outcomes {
        outcome?;
    }
    let followed =
        follower.await.map_err(|error| Failure::new(format!("a reader panicked: {error}")))??;
    let all = read_to_end(&store, &filter, ALL).await?;
    equal("what a filtered reader saw while others wrote", &followed, &all)
}

pub(super) async fn a_stream_is_read_whole_while_others_write(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    let writer = tokio::spawn({
        let (store, stream) = (store.clone(), stream.clone());
        async move {
            for round in 0..60 {
                let taken = Some(snapshot(round * 3 + 3, 1, "state"));
                store.append(Append { snapshot: taken, ..append(&stream, round * 3, 3) }).await?;
            }
            Check::Ok(())
        }
    });
    loop {
        let done = writer.is_finished();
        let taken = store.snapshot(&stream, 1, Sequence::MAX).await?;
        let length = store.read_stream(whole(&stream)).await?.len() as u64;
        ensure!(length.is_multiple_of(3), "half of an append was read: {length} events");
        let covered = taken.map_or(0, |snapshot| snapshot.sequence);
        ensure!(covered <= length, "a snapshot of {covered} events was there before its events");
        if done {
            break;
        }
    }
    writer.await.map_err(|error| Failure::new(format!("the writer panicked: {error}")))?
}

async fn store_length(store: &impl EventStore) -> Check<u64> {
    Ok(store.read_all(0, &everything(), ALL).await?.events.len() as u64)
}

pub(super) async fn a_racing_command_lands_once(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let outcomes = together(WRITERS, |number| {
        let store = store.clone();
        let stream = account(&format!("A{}", number % 2));
        let sent = Append { command: command("C1"), ..append(&stream, 0, 1) };
        async move { store.append(sent).await }
    })
    .await?;

    one_winner(&outcomes, "CommandKnown", |error| matches!(error, AppendError::CommandKnown(_)))?;
    equal("the number of events", &store_length(&store).await?, &1)
}

pub(super) async fn a_racing_key_is_taken_once(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let outcomes = together(WRITERS, |number| {
        let store = store.clone();
        let sent = Append {
            keys: vec![key("T1"), key_across_all("T1")],
            content: content(3),
            ..append(&account(&format!("A{number}")), 0, 2)
        };
        async move { store.append(sent).await }
    })
    .await?;

    one_winner(&outcomes, "DuplicateKey", |error| match error {
        AppendError::DuplicateKey(taken) => taken.content == content(3) && taken.events == (1, 2),
        _ => false,
    })?;
    equal("the number of events", &store_length(&store).await?, &2)
}

fn one_winner(
    outcomes: &[Result<Appended, AppendError>],
    due: &str,
    is_due: impl Fn(&AppendError) -> bool,
) -> Check {
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    equal("the number of appends that landed", &won, &1)?;
    match outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).find(|error| !is_due(error))
    {
        Some(other) => Err(unexpected(due, other)),
        None => Ok(()),
    }
}
