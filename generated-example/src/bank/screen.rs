//! Standard output: text for people or one JSON document for programs, and colour only on a terminal.
//!
//! Every write can fail, and says so: a closed pipe ends the program quietly, a full disk loudly.

use std::fmt;
use std::io::{self, BufWriter, StdoutLock, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use serde_json::Value;

use crate::failure::Failure;
use crate::table::{Align, Table, printable};

const HEADING: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const QUIET: Style = Style::new().dimmed();

/// Standard output.
pub(crate) struct Screen {
    json: bool,
    out: BufWriter<AutoStream<StdoutLock<'static>>>,
}

impl Screen {
    /// Standard output, as JSON or for people.
    pub(crate) fn new(json: bool) -> Self {
        Self { json, out: BufWriter::new(AutoStream::auto(io::stdout().lock())) }
    }

    /// Whether JSON is asked for.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// A line for people and programs alike.
    pub(crate) fn raw(&mut self, text: &str) -> Result<(), Failure> {
        Ok(writeln!(self.out, "{text}")?)
    }

    /// A line for people, as all that follow: where JSON is asked for, they are left out.
    pub(crate) fn line(&mut self, text: impl fmt::Display) -> Result<(), Failure> {
        self.styled(Style::new(), "", text)
    }

    /// A line that opens a section.
    pub(crate) fn heading(&mut self, text: impl fmt::Display) -> Result<(), Failure> {
        self.styled(HEADING, text, "")
    }

    /// A line that reports something done.
    pub(crate) fn good(&mut self, word: &str, text: impl fmt::Display) -> Result<(), Failure> {
        self.styled(GOOD, word, format_args!(" {text}"))
    }

    /// A line that reports something refused.
    pub(crate) fn bad(&mut self, word: &str, text: impl fmt::Display) -> Result<(), Failure> {
        self.styled(BAD, word, format_args!(" {text}"))
    }

    /// A line that explains.
    pub(crate) fn quiet(&mut self, text: impl fmt::Display) -> Result<(), Failure> {
        self.styled(QUIET, text, "")
    }

    fn styled(
        &mut self,
        style: Style,
        styled: impl fmt::Display,
        plain: impl fmt::Display,
    ) -> Result<(), Failure> {
        if self.json {
            return Ok(());
        }
        let (styled, plain) = (printable(&styled.to_string()), printable(&plain.to_string()));
        Ok(writeln!(self.out, "{style}{styled}{style:#}{plain}")?)
    }

    /// A JSON document on one line.
    pub(crate) fn json(&mut self, value: &Value) -> Result<(), Failure> {
        Ok(writeln!(self.out, "{value}")?)
    }

    /// A table that is drawn while its rows come in.
    pub(crate) fn table(
        &mut self,
        columns: &'static [(&'static str, Align)],
    ) -> Table<'_, impl Write> {
        Table::new(&mut self.out, columns)
    }

    /// A JSON array that is written while its elements come in.
    pub(crate) fn array(&mut self) -> JsonArray<'_> {
        JsonArray { out: &mut self.out, empty: true }
    }

    /// Everything written reaches the operating system.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }

    /// Tells of a failure: as JSON on standard output, or as text on standard error, which is also
    /// where it goes when standard output takes nothing.
    ///
    /// Nothing can be done where even that fails; the exit code still tells.
    pub(crate) fn fail(&mut self, failure: &Failure) {
        if matches!(failure, Failure::OutputClosed | Failure::Told) {
            return;
        }
        if self.json && self.json(&failure.to_json()).and_then(|()| self.flush()).is_ok() {
            return;
        }
        let (word, text) = (failure.word(), printable(&failure.text()));
        let _ = writeln!(anstream::stderr(), "{BAD}{word}{BAD:#} {text}");
    }
}

/// A JSON array that is being written, one element a line.
pub(crate) struct JsonArray<'a> {
    out: &'a mut BufWriter<AutoStream<StdoutLock<'static>>>,
    empty: bool,
}

impl JsonArray<'_> {
    /// Adds an element.
    pub(crate) fn push(&mut self, value: &Value) -> Result<(), Failure> {
        let before = if self.empty { "[" } else { ",\n " };
        self.empty = false;
        Ok(write!(self.out, "{before}{value}")?)
    }

    /// Closes the array.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let before = if self.empty { "[" } else { "" };
        Ok(writeln!(self.out, "{before}]")?)
    }
}
