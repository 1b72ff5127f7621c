//! Derived values: a method of the state each.

use proc_macro2::TokenStream;
use quote::quote;

use super::expression::{Code, Compiler, Kind, handed, without_question};
use super::layout::{self, Part};
use super::names::{field_ident, local_ident};
use super::types::Types;
use super::view::View;
use crate::model::{Derived, Field, Scope};

/// The block of methods; none where nothing is derived.
pub(crate) fn methods(view: &View<'_>) -> Option<Part> {
    let derived = &view.aggregate.derived;
    if derived.is_empty() {
        return None;
    }
    let ident = &view.state;
    let methods = derived.iter().map(|derived| vec![method(view, derived)]).collect();
    Some(layout::block(&quote!(impl #ident), methods))
}

fn method(view: &View<'_>, derived: &Derived) -> TokenStream {
    let (value, can_fail) = compiled(&view.types, derived);
    let ident = field_ident(&derived.name);
    let parameters = derived.input.iter().map(|field| parameter(&view.types, field));
    let config = derived.value.reads_scope(Scope::Config).then(|| {
        let of = view.types.config();
        quote!(config: &#of)
    });
    let parameters = parameters.chain(config);
    let of = view.types.rust(&derived.value.result);
    let docs = layout::doc(&docs(derived, can_fail));
    if !can_fail {
        let value = value.own();
        return quote! {
            #docs
            pub fn #ident(&self #(, #parameters)*) -> #of { #value }
        };
    }
    let value = match without_question(&value) {
        Some(result) => result,
        None => {
            let value = value.own();
            quote!(Ok(#value))
        }
    };
    quote! {
        #docs
        pub fn #ident(&self #(, #parameters)*) -> Result<#of, __EvalError> { #value }
    }
}

fn docs(derived: &Derived, can_fail: bool) -> String {
    let mut text = match &derived.description {
        Some(description) => format!("{}\n\n", layout::prose(description)),
        None => String::new(),
    };
    text.push_str(&layout::code(&derived.text));
    if can_fail {
        text.push_str("\n\n# Errors\nWhere a number on the way leaves the range of its type.");
    }
    text
}

/// Whether the method gives a `Result`.
pub(crate) fn can_fail(types: &Types<'_>, derived: &Derived) -> bool {
    compiled(types, derived).1
}

fn compiled(types: &Types<'_>, derived: &Derived) -> (Code, bool) {
    let scopes = [(Scope::State, quote!(self)), (Scope::Config, quote!(config))];
    let compiler = Compiler::new(types, scopes);
    for field in &derived.input {
        compiler.bind(&field.name, handed(&field.field_type));
    }
    compiler.compile_noting(&derived.value)
}

fn parameter(types: &Types<'_>, field: &Field) -> TokenStream {
    let (name, of) = (local_ident(&field.name), types.rust(&field.field_type));
    match handed(&field.field_type) {
        Kind::Text => quote!(#name: &str),
        Kind::Reference => quote!(#name: &#of),
        _ => quote!(#name: #of),
    }
}
