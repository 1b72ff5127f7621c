//! Touches up formatted code where prettyplease breaks lines that a person would not break.
//!
//! Works on lines and their indentation, which formatted code can be trusted to have, and never looks
//! at what stands in a line. Groups of arguments, fields and items that fit on one line are joined; a
//! lone argument that is a block of its own hugs its parentheses; a match arm that fits needs no braces;
//! a method call that takes the lines alone stands behind what it is called on; what is called on a call of
//! several lines stands below its parenthesis.

/// The width of a line within a module, whose own indentation comes on top.
pub(crate) const WIDTH: usize = 96;

/// A line: what comes in front of its text is counted once, since every step asks for it.
#[derive(Clone)]
struct Line {
    /// Spaces in front of the text.
    indent: usize,
    text: String,
}

impl Line {
    fn new(line: &str) -> Self {
        let text = line.trim_start_matches(' ');
        Self { indent: line.len() - text.len(), text: text.to_owned() }
    }

    fn len(&self) -> usize {
        self.indent + self.text.len()
    }

    fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    fn dedent(&mut self) {
        self.indent = self.indent.saturating_sub(4);
    }

    fn dedented(&self) -> Self {
        let mut line = self.clone();
        line.dedent();
        line
    }

    fn with(&self, text: String) -> Self {
        Self { indent: self.indent, text }
    }

    fn opens(&self) -> bool {
        self.text.ends_with(['(', '[', '{', '<']) && !self.is_comment()
    }

    fn is_comment(&self) -> bool {
        self.text.starts_with("//") || self.text.starts_with("#[")
    }
}

/// The text as a person would have typed it.
pub(crate) fn tidy(text: &str) -> String {
    let mut lines = outdented(text.lines().map(Line::new).collect());
    loop {
        let before = lines.len();
        lines = join_chains(join_groups(lines));
        if lines.len() == before {
            break;
        }
    }
    let mut tidied = String::with_capacity(text.len());
    for line in &lines {
        tidied.extend(std::iter::repeat_n(' ', line.indent));
        tidied.push_str(&line.text);
        tidied.push('\n');
    }
    tidied
}

/// Moves a call that begins a chain, and the chain with it, to where the call alone would stand.
fn outdented(mut lines: Vec<Line>) -> Vec<Line> {
    let mut first = 0;
    while first < lines.len() {
        if lines[first].text.ends_with('(') {
            outdent_chain(&mut lines, first);
        }
        first += 1;
    }
    lines
}

fn outdent_chain(lines: &mut Vec<Line>, first: usize) {
    let depth = lines[first].indent;
    let within = |line: &&Line| line.is_empty() || line.indent > depth;
    let end = first + 1 + lines[first + 1..].iter().take_while(within).count();
    let deep = |line: &Line, by: usize| !line.is_empty() && line.indent == depth + by;
    let closes = lines[first + 1..end].iter().position(|line| deep(line, 4));
    let Some(closes) = closes.map(|at| first + 1 + at) else { return };
    if deep(&lines[first + 1], 8) && lines[closes].text.starts_with(')') {
        match on_one_line(&lines[first..=closes]) {
            Some(call) => drop(lines.splice(first..=closes, [call])),
            None => lines[first + 1..end].iter_mut().for_each(Line::dedent),
        }
    }
}

/// A call that fits a line, and leaves its chain where it stands.
fn on_one_line(call: &[Line]) -> Option<Line> {
    let dedented: Vec<Line> = call[1..].iter().map(Line::dedented).collect();
    joined(&[&call[..1], &dedented].concat())
}

/// Joins, hugs or unbraces every group, the innermost first.
fn join_groups(lines: Vec<Line>) -> Vec<Line> {
    let mut done: Vec<Line> = Vec::with_capacity(lines.len());
    for line in lines {
        let closes = line.text.starts_with([')', ']', '}', '>']);
        done.push(line);
        if closes {
            close_group(&mut done);
        }
    }
    done
}

/// The last line closes a group: makes less of it if it can.
fn close_group(done: &mut Vec<Line>) {
    let last = done.len() - 1;
    let depth = done[last].indent;
    let Some(first) = (0..last).rev().find(|at| !done[*at].is_empty() && done[*at].indent <= depth)
    else {
        return;
    };
    if done[first].indent != depth || !done[first].opens() || last - first < 2 {
        return;
    }
    if let Some(joined) = joined(&done[first..=last]) {
        done.truncate(first);
        done.push(joined);
    } else if hugs(&done[first..=last]) {
        hug(done, first);
    }
}

fn joined(group: &[Line]) -> Option<Line> {
    let (head, foot) = (group.first()?, &group.last()?.text);
    let inside = &group[1..group.len() - 1];
    let flat = inside.iter().all(|line| line.indent == head.indent + 4 && !line.is_comment());
    let parts: usize = inside.iter().map(|line| line.text.len()).sum();
    // At most these two go.
    if !flat || head.len() + parts > WIDTH + "{,".len() {
        return None;
    }
    let inner: Vec<&str> = inside.iter().map(|line| line.text.trim_end()).collect();
    let mut content = inner.join(" ");
    let text = &head.text;
    let text = if text.ends_with("=> {") {
        let expression = inside.len() == 1
            && (!content.ends_with([';', ',', '{', '}']) || is_variant_literal(&content));
        let arm = expression && (foot == "}" || foot == "},");
        arm.then(|| format!("{}{content},", text.strip_suffix('{').unwrap_or(text)))?
    } else if text.ends_with('{') {
        if !is_literal(text, &inner) {
            return None;
        }
        content.truncate(content.trim_end_matches(',').len());
        format!("{text} {content} {foot}")
    } else {
        content.truncate(content.trim_end_matches(',').len());
        format!("{text}{content}{foot}")
    };
    let line = head.with(text);
    (line.len() <= WIDTH).then_some(line)
}

