//! [`Table`]: the promises drawn beside the stores that keep them.
//!
//! A cell is the outcome of a promise that has just been run on a store, and of nothing else. Who draws it is
//! `runtime/examples/conformance.rs`.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};

use super::{keeps, promises, themes};
use crate::testing::failure::{Check, Failure};
use crate::testing::stores::StoreKind;

/// Promises that are run at a time: what they wait for is mostly a disk, a server, and each other.
const AT_A_TIME: usize = 4;

/// What became of a promise on a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// It was run, and kept.
    Kept,
    /// It was run, and broken.
    Broken(Failure),
    /// It was not run: the store could not be had.
    NotRun,
}

/// A store, and what became of each promise on it.
#[derive(Clone, Debug)]
pub struct Column {
    store: String,
    ran: Result<BTreeMap<&'static str, Check>, String>,
}

impl Column {
    /// Runs every promise on a kind of store; `passed` hears the name of each when it has been run.
    pub fn run<K: StoreKind>(kind: K, passed: impl Fn(&str) + Sync) -> Self {
        let (names, next) = (promises::<K>(), AtomicUsize::new(0));
        let ran = Mutex::new(BTreeMap::new());
        let work = || {
            while let Some((name, _)) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                let outcome = outcome(kind, name);
                ran.lock().unwrap_or_else(PoisonError::into_inner).insert(*name, outcome);
                passed(name);
            }
        };
        thread::scope(|scope| {
            for _ in 0..AT_A_TIME {
                scope.spawn(work);
            }
        });
        let ran = ran.into_inner().unwrap_or_else(PoisonError::into_inner);
        Self { store: K::NAME.to_owned(), ran: Ok(ran) }
    }

    /// A store that can't be had here, and why.
    pub fn absent(store: &str, because: impl Into<String>) -> Self {
        Self { store: store.to_owned(), ran: Err(because.into()) }
    }

    /// What became of a promise.
    pub fn cell(&self, promise: &str) -> Cell {
        match self.ran.as_ref().ok().and_then(|ran| ran.get(promise)) {
            Some(Ok(())) => Cell::Kept,
            Some(Err(failure)) => Cell::Broken(failure.clone()),
            None => Cell::NotRun,
        }
    }

    fn count(&self) -> Count {
        let mut count = Count::default();
        for promise in all() {
            match self.cell(promise) {
                Cell::Kept => count.kept += 1,
                Cell::Broken(_) => count.broken += 1,
                Cell::NotRun => count.not_run += 1,
            }
        }
        count
    }
}

/// A promise that makes its store panic is broken too.
fn outcome(kind: impl StoreKind, promise: &str) -> Check {
    catch_unwind(AssertUnwindSafe(|| keeps(kind, promise))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(Failure::new(format!("it panicked: {text}")))
    })
}

fn all() -> impl Iterator<Item = &'static str> {
    themes().iter().flat_map(|(_, promises)| promises.iter().copied())
}

/// How many promises were kept, broken and not run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Run and kept.
    pub kept: usize,
    /// Run and broken.
    pub broken: usize,
    /// Not run.
    pub not_run: usize,
}

/// Every promise, by theme, and every store.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<Column>,
}

impl Table {
    /// The table of these stores.
    pub fn of(columns: Vec<Column>) -> Self {
        Self { columns }
    }

    /// Whether any cell is red.
    pub fn is_red(&self) -> bool {
        self.count().broken > 0
    }

    /// All cells, counted.
    pub fn count(&self) -> Count {
        let add = |sum: Count, it: Count| Count {
            kept: sum.kept + it.kept,
            broken: sum.broken + it.broken,
            not_run: sum.not_run + it.not_run,
        };
        self.columns.iter().map(Column::count).fold(Count::default(), add)
    }

    /// The table for people, coloured where that is wanted.
    pub fn drawn(&self, coloured: bool) -> String {
        let mut out = String::new();
        // A String takes everything.
        let _ = self.draw(&mut out, Ink(coloured));
        out
    }

