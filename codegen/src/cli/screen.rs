//! Standard output, with colour only on a terminal, and standard error.
//!
//! Every write can fail: a full disk says so, and a reader who has gone away (`eventloom expand | head`)
//! is no failure. The exit code then is what it would have been.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, StdoutLock, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};

use super::failure::Failure;

pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const STRONG: Style = Style::new().bold();

/// Where the answers go.
pub(super) struct Screen {
    out: BufWriter<AutoStream<StdoutLock<'static>>>,
    terminal: bool,
    closed: bool,
}

impl Screen {
    pub(super) fn new() -> Self {
        let out = io::stdout().lock();
        let terminal = out.is_terminal();
        Self { out: BufWriter::new(AutoStream::auto(out)), terminal, closed: false }
    }

    /// Text as it is; what is styled in it is plain where there is no terminal.
    pub(super) fn text(&mut self, text: &str) -> Result<(), Failure> {
        if self.closed {
            return Ok(());
        }
        let written = self.out.write_all(text.as_bytes());
        self.told(written)
    }

    /// A line.
    pub(super) fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.text(text)?;
        self.text("\n")
    }

    /// A line for somebody who looks on; a pipe is spared it.
    pub(super) fn remark(&mut self, text: &str) -> Result<(), Failure> {
        if self.terminal { self.line(text) } else { Ok(()) }
    }

    /// Empties a terminal.
    pub(super) fn clear(&mut self) -> Result<(), Failure> {
        if self.terminal { self.text("\u{1b}[2J\u{1b}[3J\u{1b}[H") } else { Ok(()) }
    }

    /// Everything written reaches the operating system.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        if self.closed {
            return Ok(());
        }
        let flushed = self.out.flush();
        self.told(flushed)
    }

    /// Whether nobody reads any more.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    fn told(&mut self, written: io::Result<()>) -> Result<(), Failure> {
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            written => written.map_err(Failure::Output),
        }
    }

    /// Tells why the command could not run. Nothing can be done where even that fails; the exit code
    /// still tells.
    pub(super) fn fail(&mut self, failure: &Failure) {
        let _ = self.flush();
        if !matches!(failure, Failure::Reported) {
            let text = printable(&failure.to_string());
            let _ = writeln!(anstream::stderr(), "{BAD}error{BAD:#}: {text}");
        }
    }
}

/// Text from outside without what would upset a terminal.
pub(super) fn printable(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n', "\u{fffd}")
}
