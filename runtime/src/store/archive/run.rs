//! [`Archiver`]: which events may go, and the order in which they do.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::report::{
    AggregateReport, ArchiveError, ArchiveProgress, ArchiveReport, ArchiveStep, SegmentReport,
};
use super::segment::{Draft, Segment};
use super::{ArchiveStore, Candidate, LeavingBlock, age, changed_meanwhile, place};
use crate::aggregate::{Aggregate, Retention};
use crate::clock::{Clock, SystemClock};
use crate::metadata::{Position, Sequence};
use crate::store::StoreError;
use crate::values::{Timestamp, Uuid};

/// Events that one file takes at most.
pub const SEGMENT_EVENTS: u64 = 100_000;
/// Events that are looked at together.
const LOOKED_AT: usize = 4_096;
/// Events that are read together.
const READ: usize = 1_024;
/// Events that leave in one transaction, give or take a block: others append in between.
const LEAVING: usize = 4_096;
/// Streams with a young event that are remembered. Behind so many of them hardly anything is old.
const YOUNG_STREAMS: usize = 100_000;

/// Archives what has aged out of a store that was opened with an archive.
///
/// ```no_run
/// # async fn archive<A: eventloom_runtime::Aggregate>(
/// #     store: eventloom_runtime::store::sqlite::SqliteStore,
/// # ) -> Result<(), eventloom_runtime::store::archive::ArchiveError> {
/// use eventloom_runtime::store::archive::Archiver;
///
/// let report = Archiver::new(&store).aggregate::<A>().run(|_| {}).await?;
/// println!("{} events were archived", report.events());
/// # Ok(())
/// # }
/// ```
pub struct Archiver<'s, S> {
    store: &'s S,
    rules: Vec<ArchiveRule>,
    clock: Arc<dyn Clock>,
    is_dry_run: bool,
    segment_events: u64,
}

/// What is said of the events of an aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveRule {
    /// Its name.
    pub aggregate: &'static str,
    /// The meaning of its fold. Events go that a snapshot by this fold covers.
    pub meaning: u64,
    /// How long its events stay, whatever covers them.
    pub retention: Retention,
}

impl ArchiveRule {
    /// What the ontology says of an aggregate.
    pub const fn of<A: Aggregate>() -> Self {
        Self { aggregate: A::NAME, meaning: A::MEANING, retention: A::RETENTION }
    }
}

impl<'s, S: ArchiveStore> Archiver<'s, S> {
    /// Archives nothing yet: see [`Self::aggregate`].
    pub fn new(store: &'s S) -> Self {
        Self {
            store,
            rules: Vec::new(),
            clock: Arc::new(SystemClock),
            is_dry_run: false,
            segment_events: SEGMENT_EVENTS,
        }
    }

    /// Archives events of an aggregate too, by its `retentionPolicy`.
    #[must_use]
    pub fn aggregate<A: Aggregate>(self) -> Self {
        self.rule(ArchiveRule::of::<A>())
    }

