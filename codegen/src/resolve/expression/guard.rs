//! Looks over an expression before it is parsed: length, depth, and what Rust's lexer would swallow.
//!
//! The parser is recursive, so nesting must be bounded beforehand; comments vanish in lexing, so
//! they are refused here. What this lets through is still only text: [`super::parse`] decides.

use std::ops::Range;

use crate::catalogue::Code;
use crate::catalogue::expressions::{FOREIGN_SYNTAX, NOT_READABLE, TOO_DEEP, TOO_LONG};

/// The longest expression in bytes.
pub(crate) const MAX_BYTES: usize = 4 * 1024;
/// The deepest nesting.
pub(super) const MAX_DEPTH: usize = 64;

/// Why a text is no expression.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) code: &'static Code,
    pub(super) title: String,
    /// The bytes of the text that are to blame.
    pub(super) at: Range<usize>,
    pub(super) label: String,
    pub(super) help: Option<String>,
}

impl Refused {
    pub(super) fn new(
        code: &'static Code,
        at: Range<usize>,
        title: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        Self { code, title: title.into(), at, label: label.into(), help: None }
    }

    pub(super) fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

/// Words after which the parser goes one level deeper.
const OPENING_WORDS: &[&str] = &[
    "if", "match", "let", "return", "break", "yield", "move", "async", "static", "const", "unsafe",
    "loop", "while", "for", "become", "do", "mut", "ref", "dyn", "impl", "fn", "as", "in", "raw",
];

/// Operators of two characters that stand between operands without deepening the parse.
const PAIRS: &[&str] =
    &["&&", "||", "==", "!=", "<=", ">=", "=>", "->", "::", "<<", ">>", "+=", "-=", "*=", "/="];

/// Looks over the text.
pub(super) fn look_over(text: &str) -> Result<(), Refused> {
    if text.len() > MAX_BYTES {
        let title = format!("the expression has {} bytes, the limit is {MAX_BYTES}", text.len());
        return Err(Refused::new(&TOO_LONG, 0..text.len(), title, "too long")
            .help("name parts of it: `let` in `steps`, or a state field that holds the result"));
    }
    Scan { text, at: 0, levels: vec![0], after_operand: false, parameters: None }.run()
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    /// For each open bracket, how many levels the parser went deeper within it.
    levels: Vec<usize>,
    /// Whether the last token was an operand, so that an operator now stands between two.
    after_operand: bool,
    /// Within how many brackets the parameters of a function are open: `|a, b`. Their commas end nothing.
    parameters: Option<usize>,
}

impl Scan<'_> {
    fn run(mut self) -> Result<(), Refused> {
        while let Some(next) = self.rest().chars().next() {
            let start = self.at;
            match next {
                _ if next.is_whitespace() => self.at += next.len_utf8(),
                '"' => self.string()?,
                '(' | '[' | '{' => self.open(),
                ')' | ']' | '}' => self.close(),
                ',' | ';' => self.separator(),
                _ if is_word(next) => self.word(),
                _ => self.operator(next)?,
            }
            let depth = self.levels.iter().sum::<usize>() + self.levels.len() - 1;
            if depth > MAX_DEPTH {
                return Err(too_deep(start..self.at));
            }
        }
        Ok(())
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn string(&mut self) -> Result<(), Refused> {
        let start = self.at;
        let before = self.text[..start].chars().next_back();
        if let Some(prefix) = before.filter(|before| is_word(*before)) {
            return Err(Refused::new(
                &FOREIGN_SYNTAX,
                start - prefix.len_utf8()..start + 1,
                "a text has a prefix",
                "no prefix here",
            )
            .help("write a text as `\"…\"`"));
        }
        let mut escaped = false;
        for (offset, c) in self.rest().char_indices().skip(1) {
            match c {
                '"' if !escaped => {
                    self.at = start + offset + 1;
                    self.after_operand = true;
                    return Ok(());
                }
                _ => escaped = c == '\\' && !escaped,
            }
        }
        Err(Refused::new(
            &NOT_READABLE,
            start..self.text.len(),
            "a text is not closed",
            "it starts here",
        )
        .help("close it with `\"`"))
    }

    fn open(&mut self) {
        self.at += 1;
        self.levels.push(0);
        self.after_operand = false;
    }

    fn close(&mut self) {
        self.at += 1;
        if self.levels.len() > 1 {
            self.levels.pop();
        }
        self.parameters = self.parameters.filter(|brackets| *brackets <= self.levels.len());
        self.after_operand = true;
    }

    fn separator(&mut self) {
        self.at += 1;
        if self.in_parameters() { self.after_operand = false } else { self.start_over() }
    }

    /// What follows is no longer nested in what came before within these brackets.
    fn start_over(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            *level = 0;
        }
        self.after_operand = false;
    }

