//! A progress bar on standard error, where that is a terminal; nothing anywhere else.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const COUNTING: &str = "{msg} {wide_bar} {human_pos}/{human_len} {eta} left";
const READING: &str = "{msg} {wide_bar} {bytes}/{total_bytes} {eta} left";

/// Progress through a known length.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Progress that counts things, for example events.
    pub(crate) fn counting(what: &'static str, length: u64) -> Self {
        Self::new(length, COUNTING, what)
    }

    /// Progress through a file.
    pub(crate) fn reading(what: &'static str, bytes: u64) -> Self {
        Self::new(bytes, READING, what)
    }

    fn new(length: u64, template: &str, what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template(template);
        // The templates are constants, shown to be right by the test below.
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self(bar.with_message(what))
    }

    /// So far, of so much.
    pub(crate) fn at(&self, position: u64, length: u64) {
        self.0.set_length(length);
        self.0.set_position(position);
    }

    /// So far, of the length that is known.
    pub(crate) fn reach(&self, position: u64) {
        self.0.set_position(position);
    }

    /// A line on standard error, above the bar where there is one. Where nobody takes it, the work goes on untold.
    pub(crate) fn tell(&self, line: &str) {
        // A failure could be told nowhere else, and `eprintln!` would panic.
        self.0.suspend(|| writeln!(io::stderr(), "{line}").unwrap_or_default());
    }

    /// Leaves nothing behind on the terminal.
    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_well_formed() {
        for template in [COUNTING, READING] {
            ProgressStyle::with_template(template).expect(template);
        }
    }
}