/// `Self::Refused { message }`
fn is_variant_literal(line: &str) -> bool {
    line.starts_with("Self::") && line.ends_with(" }") && line.matches('{').count() == 1
}

/// Whether the lines in braces are the fields of a record literal or pattern.
fn is_literal(head: &str, inside: &[&str]) -> bool {
    const ITEMS: &[&str] =
        &["struct", "enum", "impl", "trait", "fn", "match", "if", "else", "for", "mod"];
    let item = head.split_whitespace().any(|word| ITEMS.contains(&word.trim_start_matches('}')));
    let fields = inside.iter().all(|line| {
        (line.ends_with(',') || line.starts_with(".."))
            && !line.contains("=>")
            && !line.starts_with("pub ")
    });
    !item && fields && !head.ends_with("=> {")
}

/// Whether the group is a call whose one argument is a block that takes the lines, or a match arm of
/// one call that does.
fn hugs(group: &[Line]) -> bool {
    let [head, first, .., last, foot] = group else { return false };
    let inner = head.indent + 4;
    let middle = &group[2..group.len() - 2];
    let one_block = first.opens()
        && first.indent == inner
        && last.indent == inner
        && only_closes(&last.text)
        && middle.iter().all(|line| line.is_empty() || line.indent > inner);
    let call = head.text.ends_with('(') && foot.text.starts_with(')');
    let ends = if is_call_of_literal(&first.text) { "})" } else { ")" };
    let is_call = is_call(&first.text) || is_call_of_literal(&first.text);
    let arm = head.text.ends_with("=> {")
        && only_closes(&foot.text)
        && is_call
        && last.text.trim_end() == ends;
    one_block && (call || arm)
}

fn only_closes(line: &str) -> bool {
    let line = line.trim_end();
    let line = line.strip_suffix(',').unwrap_or(line);
    !line.is_empty() && line.chars().all(|c| matches!(c, ')' | ']' | '}'))
}

/// Whether the line begins a call and nothing else.
fn is_call(line: &str) -> bool {
    line.ends_with('(') && !line.contains(' ')
}

/// Whether the line begins a call whose one argument is a record literal.
fn is_call_of_literal(line: &str) -> bool {
    line.strip_suffix(" {").is_some_and(|call| call.contains('(') && !call.trim_end().contains(' '))
}

fn hug(done: &mut Vec<Line>, first: usize) {
    let group: Vec<Line> = done.drain(first..).collect();
    let [head, open, middle @ .., last, foot] = group.as_slice() else { return };
    let (text, foot) = match head.text.strip_suffix('{') {
        Some(arm) => (arm, ","),
        None => (head.text.as_str(), foot.text.as_str()),
    };
    done.push(head.with(format!("{text}{}", open.text)));
    done.extend(middle.iter().map(Line::dedented));
    let close = last.dedented();
    done.push(close.with(format!("{}{foot}", close.text.trim_end_matches(','))));
}

/// Joins a method call with what it is called on, where the call alone takes the lines.
fn join_chains(lines: Vec<Line>) -> Vec<Line> {
    let mut done: Vec<Line> = Vec::with_capacity(lines.len());
    let mut lines = lines.into_iter().peekable();
    while let Some(line) = lines.next() {
        let starts_chain = lines
            .peek()
            .is_some_and(|next| next.text.starts_with('.') && next.indent == line.indent + 4);
        if !starts_chain || line.opens() || line.is_comment() {
            done.push(line);
            continue;
        }
        let mut chain = Vec::new();
        while let Some(next) = lines.next_if(|next| next.is_empty() || next.indent > line.indent) {
            chain.push(next);
        }
        done.extend(joined_chain(line, chain));
    }
    done
}

fn joined_chain(mut head: Line, chain: Vec<Line>) -> Vec<Line> {
    let flat = chain.iter().all(|line| line.text.starts_with('.'));
    let all: usize = chain.iter().map(|line| line.text.len()).sum();
    if flat && head.len() + all <= WIDTH {
        head.text.extend(chain.iter().map(|line| line.text.as_str()));
        return vec![head];
    }
    let is_link = |line: &&Line| line.text.starts_with('.') && line.indent == head.indent + 4;
    let links = chain.iter().filter(is_link).count();
    let first = chain.first().map_or("", |line| line.text.as_str());
    if flat || links > 1 || head.len() + first.len() > WIDTH {
        return std::iter::once(head).chain(chain).collect();
    }
    head.text.push_str(first);
    std::iter::once(head).chain(chain.iter().skip(1).map(Line::dedented)).collect()
}
