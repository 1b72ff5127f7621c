//! Errors: one enum of every reason for which a command of the aggregate can be refused.

use proc_macro2::TokenStream;
use quote::quote;

use super::layout::{self, Part};
use super::names::type_ident;
use super::view::View;
use crate::model::{Refusal, RefusalRole};

/// The section's items.
pub(crate) fn emit(view: &View<'_>) -> Vec<Part> {
    let error = &view.error;
    let overflow =
        runtime_refusal(view, &RefusalRole::ArithmeticOverflow, &quote!(error.to_string()));
    vec![
        Part::Section("Errors"),
        enumeration(view),
        refusal(view),
        layout::block(
            &quote!(impl From<__EvalError> for #error),
            vec![vec![quote!(fn from(error: __EvalError) -> Self { #overflow })]],
        ),
        layout::block(
            &quote!(impl __fmt::Display for #error),
            vec![vec![quote! {
                fn fmt(&self, f: &mut __fmt::Formatter<'_>) -> __fmt::Result {
                    f.write_str(self.message())
                }
            }]],
        ),
        layout::item(quote!(impl __Error for #error {})),
    ]
}

fn enumeration(view: &View<'_>) -> Part {
    let error = &view.error;
    let docs = layout::doc(&format!("Why a command of {} is refused.", layout::link(&view.ident)));
    let variants = view.aggregate.refusals.iter().map(|refusal| {
        let docs = layout::doc(&layout::prose(&refusal.description));
        let variant = type_ident(&refusal.name);
        quote! {
            #docs
            #variant {
                /// Why, in words.
                message: String,
            }
        }
    });
    layout::item(quote! {
        #docs
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum #error { #(#variants,)* }
    })
}

fn refusal(view: &View<'_>) -> Part {
    let error = &view.error;
    let refusals = &view.aggregate.refusals;
    let names: Vec<&String> = refusals.iter().map(|refusal| &refusal.name).collect();
    let variants: Vec<_> = refusals.iter().map(|refusal| type_ident(&refusal.name)).collect();
    let message = quote!(message);
    let exists = runtime_refusal(view, &RefusalRole::AlreadyExists, &message);
    let not_found = runtime_refusal(view, &RefusalRole::NotFound, &message);
    let out_of_order = runtime_refusal(view, &RefusalRole::OutOfOrder, &message);
    let overflow = runtime_refusal(view, &RefusalRole::ArithmeticOverflow, &message);
    layout::block(
        &quote!(impl __Refusal for #error),
        vec![
            vec![quote! {
                fn name(&self) -> &'static str {
                    match self { #(Self::#variants { .. } => #names,)* }
                }
            }],
            vec![quote! {
                fn message(&self) -> &str {
                    match self { #(Self::#variants { message })|* => message }
                }
            }],
            vec![quote! {
                fn restore(name: &str, message: String) -> Option<Self> {
                    Some(match name {
                        #(#names => Self::#variants { message },)*
                        _ => return None,
                    })
                }
            }],
            vec![quote!(fn already_exists(message: String) -> Self { #exists })],
            vec![quote!(fn not_found(message: String) -> Self { #not_found })],
            vec![duplicate_key(view)],
            vec![quote!(fn out_of_order(message: String) -> Self { #out_of_order })],
            vec![quote!(fn arithmetic_overflow(message: String) -> Self { #overflow })],
        ],
    )
}

/// The refusal that the runtime uses for a role. Where an ontology has no use for it (no command has
/// `target: new`, say), the runtime never asks; the overflow, which every aggregate has, stands in.
fn runtime_refusal(view: &View<'_>, role: &RefusalRole, message: &TokenStream) -> TokenStream {
    let of_role = |role: &RefusalRole| find(view, role);
    let refusal = of_role(role).or_else(|| of_role(&RefusalRole::ArithmeticOverflow));
    let name = refusal.map(|refusal| type_ident(&refusal.name));
    let message = super::expression::field_init("message", message);
    match name {
        Some(name) => quote!(Self::#name { #message }),
        None => unreachable!("every aggregate has a refusal for overflow"),
    }
}

fn find<'v>(view: &'v View<'_>, role: &RefusalRole) -> Option<&'v Refusal> {
    view.aggregate.refusals.iter().find(|refusal| refusal.role == *role)
}

fn duplicate_key(view: &View<'_>) -> TokenStream {
    let keys = view.aggregate.refusals.iter().filter_map(|refusal| match &refusal.role {
        RefusalRole::DuplicateKey(field) => Some((field, type_ident(&refusal.name))),
        _ => None,
    });
    let keys: Vec<_> = keys.collect();
    let (field, body) = match keys.as_slice() {
        [] => {
            let never = runtime_refusal(view, &RefusalRole::OutOfOrder, &quote!(message));
            (quote!(_field), never)
        }
        [(_, only)] => (quote!(_field), quote!(Self::#only { message })),
        [others @ .., (_, last)] => {
            let others =
                others.iter().map(|(field, name)| quote!(#field => Self::#name { message }));
            (quote!(field), quote!(match field { #(#others,)* _ => Self::#last { message } }))
        }
    };
    quote!(fn duplicate_key(#field: &str, message: String) -> Self { #body })
}
