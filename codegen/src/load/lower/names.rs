//! Names that are declared: each must be one that Rust and SQL can take.

use super::Lowering;
use crate::catalogue::names as codes;
use crate::diagnostic::Diagnostic;
use crate::naming::{self, Fault, Kind};
use crate::syntax::Text;

impl Lowering<'_> {
    /// Reports a name that can't be given; it stays declared, so that its uses are not blamed.
    pub(super) fn check_name(&mut self, name: &Text, kind: Kind) {
        if let Some(fault) = name_fault(name, kind) {
            self.report(fault);
        }
    }
}

/// Why a name can't be given to this kind of thing.
pub(crate) fn name_fault(name: &Text, kind: Kind) -> Option<Diagnostic> {
    naming::fault(&name.value, kind).map(|fault| refused(name, kind, fault))
}

fn refused(name: &Text, kind: Kind, fault: Fault) -> Diagnostic {
    let shown = &name.value;
    let error =
        |code, title: String, label: String| Diagnostic::error(code, title, name.span, label);
    let letters = "names are letters, digits and underscores, the first a letter (A to Z)";
    match fault {
        Fault::Empty => {
            error(&codes::NAME_EMPTY, "a name is empty".into(), "here".into()).help(letters)
        }
        Fault::Start(start) => {
            let title = format!("a name can't start with `{start}`");
            error(&codes::NAME_CHARACTERS, title, format!("`{start}` is no letter from A to Z"))
                .note("a name becomes an identifier in Rust and in SQL")
                .help(letters)
        }
        Fault::Character(character) => {
            let title = format!("`{shown}` can't be a name");
            let stranger = match character {
                ' ' => "a space".to_owned(),
                character => format!("`{character}`"),
            };
            let similar = similar(shown, kind).map(|name| format!("for example `{name}`"));
            error(&codes::NAME_CHARACTERS, title, format!("{stranger} can't stand in a name"))
                .note("a name becomes an identifier in Rust and in SQL")
                .help(similar.as_deref().unwrap_or(letters))
        }
        Fault::TooLong => {
            let title = format!("a name is longer than {} characters", naming::MAX_LENGTH);
            error(&codes::NAME_TOO_LONG, title, format!("{} characters", shown.len()))
                .note("PostgreSQL cuts longer names off without a word")
                .help("shorten it")
        }
        Fault::Keyword => {
            let title = format!("`{shown}` can't be a name in Rust");
            error(
                &codes::NAME_KEYWORD,
                title,
                format!("a keyword without a raw form{}", place(kind)),
            )
            .note("other Rust keywords may be names: they are written `r#type`")
            .help("choose another name")
        }
        Fault::Taken => {
            let rust = naming::pascal(shown);
            let title = format!("`{shown}` would hide Rust's `{rust}` in the generated code");
            error(&codes::NAME_TAKEN, title, format!("becomes `{rust}`"))
                .help("choose a longer name, one that only your domain has")
        }
    }
}

/// The name without what can't stand in one, where that is a name.
fn similar(name: &str, kind: Kind) -> Option<String> {
    let words: Vec<&str> =
        name.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric()).collect();
    let pascal = naming::pascal(&words.join("_"));
    let similar = match kind {
        Kind::Field => pascal.get(..1)?.to_ascii_lowercase() + pascal.get(1..)?,
        _ => pascal,
    };
    naming::fault(&similar, kind).is_none().then_some(similar)
}

fn place(kind: Kind) -> &'static str {
    match kind {
        Kind::Aggregate => " (an aggregate is also a module)",
        _ => "",
    }
}
