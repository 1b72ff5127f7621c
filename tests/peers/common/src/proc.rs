//! What processes have used, as `/proc` tells it. Where there is none, nobody knows.

use std::fs;

/// Ticks of the clock in which `/proc` counts, a second: the same wherever there is Linux.
const TICKS: f64 = 100.0;

/// The CPU time of this process, in seconds.
pub fn own() -> Option<f64> {
    Some(stat("self")?.own / TICKS)
}

/// The CPU time of a process and of all that it ever started, in seconds.
pub fn family(parent: u32) -> Option<f64> {
    let first = stat(&parent.to_string())?;
    let children = fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| {
        let child = stat(entry.file_name().to_str()?)?;
        (child.parent == parent).then_some(child.own)
    });
    Some((first.own + first.ended + children.sum::<f64>()) / TICKS)
}

/// The CPU time of everything that runs on this machine, in seconds.
pub fn machine() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let words: Vec<f64> =
        stat.lines().next()?.split_whitespace().filter_map(|it| it.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal
    let busy = [0, 1, 2, 5, 6, 7].iter().map(|at| words.get(*at).copied().unwrap_or(0.0));
    Some(busy.sum::<f64>() / TICKS)
}

/// How often this process asked the system to write, and how many bytes.
pub fn written() -> Option<(f64, f64)> {
    let io = fs::read_to_string("/proc/self/io").ok()?;
    let of = |name: &str| io.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    Some((of("syscw:")?, of("wchar:")?))
}

struct Stat {
    parent: u32,
    own: f64,
    /// Of children that have ended and were waited for.
    ended: f64,
}

fn stat(process: &str) -> Option<Stat> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name before it may hold anything.
    let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        own: ticks(11)? + ticks(12)?,
        ended: ticks(13)? + ticks(14)?,
    })
}
