//! A compiled piece of an expression: its tokens, who owns the value, and how tightly it binds.

use proc_macro2::TokenStream;
use quote::quote;

/// Who owns the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A value that is copied.
    Copy,
    /// A value that nobody else has.
    Owned,
    /// A place that holds a value that can't be copied.
    Place,
    /// A reference to such a value.
    Reference,
    /// `&str`
    Text,
    /// `Option<&str>`
    OptionalText,
    /// `Option<&T>`
    OptionalReference,
    /// The items of a list as an array: `[a, b]`
    Items,
    /// A local that holds such an array.
    Array,
}

/// How tightly an expression binds, the loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// A record literal, which can't stand where a block may follow.
    Struct,
    /// `if`, `match` or a block.
    Block,
    /// `a || b`
    Or,
    /// `a && b`
    And,
    /// `a == b`
    Compare,
    /// `!a`, `-1`
    Unary,
    /// A number, which has no methods before its type is known.
    Literal,
    /// Anything that a method can be called on.
    Atom,
}

/// A compiled piece.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) tokens: TokenStream,
    pub(crate) kind: Kind,
    pub(crate) level: Level,
}

impl Code {
    /// A value of its own.
    pub(crate) fn value(tokens: TokenStream, copy: bool) -> Self {
        Self { tokens, kind: if copy { Kind::Copy } else { Kind::Owned }, level: Level::Atom }
    }

    /// A place that holds a value.
    pub(crate) fn place(tokens: TokenStream, copy: bool) -> Self {
        Self { tokens, kind: if copy { Kind::Copy } else { Kind::Place }, level: Level::Atom }
    }

    /// A `&str`.
    pub(crate) fn text(tokens: TokenStream) -> Self {
        Self { tokens, kind: Kind::Text, level: Level::Atom }
    }

    /// An `Option<&str>`.
    pub(crate) fn optional_text(tokens: TokenStream) -> Self {
        Self { tokens, kind: Kind::OptionalText, level: Level::Atom }
    }

    /// An `Option<&T>`.
    pub(crate) fn optional_reference(tokens: TokenStream) -> Self {
        Self { tokens, kind: Kind::OptionalReference, level: Level::Atom }
    }

    /// The same at another level.
    pub(crate) fn at(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// The value, cloned where somebody else has it.
    pub(crate) fn own(self) -> TokenStream {
        let tokens = &self.tokens;
        match self.kind {
            Kind::Copy | Kind::Owned => self.tokens,
            Kind::Place | Kind::Reference => quote!(#tokens.clone()),
            Kind::Text => quote!(#tokens.to_owned()),
            Kind::OptionalText => quote!(#tokens.map(str::to_owned)),
            Kind::OptionalReference => quote!(#tokens.cloned()),
            Kind::Items => quote!(vec!#tokens),
            Kind::Array => quote!(#tokens.to_vec()),
        }
    }

    /// A list as a value of its own, where an array is not enough.
    pub(crate) fn into_list(self) -> Self {
        match self.kind {
            Kind::Items | Kind::Array => Self::value(self.own(), false),
            _ => self,
        }
    }

    /// A reference to a list, or to an array where that is a slice, too.
    pub(crate) fn slice(self) -> TokenStream {
        match self.kind {
            Kind::Items | Kind::Array => {
                let tokens = self.tokens;
                quote!(&#tokens)
            }
            _ => self.borrow(),
        }
    }

    /// The value, for a method that takes it.
    pub(crate) fn owned_operand(self) -> TokenStream {
        let level = self.level;
        Self::value(self.own(), false).at(level).operand(Level::Atom)
    }

    /// A reference to the value.
    pub(crate) fn borrow(self) -> TokenStream {
        match self.kind {
            Kind::Reference | Kind::Text => self.tokens,
            Kind::OptionalReference | Kind::OptionalText | Kind::Items | Kind::Array => {
                let owned = self.own();
                quote!(&#owned)
            }
            Kind::Copy | Kind::Owned | Kind::Place => {
                let tokens = self.operand(Level::Unary);
                quote!(&#tokens)
            }
        }
    }

    /// Text as `&str`.
    pub(crate) fn into_str(self) -> TokenStream {
        match self.kind {
            Kind::Text => self.tokens,
            _ => {
                let tokens = self.operand(Level::Atom);
                quote!(#tokens.as_str())
            }
        }
    }

    /// The tokens as an operand of something that binds as tightly as `level`.
    pub(crate) fn operand(self, level: Level) -> TokenStream {
        let tokens = self.tokens;
        match self.level {
            Level::Literal if level == Level::Atom => {
                let literal = format!("{tokens}_i64");
                literal.parse().unwrap_or(tokens)
            }
            own if own >= level => tokens,
            _ => quote!((#tokens)),
        }
    }
}

/// Two values that can't be copied, so that they can stand around a `==`.
pub(crate) fn comparable(a: Code, b: Code) -> (TokenStream, TokenStream) {
    let both_references = a.kind == Kind::Reference && b.kind == Kind::Reference;
    let text = a.kind == Kind::Text || b.kind == Kind::Text;
    let side = |code: Code| match code.kind {
        Kind::Reference if !both_references && !text => {
            let tokens = code.tokens;
            quote!(*#tokens)
        }
        _ => code.operand(Level::Unary),
    };
    (side(a), side(b))
}
