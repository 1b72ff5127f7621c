//! The rows between the first that has no answer yet and the last that was read, in the order of the
//! file: answers come in any order and leave in this one.

use std::collections::VecDeque;

use super::lanes::{Answer, Answers};
use super::row::Fields;

/// Rows that may be in it: enough to keep a thousand accounts busy.
const ROOM: usize = 16_384;
/// Bytes of their fields: many times what so many ordinary rows have.
const ROOM_BYTES: usize = 8 * 1024 * 1024;

/// A row on its way.
pub(super) struct Entry {
    /// The number of its line.
    pub(super) line: u64,
    /// Its fields, as far as they could be told apart.
    pub(super) fields: Fields,
    /// Where in the file it ends.
    pub(super) end: u64,
    /// What came of it, once that is known.
    pub(super) answer: Option<Answer>,
}

/// See the module.
#[derive(Default)]
pub(super) struct Window {
    entries: VecDeque<Entry>,
    /// Number of the first entry; they are numbered as they come.
    first: u64,
    /// Bytes of the fields of all entries.
    bytes: usize,
}

impl Window {
    /// Whether more rows may be read.
    pub(super) fn has_room(&self) -> bool {
        self.entries.len() < ROOM && self.bytes < ROOM_BYTES
    }

    /// Adds a row; gives the number by which it is to be answered.
    pub(super) fn push(&mut self, entry: Entry) -> u64 {
        self.bytes += entry.fields.as_slice().len();
        self.entries.push_back(entry);
        self.first + self.entries.len() as u64 - 1
    }

    /// Notes answers of rows that are still here.
    pub(super) fn answer(&mut self, answers: Answers) {
        for (number, answer) in answers {
            let index =
                number.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
            if let Some(entry) = index.and_then(|index| self.entries.get_mut(index)) {
                entry.answer = Some(answer);
            }
        }
    }

    /// Takes the first row out if it has its answer.
    pub(super) fn pop(&mut self) -> Option<(Entry, Answer)> {
        let answer = self.entries.front_mut()?.answer.take()?;
        let entry = self.entries.pop_front()?;
        self.first += 1;
        self.bytes -= entry.fields.as_slice().len();
        Some((entry, answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(window: &mut Window, line: u64) -> u64 {
        window.push(Entry { line, fields: Fields::new(), end: line, answer: None })
    }

    fn popped(window: &mut Window) -> Vec<u64> {
        std::iter::from_fn(|| window.pop()).map(|(entry, _)| entry.line).collect()
    }

    #[test]
    fn answers_come_in_any_order_and_leave_in_that_of_the_file() {
        let mut window = Window::default();
        let [a, b, c] = [10, 11, 12].map(|line| push(&mut window, line));
        window.answer(vec![(c, Answer::Applied), (b, Answer::Unchanged)]);
        assert!(popped(&mut window).is_empty(), "the first row has no answer");
        window.answer(vec![(a, Answer::Applied)]);
        assert_eq!(popped(&mut window), [10, 11, 12]);
        let d = push(&mut window, 13);
        window.answer(vec![(d, Answer::Applied)]);
        assert_eq!(popped(&mut window), [13], "numbers go on where rows have left");
    }

    #[test]
    fn room_is_bounded_and_comes_back() {
        let mut window = Window::default();
        let numbers: Vec<u64> = (0..ROOM as u64).map(|line| push(&mut window, line)).collect();
        assert!(!window.has_room());
        window.answer(vec![(numbers[0], Answer::Applied)]);
        assert_eq!(popped(&mut window), [0]);
        assert!(window.has_room());
    }

    /// Sixteen thousand rows were let in whatever their length: rows of 16 KiB took 400 MiB.
    #[test]
    fn long_rows_fill_it_sooner() {
        let mut window = Window::default();
        let long = "x".repeat(16 * 1024);
        let mut rows = 0;
        while window.has_room() {
            let fields = Fields::from(vec![long.as_str()]);
            window.push(Entry { line: rows, fields, end: rows, answer: None });
            rows += 1;
        }
        assert_eq!(rows, 512);
        window.answer((0..rows).map(|number| (number, Answer::Applied)).collect());
        assert_eq!(popped(&mut window).len(), 512);
        assert!(window.has_room());
        assert_eq!(window.bytes, 0, "what has left takes no room");
    }
}
