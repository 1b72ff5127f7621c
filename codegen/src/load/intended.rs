//! Where a value ends for a person, where YAML ends it elsewhere.
//!
//! In flow style YAML cuts at every comma and bracket, so `{a: decimal(12,2)}` is not what it looks
//! like. This scanner keeps brackets of expressions and types together; it serves messages and
//! mending only, never the meaning of a text that YAML accepts.

use std::ops::Range;

/// The value that stands at a byte as a person reads it; the rest of the line where that is unclear.
///
/// `flow` is where the outermost open `{` or `[` stands, if any.
pub(crate) fn value_at(text: &str, at: usize, flow: Option<usize>) -> Range<usize> {
    entry_value_at(text, at, flow).unwrap_or_else(|| {
        let line_end = text[at..].find('\n').map_or(text.len(), |end| at + end);
        at..at + without_comment(&text[at..line_end]).len()
    })
}

/// The value that stands at a byte, where the line or the flow collection makes that clear.
pub(crate) fn entry_value_at(text: &str, at: usize, flow: Option<usize>) -> Option<Range<usize>> {
    let value = match flow {
        Some(start) => FlowScanner::new(text, start, at).run(),
        None => block_value(text, at),
    };
    value.filter(|value| !value.is_empty() && value.start <= at && at <= value.end)
}

/// What stands after `key: `, or after `- `, on the line of a byte.
fn block_value(text: &str, at: usize) -> Option<Range<usize>> {
    let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[at..].find('\n').map_or(text.len(), |end| at + end);
    let line = &text[line_start..line_end];
    let indent = line.len() - line.trim_start().len();
    let mut start = indent;
    while line[start..].starts_with("- ") {
        start += 2 + (line[start + 2..].len() - line[start + 2..].trim_start().len());
    }
    if let Some(value) = key_end(&line[start..]) {
        start += value;
        start += line[start..].len() - line[start..].trim_start().len();
    }
    let end = start + without_comment(&line[start..]).len();
    (start > indent).then_some(line_start + start..line_start + end)
}

/// One past the colon after the key that a line starts with.
fn key_end(line: &str) -> Option<usize> {
    let quote = line.chars().next().filter(|c| matches!(c, '"' | '\''));
    let key_from = match quote {
        Some(quote) => line[1..].find(quote)? + 2,
        None => 0,
    };
    let colon = key_from + line[key_from..].find(": ")?;
    (quote.is_none() || colon == key_from).then_some(colon + 1)
}

/// A line's rest without a trailing comment and white space.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' => quote = Some(c),
            None if c == '#' && before.is_whitespace() => return line[..at].trim_end(),
            None => {}
        }
        before = c;
    }
    line.trim_end()
}

/// Whether the flow collection that starts at a byte is closed, as a person reads it.
pub(crate) fn is_closed(text: &str, start: usize) -> bool {
    let mut scanner = FlowScanner::new(text, start, usize::MAX);
    scanner.run();
    scanner.open.is_empty()
}

/// Walks a flow collection as a person reads it, until the value at a byte is complete.
struct FlowScanner<'a> {
    text: &'a str,
    /// Where the outermost collection starts.
    start: usize,
    /// The byte that is looked for.
    at: usize,
    /// The next byte to read.
    next: usize,
    open: Vec<Flow>,
}

/// A `{` or `[` that is a collection.
struct Flow {
    close: char,
    /// Where the key or value that is being read starts.
    part: Option<usize>,
    /// One past its last visible byte.
    part_end: usize,
    /// What closes the brackets that are open inside it.
    brackets: Vec<char>,
}

impl Flow {
    fn new(open: char) -> Self {
        let close = if open == '{' { '}' } else { ']' };
        Self { close, part: None, part_end: 0, brackets: Vec::new() }
    }

    fn extend(&mut self, range: Range<usize>) {
        self.part.get_or_insert(range.start);
        self.part_end = range.end;
    }
}

impl<'a> FlowScanner<'a> {
    fn new(text: &'a str, start: usize, at: usize) -> Self {
        Self { text, start, at, next: start, open: Vec::new() }
    }

    fn run(&mut self) -> Option<Range<usize>> {
        while let Some(c) = self.text[self.next..].chars().next() {
            let from = self.next;
            self.next += c.len_utf8();
            let Some(flow) = self.open.last_mut() else {
                if from > self.start {
                    return None;
                }
                self.open.push(Flow::new(c));
                continue;
            };
            if c.is_whitespace() {
                continue;
            }
            if c == '#' && self.text[..from].ends_with(char::is_whitespace) {
                self.next = self.text[from..].find('\n').map_or(self.text.len(), |end| from + end);
            } else if let Some(end) = quoted_end(&self.text[from..], c, flow.part.is_none()) {
                self.next = from + end;
                flow.extend(from..self.next);
            } else if flow.brackets.is_empty() && self.structure(c, from) {
                if let Some(found) = self.ended(c, from) {
                    return Some(found);
                }
            } else if let Some(flow) = self.open.last_mut() {
                bracket(&mut flow.brackets, c, &self.text[..from]);
                flow.extend(from..self.next);
            }
        }
        None
    }