    /// As [`Self::aggregate`], by another rule than the ontology's.
    #[must_use]
    pub fn rule(mut self, rule: ArchiveRule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Takes the time from a clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Only tells what would be archived: nothing is written anywhere.
    #[must_use]
    pub fn dry_run(mut self, is_dry_run: bool) -> Self {
        self.is_dry_run = is_dry_run;
        self
    }

    /// Begins another file after so many events; [`SEGMENT_EVENTS`] where nothing is said.
    #[must_use]
    pub fn segment_events(mut self, events: u64) -> Self {
        self.segment_events = events.clamp(1, SEGMENT_EVENTS);
        self
    }

    /// Archives, and tells how far it is. Appends and reads go on meanwhile.
    ///
    /// # Errors
    /// [`ArchiveError`]. What has left by then is archived, and all else is live: run it again.
    pub async fn run(
        self,
        mut progress: impl FnMut(ArchiveProgress) + Send,
    ) -> Result<ArchiveReport, ArchiveError> {
        let now = self.clock.now();
        let head = self.store.head().await?;
        let mut report = ArchiveReport {
            is_dry_run: self.is_dry_run,
            now,
            head,
            aggregates: Vec::new(),
            segments: Vec::new(),
            unknown_files: Vec::new(),
        };
        if self.is_dry_run {
            report.unknown_files = self.look().await?;
            self.archive_all(&mut report, None, head, &mut progress).await?;
            return Ok(report);
        }
        let locked = self.lock().await?;
        let known = self.store.segments().await?;
        let (folder, is_any) = (locked.folder.clone(), !known.is_empty());
        let (next, unknown) = blocking(move || place::prepare(&folder, &known)).await?;
        report.unknown_files = unknown;
        if is_any {
            // All of it is here, wherever it was before.
            self.store.remember(&locked.folder).await?;
        }
        let (folder, store) = (locked.folder.clone(), locked.store.clone());
        let mut target = Target { folder, store, next, draft: None, named: Vec::new() };
        match self.archive_all(&mut report, Some(&mut target), head, &mut progress).await {
            Ok(()) => Ok(report),
            Err(error) => {
                target.draft = None;
                // What went wrong is told; a draft that is left is removed by the next run.
                let _ = blocking(move || place::remove_drafts(&locked.folder)).await;
                Err(self.with_what_is_left(error, target).await)
            }
        }
    }

    /// What is wrong with the folder, if anything, and the files in it that the store does not know. Changes nothing.
    async fn look(&self) -> Result<Vec<String>, ArchiveError> {
        let Some(folder) = self.store.archive_folder() else { return Ok(Vec::new()) };
        let at = folder.clone();
        let before = blocking(move || place::before(&at)).await?;
        let known = self.store.segments().await?;
        let identity = self.store.remembered().await?.map(|it| it.identity);
        blocking(move || place::look(&folder, before, identity.as_deref(), &known)).await
    }

    /// A failure with the files that this run has named and no event has left for.
    async fn with_what_is_left(&self, error: ArchiveError, target: Target) -> ArchiveError {
        let Target { folder, named: mut files, .. } = target;
        let is_open = matches!(&error, ArchiveError::Store(StoreError::OutcomeUnknown(_)));
        let known = self.store.segments().await;
        if let Ok(known) = &known {
            // Another run may have a file of that name in another folder.
            let written_to = folder.display().to_string();
            let is_known =
                |file: &String| known.iter().any(|it| it.file == *file && it.folder == written_to);
            files.retain(|file| !is_known(file));
        }
        if files.is_empty() {
            return error;
        }
        let advice = match is_open || known.is_err() {
            true => "whether they are needed is not known: keep them; the next run tells",
            false => "no event has left for them, and they may be deleted with their manifests",
        };
        ArchiveError::LeftBehind { error: Box::new(error), folder, files, advice }
    }

    /// Archives events of each aggregate, to where they are to go.
    async fn archive_all(
        &self,
        report: &mut ArchiveReport,
        mut target: Option<&mut Target>,
        head: Position,
        progress: &mut (impl FnMut(ArchiveProgress) + Send),
    ) -> Result<(), ArchiveError> {
        for rule in &self.rules {
            let mut run = Run {
                archiver: self,
                rule: *rule,
                now: report.now,
                head,
                told: AggregateReport::new(rule.aggregate, rule.retention),
                segments: Vec::new(),
                young: BTreeSet::new(),
                going: Default::default(),
                target: target.as_deref_mut(),
                progress: &mut *progress,
            };
            if let Some(before) = rule.retention.cutoff(report.now) {
                run.told.before = Some(before);
                run.archive(before).await?;
            }
            let Run { told, segments, .. } = run;
            report.aggregates.push(told);
            report.segments.extend(segments);
        }
        Ok(())
    }

    /// Keeps others out, and makes sure that the folder is this store's.
    async fn lock(&self) -> Result<Locked<S::Lock>, ArchiveError> {
        let folder = self.store.archive_folder().ok_or(ArchiveError::NoFolder)?;
        let Some(of_store) = self.store.lock_archive().await? else {
            return Err(ArchiveError::Busy { folder });
        };
        let known = self.store.segments().await?;
        let proposed = Uuid::now_v7().to_string();
        let store = self.store.identity(&proposed).await?;
        let (at, identity) = (folder.clone(), store.clone());
        let file = blocking(move || place::lock(&at, &identity, &known)).await?;
        Ok(Locked { folder, store, _file: file, _store: of_store })
    }
}

/// The right to archive. It ends with this.
struct Locked<L> {
    folder: PathBuf,
    store: String,
    _file: File,
    _store: L,
}

/// Where events are archived to.
struct Target {
    folder: PathBuf,
    store: String,
    /// Number of the next file.
    next: u64,
    draft: Option<Draft>,
    /// The files that got their names.
    named: Vec<String>,
}

/// The archiving of one aggregate.
struct Run<'r, 's, S, P> {
    archiver: &'r Archiver<'s, S>,
    rule: ArchiveRule,
    now: Timestamp,
    head: Position,
    told: AggregateReport,
    segments: Vec<SegmentReport>,
    /// Streams that have a young event among those that were looked at.
    young: BTreeSet<i64>,
    /// The last event that goes of each stream, of those that go with this file and with the one before. What went earlier
    /// has left.
    going: [HashMap<i64, Sequence>; 2],
    target: Option<&'r mut Target>,
    progress: &'r mut P,
}

impl<S: ArchiveStore, P: FnMut(ArchiveProgress) + Send> Run<'_, '_, S, P> {
    async fn archive(&mut self, before: Timestamp) -> Result<(), ArchiveError> {
        let ArchiveRule { aggregate, meaning, .. } = self.rule;
        let store = self.archiver.store;
        let (mut after, end) = (0, age::to_be_looked_at(store, before, self.head).await?);
        while after < end && self.young.len() < YOUNG_STREAMS {
            let found = store.candidates(aggregate, meaning, (after, end), LOOKED_AT).await?;
            let is_end = found.len() < LOOKED_AT;
            let going: Vec<Candidate> =
                found.iter().filter(|it| self.may_go(it, before)).copied().collect();
            after = match found.last() {
                Some(last) if !is_end => last.position,
                _ => end,
            };
            self.told.looked_up_to = after;
            self.write(&going).await?;
            self.tell(ArchiveStep::Looked);
        }
        self.end_segment().await
    }

