//! `bank run-projections`: keeps the read models up to date until it is stopped.

use std::io;
use std::time::Duration;

use clap::Args;
use eventloom_runtime::projection::{ProjectionStatus, ProjectorOptions, Running};
use eventloom_runtime::{Duration as Span, Uuid};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::database::Database;
use crate::failure::Failure;
use crate::ledger::Place;
use crate::progress::Progress;
use crate::screen::Screen;

const ABOUT: &str = "\
Several may run at once, on this machine or on others: one of them works and the others stand by, and
each tells which it is, with the runner's id that `bank projections` shows, whenever that changes. A
commit of rows lands only where nobody else has gone on, so that no event is applied twice. Ctrl-C and
SIGTERM stop it; so does kill -9, without harm. A read model in whose way an event stands is told of at
once, and keeps the others from nothing: decide with `bank poison`, and start this again. One that
becomes later than its `consistencyWindow` promises is told of once, and once when it is in time again.

Example:
  bank run-projections";

/// How often it is looked how far they are.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Keep the read models up to date until it is stopped.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct RunProjections {
    /// How long another that works may get nothing done before this one takes its place
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 5_000)]
    lease: u64,
}

impl RunProjections {
    pub(crate) async fn run(
        self,
        place: &Place<impl Database>,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        let lease = Duration::from_millis(self.lease);
        let options = ProjectorOptions { lease, ..ProjectorOptions::default() };
        let ledger = place.open_with(options).await?;
        let running = ledger.follow();
        let mut roles = Roles::of(&running);
        let mut running = Vec::from(running);
        let progress = Progress::counting("following", 0);
        let mut stop = std::pin::pin!(asked_to_stop());
        let (mut failed, mut silent) = (None, false);
        let (mut late, mut parked) = (Late::default(), Parked::default());
        while !running.is_empty() {
            tokio::select! {
                asked = &mut stop => {
                    asked.map_err(|error| Failure::failed("NotStopped", error))?;
                    break;
                }
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            while let Some(ended) = running.iter().position(|it| !it.is_running()) {
                let ended = running.swap_remove(ended);
                roles.end(ended.runner());
                if let Err(error) = ended.stop().await {
                    progress.tell(&format!("error: {error}"));
                    failed.get_or_insert(error);
                }
            }
            // Who does not answer in that time keeps nobody from stopping this.
            match timeout(LOOK_EVERY, ledger.statuses()).await {
                Ok(Ok(statuses)) => {
                    let position = statuses.iter().map(|it| it.position).min().unwrap_or(0);
                    progress.at(position, statuses.iter().map(|it| it.head).max().unwrap_or(0));
                    roles.tell(&statuses, &progress);
                    late.tell(&statuses, &progress);
                    parked.tell(&statuses, &progress);
                    silent = false;
                }
                // The read models are waiting for it too.
                Ok(Err(failure)) if !silent => {
                    progress.tell(&format!("waiting: {}", failure.text()));
                    silent = true;
                }
                Ok(Err(_)) | Err(_) => {}
            }
        }
        progress.clear();
        for running in running {
            if let Err(error) = running.stop().await {
                failed.get_or_insert(error);
            }
        }
        if let Some(error) = failed {
            return Err(error.into());
        }
        // It is stopped whether or not that can still be told.
        let Ok(Ok(statuses)) = timeout(LOOK_EVERY, ledger.statuses()).await else {
            screen.good("stopped", "without an answer of the database")?;
            return if screen.is_json() { screen.json(&json!([])) } else { Ok(()) };
        };
        if screen.is_json() {
            let all = statuses.iter().zip(&roles.0).map(|(it, role)| {
                json!({
                    "projection": it.projection.to_string(),
                    "position": it.position,
                    "runner": role.own.to_string(),
                    "led": role.led,
                })
            });
            return screen.json(&Value::Array(all.collect()));
        }
        for it in statuses {
            screen
                .good("stopped", format_args!("{} at position {}", it.projection, it.position))?;
        }
        Ok(())
    }
}

/// Who keeps each read model up to date.
struct Roles([Role; 2]);

/// Who keeps a read model up to date, as was told last.
struct Role {
    /// The runner of this process.
    own: Uuid,
    /// Whether it was this one at some time.
    led: bool,
    /// The runner that was noted; nothing before anything was told.
    told: Option<Option<Uuid>>,
    state: State,
}

/// Whether the runner of this process is still there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Runs,
    Ended,
    /// And that was told: who takes its place is nothing that this program can tell of.
    ToldEnded,
}

