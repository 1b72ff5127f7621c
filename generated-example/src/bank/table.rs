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

/// The text with characters escaped that are not seen: what customers type must not drive a terminal, nor show as what it is
/// not.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (c, is_unseen) in each(text) {
        match is_unseen {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

/// Whether a text has characters that are not seen, so that it looks like another text or drives a terminal.
pub(crate) fn has_unseen(text: &str) -> bool {
    each(text).any(|(_, is_unseen)| is_unseen)
}

/// The characters of a text, and whether each is not seen.
fn each(text: &str) -> impl Iterator<Item = (char, bool)> {
    let next = text.chars().skip(1).map(Some).chain([None]);
    let mut before = None;
    text.chars().zip(next).map(move |(c, next)| {
        let is_seen = match (before.replace(c), c, next) {
            (Some(one), '\u{200c}', Some(two)) => is_joined(one) && is_joined(two),
            (Some(one), '\u{200d}', Some(two)) => {
                let is_face = |it| is_picture(it) || it == COLOURED;
                (is_joined(one) && is_joined(two)) || (is_face(one) && is_picture(two))
            }
            (Some(one), COLOURED, _) => is_picture(one),
            _ => !is_unseen(c),
        };
        (c, !is_seen)
    })
}

/// Has the sign before it drawn in colours.
const COLOURED: char = '\u{fe0f}';

/// Whether a character is a picture, several of which may be drawn as one.
fn is_picture(c: char) -> bool {
    matches!(c, '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

/// Whether a character is of a script that is spelt with joiners: from Arabic to Sinhala, Myanmar, from Khmer to Vedic, and the
/// younger blocks of their kind. Between others they are not seen.
fn is_joined(c: char) -> bool {
    let is_of_script = matches!(
        c,
        '\u{600}'..='\u{dff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{1cff}' | '\u{a800}'..='\u{abff}'
            | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}' | '\u{11000}'..='\u{11fff}'
    );
    is_of_script && !is_unseen(c) && !c.is_numeric()
}

/// Whether a character is not seen wherever it stands: controls, what turns the direction of writing around, ends of lines and
/// of paragraphs, and all that Unicode calls ignorable.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
                | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
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

    /// `A<U+200D>1` was an account beside `A1`, and nobody could tell them apart.
    #[test]
    fn what_is_not_seen_is_escaped_and_refused() {
        let unseen = [
            "A\u{200d}1",
            "A\u{200c}1",
            "A\u{ad}1",
            "A\u{2028}1",
            "A\u{2029}1",
            "A\u{3164}1",
            "A\u{e0041}1",
            "A\u{fe0f}1",
            "A\u{200b}1",
            "A\u{202e}1",
            "A\u{1b}1",
            "\u{200d}A1",
            "A1\u{200d}",
            "é\u{200d}é",
            "\u{646}\u{200c}\u{200c}\u{62e}",
            "\u{646}\u{200c}",
            "A\u{200c}\u{646}",
            "\u{661}\u{200d}\u{662}",
        ];
        for text in unseen {
            assert!(has_unseen(text), "{text:?}");
            assert!(!has_unseen(&printable(text)) && printable(text).contains("\\u{"), "{text:?}");
        }
        // Persian and Hindi are spelt with them.
        for text in [
            "A1",
            "é",
            "💰",
            "❤\u{fe0f}",
            "\u{1f469}\u{200d}\u{1f4bb}",
            "\u{1f469}\u{200d}❤\u{fe0f}\u{200d}\u{1f469}",
            "\u{645}\u{6cc}\u{200c}\u{62e}",
            "\u{915}\u{94d}\u{200d}\u{937}",
        ] {
            assert!(!has_unseen(text) && printable(text) == text, "{text:?}");
        }
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
