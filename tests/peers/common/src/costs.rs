//! What a unit of work costs, and what bounds it: by a rule, not by hand.

use std::thread::available_parallelism;

use crate::work::Ran;

/// The rule, for who reads a table.
pub const RULE: &str = "\
`bound by` follows from the figures. Where the programs keep 80 % of all processors busy, it is the processors, with
the program that uses more of them. Otherwise it is what half of the wall time or more was taken by: CPU time of the
client, CPU time of the server, or syncing the log. Where none of them took so much and one works at a time, it is the
greatest of them and of the rest, which is waiting (for answers, for locks, for the system). Where several work at once,
or one part comes to more than the wall time, they overlap, and nobody can tell from them: that is `undecided`, with the
share of all processors that was busy and the share of the wall time in which the log was synced.";

/// Share of all processors from which on they are what bounds.
const BUSY: f64 = 0.8;
/// Share of the wall time from which on a part is most of it.
const MOST: f64 = 0.5;
/// Processors that other programs may take before that is told.
const OTHERS: f64 = 0.2;

/// What a round used, in seconds. Nothing is known of the client where there is no `/proc`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    pub wall: f64,
    pub client: Option<f64>,
    pub server: f64,
    pub sync: f64,
    /// How many worked at one time.
    pub at_once: usize,
}

impl Used {
    /// What bounds a round on so many processors, by [`RULE`].
    pub fn bound(&self, processors: f64) -> String {
        let Some(client) = self.client else { return "unknown".to_owned() };
        // What is measured by ticks of a clock may be a little more than there is.
        let percent = |part: f64| format!("{:.0} %", 100.0 * part.min(1.0));
        let busy = (client + self.server) / (self.wall * processors);
        if busy >= BUSY {
            let more = if client >= self.server { "client" } else { "server" };
            return format!("processors {}, {more}", percent(busy));
        }
        let mut parts =
            vec![("client CPU", client), ("server CPU", self.server), ("sync", self.sync)];
        let waiting = self.wall - client - self.server - self.sync;
        let greatest = |parts: &[(&'static str, f64)]| {
            parts.iter().copied().max_by(|one, two| one.1.total_cmp(&two.1)).unwrap_or_default()
        };
        let mut most = greatest(&parts);
        if most.1 < self.wall * MOST && self.at_once == 1 && waiting >= 0.0 {
            parts.push(("waiting", waiting));
            most = greatest(&parts);
        } else if most.1 < self.wall * MOST || most.1 > self.wall {
            let syncing = percent(self.sync / self.wall);
            return format!("undecided: processors {}, sync {syncing}", percent(busy));
        }
        format!("{} {}", most.0, percent(most.1 / self.wall))
    }
}

/// A table of costs, of one line.
pub struct Costs {
    unit: &'static str,
    columns: &'static [&'static str],
    rows: Vec<String>,
    others: f64,
}

impl Costs {
    /// A table without rows, of what a unit costs.
    pub fn of(unit: &'static str, columns: &'static [&'static str]) -> Self {
        Self { unit, columns, rows: Vec::new(), others: 0.0 }
    }

    /// Adds what a unit costs whom, and what bounds it.
    pub fn push(&mut self, name: &str, costs: &[Option<f64>], ran: &Ran, used: &Used) {
        let processors = available_parallelism().map_or(1.0, |it| it.get() as f64);
        let costs: String = costs.iter().map(|cost| cell(&figure(*cost))).collect();
        self.rows.push(format!("{name:<22}{costs}  {}", used.bound(processors)));
        if let (Some(all), Some(client)) = (ran.machine, used.client) {
            self.others = self.others.max((all - client - used.server) / ran.wall);
        }
    }

    /// Tells it.
    pub fn report(self) {
        let columns: String = self.columns.iter().map(|column| cell(column)).collect();
        println!("    {:<22}{columns}  bound by", format!("costs of {}", self.unit));
        for row in self.rows {
            println!("    {row}");
        }
        if self.others > OTHERS {
            println!(
                "    other programs took {:.1} processors meanwhile: what bounds the line is in doubt",
                self.others
            );
        }
    }
}

fn cell(text: &str) -> String {
    format!("{text:>7}")
}

fn figure(cost: Option<f64>) -> String {
    match cost {
        None => "–".to_owned(),
        Some(none) if none < 0.000_05 => "0".to_owned(),
        Some(large) if large >= 100.0 => format!("{large:.0}"),
        Some(medium) if medium >= 10.0 => format!("{medium:.1}"),
        Some(small) if small >= 0.1 => format!("{small:.2}"),
        Some(tiny) => format!("{tiny:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::Used;

    fn bound(client: f64, server: f64, sync: f64) -> String {
        of(1, client, server, sync)
    }

    fn of(at_once: usize, client: f64, server: f64, sync: f64) -> String {
        Used { wall: 2.0, client: Some(client), server, sync, at_once }.bound(2.0)
    }

    #[test]
    fn busy_processors_bound_whatever_else_there_is() {
        assert_eq!(bound(1.2, 2.0, 1.9), "processors 80 %, server");
        assert_eq!(bound(2.5, 1.5, 0.0), "processors 100 %, client");
    }

    #[test]
    fn otherwise_the_greatest_part_of_the_time_does() {
        assert_eq!(bound(1.2, 0.4, 0.2), "client CPU 60 %");
        assert_eq!(bound(0.2, 1.0, 0.4), "server CPU 50 %");
        assert_eq!(bound(0.1, 0.2, 1.6), "sync 80 %");
        assert_eq!(bound(0.1, 0.2, 0.1), "waiting 80 %");
        assert_eq!(bound(0.3, 1.2, 0.8), "server CPU 60 %");
        assert_eq!(of(32, 0.4, 1.5, 0.2), "server CPU 75 %");
    }

    /// Client 110 %, and waiting 0 %: what two threads did at once was added, and taken for a part of the time.
    #[test]
    fn what_overlaps_is_not_decided() {
        assert_eq!(bound(2.2, 0.4, 0.2), "undecided: processors 65 %, sync 10 %");
        assert_eq!(of(32, 0.8, 0.4, 0.2), "undecided: processors 30 %, sync 10 %");
        assert_eq!(of(32, 1.2, 0.4, 1.6), "sync 80 %");
        assert_eq!(of(4, 2.0, 1.6, 0.2), "processors 90 %, client");
    }

    #[test]
    fn no_share_is_beyond_all() {
        assert_eq!(of(2, 3.0, 1.4, 0.0), "processors 100 %, client");
        assert_eq!(of(2, 0.1, 0.1, 2.4), "undecided: processors 5 %, sync 100 %");
    }

    #[test]
    fn nothing_is_said_where_nothing_is_known() {
        let used = Used { wall: 2.0, client: None, server: 0.0, sync: 1.9, at_once: 1 };
        assert_eq!(used.bound(2.0), "unknown");
    }
}
