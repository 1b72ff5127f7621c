//! Theme snapshot: a shortcut to the same state, and never more than that.

use super::commands::{nothing_shown, shows_nothing};
use super::path::{Path, path_keeping};
use super::world::{RepositoryOf, Sent, loaded, record, repository, send, stream_key, uncached};
use crate::aggregate::{Aggregate, SnapshotStrategy};
use crate::metadata::Sequence;
use crate::repository::CommandContext;
use crate::store::{EventStore, Snapshot};
use crate::testing::clock::TestClock;
use crate::testing::failure::{Check, Context, Failure, ensure, equal};
use crate::testing::property::by_seed;
use crate::testing::run;
use crate::testing::spans::{Captured, capture_async};
use crate::testing::stores::StoreKind;
use crate::testing::subject::{StateOf, Subject};

const STREAM: &str = "A1";

/// The snapshots' distance, if there are any.
fn every<S: Subject>() -> Option<u64> {
    match <S::Aggregate as Aggregate>::SNAPSHOTS {
        SnapshotStrategy::Every(events) if events > 0 => Some(events),
        _ => None,
    }
}

fn meaning<S: Subject>() -> u64 {
    <S::Aggregate as Aggregate>::MEANING
}

async fn latest<S: Subject>(store: &impl EventStore) -> Check<Option<Snapshot>> {
    Ok(store.snapshot(&stream_key::<S>(STREAM), meaning::<S>(), Sequence::MAX).await?)
}

/// The snapshot of a path's events: there is one where they reach the distance. Where they do not,
/// [`with_path`] says that nothing is shown.
async fn sound<S: Subject>(
    store: &impl EventStore,
    path: &Path<S>,
    distance: u64,
) -> Check<Option<Snapshot>> {
    let found = latest::<S>(store).await?;
    equal("whether there is a snapshot", &found.is_some(), &(path.len() >= distance))?;
    Ok(found)
}

/// Sends the commands of a path; hands over the sequences before and after each.
async fn walk<S: Subject, E: EventStore>(
    repository: &RepositoryOf<S, E>,
    path: &Path<S>,
    mut each: impl AsyncFnMut(Sequence, Sequence) -> Check,
) -> Check {
    for (command, around) in path.commands.iter().zip(path.sequences.windows(2)) {
        let (before, after) = (around[0], around[1]);
        match send::<S, E>(repository, STREAM, command, CommandContext::new()).await? {
            Sent::Done(executed) => {
                equal("the sequence after a command", &executed.sequence, &after)?;
            }
            other => {
                return Err(Failure::new("a command that the fold accepts is not carried out")
                    .with("command", format!("{command:?}"))
                    .with("outcome", other.shown()));
            }
        }
        each(before, after).await?;
    }
    Ok(())
}

/// Records the events of a path: one append per command near a multiple of the distance, and as many as
/// fit between; hands over the number of commands behind it after each append.
async fn fill<S: Subject, E: EventStore>(
    repository: &RepositoryOf<S, E>,
    path: &Path<S>,
    distance: u64,
    mut each: impl AsyncFnMut(usize) -> Check,
) -> Check {
    let mut waiting = Vec::new();
    for (index, events) in path.events.iter().enumerate() {
        waiting.extend(events.iter().cloned());
        let sequence = path.sequences[index + 1];
        if !is_near(sequence, distance) && index + 1 < path.events.len() {
            continue;
        }
        let events = std::mem::take(&mut waiting);
        let sent = record::<S, E>(repository, STREAM, events, CommandContext::new()).await?;
        if !matches!(&sent, Sent::Done(executed) if executed.sequence == sequence) {
            return Err(Failure::new("events that the fold accepts are not recorded")
                .with("outcome", sent.shown()));
        }
        each(index + 1).await?;
    }
    Ok(())
}

fn is_near(sequence: Sequence, distance: u64) -> bool {
    let beyond = sequence % distance;
    beyond <= 2 || distance - beyond <= 2
}

