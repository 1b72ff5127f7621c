//! Theme migration: what was stored in an old version is read as the ontology's upcasts say.

use std::sync::Arc;

use super::Golden;
use super::commands::nothing_shown;
use super::path::path;
use super::schema::{sample_metadata, shape_of, written};
use super::world::{Sent, record, repository, stream_key, uncached};
use crate::aggregate::Aggregate;
use crate::event::DomainEvent;
use crate::metadata::{Metadata, Sequence};
use crate::repository::CommandContext;
use crate::store::{Append, EventStore, NewEvent, StoreError};
use crate::testing::clock::TestClock;
use crate::testing::failure::{Check, Context, Failure, ensure, equal};
use crate::testing::fold::Fold;
use crate::testing::run;
use crate::testing::shape;
use crate::testing::stores::StoreKind;
use crate::testing::subject::{EventOf, StateOf, Subject};

const STREAM: &str = "A1";

/// The bytes of an old version are read as these fields of the current one, given as JSON; the result
/// is written in the current version and read back as it was.
///
/// # Errors
/// What the old bytes are read as instead.
pub fn reads_as_current<E: DomainEvent>(samples: &[(Golden, &str)]) -> Check {
    samples.iter().try_for_each(|(old, current)| upcast::<E>(*old, current))
}

fn upcast<E: DomainEvent>(old: Golden, current: &str) -> Check {
    let event = read::<E>(old)?;
    let text = written(&event);
    ensure!(
        event.event_type() == old.event_type,
        "{} is read as another type, {}",
        old.event_type,
        event.event_type()
    );
    let shape = shape_of::<E>(old.event_type, event.version())?.shape;
    shape::conforms(shape, text.as_bytes()).map_err(Failure::new)?;
    fields_equal(&text, current).context("stored", || format!("{old:?}"))?;
    let golden = Golden { version: event.version(), ..old };
    let data = text.clone();
    let back = E::read(golden.event_type, golden.version, data.as_bytes(), &sample_metadata())
        .map_err(|error| Failure::new(format!("the upcast event cannot be read back: {error}")))?;
    equal("the upcast event, written and read back", &back, &event)
}

/// Data of the current version passes through no upcaster: it is read and written to the byte.
///
/// # Errors
/// What became of it.
pub fn leaves_current_alone<E: DomainEvent>(current: Golden) -> Check {
    let event = read::<E>(current)?;
    equal("the current version", &event.version(), &current.version)?;
    equal("the data, read and written", &written(&event).as_str(), &current.data)
}

pub(super) fn read<E: DomainEvent>(golden: Golden) -> Check<E> {
    read_with(golden, &sample_metadata())
}

/// The metadata of the next event of a stream: an upcast may read what the event is stored with.
fn older_metadata(after: Sequence) -> Metadata {
    Metadata {
        actor: Some(Arc::from("an older program")),
        stream_id: STREAM.into(),
        sequence: after + 1,
        ..sample_metadata()
    }
}

fn read_with<E: DomainEvent>(golden: Golden, meta: &Metadata) -> Check<E> {
    E::read(golden.event_type, golden.version, golden.data.as_bytes(), meta)
        .map_err(|error| Failure::new(format!("stored data cannot be read: {error}")))
        .context("stored", || format!("{golden:?}"))
}

/// Each of the expected fields is found so; both are given as JSON.
pub(super) fn fields_equal(found: &str, expected: &str) -> Check {
    let parse = |text: &str| {
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text)
            .map_err(|error| Failure::new(format!("no JSON object: {error}: {text}")))
    };
    let (found, expected) = (parse(found)?, parse(expected)?);
    for (name, value) in &expected {
        equal(&format!("the field `{name}`"), &found.get(name), &Some(value))?;
    }
    Ok(())
}

