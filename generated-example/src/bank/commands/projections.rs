//! `bank projections`: where the read models stand.

use std::time::{Duration, Instant};

use clap::Args;
use eventloom_runtime::projection::{Poison, ProjectionStatus};
use eventloom_runtime::{Position, StreamId};
use serde_json::{Value, json};

use crate::commands::run_projections::short;
use crate::database::Database;
use crate::failure::Failure;
use crate::ledger::Place;
use crate::screen::Screen;
use crate::table::Align::{Left, Right};

const ABOUT: &str = "\
`behind` counts events, and says how old the oldest of them is; where something is behind, two looks
a second apart tell how many events are folded in that time. `runner` is the end of the id of the
`bank run-projections` that wrote last, `-` where none has or it has stopped; whether it still works is
seen where something is behind, and by no clock. States:
  up to date       every event is in the rows
  behind           not folded yet: `bank run-projections` does it, and tells what is in its way
  late             behind for longer than its ontology's `consistencyWindow` promises
  being built      the rows can't be read yet
  stopped          an event that can't be folded stands in its way: see `bank poison`
  halted           the next event is one that only a newer program knows: deploy that program

Example:
  bank projections";

/// How long the rate is measured.
const SECOND: Duration = Duration::from_secs(1);

/// Show how far the read models have come.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct Projections {}

impl Projections {
    pub(crate) async fn run(
        self,
        place: &Place<impl Database>,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        let ledger = place.open().await?;
        let (started, first) = (Instant::now(), ledger.statuses().await?);
        let is_behind = first.iter().any(|status| status.lag.events > 0);
        let found = if is_behind {
            tokio::time::sleep(SECOND).await;
            ledger.statuses().await?
        } else {
            first.clone()
        };
        let rates = (first.iter().zip(&found)).map(|(first, status)| {
            rate(status.position.saturating_sub(first.position), started.elapsed())
        });
        let rates: Vec<u64> = rates.collect();
        if screen.is_json() {
            let all: Vec<Value> =
                found.iter().zip(rates).map(|(it, rate)| json(it, rate)).collect();
            return screen.json(&all.into());
        }
        let mut table = screen.table(&[
            ("projection", Left),
            ("position", Right),
            ("of", Right),
            ("behind", Right),
            ("events/s", Right),
            ("parked", Right),
            ("runner", Left),
            ("state", Left),
        ]);
        for (status, rate) in found.iter().zip(&rates) {
            table.row(vec![
                status.projection.to_string(),
                status.position.to_string(),
                status.head.to_string(),
                behind(status),
                rate.to_string(),
                status.poison.len().to_string(),
                status.runner.map_or_else(|| "-".to_owned(), short),
                state(status).to_owned(),
            ])?;
        }
        table.finish()?;
        for (first, status) in first.iter().zip(&found) {
            tell(status, screen)?;
            if stands_still(first, status) {
                screen.quiet(still(status))?;
            }
        }
        let is_undecided =
            |it: &ProjectionStatus| !it.poison.is_empty() || it.rebuild_stopped_by.is_some();
        if found.iter().any(is_undecided) {
            screen.quiet("`bank poison` lists what can't be folded, and retries or skips it")?;
        }
        Ok(())
    }
}

/// Whether somebody should have moved it in the second between two looks, and nobody did.
fn stands_still(first: &ProjectionStatus, status: &ProjectionStatus) -> bool {
    let is_behind = first.lag.events > 0 && status.lag.events > 0;
    // Who runs it can't go on there either.
    let is_held = status.stopped_by().is_some() || status.halted_by.is_some();
    is_behind && !is_held && first.position == status.position
}

/// That nothing moved in a second, and what it says of who should have moved it.
fn still(status: &ProjectionStatus) -> String {
    let name = status.projection;
    match status.runner {
        None => format!("nobody runs {name}: `bank run-projections` does"),
        Some(runner) => format!(
            "runner {} has folded nothing of {name} within a second: it is stuck, or has gone without a word; another \
             `bank run-projections` takes its place",
            short(runner)
        ),
    }
}

/// What stands in the way of a read model, and what to do about it.
fn tell(status: &ProjectionStatus, screen: &mut Screen) -> Result<(), Failure> {
    let of_poison = |it: &Poison| {
        let event = event(status, it.position, (&it.event_type, it.version), &it.stream_id);
        format!("{event}: {}", it.reason)
    };
    for poison in &status.poison {
        let what = if poison.stops { "stopped" } else { "parked" };
        screen.bad(what, of_poison(poison))?;
    }
    if let Some(poison) = &status.rebuild_stopped_by {
        let event = of_poison(poison);
        screen.bad("rebuild stopped", format_args!("{event}; the rows lack nothing for it"))?;
    }
    let Some(it) = &status.halted_by else { return Ok(()) };
    let event = event(status, it.position, (&it.event_type, it.version), &it.stream_id);
    screen.bad(
        "halted",
        format_args!(
            "{event} was written by a newer program, and this one does not know it; deploy the newer one, which keeps \
             rows of its own"
        ),
    )
}

/// An event that a read model has met, and where it lies.
fn event(
    of: &ProjectionStatus,
    position: Position,
    (event_type, version): (&str, u32),
    stream: &StreamId,
) -> String {
    let view = of.projection.projection;
    format!("{view}: position {position}, {event_type} v{version} of `{stream}`")
}

fn rate(events: Position, time: Duration) -> u64 {
    let millis = time.as_millis().max(1);
    u64::try_from(u128::from(events) * 1_000 / millis).unwrap_or(u64::MAX)
}

fn behind(status: &ProjectionStatus) -> String {
    match status.lag.events {
        0 => "-".to_owned(),
        events => format!("{events}, {}", status.lag.time),
    }
}

fn state(status: &ProjectionStatus) -> &'static str {
    if status.stopped_by().is_some() {
        "stopped"
    } else if status.halted_by.is_some() {
        "halted"
    } else if !status.complete {
        "being built"
    } else if !status.is_within_window() {
        "late"
    } else if status.lag.events > 0 {
        "behind"
    } else {
        "up to date"
    }
}

fn json(status: &ProjectionStatus, rate: u64) -> Value {
    let poison = |it: &Poison| {
        json!({
            "position": it.position,
            "streamId": it.stream_id.as_str(),
            "eventType": it.event_type,
            "version": it.version,
            "reason": it.reason,
            "stops": it.stops,
        })
    };
    let parked: Vec<Value> = status.poison.iter().map(poison).collect();
    json!({
        "projection": status.projection.to_string(),
        "position": status.position,
        "head": status.head,
        "lagEvents": status.lag.events,
        "lagMicroseconds": status.lag.time.as_micros(),
        "eventsPerSecond": rate,
        "runner": status.runner.map(|runner| runner.to_string()),
        "state": state(status),
        "parked": parked,
        "skipped": status.skipped,
        "rebuildStoppedBy": status.rebuild_stopped_by.as_ref().map(poison),
        "haltedBy": status.halted_by.as_ref().map(|unknown| json!({
            "position": unknown.position,
            "streamId": unknown.stream_id.as_str(),
            "eventType": unknown.event_type,
            "version": unknown.version,
        })),
    })
}
