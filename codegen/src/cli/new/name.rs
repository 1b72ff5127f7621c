//! The name of a new package: one that cargo, rustc and the ontology's module can live with.

use std::path::Path;

use crate::cli::failure::Failure;
use crate::naming;

/// A name that can be given.
#[derive(Debug)]
pub(super) struct PackageName {
    /// As the manifest has it.
    pub(super) package: String,
    /// As code names the library.
    pub(super) library: String,
}

/// The longest name: with a longer one, rustfmt would put the lines of `main.rs` otherwise.
const MAX_LENGTH: usize = 56;

/// Crates that a package of their name would hide, or that cargo refuses.
const TAKEN: &[&str] = &[
    "alloc",
    "build",
    "core",
    "deps",
    "examples",
    "incremental",
    "proc_macro",
    "std",
    "test",
    "eventloom_codegen",
    "eventloom_runtime",
    "tokio",
];

/// The last part of a path as the name of a package.
pub(super) fn package_name(path: &Path) -> Result<PackageName, Failure> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let library = name.replace('-', "_");
    match fault(name, &library) {
        None => Ok(PackageName { package: name.to_owned(), library }),
        Some(fault) => Err(Failure::usage(
            format!("`{}` can't be the name of a package: {fault}", path.display()),
            "choose another, for example `shop` or `web-shop`",
        )),
    }
}

fn fault(name: &str, library: &str) -> Option<String> {
    let stranger = name.chars().find(|c| !c.is_ascii_alphanumeric() && !"-_".contains(*c));
    if name.is_empty() {
        return Some("there is none".to_owned());
    }
    if let Some(stranger) = stranger {
        return Some(format!("`{stranger}` is no letter from a to z, digit, `-` or `_`"));
    }
    if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Some("it does not start with a letter".to_owned());
    }
    if name.len() > MAX_LENGTH {
        return Some(format!("it is longer than {MAX_LENGTH} characters"));
    }
    if TAKEN.contains(&library) {
        return Some("another crate has it".to_owned());
    }
    naming::is_keyword(library).then(|| "it is a keyword of Rust's".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_cargo_or_rust_would_refuse_are_refused() {
        for wrong in [
            "",
            "..",
            "/",
            "a b",
            "shöp",
            "店",
            "1shop",
            "-shop",
            "_shop",
            "fn",
            "gen",
            "Self",
            "self",
            "crate",
            "test",
            "tokio",
            "eventloom-runtime",
            "shop.rs",
            "a\u{1b}b",
        ] {
            assert!(package_name(Path::new(wrong)).is_err(), "{wrong}");
        }
        assert!(package_name(Path::new(&"a".repeat(57))).is_err());
    }

    #[test]
    fn others_are_taken() {
        let name = package_name(Path::new("../web-shop/")).expect("a name");
        assert_eq!((name.package.as_str(), name.library.as_str()), ("web-shop", "web_shop"));
        for right in ["shop", "order", "Shop2", "eventloom", &"a".repeat(56)] {
            assert!(package_name(Path::new(right)).is_ok(), "{right}");
        }
    }
}
