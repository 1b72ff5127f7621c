//! From the ontology's names to Rust's: the only place where names are derived.
//!
//! A name is `[A-Za-z][A-Za-z0-9_]*`, at most 63 characters: that is an identifier in Rust, in every
//! SQL store and in JSON paths alike. [`fault`] says why another name can't be taken; `load` asks it
//! for every name that is declared, so the functions below may take valid names for granted.

/// The longest name: PostgreSQL cuts identifiers after 63 bytes without a word.
pub const MAX_LENGTH: usize = 63;

/// What a name is given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An aggregate: a type and a module.
    Aggregate,
    /// A type: event, command, projection, record, enum.
    Type,
    /// A variant of an enum, or a refusal.
    Variant,
    /// A field, column, input or local.
    Field,
}

/// Why a name can't be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is empty.
    Empty,
    /// It is longer than [`MAX_LENGTH`].
    TooLong,
    /// It does not start with a letter.
    Start(char),
    /// It holds something else than letters, digits and underscores.
    Character(char),
    /// Its Rust name is one of the few that can't be written even as a raw identifier.
    Keyword,
    /// Its Rust name is a type that generated code uses.
    Taken,
}

/// Rust keywords that have no raw form.
const UNRAWABLE: &[&str] = &["self", "Self", "super", "crate", "_"];

/// Keywords of every edition, those kept for later included: which edition includes the generated code
/// is the user's choice.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

/// Types and variants that generated code writes without a path: a user's type of that name would
/// hide them. What it only derives, or only calls methods of, can't be hidden.
pub const TAKEN_TYPES: &[&str] =
    &["Default", "Err", "From", "None", "Ok", "Option", "Result", "Self", "Some", "String", "Vec"];

/// Why this name can't be given to this kind of thing; none where it can.
#[must_use]
pub fn fault(name: &str, kind: Kind) -> Option<Fault> {
    let first = name.chars().next();
    if let Some(fault) = first.map_or(Some(Fault::Empty), |first| character_fault(name, first)) {
        return Some(fault);
    }
    if name.len() > MAX_LENGTH {
        return Some(Fault::TooLong);
    }
    let names_a_type = matches!(kind, Kind::Aggregate | Kind::Type);
    if names_a_type && TAKEN_TYPES.contains(&pascal(name).as_str()) {
        return Some(Fault::Taken);
    }
    let rust = match kind {
        Kind::Aggregate | Kind::Field => snake(name),
        Kind::Type | Kind::Variant => pascal(name),
    };
    UNRAWABLE.contains(&rust.as_str()).then_some(Fault::Keyword)
}

fn character_fault(name: &str, first: char) -> Option<Fault> {
    let stranger = name.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '_');
    match stranger {
        Some(stranger) if stranger != first => Some(Fault::Character(stranger)),
        _ => (!first.is_ascii_alphabetic()).then_some(Fault::Start(first)),
    }
}

/// Whether a word is one of Rust's own.
#[cfg(feature = "cli")]
pub(crate) fn is_keyword(word: &str) -> bool {
    UNRAWABLE.contains(&word) || KEYWORDS.contains(&word)
}

/// Whether two names that are not equal would meet in Rust or SQL, where `accountId`, `account_id`
/// and `AccountID` are one.
#[must_use]
pub fn collapse(a: &str, b: &str) -> bool {
    a != b && collision_key(a) == collision_key(b)
}

/// What two names share exactly if they [`collapse`] or are equal: for finding pairs among many.
#[must_use]
pub fn collision_key(name: &str) -> String {
    name.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect()
}

/// `accountId` → `account_id`
#[must_use]
pub fn snake(name: &str) -> String {
    words(name).join("_")
}

/// `account_opened` → `AccountOpened`
#[must_use]
pub fn pascal(name: &str) -> String {
    words(name).iter().map(|word| capitalised(word)).collect()
}

/// `accountId` → `ACCOUNT_ID`
#[must_use]
pub fn screaming(name: &str) -> String {
    snake(name).to_ascii_uppercase()
}

/// The Rust name of a field, local or function, raw where it is a keyword: `type` → `r#type`.
#[must_use]
pub fn rust_field(name: &str) -> String {
    let name = snake(name);
    if KEYWORDS.contains(&name.as_str()) { format!("r#{name}") } else { name }
}

