//! Appends: what lands, in which order things are checked, and that a refusal leaves nothing behind.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use super::sample::{
    ALL, account, append, command, content, customer, holds, key, leaving_traces, only, snapshot,
    traces, unexpected, whole,
};
use crate::metadata::{Metadata, Sequence};
use crate::store::{Append, AppendError, EventStore, KeyClaim, NewEvent, StreamKey, StreamRead};
use crate::testing::failure::{Check, Failure, ensure, equal};
use crate::testing::stores::StoreKind;
use crate::values::Timestamp;

pub(super) async fn an_event_comes_back_as_it_went_in(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    let sent = append(&stream, 0, 3);

    let appended = store.append(sent.clone()).await?;

    let page = holds(&store, &stream, 3).await?;
    for (event, sent) in page.iter().zip(&sent.events) {
        equal("the aggregate type", &event.aggregate, &stream.aggregate)?;
        equal("the event type", &event.event_type, &sent.event_type)?;
        equal("the version", &event.version, &sent.version)?;
        equal("the data", &event.data, &sent.data.as_slice())?;
        equal("the metadata", event.meta, &sent.meta)?;
    }
    let last = page.iter().next_back().map(|event| event.position);
    equal("the position that the append returned", &Some(appended.position), &last)
}

pub(super) async fn metadata_may_come_back_without_its_texts(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    let sent = append(&stream, 0, 2);
    store.append(sent.clone()).await?;

    let page = store.read_stream(StreamRead { metadata: false, ..whole(&stream) }).await?;

    equal("the number of events", &page.len(), &2)?;
    for (event, sent) in page.iter().zip(&sent.events) {
        let (found, sent) = (event.meta, &sent.meta);
        for (found, sent) in [
            (&found.actor, &sent.actor),
            (&found.correlation_id, &sent.correlation_id),
            (&found.causation_id, &sent.causation_id),
            (&found.traceparent, &sent.traceparent),
        ] {
            ensure!(
                found.is_none() || found == sent,
                "a text of the metadata came back changed: {sent:?} as {found:?}"
            );
        }
        let found = Metadata {
            actor: sent.actor.clone(),
            correlation_id: sent.correlation_id.clone(),
            causation_id: sent.causation_id.clone(),
            traceparent: sent.traceparent.clone(),
            ..found.clone()
        };
        equal("the metadata but for its texts", &found, sent)?;
    }
    Ok(())
}

pub(super) async fn absent_texts_of_the_metadata_stay_absent(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    let mut sent = append(&stream, 0, 1);
    let meta = &mut sent.events[0].meta;
    (meta.actor, meta.correlation_id) = (None, Some("".into()));
    (meta.causation_id, meta.traceparent) = (None, None);
    store.append(sent.clone()).await?;

    let page = holds(&store, &stream, 1).await?;

    let found = page.iter().next().map(|event| event.meta.clone());
    equal("the metadata", &found, &Some(sent.events[0].meta.clone()))
}

pub(super) async fn times_far_from_now_come_back(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    let mut sent = append(&stream, 0, 3);
    for (event, micros) in sent.events.iter_mut().zip([-1, i64::MIN, i64::MAX]) {
        event.meta.at = Timestamp::from_micros(micros);
        event.meta.recorded_at = Timestamp::from_micros(micros);
    }
    store.append(sent.clone()).await?;

    let page = holds(&store, &stream, 3).await?;

    for (event, sent) in page.iter().zip(&sent.events) {
        equal("the metadata", event.meta, &sent.meta)?;
    }
    Ok(())
}

pub(super) async fn sequences_go_on_without_a_gap(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    let mut expected = 0;
    for count in [1, 3, 1, 10] {
        store.append(append(&stream, expected, count)).await?;
        expected += count;
        holds(&store, &stream, expected).await?;
    }
    Ok(())
}

pub(super) async fn positions_grow_across_streams(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let mut last = store.head().await?;
    equal("the head of an empty store", &last, &0)?;
    for (expected, stream) in [(0, "A1"), (0, "A2"), (2, "A1"), (2, "A2")] {
        let appended = store.append(append(&account(stream), expected, 2)).await?;
        ensure!(
            appended.position >= last + 2,
            "two events after position {last} end at position {}",
            appended.position
        );
        last = appended.position;
        equal("the head", &store.head().await?, &last)?;
    }
    Ok(())
}

pub(super) async fn same_ids_of_different_aggregates_are_different_streams(
    kind: impl StoreKind,
) -> Check {
    let (_place, store) = kind.open_new().await?;
    store.append(append(&account("1"), 0, 2)).await?;
    store.append(append(&customer("1"), 0, 3)).await?;

    holds(&store, &account("1"), 2).await?;
    holds(&store, &customer("1"), 3).await?;
    Ok(())
}

pub(super) async fn an_outdated_expectation_is_a_conflict(kind: impl StoreKind) -> Check {
    conflicts(kind, 1).await
}

pub(super) async fn an_expectation_ahead_of_the_stream_is_a_conflict(
    kind: impl StoreKind,
) -> Check {
    conflicts(kind, 5).await?;
    conflicts(kind, Sequence::from(u32::MAX)).await?;
    conflicts(kind, Sequence::MAX - 10).await
}

