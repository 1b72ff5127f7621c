//! `if`, `match` and `let`, with the names that they bind.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Code, Compiler, Kind, Level, inner_type};
use crate::emit::names::{local_ident, type_ident};
use crate::model::{Arm, Expression, ExpressionKind, Pattern, Type};

impl Compiler<'_> {
    /// Statements that leave the function with `leave` where the condition holds.
    pub(crate) fn leave_if(&self, expression: &Expression, leave: &TokenStream) -> TokenStream {
        let code = self.compile(expression);
        if code.level > Level::Block {
            let condition = code.tokens;
            return quote!(if #condition { #leave });
        }
        let condition = code.tokens;
        quote! {
            let rejected = #condition;
            if rejected { #leave }
        }
    }

    /// A condition, for an `if`.
    pub(crate) fn condition(&self, expression: &Expression) -> TokenStream {
        self.compile(expression).operand(Level::Block)
    }

    pub(super) fn match_arms(&self, subject: &Expression, arms: &[Arm], copy: bool) -> Code {
        let code = self.compile(subject);
        let (subject_tokens, local) = match code.kind {
            Kind::Place => (code.borrow(), Kind::Reference),
            Kind::Reference => (code.tokens, Kind::Reference),
            Kind::Owned | Kind::Items | Kind::Array => {
                (code.into_list().operand(Level::Block), Kind::Place)
            }
            Kind::Copy => (code.operand(Level::Block), Kind::Copy),
            Kind::OptionalReference => (code.tokens, Kind::Reference),
            Kind::OptionalText => (code.tokens, Kind::Text),
            Kind::Text => (code.tokens, Kind::Text),
        };
        // Where the optional is copied, so is what it holds; a reference to one of text is text.
        let arms = arms.iter().map(|arm| {
            let patterns = arm.patterns.iter().map(|it| self.pattern(it, &subject.result, local));
            let patterns = patterns.collect::<Vec<_>>();
            let body = self.value(&arm.body);
            quote!(#(#patterns)|* => #body)
        });
        let arms = arms.collect::<Vec<_>>();
        Code::value(quote!(match #subject_tokens { #(#arms,)* }), copy).at(Level::Block)
    }

    pub(super) fn pattern(&self, pattern: &Pattern, subject: &Type, local: Kind) -> TokenStream {
        match pattern {
            Pattern::Variant(name) => {
                let (of, variant) = (self.enum_ident(subject), type_ident(name));
                quote!(#of::#variant)
            }
            Pattern::SomeVariant(name) => {
                let (of, variant) = (self.enum_ident(inner_type(subject)), type_ident(name));
                quote!(Some(#of::#variant))
            }
            Pattern::Some(name) => {
                self.bind(name, local);
                let ident = local_ident(name);
                quote!(Some(#ident))
            }
            Pattern::SomeAny => quote!(Some(_)),
            Pattern::None => quote!(None),
            Pattern::Any => quote!(_),
        }
    }

    /// `let name = value;`
    pub(crate) fn binding(&self, name: &str, value: &Expression) -> TokenStream {
        let code = self.compile(value);
        let ident = local_ident(name);
        let (kind, value) = match (code.kind, &value.kind) {
            (Kind::Place, _) => (Kind::Reference, code.borrow()),
            (Kind::Reference, _) | (Kind::Text, ExpressionKind::String(_)) => {
                (code.kind, code.tokens)
            }
            (Kind::Copy | Kind::OptionalReference, _) => (code.kind, code.tokens),
            (Kind::Items, _) => (Kind::Array, code.tokens),
            _ => (Kind::Place, code.own()),
        };
        self.bind(name, kind);
        quote!(let #ident = #value;)
    }
}
