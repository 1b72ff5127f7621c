//! Single values with a type of their own: a struct that holds the value, made only by the rules.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use super::expression::{decimal_literal, grouped};
use super::layout::{self, Part};
use super::names::type_ident;
use super::types::is_copy;
use crate::model::{Newtype, Type, ValueRule};

/// The type and what it can do.
pub(crate) fn items(definition: &Newtype) -> Vec<Part> {
    let ident = type_ident(&definition.name);
    let base = base_type(&definition.base);
    let docs = layout::doc(&format!(
        "{}: {}",
        layout::code(&definition.name),
        layout::code(&definition.text)
    ));
    let copy = is_copy(&definition.base).then(|| quote!(Copy,));
    let mut items = vec![
        layout::item(quote! {
            #docs
            #[derive(Clone, #copy Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
            pub struct #ident(#base);
        }),
        functions(definition, &ident, &base),
        layout::block(
            &quote!(impl __fmt::Display for #ident),
            vec![vec![quote! {
                fn fmt(&self, f: &mut __fmt::Formatter<'_>) -> __fmt::Result {
                    __fmt::Display::fmt(&self.0, f)
                }
            }]],
        ),
        value_impl(&ident),
    ];
    items.extend(is_key(&definition.base).then(|| key_impl(&ident)));
    items.push(column_impl(&ident));
    items
}

fn functions(definition: &Newtype, ident: &Ident, base: &TokenStream) -> Part {
    let mut functions = vec![vec![constructor(definition, base)]];
    if definition.is_checked() {
        functions.push(vec![quote! {
            /// A value as it was recorded, whatever the rules were then: nothing is checked here.
            /// What is appended is checked again.
            pub fn recorded(value: #base) -> Self { Self(value) }
        }]);
        functions.push(vec![validate(definition, ident)]);
    }
    functions.push(vec![match definition.base {
        Type::String => quote! {
            /// The text.
            pub fn as_str(&self) -> &str { &self.0 }
        },
        _ => quote! {
            /// The value.
            pub fn get(self) -> #base { self.0 }
        },
    }]);
    if definition.base == Type::String {
        functions.push(vec![quote! {
            /// The text as one of its own.
            pub fn into_string(self) -> String { self.0 }
        }]);
    }
    layout::block(&quote!(impl #ident), functions)
}

fn constructor(definition: &Newtype, base: &TokenStream) -> TokenStream {
    let (parameter, value) = match definition.base {
        Type::String => (quote!(impl Into<String>), quote!(value.into())),
        _ => (quote!(#base), quote!(value)),
    };
    if !definition.is_checked() {
        return quote! {
            /// The value with its name.
            pub fn new(value: #parameter) -> Self { Self(#value) }
        };
    }
    quote! {
        /// A value that keeps the rules.
        ///
        /// # Errors
        /// With the first rule that it breaks.
        pub fn new(value: #parameter) -> Result<Self, __RangeError> {
            let value = Self(#value);
            value.validate()?;
            Ok(value)
        }
    }
}

fn validate(definition: &Newtype, ident: &Ident) -> TokenStream {
    let digits = match definition.base {
        Type::Decimal(Some((precision, scale))) => {
            let precision = Literal::u32_unsuffixed(precision);
            let scale = Literal::u32_unsuffixed(scale);
            Some(quote!(__rule::digits(&self.0, #precision, #scale)))
        }
        _ => None,
    };
    let name = ident.to_string();
    let pattern = definition.rules.iter().find_map(|rule| match rule {
        ValueRule::Matching(pattern) => Some(quote! {
            static PATTERN: __rule::Pattern = __rule::Pattern::new(#pattern);
        }),
        _ => None,
    });
    let rules = definition.rules.iter().map(|rule| checked(definition, rule, &name));
    let mut checks: Vec<TokenStream> = digits.into_iter().chain(rules).collect();
    let last = checks.pop();
    quote! {
        /// Checks the rules.
        ///
        /// # Errors
        /// With the first rule that is broken.
        pub fn validate(&self) -> Result<(), __RangeError> {
            #pattern
            #(#checks?;)*
            #last
        }
    }
}

fn checked(definition: &Newtype, rule: &ValueRule, name: &str) -> TokenStream {
    let limit = |text: &String| match definition.base {
        Type::Integer => grouped(text.parse().unwrap_or_default()),
        _ => decimal_literal(text),
    };
    match rule {
        ValueRule::AtLeast(text) => {
            let limit = limit(text);
            quote!(__rule::at_least(#name, self.0, #limit))
        }
        ValueRule::AtMost(text) => {
            let limit = limit(text);
            quote!(__rule::at_most(#name, self.0, #limit))
        }
        ValueRule::GreaterThan(text) => {
            let limit = limit(text);
            quote!(__rule::greater_than(#name, self.0, #limit))
        }
        ValueRule::LessThan(text) => {
            let limit = limit(text);
            quote!(__rule::less_than(#name, self.0, #limit))
        }
        ValueRule::Characters { least, most } => {
            let (least, most) = (count(*least), count(*most));
            quote!(__rule::characters(#name, &self.0, #least, #most))
        }
        ValueRule::Matching(_) => quote!(PATTERN.check(#name, &self.0)),
    }
}

fn count(limit: Option<u32>) -> TokenStream {
    match limit {
        Some(limit) => {
            let limit = Literal::u32_unsuffixed(limit);
            quote!(Some(#limit))
        }
        None => quote!(None),
    }
}

fn value_impl(ident: &Ident) -> Part {
    layout::block(
        &quote!(impl __codec::Value for #ident),
        vec![
            vec![quote!(
                fn write_value(&self, out: &mut __Writer) {
                    self.0.write_value(out);
                }
            )],
            vec![quote! {
                fn read_value(token: __codec::Token<'_>) -> Result<Self, __DecodeError> {
                    __codec::Value::read_value(token).map(Self)
                }
            }],
            vec![quote!(
                fn key_text(&self) -> String {
                    __codec::Value::key_text(&self.0)
                }
            )],
        ],
    )
}

fn key_impl(ident: &Ident) -> Part {
    layout::block(
        &quote!(impl __codec::Key for #ident),
        vec![vec![quote! {
            fn read_key(text: &str) -> Result<Self, __DecodeError> {
                __codec::Key::read_key(text).map(Self)
            }
        }]],
    )
}

fn column_impl(ident: &Ident) -> Part {
    layout::block(
        &quote!(impl __ColumnValue for #ident),
        vec![
            vec![quote!(
                fn to_value(&self) -> __Value {
                    self.0.to_value()
                }
            )],
            vec![quote! {
                fn from_value(value: __Value) -> Option<Self> {
                    __ColumnValue::from_value(value).map(Self)
                }
            }],
        ],
    )
}

/// Whether its values can be members of sets and keys of maps.
fn is_key(base: &Type) -> bool {
    matches!(base, Type::String | Type::Integer | Type::Uuid | Type::Date)
}

fn base_type(base: &Type) -> TokenStream {
    match base {
        Type::String => quote!(String),
        Type::Integer => quote!(i64),
        Type::Decimal(_) => quote!(__Decimal),
        Type::Date => quote!(__Date),
        Type::Duration => quote!(__Duration),
        Type::Uuid => quote!(__Uuid),
        other => unreachable!("{other:?} takes no name of its own"),
    }
}