pub(super) async fn a_stream_is_created_only_once(kind: impl StoreKind) -> Check {
    conflicts(kind, 0).await
}

/// An append to a stream of three events that expects another number.
async fn conflicts(kind: impl StoreKind, expected: Sequence) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    store.append(append(&stream, 0, 3)).await?;
    let before = traces(&store, &stream).await?;

    let outcome = store.append(leaving_traces(&stream, expected)).await;

    if outcome != Err(AppendError::Conflict { expected, actual: 3 }) {
        return Err(unexpected(&format!("Conflict: expected {expected}, actual 3"), &outcome));
    }
    equal("what the refused append left behind", &traces(&store, &stream).await?, &before)
}

pub(super) async fn a_new_stream_expects_nothing(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    let before = traces(&store, &stream).await?;

    let outcome = store.append(leaving_traces(&stream, 4)).await;

    if outcome != Err(AppendError::Conflict { expected: 4, actual: 0 }) {
        return Err(unexpected("Conflict: expected 4, actual 0", &outcome));
    }
    equal("what the refused append left behind", &traces(&store, &stream).await?, &before)
}

pub(super) async fn a_taken_key_leaves_nothing_behind(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    store.append(Append { keys: vec![key("T1")], ..append(&stream, 0, 1) }).await?;
    let before = traces(&store, &stream).await?;
    let mut refused = leaving_traces(&stream, 1);
    refused.keys.push(key("T1"));

    let outcome = store.append(refused).await;

    if !matches!(outcome, Err(AppendError::DuplicateKey(_))) {
        return Err(unexpected("DuplicateKey", &outcome));
    }
    equal("what the refused append left behind", &traces(&store, &stream).await?, &before)
}

pub(super) async fn a_known_command_leaves_nothing_behind(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    store.append(Append { command: command("C1"), ..append(&stream, 0, 1) }).await?;
    let before = traces(&store, &stream).await?;

    let outcome =
        store.append(Append { command: command("C1"), ..leaving_traces(&stream, 1) }).await;

    if !matches!(outcome, Err(AppendError::CommandKnown(_))) {
        return Err(unexpected("CommandKnown", &outcome));
    }
    equal("what the refused append left behind", &traces(&store, &stream).await?, &before)
}

pub(super) async fn the_command_is_checked_first_then_keys_then_the_sequence(
    kind: impl StoreKind,
) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    let first = Append { keys: vec![key("T1")], command: command("C1"), ..append(&stream, 0, 1) };
    store.append(first.clone()).await?;

    let outcome = store.append(first.clone()).await;
    if !matches!(outcome, Err(AppendError::CommandKnown(_))) {
        return Err(unexpected("CommandKnown, although the key is taken too", &outcome));
    }
    let outcome = store.append(Append { command: command("C2"), ..first.clone() }).await;
    if !matches!(outcome, Err(AppendError::DuplicateKey(_))) {
        return Err(unexpected("DuplicateKey, although the stream has moved on too", &outcome));
    }
    let outcome = store.append(Append { command: None, keys: Vec::new(), ..first }).await;
    if !matches!(outcome, Err(AppendError::Conflict { .. })) {
        return Err(unexpected("Conflict", &outcome));
    }
    Ok(())
}

pub(super) async fn an_append_of_another_epoch_is_refused(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    store.append(append(&stream, 0, 1)).await?;
    let (before, epoch) = (traces(&store, &stream).await?, store.epoch());

    let outcome =
        store.append(Append { epoch: Some(epoch + 1), ..leaving_traces(&stream, 1) }).await;

    if outcome != Err(AppendError::Unconfirmed { epoch }) {
        return Err(unexpected("Unconfirmed", &outcome));
    }
    equal("what the refused append left behind", &traces(&store, &stream).await?, &before)?;
    store.append(Append { epoch: Some(epoch), ..append(&stream, 1, 1) }).await?;
    holds(&store, &stream, 2).await.map(drop)
}

pub(super) async fn one_refused_append_is_not_its_neighbours(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    store.append(append(&account("taken"), 0, 1)).await?;
    let tasks: Vec<_> = (0..40)
        .map(|number| {
            let store = store.clone();
            let stream =
                if number % 4 == 0 { account("taken") } else { account(&format!("A{number}")) };
            tokio::spawn(async move { (number, store.append(append(&stream, 0, 1)).await) })
        })
        .collect();
    for task in tasks {
        let (number, outcome) =
            task.await.map_err(|error| Failure::new(format!("an append panicked: {error}")))?;
        match outcome {
            Ok(_) if number % 4 != 0 => {}
            Err(AppendError::Conflict { expected: 0, actual: 1 }) if number % 4 == 0 => {}
            outcome => {
                return Err(Failure::new(format!(
                    "append {number}, sent together with others, ended as {outcome:?}"
                )));
            }
        }
    }
    Ok(())
}

