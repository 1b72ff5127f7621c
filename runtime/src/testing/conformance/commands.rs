//! Command records: every command id has one outcome, and it stays known.

use super::sample::{account, append, command, content, customer, holds, unexpected};
use crate::store::{Append, AppendError, CommandRecord, EventStore, RecordedCommand};
use crate::testing::failure::{Check, equal};
use crate::testing::stores::StoreKind;

pub(super) async fn a_command_is_recorded_with_its_events(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    equal("an unknown command", &store.command("C1").await?, &None)?;
    store.append(append(&stream, 0, 2)).await?;
    let sent = Append { command: command("C1"), content: content(9), ..append(&stream, 2, 3) };

    store.append(sent).await?;

    let expected = RecordedCommand {
        content: content(9),
        stream: stream.clone(),
        events: Some((3, 5)),
        refusal: None,
    };
    equal("the recorded command", &store.command("C1").await?, &Some(expected.clone()))?;

    // The same command under another id: the events it had then are its outcome.
    let repeats = Some((3, 5));
    let command = Some(CommandRecord { id: "C2".into(), refusal: None, repeats });
    let again = Append { command, content: content(9), ..append(&stream, 5, 0) };
    store.append(again).await?;
    holds(&store, &stream, 5).await?;
    equal("the repeated command", &store.command("C2").await?, &Some(expected))
}

pub(super) async fn a_refused_command_is_recorded_without_events(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    let head = store.append(append(&stream, 0, 2)).await?.position;
    let refusal = Some(("InsufficientFunds".to_owned(), "balance 1 < 2 'ü'".to_owned()));

    let appended = store.append(refused("C1", &refusal, append(&stream, 2, 0))).await?;

    equal("the position of an append without events", &appended.position, &head)?;
    equal("the head", &store.head().await?, &head)?;
    holds(&store, &stream, 2).await?;
    let expected = RecordedCommand { content: content(1), stream, events: None, refusal };
    equal("the recorded command", &store.command("C1").await?, &Some(expected))
}

pub(super) async fn a_refused_command_may_keep_events(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    let refusal = Some(("LimitHit".to_owned(), String::new()));

    store.append(refused("C1", &refusal, append(&stream, 0, 1))).await?;

    holds(&store, &stream, 1).await?;
    let expected = RecordedCommand { content: content(1), stream, events: Some((1, 1)), refusal };
    equal("the recorded command", &store.command("C1").await?, &Some(expected))
}

pub(super) async fn a_refusal_is_recorded_for_an_absent_stream(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("absent");
    let refusal = Some(("NotFound".to_owned(), "no such account".to_owned()));

    store.append(refused("C1", &refusal, append(&stream, 0, 0))).await?;

    holds(&store, &stream, 0).await?;
    equal("the streams", &store.streams(stream.aggregate, None, 10).await?, &Vec::new())?;
    let expected = RecordedCommand { content: content(1), stream, events: None, refusal };
    equal("the recorded command", &store.command("C1").await?, &Some(expected))
}

pub(super) async fn a_refusal_decided_on_an_outdated_state_is_a_conflict(
    kind: impl StoreKind,
) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    store.append(append(&stream, 0, 2)).await?;
    let refusal = Some(("InsufficientFunds".to_owned(), String::new()));

    let outcome = store.append(refused("C1", &refusal, append(&stream, 1, 0))).await;

    if outcome != Err(AppendError::Conflict { expected: 1, actual: 2 }) {
        return Err(unexpected("Conflict: expected 1, actual 2", &outcome));
    }
    equal("the recorded command", &store.command("C1").await?, &None)
}

pub(super) async fn a_command_id_is_used_once_in_the_whole_store(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let first =
        Append { command: command("C1"), content: content(5), ..append(&account("A1"), 0, 2) };
    store.append(first).await?;
    let known = RecordedCommand {
        content: content(5),
        stream: account("A1"),
        events: Some((1, 2)),
        refusal: None,
    };

    for (stream, expected) in [(account("A1"), 2), (account("A2"), 0), (customer("A1"), 0)] {
        let again = Append { command: command("C1"), ..append(&stream, expected, 1) };
        match store.append(again).await {
            Err(AppendError::CommandKnown(found)) => equal("the known command", &*found, &known)?,
            outcome => return Err(unexpected("CommandKnown", &outcome)),
        }
    }
    Ok(())
}

pub(super) async fn command_ids_are_compared_as_they_are(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let stream = account("A1");
    let long = "C".repeat(3_000);
    let ids = ["C1", "c1", "C1 ", "", "'", "Ü", "U\u{308}", "1", "01", "C\u{0}", &long];
    for (expected, id) in (0..).zip(ids) {
        store.append(Append { command: command(id), ..append(&stream, expected, 1) }).await?;
    }
    for (expected, id) in (1..).zip(ids) {
        let events = store.command(id).await?.and_then(|known| known.events);
        equal(&format!("the events of command {id:?}"), &events, &Some((expected, expected)))?;
    }
    Ok(())
}

fn refused(id: &str, refusal: &Option<(String, String)>, append: Append) -> Append {
    let command = CommandRecord { id: id.into(), refusal: refusal.clone(), repeats: None };
    Append { command: Some(command), ..append }
}
