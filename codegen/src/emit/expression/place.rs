//! Values from outside the expression, and fields of records.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::{Code, Compiler, Kind, Level, inner_type};
use crate::emit::names::{field_ident, local_ident};
use crate::model::{Expression, MetaField, Scope, Type};

impl Compiler<'_> {
    pub(super) fn read(&self, scope: Scope, name: &str, copy: bool) -> Code {
        self.used.borrow_mut().insert(scope);
        if let (Scope::Input, Some(kind)) = (scope, self.parameters.get(name)) {
            let ident = local_ident(name);
            return Code { tokens: quote!(#ident), kind: *kind, level: Level::Atom };
        }
        let field = field_ident(name);
        let base = self.scopes.get(&scope);
        let base = base.unwrap_or_else(|| unreachable!("{scope:?} can't be read here"));
        Code::place(quote!(#base.#field), copy)
    }

    pub(super) fn meta(&self, field: MetaField) -> Code {
        self.meta_used.set(true);
        let meta = &self.meta;
        match field {
            MetaField::At => Code::value(quote!(#meta.at), true),
            MetaField::Sequence => Code::value(quote!(#meta.sequence_number()), true),
            MetaField::RecordedAt => Code::value(quote!(#meta.recorded_at), true),
            MetaField::StreamId => self.stream_id(),
            MetaField::Actor => Code::optional_text(quote!(#meta.actor.as_deref())),
            MetaField::CorrelationId => {
                Code::optional_text(quote!(#meta.correlation_id.as_deref()))
            }
            MetaField::CausationId => Code::optional_text(quote!(#meta.causation_id.as_deref())),
        }
    }

    pub(super) fn stream_id(&self) -> Code {
        self.meta_used.set(true);
        let stream_id = &self.stream_id;
        Code::text(quote!(#stream_id.as_str()))
    }

    pub(super) fn local(&self, name: &str) -> Code {
        let kind = self.locals.borrow().get(name).copied();
        let kind = kind.unwrap_or_else(|| unreachable!("the local `{name}` is not bound here"));
        let ident = local_ident(name);
        Code { tokens: quote!(#ident), kind, level: Level::Atom }
    }

    pub(super) fn new_id(&self) -> TokenStream {
        let mut ids = self.new_ids.borrow_mut();
        let ident = match ids.len() {
            0 => format_ident!("new_id"),
            count => format_ident!("new_id_{}", count + 1),
        };
        ids.push(ident.clone());
        quote!(#ident)
    }

    pub(super) fn field(&self, base: &Expression, name: &str, copy: bool) -> Code {
        let field = field_ident(name);
        let base = self.compile(base);
        let from_value = base.kind == Kind::Owned;
        let base = base.operand(Level::Atom);
        if from_value {
            Code::value(quote!(#base.#field), copy)
        } else {
            Code::place(quote!(#base.#field), copy)
        }
    }

    pub(super) fn optional_field(&self, base: &Expression, name: &str, copy: bool) -> Code {
        let of = inner_type(&base.result);
        let fields = self.types.record_fields(of);
        let of_field =
            fields.iter().find(|field| field.name == name).map(|field| &field.field_type);
        let nested = matches!(of_field, Some(Type::Optional(_)));
        let of_field = of_field.map(inner_type);
        let base = self.compile(base);
        // What a temporary holds can't be referred to after it.
        let lasting = base.kind != Kind::Owned;
        let reference = match base.kind {
            Kind::OptionalReference => base.tokens,
            _ => {
                let base = base.operand(Level::Atom);
                quote!(#base.as_ref())
            }
        };
        let field = field_ident(name);
        let map = if nested { quote!(and_then) } else { quote!(map) };
        if copy {
            return Code::value(quote!(#reference.#map(|value| value.#field)), true);
        }
        let text = matches!(of_field, Some(Type::String));
        if lasting && text {
            let value = if nested {
                quote!(value.#field.as_deref())
            } else {
                quote!(value.#field.as_str())
            };
            return Code::optional_text(quote!(#reference.#map(|value| #value)));
        }
        if lasting {
            let value = if nested { quote!(value.#field.as_ref()) } else { quote!(&value.#field) };
            return Code::optional_reference(quote!(#reference.#map(|value| #value)));
        }
        Code::value(quote!(#reference.#map(|value| value.#field.clone())), false)
    }
}
