//! What a program may set at its start: a struct of public fields, with the ontology's defaults.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::expression::Compiler;
use super::layout::{self, Part};
use super::names::field_ident;
use super::types::{self, Types};
use crate::model::Assignment;

/// The name of the struct, in the module `types`.
pub(crate) const NAME: &str = "Config";

/// The struct and its defaults; nothing where there is no `config`.
pub(crate) fn emit(types: &Types<'_>) -> Vec<Part> {
    if types.config.is_empty() {
        return Vec::new();
    }
    let ident = format_ident!("{NAME}");
    let docs = layout::doc(
        "What a program is set to: handed to a repository as it is opened. Decisions and rules read it,\n\
         what is folded from events never.",
    );
    let derives = quote!(#[derive(Clone, Debug, PartialEq)]);
    let all = values(types, &[]);
    let mut parts = vec![
        types::structure(types, &docs, &derives, &ident, types.config),
        layout::block(
            &quote!(impl Default for #ident),
            vec![vec![quote!(fn default() -> Self { Self { #(#all,)* } })]],
        ),
    ];
    parts.extend(types.validate_config().map(|body| {
        let validate = quote! {
            /// Checks that the values are of their types.
            ///
            /// # Errors
            /// For the first one that is not.
            pub fn validate(&self) -> Result<(), __FieldError> { #body }
        };
        layout::block(&quote!(impl #ident), vec![vec![validate]])
    }));
    parts
}

/// A value of the struct as an aggregate's module writes it, with some fields set.
pub(crate) fn value(types: &Types<'_>, set: &[Assignment]) -> TokenStream {
    let (of, all) = (types.config(), values(types, set));
    quote!(#of { #(#all,)* })
}

/// Every field with its value: as set, or its default.
fn values(types: &Types<'_>, set: &[Assignment]) -> Vec<TokenStream> {
    let compiler = Compiler::new(types, []);
    let value = |field: &crate::model::Field| {
        let set = set.iter().find(|set| set.field == field.name).map(|set| &set.value);
        match set.or(field.default.as_ref()) {
            Some(value) => compiler.field_value(&field.name, value),
            None => {
                let name = field_ident(&field.name);
                quote!(#name: None)
            }
        }
    };
    types.config.iter().map(value).collect()
}