pub(super) async fn big_events_and_big_appends_land(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    let mut sent = append(&stream, 0, 1_200);
    let text = "ü".repeat(700_000);
    sent.events[7].data = format!("{{\"text\":\"{text}\"}}").into_bytes();
    sent.snapshot = Some(snapshot(1_200, 1, &text));
    store.append(sent.clone()).await?;

    let page = holds(&store, &stream, 1_200).await?;

    let same = page.iter().zip(&sent.events).all(|(event, sent)| event.data == sent.data);
    ensure!(same, "the data of a big append comes back changed");
    let stored = store.snapshot(&stream, 1, Sequence::MAX).await?;
    ensure!(stored == sent.snapshot, "a big snapshot comes back changed");
    Ok(())
}

pub(super) async fn a_stream_outgrows_sixteen_bits(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    let small = |event: NewEvent| NewEvent { data: b"{}".to_vec(), ..event };
    let mut expected = 0;
    while expected < 66_000 {
        let mut next = append(&stream, expected, 6_000);
        next.events = next.events.into_iter().map(small).collect();
        store.append(next).await?;
        expected += 6_000;
    }
    let outcome = store.append(append(&stream, 464, 1)).await;
    if outcome != Err(AppendError::Conflict { expected: 464, actual: 66_000 }) {
        return Err(unexpected("Conflict: expected 464, actual 66000", &outcome));
    }
    let tail = StreamRead { after: 65_530, ..whole(&stream) };
    equal("the events after 65,530", &store.read_stream(tail).await?.len(), &470)
}

pub(super) async fn strange_ids_are_just_ids(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let long = "x".repeat(2_000);
    let ids = [
        "",
        " ",
        "'",
        "\"",
        "a'; DROP TABLE events; --",
        "%",
        "_",
        "*",
        "\\",
        "../x",
        "a/b",
        "a.b",
        "a>b",
        "Ä",
        "ä",
        "A\u{308}",
        "日本語",
        "🦀",
        "\u{0}",
        "a\u{0}b",
        "a",
        "A",
        "1",
        "01",
        "1.0",
        "NULL",
        "\u{202e}x",
        &long,
    ];
    for (count, id) in (1..).zip(ids) {
        store.append(append(&account(id), 0, count)).await?;
    }
    for (count, id) in (1..).zip(ids) {
        let page = holds(&store, &account(id), count).await?;
        let kept = page.iter().all(|event| event.meta.stream_id.as_str() == id);
        ensure!(kept, "the stream id {id:?} comes back changed");
    }
    let mut sorted: Vec<_> = ids.iter().map(|id| (*id).to_owned()).collect();
    sorted.sort();
    let found = store.streams(account("").aggregate, None, ALL).await?;
    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
    equal("the ids of the streams, in order", &found, &sorted)
}

pub(super) async fn strange_names_are_just_names(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let names = ["O'Neil \"; --", "日本", "a.b", "a\u{0}b", "select", "Ä", "%", "x y"];
    for aggregate in names {
        let stream = StreamKey { aggregate, ..account("1") };
        let mut sent = append(&stream, 0, names.len() as u64);
        for (event, event_type) in sent.events.iter_mut().zip(names) {
            event.event_type = event_type;
        }
        let claim = KeyClaim { field: aggregate, ..key("T1") };
        store.append(Append { keys: vec![claim.clone()], ..sent }).await?;
        let taken = store.taken_key(&stream, &[claim]).await?;
        equal("the stream of a key", &taken.map(|taken| taken.stream), &Some(stream))?;
    }
    for aggregate in names {
        for event_type in names {
            let filter = only(&[(aggregate, event_type)]);
            let page = store.read_all(0, &filter, ALL).await?;
            let found: Vec<_> =
                page.events.iter().map(|event| (event.aggregate, event.event_type)).collect();
            equal("the events of a name", &found, &vec![(aggregate, event_type)])?;
        }
    }
    Ok(())
}

pub(super) async fn an_append_given_up_by_its_caller_lands_whole_or_not_at_all(
    kind: impl StoreKind,
) -> Check {
    let (_place, store) = kind.open_new().await?;
    for number in 0..20 {
        let stream = account(&format!("A{number}"));
        let mut given_up = Box::pin(store.append(Append {
            keys: vec![key("T1")],
            content: content(7),
            ..append(&stream, 0, 3)
        }));
        // Another one beside it, since a lone append may take another path.
        let mut other = Box::pin(store.append(append(&account(&format!("B{number}")), 0, 1)));
        for _ in 0..number % 5 {
            if poll_once(other.as_mut()).await || poll_once(given_up.as_mut()).await {
                break;
            }
        }
        drop((given_up, other));

        let landed = match store.append(append(&stream, 0, 1)).await {
            Ok(_) => 1,
            Err(AppendError::Conflict { actual: 3, .. }) => 3,
            outcome => return Err(unexpected("Conflict, or not at all", &outcome)),
        };
        holds(&store, &stream, landed).await?;
        let taken = store.taken_key(&stream, &[key("T1")]).await?;
        equal("whether the key is taken", &taken.is_some(), &(landed == 3))?;
    }
    Ok(())
}

/// Whether it is done: then it must not be polled again.
async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> bool {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await
}