    /// Whether an event may go; notes why it stays.
    fn may_go(&mut self, event: &Candidate, before: Timestamp) -> bool {
        let before_it = event.sequence.checked_sub(1);
        let went = self.going.iter().find_map(|going| going.get(&event.stream)).copied();
        let is_next = event.sequence == event.first || (went.is_some() && went == before_it);
        let told = &mut self.told;
        let stays = if event.recorded_at >= before {
            self.young.insert(event.stream);
            &mut told.young
        } else if self.young.contains(&event.stream) {
            &mut told.behind_young
        } else if event.sequence >= event.covered.min(event.last) || !is_next {
            // Loads begin with the snapshot's own last event, and appends look for the stream's. A snapshot that was written
            // since the events in front were looked at would let it go without them.
            &mut told.uncovered
        } else {
            self.going[0].insert(event.stream, event.sequence);
            told.streams += u64::from(event.sequence == event.first);
            told.events += 1;
            return true;
        };
        *stays += 1;
        false
    }

    /// Writes events to files.
    async fn write(&mut self, going: &[Candidate]) -> Result<(), ArchiveError> {
        if self.target.is_none() {
            return Ok(());
        }
        let streams: HashMap<Position, i64> =
            going.iter().map(|it| (it.position, it.stream)).collect();
        let mut left: Vec<Position> = going.iter().map(|it| it.position).collect();
        while !left.is_empty() {
            let room = self.room();
            let asked: Vec<Position> = left.iter().take(READ.min(room)).copied().collect();
            let page = self.archiver.store.live_at(asked.clone()).await?;
            let found: Vec<Position> = page.iter().map(|event| event.position).collect();
            if found.is_empty() || asked[..found.len()] != found[..] {
                return Err(changed_meanwhile(asked.len(), found.len()).into());
            }
            left.drain(..found.len());
            let mut draft = self.draft().await?;
            let streams: Vec<i64> = found.iter().map(|position| streams[position]).collect();
            let draft = blocking(move || {
                for (event, stream) in page.iter().zip(streams) {
                    draft.add(&event, stream)?;
                }
                Ok(draft)
            })
            .await?;
            let is_full = draft.events() >= self.archiver.segment_events;
            if let Some(target) = &mut self.target {
                target.draft = Some(draft);
            }
            if is_full {
                self.end_segment().await?;
            }
        }
        Ok(())
    }

