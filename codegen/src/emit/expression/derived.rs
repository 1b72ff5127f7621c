//! Derived values: methods of the state that is asked.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Code, Compiler, Kind};
use crate::emit::names::field_ident;
use crate::emit::types::is_copy;
use crate::model::{DerivedCall, Expression, Scope, Type};

/// How a parameter of this type is handed over: its kind within the method.
pub(crate) fn handed(of: &Type) -> Kind {
    match of {
        of if is_copy(of) => Kind::Copy,
        Type::String => Kind::Text,
        // Of these a reference would say more than is meant: to a `Vec`, to an `Option`.
        Type::List(_) | Type::Optional(_) => Kind::Place,
        _ => Kind::Reference,
    }
}

impl Compiler<'_> {
    /// `state.total()`, or `state.total()?` where it can fail.
    pub(super) fn derived(&self, call: &DerivedCall, copy: bool) -> Code {
        self.used.borrow_mut().insert(call.scope);
        let base = self.scopes.get(&call.scope);
        let base = base.unwrap_or_else(|| unreachable!("{:?} can't be read here", call.scope));
        let method = field_ident(&call.name);
        let input = &self.types.derived(&call.name).input;
        let arguments = input.iter().zip(&call.arguments);
        let arguments = arguments.map(|(field, given)| self.handed_over(&field.field_type, given));
        let config = call.stands_for.reads_scope(Scope::Config).then(|| self.config());
        let arguments: Vec<TokenStream> = arguments.chain(config).collect();
        let call_tokens = quote!(#base.#method(#(#arguments),*));
        if self.types.derived_can_fail(&call.name) {
            self.checked(&call_tokens, copy)
        } else {
            Code::value(call_tokens, copy)
        }
    }

    /// What the program is set to, for a method that reads it.
    fn config(&self) -> TokenStream {
        self.used.borrow_mut().insert(Scope::Config);
        let config = self.scopes.get(&Scope::Config);
        config.cloned().unwrap_or_else(|| unreachable!("`config` can't be read here"))
    }

    fn handed_over(&self, of: &Type, given: &Expression) -> TokenStream {
        match handed(of) {
            Kind::Text => self.compile(given).into_str(),
            Kind::Reference => self.compile(given).into_list().borrow(),
            _ => self.value(given),
        }
    }
}
