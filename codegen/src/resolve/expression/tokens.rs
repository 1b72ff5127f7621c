//! From text to tokens, with the field names that Rust would take for keywords made raw.
//!
//! Names of fields and variants are the ontology's and may be `type` or `match`; Rust's parser takes them
//! after a dot, after two colons and before one only in their raw form.

use proc_macro2::{Ident, LexError, Spacing, TokenStream, TokenTree};

/// The tokens of an expression.
pub(super) fn tokens(text: &str) -> Result<TokenStream, LexError> {
    Ok(raw_names(text.parse()?))
}

fn raw_names(stream: TokenStream) -> TokenStream {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let name_at = |at: usize| {
        let (before, after) = (&trees[..at], &trees[at + 1..]);
        follows_dot(before) || follows_colons(before) || precedes_colon(after)
    };
    let raw = |(at, tree): (usize, &TokenTree)| match tree {
        TokenTree::Ident(ident) if name_at(at) && is_keyword(ident) => {
            TokenTree::Ident(Ident::new_raw(&ident.to_string(), ident.span()))
        }
        TokenTree::Group(group) => {
            let mut inner = proc_macro2::Group::new(group.delimiter(), raw_names(group.stream()));
            inner.set_span(group.span());
            TokenTree::Group(inner)
        }
        other => other.clone(),
    };
    trees.iter().enumerate().map(raw).collect()
}

fn follows_dot(before: &[TokenTree]) -> bool {
    let dot = |at: Option<usize>| {
        at.and_then(|at| before.get(at))
            .is_some_and(|tree| matches!(tree, TokenTree::Punct(dot) if dot.as_char() == '.'))
    };
    dot(before.len().checked_sub(1)) && !dot(before.len().checked_sub(2))
}

/// `Kind::type`
fn follows_colons(before: &[TokenTree]) -> bool {
    let [.., first, second] = before else { return false };
    let colon =
        |tree: &TokenTree| matches!(tree, TokenTree::Punct(colon) if colon.as_char() == ':');
    colon(first) && colon(second)
}

fn precedes_colon(after: &[TokenTree]) -> bool {
    matches!(after.first(), Some(TokenTree::Punct(colon))
        if colon.as_char() == ':' && colon.spacing() == Spacing::Alone)
}

/// Whether Rust takes the word for a keyword that can be written raw.
fn is_keyword(ident: &Ident) -> bool {
    let word = ident.to_string();
    let unrawable = ["self", "Self", "super", "crate", "_"].contains(&word.as_str());
    !unrawable && syn::parse_str::<Ident>(&word).is_err()
}
