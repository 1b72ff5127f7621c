//! `bank poison`: the events that a read model can't fold, and what is decided about them.

use clap::{ArgGroup, Args, Subcommand};
use eventloom_runtime::Position;
use eventloom_runtime::projection::{self, ProjectorError, Retried};
use serde_json::{Value, json};

use crate::database::Database;
use crate::failure::Failure;
use crate::input;
use crate::ledger::{Ledger, Place, View};
use crate::screen::Screen;
use crate::table::Align::{Left, Right};

const ABOUT: &str = "\
An event that can't be folded is parked: what follows it in its stream is held back, and other streams go
on. Where rows of several streams depend on it, the whole read model stops before it. It is left out of
the rows by nobody's decision but yours, which is kept with its reason, through rebuilds too.

A service that was stopped by an event is to be started again after the decision.

What stopped `bank rebuild` is listed too. The rows that are there lack nothing for it: the next rebuild
tries the event again, or leaves it out where it is skipped.

Examples:
  bank poison
  bank poison retry 17
  bank poison skip 17 --reason \"booked twice by till 3, see the letter of 1 March\"";

const RETRY: &str = "\
What was held back behind an event is folded with it. Retry after the cause is mended, for example by a
program that was corrected. Exit code 3 says that it is poison still, or that only a rebuild can tell: what
stopped one is tried again by the next.

Examples:
  bank poison retry 17
  bank poison retry --all";

const SKIP: &str = "\
The event stays in the store and in its account; only these rows go on without it, for good. What was
held back behind it is folded.

Example:
  bank poison skip 17 --reason \"booked twice by till 3, see the letter of 1 March\"";

/// List the events that read models can't fold; retry or skip them.
#[derive(Debug, Args)]
#[command(after_help = ABOUT, args_conflicts_with_subcommands = true)]
pub(crate) struct Poison {
    #[command(subcommand)]
    decision: Option<Decision>,
}

#[derive(Debug, Subcommand)]
enum Decision {
    Retry(Retry),
    Skip(Skip),
}

/// Fold poison events again, after their cause is mended.
#[derive(Debug, Args)]
#[command(after_help = RETRY, group(ArgGroup::new("which").required(true).args(["position", "all"])))]
struct Retry {
    /// Position of the event.
    position: Option<Position>,

    /// All of them.
    #[arg(long)]
    all: bool,

    /// Only for this read model.
    #[arg(long, value_name = "NAME")]
    projection: Option<View>,
}

/// Leave a poison event out of the rows for good.
#[derive(Debug, Args)]
#[command(after_help = SKIP)]
struct Skip {
    /// Position of the event.
    position: Position,

    /// Why, for whoever asks later.
    #[arg(long, value_name = "TEXT", value_parser = input::reason)]
    reason: String,

    /// Who decides, where that is not the user who is logged in.
    #[arg(long, value_name = "NAME", value_parser = input::id)]
    operator: Option<String>,

    /// The read model, where the event is poison for several.
    #[arg(long, value_name = "NAME")]
    projection: Option<View>,
}

impl Poison {
    pub(crate) async fn run(
        self,
        place: &Place<impl Database>,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        let ledger = place.open().await?;
        match self.decision {
            None => list(&ledger, screen).await,
            Some(Decision::Retry(retry)) => retry.run(&ledger, screen).await,
            Some(Decision::Skip(skip)) => skip.run(&ledger, screen).await,
        }
    }
}

async fn list(ledger: &Ledger<impl Database>, screen: &mut Screen) -> Result<(), Failure> {
    let (poison, rebuilds) = (ledger.poison().await?, ledger.stopped_rebuilds().await?);
    let skips = ledger.skips().await?;
    if screen.is_json() {
        let all = |found: &[(View, projection::Poison)]| -> Vec<Value> {
            found.iter().map(|(view, it)| json(*view, it)).collect()
        };
        let skipped: Vec<Value> = skips.iter().map(|(view, it)| skip_json(*view, it)).collect();
        return screen.json(&json!({
            "poison": all(&poison), "stoppedRebuilds": all(&rebuilds), "skipped": skipped
        }));
    }
    if poison.is_empty() && rebuilds.is_empty() {
        screen.good("none", "no event is in the way of a read model")?;
    } else {
        let mut table = screen.table(&[
            ("projection", Left),
            ("position", Right),
            ("stream", Left),
            ("event", Left),
            ("holds back", Left),
            ("found", Left),
            ("reason", Left),
        ]);
        let of_rows = poison.into_iter().map(|(view, it)| (view, holds_back(&it), it));
        let of_rebuilds = rebuilds.into_iter().map(|(view, it)| (view, "its rebuild", it));
        for (view, holds_back, it) in of_rows.chain(of_rebuilds) {
            table.row(vec![
                view.to_string(),
                it.position.to_string(),
                it.stream_id.to_string(),
                format!("{} v{}", it.event_type, it.version),
                holds_back.to_owned(),
                it.found_at.to_string(),
                it.reason,
            ])?;
        }
        table.finish()?;
    }
    if skips.is_empty() {
        return Ok(());
    }
    screen.heading("skipped for good")?;
    let mut table = screen.table(&[
        ("projection", Left),
        ("position", Right),
        ("stream", Left),
        ("event", Left),
        ("by", Left),
        ("at", Left),
        ("reason", Left),
        ("could not be folded because", Left),
    ]);
    for (view, it) in skips {
        table.row(vec![
            view.to_string(),
            it.position.to_string(),
            it.stream_id.to_string(),
            format!("{} v{}", it.event_type, it.version),
            it.operator,
            it.decided_at.to_string(),
            it.reason,
            it.failure,
        ])?;
    }
    Ok(table.finish()?)
}

