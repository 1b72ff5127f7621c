//! The lines of the imported file, one at a time, in bounded memory whatever the file holds.
//!
//! A row is one line: no field of the format holds a line break, and so an open quote spoils one row
//! and not the rest of the file.

use std::io::{self, BufRead, Read};

/// Longest line; a row has six short fields.
const MAX_LINE: u64 = 16 * 1024;

/// Lines of a file, numbered from 1.
pub(crate) struct Lines<R> {
    input: R,
    number: u64,
    buffer: Vec<u8>,
    bytes: u64,
}

/// A line, without its line break.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Number of the line, from 1.
    pub(crate) number: u64,
    /// The text, or what is wrong with it.
    pub(crate) text: Result<&'a str, &'static str>,
    /// Bytes of the file up to its end.
    pub(crate) end: u64,
}

impl<R: BufRead> Lines<R> {
    /// The lines of a file that starts here; a byte order mark is skipped.
    pub(crate) fn new(mut input: R) -> io::Result<Self> {
        const MARK: &[u8] = b"\xEF\xBB\xBF";
        let marked = input.fill_buf()?.starts_with(MARK);
        let skipped = if marked { MARK.len() } else { 0 };
        input.consume(skipped);
        Ok(Self { input, number: 0, buffer: Vec::new(), bytes: skipped as u64 })
    }

    /// The next line, or none at the end of the file.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        let read = self.input.by_ref().take(MAX_LINE).read_until(b'\n', &mut self.buffer)?;
        if read == 0 {
            return Ok(None);
        }
        self.bytes += read as u64;
        self.number += 1;
        let too_long = read as u64 == MAX_LINE && !self.buffer.ends_with(b"\n");
        if too_long {
            self.bytes += self.input.skip_until(b'\n')? as u64;
        }
        let text =
            if too_long { Err("the line is longer than 16 KiB") } else { text(&self.buffer) };
        Ok(Some(Line { number: self.number, text, end: self.bytes }))
    }
}

fn text(line: &[u8]) -> Result<&str, &'static str> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    std::str::from_utf8(line).map_err(|_| "the line is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<(u64, Result<String, &'static str>)> {
        let mut lines = Lines::new(bytes).expect("bytes can be read");
        let mut found = Vec::new();
        while let Some(line) = lines.next().expect("bytes can be read") {
            found.push((line.number, line.text.map(ToOwned::to_owned)));
        }
        assert_eq!(lines.bytes, bytes.len() as u64, "every byte is counted");
        found
    }

    #[test]
    fn line_ends_and_marks_of_all_systems_are_taken_off() {
        let lines = read(b"\xEF\xBB\xBFa,b\r\nc,d\n\ne,f");
        let texts: Vec<_> = lines.iter().map(|(_, text)| text.clone().expect("text")).collect();
        assert_eq!(texts, ["a,b", "c,d", "", "e,f"]);
    }

    #[test]
    fn a_spoilt_line_spoils_no_other() {
        let long = vec![b'x'; 3 * MAX_LINE as usize];
        let bytes = [b"a\n", long.as_slice(), b"\n\xFF\xFE\nb\n"].concat();
        assert_eq!(
            read(&bytes),
            [
                (1, Ok("a".to_owned())),
                (2, Err("the line is longer than 16 KiB")),
                (3, Err("the line is not UTF-8")),
                (4, Ok("b".to_owned())),
            ]
        );
    }

    #[test]
    fn a_line_of_exactly_the_longest_length_is_read() {
        let mut bytes = vec![b'x'; MAX_LINE as usize - 1];
        bytes.push(b'\n');
        bytes.extend_from_slice(b"b");
        assert_eq!(read(&bytes).len(), 2);
        assert!(read(&bytes)[0].1.is_ok());
    }
}
