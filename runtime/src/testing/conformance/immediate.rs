//! Folds inside appends: called once per append in order, refusing alone, written with the events.

use std::sync::{Arc, Mutex, PoisonError};

use super::sample::{ALL, account, append, everything, leaving_traces, traces, unexpected};
use crate::metadata::{Position, Sequence};
use crate::store::{
    AppendError, AppendTransaction, AppendedEvents, EventStore, FoldError, FoldedChange,
    ImmediateFold, StoreError,
};
use crate::testing::failure::{Check, ensure, equal};
use crate::testing::stores::StoreKind;

/// An event as the fold wrote it down: position, stream, sequence.
type Row = (Position, String, Sequence);

/// A fold that writes down which events it was given, and refuses the stream `refused`.
#[derive(Clone)]
struct Journal {
    name: &'static str,
    rows: Arc<Mutex<Vec<Row>>>,
}

impl Journal {
    fn new(name: &'static str) -> Self {
        Self { name, rows: Arc::default() }
    }

    fn rows(&self) -> Vec<Row> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ImmediateFold for Journal {
    fn aggregate(&self) -> &'static str {
        "Sample"
    }

    fn name(&self) -> &str {
        self.name
    }

    fn open(&self, transaction: &dyn AppendTransaction) -> Result<(), StoreError> {
        let page = transaction.read_all(0, &everything(), ALL)?;
        let rows = page
            .events
            .iter()
            .map(|event| (event.position, event.meta.stream_id.to_string(), event.meta.sequence));
        *self.rows.lock().unwrap_or_else(PoisonError::into_inner) = rows.collect();
        Ok(())
    }

    fn fold(
        &self,
        transaction: &dyn AppendTransaction,
        events: &AppendedEvents<'_>,
    ) -> Result<FoldedChange, FoldError> {
        if events.stream.id.as_str() == "refused" {
            return Err(FoldError::Refused("not this one".to_owned()));
        }
        let later = transaction.read_all(events.before, &everything(), ALL)?;
        if !later.events.is_empty() || events.first <= events.before {
            return Err(FoldError::Refused(format!(
                "told that the last event lies at {} and the next at {}",
                events.before, events.first
            )));
        }
        let rows: Vec<Row> = (events.first..)
            .zip(events.events)
            .map(|(position, event)| {
                (position, event.meta.stream_id.to_string(), event.meta.sequence)
            })
            .collect();
        let journal = Arc::clone(&self.rows);
        Ok(Box::new(move |_| {
            journal.lock().unwrap_or_else(PoisonError::into_inner).extend(rows);
            Ok(())
        }))
    }
}

/// A fold that goes wrong in a way of its own for streams of some names.
struct Misbehaving;

impl ImmediateFold for Misbehaving {
    fn aggregate(&self) -> &'static str {
        "Sample"
    }

    fn name(&self) -> &'static str {
        "misbehaving"
    }

    fn open(&self, _: &dyn AppendTransaction) -> Result<(), StoreError> {
        Ok(())
    }

    fn fold(
        &self,
        _: &dyn AppendTransaction,
        events: &AppendedEvents<'_>,
    ) -> Result<FoldedChange, FoldError> {
        let id = events.stream.id.to_string();
        assert_ne!(id, "panics", "on purpose");
        Ok(Box::new(move |_| {
            assert_ne!(id, "panics late", "on purpose");
            if id == "fails late" { Err(on_purpose()) } else { Ok(()) }
        }))
    }
}

fn on_purpose() -> StoreError {
    StoreError::Unwritable("on purpose".to_owned())
}

async fn stored(store: &impl EventStore) -> Check<Vec<Row>> {
    let page = store.read_all(0, &everything(), ALL).await?;
    let rows = page
        .events
        .iter()
        .map(|event| (event.position, event.meta.stream_id.to_string(), event.meta.sequence));
    Ok(rows.collect())
}

pub(super) async fn an_immediate_fold_sees_every_event_once(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let journal = Journal::new("journal");
    store.append(append(&account("before"), 0, 3)).await?;
    store.fold_immediately(Arc::new(journal.clone())).await?;
    equal("the events that were there before", &journal.rows(), &stored(&store).await?)?;

    let tasks: Vec<_> = (0..20)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                store.append(append(&account(&format!("A{number}")), 0, 2)).await
            })
        })
        .collect();
    for task in tasks {
        task.await.map_err(|error| crate::testing::Failure::new(error.to_string()))??;
    }
    store.append(append(&account("before"), 3, 1)).await?;

    equal("the events that were folded", &journal.rows(), &stored(&store).await?)
}

