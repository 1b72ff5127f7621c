//! The key of a row: which row an event concerns, if any.
//!
//! A row is sought by its key, so the key comes before the row. Where no rule concerns the event there is no
//! key either: one that can't be computed, or that its column refuses, must not stop an event that does
//! nothing.

use proc_macro2::TokenStream;
use quote::quote;

use super::apply::needs_check;
use super::expression::Compiler;
use super::mentions;
use super::names::{field_ident, type_ident};
use super::projections::ReadModel;
use super::view::View;
use crate::model::{
    Assignment, Expression, ExpressionKind, Logic, RowRule, Scope, Type, choosing_key,
};

/// `Projection::key`
pub(crate) fn function(model: &ReadModel<'_>) -> TokenStream {
    let (events, key) = (&model.view.events, model.key_type());
    let sources = &model.projection.source;
    let of_one = sources.iter().filter(|event| !model.projection.visits_several(event)).count();
    let rest = of_one < model.view.aggregate.events.len();
    let body = if model.projection.key.is_empty() {
        let variants = model.projection.source.iter().map(|event| type_ident(event));
        let rest = rest.then(|| quote!(_ => Ok(None),));
        quote!(match event {
            #(#events::#variants(_))|* => __H::key(event, meta).map(Some),
            #rest
        })
    } else {
        arms(model, rest)
    };
    let meta = if mentions(&body, "meta") { quote!(meta) } else { quote!(_meta) };
    let event = if mentions(&body, "event") { quote!(event) } else { quote!(_event) };
    quote! {
        fn key(#event: &#events, #meta: &__Metadata) -> Result<Option<#key>, __ProjectionError> {
            #body
        }
    }
}

/// The key by event; events that give it alike, without being read, share an arm.
fn arms(model: &ReadModel<'_>, rest: bool) -> TokenStream {
    let events = &model.view.events;
    let mut arms: Vec<(TokenStream, TokenStream)> = Vec::new();
    let of_one = model.projection.source.iter().filter(|it| !model.projection.visits_several(it));
    for event in of_one {
        let keys = Keys { model, compiler: compiler(model.view) };
        let value = keys.of(model.rules_of(event));
        let (variant, read) = (type_ident(event), keys.compiler.used(Scope::Event));
        let pattern = if read { quote!(event) } else { quote!(_) };
        let pattern = quote!(#events::#variant(#pattern));
        match arms.last_mut() {
            Some((before, same)) if !read && same.to_string() == value.to_string() => {
                *before = quote!(#before | #pattern);
            }
            _ => arms.push((pattern, value)),
        }
    }
    if arms.is_empty() {
        return quote!(Ok(None));
    }
    let arms = arms.iter().map(|(pattern, value)| quote!(#pattern => #value,));
    let rest = rest.then(|| quote!(_ => None,));
    quote!(Ok(match event { #(#arms)* #rest }))
}

/// The keys of one event.
struct Keys<'k> {
    model: &'k ReadModel<'k>,
    compiler: Compiler<'k>,
}

impl Keys<'_> {
    /// The key of the first rule whose condition holds. No condition here asks a row: rules that do come
    /// after the key is certain.
    fn of(&self, rules: &[RowRule]) -> TokenStream {
        let key = &self.model.projection.key;
        let choosing = choosing_key(key, rules);
        let alike = &rules[choosing.len()..];
        let last = alike.first().map_or(key.as_slice(), |rule| rule.own_or(key));
        // By hand there are no rules, and every event has a key.
        let certain = rules.is_empty()
            || alike.iter().any(|rule| rule.when.is_none() || rule.asks_row())
            || choosing.is_empty() && !self.can_fail(last);
        let last = certain.then(|| self.literal(last));
        let mut branches = self.branches(if certain { choosing } else { rules });
        if let Some(last) = &last {
            while branches.last().is_some_and(|(_, key)| key.to_string() == last.to_string()) {
                branches.pop();
            }
        }
        if branches.len() > 1 {
            self.model.view.types.note_choice();
        }
        let last = last.map_or_else(|| quote!(None), |key| quote!(Some(#key)));
        if branches.is_empty() {
            return last;
        }
        let branches = branches.iter().map(|(when, key)| {
            let when = self.compiler.condition(when);
            quote!(if #when { Some(#key) } else)
        });
        quote!(#(#branches)* { #last })
    }

    /// Conditions with the keys that they choose; neighbours with the same key are one.
    fn branches(&self, rules: &[RowRule]) -> Vec<(Expression, TokenStream)> {
        let mut branches: Vec<(Expression, TokenStream)> = Vec::new();
        for rule in rules {
            let when = rule.when.clone().unwrap_or_else(|| {
                unreachable!("a rule without `when` is the last, and chooses no key")
            });
            let key = self.literal(rule.own_or(&self.model.projection.key));
            match branches.last_mut().filter(|(_, same)| same.to_string() == key.to_string()) {
                Some((before, _)) => *before = either(before.clone(), when),
                None => branches.push((when, key)),
            }
        }
        branches
    }

    /// Whether a key can't be told of every event: arithmetic, or a column of few digits.
    fn can_fail(&self, key: &[Assignment]) -> bool {
        let apart = Keys { model: self.model, compiler: compiler(self.model.view) };
        apart.literal(key);
        apart.compiler.is_fallible() || !self.checks(key).is_empty()
    }

    fn literal(&self, key: &[Assignment]) -> TokenStream {
        literal(self.model, &self.compiler, key)
    }

    fn checks(&self, key: &[Assignment]) -> TokenStream {
        checks(self.model, key)
    }
}

/// A key, checked where a column of it can't take every value.
pub(super) fn literal(
    model: &ReadModel<'_>,
    compiler: &Compiler<'_>,
    key: &[Assignment],
) -> TokenStream {
    let literal = match key {
        [only] => compiler.value(&only.value),
        several => {
            let ident = model.key_ident();
            let fields = several.iter().map(|it| compiler.field_value(&it.field, &it.value));
            quote!(#ident { #(#fields,)* })
        }
    };
    let checks = checks(model, key);
    if checks.is_empty() { literal } else { quote!({ let key = #literal; #checks key }) }
}

/// Checks of key columns that can't take every value of their Rust type: here, so that they hold for
/// the rows that are sought as for those that are made.
fn checks(model: &ReadModel<'_>, key: &[Assignment]) -> TokenStream {
    let types = &model.view.types;
    let columns = model.key_columns();
    let checks = key.iter().filter_map(|it| {
        let of = &columns.iter().find(|column| column.name == it.field)?.field_type;
        let field = field_ident(&it.field);
        let place = if key.len() == 1 { quote!(&key) } else { quote!(&key.#field) };
        needs_check(types, of, &it.value).then(|| types.check(of, &place, &it.field))
    });
    quote!(#(#checks)*)
}

fn compiler<'v>(view: &'v View<'_>) -> Compiler<'v> {
    Compiler::new(&view.types, [(Scope::Event, quote!(event))])
}

/// `a || b`
fn either(a: Expression, b: Expression) -> Expression {
    let kind = ExpressionKind::Logic(Logic::Or, Box::new(a), Box::new(b));
    Expression { kind, result: Type::Boolean }
}