/// The Rust name of a type or variant. No PascalCase word but `Self` is a keyword, and [`fault`]
/// refuses that.
#[must_use]
pub fn rust_type(name: &str) -> String {
    pascal(name)
}

/// A Rust identifier from the result of [`rust_field`] or [`rust_type`].
#[must_use]
pub fn ident(rust_name: &str) -> proc_macro2::Ident {
    let span = proc_macro2::Span::call_site();
    match rust_name.strip_prefix("r#") {
        Some(raw) => proc_macro2::Ident::new_raw(raw, span),
        None => proc_macro2::Ident::new(rust_name, span),
    }
}

/// The words of a name in lower case: cut at underscores, before a capital that follows a small
/// letter or digit (`accountId`), and before the last capital of several (`HTTPServer`).
fn words(name: &str) -> Vec<String> {
    let characters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, c) in characters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| characters[at]);
        let starts_word = c.is_ascii_uppercase()
            && before.is_some_and(|before| {
                let next_is_small = characters.get(at + 1).is_some_and(char::is_ascii_lowercase);
                !before.is_ascii_uppercase() || next_is_small
            });
        if *c == '_' || starts_word {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| *c != '_') {
            word.push(c.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map_or(String::new(), |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_take_the_form_of_their_place() {
        for (name, snaked, pascaled) in [
            ("accountId", "account_id", "AccountId"),
            ("AccountOpened", "account_opened", "AccountOpened"),
            ("account_opened", "account_opened", "AccountOpened"),
            ("HTTPServer", "http_server", "HttpServer"),
            ("accountID", "account_id", "AccountId"),
            ("OUT_OF_STOCK", "out_of_stock", "OutOfStock"),
            ("line2Total", "line2_total", "Line2Total"),
            ("v1", "v1", "V1"),
            ("a__b_", "a_b", "AB"),
        ] {
            assert_eq!(snake(name), snaked, "{name}");
            assert_eq!(pascal(name), pascaled, "{name}");
        }
        assert_eq!(screaming("accountId"), "ACCOUNT_ID");
    }

    #[test]
    fn keywords_become_raw_identifiers() {
        for keyword in KEYWORDS {
            assert!(syn::parse_str::<syn::Ident>(keyword).is_err() || *keyword == "gen");
            assert_eq!(rust_field(keyword), format!("r#{keyword}"));
            assert_eq!(ident(&rust_field(keyword)).to_string(), format!("r#{keyword}"));
        }
        assert_eq!(rust_field("union"), "union");
        assert_eq!(rust_type("type"), "Type");
    }

    #[test]
    fn a_name_that_rust_or_sql_can_not_take_has_a_fault() {
        use Fault::{Character, Empty, Keyword, Start, Taken, TooLong};
        for (name, kind, expected) in [
            ("amount", Kind::Field, None),
            ("type", Kind::Field, None),
            ("", Kind::Field, Some(Empty)),
            ("_", Kind::Field, Some(Start('_'))),
            ("_id", Kind::Field, Some(Start('_'))),
            ("1st", Kind::Field, Some(Start('1'))),
            ("größe", Kind::Field, Some(Character('ö'))),
            ("ärger", Kind::Field, Some(Start('ä'))),
            ("account-id", Kind::Field, Some(Character('-'))),
            ("a b", Kind::Type, Some(Character(' '))),
            ("self", Kind::Field, Some(Keyword)),
            ("Self", Kind::Field, Some(Keyword)),
            ("super", Kind::Field, Some(Keyword)),
            ("crate", Kind::Field, Some(Keyword)),
            ("Crate", Kind::Variant, None),
            ("self", Kind::Variant, Some(Keyword)),
            ("Crate", Kind::Type, None),
            ("Crate", Kind::Aggregate, Some(Keyword)),
            ("Option", Kind::Type, Some(Taken)),
            ("option", Kind::Field, None),
        ] {
            assert_eq!(fault(name, kind), expected, "{name}");
        }
        assert_eq!(fault(&"a".repeat(63), Kind::Field), None);
        assert_eq!(fault(&"a".repeat(64), Kind::Field), Some(TooLong));
    }

    #[test]
    fn names_that_meet_in_rust_or_sql_collapse() {
        assert!(collapse("accountId", "account_id"));
        assert!(collapse("accountID", "accountId"));
        assert!(collapse("a1", "a_1"));
        assert!(!collapse("amount", "amounts"));
        assert!(!collapse("amount", "amount"));
    }
}