    fn deeper(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            *level += 1;
        }
        self.after_operand = false;
    }

    fn word(&mut self) {
        let length = self.rest().find(|c| !is_word(c)).unwrap_or(self.rest().len());
        let opens = OPENING_WORDS.contains(&&self.rest()[..length]);
        self.at += length;
        if opens { self.deeper() } else { self.after_operand = true }
    }

    fn operator(&mut self, first: char) -> Result<(), Refused> {
        self.refuse_foreign(first)?;
        let pair = PAIRS.iter().find(|pair| self.rest().starts_with(**pair));
        match pair {
            _ if first == '|' && self.in_parameters() => self.bar(),
            Some(&"=>") => {
                self.at += 2;
                self.parameters = None;
                self.start_over();
            }
            Some(&"||") if !self.after_operand => {
                self.at += 2;
                self.deeper();
            }
            Some(_) if self.after_operand => {
                self.at += 2;
                self.after_operand = false;
            }
            None if first == '|' => self.bar(),
            _ => self.single(first),
        }
        Ok(())
    }

    fn in_parameters(&self) -> bool {
        self.parameters == Some(self.levels.len())
    }

    /// `|` around the parameters of a function, which nests its body, or between patterns.
    fn bar(&mut self) {
        let closes = self.in_parameters();
        let opens = !closes && !self.after_operand;
        self.at += 1;
        self.parameters = opens.then_some(self.levels.len());
        if opens { self.deeper() } else { self.after_operand = false }
    }

    /// One character: between operands it nests only where Rust groups from the right.
    fn single(&mut self, first: char) {
        let range = self.rest().starts_with("..");
        let flat = self.after_operand && !range && first != '=';
        self.at += if range { 2 } else { first.len_utf8() };
        if flat { self.after_operand = false } else { self.deeper() }
    }

    fn refuse_foreign(&self, first: char) -> Result<(), Refused> {
        let rest = self.rest();
        let (length, title, label, help) = match first {
            '/' if rest.starts_with("//") || rest.starts_with("/*") => (
                2,
                "a comment stands in an expression",
                "a comment would vanish without a word",
                "write the comment outside the expression, after `#`",
            ),
            '\'' => (1, "a text stands in single quotes", "unknown here", "write it as `\"…\"`"),
            '?' => (
                1,
                "`?` is no operator",
                "unknown here",
                "write a choice as `if … { … } else { … }`, a value for none with `.unwrap_or(…)`",
            ),
            '^' => (1, "`^` is no operator", "unknown here", "write a power as `x * x`"),
            '#' | '@' | '$' | '~' | '\\' | '`' => (
                1,
                "a character has no meaning in an expression",
                "unknown here",
                "remove it; a text stands in double quotes",
            ),
            _ => return Ok(()),
        };
        Err(Refused::new(&FOREIGN_SYNTAX, self.at..self.at + length, title, label).help(help))
    }
}

/// The expression nests deeper than the limit at these bytes.
pub(super) fn too_deep(at: Range<usize>) -> Refused {
    let title = format!("the expression nests deeper than {MAX_DEPTH} levels");
    Refused::new(&TOO_DEEP, at, title, "one level too many")
        .help("name parts of it with `let`, or keep the result in a state field")
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
