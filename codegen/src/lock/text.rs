//! The text of a lock: one fact per line, sorted, so that a change is a changed line and two branches that
//! release different things merge by themselves.
//!
//! Lines may stand in any order when they are read: that is how a merge leaves them. The hash behind a
//! version is of its whole line, so that a line which a merge or a hand has put together is found.

use std::io::Write as _;

use super::facts::{Fact, Item, Key, Lock, hash, one_line};
use crate::catalogue::lock as codes;
use crate::diagnostic::Diagnostic;
use crate::model::meaning::Checksum;
use crate::source::{FileId, Span};

/// The version of the format; a program refuses a higher one.
const FORMAT: u32 = 1;

const HEADER: &str = "\
# What has been released: the shape of every version of every event, what is built on them, and the names
# that are taken for ever. Every build holds the ontology to it, so commit it.
# Don't edit it: `eventloom lock` writes it. After a merge keep the lines of both sides, in any order, and
# run `eventloom lock`.
";

impl Lock {
    /// Reads a lock.
    ///
    /// # Errors
    /// Every line that can't be understood, with its place in [`FileId::LOCK`].
    pub fn parse(text: &str) -> Result<Self, Vec<Diagnostic>> {
        let mut reader = Reader { lock: Self::default(), findings: Vec::new(), format: None };
        let mut start = 0;
        for line in text.split('\n') {
            let span = Span { file: FileId::LOCK, start, end: start + line.trim_end().len() };
            reader.line(line.trim_end(), span);
            start += line.len() + 1;
        }
        reader.finish()
    }

    /// The lock as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}format {FORMAT}\n");
        let mut last = None;
        for (key, fact) in &self.facts {
            if last.replace(&key.aggregate) != Some(&key.aggregate) {
                text.push('\n');
            }
            text.push_str(&line(key, fact));
            text.push('\n');
        }
        text
    }
}

struct Reader {
    lock: Lock,
    findings: Vec<Diagnostic>,
    format: Option<u32>,
}

impl Reader {
    fn line(&mut self, line: &str, span: Span) {
        if ["<<<<<<<", "|||||||", "=======", ">>>>>>>"].iter().any(|mark| line.starts_with(mark)) {
            // One of a conflict's markers is enough.
            if line.starts_with("<<<<<<<") || !self.has_conflict() {
                self.findings.push(conflict(span));
            }
        } else if line.is_empty() || line.starts_with('#') {
            // For people.
        } else if let Some(format) = line.strip_prefix("format ").and_then(|n| n.parse().ok()) {
            self.format(format, span);
        } else if self.format == Some(FORMAT) {
            self.fact(line, span);
        } else if self.format.is_none() {
            self.no_format(span);
        }
    }

    fn has_conflict(&self) -> bool {
        self.findings.iter().any(|found| found.code.id == codes::CONFLICT.id)
    }

    fn format(&mut self, format: u32, span: Span) {
        self.format = Some(format);
        if format == FORMAT {
            return;
        }
        let title = format!("this lock has format {format}, and this compiler knows {FORMAT}");
        let found = Diagnostic::error(&codes::FORMAT, title, span, "the format");
        self.findings.push(match format > FORMAT {
            true => found.help("build with the version of `eventloom-codegen` that wrote it"),
            false => {
                found.help(format!("put back `format {FORMAT}`, as `eventloom lock` wrote it"))
            }
        });
    }

    /// Said once: without a format nothing else can be read.
    fn no_format(&mut self, span: Span) {
        self.format = Some(0);
        let title = "this is no lock: its format does not come first";
        self.findings.push(
            Diagnostic::error(
                &codes::FORMAT,
                title,
                span,
                format!("`format {FORMAT}` comes first"),
            )
            .help("put back the file as `eventloom lock` wrote it"),
        );
    }

    fn fact(&mut self, line: &str, span: Span) {
        let mut words = Words { line, at: 0 };
        match read_fact(&mut words) {
            Ok((key, fact)) => self.add(key, fact, span),
            Err(expected) => {
                let start = span.start + words.at;
                let place = Span { start, end: span.end.max(start), ..span };
                let title = "a line of the lock can't be understood";
                let found = Diagnostic::error(&codes::LINE, title, place, expected);
                self.findings.push(found);
            }
        }
    }

    fn add(&mut self, key: Key, mut fact: Fact, span: Span) {
        fact.span = Some(span);
        if let Some(known) = self.lock.facts.get(&key) {
            if known.value != fact.value {
                self.findings.push(contradiction(&key, known, span));
            }
            return;
        }
        self.lock.facts.insert(key, fact);
    }

