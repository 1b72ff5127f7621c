//! Values with a type of their own, and the plain values in them.

use quote::quote;

use super::{Code, Compiler, Kind, Level};
use crate::emit::types::is_copy;
use crate::model::{Expression, Type, TypeDefinition};

impl Compiler<'_> {
    /// The value in one with a type of its own, of an optional where there is one.
    pub(super) fn plain_value(&self, inner: &Expression) -> Code {
        let code = self.compile(inner);
        let copy = is_copy(&inner.result);
        if let Type::Optional(of) = &inner.result {
            let ident = self.newtype_ident(of);
            return match code.kind {
                _ if copy => {
                    let code = code.operand(Level::Atom);
                    Code::value(quote!(#code.map(#ident::get)), true)
                }
                Kind::OptionalReference => {
                    let code = code.tokens;
                    Code::optional_text(quote!(#code.map(#ident::as_str)))
                }
                Kind::Owned => {
                    let code = code.operand(Level::Atom);
                    Code::value(quote!(#code.map(#ident::into_string)), false)
                }
                _ => {
                    let code = code.operand(Level::Atom);
                    Code::optional_text(quote!(#code.as_ref().map(#ident::as_str)))
                }
            };
        }
        let owned = code.kind == Kind::Owned;
        let code = code.operand(Level::Atom);
        match (copy, owned) {
            (true, _) => Code::value(quote!(#code.get()), true),
            (false, true) => Code::value(quote!(#code.into_string()), false),
            (false, false) => Code::text(quote!(#code.as_str())),
        }
    }

    /// A plain value as one with a type of its own; what is recorded is checked where it is appended.
    pub(super) fn wrapped(&self, inner: &Expression, result: &Type) -> Code {
        let copy = is_copy(result);
        let of = super::inner_type(result);
        let (ident, checked) = (self.newtype_ident(of), self.is_checked_newtype(of));
        let function = if checked { quote!(recorded) } else { quote!(new) };
        if let Type::Optional(_) = result {
            let value = self.compile(inner).owned_operand();
            return Code::value(quote!(#value.map(#ident::#function)), copy);
        }
        if self.in_example && checked {
            let value = self.compared(inner);
            return Code::value(quote!(#ident::new(#value)?), copy);
        }
        let value = self.value(inner);
        Code::value(quote!(#ident::#function(#value)), copy)
    }

    fn newtype_ident(&self, of: &Type) -> proc_macro2::Ident {
        match of {
            Type::Newtype(name, _) => self.types.named(name),
            other => unreachable!("{other:?} is no type of its own"),
        }
    }

    fn is_checked_newtype(&self, of: &Type) -> bool {
        let Type::Newtype(name, _) = of else { return false };
        match self.types.get(name) {
            Some(TypeDefinition::Newtype(found)) => found.is_checked(),
            _ => false,
        }
    }
}
