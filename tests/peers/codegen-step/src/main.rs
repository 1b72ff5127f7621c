//! How long a build script takes from an ontology to written Rust, beside prost-build.
//!
//! `cargo run --manifest-path tests/peers/Cargo.toml -p codegen-step`, in the dev profile, because
//! cargo builds what a build script calls without optimisation. Both compilers read files, check them
//! and write Rust into an empty folder, in turn; each figure is the best of five rounds. Ours reads
//! 1,000 events in ten aggregates with 100 projections, and writes what folds, stores, projects and
//! tests them; prost-build's messages have the same fields, and it writes structs with derives.

#![allow(clippy::disallowed_types)] // figures for people, no money

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use eventloom_codegen::Build;

const AGGREGATES: usize = 10;
const EVENTS: usize = 100;
const PROJECTIONS: usize = 10;
const ROUNDS: usize = 5;
/// Goal of the product: at most one and a half times as long.
const GOAL: f64 = 1.5;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (ours, theirs) = (folder.path().join("ontology"), folder.path().join("protos"));
    write_ontology(&ours);
    write_protos(&theirs);
    let (mut best_of_ours, mut best_of_theirs) = (Duration::MAX, Duration::MAX);
    for round in 0..ROUNDS {
        let out = folder.path().join(format!("out{round}"));
        best_of_ours = best_of_ours.min(timed(&out.join("ours"), |out| eventloom(&ours, out)));
        best_of_theirs = best_of_theirs.min(timed(&out.join("theirs"), |out| prost(&theirs, out)));
    }
    let out = folder.path().join("out0");
    let events = AGGREGATES * EVENTS;
    println!("{events} events, {} projections", AGGREGATES * PROJECTIONS);
    println!("{:<12} {:>8} {:>12}", "", "ms", "KiB written");
    row("eventloom", best_of_ours, &out.join("ours"));
    row("prost-build", best_of_theirs, &out.join("theirs"));
    let ratio = best_of_ours.as_secs_f64() / best_of_theirs.as_secs_f64();
    println!("ratio {ratio:.2}, goal {GOAL:.2} at most");
}

fn timed(out: &Path, compile: impl FnOnce(&Path)) -> Duration {
    fs::create_dir_all(out).expect("an output folder");
    let start = Instant::now();
    compile(out);
    start.elapsed()
}

fn eventloom(ontology: &Path, out: &Path) {
    Build::new(ontology).out_dir(out).compile().expect("a sound ontology");
}

fn prost(protos: &Path, out: &Path) {
    let files: Vec<_> = (0..AGGREGATES).map(|n| protos.join(format!("ledger{n}.proto"))).collect();
    let described = protox::compile(files, [protos]).expect("sound messages");
    prost_build::Config::new().out_dir(out).compile_fds(described).expect("written messages");
}

fn row(name: &str, time: Duration, out: &Path) {
    let bytes = |file: fs::DirEntry| file.metadata().map_or(0, |about| about.len());
    let files = fs::read_dir(out).expect("an output folder").map(|file| file.expect("a file"));
    let written: u64 = files.map(bytes).sum();
    println!("{name:<12} {:>8.0} {:>12}", time.as_secs_f64() * 1e3, written / 1024);
}

fn write_ontology(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    for aggregate in 0..AGGREGATES {
        let path = folder.join(format!("ledger{aggregate}.yaml"));
        fs::write(path, ontology(aggregate)).expect("a written file");
    }
}

fn ontology(aggregate: usize) -> String {
    let mut text = format!(
        "aggregateRoot: Ledger{aggregate}\n\
         state: {{owner: string?, balance: decimal, count: integer}}\n\
         events:\n"
    );
    for event in 0..EVENTS {
        let sign = if event % 2 == 0 { "+" } else { "-" };
        text.push_str(&EVENT.replace("{N}", &event_name(aggregate, event)).replace("{SIGN}", sign));
    }
    text.push_str("eventStore: {partitionKey: ledgerId}\nprojections:\n");
    for projection in 0..PROJECTIONS {
        let of_it = EVENTS / PROJECTIONS;
        let events = (projection * of_it..(projection + 1) * of_it)
            .map(|event| event_name(aggregate, event))
            .collect::<Vec<_>>();
        let (name, source) = (format!("Ledger{aggregate}View{projection}"), events.join(", "));
        let table = format!("ledger{aggregate}_view{projection}");
        text.push_str(
            &PROJECTION
                .replace("{NAME}", &name)
                .replace("{TABLE}", &table)
                .replace("{SOURCE}", &source),
        );
        for event in events {
            text.push_str(&RULE.replace("{N}", &event));
        }
    }
    text
}

fn event_name(aggregate: usize, event: usize) -> String {
    format!("Event{aggregate}N{event:03}")
}

const EVENT: &str = "  {N}:
    version: v1
    schema: {ledgerId: string, amount: decimal, at: timestamp, note: string?, count: integer}
    apply:
      owner: note
      balance: balance {SIGN} amount
      count: state.count + event.count
";

const PROJECTION: &str = "  {NAME}:
    source: [{SOURCE}]
    target: read_db.{TABLE}
    updateStrategy: eventually_consistent
    key: ledgerId
    columns: {ledgerId: string, total: decimal, version: integer}
    on:
";

const RULE: &str = "      {N}:
        upsert: {total: row.total + amount, version: meta.sequence}
";

fn write_protos(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    for aggregate in 0..AGGREGATES {
        let path = folder.join(format!("ledger{aggregate}.proto"));
        fs::write(path, messages(aggregate)).expect("a written file");
    }
}

/// The same events as messages, and the `oneof` of them that a store would hold.
fn messages(aggregate: usize) -> String {
    let mut text = format!("syntax = \"proto3\";\npackage ledger{aggregate};\n");
    let write = |text: &mut String, line: std::fmt::Arguments<'_>| {
        text.write_fmt(line).expect("a String takes everything");
    };
    for event in 0..EVENTS {
        let name = event_name(aggregate, event);
        write(
            &mut text,
            format_args!(
                "message {name} {{ string ledger_id = 1; string amount = 2; int64 at = 3; \
                 optional string note = 4; int64 count = 5; }}\n"
            ),
        );
    }
    text.push_str("message Event { oneof kind {\n");
    for event in 0..EVENTS {
        let name = event_name(aggregate, event);
        write(&mut text, format_args!("  {name} e{event} = {};\n", event + 1));
    }
    text.push_str("} }\n");
    text
}
