//! Events that concern several rows: `forEach` and `match`.

use proc_macro2::TokenStream;
use quote::quote;

use super::commands::each;
use super::conditions::Asked;
use super::expression::{Compiler, Kind};
use super::layout::{self, Part};
use super::mentions;
use super::names::{function_ident, type_ident};
use super::projections::ReadModel;
use super::row_key;
use super::rows::Folder;
use crate::model::{RowRule, Scope};

/// `Projection::visit`; none where every event has one row.
pub(crate) fn dispatch(model: &ReadModel<'_>) -> Option<TokenStream> {
    if !model.projection.has_several_rows() {
        return None;
    }
    let events = &model.view.events;
    let several = model.projection.source.iter().filter(|it| model.projection.visits_several(it));
    let arms = several.map(|event| {
        let (variant, body) = (type_ident(event), body(model, event));
        let function = visit_ident(model, event);
        let event = mentions(&body, "event").then(|| quote!(event,));
        let meta = mentions(&body, "meta").then(|| quote!(meta,));
        let pattern = if event.is_some() { quote!(event) } else { quote!(_) };
        quote!(#events::#variant(#pattern) => #function(#event #meta rows),)
    });
    let arms: Vec<TokenStream> = arms.collect();
    let all = arms.len() == model.view.aggregate.events.len();
    let rest = (!all).then(|| quote!(_ => __visit_one::<Self>(event, meta, rows),));
    let body = quote!(match event { #(#arms)* #rest });
    let meta = if mentions(&body, "meta") { quote!(meta) } else { quote!(_meta) };
    Some(quote! {
        fn visit(
            event: &#events,
            #meta: &__Metadata,
            rows: &mut dyn __Rows<Self>,
        ) -> Result<(), __ProjectionError> {
            #body
        }
    })
}

fn visit_ident(model: &ReadModel<'_>, event: &str) -> proc_macro2::Ident {
    function_ident("visit", &format!("{}_{event}", model.projection.name))
}

/// The function of an event.
pub(super) fn function(model: &ReadModel<'_>, event: &str) -> Part {
    let (body, of, marker) = (body(model, event), type_ident(event), &model.ident);
    let function = visit_ident(model, event);
    let event = mentions(&body, "event").then(|| quote!(event: &#of,));
    let meta = mentions(&body, "meta").then(|| quote!(meta: &__Metadata,));
    layout::item(quote! {
        fn #function(
            #event #meta rows: &mut dyn __Rows<#marker>,
        ) -> Result<(), __ProjectionError> {
            #body
        }
    })
}

fn body(model: &ReadModel<'_>, event: &str) -> TokenStream {
    let rules = model.rules_of(event);
    let mut statements = Vec::new();
    for rule in rules {
        let visit = visit(model, rule);
        let Some(when) = &rule.when else {
            statements.push(quote!(#visit Ok(())));
            return quote!(#(#statements)*);
        };
        let condition = compiler(model).condition(when);
        statements.push(quote!(if #condition { #visit return Ok(()); }));
    }
    quote!(#(#statements)* Ok(()))
}

fn compiler<'m>(model: &'m ReadModel<'_>) -> Compiler<'m> {
    let scopes = [(Scope::Event, quote!(event)), (Scope::Row, quote!(row))];
    Compiler::new(&model.view.types, scopes)
}

/// The rows of one case.
fn visit(model: &ReadModel<'_>, rule: &RowRule) -> TokenStream {
    let Some((name, list)) = &rule.for_each else { return rows(model, rule, None) };
    let (pattern, list, kind) = each(&compiler(model), name, list, true);
    let rows = rows(model, rule, Some((name, kind)));
    quote!(for #pattern in #list { #rows })
}

/// The row of the key, or those that match.
fn rows(model: &ReadModel<'_>, rule: &RowRule, element: Option<(&str, Kind)>) -> TokenStream {
    let fold = Folder { model, rule, element }.body().0;
    let compiler = compiler(model);
    if let Some((name, kind)) = element {
        compiler.bind(name, kind);
    }
    let Some(matching) = &rule.matching else {
        let key = row_key::literal(model, &compiler, rule.own_or(&model.projection.key));
        return quote!(rows.at(#key, &|row| { #fold })?;);
    };
    let asked = Asked { compiler: &compiler }.condition(&matching.asked);
    let holds = compiler.condition(&matching.meaning);
    quote!(rows.matching(&|| #asked, &|row| Ok(#holds), &|row| { #fold })?;)
}