fn holds_back(poison: &projection::Poison) -> &'static str {
    if poison.stops { "everything" } else { "its stream" }
}

impl Retry {
    async fn run(self, ledger: &Ledger<impl Database>, screen: &mut Screen) -> Result<(), Failure> {
        let found = find(ledger, self.projection, self.position).await?;
        let (mut all, mut undone) = (Vec::new(), false);
        for (view, poison) in found {
            let done = ledger.retry_poison(view, poison.position).await;
            let outcome = Outcome::of(done).checked(ledger, view, poison.position, false).await;
            undone |= outcome.leaves(poison.position);
            outcome.tell("folded", view, poison.position, screen)?;
            all.push(outcome.json("released", view, poison.position));
        }
        if screen.is_json() {
            screen.json(&Value::Array(all))?;
        } else if all.is_empty() {
            screen.good("none", "no event is in the way of a read model")?;
        }
        if undone { Err(Failure::Told) } else { Ok(()) }
    }
}

impl Skip {
    async fn run(self, ledger: &Ledger<impl Database>, screen: &mut Screen) -> Result<(), Failure> {
        let operator = self.operator.or_else(logged_in).ok_or_else(|| {
            Failure::Usage("nobody is logged in: name who decides with --operator".to_owned())
        })?;
        let found = find(ledger, self.projection, Some(self.position)).await?;
        let [(view, poison)] = &*found else {
            return Err(Failure::Usage(format!(
                "the event at position {} is poison for several read models: name one with --projection",
                self.position
            )));
        };
        let skipped = ledger.skip_poison(*view, poison.position, &operator, &self.reason).await;
        let outcome = Outcome::of(skipped).checked(ledger, *view, self.position, true).await;
        let outcome = match outcome {
            Outcome::Decided => return Err(none_at(self.position)),
            Outcome::Failed(failure) => return Err(failure),
            outcome => outcome,
        };
        outcome.tell("skipped", *view, self.position, screen)?;
        if screen.is_json() {
            let mut told = outcome.json("skipped", *view, self.position);
            told["operator"] = operator.into();
            told["reason"] = self.reason.into();
            screen.json(&told)?;
        }
        Ok(())
    }
}

/// The poison events of a position, or all, of a read model, or of all: of their rows, or of their rebuilds alone.
async fn find(
    ledger: &Ledger<impl Database>,
    view: Option<View>,
    position: Option<Position>,
) -> Result<Vec<(View, projection::Poison)>, Failure> {
    let mut found = ledger.poison().await?;
    for (view, of_rebuild) in ledger.stopped_rebuilds().await? {
        if found.iter().all(|(of, it)| *of != view || it.position != of_rebuild.position) {
            found.push((view, of_rebuild));
        }
    }
    found.retain(|(of, it)| {
        view.is_none_or(|view| view == *of) && position.is_none_or(|at| at == it.position)
    });
    match position {
        Some(position) if found.is_empty() => Err(none_at(position)),
        _ => Ok(found),
    }
}

fn none_at(position: Position) -> Failure {
    Failure::Usage(format!(
        "no poison event is at position {position}: `bank poison` lists those there are"
    ))
}

/// The user as the system calls it.
fn logged_in() -> Option<String> {
    let names = ["USER", "LOGNAME", "USERNAME"].into_iter();
    names.filter_map(|name| std::env::var(name).ok()).find(|name| input::id(name).is_ok())
}

/// What came of a decision.
enum Outcome {
    /// Its stream, or what it stopped, goes on.
    Released,
    /// The rows lack nothing for it: their next rebuild heeds the decision.
    OfRebuild,
    /// An event is still in the way: the same, or a later one.
    InTheWay(Box<projection::Poison>),
    /// Somebody else decided meanwhile, or it was folded with another.
    Decided,
    /// It is done; what failed is what came after it.
    DoneThen(Failure),
    /// It could not be done.
    Failed(Failure),
}