    /// How many events the file that is being written takes.
    fn room(&self) -> usize {
        let draft = self.target.as_ref().and_then(|target| target.draft.as_ref());
        let has = draft.map_or(0, Draft::events);
        let room = self.archiver.segment_events.saturating_sub(has).max(1);
        usize::try_from(room).unwrap_or(usize::MAX)
    }

    /// The file that is being written, or a new one.
    async fn draft(&mut self) -> Result<Draft, ArchiveError> {
        let Some(target) = &mut self.target else { return Err(ArchiveError::NoFolder) };
        if let Some(draft) = target.draft.take() {
            return Ok(draft);
        }
        let (folder, number) = (target.folder.clone(), target.next);
        target.next += 1;
        let aggregate = self.rule.aggregate;
        blocking(move || Draft::begin(&folder, number, aggregate)).await
    }

    /// Completes the file that is being written, if any, and lets its events leave.
    async fn end_segment(&mut self) -> Result<(), ArchiveError> {
        let Some(target) = &mut self.target else { return Ok(()) };
        let Some(draft) = target.draft.take() else { return Ok(()) };
        let (folder, store, now) = (target.folder.clone(), target.store.clone(), self.now);
        let segment = Arc::new(blocking(move || draft.end(now)).await?);
        self.tell(ArchiveStep::Written);
        let (at, written) = (folder.clone(), Arc::clone(&segment));
        blocking(move || written.name(&at)).await?;
        if let Some(target) = &mut self.target {
            target.named.push(segment.record.file.clone());
        }
        let (at, named) = (folder.clone(), Arc::clone(&segment));
        blocking(move || named.describe(&at, &store)).await?;
        self.tell(ArchiveStep::Named);
        let named = Arc::clone(&segment);
        blocking(move || named.verify(&folder)).await?;
        self.tell(ArchiveStep::Verified);
        let Segment { record, events, .. } = &*segment;
        for blocks in batches(&segment.blocks) {
            self.archiver.store.leave(record.clone(), blocks.to_vec()).await?;
            self.tell(ArchiveStep::Left);
        }
        self.going = [HashMap::new(), std::mem::take(&mut self.going[0])];
        let (file, bytes) = (record.file.clone(), record.bytes);
        self.segments.push(SegmentReport { file, events: *events, bytes });
        Ok(())
    }

    fn tell(&mut self, step: ArchiveStep) {
        let (position, events) = (self.told.looked_up_to, self.told.events);
        let (aggregate, head) = (self.rule.aggregate, self.head);
        (self.progress)(ArchiveProgress { aggregate, step, position, head, events });
    }
}

/// The blocks that leave together.
fn batches(blocks: &[LeavingBlock]) -> impl Iterator<Item = &[LeavingBlock]> {
    let mut rest = blocks;
    std::iter::from_fn(move || {
        let mut events = 0;
        let fits = rest.iter().take_while(|block| {
            let before = events;
            events += block.events.len();
            before == 0 || events <= LEAVING
        });
        let (batch, behind) = rest.split_at(fits.count());
        rest = behind;
        (!batch.is_empty()).then_some(batch)
    })
}

/// Runs what waits for the disk where that may be.
async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, ArchiveError> + Send + 'static,
) -> Result<T, ArchiveError> {
    match spawn_blocking(job).await {
        Ok(done) => done,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(StoreError::Unavailable(
                "the program is ending, and archives nothing more".to_owned(),
            )
            .into()),
        },
    }
}
