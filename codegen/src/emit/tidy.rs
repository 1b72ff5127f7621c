//! Touches up formatted code where prettyplease breaks lines that a person would not break.
//!
//! Works on lines and their indentation, which formatted code can be trusted to have, and never looks
//! at what stands in a line. Groups of arguments, fields and items that fit on one line are joined; a
//! lone argument that is a block of its own hugs its parentheses; a match arm that fits needs no braces;
//! a method call that takes the lines alone stands behind what it is called on; what is called on a call of
//! several lines stands below its parenthesis.

/// The width of a line within a module, whose own indentation comes on top.
pub(crate) const WIDTH: usize = 96;

/// The text as a person would have typed it.
pub(crate) fn tidy(text: &str) -> String {
    let mut lines = outdented(text.lines().map(str::to_owned).collect());
    loop {
        let before = lines.len();
        lines = join_chains(join_groups(lines));
        if lines.len() == before {
            break;
        }
    }
    lines.join("\n") + "\n"
}

/// Moves a call that begins a chain, and the chain with it, to where the call alone would stand.
fn outdented(mut lines: Vec<String>) -> Vec<String> {
    let mut first = 0;
    while first < lines.len() {
        let depth = indent(&lines[first]);
        let within = |line: &&String| line.is_empty() || indent(line) > depth;
        let end = first + 1 + lines[first + 1..].iter().take_while(within).count();
        let deep = |line: &String, by: usize| !line.is_empty() && indent(line) == depth + by;
        let closes = lines[first + 1..end].iter().position(|line| deep(line, 4));
        if let Some(closes) = closes.map(|at| first + 1 + at)
            && lines[first].ends_with('(')
            && deep(&lines[first + 1], 8)
            && lines[closes].trim_start().starts_with(')')
        {
            match on_one_line(&lines[first..=closes]) {
                Some(call) => drop(lines.splice(first..=closes, [call])),
                None => lines[first + 1..end].iter_mut().for_each(|it| *it = dedented(it)),
            }
        }
        first += 1;
    }
    lines
}

/// A call that fits a line, and leaves its chain where it stands.
fn on_one_line(call: &[String]) -> Option<String> {
    let dedented: Vec<String> = call[1..].iter().map(|line| dedented(line)).collect();
    joined(&[&call[..1], &dedented].concat())
}

/// Joins, hugs or unbraces every group, the innermost first.
fn join_groups(lines: Vec<String>) -> Vec<String> {
    let mut done: Vec<String> = Vec::new();
    for line in lines {
        let closes = line.trim_start().starts_with([')', ']', '}', '>']);
        done.push(line);
        if closes {
            close_group(&mut done);
        }
    }
    done
}

/// The last line closes a group: makes less of it if it can.
fn close_group(done: &mut Vec<String>) {
    let last = done.len() - 1;
    let depth = indent(&done[last]);
    let Some(first) =
        (0..last).rev().find(|at| !done[*at].is_empty() && indent(&done[*at]) <= depth)
    else {
        return;
    };
    if indent(&done[first]) != depth || !opens(&done[first]) || last - first < 2 {
        return;
    }
    if let Some(joined) = joined(&done[first..=last]) {
        done.truncate(first);
        done.push(joined);
    } else if hugs(&done[first..=last]) {
        hug(done, first);
    }
}

fn joined(group: &[String]) -> Option<String> {
    let (head, foot) = (group.first()?, group.last()?.trim_start());
    let inside = &group[1..group.len() - 1];
    let flat = inside.iter().all(|line| indent(line) == indent(head) + 4 && !is_comment(line));
    if !flat {
        return None;
    }
    let mut content = inside.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
    let line = if head.ends_with("=> {") {
        let expression = inside.len() == 1
            && (!content.ends_with([';', ',', '{', '}']) || is_variant_literal(&content));
        let arm = expression && (foot == "}" || foot == "},");
        arm.then(|| format!("{}{content},", head.strip_suffix('{').unwrap_or(head)))?
    } else if head.ends_with('{') {
        if !is_literal(head, inside) {
            return None;
        }
        content.truncate(content.trim_end_matches(',').len());
        format!("{head} {content} {foot}")
    } else {
        content.truncate(content.trim_end_matches(',').len());
        format!("{head}{content}{foot}")
    };
    (line.len() <= WIDTH).then_some(line)
}

/// `Self::Refused { message }`
fn is_variant_literal(line: &str) -> bool {
    line.starts_with("Self::") && line.ends_with(" }") && line.matches('{').count() == 1
}

