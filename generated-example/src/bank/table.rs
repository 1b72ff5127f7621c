//! A small drawn table: one header, rows of text, numbers to the right.
//!
//! It draws while rows come in, so that a history of a million rows needs the memory of its first
//! hundred: those decide the widths, and a later cell that is wider just takes its room.

use std::io::{self, Write};

/// How many rows are looked at before the widths are fixed.
const SAMPLE: usize = 100;

/// Side to which a column's cells lean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table that is being drawn.
pub(crate) struct Table<'a, W: Write> {
    out: &'a mut W,
    columns: &'static [(&'static str, Align)],
    sample: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
}

impl<'a, W: Write> Table<'a, W> {
    /// A table with these columns.
    pub(crate) fn new(out: &'a mut W, columns: &'static [(&'static str, Align)]) -> Self {
        Self { out, columns, sample: Vec::new(), widths: None }
    }

    /// Adds a row: one cell per column.
    pub(crate) fn row(&mut self, cells: Vec<String>) -> io::Result<()> {
        let cells: Vec<String> = cells.iter().map(|cell| printable(cell)).collect();
        match &self.widths {
            Some(widths) => draw(self.out, self.columns, widths, &cells),
            None => {
                self.sample.push(cells);
                if self.sample.len() == SAMPLE { self.begin() } else { Ok(()) }
            }
        }
    }

    /// Draws what is left and the last line.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.begin()?;
        let widths = self.widths.as_deref().unwrap_or_default();
        rule(self.out, widths, ['└', '┴', '┘'])
    }

    fn begin(&mut self) -> io::Result<()> {
        if self.widths.is_some() {
            return Ok(());
        }
        let widths = widths(self.columns, &self.sample);
        rule(self.out, &widths, ['┌', '┬', '┐'])?;
        let titles: Vec<String> =
            self.columns.iter().map(|(title, _)| (*title).to_owned()).collect();
        draw(self.out, self.columns, &widths, &titles)?;
        rule(self.out, &widths, ['├', '┼', '┤'])?;
        for cells in self.sample.drain(..) {
            draw(self.out, self.columns, &widths, &cells)?;
        }
        self.widths = Some(widths);
        Ok(())
    }
}

/// The text with control characters escaped: what customers type must not drive a terminal, nor show as what it is not.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escaped = is_unseen(c).then(|| c.escape_default());
            let plain = (!is_unseen(c)).then_some(c);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

/// Whether a character is not seen, and changes what is: controls, spaces without width, and what turns the direction of
/// writing around.
pub(crate) fn is_unseen(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}')
}

fn widths(columns: &[(&str, Align)], rows: &[Vec<String>]) -> Vec<usize> {
    let mut widths: Vec<usize> = columns.iter().map(|(title, _)| title.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    widths
}

fn draw(
    out: &mut impl Write,
    columns: &[(&str, Align)],
    widths: &[usize],
    cells: &[String],
) -> io::Result<()> {
    for (((_, align), &width), cell) in columns.iter().zip(widths).zip(cells) {
        match align {
            Align::Left => write!(out, "│ {cell:<width$} ")?,
            Align::Right => write!(out, "│ {cell:>width$} ")?,
        }
    }
    writeln!(out, "│")
}

fn rule(
    out: &mut impl Write,
    widths: &[usize],
    [left, middle, right]: [char; 3],
) -> io::Result<()> {
    for (index, &width) in widths.iter().enumerate() {
        let corner = if index == 0 { left } else { middle };
        write!(out, "{corner}{}", "─".repeat(width + 2))?;
    }
    writeln!(out, "{right}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(rows: &[[&str; 2]]) -> String {
        let mut out = Vec::new();
        let mut table = Table::new(&mut out, &[("what", Align::Left), ("amount", Align::Right)]);
        for row in rows {
            table.row(row.iter().map(ToString::to_string).collect()).expect("a Vec takes it");
        }
        table.finish().expect("a Vec takes it");
        String::from_utf8(out).expect("text was written")
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let expected = "\
┌──────────────┬────────┐
│ what         │ amount │
├──────────────┼────────┤
│ déposé       │      5 │
│ a withdrawal │   1300 │
└──────────────┴────────┘
";
        assert_eq!(drawn(&[["déposé", "5"], ["a withdrawal", "1300"]]), expected);
    }

    #[test]
    fn an_empty_table_has_its_header() {
        assert_eq!(drawn(&[]).lines().count(), 4);
    }

    #[test]
    fn a_long_table_is_drawn_whole() {
        let rows = vec![["x", "1"]; 3 * SAMPLE + 1];
        assert_eq!(drawn(&rows).lines().count(), 3 * SAMPLE + 1 + 4);
    }
}
