//! From items to text: each item is formatted alone, so that the blank lines between them, the
//! sections and the comments are ours.
//!
//! Knows Rust's syntax, nothing of ontologies.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;

use super::tidy::{WIDTH, tidy};

/// Longest line of a wrapped comment, without its indentation and slashes.
const COMMENT_WIDTH: usize = 88;

/// A piece of a module.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// `// ---- Events ----`
    Section(&'static str),
    /// An item that has no members to be spaced out.
    Item(TokenStream),
    /// An `impl` or `trait`: its head, and its members in groups with blank lines between them.
    Block(TokenStream, Vec<Vec<TokenStream>>),
}

/// An item that has no members to be spaced out.
pub(crate) fn item(tokens: TokenStream) -> Part {
    Part::Item(tokens)
}

/// An `impl` or `trait`: its head, and its members in groups with blank lines between them.
pub(crate) fn block(head: &TokenStream, groups: Vec<Vec<TokenStream>>) -> Part {
    Part::Block(head.clone(), groups)
}

impl Part {
    /// The same with other tokens in the place of each stream.
    pub(crate) fn map(self, mut change: impl FnMut(TokenStream) -> TokenStream) -> Self {
        match self {
            Self::Section(name) => Self::Section(name),
            Self::Item(tokens) => Self::Item(change(tokens)),
            Self::Block(head, groups) => {
                let head = change(head);
                let mut change_all = |group: Vec<_>| group.into_iter().map(&mut change).collect();
                Self::Block(head, groups.into_iter().map(&mut change_all).collect())
            }
        }
    }