/// A snapshot is taken when an append crosses a multiple of the distance, at the append's last
/// sequence, and at no other time. With `never` there is none.
///
/// # Errors
/// The sequence at which there is one too many, too few, or of another sequence.
pub fn is_taken_when_due<S: Subject, K: StoreKind>(kind: K) -> Check {
    let distance = every::<S>();
    let length = distance.map_or(SHORT, |distance| distance.saturating_mul(2).saturating_add(1));
    with_path::<S>(length, distance.unwrap_or(0), |path| {
        run(async {
            let (_place, store) = kind.open_new().await?;
            let repository = repository::<S, _>(store.clone(), TestClock::default()).await?;
            let mut due = None;
            walk(&repository, path, async |before, after| {
                if distance.is_some_and(|distance| before / distance < after / distance) {
                    due = Some(after);
                }
                let found = latest::<S>(&store).await?.map(|snapshot| snapshot.sequence);
                equal(&format!("the sequence of the snapshot after {after} events"), &found, &due)
            })
            .await
        })
    })
}

/// Runs a check on a path; says so where it is too short to show a snapshot.
fn with_path<S: Subject>(
    length: u64,
    at_least: u64,
    check: impl FnOnce(&Path<S>) -> Check,
) -> Check {
    by_seed(|seed| {
        let distance = every::<S>();
        let is_wanted = |sequence| distance.is_some_and(|distance| is_near(sequence, distance));
        let length = if at_least > LONGEST { SHORT } else { length.min(LONGEST) };
        let path = path_keeping::<S>(STREAM, length, seed, is_wanted);
        let about = || format!("{} events of {} commands", path.len(), path.commands.len());
        check(&path).context("the ontology says", says::<S>).context("stream", about)?;
        if path.len() >= at_least.max(1) {
            return Ok(());
        }
        if at_least > LONGEST {
            return shows_nothing::<S>(&format!(
                "there is a snapshot after {at_least} events, and no stream of more than {LONGEST} is tried"
            ));
        }
        let found = path.len();
        nothing_shown::<S>(&format!("the longest stream that was found has {found} events"))
    })
}

/// No path is longer: a distance beyond this is not walked to its end.
const LONGEST: u64 = 2_500;

/// The length of a path that reaches no snapshot.
const SHORT: u64 = 30;

fn says<S: Subject>() -> String {
    match every::<S>() {
        Some(events) => format!("snapshotStrategy: every {events} events"),
        None => "snapshotStrategy: never".to_owned(),
    }
}

/// A snapshot and the events after it give the state that all events give, at every length around one
/// and two distances.
///
/// # Errors
/// The length at which they do not.
pub fn with_its_tail_equals_full_replay<S: Subject, K: StoreKind>(kind: K) -> Check {
    let Some(distance) = every::<S>() else { return Ok(()) };
    let length = distance.saturating_mul(2).saturating_add(2);
    with_path::<S>(length, distance, |path| {
        run(async {
            let (place, store) = kind.open_new().await?;
            let lived = repository::<S, _>(store, TestClock::default()).await?;
            let reader = uncached::<S, _>(kind.open(&place).await?, TestClock::default()).await?;
            fill(&lived, path, distance, async |commands| {
                let kept = path.after(commands);
                let fold =
                    kept.ok_or_else(|| Failure::new("a stream that is needed is not kept"))?;
                let expected = (fold.sequence, fold.state.clone());
                equal("the loaded state", &loaded::<S, _>(&reader, STREAM).await?, &expected)
            })
            .await?;
            for fold in path.kept() {
                let found = reader.load_as_of(STREAM, fold.sequence).await?;
                let found = (found.sequence, found.state);
                equal("the state as of a sequence", &found, &(fold.sequence, fold.state.clone()))?;
            }
            Ok(())
        })
    })
}

/// A snapshot that is damaged, of another program, or of events that are not there is ignored with a
/// warning, never used and never fatal; where one is due, it is replaced.
///
/// # Errors
/// What it led to instead.
pub fn that_cannot_be_trusted_is_ignored<S: Subject, K: StoreKind>(kind: K) -> Check {
    let Some(distance) = every::<S>() else { return Ok(()) };
    with_path::<S>(distance.saturating_add(3), distance, |path| {
        run(async {
            let (_place, store) = kind.open_new().await?;
            let lived = repository::<S, _>(store.clone(), TestClock::default()).await?;
            fill(&lived, path, distance, async |_| Ok(())).await?;
            let (sequence, state) = (path.len(), path.end().state.clone());
            let sound = sound::<S>(&store, path, distance).await?;
            for (what, broken) in broken::<S>(sequence, sound.as_ref()) {
                ignores::<S, _>(&store, broken, &(sequence, state.clone()), sound.as_ref())
                    .await
                    .context("snapshot", || what.to_owned())?;
            }
            Ok(())
        })
    })
}