    fn finish(mut self) -> Result<Lock, Vec<Diagnostic>> {
        if self.format.is_none() {
            self.no_format(Span { file: FileId::LOCK, start: 0, end: 0 });
        }
        if self.has_conflict() {
            // What both sides say is told when the markers are gone.
            self.findings.retain(|found| found.code.id == codes::CONFLICT.id);
        }
        if self.findings.is_empty() {
            self.gaps();
        }
        if self.findings.is_empty() { Ok(self.lock) } else { Err(self.findings) }
    }

    /// Versions are counted from 1: where one is missing, so is its line.
    fn gaps(&mut self) {
        for (key, fact) in &self.lock.facts {
            let Item::Version { event, version } = &key.item else { continue };
            let before = Item::Version { event: event.clone(), version: version.wrapping_sub(1) };
            if *version == 1 || self.lock.get(&key.aggregate, before).is_some() {
                continue;
            }
            let lost = version.saturating_sub(1);
            let title = format!("the lock has v{version} of `{event}`, but not v{lost}");
            let place = fact.span.unwrap_or(Span { file: FileId::LOCK, start: 0, end: 0 });
            self.findings.push(Diagnostic::error(
                &codes::GAP,
                title,
                place,
                "the one before is lost",
            ));
        }
    }
}

fn conflict(span: Span) -> Diagnostic {
    Diagnostic::error(
        &codes::CONFLICT,
        "the lock has a merge conflict",
        span,
        "a conflict's marker",
    )
    .note("two branches released something, and git could not tell in which order to write it")
    .help("remove the markers, keep the lines of both sides in any order, and run `eventloom lock`")
    .help("what both sides changed in different ways is told then")
}

fn contradiction(key: &Key, known: &Fact, span: Span) -> Diagnostic {
    let title = format!("the lock says two things about `{key}`");
    let found = Diagnostic::error(&codes::CONTRADICTION, title, span, "one of them");
    let found = match known.span {
        Some(place) => found.place(place, "the other"),
        None => found,
    };
    match &key.item {
        Item::Version { event, version } => found
            .note(format!("two branches released different events as v{version}"))
            .help("keep the line of the one that was released, or merged, first")
            .help(format!(
                "and declare the other as v{} of `{event}` in the ontology",
                version + 1
            )),
        Item::Unique { .. } | Item::Partition | Item::Accepted { .. } => found
            .help("keep the line of what was released, and see whether the ontology says the same"),
        _ => found.help("remove either line, and run `eventloom lock`"),
    }
}

/// The words of a line: bare, or in quotes as JSON has them.
struct Words<'l> {
    line: &'l str,
    at: usize,
}

type Expected = String;

impl<'l> Words<'l> {
    fn rest(&mut self) -> &'l str {
        let rest = &self.line[self.at..];
        self.at += rest.len() - rest.trim_start_matches(' ').len();
        &self.line[self.at..]
    }

    fn bare(&mut self, what: &str) -> Result<&'l str, Expected> {
        let rest = self.rest();
        let word = rest.split(' ').next().unwrap_or_default();
        if word.is_empty() {
            return Err(format!("{what} is missing"));
        }
        self.at += word.len();
        Ok(word)
    }

    /// A name or text.
    fn name(&mut self, what: &str) -> Result<String, Expected> {
        let rest = self.rest();
        if !rest.starts_with('"') {
            return self.bare(what).map(ToOwned::to_owned);
        }
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        match values.next() {
            Some(Ok(text)) => {
                self.at += values.byte_offset();
                Ok(text)
            }
            _ => Err(format!("{what} should stand here in quotes")),
        }
    }

    fn version(&mut self) -> Result<u32, Expected> {
        let start = self.rest().len();
        let word = self.bare("a version")?;
        let digits = word.strip_prefix('v').filter(|digits| !digits.starts_with(['0', '+']));
        digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| {
            self.at = self.line.len() - start;
            "a version such as `v1` should stand here".to_owned()
        })
    }

    fn hash(&mut self) -> Result<String, Expected> {
        let start = self.rest().len();
        let word = self.bare("a hash")?;
        let is_hash = word.len() == 16 && word.bytes().all(|b| b.is_ascii_hexdigit());
        if is_hash {
            return Ok(word.to_owned());
        }
        self.at = self.line.len() - start;
        Err("a hash of 16 digits should stand here".to_owned())
    }

    fn end(&mut self) -> Result<(), Expected> {
        match self.rest() {
            "" => Ok(()),
            _ => Err("the line should end here".to_owned()),
        }
    }
}