/// Under each old name, and in every version, the bytes are the event that they are under the present name.
///
/// # Errors
/// What they are read as instead.
pub fn is_read_under_old_names<E: DomainEvent>(old: &[&'static str], all: &[Golden]) -> Check {
    for golden in all {
        let expected: E = read(*golden)?;
        for event_type in old {
            let shape = shape_of::<E>(event_type, golden.version)?.shape;
            let present = shape_of::<E>(golden.event_type, golden.version)?.shape;
            equal(&format!("the shape of {event_type} v{}", golden.version), &shape, &present)?;
            let found: E = read(Golden { event_type, ..*golden })?;
            equal(&format!("what {event_type} v{} is read as", golden.version), &found, &expected)?;
            equal("the name under which it is written", &found.event_type(), &golden.event_type)?;
        }
    }
    Ok(())
}

/// A stream with an event under an old name folds as if it had been written under the present one. The first
/// of the samples is taken that can happen at all.
///
/// # Errors
/// Where the two streams differ.
pub fn renamed_events_fold_the_same<S: Subject, K: StoreKind>(
    kind: K,
    old: &[&'static str],
    samples: &[Golden],
) -> Check {
    for golden in samples {
        if let Some((before, meta)) = before::<S>(*golden)? {
            return run(async {
                let expected =
                    folded_under::<S, K>(kind, golden.event_type, *golden, &meta, &before).await?;
                for event_type in old {
                    let found =
                        folded_under::<S, K>(kind, event_type, *golden, &meta, &before).await?;
                    let what = format!("the state of a stream with {event_type}");
                    equal::<StateOf<S>>(&what, &found, &expected)?;
                }
                Ok(())
            });
        }
    }
    nothing_shown::<S>("no command was found after which the renamed event can be applied")
}

/// The state of a stream that ends in an event under this name, from a repository and as of its end.
async fn folded_under<S: Subject, K: StoreKind>(
    kind: K,
    event_type: &str,
    golden: Golden,
    meta: &Metadata,
    before: &[Vec<EventOf<S>>],
) -> Check<StateOf<S>> {
    let (_place, store) = kind.open_new().await?;
    record_all::<S>(&store, before).await?;
    append_stored::<S>(&store, meta.clone(), event_type, golden.version, golden.data).await?;
    let reader = uncached::<S, _>(store, TestClock::default()).await?;
    let loaded = reader.load(STREAM).await?;
    let as_of = reader.load_as_of(STREAM, loaded.sequence).await?;
    equal::<StateOf<S>>("the state as of the end", &as_of.state, &loaded.state)?;
    Ok(loaded.state)
}

async fn record_all<S: Subject>(store: &impl EventStore, before: &[Vec<EventOf<S>>]) -> Check {
    let repository = repository::<S, _>(store.clone(), TestClock::default()).await?;
    for events in before {
        let context = CommandContext::new();
        let sent = record::<S, _>(&repository, STREAM, events.clone(), context).await?;
        let landed = matches!(&sent, Sent::Done(it) if it.events.len() == events.len());
        ensure!(landed, "events that were decided are not recorded: {}", sent.shown());
    }
    Ok(())
}

/// A stream in which versions are mixed folds as if every event had been written in the current one: by
/// load, as of any sequence, and in words. The first of the samples is taken that can happen at all.
///
/// # Errors
/// Where the two streams differ.
pub fn mixed_versions_fold_the_same<S: Subject, K: StoreKind>(kind: K, olds: &[Golden]) -> Check {
    for old in olds {
        if let Some((before, meta)) = before::<S>(*old)? {
            return run(mixed::<S, K>(kind, *old, &meta, before));
        }
    }
    nothing_shown::<S>(
        "no command was found after which the event of an old version can be applied",
    )
}

async fn mixed<S: Subject, K: StoreKind>(
    kind: K,
    old: Golden,
    meta: &Metadata,
    before: Vec<Vec<EventOf<S>>>,
) -> Check {
    let event: EventOf<S> = read_with(old, meta)?;
    let data = written(&event);
    let versions = [(old.version, old.data), (event.version(), data.as_str())];
    let mut read = Vec::new();
    for (version, data) in versions {
        // Each in a store of its own: unique keys may hold across all streams.
        let (_place, store) = kind.open_new().await?;
        record_all::<S>(&store, &before).await?;
        append_stored::<S>(&store, meta.clone(), old.event_type, version, data).await?;
        let reader = uncached::<S, _>(store, TestClock::default()).await?;
        let loaded = reader.load(STREAM).await?;
        let as_of = reader.load_as_of(STREAM, loaded.sequence).await?;
        let what =
            format!("the state as of its end of a stream with {} v{version}", old.event_type);
        equal::<StateOf<S>>(&what, &as_of.state, &loaded.state)?;
        read.push((loaded.sequence, loaded.state, reader.timeline(STREAM, 0, 100).await?));
    }
    let differs =
        |what: &str| format!("{what} of a stream with {} v{}", old.event_type, old.version);
    let [old, current] = &read[..] else { unreachable!("two versions were read") };
    equal(&differs("the sequence"), &old.0, &current.0)?;
    equal::<StateOf<S>>(&differs("the state"), &old.1, &current.1)?;
    equal(&differs("the timeline"), &old.2, &current.2)
}

/// Appends in their order, and the metadata of what follows them.
type Ground<S> = (Vec<Vec<EventOf<S>>>, Metadata);

/// Events after which one of an old version can be applied, and its metadata there.
fn before<S: Subject>(old: Golden) -> Check<Option<Ground<S>>> {
    for length in [3, 2, 1, 0] {
        let path = path::<S>(STREAM, length, 7);
        let mut fold: Fold<S::Aggregate> = path.end().clone();
        let meta = older_metadata(fold.sequence);
        if fold.apply(&read_with(old, &meta)?, &meta).is_ok() {
            return Ok(Some((path.events, meta)));
        }
    }
    Ok(None)
}

async fn append_stored<S: Subject>(
    store: &impl EventStore,
    meta: Metadata,
    event_type: &str,
    version: u32,
    data: &str,
) -> Check {
    let known = <EventOf<S> as DomainEvent>::SHAPES.iter().map(|shape| shape.event_type);
    let event_type = known.into_iter().find(|known| *known == event_type);
    let event_type = event_type.ok_or_else(|| Failure::new("there is no such event type"))?;
    let (stream, expected) = (stream_key::<S>(STREAM), meta.sequence - 1);
    let event = NewEvent { event_type, version, data: data.as_bytes().to_vec(), meta };
    let append = Append {
        stream,
        expected,
        events: vec![event],
        released: Vec::new(),
        passing: Vec::new(),
        keys: Vec::new(),
        content: [0; 16],
        command: None,
        snapshot: None,
        epoch: None,
    };
    store.append(append).await?;
    Ok(())
}

/// An event of a newer program stops the load with its type, version and position: it is neither skipped
/// nor taken for another.
///
/// # Errors
/// What the load gives instead.
pub fn a_newer_version_is_refused<S: Subject, K: StoreKind>(kind: K, current: Golden) -> Check {
    run(async {
        let (_place, store) = kind.open_new().await?;
        let reader = uncached::<S, _>(store.clone(), TestClock::default()).await?;
        let newer = current.version + 1;
        append_stored::<S>(&store, older_metadata(0), current.event_type, newer, current.data)
            .await?;
        let expected = StoreError::UnknownVersion {
            event_type: current.event_type.to_owned(),
            version: newer,
            position: store.head().await?,
        };
        match reader.load(STREAM).await {
            Err(error) => equal("the error", &error, &expected),
            Ok(loaded) => Err(Failure::new(format!(
                "{} v{newer} is not known to this program, but {} loads",
                current.event_type,
                <S::Aggregate as Aggregate>::NAME
            ))
            .with("state", format!("{:?}", loaded.state))),
        }
    })
}