pub(super) async fn a_refusing_fold_refuses_its_append_alone(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let journal = Journal::new("journal");
    store.fold_immediately(Arc::new(journal.clone())).await?;
    let refused = account("refused");
    let before = traces(&store, &refused).await?;

    let outcome = store.append(leaving_traces(&refused, 0)).await;
    let due = AppendError::Projection {
        projection: "Sample.journal".to_owned(),
        reason: "not this one".to_owned(),
    };
    if outcome != Err(due.clone()) {
        return Err(unexpected(&format!("{due:?}"), &outcome));
    }
    equal("what the refused append left behind", &traces(&store, &refused).await?, &before)?;

    let tasks: Vec<_> = (0..20)
        .map(|number| {
            let store = store.clone();
            let stream =
                if number % 3 == 0 { refused.clone() } else { account(&format!("A{number}")) };
            tokio::spawn(async move { (number, store.append(append(&stream, 0, 1)).await) })
        })
        .collect();
    for task in tasks {
        let (number, outcome) =
            task.await.map_err(|error| crate::testing::Failure::new(error.to_string()))?;
        ensure!(
            outcome.is_ok() == (number % 3 != 0),
            "append {number}, sent together with refused ones, ended as {outcome:?}"
        );
    }
    equal("the events that were folded", &journal.rows(), &stored(&store).await?)
}

pub(super) async fn a_conflicting_append_is_not_folded(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let journal = Journal::new("journal");
    store.fold_immediately(Arc::new(journal.clone())).await?;
    store.append(append(&account("A1"), 0, 2)).await?;

    let outcome = store.append(append(&account("refused"), 7, 1)).await;

    if outcome != Err(AppendError::Conflict { expected: 7, actual: 0 }) {
        return Err(unexpected("Conflict, since a fold comes after all other checks", &outcome));
    }
    equal("the events that were folded", &journal.rows(), &stored(&store).await?)
}

pub(super) async fn a_fold_registered_again_replaces_itself(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    let (old, new, other) =
        (Journal::new("journal"), Journal::new("journal"), Journal::new("other"));
    for fold in [&old, &other, &new] {
        store.fold_immediately(Arc::new(fold.clone())).await?;
    }
    store.append(append(&account("A1"), 0, 2)).await?;

    equal("the events of the replaced fold", &old.rows(), &Vec::new())?;
    for fold in [&new, &other] {
        equal("the events that were folded", &fold.rows(), &stored(&store).await?)?;
    }
    Ok(())
}

pub(super) async fn a_fold_that_cannot_write_fails_its_append(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    store.fold_immediately(Arc::new(Misbehaving)).await?;
    let stream = account("fails late");
    let before = traces(&store, &stream).await?;

    let outcome = store.append(leaving_traces(&stream, 0)).await;

    let due = AppendError::Store(on_purpose());
    if outcome != Err(due.clone()) {
        return Err(unexpected(&format!("{due:?}"), &outcome));
    }
    equal("what the append left behind", &traces(&store, &stream).await?, &before)?;
    store.append(append(&account("A1"), 0, 1)).await?;
    Ok(())
}

pub(super) async fn a_fold_that_panics_refuses_its_append(kind: impl StoreKind) -> Check {
    let (_place, store) = kind.open_new().await?;
    store.fold_immediately(Arc::new(Misbehaving)).await?;
    for id in ["panics", "panics late"] {
        let stream = account(id);
        let before = traces(&store, &stream).await?;

        let outcome = store.append(leaving_traces(&stream, 0)).await;

        match &outcome {
            Err(AppendError::Projection { projection, reason })
                if projection == "Sample.misbehaving" && reason.contains("on purpose") => {}
            _ => return Err(unexpected("Projection, which says what the panic said", &outcome)),
        }
        equal("what the append left behind", &traces(&store, &stream).await?, &before)?;
    }
    store.append(append(&account("A1"), 0, 1)).await?;
    Ok(())
}