fn read_fact(words: &mut Words<'_>) -> Result<(Key, Fact), Expected> {
    let aggregate = words.bare("an aggregate")?.to_owned();
    let kind_at = words.rest().len();
    let kind = words.bare("what the line is about")?;
    let event = "the name of an event";
    let (item, fact) = match kind {
        "partitionKey" => (Item::Partition, Fact::new(words.name("a name")?, "")),
        "retention" => (Item::Retention, Fact::new(words.rest(), "")),
        "state" => (Item::State, Fact::new(words.hash()?, words.rest())),
        "event" => return read_version(words, aggregate),
        "upcast" => {
            let (event, version) = (words.name(event)?, words.version()?);
            (Item::Upcast { event, version }, Fact::new(words.hash()?, words.rest()))
        }
        "apply" => {
            let event = words.name(event)?;
            (Item::Apply { event }, Fact::new(words.hash()?, words.rest()))
        }
        "occurredAt" => {
            let item = Item::Time { event: words.name(event)? };
            (item, Fact::new(words.name("a field")?, ""))
        }
        "retired" => (Item::Retired { event: words.name(event)? }, Fact::new("", "")),
        "unique" => {
            let item = Item::Unique { event: words.name(event)?, field: words.name("a field")? };
            (item, Fact::new(words.rest(), ""))
        }
        "invariant" => {
            let (meaning, refusal) = (words.hash()?, words.name("a refusal")?);
            (Item::Rule { refusal, text: words.rest().to_owned() }, Fact::new(meaning, ""))
        }
        "projection" => {
            let name = words.name("a projection")?;
            (Item::Projection { name }, Fact::new(words.hash()?, ""))
        }
        "reserved" => {
            let event = (!words.rest().is_empty()).then(|| words.name(event)).transpose()?;
            (Item::Reserved { event }, Fact::new("", ""))
        }
        "accepted" => {
            let (code, subject) = (words.name("a code")?, words.name("what was changed")?);
            let item = Item::Accepted { code, subject, was: words.name("what it was")? };
            (item, Fact::new(words.name("the reason")?, ""))
        }
        _ => {
            words.at = words.line.len() - kind_at;
            return Err("not known to this compiler".to_owned());
        }
    };
    // What takes the rest of its line has nothing behind it.
    let takes_rest = matches!(
        item,
        Item::Retention
            | Item::State
            | Item::Upcast { .. }
            | Item::Apply { .. }
            | Item::Unique { .. }
            | Item::Rule { .. }
    );
    if !takes_rest {
        words.end()?;
    }
    Ok((Key { aggregate, item }, fact))
}

fn read_version(words: &mut Words<'_>, aggregate: String) -> Result<(Key, Fact), Expected> {
    let (event, version) = (words.name("the name of an event")?, words.version()?);
    let at = words.rest().len();
    let written = words.hash()?;
    let shape = words.rest().to_owned();
    let key = Key { aggregate, item: Item::Version { event, version } };
    if written != version_hash(&key, &shape) {
        words.at = words.line.len() - at;
        return Err("this hash is not that of the line: it was changed after it was written".into());
    }
    Ok((key, Fact::new(shape, "")))
}

fn line(key: &Key, fact: &Fact) -> String {
    let (of, value, text) = (&key.aggregate, &fact.value, &fact.text);
    let line = match &key.item {
        Item::Partition => format!("{of} partitionKey {}", name(value)),
        Item::Retention => format!("{of} retention {value}"),
        Item::State => format!("{of} state {value} {text}"),
        Item::Version { event, version } => {
            let hash = version_hash(key, value);
            format!("{of} event {} v{version} {hash} {value}", name(event))
        }
        Item::Upcast { event, version } => {
            format!("{of} upcast {} v{version} {value} {text}", name(event))
        }
        Item::Apply { event } => format!("{of} apply {} {value} {text}", name(event)),
        Item::Time { event } => format!("{of} occurredAt {} {}", name(event), name(value)),
        Item::Retired { event } => format!("{of} retired {}", name(event)),
        Item::Unique { event, field } => {
            format!("{of} unique {} {} {value}", name(event), name(field))
        }
        Item::Rule { refusal, text } => format!("{of} invariant {value} {} {text}", name(refusal)),
        Item::Projection { name: of_it } => format!("{of} projection {} {value}", name(of_it)),
        Item::Reserved { event: Some(event) } => format!("{of} reserved {}", name(event)),
        Item::Reserved { event: None } => format!("{of} reserved"),
        Item::Accepted { code, subject, was } => {
            let reason = quoted(&one_line(value));
            format!("{of} accepted {code} {} {} {reason}", quoted(subject), quoted(was))
        }
    };
    line.trim_end().to_owned()
}

/// A name as it stands in a line: quoted where it could be taken for something else.
fn name(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    match !name.is_empty() && name.chars().all(is_plain) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A checksum of what the line says.
fn version_hash(key: &Key, shape: &str) -> String {
    let mut sum = Checksum::default();
    // A checksum takes every byte.
    let _ = write!(sum, "{key} {shape}");
    hash(sum.0)
}