/// Whether the lines in braces are the fields of a record literal or pattern.
fn is_literal(head: &str, inside: &[String]) -> bool {
    const ITEMS: &[&str] =
        &["struct", "enum", "impl", "trait", "fn", "match", "if", "else", "for", "mod"];
    let item = head.split_whitespace().any(|word| ITEMS.contains(&word.trim_start_matches('}')));
    let fields = inside.iter().all(|line| {
        let line = line.trim();
        (line.ends_with(',') || line.starts_with(".."))
            && !line.contains("=>")
            && !line.starts_with("pub ")
    });
    !item && fields && !head.ends_with("=> {")
}

/// Whether the group is a call whose one argument is a block that takes the lines, or a match arm of
/// one call that does.
fn hugs(group: &[String]) -> bool {
    let [head, first, .., last, foot] = group else { return false };
    let inner = indent(head) + 4;
    let middle = &group[2..group.len() - 2];
    let one_block = opens(first)
        && indent(first) == inner
        && indent(last) == inner
        && only_closes(last)
        && middle.iter().all(|line| line.is_empty() || indent(line) > inner);
    let call = head.ends_with('(') && foot.trim_start().starts_with(')');
    let ends = if is_call_of_literal(first) { "})" } else { ")" };
    let is_call = is_call(first) || is_call_of_literal(first);
    let arm = head.ends_with("=> {") && only_closes(foot) && is_call && last.trim() == ends;
    one_block && (call || arm)
}

fn only_closes(line: &str) -> bool {
    let line = line.trim();
    let line = line.strip_suffix(',').unwrap_or(line);
    !line.is_empty() && line.chars().all(|c| matches!(c, ')' | ']' | '}'))
}

/// Whether the line begins a call and nothing else.
fn is_call(line: &str) -> bool {
    line.ends_with('(') && !line.trim_start().contains(' ')
}

/// Whether the line begins a call whose one argument is a record literal.
fn is_call_of_literal(line: &str) -> bool {
    line.strip_suffix(" {").is_some_and(|call| call.contains('(') && !call.trim().contains(' '))
}

fn hug(done: &mut Vec<String>, first: usize) {
    let group: Vec<String> = done.drain(first..).collect();
    let [head, open, middle @ .., last, foot] = group.as_slice() else { return };
    let (head, foot) = match head.strip_suffix('{') {
        Some(arm) => (arm, ","),
        None => (head.as_str(), foot.trim_start()),
    };
    done.push(format!("{head}{}", open.trim_start()));
    done.extend(middle.iter().map(|line| dedented(line)));
    let close = dedented(last);
    done.push(format!("{}{foot}", close.trim_end_matches(',')));
}

/// Joins a method call with what it is called on, where the call alone takes the lines.
fn join_chains(lines: Vec<String>) -> Vec<String> {
    let mut done: Vec<String> = Vec::new();
    let mut lines = lines.into_iter().peekable();
    while let Some(line) = lines.next() {
        let starts_chain = lines.peek().is_some_and(|next| {
            next.trim_start().starts_with('.') && indent(next) == indent(&line) + 4
        });
        if !starts_chain || opens(&line) || is_comment(&line) {
            done.push(line);
            continue;
        }
        let mut chain = Vec::new();
        while let Some(next) = lines.next_if(|next| next.is_empty() || indent(next) > indent(&line))
        {
            chain.push(next);
        }
        done.extend(joined_chain(line, chain));
    }
    done
}

fn joined_chain(head: String, chain: Vec<String>) -> Vec<String> {
    let all: String = chain.iter().map(|line| line.trim()).collect();
    let flat = chain.iter().all(|line| line.trim_start().starts_with('.'));
    if flat && head.len() + all.len() <= WIDTH {
        return vec![head + &all];
    }
    let links = chain
        .iter()
        .filter(|line| line.trim_start().starts_with('.') && indent(line) == indent(&head) + 4);
    let first = chain.first().map_or("", |line| line.trim_start());
    if flat || links.count() > 1 || head.len() + first.len() > WIDTH {
        return std::iter::once(head).chain(chain).collect();
    }
    let joined = head + first;
    std::iter::once(joined).chain(chain.iter().skip(1).map(|line| dedented(line))).collect()
}

fn opens(line: &str) -> bool {
    line.ends_with(['(', '[', '{', '<']) && !is_comment(line)
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//") || line.trim_start().starts_with("#[")
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn dedented(line: &str) -> String {
    line.strip_prefix("    ").unwrap_or(line).to_owned()
}
