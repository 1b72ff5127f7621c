//! Text with values between: `format!` and its arguments.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Code, Compiler, Level};
use crate::emit::names::local_ident;
use crate::emit::types::is_copy;
use crate::model::{Expression, ExpressionKind, Piece, Type};

impl Compiler<'_> {
    pub(super) fn format(&self, pieces: &[Piece]) -> Code {
        if let [Piece::Value(value)] = pieces {
            return self.shown_alone(value);
        }
        let mut text = String::new();
        let mut values = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(plain) => text.push_str(&plain.replace('{', "{{").replace('}', "}}")),
                Piece::Value(value) => match self.inlined(value) {
                    Some(name) => text.push_str(&format!("{{{name}}}")),
                    None => {
                        text.push_str("{}");
                        values.push(self.shown(value));
                    }
                },
            }
        }
        if values.is_empty() && !text.contains('{') && !text.contains('}') {
            return Code::text(quote!(#text));
        }
        Code::value(quote!(format!(#text #(, #values)*)), false)
    }

    /// A local that can stand in the format string itself.
    pub(super) fn inlined(&self, value: &Expression) -> Option<String> {
        let ExpressionKind::Local(name) = &value.kind else { return None };
        let plain = !matches!(value.result, Type::Decimal(_) | Type::Optional(_));
        let ident = local_ident(name).to_string();
        (plain && !ident.starts_with("r#")).then_some(ident)
    }

    pub(super) fn shown_alone(&self, value: &Expression) -> Code {
        match value.result {
            Type::String => self.compile(value),
            _ => {
                let shown = self.shown(value);
                Code::value(quote!(#shown.to_string()), false)
            }
        }
    }

    /// A value as an argument of `format!`, at the level of an atom.
    pub(super) fn shown(&self, value: &Expression) -> TokenStream {
        let code = self.compile(value);
        match &value.result {
            Type::Decimal(_) => {
                let value = code.operand(Level::Atom);
                quote!(#value.normalize())
            }
            Type::Optional(inner) if **inner == Type::String => {
                let value = self.option_ref(value, code);
                quote!(__or_none(#value))
            }
            Type::Optional(inner) => {
                let value = if is_copy(inner) {
                    code.operand(Level::Atom)
                } else {
                    self.option_ref(value, code)
                };
                match **inner {
                    Type::Decimal(_) => quote!(__or_none(#value.map(|value| value.normalize()))),
                    _ => quote!(__or_none(#value)),
                }
            }
            _ => code.operand(Level::Atom),
        }
    }
}