    /// Whether a character outside brackets belongs to the collections rather than to a value.
    fn structure(&self, c: char, from: usize) -> bool {
        let Some(flow) = self.open.last() else { return false };
        match c {
            ',' => true,
            '{' | '[' => flow.part.is_none(),
            '}' | ']' => c == flow.close,
            ':' => self.text[from + 1..].starts_with([' ', '\n', '\r', ',', '}', ']']),
            _ => false,
        }
    }

    /// Takes a character of the collections. Gives the part that ends with it, if it is the one.
    fn ended(&mut self, c: char, from: usize) -> Option<Range<usize>> {
        if matches!(c, '{' | '[') {
            self.open.last_mut()?.part = Some(from);
            self.open.push(Flow::new(c));
            return None;
        }
        let at = self.at;
        let flow = self.open.last_mut()?;
        let part = flow.part.take().map(|start| start..flow.part_end);
        if matches!(c, '}' | ']') {
            self.open.pop();
            if let Some(outer) = self.open.last_mut() {
                outer.part_end = from + 1;
            }
        }
        part.filter(|part| part.start <= at && at <= part.end)
    }
}

/// The length of a quoted text; single quotes count only where a value starts, else they are
/// apostrophes.
fn quoted_end(text: &str, quote: char, at_start: bool) -> Option<usize> {
    if !(quote == '"' || quote == '\'' && at_start) {
        return None;
    }
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            '\n' => return None,
            _ if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Opens or closes a bracket inside a value. `<` is one only after the name of a generic type.
fn bracket(brackets: &mut Vec<char>, c: char, before: &str) {
    match c {
        '(' => brackets.push(')'),
        '[' => brackets.push(']'),
        '{' => brackets.push('}'),
        '<' if ["list", "set", "map"].iter().any(|name| before.ends_with(name)) => {
            brackets.push('>');
        }
        ')' | ']' | '}' | '>' => {
            if let Some(opened) = brackets.iter().rposition(|close| *close == c) {
                brackets.truncate(opened);
            }
        }
        _ => {}
    }
}

/// Whether a text opens a bracket that it does not close, as `decimal(12` does.
pub(crate) fn is_open(text: &str) -> bool {
    let mut brackets = Vec::new();
    for (at, c) in text.char_indices() {
        bracket(&mut brackets, c, &text[..at]);
    }
    !brackets.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value at the first `@`, which stands for the byte that is asked for.
    fn value(marked: &str, flow: Option<usize>) -> Option<String> {
        let at = marked.find('@').expect("the case marks a byte");
        let text = marked.replacen('@', "", 1);
        entry_value_at(&text, at, flow).map(|range| text[range].to_owned())
    }

    #[test]
    fn a_block_value_is_the_rest_of_the_line() {
        assert_eq!(value("a:\n  when: @!closed && x # why\nb: c", None).unwrap(), "!closed && x");
        assert_eq!(value("x: Line { sku@: sku }", None).unwrap(), "Line { sku: sku }");
        assert_eq!(value("  - - x: @*y", None).unwrap(), "*y");
        assert_eq!(value("- @!x", None).unwrap(), "!x");
        assert_eq!(value("'a: b': @!x", None).unwrap(), "!x");
        assert_eq!(value("  @c: d", None), None);
    }

    #[test]
    fn a_flow_value_keeps_its_brackets_together() {
        assert_eq!(value("{x: @decimal(12,2), y: z}", Some(0)).unwrap(), "decimal(12,2)");
        assert_eq!(value("{x: @enum[A, B], y: z}", Some(0)).unwrap(), "enum[A, B]");
        assert_eq!(value("{m: @map<K, list<V>>, y: z}", Some(0)).unwrap(), "map<K, list<V>>");
        assert_eq!(value("{w: @\"a, b\" + c, y: z}", Some(0)).unwrap(), "\"a, b\" + c");
        assert_eq!(value("{w: if a @{ b } else { c }}", Some(0)).unwrap(), "if a { b } else { c }");
        assert_eq!(value("{a: [b, @!c], d: e}", Some(0)).unwrap(), "!c");
        assert_eq!(value("{a: [b, c].@len(), d: e}", Some(0)).unwrap(), "[b, c].len()");
        assert_eq!(value("{a: @it's, b: don't}", Some(0)).unwrap(), "it's");
        assert_eq!(value("{a: b < @c, d: e > f}", Some(0)).unwrap(), "b < c");
        assert_eq!(value("{a: @b", Some(0)), None);
    }

    #[test]
    fn an_open_bracket_is_seen() {
        assert!(is_open("decimal(12"));
        assert!(is_open("map<K"));
        assert!(!is_open("a < b"));
        assert!(!is_open("decimal(12)"));
    }
}