    fn draw(&self, out: &mut String, ink: Ink) -> fmt::Result {
        let width = all().chain(["not run"]).map(str::len).max().unwrap_or(0) + 2;
        let stores: String = self.columns.iter().map(|it| format!("  {:^10}", it.store)).collect();
        writeln!(out, "{}", ink.bold(format!("{:width$}{stores}", "").trim_end()))?;
        for (theme, promises) in themes() {
            writeln!(out, "{}", ink.bold(theme))?;
            for promise in *promises {
                let name = format!("  {}", promise.replace('_', " "));
                let cells: String =
                    self.columns.iter().map(|it| ink.cell(&it.cell(promise))).collect();
                writeln!(out, "{}", format!("{name:width$}{cells}").trim_end())?;
            }
        }
        writeln!(out)?;
        let counts: Vec<Count> = self.columns.iter().map(Column::count).collect();
        let mut line = |name: &str, of: fn(&Count) -> usize| {
            let cells: String = counts.iter().map(|it| format!("  {:^10}", of(it))).collect();
            writeln!(out, "{}", format!("{name:width$}{cells}").trim_end())
        };
        line("kept", |it| it.kept)?;
        line("broken", |it| it.broken)?;
        line("not run", |it| it.not_run)?;
        self.explain(out, ink)
    }

    /// What is behind the cells that are not green.
    fn explain(&self, out: &mut String, ink: Ink) -> fmt::Result {
        for column in &self.columns {
            let store = &column.store;
            if let Err(because) = &column.ran {
                writeln!(out, "\n– {store}: {because}")?;
            }
            for promise in all() {
                if let Cell::Broken(failure) = column.cell(promise) {
                    let what = ink.red(&format!("✗ {store}: {}", promise.replace('_', " ")));
                    writeln!(out, "\n{what}\n  {}", failure.to_string().replace('\n', "\n  "))?;
                }
            }
        }
        let Count { kept, broken, not_run } = self.count();
        let total = format!(
            "{} behaviours, {} stores: {kept} kept, {broken} broken, {not_run} not run",
            all().count(),
            self.columns.len()
        );
        writeln!(out, "\n{}", if broken > 0 { ink.red(&total) } else { ink.green(&total) })
    }

    /// The table for programs.
    pub fn to_json(&self) -> Value {
        let stores: Vec<Value> = (self.columns.iter())
            .map(|column| {
                let Count { kept, broken, not_run } = column.count();
                let because = column.ran.as_ref().err();
                json!({
                    "store": column.store, "kept": kept, "broken": broken, "notRun": not_run, "because": because,
                })
            })
            .collect();
        let behaviours: Vec<Value> = (themes().iter())
            .flat_map(|(theme, promises)| promises.iter().map(move |promise| (theme, promise)))
            .map(|(theme, promise)| json!({"theme": theme, "behaviour": promise, "stores": self.row(promise)}))
            .collect();
        json!({"red": self.is_red(), "stores": stores, "behaviours": behaviours})
    }

    fn row(&self, promise: &str) -> Value {
        let cells = self.columns.iter().map(|column| {
            let (outcome, found) = match column.cell(promise) {
                Cell::Kept => ("kept", None),
                Cell::Broken(failure) => ("broken", Some(failure.to_string())),
                Cell::NotRun => ("notRun", None),
            };
            json!({"store": column.store, "outcome": outcome, "found": found})
        });
        Value::Array(cells.collect())
    }
}

/// Colours, where they are wanted.
#[derive(Clone, Copy)]
struct Ink(bool);

impl Ink {
    fn paint(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    fn red(self, text: &str) -> String {
        self.paint("31;1", text)
    }

    /// A mark in the middle of its column.
    fn cell(self, cell: &Cell) -> String {
        let mark = match cell {
            Cell::Kept => self.green("✓"),
            Cell::Broken(_) => self.red("✗"),
            Cell::NotRun => self.paint("2", "–"),
        };
        format!("  {:4}{mark}{:5}", "", "")
    }
}
