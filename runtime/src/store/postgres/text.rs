//! Texts as PostgreSQL can hold them. Its texts have no character NUL; ours are any.
//!
//! NUL becomes two characters U+0001, and U+0001 itself U+0001 and U+0002. So every text stays another one, texts sort
//! as before, and whoever looks at the tables sees all others as they are.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

/// Bytes up to which a text stands in an index as it is. PostgreSQL takes no more than about 2,700 bytes of a row.
const INDEXED: usize = 1_000;
/// How many characters of a longer one are kept for people to see.
const SHOWN: usize = 100;

/// A text as it is stored.
pub(crate) fn stored(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte <= 1) {
        return Cow::Borrowed(text);
    }
    let mut stored = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\0' => stored.push_str("\u{1}\u{1}"),
            '\u{1}' => stored.push_str("\u{1}\u{2}"),
            other => stored.push(other),
        }
    }
    Cow::Owned(stored)
}

/// A text from how it is stored.
pub(crate) fn read(stored: &str) -> Cow<'_, str> {
    if !stored.bytes().any(|byte| byte == 1) {
        return Cow::Borrowed(stored);
    }
    let mut text = String::with_capacity(stored.len());
    let mut characters = stored.chars();
    while let Some(character) = characters.next() {
        match character {
            '\u{1}' => text.push(if characters.next() == Some('\u{1}') { '\0' } else { '\u{1}' }),
            other => text.push(other),
        }
    }
    Cow::Owned(text)
}

/// A text that is looked up by an index and not read back: of a long one its beginning and its hash, in a form that
/// no other text has.
pub(super) fn looked_up(text: &str) -> Cow<'_, str> {
    let stored = stored(text);
    if stored.len() <= INDEXED {
        return stored;
    }
    let mut short: String = stored.chars().take(SHOWN).collect();
    // Before what follows, it would be something else.
    short.truncate(short.trim_end_matches('\u{1}').len());
    short.push_str("\u{1}\u{3}");
    for byte in Sha256::digest(text) {
        short.push_str(&format!("{byte:02x}"));
    }
    Cow::Owned(short)
}

/// The whole of a text of which [`looked_up`] keeps a part.
pub(super) fn whole(text: &str) -> Option<Cow<'_, str>> {
    Some(stored(text)).filter(|stored| stored.len() > INDEXED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_comes_back_and_sorts_as_it_did() {
        let texts = [
            "",
            "\0",
            "\0\0",
            "\0\u{1}",
            "\0a",
            "\u{1}",
            "\u{1}\0",
            "\u{1}\u{1}",
            "\u{2}",
            "a",
            "a\0",
            "a\0b",
            "a\u{1}",
            "ab",
            "ä\0",
        ];
        for text in texts {
            assert_eq!(read(&stored(text)), text);
            assert!(!stored(text).contains('\0'));
        }
        for (one, other) in texts.iter().zip(&texts[1..]) {
            assert!(one < other && stored(one) < stored(other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn long_texts_are_told_apart() {
        let long = "x".repeat(3_000);
        let (one, other) = (format!("{long}1"), format!("{long}2"));
        assert_ne!(looked_up(&one), looked_up(&other));
        assert!(looked_up(&one).len() < 300);
        assert_ne!(
            looked_up(&looked_up(&one)),
            looked_up(&one),
            "a text of that form is another one"
        );
        let odd = "\0".repeat(600);
        assert!(looked_up(&odd).len() < 300);
    }
}
