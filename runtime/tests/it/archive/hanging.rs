//! The disk of the archive hangs: whoever needs nothing of it goes on, and what is read when it is back is right.

use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use eventloom_runtime::projection::Projector;
use eventloom_runtime::store::whole::EventRecord;
use eventloom_runtime::store::{Direction, StreamRead};
use eventloom_runtime::{EventStore as _, Sequence};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::projections::{archive as archive_ledger, built, fill};
use super::{Kind, Rig, Store, files};
use crate::archiving::{
    ArchiveKind as _, archive, archiver, days_ago, events, live, seen, snapshot, stream, whole,
};
use crate::projection::ledger::ImmediateBalances;
use crate::projection::rig::{appending, moved, new_event};

/// Nobody who does not need the disk waits so long; the system takes a lease away after 45 seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// A file that nobody can open while this is there.
pub(crate) struct Hung {
    child: Child,
    told: Lines<BufReader<ChildStdout>>,
    end: ChildStdin,
    _program: tempfile::TempDir,
}

impl Hung {
    pub(crate) fn at(file: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = Command::new(compiled(folder.path()))
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let end = child.stdin.take().expect("a way to end it");
        let told = BufReader::new(child.stdout.take().expect("what it tells")).lines();
        let mut hung = Self { child, told, end, _program: folder };
        hung.tells("held");
        hung
    }

    fn tells(&mut self, line: &str) {
        let told = self.told.next().expect("a line").expect("a line");
        assert_eq!(told, line);
    }

    /// Waits until somebody waits for the file.
    pub(crate) fn is_asked_for(&mut self) {
        self.tells("asked");
    }

    pub(crate) fn ends(mut self) {
        drop(self.end);
        assert!(self.child.wait().expect("its end").success());
    }
}

/// Compiled with the C compiler that the bundled SQLite needed, too.
fn compiled(folder: &Path) -> PathBuf {
    let program = folder.join("hold");
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/archive/hold.c");
    let output = Command::new(compiler).arg("-o").args([&program, &source]).output();
    let output = output.expect("a C compiler");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    program
}

/// The tests wait for lines of the child on the thread that they run on.
pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

fn read_of(id: &str, direction: Direction, after: Sequence) -> StreamRead {
    StreamRead { stream: stream(id), after, direction, limit: 1_000, metadata: true }
}

async fn read(
    store: Store,
    id: &'static str,
    direction: Direction,
    after: Sequence,
) -> Vec<EventRecord> {
    let page = store.read_stream(read_of(id, direction, after)).await.expect("a page");
    page.iter().map(EventRecord::from).collect()
}

pub(crate) async fn read_all(store: Store) -> Vec<EventRecord> {
    let page = store.read_all(0, &whole(), 1_000).await.expect("a page");
    assert!(page.events.at_end());
    page.events.iter().map(EventRecord::from).collect()
}

/// Reads of the archive kept their connection while they waited for its disk: when that hung, a few of them were all that
/// the store had, and nobody could read anything any more.
#[test]
fn reads_that_need_no_file_go_on() {
    let runtime = runtime();
    let rig = runtime.block_on(Rig::filled());
    let (before, store) = runtime.block_on(async {
        let before = seen(&rig.store).await;
        archive(&rig.store).await;
        let one = Kind.open_with_one_reader(&rig.place, Some(&rig.archive())).await;
        (before, one.expect("a store"))
    });
    let [file] = files(&rig.archive()).try_into().expect("one file");
    let mut hung = Hung::at(&file);
    let waiting = [
        runtime.spawn(read_all(store.clone())),
        runtime.spawn(read(store.clone(), "a", Direction::Forwards, 0)),
        runtime.spawn(read(store.clone(), "a", Direction::Backwards, 25)),
    ];
    hung.is_asked_for();

    let others = async {
        assert_eq!(store.head().await, Ok(before.head));
        let young = store.read_stream(read_of("a", Direction::Forwards, 16)).await;
        assert_eq!(young.expect("live events").len(), 8);
        let behind = store.read_all(before.head - 1, &whole(), 10).await;
        assert_eq!(behind.expect("live events").events.len(), 1);
        assert_eq!(live(&store).await, 47);
        store.append(events("c", 24, 1, days_ago(0))).await.expect("an append");
    };
    runtime.block_on(async { timeout(PATIENCE, others).await.expect("nobody waits") });

    hung.ends();
    let [all, forwards, backwards] = waiting.map(|it| runtime.block_on(it).expect("no panic"));
    assert!(all.starts_with(&before.events), "of the last append either nothing or all");
    let of_a = before.events.iter().filter(|it| it.meta.stream_id.as_str() == "a");
    assert!(of_a.clone().eq(&forwards) && of_a.rev().eq(&backwards));
}

/// A read has looked into the tables and waits for a file, when another run lets events leave that it has read as live ones.
/// There are more blocks than are listed at once: so it looks into the tables again after that.
#[test]
fn what_leaves_during_a_read_is_read_once() {
    let runtime = runtime();
    let rig = runtime.block_on(Rig::new());
    let run = async |covered: Sequence| {
        rig.store.save_snapshot(&stream("a"), snapshot(covered)).await.expect("a snapshot");
        let run = archiver(&rig.store).segment_events(1).run(|_| {});
        run.await.expect("an archive").events()
    };
    let before = runtime.block_on(async {
        rig.store.append(events("a", 0, 140, days_ago(90))).await.expect("an append");
        let before = read_all(rig.store.clone()).await;
        assert_eq!(run(71).await, 70);
        before
    });
    let store = runtime.block_on(rig.again(Some(&rig.archive())));
    let mut hung = Hung::at(&files(&rig.archive())[2]);
    let waiting = [
        runtime.spawn(read_all(store.clone())),
        runtime.spawn(read(store.clone(), "a", Direction::Forwards, 0)),
    ];
    hung.is_asked_for();

    assert_eq!(runtime.block_on(run(140)), 69);

    hung.ends();
    for read in waiting {
        assert_eq!(runtime.block_on(read).expect("no panic"), before);
    }
    assert_eq!(runtime.block_on(live(&store)), 1);
}

/// Another program without the projection has appended what has aged out since. The projection's program took it in within
/// its next append, with the lock that all appends wait for, and waited for the disk with it.
#[test]
fn no_append_waits_for_the_disk() {
    let runtime = runtime();
    let (rig, other) = runtime.block_on(async {
        let rig = Rig::new().await;
        let other = rig.again(Some(&rig.archive())).await;
        (rig, other)
    });
    let immediate = runtime.block_on(async {
        let rows = Kind.rows(&rig.store).await;
        let opened = Projector::<ImmediateBalances, _, _>::open(rig.store.clone(), rows).await;
        fill(&other, 0..8).await;
        assert!(archive_ledger(&other).await > 100);
        opened.expect("it opens")
    });
    let mut hung = Hung::at(&files(&rig.archive())[0]);
    let store = rig.store.clone();
    let appending_one = runtime.spawn(async move {
        store.append(appending("s0", 24, vec![new_event("s0", 25, &moved(1))])).await
    });
    hung.is_asked_for();

    let others =
        async { other.append(appending("s1", 24, vec![new_event("s1", 25, &moved(2))])).await };
    let others = runtime.block_on(async { timeout(PATIENCE, others).await });
    others.expect("nobody waits").expect("an append");

    hung.ends();
    runtime.block_on(appending_one).expect("no panic").expect("an append");
    runtime.block_on(async {
        for expected in built(&other, 100).await {
            let row = immediate.read_model().get(&expected.id).await.expect("an answer");
            assert_eq!(row, Some(expected));
        }
    });
}