impl Outcome {
    fn of(done: Result<Retried, ProjectorError>) -> Self {
        match done {
            Ok(Retried::Released) => Self::Released,
            Ok(Retried::Parked(poison)) => Self::InTheWay(poison),
            Ok(Retried::OfRebuild) => Self::OfRebuild,
            Err(ProjectorError::Stopped { poison, .. }) => Self::InTheWay(poison),
            Err(ProjectorError::NoSuchPoison { .. }) => Self::Decided,
            Err(error) => Self::Failed(error.into()),
        }
    }

    /// A read model goes on after a decision, which may fail where the decision stands.
    async fn checked(
        self,
        ledger: &Ledger<impl Database>,
        view: View,
        position: Position,
        skips: bool,
    ) -> Self {
        let Self::Failed(failure) = self else { return self };
        let is_it = |(of, it): &(View, projection::Poison)| *of == view && it.position == position;
        let is_gone = ledger.poison().await.is_ok_and(|left| !left.iter().any(is_it))
            && ledger.stopped_rebuilds().await.is_ok_and(|left| !left.iter().any(is_it));
        let is_it = |(of, it): &(View, projection::Skip)| *of == view && it.position == position;
        // That it is gone may be somebody else's doing.
        let is_skipped = ledger.skips().await.is_ok_and(|skips| skips.iter().any(is_it));
        match is_gone && is_skipped == skips {
            true => Self::DoneThen(failure),
            false => Self::Failed(failure),
        }
    }

    /// Whether a retry left the event at a position as it was.
    fn leaves(&self, position: Position) -> bool {
        match self {
            Self::Released | Self::Decided | Self::DoneThen(_) => false,
            Self::InTheWay(poison) => poison.position == position,
            // Nobody tries it before the next rebuild.
            Self::OfRebuild | Self::Failed(_) => true,
        }
    }

    fn tell(
        &self,
        done: &str,
        view: View,
        position: Position,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        let of = format!("position {position} of {view}");
        match self {
            Self::Released => screen.good(done, of),
            Self::OfRebuild if done == "skipped" => {
                screen.good(done, format_args!("{of}: the next `bank rebuild` leaves it out"))
            }
            Self::OfRebuild => screen.quiet(format_args!(
                "{of} stopped a rebuild: the next `bank rebuild` tries it again"
            )),
            Self::Decided => screen.good("decided", format_args!("about {of} elsewhere")),
            Self::InTheWay(it) if it.position == position => {
                screen.bad("poison still", format_args!("{of}: {}", it.reason))
            }
            Self::InTheWay(it) => {
                screen.good(done, of)?;
                let (word, then) = if it.stops { ("stopped", "before") } else { ("parked", "at") };
                screen.bad(
                    word,
                    format_args!(
                        "again {then} position {}, {} v{} of `{}`: {}",
                        it.position, it.event_type, it.version, it.stream_id, it.reason
                    ),
                )
            }
            Self::DoneThen(failure) => {
                screen.good(done, of)?;
                screen.bad("then", failure.text())
            }
            Self::Failed(failure) => screen.bad("failed", format_args!("{of}: {}", failure.text())),
        }
    }

    fn json(&self, done: &str, view: View, position: Position) -> Value {
        let (outcome, next, message) = match self {
            Self::Released => (done, None, None),
            Self::OfRebuild if done == "skipped" => (done, None, None),
            Self::OfRebuild => ("atNextRebuild", None, None),
            Self::Decided => ("decidedElsewhere", None, None),
            Self::InTheWay(it) if it.position == position => ("poison", Some(json(view, it)), None),
            Self::InTheWay(it) => (done, Some(json(view, it)), None),
            Self::DoneThen(failure) => (done, None, Some(failure.text())),
            Self::Failed(failure) => ("failed", None, Some(failure.text())),
        };
        json!({
            "projection": view.to_string(),
            "position": position,
            "outcome": outcome,
            "inTheWay": next,
            "message": message,
        })
    }
}

/// A poison event, for programs.
pub(crate) fn json(view: View, poison: &projection::Poison) -> Value {
    json!({
        "projection": view.to_string(),
        "position": poison.position,
        "streamId": poison.stream_id.as_str(),
        "sequence": poison.sequence,
        "eventType": poison.event_type,
        "version": poison.version,
        "reason": poison.reason,
        "foundAt": poison.found_at.to_string(),
        "stops": poison.stops,
    })
}

fn skip_json(view: View, skip: &projection::Skip) -> Value {
    json!({
        "projection": view.to_string(),
        "position": skip.position,
        "streamId": skip.stream_id.as_str(),
        "sequence": skip.sequence,
        "eventType": skip.event_type,
        "version": skip.version,
        "failure": skip.failure,
        "operator": skip.operator,
        "reason": skip.reason,
        "decidedAt": skip.decided_at.to_string(),
    })
}