/// Snapshots that must not be used, of a stream of this length. The first sequence of a stream that has
/// one is the sequence of the sound snapshot, else of the whole stream.
fn broken<S: Subject>(length: Sequence, sound: Option<&Snapshot>) -> Vec<(&'static str, Snapshot)> {
    let sequence = sound.map_or(length, |sound| sound.sequence);
    let other = other_state::<S>();
    let whole = sound.map_or_else(Vec::new, |sound| sound.data.clone());
    let with = |data: Vec<u8>| Snapshot { sequence, meaning: meaning::<S>(), data };
    let mut broken = vec![
        ("empty", with(Vec::new())),
        ("not JSON", with(b"\xff\x00 not a state".to_vec())),
        ("of another type", with(b"[1, 2, 3]\n[4]".to_vec())),
        ("an empty object", with(b"{}\n{}".to_vec())),
        ("the bare state", with(other)),
    ];
    if !whole.is_empty() {
        broken.push(("cut short", with(whole[..whole.len() - 1].to_vec())));
        let mut longer = whole.clone();
        longer.extend_from_slice(b"{}");
        broken.push(("too long", with(longer)));
        let from_the_future = Snapshot { sequence: length + 5, ..with(whole) };
        broken.push(("from a future that the stream has not", from_the_future));
    }
    broken
}

fn other_state<S: Subject>() -> Vec<u8> {
    let mut data = Vec::new();
    <S::Aggregate as Aggregate>::write_state(&StateOf::<S>::default(), &mut data);
    data
}

async fn ignores<S: Subject, E: EventStore>(
    store: &E,
    broken: Snapshot,
    expected: &(Sequence, StateOf<S>),
    sound: Option<&Snapshot>,
) -> Check {
    let is_in_stream = broken.sequence <= expected.0;
    store.save_snapshot(&stream_key::<S>(STREAM), broken).await?;
    let reader = uncached::<S, E>(store.clone(), TestClock::default()).await?;
    let (found, captured) = capture_async(loaded::<S, E>(&reader, STREAM)).await;
    equal("the loaded state", &found?, expected)?;
    ensure!(captured.iter().any(is_warning), "the snapshot was ignored without a warning");
    let Some(sound) = sound else { return Ok(()) };
    let replaced = latest::<S>(store).await?;
    if is_in_stream {
        return equal("the snapshot that replaces it", &replaced.as_ref(), &Some(sound));
    }
    // Nothing tells a load which append crossed the distance: it takes the multiple itself, which may lie
    // between two events of one command, where no state of the path is known.
    let found = replaced.map(|replaced| replaced.sequence);
    let is_due = found.is_some_and(|found| found <= sound.sequence);
    ensure!(is_due, "the snapshot that replaces it is of sequence {found:?}");
    let (found, captured) = capture_async(loaded::<S, E>(&reader, STREAM)).await;
    equal("the state loaded from the snapshot that replaces it", &found?, expected)?;
    ensure!(!captured.iter().any(is_warning), "the snapshot that replaces it is ignored too");
    Ok(())
}

fn is_warning(captured: &Captured) -> bool {
    captured.name == "event" && captured.level == "WARN"
}

/// A snapshot that a program with another fold made is never used, however plausible it looks.
///
/// # Errors
/// The state that was loaded instead.
pub fn of_another_meaning_is_never_used<S: Subject, K: StoreKind>(kind: K) -> Check {
    let Some(distance) = every::<S>() else { return Ok(()) };
    with_path::<S>(distance.saturating_add(3), distance, |path| {
        run(async {
            let (_place, store) = kind.open_new().await?;
            let lived = repository::<S, _>(store.clone(), TestClock::default()).await?;
            fill(&lived, path, distance, async |_| Ok(())).await?;
            let Some(sound) = sound::<S>(&store, path, distance).await? else { return Ok(()) };
            for meaning in [meaning::<S>() ^ 1, 0, u64::MAX] {
                let data = with_other_state::<S>(&sound);
                let foreign = Snapshot { sequence: path.len(), meaning, data };
                store.save_snapshot(&stream_key::<S>(STREAM), foreign).await?;
            }
            let reader = uncached::<S, _>(store, TestClock::default()).await?;
            let expected = (path.len(), path.end().state.clone());
            equal("the loaded state", &loaded::<S, _>(&reader, STREAM).await?, &expected)
        })
    })
}

/// What another fold would have made of the same events.
fn with_other_state<S: Subject>(sound: &Snapshot) -> Vec<u8> {
    let beside = sound.data.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
    [beside, &other_state::<S>()].concat()
}