    /// All its tokens.
    pub(crate) fn tokens(&self) -> TokenStream {
        match self {
            Self::Section(_) => TokenStream::new(),
            Self::Item(tokens) => tokens.clone(),
            Self::Block(head, groups) => {
                let members = groups.iter().flatten();
                quote!(#head { #(#members)* })
            }
        }
    }

    /// The tokens in front of the members; all of an item's.
    pub(crate) fn head(&self) -> TokenStream {
        match self {
            Self::Section(_) => TokenStream::new(),
            Self::Item(tokens) => tokens.clone(),
            Self::Block(head, _) => head.clone(),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Section(name) => format!("// ---- {name} ----\n"),
            Self::Item(tokens) => tidy(&format(tokens.clone())),
            Self::Block(head, groups) => block_text(head, groups),
        }
    }
}

fn block_text(head: &TokenStream, groups: &[Vec<TokenStream>]) -> String {
    let groups = groups.iter().filter(|group| !group.is_empty());
    let groups: Vec<String> = groups.map(|group| members(head, group)).collect();
    let frame = format(quote!(#head { const FRAME: () = (); }));
    let head = frame.rsplit_once("    const FRAME").map_or("", |(head, _)| head).trim_end();
    format!("{}\n{}}}\n", with_bounds_apart(head), groups.join("\n"))
}

/// The bounds of a trait in lines of their own, where they make the first one too long.
fn with_bounds_apart(head: &str) -> String {
    let (docs, line) = head.rsplit_once('\n').map_or(("", head), |(docs, line)| (docs, line));
    let bounds = line.strip_suffix(" {").and_then(|line| line.split_once(": "));
    match bounds.filter(|_| line.len() > WIDTH) {
        Some((name, bounds)) => {
            let bounds = bounds.replace(" + ", "\n    + ");
            format!("{docs}\n{name}:\n    {bounds}\n{{")
        }
        None => head.to_owned(),
    }
}

/// The members as they stand inside the braces, indented.
fn members(head: &TokenStream, group: &[TokenStream]) -> String {
    let is_trait = head
        .clone()
        .into_iter()
        .any(|token| matches!(token, TokenTree::Ident(word) if word == "trait"));
    let frame = if is_trait { quote!(trait Frame) } else { quote!(impl Frame) };
    let text = format(quote!(#frame { #(#group)* }));
    let inside = text.split_once('\n').map_or("", |(_, rest)| rest);
    tidy(inside.strip_suffix("}\n").unwrap_or(inside))
}

/// Formats an item.
pub(crate) fn format(tokens: TokenStream) -> String {
    match syn::parse2(tokens) {
        Ok(file) => prettyplease::unparse(&file),
        Err(error) => unreachable!("generated code is not Rust: {error}"),
    }
}

/// Formats an item and touches it up.
pub(crate) fn tidied(tokens: TokenStream) -> String {
    tidy(&format(tokens))
}

/// The parts as text, with blank lines between them.
pub(crate) fn joined(parts: &[Part]) -> String {
    parts.iter().map(Part::text).collect::<Vec<_>>().join("\n")
}

/// A module of these parts, with its imports in front.
pub(crate) fn module(head: &str, imports: &str, parts: &[Part]) -> String {
    let mut texts: Vec<String> = parts.iter().map(Part::text).collect();
    if !imports.is_empty() {
        texts.insert(0, imports.to_owned());
    }
    format!("{head} {{\n{}}}\n", indented(&texts.join("\n")))
}

fn indented(text: &str) -> String {
    let lines = text.lines().map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("    {line}\n"),
    });
    lines.collect()
}

/// A documentation comment: ours, so Markdown is meant. Long lines are wrapped.
pub(crate) fn doc(text: &str) -> TokenStream {
    let mut in_code = false;
    let lines = text.lines().flat_map(|line| {
        in_code ^= line.starts_with("```");
        if in_code || line.len() <= COMMENT_WIDTH {
            vec![line.to_owned()]
        } else {
            wrapped_line(line)
        }
    });
    let lines = lines.map(|line| match line.as_str() {
        "" => quote!(#[doc = ""]),
        line => {
            let line = format!(" {line}");
            quote!(#[doc = #line])
        }
    });
    quote!(#(#lines)*)
}

/// A documentation comment as text of its own.
pub(crate) fn doc_lines(docs: &TokenStream) -> String {
    let text = format(quote!(#docs struct Documented;));
    text.strip_suffix("struct Documented;\n").unwrap_or(&text).to_owned()
}

/// A line in several; those of a list's item are indented like it.
fn wrapped_line(line: &str) -> Vec<String> {
    let words = inseparable(line.split(' '));
    let hang = if line.starts_with("- ") { "  " } else { "" };
    let lines = filled(&words, COMMENT_WIDTH - hang.len());
    let hanging = lines.iter().skip(1).map(|line| format!("{hang}{line}"));
    lines.iter().take(1).cloned().chain(hanging).collect()
}

/// The words, those at which a line would begin a list, quote or the like joined to the one before: where
/// a line of code is broken, they can't be escaped.
fn inseparable<'w>(words: impl Iterator<Item = &'w str>) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    for word in words {
        match joined.last_mut() {
            Some(before) if begins_block(word) => *before = format!("{before} {word}"),
            _ => joined.push(word.to_owned()),
        }
    }
    joined
}

fn begins_block(word: &str) -> bool {
    let number = word.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_numbered = number.len() < word.len() && number.starts_with(['.', ')']);
    is_numbered || word.starts_with(['-', '+', '*', '>', '#', '=', '~'])
}

/// Words in lines of at most this width, but at least one word.
fn filled(words: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.clone()),
        }
    }
    lines
}

/// Text of an ontology as Markdown that means nothing but the text, in lines of a pleasant width.
/// Code between single backticks stays code.
pub(crate) fn prose(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| wrapped(&plain_words(paragraph)));
    paragraphs.filter(|paragraph| !paragraph.is_empty()).collect::<Vec<_>>().join("\n\n")
}

/// The words without what Markdown, rustdoc's links or HTML would make of them; code is one word.
fn plain_words(paragraph: &str) -> Vec<String> {
    let text = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    let pieces: Vec<&str> = text.split('`').collect();
    let has_code = pieces.len() % 2 == 1 && !text.contains("``");
    if !has_code {
        return text.split(' ').map(plain_word).collect();
    }
    let mut words: Vec<String> = vec![String::new()];
    for (at, piece) in pieces.into_iter().enumerate() {
        let last = words.len() - 1;
        if at % 2 == 1 {
            words[last].push_str(&format!("`{piece}`"));
            continue;
        }
        let mut plain = piece.split(' ').map(plain_word);
        words[last].push_str(&plain.next().unwrap_or_default());
        words.extend(plain);
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A word without its meaning for Markdown; an address becomes a link.
fn plain_word(word: &str) -> String {
    let address = ["http://", "https://"].into_iter().filter_map(|scheme| word.find(scheme)).min();
    let Some(address) = address else { return escaped(word) };
    let (before, rest) = word.split_at(address);
    let end = rest.trim_end_matches(|c: char| ".,;:!?)]}>'\"".contains(c)).len();
    let (address, after) = rest.split_at(end);
    format!("{}<{}>{}", escaped(before), address.replace(['<', '>'], ""), escaped(after))
}

fn escaped(word: &str) -> String {
    let bare = word.trim_matches('_');
    let inner = word.len() - word.trim_start_matches('_').len();
    let inner = inner..inner + bare.len();
    let mut plain = String::new();
    for (at, c) in word.char_indices() {
        let means_something = match c {
            '`' | '[' | ']' | '<' | '>' | '*' | '\\' | '|' | '~' => true,
            '_' => !inner.contains(&at), // within a word it is a letter
            '&' => word[at..].contains(';'),
            _ => false,
        };
        if means_something {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

fn wrapped(words: &[String]) -> String {
    let lines = filled(words, COMMENT_WIDTH);
    lines.iter().map(|line| line_start(line)).collect::<Vec<_>>().join("\n")
}

/// A line at whose start `-`, `#`, `1.` and the like would begin a list or title.
fn line_start(word: &str) -> String {
    let number = word.trim_start_matches(|c: char| c.is_ascii_digit());
    if number.len() < word.len() && number.starts_with(['.', ')']) {
        let digits = &word[..word.len() - number.len()];
        return format!("{digits}\\{number}");
    }
    if word.starts_with(['-', '+', '#', '=']) { format!("\\{word}") } else { word.to_owned() }
}

/// What `derive` knows in every module: a type of such a name is one of two that a link may mean.
const DERIVES: &[&str] =
    &["Clone", "Copy", "Debug", "Default", "Eq", "Hash", "Ord", "PartialEq", "PartialOrd"];

/// A link to a type, for documentation.
pub(crate) fn link(name: impl std::fmt::Display) -> String {
    let name = name.to_string();
    match DERIVES.contains(&name.as_str()) {
        true => format!("[`{name}`](struct@{name})"),
        false => format!("[`{name}`]"),
    }
}

/// Text as code within Markdown; as plain text where it has more than one backtick in a row.
pub(crate) fn code(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    if text.contains("``") {
        words.into_iter().map(escaped).collect::<Vec<_>>().join(" ")
    } else if text.contains('`') {
        format!("`` {text} ``")
    } else {
        format!("`{text}`")
    }
}