impl Roles {
    fn of(running: &[Running; 2]) -> Self {
        Self(running.each_ref().map(|it| Role {
            own: it.runner(),
            led: false,
            told: None,
            state: State::Runs,
        }))
    }

    /// Notes that a runner of this process has ended.
    fn end(&mut self, runner: Uuid) {
        for role in self.0.iter_mut().filter(|role| role.own == runner) {
            role.state = State::Ended;
        }
    }

    /// Tells where it is another one now.
    fn tell(&mut self, statuses: &[ProjectionStatus; 2], progress: &Progress) {
        for (role, it) in self.0.iter_mut().zip(statuses) {
            match role.state {
                State::Runs => {}
                State::Ended => {
                    role.state = State::ToldEnded;
                    let (name, own) = (it.projection, short(role.own));
                    progress.tell(&format!(
                        "ended: this program no longer runs {name}; its runner {own} has stopped"
                    ));
                    continue;
                }
                State::ToldEnded => continue,
            }
            if role.told.replace(it.runner) == Some(it.runner) {
                continue;
            }
            let (name, own) = (it.projection, short(role.own));
            role.led |= it.runner == Some(role.own);
            progress.tell(&match it.runner {
                None => format!("ready: {name} has no runner; who folds its next events leads, perhaps this one, {own}"),
                Some(runner) if runner == role.own => format!("leading: this runner, {own}, keeps {name} up to date"),
                Some(other) => {
                    format!("standing by: runner {} keeps {name} up to date; this one is {own}", short(other))
                }
            });
        }
    }
}

/// A runner as people tell it from others: the end of its id, which is all chance.
pub(crate) fn short(runner: Uuid) -> String {
    let id = runner.to_string();
    id.rsplit('-').next().unwrap_or_default().to_owned()
}

/// How many events each read model parks, as was told last.
#[derive(Default)]
struct Parked([usize; 2]);

impl Parked {
    /// Tells where there are more of them.
    fn tell(&mut self, statuses: &[ProjectionStatus; 2], progress: &Progress) {
        for (parked, it) in self.0.iter_mut().zip(statuses) {
            let now = it.poison.iter().filter(|poison| !poison.stops).count();
            if std::mem::replace(parked, now) < now {
                let name = it.projection;
                progress.tell(&format!(
                    "parked: {now} events that {name} can't fold hold their accounts back: see `bank poison`"
                ));
            }
        }
    }
}

/// Which read models are later than their `consistencyWindow` promises, as was told last.
#[derive(Default)]
struct Late([bool; 2]);

impl Late {
    /// Tells where that begins or ends.
    fn tell(&mut self, statuses: &[ProjectionStatus; 2], progress: &Progress) {
        for (late, it) in self.0.iter_mut().zip(statuses) {
            // Rows that are built for the first time can't be read yet.
            let is_late = it.complete && !it.is_within_window();
            if std::mem::replace(late, is_late) == is_late {
                continue;
            }
            let (name, window) = (it.projection, it.window.unwrap_or(Span::ZERO));
            progress.tell(&if is_late {
                let (events, time) = (it.lag.events, it.lag.time);
                format!("late: {name} is {events} events and {time} behind; {window} is promised")
            } else {
                format!("in time: {name} is within {window} again")
            });
        }
    }
}

/// Ctrl-C, or what a supervisor sends.
async fn asked_to_stop() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminated.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
