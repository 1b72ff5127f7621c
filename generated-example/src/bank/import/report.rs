//! What came of an import: counts, the rejected file, and what a terminal is told meanwhile.

use std::path::PathBuf;

use super::lanes::Answer;
use super::rejected::Rejected;
use super::window::Entry;
use crate::failure::Failure;
use crate::progress::Progress;

/// Malformed rows that are told of one by one; all of them are in the rejected file.
const TOLD: u64 = 20;
/// What stands in the rejected file in place of a refusal's name.
const MALFORMED: &str = "MalformedRow";

/// What came of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Rows read, malformed ones included.
    pub(crate) rows: u64,
    /// Rows that were applied now.
    pub(crate) applied: u64,
    /// Rows that had been applied before.
    pub(crate) unchanged: u64,
    /// Rows that the bank refused, now or before.
    pub(crate) refused: u64,
    /// Rows that could not be read.
    pub(crate) malformed: u64,
    /// Where refused and malformed rows stand, if there are any.
    pub(crate) rejected: Option<PathBuf>,
}

/// A report in the making.
pub(super) struct Tally<'a> {
    report: Report,
    rejected: Rejected,
    progress: &'a Progress,
}

impl<'a> Tally<'a> {
    pub(super) fn new(rejected: Rejected, progress: &'a Progress) -> Self {
        Self { report: Report::default(), rejected, progress }
    }

    /// Counts the next row of the file, and writes it down if it was not applied.
    pub(super) fn add(&mut self, entry: &Entry, answer: Answer) -> Result<(), Failure> {
        self.report.rows += 1;
        match answer {
            Answer::Applied => self.report.applied += 1,
            Answer::Unchanged => self.report.unchanged += 1,
            Answer::Refused { error, message } => {
                self.report.refused += 1;
                self.rejected.add(entry.line, &entry.fields, &error, &message)?;
            }
            Answer::Malformed { reason } => {
                self.report.malformed += 1;
                self.tell_malformed(entry.line, &reason);
                self.rejected.add(entry.line, &entry.fields, MALFORMED, &reason)?;
            }
        }
        self.progress.reach(entry.end);
        Ok(())
    }

    fn tell_malformed(&self, line: u64, reason: &str) {
        if self.report.malformed <= TOLD {
            self.progress.tell(&format!("line {line} could not be read: {reason}"));
        }
    }

    /// The report; the rejected file is complete.
    pub(super) fn finish(mut self) -> Result<Report, Failure> {
        if self.report.malformed > TOLD {
            let further = self.report.malformed - TOLD;
            self.progress.tell(&format!("{further} further rows could not be read"));
        }
        self.report.rejected = self.rejected.finish()?;
        Ok(self.report)
    }
}
